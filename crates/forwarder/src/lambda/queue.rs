//! The queues of SQS that undelivered logs wait in: sending to them, and hiding a message for a while longer.
//!
//! What a message looks like is `delivery::undelivered`'s. AWS's own redrive policy takes a message that comes back too often
//! to the dead-letter queue; what can never be delivered is sent there at once.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::aws::{AwsCallError, Call, Operation};
use super::rounds::{MAX_DELAY, MAX_HIDDEN};
use crate::settings::{AwsSettings, QueueSettings, SqsQueue};

/// The name of the message attribute that says why a message is in the dead-letter queue.
pub const REASON_ATTRIBUTE: &str = "podferry_reason";

/// The queues, and how to reach them.
#[derive(Debug, Clone)]
pub(crate) struct Queues {
    settings: QueueSettings,
    aws: AwsSettings,
}

impl Queues {
    pub(crate) fn new(settings: QueueSettings, aws: AwsSettings) -> Queues {
        Queues { settings, aws }
    }

    /// Whether there is any.
    pub(crate) fn exist(&self) -> bool {
        self.settings.undelivered.is_some() || self.settings.dead_letter.is_some()
    }

    /// For what may go through later.
    pub(crate) fn undelivered(&self) -> Option<&SqsQueue> {
        self.settings.undelivered.as_ref()
    }

    /// For what never will.
    pub(crate) fn dead_letter(&self) -> Option<&SqsQueue> {
        self.settings.dead_letter.as_ref()
    }

    /// Sends a message; it becomes visible after `delay`, as far as SQS can hold it back.
    ///
    /// # Errors
    /// [`AwsCallError`] of the last attempt, or [`AwsCallError::NoTime`].
    pub(crate) async fn send(
        &self,
        client: &Client,
        queue: &SqsQueue,
        message: OutgoingMessage<'_>,
        deadline: Instant,
    ) -> Result<(), AwsCallError> {
        let mut request = json!({
            "QueueUrl": queue.url,
            "MessageBody": message.body,
            "DelaySeconds": message.delay.min(MAX_DELAY).as_secs(),
        });
        if let Some(reason) = message.reason {
            request["MessageAttributes"] = json!({ REASON_ATTRIBUTE: { "DataType": "String", "StringValue": reason } });
        }
        let answer = self.call(client, queue, Operation::SendMessage, &request, deadline).await?;
        // A 200 without it is somebody else's, and the message is nowhere. Source: Amazon SQS API reference, SendMessage.
        let is_taken = answer.get("MessageId").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
        if is_taken { Ok(()) } else { Err(AwsCallError::Answer) }
    }

    /// Hides a message that was handed out from `arn` for so long. `false` if it is of another queue than ours, or that failed:
    /// the queue's own visibility timeout holds then.
    pub(crate) async fn hide(
        &self,
        client: &Client,
        arn: &str,
        receipt: &str,
        wait: Duration,
        deadline: Instant,
    ) -> bool {
        let name = arn.rsplit(':').next();
        let ours =
            [self.undelivered(), self.dead_letter()].into_iter().flatten().find(|queue| name == Some(&queue.name));
        let Some(queue) = ours else { return false };
        let request = json!({
            "QueueUrl": queue.url, "ReceiptHandle": receipt, "VisibilityTimeout": wait.min(MAX_HIDDEN).as_secs(),
        });
        self.call(client, queue, Operation::ChangeMessageVisibility, &request, deadline).await.is_ok()
    }

    async fn call(
        &self,
        client: &Client,
        queue: &SqsQueue,
        operation: Operation,
        request: &serde_json::Value,
        deadline: Instant,
    ) -> Result<Value, AwsCallError> {
        let endpoint = Some(queue.endpoint.as_str());
        let call = Call { client, settings: &self.aws, operation, endpoint, region: &queue.region, request };
        timeout_at(deadline, call.make()).await.map_err(|_| AwsCallError::NoTime)?
    }
}

/// A message on its way to a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutgoingMessage<'a> {
    pub(crate) body: &'a str,
    pub(crate) delay: Duration,
    /// Why it is sent, where the body does not say so itself.
    pub(crate) reason: Option<&'a str>,
}
