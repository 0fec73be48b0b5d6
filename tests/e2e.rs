//! The forwarder in real runtimes: `cargo lambda watch`, AWS's Runtime Interface Emulator, moto for the keys.
//!
//! `scripts/e2e` does the work and says what it did, or what it left out because a tool is missing. Its output is not
//! captured, so a part that was skipped is seen. `.ci/run` installs the tools, and there nothing is skipped.

use std::process::Command;

fn part(name: &str) {
    let run = Command::new("python3")
        .args(["scripts/e2e", "--skip-missing", "--only", name])
        .args(["--forwarder", env!("CARGO_BIN_EXE_forwarder"), "--podferry", env!("CARGO_BIN_EXE_podferry")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    match run {
        Ok(status) => assert!(status.success(), "scripts/e2e --only {name}: {status}"),
        Err(error) => eprintln!("skip  {name}: python3 is missing ({error})"),
    }
}

#[test]
fn cargo_lambda_watch() {
    part("watch");
}

#[test]
fn the_runtime_interface_emulator() {
    part("emulator");
}

#[test]
fn api_keys_from_aws() {
    part("keys");
}
