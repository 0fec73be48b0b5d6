//! Values for Datadog's Helm chart: the Cluster Agent, which injects sidecars, and on other nodes the Agent.
//!
//! Source: DataDog/helm-charts, `charts/datadog`, `values.yaml` of version 3.240.0; `tests/fixtures/generate/chart.tsv` has the
//! lines of it that are used here.

use crate::agent::SECRET;
use crate::cluster::{Cluster, Refused};
use crate::file::GeneratedFile;
use crate::injection::Injection;
use crate::node::{Map, Node};

/// The values.
///
/// # Errors
/// [`Refused`].
pub fn generate(cluster: &Cluster, injection: &Injection) -> Result<GeneratedFile, Refused> {
    injection.check(cluster)?;
    let mut values =
        Map::new().with("datadog", datadog(cluster, injection)).with("clusterAgent", cluster_agent(injection));
    let why = if injection.mixed {
        "The DaemonSet for nodes other than Fargate; it does not run on Fargate."
    } else {
        "There are no nodes for a DaemonSet."
    };
    values = values.with_comment(why, "agents", Map::new().with("enabled", injection.mixed));
    let runners = injection.cluster_checks_runners;
    if runners > 0 {
        let runner = Map::new().with("enabled", true).with("replicas", runners);
        values = values.with_comment("Run cluster checks instead of the Cluster Agent.", "clusterChecksRunner", runner);
    }
    let introduction = format!(
        "Values of Datadog's Helm chart for cluster {}: {}.\n\
         helm upgrade --install datadog datadog/datadog --namespace {namespace} --values helm-values.yaml\n\
         {}",
        cluster.name(),
        injection.nodes(),
        injection.needs(),
        namespace = injection.datadog_namespace
    );
    Ok(GeneratedFile::documents("helm-values.yaml", &introduction, vec![values]))
}

fn datadog(cluster: &Cluster, injection: &Injection) -> Map {
    let mut state = Map::new().with("enabled", injection.kube_state_metrics);
    if injection.kube_state_metrics && injection.cluster_checks_runners > 0 {
        state = state.with("useClusterCheckRunners", true);
    }
    Map::new()
        .with_comment(
            "The Secret needs the key api-key and, for tokenExistingSecret below, the key token.",
            "apiKeyExistingSecret",
            SECRET,
        )
        .with("clusterName", cluster.name())
        .with("site", cluster.site())
        .with("kubeStateMetricsCore", state)
        .with("collectEvents", injection.events)
}

fn cluster_agent(injection: &Injection) -> Map {
    let profiles = "At most one. Quote every value: the chart loses an unquoted false.";
    let sidecars = injection.sidecars("imageTag", injection.tag.as_deref().map(Node::from), profiles);
    Map::new()
        .with("enabled", true)
        .with("replicas", injection.cluster_agent_replicas)
        .with("tokenExistingSecret", SECRET)
        .with_some("env", injection.cluster_agent_env())
        .with("admissionController", Map::new().with("enabled", true).with("agentSidecarInjection", sidecars))
}
