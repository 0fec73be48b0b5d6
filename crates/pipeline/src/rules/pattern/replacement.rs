//! What is put in place of a match: text, and groups of the match.
//!
//! Read once into pieces, with every group by its number. Sources: Go, `regexp.Regexp.Expand`; Python, `re.sub`.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, meta};

use super::compiled::{self, Pattern};
use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::PatternError;
use super::reading::MAX_COMPILED_BYTES;
use super::weight::Weight;
use super::work::{PatternId, Spent, Work};

/// How much memory the search for groups may take.
const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// How many starts and ends of groups are carried along for what a step costs besides.
const SLOTS_PER_STEP: u64 = 8;

/// A replacement for the matches of one pattern.
#[derive(Debug, Clone)]
pub struct Replacement {
    pieces: Vec<ReplacementPiece>,
    /// Where it has groups.
    finder: Option<Arc<GroupFinder>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReplacementPiece {
    Text(String),
    Group(usize),
}

/// Tells the groups of a match.
#[derive(Debug)]
struct GroupFinder {
    id: PatternId,
    regex: meta::Regex,
    weight: Weight,
}

impl Replacement {
    /// Reads a replacement: `$1`, `$name`, `${name}` and `$$` of Go; `\1`, `\g<name>` and escapes of Python.
    ///
    /// # Errors
    /// [`PatternError`]: for Python, what means nothing; Go takes that for text, and unknown groups for empty. For both, groups of a pattern that is too
    /// large to tell them.
    pub fn new(replacement: &str, pattern: &Pattern, dialect: Dialect) -> Result<Replacement, PatternError> {
        let mut reader =
            ReplacementReader { input: Cursor::new(replacement), pattern, pieces: Vec::new(), text: String::new() };
        match dialect {
            Dialect::Go => reader.go(),
            Dialect::Python => reader.python()?,
        }
        reader.end_text();
        let pieces = reader.pieces;
        let has_groups = pieces.iter().any(|piece| matches!(piece, ReplacementPiece::Group(_)));
        let finder = has_groups.then(|| GroupFinder::new(pattern)).transpose()?.map(Arc::new);
        Ok(Replacement { pieces, finder })
    }

    pub(super) fn pieces(&self) -> &[ReplacementPiece] {
        &self.pieces
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_piece = |piece: &ReplacementPiece| {
            let text = if let ReplacementPiece::Text(text) = piece { text.len() } else { 0 };
            text + size_of::<ReplacementPiece>()
        };
        let of_finder = |finder: &Arc<GroupFinder>| size_of::<GroupFinder>() + finder.regex.memory_usage();
        self.pieces.iter().map(of_piece).sum::<usize>() + self.finder.as_ref().map_or(0, of_finder)
    }

    /// The groups of the match `found` by number, from the start of the text; empty where the replacement has none.
    pub(super) fn groups(
        &self,
        text: &str,
        found: Range<usize>,
        work: &Work,
    ) -> Result<Vec<Option<Range<usize>>>, Spent> {
        let Some(finder) = &self.finder else { return Ok(Vec::new()) };
        let GroupFinder { id, regex, weight } = &**finder;
        let steps = weight.most(found.len() + 1);
        if !work.grants(steps) {
            work.spend(steps)?;
        }
        let input = Input::new(text).span(found).anchored(Anchored::Yes);
        let mut captures = regex.create_captures();
        work.with_cache(*id, || regex.create_cache(), |cache| regex.search_captures_with(cache, &input, &mut captures));
        Ok(captures.iter().map(|group| group.map(|span| span.range())).collect())
    }
}

impl GroupFinder {
    fn new(pattern: &Pattern) -> Result<GroupFinder, PatternError> {
        let hir = pattern.hir()?;
        // Each place of the automaton carries where each group begins and ends, twice.
        let nfa_config = thompson::Config::new().nfa_size_limit(Some(MAX_COMPILED_BYTES));
        let nfa = thompson::Compiler::new().configure(nfa_config).build_from_hir(&hir);
        let nfa = nfa.map_err(|_| PatternError::TooLarge)?;
        let slots = nfa.group_info().slot_len();
        if nfa.states().len().saturating_mul(slots).saturating_mul(2 * size_of::<usize>()) > MAX_GROUP_BYTES {
            return Err(PatternError::TooLarge);
        }
        // A match is known, so nothing has to be searched for.
        let config = compiled::config().hybrid(false).dfa(false).auto_prefilter(false);
        let regex = meta::Regex::builder().configure(config).build_from_hir(&hir);
        let regex = regex.map_err(|error| compiled::build_error(&error))?;
        let weight = pattern.weight();
        let forward = weight.forward.saturating_mul(1 + slots as u64 / SLOTS_PER_STEP);
        Ok(GroupFinder { id: PatternId::new(), regex, weight: Weight { forward, backward: 0, reach: usize::MAX } })
    }
}

struct ReplacementReader<'p> {
    input: Cursor,
    pattern: &'p Pattern,
    pieces: Vec<ReplacementPiece>,
    text: String,
}

impl ReplacementReader<'_> {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(ReplacementPiece::Text(std::mem::take(&mut self.text)));
        }
    }

    /// The group of a name or a number, if the pattern has it.
    fn find(&self, name: &str) -> Option<usize> {
        // Go takes digits for a number, unless they begin with a zero that they need not.
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        if is_number {
            return name.parse().ok().filter(|number| *number < self.pattern.names().len());
        }
        self.pattern.names().iter().position(|known| known.as_deref() == Some(name))
    }

    fn group(&mut self, number: usize) {
        self.end_text();
        self.pieces.push(ReplacementPiece::Group(number));
    }

    fn go(&mut self) {
        let is_word = |character: char| character == '_' || character.is_alphanumeric();
        while let Some(character) = self.input.next() {
            if character != '$' {
                self.text.push(character);
                continue;
            }
            let at = self.input.at;
            if self.input.take("$") {
                self.text.push('$');
                continue;
            }
            let in_braces = self.input.take("{");
            let name = self.input.run_of(usize::MAX, is_word);
            if name.is_empty() || (in_braces && !self.input.take("}")) {
                // No name: the sign means itself.
                self.input.at = at;
                self.text.push('$');
            } else if let Some(number) = self.find(&name) {
                self.group(number);
            }
        }
    }

    fn python(&mut self) -> Result<(), PatternError> {
        while let Some(character) = self.input.next() {
            if character != '\\' {
                self.text.push(character);
                continue;
            }
            let from = self.input.at - 1;
            match self.input.next() {
                Some('\\') => self.text.push('\\'),
                Some('n') => self.text.push('\n'),
                Some('t') => self.text.push('\t'),
                Some('r') => self.text.push('\r'),
                Some('f') => self.text.push('\u{c}'),
                Some('v') => self.text.push('\u{b}'),
                Some('a') => self.text.push('\u{7}'),
                Some('b') => self.text.push('\u{8}'),
                Some('g') => {
                    let name = if self.input.take("<") { self.input.until('>') } else { None };
                    self.python_group(from, &name.unwrap_or_default())?;
                }
                Some(digit @ '0'..='9') => self.python_number(from, digit)?,
                Some(letter) if letter.is_ascii_alphabetic() => {
                    return self.input.error(from, format!("`\\{letter}` has no meaning in a replacement"));
                }
                Some(other) => self.text.extend(['\\', other]),
                None => return self.input.error(from, "a `\\` at the end has no meaning"),
            }
        }
        Ok(())
    }

    fn python_group(&mut self, from: usize, name: &str) -> Result<(), PatternError> {
        match self.find(name) {
            Some(number) => {
                self.group(number);
                Ok(())
            }
            None => self.input.error(from, "the pattern has no such group"),
        }
    }

    /// `\1` and `\12` are groups; `\0`, `\01` and three octal digits are a character.
    fn python_number(&mut self, from: usize, first: char) -> Result<(), PatternError> {
        let is_octal = |character: char| ('0'..='7').contains(&character);
        if first == '0' {
            let rest = self.input.run_of(2, is_octal);
            return self.character(from, &format!("0{rest}"));
        }
        let at = self.input.at;
        let rest = self.input.run_of(2, is_octal);
        if ('1'..='3').contains(&first) && rest.len() == 2 {
            return self.character(from, &format!("{first}{rest}"));
        }
        self.input.at = at;
        let second = self.input.run_of(1, |character| character.is_ascii_digit());
        self.python_group(from, &format!("{first}{second}"))
    }

    fn character(&mut self, from: usize, octal: &str) -> Result<(), PatternError> {
        match u32::from_str_radix(octal, 8).ok().and_then(char::from_u32) {
            Some(character) => {
                self.text.push(character);
                Ok(())
            }
            None => self.input.error(from, "this is not a character code"),
        }
    }
}
