//! The queues of undelivered logs and of dead letters, found through the function's configuration.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::account::Account;
use super::error::{On, SdkCallError};
use super::function::Function;
use forwarder::settings::{DEAD_LETTER_QUEUE_URL, UNDELIVERED_QUEUE_URL, VariableSource};

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueRole {
    /// Logs that may be delivered later; its messages come back to the function.
    Undelivered,
    /// What needs a person.
    DeadLetter,
    /// Events that Lambda gave up on, if its configuration sends them to a queue.
    FailedEvents,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForwarderQueue {
    pub(crate) role: QueueRole,
    pub(crate) url: String,
    pub(crate) name: String,
}

/// How many messages a queue holds, approximately: SQS counts no better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct QueueDepth {
    pub(crate) visible: usize,
    /// Received, and neither deleted nor visible again yet; the function also hides what it will retry later.
    pub(crate) in_flight: usize,
    /// Sent with a delay that has not passed.
    pub(crate) delayed: usize,
}

/// What SQS says of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueAttributes {
    pub(crate) arn: String,
    pub(crate) depth: QueueDepth,
    /// How long it keeps a message.
    pub(crate) retention_seconds: Option<u64>,
    /// The ARN of the queue to which SQS moves messages that were received too often; none without a redrive policy.
    pub(crate) dead_letter_queue: Option<String>,
}

impl QueueDepth {
    #[must_use]
    pub(crate) fn all(&self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

impl ForwarderQueue {
    /// Of a URL, which ends in the queue's name.
    #[must_use]
    pub(crate) fn new(role: QueueRole, url: &str) -> ForwarderQueue {
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        ForwarderQueue { role, url: url.to_owned(), name: name.to_owned() }
    }

    /// As the subject of a call.
    #[must_use]
    pub(crate) fn on(&self, account: &Account) -> On {
        On::new(format!("queue {}", self.name), account.arn("sqs", &self.name))
    }
}

/// The queues that the function's variables name.
#[must_use]
pub(crate) fn of_variables(function: &Function) -> Vec<ForwarderQueue> {
    let variables = [(QueueRole::Undelivered, UNDELIVERED_QUEUE_URL), (QueueRole::DeadLetter, DEAD_LETTER_QUEUE_URL)];
    let queue = |(role, variable)| {
        let url = function.variables.get(variable)?;
        let url = url.trim();
        (!url.is_empty()).then(|| ForwarderQueue::new(role, url))
    };
    variables.into_iter().filter_map(queue).collect()
}

/// The queue of an ARN; `None` where the ARN is of something else.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn of_arn(
    account: &Account,
    role: QueueRole,
    arn: &str,
) -> Result<Option<ForwarderQueue>, SdkCallError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "sqs", _, owner, name] = parts.as_slice() else { return Ok(None) };
    let call = account.sqs.get_queue_url().queue_name(*name).queue_owner_aws_account_id(*owner);
    let on = On::new(format!("queue {name}"), arn);
    let answer = call.send().await.map_err(|error| SdkCallError::new("sqs:GetQueueUrl", on, &error))?;
    Ok(answer.queue_url().map(|url| ForwarderQueue::new(role, url)))
}

/// What SQS says of a queue.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn attributes(account: &Account, queue: &ForwarderQueue) -> Result<QueueAttributes, SdkCallError> {
    let answer = account
        .sqs
        .get_queue_attributes()
        .queue_url(&queue.url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|error| SdkCallError::new("sqs:GetQueueAttributes", queue.on(account), &error))?;
    let text = |name: &QueueAttributeName| answer.attributes().and_then(|all| all.get(name)).map(String::as_str);
    let number = |name| text(&name).and_then(|value| value.parse().ok()).unwrap_or_default();
    let redrive: Value =
        text(&QueueAttributeName::RedrivePolicy).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let depth = QueueDepth {
        visible: number(QueueAttributeName::ApproximateNumberOfMessages),
        in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    };
    Ok(QueueAttributes {
        arn: text(&QueueAttributeName::QueueArn).map_or_else(|| account.arn("sqs", &queue.name), str::to_owned),
        depth,
        retention_seconds: text(&QueueAttributeName::MessageRetentionPeriod).and_then(|value| value.parse().ok()),
        dead_letter_queue: redrive["deadLetterTargetArn"].as_str().map(str::to_owned),
    })
}
