//! Values as JSON, to the byte as each core writes it.
//!
//! Source: fluent/fluent-bit, src/flb_pack.c, `msgpack2json`, and src/flb_utils.c, `flb_utils_write_str`, at v1.9.10 and v5.1.1, as
//! they behave on x86-64, where a byte beyond ASCII counts as a number below zero.

use super::core::Core;
use super::numbers;
use super::value::{Key, Map, Value};

/// What a byte that belongs to no character is written as: a character of the private area, U+E000 and the byte.
const FRAGMENT: u32 = 0xe000;

/// A value as JSON. Of equal keys only the last is written.
pub(crate) fn json(core: Core, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(core, value, &mut out);
    out
}

/// A map as JSON.
pub(crate) fn json_map(core: Core, map: &Map) -> Vec<u8> {
    let mut out = Vec::new();
    write_map(core, map, &mut out);
    out
}

fn write(core: Core, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.extend(b"null"),
        Value::Boolean(true) => out.extend(b"true"),
        Value::Boolean(false) => out.extend(b"false"),
        Value::Integer(number) => out.extend(number.to_string().bytes()),
        Value::Float(number) => out.extend(numbers::in_json(*number).bytes()),
        Value::Text(text) => write_quoted(core, text, out),
        Value::List(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(core, value, out);
            }
            out.push(b']');
        }
        Value::Map(map) => write_map(core, map, out),
    }
}

fn write_map(core: Core, map: &Map, out: &mut Vec<u8>) {
    let mut last = std::collections::HashMap::new();
    for (at, (key, _)) in map.members.iter().enumerate() {
        key.as_text().map(|text| last.insert(text, at));
    }
    out.push(b'{');
    let mut is_first = true;
    for (at, (key, value)) in map.members.iter().enumerate() {
        if key.as_text().is_some_and(|text| last.get(text) != Some(&at)) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        match key {
            Key::Text(text) => write_quoted(core, text, out),
            Key::Nil => out.extend(b"null"),
        }
        out.push(b':');
        write(core, value, out);
    }
    out.push(b'}');
}

fn write_quoted(core: Core, text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape(core, text, out);
    out.push(b'"');
}

/// How many bytes the newer core looks at together. Source: include/fluent-bit/flb_simd.h, `FLB_SIMD_VEC8_INST_LEN`, at v5.1.1, for the
/// processors of EKS Fargate.
const TOGETHER: usize = 16;

/// A text as it stands between the quotes.
pub(crate) fn escape(core: Core, text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    let mut one_by_one: usize = 0;
    while at < text.len() {
        // The newer core copies what it looks at together and finds nothing in. It does not look for 0x7f there, which it escapes elsewhere.
        if core == Core::Newer && one_by_one == 0 {
            let plain = |byte: &u8| matches!(byte, 0x20..0x80) && !matches!(byte, b'"' | b'\\');
            while let Some(chunk) = text.get(at..at + TOGETHER).filter(|chunk| chunk.iter().all(plain)) {
                out.extend(chunk);
                at += TOGETHER;
            }
            one_by_one = TOGETHER;
        }
        one_by_one = one_by_one.saturating_sub(1);
        let Some(&byte) = text.get(at) else { return };
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            0..0x20 | 0x7f => out.extend(format!("\\u{byte:04x}").bytes()),
            0x20..0x7f => out.push(byte),
            0x80.. => {
                let rest = text.get(at..).unwrap_or_default();
                match (core, beyond_ascii(core, rest, out)) {
                    (_, Some(length)) => at += length,
                    // The older core gives up the rest of a text of which a character is cut off.
                    (Core::Older, None) => return,
                    (Core::Newer, None) => (at, one_by_one) = (at + 1, 0),
                }
                continue;
            }
        }
        at += 1;
    }
}

/// Writes a character beyond ASCII, or bytes that are none; gives of how many bytes. `None` if the text ends within what its first byte
/// begins.
fn beyond_ascii(core: Core, rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let first = *rest.first()?;
    let length = sequence_length(first);
    let sequence = rest.get(..length)?;
    let good = match core {
        // It looks only whether the bytes go on as those of a character do.
        Core::Older => {
            let is_inside = |byte: &u8| byte & 0xc0 == 0x80;
            let begins = first & 0xc0 == 0xc0;
            let inside = sequence.iter().skip(1).take_while(|byte| is_inside(byte)).count();
            let good = if begins { 1 + inside } else { 0 };
            if good == length {
                out.extend(sequence);
                return Some(length);
            }
            good
        }
        Core::Newer => match decoded(sequence) {
            Ok(code) => {
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend(format!("\\u{unit:04x}").bytes());
                }
                return Some(length);
            }
            Err(good) => good,
        },
    };
    // At least the first byte is taken.
    let length = good.max(1);
    for byte in sequence.iter().take(length) {
        let fragment = char::from_u32(FRAGMENT + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend(fragment.encode_utf8(&mut [0; 4]).bytes());
    }
    Some(length)
}

/// How many bytes a character has that begins with this one, by the table that both cores have; it knows five and six, too.
fn sequence_length(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        0xf8..0xfc => 5,
        0xfc.. => 6,
    }
}

/// The number of a character; or how many bytes go before the one that it fails at. More bytes than a number needs are no failure, half of a
/// surrogate pair and a number that is none fail at the last byte. Source: src/flb_utf8.c, `flb_utf8_decode`, at v5.1.1.
fn decoded(sequence: &[u8]) -> Result<u32, usize> {
    let (first, rest) = sequence.split_first().ok_or(0_usize)?;
    let start = match first {
        0xc0..0xe0 => first & 0x1f,
        0xe0..0xf0 => first & 0x0f,
        0xf0..0xf8 => first & 0x07,
        _ => return Err(0),
    };
    let mut code = u32::from(start);
    for (at, byte) in rest.iter().enumerate() {
        if byte & 0xc0 != 0x80 {
            return Err(at + 1);
        }
        code = (code << 6) | u32::from(byte & 0x3f);
    }
    if (0xd800..0xe000).contains(&code) || code > 0x10_ffff { Err(rest.len()) } else { Ok(code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(core: Core, text: &[u8]) -> String {
        let mut out = Vec::new();
        escape(core, text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The expected are what both cores wrote.
    #[test]
    fn bytes_that_are_no_text_become_characters_of_the_private_area() {
        let text = b"bad \xff\xfe\xc3( and \xe4\xb8 tail";
        let expected = "bad \u{e0ff}\u{e0fe}\u{e0c3}( and \u{e0e4}\u{e0b8} tail";
        // `\xff` begins six bytes, and `\xfe` too: where fewer are left, the text is cut off.
        assert_eq!(escaped(Core::Older, text), expected);
        assert_eq!(escaped(Core::Newer, text), expected);
        let text = br#""bad":"\xff"#;
        assert_eq!(escaped(Core::Older, text).len(), escaped(Core::Newer, text).len());
        let text = b"\xff\xfe\xc3(\"}";
        assert_eq!(escaped(Core::Older, text), "\u{e0ff}");
        assert_eq!(escaped(Core::Newer, text), "\u{e0ff}\u{e0c3}(\\\"}");
    }

    #[test]
    fn only_the_newer_core_escapes_all_of_unicode() {
        let text = "é😀\u{7f}\u{1b}\u{2028}".as_bytes();
        assert_eq!(escaped(Core::Older, text), "é😀\\u007f\\u001b\u{2028}");
        assert_eq!(escaped(Core::Newer, text), "\\u00e9\\ud83d\\ude00\\u007f\\u001b\\u2028");
        // Six bytes that are a surrogate pair each for itself.
        assert_eq!(escaped(Core::Newer, b"\xed\xa0\xbd"), "\u{e0ed}\u{e0a0}\u{e0bd}");
        // More bytes than the character needs.
        assert_eq!(escaped(Core::Newer, b"2026-\xc0\xaf11"), "2026-\\u002f11");
        assert_eq!(escaped(Core::Newer, b"\xf4\x90\x80\x80x"), "\u{e0f4}\u{e090}\u{e080}\u{e080}x");
    }

    /// The first is what a real 5.1.1 wrote.
    #[test]
    fn the_newer_core_overlooks_a_delete_character_among_sixteen_plain_ones() {
        let line = "2026-11-22T18:00:27.104414813Z stdout F level:a\u{7f}b\tn:0";
        assert_eq!(escaped(Core::Newer, line.as_bytes()), line.replace('\t', "\\t"));
        assert_eq!(escaped(Core::Older, line.as_bytes()), line.replace('\t', "\\t").replace('\u{7f}', "\\u007f"));
        for (before, is_overlooked) in [(14, false), (15, true), (16, false), (31, true)] {
            let text = format!("{}\u{7f}", "x".repeat(before));
            assert_eq!(escaped(Core::Newer, text.as_bytes()) == text, is_overlooked, "{before}");
        }
        // A quote makes it look at sixteen characters one by one, itself and fifteen more.
        for (behind, is_overlooked) in [(15, false), (16, true)] {
            let text = format!("\"{}\u{7f}{}", "x".repeat(behind - 1), "x".repeat(15));
            assert_eq!(escaped(Core::Newer, text.as_bytes()).contains('\u{7f}'), is_overlooked, "{behind}");
        }
    }

    #[test]
    fn of_equal_keys_the_last_is_written() {
        let mut map = Map::default();
        map.push("a", Value::Integer(1));
        map.push("b", Value::Nil);
        map.push("a", Value::Float(2.0));
        assert_eq!(json_map(Core::Newer, &map), br#"{"b":null,"a":2.0}"#);
    }
}
