//! Runs of bytes around the byte that a scrubber looks for, and where they begin and end.

use std::ops::Range;

/// What a scrubber found.
pub(super) type Hit = Option<Range<usize>>;

/// The byte before `at`.
pub(super) fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// Where a run of bytes that `is` accepts ends.
pub(super) fn run_end(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| is(**byte)).count()
}

/// Where a run of such bytes that ends at `to` begins; not before `least`.
pub(super) fn run_start(text: &[u8], least: usize, to: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(least..to).unwrap_or_default();
    to - rest.iter().rev().take_while(|byte| is(**byte)).count()
}

/// Whether the character before `at` goes on with a word: see [`is_word`]. What ends an escape does not: see [`is_behind_escape`].
pub(super) fn is_word_before(text: &[u8], at: usize) -> bool {
    char_before(text, at).is_some_and(is_word) && !is_behind_escape(text, at)
}

/// Whether what ends before `at` is an escape of JSON (`\n`, `\u001b`) or a terminal's sequence for colors, spelled as it is or escaped.
pub(super) fn is_behind_escape(text: &[u8], at: usize) -> bool {
    let Some(head) = text.get(at.saturating_sub(LONGEST_SEQUENCE)..at) else { return false };
    match head {
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [.., b'\\', b'u', one, two, three, four] => {
            [one, two, three, four].iter().all(|digit| digit.is_ascii_hexdigit())
        }
        [sequence @ .., b'm'] => {
            let parameters = sequence.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            let introducer = sequence.get(..sequence.len() - parameters).unwrap_or_default();
            [&b"\x1b["[..], b"\\u001b[", b"\\u001B["].iter().any(|begins| introducer.ends_with(begins))
        }
        _ => false,
    }
}

/// The longest of them that is looked for. Source: ECMA-48, 8.3.117, SGR; with colors of 24 bits (`38;2;255;255;255`) and bold.
const LONGEST_SEQUENCE: usize = 32;

/// The first byte at or behind `start` that is no digit of an escape: `\u00224111` has an escape, then `4111`.
pub(super) fn behind_unicode_escape(text: &[u8], start: usize) -> usize {
    let begins = |digits_before: &usize| {
        let at = start.checked_sub(digits_before + 2)?;
        let escape = text.get(at..at + 6)?;
        let is_escape = escape.starts_with(b"\\u") && escape.iter().skip(2).all(u8::is_ascii_hexdigit);
        is_escape.then_some(at + 6)
    };
    (0..4).find_map(|digits_before| begins(&digits_before)).unwrap_or(start)
}

/// Whether the character at `at` goes on with a word: see [`is_word`].
pub(super) fn is_word_at(text: &[u8], at: usize) -> bool {
    char_at(text, at).is_some_and(is_word)
}

/// Whether what stands beside this character may be the rest of one word with it: ASCII letters, digits and `_`, and Latin letters with
/// accents (`éann`, `ñandú`).
///
/// No other letter is. Chinese, Japanese, Thai, Khmer and others put no blank between words, so there an address touches letters that have
/// nothing to do with it; and where letters of another script stand beside ASCII, it is not one word either.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || is_accented_latin(character)
}

/// Letters of the Latin script beyond ASCII, and accents that follow a letter. `º` and `ª` are none: they stand before numbers (`nº4`).
/// Source: the Unicode Standard, `Blocks.txt`: Latin-1 Supplement, Latin Extended-A and -B, Combining Diacritical Marks, Latin Extended
/// Additional. The letters of full width belong to Chinese and Japanese text.
pub(super) fn is_accented_latin(character: char) -> bool {
    match character {
        '×' | '÷' => false,
        'À'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}' => true,
        _ => false,
    }
}

/// The character that begins at `at`.
pub(super) fn char_at(text: &[u8], at: usize) -> Option<char> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let bytes = text.get(at..text.len().min(at + LONGEST_CHAR))?;
    bytes.utf8_chunks().next()?.valid().chars().next()
}

/// The character that ends before `at`.
pub(super) fn char_before(text: &[u8], at: usize) -> Option<char> {
    let bytes = text.get(at.saturating_sub(LONGEST_CHAR)..at)?;
    let start = bytes.iter().rposition(|byte| byte.is_ascii() || *byte >= 0xc0)?;
    char_at(text.get(..at)?, at - bytes.len() + start)
}

/// How many bytes a character takes at most. Source: RFC 3629, 3.
const LONGEST_CHAR: usize = 4;
