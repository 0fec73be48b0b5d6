//! How the forwarder does: what stands, what waits, what went wrong, and what to do.
//!
//! [`read`] asks AWS; what cannot be read is kept as the error that it was, and the rest goes on. [`findings`] judges, pure.

pub(crate) mod findings;
pub(crate) mod read;

use super::error::AwsCallError;
use super::function::Function;
use super::groups::{LogGroup, SubscriptionFilter};
use super::queues::{QueueDepth, SqsQueue};
use super::subscribe::account_policy::AccountPolicy;
use super::subscribe::permission::FunctionPolicy;

/// A value, or why it could not be read.
pub(crate) type Read<T> = Result<T, AwsCallError>;

/// All that was read.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) account: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) function: Function,
    pub(crate) permission: Read<FunctionPolicy>,
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
    pub(crate) group: LogGroup,
    /// Its ARN as the source of an invocation.
    pub(crate) source: String,
    pub(crate) filters: Read<Vec<SubscriptionFilter>>,
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
    pub(crate) queue: SqsQueue,
    pub(crate) depth: Read<QueueDepth>,
    /// Of its oldest message, in seconds; `None` where CloudWatch has no value, as of a queue that is empty for long.
    pub(crate) oldest_seconds: Read<Option<u64>>,
}
