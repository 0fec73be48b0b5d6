//! The strings and numbers of a JSON text, each by itself: what a mask makes of them is put back, all else stays to the byte.
//!
//! Read as tokens and not as a tree: so the depth does not matter, duplicate names stay, numbers keep their digits, and half a
//! surrogate pair stops nothing.

use std::ops::Range;

use super::super::json;

/// Asks `mask` about each name, string and number of the JSON text `json`: names and strings as they read, without quotes and escapes,
/// numbers as they are written. A number that is masked becomes a string. `None` where nothing changed.
///
/// Of what is no JSON, whatever stands between quotes counts as a string.
///
/// # Errors
/// Those of `mask`.
pub(super) fn masked<E>(
    json: &str,
    mut mask: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut read = String::new();
    let mut at = 0;
    while let Some(part) = next_part(json.as_bytes(), at) {
        at = part.end;
        let written = json.get(part.start..part.end).unwrap_or_default();
        let text = match json::unquoted(written) {
            Some(inside) if memchr::memchr(b'\\', inside.as_bytes()).is_some() => {
                read.clear();
                json::unescape_into(inside, &mut read);
                read.as_str()
            }
            Some(inside) => inside,
            None => written,
        };
        if let Some(masked) = mask(text)? {
            out.extend_from_slice(json.get(copied..part.start).unwrap_or_default().as_bytes());
            json::write_string(&masked, &mut out);
            copied = part.end;
        }
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(json.get(copied..).unwrap_or_default().as_bytes());
    // It is UTF-8, since it is made of strings; should it not be, nothing that was masked may come back.
    Ok(Some(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())))
}

/// The next string, with its quotes, or number at or behind `from`.
fn next_part(json: &[u8], from: usize) -> Option<Range<usize>> {
    let begins = |byte: &u8| *byte == b'"' || *byte == b'-' || byte.is_ascii_digit();
    let start = from + json.get(from..)?.iter().position(begins)?;
    if json.get(start) == Some(&b'"') {
        return Some(start..string_end(json, start + 1));
    }
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    Some(start..start + json.get(start..)?.iter().take_while(|byte| is_part(byte)).count())
}

/// Where the string whose inside begins at `from` ends: behind its closing quote, or with the text.
fn string_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if json.get(at + found) == Some(&b'"') {
            return at + found + 1;
        }
        at += found + 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;
    use serde_json::Value;

    fn masked(json: &str, mut mask: impl FnMut(&str) -> Option<String>) -> Option<String> {
        super::masked(json, |text| Ok::<_, Infallible>(mask(text))).unwrap()
    }

    /// Hides every text that holds an `x`.
    fn hide(text: &str) -> Option<String> {
        text.contains('x').then(|| "*\"\n".to_owned())
    }

    #[test]
    fn strings_and_numbers_are_asked_about_as_they_read() {
        let mut asked = Vec::new();
        let json = r#"{"a\"b":["\u00f6\/\n", -1.5E+3, true, null, {"":12345678901234567890123}],"\ud83d":"\\"}"#;
        let changed = masked(json, |text| {
            asked.push(text.to_owned());
            None
        });
        assert_eq!(changed, None);
        assert_eq!(asked, ["a\"b", "ö/\n", "-1.5E+3", "", "12345678901234567890123", "\u{fffd}", "\\"]);
    }

    #[test]
    fn what_is_not_masked_stays_to_the_byte() {
        for (json, wanted) in [
            (
                r#"{"n":12345678901234567890123,"n":1e3, "a":"x"}"#,
                r#"{"n":12345678901234567890123,"n":1e3, "a":"*\"\n"}"#,
            ),
            (r#"{"\u0078":"\ud83d","b":"\u00f6"}"#, r#"{"*\"\n":"\ud83d","b":"\u00f6"}"#),
        ] {
            assert_eq!(masked(json, hide).as_deref(), Some(wanted));
        }
        let number = |text: &str| (text == "40").then(|| "*".to_owned());
        assert_eq!(masked(r#"[40,400,"40"]"#, number).as_deref(), Some(r#"["*",400,"*"]"#));
    }

    #[test]
    fn neither_depth_nor_what_is_no_json_stops_it() {
        let deep = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(masked(&deep, hide).is_some_and(|masked| !masked.contains('x')));
        for cut in [r#"{"a":"x"#, r#"{"a":"x\"#, r#"{"a":"b\"x"#] {
            assert!(masked(cut, hide).is_some_and(|masked| !masked.contains('x')), "{cut}");
        }
    }

    /// The same with `x` for every name, string and number: what is left is the shape.
    fn shape(value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => members.values().for_each(|value| {
                out.push('{');
                shape(value, out);
                out.push('}');
            }),
            Value::Array(values) => values.iter().for_each(|value| {
                out.push('[');
                shape(value, out);
                out.push(']');
            }),
            Value::String(_) | Value::Number(_) => out.push('x'),
            other => out.push_str(&other.to_string()),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[xy\"\\\\/é\n😀]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            // Names are numbered, so that masked ones stay apart.
            let members = |values: Vec<Value>| {
                values.into_iter().enumerate().map(|(number, value)| (format!("n\"{number}"), value)).collect()
            };
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(inner, 0..4).prop_map(move |values| Value::Object(members(values))),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_shape_stays_and_no_part_survives(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let hidden = masked(&text, hide);
            let mut parts = Vec::new();
            masked(hidden.as_deref().unwrap_or(&text), |part| {
                parts.push(part.to_owned());
                None
            });
            prop_assert!(parts.iter().all(|part| !part.contains('x')));
            if let Some(hidden) = &hidden {
                let (mut before, mut after) = (String::new(), String::new());
                shape(&value, &mut before);
                shape(&serde_json::from_str(hidden).unwrap(), &mut after);
                prop_assert_eq!(before, after);
            }
        }

        #[test]
        fn any_text_is_survived(text in "[\\[\\]{}:,\"\\\\u0-9eE.+x -]{0,40}|\\PC{0,20}") {
            if let Some(masked) = masked(&text, |_| Some(String::new())) {
                prop_assert!(masked.chars().all(|character| character == '"' || text.contains(character)));
            }
        }
    }
}
