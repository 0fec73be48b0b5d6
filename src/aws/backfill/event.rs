//! An event from the past, as `FilterLogEvents` returns it, and as a subscription would have handed it over.

use serde::Serialize;

/// An event of a log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryEvent {
    pub(crate) id: String,
    pub(crate) stream: String,
    /// Milliseconds since 1970.
    pub(crate) timestamp: i64,
    pub(crate) message: String,
}

/// The part of a content that all streams of a group share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventOrigin {
    /// The account's id.
    pub(crate) owner: String,
    pub(crate) group: String,
}

/// The JSON that a subscription filter would have given of these events, which are of one stream.
/// Source: Amazon CloudWatch Logs User Guide, "Log group-level subscription filters".
#[must_use]
pub(crate) fn content(origin: &EventOrigin, stream: &str, events: &[HistoryEvent]) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Content<'a> {
        message_type: &'a str,
        owner: &'a str,
        log_group: &'a str,
        log_stream: &'a str,
        subscription_filters: [&'a str; 0],
        log_events: Vec<Event<'a>>,
    }
    #[derive(Serialize)]
    struct Event<'a> {
        id: &'a str,
        timestamp: i64,
        message: &'a str,
    }
    let content = Content {
        message_type: "DATA_MESSAGE",
        owner: &origin.owner,
        log_group: &origin.group,
        log_stream: stream,
        subscription_filters: [],
        log_events: events
            .iter()
            .map(|event| Event { id: &event.id, timestamp: event.timestamp, message: &event.message })
            .collect(),
    };
    // Strings and numbers cannot fail to be written.
    serde_json::to_string(&content).unwrap_or_default()
}
