//! `podferry generate helm-values` and `podferry generate operator`: the flags that both have.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use crate::cli::flags::{LogFlags, SizeFlags, pair};
use manifests::cluster::{Cluster, Refused};
use manifests::injection;
use manifests::{GeneratedFile, agent, helm_values, operator};

#[derive(Debug, Clone, Args)]
pub(super) struct GenerateInjectionOptions {
    /// Namespace of the Cluster Agent.
    #[arg(long, value_name = "NAME", default_value = agent::NAMESPACE)]
    datadog_namespace: String,
    /// The cluster has other nodes besides Fargate: run the Agent on those.
    #[arg(long)]
    mixed: bool,
    /// Label of the pods that get a sidecar; repeat it to require several [default: agent.datadoghq.com/sidecar=fargate].
    #[arg(long = "selector", value_name = "LABEL=VALUE", value_parser = pair)]
    pod_labels: Vec<(String, String)>,
    /// Label of the namespaces whose pods get a sidecar [default: all namespaces].
    #[arg(long = "namespace-selector", value_name = "LABEL=VALUE", value_parser = pair)]
    namespace_labels: Vec<(String, String)>,
    /// Environment variable of every sidecar; repeatable.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    #[command(flatten)]
    size: SizeFlags,
    /// Run sidecars as user 100, as the image requires, whatever the pod's securityContext says.
    #[arg(long)]
    run_as_agent: bool,
    /// Make the sidecars' root file system read-only.
    #[arg(long)]
    read_only_root_filesystem: bool,
    /// Let sidecars verify the Cluster Agent's certificate: the Secret of type kubernetes.io/tls with the authority that signs it.
    #[arg(long, value_name = "SECRET")]
    cluster_agent_ca: Option<String>,
    /// Inject tracing libraries into the pods with a sidecar, of these languages [without a value: of all].
    #[arg(
        long,
        value_name = "LANGUAGE=VERSION",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = ALL_LANGUAGES,
        value_parser = library
    )]
    apm_libraries: Option<Vec<Option<(String, String)>>>,
    /// Collect the processes of all containers.
    #[arg(long)]
    processes: bool,
    #[command(flatten)]
    logs: LogFlags,
    /// Image tag of the sidecars [default: set by the chart or the Operator].
    #[arg(long, value_name = "TAG")]
    image_tag: Option<String>,
    /// The old spelling of --image-tag.
    #[arg(long = "tag", value_name = "TAG", hide = true, conflicts_with = "image_tag")]
    old_tag: Option<String>,
    /// Number of Cluster Agent replicas.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    cluster_agent_replicas: i64,
    /// Run cluster checks on this many Cluster Checks Runners [without a value: 2].
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, require_equals = true, default_value_t = 0, default_missing_value = "2")]
    cluster_checks_runner: i64,
    /// Collect metrics about Kubernetes objects (Kubernetes State Metrics Core).
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true)]
    kube_state_metrics: bool,
    /// Collect Kubernetes events.
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true)]
    events: bool,
    #[command(flatten)]
    common: CommonFlags,
}

/// What the flag says without a value.
const ALL_LANGUAGES: &str = "all";

/// `LANGUAGE=VERSION`; `None` for all languages.
fn library(text: &str) -> Result<Option<(String, String)>, String> {
    match text.split_once('=') {
        None if text == ALL_LANGUAGES => Ok(None),
        Some((language, version)) => Ok(Some((language.to_owned(), version.to_owned()))),
        None => Err("must be LANGUAGE=VERSION, such as python=v3".to_owned()),
    }
}

impl GenerateInjectionOptions {
    pub(super) fn helm_values(self) -> Result<(), CommandError> {
        self.run(helm_values::generate)
    }

    pub(super) fn operator(self) -> Result<(), CommandError> {
        self.run(operator::generate)
    }

    fn run(
        self,
        generate: fn(&Cluster, &injection::Injection) -> Result<GeneratedFile, Refused>,
    ) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let options = injection::Injection {
            datadog_namespace: self.datadog_namespace,
            mixed: self.mixed,
            pod_labels: self.pod_labels,
            namespace_labels: self.namespace_labels,
            env: self.env,
            resources: self.size.resources(),
            run_as_agent: self.run_as_agent,
            read_only: self.read_only_root_filesystem,
            cluster_agent_ca: self.cluster_agent_ca,
            libraries: self.apm_libraries.map(|all| all.into_iter().flatten().collect()),
            processes: self.processes,
            native_logs: self.logs.native_logs,
            tag: self.image_tag.or(self.old_tag),
            cluster_agent_replicas: self.cluster_agent_replicas,
            cluster_checks_runners: self.cluster_checks_runner,
            kube_state_metrics: self.kube_state_metrics,
            events: self.events,
        };
        let file = generate(&cluster, &options).map_err(CommandError::refused)?;
        self.common.output.write(&[file], &[])
    }
}
