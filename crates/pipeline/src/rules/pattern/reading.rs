//! What it takes to read a pattern, counted while it is read, whether or not it becomes one.
//!
//! Three letters such as `\pL` are 650 ranges, and under `(?i)` every character of a class is looked up, a million of them in `[a\D]`. So
//! classes are counted before anything is built of them, and a rule that fails takes from its annotation's share, too.

use regex_syntax::hir::{Class, HirKind};

use super::error::PatternError;

/// How large a compiled pattern may be, in bytes.
pub(super) const MAX_COMPILED_BYTES: usize = 1024 * 1024;

/// How many large classes of Unicode may be written in a pattern. Long before that it is too large once compiled.
const MAX_LARGE_CLASSES: usize = 256;

/// How many characters Unicode has room for.
pub(super) const CHARACTERS: u64 = 0x11_0000;

/// How many characters may be looked up for a pattern that ignores case. `regex-syntax` takes some 5 ns for each.
const MAX_FOLDED: u64 = 32 * CHARACTERS;

/// How many bytes of memory a large class takes while it is read: 650 ranges of 8 bytes for `\pL`, and some room.
const LARGE_CLASS_BYTES: usize = 8 * 1024;

/// What is counted for each byte that is read: about the size of its node in a syntax tree.
const BYTES_PER_BYTE: usize = 8;

/// How many characters that are looked up count as a byte: 64 rules that ignore case, each with an `[\s\S]`, have room in an annotation.
const FOLDED_PER_BYTE: u64 = 24;

/// The work of reading one pattern.
#[derive(Debug)]
pub(crate) struct Reading {
    /// How much work there may be, in bytes.
    room: usize,
    /// How long the pattern is, in bytes.
    length: usize,
    large_classes: usize,
    /// How many characters are looked up, should the pattern ignore case.
    folded: u64,
    ignores_case: bool,
    /// How many bytes were built that are of no use.
    built: usize,
    /// The names of classes that were looked up, and how many characters each has.
    known: Vec<(String, u64)>,
}

impl Reading {
    /// Of a pattern that may take so many bytes.
    pub(crate) fn within(room: usize) -> Reading {
        Reading { room, length: 0, large_classes: 0, folded: 0, ignores_case: false, built: 0, known: Vec::new() }
    }

    /// A pattern of so many bytes is read.
    pub(super) fn begin(&mut self, length: usize) {
        self.length += length;
    }

    /// The pattern ignores case, somewhere.
    pub(super) fn ignore_case(&mut self) {
        self.ignores_case = true;
    }

    /// As much was built as may be, and did not do.
    pub(crate) fn built_in_vain(&mut self) {
        self.built += MAX_COMPILED_BYTES;
    }

    /// A large class is read.
    pub(super) fn large_class(&mut self) -> Result<(), PatternError> {
        self.large_classes += 1;
        if self.large_classes > MAX_LARGE_CLASSES { Err(PatternError::TooLarge) } else { Ok(()) }
    }

    /// A class of so many characters is looked up where case is ignored.
    pub(super) fn fold(&mut self, characters: u64) {
        self.folded += characters.min(CHARACTERS);
    }

    /// A class of Unicode by its name: how many characters it has, if there is one. Each name is looked up once.
    pub(super) fn unicode_class(&mut self, name: &str) -> Result<Option<u64>, PatternError> {
        self.large_class()?;
        if let Some((_, characters)) = self.known.iter().find(|(known, _)| known == name) {
            let characters = *characters;
            self.fold(characters);
            return Ok(Some(characters));
        }
        let Ok(hir) = regex_syntax::parse(&format!("[\\p{{{name}}}]")) else { return Ok(None) };
        let characters = match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                class.iter().map(|range| u64::from(u32::from(range.end()) - u32::from(range.start())) + 1).sum()
            }
            // A class of a single character is a literal.
            _ => 1,
        };
        self.known.push((name.to_owned(), characters));
        self.fold(characters);
        Ok(Some(characters))
    }

    /// Before anything is built: whether it can be.
    pub(super) fn check(&self) -> Result<(), PatternError> {
        let is_too_large = (self.ignores_case && self.folded > MAX_FOLDED) || self.bytes() > self.room;
        if is_too_large { Err(PatternError::TooLarge) } else { Ok(()) }
    }

    /// All of it, in bytes as those of compiled rules are counted.
    pub(crate) fn bytes(&self) -> usize {
        // What does not fit is not looked up.
        let folded = if self.ignores_case && self.folded <= MAX_FOLDED { self.folded / FOLDED_PER_BYTE } else { 0 };
        let folded = usize::try_from(folded).unwrap_or(usize::MAX);
        let read = BYTES_PER_BYTE * self.length + LARGE_CLASS_BYTES * self.large_classes;
        read.saturating_add(folded).saturating_add(self.built)
    }

    /// How many names were looked up.
    #[cfg(test)]
    pub(crate) fn looked_up(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::compiled::Pattern;
    use super::super::dialect::Dialect;
    use super::super::translate::translate;
    use super::*;

    fn read(pattern: &str) -> (Reading, Option<PatternError>) {
        let mut reading = Reading::within(usize::MAX);
        let error = Pattern::read(pattern, Dialect::Go, &mut reading).err();
        (reading, error)
    }

    /// What is known before anything is built.
    fn counted(pattern: &str) -> Result<(), PatternError> {
        let mut reading = Reading::within(usize::MAX);
        translate(pattern, Dialect::Go, &mut reading)?;
        reading.check()
    }

    #[test]
    fn a_class_is_looked_up_once_however_often_it_is_written() {
        let (reading, error) = read(&format!("[{}]", r"\pL\p{L}\PN\p{^N}".repeat(60)));
        assert_eq!((reading.looked_up(), error), (2, None));
    }

    #[test]
    fn large_classes_are_counted_before_anything_is_built() {
        for (classes, fits) in [(255, true), (256, true), (257, false), (5_400, false)] {
            let (reading, error) = read(&format!("[{}]", r"\pL".repeat(classes)));
            assert_eq!(error, (!fits).then_some(PatternError::TooLarge), "{classes}");
            assert_eq!((reading.looked_up(), reading.large_classes), (1, classes.min(257)));
            assert_eq!(reading.built, 0);
        }
        // Each by a name of its own.
        let names =
            (0..400).map(|number| format!("\\p{{L{}}}", "_".repeat(number % 30 + number / 30))).collect::<String>();
        let (reading, error) = read(&names);
        assert_eq!(error, Some(PatternError::TooLarge));
        assert!(reading.looked_up() <= MAX_LARGE_CLASSES);
    }

    #[test]
    fn a_backslash_and_a_letter_are_no_class() {
        let (reading, error) = read(&r"\\p".repeat(300));
        assert_eq!((reading.large_classes, error), (0, None));
    }

    #[test]
    fn characters_that_have_to_be_looked_up_are_counted_before_they_are() {
        for class in [r"[!-\x{10FFFF}]", r"[a\D]", r"[a\S]", r"[\W_]", "[a[:^alpha:]]", "[^a\\D]"] {
            let all = |classes: usize| class.repeat(classes);
            for (classes, fits) in [(31, true), (32, true), (33, false), (1_000, false)] {
                assert_eq!(counted(&format!("(?i){}", all(classes))).is_ok(), fits, "{class} {classes}");
                // In a part, too.
                assert_eq!(counted(&format!("{}(?s-m:a(?si:b))", all(classes))).is_ok(), fits, "{class} {classes}");
            }
            assert_eq!(counted(&all(1_000)), Ok(()), "{class}");
            let (reading, error) = read(&format!("(?i){}", all(33)));
            assert_eq!((reading.built, error), (0, Some(PatternError::TooLarge)));
        }
        // What is no more than itself.
        assert_eq!(counted(&format!("(?i){}", r"[^\s]\S\W\D[^a-z]".repeat(100))), Ok(()));
    }

    #[test]
    fn an_annotation_has_room_for_64_rules_with_any_character() {
        let mut reading = Reading::within(usize::MAX);
        translate(r"(?i)(?:private|secret)[-_ ]key[\s\S]{0,80}?end", Dialect::Go, &mut reading).unwrap();
        assert!(64 * reading.bytes() < 3 * 1024 * 1024, "{}", reading.bytes());
    }

    #[test]
    fn nothing_is_built_of_a_pattern_that_has_no_room() {
        let pattern = r"\pL(?i)[a\D]";
        let bytes = read(pattern).0.bytes();
        for (room, fits) in [(bytes + 1, true), (bytes, true), (bytes - 1, false)] {
            let error = Pattern::read(pattern, Dialect::Go, &mut Reading::within(room)).err();
            assert_eq!(error, (!fits).then_some(PatternError::TooLarge));
        }
    }

    #[test]
    fn a_pattern_that_fails_has_taken_something() {
        let length = r"\pL\pN(".len();
        assert_eq!(read(r"\pL\pN(").0.bytes(), BYTES_PER_BYTE * length + 2 * LARGE_CLASS_BYTES);
        assert!(read(r"(\pL{1000}){1000}").0.bytes() > 1024 * 1024);
        assert_eq!(read(&"(".repeat(100_000)).0.bytes(), 0);
    }
}
