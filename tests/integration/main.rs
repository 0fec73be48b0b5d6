//! The `podferry` command, as people start it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

mod advice;
mod alarms;
mod backfill;
mod cli;
mod cost;
mod doctor;
mod doctor_canary;
mod doctor_cluster;
mod doctor_fluent_bit;
mod documents;
mod explain;
mod generate;
mod inject;
mod lint_command;
mod logs;
mod page;
mod presets;
mod preview;
mod project;
mod redrive;
mod simulate;
mod spellings;
mod status;
mod subscribe;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::moto::TestAccount;

const PODFERRY: &str = env!("CARGO_BIN_EXE_podferry");

/// A folder of one test, which is deleted with it.
struct Folder(PathBuf);

impl Folder {
    /// The name is for people who find it; no two are the same folder.
    fn new(name: &str) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("podferry-{name}-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it.
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// What is in it, by name.
    fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = fs::read_dir(&self.0).unwrap().map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command with this on its standard input.
fn with_input(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The real command in an account on loopback.
trait InAccount {
    /// It finds this account and nothing else in its environment.
    fn podferry_command(&self, arguments: &[&str]) -> Command;

    fn podferry(&self, arguments: &[&str]) -> Output {
        self.podferry_command(arguments).output().unwrap()
    }

    /// A function such as `template.yaml` deploys it.
    fn forwarder(&self, name: &str, variables: &Value);
}

impl InAccount for TestAccount {
    fn podferry_command(&self, arguments: &[&str]) -> Command {
        self.command(PODFERRY, arguments)
    }

    fn forwarder(&self, name: &str, variables: &Value) {
        let body = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": self.role(), "Timeout": 120,
            "MemorySize": 256, "Architectures": ["arm64"], "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
            "Environment": { "Variables": variables },
        });
        self.rest("lambda", "POST", "/2015-03-31/functions", &body);
        let config = json!({ "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:s3:::podferry-failed" } } });
        self.rest("lambda", "PUT", &format!("/2019-09-25/functions/{name}/event-invoke-config"), &config);
    }
}
