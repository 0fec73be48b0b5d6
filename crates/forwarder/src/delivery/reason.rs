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

    /// What to do about it; empty where the reason says so itself. `docs/operating.md` has the same.
    pub(crate) fn advice(&self) -> &'static str {
        use IntakeProblem::{Connection, Html, Status, Timeout, Unexpected};
        match self {
            UndeliveredReason::GivenUp(Status(429)) => {
                "it passes by itself; if it goes on, ask Datadog for a higher limit"
            }
            UndeliveredReason::GivenUp(Status(_)) => "it passes by itself; if it goes on, look at status.datadoghq.com",
            UndeliveredReason::GivenUp(Timeout) => "if it goes on, check the function's network and proxy",
            UndeliveredReason::GivenUp(Connection) => {
                "check DD_SITE or DD_URL, the proxy variables, PODFERRY_CA_BUNDLE, and that the function's VPC has a route to the internet"
            }
            UndeliveredReason::GivenUp(Unexpected(_) | Html) => {
                "a proxy or a firewall may have answered: check DD_URL or DD_SITE, and the proxy variables"
            }
            UndeliveredReason::IntakeDown(_) => "they are sent once the intake is well",
            UndeliveredReason::NoTime => "give the function a longer timeout or more memory",
            UndeliveredReason::KeyRefused(_) => "check the API key and DD_SITE",
            UndeliveredReason::Forbidden(_) => {
                "a firewall in between may dislike their text: make it let requests to the intake pass"
            }
            UndeliveredReason::Refused(415) => {
                "set DD_COMPRESSION=none: whatever is at DD_URL knows neither zstd nor gzip"
            }
            UndeliveredReason::Refused(_) => {
                "look at the dead letters with `podferry logs decode`, and report it if they are in order"
            }
            UndeliveredReason::TooLarge => {
                "raise the limit of whatever is at DD_URL, or of the proxy: Datadog takes logs of 1 MB"
            }
            UndeliveredReason::NoKey(_) | UndeliveredReason::Internal => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of the docs that a reason stands in.
    fn names(reason: &UndeliveredReason) -> &'static str {
        use IntakeProblem::{Connection, Html, Status, Timeout, Unexpected};
        match reason {
            UndeliveredReason::GivenUp(Status(429)) => "`IntakeAnswered429`",
            UndeliveredReason::GivenUp(Status(_)) => "`IntakeAnswered408`, `IntakeAnswered5…`",
            UndeliveredReason::GivenUp(Timeout) => "`IntakeTimeout`",
            UndeliveredReason::GivenUp(Connection) => "`IntakeUnreachable`",
            UndeliveredReason::GivenUp(Unexpected(_)) => "`UnexpectedAnswer…`",
            UndeliveredReason::GivenUp(Html) => "`HtmlPage`",
            UndeliveredReason::IntakeDown(_) => "`IntakeDown`",
            UndeliveredReason::NoTime => "`NoTimeLeft`",
            UndeliveredReason::KeyRefused(_) => "`IntakeAnswered401`, `IntakeAnswered403`",
            UndeliveredReason::Forbidden(_) => "`PayloadForbidden401`, `PayloadForbidden403`",
            UndeliveredReason::Refused(415) => "`IntakeAnswered415`",
            UndeliveredReason::Refused(_) => "`IntakeAnswered400`",
            UndeliveredReason::TooLarge => "`IntakeAnswered413`",
            UndeliveredReason::NoKey(_) => "`ApiKeyUnavailable`",
            UndeliveredReason::Internal => "`InternalPanic`",
        }
    }

    #[test]
    fn the_docs_have_the_reasons_with_the_advice() {
        use IntakeProblem::{Connection, Html, Status, Timeout, Unexpected};
        let reasons = [
            UndeliveredReason::GivenUp(Status(429)),
            UndeliveredReason::GivenUp(Status(503)),
            UndeliveredReason::GivenUp(Timeout),
            UndeliveredReason::GivenUp(Connection),
            UndeliveredReason::GivenUp(Unexpected(404)),
            UndeliveredReason::GivenUp(Html),
            UndeliveredReason::IntakeDown(Status(503)),
            UndeliveredReason::NoTime,
            UndeliveredReason::KeyRefused(403),
            UndeliveredReason::Forbidden(403),
            UndeliveredReason::Refused(400),
            UndeliveredReason::Refused(415),
            UndeliveredReason::TooLarge,
            UndeliveredReason::NoKey(KeyUnavailable(
                "the key of DD_API_KEY_SECRET_ARN could not be fetched".to_owned(),
            )),
            UndeliveredReason::Internal,
        ];
        let docs = std::fs::read_to_string(format!("{}/docs/operating.md", testkit::ROOT)).unwrap();
        let table =
            docs.lines().skip_while(|line| *line != "| `reason` | Logs wait, or are dead | What to do |").skip(2);
        let table: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
        let expected: Vec<String> = reasons
            .iter()
            .map(|reason| {
                use Outlook::{Later, Never, WithAnotherKey};
                let place = match reason.outlook() {
                    Later => "wait; each round counts",
                    WithAnotherKey => "wait; no round counts",
                    Never => "dead",
                };
                let advice = if reason.advice().is_empty() { "the line says it" } else { reason.advice() };
                format!("| {} | {place} | {advice} |", names(reason))
            })
            .collect();
        assert_eq!(table, expected, "{}", expected.join("\n"));
    }
}
