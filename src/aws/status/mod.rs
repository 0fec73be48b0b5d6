//! How the forwarder does: what stands, what waits, what went wrong, and what to do.
//!
//! [`read`] asks AWS; what cannot be read is kept as the error that it was, and the rest goes on. [`findings`] judges, pure.

pub mod findings;
pub mod read;

use super::error::CallError;
use super::function::Function;
use super::groups::{Filter, Group};
use super::queues::{Depth, Queue};
use super::subscribe::account_policy::AccountPolicy;
use super::subscribe::permission::Policy;

/// A value, or why it could not be read.
pub type Read<T> = Result<T, CallError>;

/// All that was read.
#[derive(Debug, Clone)]
pub struct Status {
    pub account: String,
    /// Milliseconds since 1970.
    pub now: i64,
    pub function: Function,
    pub permission: Read<Policy>,
    /// The account's policy, if it leads to the function.
    pub account_policy: Read<Option<AccountPolicy>>,
    pub last_hour: Read<LastHour>,
    pub groups: Vec<GroupStatus>,
    /// Names that were asked for and that no group has.
    pub missing: Vec<String>,
    pub queues: Vec<QueueStatus>,
    /// Where Lambda sends events that it gives up, if anywhere: an ARN.
    pub failed_events: Read<Option<String>>,
}

/// What CloudWatch counted in the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastHour {
    pub invocations: u64,
    pub errors: u64,
    pub throttles: u64,
}

/// A log group.
#[derive(Debug, Clone)]
pub struct GroupStatus {
    pub group: Group,
    /// Its ARN as the source of an invocation.
    pub source: String,
    pub filters: Read<Vec<Filter>>,
    /// The newest of its streams; `None` where there is no stream.
    pub newest: Read<Option<Newest>>,
}

/// Times of the newest stream, in milliseconds since 1970. CloudWatch updates them within an hour or so.
/// Source: Amazon CloudWatch Logs API reference, `LogStream`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Newest {
    pub event: Option<i64>,
    pub ingestion: Option<i64>,
}

/// A queue.
#[derive(Debug, Clone)]
pub struct QueueStatus {
    pub queue: Queue,
    pub depth: Read<Depth>,
    /// Of its oldest message, in seconds; `None` where CloudWatch has no value, as of a queue that is empty for long.
    pub oldest_seconds: Read<Option<u64>>,
}
