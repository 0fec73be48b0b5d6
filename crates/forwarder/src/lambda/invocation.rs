//! One invocation from the outside: what Lambda says of it, and what it came to, in numbers or as a failure.

use serde::Serialize;

use super::aws::AwsCallError;
use crate::delivery::client::ClientError;
use crate::delivery::reason::UndeliveredReason;
use pipeline::LogCounts;
use pipeline::counted::counted;
use pipeline::event::EventError;

/// What Lambda says of an invocation.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    pub request_id: String,
    /// The forwarder's own ARN.
    pub function_arn: String,
    /// Milliseconds since 1970.
    pub deadline_ms: u64,
}

/// What became of the event, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    #[serde(flatten)]
    pub counts: LogCounts,
    /// Logs that Datadog accepted, or that Firehose was given.
    pub delivered: usize,
    /// Logs that wait in the queue of undelivered logs.
    pub queued: usize,
    /// Logs, and events that cannot be read, that are in the dead-letter queue.
    pub dead: usize,
    pub(crate) payloads: usize,
    pub requests: usize,
    /// Bytes sent, compressed.
    pub bytes: usize,
    /// CloudWatch only asked whether the function answers.
    pub(crate) control: bool,
}

/// Why an invocation failed. Lambda then tries it again, and again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvocationFailure {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("{undelivered} of {} could not be delivered: {reason}{}", counted(*.logs, "log"), unsaved(.saving))]
    Undelivered {
        undelivered: usize,
        logs: usize,
        reason: UndeliveredReason,
        /// Why they could not be saved either; `None` where there is no queue.
        saving: Option<AwsCallError>,
    },
    #[error("the object that holds the event could not be fetched: {0}")]
    Object(AwsCallError),
    #[error("{0}")]
    Client(String),
    #[error("a bug in podferry: it panicked while reading the event; its own log says where. Please report it")]
    Panic,
}

fn unsaved(saving: &Option<AwsCallError>) -> String {
    saving.as_ref().map(|error| format!("; saving them to the queue failed, too: {error}")).unwrap_or_default()
}

impl InvocationFailure {
    /// The stable name that Lambda reports as `errorType`.
    pub fn error_type(&self) -> &'static str {
        match self {
            InvocationFailure::Event(error) => error.error_type(),
            InvocationFailure::Undelivered { saving: Some(_), .. } => "LogsUnsaved",
            InvocationFailure::Undelivered { reason: UndeliveredReason::NoKey(_), .. } => "ApiKeyUnavailable",
            InvocationFailure::Undelivered { .. } => "LogsUndelivered",
            InvocationFailure::Object(_) => "ObjectUnavailable",
            InvocationFailure::Client(_) => "ClientInvalid",
            InvocationFailure::Panic => "InternalPanic",
        }
    }
}

impl From<ClientError> for InvocationFailure {
    fn from(error: ClientError) -> Self {
        InvocationFailure::Client(error.to_string())
    }
}
