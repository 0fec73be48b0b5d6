//! What requests to the intake came to, in numbers: for the metrics.

use super::intake::IntakeProblem;

/// What the requests came to, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were made.
    pub requests: usize,
    /// Failures after which the request was worth making again, by kind.
    pub(crate) retries: Retries,
    /// Answers 401 and 403 for which the key is to blame.
    pub(crate) key_refused: usize,
    /// Payloads that were forbidden though their key is accepted.
    pub(crate) forbidden: usize,
    /// How long each request took, in milliseconds.
    pub(crate) latencies: Vec<u64>,
}

/// Failures that may pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retries {
    /// 429.
    pub(crate) rate_limited: usize,
    /// 5xx.
    pub(crate) server_error: usize,
    /// 408, or no answer in time.
    pub(crate) timeout: usize,
    pub(crate) connection: usize,
    /// Answers that are none of the intake's.
    pub(crate) unexpected: usize,
}

impl Retries {
    /// All of them.
    pub(crate) fn all(&self) -> usize {
        self.rate_limited + self.server_error + self.timeout + self.connection + self.unexpected
    }

    /// Counts one.
    pub(crate) fn count(&mut self, problem: IntakeProblem) {
        match problem {
            IntakeProblem::Status(429) => self.rate_limited += 1,
            IntakeProblem::Status(408) | IntakeProblem::Timeout => self.timeout += 1,
            IntakeProblem::Status(_) => self.server_error += 1,
            IntakeProblem::Connection => self.connection += 1,
            IntakeProblem::Unexpected(_) | IntakeProblem::Html => self.unexpected += 1,
        }
    }
}

impl Tally {
    /// What somebody else than the intake seems to have answered.
    pub(crate) fn unexpected(&self) -> usize {
        self.retries.unexpected + self.forbidden
    }
}
