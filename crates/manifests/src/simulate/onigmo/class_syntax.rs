//! What a bracket begins in an expression: a class of characters.
//!
//! Source: k-takata/Onigmo, doc/RE and regparse.c, `parse_char_class`.

use super::class::{CharacterClass, ClassItem, ClassKind};
use super::syntax::{NOT_READ, Options, Refused, SyntaxReader};

impl SyntaxReader {
    /// A class behind its bracket.
    pub(super) fn class(&mut self, options: Options, depth: usize) -> Result<CharacterClass, Refused> {
        // As for groups.
        const DEEPEST: usize = 100;
        if depth > DEEPEST {
            return Err(NOT_READ);
        }
        let mut class = CharacterClass { ignores_case: options.ignores_case, ..CharacterClass::default() };
        class.is_negated = self.eat("^");
        let mut is_first = true;
        loop {
            let letter = self.peek().ok_or(Refused::Broken)?;
            let was_first = std::mem::take(&mut is_first);
            match letter {
                ']' if !was_first => {
                    self.at += 1;
                    return Ok(class);
                }
                // A bracket at the beginning is one, if another closes the class.
                ']' if !self.letters.iter().skip(self.at + 1).any(|letter| *letter == ']') => {
                    return Err(Refused::Broken);
                }
                '[' if self.letters.get(self.at + 1) == Some(&':') => {
                    if let Some(item) = self.posix() {
                        class.items.push(item);
                        continue;
                    }
                }
                '[' => {
                    self.at += 1;
                    class.items.push(ClassItem::Class(self.class(options, depth + 1)?));
                    continue;
                }
                '&' if self.eat("&&") => {
                    class.and.push(self.rest_of_class(options, depth + 1)?);
                    return Ok(class);
                }
                _ => {}
            }
            let Some(first) = self.class_character(&mut class)? else { continue };
            let is_range = self.peek() == Some('-') && !matches!(self.letters.get(self.at + 1), Some(']') | None);
            if !is_range {
                class.items.push(ClassItem::Range(first, first));
                continue;
            }
            self.at += 1;
            let mut none = CharacterClass::default();
            match self.class_character(&mut none)? {
                Some(last) if last >= first => class.items.push(ClassItem::Range(first, last)),
                Some(_) => return Err(Refused::Broken),
                None => {
                    // `a-\d` is an `a`, a hyphen and digits.
                    class.items.extend([ClassItem::Range(first, first), ClassItem::Range(0x2d, 0x2d)]);
                    class.items.append(&mut none.items);
                }
            }
        }
    }

    /// What stands behind `&&`: a class of its own up to the same bracket.
    fn rest_of_class(&mut self, options: Options, depth: usize) -> Result<CharacterClass, Refused> {
        if matches!(self.peek(), Some(']' | '^')) {
            return Err(NOT_READ);
        }
        self.class(options, depth)
    }

    /// `[:alpha:]`; nothing is taken if it is something else.
    fn posix(&mut self) -> Option<ClassItem> {
        let start = self.at;
        self.at += 2;
        let is_negated = self.eat("^");
        let mut name = String::new();
        while let Some(letter) = self.peek().filter(char::is_ascii_alphabetic) {
            name.push(letter);
            self.at += 1;
        }
        match ClassKind::posix(&name).filter(|_| self.eat(":]")) {
            Some(kind) => Some(ClassItem::Kind(kind, is_negated)),
            None => {
                self.at = start;
                None
            }
        }
    }

    /// A character of a class; a kind goes into the class itself, and then there is none.
    fn class_character(&mut self, class: &mut CharacterClass) -> Result<Option<u32>, Refused> {
        let letter = self.next().ok_or(Refused::Broken)?;
        if letter != '\\' {
            return Ok(Some(u32::from(letter)));
        }
        if let Some((kind, is_negated)) = self.kind()? {
            class.items.push(ClassItem::Kind(kind, is_negated));
            return Ok(None);
        }
        match self.peek() {
            Some('b') => {
                self.at += 1;
                Ok(Some(0x08))
            }
            Some('R' | 'X' | '1'..='9') => Err(NOT_READ),
            _ => self.escaped().map(Some),
        }
    }
}
