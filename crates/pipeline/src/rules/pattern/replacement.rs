//! What is put in place of a match: text, and groups of the match.
//!
//! Read once into pieces, with every group by its number. Sources: Go, `regexp.Regexp.Expand`; Python, `re.sub`.

use std::borrow::Cow;

use regex::Captures;

use super::compiled::Pattern;
use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::PatternError;

/// A replacement for the matches of one pattern.
#[derive(Debug, Clone)]
pub struct Replacement {
    pieces: Vec<ReplacementPiece>,
    dialect: Dialect,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ReplacementPiece {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads a replacement: `$1`, `$name`, `${name}` and `$$` of Go; `\1`, `\g<name>` and escapes of Python.
    ///
    /// # Errors
    /// [`PatternError`], for Python only: Go takes what it does not understand for text, and unknown groups for empty.
    pub fn new(replacement: &str, pattern: &Pattern, dialect: Dialect) -> Result<Replacement, PatternError> {
        let mut reader =
            ReplacementReader { input: Cursor::new(replacement), pattern, pieces: Vec::new(), text: String::new() };
        match dialect {
            Dialect::Go => reader.go(),
            Dialect::Python => reader.python()?,
        }
        reader.end_text();
        Ok(Replacement { pieces: reader.pieces, dialect })
    }

    /// Replaces every match in a text. Borrowed where there is none.
    pub fn apply<'t>(&self, pattern: &Pattern, text: &'t str) -> Cow<'t, str> {
        let mut out = String::new();
        let mut copied = 0;
        let found_any = self.each(pattern, text, |start, end, captures| {
            out.push_str(text.get(copied..start).unwrap_or_default());
            self.write(captures, &mut out);
            copied = end;
        });
        if !found_any {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The same for a mask: what matches in a line by itself is replaced, too, with the blanks at its ends or without. A
    /// pattern with `$` would find its secret in a line that comes alone, and pass it on in the middle of lines that were
    /// joined, or before a `\r`; the Agent takes blanks off before its rules apply.
    pub(crate) fn mask<'t>(&self, pattern: &Pattern, text: &'t str) -> Cow<'t, str> {
        if memchr::memchr(b'\n', text.as_bytes()).is_none() && text.trim().len() == text.len() {
            return self.apply(pattern, text);
        }
        let mut edits: Vec<(usize, usize, String)> = Vec::new();
        let mut gather = |part: &str, offset: usize| {
            self.each(pattern, part, |start, end, captures| {
                let mut replacement = String::new();
                self.write(captures, &mut replacement);
                edits.push((offset + start, offset + end, replacement));
            });
        };
        gather(text, 0);
        let mut offset = 0;
        for line in text.split('\n') {
            if line.len() < text.len() {
                gather(line, offset);
            }
            let trimmed = line.trim();
            if trimmed.len() < line.len() {
                gather(trimmed, offset + line.len() - line.trim_start().len());
            }
            offset += line.len() + 1;
        }
        if edits.is_empty() {
            return Cow::Borrowed(text);
        }
        // Nearly all are found twice. Of those that begin together, the longest hides the others.
        edits.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        edits.dedup_by_key(|(start, end, _)| (*start, *end));
        let mut out = String::new();
        let mut copied = 0;
        for (start, end, replacement) in edits {
            if start < copied && end <= copied {
                continue;
            }
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(&replacement);
            copied = end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Tells of every match that is replaced, with its groups if these are needed; whether there was one.
    fn each(&self, pattern: &Pattern, text: &str, mut tell: impl FnMut(usize, usize, Option<&Captures>)) -> bool {
        let mut last = None;
        let mut found = |start: usize, end: usize, captures: Option<&Captures>| {
            // Go finds no empty match where a match has just ended.
            if start == end && last == Some(start) && self.dialect == Dialect::Go {
                return;
            }
            last = Some(end);
            tell(start, end, captures);
        };
        if self.pieces.iter().any(|piece| matches!(piece, ReplacementPiece::Group(_))) {
            for captures in pattern.regex.captures_iter(text) {
                if let Some(whole) = captures.get(0) {
                    found(whole.start(), whole.end(), Some(&captures));
                }
            }
        } else {
            pattern.regex.find_iter(text).for_each(|whole| found(whole.start(), whole.end(), None));
        }
        last.is_some()
    }

    fn write(&self, captures: Option<&Captures>, out: &mut String) {
        for piece in &self.pieces {
            match piece {
                ReplacementPiece::Text(text) => out.push_str(text),
                ReplacementPiece::Group(group) => {
                    let group = captures.and_then(|captures| captures.get(*group));
                    out.push_str(group.map_or("", |group| group.as_str()));
                }
            }
        }
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
            return name.parse().ok().filter(|number| *number < self.pattern.names.len());
        }
        self.pattern.names.iter().position(|known| known.as_deref() == Some(name))
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
