//! Why Fluent Bit does not start with a configuration.

use super::unknown::Unknown;

/// Why there is nothing to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// It does not start.
    #[error("{0}")]
    Because(String),
    /// It is not known what it would do.
    #[error("{0}")]
    Unknown(Unknown),
}

impl NotStarted {
    pub(crate) fn because(reason: &str) -> NotStarted {
        NotStarted::Because(reason.to_owned())
    }

    pub(crate) fn unknown(reason: &'static str) -> NotStarted {
        NotStarted::Unknown(Unknown(reason))
    }
}
