//! The canary's pod as `kubectl get pod -o json` shows it: whether it runs on Fargate, whether EKS logs it, and why it does not start.

use jiff::Timestamp;
use serde_json::Value;

use super::super::pod_list::FARGATE_LABEL;

/// How much of a reason to repeat, in characters.
const MAX_REASON: usize = 80;

/// A pod at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CanaryPodState {
    /// A Fargate profile has selected it.
    pub(crate) is_on_fargate: bool,
    /// EKS says that it does not log it: its reason.
    pub(crate) logging_disabled: Option<String>,
    /// Milliseconds since 1970, to the second, by the API server's clock.
    pub(crate) created_ms: Option<i64>,
    /// Its container runs, or has run.
    pub(crate) has_started: bool,
    /// Its container has ended.
    pub(crate) has_ended: bool,
    /// Why the container waits or where the pod stands: `ImagePullBackOff`, `Pending`.
    pub(crate) waits_for: Option<String>,
}

impl CanaryPodState {
    /// Reads the object; what it lacks has not happened yet.
    #[must_use]
    pub(crate) fn read(pod: &Value) -> CanaryPodState {
        let (metadata, status) = (&pod["metadata"], &pod["status"]);
        let state = &status["containerStatuses"][0]["state"];
        let created = metadata["creationTimestamp"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        let logging = metadata["annotations"]["Logging"].as_str().unwrap_or_default();
        let disabled = logging.strip_prefix("LoggingDisabled").map(|rest| reason(rest.trim_start_matches([':', ' '])));
        let unscheduled = status["conditions"].as_array().into_iter().flatten().find_map(|condition| {
            (condition["type"] == "PodScheduled" && condition["status"] == "False")
                .then(|| condition["reason"].as_str())?
        });
        let waiting = state["waiting"]["reason"].as_str().or(unscheduled).or(status["phase"].as_str());
        CanaryPodState {
            is_on_fargate: metadata["labels"][FARGATE_LABEL].is_string(),
            logging_disabled: disabled,
            created_ms: created.map(Timestamp::as_millisecond),
            has_started: state["running"].is_object() || state["terminated"].is_object(),
            has_ended: state["terminated"].is_object(),
            waits_for: waiting.map(reason),
        }
    }
}

fn reason(text: &str) -> String {
    let text: String = text.chars().take(MAX_REASON).collect();
    if text.is_empty() { "no reason given".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_pod_tells() {
        let metadata = |logging: &str| {
            json!({
                "creationTimestamp": "2026-11-22T20:37:50Z", "annotations": { "Logging": logging }, "labels": { FARGATE_LABEL: "pods" },
            })
        };
        let state = CanaryPodState::read(&json!({
            "metadata": metadata("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"),
            "status": { "phase": "Pending", "containerStatuses": [{ "state": { "waiting": { "reason": "ImagePullBackOff" } } }] },
        }));
        assert_eq!(
            state,
            CanaryPodState {
                is_on_fargate: true,
                logging_disabled: Some("LOGGING_CONFIGMAP_NOT_FOUND".into()),
                created_ms: Some(1_795_379_870_000),
                has_started: false,
                has_ended: false,
                waits_for: Some("ImagePullBackOff".into()),
            }
        );
        let of =
            |status: Value| CanaryPodState::read(&json!({ "metadata": metadata("LoggingEnabled"), "status": status }));
        let running = of(json!({ "phase": "Running", "containerStatuses": [{ "state": { "running": {} } }] }));
        assert_eq!((running.has_started, running.has_ended, running.logging_disabled), (true, false, None));
        let ended =
            of(json!({ "phase": "Failed", "containerStatuses": [{ "state": { "terminated": { "exitCode": 1 } } }] }));
        assert_eq!((ended.has_started, ended.has_ended), (true, true));
        let unscheduled = json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable" }]);
        let pending = of(json!({ "phase": "Pending", "conditions": unscheduled }));
        assert_eq!(pending.waits_for.as_deref(), Some("Unschedulable"));
        assert_eq!(CanaryPodState::read(&Value::Null), CanaryPodState::default());
    }
}
