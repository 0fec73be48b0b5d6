//! `podferry generate all`: its flags.

use clap::Args;

use super::secret::Source;
use super::{Common, LoggingOptions, refused};
use crate::cli::CommandError;
use manifests::agent;
use manifests::all::{self, AllOptions};
use manifests::injection::Injection;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct All {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    logging: LoggingOptions,
    /// Name of the pod execution role.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// A DatadogAgent for the Datadog Operator instead of values for the Helm chart.
    #[arg(long)]
    operator: bool,
    /// There are nodes beside Fargate.
    #[arg(long)]
    mixed: bool,
    /// The Cluster Agent's namespace.
    #[arg(long, value_name = "NAME", default_value = agent::NAMESPACE)]
    datadog_namespace: String,
    #[command(flatten)]
    secret: Source,
}

impl All {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let All { common, logging, role, operator, mixed, datadog_namespace, secret } = self;
        if !common.output.is_folder() {
            return Err(refused("these are several files: give a folder with --out DIR"));
        }
        let cluster = common.cluster()?;
        let file = match secret.values_if_any()? {
            None => None,
            Some(values) => Some(secret.file(&cluster, &datadog_namespace, &values)?),
        };
        let without = file.is_none();
        let injection = Injection { datadog_namespace, mixed, ..Injection::default() };
        let options = AllOptions { logging: logging.into(), injection, operator, role };
        let files = all::generate(&cluster, &options, file).map_err(refused)?;
        let mut notes = Vec::new();
        if without {
            notes.push("no secret.yaml: no API key was given; the README says how to make it".to_owned());
        }
        common.output.write(&files, &notes)
    }
}
