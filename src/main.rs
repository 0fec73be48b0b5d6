//! The `podferry` command.
//!
//! * [`cli`] has one file for each subcommand: options in, text out, exit codes.
//! * [`aws`] is what the operator's commands ask of AWS.
//!
//! What it decides stands in other crates: `pipeline` (what Datadog gets), `manifests` (what is generated, injected and linted), `forwarder`
//! (settings and delivery of the Lambda), `intake` (the stand-in for Datadog that `demo` and `intake` start).

mod aws;
mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
