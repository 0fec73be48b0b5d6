//! `podferry generate`: the flags of each kind of manifest, where the options of the cluster come from, and where the files go.
//!
//! What stands in the files is `manifests`' work.

mod all;
mod annotations;
mod aws;
mod fargate_profile;
mod injection;
mod output;
mod rbac;
mod secret;
mod sidecar;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::CommandError;
use manifests::cluster::{Cluster, ClusterOptions, FILE};
use manifests::{iam, logging, monitor, subscription};

/// Options that all kinds share.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    #[command(flatten)]
    cluster: ClusterOptions,
    /// A file with these options; flags win [default: podferry.yaml, where it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: output::Output,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Yaml,
    Json,
}

/// What to generate.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Namespace aws-observability and ConfigMap aws-logging: how Fluent Bit writes the pods' logs.
    Logging {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: LoggingOptions,
    },
    /// The policy of the pod execution role: what Fluent Bit may write to.
    Iam {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: aws::IamOptions,
    },
    /// Subscription filters for log groups, as a template of CloudFormation.
    Subscription {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: aws::SubscriptionOptions,
    },
    /// For Datadog: a monitor of the Agents on Fargate, and a dashboard of the logs' way.
    Monitor {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: aws::MonitorOptions,
    },
    /// ClusterRole, its binding and the service accounts: what the Agent in a pod may read.
    Rbac(rbac::Rbac),
    /// The Secret datadog-secret in every namespace: API key, and token of the Cluster Agent.
    ///
    /// The API key comes from the variable DD_API_KEY or a file, never from a flag.
    Secret(secret::Secret),
    /// The Agent as a sidecar: a patch for a workload.
    Sidecar(sidecar::Sidecar),
    /// Values of Datadog's Helm chart: the Cluster Agent, which injects sidecars.
    HelmValues(injection::Injection),
    /// A DatadogAgent for the Datadog Operator, saying the same as helm-values.
    Operator(injection::Injection),
    /// What the Agent is to check in a container: annotations of Autodiscovery v2.
    Annotations(annotations::Annotations),
    /// Which pods run on Fargate: profiles for eksctl.
    FargateProfile(fargate_profile::FargateProfile),
    /// The whole set for a cluster, with a README that has the commands in order.
    All(all::All),
}

#[derive(Debug, Clone, Args)]
pub(super) struct LoggingOptions {
    /// Let Fluent Bit write its own log, too.
    #[arg(long)]
    process_logs: bool,
    /// Drop all lines of a namespace at the source; may be given several times, as the next two.
    #[arg(long = "drop-namespace", value_name = "NAME")]
    drop_namespaces: Vec<String>,
    /// Drop all lines of containers of this name.
    #[arg(long = "drop-container", value_name = "NAME")]
    drop_containers: Vec<String>,
    /// Drop lines that this regular expression finds something in.
    #[arg(long = "drop-pattern", value_name = "REGEX")]
    drop_patterns: Vec<String>,
    /// Write to a stream of Amazon Data Firehose as well.
    #[arg(long = "firehose", value_name = "STREAM")]
    firehose_streams: Vec<String>,
    /// Write to a domain of OpenSearch as well.
    #[arg(long = "opensearch", value_name = "HOST")]
    opensearch_hosts: Vec<String>,
}

impl From<LoggingOptions> for logging::LoggingOptions {
    fn from(options: LoggingOptions) -> logging::LoggingOptions {
        logging::LoggingOptions {
            process_logs: options.process_logs,
            drop_namespaces: options.drop_namespaces,
            drop_containers: options.drop_containers,
            drop_patterns: options.drop_patterns,
            firehose_streams: options.firehose_streams,
            opensearch_hosts: options.opensearch_hosts,
        }
    }
}

pub(super) fn run(what: What) -> Result<(), CommandError> {
    match what {
        What::Logging { common, options } => {
            let (file, characters) = logging::generate(&common.cluster()?, &options.into()).map_err(refused)?;
            common.output.write(&[file], &[format!("{characters} of {} characters", logging::MAX_CHARACTERS)])
        }
        What::Iam { common, options } => {
            let file = iam::generate(&common.cluster()?, &options.into()).map_err(refused)?;
            common.output.write(&[file], &[])
        }
        What::Subscription { common, options } => {
            let file = subscription::generate(&common.cluster()?, &options.into()).map_err(refused)?;
            common.output.write(&[file], &[])
        }
        What::Monitor { common, options } => {
            let files = monitor::generate(&common.cluster()?, &options.into()).map_err(refused)?;
            common.output.write(&files, &[])
        }
        What::Rbac(what) => what.run(),
        What::Secret(what) => what.run(),
        What::Sidecar(what) => what.run(),
        What::HelmValues(what) => what.helm_values(),
        What::Operator(what) => what.operator(),
        What::Annotations(what) => what.run(),
        What::FargateProfile(what) => what.run(),
        What::All(what) => what.run(),
    }
}

/// Something that cannot be generated: what, and what to do.
pub(super) fn refused(error: impl std::fmt::Display) -> CommandError {
    CommandError::Refused(error.to_string())
}

impl Common {
    /// The cluster that flags and file describe.
    fn cluster(&self) -> Result<Cluster, CommandError> {
        cluster_of(self.cluster.clone(), self.config.as_deref())
    }
}

/// The cluster that flags and a file describe.
pub(super) fn cluster_of(flags: ClusterOptions, config: Option<&Path>) -> Result<Cluster, CommandError> {
    let file = match config {
        Some(path) => read_options(path)?,
        None if Path::new(FILE).exists() => read_options(Path::new(FILE))?,
        None => ClusterOptions::default(),
    };
    flags.or(file).check().map_err(|mistakes| CommandError::Refused(mistakes.join("\n       ")))
}

fn read_options(path: &Path) -> Result<ClusterOptions, CommandError> {
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| CommandError::File { path: shown(), error })?;
    ClusterOptions::from_yaml(&text).map_err(|problem| CommandError::Refused(format!("{}: {problem}", shown())))
}
