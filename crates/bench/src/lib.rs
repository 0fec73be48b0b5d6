//! What the benches measure on: an event as EKS Fargate makes it.

#![allow(clippy::unwrap_used, reason = "a bench ends by a panic")]

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The metadata of a real record (`tests/fixtures/corpus/kept`), as Fluent Bit's Kubernetes filter wrote it.
fn metadata() -> Value {
    let event = include_str!("../../../tests/fixtures/corpus/kept/web-nginx.json");
    let event: Value = serde_json::from_str(event).unwrap();
    serde_json::from_str(event["logEvents"][0]["message"].as_str().unwrap()).unwrap()
}

/// A line as nginx or a JSON logger writes it; every one different.
fn line(number: u64) -> String {
    let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number << 7);
    let mut line = String::new();
    if number.is_multiple_of(4) {
        write!(
            line,
            r#"{{"level":"info","ts":17953760{:02}.{:06},"msg":"request served","path":"/v1/orders/{}","status":200,"duration_ms":{}.{:03},"dd.trace_id":"{}","user":{{"id":{},"roles":["buyer"]}}}}"#,
            number % 60, random % 1_000_000, random % 100_000, random % 400, random % 1000, random, random >> 20
        )
    } else {
        write!(
            line,
            r#"10.0.{}.{} - - [22/Nov/2026:19:30:{:02} +0000] "GET /cart?id={} HTTP/1.1" 200 {} "-" "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 v{}""#,
            random % 256, (random >> 8) % 256, number % 60, random % 100_000, random % 9000, random % 40
        )
    }
    .unwrap();
    line
}

/// The content of an event of `records` records, `kubernetes` objects and all, as CloudWatch Logs sends it.
pub fn content(records: u64) -> String {
    let metadata = metadata();
    let mut events = Vec::new();
    for number in 0..records {
        let milliseconds = 1_795_379_888_000 + number;
        let time = format!("2026-11-22T20:38:{:02}.{:03}123456Z", 8 + number / 1000 % 50, number % 1000);
        // Key order as Fluent Bit writes it.
        let message = format!(
            r#"{{"time":"{time}","stream":"stdout","logtag":"F","log":{},"kubernetes":{},"cluster_name":"prod-eu"}}"#,
            Value::from(line(number)),
            metadata["kubernetes"]
        );
        events.push(format!(
            r#"{{"id":"{:056}","timestamp":{milliseconds},"message":{}}}"#,
            37_000_000_u64 + number,
            Value::from(message)
        ));
    }
    // The order of members as CloudWatch Logs writes them.
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/eks/prod-eu/fargate","logStream":"{STREAM}","subscriptionFilters":["podferry"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

const STREAM: &str = "from-fluent-bit-kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log";

/// `{"awslogs":{"data":…}}` of a content.
pub fn event(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content.as_bytes()).unwrap();
    let data = STANDARD.encode(encoder.finish().unwrap());
    json!({ "awslogs": { "data": data } }).to_string().into_bytes()
}
