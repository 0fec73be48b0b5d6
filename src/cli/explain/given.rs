//! What `podferry explain` is given: an id, or a file with logs of Datadog's and perhaps with their events.

use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::datadog_log::{DatadogLog, logs_in};
use super::event_id;
use crate::cli::captured::{self, Captured, TooManyParts, Whence};
use crate::cli::error::CommandError;
use crate::cli::input::read;
use crate::cli::named::{is_standard_input, named};
use crate::cli::notes::note;
use pipeline::PipelineSettings;

/// How many logs of a file are explained: each is looked up on its own.
const MAX_LOGS: usize = 20;

/// What was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The first [`MAX_LOGS`].
    pub(super) logs: Vec<DatadogLog>,
    /// How many there are.
    pub(super) count: usize,
    /// What the file has besides logs.
    pub(super) captured: Option<Captured>,
    /// Why a part of the file could not be read as JSON, or all of it.
    unread: Option<String>,
}

/// Reads an id, or a file.
///
/// # Errors
/// [`CommandError`]: it is neither, or the file has no logs of Datadog's.
pub(super) fn given(argument: &str, settings: &PipelineSettings, now_ms: i64) -> Result<Given, CommandError> {
    let path = Path::new(argument);
    if is_standard_input(path) || path.exists() {
        return of_file(path, settings, now_ms);
    }
    if event_id::is_event_id(argument) {
        return Ok(Given { logs: vec![DatadogLog::of_id(argument)], count: 1, ..Given::default() });
    }
    Err(CommandError::refused(if event_id::is_datadogs(argument) {
        format!(
            "{argument}: this is Datadog's own ID of a log, which AWS does not know. Give the log's attribute `id`, a number, or a file with \
             the log as JSON, as the Log Explorer copies it"
        )
    } else {
        format!("{argument}: neither a file nor the `id` of a log, which is a number of 56 digits")
    }))
}

fn of_file(path: &Path, settings: &PipelineSettings, now_ms: i64) -> Result<Given, CommandError> {
    let bytes = read(path)?;
    let name = named(path);
    let (text, _) =
        captured::text(&bytes, settings).map_err(|error| CommandError::Event { path: name.clone(), error })?;
    let too_many = |error: TooManyParts| CommandError::Refused(format!("{name}: {error}"));
    let given = of_text(&text, settings, now_ms).map_err(too_many)?;
    if !given.logs.is_empty() {
        if let Some(unread) = &given.unread {
            note!("{name}: a part of it is no JSON, and was not read: {unread}.");
        }
        return Ok(given);
    }
    let has_events =
        !captured::open(&bytes, &Whence::default(), settings, now_ms).map_err(too_many)?.contents.is_empty();
    Err(CommandError::refused(if has_events {
        format!(
            "{name}: has events, and no log of Datadog's that they could explain. Say which log: `podferry explain ID --events {name}`; \
             `podferry preview {name} --output json` lists their IDs"
        )
    } else {
        format!(
            "{name}: has no log of Datadog's. Give one as the Log Explorer copies it as JSON, as the Logs API answers, as `podferry preview \
             --output json` prints it, or its `id`{}",
            given.unread.map_or(String::new(), |unread| format!(". Read as JSON: {unread}"))
        )
    }))
}

/// One JSON value after the other: logs, and what is none.
fn of_text(text: &str, settings: &PipelineSettings, now_ms: i64) -> Result<Given, TooManyParts> {
    captured::within(text)?;
    let (mut logs, mut count, mut others, mut unread) = (Vec::new(), 0, String::new(), None);
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let raw = match value {
            Ok(raw) => raw,
            Err(error) => {
                unread = Some(error.to_string());
                break;
            }
        };
        // The text of an event may have what a log of Datadog's has not: half of a surrogate pair, for one.
        let found = serde_json::from_str::<Value>(raw.get());
        let found = found.map(|value| logs_in(&value)).unwrap_or_else(|error| {
            unread = Some(error.to_string());
            Vec::new()
        });
        if found.is_empty() {
            others.push_str(raw.get());
            others.push('\n');
        }
        count += found.len();
        logs.extend(found.into_iter().take(MAX_LOGS - logs.len()));
    }
    let captured = (!others.is_empty() && !logs.is_empty())
        .then(|| captured::open(others.as_bytes(), &Whence::default(), settings, now_ms));
    Ok(Given { logs, count, captured: captured.transpose()?, unread })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"message":"m","ddsource":"nginx","ddtags":"","id":"37"}"#;
    const CONTENT: &str = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{"id":"37","timestamp":5,"message":"m"}]}"#;

    #[test]
    fn a_file_has_logs_and_perhaps_their_events() {
        let of = |text: &str| of_text(text, &PipelineSettings::default(), 0).unwrap();
        assert!(of(LOG).captured.is_none());
        let both = of(&format!("{LOG}\n{CONTENT}\n{LOG}"));
        assert_eq!((both.logs.len(), both.captured.map(|captured| captured.contents.len())), (2, Some(1)));
        assert_eq!(both.unread, None);
        let broken = of(&format!("{LOG}\n{{\"x\":NaN}}\n{LOG}"));
        assert!(broken.logs.len() == 1 && broken.unread.is_some(), "what follows is not read, and that is told");
        let half = of(&LOG.replace("\"m\"", r#""\ud800""#));
        assert!(half.logs.is_empty() && half.unread.is_some());
        let neither = of("no JSON");
        assert!(neither.logs.is_empty() && neither.captured.is_none());
    }

    #[test]
    fn no_more_logs_are_kept_than_are_explained() {
        for number in [MAX_LOGS - 1, MAX_LOGS, MAX_LOGS + 1, 3 * MAX_LOGS] {
            let lines = vec![LOG; number];
            for text in [lines.join("\n"), format!("[{}]", lines.join(",")), format!("[{LOG}]\n").repeat(number)] {
                let given = of_text(&text, &PipelineSettings::default(), 0).unwrap();
                assert_eq!((given.logs.len(), given.count), (number.min(MAX_LOGS), number));
            }
        }
    }

    #[test]
    fn what_is_no_log_says_what_to_give() {
        let refusal = |argument: &str| given(argument, &PipelineSettings::default(), 0).unwrap_err().to_string();
        assert!(refusal("AwAAAYxkz4uQ0m3hOwAAABhBWXhrejR2QUFB").contains("Datadog's own ID"));
        assert!(refusal("no-such-file.json").contains("neither a file nor the `id` of a log"));
        assert_eq!(given(&"3".repeat(56), &PipelineSettings::default(), 0).unwrap().logs.len(), 1);
    }
}
