//! An expression as steps, for the matcher.

use super::class::CharacterClass;
use super::syntax::{Assertion, Greed, Node, Refused, Syntax};
use crate::simulate::unknown::Unknown;

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Character {
        code: u32,
        ignores_case: bool,
    },
    Any {
        takes_newline: bool,
    },
    Class(CharacterClass),
    /// Goes to the first, and to the second if that leads nowhere.
    Split {
        first: usize,
        second: usize,
    },
    Jump(usize),
    /// Notes the place in a register.
    Note(usize),
    /// Goes on elsewhere if the place is still the one that was noted: a repeat of nothing ends.
    LeaveIfStill {
        register: usize,
        to: usize,
    },
    Assertion(Assertion),
    /// The steps behind it up to [`Step::Done`], tried for themselves from some characters before; then goes on at `next`.
    Look {
        is_negated: bool,
        back: usize,
        next: usize,
    },
    /// The same, but the place that they lead to is where it goes on, with no way back into them.
    Atomic {
        next: usize,
    },
    BackReference {
        groups: Vec<usize>,
        ignores_case: bool,
    },
    Done,
}

/// The steps of an expression, and how many registers they need.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) registers: usize,
}

/// How many steps an expression may have; repeats with numbers are written out.
const MOST_STEPS: usize = 50_000;
const TOO_LARGE: Refused = Refused::Unknown(Unknown("the expression is too large to be modelled"));

/// Group 0 is the whole match; each group has two registers.
pub(super) fn compile(syntax: &Syntax) -> Result<Program, Refused> {
    let mut compiler = Compiler { steps: Vec::new(), registers: 2 * (syntax.groups + 1), visits: 0 };
    compiler.node(&syntax.node)?;
    compiler.push(Step::Done)?;
    Ok(Program { steps: compiler.steps, registers: compiler.registers })
}

struct Compiler {
    steps: Vec<Step>,
    registers: usize,
    /// How many parts were written out; some have no steps.
    visits: usize,
}

impl Compiler {
    fn push(&mut self, step: Step) -> Result<usize, Refused> {
        if self.steps.len() >= MOST_STEPS {
            return Err(TOO_LARGE);
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(place) = self.steps.get_mut(at) {
            *place = step;
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), Refused> {
        self.visits += 1;
        if self.visits > MOST_STEPS {
            return Err(TOO_LARGE);
        }
        match node {
            Node::Character { code, ignores_case } => {
                self.push(Step::Character { code: *code, ignores_case: *ignores_case })?;
            }
            Node::Any { takes_newline } => _ = self.push(Step::Any { takes_newline: *takes_newline })?,
            Node::Class(class) => _ = self.push(Step::Class(class.clone()))?,
            Node::Assertion(assertion) => _ = self.push(Step::Assertion(*assertion))?,
            Node::BackReference { groups, ignores_case } => {
                self.push(Step::BackReference { groups: groups.clone(), ignores_case: *ignores_case })?;
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
            }
            Node::Alternatives(nodes) => self.alternatives(nodes)?,
            Node::Capture(group, node) => {
                self.push(Step::Note(2 * group))?;
                self.node(node)?;
                self.push(Step::Note(2 * group + 1))?;
            }
            Node::Atomic(node) => self.atomic(node)?,
            Node::Look { node, is_ahead, is_negated } => self.look(node, *is_ahead, *is_negated)?,
            Node::Repeat { node, least, most, greed } => {
                if *greed == Greed::Possessive {
                    let greedy = Node::Repeat { node: node.clone(), least: *least, most: *most, greed: Greed::Greedy };
                    self.atomic(&greedy)?;
                } else {
                    self.repeat(node, *least, *most, *greed == Greed::Reluctant)?;
                }
            }
        }
        Ok(())
    }

    fn alternatives(&mut self, nodes: &[Node]) -> Result<(), Refused> {
        let mut ends = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            if at + 1 == nodes.len() {
                self.node(node)?;
                break;
            }
            let split = self.push(Step::Done)?;
            self.node(node)?;
            ends.push(self.push(Step::Done)?);
            self.set(split, Step::Split { first: split + 1, second: self.steps.len() });
        }
        for end in ends {
            self.set(end, Step::Jump(self.steps.len()));
        }
        Ok(())
    }

    fn atomic(&mut self, node: &Node) -> Result<(), Refused> {
        let at = self.push(Step::Done)?;
        self.node(node)?;
        self.push(Step::Done)?;
        self.set(at, Step::Atomic { next: self.steps.len() });
        Ok(())
    }

    fn look(&mut self, node: &Node, is_ahead: bool, is_negated: bool) -> Result<(), Refused> {
        // Alternatives of different lengths are looked for one after the other.
        let parts: Vec<&Node> = match node {
            Node::Alternatives(nodes) if !is_ahead && !is_negated => nodes.iter().collect(),
            node => vec![node],
        };
        let mut ends = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let is_last = number + 1 == parts.len();
            let split = if is_last { None } else { Some(self.push(Step::Done)?) };
            let back = if is_ahead { Some(0) } else { length(part) };
            let back = back.ok_or(Refused::Unknown(Unknown("what is looked for behind has no fixed length")))?;
            let at = self.push(Step::Done)?;
            self.node(part)?;
            self.push(Step::Done)?;
            self.set(at, Step::Look { is_negated, back, next: self.steps.len() });
            if let Some(split) = split {
                ends.push(self.push(Step::Done)?);
                self.set(split, Step::Split { first: split + 1, second: self.steps.len() });
            }
        }
        for end in ends {
            self.set(end, Step::Jump(self.steps.len()));
        }
        Ok(())
    }

    fn repeat(&mut self, node: &Node, least: u32, most: Option<u32>, is_reluctant: bool) -> Result<(), Refused> {
        for _ in 0..least {
            self.node(node)?;
        }
        let split = |first, second| {
            if is_reluctant { Step::Split { first: second, second: first } } else { Step::Split { first, second } }
        };
        let Some(most) = most else {
            let register = self.registers;
            self.registers += 1;
            let start = self.push(Step::Done)?;
            self.push(Step::Note(register))?;
            self.node(node)?;
            let leave = self.push(Step::Done)?;
            self.push(Step::Jump(start))?;
            let end = self.steps.len();
            self.set(leave, Step::LeaveIfStill { register, to: end });
            self.set(start, split(start + 1, end));
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.push(Step::Done)?);
            self.node(node)?;
        }
        let end = self.steps.len();
        for at in splits {
            self.set(at, split(at + 1, end));
        }
        Ok(())
    }
}

/// How many characters a part takes, if that is always the same.
fn length(node: &Node) -> Option<usize> {
    match node {
        Node::Character { .. } | Node::Any { .. } | Node::Class(_) => Some(1),
        Node::Assertion(_) | Node::Look { .. } => Some(0),
        Node::Sequence(nodes) => nodes.iter().map(length).sum(),
        Node::Alternatives(nodes) => {
            let mut lengths = nodes.iter().map(length);
            let first = lengths.next()??;
            lengths.all(|length| length == Some(first)).then_some(first)
        }
        Node::Capture(_, node) | Node::Atomic(node) => length(node),
        Node::Repeat { node, least, most, .. } if *most == Some(*least) => {
            length(node)?.checked_mul(usize::try_from(*least).ok()?)
        }
        Node::Repeat { .. } | Node::BackReference { .. } => None,
    }
}
