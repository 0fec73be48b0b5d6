//! One Datadog log and its JSON, written straight into the payload.
//!
//! What is the same for all logs of a container (source, service, tags, the AWS attributes) is rendered once; a log is
//! then its text escaped and two copies. Sizes are those of the bytes written, not estimates.

use std::ops::Range;

use super::accepted_times::NewTime;
use super::cloudwatch_id;
use super::json;
use super::line::LogLine;
use super::tags::tag_set;
use super::tags::{Identity, RULE_ERROR_TAG};

pub use super::limits::{INTAKE_ITEM_BYTES, MAX_ITEM_BYTES};

/// What a text that was cut ends in. Source: DataDog/datadog-agent, `pkg/logs/message`, `TruncatedFlag`.
pub(crate) const TRUNCATED: &str = "...TRUNCATED...";

/// Attributes beyond this many bytes become part of the text, which can be cut.
const MAX_ATTRIBUTES_BYTES: usize = 16_384;

/// CloudWatch's ids have 56 digits; a name that is longer than this is none.
const MAX_ID_CHARACTERS: usize = 128;

/// Where an event came from, as Datadog's forwarder names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provenance<'a> {
    pub(crate) owner: &'a str,
    pub(crate) log_group: &'a str,
    pub(crate) log_stream: &'a str,
    /// The forwarder's own ARN.
    pub(crate) function_arn: &'a str,
}

/// The parts of a log that do not change within a container.
#[derive(Debug)]
pub(crate) struct ContainerFrame {
    /// From `ddsource` to the quote before the id.
    described: Vec<u8>,
    /// From `ddsource` to the last tag, with room for the marks of one log.
    described_marked: Vec<u8>,
    /// The offset of the tags in both.
    tags_at: usize,
    /// From the quote behind the id to the last member.
    tail: Vec<u8>,
}

impl ContainerFrame {
    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        self.described.len() + self.described_marked.len() + self.tail.len()
    }

    /// Renders what is known of a container.
    pub(crate) fn new(identity: &Identity, provenance: &Provenance) -> ContainerFrame {
        let mut before_tags = b",\"ddsource\":".to_vec();
        json::write_string(&identity.source, &mut before_tags);
        before_tags.extend_from_slice(b",\"service\":");
        json::write_string(&identity.service, &mut before_tags);
        before_tags.extend_from_slice(b",\"ddtags\":\"");
        let describe = |marked: bool| {
            let mut out = before_tags.clone();
            json::write_escaped(&identity.ddtags(marked), &mut out);
            out
        };
        let mut described = describe(false);
        described.extend_from_slice(BEFORE_ID);
        let mut tail = b"\",\"aws\":{\"awslogs\":{\"logGroup\":".to_vec();
        json::write_string(provenance.log_group, &mut tail);
        tail.extend_from_slice(b",\"logStream\":");
        json::write_string(provenance.log_stream, &mut tail);
        tail.extend_from_slice(b",\"owner\":");
        json::write_string(provenance.owner, &mut tail);
        tail.extend_from_slice(b"},\"invoked_function_arn\":");
        json::write_string(provenance.function_arn, &mut tail);
        tail.push(b'}');
        if let Some(hostname) = &identity.hostname {
            tail.extend_from_slice(b",\"hostname\":");
            json::write_string(hostname, &mut tail);
        }
        ContainerFrame { described, described_marked: describe(true), tags_at: before_tags.len(), tail }
    }
}

/// What stands between the last tag and the id.
const BEFORE_ID: &[u8] = b"\",\"id\":\"";

/// One log, ready to be written.
#[derive(Debug)]
pub(crate) struct LogEntry<'r> {
    pub(crate) line: &'r LogLine<'r, 'r>,
    pub(crate) status: Option<&'static str>,
    /// The status, should the text be cut: it is no JSON then.
    pub(crate) status_if_cut: Option<&'static str>,
    /// Another time, if Datadog would not take the log's own.
    pub(crate) new_time: Option<NewTime>,
    pub(crate) frame: &'r ContainerFrame,
}

/// The positions of the values that are different in a log with another time.
struct WrittenAt {
    /// The value of `timestamp`, if there is one.
    timestamp: Option<Range<usize>>,
    /// The inside of `ddtags`.
    ddtags: Range<usize>,
}

impl LogEntry<'_> {
    /// Appends the log's JSON to `out`, truncating the text if the log would be larger than `limit` bytes. What a log with another
    /// time has in addition, at most [`super::limits::RESTAMP_BYTES`], does not count. Returns whether the log is marked as truncated.
    pub(crate) fn write(&self, out: &mut Vec<u8>, limit: usize) -> bool {
        let long_attributes = self.line.attributes.filter(|attributes| attributes.len() > MAX_ATTRIBUTES_BYTES);
        if let Some(attributes) = long_attributes {
            let text = format!("{}\n{attributes}", self.line.text);
            let line = LogLine { text: &text, attributes: None, ..self.line.clone() };
            return LogEntry { line: &line, ..*self }.write(out, limit);
        }
        let (truncated, written_at) = self.write_up_to(limit, out);
        if let Some(new_time) = self.new_time {
            restamp(out, written_at, new_time);
        }
        truncated
    }

    fn write_up_to(&self, limit: usize, out: &mut Vec<u8>) -> (bool, WrittenAt) {
        let start = out.len();
        let written_at = self.write_with(self.line.text, "", self.line.truncated, self.status, out);
        if out.len() - start <= limit {
            return (self.line.truncated, written_at);
        }
        // Over the limit: what it takes without any text tells what is left for it.
        out.truncate(start);
        self.write_with("", TRUNCATED, true, self.status_if_cut, out);
        let budget = limit.saturating_sub(out.len() - start);
        out.truncate(start);
        let fits = json::fitting_prefix(self.line.text, budget);
        (true, self.write_with(&self.line.text[..fits], TRUNCATED, true, self.status_if_cut, out))
    }

    fn write_with(&self, text: &str, end: &str, truncated: bool, status: Option<&str>, out: &mut Vec<u8>) -> WrittenAt {
        out.extend_from_slice(b"{\"message\":\"");
        json::write_escaped(text, out);
        out.extend_from_slice(end.as_bytes());
        let timestamp = match self.line.timestamp {
            Some(timestamp) => {
                out.extend_from_slice(b"\",\"timestamp\":");
                let start = out.len();
                // A vector takes all that is written.
                let _ = serde_json::to_writer(&mut *out, &timestamp);
                Some(start..out.len())
            }
            None => {
                out.push(b'"');
                None
            }
        };
        if let Some(status) = status {
            out.extend_from_slice(b",\"status\":\"");
            out.extend_from_slice(status.as_bytes());
            out.push(b'"');
        }
        let ddtags_at = out.len() + self.frame.tags_at;
        if self.line.partial || truncated || self.line.rule_error.is_some() {
            self.write_marked(truncated, out);
            out.extend_from_slice(BEFORE_ID);
        } else {
            out.extend_from_slice(&self.frame.described);
        }
        let ddtags = ddtags_at..out.len() - BEFORE_ID.len();
        write_id(self.line.id, out);
        out.extend_from_slice(&self.frame.tail);
        if let Some(attributes) = self.line.attributes {
            out.extend_from_slice(b",\"fluent_bit\":");
            write_attributes(attributes, out);
        }
        out.push(b'}');
        WrittenAt { timestamp, ddtags }
    }

    /// Appends what is described of the container, with the log's marks behind the other tags.
    fn write_marked(&self, truncated: bool, out: &mut Vec<u8>) {
        let described = &self.frame.described_marked;
        out.extend_from_slice(described);
        let rule_error = self.line.rule_error.map(|rule| tag_set::normalise(&format!("{RULE_ERROR_TAG}:{rule}")));
        // The tags stand last in what is described; without tags, no comma.
        let mut comma = if described.ends_with(b"\"ddtags\":\"") { "" } else { "," };
        let marks =
            [rule_error.as_deref(), self.line.partial.then_some("partial:true"), truncated.then_some("truncated:true")];
        for mark in marks.into_iter().flatten() {
            out.extend_from_slice(comma.as_bytes());
            json::write_escaped(mark, out);
            comma = ",";
        }
    }
}

/// Gives a log that was just written another time, its own time beside it, and the tag.
fn restamp(out: &mut Vec<u8>, written_at: WrittenAt, new_time: NewTime) {
    // The last value first, so that the other position stays valid.
    let mut replace = |range: Range<usize>, new: &dyn Fn(&str) -> String| {
        if let Some(Ok(value)) = out.get(range.clone()).map(std::str::from_utf8) {
            let value = new(value);
            out.splice(range, value.into_bytes());
        }
    };
    replace(written_at.ddtags, &|ddtags| new_time.tagged(ddtags));
    if let Some(timestamp) = written_at.timestamp {
        replace(timestamp, &|original| new_time.timestamps(original));
    }
}

/// Appends an id, between quotes: as it is, so long as that is an id.
fn write_id(escaped: &str, out: &mut Vec<u8>) {
    if let Some(id) = cloudwatch_id::leading(escaped.as_bytes()).filter(|id| id.len() == escaped.len()) {
        out.extend_from_slice(id);
        return;
    }
    if escaped.len() <= MAX_ID_CHARACTERS && escaped.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        out.extend_from_slice(escaped.as_bytes());
        return;
    }
    let mut plain = String::new();
    json::unescape_into(escaped, &mut plain);
    let short: String = plain.chars().take(MAX_ID_CHARACTERS).collect();
    json::write_escaped(&short, out);
}

/// Members that no strict reader would take (a lone surrogate, nesting without end) go along as text.
fn write_attributes(attributes: &str, out: &mut Vec<u8>) {
    if serde_json::from_str::<serde_json::Value>(attributes).is_ok() {
        out.extend_from_slice(attributes.as_bytes());
    } else {
        json::write_string(attributes, out);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::limits::RESTAMP_BYTES;
    use crate::tags::tag_set::TagSet;

    const PROVENANCE: Provenance =
        Provenance { owner: "1", log_group: "g", log_stream: "s", function_arn: "arn:aws:lambda:r:1:function:f" };

    fn line(text: &str) -> LogLine<'_, '_> {
        LogLine { timestamp: Some(5), ..LogLine::sample("37", text) }
    }

    fn frame(tags: usize) -> ContainerFrame {
        let mut set = TagSet::default();
        (0..tags).for_each(|number| set.add("n", &number.to_string()));
        ContainerFrame::new(
            &Identity { tags: set, service: "web".into(), source: "nginx".into(), hostname: None },
            &PROVENANCE,
        )
    }

    fn written(entry: &LogEntry, limit: usize) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let truncated = entry.write(&mut out, limit);
        (out, truncated)
    }

    #[test]
    fn a_log_has_all_that_datadog_wants() {
        let frame = frame(2);
        let entry = LogEntry {
            line: &line("hi \"x\""),
            status: Some("info"),
            status_if_cut: Some("info"),
            new_time: None,
            frame: &frame,
        };
        assert_eq!(
            String::from_utf8(written(&entry, MAX_ITEM_BYTES).0).unwrap(),
            r#"{"message":"hi \"x\"","timestamp":5,"status":"info","ddsource":"nginx","service":"web","ddtags":"n:0,n:1","id":"37","aws":{"awslogs":{"logGroup":"g","logStream":"s","owner":"1"},"invoked_function_arn":"arn:aws:lambda:r:1:function:f"}}"#
        );
    }

    #[test]
    fn the_limit_is_exact() {
        let frame = frame(1);
        let text = "é".repeat(500);
        let entry =
            LogEntry { line: &line(&text), status: None, status_if_cut: Some("error"), new_time: None, frame: &frame };
        let whole = written(&entry, usize::MAX).0.len();
        for limit in [whole + 1, whole] {
            assert_eq!(written(&entry, limit), (written(&entry, usize::MAX).0, false));
        }
        let (cut, truncated) = written(&entry, whole - 1);
        assert!(truncated && cut.len() < whole);
        let value: Value = serde_json::from_slice(&cut).unwrap();
        let message = value["message"].as_str().unwrap();
        assert!(message.ends_with(TRUNCATED) && text.starts_with(message.trim_end_matches(TRUNCATED)));
        assert_eq!(value["ddtags"], "n:0,truncated:true");
        assert_eq!(value["status"], "error");
        // As much as fits: one character more would be over.
        for limit in whole - 60..whole {
            let length = written(&entry, limit).0.len();
            assert!(length <= limit && length + 2 > limit, "{length} of {limit}");
        }
    }

    #[test]
    fn a_late_log_is_cut_where_it_would_be_cut_on_time() {
        let frame = frame(1);
        let text = "x".repeat(500);
        let on_time = LogEntry { line: &line(&text), status: None, status_if_cut: None, new_time: None, frame: &frame };
        let late = LogEntry { line: &line(&text), new_time: NewTime::of(Some(5), None, i64::MAX), ..on_time };
        let whole = written(&on_time, usize::MAX).0.len();
        for (limit, cut) in [(whole + 1, false), (whole, false), (whole - 1, true)] {
            let (written_late, truncated) = written(&late, limit);
            assert_eq!(truncated, cut);
            assert!(written_late.len() > limit && written_late.len() <= limit + RESTAMP_BYTES);
            let (on_time, late) = (written(&on_time, limit).0, serde_json::from_slice::<Value>(&written_late).unwrap());
            assert_eq!(late["message"], serde_json::from_slice::<Value>(&on_time).unwrap()["message"]);
        }
    }

    #[test]
    fn a_marked_log_has_a_hundred_tags_at_most() {
        for tags in [97, 98, 99, 100] {
            let frame = frame(tags);
            let marked = LogLine { partial: true, truncated: true, ..line("x") };
            let entry = LogEntry { line: &marked, status: None, status_if_cut: None, new_time: None, frame: &frame };
            let value: Value = serde_json::from_slice(&written(&entry, MAX_ITEM_BYTES).0).unwrap();
            let ddtags: Vec<&str> = value["ddtags"].as_str().unwrap().split(',').collect();
            assert_eq!(ddtags.len(), (tags + 2).min(100));
            assert!(ddtags.contains(&"partial:true") && ddtags.contains(&"truncated:true"));
        }
    }

    #[test]
    fn marks_need_no_other_tags() {
        let frame = frame(0);
        let marked = LogLine { truncated: true, ..line("x") };
        let entry = LogEntry { line: &marked, status: None, status_if_cut: None, new_time: None, frame: &frame };
        let value: Value = serde_json::from_slice(&written(&entry, MAX_ITEM_BYTES).0).unwrap();
        assert_eq!(value["ddtags"], "truncated:true");
    }

    #[test]
    fn strange_ids_and_attributes_stay_json() {
        let frame = frame(0);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
        for (id, attributes) in [(r"a\ud83d", r#"{"a":1}"#), ("", r#"{"a":"\ud83d"}"#), ("x y", long.as_str())] {
            let strange = LogLine { id, attributes: Some(attributes), ..line("text") };
            let entry = LogEntry { line: &strange, status: None, status_if_cut: None, new_time: None, frame: &frame };
            let out = written(&entry, MAX_ITEM_BYTES).0;
            let value: Value = serde_json::from_slice(&out).unwrap();
            assert!(value["message"].as_str().unwrap().starts_with("text"));
            assert!(!value["fluent_bit"].is_null() || value["message"].as_str().unwrap().len() > 20_000);
        }
    }
}
