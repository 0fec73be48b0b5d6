//! base64, gzip, JSON: from `awslogs.data` to a [`Batch`] whose events are slices of one buffer.
//!
//! Inflating into one buffer and borrowing from it takes a third of the time of streaming into owned values
//! (`docs/decisions/0001-own-decoder.md`), and lets the inflated size be capped exactly.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::MultiGzDecoder;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::event::EventError;
use super::json;
use super::layout;

/// How far DEFLATE can inflate a byte at most; bounds what a length in a gzip trailer may make us reserve.
/// Source: zlib, "Technical details", maximum compression factor.
const MAX_INFLATION: usize = 1032;

/// How many events are taken whatever the size of their text is; beyond that, one for each [`MIN_EVENT_BYTES`].
const FREE_EVENTS: usize = 10_000;

/// What an event takes at the least: CloudWatch's id alone has 56 digits. Without such a bound a text of brackets would take
/// fifty times its size of memory.
const MIN_EVENT_BYTES: usize = 64;

/// How much to make room for where a gzip trailer gave no useful hint.
const MIN_GROWTH: usize = 64 * 1024;

/// Decodes and inflates `awslogs.data`; all members of a concatenated gzip are read.
///
/// # Errors
/// [`EventError::Base64`], [`EventError::Gzip`], and [`EventError::TooLarge`] beyond `limit` bytes of inflated text.
pub fn inflate(data: &str, limit: u64) -> Result<Vec<u8>, EventError> {
    let compressed = STANDARD.decode(data.trim_ascii()).map_err(|_| EventError::Base64)?;
    if compressed.is_empty() {
        return Err(EventError::Gzip);
    }
    // The trailer says how long the last member is: a hint for one allocation, never trusted for more.
    let hint = compressed.last_chunk::<4>().map_or(0, |trailer| u32::from_le_bytes(*trailer) as usize);
    let capacity = hint.min(compressed.len().saturating_mul(MAX_INFLATION)).min(usize::try_from(limit).unwrap_or(0));
    // Zeroed pages come from the system as they are used, so a buffer of the hinted size costs nothing beforehand. One
    // byte more than allowed, so that "exactly the limit" and "more" can be told apart.
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let mut inflated = vec![0; capacity.saturating_add(1).min(most)];
    let mut decoder = MultiGzDecoder::new(compressed.as_slice());
    let mut length = 0;
    loop {
        if length == inflated.len() {
            if length == most {
                return Err(EventError::TooLarge { limit });
            }
            inflated.resize(length.saturating_mul(2).max(MIN_GROWTH).min(most), 0);
        }
        match decoder.read(&mut inflated[length..]).map_err(|_| EventError::Gzip)? {
            0 => break,
            read => length += read,
        }
    }
    inflated.truncate(length);
    Ok(inflated)
}

/// One event of CloudWatch Logs, borrowed; values as spelled in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEvent<'a> {
    /// CloudWatch's id, 56 digits in practice; empty if it is missing.
    pub id: &'a str,
    /// Milliseconds since 1970; `None` if it is missing or no whole number.
    pub timestamp: Option<i64>,
    /// What the event says.
    pub message: Message<'a>,
}

/// The message of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// A string, still escaped.
    Escaped(&'a str),
    /// Something else than a string where a string was expected: its JSON is the text.
    Raw(&'a str),
}

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
}

/// The inflated text, made sure to be UTF-8: what is not becomes U+FFFD instead of costing the event.
pub fn text(inflated: Vec<u8>) -> String {
    match String::from_utf8(inflated) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
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

/// Reads all events, and keeps at most one more than `limit` of those that are not in the usual layout.
fn read_up_to(text: &str, limit: usize) -> Result<Batch<'_>, EventError> {
    if let Some(batch) = read_usual(text) {
        return Ok(batch);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let batch = match deserializer.deserialize_map(Frame { limit }).and_then(|batch| deserializer.end().map(|()| batch))
    {
        Ok(batch) => batch,
        Err(_) => read_strange(text, limit)?,
    };
    if batch.control {
        return Ok(Batch { events: Vec::new(), ..batch });
    }
    Ok(batch)
}

/// The usual case: events in the layout that CloudWatch Logs writes, behind other members.
fn read_usual(text: &str) -> Option<Batch<'_>> {
    const EVENTS: &str = ",\"logEvents\":";
    let at = text.find(EVENTS)?;
    let (events, length) = layout::events(&text[at + EVENTS.len()..])?;
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
    (!batch.control).then_some(Batch { events, ..batch })
}

/// Any other order of members: the frame and all its events in one walk. An error here only means: not even that.
struct Frame {
    limit: usize,
}

impl<'a> Visitor<'a> for Frame {
    type Value = Batch<'a>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("what CloudWatch Logs sends")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut batch = Batch::default();
        let mut has_events = false;
        while let Some(key) = map.next_key::<&'a RawValue>()? {
            let key = json::unquoted(key.get()).unwrap_or_default();
            if key == "logEvents" {
                batch.events = map.next_value_seed(Events { limit: self.limit })?;
                has_events = true;
            } else {
                batch.take(key, map.next_value::<&'a RawValue>()?.get());
            }
        }
        if has_events || batch.control { Ok(batch) } else { Err(serde::de::Error::custom("no logEvents")) }
    }
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

/// An array of objects, each read in one walk.
struct Events {
    limit: usize,
}

impl<'a> DeserializeSeed<'a> for Events {
    type Value = Vec<LogEvent<'a>>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Events {
    type Value = Vec<LogEvent<'a>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an array of log events")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while events.len() <= self.limit {
            let Some(event) = sequence.next_element_seed(OneEvent)? else { return Ok(events) };
            events.push(event);
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(events)
    }
}

struct OneEvent;

impl<'a> DeserializeSeed<'a> for OneEvent {
    type Value = LogEvent<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for OneEvent {
    type Value = LogEvent<'a>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("a log event with a message")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = EventParts::default();
        while let Some(key) = map.next_key::<&'a RawValue>()? {
            let value: &'a RawValue = map.next_value()?;
            parts.take(json::unquoted(key.get()).unwrap_or_default(), value.get());
        }
        parts.event().ok_or_else(|| serde::de::Error::custom("no message"))
    }
}

#[derive(Default)]
struct EventParts<'a> {
    id: &'a str,
    timestamp: Option<i64>,
    message: Option<&'a str>,
}

impl<'a> EventParts<'a> {
    fn take(&mut self, key: &str, value: &'a str) {
        match key {
            "id" => self.id = json::unquoted(value).unwrap_or(value),
            "timestamp" => self.timestamp = json::unquoted(value).unwrap_or(value).parse().ok(),
            "message" => self.message = Some(value),
            _ => {}
        }
    }

    fn event(self) -> Option<LogEvent<'a>> {
        let message = self.message?;
        Some(LogEvent {
            id: self.id,
            timestamp: self.timestamp,
            message: json::unquoted(message).map_or(Message::Raw(message), Message::Escaped),
        })
    }
}

fn strange_events(log_events: &str, limit: usize) -> Result<Vec<LogEvent<'_>>, EventError> {
    let mut deserializer = serde_json::Deserializer::from_str(log_events);
    deserializer.deserialize_seq(Elements { limit }).map_err(|_| EventError::Content)
}

/// An array of anything.
struct Elements {
    limit: usize,
}

impl<'a> Visitor<'a> for Elements {
    type Value = Vec<LogEvent<'a>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while let Some(element) = sequence.next_element::<&'a RawValue>()? {
            if events.len() <= self.limit {
                events.push(strange_event(element.get()));
            }
        }
        Ok(events)
    }
}

fn strange_event(element: &str) -> LogEvent<'_> {
    let mut parts = EventParts::default();
    let is_object = json::each_member(element, |key, value| parts.take(key, value)).is_ok();
    match parts.event().filter(|_| is_object) {
        Some(event) => event,
        None => LogEvent {
            id: "",
            timestamp: None,
            message: json::unquoted(element).map_or(Message::Raw(element), Message::Escaped),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    #[test]
    fn the_cap_is_exact() {
        let data = encode(&gzip(&[b'x'; 1000]));
        assert_eq!(inflate(&data, 1001).unwrap().len(), 1000);
        assert_eq!(inflate(&data, 1000).unwrap().len(), 1000);
        assert_eq!(inflate(&data, 999), Err(EventError::TooLarge { limit: 999 }));
    }

    #[test]
    fn all_members_of_a_concatenated_gzip_are_read() {
        let mut both = gzip(b"{\"a\":");
        both.extend(gzip(b"1}"));
        assert_eq!(inflate(&encode(&both), 100).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let whole = gzip(b"some text that is long enough to be cut");
        for length in 0..whole.len() {
            assert_eq!(inflate(&encode(&whole[..length]), 1000), Err(EventError::Gzip), "{length}");
        }
        let mut flipped = whole.clone();
        flipped[14] ^= 0xff;
        assert_eq!(inflate(&encode(&flipped), 1000), Err(EventError::Gzip));
        assert_eq!(inflate("%%%", 1000), Err(EventError::Base64));
        assert_eq!(inflate(&encode(b"plain"), 1000), Err(EventError::Gzip));
    }

    #[test]
    fn a_trailer_that_lies_reserves_nothing() {
        let mut lying = gzip(b"short");
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(inflate(&encode(&lying), u64::MAX), Err(EventError::Gzip));
    }

    #[test]
    fn a_strange_event_does_not_cost_the_others() {
        let text = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[
            {"id":"a","timestamp":5,"message":"one"}, 7, "text", {"id":"b"}, {"id":"c","timestamp":"6","message":{"x":1}}]}"#;
        let batch = read(text).unwrap();
        let messages: Vec<_> = batch.events.iter().map(|event| event.message).collect();
        assert_eq!(
            messages,
            [
                Message::Escaped("one"),
                Message::Raw("7"),
                Message::Escaped("text"),
                Message::Raw(r#"{"id":"b"}"#),
                Message::Raw(r#"{"x":1}"#),
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
    fn the_frame_has_to_be_right() {
        for text in ["", "[]", "{}", r#"{"logEvents":7}"#, r#"{"logEvents":[{]}"#, r#"{"logEvents":[]"#] {
            assert_eq!(read(text), Err(EventError::Content), "{text}");
        }
        assert!(read(r#"{"messageType":"CONTROL_MESSAGE"}"#).unwrap().control);
        assert_eq!(read(r#"{"logEvents":[]}"#).unwrap().events, []);
    }
}
