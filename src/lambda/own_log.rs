//! What the forwarder says of itself: JSON lines on standard output, which Lambda writes to the function's own log group.
//!
//! Numbers, codes and advice; never a customer's text, never a key, at no level.

use serde::Serialize;
use serde_json::{Value, json};

/// Writes one line at the level `INFO`, `WARN` or `ERROR`, with `fields` beside the message.
pub fn say(level: &str, message: &str, fields: &impl Serialize) {
    println!("{}", line(level, message, fields));
}

fn line(level: &str, message: &str, fields: &impl Serialize) -> Value {
    let mut line = json!({ "level": level, "message": message });
    if let (Some(line), Ok(Value::Object(fields))) = (line.as_object_mut(), serde_json::to_value(fields)) {
        line.extend(fields);
    }
    line
}

/// Makes a panic tell where it happened and nothing else: the message of an index out of bounds repeats the text.
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        say("ERROR", "a bug in podferry: it panicked; please report the place", &json!({ "place": place }));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_flat_object() {
        assert_eq!(
            line("INFO", "delivered", &json!({ "logs": 3 })).to_string(),
            r#"{"level":"INFO","logs":3,"message":"delivered"}"#
        );
    }
}
