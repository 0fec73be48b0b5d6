//! The JSON of CloudWatch Logs: from the inflated text to a [`Batch`] whose events are slices of it.
//!
//! Borrowing from one buffer takes a third of the time of streaming into owned values (`docs/decisions/0001-own-decoder.md`).

use std::borrow::Cow;

use super::event::EventError;
use super::json;
use super::json_walk::JsonWalk;
use super::lane::{self, Head, Lane};
use super::lane_text::KeptTexts;
use super::layout;
pub use super::log_event::{EventMessage, LogEvent};

/// How many events are taken whatever the size of their text is; beyond that, one for each [`MIN_EVENT_BYTES`].
const FREE_EVENTS: usize = 10_000;

/// What an event takes at the least: CloudWatch's id alone has 56 digits. Without such a bound a text of brackets would take
/// fifty times its size of memory.
const MIN_EVENT_BYTES: usize = 64;

/// What one invocation carries: the events of one log stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// A `CONTROL_MESSAGE`: CloudWatch Logs checks that the destination answers. It carries no logs.
    pub control: bool,
    /// The account that owns the log group.
    pub owner: Cow<'a, str>,
    pub log_group: Cow<'a, str>,
    pub log_stream: Cow<'a, str>,
    pub events: Vec<LogEvent<'a>>,
    /// What heads of events name.
    pub(crate) texts: KeptTexts,
}

/// Reads the JSON of CloudWatch Logs.
///
/// Only the frame has to be right. An event of a strange form (no object, no message, a message that is no string)
/// is kept as text: it must not cost the others.
///
/// # Errors
/// [`EventError::Content`] if `text` is not one JSON object with an array `logEvents` (a control message needs none);
/// [`EventError::TooMany`].
pub fn read(text: &str) -> Result<Batch<'_>, EventError> {
    let limit = FREE_EVENTS + text.len() / MIN_EVENT_BYTES;
    let batch = read_up_to(text, limit)?;
    if batch.events.len() > limit { Err(EventError::TooMany { limit }) } else { Ok(batch) }
}

/// Reads all events, and keeps at most one more than `limit`.
fn read_up_to(text: &str, limit: usize) -> Result<Batch<'_>, EventError> {
    if let Some(batch) = read_usual(text, limit) {
        return Ok(batch);
    }
    let batch = match read_frame(text, limit) {
        Some(batch) => batch,
        None => read_strange(text, limit)?,
    };
    if batch.control {
        return Ok(Batch { events: Vec::new(), ..batch });
    }
    Ok(batch)
}

/// Goes behind the value that comes next, a message: the value, and its head if the lane can read it. What the lane reads need not be walked
/// over again, most of it metadata; what it cannot read is walked over as JSON, and its suffix learned.
fn read_message<'a>(walk: &mut JsonWalk<'a>, lane: &mut Lane<'a>) -> Option<(&'a str, Option<Head>)> {
    if let Some(quoted) = walk.rest().strip_prefix('"')
        && let Some((head, length)) = lane.message(quoted)
    {
        return Some((walk.skip(length + 2)?, Some(head)));
    }
    let value = walk.value()?;
    let quoted = value.strip_prefix('"').unwrap_or_default();
    let suffix = lane::metadata_at(quoted).and_then(|at| quoted.get(at..));
    let has_learned = suffix.is_some_and(|suffix| lane.learn(suffix));
    Some((value, has_learned.then(|| lane.message(quoted)).flatten().map(|(head, _)| head)))
}

/// The usual case: events in the layout that CloudWatch Logs writes, behind other members.
fn read_usual(text: &str, limit: usize) -> Option<Batch<'_>> {
    const EVENTS: &str = ",\"logEvents\":";
    let at = text.find(EVENTS)?;
    let (events, length, texts) = layout::events(&text[at + EVENTS.len()..], limit)?;
    // What stands before and behind the events has to be an object without them.
    let events_end = at + EVENTS.len() + length;
    let without = [&text[..at], &text[events_end..]].concat();
    let mut batch = Batch::default();
    let base = without.as_ptr() as usize;
    json::each_member(&without, |key, value| {
        let place = value.as_ptr() as usize - base;
        let start = if place < at { place } else { place - at + events_end };
        batch.take(key, &text[start..start + value.len()]);
    })
    .ok()?;
    (!batch.control).then_some(Batch { events, texts, ..batch })
}

/// Any other order of members, and white space: the frame and all its events in one walk. `None` only means: not even that.
fn read_frame(text: &str, limit: usize) -> Option<Batch<'_>> {
    let mut walk = JsonWalk::new(text);
    let mut batch = Batch::default();
    let mut has_events = false;
    // One for all arrays, of which the last one counts: the room that it makes for texts takes longer than a short array.
    let mut lane = Lane::new(text.len());
    walk.members(|walk, key| {
        if key == "logEvents" {
            batch.events = read_events(walk, &mut lane, limit)?;
            has_events = true;
        } else {
            batch.take(key, walk.value()?);
        }
        Some(())
    })?;
    batch.texts = lane.into_texts();
    (walk.is_at_end() && (has_events || batch.control)).then_some(batch)
}

/// An array of objects with a message.
fn read_events<'a>(walk: &mut JsonWalk<'a>, lane: &mut Lane<'a>, limit: usize) -> Option<Vec<LogEvent<'a>>> {
    let mut events = Vec::new();
    walk.elements(|walk| {
        let mut parts = EventParts::default();
        walk.members(|walk, key| {
            if key == "message" {
                let (message, head) = read_message(walk, lane)?;
                (parts.message, parts.head) = (Some(message), head);
            } else {
                parts.take(key, walk.value()?);
            }
            Some(())
        })?;
        let event = parts.event()?;
        if events.len() <= limit {
            events.push(event);
        }
        Some(())
    })?;
    Some(events)
}

impl<'a> Batch<'a> {
    fn take(&mut self, key: &str, value: &'a str) {
        match key {
            "messageType" => self.control = value == "\"CONTROL_MESSAGE\"",
            "owner" => self.owner = plain(value),
            "logGroup" => self.log_group = plain(value),
            "logStream" => self.log_stream = plain(value),
            _ => {}
        }
    }
}

/// The slow way, for a frame that holds something else than it should: each element of `logEvents` for itself.
fn read_strange(text: &str, limit: usize) -> Result<Batch<'_>, EventError> {
    let mut batch = Batch::default();
    let mut log_events = None;
    json::each_member(text, |key, value| {
        batch.take(key, value);
        if key == "logEvents" {
            log_events = Some(value);
        }
    })
    .map_err(|_| EventError::Content)?;
    if !batch.control {
        batch.events = strange_events(log_events.ok_or(EventError::Content)?, limit)?;
    }
    Ok(batch)
}

fn plain(raw: &str) -> Cow<'_, str> {
    match json::unquoted(raw) {
        Some(inside) if !inside.contains('\\') => Cow::Borrowed(inside),
        Some(_) => Cow::Owned(json::string(raw).unwrap_or_default()),
        None => Cow::Borrowed(""),
    }
}

#[derive(Default)]
struct EventParts<'a> {
    id: &'a str,
    timestamp: Option<i64>,
    message: Option<&'a str>,
    head: Option<Head>,
    extracted_fields: Option<&'a str>,
}

impl<'a> EventParts<'a> {
    fn take(&mut self, key: &str, value: &'a str) {
        match key {
            "id" => self.id = json::unquoted(value).unwrap_or(value),
            "timestamp" => self.timestamp = json::unquoted(value).unwrap_or(value).parse().ok(),
            "message" => self.message = Some(value),
            "extractedFields" => self.extracted_fields = Some(value).filter(|value| value.starts_with('{')),
            _ => {}
        }
    }

    fn event(self) -> Option<LogEvent<'a>> {
        let message = self.message?;
        Some(LogEvent {
            id: self.id,
            timestamp: self.timestamp,
            message: json::unquoted(message).map_or(EventMessage::Raw(message), EventMessage::Escaped),
            extracted_fields: self.extracted_fields,
            head: self.head,
        })
    }
}

/// An array of anything.
fn strange_events(log_events: &str, limit: usize) -> Result<Vec<LogEvent<'_>>, EventError> {
    let mut walk = JsonWalk::new(log_events);
    let mut events = Vec::new();
    let is_array = walk.elements(|walk| {
        let element = walk.value()?;
        if events.len() <= limit {
            events.push(strange_event(element));
        }
        Some(())
    });
    is_array.map(|()| events).ok_or(EventError::Content)
}

fn strange_event(element: &str) -> LogEvent<'_> {
    let mut parts = EventParts::default();
    let is_object = json::each_member(element, |key, value| parts.take(key, value)).is_ok();
    match parts.event().filter(|_| is_object) {
        Some(event) => event,
        None => LogEvent {
            id: "",
            timestamp: None,
            message: json::unquoted(element).map_or(EventMessage::Raw(element), EventMessage::Escaped),
            extracted_fields: None,
            head: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_event_does_not_cost_the_others() {
        let text = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[
            {"id":"a","timestamp":5,"message":"one"}, 7, "text", {"id":"b"}, {"id":"c","timestamp":"6","message":{"x":1}}]}"#;
        let batch = read(text).unwrap();
        let messages: Vec<_> = batch.events.iter().map(|event| event.message).collect();
        assert_eq!(
            messages,
            [
                EventMessage::Escaped("one"),
                EventMessage::Raw("7"),
                EventMessage::Escaped("text"),
                EventMessage::Raw(r#"{"id":"b"}"#),
                EventMessage::Raw(r#"{"x":1}"#),
            ]
        );
        assert_eq!(batch.events[4].timestamp, Some(6));
    }

    #[test]
    fn there_are_no_more_events_than_their_size_can_mean() {
        for element in ["1", r#"{"message":""}"#, r#"{"id":"1","timestamp":1,"message":""}"#] {
            let text = |count: usize| format!(r#"{{"logGroup":"g","logEvents":[{}]}}"#, vec![element; count].join(","));
            let limit = |count: usize| {
                let frame = text(1).len() - element.len() - 1;
                FREE_EVENTS + (frame + count * (element.len() + 1)) / MIN_EVENT_BYTES
            };
            let most = (FREE_EVENTS..).take_while(|count| *count <= limit(*count)).last().unwrap();
            assert_eq!(read(&text(most - 1)).unwrap().events.len(), most - 1);
            assert_eq!(read(&text(most)).unwrap().events.len(), most);
            assert_eq!(read(&text(most + 1)), Err(EventError::TooMany { limit: limit(most + 1) }), "{element}");
        }
    }

    #[test]
    fn in_any_layout_the_lane_reads_the_same_messages() {
        let message = |log: &str, number: usize| {
            let suffix = r#","kubernetes":{"pod_name":"web","namespace_name":"shop"}}"#;
            let record = format!(r#"{{"stream":"stdout","logtag":"F","log":"{log} {number}"{suffix}"#);
            serde_json::Value::from(record).to_string()
        };
        let events = |write: &dyn Fn(usize, String) -> String| {
            let texts = ["plain", r#"with \"quotes\""#, r"and \n more"];
            let all: Vec<_> =
                texts.iter().enumerate().map(|(number, log)| write(number, message(log, number))).collect();
            format!(r#"{{"logGroup":"g","logStream":"s","logEvents":[{}]}}"#, all.join(","))
        };
        let usual = events(&|id, message| format!(r#"{{"id":"{id}","timestamp":5,"message":{message}}}"#));
        let usual = read(&usual).unwrap().events;
        assert!(usual.iter().all(|event| event.head.is_some()));
        for other in [
            events(&|id, message| format!(r#"{{"id":"{id}", "timestamp":5, "message": {message} }}"#)),
            events(&|id, message| format!(r#"{{"message":{message},"timestamp":5,"id":"{id}"}}"#)),
            events(&|id, message| format!(r#"{{"message":"x","id":"{id}","timestamp":5,"message":{message}}}"#)),
        ] {
            assert_eq!(read(&other).unwrap().events, usual, "{other}");
        }
        let last_counts =
            events(&|id, message| format!(r#"{{"message":{message},"id":"{id}","timestamp":5,"message":"x"}}"#));
        assert!(read(&last_counts).unwrap().events.iter().all(|event| event.head.is_none()));
        let broken = events(&|id, message| format!(r#"{{"message":{message}x,"id":"{id}"}}"#));
        assert_eq!(read(&broken), Err(EventError::Content));
    }

    #[test]
    fn the_frame_has_to_be_right() {
        for text in ["", "[]", "{}", r#"{"logEvents":7}"#, r#"{"logEvents":[{]}"#, r#"{"logEvents":[]"#] {
            assert_eq!(read(text), Err(EventError::Content), "{text}");
        }
        assert!(read(r#"{"messageType":"CONTROL_MESSAGE"}"#).unwrap().control);
        assert_eq!(read(r#"{"logEvents":[]}"#).unwrap().events, []);
    }
}
