//! A pattern, translated and compiled: what matches texts.

use regex::{Regex, RegexBuilder};

use super::dialect::Dialect;
use super::error::{MAX_PATTERN_BYTES, PatternError};
use super::translate;

/// How large a compiled pattern may be, in bytes; the cache of its lazy automaton may be as large again.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) regex: Regex,
    /// The groups' names, as they were written, by number.
    pub(super) names: Vec<Option<String>>,
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
