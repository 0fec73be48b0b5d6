//! Writes patterns and texts so that an automaton, which sees one byte at a time, can tell where a word of Unicode begins and ends.
//!
//! Beside `é`, whether there is a `\b` of Unicode depends on a character of several bytes; a `\b` of ASCII depends on the two bytes beside it. So each
//! character that is not ASCII is written between two edges: `Q` and `X` if it belongs to words, and otherwise two bytes that no text has. Then
//! the `\b` of ASCII says what that of Unicode said. `Q` and `X` themselves are written so that no edge is taken for them, nor they for an edge.
//!
//! Where a character begins and ends shows in its bytes, as in UTF-8: nothing but a match of nothing can begin or end within one.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};
use regex_syntax::try_is_word_character;

/// The edges of a character of words. Any two letters of ASCII would do; these are rare ones.
const OPENS_WORD: u8 = b'Q';
const CLOSES_WORD: u8 = b'X';

/// The edges of any other character. No text has these bytes: it is UTF-8.
const OPENS_OTHER: u8 = 0xf8;
const CLOSES_OTHER: u8 = 0xf9;

/// Stand between the edges of a word for the two letters.
const OPENING_LETTER: u8 = 0xfa;
const CLOSING_LETTER: u8 = 0xfb;

/// What is written for one byte of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    bytes: [u8; 3],
    length: usize,
}

impl Written {
    /// A byte as it is.
    pub(super) fn plain(byte: u8) -> Written {
        Written { bytes: [byte, 0, 0], length: 1 }
    }

    /// The byte at `at` with the edges that belong to it: the first byte of a character has one before it, and the last has one behind it.
    pub(super) fn edged(text: &str, at: usize, byte: u8) -> Written {
        if byte.is_ascii() {
            return match letter(byte) {
                Some(bytes) => Written { bytes, length: 3 },
                None => Written::plain(byte),
            };
        }
        let is_first = text.is_char_boundary(at);
        if !is_first && !text.is_char_boundary(at + 1) {
            return Written::plain(byte);
        }
        let character = text.get(text.floor_char_boundary(at)..).and_then(|rest| rest.chars().next());
        let is_word = character.is_some_and(|character| try_is_word_character(character).unwrap_or(false));
        let bytes = match (is_first, is_word) {
            (true, true) => [OPENS_WORD, byte, 0],
            (true, false) => [OPENS_OTHER, byte, 0],
            (false, true) => [byte, CLOSES_WORD, 0],
            (false, false) => [byte, CLOSES_OTHER, 0],
        };
        Written { bytes, length: 2 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// How many of them are edges, which take a look at the character to be known.
    pub(super) fn edges(&self) -> u64 {
        self.length.saturating_sub(1) as u64
    }

    pub(super) fn first(&self) -> Option<u8> {
        self.bytes().first().copied()
    }

    pub(super) fn last(&self) -> Option<u8> {
        self.bytes().last().copied()
    }
}

fn letter(byte: u8) -> Option<[u8; 3]> {
    match byte {
        OPENS_WORD => Some([OPENS_WORD, OPENING_LETTER, CLOSES_WORD]),
        CLOSES_WORD => Some([OPENS_WORD, CLOSING_LETTER, CLOSES_WORD]),
        _ => None,
    }
}

/// A pattern that has a `\b` of Unicode, as it matches texts with edges. `None` where it has one of ASCII as well: that could not be told apart.
pub(super) fn edged(hir: &Hir) -> Option<Hir> {
    let all = |parts: &[Hir]| parts.iter().map(edged).collect::<Option<Vec<Hir>>>();
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(of_ascii(*look)?),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let written = text.bytes().enumerate().flat_map(|(at, byte)| {
                let written = Written::edged(text, at, byte);
                written.bytes.into_iter().take(written.length)
            });
            Hir::literal(written.collect::<Vec<u8>>())
        }
        HirKind::Class(Class::Unicode(class)) => class_with_edges(class),
        HirKind::Class(Class::Bytes(class)) => class_with_edges(&class.to_unicode_class()?),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(edged(&repetition.sub)?)),
        HirKind::Capture(capture) => edged(&capture.sub)?,
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
    })
}

fn of_ascii(look: Look) -> Option<Look> {
    Some(match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => look,
        _ => return None,
    })
}

/// The characters of ASCII as they are, the two letters as they are written, and all others between either edges: a text has the right ones.
fn class_with_edges(class: &ClassUnicode) -> Hir {
    let letters = [OPENS_WORD, CLOSES_WORD].map(char::from);
    let mut ascii = ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]);
    ascii.difference(&ClassUnicode::new(letters.map(|letter| ClassUnicodeRange::new(letter, letter))));
    ascii.intersect(class);
    let mut other = ClassUnicode::new([ClassUnicodeRange::new('\u{80}', char::MAX)]);
    other.intersect(class);

    let mut ways = vec![Hir::class(Class::Unicode(ascii))];
    for written in letters.iter().filter(|letter| contains(class, **letter)).filter_map(|it| letter(*it as u8)) {
        ways.push(Hir::literal(written));
    }
    if !other.ranges().is_empty() {
        let edge = |bytes: [u8; 2]| {
            Hir::class(Class::Bytes(ClassBytes::new(bytes.map(|byte| ClassBytesRange::new(byte, byte)))))
        };
        let (opens, closes) = (edge([OPENS_WORD, OPENS_OTHER]), edge([CLOSES_WORD, CLOSES_OTHER]));
        ways.push(Hir::concat(vec![opens, Hir::class(Class::Unicode(other)), closes]));
    }
    Hir::alternation(ways)
}

fn contains(class: &ClassUnicode, character: char) -> bool {
    class.ranges().iter().any(|range| range.start() <= character && character <= range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<u8> {
        let each = text.bytes().enumerate().map(|(at, byte)| Written::edged(text, at, byte));
        each.flat_map(|written| written.bytes().to_vec()).collect()
    }

    #[test]
    fn each_character_that_is_not_ascii_has_edges() {
        for (text, with_edges) in [
            ("a _1", &b"a _1"[..]),
            ("é", b"Q\xc3\xa9X"),
            ("卡", b"Q\xe5\x8d\xa1X"),
            ("a→b", b"a\xf8\xe2\x86\x92\xf9b"),
            ("QX", b"Q\xfaXQ\xfbX"),
        ] {
            assert_eq!(written(text), with_edges, "{text}");
        }
    }

    #[test]
    fn a_pattern_has_the_edges_of_its_texts() {
        for (pattern, with_edges) in [
            (r"\bé→Q\B", r"(?-u:\b)(?-u:Q\xc3\xa9X\xf8\xe2\x86\x92\xf9Q\xfaX)(?-u:\B)"),
            (r"\b[P-R]", r"(?-u:\b)(?:[PR]|(?-u:Q\xfaX))"),
            (r"\b[aé]+", r"(?-u:\b)(?:a|(?-u:[Q\xf8])é(?-u:[X\xf9]))+"),
        ] {
            let parse = |pattern: &str| {
                let config = regex_automata::util::syntax::Config::new().utf8(false);
                regex_automata::util::syntax::parse_with(pattern, &config).unwrap()
            };
            assert_eq!(edged(&parse(pattern)), Some(parse(with_edges)), "{pattern}");
        }
        assert_eq!(edged(&regex_syntax::parse(r"\b(?-u:\b)").unwrap()), None);
    }
}
