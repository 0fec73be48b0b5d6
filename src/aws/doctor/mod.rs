//! Whether the whole way works, step by step: what is right, what is wrong, what could not be checked, and what mends it.
//!
//! ```text
//!  AWS ─▶ read ─▶ function, settings, key, role, logs, queues ─┐
//!  kubectl (JSON) ─────────────▶ cluster ──────────────────────┼─▶ steps
//!  the function's answer ──────▶ test_event ───────────────────┘
//! ```
//!
//! [`read`] asks; all others judge what was read, and are pure. Asking `kubectl`, and the order of the steps, is the work of
//! `cli::doctor`.

pub(crate) mod cluster;
pub(crate) mod function;
pub(crate) mod key;
pub(crate) mod logs;
pub(crate) mod queues;
pub(crate) mod read;
pub(crate) mod role;
pub(crate) mod test_event;

use super::error::{AwsCallError, AwsFailure};

/// A part of the way, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Account,
    Function,
    Key,
    Role,
    LogGroups,
    Queues,
    Cluster,
    Test,
}

impl Area {
    /// The heading.
    #[must_use]
    pub(crate) fn title(self) -> &'static str {
        match self {
            Area::Account => "AWS account",
            Area::Function => "Function",
            Area::Key => "API key",
            Area::Role => "Role",
            Area::LogGroups => "Log groups",
            Area::Queues => "Queues",
            Area::Cluster => "Cluster",
            Area::Test => "Test event",
        }
    }
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    /// It works, and may be meant, but look at it.
    Note,
    /// Logs are lost, late or doubled, or will be.
    Wrong,
    /// It could not be checked, so it may be wrong.
    Unknown,
    /// It was not tried: a step before it failed, or it was not wanted.
    Skipped,
}

impl Outcome {
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Outcome::Right => "ok",
            Outcome::Note => "note",
            Outcome::Wrong => "wrong",
            Outcome::Unknown => "unknown",
            Outcome::Skipped => "skipped",
        }
    }

    /// For terminals that show more than ASCII.
    #[must_use]
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Outcome::Right => "✓",
            Outcome::Note => "!",
            Outcome::Wrong => "✗",
            Outcome::Unknown => "?",
            Outcome::Skipped => "–",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) area: Area,
    /// `settings`, `log group /a`.
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    /// What was seen: a sentence without a full stop. Never a key, never a log's text.
    pub(crate) detail: String,
    /// What mends it, or shows more: a command, or a sentence.
    pub(crate) remedy: Option<String>,
}

impl Step {
    fn new(area: Area, name: &str, outcome: Outcome, detail: impl Into<String>) -> Step {
        Step { area, name: name.to_owned(), outcome, detail: detail.into(), remedy: None }
    }

    #[must_use]
    pub(crate) fn right(area: Area, name: &str, detail: impl Into<String>) -> Step {
        Step::new(area, name, Outcome::Right, detail)
    }

    #[must_use]
    pub(crate) fn note(area: Area, name: &str, detail: impl Into<String>) -> Step {
        Step::new(area, name, Outcome::Note, detail)
    }

    #[must_use]
    pub(crate) fn wrong(area: Area, name: &str, detail: impl Into<String>) -> Step {
        Step::new(area, name, Outcome::Wrong, detail)
    }

    #[must_use]
    pub(crate) fn unknown(area: Area, name: &str, detail: impl Into<String>) -> Step {
        Step::new(area, name, Outcome::Unknown, detail)
    }

    /// `because` is why it was not tried.
    #[must_use]
    pub(crate) fn skipped(area: Area, name: &str, because: &str) -> Step {
        Step::new(area, name, Outcome::Skipped, because)
    }

    #[must_use]
    pub(crate) fn mend(mut self, remedy: impl Into<String>) -> Step {
        self.remedy = Some(remedy.into());
        self
    }

    /// Of a call that failed: what is not there is wrong, anything else leaves it open. The error says what to do.
    #[must_use]
    pub(crate) fn of_error(area: Area, name: &str, error: &AwsCallError) -> Step {
        let outcome = if matches!(error.failure, AwsFailure::NotFound(_)) { Outcome::Wrong } else { Outcome::Unknown };
        Step::new(area, name, outcome, error.to_string())
    }
}
