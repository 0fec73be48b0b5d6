//! A log as the page shows it: a line of the list, and the whole when it is opened.
//!
//! The names of the members are what `assets/` reads.

use serde::Serialize;
use serde_json::{Value, json};

/// How much of a text the list has, in bytes. It is what the search sees; the whole is a click away.
const LISTED_BYTES: usize = 8 * 1024;

/// How many bytes of records go with a log, at most. A log has a megabyte at most, and a record its metadata besides.
const RECORD_BYTES: usize = 2 * 1024 * 1024;

/// A log, and what is known of where it came from.
#[derive(Debug, Clone, Default)]
pub struct ShownLog {
    /// The text: the one that is sent or, of a log that is left out, the one that was written.
    pub message: String,
    /// Milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// The status that it has in Datadog, and what tells it.
    pub status: Option<String>,
    pub status_from: Option<String>,
    pub service: Option<String>,
    pub source: Option<String>,
    pub tags: Vec<ShownTag>,
    /// The rules that changed, joined or excluded it, in order.
    pub rules: Vec<RuleHit>,
    /// Why it is not sent.
    pub left_out: Option<String>,
    /// The log as it goes to Datadog; `None` where it is left out.
    pub log: Option<Value>,
    pub record: RecordSide,
}

/// A tag and what it was taken from, where that is known.
#[derive(Debug, Clone, Serialize)]
pub struct ShownTag {
    pub tag: String,
    #[serde(rename = "from", skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// A rule that hit: its name, and its effect in one word: `masked`, `excluded`, `withheld`, `joined`, `sampled`.
#[derive(Debug, Clone, Serialize)]
pub struct RuleHit {
    pub rule: String,
    pub effect: &'static str,
}

/// What CloudWatch Logs had of a log.
#[derive(Debug, Clone)]
pub enum RecordSide {
    Known {
        log_group: String,
        log_stream: String,
        records: Vec<LogRecord>,
    },
    /// It is not known, for this reason, a sentence.
    Unknown(&'static str),
}

impl Default for RecordSide {
    fn default() -> RecordSide {
        RecordSide::Unknown("Where it came from is not known.")
    }
}

/// An event of CloudWatch Logs.
#[derive(Debug, Clone, Serialize)]
pub struct LogRecord {
    pub id: String,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    pub message: String,
}

impl ShownLog {
    /// What the list has of it, as JSON; `number` is its place among all.
    pub(crate) fn listed(&self, number: u64) -> String {
        let text = cut(&self.message, LISTED_BYTES);
        let tags: Vec<&str> = self.tags.iter().map(|tag| tag.tag.as_str()).collect();
        json!({
            "number": number, "time": self.timestamp_ms, "status": self.status, "service": self.service, "source": self.source,
            "text": text, "bytes": self.message.len(), "is_cut": text.len() < self.message.len(), "tags": tags.join(","), "rules": self.rules,
            "left_out": self.left_out,
        })
        .to_string()
    }

    /// All of it, as JSON.
    pub(crate) fn whole(&self) -> String {
        let record = match &self.record {
            RecordSide::Unknown(why) => json!({ "unknown": why }),
            RecordSide::Known { log_group, log_stream, records } => {
                let shown = within(records, RECORD_BYTES);
                json!({
                    "log_group": log_group, "log_stream": log_stream, "records": &records[..shown], "further": records.len() - shown,
                })
            }
        };
        json!({
            "message": self.message, "status_from": self.status_from, "tags": self.tags, "log": self.log, "record": record,
        })
        .to_string()
    }
}

/// How many records from the first have so many bytes together; one at the least.
fn within(records: &[LogRecord], most: usize) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|record| {
        bytes += record.message.len();
        bytes <= most
    });
    fitting.count().max(1).min(records.len())
}

/// The beginning of a text, whole characters only.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_listed_in_part_and_whole_when_opened() {
        for (bytes, is_cut) in [(LISTED_BYTES - 1, false), (LISTED_BYTES, false), (LISTED_BYTES + 1, true)] {
            let log = ShownLog { message: "x".repeat(bytes), ..ShownLog::default() };
            let listed: Value = serde_json::from_str(&log.listed(7)).unwrap();
            assert_eq!((&listed["is_cut"], &listed["bytes"]), (&json!(is_cut), &json!(bytes)));
            assert_eq!(listed["text"].as_str().unwrap().len(), bytes.min(LISTED_BYTES));
            let whole: Value = serde_json::from_str(&log.whole()).unwrap();
            assert_eq!(whole["message"].as_str().unwrap().len(), bytes);
        }
        let two_bytes = format!("x{}", "ä".repeat(LISTED_BYTES));
        assert_eq!(cut(&two_bytes, LISTED_BYTES).len(), LISTED_BYTES - 1);
    }

    #[test]
    fn records_are_shown_up_to_their_bytes_and_the_others_counted() {
        let record = |bytes: usize| LogRecord { id: String::new(), timestamp: None, message: "x".repeat(bytes) };
        for (bytes, shown) in [(9, 2), (10, 2), (11, 1)] {
            assert_eq!(within(&[record(10), record(bytes)], 20), shown, "{bytes}");
        }
        assert_eq!((within(&[], 20), within(&[record(21)], 20)), (0, 1));
    }
}
