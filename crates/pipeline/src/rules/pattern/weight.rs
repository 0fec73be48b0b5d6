//! How much work a pattern can be for each byte of a text, told from its syntax tree before anything is matched.
//!
//! A matcher walks a text once, whatever the pattern; what varies is how many places of the pattern it can be at after the same byte. The
//! number of places bounds what a byte can cost, in the simulation of the automaton as well as where a state of a lazy automaton is made.

use regex_syntax::hir::{Class, Hir, HirKind, Look};
use regex_syntax::utf8::Utf8Sequences;

/// The bounds of one pattern, in steps: a step is about what one place costs for one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// For each byte walked from left to right.
    pub(crate) forward: u64,
    /// For each byte walked from the end of a match to the left, where a class of Unicode is as many places as it has ways to be written.
    pub(crate) backward: u64,
    /// How many bytes from its start a search can look at; more than any text has, where nothing bounds it.
    pub(crate) reach: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// Steps for any search, beside its bytes: it is set up, and finds its first state.
pub(super) const SEARCH: u64 = 20;

/// A search goes backwards over a part of the text only, and there the lazy automaton of `regex-automata` makes one state for each ten bytes at
/// most: else it gives up, and goes on without.
const BACKWARD_SHARE: u64 = 10;

impl Weight {
    /// The most that a search costs which looks at `bytes` bytes.
    pub(super) fn most(self, bytes: usize) -> u64 {
        let each = self.forward.saturating_add(self.backward / BACKWARD_SHARE);
        each.saturating_mul(bytes.min(self.reach) as u64).saturating_add(SEARCH)
    }

    pub(super) fn of(hir: &Hir) -> Weight {
        // What begins with `^` is looked for at the start of a text only; one byte more may be looked at to see that it is over.
        let starts = hir.properties().look_set_prefix().contains(Look::Start);
        let reach =
            hir.properties().maximum_len().filter(|_| starts).map_or(usize::MAX, |longest| longest.saturating_add(1));
        Weight { forward: places(hir, Direction::Forward), backward: places(hir, Direction::Backward), reach }
    }
}

fn places(hir: &Hir, direction: Direction) -> u64 {
    let sum = |parts: &[Hir]| parts.iter().fold(0_u64, |sum, part| sum.saturating_add(places(part, direction)));
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(class) => match direction {
            Direction::Forward => 1,
            Direction::Backward => spellings(class),
        },
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            places(&repetition.sub, direction).saturating_add(1).saturating_mul(times.into())
        }
        HirKind::Capture(capture) => places(&capture.sub, direction).saturating_add(2),
        HirKind::Concat(parts) => sum(parts),
        HirKind::Alternation(parts) => sum(parts).saturating_add(1),
    }
}

/// How many sequences of byte ranges a class is: read backwards, each of them can be the right one.
fn spellings(class: &Class) -> u64 {
    match class {
        Class::Unicode(class) => {
            let of_range = |range: &regex_syntax::hir::ClassUnicodeRange| match range.end().is_ascii() {
                true => 0,
                false => Utf8Sequences::new(range.start(), range.end()).count() as u64,
            };
            1 + class.ranges().iter().map(of_range).sum::<u64>()
        }
        Class::Bytes(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(pattern: &str) -> Weight {
        Weight::of(&regex_syntax::parse(pattern).unwrap())
    }

    #[test]
    fn what_is_repeated_counts_as_often_as_it_is() {
        for (pattern, forward) in [
            ("abc", 3),
            ("[a-z]", 1),
            (r"\pL", 1),
            ("[a-z]*", 2),
            ("[a-z]{3,}", 6),
            ("[a-z]{3,7}", 14),
            ("ab|cd*", 6),
            ("(?:[ab]{1,40}(?:b|a){1,40}){20}", (2 * 40 + 2 * 40 + 1) * 20),
        ] {
            assert_eq!(weight(pattern).forward, forward, "{pattern}");
        }
        assert!(weight(r"\pL").backward > 100 && weight("[a-z]").backward == 1);
        assert!(weight("(?:(?:(?:a{1000}){1000}){1000}){1000}").forward > 1 << 39);
    }

    #[test]
    fn only_what_begins_at_the_start_has_a_reach() {
        assert_eq!(weight(r"^[0-9]{4}-").reach, 6);
        for pattern in [r"[0-9]{4}-", r"^[0-9]+", r"^a|b", r"(?m)^[0-9]"] {
            assert_eq!(weight(pattern).reach, usize::MAX, "{pattern}");
        }
    }
}
