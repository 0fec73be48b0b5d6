//! The `podferry` command: one file a subcommand, thin over the library.

mod account;
mod backfill;
mod changes;
mod demo;
mod doctor;
mod exit;
mod flags;
mod generate;
mod init;
mod inject;
mod intake;
mod lint;
mod logs;
mod manifest;
mod preview;
mod redrive;
mod replace;
mod rules;
mod selection;
mod shell;
mod show;
mod status;
mod subscribe;
mod unsubscribe;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;
use forwarder::settings;

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
        /// With --json: print what became of every log, those that are left out too, and why.
        #[arg(long, requires = "json")]
        explain: bool,
        /// How many logs to show in full.
        #[arg(long, default_value_t = 1, value_name = "NUMBER", conflicts_with = "json")]
        logs: usize,
    },
    /// Look into what carries logs.
    Logs {
        #[command(subcommand)]
        command: LogsCommand,
    },
    /// Look at log processing rules before they are deployed.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Write podferry.yaml: what `generate` and `inject` have to know of a cluster.
    ///
    /// On a terminal it asks for what the flags do not say.
    Init {
        #[command(flatten)]
        cluster: manifests::cluster::ClusterOptions,
        /// The file to write.
        #[arg(long, value_name = "FILE", default_value = manifests::cluster::FILE)]
        out: PathBuf,
        /// Write over a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Write the manifests that logs on their way need: for Kubernetes, for AWS and for Datadog.
    ///
    /// Options of the cluster come from flags, or from podferry.yaml in this folder.
    Generate {
        #[command(subcommand)]
        what: Box<generate::What>,
    },
    /// Put the Agent's sidecar, or only the label for it, into manifests, as the Admission Controller would.
    ///
    /// Takes YAML or JSON with Pods, Deployments, StatefulSets, ReplicaSets, Jobs, CronJobs and Lists of them. Everything else, and all
    /// comments, order and layout stay as they are. A second run changes nothing. The manifests go to standard output, or back
    /// into their files with --write; what was done goes to standard error, and what could not be done with the reason.
    ///
    /// Exit code 0: all pods have the Agent. 1: something was left alone that has no Agent. 2: nothing was done, because a file or
    /// an option is wrong.
    Inject(Box<inject::Options>),
    /// Say what EKS, Fluent Bit and Datadog would refuse in manifests, or would lose without a word.
    ///
    /// Takes YAML and JSON: the ConfigMap aws-logging and its namespace, pods with the Agent, RBAC, secrets, values of Datadog's Helm
    /// chart, the Operator's resources, IAM policies, templates of CloudFormation. All files are looked at together: what one says is
    /// held against what another says. A comment `# podferry: allow PF301 reason`, at the end of a line or on the line above, allows
    /// what a rule finds there.
    ///
    /// Exit code 0: nothing at or above --fail-on. 1: something. 2: a file could not be read.
    Lint(Box<lint::Options>),
    /// Subscribe log groups to the forwarder: CloudWatch Logs then hands their events to the function.
    ///
    /// Looks at what stands, shows what it would create, change, leave, and what is in conflict, and asks. Makes one permission
    /// for the function, not one a group, and the subscription filters. A second run changes nothing. Refuses the function's own
    /// log group, and groups that take no filter. A filter that leads elsewhere is never touched.
    ///
    /// Exit code 0: all is subscribed. 1: something is in conflict. 2: a call failed, or an argument is wrong.
    Subscribe(Box<subscribe::Options>),
    /// Take subscriptions to the forwarder back; nothing else is touched.
    ///
    /// Deletes the subscription filters that lead to the function, whatever their names, and the permission that `subscribe` made
    /// as soon as nothing needs it.
    Unsubscribe(Box<unsubscribe::Options>),
    /// Check the whole way of the logs, step by step: what is right, what is wrong, what could not be checked, and what mends it.
    ///
    /// Looks at the credentials, the function and its settings, the API key (Datadog is asked whether it knows it), the function's
    /// role, log groups and their filters, the queues, and by kubectl at the namespace, the ConfigMap and the pods. Without a choice of
    /// log groups it looks at all that lead to the function. Changes nothing; with --send-test one log goes to Datadog.
    ///
    /// Exit code 0: nothing is wrong. 1: something is, or could not be checked. 2: there are no credentials for AWS; the cluster is
    /// looked at all the same.
    Doctor(Box<doctor::Options>),
    /// Send history from CloudWatch Logs to Datadog, through the forwarder's own pipeline.
    ///
    /// Reads log groups with FilterLogEvents, below the account's quota, and makes of the events what the function would: joined,
    /// tagged, masked, by the same settings (DD_API_KEY, DD_SITE, DD_TAGS, …), or by those of a function (--function). After any
    /// interruption the same command goes on where it was, by a checkpoint file. What may be sent twice is one page.
    ///
    /// Exit code 0: all is in Datadog. 1: Datadog refused some, which are in a file now. 2: it could not be done, or not to the end.
    /// 130: you ended it.
    Backfill(Box<backfill::Options>),
    /// Look at dead letters, and send them again or drop them.
    ///
    /// Lists what lies in the function's dead-letter queue: what, why and since when, never the text of logs. Looking takes nothing
    /// away. With --send or --drop it shows what it would do, and asks.
    ///
    /// Exit code 0: no dead letters are left of those that were asked for. 1: some are. 2: it could not be done.
    Redrive(Box<redrive::Options>),
    /// Show how the forwarder does: log groups, filters, queues, errors; what is wrong and what to do.
    ///
    /// Without a choice of log groups it shows all that lead to the function. What cannot be read is said in its place, and stops
    /// nothing else. Changes nothing.
    ///
    /// Exit code 0: nothing is wrong. 1: something is, or could not be read. 2: nothing could be read at all.
    Status(Box<status::Options>),
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
    /// Print the script by which a shell completes podferry's commands and flags.
    ///
    /// bash: `source <(podferry completions bash)` in ~/.bashrc. zsh: write it to a file `_podferry` in a folder of $fpath. fish: write
    /// it to ~/.config/fish/completions/podferry.fish.
    Completions {
        /// The shell that the script is for.
        shell: clap_complete::Shell,
    },
    /// Print the manual page podferry(1), or write the pages of all commands into a folder.
    ///
    /// `podferry man | man -l -` shows it.
    Man {
        /// Write a page for each command into this folder: podferry.1, podferry-preview.1, …
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Print the table of the forwarder's variables, as Markdown.
    Settings {
        /// Print the settings of Datadog's own Lambda forwarder, and what each does here.
        #[arg(long)]
        forwarder: bool,
    },
}

#[derive(Debug, Subcommand)]
enum LogsCommand {
    /// Print the logs in an event, a record or a message, a line of JSON each.
    ///
    /// Takes events of the function (CloudWatch Logs, SQS, Kinesis, Firehose), single records, messages of podferry's queue, objects of
    /// failed events, what `aws sqs receive-message` and `aws kinesis get-records` print, gzip and base64; several in a row, too.
    /// Logs of CloudWatch come as group, stream, id, time and message; logs of the queue as Datadog would get them.
    ///
    /// Exit code 1: something in it could not be read.
    Decode {
        /// The file; `-` for standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Compile the rules of a manifest, and run them over sample lines.
    ///
    /// The sample's lines come from standard input, as the container would write them. The forwarder's variables
    /// (DD_LOGS_CONFIG_PROCESSING_RULES, PODFERRY_REDACT, …) have their effect on them. Exit code 1: a rule does not work.
    Check {
        /// A pod's or workload's manifest (YAML or JSON), or the value of an annotation ad.datadoghq.com/<container>.logs or of
        /// DD_LOGS_CONFIG_PROCESSING_RULES; `-` for standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only the annotation of this container.
        #[arg(long, value_name = "NAME")]
        container: Option<String>,
        /// Take the sample's lines from this file.
        #[arg(long, value_name = "FILE")]
        sample: Option<PathBuf>,
        /// Print everything as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to tell people when a command cannot do its work: what happened, and what to do.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Event { path: String, error: pipeline::event::EventError },
    #[error("{path}: this is neither YAML nor JSON: {problem}")]
    Manifest { path: String, problem: String },
    #[error(
        "{path}: no annotation `ad.datadoghq.com/<container>.logs` in it. Give the manifest of a pod or of a workload, or the annotation's value"
    )]
    NoAnnotation { path: String },
    #[error("{path}: no annotation `ad.datadoghq.com/{container}.logs` in it")]
    NoContainer { path: String, container: String },
    #[error("{path}: {hint}")]
    NotAnEvent { path: String, hint: &'static str },
    #[error(transparent)]
    Settings(#[from] settings::Mistakes),
    #[error("{address}: {error}; choose another address with --listen")]
    Listen { address: String, error: std::io::Error },
    #[error("{0}: the stand-in would be open to the network; listen on 127.0.0.1 or [::1]")]
    NotLoopback(std::net::SocketAddr),
    #[error(transparent)]
    Failure(#[from] forwarder::lambda::invocation::InvocationFailure),
    #[error(transparent)]
    Account(#[from] crate::aws::account::AccountError),
    #[error(transparent)]
    Function(#[from] crate::aws::function::FunctionError),
    #[error(transparent)]
    Call(#[from] crate::aws::error::SdkCallError),
    #[error(transparent)]
    Checkpoint(#[from] crate::aws::backfill::checkpoint::CheckpointError),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Internal(String),
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Runs the command. The exit codes stand in `docs/commands.md`.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(exit) => exit.into(),
        // `podferry … | head` is no mistake.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(error) => {
            anstream::eprintln!("{}error:{} {error}", show::ERROR, show::ERROR.render_reset());
            Exit::Failed.into()
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, CommandError> {
    let done = match command {
        Command::Demo { json } => block_on(demo::run(json)),
        Command::Preview { file, json, explain, logs } => preview::run(&file, json, explain, logs),
        Command::Rules { command: RulesCommand::Check { file, container, sample, json } } => {
            let (container, sample) = (container.as_deref(), sample.as_deref());
            return rules::check(&rules::Options { file: &file, container, sample, json });
        }
        Command::Logs { command: LogsCommand::Decode { file } } => return logs::decode(&file),
        Command::Init { cluster, out, force } => init::run(init::Options { cluster, out, force }),
        Command::Generate { what } => generate::run(*what),
        Command::Inject(options) => return inject::run(&options),
        Command::Lint(options) => return lint::run(&options),
        Command::Intake { listen, json } => block_on(intake::run(listen, json)),
        Command::Doctor(options) => return block_on(doctor::run(*options)),
        Command::Backfill(options) => return block_on(backfill::run(*options)),
        Command::Redrive(options) => return block_on(redrive::run(*options)),
        Command::Status(options) => return block_on(status::run(*options)),
        Command::Subscribe(options) => return block_on(subscribe::run(*options)),
        Command::Unsubscribe(options) => return block_on(unsubscribe::run(*options)),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { out } => shell::man(out),
        Command::Settings { forwarder } => {
            use std::io::Write;
            let table = if forwarder { settings::forwarder_markdown() } else { settings::markdown() };
            Ok(std::io::stdout().lock().write_all(table.as_bytes())?)
        }
    };
    done.map(|()| Exit::Done)
}

/// The bytes of a file; `-` is standard input.
fn read(file: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    if file == std::path::Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file)
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Internal(format!("could not start: {error}")))?;
    runtime.block_on(work)
}
