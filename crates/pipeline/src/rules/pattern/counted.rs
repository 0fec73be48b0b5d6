//! A search that counts its work and can be stopped: a walk over the text by a lazy automaton, byte by byte.
//!
//! It finds what [`regex_automata::meta`] finds, more slowly. A byte whose transition is known is one step; a transition that has to be made costs as
//! many as the pattern has places. So a pattern that is cheap on a text is cheap here, however it is written, and one whose automaton explodes is stopped.

use std::collections::HashSet;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

use super::weight::{SEARCH, Weight};

/// Steps for a transition that is made, beside the pattern's places.
const TRANSITION: u64 = 32;

/// How large the automaton of one direction may grow before it is made anew.
const AUTOMATON_BYTES: usize = 512 * 1024;

/// Both directions: one finds the end of a match, the other its start.
#[derive(Debug)]
pub(super) struct CountedRegex {
    forward: Automaton,
    backward: Automaton,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    /// What a transition costs that has to be made.
    transition: u64,
}

/// What a counted search knows from those before it.
#[derive(Debug)]
pub(super) struct CountedCache {
    forward: Known,
    backward: Known,
}

#[derive(Debug)]
struct Known {
    cache: Cache,
    /// Transitions that are known from states of which the automaton does not tell.
    transitions: HashSet<(LazyStateID, u8)>,
    /// How often the automaton was made anew.
    clears: usize,
}

/// Why a search was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// No steps are left.
    Spent,
    /// The automaton cannot go on: `\b` of Unicode beside what is not ASCII.
    Unable,
}

impl CountedRegex {
    /// `None` where the pattern is too large for it.
    pub(super) fn new(hir: &Hir, weight: Weight, size_limit: usize) -> Option<CountedRegex> {
        let nfa = |reverse: bool| {
            let config = thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .reverse(reverse)
                .nfa_size_limit(Some(size_limit));
            thompson::Compiler::new().configure(config).build_from_hir(hir).ok()
        };
        let automaton = |reverse: bool, kind: MatchKind, places: u64| {
            let config = DFA::config()
                .match_kind(kind)
                .unicode_word_boundary(true)
                .cache_capacity(AUTOMATON_BYTES)
                .skip_cache_capacity_check(true);
            let dfa = DFA::builder().configure(config).build_from_nfa(nfa(reverse)?).ok()?;
            Some(Automaton { dfa, transition: places.saturating_add(TRANSITION) })
        };
        Some(CountedRegex {
            forward: automaton(false, MatchKind::LeftmostFirst, weight.forward)?,
            backward: automaton(true, MatchKind::All, weight.backward)?,
        })
    }

    pub(super) fn create_cache(&self) -> CountedCache {
        CountedCache { forward: Known::new(&self.forward.dfa), backward: Known::new(&self.backward.dfa) }
    }

    /// Whether it matches anywhere from `at` on.
    pub(super) fn is_match(
        &self,
        cache: &mut CountedCache,
        text: &str,
        at: usize,
        left: &mut u64,
    ) -> Result<bool, Stopped> {
        Ok(self.end(&mut cache.forward, text, at, true, left)?.is_some())
    }

    /// The first match from `at` on, which is the start of a character.
    pub(super) fn find(
        &self,
        cache: &mut CountedCache,
        text: &str,
        mut at: usize,
        left: &mut u64,
    ) -> Result<Option<(usize, usize)>, Stopped> {
        loop {
            let Some(end) = self.end(&mut cache.forward, text, at, false, left)? else { return Ok(None) };
            let start = if end == at { end } else { self.start(&mut cache.backward, text, at, end, left)? };
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                return Ok(Some((start, end)));
            }
            // Nothing, within a character: that is no match.
            at = (end + 1..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        }
    }

    /// Where the first match from `at` on ends; with `earliest`, where it is known that there is one.
    fn end(
        &self,
        known: &mut Known,
        text: &str,
        at: usize,
        earliest: bool,
        left: &mut u64,
    ) -> Result<Option<usize>, Stopped> {
        let Automaton { dfa, .. } = &self.forward;
        let input = Input::new(text).span(at..text.len());
        pay(left, SEARCH)?;
        let mut state = dfa.start_state_forward(&mut known.cache, &input).map_err(|_| Stopped::Unable)?;
        let mut end = None;
        for (at, byte) in text.as_bytes().iter().enumerate().skip(at) {
            state = self.forward.next(known, state, *byte, left)?;
            if state.is_tagged() {
                if state.is_match() {
                    end = Some(at);
                    if earliest {
                        return Ok(end);
                    }
                } else if state.is_dead() {
                    return Ok(end);
                } else if state.is_quit() {
                    return Err(Stopped::Unable);
                }
            }
        }
        let last = dfa.next_eoi_state(&mut known.cache, state).map_err(|_| Stopped::Unable)?;
        Ok(if last.is_match() { Some(text.len()) } else { end })
    }

    /// Where the match begins that ends at `end`.
    fn start(&self, known: &mut Known, text: &str, from: usize, end: usize, left: &mut u64) -> Result<usize, Stopped> {
        let Automaton { dfa, .. } = &self.backward;
        let input = Input::new(text).span(from..end).anchored(Anchored::Yes);
        pay(left, SEARCH)?;
        let mut state = dfa.start_state_reverse(&mut known.cache, &input).map_err(|_| Stopped::Unable)?;
        let mut start = end;
        let before = text.as_bytes().get(..end).unwrap_or_default();
        // The byte before `from` is looked at, too: a state tells of its match one byte later.
        for (at, byte) in before.iter().enumerate().skip(from.saturating_sub(1)).rev() {
            state = self.backward.next(known, state, *byte, left)?;
            if state.is_tagged() {
                if state.is_match() {
                    start = at + 1;
                } else if state.is_dead() {
                    return Ok(start);
                } else if state.is_quit() {
                    return Err(Stopped::Unable);
                }
            }
        }
        if from == 0 {
            let last = dfa.next_eoi_state(&mut known.cache, state).map_err(|_| Stopped::Unable)?;
            start = if last.is_match() { 0 } else { start };
        }
        Ok(start)
    }
}

impl Automaton {
    fn next(&self, known: &mut Known, state: LazyStateID, byte: u8, left: &mut u64) -> Result<LazyStateID, Stopped> {
        pay(left, 1)?;
        if state.is_tagged() {
            // A match goes on: the automaton has a faster way for all other states only.
            if !known.transitions.insert((state, self.dfa.byte_classes().get(byte))) {
                return self.dfa.next_state(&mut known.cache, state, byte).map_err(|_| Stopped::Unable);
            }
        } else {
            let next = self.dfa.next_state_untagged(&known.cache, state, byte);
            if !next.is_unknown() {
                return Ok(next);
            }
        }
        pay(left, self.transition)?;
        let next = self.dfa.next_state(&mut known.cache, state, byte).map_err(|_| Stopped::Unable)?;
        if known.cache.clear_count() != known.clears {
            known.clears = known.cache.clear_count();
            known.transitions.clear();
        }
        Ok(next)
    }
}

impl Known {
    fn new(dfa: &DFA) -> Known {
        Known { cache: dfa.create_cache(), transitions: HashSet::new(), clears: 0 }
    }

    fn memory_usage(&self) -> usize {
        self.cache.memory_usage() + self.transitions.capacity() * (size_of::<(LazyStateID, u8)>() + 1)
    }
}

impl CountedCache {
    pub(super) fn memory_usage(&self) -> usize {
        self.forward.memory_usage() + self.backward.memory_usage()
    }
}

fn pay(left: &mut u64, steps: u64) -> Result<(), Stopped> {
    match left.checked_sub(steps) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => {
            *left = 0;
            Err(Stopped::Spent)
        }
    }
}
