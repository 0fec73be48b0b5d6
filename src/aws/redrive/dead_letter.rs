//! One message of a queue: what it is, why it is there, and since when. Its logs are not looked at.

use serde::Serialize;
use serde_json::value::RawValue;

use forwarder::delivery::undelivered;
use forwarder::delivery::waiting;
use pipeline::accepted_times::LATE_AFTER_MS;
use pipeline::event::{self, InvocationEvent};
use pipeline::json;

/// How much of a reason to repeat, in characters: error names are shorter.
const MAX_REASON: usize = 64;

/// A message as SQS tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReceivedMessage {
    pub(crate) id: String,
    /// What to delete it by, or to make it visible again.
    pub(crate) receipt: String,
    pub(crate) body: String,
    /// The attribute `podferry_reason`.
    pub(crate) reason: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) sent_ms: i64,
    /// How often it was handed out, this time included.
    pub(crate) receives: u32,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeadLetterKind {
    /// Logs of ours.
    Logs,
    /// An event that waits for the metadata of its pod, or has waited long enough.
    Waiting,
    /// An event that the function, or Lambda on its behalf, gave up on.
    Event,
    /// S3's notification that such an event is in a bucket.
    Object,
    /// podferry's, but damaged or from a newer version.
    Unreadable,
    /// Nothing that podferry writes or reads.
    Unknown,
}

/// A message, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DeadLetter {
    pub(crate) id: String,
    pub(crate) kind: DeadLetterKind,
    /// A name such as `IntakeAnswered400`; empty if none is known.
    pub(crate) reason: String,
    /// How many logs, or lines that are not read yet, and the times of the oldest and the newest.
    pub(crate) logs: Option<usize>,
    pub(crate) first_ms: Option<i64>,
    pub(crate) last_ms: Option<i64>,
    /// How often delivery of its logs was given up, or its metadata was looked for.
    pub(crate) attempts: Option<u32>,
    pub(crate) sent_ms: i64,
    pub(crate) receives: u32,
    pub(crate) bytes: usize,
}

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeadLetterFilter {
    /// One of these; empty is any.
    pub(crate) reasons: Vec<String>,
    /// Sent before, and not before; milliseconds since 1970.
    pub(crate) before_ms: Option<i64>,
    pub(crate) since_ms: Option<i64>,
}

impl DeadLetterKind {
    /// For people.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            DeadLetterKind::Logs => "logs",
            DeadLetterKind::Waiting => "waiting event",
            DeadLetterKind::Event => "event",
            DeadLetterKind::Object => "event in a bucket",
            DeadLetterKind::Unreadable => "unreadable",
            DeadLetterKind::Unknown => "unknown",
        }
    }

    /// Whether the function can process it again. What it cannot may belong to somebody else.
    #[must_use]
    pub(crate) fn is_known(self) -> bool {
        !matches!(self, DeadLetterKind::Unreadable | DeadLetterKind::Unknown)
    }
}

impl DeadLetter {
    #[must_use]
    pub(crate) fn of(received: &ReceivedMessage) -> DeadLetter {
        let Told { kind, reason, logs, first_ms, last_ms, attempts } = recognise(&received.body);
        let reason = received.reason.clone().or(reason).unwrap_or_default();
        DeadLetter {
            id: received.id.clone(),
            kind,
            reason: reason.chars().take(MAX_REASON).collect(),
            logs,
            first_ms,
            last_ms,
            attempts,
            sent_ms: received.sent_ms,
            receives: received.receives,
            bytes: received.body.len(),
        }
    }

    /// Whether it has logs that Datadog would drop for their age, so that the function sends them with another time.
    #[must_use]
    pub(crate) fn is_late(&self, now_ms: i64) -> bool {
        self.first_ms.is_some_and(|first| first < now_ms.saturating_sub(LATE_AFTER_MS))
    }
}

impl DeadLetterFilter {
    #[must_use]
    pub(crate) fn has(&self, message: &DeadLetter) -> bool {
        (self.reasons.is_empty() || self.reasons.contains(&message.reason))
            && self.before_ms.is_none_or(|before| message.sent_ms < before)
            && self.since_ms.is_none_or(|since| message.sent_ms >= since)
    }
}

/// What a message tells: what it is, and what it says of itself if it is podferry's; of another the reason only, if Lambda names one.
struct Told {
    kind: DeadLetterKind,
    reason: Option<String>,
    logs: Option<usize>,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    attempts: Option<u32>,
}

fn recognise(body: &str) -> Told {
    let only = |kind, reason| Told { kind, reason, logs: None, first_ms: None, last_ms: None, attempts: None };
    match event::recognise(body.as_bytes()) {
        Ok(InvocationEvent::Undelivered(text)) => {
            podferrys(text).unwrap_or_else(|| only(DeadLetterKind::Unreadable, None))
        }
        Ok(InvocationEvent::S3(_)) => only(DeadLetterKind::Object, None),
        Ok(InvocationEvent::Failed(_)) => only(DeadLetterKind::Event, condition(body)),
        Ok(InvocationEvent::AwsLogs { .. } | InvocationEvent::Kinesis(_) | InvocationEvent::Sqs(_)) => {
            only(DeadLetterKind::Event, None)
        }
        Ok(InvocationEvent::Firehose(_)) | Err(_) => only(DeadLetterKind::Unknown, None),
    }
}

/// What a message of podferry's says of itself; `None`: it is damaged, or of a newer one.
fn podferrys(text: &str) -> Option<Told> {
    if waiting::is_waiting(text) {
        let (head, _) = waiting::read(text).ok()?;
        return Some(Told {
            kind: DeadLetterKind::Waiting,
            reason: Some(head.reason),
            logs: Some(head.events),
            first_ms: head.first_ms,
            last_ms: head.last_ms,
            attempts: Some(head.rounds),
        });
    }
    let head = undelivered::read_head(text).ok()?;
    Some(Told {
        kind: DeadLetterKind::Logs,
        reason: Some(head.reason),
        logs: Some(head.logs),
        first_ms: head.first_ms,
        last_ms: head.last_ms,
        attempts: Some(head.attempts),
    })
}

/// `RetriesExhausted`. Source: AWS, "Capturing records of Lambda asynchronous invocations".
fn condition(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Record<'a> {
        #[serde(borrow, rename = "requestContext")]
        request_context: &'a RawValue,
    }
    let record: Record = serde_json::from_str(body).ok()?;
    let mut condition = None;
    let _ = json::each_member(record.request_context.get(), |name, value| {
        if name == "condition" {
            condition = json::string(value);
        }
    });
    condition
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(body: &str, reason: Option<&str>) -> DeadLetter {
        let received = ReceivedMessage {
            body: body.to_owned(),
            reason: reason.map(str::to_owned),
            sent_ms: 100,
            ..ReceivedMessage::default()
        };
        DeadLetter::of(&received)
    }

    const LOGS: &str = r#"{"podferry":{"schema":1,"version":"0.1.0","logs":2,"first_ms":5,"last_ms":6,"attempts":3,"reason":"IntakeAnswered400","encoding":"json"},"payload":[{},{}]}"#;

    const WAITING: &str = r#"{"podferry":{"schema":2,"kind":"metadata","version":"0.1.0","events":4,"first_ms":5,"last_ms":6,"since_ms":7,"rounds":3,"reason":"MetadataUnknown","dead":true},"data":"H4s="}"#;

    #[test]
    fn what_it_is_and_why() {
        let waiting = message(WAITING, None);
        assert_eq!((waiting.kind, waiting.reason.as_str()), (DeadLetterKind::Waiting, "MetadataUnknown"));
        assert_eq!(
            (waiting.logs, waiting.first_ms, waiting.last_ms, waiting.attempts),
            (Some(4), Some(5), Some(6), Some(3))
        );
        let logs = message(LOGS, None);
        assert_eq!((logs.kind, logs.reason.as_str()), (DeadLetterKind::Logs, "IntakeAnswered400"));
        assert_eq!((logs.logs, logs.first_ms, logs.last_ms, logs.attempts), (Some(2), Some(5), Some(6), Some(3)));
        let event = json!({ "awslogs": { "data": "%" } });
        let failed = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event });
        let note = json!({ "Records": [{ "eventSource": "aws:s3", "s3": {} }] });
        for (body, reason, kind, expected) in [
            (event.to_string(), Some("EventBase64Invalid"), DeadLetterKind::Event, "EventBase64Invalid"),
            (failed.to_string(), None, DeadLetterKind::Event, "RetriesExhausted"),
            (note.to_string(), Some("EventObjectMissing"), DeadLetterKind::Object, "EventObjectMissing"),
            (LOGS.replace("\"schema\":1", "\"schema\":2"), None, DeadLetterKind::Unreadable, ""),
            (WAITING.replace("metadata", "other"), None, DeadLetterKind::Unreadable, ""),
            (json!({ "order": 7 }).to_string(), None, DeadLetterKind::Unknown, ""),
            ("text".to_owned(), None, DeadLetterKind::Unknown, ""),
        ] {
            let message = message(&body, reason);
            assert_eq!((message.kind, message.reason.as_str()), (kind, expected), "{body}");
            assert_eq!(message.kind.is_known(), !matches!(kind, DeadLetterKind::Unreadable | DeadLetterKind::Unknown));
        }
    }

    #[test]
    fn by_reason_and_age() {
        let message = message(LOGS, None);
        let wanted = |reasons: &[&str], before_ms, since_ms| {
            let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
            DeadLetterFilter { reasons, before_ms, since_ms }.has(&message)
        };
        assert!(wanted(&[], None, None) && wanted(&["x", "IntakeAnswered400"], None, None));
        assert!(!wanted(&["IntakeAnswered4"], None, None));
        for (edge, before, since) in [(99, false, true), (100, false, true), (101, true, false)] {
            assert_eq!((wanted(&[], Some(edge), None), wanted(&[], None, Some(edge))), (before, since), "{edge}");
        }
        for (now, late) in [(5 + LATE_AFTER_MS, false), (6 + LATE_AFTER_MS, true)] {
            assert_eq!(message.is_late(now), late);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_none_of_it_is_kept(text in "[a-z{}\":,]{0,80}") {
            prop_assert_eq!(message(&text, None).reason, "");
        }
    }
}
