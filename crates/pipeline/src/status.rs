//! The status of a log: of its own, by its head, by where it was written, or by what Fluent Bit's own log says.
//!
//! One reader for what is sent and for what is sampled. Where a JSON log has a status attribute, none is sent: Datadog reads it, and what
//! it makes of it is worked out here only to choose a share by.

use super::cri::OutputStream;
use super::json;
use super::level_head;
use super::status_remapper;
use super::stream::StreamOrigin;

/// The attributes that Datadog reads a JSON log's status from, the first of them first.
/// Source: Datadog, "Preprocessing for JSON logs", status attributes.
const STATUS_ATTRIBUTES: [&str; 4] = ["status", "severity", "level", "syslog.severity"];

/// What a log's status is, and what tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogStatus<'t> {
    source: StatusSource,
    /// The value of the attribute that Datadog reads, as raw JSON.
    attribute: Option<&'t str>,
    /// What is sent where there is no such attribute.
    sent: Option<&'static str>,
}

/// What a status comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// An attribute of the log, which Datadog reads.
    Attribute(&'static str),
    /// The head of the line (`PODFERRY_STATUS_FROM_TEXT`).
    Head,
    /// The level in a line of Fluent Bit's own log.
    FluentBit,
    Stdout,
    Stderr,
    /// A container's log without any of these.
    Default,
    /// Nothing: none is sent, and Datadog's own default holds.
    Nothing,
}

impl std::fmt::Display for StatusSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            StatusSource::Attribute(name) => write!(formatter, "the attribute `{name}`"),
            StatusSource::Head => formatter.write_str("the head of the line"),
            StatusSource::FluentBit => formatter.write_str("the level in Fluent Bit's own log"),
            StatusSource::Stdout => formatter.write_str("stdout"),
            StatusSource::Stderr => formatter.write_str("stderr"),
            StatusSource::Default => formatter.write_str("the default for containers"),
            StatusSource::Nothing => formatter.write_str("nothing"),
        }
    }
}

impl<'t> LogStatus<'t> {
    /// Reads the status of a log's text. `from_head` says whether the head of a plain line counts.
    pub(crate) fn read(
        text: &'t str,
        output: Option<OutputStream>,
        origin: &StreamOrigin,
        from_head: bool,
    ) -> LogStatus<'t> {
        let place = by_place(output, origin);
        if let Some((name, value)) = attribute(text) {
            return LogStatus { source: StatusSource::Attribute(name), attribute: Some(value), sent: place.1 };
        }
        let (source, sent) = match origin {
            StreamOrigin::FluentBit { .. } if output.is_none() => {
                (StatusSource::FluentBit, Some(fluent_bit_level(text)))
            }
            // A service's message is no container's line.
            StreamOrigin::Service(_) => place,
            _ if from_head => level_head::status(text).map_or(place, |status| (StatusSource::Head, Some(status))),
            _ => place,
        };
        LogStatus { source, attribute: None, sent }
    }

    pub(crate) fn source(&self) -> StatusSource {
        self.source
    }

    /// The status to send; `None` where the log has one of its own, or nothing tells.
    pub(crate) fn sent(&self) -> Option<&'static str> {
        self.sent.filter(|_| self.attribute.is_none())
    }

    /// The status to send, should the text be cut: it is no JSON then.
    pub(crate) fn if_cut(&self) -> Option<&'static str> {
        self.sent
    }

    /// The status that the log has in Datadog.
    pub(crate) fn in_datadog(&self) -> &'static str {
        match self.attribute {
            Some(value) => status_remapper::remapped(&json::string(value).unwrap_or_else(|| value.to_owned())),
            None => self.sent.unwrap_or("info"),
        }
    }
}

/// What the place tells where the text does not.
fn by_place(output: Option<OutputStream>, origin: &StreamOrigin) -> (StatusSource, Option<&'static str>) {
    match (output, origin) {
        (Some(OutputStream::Stdout), _) => (StatusSource::Stdout, Some("info")),
        (Some(OutputStream::Stderr), _) => (StatusSource::Stderr, Some("error")),
        (None, StreamOrigin::Container(_) | StreamOrigin::UnclearContainer { .. } | StreamOrigin::FluentBit { .. }) => {
            (StatusSource::Default, Some("info"))
        }
        (None, StreamOrigin::Service(_) | StreamOrigin::Unknown { .. }) => (StatusSource::Nothing, None),
    }
}

/// The first of the status attributes that a JSON object has, and its value. An attribute counts by the order of the attributes, not by
/// its place in the text.
fn attribute(text: &str) -> Option<(&'static str, &str)> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut found: [Option<&str>; STATUS_ATTRIBUTES.len()] = Default::default();
    let is_object = json::each_member(text, |key, value| {
        // All of their names begin with one of these, and hardly any other name does.
        if !key.starts_with(['s', 'l']) {
            return;
        }
        if key == "syslog" {
            let _ = json::each_member(value, |key, value| {
                if key == "severity" && is_status(value) {
                    found[STATUS_ATTRIBUTES.len() - 1].get_or_insert(value);
                }
            });
        } else if let Some(at) = STATUS_ATTRIBUTES.iter().position(|name| *name == key).filter(|_| is_status(value)) {
            found[at].get_or_insert(value);
        }
    });
    is_object.ok()?;
    STATUS_ATTRIBUTES.into_iter().zip(found).find_map(|(name, value)| Some((name, value?)))
}

/// A word or a number; `null`, an empty string, an object or an array tells no status.
fn is_status(raw: &str) -> bool {
    match raw.as_bytes().first() {
        Some(b'"') => raw.len() > 2,
        Some(byte) => byte.is_ascii_digit() || *byte == b'-',
        None => false,
    }
}

/// The level of a line of Fluent Bit's own (`[2022/01/16 00:29:27] [ warn] …`) or of a Go plugin's (`level=error`).
fn fluent_bit_level(text: &str) -> &'static str {
    const LEVELS: [(&str, &str); 9] = [
        ("[error]", "error"),
        ("[ warn]", "warn"),
        ("[ info]", "info"),
        ("[debug]", "debug"),
        ("[trace]", "debug"),
        ("level=error", "error"),
        ("level=fatal", "critical"),
        ("level=warn", "warn"),
        ("level=debug", "debug"),
    ];
    let found = LEVELS.iter().filter_map(|(mark, level)| Some((text.find(mark)?, level))).min();
    found.map_or("info", |(_, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: StreamOrigin = StreamOrigin::Unknown { guess: "cloudwatch" };

    fn on_stderr(text: &str) -> LogStatus<'_> {
        LogStatus::read(text, Some(OutputStream::Stderr), &UNKNOWN, false)
    }

    #[test]
    fn a_status_of_its_own_is_left_to_datadog() {
        for (text, attribute, status) in [
            (r#"{"level":"WARNING"}"#, "level", "warn"),
            (r#" {"a":{"level":1},"status":200}"#, "status", "info"),
            (r#"{"severity":"ERROR"}"#, "severity", "error"),
            (r#"{"syslog":{"severity":3}}"#, "syslog.severity", "error"),
            (r#"{"syslog.severity":"3"}"#, "syslog.severity", "error"),
            (r#"{"level":"t"}"#, "level", "debug"),
            (r#"{"level":"success"}"#, "level", "ok"),
            (r#"{"level":"\u0077arn"}"#, "level", "warn"),
            // By the order of the attributes, whatever the order in the text.
            (r#"{"syslog":{"severity":0},"level":"info","severity":"warn","status":"error"}"#, "status", "error"),
            (r#"{"syslog":{"severity":0},"level":"info","severity":"warn"}"#, "severity", "warn"),
            (r#"{"syslog":{"severity":0},"level":"info"}"#, "level", "info"),
            // What tells none is passed over.
            (r#"{"status":null,"severity":"","level":{"a":1},"syslog":{"severity":4}}"#, "syslog.severity", "warn"),
        ] {
            let found = on_stderr(text);
            assert_eq!(found.source(), StatusSource::Attribute(attribute), "{text}");
            assert_eq!((found.sent(), found.if_cut(), found.in_datadog()), (None, Some("error"), status), "{text}");
        }
        for text in [
            "level=warn",
            r#"{"a":{"level":1}}"#,
            r#"{"level":null}"#,
            r#"{"level":""}"#,
            r#"{"status":{"code":1}}"#,
            r#"{"syslog":3}"#,
            r#"{"level":"warn""#,
            r#"["level"]"#,
        ] {
            let found = on_stderr(text);
            assert_eq!(found.source(), StatusSource::Stderr, "{text}");
            assert_eq!((found.sent(), found.if_cut(), found.in_datadog()), (Some("error"), Some("error"), "error"));
        }
    }

    #[test]
    fn the_output_tells_the_rest() {
        let read = |output, origin: &StreamOrigin| LogStatus::read("x", output, origin, true);
        assert_eq!(read(Some(OutputStream::Stdout), &UNKNOWN).sent(), Some("info"));
        for origin in [UNKNOWN, StreamOrigin::Service("lambda")] {
            let found = read(None, &origin);
            assert_eq!((found.source(), found.sent(), found.in_datadog()), (StatusSource::Nothing, None, "info"));
        }
    }

    #[test]
    fn the_head_of_a_line_counts_where_it_is_asked_for() {
        let read = |text: &'static str, from_head| {
            let found = LogStatus::read(text, Some(OutputStream::Stderr), &UNKNOWN, from_head);
            (found.source(), found.sent(), found.if_cut(), found.in_datadog())
        };
        let (info, error) = (Some("info"), Some("error"));
        assert_eq!(read("INFO:root:x", true), (StatusSource::Head, info, info, "info"));
        assert_eq!(read("INFO:root:x", false), (StatusSource::Stderr, error, error, "error"));
        assert_eq!(read("info about x", true), (StatusSource::Stderr, error, error, "error"));
        assert_eq!(read(r#"{"msg":"INFO: x"}"#, true), (StatusSource::Stderr, error, error, "error"));
        let service = LogStatus::read("ERROR: x", None, &StreamOrigin::Service("lambda"), true);
        assert_eq!((service.source(), service.sent()), (StatusSource::Nothing, None));
    }

    #[test]
    fn fluent_bit_says_its_level_itself() {
        let origin = StreamOrigin::FluentBit { pod: None };
        for (text, level) in [
            ("[2022/01/16 00:29:27] [ info] [engine] started", "info"),
            ("[2022/01/16 00:29:27] [ warn] [engine] failed to flush", "warn"),
            ("[2022/01/16 00:29:27] [error] [output] [ info]", "error"),
            (r#"time="2022-01-16T00:29:27Z" level=error msg="x""#, "error"),
            ("anything", "info"),
        ] {
            let found = LogStatus::read(text, None, &origin, false);
            assert_eq!((found.source(), found.sent()), (StatusSource::FluentBit, Some(level)), "{text}");
        }
    }
}
