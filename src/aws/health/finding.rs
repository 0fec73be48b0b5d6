//! The one vocabulary of health: what was looked at, how it is, why, and what fixes it. `status` and `doctor` only render it.

use serde::{Serialize, Serializer};

use crate::aws::error::{AwsFailure, SdkCallError};

/// A part of the way from the pods to Datadog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthArea {
    Account,
    Function,
    Key,
    Role,
    LogGroups,
    Queues,
    LastHour,
    Test,
    Cluster,
    FluentBit,
    Canary,
}

impl HealthArea {
    /// The heading.
    #[must_use]
    pub(crate) fn title(self) -> &'static str {
        match self {
            HealthArea::Account => "AWS account",
            HealthArea::Function => "Function",
            HealthArea::Key => "API key",
            HealthArea::Role => "Role",
            HealthArea::LogGroups => "Log groups",
            HealthArea::Queues => "Queues",
            HealthArea::LastHour => "Last hour",
            HealthArea::Test => "Test event",
            HealthArea::Cluster => "Cluster",
            HealthArea::FluentBit => "Fluent Bit's own log",
            HealthArea::Canary => "Canary",
        }
    }
}

impl Serialize for HealthArea {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.title())
    }
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HealthSeverity {
    Ok,
    /// It works and may be intended, but look at it.
    Note,
    /// Logs are lost, late or sent twice, or will be.
    Wrong,
    /// It could not be checked, so it may be wrong.
    Unknown,
    /// It was not checked: an earlier check failed, or nobody asked for it.
    Skipped,
}

impl HealthSeverity {
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            HealthSeverity::Ok => "ok",
            HealthSeverity::Note => "note",
            HealthSeverity::Wrong => "wrong",
            HealthSeverity::Unknown => "unknown",
            HealthSeverity::Skipped => "skipped",
        }
    }

    /// Whether a person has to look at it: what the exit code counts. What is unknown may be wrong.
    #[must_use]
    pub(crate) fn is_problem(self) -> bool {
        matches!(self, HealthSeverity::Wrong | HealthSeverity::Unknown)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HealthFinding {
    pub(crate) area: HealthArea,
    pub(crate) severity: HealthSeverity,
    /// A short name of what is wrong, which stays: where there are many kinds of one finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    /// `function settings`, `log group /a`, `queue x`.
    pub(crate) what: String,
    /// What was seen: a sentence without a full stop. Never a key, never a log's text.
    pub(crate) why: String,
    /// What fixes it, or shows more: a command, or a sentence with commands in backticks.
    pub(crate) fix: Option<String>,
}

impl HealthFinding {
    fn new(area: HealthArea, severity: HealthSeverity, what: &str, why: impl Into<String>) -> HealthFinding {
        HealthFinding { area, severity, code: None, what: what.to_owned(), why: why.into(), fix: None }
    }

    #[must_use]
    pub(crate) fn ok(area: HealthArea, what: &str, why: impl Into<String>) -> HealthFinding {
        HealthFinding::new(area, HealthSeverity::Ok, what, why)
    }

    #[must_use]
    pub(crate) fn note(area: HealthArea, what: &str, why: impl Into<String>) -> HealthFinding {
        HealthFinding::new(area, HealthSeverity::Note, what, why)
    }

    #[must_use]
    pub(crate) fn wrong(area: HealthArea, what: &str, why: impl Into<String>) -> HealthFinding {
        HealthFinding::new(area, HealthSeverity::Wrong, what, why)
    }

    #[must_use]
    pub(crate) fn unknown(area: HealthArea, what: &str, why: impl Into<String>) -> HealthFinding {
        HealthFinding::new(area, HealthSeverity::Unknown, what, why)
    }

    /// `because` is why it was not checked.
    #[must_use]
    pub(crate) fn skipped(area: HealthArea, what: &str, because: &str) -> HealthFinding {
        HealthFinding::new(area, HealthSeverity::Skipped, what, because)
    }

    #[must_use]
    pub(crate) fn fix(self, fix: impl Into<String>) -> HealthFinding {
        HealthFinding { fix: Some(fix.into()), ..self }
    }

    /// Of a call that failed: what does not exist is wrong; any other failure leaves it open.
    #[must_use]
    pub(crate) fn of_error(area: HealthArea, what: &str, error: &SdkCallError) -> HealthFinding {
        let is_missing = matches!(error.failure, AwsFailure::NotFound(_));
        let severity = if is_missing { HealthSeverity::Wrong } else { HealthSeverity::Unknown };
        HealthFinding { fix: error.advice(), ..HealthFinding::new(area, severity, what, error.problem()) }
    }
}
