//! Go's and Python's syntax into Rust's, from left to right.
//!
//! Most of a pattern means the same in all three. What does not is written again: classes, escapes, braces that are no
//! repetition, names of groups, flags. What cannot be matched in linear time is refused, with the place.
//!
//! Sources: Go, `regexp/syntax/doc.go` and `parse.go`; Python, "`re` — Regular expression operations"; Rust,
//! `regex-syntax`.

use super::class::{self, quoted};
use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::PatternError;
use super::reading::Reading;

/// The largest number in a repetition of Go's. Source: Go, `regexp/syntax`, `parse.go`, `repeat`. What Go forbids
/// besides, nested repetitions whose product is larger, is bounded by the size of what is compiled.
const MAX_REPEAT: u32 = 1000;

/// How deep groups may be nested; Rust's own limit is 250.
const MAX_DEPTH: usize = 200;

/// A pattern in Rust's syntax.
pub(super) struct Translated {
    pub(crate) regex: String,
    /// By the number of the group; the whole match is none.
    pub(crate) names: Vec<Option<String>>,
}

pub(super) fn translate(pattern: &str, dialect: Dialect, reading: &mut Reading) -> Result<Translated, PatternError> {
    reading.begin(pattern.len());
    let mut translator = Translator {
        input: Cursor::new(pattern),
        dialect,
        out: String::with_capacity(pattern.len() + 16),
        names: vec![None],
        groups: Vec::new(),
        last: Last::Nothing,
        verbose: false,
        reading,
    };
    translator.run()?;
    Ok(Translated { regex: translator.out, names: translator.names })
}

/// What the last thing written was: what a repetition may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The beginning, `(` or `|`.
    Nothing,
    Item,
    /// A position such as `^` or `\b`.
    Position,
    Repetition,
}

struct Translator<'r> {
    input: Cursor,
    dialect: Dialect,
    out: String,
    names: Vec<Option<String>>,
    /// Where the brackets of open groups are.
    groups: Vec<usize>,
    last: Last,
    /// Python's `(?x)`: white space and comments mean nothing.
    verbose: bool,
    reading: &'r mut Reading,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        while let Some(character) = self.input.peek() {
            let from = self.input.at;
            if self.verbose && self.skipped(character) {
                continue;
            }
            match character {
                '\\' => self.escape()?,
                '[' => {
                    self.input.next();
                    let class = class::translate(&mut self.input, self.dialect, self.reading)?;
                    self.item(&class);
                }
                '(' => self.open()?,
                ')' => self.close(from)?,
                '*' | '+' | '?' => {
                    self.input.next();
                    self.repeat(from, &character.to_string(), None)?;
                }
                '{' => self.brace()?,
                '|' => {
                    self.input.next();
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '^' | '$' => {
                    self.input.next();
                    self.out.push(character);
                    self.last = Last::Position;
                }
                '.' => {
                    self.input.next();
                    self.item(".");
                }
                literal => {
                    self.input.next();
                    self.literal(literal);
                }
            }
        }
        match self.groups.last() {
            Some(at) => self.input.error(*at, "this `(` is never closed"),
            None => Ok(()),
        }
    }

    fn item(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Item;
    }

    fn literal(&mut self, character: char) {
        self.item(&quoted(character));
    }

    /// An escape outside of a class.
    fn escape(&mut self) -> Result<(), PatternError> {
        let from = self.input.at;
        self.input.next();
        let Some(character) = self.input.peek() else {
            return self.input.error(from, "a `\\` at the end has no meaning");
        };
        let position = match (character, self.dialect) {
            ('A', _) => Some(r"\A"),
            ('z', Dialect::Go) | ('Z', Dialect::Python) => Some(r"\z"),
            ('b', Dialect::Go) => Some(r"(?-u:\b)"),
            ('B', Dialect::Go) => Some(r"(?-u:\B)"),
            ('b', Dialect::Python) => Some(r"\b"),
            ('B', Dialect::Python) => Some(r"\B"),
            _ => None,
        };
        if let Some(position) = position {
            self.input.next();
            self.out.push_str(position);
            self.last = Last::Position;
            return Ok(());
        }
        if character == 'Q' && self.dialect == Dialect::Go {
            self.input.next();
            while self.input.peek().is_some() && !self.input.take("\\E") {
                if let Some(literal) = self.input.next() {
                    self.literal(literal);
                }
            }
            return Ok(());
        }
        match class::escape(&mut self.input, self.dialect, from, self.reading)? {
            class::Escape::Character(character) => self.literal(character),
            class::Escape::Class(class, _) => self.item(&class),
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), PatternError> {
        let from = self.input.at;
        self.input.next();
        if self.groups.len() >= MAX_DEPTH {
            return self.input.error(from, "groups are nested too deeply");
        }
        if !self.input.take("?") {
            self.names.push(None);
            self.begin(from, "(");
            return Ok(());
        }
        if self.input.take("P<") || (self.dialect == Dialect::Go && self.next_is_name()) {
            return self.named(from);
        }
        if self.dialect == Dialect::Python && self.input.take("#") {
            return match self.input.until(')') {
                Some(_) => Ok(()),
                None => self.input.error(from, "this comment is never closed"),
            };
        }
        for (start, what) in [
            ("=", "lookahead `(?=`"),
            ("!", "lookahead `(?!`"),
            ("<=", "lookbehind `(?<=`"),
            ("<!", "lookbehind `(?<!`"),
            (">", "an atomic group `(?>`"),
            ("(", "a conditional group `(?(`"),
            ("P=", "a backreference `(?P=`"),
            ("P>", "a call to a group `(?P>`"),
        ] {
            if self.input.take(start) {
                return self.not_linear(from, what);
            }
        }
        self.flags(from)
    }

    /// `<name>` of `(?<name>…)`: not `(?<=` and not `(?<!`.
    fn next_is_name(&mut self) -> bool {
        let at = self.input.at;
        let is_name = self.input.take("<") && !matches!(self.input.peek(), Some('=' | '!'));
        if !is_name {
            self.input.at = at;
        }
        is_name
    }

    fn named(&mut self, from: usize) -> Result<(), PatternError> {
        let name = self.input.until('>').unwrap_or_default();
        let is_word = |character: char| character == '_' || character.is_ascii_alphanumeric();
        let is_name = match self.dialect {
            Dialect::Go => !name.is_empty() && name.chars().all(is_word),
            Dialect::Python => {
                !name.starts_with(|first: char| first.is_ascii_digit())
                    && !name.is_empty()
                    && name.chars().all(|character| character == '_' || character.is_alphanumeric())
            }
        };
        if !is_name {
            return self.input.error(from, "a group's name must be letters, digits and `_`, and end in `>`");
        }
        // Go takes them.
        if self.dialect == Dialect::Python && self.names.iter().flatten().any(|known| *known == name) {
            return self.input.error(from, "two groups have the same name");
        }
        // Names are resolved here, so Rust, whose names may not begin with a digit, need not know them.
        self.names.push(Some(name));
        self.begin(from, "(");
        Ok(())
    }

    fn begin(&mut self, at: usize, text: &str) {
        self.out.push_str(text);
        self.groups.push(at);
        self.last = Last::Nothing;
    }

    fn close(&mut self, from: usize) -> Result<(), PatternError> {
        self.input.next();
        if self.groups.pop().is_none() {
            return self.input.error(from, "this `)` closes nothing");
        }
        self.out.push(')');
        self.last = Last::Item;
        Ok(())
    }

    /// Flags of `(?i)` and `(?i:…)`, behind the question mark.
    fn flags(&mut self, from: usize) -> Result<(), PatternError> {
        let (mut flags, mut negative) = (String::new(), false);
        loop {
            match (self.input.next(), self.dialect) {
                (Some('-'), _) if !negative => {
                    negative = true;
                    flags.push('-');
                }
                (Some(flag @ ('i' | 'm' | 's')), _) | (Some(flag @ 'U'), Dialect::Go) => {
                    if flag == 'i' {
                        self.reading.ignore_case();
                    }
                    flags.push(flag);
                }
                (Some('u'), Dialect::Python) => {}
                (Some('x'), Dialect::Python) if !negative => self.verbose = true,
                (Some('a'), Dialect::Python) => {
                    return self.input.error(from, "the flag `a` is not supported: write `[0-9]` for `\\d`, and so on");
                }
                (Some(')'), Dialect::Python) if self.input.at == from + 3 => {
                    return self.input.error(from, "there is no flag in this `(?)`");
                }
                (Some(end @ (':' | ')')), _) if !flags.ends_with('-') => {
                    if end == ':' {
                        self.begin(from, &format!("(?{flags}:"));
                        return Ok(());
                    }
                    if self.dialect == Dialect::Python && (from > 0 || negative) {
                        return self.input.error(
                            from,
                            "flags for the whole pattern must be at its beginning, and cannot be turned off",
                        );
                    }
                    if !flags.is_empty() {
                        self.out.push_str(&format!("(?{flags})"));
                    }
                    self.last = Last::Nothing;
                    return Ok(());
                }
                _ => return self.input.error(from, "what follows this `(?` is not supported"),
            }
        }
    }

    /// Skips what means nothing in a verbose pattern.
    fn skipped(&mut self, character: char) -> bool {
        if character == '#' {
            self.input.run_of(usize::MAX, |character| character != '\n');
            return true;
        }
        let is_space = character.is_ascii_whitespace() || character == '\u{b}';
        if is_space {
            self.input.next();
        }
        is_space
    }

    /// Writes a repetition; `count` is what stood in braces.
    fn repeat(&mut self, from: usize, text: &str, count: Option<(u32, Option<u32>)>) -> Result<(), PatternError> {
        match (self.last, self.dialect) {
            (Last::Nothing, _) | (Last::Position, Dialect::Python) => {
                return self.input.error(from, "there is nothing before this to repeat");
            }
            (Last::Repetition, _) => {
                return self.input.error(from, "a repetition cannot be repeated: put it into a group `(?:…)`");
            }
            (Last::Item | Last::Position, _) => {}
        }
        if let Some((least, most)) = count {
            if self.dialect == Dialect::Go && least.max(most.unwrap_or(0)) > MAX_REPEAT {
                return self.input.error(from, format!("the Agent repeats at most {MAX_REPEAT} times"));
            }
            if most.is_some_and(|most| most < least) {
                return self.input.error(from, "the larger number must come second");
            }
        }
        self.out.push_str(text);
        if self.input.take("?") {
            self.out.push('?');
        } else if self.dialect == Dialect::Python && self.input.peek() == Some('+') {
            return self.not_linear(from, "a possessive repetition");
        }
        self.last = Last::Repetition;
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`, and Python's `{,3}`; any other brace means itself.
    fn brace(&mut self) -> Result<(), PatternError> {
        let from = self.input.at;
        self.input.next();
        let start = self.input.at;
        let number = |input: &mut Cursor| input.run_of(10, |character| character.is_ascii_digit());
        let least = number(&mut self.input);
        let most = if self.input.take(",") { Some(number(&mut self.input)) } else { None };
        let has_numbers = match self.dialect {
            Dialect::Go => !least.is_empty(),
            Dialect::Python => !least.is_empty() || most.is_some(),
        };
        // Go counts `{01}` as no repetition.
        let is_odd = |digits: &str| self.dialect == Dialect::Go && digits.len() > 1 && digits.starts_with('0');
        let is_odd = is_odd(&least) || most.as_deref().is_some_and(is_odd);
        if !has_numbers || is_odd || !self.input.take("}") {
            self.input.at = start;
            self.literal('{');
            return Ok(());
        }
        let parsed = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
        let least = if least.is_empty() { 0 } else { parsed(&least) };
        let most = match most {
            None => Some(least),
            Some(digits) if digits.is_empty() => None,
            Some(digits) => Some(parsed(&digits)),
        };
        let text = match most {
            Some(most) => format!("{{{least},{most}}}"),
            None => format!("{{{least},}}"),
        };
        self.repeat(from, &text, Some((least, most)))
    }

    fn not_linear<T>(&self, from: usize, what: &str) -> Result<T, PatternError> {
        let reason = match self.dialect {
            Dialect::Go => "the Agent rejects it, too",
            Dialect::Python => "patterns are matched in linear time here",
        };
        self.input.error(from, format!("{what} cannot be used: {reason}; rewrite the pattern without it"))
    }
}
