//! What becomes of what was not delivered: it goes to a queue, or it stays where it came from, or the invocation says that it
//! failed. Never none of these.
//!
//! * A message that SQS handed out and of which nothing was accepted stays in its queue, hidden for longer each time.
//! * Everything else that may go through later goes to the queue as a message of ours; so does what waits for another key, and
//!   that counts as no attempt.
//! * What was refused for good, and what cannot be read, goes to the dead-letter queue at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::aws::AwsCallError;
use super::queue::{OutgoingMessage, Queues, backoff};
use super::reading::UnreadRecord;
use super::work::{Poison, Receipt, Trigger};
use crate::delivery::deliver::DeliveryReport;
use crate::delivery::reason::{Outlook, Undelivered, UndeliveredReason};
use crate::delivery::undelivered::{self, MAX_MESSAGE_BYTES, Saved};
use crate::settings::SqsQueue;
use pipeline::RestEvent;
use pipeline::recent::Mark;

/// How many messages are on their way to SQS at once.
const WORKERS: usize = 8;

/// How long logs wait for another key: as long as SQS can hold a message back.
const WAIT_FOR_KEY: Duration = Duration::from_secs(900);

/// What became of all that was not delivered.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Logs that wait in the queue, those included whose message stays there.
    pub(crate) queued: usize,
    /// Logs that are in the dead-letter queue, and events that cannot be read.
    pub(crate) dead: usize,
    /// What the saved logs are remembered by.
    pub(crate) marks: Vec<Mark>,
    /// Records that the answer has to name: something of them is nowhere.
    pub(crate) failed: BTreeSet<u32>,
    /// Logs of theirs that are nowhere but where they came from, and why the first was not delivered.
    pub(crate) left: usize,
    pub(crate) reason: Option<UndeliveredReason>,
    /// Why something could not be saved.
    pub(crate) problem: Option<AwsCallError>,
}

/// What is needed to settle it.
#[derive(Debug)]
pub(crate) struct Saving<'a> {
    pub(crate) queues: &'a Arc<Queues>,
    pub(crate) client: &'a Client,
    pub(crate) trigger: &'a Trigger,
    pub(crate) deadline: Instant,
}

/// What is to be sent to a queue: a payload, which may take several messages, or an event.
struct Outgoing {
    queue: SqsQueue,
    delay: Duration,
    content: OutgoingContent,
    records: BTreeSet<u32>,
    logs: usize,
    is_dead: bool,
}

enum OutgoingContent {
    Payload(Undelivered, u32),
    Event(Poison),
    /// A part of what was not read of a record.
    Rest(String),
}

/// The rest of a record can be read at once: nothing is wrong with it.
fn rest_of(record: u32, event: RestEvent, queue: &SqsQueue) -> Outgoing {
    Outgoing {
        queue: queue.clone(),
        delay: Duration::ZERO,
        content: OutgoingContent::Rest(event.body),
        records: BTreeSet::from([record]),
        logs: 0,
        is_dead: false,
    }
}

/// What became of it.
struct SendOutcome {
    outgoing: Outgoing,
    logs: usize,
    marks: Vec<Mark>,
    problem: Option<AwsCallError>,
}

impl Saving<'_> {
    /// Settles what a report left, what could not be read, and what was not read or fetched in time.
    pub(crate) async fn settle(
        &self,
        report: &mut DeliveryReport,
        poison: Vec<Poison>,
        unread: Vec<UnreadRecord>,
        unfetched: BTreeSet<u32>,
    ) -> Settled {
        let mut settled = Settled { failed: unfetched, ..Settled::default() };
        let undelivered = std::mem::take(&mut report.undelivered);
        settled.reason = undelivered.first().map(|first| first.reason.clone());
        // Records of which something is gone already, or will never go through: they cannot stay as they are.
        let mut partially_delivered = report.records.clone();
        let never = undelivered.iter().filter(|one| one.reason.outlook() != Outlook::Later);
        partially_delivered.extend(never.flat_map(|one| one.payload.records()));
        // The rest of a record goes to the queue, so the record is done with.
        partially_delivered.extend(unread.iter().filter(|one| one.rest.is_some()).map(|one| one.record));
        let mut outgoing = Vec::new();
        for UnreadRecord { record, rest, .. } in unread {
            match rest.zip(self.queues.undelivered()) {
                Some((rest, queue)) => outgoing.extend(rest.into_iter().map(|event| rest_of(record, event, queue))),
                None => _ = settled.failed.insert(record),
            }
        }
        for one in undelivered {
            let logs = one.payload.items();
            match self.outgoing_payload(one, &partially_delivered) {
                Ok(one) => outgoing.push(one),
                Err(records) => {
                    settled.left += logs;
                    settled.failed.extend(records);
                }
            }
        }
        for one in poison {
            match self.dead_letter(one) {
                Ok(one) => outgoing.push(one),
                Err(record) => _ = settled.failed.insert(record),
            }
        }
        self.send_all(outgoing, &mut settled).await;
        if let Trigger::Sqs(receipts) = self.trigger {
            settled.queued += settled.left;
            self.hide(receipts, &settled.failed).await;
        }
        settled
    }

    /// Where an undelivered payload goes; its records, if it stays where it came from.
    fn outgoing_payload(
        &self,
        one: Undelivered,
        partially_delivered: &BTreeSet<u32>,
    ) -> Result<Outgoing, BTreeSet<u32>> {
        let records: BTreeSet<u32> = one.payload.records().collect();
        let outlook = one.reason.outlook();
        let is_whole = matches!(self.trigger, Trigger::Sqs(_)) && records.is_disjoint(partially_delivered);
        let dead_letter_queue = self.queues.dead_letter().filter(|_| outlook == Outlook::Never);
        let is_dead = dead_letter_queue.is_some();
        let Some(queue) = dead_letter_queue.or(self.queues.undelivered()).filter(|_| is_dead || !is_whole) else {
            return Err(records);
        };
        let attempts = match outlook {
            Outlook::WithAnotherKey => one.payload.attempts,
            Outlook::Later | Outlook::Never => one.payload.attempts.saturating_add(1),
        };
        let delay = match outlook {
            Outlook::Later => backoff(attempts),
            Outlook::WithAnotherKey => WAIT_FOR_KEY,
            Outlook::Never => Duration::ZERO,
        };
        let logs = one.payload.items();
        Ok(Outgoing {
            queue: queue.clone(),
            delay,
            content: OutgoingContent::Payload(one, attempts),
            records,
            logs,
            is_dead,
        })
    }

    /// Where an event goes that cannot be read; its record, if that has to keep it.
    fn dead_letter(&self, poison: Poison) -> Result<Outgoing, u32> {
        // One that comes from the queue only stays there, or it would come back for ever.
        let is_from_queue = matches!(self.trigger, Trigger::Sqs(_));
        let other = self.queues.undelivered().filter(|_| !is_from_queue);
        let fits = !poison.body.is_empty() && poison.body.len() + 256 <= MAX_MESSAGE_BYTES;
        let Some(queue) = self.queues.dead_letter().or(other).filter(|_| fits) else { return Err(poison.record) };
        Ok(Outgoing {
            queue: queue.clone(),
            delay: Duration::ZERO,
            records: BTreeSet::from([poison.record]),
            content: OutgoingContent::Event(poison),
            logs: 0,
            is_dead: true,
        })
    }

    async fn send_all(&self, all: Vec<Outgoing>, settled: &mut Settled) {
        let mut waiting = all.into_iter();
        let mut underway = JoinSet::new();
        loop {
            while underway.len() < WORKERS
                && let Some(outgoing) = waiting.next()
            {
                let (queues, client) = (self.queues.clone(), self.client.clone());
                underway.spawn(send(queues, client, outgoing, self.deadline));
            }
            match underway.join_next().await {
                Some(Ok(sent)) => settled.take(sent),
                // Only a bug ends a task so; which message it had is not known any more.
                Some(Err(_)) => settled.failed.extend(self.all_records()),
                None => return,
            }
        }
    }

    fn all_records(&self) -> std::ops::Range<u32> {
        let count = match self.trigger {
            Trigger::Direct => 1,
            Trigger::Sqs(receipts) => receipts.len(),
            Trigger::Kinesis(numbers) => numbers.len(),
            Trigger::Firehose(records) => *records,
        };
        0..u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Hides messages that stay in their queue, for longer with each time that they were handed out.
    async fn hide(&self, receipts: &[Receipt], failed: &BTreeSet<u32>) {
        for number in failed {
            let Some(receipt) = receipts.get(*number as usize) else { continue };
            let wait = backoff(receipt.receive_count);
            // Where that fails, the queue's own timeout holds.
            self.queues.hide(self.client, &receipt.queue_arn, &receipt.receipt_handle, wait, self.deadline).await;
        }
    }
}

impl Settled {
    fn take(&mut self, sent: SendOutcome) {
        let SendOutcome { outgoing, logs, marks, problem } = sent;
        self.marks.extend(marks);
        match &outgoing.content {
            OutgoingContent::Event(_) if problem.is_none() => self.dead += 1,
            _ if outgoing.is_dead => self.dead += logs,
            _ => self.queued += logs,
        }
        if problem.is_some() {
            self.left += outgoing.logs.saturating_sub(logs);
            self.failed.extend(outgoing.records);
            self.problem = self.problem.take().or(problem);
        }
    }
}

/// Sends all messages of a payload, or the one of an event; after the first that fails, none.
async fn send(queues: Arc<Queues>, client: Client, outgoing: Outgoing, deadline: Instant) -> SendOutcome {
    let (saved, reason) = match &outgoing.content {
        OutgoingContent::Payload(one, attempts) => {
            (undelivered::messages(&one.payload, &one.reason.name(), *attempts), None)
        }
        OutgoingContent::Event(poison) => {
            let body = Saved { body: poison.body.clone(), logs: 0, marks: Vec::new() };
            (vec![body], Some(poison.error.error_type()))
        }
        OutgoingContent::Rest(body) => (vec![Saved { body: body.clone(), logs: 0, marks: Vec::new() }], None),
    };
    let mut sent = SendOutcome { logs: 0, marks: Vec::new(), problem: None, outgoing };
    for Saved { body, logs, marks } in saved {
        let message = OutgoingMessage { body: &body, delay: sent.outgoing.delay, reason };
        match queues.send(&client, &sent.outgoing.queue, message, deadline).await {
            Ok(()) => {
                sent.logs += logs;
                sent.marks.extend(marks);
            }
            Err(problem) => {
                sent.problem = Some(problem);
                break;
            }
        }
    }
    sent
}
