//! Regular expressions as two products write them, on Rust's `regex` crate: it matches in linear time, whatever a pod's
//! author writes.
//!
//! [`translate`] turns Go's or Python's syntax into Rust's, [`replacement`] reads what is put in place of a match.
//! `crates/pipeline/tests/integration/patterns.rs` compares both with what real Go and real Python said.

mod class;
mod cursor;
mod replacement;
mod translate;

pub use replacement::Replacement;

use regex::{Regex, RegexBuilder};

/// How long a pattern may be, in bytes. Patterns come from annotations that anyone in a cluster can write.
pub const MAX_PATTERN_BYTES: usize = 16 * 1024;

/// How large a compiled pattern may be, in bytes; the cache of its lazy automaton may be as large again.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;

/// Whose patterns they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The Agent's: Go's `regexp`, RE2 syntax. Classes as `\d` and `\w` are ASCII's.
    Go,
    /// Datadog's forwarder's: Python's `re`, on text. Classes are Unicode's. `$` does not match before a newline at the
    /// end as it does in Python: a log's text has none.
    Python,
}

/// Why a pattern cannot be used. Never repeats the pattern: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("at character {at}: {problem}")]
    Syntax {
        /// From 1.
        at: usize,
        problem: String,
    },
    #[error("it is longer than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
    #[error("it is too large once compiled: repeat less, or fewer characters")]
    TooLarge,
    #[error("it cannot be compiled")]
    Refused,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// The groups' names, as they were written, by number.
    names: Vec<Option<String>>,
}

impl Pattern {
    /// Compiles a pattern that may match anywhere.
    ///
    /// # Errors
    /// [`PatternError`]: it is no pattern of that dialect, or one that cannot be matched in linear time.
    pub fn new(pattern: &str, dialect: Dialect) -> Result<Pattern, PatternError> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong);
        }
        let translated = translate::translate(pattern, dialect)?;
        let regex = RegexBuilder::new(&translated.regex)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
                _ => PatternError::Refused,
            })?;
        Ok(Pattern { regex, names: translated.names })
    }

    /// The same, to match at the start of a text only. As the Agent has it, which writes `^` before the pattern: of
    /// `a|b` only the `a` is bound. Python's is bound as a whole, as Datadog's forwarder has it.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn anchored(pattern: &str, dialect: Dialect) -> Result<Pattern, PatternError> {
        let (anchored, shift) = match dialect {
            Dialect::Go => (format!("^{pattern}"), 1),
            Dialect::Python => {
                // By itself first, so that a bracket too many is told, and its place is right.
                Pattern::new(pattern, dialect)?;
                (format!("^(?:{pattern})"), 4)
            }
        };
        Pattern::new(&anchored, dialect).map_err(|error| match error {
            PatternError::Syntax { at, problem } => {
                PatternError::Syntax { at: at.saturating_sub(shift).max(1), problem }
            }
            error => error,
        })
    }

    /// Whether it matches anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Every match in a text, from byte to byte, as Rust's crate finds them.
    pub fn spans<'p>(&'p self, text: &'p str) -> impl Iterator<Item = (usize, usize)> {
        self.regex.find_iter(text).map(|found| (found.start(), found.end()))
    }
}
