//! A queue that people read: reading removes nothing. What was received is hidden from other consumers meanwhile, and made visible
//! again at the end.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName};

use super::dead_letter::{DeadLetter, ReceivedMessage};
use crate::aws::account::Account;
use crate::aws::concurrently::each;
use crate::aws::error::SdkCallError;
use crate::aws::queues::ForwarderQueue;
use forwarder::lambda::queue::REASON_ATTRIBUTE;

/// How many messages a call can return, or take. Source: Amazon SQS API reference, ReceiveMessage.
const AT_ONCE: i32 = 10;

/// How long a message is hidden while a queue is read, in seconds. If this process dies, it becomes visible again then.
const HIDDEN_SECONDS: i32 = 300;

/// How long to wait for a message. With a wait SQS asks all of its servers, and an empty answer means that there is none.
/// Source: Amazon SQS Developer Guide, "Amazon SQS short and long polling".
const WAIT_SECONDS: i32 = 1;

/// What to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RedriveAction {
    /// Sends it to another queue, and then deletes it here.
    Move(ForwarderQueue),
    Drop,
}

/// What became of the messages.
#[derive(Debug, Default)]
pub(crate) struct RedriveOutcome {
    /// By id.
    pub(crate) done: BTreeSet<String>,
    /// Those that failed are where they were.
    pub(crate) failed: Vec<(String, SdkCallError)>,
}

impl ForwarderQueue {
    /// All messages that are visible now, oldest first.
    ///
    /// # Errors
    /// [`SdkCallError`]. What was received until then is shown again.
    pub(crate) async fn look(&self, account: &Account) -> Result<Vec<DeadLetter>, SdkCallError> {
        let mut messages = Vec::new();
        self.each(account, |one| messages.push(DeadLetter::of(one))).await?;
        messages.sort_by(|one, other| (one.sent_ms, &one.id).cmp(&(other.sent_ms, &other.id)));
        Ok(messages)
    }

    /// Hands over each message that is visible now, once. They are not kept: a queue may hold more than memory.
    ///
    /// # Errors
    /// [`SdkCallError`]. What was received until then is shown again.
    pub(crate) async fn each(
        &self,
        account: &Account,
        mut take: impl FnMut(&ReceivedMessage),
    ) -> Result<(), SdkCallError> {
        let mut known = BTreeSet::new();
        let mut receipts = Vec::new();
        let read = async {
            loop {
                let received = self.receive(account).await?;
                // What was hidden for long enough begins to come again.
                let before = known.len();
                for one in received {
                    if known.insert(one.id.clone()) {
                        take(&one);
                    }
                    receipts.push(one.receipt);
                }
                if known.len() == before {
                    return Ok(());
                }
            }
        };
        let result = read.await;
        let shown = self.show(account, receipts).await;
        result.and(shown)
    }

    /// Carries out the action on the messages with these ids; others stay.
    ///
    /// # Errors
    /// [`SdkCallError`], if the queue could not be read. What was done until then is done.
    pub(crate) async fn work(
        &self,
        account: &Account,
        ids: &HashSet<String>,
        action: &RedriveAction,
    ) -> Result<RedriveOutcome, SdkCallError> {
        let mut all = RedriveOutcome::default();
        let mut seen = HashSet::new();
        let mut others = Vec::new();
        let read = async {
            while all.done.len() + all.failed.len() < ids.len() {
                let received = self.receive(account).await?;
                let before = seen.len();
                seen.extend(received.iter().map(|one| one.id.clone()));
                if seen.len() == before {
                    break;
                }
                let (wanted, left): (Vec<_>, Vec<_>) = received.into_iter().partition(|one| ids.contains(&one.id));
                others.extend(left.into_iter().map(|one| one.receipt));
                for (id, receipt, result) in
                    each(wanted, |one| self.clone().act(account.clone(), one, action.clone())).await
                {
                    match result {
                        Ok(()) => _ = all.done.insert(id),
                        Err(error) => {
                            others.push(receipt);
                            all.failed.push((id, error));
                        }
                    }
                }
            }
            Ok(())
        };
        let result = read.await;
        let shown = self.show(account, others).await;
        result.and(shown)?;
        Ok(all)
    }

    async fn act(
        self,
        account: Account,
        message: ReceivedMessage,
        action: RedriveAction,
    ) -> (String, String, Result<(), SdkCallError>) {
        let ReceivedMessage { id, receipt, body, .. } = message;
        let result = async {
            if let RedriveAction::Move(to) = &action {
                let sending = account.sqs.send_message().queue_url(&to.url).message_body(body).send().await;
                sending.map_err(|error| SdkCallError::new("sqs:SendMessage", to.on(&account), &error))?;
            }
            // Only now: should this fail, it is in both queues, and comes twice.
            let deleting = account.sqs.delete_message().queue_url(&self.url).receipt_handle(&receipt).send().await;
            deleting.map(|_| ()).map_err(|error| SdkCallError::new("sqs:DeleteMessage", self.on(&account), &error))
        };
        let result = result.await;
        (id, receipt, result)
    }

    async fn receive(&self, account: &Account) -> Result<Vec<ReceivedMessage>, SdkCallError> {
        let answer = account
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(AT_ONCE)
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_attribute_names(REASON_ATTRIBUTE)
            .send()
            .await
            .map_err(|error| SdkCallError::new("sqs:ReceiveMessage", self.on(account), &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(received).collect())
    }

    /// Makes messages visible again that were only looked at.
    async fn show(&self, account: &Account, receipts: Vec<String>) -> Result<(), SdkCallError> {
        for some in receipts.chunks(AT_ONCE as usize) {
            let entry = |(number, receipt): (usize, &String)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(0)
                    .build()
                    .ok()
            };
            let entries: Vec<_> = some.iter().enumerate().filter_map(entry).collect();
            let call = account.sqs.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            // Those that fail become visible by SQS's own timeout.
            call.send()
                .await
                .map_err(|error| SdkCallError::new("sqs:ChangeMessageVisibility", self.on(account), &error))?;
        }
        Ok(())
    }
}

fn received(message: Message) -> ReceivedMessage {
    let attribute = |name: MessageSystemAttributeName| message.attributes.as_ref().and_then(|all| all.get(&name));
    let sent_ms = attribute(MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let receives = attribute(MessageSystemAttributeName::ApproximateReceiveCount).and_then(|text| text.parse().ok());
    let reason = message.message_attributes.as_ref().and_then(|all| all.get(REASON_ATTRIBUTE));
    ReceivedMessage {
        reason: reason.and_then(|value| value.string_value.clone()),
        sent_ms: sent_ms.unwrap_or_default(),
        receives: receives.unwrap_or_default(),
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}
