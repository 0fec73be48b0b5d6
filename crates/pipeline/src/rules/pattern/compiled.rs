//! A pattern, translated and compiled: what matches texts, within a budget of work.

use std::sync::{Arc, OnceLock};

use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, meta};
use regex_syntax::hir::Hir;

use super::counted::{CountedRegex, Stopped};
use super::dialect::Dialect;
use super::error::{MAX_PATTERN_BYTES, PatternError};
use super::reading::{MAX_COMPILED_BYTES, Reading};
use super::translate;
use super::weight::Weight;
use super::work::{PatternId, Spent, Work};

/// How large the automaton of one direction may grow before it is cleared. Those of ordinary patterns have some 10 kB.
const MAX_AUTOMATON_BYTES: usize = 256 * 1024;

/// How much of a name is looked at. A name in Kubernetes has 253 characters at most, an image's with its registry and tag some more.
const MAX_NAME_BYTES: usize = 1024;

/// A compiled pattern. Copies share what was compiled.
#[derive(Debug, Clone)]
pub struct Pattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    id: PatternId,
    /// In the syntax of `regex-syntax`.
    source: String,
    regex: meta::Regex,
    weight: Weight,
    /// Whether a match may be of nothing.
    is_empty_possible: bool,
    /// The groups' names, as they were written, by number.
    names: Vec<Option<String>>,
    /// Made when a search has to be counted for the first time.
    counted: OnceLock<Option<CountedRegex>>,
}

impl Pattern {
    /// Compiles a pattern that may match anywhere.
    ///
    /// # Errors
    /// [`PatternError`]: it is no pattern of that dialect, or one that cannot be matched in linear time.
    pub fn new(pattern: &str, dialect: Dialect) -> Result<Pattern, PatternError> {
        Pattern::read(pattern, dialect, &mut Reading::within(usize::MAX))
    }

    /// The same, and what it takes, also where it fails.
    pub(crate) fn read(pattern: &str, dialect: Dialect, reading: &mut Reading) -> Result<Pattern, PatternError> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong);
        }
        let translated = translate::translate(pattern, dialect, reading)?;
        reading.check()?;
        let hir = parse(&translated.regex)?;
        // Which group matched what is asked where a replacement needs it, and of the match alone.
        let config = config().which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit);
        let regex = meta::Regex::builder().configure(config).build_from_hir(&hir).map_err(|error| {
            reading.built_in_vain();
            build_error(&error)
        })?;
        Ok(Pattern(Arc::new(Compiled {
            id: PatternId::new(),
            source: translated.regex,
            regex,
            weight: Weight::of(&hir),
            is_empty_possible: hir.properties().minimum_len() == Some(0),
            names: translated.names,
            counted: OnceLock::new(),
        })))
    }

    /// The same, to match at the start of a text only. As the Agent has it, which writes `^` before the pattern: of
    /// `a|b` only the `a` is bound. Python's is bound as a whole, as Datadog's forwarder has it.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn anchored(pattern: &str, dialect: Dialect) -> Result<Pattern, PatternError> {
        Pattern::read_anchored(pattern, dialect, &mut Reading::within(usize::MAX))
    }

    /// The same, and what it takes, also where it fails.
    pub(crate) fn read_anchored(
        pattern: &str,
        dialect: Dialect,
        reading: &mut Reading,
    ) -> Result<Pattern, PatternError> {
        let (anchored, shift) = match dialect {
            Dialect::Go => (format!("^{pattern}"), 1),
            Dialect::Python => {
                // By itself first, so that a bracket too many is told, and its place is right.
                Pattern::new(pattern, dialect)?;
                (format!("^(?:{pattern})"), 4)
            }
        };
        Pattern::read(&anchored, dialect, reading).map_err(|error| match error {
            PatternError::Syntax { at, problem } => {
                PatternError::Syntax { at: at.saturating_sub(shift).max(1), problem }
            }
            error => error,
        })
    }

    /// How many bytes it takes. What counts the work of searches is as large as what searches, and is taken for made.
    pub(crate) fn bytes(&self) -> usize {
        let Compiled { source, regex, .. } = &*self.0;
        size_of::<Compiled>() + source.len() + 2 * regex.memory_usage()
    }

    /// The same pattern with its groups, to be asked what they matched.
    pub(super) fn hir(&self) -> Result<Hir, PatternError> {
        parse(&self.0.source)
    }

    pub(super) fn names(&self) -> &[Option<String>] {
        &self.0.names
    }

    pub(super) fn weight(&self) -> Weight {
        self.0.weight
    }

    /// Whether it matches anywhere in a text.
    ///
    /// # Errors
    /// [`Spent`]: there is no budget left to find out.
    pub fn is_match(&self, text: &str, work: &Work) -> Result<bool, Spent> {
        let Compiled { id, weight, .. } = &*self.0;
        let granted = |_| self.is_match_granted(text, work);
        if work.grants(weight.most(text.len())) {
            return Ok(granted(()));
        }
        let counted = work.count(|left| {
            let Some(counted) = self.counted() else { return Err(Stopped::Unable) };
            work.with_counted_cache(*id, || counted.create_cache(), |cache| counted.is_match(cache, text, 0, left))
        });
        self.or_unable(counted, text.len(), work, granted)
    }

    /// Whether it matches anywhere in a name, as far as that is one. Names are short, so that is not counted.
    pub(crate) fn is_match_in_name(&self, name: &str, work: &Work) -> bool {
        let name = name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default();
        self.is_match_granted(name, work)
    }

    fn is_match_granted(&self, text: &str, work: &Work) -> bool {
        let Compiled { id, regex, is_empty_possible, .. } = &*self.0;
        // `regex-automata` leaves out a match of nothing within a character, and with `earliest` also the match that began before it: of `é|\B` the `é`.
        let input = Input::new(text).earliest(!is_empty_possible);
        work.with_cache(*id, || regex.create_cache(), |cache| regex.search_half_with(cache, &input).is_some())
    }

    /// Every match in a text, from byte to byte, as Rust's crate `regex` finds them; an error ends them.
    ///
    /// # Errors
    /// [`Spent`]: there is no budget left to find the next.
    pub fn spans<'p>(&'p self, text: &'p str, work: &'p Work) -> impl Iterator<Item = Result<(usize, usize), Spent>> {
        let mut matches = Matches::default();
        std::iter::from_fn(move || matches.next(self, text, work).transpose())
    }

    /// The first match from `at` on, the start of a character.
    fn find(&self, text: &str, at: usize, work: &Work) -> Result<Option<(usize, usize)>, Spent> {
        let Compiled { id, regex, weight, .. } = &*self.0;
        let granted = |_| {
            let input = Input::new(text).span(at..text.len());
            let found = work.with_cache(*id, || regex.create_cache(), |cache| regex.search_with(cache, &input));
            found.map(|found| (found.start(), found.end()))
        };
        if work.grants(weight.most(text.len() - at)) {
            return Ok(granted(()));
        }
        let counted = work.count(|left| {
            let Some(counted) = self.counted() else { return Err(Stopped::Unable) };
            work.with_counted_cache(*id, || counted.create_cache(), |cache| counted.find(cache, text, at, left))
        });
        self.or_unable(counted, text.len() - at, work, granted)
    }

    /// Where the search that counts is not able to go on, the other is paid for by what it can cost at most.
    fn or_unable<R>(
        &self,
        counted: Result<R, Stopped>,
        bytes: usize,
        work: &Work,
        other: impl FnOnce(()) -> R,
    ) -> Result<R, Spent> {
        match counted {
            Ok(found) => Ok(found),
            Err(Stopped::Spent) => Err(Spent),
            Err(Stopped::Unable) => work.spend(self.0.weight.most(bytes)).map(other),
        }
    }

    fn counted(&self) -> Option<&CountedRegex> {
        let make = || CountedRegex::new(&self.hir().ok()?, MAX_COMPILED_BYTES);
        self.0.counted.get_or_init(make).as_ref()
    }
}

/// The matches in one text, one after the other.
#[derive(Debug, Default)]
pub(super) struct Matches {
    at: usize,
    /// Where the last match ended.
    last: Option<usize>,
    is_over: bool,
}

impl Matches {
    /// The next match, if there is one. No match is empty where the one before ended.
    pub(super) fn next(&mut self, pattern: &Pattern, text: &str, work: &Work) -> Result<Option<(usize, usize)>, Spent> {
        while !self.is_over && self.at <= text.len() {
            let Some((start, end)) = pattern.find(text, self.at, work)? else { break };
            let again = start == end && self.last == Some(end);
            self.at = match again {
                // One character on.
                true => end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8),
                false => end,
            };
            if !again {
                self.last = Some(end);
                return Ok(Some((start, end)));
            }
        }
        self.is_over = true;
        Ok(None)
    }
}

pub(super) fn config() -> meta::Config {
    meta::Config::new()
        .match_kind(MatchKind::LeftmostFirst)
        .utf8_empty(true)
        .nfa_size_limit(Some(MAX_COMPILED_BYTES))
        .onepass_size_limit(Some(MAX_AUTOMATON_BYTES))
        .hybrid_cache_capacity(MAX_AUTOMATON_BYTES)
}

pub(super) fn build_error(error: &meta::BuildError) -> PatternError {
    match error.size_limit() {
        Some(_) => PatternError::TooLarge,
        None => PatternError::Refused,
    }
}

fn parse(source: &str) -> Result<Hir, PatternError> {
    syntax::parse_with(source, &syntax::Config::new().utf8(true)).map_err(|_| PatternError::Refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(pattern: &Pattern, text: &str, work: &Work) -> Result<Vec<(usize, usize)>, Spent> {
        pattern.spans(text, work).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_counted_search_finds_what_the_other_finds(
            pattern in r"([a-c]|\\d|\\w|\\pL|\\b|\\B|\^|\$|\.|\(\?m\)|[a-c][*+?]|\[\^a\]\*|\(a\|bc\)|\(b\*\|\)|\||é|[a-c]\{1,3\}|\\n|\(\?s\)|\\W|[QX]|\[\^Q\]|\[P-Y→\]\+|\\b\\d\+\\b){0,8}",
            text in "[a-c0-2QXé卡→٣ \\n]{0,24}",
            dialect in prop_oneof![Just(Dialect::Go), Just(Dialect::Python)],
        ) {
            let Ok(pattern) = Pattern::new(&pattern, dialect) else { return Ok(()) };
            let (granted, counting) = (Work::unlimited(), Work::counting(u64::MAX));
            prop_assert_eq!(pattern.is_match(&text, &counting), pattern.is_match(&text, &granted));
            // A second time from what is known.
            for _ in 0..2 {
                prop_assert_eq!(spans(&pattern, &text, &counting), spans(&pattern, &text, &granted));
            }
        }

        #[test]
        fn a_budget_is_spent_at_the_same_step_each_time(text in "[ab]{1,80}", pattern in prop_oneof![Just("a[^z]*z|a"), Just("(a|b){2,9}b"), Just("a+")]) {
            let pattern = Pattern::new(pattern, Dialect::Go).unwrap();
            let all = Work::counting(u64::MAX);
            let whole = spans(&pattern, &text, &all).unwrap();
            let steps = all.counted_of(u64::MAX);
            for (budget, fits) in [(steps + 1, true), (steps, true), (steps - 1, false)] {
                let outcome = spans(&pattern, &text, &Work::counting(budget));
                prop_assert_eq!(outcome, if fits { Ok(whole.clone()) } else { Err(Spent) });
            }
        }
    }

    #[test]
    fn a_pattern_that_is_cheap_on_a_text_is_cheap_however_many_matches_there_are() {
        let (text, steps) = (
            format!("{} user@example.org 4111-1111-1111-1111 10.1.2.3 Größe", "lorem ipsum ".repeat(20)).repeat(4000),
            u64::MAX,
        );
        for (pattern, dialect) in [
            (r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}", Dialect::Go),
            (r"\b(?:\d[ -]*?){13,16}\b", Dialect::Go),
            (r"\b(?:\d[ -]*?){13,16}\b", Dialect::Python),
            (r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", Dialect::Go),
            (r"(?i)(?:pass|pwd|token)\s*[:=]\s*\S+", Dialect::Go),
        ] {
            let pattern = Pattern::new(pattern, dialect).unwrap();
            let work = Work::counting(steps);
            spans(&pattern, &text, &work).unwrap();
            let each = work.counted_of(steps) as f64 / text.len() as f64;
            assert!(each < 3.0, "{each} steps for each byte");
        }
    }

    #[test]
    fn matches_that_are_looked_for_far_ahead_spend_the_budget() {
        let text = "a".repeat(200_000);
        let pattern = Pattern::new("a[^z]*z|a", Dialect::Go).unwrap();
        assert_eq!(spans(&pattern, &text, &Work::counting(1_000_000)), Err(Spent));
    }

    #[test]
    fn a_counted_search_takes_no_part_of_a_character_for_a_match() {
        for (pattern, dialect, text, is_match) in [
            (r"\B", Dialect::Go, "aéa", false),
            (r"é|\B", Dialect::Go, "aéa", true),
            (r"\B", Dialect::Python, "é", false),
            (r"\B", Dialect::Python, "→", true),
            (r"\BQ|\BX", Dialect::Python, "é Q X", false),
            (r"X\b", Dialect::Python, "aXé", false),
            (r"X\b", Dialect::Python, "aX→", true),
        ] {
            let pattern = Pattern::new(pattern, dialect).unwrap();
            for work in [Work::unlimited(), Work::counting(u64::MAX)] {
                assert_eq!(pattern.is_match(text, &work), Ok(is_match), "{:?} {text}", pattern.0.source);
            }
        }
    }
}
