//! A DatadogAgent for the Datadog Operator: the same as `helm_values`, in the Operator's words.
//!
//! Source: DataDog/datadog-operator, `docs/configuration.v2alpha1.md`; Datadog, "Amazon EKS on AWS Fargate", "Admission
//! Controller – Datadog Operator".

use crate::agent::{API_KEY, SECRET, TOKEN};
use crate::cluster::{Cluster, Refused};
use crate::file::GeneratedFile;
use crate::injection::Injection;
use crate::node::Map;

/// The manifest.
///
/// # Errors
/// [`Refused`].
pub fn generate(cluster: &Cluster, injection: &Injection) -> Result<GeneratedFile, Refused> {
    injection.check(cluster)?;
    let spec = Map::new()
        .with("global", global(cluster))
        .with("features", features(injection))
        .with("override", overrides(injection));
    let agent = Map::new()
        .with("apiVersion", "datadoghq.com/v2alpha1")
        .with("kind", "DatadogAgent")
        .with("metadata", Map::new().with("name", "datadog").with("namespace", injection.datadog_namespace.as_str()))
        .with("spec", spec);
    let introduction = format!(
        "What the Datadog Operator runs in cluster {}: {}.\nOnce the Operator is installed: kubectl apply --filename operator.yaml\n{}",
        cluster.name(),
        injection.nodes(),
        injection.needs()
    );
    Ok(GeneratedFile::documents("operator.yaml", &introduction, vec![agent]))
}

fn global(cluster: &Cluster) -> Map {
    let secret = |key: &str| Map::new().with("secretName", SECRET).with("keyName", key);
    Map::new()
        .with("clusterName", cluster.datadog_name())
        .with("site", cluster.site())
        .with("credentials", Map::new().with("apiSecret", secret(API_KEY)))
        .with_comment(
            "Without it the Operator generates its own token, which no sidecar has.",
            "clusterAgentTokenSecret",
            secret(TOKEN),
        )
}

fn features(injection: &Injection) -> Map {
    let image = injection.tag.as_deref().map(|tag| Map::new().with("tag", tag).into());
    let sidecars = injection.sidecars("image", image, "At most one.");
    let enabled = |value: bool| Map::new().with("enabled", value);
    let checks = enabled(true).with("useClusterChecksRunners", injection.cluster_checks_runners > 0);
    Map::new()
        .with("admissionController", enabled(true).with("agentSidecarInjection", sidecars))
        .with("clusterChecks", checks)
        .with("kubeStateMetricsCore", enabled(injection.kube_state_metrics))
        .with("eventCollection", Map::new().with("collectKubernetesEvents", injection.events))
        .with_some("apm", injection.instrumentation().map(|libraries| Map::new().with("instrumentation", libraries)))
}

fn overrides(injection: &Injection) -> Map {
    let mounts = injection.cluster_agent_mounts().map(|mounts| Map::new().with("volumeMounts", mounts));
    let cluster_agent = Map::new()
        .with("replicas", injection.cluster_agent_replicas)
        .with_some("env", injection.cluster_agent_env())
        .with_some("volumes", injection.cluster_agent_volumes())
        .with_some("containers", mounts.map(|container| Map::new().with("cluster-agent", container)));
    let mut overrides = Map::new().with("clusterAgent", cluster_agent);
    if !injection.mixed {
        overrides = overrides.with_comment(
            "There are no nodes for a DaemonSet.",
            "nodeAgent",
            Map::new().with("disabled", true),
        );
    }
    let runners = injection.cluster_checks_runners;
    if runners > 0 {
        overrides = overrides.with("clusterChecksRunner", Map::new().with("replicas", runners));
    }
    overrides
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::agent::Resources;
    use crate::cluster::ClusterOptions;
    use crate::file::FileContent;
    use crate::helm_values;
    use crate::sidecar::NativeLogs;

    fn cluster() -> Cluster {
        let options = ClusterOptions {
            cluster: Some("prod".into()),
            site: Some("datadoghq.eu".into()),
            ..ClusterOptions::default()
        };
        options.check().unwrap()
    }

    fn value(file: GeneratedFile) -> Value {
        let FileContent::Documents { documents, .. } = file.content else { panic!("documents") };
        serde_json::to_value(&documents[0]).unwrap()
    }

    fn pairs(name: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), "x".to_owned())]
    }

    fn everything() -> Vec<Injection> {
        let all = Injection {
            datadog_namespace: "datadog".into(),
            mixed: true,
            pod_labels: pairs("app"),
            namespace_labels: pairs("team"),
            env: vec![("DD_ENV".into(), "1".into()), ("DD_LOG_LEVEL".into(), "false".into())],
            resources: Some(Resources { cpu: "300m".into(), memory: "512Mi".into() }),
            run_as_agent: true,
            read_only: true,
            cluster_agent_ca: Some("datadog-ca".into()),
            libraries: Some(vec![("python".into(), "v3".into())]),
            processes: true,
            native_logs: NativeLogs::All,
            tag: Some("7.78.1".into()),
            cluster_agent_replicas: 2,
            cluster_checks_runners: 2,
            kube_state_metrics: true,
            events: true,
        };
        let every_language = Some(Vec::new());
        let less = Injection {
            libraries: every_language,
            cluster_agent_ca: None,
            kube_state_metrics: false,
            events: false,
            cluster_checks_runners: 0,
            ..all.clone()
        };
        vec![Injection::default(), all, less]
    }

    /// A path in the chart's values, and the same in the Operator's words.
    const SAME: [(&str, &str); 19] = [
        ("/datadog/clusterName", "/spec/global/clusterName"),
        ("/datadog/site", "/spec/global/site"),
        ("/datadog/apiKeyExistingSecret", "/spec/global/credentials/apiSecret/secretName"),
        ("/clusterAgent/tokenExistingSecret", "/spec/global/clusterAgentTokenSecret/secretName"),
        ("/datadog/kubeStateMetricsCore/enabled", "/spec/features/kubeStateMetricsCore/enabled"),
        ("/datadog/collectEvents", "/spec/features/eventCollection/collectKubernetesEvents"),
        ("/clusterAgent/replicas", "/spec/override/clusterAgent/replicas"),
        ("/clusterAgent/env", "/spec/override/clusterAgent/env"),
        ("/clusterAgent/admissionController/enabled", "/spec/features/admissionController/enabled"),
        ("/clusterChecksRunner/replicas", "/spec/override/clusterChecksRunner/replicas"),
        ("/clusterAgent/volumes", "/spec/override/clusterAgent/volumes"),
        ("/clusterAgent/volumeMounts", "/spec/override/clusterAgent/containers/cluster-agent/volumeMounts"),
        ("/datadog/apm/instrumentation", "/spec/features/apm/instrumentation"),
        ("#/clusterAgentTlsVerification", "#/clusterAgentTlsVerification"),
        ("#/enabled", "#/enabled"),
        ("#/provider", "#/provider"),
        ("#/selectors", "#/selectors"),
        ("#/profiles", "#/profiles"),
        ("#/imageTag", "#/image/tag"),
    ];

    #[test]
    fn chart_and_operator_say_the_same() {
        for injection in everything() {
            let chart = value(helm_values::generate(&cluster(), &injection).unwrap());
            let operator = value(generate(&cluster(), &injection).unwrap());
            for (of_chart, of_operator) in SAME {
                let of_chart = of_chart.replace('#', "/clusterAgent/admissionController/agentSidecarInjection");
                let of_operator = of_operator.replace('#', "/spec/features/admissionController/agentSidecarInjection");
                assert_eq!(chart.pointer(&of_chart), operator.pointer(&of_operator), "{of_chart}");
            }
            let is_disabled = operator.pointer("/spec/override/nodeAgent/disabled") == Some(&json!(true));
            assert_eq!(chart["agents"]["enabled"], json!(!is_disabled));
            let has_runners = chart.pointer("/clusterChecksRunner/enabled") == Some(&json!(true));
            assert_eq!(operator["spec"]["features"]["clusterChecks"]["useClusterChecksRunners"], json!(has_runners));
        }
    }

    /// All paths to values that are no maps, with their types; what is in a list is not the chart's.
    fn paths(value: &Value, path: &str, found: &mut Vec<(String, &'static str)>) {
        let kind = match value {
            Value::Object(map) => {
                let deeper = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                map.iter().for_each(|(name, value)| paths(value, &deeper(name), found));
                return;
            }
            Value::Array(_) => "list",
            Value::Bool(_) => "bool",
            Value::Number(_) => "int",
            _ => "string",
        };
        found.push((path.to_owned(), kind));
    }

    #[test]
    fn the_chart_has_every_value_that_is_set() {
        let chart = known(include_str!("lint/rules/install/chart.tsv"));
        for injection in everything() {
            let mut found = Vec::new();
            paths(&value(helm_values::generate(&cluster(), &injection).unwrap()), "", &mut found);
            for (path, kind) in found {
                let is_open = chart.iter().any(|(open, of)| *of == "open" && path.starts_with(&format!("{open}.")));
                let of_chart = chart.get(path.as_str()).copied();
                assert!(
                    is_open || of_chart.is_some_and(|of_chart| of_chart == kind || of_chart == "null"),
                    "{path}: {of_chart:?}"
                );
            }
        }
    }

    #[test]
    fn the_operator_has_every_field_that_is_set() {
        let fields = known(include_str!("lint/rules/install/datadogagent.tsv"));
        for injection in everything() {
            let mut found = Vec::new();
            let operator = value(generate(&cluster(), &injection).unwrap());
            paths(&operator["spec"], "spec", &mut found);
            for (path, kind) in found {
                let component = path.strip_prefix("spec.override.").and_then(|rest| rest.split_once('.'));
                let path = component.map_or(path.clone(), |(_, rest)| format!("spec.override.*.{rest}"));
                let path = path.replace(".containers.cluster-agent.", ".containers.*.");
                assert_eq!(fields.get(path.as_str()).copied(), Some(kind), "{path}");
            }
        }
    }

    fn known(table: &'static str) -> std::collections::HashMap<&'static str, &'static str> {
        table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect()
    }
}
