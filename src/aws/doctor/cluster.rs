//! The cluster, as `kubectl get … -o json` shows it: the namespace and the ConfigMap that EKS reads, and what it says at the pods.

use jiff::Timestamp;
use serde_json::Value;

use super::{Area, Step};
use manifests::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::LintReport;
use manifests::lint::rule::Severity;
use manifests::lint::source::SourceFile;
use pipeline::counted::counted;

/// Names of pods to show of many.
const SHOWN: usize = 3;

/// Where EKS looks. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster".
pub(crate) const NAMESPACE: &str = "aws-observability";
pub(crate) const CONFIG_MAP: &str = "aws-logging";

/// The command that makes both.
const GENERATE: &str = "podferry generate logging | kubectl apply -f -";

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// The cluster says that there is none.
    NotFound,
    /// A sentence: no kubectl, no cluster, no permission.
    Failed(String),
}

/// The namespace.
#[must_use]
pub(crate) fn namespace(seen: Result<&Value, &Unseen>) -> Step {
    let name = &format!("namespace {NAMESPACE}");
    match seen {
        Err(Unseen::Failed(why)) => Step::unknown(Area::Cluster, name, why),
        Err(Unseen::NotFound) => {
            Step::wrong(Area::Cluster, name, "it is not there, so no pod on Fargate is logged").mend(GENERATE)
        }
        Ok(object) if object["metadata"]["labels"][NAMESPACE] != "enabled" => {
            let problem = format!("it has no label {NAMESPACE}=enabled, so EKS does not look into it");
            Step::wrong(Area::Cluster, name, problem)
                .mend(format!("kubectl label namespace {NAMESPACE} {NAMESPACE}=enabled --overwrite"))
        }
        Ok(_) => Step::right(Area::Cluster, name, format!("is there, with the label {NAMESPACE}=enabled")),
    }
}

/// What `podferry lint` says of the ConfigMap. `expected` is known from the function.
#[must_use]
pub(crate) fn config_map(seen: Result<&str, &Unseen>, expected: &ExpectedTarget) -> Vec<Step> {
    let name = &format!("configmap {CONFIG_MAP}");
    let text = match seen {
        Err(Unseen::Failed(why)) => return vec![Step::unknown(Area::Cluster, name, why)],
        Err(Unseen::NotFound) => {
            return vec![
                Step::wrong(Area::Cluster, name, "it is not there, so no pod on Fargate is logged").mend(GENERATE),
            ];
        }
        Ok(text) => text,
    };
    let sources = [SourceFile::new(&format!("configmap {NAMESPACE}/{CONFIG_MAP}"), text)];
    let report = lint::lint(&sources, expected, &[]);
    let mut steps = findings(name, &report, &sources);
    if steps.is_empty() {
        steps.push(Step::right(Area::Cluster, name, "podferry lint finds nothing"));
    }
    steps
}

fn findings(name: &str, report: &LintReport, sources: &[SourceFile]) -> Vec<Step> {
    let step = |finding: &lint::finding::Finding| {
        let place = sources.get(finding.place.source).map(|source| source.position(finding.place.span.start));
        let place = place.map(|place| format!("{}:{}: ", place.line, place.column)).unwrap_or_default();
        let said = format!("{place}{}: {}", finding.rule.code, finding.message);
        let step = if finding.rule.severity == Severity::Error {
            Step::wrong(Area::Cluster, name, said)
        } else {
            Step::note(Area::Cluster, name, said)
        };
        step.mend(finding.advice())
    };
    report.findings.iter().map(step).collect()
}

/// A pod on Fargate, and what EKS says of its logs.
struct Pod<'a> {
    name: String,
    /// The annotation `Logging`, if EKS has written it.
    logging: Option<&'a str>,
    created: Option<Timestamp>,
}

/// What EKS says at the pods. `config_map` tells since when it is as it is.
#[must_use]
pub(crate) fn pods(seen: Result<&Value, &Unseen>, config_map: Option<&Value>) -> Vec<Step> {
    let list = match seen {
        Err(Unseen::NotFound) => return vec![Step::unknown(Area::Cluster, "pods", "the cluster shows none")],
        Err(Unseen::Failed(why)) => return vec![Step::unknown(Area::Cluster, "pods", why)],
        Ok(list) => list,
    };
    let all: Vec<Pod> = list["items"].as_array().into_iter().flatten().filter_map(on_fargate).collect();
    if all.is_empty() {
        return vec![Step::note(Area::Cluster, "pods", "no pod runs on Fargate, so there is nothing to be logged")];
    }
    let mut steps = Vec::new();
    let disabled: Vec<&Pod> =
        all.iter().filter(|pod| pod.logging.is_some_and(|text| text.starts_with("LoggingDisabled"))).collect();
    if let [first, ..] = disabled.as_slice() {
        // Source: seen in annotations: `LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND`.
        let reason =
            first.logging.and_then(|text| text.split_once(':')).map_or("no reason given", |(_, reason)| reason.trim());
        let problem = format!("EKS does not log {}: {reason}", named(&disabled));
        let remedy = "mend the ConfigMap, then start the pods anew: kubectl rollout restart deployment -n NAMESPACE";
        steps.push(Step::wrong(Area::Cluster, "pods", problem).mend(remedy));
    }
    let enabled: Vec<&Pod> = all.iter().filter(|pod| pod.logging == Some("LoggingEnabled")).collect();
    if !enabled.is_empty() {
        steps.push(Step::right(Area::Cluster, "pods", format!("EKS logs {}", named(&enabled))));
    }
    let unsaid: Vec<&Pod> = all.iter().filter(|pod| pod.logging.is_none()).collect();
    if !unsaid.is_empty() {
        let seen = format!("{} have no annotation `Logging`", named(&unsaid));
        steps.push(
            Step::unknown(Area::Cluster, "pods", seen)
                .mend("kubectl describe pod shows the events LoggingEnabled and LoggingDisabled"),
        );
    }
    let changed = config_map.and_then(last_change);
    let older: Vec<&Pod> = enabled
        .into_iter()
        .filter(|pod| pod.created.zip(changed).is_some_and(|(created, changed)| created < changed))
        .collect();
    if !older.is_empty() {
        let seen =
            format!("{} began before the ConfigMap was last changed: the change does not hold for them", named(&older));
        steps.push(Step::note(Area::Cluster, "pods", seen).mend("kubectl rollout restart deployment -n NAMESPACE"));
    }
    steps
}

/// Pods that run or are about to; those that ended have no logs to come.
fn on_fargate(pod: &Value) -> Option<Pod<'_>> {
    let metadata = &pod["metadata"];
    metadata["labels"]["eks.amazonaws.com/fargate-profile"].as_str()?;
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let name = format!("{}/{}", metadata["namespace"].as_str().unwrap_or("default"), metadata["name"].as_str()?);
    Some(Pod {
        name,
        logging: metadata["annotations"]["Logging"].as_str(),
        created: time(&metadata["creationTimestamp"]),
    })
}

/// When somebody last wrote the object. Source: Kubernetes API reference, `ManagedFieldsEntry`, `time`.
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
fn named(pods: &[&Pod]) -> String {
    let names: Vec<&str> = pods.iter().take(SHOWN).map(|pod| pod.name.as_str()).collect();
    let more = if pods.len() > SHOWN { ", …" } else { "" };
    format!("{} on Fargate ({}{more})", counted(pods.len(), "pod"), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use serde_json::json;

    fn pod(name: &str, logging: Option<&str>, created: &str) -> Value {
        let annotations = logging.map(|text| json!({ "Logging": text })).unwrap_or_default();
        json!({ "metadata": {
            "name": name, "namespace": "shop", "creationTimestamp": created, "annotations": annotations,
            "labels": { "eks.amazonaws.com/fargate-profile": "fp" },
        } })
    }

    fn of(pods: &[Value], config_map: Option<&Value>) -> Vec<(Outcome, String)> {
        let steps = super::pods(Ok(&json!({ "items": pods })), config_map);
        steps.into_iter().map(|step| (step.outcome, step.detail)).collect()
    }

    const DAY: &str = "2026-11-20T00:00:00Z";

    #[test]
    fn what_eks_says_at_the_pods() {
        assert_eq!(of(&[], None)[0].0, Outcome::Note);
        assert_eq!(of(&[json!({ "metadata": { "name": "on-ec2" } })], None)[0].0, Outcome::Note);
        let seen = of(&[pod("a", Some("LoggingEnabled"), DAY)], None);
        assert_eq!(seen, [(Outcome::Right, "EKS logs 1 pod on Fargate (shop/a)".to_owned())]);
        let disabled = Some("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND");
        let many: Vec<Value> = ["a", "b", "c", "d"].iter().map(|name| pod(name, disabled, DAY)).collect();
        let expected = "EKS does not log 4 pods on Fargate (shop/a, shop/b, shop/c, …): LOGGING_CONFIGMAP_NOT_FOUND";
        assert_eq!(of(&many, None), [(Outcome::Wrong, expected.to_owned())]);
        assert!(!of(&many[..SHOWN], None)[0].1.contains('…'));
        assert_eq!(of(&[pod("a", None, DAY)], None)[0].0, Outcome::Unknown);
        let mut ended = pod("a", disabled, DAY);
        ended["status"] = json!({ "phase": "Succeeded" });
        assert_eq!(of(&[ended], None)[0].0, Outcome::Note);
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
        assert_eq!(namespace(Ok(&label("enabled"))).outcome, Outcome::Right);
        assert!(namespace(Ok(&label("true"))).remedy.unwrap().starts_with("kubectl label"));
        assert_eq!(namespace(Err(&Unseen::NotFound)).outcome, Outcome::Wrong);
        assert_eq!(namespace(Err(&Unseen::Failed("x".into()))).outcome, Outcome::Unknown);
        let of = |text: &str| config_map(Ok(text), &ExpectedTarget::default()).remove(0);
        assert!(of("{ no json").detail.contains("PF00"));
        assert_eq!(config_map(Err(&Unseen::NotFound), &ExpectedTarget::default())[0].outcome, Outcome::Wrong);
    }
}
