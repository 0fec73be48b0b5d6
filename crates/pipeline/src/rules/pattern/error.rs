//! Why a pattern, or a replacement, cannot be used.

/// How long a pattern may be, in bytes. Patterns come from annotations that anyone in a cluster can write.
pub const MAX_PATTERN_BYTES: usize = 16 * 1024;

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
    #[error("it is too large once compiled: use fewer or smaller repetitions and classes")]
    TooLarge,
    #[error("it cannot be compiled")]
    Refused,
}
