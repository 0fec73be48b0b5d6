//! `podferry generate all`: its flags.

use clap::Args;

use super::common::CommonFlags;
use super::logging::LoggingFlags;
use super::secret::SecretSourceFlags;
use crate::cli::error::CommandError;
use manifests::agent;
use manifests::all::{self, AllOptions};
use manifests::injection::Injection;

/// The whole set for a cluster, with a README that lists the commands in order
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateAllOptions {
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

impl GenerateAllOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let GenerateAllOptions { common, logging, role, operator, mixed, datadog_namespace, secret } = self;
        if !common.output.is_folder() {
            return Err(CommandError::refused("this writes several files: give a folder with --out DIR"));
        }
        let cluster = common.cluster()?;
        let file = match secret.values_if_any()? {
            None => None,
            Some(values) => Some(secret.file(&cluster, &datadog_namespace, &values)?),
        };
        let without = file.is_none();
        let injection = Injection { datadog_namespace, mixed, ..Injection::default() };
        let options = AllOptions { logging: logging.into(), injection, operator, role, json: common.output.is_json() };
        let files = all::generate(&cluster, &options, file).map_err(CommandError::refused)?;
        let mut notes = Vec::from_iter(all::note(&cluster));
        if without {
            notes.push(
                "secret.yaml was left out, as there is no API key; the README says how to generate it".to_owned(),
            );
        }
        common.output.write(&files, &notes)
    }
}
