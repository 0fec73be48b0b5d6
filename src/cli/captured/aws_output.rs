//! What AWS's own command prints of log events: `aws logs filter-log-events`, `get-log-events` and `tail`, in its formats json and text.
//!
//! Sources: AWS CLI Command Reference, `logs filter-log-events`, `logs get-log-events`, `logs tail`; AWS CLI User Guide, "Setting the output
//! format in the AWS CLI".

use serde_json::Value;

use super::gathered::{Row, Rows};

/// The rows, if it is such output.
pub(super) fn read(text: &str) -> Option<Rows> {
    let text = text.trim_start();
    if text.starts_with('{') { json(text) } else { as_text(text).or_else(|| tail(text)) }
}

/// One answer, or several in a row, as pages are fetched.
fn json(text: &str) -> Option<Rows> {
    let mut rows = Vec::new();
    for page in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let page = page.ok()?;
        for event in page.get("events")?.as_array()? {
            let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
            rows.push(Row {
                log_group: None,
                log_stream: text("logStreamName"),
                id: text("eventId"),
                timestamp_ms: event.get("timestamp").and_then(Value::as_i64),
                message: text("message")?,
            });
        }
    }
    let is_filtered = rows.iter().any(|row| row.log_stream.is_some());
    let command = if is_filtered { "filter-log-events" } else { "get-log-events" };
    Some(Rows::new(format!("the output of `aws logs {command}`"), rows))
}

/// `--output text`: the members in the order of their names, between tabs.
fn as_text(text: &str) -> Option<Rows> {
    let mut rows: Vec<Row> = Vec::new();
    let mut is_filtered = false;
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            ["EVENTS", id, ingested, stream, message @ .., time]
                if !message.is_empty() && is_number(ingested) && is_number(time) =>
            {
                is_filtered = true;
                rows.push(Row {
                    log_group: None,
                    log_stream: Some((*stream).to_owned()),
                    id: Some((*id).to_owned()),
                    timestamp_ms: time.parse().ok(),
                    message: message.join("\t"),
                });
            }
            ["EVENTS", ingested, message @ .., time]
                if !message.is_empty() && is_number(ingested) && is_number(time) =>
            {
                rows.push(Row { timestamp_ms: time.parse().ok(), message: message.join("\t"), ..Row::default() });
            }
            ["SEARCHEDLOGSTREAMS", ..] => {}
            // The tokens of get-log-events stand at the head.
            _ if rows.is_empty() && line.contains("f/") && line.contains("b/") => {}
            _ if rows.is_empty() => return None,
            _ => {}
        }
    }
    let command = if is_filtered { "filter-log-events" } else { "get-log-events" };
    (!rows.is_empty()).then(|| Rows::new(format!("the output of `aws logs {command} --output text`"), rows))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2026-05-03T12:34:56.789000+00:00 stream message`; the lines that follow of a message have nothing before them.
fn tail(text: &str) -> Option<Rows> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let plain = without_colours(line);
        match (tail_head(&plain), rows.last_mut()) {
            (Some(row), _) => rows.push(row),
            (None, Some(last)) => {
                last.message.push('\n');
                last.message.push_str(line);
            }
            (None, None) if plain.trim().is_empty() => {}
            (None, None) => return None,
        }
    }
    (!rows.is_empty()).then(|| Rows::new("the output of `aws logs tail`", rows))
}

fn tail_head(line: &str) -> Option<Row> {
    let (time, rest) = line.split_once(' ')?;
    // Only this command writes UTC like this, with the name of a stream behind it.
    let is_tails = time.len() == "2026-05-03T12:34:56.789000+00:00".len() && time.ends_with("+00:00");
    let time: jiff::Timestamp = time.parse().ok().filter(|_| is_tails)?;
    let (stream, message) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(Row {
        log_stream: Some(stream.to_owned()).filter(|stream| !stream.is_empty()),
        timestamp_ms: Some(time.as_millisecond()),
        message: message.to_owned(),
        ..Row::default()
    })
}

/// The command colours times and streams in a terminal. Source: ECMA-48, "SGR".
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('m') {
            Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => {
                plain.push_str(rest)
            }
            _ => {
                plain.push_str("\u{1b}[");
                plain.push_str(part);
            }
        }
    }
    plain
}
