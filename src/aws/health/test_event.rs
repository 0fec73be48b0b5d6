//! A test event: an event as CloudWatch Logs hands it over, with one log that is easy to find; and the function's answer.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::advice::{self, Advice};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;

/// The container, pod and namespace of the log.
const CONTAINER: &str = "test";
const POD: &str = "podferry-doctor";
const NAMESPACE: &str = "podferry";

/// The text of the log: `mark` tells it from others.
#[must_use]
pub(crate) fn message(mark: &str) -> String {
    format!("podferry doctor test {mark}")
}

/// The search that finds it in Datadog.
#[must_use]
pub(crate) fn search(mark: &str) -> String {
    format!("pod_name:{POD} kube_namespace:{NAMESPACE} \"{}\"", message(mark))
}

/// The event: of a stream such as Fluent Bit names it, with a line such as containerd writes it.
#[must_use]
pub(crate) fn event(account: &str, group: &str, now: Timestamp, mark: &str) -> Vec<u8> {
    let record = json!({ "log": format!("{now:.9} stdout F {}", message(mark)) });
    let content = json!({
        "messageType": "DATA_MESSAGE",
        "owner": account,
        "logGroup": group,
        "logStream": format!("doctor/kube.var.log.containers.{POD}_{NAMESPACE}_{CONTAINER}-{}.log", "0".repeat(64)),
        "subscriptionFilters": ["podferry doctor"],
        "logEvents": [{ "id": format!("{:056}", now.as_nanosecond()), "timestamp": now.as_millisecond(), "message": record.to_string() }],
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let written = encoder.write_all(content.to_string().as_bytes()).and_then(|()| encoder.finish());
    json!({ "awslogs": { "data": STANDARD.encode(written.unwrap_or_default()) } }).to_string().into_bytes()
}

/// What the function answered: whether it failed, and its JSON.
#[must_use]
pub(crate) fn judge(failed: bool, answer: &Value, mark: &str, function: &Function, advice: &Advice) -> HealthFinding {
    let (area, what) = (HealthArea::Test, "delivery");
    let tail = advice.aws(&format!("logs tail {} --since 5m", advice::quoted(&function.log_group)));
    if failed {
        let kind = answer["errorType"].as_str().unwrap_or_default();
        return HealthFinding::wrong(area, what, format!("the function failed: {}", failure(kind))).fix(tail);
    }
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    if number("delivered") > 0 {
        let seen = format!("Datadog accepted the test log; find it with: {}", search(mark));
        return HealthFinding::ok(area, what, seen);
    }
    if number("queued") + number("dead") > 0 {
        return HealthFinding::wrong(area, what, "Datadog did not accept the test log, and it went to a queue")
            .fix(tail);
    }
    if number("excluded") + number("sampled") > 0 {
        let seen = "a rule of the function excluded the test log, so it was not sent";
        return HealthFinding::note(area, what, seen).fix("check the processing rules in the function's variables");
    }
    if answer["events"].is_u64() {
        return HealthFinding::wrong(area, what, "the function took the event but sent nothing").fix(tail);
    }
    let why = format!("{} does not answer like podferry: it is another function", function.name);
    HealthFinding::wrong(area, what, why).fix("name podferry's function with --function")
}

/// Repeats known names only: an answer may hold anything.
/// Source: `lambda::handler::Failure`, `lambda::runtime`, and AWS Lambda Developer Guide, "Function errors".
fn failure(kind: &str) -> &'static str {
    match kind {
        "SettingsInvalid" => "SettingsInvalid, its settings are invalid",
        "ApiKeyUnavailable" => {
            "ApiKeyUnavailable, its role may not read the API key, or the service that holds it is unreachable"
        }
        "LogsUndelivered" => {
            "LogsUndelivered, Datadog did not accept the log or could not be reached: in a VPC the function needs a NAT gateway or a proxy"
        }
        "LogsUnsaved" => "LogsUnsaved, neither Datadog nor the queue accepted the log",
        "ClientInvalid" => "ClientInvalid, the proxy in its variables is invalid",
        "InternalPanic" => "InternalPanic, a bug in podferry",
        "Sandbox.Timedout" => "Sandbox.Timedout, it took longer than its timeout",
        "Runtime.ExitError" => {
            "Runtime.ExitError, its process ended: it ran out of memory, or was built for another architecture"
        }
        "Runtime.InvalidEntrypoint" => "Runtime.InvalidEntrypoint, the code was not built for Lambda",
        _ => "see its log",
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{advice, function};
    use super::super::finding::HealthSeverity;
    use super::*;
    use pipeline::{self, PipelineSettings};

    #[test]
    fn the_event_becomes_one_log_that_the_search_finds() {
        let now = Timestamp::now();
        let event = event("111122223333", "/eks", now, "1a2b");
        let arn = "arn:aws:lambda:eu-west-1:1:function:f";
        let processed = pipeline::process(&event, arn, &PipelineSettings::default(), now.as_millisecond()).unwrap();
        let plain = processed.payloads[0].plain().unwrap();
        let logs: Vec<Value> = serde_json::from_slice(&plain).unwrap();
        assert_eq!((logs.len(), &logs[0]["message"]), (1, &json!("podferry doctor test 1a2b")));
        let tags = logs[0]["ddtags"].as_str().unwrap();
        for tag in search("1a2b").split(" \"").next().unwrap().split(' ') {
            assert!(tags.split(',').any(|one| one == tag), "{tag}: {tags}");
        }
        assert_eq!(logs[0]["status"], "info");
    }

    #[test]
    fn answers() {
        let of = |failed, answer: Value| judge(failed, &answer, "m", &function(&[]), &advice());
        assert_eq!(of(false, json!({ "events": 1, "delivered": 1 })).severity, HealthSeverity::Ok);
        assert_eq!(of(false, json!({ "events": 1, "queued": 1 })).severity, HealthSeverity::Wrong);
        assert_eq!(of(false, json!({ "events": 1, "excluded": 1 })).severity, HealthSeverity::Note);
        assert_eq!(of(false, json!({ "events": 1 })).severity, HealthSeverity::Wrong);
        assert!(of(false, json!("Hello")).why.contains("another function"));
        assert!(of(true, json!({ "errorType": "ApiKeyUnavailable", "errorMessage": "x" })).why.contains("role"));
        assert!(!of(true, json!({ "errorType": "geheim", "errorMessage": "geheim" })).why.contains("geheim"));
    }
}
