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
    /// Events of log streams that were not read in time: they wait in the queue, or come again.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread: usize,
    /// Events of log streams that were not read, as the metadata of their pods is not known: they wait in the queue, or come again.
    #[serde(skip_serializing_if = "is_zero")]
    pub waiting: usize,
    /// Records that Firehose keeps in its bucket: they cannot be read, or could not be delivered.
    #[serde(skip_serializing_if = "is_zero")]
    pub processing_failed: usize,
    pub(crate) payloads: usize,
    pub requests: usize,
    /// Bytes sent, compressed.
    pub bytes: usize,
    /// CloudWatch only asked whether the function answers.
    pub(crate) control: bool,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
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
    #[error(
        "{unread} of {} were not read within half of the time{}; what was read is delivered, and Lambda gives the event again. \
         Raise the function's memory, which makes it faster, or its timeout{}", counted(*.unread + *.read, "event"), unsaved(.saving),
        if .saving.is_none() { ", or set PODFERRY_UNDELIVERED_QUEUE_URL, so that the rest waits in a queue" } else { "" }
    )]
    Unread {
        unread: usize,
        read: usize,
        /// Why the rest could not be saved either; `None` where there is no queue.
        saving: Option<AwsCallError>,
    },
    #[error(
        "{} could not be put into a queue, and nothing is known of the metadata of their pods{}; Lambda gives the event again",
        counted(*.waiting, "event"), unsaved(.saving)
    )]
    Waiting {
        waiting: usize,
        /// Why they could not be saved; `None` where one is too large for a message.
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
            InvocationFailure::Undelivered { saving: Some(_), .. }
            | InvocationFailure::Unread { saving: Some(_), .. }
            | InvocationFailure::Waiting { saving: Some(_), .. } => "LogsUnsaved",
            InvocationFailure::Waiting { .. } => "MetadataUnknown",
            InvocationFailure::Unread { .. } => "LogsUnread",
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
