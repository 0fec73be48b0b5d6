//! The status of a log: of its own, by where it was written, or by what Fluent Bit's own log says.

use super::cri::OutputStream;
use super::json;
use super::stream::StreamOrigin;

/// The attributes that Datadog reads a JSON log's status from.
/// Source: Datadog, "Preprocessing for JSON logs", status attributes.
const STATUS_KEYS: [&str; 3] = ["status", "severity", "level"];

/// The status to send; `None` where the log has one of its own, or nothing tells.
pub(crate) fn status(text: &str, output: Option<OutputStream>, origin: &StreamOrigin) -> Option<&'static str> {
    if bears_status(text) {
        return None;
    }
    match (output, origin) {
        (Some(OutputStream::Stdout), _) => Some("info"),
        (Some(OutputStream::Stderr), _) => Some("error"),
        (None, StreamOrigin::FluentBit { .. }) => Some(fluent_bit_level(text)),
        (None, StreamOrigin::Container(_) | StreamOrigin::UnclearContainer { .. }) => Some("info"),
        (None, StreamOrigin::Service(_) | StreamOrigin::Unknown { .. }) => None,
    }
}

/// The status that Datadog would give a log: its own, by the rules of the log status remapper, else the one that is sent.
/// Source: Datadog, "Log Status Remapper".
pub(crate) fn level(text: &str, sent: Option<&'static str>) -> &'static str {
    let own = text.trim_start().starts_with('{').then(|| {
        let mut found = None;
        let is_object = json::each_member(text, |key, value| {
            if found.is_none() && STATUS_KEYS.contains(&key) && is_status(value) {
                found = Some(remapped(value));
            }
        });
        found.filter(|_| is_object.is_ok())
    });
    own.flatten().or(sent).unwrap_or("info")
}

/// A value of a status attribute as one of Datadog's statuses.
fn remapped(raw: &str) -> &'static str {
    const SYSLOG: [&str; 8] = ["emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"];
    let value = raw.trim_matches('"').trim().to_ascii_lowercase();
    if let Ok(severity) = value.parse::<usize>() {
        return SYSLOG.get(severity).copied().unwrap_or("info");
    }
    const BEGINNINGS: [(&str, &str); 14] = [
        ("emerg", "emergency"),
        ("f", "emergency"),
        ("a", "alert"),
        ("c", "critical"),
        ("e", "error"),
        ("w", "warn"),
        ("n", "notice"),
        ("i", "info"),
        ("d", "debug"),
        ("trace", "debug"),
        ("verbose", "debug"),
        ("ok", "ok"),
        ("success", "ok"),
        ("o", "ok"),
    ];
    let known = BEGINNINGS.iter().find(|(beginning, _)| value.starts_with(beginning));
    known.map_or("info", |(_, status)| status)
}

/// Whether the text is a JSON object from which Datadog would read a status.
fn bears_status(text: &str) -> bool {
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let mut found = false;
    let is_object = json::each_member(text, |key, value| {
        found |= match key {
            "syslog" => has_severity(value),
            "syslog.severity" => is_status(value),
            _ => STATUS_KEYS.contains(&key) && is_status(value),
        };
    });
    is_object.is_ok() && found
}

fn has_severity(syslog: &str) -> bool {
    let mut found = false;
    let is_object = json::each_member(syslog, |key, value| found |= key == "severity" && is_status(value));
    is_object.is_ok() && found
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

    #[test]
    fn a_status_of_its_own_is_left_to_datadog() {
        for text in [
            r#"{"level":"warn"}"#,
            r#" {"a":{"level":1},"status":200}"#,
            r#"{"severity":"ERROR"}"#,
            r#"{"syslog":{"severity":3}}"#,
            r#"{"syslog.severity":"3"}"#,
        ] {
            assert_eq!(
                status(text, Some(OutputStream::Stderr), &StreamOrigin::Unknown { guess: "cloudwatch" }),
                None,
                "{text}"
            );
        }
        for text in [
            "level=warn",
            r#"{"a":{"level":1}}"#,
            r#"{"level":null}"#,
            r#"{"level":""}"#,
            r#"{"status":{"code":1}}"#,
            r#"{"level":"warn""#,
            r#"["level"]"#,
        ] {
            assert_eq!(
                status(text, Some(OutputStream::Stderr), &StreamOrigin::Unknown { guess: "cloudwatch" }),
                Some("error"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_level_is_what_datadog_would_make_of_it() {
        for (text, level_there) in [
            (r#"{"level":"WARNING"}"#, "warn"),
            (r#"{"status":3}"#, "error"),
            (r#"{"level":30}"#, "info"),
            (r#"{"severity":"Emergency"}"#, "emergency"),
            (r#"{"level":"fatal"}"#, "emergency"),
            (r#"{"level":"trace"}"#, "debug"),
            (r#"{"level":"success"}"#, "ok"),
            (r#"{"msg":"x"}"#, "error"),
            ("level=warn", "error"),
        ] {
            assert_eq!(level(text, Some("error")), level_there, "{text}");
        }
        assert_eq!(level("x", None), "info");
    }

    #[test]
    fn the_output_tells_the_rest() {
        assert_eq!(
            status("x", Some(OutputStream::Stdout), &StreamOrigin::Unknown { guess: "cloudwatch" }),
            Some("info")
        );
        assert_eq!(status("x", None, &StreamOrigin::Unknown { guess: "cloudwatch" }), None);
        assert_eq!(status("x", None, &StreamOrigin::Service("lambda")), None);
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
            assert_eq!(status(text, None, &origin), Some(level), "{text}");
        }
    }
}
