//! What has to hold of everything that the pure part makes, whatever came in.
#![allow(dead_code, reason = "each target uses its part")]

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use pipeline::Processed;
use pipeline::batch::{MAX_ITEMS, MAX_PAYLOAD_BYTES};
use pipeline::entry::MAX_ITEM_BYTES;
use serde_json::value::RawValue;

/// base64 of gzip: what `awslogs.data`, or the data of a record of a stream, holds.
pub fn data_of(content: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("a vector takes what it is given");
    STANDARD.encode(encoder.finish().expect("a vector takes what it is given"))
}

/// An event around a content.
pub fn wrapped(content: &[u8]) -> Vec<u8> {
    format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, data_of(content)).into_bytes()
}

/// Checks counts and payloads; gives the logs as JSON, in order.
pub fn logs_of(processed: &Processed) -> Vec<Box<RawValue>> {
    let counts = processed.counts;
    let whole = counts.logs + counts.blank + counts.joined + counts.excluded + counts.sampled + counts.duplicate;
    assert_eq!(counts.events, whole, "{counts:?}");
    assert!(
        counts.masked <= counts.logs && counts.partial <= counts.logs && counts.truncated <= counts.logs,
        "{counts:?}"
    );
    let mut logs = Vec::new();
    for payload in &processed.payloads {
        let plain = payload.plain().expect("the body is what was compressed");
        assert_eq!(plain.len(), payload.plain_bytes);
        assert!(plain.len() <= MAX_PAYLOAD_BYTES, "{} bytes in a payload", plain.len());
        let items: Vec<Box<RawValue>> = serde_json::from_slice(&plain).expect("a payload is a JSON array");
        assert_eq!(items.len(), payload.items());
        assert!((1..=MAX_ITEMS).contains(&items.len()), "{} logs in a payload", items.len());
        for item in &items {
            assert!(item.get().len() <= MAX_ITEM_BYTES, "{} bytes in a log", item.get().len());
            let log: serde_json::Value = serde_json::from_str(item.get()).expect("a log is JSON for any reader");
            assert!(log["message"].is_string() && log["ddtags"].is_string() && log["id"].is_string());
        }
        logs.extend(items);
    }
    assert_eq!(logs.len(), counts.logs);
    logs
}
