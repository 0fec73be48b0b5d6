//! The `podferry` command, as people start it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

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

use testkit::moto::TestAccount;

const PODFERRY: &str = env!("CARGO_BIN_EXE_podferry");

/// The real command in an account on loopback.
trait InAccount {
    /// It finds this account and nothing else in its environment.
    fn podferry_command(&self, arguments: &[&str]) -> Command;

    fn podferry(&self, arguments: &[&str]) -> Output {
        self.podferry_command(arguments).output().unwrap()
    }
}

impl InAccount for TestAccount {
    fn podferry_command(&self, arguments: &[&str]) -> Command {
        self.command(PODFERRY, arguments)
    }
}
