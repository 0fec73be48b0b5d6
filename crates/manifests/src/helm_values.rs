//! Values for Datadog's Helm chart: the Cluster Agent, which injects sidecars, and on other nodes the Agent.
//!
//! Source: DataDog/helm-charts, `charts/datadog` of version 3.240.0, `values.yaml` and `templates/_ac-agent-sidecar-env.yaml`.
//! `scripts/check_installs` renders the chart with what is written here.

use crate::agent::{CLUSTER_AGENT, SECRET, is_text};
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
    check(injection).map_err(Refused::Value)?;
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
         {}{}",
        cluster.name(),
        injection.nodes(),
        injection.needs(),
        permission(injection),
        namespace = injection.datadog_namespace
    );
    Ok(GeneratedFile::documents("helm-values.yaml", &introduction, vec![values]))
}

/// What the chart's role of the Cluster Agent lacks, unlike the Operator's: to read and write a ConfigMap in other namespaces. Source:
/// `templates/cluster-agent-rbac.yaml`.
fn permission(injection: &Injection) -> String {
    if injection.cluster_agent_ca.is_none() {
        return String::new();
    }
    let name = "datadog-ca-cert";
    format!(
        "\nThe chart does not let the Cluster Agent write the ConfigMap {name} into other namespaces; this does:\n\
         kubectl create clusterrole {name} --verb get,create,update --resource configmaps\n\
         kubectl create clusterrolebinding {name} --clusterrole {name} \\\n\
         --serviceaccount {}:{CLUSTER_AGENT}",
        injection.datadog_namespace
    )
}

/// Whether the chart can say it: some of what it is given it writes into its manifests without quotes, or in single ones.
fn check(injection: &Injection) -> Result<(), &'static str> {
    if injection.tag.as_deref().is_some_and(|tag| !is_text(tag)) {
        return Err(
            "--image-tag: the chart writes this tag without quotes, and Kubernetes takes it for a number or a word: give a whole \
             version, such as 7.78.1",
        );
    }
    if !is_text(&injection.datadog_namespace) {
        return Err(
            "--datadog-namespace: the chart writes the namespace without quotes, and Kubernetes takes this one for a number or a word",
        );
    }
    if injection.env.iter().any(|(_, value)| value.contains('\'')) {
        return Err(
            "--env: the chart puts the variables in single quotes, so no value can have one; `podferry generate operator` takes it",
        );
    }
    Ok(())
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
        .with("clusterName", cluster.datadog_name())
        .with("site", cluster.site())
        .with("kubeStateMetricsCore", state)
        .with("collectEvents", injection.events)
        .with_some("apm", injection.instrumentation().map(|libraries| Map::new().with("instrumentation", libraries)))
}

fn cluster_agent(injection: &Injection) -> Map {
    let profiles = "At most one. Quote every value: the chart loses an unquoted false.";
    let sidecars = injection.sidecars("imageTag", injection.tag.as_deref().map(Node::from), profiles);
    Map::new()
        .with("enabled", true)
        .with("replicas", injection.cluster_agent_replicas)
        .with("tokenExistingSecret", SECRET)
        .with_some("env", injection.cluster_agent_env())
        .with_some("volumes", injection.cluster_agent_volumes())
        .with_some("volumeMounts", injection.cluster_agent_mounts())
        .with("admissionController", Map::new().with("enabled", true).with("agentSidecarInjection", sidecars))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;

    #[test]
    fn what_the_chart_cannot_say_is_refused() {
        let options = ClusterOptions { cluster: Some("prod".into()), ..ClusterOptions::default() };
        let cluster = options.check().unwrap();
        let refused = |injection: Injection| generate(&cluster, &injection).is_err();
        for (tag, bad) in [
            ("7", true),
            ("7.71", true),
            ("7.71.0", false),
            ("7-jmx", false),
            ("latest", false),
            ("1e3", true),
            ("0x7", true),
            ("1_000", true),
            ("no", true),
            ("null", true),
        ] {
            let injection = Injection { tag: Some(tag.into()), ..Injection::default() };
            assert_eq!(refused(injection.clone()), bad, "{tag}");
            assert!(crate::operator::generate(&cluster, &injection).is_ok(), "{tag}");
        }
        for (value, bad) in
            [("it's", true), ("''", true), ("\"", false), ("a\\b", false), ("{{ x }}", false), ("", false)]
        {
            let injection = Injection { env: vec![("DD_X".into(), value.into())], ..Injection::default() };
            assert_eq!(refused(injection.clone()), bad, "{value}");
            assert!(crate::operator::generate(&cluster, &injection).is_ok(), "{value}");
        }
    }
}
