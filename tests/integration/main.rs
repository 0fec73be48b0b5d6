//! The `podferry` command, as people start it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

mod advice;
mod backfill;
mod cli;
mod doctor;
mod generate;
mod inject;
mod lint_command;
mod logs;
mod presets;
mod project;
mod redrive;
mod spellings;
mod status;
mod subscribe;

use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::moto::TestAccount;

const PODFERRY: &str = env!("CARGO_BIN_EXE_podferry");

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
    }
}
