//! What the model does not know: it says so, with the reason, and never guesses.

/// Why it is not known what Fluent Bit makes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(pub &'static str);
