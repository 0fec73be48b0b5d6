//! Turns the events of one log stream into records, one after the other, with buffers that it reuses.

use std::borrow::Cow;
use std::ops::Range;

use super::json;
use super::lane_reader::LaneReader;
use super::log_event::{EventMessage, LogEvent};
use super::members::{RecordMember, RecordMembers};
use super::record::{LogRecord, Metadata};
use super::salvage;
use super::shape;
use super::stream::StreamOrigin;
use super::trust::Trust;

/// Turns the events of one log stream into records: by the lane where it can, else the general way.
#[derive(Debug)]
pub(crate) struct RecordReader<'a> {
    lane: LaneReader,
    general: GeneralReader<'a>,
}

/// Reads any message there is.
#[derive(Debug)]
struct GeneralReader<'a> {
    origin: StreamOrigin<'a>,
    merge_keys: &'a [String],
    /// The message without the escapes of the outer JSON.
    text: String,
    /// The same, of a message that ends in the known suffix: what stands before it.
    head: String,
    suffix: Option<Suffix>,
    trust: Trust,
}

/// The end that the messages of one stream share: `,"kubernetes":{…}}`, kilobytes of it, the same to the byte.
///
/// It is unescaped and walked once. A message that ends in the same bytes needs only its head read: if the head and
/// a closing brace are a whole JSON object, the end cannot be anything else than further members of it.
#[derive(Debug)]
struct Suffix {
    escaped: String,
    text: String,
    members: Vec<(Range<usize>, Range<usize>)>,
}

impl<'a> RecordReader<'a> {
    /// A reader for a stream of `origin`; `merge_keys` are names that `Merge_Log_Key` may have been given.
    pub(crate) fn new(origin: StreamOrigin<'a>, merge_keys: &'a [String]) -> RecordReader<'a> {
        let (text, head, trust) = (String::new(), String::new(), Trust::default());
        let general = GeneralReader { origin, merge_keys, text, head, suffix: None, trust };
        RecordReader { lane: LaneReader::new(&origin), general }
    }

    /// Reads one event. Never fails: what is not understood is the text as it stands.
    pub(crate) fn read<'r>(&'r mut self, event: &LogEvent<'r>) -> LogRecord<'r> {
        let mut record = match event.message {
            EventMessage::Raw(raw) => LogRecord::as_is(raw),
            EventMessage::Escaped(escaped) => self.read_message(event, escaped),
        };
        if let Some(fields) = event.extracted_fields {
            add_system_fields(fields, &mut record.metadata);
        }
        record
    }

    fn read_message<'r>(&'r mut self, event: &LogEvent<'r>, escaped: &'r str) -> LogRecord<'r> {
        let RecordReader { lane, general } = self;
        if let Some(read) = lane.read(event, escaped) {
            return lane.record(read);
        }
        let record = general.read(event, escaped);
        if let Some(head) = &event.head {
            lane.learn(head, escaped, &record.metadata);
        }
        record
    }
}

impl GeneralReader<'_> {
    fn read<'r>(&'r mut self, event: &LogEvent<'r>, escaped: &'r str) -> LogRecord<'r> {
        let head = self.suffix.as_ref().and_then(|suffix| escaped.strip_suffix(suffix.escaped.as_str()));
        if let Some(head) = head {
            return self.read_known(head, escaped, event);
        }
        let record = read_whole(escaped, event, self.origin, self.merge_keys, &mut self.text, &mut self.trust);
        if let Some(Cow::Borrowed(kubernetes)) = record.metadata.kubernetes
            && let Some(suffix) = Suffix::find(escaped, kubernetes)
        {
            self.suffix = Some(suffix);
        }
        record
    }

    /// Reads a message that ends in the known suffix, behind `head`.
    fn read_known<'r>(&'r mut self, head: &str, escaped: &str, event: &LogEvent) -> LogRecord<'r> {
        self.head.clear();
        json::unescape_into(head, &mut self.head);
        self.head.push('}');
        if let (Some(mut members), Some(suffix)) = (RecordMembers::read(&self.head), &self.suffix) {
            members.extend(suffix.members.iter().map(|(key, value)| RecordMember {
                key: &suffix.text[key.clone()],
                value: &suffix.text[value.clone()],
            }));
            let trust = &mut self.trust;
            if let Some(record) = shape::understand(members, &self.origin, event.timestamp, self.merge_keys, trust) {
                return record;
            }
        }
        // The head is no object by itself, or the whole is the application's own: then every byte of it counts.
        read_whole(escaped, event, self.origin, self.merge_keys, &mut self.text, &mut self.trust)
    }
}

/// The system fields that a subscription filter adds to centralised logs. Fields of these names are CloudWatch's own: what a pattern
/// extracts from a message begins with no `@`.
///
/// Source: AWS, CloudWatch Logs API reference, PutSubscriptionFilter, `emitSystemFields`.
fn add_system_fields<'r>(fields: &'r str, metadata: &mut Metadata<'r>) {
    let plain = |value: &'r str| json::unquoted(value).filter(|value| !value.is_empty() && !value.contains('\\'));
    let _ = json::each_member(fields, |name, value| match name {
        "@aws.account" => metadata.account = plain(value).map(Cow::Borrowed),
        "@aws.region" => metadata.region = plain(value).map(Cow::Borrowed),
        _ => {}
    });
}

/// Reads a message from its first byte to its last. `text` is the buffer for it.
fn read_whole<'r>(
    escaped: &str,
    event: &LogEvent,
    origin: StreamOrigin,
    merge_keys: &[String],
    text: &'r mut String,
    trust: &mut Trust,
) -> LogRecord<'r> {
    text.clear();
    json::unescape_into(escaped, text);
    let text = text.as_str();
    if matches!(origin, StreamOrigin::Service(_)) || !text.trim_start().starts_with('{') {
        return shape::plain(text, &origin);
    }
    match RecordMembers::read(text) {
        Some(members) => shape::understand(members, &origin, event.timestamp, merge_keys, trust)
            .unwrap_or_else(|| LogRecord::as_is(text)),
        None => salvage::salvage(text, &origin, event.timestamp),
    }
}

impl Suffix {
    /// Finds where the trusted `kubernetes` object, a slice of the unescaped message, begins in the escaped one.
    fn find(escaped: &str, kubernetes: &str) -> Option<Suffix> {
        let escaped = &escaped[escaped.rfind(r#",\"kubernetes\":"#)?..];
        let mut text = String::with_capacity(escaped.len());
        json::unescape_into(escaped, &mut text);
        text.replace_range(..1, "{");
        // The place may be inside of something, or the members behind it may not be whole: then there is no suffix.
        let base = text.as_ptr() as usize;
        let range = |part: &str| part.as_ptr() as usize - base..part.as_ptr() as usize - base + part.len();
        let (mut members, mut is_trusted) = (Vec::new(), false);
        json::each_member(&text, |key, value| {
            is_trusted |= members.is_empty() && value == kubernetes;
            members.push((range(key), range(value)));
        })
        .ok()?;
        is_trusted.then(|| Suffix { escaped: escaped.to_owned(), text, members })
    }
}
