//! The escapes of JSON that stand for characters one can read: undone, and written again.
//!
//! Fluent Bit's `Merge_Log` spells `ö` as `\u00f6`, and some applications do so themselves. Whoever writes a rule thinks of `ö`, and
//! whoever reads the log in Datadog sees it. Source: Fluent Bit, `src/flb_utils.c`, `flb_utils_write_str`; RFC 8259, 7.

use std::fmt::Write as _;

use super::super::json;

/// The text with the escapes of readable characters undone: `\u00f6`, surrogate pairs, `\/`. `None` where it has none.
///
/// Quotes, backslashes and control characters stay escaped, so JSON stays the same JSON; but `\u0022` and `\u000a` become `\"` and `\n`,
/// which do not run into digits behind them (.NET escapes quotes so). Halves of pairs stand for nothing and stay. What is escaped twice
/// (`\\u00f6`) is not undone: it reads `\u00f6` where it is shown.
pub(super) fn undone(text: &str) -> Option<String> {
    Pieces(text).next().filter(|(_, undone)| undone.is_some())?;
    // It is no longer than the text.
    let mut out = String::with_capacity(text.len());
    for (run, undone) in Pieces(text) {
        out.push_str(run);
        if let Some((prefix, character)) = undone {
            out.push_str(prefix);
            out.push(character);
        }
    }
    Some(out)
}

/// The same of a text that is no longer needed as it was.
pub(super) fn undo(text: String) -> String {
    undone(&text).unwrap_or(text)
}

/// Whether a text with its escapes undone is `read`. Needs no memory.
pub(super) fn reads(text: &str, read: &str) -> bool {
    let mut rest = read;
    for (run, undone) in Pieces(text) {
        let behind = rest.strip_prefix(run).and_then(|behind| match undone {
            Some((prefix, character)) => behind.strip_prefix(prefix)?.strip_prefix(character),
            None => Some(behind),
        });
        let Some(behind) = behind else { return false };
        rest = behind;
    }
    rest.is_empty()
}

/// What an escape becomes: a backslash or nothing, and a character.
type Undone = (&'static str, char);

/// A text in pieces: what needs not be undone, and what becomes of the escape behind it. The last piece has none.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = (&'t str, Option<Undone>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0;
        let mut at = 0;
        while let Some(found) = text.as_bytes().get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
            let backslash = at + found;
            if let Some((undone, length)) = text.get(backslash + 1..).and_then(undone_escape) {
                self.0 = text.get(backslash + 1 + length..).unwrap_or_default();
                return Some((text.get(..backslash).unwrap_or_default(), Some(undone)));
            }
            // The next byte is escaped, and begins no escape itself.
            at = backslash + 2;
        }
        self.0 = "";
        (!text.is_empty()).then_some((text, None))
    }
}

/// What becomes of an escape, here without its backslash, and how many bytes it takes; `None` where it stays.
fn undone_escape(escape: &str) -> Option<(Undone, usize)> {
    match escape.as_bytes().first()? {
        b'/' => Some((("", '/'), 1)),
        b'u' => {
            let (character, length) = json::unicode_escape(escape);
            let undone = match character? {
                quoted @ ('"' | '\\') => ("\\", quoted),
                '\n' => ("\\", 'n'),
                '\t' => ("\\", 't'),
                '\r' => ("\\", 'r'),
                '\u{8}' => ("\\", 'b'),
                '\u{c}' => ("\\", 'f'),
                control if control.is_control() => return None,
                // Half of a pair is read so, too.
                char::REPLACEMENT_CHARACTER
                    if !escape.get(1..5).is_some_and(|digits| digits.eq_ignore_ascii_case("fffd")) =>
                {
                    return None;
                }
                readable => ("", readable),
            };
            Some((undone, length))
        }
        _ => None,
    }
}

/// The text with all that is not ASCII escaped, as Fluent Bit spells it. `None` where there is nothing else.
pub(super) fn escaped(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn readable_characters_are_undone() {
        for (text, wanted) in [
            (r"J\u00f6rg", "Jörg"),
            (r"J\u00F6rg", "Jörg"),
            (r"\ud83d\ude00!", "😀!"),
            (r"https:\/\/x", "https://x"),
            (r"a\u003cb\u0020c", "a<b c"),
            (r"\ud83d\u00f6\ud83d", r"\ud83dö\ud83d"),
            (r"\\\u00f6", r"\\ö"),
            (r"\u0022a\u005c\u000a\u0009\u000d\u0008\u000C", r#"\"a\\\n\t\r\b\f"#),
            (r"\ufffd\uFFFD", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(undone(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_unreadable_or_would_break_json_stays() {
        for text in [
            "",
            "Jörg",
            r"\",
            r"\n\t\r\b\f",
            r#"\"\\"#,
            r"\\u00f6",
            r"\u001b",
            r"\u0000",
            r"\u007f",
            r"\u0085",
            r"\ud83d",
            r"\ude00\ud83d",
            r"\u00f",
            r"\u",
            r"\uzzzz",
            r"\é",
            r"\x41",
        ] {
            assert_eq!(undone(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_escaped_again() {
        assert_eq!(escaped("Jörg 😀").as_deref(), Some(r"J\u00f6rg \ud83d\ude00"));
        assert_eq!(escaped(r#"{"a":"\n"}"#), None);
    }

    proptest! {
        #[test]
        fn json_stays_the_same_json(value in "\\PC{0,20}|[\"\\\\/\nü😀a]{0,20}", deep: bool) {
            let json = serde_json::json!({ "a": value, "n": if deep { serde_json::Value::Null } else { 1.into() } }).to_string();
            let spelled = escaped(&json).unwrap_or_else(|| json.clone());
            let read = undone(&spelled).unwrap_or_else(|| spelled.clone());
            prop_assert_eq!(&read, &json);
            prop_assert_eq!(undone(&read), None);
        }

        #[test]
        fn a_text_reads_as_it_is_undone(text in r#"[\\u/0-9d8ef"é]{0,30}"#, other in r#"[\\u/0-9d8ef"é]{0,3}"#) {
            let read = undo(text.clone());
            prop_assert!(reads(&text, &read));
            prop_assert_eq!(reads(&text, &format!("{read}{other}")), other.is_empty());
            prop_assert_eq!(reads(&text, &other), read == other);
        }

        #[test]
        fn any_text_is_undone_as_a_reader_of_json_reads_it(text in r#"[\\u/0-9d8ef"é]{0,30}"#) {
            let undone = undone(&text).unwrap_or_else(|| text.clone());
            let (mut before, mut after) = (String::new(), String::new());
            crate::json::unescape_into(&text, &mut before);
            crate::json::unescape_into(&undone, &mut after);
            prop_assert_eq!(before, after);
        }
    }
}
