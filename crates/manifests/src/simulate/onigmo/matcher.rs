//! Runs the steps of an expression over a text, with the way back to each choice, as Onigmo does.

use super::characters::{before, character, is_word};
use super::class::other_cases;
use super::program::{Program, Step};
use super::syntax::Assertion;
use crate::simulate::core::Core;
use crate::simulate::unknown::Unknown;

/// How many steps a search may take. Onigmo has no such limit; what takes longer is not known.
const MOST_STEPS: u32 = 2_000_000;

/// Where the groups are, in bytes; group 0 is the whole match.
pub(super) type Registers = Vec<Option<usize>>;

/// The first match from a place on; `None` if there is none.
pub(super) fn search(core: Core, program: &Program, text: &[u8]) -> Result<Option<Registers>, Unknown> {
    let mut start = 0;
    let mut left = MOST_STEPS;
    loop {
        if let Some(found) = at(core, program, text, start, &mut left)? {
            return Ok(Some(found));
        }
        match character(core, text, start) {
            Some(found) if found.next <= text.len() => start = found.next,
            _ => return Ok(None),
        }
    }
}

/// The match that begins at the beginning; `None` if there is none.
pub(super) fn at_start(core: Core, program: &Program, text: &[u8]) -> Result<Option<Registers>, Unknown> {
    at(core, program, text, 0, &mut { MOST_STEPS })
}

fn at(core: Core, program: &Program, text: &[u8], start: usize, left: &mut u32) -> Result<Option<Registers>, Unknown> {
    let mut matcher = Matcher {
        core,
        steps: &program.steps,
        text,
        start,
        registers: vec![None; program.registers],
        back: Vec::new(),
        left,
    };
    let end = matcher.run(0, start)?;
    let mut registers = matcher.registers;
    Ok(end.map(|end| {
        if let [from, to, ..] = registers.as_mut_slice() {
            *from = Some(start);
            *to = Some(end);
        }
        registers
    }))
}

/// A way back.
enum Back {
    /// To another choice.
    Choice { step: usize, place: usize },
    /// What a register held before.
    Register { register: usize, held: Option<usize> },
}

struct Matcher<'m> {
    core: Core,
    steps: &'m [Step],
    text: &'m [u8],
    start: usize,
    registers: Registers,
    back: Vec<Back>,
    left: &'m mut u32,
}

impl Matcher<'_> {
    /// From a step to `Done`; gives the place where that is. What was chosen on the way can be undone, but no other choice is left.
    fn run(&mut self, step: usize, place: usize) -> Result<Option<usize>, Unknown> {
        let floor = self.back.len();
        let (mut step, mut place) = (step, place);
        loop {
            *self.left = self.left.checked_sub(1).ok_or(Unknown("the expression takes too long on this text"))?;
            let next = match self.steps.get(step) {
                Some(Step::Done) | None => {
                    self.forget_choices(floor);
                    return Ok(Some(place));
                }
                Some(found) => self.step(found, step, place)?,
            };
            match next {
                Some(next) => (step, place) = next,
                None => match self.way_back(floor) {
                    Some(choice) => (step, place) = choice,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Undoes up to the last choice.
    fn way_back(&mut self, floor: usize) -> Option<(usize, usize)> {
        while self.back.len() > floor {
            match self.back.pop()? {
                Back::Choice { step, place } => return Some((step, place)),
                Back::Register { register, held } => self.put(register, held),
            }
        }
        None
    }

    fn undo(&mut self, floor: usize) {
        while self.way_back(floor).is_some() {}
    }

    fn forget_choices(&mut self, floor: usize) {
        let kept = self.back.split_off(floor);
        self.back.extend(kept.into_iter().filter(|back| matches!(back, Back::Register { .. })));
    }

    fn put(&mut self, register: usize, value: Option<usize>) {
        if let Some(held) = self.registers.get_mut(register) {
            *held = value;
        }
    }

    fn held(&self, register: usize) -> Option<usize> {
        self.registers.get(register).copied().flatten()
    }

    /// What comes after a step, and where; `None` if it does not fit.
    fn step(&mut self, found: &Step, step: usize, place: usize) -> Result<Option<(usize, usize)>, Unknown> {
        let character = || character(self.core, self.text, place).filter(|character| character.next <= self.text.len());
        let taken = match found {
            Step::Done => None,
            Step::Character { code, ignores_case } => {
                let is_it =
                    |found: u32| found == *code || (*ignores_case && other_cases(found).any(|one| one == *code));
                character()
                    .filter(|character| !character.is_cut && is_it(character.code))
                    .map(|character| character.next)
            }
            Step::Any { takes_newline } => {
                character().filter(|character| *takes_newline || character.code != 0x0a).map(|character| character.next)
            }
            Step::Class(class) => match character() {
                None => None,
                Some(character) => {
                    let has = class.has(character.code);
                    has.ok_or(Unknown("a class of the expression needs tables of Unicode"))?.then_some(character.next)
                }
            },
            Step::Split { first, second } => {
                self.back.push(Back::Choice { step: *second, place });
                return Ok(Some((*first, place)));
            }
            Step::Jump(to) => return Ok(Some((*to, place))),
            Step::Note(register) => {
                let held = self.held(*register);
                self.back.push(Back::Register { register: *register, held });
                self.put(*register, Some(place));
                Some(place)
            }
            Step::LeaveIfStill { register, to } => {
                let to = if self.held(*register) == Some(place) { *to } else { step + 1 };
                return Ok(Some((to, place)));
            }
            Step::Assertion(assertion) => self.holds(*assertion, place).then_some(place),
            Step::Look { is_negated, back, next } => {
                return Ok(self.look(step, *is_negated, *back, place)?.then_some((*next, place)));
            }
            Step::Atomic { next } => return Ok(self.run(step + 1, place)?.map(|end| (*next, end))),
            Step::BackReference { groups, ignores_case } => self.reference(groups, *ignores_case, place)?,
        };
        Ok(taken.map(|place| (step + 1, place)))
    }

    fn look(&mut self, step: usize, is_negated: bool, back: usize, place: usize) -> Result<bool, Unknown> {
        let mut from = Some(place);
        for _ in 0..back {
            from = from.and_then(|from| before(self.core, self.text, from));
        }
        let Some(from) = from else { return Ok(is_negated) };
        let floor = self.back.len();
        let is_there = self.run(step + 1, from)?.is_some();
        if is_negated {
            self.undo(floor);
        }
        Ok(is_there != is_negated)
    }

    fn reference(&self, groups: &[usize], ignores_case: bool, place: usize) -> Result<Option<usize>, Unknown> {
        if ignores_case {
            return Err(Unknown("the expression refers back to a group and ignores case"));
        }
        for group in groups.iter().rev() {
            let (Some(start), Some(end)) = (self.held(2 * group), self.held(2 * group + 1)) else { continue };
            let taken = self.text.get(start..end).unwrap_or_default();
            let is_here = self.text.get(place..).is_some_and(|rest| rest.starts_with(taken));
            return Ok(is_here.then_some(place + taken.len()));
        }
        Ok(None)
    }

    fn holds(&self, assertion: Assertion, place: usize) -> bool {
        let is_newline = |place: usize| self.text.get(place) == Some(&b'\n');
        let is_after_newline = place > 0 && is_newline(place - 1);
        let is_end = place == self.text.len();
        match assertion {
            Assertion::TextStart => place == 0,
            Assertion::SearchStart => place == self.start && self.start == 0,
            Assertion::TextEnd => is_end,
            Assertion::LineStart => place == 0 || (is_after_newline && !is_end),
            Assertion::LineEnd => is_end || is_newline(place),
            Assertion::LastLineEnd => is_end || (is_newline(place) && place + 1 == self.text.len()),
            Assertion::WordBoundary(is_one) => {
                let is_word_at =
                    |place: usize| character(self.core, self.text, place).is_some_and(|found| is_word(found.code));
                let is_word_before = before(self.core, self.text, place).is_some_and(is_word_at);
                (is_word_before != is_word_at(place)) == is_one
            }
        }
    }
}
