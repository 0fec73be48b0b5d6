//! A search that counts its work and can be stopped: a walk over the text by a lazy automaton, byte by byte.
//!
//! It finds what [`regex_automata::meta`] finds, more slowly. A byte whose transition is known is one step; a transition that has to be made costs as
//! many as the pattern has places. So a pattern that is cheap on a text is cheap here, however it is written, and one whose automaton explodes is stopped.
//!
//! No automaton of bytes knows `\b` of Unicode. A pattern that has it, and the text for it, are walked with [`super::edges`].

use std::collections::HashSet;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::edges::{Written, edged};
use super::weight::{SEARCH, Weight};

/// Steps for a transition that is made, beside the pattern's places.
const TRANSITION: u64 = 32;

/// How large the automaton of one direction may grow before it is cleared.
const AUTOMATON_BYTES: usize = 512 * 1024;

/// Both directions: one finds the end of a match, the other its start.
#[derive(Debug)]
pub(super) struct CountedRegex {
    forward: Automaton,
    backward: Automaton,
    /// Whether texts are written with edges.
    is_edged: bool,
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
    /// How often the automaton was cleared.
    clears: usize,
}

/// Why a search was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// No steps are left.
    Spent,
    /// There is no automaton, or it cannot go on.
    Unable,
}

/// Where a match ends.
#[derive(Debug, Clone, Copy)]
struct End {
    at: usize,
    /// Behind a byte at `at` or an edge, within a character. Only nothing matches there, and it is no match.
    is_within: bool,
}

impl CountedRegex {
    /// `None` where the pattern is too large for it.
    pub(super) fn new(hir: &Hir, size_limit: usize) -> Option<CountedRegex> {
        let is_edged = hir.properties().look_set().contains_word_unicode();
        let hir = &if is_edged { edged(hir)? } else { hir.clone() };
        let weight = Weight::of(hir);
        let nfa = |reverse: bool| {
            let config = thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .utf8(!is_edged)
                .reverse(reverse)
                .nfa_size_limit(Some(size_limit));
            thompson::Compiler::new().configure(config).build_from_hir(hir).ok()
        };
        let automaton = |reverse: bool, kind: MatchKind, places: u64| {
            let config = DFA::config().match_kind(kind).cache_capacity(AUTOMATON_BYTES).skip_cache_capacity_check(true);
            let dfa = DFA::builder().configure(config).build_from_nfa(nfa(reverse)?).ok()?;
            Some(Automaton { dfa, transition: places.saturating_add(TRANSITION) })
        };
        Some(CountedRegex {
            forward: automaton(false, MatchKind::LeftmostFirst, weight.forward)?,
            backward: automaton(true, MatchKind::All, weight.backward)?,
            is_edged,
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
        match self.end(&mut cache.forward, text, at, true, left)? {
            // One that began earlier may still be there, or another may follow.
            Some(end) if end.is_within => Ok(self.find(cache, text, at, left)?.is_some()),
            end => Ok(end.is_some()),
        }
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
            if !end.is_within {
                let is_empty = end.at == at;
                let start = if is_empty { at } else { self.start(&mut cache.backward, text, at, end.at, left)? };
                return Ok(Some((start, end.at)));
            }
            at = (end.at + 1..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
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
    ) -> Result<Option<End>, Stopped> {
        let bytes = text.as_bytes();
        pay(left, SEARCH)?;
        let before = at.checked_sub(1).and_then(|at| self.written(text, at, *bytes.get(at)?).last());
        let mut state = self.forward.start(known, before, Anchored::No)?;
        let mut end = None;
        for (at, byte) in bytes.iter().enumerate().skip(at) {
            let written = self.written(text, at, *byte);
            pay(left, written.edges())?;
            for (nth, byte) in written.bytes().iter().enumerate() {
                state = self.forward.next(known, state, *byte, left)?;
                if !state.is_tagged() {
                    continue;
                }
                if state.is_match() {
                    end = Some(End { at, is_within: nth > 0 || !text.is_char_boundary(at) });
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
        let last = self.forward.dfa.next_eoi_state(&mut known.cache, state).map_err(|_| Stopped::Unable)?;
        Ok(if last.is_match() { Some(End { at: text.len(), is_within: false }) } else { end })
    }

    /// Where the match begins that ends at `end`.
    fn start(&self, known: &mut Known, text: &str, from: usize, end: usize, left: &mut u64) -> Result<usize, Stopped> {
        pay(left, SEARCH)?;
        let behind = text.as_bytes().get(end).and_then(|byte| self.written(text, end, *byte).first());
        let mut state = self.backward.start(known, behind, Anchored::Yes)?;
        let mut start = end;
        let before = text.as_bytes().get(..end).unwrap_or_default();
        // The byte before `from` is looked at, too: a state tells of its match one byte later.
        for (at, byte) in before.iter().enumerate().skip(from.saturating_sub(1)).rev() {
            let written = self.written(text, at, *byte);
            pay(left, written.edges())?;
            for (nth, byte) in written.bytes().iter().rev().enumerate() {
                state = self.backward.next(known, state, *byte, left)?;
                if !state.is_tagged() {
                    continue;
                }
                if state.is_match() {
                    start = if nth == 0 { at + 1 } else { start };
                } else if state.is_dead() {
                    return Ok(start);
                } else if state.is_quit() {
                    return Err(Stopped::Unable);
                }
            }
        }
        if from == 0 {
            let last = self.backward.dfa.next_eoi_state(&mut known.cache, state).map_err(|_| Stopped::Unable)?;
            start = if last.is_match() { 0 } else { start };
        }
        Ok(start)
    }

    /// What the automata are given for a byte of the text.
    fn written(&self, text: &str, at: usize, byte: u8) -> Written {
        if self.is_edged { Written::edged(text, at, byte) } else { Written::plain(byte) }
    }
}

impl Automaton {
    /// The state beside a byte, or at an end of the text.
    fn start(&self, known: &mut Known, beside: Option<u8>, anchored: Anchored) -> Result<LazyStateID, Stopped> {
        let config = start::Config::new().look_behind(beside).anchored(anchored);
        self.dfa.start_state(&mut known.cache, &config).map_err(|_| Stopped::Unable)
    }

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
