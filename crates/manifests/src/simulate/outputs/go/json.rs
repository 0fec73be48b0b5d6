//! JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped, a replacement character for each byte that is no text. A record is
//! written by `json-iterator`, which imitates the standard library; the value of `log_key` by that.
//!
//! Source: json-iterator/go at v1.1.12, stream_str.go, `WriteStringWithHTMLEscaped`, stream_float.go, and reflect_map.go,
//! `sortKeysMapEncoder`; Go, src/encoding/json/encode.go, `floatEncoder`.

use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

/// Why there is no JSON of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoJson {
    /// It has a number that JSON does not have.
    Number,
    Unknown(Unknown),
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    JsonIterator,
    StandardLibrary,
}

/// A record as JSON.
///
/// # Errors
/// Where it has none.
pub(super) fn record(map: &Map) -> Result<Vec<u8>, NoJson> {
    let mut out = Vec::new();
    write_map(Writer::JsonIterator, map, &mut out)?;
    Ok(out)
}

/// A value without maps as JSON.
///
/// # Errors
/// Where it has none.
pub(super) fn value(value: &Value) -> Result<Vec<u8>, NoJson> {
    let mut out = Vec::new();
    write(Writer::StandardLibrary, value, &mut out)?;
    Ok(out)
}

fn write(writer: Writer, value: &Value, out: &mut Vec<u8>) -> Result<(), NoJson> {
    match value {
        Value::Nil => out.extend(b"null"),
        Value::Boolean(true) => out.extend(b"true"),
        Value::Boolean(false) => out.extend(b"false"),
        Value::Integer(number) => out.extend(number.to_string().bytes()),
        Value::Float(number) => out.extend(float(writer, *number).ok_or(NoJson::Number)?.bytes()),
        Value::Text(text) => write_quoted(text, out),
        Value::List(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(writer, value, out)?;
            }
            out.push(b']');
        }
        Value::Map(map) => write_map(writer, map, out)?,
    }
    Ok(())
}

fn write_map(writer: Writer, map: &Map, out: &mut Vec<u8>) -> Result<(), NoJson> {
    let mut members = Vec::new();
    for (key, value) in &map.members {
        let Some(key) = key.as_text() else { continue };
        members.push((text_of(key), key, value));
    }
    members.sort_by(|one, other| one.0.cmp(&other.0));
    if members.windows(2).any(|pair| matches!(pair, [one, other] if one.0 == other.0)) {
        return Err(NoJson::Unknown(Unknown(
            "AWS's plugins write keys that differ only in bytes that are no text in any order",
        )));
    }
    out.push(b'{');
    for (at, (_, key, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_quoted(key, out);
        out.push(b':');
        write(writer, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// A text as Go reads it: each byte that belongs to no character is a replacement character.
fn text_of(mut bytes: &[u8]) -> String {
    let mut out = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(text) => return out + text,
            Err(error) => {
                let (good, rest) = bytes.split_at(error.valid_up_to());
                out.push_str(std::str::from_utf8(good).unwrap_or_default());
                out.push(char::REPLACEMENT_CHARACTER);
                bytes = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

fn write_quoted(mut bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    loop {
        let good = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                bytes.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or_default()
            }
        };
        for letter in good.chars() {
            match letter {
                '"' => out.extend(b"\\\""),
                '\\' => out.extend(b"\\\\"),
                '\n' => out.extend(b"\\n"),
                '\r' => out.extend(b"\\r"),
                '\t' => out.extend(b"\\t"),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.extend(format!("\\u{:04x}", u32::from(letter)).bytes());
                }
                _ => out.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        match bytes.get(good.len() + 1..) {
            Some(rest) => {
                out.extend(b"\\ufffd");
                bytes = rest;
            }
            None if bytes.len() > good.len() => {
                out.extend(b"\\ufffd");
                break;
            }
            None => break,
        }
    }
    out.push(b'"');
}

/// A number with as few digits as tell it from its neighbours; whole ones have no point. An exponent has two digits at least, but of one
/// below zero the standard library takes a first zero away. `None` for what JSON does not have.
fn float(writer: Writer, number: f64) -> Option<String> {
    // What has no exponent.
    const PLAIN: std::ops::Range<f64> = 1e-6..1e21;
    if !number.is_finite() {
        return None;
    }
    if number == 0.0 || PLAIN.contains(&number.abs()) {
        return Some(number.to_string());
    }
    let written = format!("{number:e}");
    let (digits, exponent) = written.split_once('e')?;
    Some(match exponent.strip_prefix('-') {
        None => format!("{digits}e+{exponent}"),
        Some(exponent) if writer == Writer::StandardLibrary => format!("{digits}e-{exponent}"),
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected are what the library wrote.
    #[test]
    fn values_are_written_as_go_writes_them() {
        for (number, expected) in [
            (1e21, "1e+21"),
            (1e-7, "1e-07"),
            (1.5e-10, "1.5e-10"),
            (123_456_789.0, "123456789"),
            (1e20, "100000000000000000000"),
            (5e-324, "5e-324"),
            (-0.0, "-0"),
            (1e-6, "0.000001"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(float(Writer::JsonIterator, number).unwrap(), expected);
        }
        let written = |number| float(Writer::StandardLibrary, number);
        assert_eq!((written(1e-7).as_deref(), written(1e-10).as_deref()), (Some("1e-7"), Some("1e-10")));
        assert_eq!((written(f64::NAN), written(f64::INFINITY)), (None, None));
        let mut map = Map::default();
        map.push("t", Value::text("é😀\u{2028}\u{7f}\0\u{1b}\u{8}\u{c}\n\r\t\"\\/<&>"));
        map.push("bad", Value::text(b"bad \xff\xc3( \xe4\xb8 \xed\xa0\xbd x"));
        map.push("a", Value::List(vec![Value::Integer(-3), Value::Float(2.0), Value::Nil, Value::Boolean(true)]));
        let expected = concat!(
            r#"{"a":[-3,2,null,true],"bad":"bad \ufffd\ufffd( \ufffd\ufffd \ufffd\ufffd\ufffd x","#,
            "\"t\":\"é😀\\u2028\u{7f}\\u0000\\u001b\\u0008\\u000c\\n\\r\\t\\\"\\\\/\\u003c\\u0026\\u003e\"}"
        );
        assert_eq!(String::from_utf8(record(&map).unwrap()).unwrap(), expected);
    }

    #[test]
    fn keys_that_cannot_be_told_apart_have_no_order() {
        let mut map = Map::default();
        map.push(b"k\xff", Value::Nil);
        map.push("k", Value::Nil);
        assert_eq!(record(&map).unwrap(), br#"{"k":null,"k\ufffd":null}"#);
        map.push(b"k\xfe", Value::Nil);
        assert!(matches!(record(&map), Err(NoJson::Unknown(_))));
    }
}
