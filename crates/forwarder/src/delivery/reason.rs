//! Why a payload was not delivered: in words for people, as a name for messages and alarms, and what can be done about it.

use std::time::Duration;

use super::intake::IntakeProblem;
use super::key::KeyUnavailable;
use pipeline::batch::Payload;

/// Why a payload was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndeliveredReason {
    /// It was tried until the time or the patience was over; this was the last failure.
    #[error("{0}, until it was given up")]
    GivenUp(IntakeProblem),
    /// It was not tried, or not again: what was tried failed so.
    #[error("{0} to other requests, so it was not sent")]
    IntakeDown(IntakeProblem),
    #[error("there was no time left to send it")]
    NoTime,
    /// 401 or 403, and the key is to blame: the intake takes nothing with it.
    #[error("the intake answered {0}: it rejected the API key, also after the key was fetched again")]
    KeyRefused(u16),
    /// 401 or 403 to this payload, while the same key is accepted with others.
    #[error("{0} was answered to these logs, while the same API key is accepted with others")]
    Forbidden(u16),
    /// The same request would get the same answer.
    #[error("the intake answered {0}")]
    Refused(u16),
    #[error("the intake answered 413 to a single log")]
    TooLarge,
    #[error(transparent)]
    NoKey(#[from] KeyUnavailable),
    #[error("an internal error; please report it")]
    Internal,
}

/// What can be done about a payload that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It may go through later. Each round counts as an attempt, and their number is bounded.
    Later,
    /// It will once the key is right: nothing was wrong with the payload.
    WithAnotherKey,
    /// The same request would get the same answer.
    Never,
}

/// A payload that was not delivered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    pub payload: Payload,
    pub reason: UndeliveredReason,
    /// How long from now the intake asked to be left alone with it, if it did.
    pub not_before: Option<Duration>,
}

impl UndeliveredReason {
    /// Whether it is worth another try.
    pub fn outlook(&self) -> Outlook {
        match self {
            UndeliveredReason::GivenUp(_)
            | UndeliveredReason::IntakeDown(_)
            | UndeliveredReason::NoTime
            | UndeliveredReason::Forbidden(_)
            | UndeliveredReason::Internal => Outlook::Later,
            UndeliveredReason::KeyRefused(_) | UndeliveredReason::NoKey(_) => Outlook::WithAnotherKey,
            UndeliveredReason::Refused(_) | UndeliveredReason::TooLarge => Outlook::Never,
        }
    }

    /// A short stable name, for messages of the queue and for the function's own log.
    pub fn name(&self) -> String {
        match self {
            UndeliveredReason::GivenUp(IntakeProblem::Status(code))
            | UndeliveredReason::Refused(code)
            | UndeliveredReason::KeyRefused(code) => format!("IntakeAnswered{code}"),
            UndeliveredReason::GivenUp(IntakeProblem::Unexpected(code)) => format!("UnexpectedAnswer{code}"),
            UndeliveredReason::GivenUp(IntakeProblem::Html) => "HtmlPage".to_owned(),
            UndeliveredReason::GivenUp(IntakeProblem::Timeout) => "IntakeTimeout".to_owned(),
            UndeliveredReason::GivenUp(IntakeProblem::Connection) => "IntakeUnreachable".to_owned(),
            UndeliveredReason::IntakeDown(_) => "IntakeDown".to_owned(),
            UndeliveredReason::NoTime => "NoTimeLeft".to_owned(),
            UndeliveredReason::Forbidden(code) => format!("PayloadForbidden{code}"),
            UndeliveredReason::TooLarge => "IntakeAnswered413".to_owned(),
            UndeliveredReason::NoKey(_) => "ApiKeyUnavailable".to_owned(),
            UndeliveredReason::Internal => "InternalPanic".to_owned(),
        }
    }
}
