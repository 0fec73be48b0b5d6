//! The shapes that a ConfigMap can give a record, told apart by their members.
//!
//! | ConfigMap | record |
//! | --- | --- |
//! | no filters | `{"log":"<CRI line>"}` |
//! | CRI parser | `{"stream","logtag","log"}`, an empty line without `log`; upstream's: `{"time","stream","logtag","message"}` |
//! | + Kubernetes filter | the same and `"kubernetes":{…}` |
//! | + Merge_Log On, Keep_Log Off | the application's own members where `log` was |
//! | + Keep_Log On | both |
//! | + Merge_Log_Key | the application's object under that key |
//! | `log_key` | the bare text |
//!
//! Nothing says which of them a stream has; an application can write members of any name; and a name that both use
//! may come twice or once. The order decides what the names leave open: the parser's members come first, then the
//! application's, then the filter's, then those of a `record_modifier`. A record that something else than Fluent Bit
//! has put into another order is read by the names alone.

use std::borrow::Cow;

use super::cri::{self, CriLine, OutputStream};
use super::cut_character;
use super::json;
use super::members::{MemberRole, RecordMembers, push_member};
use super::record::{LogRecord, Metadata};
use super::roles::Roles;
use super::stream::StreamOrigin;
use super::trust::Trust;

/// A message that is no JSON object: `log_key`, or a log group that is not Fluent Bit's.
pub(crate) fn plain<'r>(text: &'r str, origin: &StreamOrigin) -> LogRecord<'r> {
    // `log_key` without a parser leaves the prefix on.
    match origin.is_container().then(|| cri::parse(text)).flatten() {
        Some(line) => from_cri(line),
        None => LogRecord::as_is(text),
    }
}

fn from_cri(line: CriLine<'_>) -> LogRecord<'_> {
    LogRecord {
        output: Some(line.output),
        partial: line.partial,
        time_ms: Some(line.time_ms),
        // Nothing is escaped here: a cut is as likely as 16 KiB end within a character, an icon there is not.
        cut_rest: cut_character::rest(line.text),
        nanoseconds: line.nanoseconds,
        ..LogRecord::as_is(line.text)
    }
}

/// Understands a record by its members; `None` if it is no record of Fluent Bit's, but the application's own object.
pub(crate) fn understand<'r>(
    members: RecordMembers<'r>,
    origin: &StreamOrigin,
    event_ms: Option<i64>,
    merge_keys: &[String],
    trust: &mut Trust,
) -> Option<LogRecord<'r>> {
    Roles::new(members.0, origin, event_ms, trust).record(merge_keys)
}

impl<'r> Roles<'r, '_> {
    /// A member that is surely the application's: it stands before what the Kubernetes filter added.
    fn has_merged(&self) -> bool {
        self.filter_at.is_some_and(|filter| self.others().any(|at| at < filter))
    }

    fn record(self, merge_keys: &[String]) -> Option<LogRecord<'r>> {
        match self.value(MemberRole::Log) {
            Some(log) => match json::string(log) {
                Some(text) => {
                    let length = text.len();
                    self.with_log(text).map(|record| with_cut_rest(record, log, length))
                }
                None => self.with_value(log),
            },
            None => match self.value(MemberRole::Message).filter(|_| self.is_fluent_bits() && self.is_parsed()) {
                Some(message) if !self.message_is_merged() => match json::string(message) {
                    Some(text) => {
                        let length = text.len();
                        Some(with_cut_rest(self.line(Cow::Owned(text), false), message, length))
                    }
                    None => self.with_value(message),
                },
                _ => self.without_text(merge_keys),
            },
        }
    }

    /// `log` is a string: the line, or a member of an application's object that happens to have that name.
    fn with_log(mut self, mut text: String) -> Option<LogRecord<'r>> {
        if let Some(line) = cri::parse(&text).filter(|line| self.is_left_standing(line)) {
            // A `message` besides is what a parser made of the same line: it keeps its role and goes nowhere.
            let (output, partial, time_ms, nanoseconds) = (line.output, line.partial, line.time_ms, line.nanoseconds);
            let at = text.len() - line.text.len();
            if matches!(self.origin, StreamOrigin::Unknown { .. }) && !self.is_fluent_bits() && self.members.len() > 1 {
                return None;
            }
            text.drain(..at);
            let mut record = self.line(Cow::Owned(text), true);
            (record.output, record.partial) = (Some(output), partial);
            (record.time_ms, record.nanoseconds) = (Some(time_ms), nanoseconds);
            return Some(record);
        }
        self.set_role(MemberRole::Message, MemberRole::Other);
        self.drop_explained(&text);
        if self.others().next().is_none() {
            // `{"log":"…"}` alone: a line that the CRI parser did not match, if the stream is a container's.
            let known = self.is_fluent_bits() || !matches!(self.origin, StreamOrigin::Unknown { .. });
            return known.then(|| self.line(Cow::Owned(text), false));
        }
        if !self.is_fluent_bits() {
            return None;
        }
        if self.log_is_merged() && !is_object(&text) {
            self.set_role(MemberRole::Log, MemberRole::Other);
            self.demote_by_order();
            return Some(self.merged());
        }
        Some(self.line(Cow::Owned(text), false))
    }

    /// A value that is no string where the text was expected: `Decode_Field_As json`, or a member of the application's.
    fn with_value(mut self, value: &'r str) -> Option<LogRecord<'r>> {
        let alone = self.others().next().is_none()
            && !(self.position(MemberRole::Log).is_some() && self.position(MemberRole::Message).is_some());
        if !self.is_fluent_bits() {
            return None;
        }
        if !alone {
            self.set_role(MemberRole::Log, MemberRole::Other);
            self.set_role(MemberRole::Message, MemberRole::Other);
            self.demote_by_order();
            return Some(self.merged());
        }
        Some(LogRecord { merged: true, partial: false, ..self.line(Cow::Borrowed(value), false) })
    }

    /// No text of its own: the application's members are the text, or it was an empty line.
    fn without_text(mut self, merge_keys: &[String]) -> Option<LogRecord<'r>> {
        if !self.is_fluent_bits() {
            return None;
        }
        self.set_role(MemberRole::Message, MemberRole::Other);
        self.demote_by_order();
        let others: Vec<usize> = self.others().collect();
        match others.as_slice() {
            [] => Some(self.line(Cow::Borrowed(""), false)),
            [only] if merge_keys.iter().any(|key| key == self.members[*only].0.key) => {
                let value = self.members[*only].0.value;
                self.members[*only].1 = MemberRole::Log;
                Some(LogRecord { merged: true, partial: false, ..self.line(Cow::Borrowed(value), false) })
            }
            _ => Some(self.merged()),
        }
    }

    /// Whether `log` is one of several members of the application's object, and not the line: there is a `message`
    /// besides, or it stands behind another member. What follows it may as well be a `record_modifier`'s.
    fn log_is_merged(&self) -> bool {
        let log_at = self.position(MemberRole::Log).unwrap_or(0);
        self.others().any(|at| self.members[at].0.key == "message" || (self.in_order && at < log_at))
    }

    /// Whether `message` is one of several members of the application's object, and not the parser's text.
    fn message_is_merged(&self) -> bool {
        if !self.in_order {
            return self.others().next().is_some();
        }
        if self.filter_at.is_some() {
            return self.has_merged();
        }
        // Upstream's `cri` parser keeps the time, and first; without it, this is more than a parser writes.
        self.position(MemberRole::Time) != Some(0) && self.others().next().is_some()
    }

    /// A CRI prefix that a parser left standing comes off; one that the application printed stays.
    fn is_left_standing(&self, line: &CriLine) -> bool {
        if !self.is_parsed() {
            return true;
        }
        let is_time = self.value(MemberRole::Time).and_then(json::unquoted) == Some(line.time);
        let is_message = self.value(MemberRole::Message).is_some_and(|message| match json::string(message) {
            Some(text) => text == line.text,
            None => is_object(line.text) && message.starts_with('{'),
        });
        is_time || is_message || self.event_ms == Some(line.time_ms)
    }

    /// The application's members, put together to the object that they were; what is theirs has been sorted out.
    fn merged(mut self) -> LogRecord<'r> {
        let mut object = String::from("{");
        for (member, role) in &self.members {
            if *role == MemberRole::Other {
                push_member(&mut object, member.key, member.value);
            }
        }
        object.push('}');
        self.set_role(MemberRole::Other, MemberRole::Log);
        LogRecord { merged: true, partial: false, ..self.line(Cow::Owned(object), false) }
    }

    /// The record with `text`; members that are nobody's go along as attributes.
    fn line(&self, text: Cow<'r, str>, is_cri: bool) -> LogRecord<'r> {
        let mut attributes = String::new();
        for at in self.others() {
            attributes.push_str(if attributes.is_empty() { "{" } else { "" });
            push_member(&mut attributes, self.members[at].0.key, self.members[at].0.value);
        }
        if !attributes.is_empty() {
            attributes.push('}');
        }
        let named = self.members.iter().rev().find(|(_, role)| *role == MemberRole::ClusterName);
        let log_tag = self.value(MemberRole::LogTag).and_then(json::unquoted);
        LogRecord {
            text,
            merged: false,
            output: self.value(MemberRole::Stream).and_then(json::unquoted).and_then(OutputStream::parse),
            partial: log_tag.and_then(cri::partial_flag).unwrap_or(false),
            time_ms: self.position(MemberRole::Time).and(self.time_ms),
            nanoseconds: self.value(MemberRole::Time).and_then(json::unquoted).and_then(cri::nanoseconds),
            metadata: Metadata {
                kubernetes: self.kubernetes.clone(),
                namespace: self.value(MemberRole::Namespace).map(Cow::Borrowed),
                cluster_name: named
                    .filter(|_| is_cri || self.is_fluent_bits())
                    .and_then(|(member, _)| json::string(member.value))
                    .map(Cow::Owned),
                ..Metadata::default()
            },
            suffix: None,
            attributes: (!attributes.is_empty()).then_some(attributes),
            truncated: false,
            cut_rest: 0,
        }
    }
}

/// Looks for the rest of a cut character where the text begins within `raw`, a JSON string of `length` bytes.
fn with_cut_rest<'r>(record: LogRecord<'r>, raw: &str, length: usize) -> LogRecord<'r> {
    if record.merged || cut_character::rest(&record.text) == 0 {
        return record;
    }
    // Before the text stands at most containerd's prefix, in which nothing is escaped.
    let cut_rest = cut_character::rest_in_json(raw, length.saturating_sub(record.text.len()));
    LogRecord { cut_rest, ..record }
}

fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && json::each_member(text, |_, _| ()).is_ok()
}
