//! The `podferry` command: one file for each subcommand, with its options and `run`. Here is the list of them, and what all share.

mod account;
mod account_settings;
mod backfill;
mod block_on;
mod captured;
mod changes;
mod cost;
mod demo;
mod doctor;
mod error;
mod exit;
mod explain;
mod flags;
mod generate;
mod init;
mod inject;
mod input;
mod intake;
mod json_output;
mod lint;
mod lint_files;
mod logs;
mod loopback;
mod manifest;
mod named;
mod node_differences;
mod notes;
mod output;
mod page;
mod preview;
mod project;
mod redrive;
mod replace;
mod rules;
mod selection;
mod settings;
mod shell;
mod show;
mod shown_logs;
mod simulate;
mod sparkline;
mod spinner;
mod status;
mod subscribe;
mod terminal;
mod unsubscribe;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use error::CommandError;
use exit::Exit;

/// Ship the logs of EKS Fargate pods from CloudWatch Logs to Datadog
#[derive(Debug, Parser)]
#[command(version = env!("PODFERRY_VERSION"), propagate_version = true, arg_required_else_help = true, max_term_width = 110)]
#[command(after_long_help = "Examples:
  podferry demo
  podferry init
  podferry generate all --out prod
  podferry doctor

Exit codes:
  0    the work is done, and nothing is wrong
  1    the work is done, and something needs your attention
  2    the work could not be done
  130  you pressed Ctrl-C")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: output::GlobalFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoOptions),
    Preview(Box<preview::PreviewOptions>),
    Explain(Box<explain::ExplainOptions>),
    /// Decode captured events and queue messages
    #[command(subcommand)]
    Logs(logs::LogsCommand),
    /// Test log processing rules before you deploy them
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    Init(Box<init::InitOptions>),
    Generate(Box<generate::GenerateOptions>),
    Inject(Box<inject::InjectOptions>),
    Lint(Box<lint::LintOptions>),
    Simulate(Box<simulate::SimulateOptions>),
    Diff(Box<simulate::diff::DiffOptions>),
    Subscribe(Box<subscribe::SubscribeOptions>),
    Unsubscribe(Box<unsubscribe::UnsubscribeOptions>),
    Doctor(Box<doctor::DoctorOptions>),
    Backfill(Box<backfill::BackfillOptions>),
    Redrive(Box<redrive::RedriveOptions>),
    Status(Box<status::StatusOptions>),
    Cost(Box<cost::CostOptions>),
    Intake(intake::IntakeOptions),
    Completions(shell::CompletionsOptions),
    Man(shell::ManOptions),
    Settings(settings::SettingsOptions),
}

/// Runs the command. The exit codes stand in `docs/commands.md`.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.global.apply();
    match dispatch(arguments.command) {
        Ok(exit) => exit.end(),
        // `podferry … | head` is no mistake.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done.end(),
        Err(error) => {
            show::error(&error);
            Exit::Failed.end()
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Demo(options) => options.run(),
        Command::Preview(options) => options.run(),
        Command::Explain(options) => options.run(),
        Command::Logs(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Init(options) => options.run(),
        Command::Generate(options) => options.run(),
        Command::Inject(options) => options.run(),
        Command::Lint(options) => options.run(),
        Command::Simulate(options) => options.run(),
        Command::Diff(options) => options.run(),
        Command::Subscribe(options) => options.run(),
        Command::Unsubscribe(options) => options.run(),
        Command::Doctor(options) => options.run(),
        Command::Backfill(options) => options.run(),
        Command::Redrive(options) => options.run(),
        Command::Status(options) => options.run(),
        Command::Cost(options) => options.run(),
        Command::Intake(options) => options.run(),
        Command::Completions(options) => options.run(Arguments::command()),
        Command::Man(options) => options.run(Arguments::command()),
        Command::Settings(options) => options.run(),
    }
}
