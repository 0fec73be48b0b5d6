//! The Agents beside the pods on Fargate: whether the Cluster Agent injected them, and whether they run.

use std::collections::BTreeMap;

use super::finding::{HealthArea, HealthFinding};
use super::pod_list::FargatePod;
use super::pods::{cut, named};
use manifests::agent::SIDECAR_LABEL;

const AREA: HealthArea = HealthArea::Cluster;
const WHAT: &str = "Agent sidecars";

/// What the pods show.
#[must_use]
pub(crate) fn judge(pods: &[FargatePod]) -> Vec<HealthFinding> {
    let mut found: Vec<HealthFinding> = left_alone(pods);
    let forgotten: Vec<&FargatePod> =
        pods.iter().filter(|pod| pod.wants_agent && pod.agent.is_none() && pod.injection.is_none()).collect();
    if !forgotten.is_empty() {
        let (label, value) = SIDECAR_LABEL;
        let why = format!("nothing injected an Agent into {}, with the label {label}={value}", named(&forgotten));
        let fix = "see that the Cluster Agent runs, with agentSidecarInjection enabled and the provider fargate, then restart the pods: \
                   it injects into pods that start";
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    let mut hindered: BTreeMap<&str, Vec<&FargatePod>> = BTreeMap::new();
    let mut well = Vec::new();
    for pod in pods {
        match pod.agent.as_ref().map(|agent| agent.hindrance.as_deref()) {
            Some(Some(reason)) => hindered.entry(reason).or_default().push(pod),
            Some(None) => well.push(pod),
            None => {}
        }
    }
    for (reason, pods) in hindered {
        let why = format!("the Agent does not run in {}: {reason}", named(&pods));
        // One pod tells for all: the reason is the same.
        let describe = pods.first().map(|pod| format!("kubectl describe pod {} -n {}", pod.name, pod.namespace));
        found.push(HealthFinding { fix: describe, ..HealthFinding::wrong(AREA, WHAT, why) });
    }
    let without: Vec<&FargatePod> =
        pods.iter().filter(|pod| pod.agent.as_ref().is_some_and(|agent| !agent.has_token)).collect();
    if !without.is_empty() {
        let why =
            format!("the Agent has no token of the service account in {}: the kubelet refuses it", named(&without));
        let fix = "set `automountServiceAccountToken: true` in the pods or their ServiceAccount, then restart the pods";
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    if !well.is_empty() {
        found.push(HealthFinding::ok(AREA, WHAT, format!("an Agent is in {}", named(&well))));
    }
    if found.is_empty() {
        found.push(HealthFinding::skipped(AREA, WHAT, "not checked: no pod on Fargate has an Agent or asks for one"));
    }
    found
}

/// What the webhook wrote on pods that it did not touch, by its reasons. Whoever makes a pod can write there, too: what is none of the
/// webhook's reasons is one finding.
fn left_alone(pods: &[FargatePod]) -> Vec<HealthFinding> {
    let mut by_reason: BTreeMap<Option<&'static str>, Vec<&FargatePod>> = BTreeMap::new();
    let mut other = String::new();
    for pod in pods {
        let Some(note) = pod.injection.as_ref().filter(|_| pod.agent.is_none()) else { continue };
        let reason = match note.error.as_str() {
            "secret_not_found" => Some("their namespace had no Secret datadog-secret"),
            "api_key_not_found" => Some("the Secret datadog-secret had no key api-key"),
            "token_not_found" => Some("the Secret datadog-secret had no key token"),
            _ => None,
        };
        if reason.is_none() && other.is_empty() {
            other = format!("it says {} {}", cut(&note.status), cut(&note.error)).trim_end().to_owned();
        }
        by_reason.entry(reason).or_default().push(pod);
    }
    let judged = |(reason, pods): (Option<&str>, Vec<&FargatePod>)| {
        let reason = reason.unwrap_or(&other);
        let why = format!("the Cluster Agent did not inject an Agent into {}: {reason}", named(&pods));
        let fix = "see below what the Secret has now, complete it, then restart the pods: the Cluster Agent injects into pods that start";
        HealthFinding::wrong(AREA, WHAT, why).fix(fix)
    };
    by_reason.into_iter().map(judged).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::super::pod_list::{FARGATE_LABEL, read};
    use super::*;
    use serde_json::{Value, json};

    fn pod(more: &Value, containers: &Value) -> Value {
        let labels = json!({ FARGATE_LABEL: "fp", SIDECAR_LABEL.0: more["label"] });
        json!({
            "metadata": { "name": "a", "namespace": "shop", "labels": labels, "annotations": more["annotations"] },
            "spec": { "containers": containers },
            "status": more["status"].as_object().cloned().unwrap_or_default(),
        })
    }

    fn of(pods: &[Value]) -> Vec<(HealthSeverity, String)> {
        let pods = read(&json!({ "items": pods }).to_string()).unwrap();
        judge(&pods).into_iter().map(|one| (one.severity, one.why)).collect()
    }

    #[test]
    fn what_the_webhook_did() {
        let note = |status: &str, error: &str| {
            let name = |end: &str| format!("internal.agent.datadoghq.com/sidecar-injection-{end}");
            json!({ "label": "fargate", "annotations": { name("status"): status, name("error"): error } })
        };
        let app = json!([{ "name": "app" }]);
        for (error, part) in [
            ("secret_not_found", "no Secret datadog-secret"),
            ("api_key_not_found", "no key api-key"),
            ("token_not_found", "no key token"),
            ("x\u{1b}", "it says skipped x"),
        ] {
            let seen = of(&[pod(&note("skipped", error), &app), pod(&note("skipped", error), &app)]);
            assert_eq!((seen.len(), seen[0].0), (1, HealthSeverity::Wrong), "{seen:?}");
            assert!(seen[0].1.contains(part) && seen[0].1.contains("2 pods on Fargate (shop/a, shop/a)"), "{seen:?}");
        }
        let long = of(&[pod(&note(&"y".repeat(1000), &"y".repeat(1000)), &app)]);
        assert!(long[0].1.len() < 400, "{long:?}");
        let many: Vec<Value> = (0..50).map(|number| pod(&note("skipped", &format!("x{number}")), &app)).collect();
        assert_eq!(of(&many).len(), 1);
        // The label, and nothing came of it.
        let seen = of(&[pod(&json!({ "label": "fargate" }), &app)]);
        assert_eq!(seen[0].0, HealthSeverity::Wrong);
        assert!(seen[0].1.contains("agent.datadoghq.com/sidecar=fargate"), "{seen:?}");
        // Another value is for another provider.
        for label in [json!("other"), Value::Null] {
            assert_eq!(of(&[pod(&json!({ "label": label }), &app)])[0].0, HealthSeverity::Skipped);
        }
    }

    #[test]
    fn agents_that_run_and_that_do_not() {
        let mounts = json!([{ "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }]);
        let agent = json!([{ "name": "app" }, { "name": "datadog-agent-injected", "volumeMounts": mounts }]);
        let seen = of(&[pod(&json!({ "label": "fargate" }), &agent)]);
        assert_eq!(seen, [(HealthSeverity::Ok, "an Agent is in 1 pod on Fargate (shop/a)".to_owned())]);
        let waits =
            json!([{ "name": "datadog-agent-injected", "state": { "waiting": { "reason": "CrashLoopBackOff" } } }]);
        let seen = of(&[pod(&json!({ "status": { "containerStatuses": waits } }), &agent)]);
        assert_eq!(
            seen,
            [(
                HealthSeverity::Wrong,
                "the Agent does not run in 1 pod on Fargate (shop/a): CrashLoopBackOff".to_owned()
            )]
        );
    }

    /// `automountServiceAccountToken: false`, of the pod or of its account.
    #[test]
    fn an_agent_without_a_token() {
        let seen = of(&[pod(&json!({}), &json!([{ "name": "app" }, { "name": "datadog-agent" }]))]);
        assert_eq!(seen[0].0, HealthSeverity::Wrong);
        assert!(seen[0].1.contains("no token of the service account in 1 pod on Fargate (shop/a)"), "{seen:?}");
    }
}
