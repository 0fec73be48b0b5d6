//! The form in which an event waits in the queue of undelivered logs until the metadata of its pod is known: a message that says itself
//! what it is.
//!
//! ```json
//! {"podferry":{"schema":2,"kind":"metadata","version":"0.1.0","events":2,"first_ms":…,"last_ms":…,"since_ms":…,"rounds":1,
//!  "reason":"MetadataUnknown","dead":true},"data":"<base64 of gzip>"}
//! ```
//!
//! `data` is that of an event of CloudWatch Logs, unread: **its texts are not masked**, since the masks are what is waited for. It is not
//! an event by its form, and its schema is one that no podferry knew before there was this: a stack that is rolled back has an older one
//! read the queue, and that has to leave the message alone, and not to ship it without its masks. There it becomes a dead letter, from
//! where it can be moved back.
//!
//! The form is made here and read here, and nothing else is: how long an event waits is `lambda::waits`'.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use pipeline::RestPart;
use pipeline::event::EventError;

/// The version of the form; that of a payload is 1. A message of a higher one is left to a newer podferry.
const SCHEMA: u32 = 2;

/// What it waits for. A message that waits for something else is left to a newer podferry, too.
const KIND: &str = "metadata";

/// How a message begins, as it is written here. Who moves it about in queues leaves it as it is.
const START: &str = r#"{"podferry":{"schema":2,"#;

/// Why an event waits, or is a dead letter.
pub(crate) const METADATA_UNKNOWN: &str = "MetadataUnknown";

/// What a message says of itself. Anybody who may send to the queue can write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingHead {
    schema: u32,
    kind: String,
    /// Of the podferry that wrote it.
    #[serde(default)]
    version: String,
    /// How many events of the log stream it holds.
    pub events: usize,
    /// The time of the oldest and of the newest, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// When it began to wait, in milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// How often its metadata was looked for.
    pub rounds: u32,
    pub reason: String,
    /// It was sent to the dead-letter queue. If it is found in the other one, somebody wants it to be tried again, from the start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dead: bool,
}

/// What a message is to say of its wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitNote {
    pub(crate) since_ms: i64,
    pub(crate) rounds: u32,
    pub(crate) dead: bool,
}

/// Whether a text is a message of this form, or of a newer one of its kind; seen by its beginning.
pub fn is_waiting(text: &str) -> bool {
    text.starts_with(START)
}

/// The message of a part of an event.
pub(crate) fn message(part: RestPart, note: WaitNote) -> String {
    let head = WaitingHead {
        schema: SCHEMA,
        kind: KIND.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        events: part.events,
        first_ms: part.first_ms,
        last_ms: part.last_ms,
        since_ms: note.since_ms,
        rounds: note.rounds,
        reason: METADATA_UNKNOWN.to_owned(),
        dead: note.dead,
    };
    // A struct of numbers and strings cannot fail to be written, and base64 needs no escapes.
    format!("{{\"podferry\":{},\"data\":\"{}\"}}", serde_json::to_string(&head).unwrap_or_default(), part.data)
}

/// What a message says of itself, and its data: that of `awslogs`.
///
/// # Errors
/// [`EventError::Message`]: it is damaged, or of a newer podferry.
pub fn read(text: &str) -> Result<(WaitingHead, Cow<'_, str>), EventError> {
    #[derive(Deserialize)]
    struct Message<'a> {
        podferry: WaitingHead,
        #[serde(borrow)]
        data: Cow<'a, str>,
    }
    let Message { podferry, data } = serde_json::from_str(text).map_err(|_| EventError::Message)?;
    if podferry.schema == SCHEMA && podferry.kind == KIND { Ok((podferry, data)) } else { Err(EventError::Message) }
}

#[cfg(test)]
mod tests {
    use pipeline::compress::Compression;

    use super::super::undelivered;
    use super::*;

    const NOTE: WaitNote = WaitNote { since_ms: 7, rounds: 3, dead: false };

    fn part(data: &str) -> RestPart<'_> {
        RestPart { data, events: 2, first_ms: Some(5), last_ms: None }
    }

    #[test]
    fn what_is_written_is_read() {
        for dead in [false, true] {
            let text = message(part("H4s="), WaitNote { dead, ..NOTE });
            assert!(is_waiting(&text) && text.contains("\"dead\"") == dead, "{text}");
            let (head, data) = read(&text).unwrap();
            assert_eq!((head.events, head.first_ms, head.last_ms, head.since_ms), (2, Some(5), None, 7));
            assert_eq!(
                (head.rounds, head.dead, head.reason.as_str(), data.as_ref()),
                (3, dead, METADATA_UNKNOWN, "H4s=")
            );
        }
    }

    #[test]
    fn an_older_podferry_leaves_it_alone() {
        let text = message(part("H4s="), NOTE);
        // It is told by the head, and never taken for an event.
        let event = pipeline::event::recognise(text.as_bytes());
        assert!(matches!(event, Ok(pipeline::event::InvocationEvent::Undelivered(_))));
        assert_eq!(undelivered::read(&text, 0, Compression::None), Err(EventError::Message));
        assert_eq!(undelivered::read_head(&text), Err(EventError::Message));
    }

    #[test]
    fn what_is_damaged_or_newer_is_refused() {
        let whole = message(part("H4s="), NOTE);
        for text in [
            whole.replace("\"schema\":2", "\"schema\":3"),
            whole.replace("\"schema\":2", "\"schema\":1"),
            whole.replace("\"metadata\"", "\"weather\""),
            whole.replace("\"rounds\":3", "\"rounds\":-1"),
            whole.replace("\"since_ms\":7,", ""),
            whole.replace("\"data\"", "\"payload\""),
            whole.replace("\"H4s=\"", "7"),
            whole.trim_end_matches('}').to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&text), Err(EventError::Message), "{text}");
        }
    }
}
