//! Plain lines: exports to S3 and `kubectl logs --timestamps` have a time before each, containerd's files a prefix, and others nothing.
//!
//! A program may write the same time itself, and then it is a part of its log. So a time is taken off only where more speaks for it: an export
//! is compressed, or has behind the time what begins with another time, with JSON or with a prefix of containerd; `kubectl` writes
//! nanoseconds, before every line. Otherwise the time tells when the line was written, and stays.
//!
//! Sources: Amazon CloudWatch Logs User Guide, "Exporting log data to Amazon S3"; Kubernetes, `kubectl logs`; containerd,
//! `internal/cri/io/logger.go`.

use super::gathered::{Row, Rows};

/// How a time before a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Of an export to S3: milliseconds. A message's further lines have none.
    Export,
    /// Of `kubectl logs --timestamps`: up to nanoseconds, before every line.
    Kubectl,
}

/// The rows: a line is a log event, but in an export a line without a time belongs to the one before it.
pub(super) fn read(text: &str, was_compressed: bool, now_ms: i64) -> Rows {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if is_cri(first) {
        return Rows::new("a log file of containerd", bare(text, now_ms, cri_time));
    }
    let is_headed = |(_, _, message): (Before, i64, &str)| {
        message.starts_with('{')
            || message.split(' ').next().is_some_and(|word| word.parse::<jiff::Timestamp>().is_ok())
    };
    match time_before(first) {
        Some(head) if head.0 == Before::Export && (was_compressed || is_headed(head)) => {
            Rows::new("an export of a log group to S3", export(text))
        }
        Some((Before::Kubectl, ..)) if text.lines().all(|line| line.is_empty() || is_kubectls(line)) => {
            Rows::new("the output of `kubectl logs --timestamps`", kubectl(text))
        }
        Some(_) => Rows::new("plain lines that begin with a time", timed(text, now_ms)),
        None => Rows::new("plain lines, written now", bare(text, now_ms, |_| None)),
    }
}

fn bare(text: &str, now_ms: i64, time: impl Fn(&str) -> Option<i64>) -> Vec<Row> {
    let row = |line: &str| Row {
        timestamp_ms: Some(time(line).unwrap_or(now_ms)),
        message: line.to_owned(),
        ..Row::default()
    };
    text.lines().map(row).collect()
}

/// A line without a time was written when the one before it was.
fn timed(text: &str, now_ms: i64) -> Vec<Row> {
    let mut last_ms = now_ms;
    let lines = text.lines().map(|line| {
        last_ms = time_before(line).map_or(last_ms, |(_, ms, _)| ms);
        row(last_ms, line)
    });
    lines.collect()
}

fn is_kubectls(line: &str) -> bool {
    time_before(line).is_some()
}

fn export(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        match (time_before(line), rows.last_mut()) {
            (Some((Before::Export, ms, message)), _) => rows.push(row(ms, message)),
            (_, Some(last)) => {
                last.message.push('\n');
                last.message.push_str(line);
            }
            (_, None) => {}
        }
    }
    rows
}

fn kubectl(text: &str) -> Vec<Row> {
    let mut last_ms = 0;
    let rows = text.lines().map(|line| {
        let (_, ms, message) = time_before(line).unwrap_or((Before::Kubectl, last_ms, line));
        last_ms = ms;
        row(ms, message)
    });
    rows.collect()
}

fn row(ms: i64, message: &str) -> Row {
    Row { timestamp_ms: Some(ms), message: message.to_owned(), ..Row::default() }
}

/// The time before a line, in milliseconds since 1970, and what stands behind it.
fn time_before(line: &str) -> Option<(Before, i64, &str)> {
    let (time, message) = line.split_once(' ').unwrap_or((line, ""));
    let fraction = time.strip_suffix('Z')?.split_once('.').map_or("", |(_, fraction)| fraction);
    let parsed: jiff::Timestamp = time.parse().ok().filter(|_| time.contains('T'))?;
    // `kubectl` leaves zeros at the end off, so a few lines of many have fewer digits.
    let before = if fraction.len() == 3 { Before::Export } else { Before::Kubectl };
    Some((before, parsed.as_millisecond(), message))
}

/// `2026-05-03T12:34:56.789012345Z stdout F message`
fn is_cri(line: &str) -> bool {
    let mut parts = line.splitn(4, ' ');
    let is_time = parts.next().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok());
    is_time
        && matches!(parts.next(), Some("stdout" | "stderr"))
        && matches!(parts.next(), Some(tag) if tag == "F" || tag == "P")
}

fn cri_time(line: &str) -> Option<i64> {
    line.split(' ').next()?.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}
