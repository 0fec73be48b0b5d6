//! One event of a batch of CloudWatch Logs.

use super::lane::Head;

/// One event of CloudWatch Logs, borrowed; values as spelled in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEvent<'a> {
    /// CloudWatch's id, 56 digits in practice; empty if it is missing.
    pub id: &'a str,
    /// Milliseconds since 1970; `None` if it is missing or no whole number.
    pub timestamp: Option<i64>,
    /// What the event says.
    pub message: EventMessage<'a>,
    /// `extractedFields`, the raw JSON of an object; in it are the system fields of a subscription filter with `emitSystemFields`.
    pub(crate) extracted_fields: Option<&'a str>,
    /// What stands where in the message, if the lane could read it.
    pub(crate) head: Option<Head>,
}

impl LogEvent<'_> {
    /// Touches what a reader looks at first. All events are walked over before the first is read, so by then they have left the processor's
    /// caches; to ask for the next ones while one is worked on saves waiting for them.
    pub(crate) fn fetch(&self) {
        let (EventMessage::Escaped(text) | EventMessage::Raw(text)) = self.message;
        let (id, text) = (self.id.as_bytes(), text.as_bytes());
        std::hint::black_box((
            id.first().copied(),
            id.last().copied(),
            text.first().copied(),
            text.get(FETCHED).copied(),
        ));
    }
}

/// A byte of a message in the second line of the cache.
const FETCHED: usize = 64;

/// The message of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventMessage<'a> {
    /// A string, still escaped.
    Escaped(&'a str),
    /// Something else than a string where a string was expected: its JSON is the text.
    Raw(&'a str),
}

impl EventMessage<'_> {
    /// How many bytes of JSON it takes, without the quotes of a string.
    pub(crate) fn len(&self) -> usize {
        let (EventMessage::Escaped(text) | EventMessage::Raw(text)) = self;
        text.len()
    }
}
