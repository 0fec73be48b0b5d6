//! What requests to the intake came to, in numbers: for the metrics.

use super::intake::IntakeProblem;

/// What the requests came to, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were made.
    pub requests: usize,
    /// Failures after which the request was worth making again, by kind.
    pub(crate) retries: Retries,
    /// Answers 401 and 403.
    pub(crate) key_refused: usize,
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
}

impl Retries {
    /// All of them.
    pub(crate) fn all(&self) -> usize {
        self.rate_limited + self.server_error + self.timeout + self.connection
    }

    /// Counts one.
    pub(crate) fn count(&mut self, problem: IntakeProblem) {
        match problem {
            IntakeProblem::Status(429) => self.rate_limited += 1,
            IntakeProblem::Status(408) | IntakeProblem::Timeout => self.timeout += 1,
            IntakeProblem::Status(_) | IntakeProblem::Unexpected(_) | IntakeProblem::Html => self.server_error += 1,
            IntakeProblem::Connection => self.connection += 1,
        }
    }
}

impl Tally {
    /// Adds those of another payload.
    pub(crate) fn add(&mut self, other: Tally) {
        self.requests += other.requests;
        self.retries.rate_limited += other.retries.rate_limited;
        self.retries.server_error += other.retries.server_error;
        self.retries.timeout += other.retries.timeout;
        self.retries.connection += other.retries.connection;
        self.key_refused += other.key_refused;
        self.latencies.extend(other.latencies);
    }
}
