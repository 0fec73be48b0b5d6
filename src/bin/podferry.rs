//! The `podferry` command: see `podferry::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    podferry::cli::run()
}
