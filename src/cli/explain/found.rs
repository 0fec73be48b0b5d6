//! The event of a log, found in what was captured of CloudWatch Logs and of podferry's queues. Pure.

use serde_json::Value;

use super::datadog_log::DatadogLog;
use crate::cli::captured::Captured;
use pipeline::PipelineSettings;
use pipeline::decode::{self, Batch, EventMessage, LogEvent};
use pipeline::json;

/// The beginning of the ids that `captured` gives events where a capture has none.
const NO_ID: &str = "0000000000";

/// One event of CloudWatch Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamEvent {
    pub(super) id: String,
    /// Milliseconds since 1970.
    pub(super) timestamp_ms: Option<i64>,
    pub(super) message: String,
}

/// An event, and what was read of its log stream around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundEvent {
    /// As CloudWatch Logs hands it over.
    pub(super) content: String,
    pub(super) owner: String,
    pub(super) log_group: String,
    pub(super) log_stream: String,
    pub(super) events: Vec<StreamEvent>,
    /// Which of them it is.
    pub(super) place: usize,
    /// Not by its id, which the capture or the log does not have.
    pub(super) is_by_text: bool,
}

/// A log in a message of podferry's queue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WaitingLog {
    pub(super) log: Value,
    pub(super) reason: String,
    pub(super) attempts: u32,
    /// How many logs the message has.
    pub(super) logs: usize,
}

impl FoundEvent {
    /// The event with this id in a content.
    pub(super) fn of_content(content: &str, id: &str) -> Option<FoundEvent> {
        // A content is large, and mostly not the one.
        if !content.contains(id) {
            return None;
        }
        let batch = decode::read(content).ok()?;
        let place = batch.events.iter().position(|event| event.id == id)?;
        Some(FoundEvent::at(content, &batch, place))
    }

    fn at(content: &str, batch: &Batch, place: usize) -> FoundEvent {
        FoundEvent {
            content: content.to_owned(),
            owner: batch.owner.to_string(),
            log_group: batch.log_group.to_string(),
            log_stream: batch.log_stream.to_string(),
            events: batch.events.iter().map(stream_event).collect(),
            place,
            is_by_text: false,
        }
    }
}

fn stream_event(event: &LogEvent) -> StreamEvent {
    let mut message = String::new();
    match event.message {
        EventMessage::Escaped(escaped) => json::unescape_into(escaped, &mut message),
        EventMessage::Raw(raw) => message.push_str(raw),
    }
    StreamEvent { id: event.id.to_owned(), timestamp_ms: event.timestamp, message }
}

/// The log's event in captures: by its id or, where capture or log have none, by the text and time that its log would have.
pub(super) fn in_captures(captures: &[Captured], log: &DatadogLog, settings: &PipelineSettings) -> Option<FoundEvent> {
    let contents = || captures.iter().flat_map(|captured| &captured.contents);
    let by_id = log.id.as_deref().and_then(|id| contents().find_map(|content| FoundEvent::of_content(content, id)));
    by_id.or_else(|| contents().find_map(|content| by_text(content, log, settings)))
}

fn by_text(content: &str, log: &DatadogLog, settings: &PipelineSettings) -> Option<FoundEvent> {
    let message = log.message.as_deref()?;
    let batch = decode::read(content).ok()?;
    if log.id.is_some() && batch.events.iter().any(|event| !event.id.is_empty() && !event.id.starts_with(NO_ID)) {
        return None;
    }
    let processed = pipeline::explain_content(content, "", settings, None).ok()?;
    let items: Vec<Value> = items(&processed.payloads);
    let shipped = processed.outcomes.iter().filter(|outcome| outcome.shipped);
    let time = log.original_ms.or(log.timestamp_ms);
    let is_it = |item: &Value| item["message"] == message && (time.is_none() || item["timestamp"].as_i64() == time);
    let (outcome, _) = shipped.zip(&items).find(|(_, item)| is_it(item))?;
    Some(FoundEvent { is_by_text: true, ..FoundEvent::at(content, &batch, outcome.events.0) })
}

/// The logs of payloads, one by one.
pub(super) fn items(payloads: &[pipeline::batch::Payload]) -> Vec<Value> {
    let plain = payloads.iter().filter_map(pipeline::batch::Payload::plain);
    plain.filter_map(|plain| serde_json::from_slice::<Vec<Value>>(&plain).ok()).flatten().collect()
}

/// The log with this id in messages of podferry's queue.
pub(super) fn in_messages(captures: &[Captured], id: &str) -> Option<WaitingLog> {
    captures.iter().flat_map(|captured| &captured.saved).find_map(|(head, payloads)| {
        let log = items(payloads).into_iter().find(|log| log["id"] == id)?;
        Some(WaitingLog { log, reason: head.reason.clone(), attempts: head.attempts, logs: head.logs })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(ids: [&str; 2]) -> String {
        let event =
            |id: &str, time: i64| json!({ "id": id, "timestamp": time, "message": format!("line {time} \"x\"") });
        let events = [event(ids[0], 5), event(ids[1], 6)];
        json!({ "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events })
            .to_string()
    }

    fn captures(content: String) -> Vec<Captured> {
        vec![Captured { contents: vec![content], ..Captured::default() }]
    }

    fn found(ids: [&str; 2], log: &DatadogLog) -> Option<FoundEvent> {
        in_captures(&captures(content(ids)), log, &PipelineSettings::default())
    }

    #[test]
    fn by_its_id() {
        let event = found(["37", "38"], &DatadogLog::of_id("38")).unwrap();
        assert_eq!((event.place, event.log_stream.as_str(), event.is_by_text), (1, "s", false));
        assert_eq!(event.events[1].message, "line 6 \"x\"");
        assert_eq!(found(["37", "38"], &DatadogLog::of_id("3")), None);
    }

    #[test]
    fn by_its_text_where_a_capture_has_no_ids() {
        let placeholder = |number: usize| format!("{number:056}");
        let log = |message: &str, time: i64| DatadogLog {
            message: Some(message.to_owned()),
            timestamp_ms: Some(time),
            ..DatadogLog::of_id("38")
        };
        let without = [&*placeholder(0), &*placeholder(1)];
        let event = found(without, &log("line 6 \"x\"", 6)).unwrap();
        assert!(event.place == 1 && event.is_by_text);
        assert_eq!(found(without, &log("line 6 \"x\"", 7)), None);
        assert_eq!(found(["37", "39"], &log("line 6 \"x\"", 6)), None, "it is another event, whatever its text");
    }
}
