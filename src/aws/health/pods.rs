//! What EKS says about the logs of the pods on Fargate.

use jiff::Timestamp;
use serde_json::Value;

use super::cluster::ClusterUnknown;
use super::finding::{HealthArea, HealthFinding};
use super::pod_list::FargatePod;
use pipeline::counted::counted;

/// How many pods, or other names, are shown of many.
const SHOWN: usize = 3;

/// How much of an annotation to repeat, in characters. EKS writes some forty.
const MAX_ANNOTATION: usize = 80;

/// What EKS says about the pods. `config_map` tells when it was last changed.
#[must_use]
pub(crate) fn judge(seen: Result<&[FargatePod], &ClusterUnknown>, config_map: Option<&Value>) -> Vec<HealthFinding> {
    let all = match seen {
        Err(ClusterUnknown::NotFound) => {
            return vec![HealthFinding::unknown(HealthArea::Cluster, "pods", "the cluster shows no pods")];
        }
        Err(unknown) => return vec![HealthFinding::unknown(HealthArea::Cluster, "pods", unknown.why())],
        Ok(all) => all,
    };
    if all.is_empty() {
        let why = "no pod runs on Fargate, so there is nothing to log";
        return vec![HealthFinding::note(HealthArea::Cluster, "pods", why)];
    }
    let mut found = Vec::new();
    let with = |is: &dyn Fn(&str) -> bool| -> Vec<&FargatePod> {
        all.iter().filter(|pod| pod.logging.as_deref().is_some_and(is)).collect()
    };
    let disabled = with(&|text| text.starts_with("LoggingDisabled"));
    if let [first, ..] = disabled.as_slice() {
        // Source: seen in annotations: `LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND`.
        let reason = first.logging.as_deref().and_then(|text| text.split_once(':'));
        let reason = reason.map_or("no reason given", |(_, reason)| reason.trim());
        let problem = format!("EKS does not log {}: {}", named(&disabled), cut(reason));
        let fix = "fix the ConfigMap (`kubectl get events -A --field-selector reason=LoggingDisabled` has EKS's reason, for an hour), then \
                   restart the pods: kubectl rollout restart deployment -n NAMESPACE";
        found.push(HealthFinding::wrong(HealthArea::Cluster, "pods", problem).fix(fix));
    }
    let enabled = with(&|text| text == "LoggingEnabled");
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
    found.extend(older(enabled, config_map));
    found
}

/// Pods for which the last change of the ConfigMap came too late: EKS reads it when a pod starts.
fn older(enabled: Vec<&FargatePod>, config_map: Option<&Value>) -> Option<HealthFinding> {
    let changed = config_map.and_then(last_change)?;
    let older: Vec<&FargatePod> =
        enabled.into_iter().filter(|pod| pod.created.is_some_and(|created| created < changed)).collect();
    let problem =
        format!("{} started before the last change of the ConfigMap: the change does not apply to them", named(&older));
    let note = || HealthFinding::note(HealthArea::Cluster, "pods", problem);
    (!older.is_empty()).then(|| note().fix("kubectl rollout restart deployment -n NAMESPACE"))
}

/// When the object was last written. Source: Kubernetes API reference, `ManagedFieldsEntry`, `time`.
fn last_change(object: &Value) -> Option<Timestamp> {
    let time = |value: &Value| value.as_str()?.parse().ok();
    let metadata = &object["metadata"];
    let written =
        metadata["managedFields"].as_array().into_iter().flatten().filter_map(|entry| time(&entry["time"])).max();
    written.or_else(|| time(&metadata["creationTimestamp"]))
}

/// `2 pods on Fargate (shop/a, shop/b)`.
pub(super) fn named(pods: &[&FargatePod]) -> String {
    let names: Vec<String> = pods.iter().take(SHOWN + 1).map(|pod| pod.shown()).collect();
    format!("{} on Fargate ({})", counted(pods.len(), "pod"), listed(&names))
}

/// The beginning of what somebody wrote on a pod.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_ANNOTATION).collect()
}

/// `a, b, c, …`
pub(super) fn listed(names: &[String]) -> String {
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::super::pod_list;
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
        let pods = pod_list::read(&json!({ "items": pods }).to_string()).unwrap();
        judge(Ok(&pods), config_map).into_iter().map(|one| (one.severity, one.why)).collect()
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
    fn annotations_are_cut() {
        let seen = of(&[pod("a", Some(&format!("LoggingDisabled: {}", "x".repeat(MAX_ANNOTATION + 1))), DAY)], None);
        assert_eq!(seen[0].1.matches('x').count(), MAX_ANNOTATION);
    }
}
