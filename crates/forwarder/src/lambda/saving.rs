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

use super::aws::CallError;
use super::queue::{Outgoing, Queues, backoff};
use super::work::{Poison, Receipt, Trigger};
use crate::delivery::deliver::{Outlook, Reason, Report, Undelivered};
use crate::delivery::undelivered::{self, MAX_MESSAGE_BYTES, Saved};
use crate::settings::Queue;
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
    pub(crate) reason: Option<Reason>,
    /// Why something could not be saved.
    pub(crate) problem: Option<CallError>,
}

/// What is needed to settle it.
#[derive(Debug)]
pub(crate) struct Saving<'a> {
    pub(crate) queues: &'a Arc<Queues>,
    pub(crate) client: &'a Client,
    pub(crate) trigger: &'a Trigger,
    pub(crate) deadline: Instant,
}

/// One thing to be sent to a queue.
struct Parcel {
    queue: Queue,
    delay: Duration,
    what: What,
    records: BTreeSet<u32>,
    logs: usize,
    is_dead: bool,
}

enum What {
    Payload(Undelivered, u32),
    Event(Poison),
}

/// What became of a parcel.
struct Sent {
    parcel: Parcel,
    logs: usize,
    marks: Vec<Mark>,
    problem: Option<CallError>,
}

impl Saving<'_> {
    /// Settles what a report left, and what could not be read.
    pub(crate) async fn settle(&self, report: &mut Report, poison: Vec<Poison>, unread: BTreeSet<u32>) -> Settled {
        let mut settled = Settled { failed: unread, ..Settled::default() };
        let undelivered = std::mem::take(&mut report.undelivered);
        settled.reason = undelivered.first().map(|first| first.reason.clone());
        // Records of which something is gone already, or will never go through: they cannot stay as they are.
        let mut torn = report.records.clone();
        let never = undelivered.iter().filter(|one| one.reason.outlook() != Outlook::Later);
        torn.extend(never.flat_map(|one| one.payload.records()));
        let mut parcels = Vec::new();
        for one in undelivered {
            let logs = one.payload.items();
            match self.parcel(one, &torn) {
                Ok(parcel) => parcels.push(parcel),
                Err(records) => {
                    settled.left += logs;
                    settled.failed.extend(records);
                }
            }
        }
        for one in poison {
            match self.grave(one) {
                Ok(parcel) => parcels.push(parcel),
                Err(record) => _ = settled.failed.insert(record),
            }
        }
        self.send_all(parcels, &mut settled).await;
        if let Trigger::Sqs(receipts) = self.trigger {
            settled.queued += settled.left;
            self.hide(receipts, &settled.failed).await;
        }
        settled
    }

    /// Where an undelivered payload goes; its records, if it stays where it came from.
    fn parcel(&self, one: Undelivered, torn: &BTreeSet<u32>) -> Result<Parcel, BTreeSet<u32>> {
        let records: BTreeSet<u32> = one.payload.records().collect();
        let outlook = one.reason.outlook();
        let is_whole = matches!(self.trigger, Trigger::Sqs(_)) && records.is_disjoint(torn);
        let grave = self.queues.dead_letter().filter(|_| outlook == Outlook::Never);
        let is_dead = grave.is_some();
        let Some(queue) = grave.or(self.queues.undelivered()).filter(|_| is_dead || !is_whole) else {
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
        Ok(Parcel { queue: queue.clone(), delay, what: What::Payload(one, attempts), records, logs, is_dead })
    }

    /// Where an event goes that cannot be read; its record, if that has to keep it.
    fn grave(&self, poison: Poison) -> Result<Parcel, u32> {
        // One that comes from the queue only stays there, or it would come back for ever.
        let is_from_queue = matches!(self.trigger, Trigger::Sqs(_));
        let other = self.queues.undelivered().filter(|_| !is_from_queue);
        let fits = !poison.body.is_empty() && poison.body.len() + 256 <= MAX_MESSAGE_BYTES;
        let Some(queue) = self.queues.dead_letter().or(other).filter(|_| fits) else { return Err(poison.record) };
        Ok(Parcel {
            queue: queue.clone(),
            delay: Duration::ZERO,
            records: BTreeSet::from([poison.record]),
            what: What::Event(poison),
            logs: 0,
            is_dead: true,
        })
    }

    async fn send_all(&self, parcels: Vec<Parcel>, settled: &mut Settled) {
        let mut waiting = parcels.into_iter();
        let mut underway = JoinSet::new();
        loop {
            while underway.len() < WORKERS
                && let Some(parcel) = waiting.next()
            {
                let (queues, client) = (self.queues.clone(), self.client.clone());
                underway.spawn(send(queues, client, parcel, self.deadline));
            }
            match underway.join_next().await {
                Some(Ok(sent)) => settled.take(sent),
                // Only a bug ends a task so; which parcel it had is not known any more.
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
    fn take(&mut self, sent: Sent) {
        let Sent { parcel, logs, marks, problem } = sent;
        self.marks.extend(marks);
        match &parcel.what {
            What::Event(_) if problem.is_none() => self.dead += 1,
            _ if parcel.is_dead => self.dead += logs,
            _ => self.queued += logs,
        }
        if problem.is_some() {
            self.left += parcel.logs.saturating_sub(logs);
            self.failed.extend(parcel.records);
            self.problem = self.problem.take().or(problem);
        }
    }
}

/// Sends all messages of a parcel; after the first that fails, none.
async fn send(queues: Arc<Queues>, client: Client, parcel: Parcel, deadline: Instant) -> Sent {
    let (saved, reason) = match &parcel.what {
        What::Payload(one, attempts) => (undelivered::messages(&one.payload, &one.reason.name(), *attempts), None),
        What::Event(poison) => {
            let body = Saved { body: poison.body.clone(), logs: 0, marks: Vec::new() };
            (vec![body], Some(poison.error.error_type()))
        }
    };
    let mut sent = Sent { logs: 0, marks: Vec::new(), problem: None, parcel };
    for Saved { body, logs, marks } in saved {
        let message = Outgoing { body: &body, delay: sent.parcel.delay, reason };
        match queues.send(&client, &sent.parcel.queue, message, deadline).await {
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
