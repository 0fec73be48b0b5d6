//! Classes of characters: `[a-z\d]`, `\w`, `[[:alpha:]]`, `\p{Lu}`.

use super::characters::is_word;

/// A class. What it has is the union of its items, cut with each of the classes behind `&&`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CharacterClass {
    pub(super) is_negated: bool,
    pub(super) items: Vec<ClassItem>,
    pub(super) and: Vec<CharacterClass>,
    pub(super) ignores_case: bool,
}

/// What may stand in a class.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ClassItem {
    Range(u32, u32),
    Kind(ClassKind, bool),
    Class(CharacterClass),
}

/// Kinds of characters. `d`, `s`, `w` and `h` mean ASCII in Ruby's syntax; those between colons mean Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassKind {
    AsciiDigit,
    AsciiSpace,
    AsciiWord,
    Hexadecimal,
    Alphanumeric,
    Alphabetic,
    Ascii,
    Blank,
    Control,
    Digit,
    Lower,
    Space,
    Upper,
    Word,
    Punctuation,
    Graph,
    Print,
}

impl ClassKind {
    /// The kinds that stand between colons, by their names.
    pub(super) fn posix(name: &str) -> Option<ClassKind> {
        Some(match name.to_ascii_lowercase().as_str() {
            "alnum" => ClassKind::Alphanumeric,
            "alpha" => ClassKind::Alphabetic,
            "ascii" => ClassKind::Ascii,
            "blank" => ClassKind::Blank,
            "cntrl" => ClassKind::Control,
            "digit" => ClassKind::Digit,
            "lower" => ClassKind::Lower,
            "space" => ClassKind::Space,
            "upper" => ClassKind::Upper,
            "word" => ClassKind::Word,
            "xdigit" => ClassKind::Hexadecimal,
            "punct" => ClassKind::Punctuation,
            "graph" => ClassKind::Graph,
            "print" => ClassKind::Print,
            _ => return None,
        })
    }

    /// Whether it has a character; `None` where only tables of Unicode tell.
    fn has(self, code: u32) -> Option<bool> {
        let ascii = u8::try_from(code).ok().filter(u8::is_ascii);
        let Some(letter) = char::from_u32(code) else { return Some(false) };
        Some(match self {
            ClassKind::AsciiDigit => ascii.is_some_and(|byte| byte.is_ascii_digit()),
            ClassKind::AsciiSpace => ascii.is_some_and(|byte| matches!(byte, b' ' | 0x09..=0x0d)),
            ClassKind::AsciiWord => ascii.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            ClassKind::Hexadecimal => ascii.is_some_and(|byte| byte.is_ascii_hexdigit()),
            ClassKind::Ascii => ascii.is_some(),
            ClassKind::Alphabetic => letter.is_alphabetic(),
            ClassKind::Lower => letter.is_lowercase(),
            ClassKind::Upper => letter.is_uppercase(),
            ClassKind::Control => letter.is_control(),
            ClassKind::Space => letter.is_whitespace(),
            ClassKind::Word => is_word(code),
            ClassKind::Blank => match ascii {
                Some(byte) => matches!(byte, b' ' | b'\t'),
                None => letter.is_whitespace() && !matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}'),
            },
            ClassKind::Digit | ClassKind::Alphanumeric if ascii.is_none() && letter.is_numeric() => return None,
            ClassKind::Digit => ascii.is_some_and(|byte| byte.is_ascii_digit()),
            ClassKind::Alphanumeric => letter.is_alphanumeric(),
            ClassKind::Punctuation => ascii?.is_ascii_punctuation(),
            ClassKind::Graph => ascii?.is_ascii_graphic(),
            ClassKind::Print => {
                let byte = ascii?;
                byte.is_ascii_graphic() || byte == b' '
            }
        })
    }
}

impl CharacterClass {
    /// A class of one kind.
    pub(super) fn kind(kind: ClassKind, is_negated: bool) -> CharacterClass {
        CharacterClass { items: vec![ClassItem::Kind(kind, is_negated)], ..CharacterClass::default() }
    }

    /// Whether it has a character; `None` where only tables of Unicode tell.
    pub(super) fn has(&self, code: u32) -> Option<bool> {
        let mut found = self.has_as_written(code)?;
        if self.ignores_case {
            for other in other_cases(code) {
                found |= self.has_as_written(other)?;
            }
        }
        for class in &self.and {
            found &= class.has(code)?;
        }
        Some(found != self.is_negated)
    }

    fn has_as_written(&self, code: u32) -> Option<bool> {
        let mut found = false;
        for item in &self.items {
            found |= match item {
                ClassItem::Range(first, last) => (*first..=*last).contains(&code),
                ClassItem::Kind(kind, is_negated) => kind.has(code)? != *is_negated,
                ClassItem::Class(class) => class.has(code)?,
            };
        }
        Some(found)
    }
}

/// The same letter in its other case, if that is one letter.
pub(super) fn other_cases(code: u32) -> impl Iterator<Item = u32> {
    let one = |mut letters: Box<dyn Iterator<Item = char>>| {
        let first = letters.next()?;
        letters.next().is_none().then_some(u32::from(first))
    };
    let letter = char::from_u32(code);
    let lower = letter.and_then(|letter| one(Box::new(letter.to_lowercase())));
    let upper = letter.and_then(|letter| one(Box::new(letter.to_uppercase())));
    [lower, upper].into_iter().flatten().filter(move |other| *other != code)
}
