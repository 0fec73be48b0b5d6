//! The value of `log_key`, or the whole record: what each of the plugins sends.
//!
//! Source: aws/amazon-kinesis-firehose-for-fluent-bit, plugins/plugins.go, `LogKey` and `EncodeLogKey`. There the standard library writes
//! what is no text, and it takes no map whose keys may be anything.

use super::json::{self, NoJson};
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

/// What is sent of a record.
///
/// # Errors
/// What it is instead where nothing is sent.
pub(super) fn data(log_key: Option<&str>, record: &Map) -> Result<Vec<u8>, Sent> {
    let Some(log_key) = log_key else {
        return json::record(record).map_err(|no_json| match no_json {
            NoJson::Number => {
                Sent::Nothing("the record has a number that JSON does not have, so AWS's plugin drops it")
            }
            NoJson::Unknown(unknown) => Sent::Unknown(unknown),
        });
    };
    let Some(value) = record.last(log_key.as_bytes()) else {
        return Err(Sent::Nothing("the record has no key that is `log_key`"));
    };
    match value {
        Value::Text(text) => Ok(text.clone()),
        value if has_form_feed(value) => {
            Err(Sent::Unknown(Unknown("versions of Go escape a backspace and a form feed differently")))
        }
        // That it cannot be written goes unnoticed.
        value if has_map(value) => Ok(Vec::new()),
        value => Ok(json::value(value).unwrap_or_default()),
    }
}

fn has_map(value: &Value) -> bool {
    match value {
        Value::Map(_) => true,
        Value::List(values) => values.iter().any(has_map),
        _ => false,
    }
}

fn has_form_feed(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.iter().any(|byte| matches!(byte, 0x08 | 0x0c)),
        Value::List(values) => values.iter().any(has_form_feed),
        _ => false,
    }
}
