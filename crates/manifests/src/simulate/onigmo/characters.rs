//! Characters of a text as Onigmo finds them: UTF-8, and single bytes where there is none. Where a text ends within a character, the older core's
//! Onigmo has nothing that matches; the newer one's takes what is there for a character.
//!
//! Source: k-takata/Onigmo as Fluent Bit brings it, regenc.c, `onigenc_mbclen_approximate` at
//! v1.9.10 and `onigenc_mbclen` at v5.1.1, and enc/utf_8.c, `trans`: halves of surrogate pairs, numbers beyond
//! Unicode and more bytes than a number needs are no characters.

use crate::simulate::core::Core;

/// A character: its number, and where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Character {
    /// Beyond Unicode where the bytes are none.
    pub(super) code: u32,
    /// Beyond the text where the text ends within the character; nothing matches such a one.
    pub(super) next: usize,
    /// Whether the text ends within it, so that no character of an expression is it; its number is that of its first byte.
    pub(super) is_cut: bool,
}

/// Numbers of bytes that belong to no character begin here.
const NO_CHARACTER: u32 = 0x8000_0000;

/// The character at a place in a text that is not the end.
pub(super) fn character(core: Core, text: &[u8], at: usize) -> Option<Character> {
    let rest = text.get(at..)?;
    let first = *rest.first()?;
    let alone = Character { code: NO_CHARACTER + u32::from(first), next: at + 1, is_cut: false };
    let (length, least, most, start) = match first {
        0..0x80 => return Some(Character { code: u32::from(first), next: at + 1, is_cut: false }),
        0xc2..0xe0 => (2, 0x80, 0xbf, u32::from(first & 0x1f)),
        0xe0 => (3, 0xa0, 0xbf, 0),
        0xed => (3, 0x80, 0x9f, 0x0d),
        0xe1..0xf0 => (3, 0x80, 0xbf, u32::from(first & 0x0f)),
        0xf0 => (4, 0x90, 0xbf, 0),
        0xf1..0xf4 => (4, 0x80, 0xbf, u32::from(first & 0x07)),
        0xf4 => (4, 0x80, 0x8f, 4),
        _ => return Some(alone),
    };
    let mut code = start;
    for place in 1..length {
        let allowed = if place == 1 { least..=most } else { 0x80..=0xbf };
        match rest.get(place) {
            None if core == Core::Older => {
                return Some(Character { code: NO_CHARACTER, next: at + length, is_cut: true });
            }
            None if rest.len() == 1 => return Some(alone),
            None => return Some(Character { code: u32::from(first), next: text.len(), is_cut: true }),
            Some(byte) if allowed.contains(byte) => code = (code << 6) | u32::from(byte & 0x3f),
            Some(_) => return Some(alone),
        }
    }
    Some(Character { code, next: at + length, is_cut: false })
}

/// Where the character begins that ends at a place.
pub(super) fn before(core: Core, text: &[u8], at: usize) -> Option<usize> {
    let last = at.checked_sub(1)?;
    let mut start = last;
    // A character has six bytes at most.
    while start > 0 && last - start < 6 && text.get(start).is_some_and(|byte| byte & 0xc0 == 0x80) {
        start -= 1;
    }
    match character(core, text, start) {
        Some(found) if found.next == at => Some(start),
        _ => Some(last),
    }
}

/// Whether a character is one of a word, by Unicode.
pub(super) fn is_word(code: u32) -> bool {
    // Connectors, beside the low line. Source: Unicode, category Pc.
    const CONNECTORS: [char; 9] =
        ['_', '\u{203f}', '\u{2040}', '\u{2054}', '\u{fe33}', '\u{fe34}', '\u{fe4d}', '\u{fe4e}', '\u{ff3f}'];
    // The marks that join the letter before them. Source: Unicode, block Combining Diacritical Marks.
    const MARKS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';
    char::from_u32(code)
        .is_some_and(|letter| letter.is_alphanumeric() || CONNECTORS.contains(&letter) || MARKS.contains(&letter))
}
