//! The events of the demo, and their times moved to now.
//!
//! The samples keep their days, and Datadog takes logs of the last hours only. So their times are moved to now, as if the
//! pods ran at this moment: those that CloudWatch and the container runtime wrote, and nothing that an application wrote.

use std::borrow::Cow;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use serde_json::json;

use pipeline::event::{self, InvocationEvent};
use pipeline::{DEFAULT_MAX_DECOMPRESSED_BYTES, inflate};

/// A sample: how the ConfigMap was, and the event as CloudWatch Logs hands it over.
pub(super) struct Sample {
    pub(super) config_map: &'static str,
    pub(super) event: &'static [u8],
}

macro_rules! sample {
    ($config_map:literal, $file:literal) => {
        Sample { config_map: $config_map, event: include_bytes!(concat!("../../../", $file)) }
    };
}

/// The first has something of everything, and the screen shows it line by line. Real Fluent Bit wrote the others.
pub(super) const SAMPLES: [Sample; 6] = [
    sample!("standard", "examples/event.json"),
    sample!("no filters", "tests/fixtures/corpus/bare/checkout-app.event.json"),
    sample!("Merge_Log On", "tests/fixtures/corpus/parsed/web-nginx.event.json"),
    sample!("Merge_Log Off", "tests/fixtures/corpus/kept/api-api.event.json"),
    sample!("Merge_Log On", "tests/fixtures/corpus/parsed/report-report.event.json"),
    sample!("log_key", "tests/fixtures/corpus/logkey/coredns-coredns.event.json"),
];

/// What is inside an event; empty should the event be no event.
pub(super) fn content(event: &[u8]) -> Cow<'static, str> {
    let Ok(InvocationEvent::AwsLogs { data }) = event::recognise(event) else { return Cow::default() };
    inflate::inflate(&data, DEFAULT_MAX_DECOMPRESSED_BYTES).map(inflate::text).unwrap_or_default().into()
}

/// The event with its newest log at `now`, and the others as long before that as they were. `None` should it be no event.
pub(super) fn moved(event: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let content = content(event);
    let of_cloudwatch = Regex::new(r#""timestamp": ?([0-9]{13})"#).ok()?;
    // As containerd writes it, before a line or in the member that Fluent Bit's parser makes of it.
    let of_runtime = Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,9}Z").ok()?;
    let milliseconds = |found: &Captures| found[1].parse::<i64>().unwrap_or_default();
    let newest = of_cloudwatch.captures_iter(&content).map(|found| milliseconds(&found)).max()?;
    let by = now.as_millisecond() - newest;
    let content =
        of_cloudwatch.replace_all(&content, |found: &Captures| format!("\"timestamp\":{}", milliseconds(found) + by));
    let content = of_runtime.replace_all(&content, |found: &Captures| {
        let time = found[0].parse::<Timestamp>().and_then(|time| time.checked_add(SignedDuration::from_millis(by)));
        time.map_or_else(|_| found[0].to_owned(), |time| time.to_string())
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes()).ok()?;
    let data = STANDARD.encode(encoder.finish().ok()?);
    Some(json!({ "awslogs": { "data": data } }).to_string().into_bytes())
}
