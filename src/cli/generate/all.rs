//! `podferry generate logs` and `podferry generate all`: their flags. `all` is `logs --agent`.

use clap::Args;

use super::common::CommonFlags;
use super::logging::LoggingFlags;
use super::secret::SecretSourceFlags;
use crate::cli::error::CommandError;
use manifests::agent;
use manifests::all::{self, AgentSet, AllOptions};
use manifests::injection::Injection;

/// What the logs of a cluster need, with a README that lists the commands in order
///
/// Fargate profile, permission, Fluent Bit's configuration, subscription, monitors and dashboard; with --agent also what the Datadog
/// Agent beside the pods needs.
#[derive(Debug, Clone, Args)]
#[command(mut_args(|flag| if OF_THE_AGENT.contains(&flag.get_id().as_str()) { flag.requires("agent") } else { flag }))]
pub(super) struct GenerateLogsOptions {
    /// Also write what the Agent needs: Secret, RBAC, Cluster Agent, and a monitor that alerts when no Agent reports.
    #[arg(long)]
    agent: bool,
    #[command(flatten)]
    set: SetFlags,
}

/// The flags that only the Agent's part of the set reads, by clap's names of them. (Those of an external store require each other.)
const OF_THE_AGENT: [&str; 6] =
    ["operator", "mixed", "datadog_namespace", "api_key_file", "token_file", "external_secret"];

/// The whole set for a cluster: the same as `logs --agent`
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateAllOptions {
    #[command(flatten)]
    set: SetFlags,
}

/// What both take.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("api_key_file", |flag| flag.help("File with the API key, for secret.yaml; `-` for standard input [default: no secret.yaml; the README asks for the key]")))]
struct SetFlags {
    #[command(flatten)]
    logging: LoggingFlags,
    /// Name of the pod execution role.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Generate a DatadogAgent for the Datadog Operator instead of values for the Helm chart.
    #[arg(long)]
    operator: bool,
    /// The cluster has other nodes besides Fargate.
    #[arg(long)]
    mixed: bool,
    /// Namespace of the Cluster Agent.
    #[arg(long, value_name = "NAME", default_value = agent::NAMESPACE)]
    datadog_namespace: String,
    #[command(flatten)]
    secret: SecretSourceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateLogsOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        self.set.run(self.agent)
    }
}

impl GenerateAllOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        self.set.run(true)
    }
}

impl SetFlags {
    fn run(self, has_agent: bool) -> Result<(), CommandError> {
        let SetFlags { common, logging, role, operator, mixed, datadog_namespace, secret } = self;
        if !common.output.is_folder() {
            return Err(CommandError::refused("this writes several files: give a folder with --out DIR"));
        }
        let cluster = common.cluster()?;
        let mut notes = Vec::from_iter(all::note(&cluster));
        let agent = if has_agent {
            // Only where a flag says so: a variable that happens to be set puts no key into a file.
            let values = if secret.is_given() { secret.values_if_any()? } else { None };
            let secret = values.map(|values| secret.file(&cluster, &datadog_namespace, &values)).transpose()?;
            if secret.is_none() {
                notes.push(
                    "there is no secret.yaml, because no flag says where the API key is; the README has a command that asks for it".to_owned(),
                );
            }
            let injection = Injection { datadog_namespace, mixed, ..Injection::default() };
            Some(AgentSet { injection, operator, secret })
        } else {
            None
        };
        let options = AllOptions { logging: logging.into(), agent, role, json: common.output.is_json() };
        let files = all::generate(&cluster, &options).map_err(CommandError::refused)?;
        common.output.write(&files, &notes)
    }
}
