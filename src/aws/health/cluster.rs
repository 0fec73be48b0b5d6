//! The cluster, as `kubectl get … -o json` shows it: the namespace and the ConfigMap that EKS reads, and what EKS says about the pods.

use jiff::Timestamp;
use serde_json::Value;

use super::finding::{HealthArea, HealthFinding};
use manifests::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::LintReport;
use manifests::lint::rule::Severity;
use manifests::lint::source::SourceFile;
use pipeline::counted::counted;

/// How many pods are named, of many.
const SHOWN: usize = 3;

/// Where EKS looks. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster".
pub(crate) const NAMESPACE: &str = "aws-observability";
pub(crate) const CONFIG_MAP: &str = "aws-logging";

/// The command that creates both.
const GENERATE: &str = "podferry generate logging | kubectl apply -f -";

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClusterUnknown {
    /// The cluster answers that it does not exist.
    NotFound,
    /// A sentence: no kubectl, no cluster, no permission.
    Failed(String),
}

/// The namespace.
#[must_use]
pub(crate) fn namespace(seen: Result<&Value, &ClusterUnknown>) -> HealthFinding {
    let name = &format!("namespace {NAMESPACE}");
    match seen {
        Err(ClusterUnknown::Failed(why)) => HealthFinding::unknown(HealthArea::Cluster, name, why),
        Err(ClusterUnknown::NotFound) => {
            HealthFinding::wrong(HealthArea::Cluster, name, "it does not exist, so EKS logs no pod on Fargate")
                .fix(GENERATE)
        }
        Ok(object) if object["metadata"]["labels"][NAMESPACE] != "enabled" => {
            let problem = format!("it has no label {NAMESPACE}=enabled, so EKS ignores it");
            HealthFinding::wrong(HealthArea::Cluster, name, problem)
                .fix(format!("kubectl label namespace {NAMESPACE} {NAMESPACE}=enabled --overwrite"))
        }
        Ok(_) => HealthFinding::ok(HealthArea::Cluster, name, format!("exists, with the label {NAMESPACE}=enabled")),
    }
}

/// What `podferry lint` finds in the ConfigMap. `expected` is known from the function.
#[must_use]
pub(crate) fn config_map(seen: Result<&str, &ClusterUnknown>, expected: &ExpectedTarget) -> Vec<HealthFinding> {
    let name = &format!("configmap {CONFIG_MAP}");
    let text = match seen {
        Err(ClusterUnknown::Failed(why)) => return vec![HealthFinding::unknown(HealthArea::Cluster, name, why)],
        Err(ClusterUnknown::NotFound) => {
            return vec![
                HealthFinding::wrong(HealthArea::Cluster, name, "it does not exist, so EKS logs no pod on Fargate")
                    .fix(GENERATE),
            ];
        }
        Ok(text) => text,
    };
    let sources = [SourceFile::new(&format!("configmap {NAMESPACE}/{CONFIG_MAP}"), text)];
    let report = lint::lint(&sources, expected, &[]).without_preview();
    let mut found = of_lint(name, &report, &sources);
    if found.is_empty() {
        found.push(HealthFinding::ok(HealthArea::Cluster, name, "podferry lint finds nothing"));
    }
    found
}

fn of_lint(name: &str, report: &LintReport, sources: &[SourceFile]) -> Vec<HealthFinding> {
    let judged = |finding: &lint::finding::Finding| {
        let place = sources.get(finding.place.source).map(|source| source.position(finding.place.span.start));
        let place = place.map(|place| format!("{}:{}: ", place.line, place.column)).unwrap_or_default();
        let said = format!("{place}{}: {}", finding.rule.code, finding.message);
        let judged = if finding.rule.severity == Severity::Error {
            HealthFinding::wrong(HealthArea::Cluster, name, said)
        } else {
            HealthFinding::note(HealthArea::Cluster, name, said)
        };
        judged.fix(finding.advice())
    };
    report.findings.iter().map(judged).collect()
}

/// A pod on Fargate, and what EKS says about its logs.
struct FargatePod<'a> {
    name: String,
    /// The annotation `Logging`, if EKS has written it.
    logging: Option<&'a str>,
    created: Option<Timestamp>,
}

/// What EKS says about the pods. `config_map` tells when it was last changed.
#[must_use]
pub(crate) fn pods(seen: Result<&Value, &ClusterUnknown>, config_map: Option<&Value>) -> Vec<HealthFinding> {
    let list = match seen {
        Err(ClusterUnknown::NotFound) => {
            return vec![HealthFinding::unknown(HealthArea::Cluster, "pods", "the cluster shows no pods")];
        }
        Err(ClusterUnknown::Failed(why)) => return vec![HealthFinding::unknown(HealthArea::Cluster, "pods", why)],
        Ok(list) => list,
    };
    let all: Vec<FargatePod> = list["items"].as_array().into_iter().flatten().filter_map(on_fargate).collect();
    if all.is_empty() {
        return vec![HealthFinding::note(
            HealthArea::Cluster,
            "pods",
            "no pod runs on Fargate, so there is nothing to log",
        )];
    }
    let mut found = Vec::new();
    let disabled: Vec<&FargatePod> =
        all.iter().filter(|pod| pod.logging.is_some_and(|text| text.starts_with("LoggingDisabled"))).collect();
    if let [first, ..] = disabled.as_slice() {
        // Source: seen in annotations: `LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND`.
        let reason =
            first.logging.and_then(|text| text.split_once(':')).map_or("no reason given", |(_, reason)| reason.trim());
        let problem = format!("EKS does not log {}: {reason}", named(&disabled));
        let fix = "fix the ConfigMap, then restart the pods: kubectl rollout restart deployment -n NAMESPACE";
        found.push(HealthFinding::wrong(HealthArea::Cluster, "pods", problem).fix(fix));
    }
    let enabled: Vec<&FargatePod> = all.iter().filter(|pod| pod.logging == Some("LoggingEnabled")).collect();
    if !enabled.is_empty() {
        found.push(HealthFinding::ok(HealthArea::Cluster, "pods", format!("EKS logs {}", named(&enabled))));
    }
    let unsaid: Vec<&FargatePod> = all.iter().filter(|pod| pod.logging.is_none()).collect();
    if !unsaid.is_empty() {
        let seen = format!("{} without the annotation `Logging`", named(&unsaid));
        found.push(
            HealthFinding::unknown(HealthArea::Cluster, "pods", seen)
                .fix("kubectl describe pod shows the events LoggingEnabled and LoggingDisabled"),
        );
    }
    let changed = config_map.and_then(last_change);
    let older: Vec<&FargatePod> = enabled
        .into_iter()
        .filter(|pod| pod.created.zip(changed).is_some_and(|(created, changed)| created < changed))
        .collect();
    if !older.is_empty() {
        let seen = format!(
            "{} started before the last change of the ConfigMap: the change does not apply to them",
            named(&older)
        );
        found.push(
            HealthFinding::note(HealthArea::Cluster, "pods", seen)
                .fix("kubectl rollout restart deployment -n NAMESPACE"),
        );
    }
    found
}

/// Pods that run or are about to; no more logs come from those that ended.
fn on_fargate(pod: &Value) -> Option<FargatePod<'_>> {
    let metadata = &pod["metadata"];
    metadata["labels"]["eks.amazonaws.com/fargate-profile"].as_str()?;
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let name = format!("{}/{}", metadata["namespace"].as_str().unwrap_or("default"), metadata["name"].as_str()?);
    Some(FargatePod {
        name,
        logging: metadata["annotations"]["Logging"].as_str(),
        created: time(&metadata["creationTimestamp"]),
    })
}

/// When the object was last written. Source: Kubernetes API reference, `ManagedFieldsEntry`, `time`.
fn last_change(object: &Value) -> Option<Timestamp> {
    let metadata = &object["metadata"];
    let written =
        metadata["managedFields"].as_array().into_iter().flatten().filter_map(|entry| time(&entry["time"])).max();
    written.or_else(|| time(&metadata["creationTimestamp"]))
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// `2 pods on Fargate (shop/a, shop/b)`.
fn named(pods: &[&FargatePod]) -> String {
    let names: Vec<&str> = pods.iter().take(SHOWN).map(|pod| pod.name.as_str()).collect();
    let more = if pods.len() > SHOWN { ", …" } else { "" };
    format!("{} on Fargate ({}{more})", counted(pods.len(), "pod"), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::*;
    use serde_json::json;

    fn pod(name: &str, logging: Option<&str>, created: &str) -> Value {
        let annotations = logging.map(|text| json!({ "Logging": text })).unwrap_or_default();
        json!({ "metadata": {
            "name": name, "namespace": "shop", "creationTimestamp": created, "annotations": annotations,
            "labels": { "eks.amazonaws.com/fargate-profile": "fp" },
        } })
    }

    fn of(pods: &[Value], config_map: Option<&Value>) -> Vec<(HealthSeverity, String)> {
        let found = super::pods(Ok(&json!({ "items": pods })), config_map);
        found.into_iter().map(|one| (one.severity, one.why)).collect()
    }

    const DAY: &str = "2026-11-20T00:00:00Z";

    #[test]
    fn what_eks_says_about_the_pods() {
        assert_eq!(of(&[], None)[0].0, HealthSeverity::Note);
        assert_eq!(of(&[json!({ "metadata": { "name": "on-ec2" } })], None)[0].0, HealthSeverity::Note);
        let seen = of(&[pod("a", Some("LoggingEnabled"), DAY)], None);
        assert_eq!(seen, [(HealthSeverity::Ok, "EKS logs 1 pod on Fargate (shop/a)".to_owned())]);
        let disabled = Some("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND");
        let many: Vec<Value> = ["a", "b", "c", "d"].iter().map(|name| pod(name, disabled, DAY)).collect();
        let expected = "EKS does not log 4 pods on Fargate (shop/a, shop/b, shop/c, …): LOGGING_CONFIGMAP_NOT_FOUND";
        assert_eq!(of(&many, None), [(HealthSeverity::Wrong, expected.to_owned())]);
        assert!(!of(&many[..SHOWN], None)[0].1.contains('…'));
        assert_eq!(of(&[pod("a", None, DAY)], None)[0].0, HealthSeverity::Unknown);
        let mut ended = pod("a", disabled, DAY);
        ended["status"] = json!({ "phase": "Succeeded" });
        assert_eq!(of(&[ended], None)[0].0, HealthSeverity::Note);
    }

    #[test]
    fn pods_older_than_the_last_change() {
        let map = json!({ "metadata": {
            "creationTimestamp": "2026-11-01T00:00:00Z", "managedFields": [{ "time": "2026-11-19T00:00:00Z" }, { "time": DAY }],
        } });
        for (created, is_older) in [("2026-11-19T23:59:59Z", true), (DAY, false), ("2026-11-20T00:00:01Z", false)] {
            let seen = of(&[pod("a", Some("LoggingEnabled"), created)], Some(&map));
            assert_eq!(seen.len() == 2, is_older, "{created}: {seen:?}");
        }
    }

    #[test]
    fn namespaces_and_config_maps() {
        let label = |value: &str| json!({ "metadata": { "labels": { "aws-observability": value } } });
        assert_eq!(namespace(Ok(&label("enabled"))).severity, HealthSeverity::Ok);
        assert!(namespace(Ok(&label("true"))).fix.unwrap().starts_with("kubectl label"));
        assert_eq!(namespace(Err(&ClusterUnknown::NotFound)).severity, HealthSeverity::Wrong);
        assert_eq!(namespace(Err(&ClusterUnknown::Failed("x".into()))).severity, HealthSeverity::Unknown);
        let of = |text: &str| config_map(Ok(text), &ExpectedTarget::default()).remove(0);
        assert!(of("{ no json").why.contains("PF00"));
        assert_eq!(
            config_map(Err(&ClusterUnknown::NotFound), &ExpectedTarget::default())[0].severity,
            HealthSeverity::Wrong
        );
    }
}
