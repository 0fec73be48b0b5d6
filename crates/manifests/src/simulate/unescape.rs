//! Escapes in texts, as Fluent Bit takes them away.
//!
//! Source: fluent/fluent-bit, src/flb_unescape.c, at v1.9.10 and v5.1.1.

use super::core::Core;

/// With `\uXXXX`, octal and hexadecimal escapes; the text ends at a zero byte. Of a surrogate the older core makes three bytes of its own,
/// which are no UTF-8; the newer one reads pairs, and what is none becomes U+FFFD.
pub(crate) fn with_code_points(core: Core, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at).filter(|byte| **byte != 0) {
        let (code, length) = match text.get(at + 1..) {
            Some(rest @ [_, ..]) if byte == b'\\' => {
                let (code, length) = escape(core, rest);
                (code, length + 1)
            }
            // Bytes beyond ASCII stay as they are: they are numbers that no character has.
            _ => (below_zero(byte), 1),
        };
        at += length;
        let mut encoded = encode(code);
        if encoded.is_empty() {
            encoded.push(code.to_le_bytes()[0]);
        }
        if encoded.len() > text.len() - out.len() {
            break;
        }
        out.extend(encoded);
    }
    out
}

/// What stands behind a backslash: its number, and of how many bytes it is.
fn escape(core: Core, rest: &[u8]) -> (u32, usize) {
    let Some(&first) = rest.first() else { return (0, 0) };
    let digits = |base: u32, start: usize, most: usize| {
        let digits = rest.iter().skip(start).take(most).map_while(|byte| char::from(*byte).to_digit(base));
        digits
            .fold((0_u32, start), |(number, length), digit| (number.wrapping_mul(base).wrapping_add(digit), length + 1))
    };
    match first {
        b'n' => (0x0a, 1),
        b't' => (0x09, 1),
        b'r' => (0x0d, 1),
        b'b' => (0x08, 1),
        b'f' => (0x0c, 1),
        b'v' => (0x0b, 1),
        b'a' => (0x07, 1),
        b'0'..=b'7' => digits(8, 0, 3),
        b'u' if core == Core::Newer => code_units(rest),
        b'x' | b'u' | b'U' => {
            let most = match first {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            match digits(16, 1, most) {
                (_, 1) => (u32::from(first), 1),
                found => found,
            }
        }
        other => (below_zero(other), 1),
    }
}

/// `uXXXX`, and the other half of a pair if it is one.
fn code_units(rest: &[u8]) -> (u32, usize) {
    const REPLACEMENT: u32 = 0xfffd;
    let digits = |start: usize| {
        let digits = rest.iter().skip(start).take(4).map_while(|byte| char::from(*byte).to_digit(16));
        digits.fold((0_u32, 0), |(number, count), digit| (number * 16 + digit, count + 1))
    };
    let (first, count) = digits(1);
    match (first, count) {
        (_, 1..4) | (0xdc00..0xe000, _) => return (REPLACEMENT, 1 + count),
        (0xd800..0xdc00, _) => {}
        _ => return (first, 1 + count),
    }
    // Something has to follow the `\u`.
    if rest.len() <= 7 || !rest.get(5..).is_some_and(|next| next.starts_with(b"\\u")) {
        return (REPLACEMENT, 5);
    }
    match digits(7) {
        (second @ 0xdc00..0xe000, 4) => (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 11),
        (_, count) => (REPLACEMENT, 7 + count),
    }
}

/// A byte as a number with a sign, which one beyond ASCII has below zero.
fn below_zero(byte: u8) -> u32 {
    i32::from(byte.cast_signed()).cast_unsigned()
}

/// UTF-8, also for surrogates; nothing for what is no character.
fn encode(code: u32) -> Vec<u8> {
    let low = |shift: u32| 0x80 | u8::try_from((code >> shift) & 0x3f).unwrap_or_default();
    let high = |shift: u32, mark: u8| mark | u8::try_from(code >> shift).unwrap_or_default();
    match code {
        0..0x80 => vec![high(0, 0)],
        0x80..0x800 => vec![high(6, 0xc0), low(0)],
        0x800..0x1_0000 => vec![high(12, 0xe0), low(6), low(0)],
        0x1_0000..0x11_0000 => vec![high(18, 0xf0), low(12), low(6), low(0)],
        _ => Vec::new(),
    }
}

/// Only `\n` and its like; a backslash before anything else goes together with what it stands before.
pub(crate) fn plain(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&next) = text.get(at) else {
            // Fluent Bit takes the zero along that stands behind the text.
            out.push(0);
            break;
        };
        let kept = match next {
            b'n' => Some(b'\n'),
            b'a' => Some(0x07),
            b'b' => Some(0x08),
            b't' => Some(b'\t'),
            b'v' => Some(0x0b),
            b'f' => Some(0x0c),
            b'r' => Some(b'\r'),
            b'\\' => Some(b'\\'),
            _ => None,
        };
        // Any other character is taken for the next one, without its backslash.
        if let Some(kept) = kept {
            out.push(kept);
            at += 1;
        }
    }
    out
}

/// What MySQL escapes, between quotes.
pub(crate) fn mysql(text: &[u8]) -> Vec<u8> {
    let inside = match text {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        _ => return text.to_vec(),
    };
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        let next = if byte == b'\\' { bytes.next() } else { None };
        match next {
            None => out.push(byte),
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'0') => out.push(0),
            Some(b'Z') => out.push(0x1a),
            Some(quote @ (b'\\' | b'\'' | b'"')) => out.push(quote),
            Some(other) => out.extend([b'\\', other]),
        }
    }
    out
}
