//! What Datadog would get of the events: the function's own pipeline is asked, with its default settings.
//!
//! Lines that become one log are counted as one. Events wait until there are some of them, and a log that goes on behind them counts as two.

use std::collections::HashMap;

use pipeline::compress::Compression;
use pipeline::known_metadata::KnownMetadata;
use pipeline::{PipelineSettings, process_content};

/// How many bytes of messages wait at most, of all streams together.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// The function's ARN, which each log has: as long as one that CloudFormation named.
const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:podferry-Forwarder-0A1B2C3D4E5F";

/// An event of CloudWatch Logs.
#[derive(Debug, Clone, Copy)]
pub struct TallyEvent<'a> {
    pub stream: &'a str,
    /// Milliseconds since 1970; zero where it is not known.
    pub timestamp: i64,
    pub message: &'a str,
}

/// Events that wait, by stream.
#[derive(Debug)]
pub(crate) struct Shipping {
    group: String,
    settings: PipelineSettings,
    waiting: HashMap<String, Vec<(i64, String)>>,
    bytes: usize,
}

impl Shipping {
    pub(crate) fn new(group: &str) -> Shipping {
        let settings = PipelineSettings {
            compression: Compression::None,
            metadata_records: Some(KnownMetadata::default()),
            ..PipelineSettings::default()
        };
        Shipping { group: group.to_owned(), settings, waiting: HashMap::new(), bytes: 0 }
    }

    /// Takes an event, and says whether enough wait.
    pub(crate) fn add(&mut self, event: &TallyEvent) -> bool {
        self.bytes += event.message.len();
        let waiting = self.waiting.entry(event.stream.to_owned()).or_default();
        waiting.push((event.timestamp, event.message.to_owned()));
        self.bytes > MAX_WAITING
    }

    /// For each stream the logs and the bytes that Datadog would get of what waited.
    pub(crate) fn ship(&mut self) -> Vec<(String, u64, u64)> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|(stream, events)| self.ship_stream(stream, &events)).collect()
    }

    fn ship_stream(&self, stream: String, events: &[(i64, String)]) -> (String, u64, u64) {
        let events: Vec<serde_json::Value> = events
            .iter()
            .enumerate()
            .map(|(number, (timestamp, message))| {
                // As long as CloudWatch's own.
                serde_json::json!({ "id": format!("{number:056}"), "timestamp": timestamp, "message": message })
            })
            .collect();
        let content = serde_json::json!({
            "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": self.group, "logStream": stream, "subscriptionFilters": [],
            "logEvents": events,
        });
        let processed = process_content(&content.to_string(), FUNCTION, &self.settings, None);
        let (logs, bytes) = processed.map_or((0, 0), |processed| {
            let bytes: usize = processed.payloads.iter().map(|payload| payload.plain_bytes).sum();
            (processed.counts.logs, bytes)
        });
        (stream, logs as u64, bytes as u64)
    }
}
