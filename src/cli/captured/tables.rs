//! Tables of log events: what Logs Insights answers and exports (JSON and CSV), and the CSV of the console's list of log events.
//!
//! Sources: Amazon CloudWatch Logs API Reference, `GetQueryResults`; Amazon CloudWatch Logs User Guide, "Supported logs and discovered
//! fields" (`@timestamp`, `@message`, `@logStream`, `@log`), "Visualize log data in graphs" (export of results).

use std::collections::BTreeMap;

use serde_json::Value;

use super::gathered::{Row, Rows};

const ADD_FIELDS: &str = "The query does not name the log streams, which tell pod, namespace and container. Ask for \
                          `fields @timestamp, @message, @logStream, @log`, or give --log-stream";

/// The rows, if it is such a table.
pub(super) fn read(text: &str) -> Option<Rows> {
    let text = text.trim_start();
    match text.chars().next()? {
        '{' => results(&serde_json::from_str(text).ok()?),
        '[' => objects(&serde_json::from_str(text).ok()?),
        _ => csv(text),
    }
}

/// `aws logs get-query-results`: a row is a list of fields.
fn results(answer: &Value) -> Option<Rows> {
    let rows = answer.get("results")?.as_array()?;
    let row = |fields: &Value| {
        let fields = fields.as_array()?.iter();
        let field =
            |field: &Value| Some((field.get("field")?.as_str()?.to_owned(), field.get("value")?.as_str()?.to_owned()));
        of_fields(&fields.filter_map(field).collect())
    };
    let rows = rows.iter().map(row).collect::<Option<Vec<Row>>>()?;
    Some(insights("the answer of `aws logs get-query-results`", rows))
}

/// The console's "Download JSON": a row is an object, and a message that is JSON is an object, too.
fn objects(rows: &Value) -> Option<Rows> {
    let row = |object: &Value| {
        let members = object.as_object()?.iter();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        of_fields(&members.map(|(name, value)| (name.clone(), text(value))).collect())
    };
    let rows = rows.as_array()?.iter().map(row).collect::<Option<Vec<Row>>>()?;
    (!rows.is_empty()).then(|| insights("an export of Logs Insights (JSON)", rows))
}

fn csv(text: &str) -> Option<Rows> {
    let first = text.lines().next()?;
    let is_insights = first.contains("@message");
    let is_console = first.trim() == "timestamp,message";
    if !is_insights && !is_console {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let heading = reader.headers().ok()?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        let fields = heading.iter().zip(&record).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        rows.extend(of_fields(&fields));
    }
    Some(match is_insights {
        true => insights("an export of Logs Insights (CSV)", rows),
        false => Rows::new("the console's list of log events (CSV)", rows),
    })
}

fn insights(recognised: &str, rows: Vec<Row>) -> Rows {
    Rows { names_streams_by: Some(ADD_FIELDS), ..Rows::new(recognised, rows) }
}

fn of_fields(fields: &BTreeMap<String, String>) -> Option<Row> {
    let field = |name: &str| fields.get(&format!("@{name}")).or_else(|| fields.get(name));
    // `123456789012:/aws/eks/prod/fargate`
    let group = |log: &String| log.split_once(':').map_or(log.as_str(), |(_, group)| group).to_owned();
    Some(Row {
        log_group: field("log").map(group),
        log_stream: field("logStream").cloned(),
        id: None,
        timestamp_ms: field("timestamp").and_then(|time| milliseconds(time)),
        message: field("message")?.clone(),
    })
}

/// `2026-05-03 12:34:56.789`, which is UTC, or milliseconds since 1970.
fn milliseconds(time: &str) -> Option<i64> {
    let civil = || time.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    time.parse().ok().or_else(|| Some(civil()?.timestamp().as_millisecond()))
}
