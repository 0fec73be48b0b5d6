//! What people captured of logs, whatever form it has, opened into contents as CloudWatch Logs sends them.
//!
//! `encoding` makes text of bytes; `envelopes` of `podferry logs decode` knows what stands in one another around a content; `aws_output`
//! reads what AWS's own command prints of log events, `tables` what Logs Insights and the console export, `lines` plain lines with or
//! without times. These give rows, which `gathered` makes contents of, one for each log stream. `parts` refuses what would take too much
//! memory. Pure.
//!
//! What cannot be known (a log stream that the output does not name) is said, and never guessed.

mod aws_output;
mod encoding;
mod gathered;
mod lines;
mod parts;
mod tables;
mod whence;

use super::logs::envelopes::{self, Inside, Opened};
pub(super) use encoding::text;
use forwarder::delivery::undelivered::Head;
pub(super) use gathered::NO_GROUP;
use gathered::{Row, Rows};
pub(super) use parts::{TooManyParts, within};
use pipeline::PipelineSettings;
use pipeline::batch::Payload;
use pipeline::event::EventError;
use pipeline::records::S3Object;
pub(super) use whence::Whence;

/// An event of a live log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveEvent {
    pub(super) stream: String,
    pub(super) id: String,
    pub(super) timestamp_ms: i64,
    pub(super) message: String,
}

/// Events of a live log group of the account with this id, as contents.
pub(super) fn of_live(owner: &str, group: &str, events: Vec<LiveEvent>) -> Captured {
    let row = |event: LiveEvent| Row {
        log_group: Some(group.to_owned()),
        log_stream: Some(event.stream),
        id: Some(event.id),
        timestamp_ms: Some(event.timestamp_ms),
        message: event.message,
    };
    let rows = Rows { owner: owner.to_owned(), ..Rows::new("a live log group", events.into_iter().map(row).collect()) };
    rows.captured(&Whence::default())
}

/// What was in a file.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// As CloudWatch Logs sends them, inflated, in order.
    pub(super) contents: Vec<String>,
    /// Messages of the queue of undelivered logs.
    pub(super) saved: Vec<(Head, Vec<Payload>)>,
    /// What is only told of: objects in buckets.
    pub(super) objects: Vec<S3Object>,
    /// What the file was taken for: words that follow "This is".
    pub(super) recognised: String,
    /// What is missing, and how to give it.
    pub(super) needs: Vec<&'static str>,
    /// What could not be read: which of the items, from 1, and why.
    pub(super) problems: Vec<(usize, EventError)>,
}

/// Opens whatever it is; `now_ms` is the time of lines that have none, in milliseconds since 1970.
///
/// # Errors
/// [`TooManyParts`].
pub(super) fn open(
    bytes: &[u8],
    whence: &Whence,
    settings: &PipelineSettings,
    now_ms: i64,
) -> Result<Captured, TooManyParts> {
    let (text, encoding) = match encoding::text(bytes, settings) {
        Ok(text) => text,
        Err(error) => return Ok(Captured { problems: vec![(1, error)], ..Captured::default() }),
    };
    parts::within(&text)?;
    let rows = aws_output::read(&text).or_else(|| tables::read(&text));
    let mut captured = match rows {
        Some(rows) => rows.captured(whence),
        None => {
            let opened = envelopes::open(text.as_bytes(), settings);
            if opened.inside.is_empty() && is_lines(&text) {
                lines::read(&text, encoding.contains("gzip"), now_ms).captured(whence)
            } else {
                of_envelopes(opened)
            }
        }
    };
    captured.recognised = format!("{}{encoding}", captured.recognised);
    Ok(captured)
}

/// Whether it is text that no envelope is: an envelope that is damaged is no log, and has to be told so.
fn is_lines(text: &str) -> bool {
    let text = text.trim();
    let is_json = text.starts_with(['{', '[', '"']);
    let is_base64 = !text.contains(char::is_whitespace) && text.starts_with("H4sI");
    // Programs write a JSON object a line; a single one is an envelope that is none of those that are known.
    let is_json_lines =
        is_json && text.lines().count() > 1 && text.lines().all(|line| line.starts_with('{') && line.ends_with('}'));
    !text.is_empty() && !is_base64 && (!is_json || is_json_lines)
}

fn of_envelopes(opened: Opened) -> Captured {
    let mut captured = Captured { problems: opened.problems, ..Captured::default() };
    for inside in opened.inside {
        match inside {
            Inside::Content(content) => captured.contents.push(content),
            Inside::Saved(head, payloads) => captured.saved.push((head, payloads)),
            Inside::Object(object) => captured.objects.push(object),
        }
    }
    let kinds = [
        (captured.contents.len(), "an event of CloudWatch Logs", "events of CloudWatch Logs"),
        (captured.saved.len(), "a message of podferry's queue", "messages of podferry's queue"),
        (captured.objects.len(), "a note of a failed event in a bucket", "notes of failed events in a bucket"),
    ];
    let words = kinds.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| match count {
        1 => (*one).to_owned(),
        count => format!("{count} {many}"),
    });
    captured.recognised = words.collect::<Vec<_>>().join(", ");
    captured
}

impl Rows {
    fn captured(self, whence: &Whence) -> Captured {
        let (recognised, needs) = (self.recognised.clone(), self.needs(whence));
        Captured { contents: self.contents(whence), recognised, needs, ..Captured::default() }
    }
}

#[cfg(test)]
mod tests;
