//! What a backslash begins in an expression.
//!
//! Source: k-takata/Onigmo, doc/RE and regparse.c, `fetch_token` and `fetch_token_in_cc`.

use super::class::{CharacterClass, ClassKind};
use super::syntax::{Assertion, NOT_READ, Node, Options, Refused, SyntaxReader};

impl SyntaxReader {
    pub(super) fn escape(&mut self, options: Options) -> Result<Node, Refused> {
        let letter = self.peek().ok_or(Refused::Broken)?;
        let assertion = match letter {
            'A' => Some(Assertion::TextStart),
            'z' => Some(Assertion::TextEnd),
            'Z' => Some(Assertion::LastLineEnd),
            'G' => Some(Assertion::SearchStart),
            'b' => Some(Assertion::WordBoundary(true)),
            'B' => Some(Assertion::WordBoundary(false)),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.at += 1;
            return Ok(Node::Assertion(assertion));
        }
        if let Some((kind, is_negated)) = self.kind()? {
            return Ok(Node::Class(CharacterClass::kind(kind, is_negated)));
        }
        match letter {
            'R' | 'X' | 'K' | 'g' => Err(NOT_READ),
            'k' => {
                self.at += 1;
                let end = match self.next() {
                    Some('<') => '>',
                    Some('\'') => '\'',
                    _ => return Err(NOT_READ),
                };
                let name = self.name(end).map_err(|_| NOT_READ)?;
                let groups = self.names.iter().find(|(known, _)| *known == name).map(|(_, groups)| groups.clone());
                let groups = groups.ok_or(NOT_READ)?;
                Ok(Node::BackReference { groups, ignores_case: options.ignores_case })
            }
            '1'..='9' if !self.has_names => {
                let number = self.number().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
                if number > self.groups {
                    return Err(NOT_READ);
                }
                Ok(Node::BackReference { groups: vec![number], ignores_case: options.ignores_case })
            }
            '1'..='9' => Err(NOT_READ),
            _ => Ok(Node::Character { code: self.escaped()?, ignores_case: options.ignores_case }),
        }
    }

    /// `\d` and its like behind the backslash; nothing is taken if it is something else.
    pub(super) fn kind(&mut self) -> Result<Option<(ClassKind, bool)>, Refused> {
        let (kind, is_negated) = match self.peek() {
            Some('d') => (ClassKind::AsciiDigit, false),
            Some('D') => (ClassKind::AsciiDigit, true),
            Some('s') => (ClassKind::AsciiSpace, false),
            Some('S') => (ClassKind::AsciiSpace, true),
            Some('w') => (ClassKind::AsciiWord, false),
            Some('W') => (ClassKind::AsciiWord, true),
            Some('h') => (ClassKind::Hexadecimal, false),
            Some('H') => (ClassKind::Hexadecimal, true),
            Some('p' | 'P') if self.letters.get(self.at + 1) == Some(&'{') => return self.property().map(Some),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some((kind, is_negated)))
    }

    fn property(&mut self) -> Result<(ClassKind, bool), Refused> {
        let mut is_negated = self.next() == Some('P');
        self.at += 1;
        if self.eat("^") {
            is_negated = !is_negated;
        }
        let mut name = String::new();
        loop {
            match self.next().ok_or(Refused::Broken)? {
                '}' => break,
                letter => name.push(letter),
            }
        }
        ClassKind::posix(&name).map(|kind| (kind, is_negated)).ok_or(NOT_READ)
    }

    /// A character behind a backslash.
    pub(super) fn escaped(&mut self) -> Result<u32, Refused> {
        Ok(match self.next().ok_or(Refused::Broken)? {
            't' => 0x09,
            'n' => 0x0a,
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => 0x0d,
            'a' => 0x07,
            'e' => 0x1b,
            'x' if self.eat("{") => {
                let code = self.hexadecimal(8).ok_or(Refused::Broken)?;
                if self.eat("}") { code } else { return Err(Refused::Broken) }
            }
            'x' => match self.hexadecimal(2) {
                // A byte that is no character for itself.
                Some(code) if code >= 0x80 => return Err(NOT_READ),
                code => code.unwrap_or_default(),
            },
            'u' => {
                let start = self.at;
                let code = self.hexadecimal(4).ok_or(Refused::Broken)?;
                if self.at == start + 4 { code } else { return Err(Refused::Broken) }
            }
            '0' => {
                let mut code = 0;
                let mut count = 0;
                while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(8)).filter(|_| count < 2) {
                    code = code * 8 + digit;
                    count += 1;
                    self.at += 1;
                }
                code
            }
            'c' | 'C' | 'M' => return Err(NOT_READ),
            letter => u32::from(letter),
        })
    }

    fn hexadecimal(&mut self, most: usize) -> Option<u32> {
        let start = self.at;
        let mut code: u32 = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(16)).filter(|_| self.at < start + most) {
            code = code.wrapping_mul(16).wrapping_add(digit);
            self.at += 1;
        }
        (self.at > start).then_some(code)
    }
}
