//! The queues where undelivered logs wait and where dead letters lie, found from the function's configuration.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::account::Account;
use super::error::{AwsCallError, On};
use super::function::Function;
use forwarder::settings::{DEAD_LETTER_QUEUE_URL, Source, UNDELIVERED_QUEUE_URL};

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueRole {
    /// Logs that may go through later; its messages come back to the function.
    Undelivered,
    /// What needs a person.
    DeadLetter,
    /// Events that Lambda gave up, where its configuration sends them to a queue.
    FailedEvents,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqsQueue {
    pub(crate) role: QueueRole,
    pub(crate) url: String,
    pub(crate) name: String,
}

/// How full a queue is, about: SQS counts no better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct QueueDepth {
    /// To be read now.
    pub(crate) visible: u64,
    /// Being read, or put off by the function.
    pub(crate) hidden: u64,
    /// Sent with a delay that is not over.
    pub(crate) delayed: u64,
}

impl QueueDepth {
    #[must_use]
    pub(crate) fn all(&self) -> u64 {
        self.visible + self.hidden + self.delayed
    }
}

impl SqsQueue {
    /// Of a URL, which ends in the queue's name.
    #[must_use]
    pub(crate) fn new(role: QueueRole, url: &str) -> SqsQueue {
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        SqsQueue { role, url: url.to_owned(), name: name.to_owned() }
    }

    /// As the subject of a call.
    #[must_use]
    pub(crate) fn on(&self, account: &Account) -> On {
        On::new(format!("queue {}", self.name), account.arn("sqs", &self.name))
    }
}

/// What the function's variables say: the queue of undelivered logs, and that of dead letters.
#[must_use]
pub(crate) fn of_variables(function: &Function) -> Vec<SqsQueue> {
    let variables = [(QueueRole::Undelivered, UNDELIVERED_QUEUE_URL), (QueueRole::DeadLetter, DEAD_LETTER_QUEUE_URL)];
    let queue = |(role, variable)| {
        let url = function.variables.get(variable)?;
        let url = url.trim();
        (!url.is_empty()).then(|| SqsQueue::new(role, url))
    };
    variables.into_iter().filter_map(queue).collect()
}

/// The queue of an ARN; `None` where the ARN is of something else.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn of_arn(account: &Account, role: QueueRole, arn: &str) -> Result<Option<SqsQueue>, AwsCallError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "sqs", _, owner, name] = parts.as_slice() else { return Ok(None) };
    let call = account.sqs.get_queue_url().queue_name(*name).queue_owner_aws_account_id(*owner);
    let on = On::new(format!("queue {name}"), arn);
    let answer = call.send().await.map_err(|error| AwsCallError::new("sqs:GetQueueUrl", on, &error))?;
    Ok(answer.queue_url().map(|url| SqsQueue::new(role, url)))
}

/// How full it is, and the ARN of the queue to which SQS moves what was read too often.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn depth(account: &Account, queue: &SqsQueue) -> Result<(QueueDepth, Option<String>), AwsCallError> {
    let answer = account
        .sqs
        .get_queue_attributes()
        .queue_url(&queue.url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|error| AwsCallError::new("sqs:GetQueueAttributes", queue.on(account), &error))?;
    let text = |name: &QueueAttributeName| answer.attributes().and_then(|all| all.get(name)).map(String::as_str);
    let number = |name| text(&name).and_then(|value| value.parse().ok()).unwrap_or_default();
    let redrive: Value =
        text(&QueueAttributeName::RedrivePolicy).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let depth = QueueDepth {
        visible: number(QueueAttributeName::ApproximateNumberOfMessages),
        hidden: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    };
    Ok((depth, redrive["deadLetterTargetArn"].as_str().map(str::to_owned)))
}
