//! Reads patterns and replacements from left to right; knows the place of a mistake.

use super::error::PatternError;

/// The characters of a pattern, and where in it we are.
pub(super) struct Cursor {
    characters: Vec<char>,
    pub(crate) at: usize,
}

impl Cursor {
    pub(crate) fn new(text: &str) -> Cursor {
        Cursor { characters: text.chars().collect(), at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// Takes `text`, if it comes next.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        let is_next =
            text.chars().enumerate().all(|(index, expected)| self.characters.get(self.at + index) == Some(&expected));
        if is_next {
            self.at += text.chars().count();
        }
        is_next
    }

    /// Everything up to `end`, which is taken too; `None`, and nothing taken, if it never comes.
    pub(crate) fn until(&mut self, end: char) -> Option<String> {
        let rest = self.characters.get(self.at..)?;
        let length = rest.iter().position(|character| *character == end)?;
        let text = rest[..length].iter().collect();
        self.at += length + 1;
        Some(text)
    }

    /// At most `most` characters that `is` accepts.
    pub(crate) fn run_of(&mut self, most: usize, is: impl Fn(char) -> bool) -> String {
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let text: String = rest.iter().copied().take(most).take_while(|character| is(*character)).collect();
        self.at += text.chars().count();
        text
    }

    pub(crate) fn error<T>(&self, from: usize, problem: impl Into<String>) -> Result<T, PatternError> {
        Err(PatternError::Syntax { at: from + 1, problem: problem.into() })
    }
}
