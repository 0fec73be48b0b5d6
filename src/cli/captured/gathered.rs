//! Log events from whatever listed them, gathered to contents as CloudWatch Logs sends them: one for each log stream.

use serde_json::json;

use super::whence::Whence;

/// The group of logs when neither the file nor a flag names one.
pub(crate) const NO_GROUP: &str = "podferry-preview";

/// One log event that a file lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) log_group: Option<String>,
    pub(super) log_stream: Option<String>,
    /// CloudWatch's own.
    pub(super) id: Option<String>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) message: String,
}

/// What a file lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// What the file was taken for: words that follow "read as".
    pub(super) recognised: String,
    /// The account of the log groups, 12 digits; empty where nothing says it.
    pub(super) owner: String,
    /// What to add where no row names its log stream.
    pub(super) names_streams_by: Option<&'static str>,
}

impl Rows {
    pub(super) fn new(recognised: impl Into<String>, rows: Vec<Row>) -> Rows {
        Rows { rows, recognised: recognised.into(), ..Rows::default() }
    }

    /// What is missing, and how to give it.
    pub(super) fn needs(&self, whence: &Whence) -> Vec<&'static str> {
        let is_named = whence.log_stream.is_some() || self.rows.iter().any(|row| row.log_stream.is_some());
        let by = self.names_streams_by.unwrap_or(
            "It does not name the log stream, which says pod, namespace and container. Give it with --log-stream (and the group with \
             --log-group)",
        );
        if is_named { Vec::new() } else { vec![by] }
    }

    /// The contents, in the order of the streams' first rows. Rows of a stream are sorted by time where they came the other way round.
    pub(super) fn contents(self, whence: &Whence) -> Vec<String> {
        let mut streams: Vec<((String, String), Vec<Row>)> = Vec::new();
        for row in self.rows {
            let group =
                whence.log_group.clone().or_else(|| row.log_group.clone()).unwrap_or_else(|| NO_GROUP.to_owned());
            let stream = whence.log_stream.clone().or_else(|| row.log_stream.clone()).unwrap_or_default();
            let key = (group, stream);
            match streams.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(row),
                None => streams.push((key, vec![row])),
            }
        }
        let owner = self.owner;
        streams.into_iter().map(|((group, stream), rows)| content(&owner, &group, &stream, in_order(rows))).collect()
    }
}

/// Logs Insights lists the newest first.
fn in_order(mut rows: Vec<Row>) -> Vec<Row> {
    let is_reversed = rows.iter().rev().is_sorted_by_key(|row| row.timestamp_ms);
    let is_sorted = rows.iter().is_sorted_by_key(|row| row.timestamp_ms);
    if is_reversed && !is_sorted {
        rows.reverse();
    }
    rows.sort_by_key(|row| row.timestamp_ms);
    rows
}

fn content(owner: &str, group: &str, stream: &str, rows: Vec<Row>) -> String {
    // Event after event: a tree of all takes ten times the memory.
    let mut events = String::from("[");
    for (number, row) in (0_u64..).zip(rows) {
        let id = row.id.unwrap_or_else(|| format!("{number:056}"));
        if number > 0 {
            events.push(',');
        }
        events.push_str(&json!({ "id": id, "timestamp": row.timestamp_ms, "message": row.message }).to_string());
    }
    let head = json!({
        "messageType": "DATA_MESSAGE", "owner": owner, "logGroup": group, "logStream": stream,
        "subscriptionFilters": ["preview"],
    })
    .to_string();
    format!("{},\"logEvents\":{events}]}}", head.strip_suffix('}').unwrap_or(&head))
}
