//! How the forwarder does: what stands, what waits, what went wrong, and what to do.
//!
//! [`read`] asks AWS; what cannot be read is kept as the error that it was, and the rest goes on. [`findings`] judges, pure.

pub(crate) mod findings;
pub(crate) mod read;

use super::error::CallError;
use super::function::Function;
use super::groups::{Filter, Group};
use super::queues::{Depth, Queue};
use super::subscribe::account_policy::AccountPolicy;
use super::subscribe::permission::Policy;

/// A value, or why it could not be read.
pub(crate) type Read<T> = Result<T, CallError>;

/// All that was read.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) account: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) function: Function,
    pub(crate) permission: Read<Policy>,
    /// The account's policy, if it leads to the function.
    pub(crate) account_policy: Read<Option<AccountPolicy>>,
    pub(crate) last_hour: Read<LastHour>,
    pub(crate) groups: Vec<GroupStatus>,
    /// Names that were asked for and that no group has.
    pub(crate) missing: Vec<String>,
    pub(crate) queues: Vec<QueueStatus>,
    /// Where Lambda sends events that it gives up, if anywhere: an ARN.
    pub(crate) failed_events: Read<Option<String>>,
}

/// What CloudWatch counted in the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LastHour {
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    pub(crate) throttles: u64,
}

/// A log group.
#[derive(Debug, Clone)]
pub(crate) struct GroupStatus {
    pub(crate) group: Group,
    /// Its ARN as the source of an invocation.
    pub(crate) source: String,
    pub(crate) filters: Read<Vec<Filter>>,
    /// The newest of its streams; `None` where there is no stream.
    pub(crate) newest: Read<Option<Newest>>,
}

/// Times of the newest stream, in milliseconds since 1970. CloudWatch updates them within an hour or so.
/// Source: Amazon CloudWatch Logs API reference, `LogStream`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) event: Option<i64>,
    pub(crate) ingestion: Option<i64>,
}

/// A queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueStatus {
    pub(crate) queue: Queue,
    pub(crate) depth: Read<Depth>,
    /// Of its oldest message, in seconds; `None` where CloudWatch has no value, as of a queue that is empty for long.
    pub(crate) oldest_seconds: Read<Option<u64>>,
}
