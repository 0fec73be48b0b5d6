//! `podferry generate helm-values` and `podferry generate operator`: the flags that both have.

use clap::Args;

use super::{Common, refused};
use crate::cli::CommandError;
use crate::cli::flags::{LogFlags, SizeFlags, pair};
use manifests::cluster::{Cluster, Refused};
use manifests::injection;
use manifests::{GeneratedFile, agent, helm_values, operator};

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Injection {
    #[command(flatten)]
    common: Common,
    /// The Cluster Agent's namespace.
    #[arg(long, value_name = "NAME", default_value = agent::NAMESPACE)]
    datadog_namespace: String,
    /// There are nodes beside Fargate: run the Agent on them.
    #[arg(long)]
    mixed: bool,
    /// Label of the pods that get a sidecar; several: pods with all of them [default: agent.datadoghq.com/sidecar=fargate].
    #[arg(long = "selector", value_name = "LABEL=VALUE", value_parser = pair)]
    pod_labels: Vec<(String, String)>,
    /// Label of the namespaces whose pods get one [default: all namespaces].
    #[arg(long = "namespace-selector", value_name = "LABEL=VALUE", value_parser = pair)]
    namespace_labels: Vec<(String, String)>,
    /// Variable of every sidecar; may be given several times.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    #[command(flatten)]
    size: SizeFlags,
    /// Run sidecars as user 100, which the image needs, whatever the pod's securityContext says.
    #[arg(long)]
    run_as_agent: bool,
    /// Collect the processes of all containers.
    #[arg(long)]
    processes: bool,
    #[command(flatten)]
    logs: LogFlags,
    /// The sidecars' version [default: that of the chart or of the Operator].
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// How many Cluster Agents.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    cluster_agent_replicas: i64,
    /// Let Cluster Checks Runners do the Cluster Agent's checks, and how many.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, require_equals = true, default_value_t = 0, default_missing_value = "2")]
    cluster_checks_runner: i64,
    /// State of the cluster's objects as metrics.
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true)]
    kube_state_metrics: bool,
    /// Kubernetes events.
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true)]
    events: bool,
}

impl Injection {
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
            processes: self.processes,
            native_logs: self.logs.native_logs,
            tag: self.tag,
            cluster_agent_replicas: self.cluster_agent_replicas,
            cluster_checks_runners: self.cluster_checks_runner,
            kube_state_metrics: self.kube_state_metrics,
            events: self.events,
        };
        let file = generate(&cluster, &options).map_err(refused)?;
        self.common.output.write(&[file], &[])
    }
}
