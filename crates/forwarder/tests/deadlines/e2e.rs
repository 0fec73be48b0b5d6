//! The forwarder in real runtimes: `cargo lambda watch`, AWS's Runtime Interface Emulator, moto for the keys.
//!
//! `scripts/e2e` does the work and says what it did, or what it left out because a tool is missing. Its output is not
//! captured, so a part that was skipped is seen. `.ci/run` installs the tools, and there nothing is skipped.
//!
//! Its part `faults` is left to `.ci/run`: the module `faults` is the same matrix without moto.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use testkit::runtime_api::forwarder_program;

#[test]
fn real_runtimes() {
    let _alone = crate::alone();
    const BUILT: &str = env!("CARGO_BIN_EXE_forwarder");
    let forwarder = forwarder_program(BUILT);
    // Of another package: there after `cargo test` at the top, but not after `cargo test -p forwarder`.
    let podferry = Path::new(BUILT).with_file_name("podferry");
    if !podferry.is_file() {
        // Not by `eprintln!`: the test passes, and of those Cargo shows no output.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {} is not built: cargo build", podferry.display());
        return;
    }
    // One after the other, `watch` last: it rebuilds the forwarder in the place from which the others run it.
    for part in ["emulator", "keys", "watch"] {
        let run = Command::new("python3")
            .args(["scripts/e2e", "--skip-missing", "--only", part])
            .args([Path::new("--forwarder"), &forwarder, Path::new("--podferry"), &podferry])
            .current_dir(testkit::ROOT)
            .status();
        match run {
            Ok(status) => assert!(status.success(), "scripts/e2e --only {part}: {status}"),
            Err(error) => _ = writeln!(std::io::stderr(), "skip  {part}: python3 is missing ({error})"),
        }
    }
}
