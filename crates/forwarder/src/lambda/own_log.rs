//! What the forwarder says of itself: lines on standard output, which Lambda writes to the function's own log group.
//!
//! Numbers, codes and advice; never a customer's text, never a key, at no level. Each line bears the id of the request
//! that is being served.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use crate::settings::{LogLevel, OwnLogSettings};

static SETTINGS: OnceLock<OwnLogSettings> = OnceLock::new();

/// The request that is being served: a sandbox serves one at a time.
static REQUEST: Mutex<String> = Mutex::new(String::new());

/// Sets level and form, once; before that, the defaults hold.
pub(crate) fn configure(settings: OwnLogSettings) {
    // A second call would be another start in the same process, which only tests do.
    let _ = SETTINGS.set(settings);
}

/// Names the request that lines are about from now on.
pub(crate) fn begin(request_id: &str) {
    let mut request = REQUEST.lock().unwrap_or_else(PoisonError::into_inner);
    request.clear();
    request.push_str(request_id);
}

/// Writes one line, with `fields` beside the message, unless it is less urgent than what is wanted.
pub(crate) fn say(level: LogLevel, message: &str, fields: &impl Serialize) {
    let settings = SETTINGS.get().copied().unwrap_or_default();
    if settings.level.is_some_and(|least| level >= least) {
        let request = REQUEST.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{}", line(settings.json, level, &now(), &request, message, fields));
    }
}

/// The time as RFC 3339 has it: without one Lambda takes a line for INFO, whatever its level says.
/// Source: AWS, "Configuring JSON and plain text log formats", log-level filtering.
fn now() -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{now:.3}")
}

fn line(as_json: bool, level: LogLevel, time: &str, request: &str, message: &str, fields: &impl Serialize) -> String {
    let fields = match serde_json::to_value(fields) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    if as_json {
        let mut line = json!({ "timestamp": time, "level": level.name(), "message": message });
        if let Some(line) = line.as_object_mut() {
            if !request.is_empty() {
                line.insert("request_id".to_owned(), request.into());
            }
            line.extend(fields);
        }
        return line.to_string();
    }
    let mut line = format!("{time} {} {message}", level.name());
    if !request.is_empty() {
        line.push_str(&format!(" request_id={request}"));
    }
    fields.iter().for_each(|(name, value)| line.push_str(&format!(" {name}={value}")));
    // A line is a log of its own.
    line.replace('\n', " ")
}

/// Makes a panic tell where it happened and nothing else: the message of an index out of bounds repeats the text.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        say(
            LogLevel::Error,
            "a bug in podferry: it panicked; please report it with its place",
            &json!({ "place": place }),
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_flat_object_or_one_line_of_text() {
        let fields = json!({ "logs": 3 });
        assert_eq!(
            line(true, LogLevel::Info, "t", "r-1", "delivered", &fields),
            r#"{"level":"INFO","logs":3,"message":"delivered","request_id":"r-1","timestamp":"t"}"#
        );
        let nothing = json!({});
        let expected = r#"{"level":"WARN","message":"x\ny","timestamp":"t"}"#;
        assert_eq!(line(true, LogLevel::Warn, "t", "", "x\ny", &nothing), expected);
        assert_eq!(line(false, LogLevel::Error, "t", "r-1", "x\ny", &fields), "t ERROR x y request_id=r-1 logs=3");
        assert!(now().ends_with('Z') && now().len() == "2026-11-25T02:20:00.123Z".len(), "{}", now());
    }
}
