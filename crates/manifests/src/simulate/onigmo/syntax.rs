//! Reads an expression in Ruby's syntax, as Onigmo has it: sequences, groups and repeats. What a backslash begins stands in `escapes`, what a bracket begins in
//! `class_syntax`.
//!
//! Source: k-takata/Onigmo, doc/RE and regparse.c with `OnigSyntaxRuby`.

use super::class::CharacterClass;
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

pub(super) const NOT_READ: Refused = Refused::Unknown(Unknown("the expression has a construct that is not modelled"));

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) ignores_case: bool,
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

pub(super) struct SyntaxReader {
    pub(super) letters: Vec<char>,
    pub(super) at: usize,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, Vec<usize>)>,
    pub(super) has_names: bool,
    captures_plain: bool,
    depth: usize,
}

impl SyntaxReader {
    fn whole(&mut self, options: Options) -> Result<Node, Refused> {
        let node = self.alternatives(options)?;
        if self.at < self.letters.len() { Err(Refused::Broken) } else { Ok(node) }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += 1;
        letter
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
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

    pub(super) fn name(&mut self, end: char) -> Result<String, Refused> {
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

    pub(super) fn number(&mut self) -> Option<u32> {
        let start = self.at;
        let mut number: u32 = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }
}
