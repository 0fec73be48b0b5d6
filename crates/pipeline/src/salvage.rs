//! Records that were cut off: Fluent Bit's older cores cut an event that is too long in the middle of its JSON.
//!
//! Where only the metadata is missing, the line is whole. Where the line itself is cut, what there is of it ships with
//! the mark `truncated`. Where not even that can be told, the message ships as it stands.

use std::borrow::Cow;

use super::json;
use super::members::{RecordMember, RecordMembers};
use super::record::LogRecord;
use super::shape;
use super::stream::StreamOrigin;
use super::trust::Trust;

/// What parsers and filters write; a member of any other name is the application's, merged.
const FILTERS_KEYS: [&str; 8] =
    ["stream", "logtag", "time", "log", "message", "kubernetes", "kubernetes_namespace", "cluster_name"];

/// Reads `text`, which begins like a JSON object and is not a whole one.
pub(crate) fn salvage<'r>(text: &'r str, origin: &StreamOrigin, event_ms: Option<i64>) -> LogRecord<'r> {
    if matches!(origin, StreamOrigin::Unknown { .. } | StreamOrigin::Service(_)) {
        return LogRecord::as_is(text);
    }
    let mut members = Vec::new();
    let mut end = text.find('{').map_or(text.len(), |at| at + 1);
    // The walk fails, that is why we are here; what it has seen by then is good.
    let _ = json::each_member(text, |key, value| {
        end = value.as_ptr() as usize - text.as_ptr() as usize + value.len();
        members.push(RecordMember { key, value });
    });
    let has = |key: &str| members.iter().any(|member| member.key == key);
    let is_parsed = has("stream") || has("logtag");
    if members.iter().all(|member| FILTERS_KEYS.contains(&member.key)) {
        if has("log") || (is_parsed && has("message")) {
            if let Some(record) = understood(members, origin, event_ms) {
                return record;
            }
        } else if let Some((key, line)) = cut_line(&text[end..]).filter(|(key, _)| *key == "log" || is_parsed) {
            members.push(RecordMember { key, value: &line });
            if let Some(record) = understood(members, origin, event_ms) {
                return LogRecord { partial: false, truncated: true, cut_rest: 0, ..record };
            }
        }
    }
    LogRecord { truncated: is_parsed, ..LogRecord::as_is(text) }
}

/// The record of these members, on its own; what was cut off may have held the metadata.
fn understood(members: Vec<RecordMember>, origin: &StreamOrigin, event_ms: Option<i64>) -> Option<LogRecord<'static>> {
    let members = RecordMembers::from(members);
    let record = shape::understand(members, origin, event_ms, &[], &mut Trust::default())?;
    Some(LogRecord {
        text: Cow::Owned(record.text.into_owned()),
        merged: record.merged,
        output: record.output,
        partial: record.partial,
        time_ms: record.time_ms,
        nanoseconds: record.nanoseconds,
        metadata: record.metadata.into_owned(),
        suffix: None,
        attributes: record.attributes,
        truncated: false,
        cut_rest: record.cut_rest,
    })
}

/// The line that the end of the text cuts: its key, and what there is of it as a whole JSON string.
fn cut_line(rest: &str) -> Option<(&'static str, String)> {
    let rest = rest.trim_start().trim_start_matches(',').trim_start();
    let (key, value) = rest.strip_prefix('"')?.split_once('"')?;
    let key = ["log", "message"].into_iter().find(|line| *line == key)?;
    let value = value.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let mut line = String::new();
    json::unescape_into(value, &mut line);
    let mut quoted = Vec::with_capacity(line.len() + 2);
    json::write_string(&line, &mut quoted);
    Some((key, String::from_utf8(quoted).ok()?))
}
