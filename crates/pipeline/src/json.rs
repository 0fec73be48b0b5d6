//! The few JSON moves that the pipeline needs and `serde_json` does not offer as one call: walking the members of
//! an object without losing duplicates, order or raw spelling, and reading a string that is not quite Unicode.
//!
//! Fluent Bit's records are read borrowed: a member is two slices of the message, the values still spelled as they
//! were sent. So what an application wrote can be handed on with the very same values (big integers, `1e3`, lone
//! surrogates), and what is not looked at costs one scan.

use serde_json::value::RawValue;

pub(crate) use super::json_escape::write_escaped;
use super::json_walk::JsonWalk;
use super::runs;

/// The text is not one complete JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnObject;

/// Calls `member(key, value)` for each member of the JSON object `text`, in order, duplicates included.
///
/// `key` comes without its quotes but as spelled: an escape in it is still an escape, so a comparison with a plain
/// literal is right for every key that Fluent Bit writes. `value` is the raw JSON of the value.
///
/// # Errors
/// [`NotAnObject`] if `text` is anything else than one whole JSON object. Members before the mistake have been
/// reported by then; the module `salvage` lives on that.
pub fn each_member<'a>(text: &'a str, mut member: impl FnMut(&'a str, &'a str)) -> Result<(), NotAnObject> {
    let mut walk = JsonWalk::new(text);
    let whole = walk.members(|walk, key| {
        member(key, walk.value()?);
        Some(())
    });
    whole.filter(|()| walk.is_at_end()).ok_or(NotAnObject)
}

/// The inside of a raw JSON string, still escaped; `None` where `raw` is no string.
pub(crate) fn unquoted(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// Whether `text`, between quotes, is a JSON string.
pub(crate) fn is_inside_of_string(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(&format!("\"{text}\"")).is_ok()
}

/// The text of a raw JSON string; `None` where `raw` is no string.
pub fn string(raw: &str) -> Option<String> {
    let inside = unquoted(raw)?;
    let mut out = String::with_capacity(inside.len());
    unescape_into(inside, &mut out);
    Some(out)
}

/// Appends what the escaped inside of a JSON string stands for.
///
/// Never fails: a lone surrogate (`\ud83d` without its other half) becomes U+FFFD, and an escape that was cut off
/// at the end of a truncated text is left out. `serde_json` refuses both, and one such line would cost the others.
pub fn unescape_into(escaped: &str, out: &mut String) {
    // A buffer that is empty is used again.
    let mut bytes = if out.is_empty() { std::mem::take(out).into_bytes() } else { Vec::new() };
    bytes.reserve(escaped.len());
    let mut rest = escaped;
    loop {
        let plain = runs::plain_length(rest.as_bytes());
        runs::push_run(rest.as_bytes(), plain, &mut bytes);
        rest = match rest.as_bytes().get(plain..) {
            Some([b'\\', simple @ (b'"' | b'\\'), ..]) => {
                bytes.push(*simple);
                rest.get(plain + 2..).unwrap_or_default()
            }
            Some([b'\\', ..]) => unescape_one(rest.get(plain + 1..).unwrap_or_default(), &mut bytes),
            // What should have been escaped, in a text that no parser has seen.
            Some([other, ..]) => {
                bytes.push(*other);
                rest.get(plain + 1..).unwrap_or_default()
            }
            Some([]) | None => break,
        };
    }
    match String::from_utf8(bytes) {
        Ok(text) if out.is_empty() => *out = text,
        Ok(text) => out.push_str(&text),
        // Runs of a text and whole characters are text.
        Err(_) => {}
    }
}

/// Appends what one escape, without its backslash, stands for; gives what follows it.
fn unescape_one<'a>(escape: &'a str, out: &mut Vec<u8>) -> &'a str {
    let simple = match escape.as_bytes().first() {
        Some(b'"') => b'"',
        Some(b'\\') => b'\\',
        Some(b'/') => b'/',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 0x8,
        Some(b'f') => 0xc,
        Some(b'u') => {
            let (character, length) = unicode_escape(escape);
            if let Some(character) = character {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            return &escape[length..];
        }
        // Not JSON; only a text that no parser has seen can hold it. Keep it as it stands.
        Some(_) => {
            out.push(b'\\');
            return escape;
        }
        None => return escape,
    };
    out.push(simple);
    &escape[1..]
}

/// Reads `uXXXX`, and the second half of a surrogate pair if it follows: the character and the bytes it took. A lone half is U+FFFD; an
/// escape that is cut off is no character, and takes all.
pub(crate) fn unicode_escape(escape: &str) -> (Option<char>, usize) {
    let Some(unit) = hex_unit(escape, 0) else {
        // Cut off: nothing to show for it.
        return (None, escape.len());
    };
    if (0xD800..0xDC00).contains(&unit)
        && escape.as_bytes().get(5) == Some(&b'\\')
        && let Some(low @ 0xDC00..=0xDFFF) = hex_unit(escape, 6)
    {
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code), 11);
    }
    (Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)), 5)
}

/// The number behind a `u` at `at`, if four hexadecimal digits follow it.
fn hex_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.as_bytes().get(at..at + 5)?;
    if digits[0] != b'u' {
        return None;
    }
    digits[1..].iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
}

/// Appends `text` as a JSON string, quotes and all.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// How many of the first bytes of `text`, up to a character boundary, fit into `budget` bytes once escaped.
pub(crate) fn fitting_prefix(text: &str, budget: usize) -> usize {
    let mut escaped = 0;
    for (at, character) in text.char_indices() {
        escaped +=
            if character.is_ascii() { usize::from(ESCAPED_LENGTH[character as usize]) } else { character.len_utf8() };
        if escaped > budget {
            return at;
        }
    }
    text.len()
}

/// Bytes that a byte takes inside a JSON string, as [`write_escaped`] writes it.
const ESCAPED_LENGTH: [u8; 256] = {
    let mut lengths = [1_u8; 256];
    let mut control = 0;
    while control < 0x20 {
        lengths[control] = 6;
        control += 1;
    }
    let mut short = 0;
    let two = [b'"', b'\\', b'\n', b'\t', b'\r', 0x08, 0x0c];
    while short < two.len() {
        lengths[two[short] as usize] = 2;
        short += 1;
    }
    lengths
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_keep_order_duplicates_and_spelling() {
        let mut seen = Vec::new();
        each_member(r#" {"a": 1e3, "b":"\ud83d","a":{"x":[1,2]}} "#, |key, value| seen.push((key, value))).unwrap();
        assert_eq!(seen, [("a", "1e3"), ("b", r#""\ud83d""#), ("a", r#"{"x":[1,2]}"#)]);
    }

    #[test]
    fn only_whole_objects_are_objects() {
        for text in ["", "[]", "1", "{", r#"{"a":1"#, r#"{"a":1}{"b":2}"#, r#"{"a":1} x"#, "null"] {
            assert_eq!(each_member(text, |_, _| ()), Err(NotAnObject), "{text}");
        }
    }

    #[test]
    fn nesting_without_end_does_not_exhaust_the_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        let mut count = 0;
        assert_eq!(each_member(&deep, |_, _| count += 1), Ok(()));
        assert_eq!(count, 1);
    }

    #[test]
    fn strings_that_are_not_quite_unicode_are_read_all_the_same() {
        assert_eq!(string(r#""a\ud83d b""#).as_deref(), Some("a\u{fffd} b"));
        assert_eq!(string(r#""\ude00\ud83d\ude00""#).as_deref(), Some("\u{fffd}😀"));
        assert_eq!(string(r#""\ud83d\u0041""#).as_deref(), Some("\u{fffd}A"));
        assert_eq!(string("12"), None);
    }

    #[test]
    fn a_cut_escape_at_the_end_is_left_out() {
        for cut in [r"ab\", r"ab\u", r"ab\u00e"] {
            let mut out = String::new();
            unescape_into(cut, &mut out);
            assert_eq!(out, "ab", "{cut}");
        }
    }

    proptest! {
        #[test]
        fn reading_agrees_with_serde_json(text in any::<String>()) {
            let raw = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(string(&raw).unwrap(), text);
        }

        #[test]
        fn writing_agrees_with_serde_json(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_bytes_behind_backslashes_are_survived(text in r#"[\\u0-9a-f"é😀]{0,40}"#) {
            let mut out = String::new();
            unescape_into(&text, &mut out);
        }

        #[test]
        fn a_prefix_fits_and_is_the_longest(text in any::<String>(), budget in 0_usize..60) {
            let fits = fitting_prefix(&text, budget);
            let mut out = Vec::new();
            write_escaped(&text[..fits], &mut out);
            prop_assert!(out.len() <= budget);
            if let Some(next) = text[fits..].chars().next() {
                let mut longer = Vec::new();
                write_escaped(&text[..fits + next.len_utf8()], &mut longer);
                prop_assert!(longer.len() > budget);
            }
        }
    }
}
