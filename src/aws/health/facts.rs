//! What is read from AWS to judge the forwarder's health by. Each fact is kept with the error that it ended in, so that one missing
//! permission does not hide the rest.

use crate::aws::error::SdkCallError;
use crate::aws::function::Function;
use crate::aws::groups::{LogGroup, SubscriptionFilter};
use crate::aws::queues::{ForwarderQueue, QueueAttributes};
use crate::aws::subscribe::account_policy::AccountPolicy;
use crate::aws::subscribe::permission::FunctionPolicy;

/// A value, or why it could not be read.
pub(crate) type HealthFact<T> = Result<T, SdkCallError>;

/// All facts.
#[derive(Debug, Clone)]
pub(crate) struct HealthFacts {
    pub(crate) region: String,
    pub(crate) function: Function,
    pub(crate) log_groups: LogGroupFacts,
    pub(crate) queues: QueueFacts,
    pub(crate) activity: ActivityFacts,
}

/// The log groups, and what decides for all of them whether their logs reach the function.
#[derive(Debug, Clone)]
pub(crate) struct LogGroupFacts {
    /// The account's id: 12 digits.
    pub(crate) account: String,
    /// Whether they were found at all.
    pub(crate) found: HealthFact<()>,
    pub(crate) groups: Vec<LogGroupFact>,
    /// Names that were asked for and that no group has.
    pub(crate) missing: Vec<String>,
    /// Names of groups that were found and left out, because nothing leads from them to the function.
    pub(crate) unsubscribed: Vec<String>,
    /// The source of an invocation by any group of the account: an ARN with a star.
    pub(crate) any_source: String,
    pub(crate) permission: HealthFact<FunctionPolicy>,
    /// What else of the function is led to.
    pub(crate) others: Vec<OtherTarget>,
    /// The account's subscription filter policy, if it leads to the function.
    pub(crate) account_policy: HealthFact<Option<AccountPolicy>>,
    /// The name of one that leads to the function, but for log groups that podferry cannot tell.
    pub(crate) unclear_policy: Option<String>,
    pub(crate) failed_events: FailedEventsFacts,
}

/// Where Lambda sends events that it gives up on, if anywhere: ARNs.
#[derive(Debug, Clone)]
pub(crate) struct FailedEventsFacts {
    /// Of each version and alias that exists and that something leads to; `None` is the function itself.
    pub(crate) led_to: Vec<(Option<String>, HealthFact<Option<String>>)>,
    /// Of the function itself; read only where something else of it is led to.
    pub(crate) own: HealthFact<Option<String>>,
}

/// A version or alias that something leads to, though it is not what is meant of the function; or the function itself.
#[derive(Debug, Clone)]
pub(crate) struct OtherTarget {
    /// `None`: the function itself.
    pub(crate) qualifier: Option<String>,
    /// By which CloudWatch Logs may invoke it; `None` where it does not exist.
    pub(crate) permission: HealthFact<Option<FunctionPolicy>>,
}

/// A log group.
#[derive(Debug, Clone)]
pub(crate) struct LogGroupFact {
    pub(crate) group: LogGroup,
    /// Its ARN as the source of an invocation.
    pub(crate) source: String,
    pub(crate) filters: HealthFact<Vec<SubscriptionFilter>>,
    /// The newest of its streams; `None` where there is no stream.
    pub(crate) newest: HealthFact<Option<NewestEvent>>,
}

/// Times of the newest stream, in milliseconds since 1970. CloudWatch updates them within an hour or so.
/// Source: Amazon CloudWatch Logs API reference, `LogStream`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NewestEvent {
    pub(crate) event: Option<i64>,
    pub(crate) ingestion: Option<i64>,
}

/// The queues, and how they come back to the function.
#[derive(Debug, Clone)]
pub(crate) struct QueueFacts {
    pub(crate) queues: Vec<QueueFact>,
    /// What Lambda reads from the queue of undelivered logs for the function, whatever version or alias.
    pub(crate) mappings: HealthFact<Vec<QueueMapping>>,
    /// Where Lambda sends events that it gives up on, if anywhere: an ARN.
    pub(crate) failed_events: HealthFact<Option<String>>,
}

/// A queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueFact {
    pub(crate) queue: ForwarderQueue,
    pub(crate) attributes: HealthFact<QueueAttributes>,
    /// The age of its oldest message; `None` where CloudWatch has no value, as for a queue that has long been empty.
    pub(crate) oldest_seconds: HealthFact<Option<u64>>,
    /// Whether a variable of the function names it. Others are found by a redrive policy or in Lambda's configuration.
    pub(crate) is_in_variables: bool,
}

/// What Lambda reads for the function. Source: AWS Lambda API reference, `EventSourceMappingConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueMapping {
    pub(crate) id: String,
    /// The ARN of a queue or a stream.
    pub(crate) source: String,
    /// `Enabled`, `Disabled`, …
    pub(crate) state: String,
}

/// What happened lately.
#[derive(Debug, Clone)]
pub(crate) struct ActivityFacts {
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
    pub(crate) last_hour: HealthFact<LastHour>,
}

/// What CloudWatch counted in the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LastHour {
    pub(crate) invocations: usize,
    pub(crate) errors: usize,
    pub(crate) throttles: usize,
}
