//! Reads an expression in Ruby's syntax, as Onigmo has it.
//!
//! Source: k-takata/Onigmo, doc/RE and regparse.c with `OnigSyntaxRuby`.

use super::class::{CharacterClass, ClassItem, ClassKind};
use crate::simulate::unknown::Unknown;

/// Part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Character {
        code: u32,
        ignores_case: bool,
    },
    /// `.`, with the line's end where `m` is on.
    Any {
        takes_newline: bool,
    },
    Class(CharacterClass),
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    /// A group that captures, by its number from 1.
    Capture(usize, Box<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        greed: Greed,
    },
    Assertion(Assertion),
    Look {
        node: Box<Node>,
        is_ahead: bool,
        is_negated: bool,
    },
    Atomic(Box<Node>),
    /// What one of these groups took, the last of them first.
    BackReference {
        groups: Vec<usize>,
        ignores_case: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Reluctant,
    Possessive,
}

/// A place between characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    /// The end, or the newline before it.
    LastLineEnd,
    SearchStart,
    WordBoundary(bool),
}

/// An expression, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Syntax {
    pub(super) node: Node,
    /// How many groups capture.
    pub(super) groups: usize,
    /// The groups of each name, in the order of the names.
    pub(super) names: Vec<(String, Vec<usize>)>,
}

/// Why an expression cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Onigmo does not take it.
    Broken,
    /// The model does not know what Onigmo makes of it.
    Unknown(Unknown),
}

const NOT_READ: Refused = Refused::Unknown(Unknown("the expression has a construct that is not modelled"));

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    ignores_case: bool,
    is_extended: bool,
    takes_newline: bool,
}

/// Reads an expression; `options` are the letters that stand behind `/…/`.
pub(super) fn read(pattern: &str, options: &str) -> Result<Syntax, Refused> {
    let options = Options {
        ignores_case: options.contains('i'),
        is_extended: options.contains('x'),
        takes_newline: options.contains('m'),
    };
    let letters: Vec<char> = pattern.chars().collect();
    let mut reader =
        SyntaxReader { letters, at: 0, groups: 0, names: Vec::new(), has_names: false, captures_plain: true, depth: 0 };
    let node = reader.whole(options)?;
    if !reader.has_names || reader.groups == reader.names.iter().map(|(_, groups)| groups.len()).sum::<usize>() {
        return Ok(Syntax { node, groups: reader.groups, names: reader.names });
    }
    // Where a group has a name, those without do not capture.
    let letters = std::mem::take(&mut reader.letters);
    let mut reader =
        SyntaxReader { letters, at: 0, groups: 0, names: Vec::new(), has_names: true, captures_plain: false, depth: 0 };
    let node = reader.whole(options)?;
    Ok(Syntax { node, groups: reader.groups, names: reader.names })
}

struct SyntaxReader {
    letters: Vec<char>,
    at: usize,
    groups: usize,
    names: Vec<(String, Vec<usize>)>,
    has_names: bool,
    captures_plain: bool,
    depth: usize,
}

impl SyntaxReader {
    fn whole(&mut self, options: Options) -> Result<Node, Refused> {
        let node = self.alternatives(options)?;
        if self.at < self.letters.len() { Err(Refused::Broken) } else { Ok(node) }
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += 1;
        letter
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_here = text.chars().enumerate().all(|(at, letter)| self.letters.get(self.at + at) == Some(&letter));
        if is_here {
            self.at += text.chars().count();
        }
        is_here
    }

    /// Up to the end or a parenthesis that closes.
    fn alternatives(&mut self, options: Options) -> Result<Node, Refused> {
        // Deeper than anybody writes by hand; it keeps the stack bounded.
        const DEEPEST: usize = 100;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(NOT_READ);
        }
        let mut alternatives = vec![self.sequence(options)?];
        while self.peek() == Some('|') {
            self.at += 1;
            alternatives.push(self.sequence(options)?);
        }
        self.depth -= 1;
        Ok(match alternatives.len() {
            1 => alternatives.remove(0),
            _ => Node::Alternatives(alternatives),
        })
    }

    fn sequence(&mut self, options: Options) -> Result<Node, Refused> {
        let mut nodes = Vec::new();
        loop {
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(letter) if options.is_extended && letter.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                Some('#') if options.is_extended => {
                    while self.next().is_some_and(|letter| letter != '\n') {}
                    continue;
                }
                Some(_) => {}
            }
            if self.eat("(?#") {
                self.comment()?;
                continue;
            }
            if let Some(options) = self.isolated_options(options)? {
                // They hold for all that follows in the group, the other alternatives included.
                nodes.push(self.alternatives(options)?);
                break;
            }
            let atom = self.atom(options)?;
            nodes.push(self.repeated(atom)?);
        }
        Ok(match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    fn comment(&mut self) -> Result<(), Refused> {
        loop {
            match self.next().ok_or(Refused::Broken)? {
                ')' => return Ok(()),
                '\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// `(?i)`; nothing is taken if it is something else.
    fn isolated_options(&mut self, mut options: Options) -> Result<Option<Options>, Refused> {
        let start = self.at;
        if !self.eat("(?") {
            return Ok(None);
        }
        if self.options(&mut options)? == Some(')') {
            return Ok(Some(options));
        }
        self.at = start;
        Ok(None)
    }

    /// Letters of options and what ends them; `None` if there are none.
    fn options(&mut self, options: &mut Options) -> Result<Option<char>, Refused> {
        let start = self.at;
        let mut is_on = true;
        loop {
            match self.next() {
                Some('-') => is_on = false,
                Some('i') => options.ignores_case = is_on,
                Some('x') => options.is_extended = is_on,
                Some('m') => options.takes_newline = is_on,
                Some('a' | 'd' | 'u') => return Err(NOT_READ),
                Some(end @ (')' | ':')) if self.at > start + 1 => return Ok(Some(end)),
                _ => return Ok(None),
            }
        }
    }

    fn atom(&mut self, options: Options) -> Result<Node, Refused> {
        let ignores_case = options.ignores_case;
        Ok(match self.next().ok_or(Refused::Broken)? {
            '.' => Node::Any { takes_newline: options.takes_newline },
            '^' => Node::Assertion(Assertion::LineStart),
            '$' => Node::Assertion(Assertion::LineEnd),
            '[' => Node::Class(self.class(options, 0)?),
            '(' => return self.group(options),
            '\\' => return self.escape(options),
            '*' | '+' | '?' => return Err(Refused::Broken),
            letter => Node::Character { code: u32::from(letter), ignores_case },
        })
    }

    fn group(&mut self, options: Options) -> Result<Node, Refused> {
        let look = |is_ahead, is_negated| (is_ahead, is_negated);
        let found = if self.eat("?=") {
            Some(look(true, false))
        } else if self.eat("?!") {
            Some(look(true, true))
        } else if self.eat("?<=") {
            Some(look(false, false))
        } else if self.eat("?<!") {
            Some(look(false, true))
        } else {
            None
        };
        if let Some((is_ahead, is_negated)) = found {
            let node = Box::new(self.inside(options)?);
            return Ok(Node::Look { node, is_ahead, is_negated });
        }
        if self.eat("?:") {
            return self.inside(options);
        }
        if self.eat("?>") {
            return Ok(Node::Atomic(Box::new(self.inside(options)?)));
        }
        if self.eat("?<") {
            return self.named('>', options);
        }
        if self.eat("?'") {
            return self.named('\'', options);
        }
        if self.eat("?") {
            if matches!(self.peek(), Some('~' | '(')) {
                return Err(NOT_READ);
            }
            let mut options = options;
            return match self.options(&mut options)? {
                Some(':') => self.inside(options),
                _ => Err(Refused::Broken),
            };
        }
        if !self.captures_plain {
            return self.inside(options);
        }
        self.groups += 1;
        let number = self.groups;
        Ok(Node::Capture(number, Box::new(self.inside(options)?)))
    }

    fn named(&mut self, end: char, options: Options) -> Result<Node, Refused> {
        let name = self.name(end)?;
        self.has_names = true;
        self.groups += 1;
        let number = self.groups;
        match self.names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, groups)) => groups.push(number),
            None => self.names.push((name, vec![number])),
        }
        Ok(Node::Capture(number, Box::new(self.inside(options)?)))
    }

    fn name(&mut self, end: char) -> Result<String, Refused> {
        let mut name = String::new();
        loop {
            match self.next().ok_or(Refused::Broken)? {
                letter if letter == end => break,
                letter if letter.is_alphanumeric() || letter == '_' => name.push(letter),
                _ => return Err(Refused::Broken),
            }
        }
        let is_good = name.chars().next().is_some_and(|first| !first.is_ascii_digit());
        if is_good { Ok(name) } else { Err(Refused::Broken) }
    }

    /// The rest of a group and its end.
    fn inside(&mut self, options: Options) -> Result<Node, Refused> {
        let node = self.alternatives(options)?;
        if self.next() == Some(')') { Ok(node) } else { Err(Refused::Broken) }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Refused> {
        loop {
            let (least, most, is_interval) = match self.peek() {
                Some('*') => (0, None, false),
                Some('+') => (1, None, false),
                Some('?') => (0, Some(1), false),
                Some('{') => match self.interval()? {
                    Some((least, most)) => (least, most, true),
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            if !is_interval {
                self.at += 1;
            }
            let greed = match self.peek() {
                // `{2}?` means that it may be missing.
                Some('?') if !(is_interval && most == Some(least)) => Greed::Reluctant,
                Some('+') if !is_interval => Greed::Possessive,
                _ => Greed::Greedy,
            };
            if greed != Greed::Greedy {
                self.at += 1;
            }
            if matches!(node, Node::Assertion(_)) {
                // Onigmo takes some of these and warns of others.
                return Err(NOT_READ);
            }
            node = Node::Repeat { node: Box::new(node), least, most, greed };
        }
    }

    /// `{1,3}` and what follows it. What is none is text.
    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Refused> {
        // Source: k-takata/Onigmo, onigmo.h, `ONIG_MAX_REPEAT_NUM`.
        const MOST: u32 = 100_000;
        let start = self.at;
        self.at += 1;
        let least = self.number();
        let has_comma = self.eat(",");
        let most = if has_comma { self.number() } else { least };
        if !self.eat("}") || (least.is_none() && most.is_none()) {
            self.at = start;
            // A brace that is text was read as an atom before; here it would be one of its own.
            return Ok(None);
        }
        let lower = least.unwrap_or_default();
        if lower > MOST || most.is_some_and(|most| most > MOST || most < lower) {
            return Err(Refused::Broken);
        }
        Ok(Some((lower, most)))
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        let mut number: u32 = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    fn escape(&mut self, options: Options) -> Result<Node, Refused> {
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
    fn kind(&mut self) -> Result<Option<(ClassKind, bool)>, Refused> {
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
    fn escaped(&mut self) -> Result<u32, Refused> {
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

    /// A class behind its bracket.
    fn class(&mut self, options: Options, depth: usize) -> Result<CharacterClass, Refused> {
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
