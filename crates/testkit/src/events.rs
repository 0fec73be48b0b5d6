//! What the integration tests share: events built from messages, and the logs that come of them.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use pipeline::{self, LogCounts, PipelineSettings, Processed};
use serde_json::{Value, json};

pub const ID: &str = "c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004";
pub const GROUP: &str = "/aws/eks/prod-eu/fargate";
pub const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// Milliseconds since 1970: logs of other times may be too old to be sent as they are.
pub fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// The stream of container `nginx` of pod `web-6d4cf56db6-x7k2p`.
pub fn stream() -> String {
    format!("from-fluent-bit-kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-{ID}.log")
}

/// What CloudWatch Logs sends: messages with their times.
pub fn content(group: &str, stream: &str, messages: &[(i64, &str)]) -> Value {
    let events: Vec<Value> = messages
        .iter()
        .enumerate()
        .map(|(number, (timestamp, message))| {
            json!({ "id": format!("{:056}", 37_000 + number), "timestamp": timestamp, "message": message })
        })
        .collect();
    json!({
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": ["podferry"],
        "logEvents": events,
    })
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `{"awslogs":{"data":…}}` around bytes that should be gzip.
pub fn envelope(compressed: &[u8]) -> Vec<u8> {
    json!({ "awslogs": { "data": STANDARD.encode(compressed) } }).to_string().into_bytes()
}

pub fn event(content: &Value) -> Vec<u8> {
    envelope(&gzip(content.to_string().as_bytes()))
}

/// All logs of what was processed.
pub fn logs(processed: &Processed) -> Vec<Value> {
    let payloads = processed.payloads.iter();
    payloads.flat_map(|payload| serde_json::from_slice::<Vec<Value>>(&payload.plain().unwrap()).unwrap()).collect()
}

/// No time of sending, so that all logs keep their own times, however old or new they are.
pub const OWN_TIMES: Option<i64> = None;

/// Messages of a stream through the pure part.
pub fn forward_from(
    group: &str,
    stream: &str,
    messages: &[(i64, &str)],
    settings: &PipelineSettings,
) -> (Vec<Value>, LogCounts) {
    let event = event(&content(group, stream, messages));
    let processed = pipeline::process(&event, ARN, settings, OWN_TIMES).unwrap();
    (logs(&processed), processed.counts)
}

/// Messages of the usual stream, all at the same time, with no settings.
pub fn forward(messages: &[&str]) -> Vec<Value> {
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (1_795_379_888_236, *message)).collect();
    forward_from(GROUP, &stream(), &messages, &PipelineSettings::default()).0
}

/// The one log that one message makes.
pub fn forward_one(message: &str) -> Value {
    let mut logs = forward(&[message]);
    assert_eq!(logs.len(), 1, "{logs:#?}");
    logs.remove(0)
}

pub fn tags(log: &Value) -> Vec<&str> {
    log["ddtags"].as_str().unwrap().split(',').collect()
}

pub fn has_tag(log: &Value, tag: &str) -> bool {
    tags(log).contains(&tag)
}
