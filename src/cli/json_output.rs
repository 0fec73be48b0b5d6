//! JSON on standard output, in which no character is a terminal's command: `podferry preview --output json` is looked at, too.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::terminal::is_command;

/// Prints JSON for programs, set out for people.
pub(super) fn json(value: &Value) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", harmless_json(&text))?;
    out.flush()
}

/// The same JSON. `serde_json` escapes what is below U+0020; what else a terminal obeys, or shows in another order, it leaves, and that can
/// stand in strings alone.
pub(super) fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character == '\n' || !is_command(character);
    if json.chars().all(is_plain) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_plain(character) {
            out.push(character);
        } else {
            // None is beyond U+FFFF.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_means_the_same() {
        let value = json!({ "a\u{9b}31m": ["\u{1b}[2J\u{7f}", "\u{202e}left\u{2066}", "é\n\u{1f600}"] });
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = harmless_json(&text);
            assert!(shown.chars().all(|character| character == '\n' || !is_command(character)), "{shown}");
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
        let plain = json!({ "a": "é\n\u{1f600}" }).to_string();
        assert!(matches!(harmless_json(&plain), Cow::Borrowed(_)));
    }
}
