//! A test event: an event as CloudWatch Logs hands it over, with one log that is easy to find, and what the function answers.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Area, Step};

/// The container, pod and namespace that the log says it is of.
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
pub(crate) fn judge(failed: bool, answer: &Value, mark: &str, function: &str, log_group: &str) -> Step {
    let (area, name) = (Area::Test, "delivery");
    let tail = format!("aws logs tail {log_group} --since 5m");
    if failed {
        let kind = answer["errorType"].as_str().unwrap_or_default();
        return Step::wrong(area, name, format!("the function failed: {}", failure(kind))).mend(tail);
    }
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    if number("delivered") > 0 {
        let seen = format!("Datadog accepted the test log; find it with: {}", search(mark));
        return Step::right(area, name, seen);
    }
    if number("queued") + number("dead") > 0 {
        return Step::wrong(area, name, "Datadog did not take the test log, and it went to a queue").mend(tail);
    }
    if number("excluded") + number("sampled") > 0 {
        let seen = "a rule of the function left the test log out, so it was not sent";
        return Step::note(area, name, seen).mend("look at the rules in its variables: podferry rules check");
    }
    if answer["events"].is_u64() {
        return Step::wrong(area, name, "the function took the event and sent nothing").mend(tail);
    }
    let problem = format!("{function} answers as podferry does not: it is another function");
    Step::wrong(area, name, problem).mend("name podferry's with --function")
}

/// Only names that are known are repeated: an answer may hold anything.
/// Source: `lambda::handler::Failure`, `lambda::runtime`, and AWS Lambda Developer Guide, "Function errors".
fn failure(kind: &str) -> &'static str {
    match kind {
        "SettingsInvalid" => "SettingsInvalid, its settings cannot be used",
        "ApiKeyUnavailable" => {
            "ApiKeyUnavailable, its role may not read the API key, or cannot reach the service that holds it"
        }
        "LogsUndelivered" => {
            "LogsUndelivered, Datadog did not take the log, or could not be reached: a VPC needs a way out"
        }
        "LogsUnsaved" => "LogsUnsaved, neither Datadog nor the queue took the log",
        "ClientInvalid" => "ClientInvalid, the proxy in its variables cannot be used",
        "InternalPanic" => "InternalPanic, a bug in podferry",
        "Sandbox.Timedout" => "Sandbox.Timedout, it took longer than its timeout",
        "Runtime.ExitError" => {
            "Runtime.ExitError, its process ended: it is too small, or built for another architecture"
        }
        "Runtime.InvalidEntrypoint" => "Runtime.InvalidEntrypoint, the code is not built for Lambda",
        _ => "its log says why",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
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
        let of = |failed, answer: Value| judge(failed, &answer, "m", "f", "/own");
        assert_eq!(of(false, json!({ "events": 1, "delivered": 1 })).outcome, Outcome::Right);
        assert_eq!(of(false, json!({ "events": 1, "queued": 1 })).outcome, Outcome::Wrong);
        assert_eq!(of(false, json!({ "events": 1, "excluded": 1 })).outcome, Outcome::Note);
        assert_eq!(of(false, json!({ "events": 1 })).outcome, Outcome::Wrong);
        assert!(of(false, json!("Hello")).detail.contains("another function"));
        assert!(of(true, json!({ "errorType": "ApiKeyUnavailable", "errorMessage": "x" })).detail.contains("role"));
        assert!(!of(true, json!({ "errorType": "geheim", "errorMessage": "geheim" })).detail.contains("geheim"));
    }
}
