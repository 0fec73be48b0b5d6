//! Carries out what [`super::fates`] decides of what was not delivered: it goes to a queue, or it stays where it came from, or the
//! invocation says that it failed. Never none of these.
//!
//! First everything is saved, the dead letters before what may be delivered later, and then it is seen which records are not done:
//! those that stay, those of which something could not be saved, and those that hold a log once more that another record has
//! brought.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::aws::AwsCallError;
use super::fates::{Circumstances, Fates, Leftovers, Outgoing, OutgoingContent};
use super::own_log;
use super::queue::{OutgoingMessage, Queues};
use super::rounds::{MAX_ROUNDS, backoff};
use super::work::{Receipt, Trigger};
use crate::delivery::reason::UndeliveredReason;
use crate::delivery::undelivered::{self, Saved};
use crate::settings::LogLevel;
use pipeline::recent::{Mark, MarkSet};

/// How many messages are on their way to SQS at once.
const WORKERS: usize = 8;

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

/// What became of what was to be sent.
struct SendOutcome {
    outgoing: Outgoing,
    logs: usize,
    marks: Vec<Mark>,
    problem: Option<AwsCallError>,
}

impl Saving<'_> {
    /// Settles what an invocation leaves. `accepted` are the logs that the intake took; `duplicates` those that were left out for
    /// others in the same invocation, each with its record.
    pub(crate) async fn settle(
        &self,
        leftovers: Leftovers,
        accepted: &[Mark],
        duplicates: &[(u32, Mark)],
        now_ms: i64,
    ) -> Settled {
        let reason = leftovers.undelivered.first().map(|first| first.reason.clone());
        let circumstances = Circumstances {
            trigger: self.trigger,
            has_queue: self.queues.undelivered().is_some(),
            has_dead_letter_queue: self.queues.dead_letter().is_some(),
            now_ms,
        };
        let Fates { outgoing, mut staying, left, beyond } = circumstances.decide(leftovers);
        let mut settled = Settled { failed: staying.keys().copied().collect(), left, reason, ..Settled::default() };
        let (dead, rest): (Vec<Outgoing>, Vec<Outgoing>) = outgoing.into_iter().partition(|one| one.is_dead);
        self.send_all(dead, &mut settled).await;
        // A record that comes again brings all of its logs: what of it is in the queue by then is sent twice.
        let (rest, in_vain) = rest.into_iter().partition(|one| !one.records.is_subset(&settled.failed));
        settled.left += Vec::<Outgoing>::into_iter(in_vain).map(|one| one.logs).sum::<usize>();
        self.send_all(rest, &mut settled).await;
        // The record of a log that was left out needs the log as much as the record that brought it.
        if !duplicates.is_empty() {
            let done: MarkSet = accepted.iter().chain(&settled.marks).copied().collect();
            let longest = staying.values().copied().max();
            for (record, _) in duplicates.iter().filter(|(_, mark)| !done.contains(mark)) {
                settled.failed.insert(*record);
                // It comes again when the other does, and not before.
                longest.map(|wait| staying.entry(*record).or_insert(wait));
            }
        }
        if let Trigger::Sqs(receipts) = self.trigger {
            settled.queued += settled.left;
            self.hide(receipts, &settled.failed, &staying).await;
        }
        if beyond > 0 {
            complain(beyond);
        }
        settled
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

    /// Hides messages that stay in their queue: as long as was decided, or those that could not be saved for longer with each time
    /// that they were handed out.
    async fn hide(&self, receipts: &[Receipt], failed: &BTreeSet<u32>, staying: &BTreeMap<u32, Duration>) {
        for number in failed {
            let Some(receipt) = receipts.get(*number as usize) else { continue };
            let wait = staying.get(number).copied().unwrap_or_else(|| backoff(receipt.receive_count));
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
            OutgoingContent::Waiting { events, .. } => {
                self.dead += if outgoing.is_dead && problem.is_none() { *events } else { 0 };
            }
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

/// Says that something goes round that somebody has to look at.
fn complain(beyond: usize) {
    let message = format!(
        "came back {MAX_ROUNDS} times and more, and there is no dead-letter queue to take it: it goes on coming back. Set \
         PODFERRY_DEAD_LETTER_QUEUE_URL, or look at what the queue of undelivered logs holds (`podferry redrive --undelivered`)"
    );
    own_log::say(LogLevel::Error, &message, &json!({ "logs": beyond }));
}

/// Sends all messages of a payload, or the one of an event; after the first that fails, none.
async fn send(queues: Arc<Queues>, client: Client, outgoing: Outgoing, deadline: Instant) -> SendOutcome {
    let (saved, reason) = match &outgoing.content {
        OutgoingContent::Payload(payload, note) => (undelivered::messages(payload, note), None),
        OutgoingContent::Event(poison) => {
            let body = Saved { body: poison.body.clone(), logs: 0, marks: Vec::new() };
            (vec![body], Some(poison.error.error_type()))
        }
        OutgoingContent::Rest(body) | OutgoingContent::Waiting { body, .. } => {
            (vec![Saved { body: body.clone(), logs: 0, marks: Vec::new() }], None)
        }
    };
    let queue = if outgoing.is_dead { queues.dead_letter() } else { queues.undelivered() };
    let mut sent = SendOutcome { logs: 0, marks: Vec::new(), problem: None, outgoing };
    // There always is one: what has no queue to go to is not sent.
    let Some(queue) = queue else { return SendOutcome { problem: Some(AwsCallError::NoTime), ..sent } };
    for Saved { body, logs, marks } in saved {
        let message = OutgoingMessage { body: &body, delay: sent.outgoing.delay, reason };
        match queues.send(&client, queue, message, deadline).await {
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
