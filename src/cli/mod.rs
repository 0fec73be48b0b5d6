//! The `podferry` command: one file a subcommand, thin over the library.

mod demo;
mod intake;
mod preview;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings;

/// Ferries the logs of EKS Fargate pods from CloudWatch Logs to Datadog.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send bundled sample events through the forwarder to an intake on loopback, and show what arrives.
    ///
    /// Runs the very code of the Lambda. Nothing leaves this machine, and no variable of yours is read.
    Demo {
        /// Print what arrived as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what Datadog would get of an event, sending nothing.
    ///
    /// The event is what the function is invoked with ({"awslogs":{"data":"…"}}), or its content once decoded
    /// ({"messageType":"DATA_MESSAGE",…}). The forwarder's variables (DD_TAGS, DD_ENV, …) have their effect.
    Preview {
        /// The file with the event; `-` for standard input.
        #[arg(value_name = "EVENT.json")]
        file: PathBuf,
        /// Print all logs as a JSON array, as they would be sent.
        #[arg(long)]
        json: bool,
        /// How many logs to show in full.
        #[arg(long, default_value_t = 1, value_name = "NUMBER", conflicts_with = "json")]
        logs: usize,
    },
    /// Run a stand-in for Datadog's log intake on loopback, and print what it gets.
    ///
    /// For trying the Lambda locally: set DD_URL to the address that it prints.
    Intake {
        /// Address and port to listen on; loopback only.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
        listen: std::net::SocketAddr,
        /// Print each log as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the table of the forwarder's variables, as Markdown.
    Settings,
}

/// What to tell people when a command cannot do its work: what happened, and what to do.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Event { path: String, error: crate::pipeline::event::EventError },
    #[error("{path}: {hint}")]
    NotAnEvent { path: String, hint: &'static str },
    #[error(transparent)]
    Settings(#[from] settings::Mistakes),
    #[error("{address}: {error}; choose another address with --listen")]
    Listen { address: String, error: std::io::Error },
    #[error("{0}: the stand-in would be open to the network; listen on 127.0.0.1 or [::1]")]
    NotLoopback(std::net::SocketAddr),
    #[error(transparent)]
    Failure(#[from] crate::lambda::handler::Failure),
    #[error("{0}")]
    Internal(String),
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Runs the command; 0 if it did its work, 2 if it could not.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        // `podferry … | head` is no mistake.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{}error:{} {error}", show::ERROR, show::ERROR.render_reset());
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Demo { json } => block_on(demo::run(json)),
        Command::Preview { file, json, logs } => preview::run(&file, json, logs),
        Command::Intake { listen, json } => block_on(intake::run(listen, json)),
        Command::Settings => {
            use std::io::Write;
            Ok(std::io::stdout().lock().write_all(settings::markdown().as_bytes())?)
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Internal(format!("could not start: {error}")))?;
    runtime.block_on(work)
}
