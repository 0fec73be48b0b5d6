//! What of an event was not read: the rest of one that took too long, as events of CloudWatch's own form, so that whoever reads an event
//! can read the rest of one; or all of one, in parts for another form.
//!
//! What an event says is passed on as it is spelled. Members of the frame that nobody here reads are left out.

use std::io::Write;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::decode::{self, Batch};
use super::event::EventError;
use super::forwarding::UnreadEvents;
use super::json;
use super::log_event::{EventMessage, LogEvent};

/// How much JSON is put into one event at first: logs compress to a tenth, so it mostly fits, and nothing is compressed twice.
const FIRST_BYTES: usize = 1_000_000;

/// What of an event was not read. It borrows the event's content.
#[derive(Debug)]
pub struct Unread<'c> {
    batch: Batch<'c>,
    events: UnreadEvents,
}

/// A text with a part of the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestEvent {
    /// `{"awslogs":{"data":…}}`, or the form that was asked for.
    pub body: String,
    /// How many events of the log stream are in it.
    pub events: usize,
}

/// A part of the rest, as somebody who makes another form of it has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestPart<'d> {
    /// base64 of gzip, as in `awslogs.data`.
    pub data: &'d str,
    /// How many events of the log stream are in it.
    pub events: usize,
    /// The times of the oldest and the newest, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
}

/// The form of a part: the text that holds it.
type RestForm<'f> = &'f dyn Fn(RestPart) -> String;

impl<'c> Unread<'c> {
    pub(super) fn new(batch: Batch<'c>, events: UnreadEvents) -> Unread<'c> {
        Unread { batch, events }
    }

    /// All of an event's content.
    ///
    /// # Errors
    /// [`EventError`]: the content is not what CloudWatch Logs sends.
    pub fn whole(content: &'c str) -> Result<Unread<'c>, EventError> {
        let batch = decode::read(content)?;
        let places = (0..batch.events.len()).collect();
        Ok(Unread { batch, events: UnreadEvents { places, ..UnreadEvents::default() } })
    }

    /// How many events of the log stream were not read.
    pub fn count(&self) -> usize {
        self.events.places.len()
    }

    /// How many logs of the event are done. Those that were delivered before do not count.
    pub fn done(&self) -> usize {
        self.events.done
    }

    /// The rest in events of at most `limit` bytes; one of the log stream's that is larger alone has up to `most` bytes. `None` if
    /// one of them has more.
    pub fn rest(&self, limit: usize, most: usize) -> Option<Vec<RestEvent>> {
        self.rest_as(&aws_logs, limit, most)
    }

    /// The same in another form.
    pub fn rest_as(&self, form: RestForm, limit: usize, most: usize) -> Option<Vec<RestEvent>> {
        let mut all = Vec::new();
        let mut start = 0;
        while start < self.count() {
            let mut bytes = 0;
            let fits = |place: &&usize| {
                bytes += self.batch.events.get(**place).map_or(0, |event| event.message.len());
                bytes <= FIRST_BYTES
            };
            let taken = self.events.places.iter().skip(start).take_while(fits).count().max(1);
            self.put(start..start + taken, form, (limit, most), &mut all)?;
            start += taken;
        }
        Some(all)
    }

    /// Puts some of the events into one, or into two if that is too large.
    fn put(&self, range: Range<usize>, form: RestForm, limits: (usize, usize), all: &mut Vec<RestEvent>) -> Option<()> {
        let (limit, most) = limits;
        let body = self.event(range.clone(), form)?;
        if body.len() <= limit || (range.len() == 1 && body.len() <= most) {
            all.push(RestEvent { body, events: range.len() });
            return Some(());
        }
        if range.len() == 1 {
            return None;
        }
        let middle = range.start + range.len() / 2;
        self.put(range.start..middle, form, limits, all)?;
        self.put(middle..range.end, form, limits, all)
    }

    fn event(&self, range: Range<usize>, form: RestForm) -> Option<String> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.content(range.clone())).ok()?;
        let data = STANDARD.encode(gzip.finish().ok()?);
        let times = || {
            let places = self.events.places.get(range.clone()).into_iter().flatten();
            places.filter_map(|place| self.batch.events.get(*place)?.timestamp)
        };
        Some(form(RestPart { data: &data, events: range.len(), first_ms: times().min(), last_ms: times().max() }))
    }

    fn content(&self, range: Range<usize>) -> Vec<u8> {
        let Batch { owner, log_group, log_stream, events, .. } = &self.batch;
        let mut out = b"{\"messageType\":\"DATA_MESSAGE\"".to_vec();
        for (name, value) in [("owner", owner), ("logGroup", log_group), ("logStream", log_stream)] {
            write!(out, ",\"{name}\":").ok();
            json::write_string(value, &mut out);
        }
        out.extend_from_slice(b",\"logEvents\":");
        let mut separator = b'[';
        if let Some(record) = &self.events.metadata {
            out.push(separator);
            separator = b',';
            write_metadata(record, &mut out);
        }
        for event in self.events.places.get(range).into_iter().flatten().filter_map(|place| events.get(*place)) {
            out.push(separator);
            separator = b',';
            write_event(event, &mut out);
        }
        out.extend_from_slice(b"]}");
        out
    }
}

fn aws_logs(part: RestPart) -> String {
    format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}", part.data)
}

/// A record with the pod's metadata, which is not sent.
fn write_metadata(record: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":\"\",\"message\":");
    json::write_string(record, out);
    out.push(b'}');
}

fn write_event(event: &LogEvent, out: &mut Vec<u8>) {
    // An id that is no string is given as it stands, also where that could not stand in a string.
    let quote = if json::is_inside_of_string(event.id) { "\"" } else { "" };
    write!(out, "{{\"id\":{quote}{}{quote}", event.id).ok();
    if let Some(timestamp) = event.timestamp {
        write!(out, ",\"timestamp\":{timestamp}").ok();
    }
    let (quote, message) = match event.message {
        EventMessage::Escaped(escaped) => ("\"", escaped),
        EventMessage::Raw(raw) => ("", raw),
    };
    write!(out, ",\"message\":{quote}{message}{quote}").ok();
    if let Some(fields) = event.extracted_fields {
        write!(out, ",\"extractedFields\":{fields}").ok();
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use crate::inflate;

    fn unread<'c>(content: &'c str, places: &[usize], metadata: Option<&str>) -> Unread<'c> {
        let metadata = metadata.map(str::to_owned);
        Unread::new(decode::read(content).unwrap(), UnreadEvents { places: places.to_vec(), done: 0, metadata })
    }

    /// The content of an event.
    fn inflated(event: &RestEvent) -> String {
        let data = event.body.strip_prefix("{\"awslogs\":{\"data\":\"").unwrap().strip_suffix("\"}}").unwrap();
        inflate::text(inflate::inflate(data, 1 << 24).unwrap())
    }

    #[test]
    fn what_is_read_of_the_rest_is_what_was_written() {
        let content = r#"{"owner":"1","logGroup":"g\"\u00e9","logStream":"s","more":[1],"logEvents":[
            {"id":"a","timestamp":5,"message":"one \"\u00f6\n\ud83d"}, 7, {"id":"b\"","timestamp":"6","message":{"x":1},"extractedFields":{"@aws.account":"1"}},
            {"id":{"x":["y"]},"message":"two"}, {"id":[],"message":null}, {"id":null,"timestamp":-3,"message":""}]}"#;
        let before = decode::read(content).unwrap();
        let all: Vec<usize> = (0..before.events.len()).collect();
        let rest = unread(content, &all, None).rest(10_000, 10_000).unwrap();
        assert_eq!((rest.len(), rest[0].events), (1, 6));
        let after = inflated(&rest[0]);
        let after = decode::read(&after).unwrap();
        assert_eq!(after.events, before.events);
        assert_eq!(
            (after.owner, after.log_group, after.log_stream),
            (before.owner, before.log_group, before.log_stream)
        );
        let some = inflated(&unread(content, &[1, 3], Some("{}")).rest(10_000, 10_000).unwrap()[0]);
        let some = decode::read(&some).unwrap();
        assert_eq!(some.events[1..], [before.events[1], before.events[3]]);
    }

    #[test]
    fn the_limits_are_exact() {
        let events: Vec<String> = (0..8_u64)
            .map(|number| {
                let noise: String =
                    (0..200_u64).map(|place| ((number * 977 + place * place * 7919) % 9973).to_string()).collect();
                format!(r#"{{"id":"{number}","timestamp":1,"message":"{noise}"}}"#)
            })
            .collect();
        let content = format!(r#"{{"logGroup":"g","logEvents":[{}]}}"#, events.join(","));
        let all: Vec<usize> = (0..8).collect();
        let unread = unread(&content, &all, None);
        let whole = unread.rest(usize::MAX, 0).unwrap();
        let length = whole[0].body.len();
        let counts =
            |limit| unread.rest(limit, 0).map(|rest| rest.iter().map(|event| event.events).collect::<Vec<_>>());
        assert_eq!([length + 1, length, length - 1].map(counts), [Some(vec![8]), Some(vec![8]), Some(vec![4, 4])]);
        let alone: Vec<usize> = (0..8).map(|at| unread.event(at..at + 1, &aws_logs).unwrap().len()).collect();
        let most = *alone.iter().max().unwrap();
        let lengths = |most| unread.rest(10, most).map(|rest| rest.len());
        assert_eq!([most + 1, most, most - 1].map(lengths), [Some(8), Some(8), None]);
    }
}
