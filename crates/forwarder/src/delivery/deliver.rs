//! Many payloads, one deadline: concurrently, each retried, split or given up on its own.
//!
//! The intake has no idempotency key, so what was accepted must not be sent again. Each payload is one task that ends
//! accepted, in two halves, or undelivered, and nothing else: an accepted one is out of every list.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::intake::{Intake, IntakeAnswer};
use super::key::{Key, KeyProvider, KeyUnavailable};
use super::reason::{Undelivered, UndeliveredReason};
use super::retry::{Decision, RetryPolicy, random};
use super::tally::Tally;
use pipeline::batch::Payload;
use pipeline::recent::Mark;

/// How long one request may take. Source: DataDog/datadog-agent, `logs_config.http_timeout`, ten seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What became of all payloads.
#[derive(Debug, Default)]
pub struct DeliveryReport {
    /// Logs that the intake accepted.
    pub accepted: usize,
    /// What they are remembered by.
    pub(crate) marks: Vec<Mark>,
    /// The records that accepted logs came from.
    pub(crate) records: BTreeSet<u32>,
    /// Bytes of bodies that were accepted.
    pub bytes: usize,
    pub tally: Tally,
    pub undelivered: Vec<Undelivered>,
}

impl DeliveryReport {
    /// Logs that were not accepted.
    pub fn undelivered_logs(&self) -> usize {
        self.undelivered.iter().map(|undelivered| undelivered.payload.items()).sum()
    }
}

/// One payload's end.
struct Ended {
    tally: Tally,
    outcome: PayloadOutcome,
}

enum PayloadOutcome {
    Accepted,
    Split(Payload, Payload),
    Undelivered(UndeliveredReason),
}

/// Delivers all payloads until `deadline`, `workers` at once.
pub async fn deliver<K: KeyProvider>(
    payloads: Vec<Payload>,
    intake: &Intake,
    keys: &Arc<K>,
    policy: RetryPolicy,
    workers: usize,
    deadline: Instant,
) -> DeliveryReport {
    let mut report = DeliveryReport::default();
    let mut waiting: VecDeque<Payload> = payloads.into();
    let mut underway = JoinSet::new();
    // Kept aside, should a task die: a payload must not vanish with it.
    let mut kept: HashMap<tokio::task::Id, Payload> = HashMap::new();
    loop {
        while underway.len() < workers.max(1)
            && let Some(payload) = waiting.pop_front()
        {
            let sending = Sending { intake: intake.clone(), keys: keys.clone(), policy, deadline };
            let task = underway.spawn(sending.send(payload.clone()));
            kept.insert(task.id(), payload);
        }
        let Some(ended) = underway.join_next_with_id().await else { break };
        let (id, tally, outcome) = match ended {
            Ok((id, Ended { tally, outcome })) => (id, tally, outcome),
            Err(died) => (died.id(), Tally::default(), PayloadOutcome::Undelivered(UndeliveredReason::Internal)),
        };
        let Some(payload) = kept.remove(&id) else { continue };
        report.tally.add(tally);
        match outcome {
            PayloadOutcome::Accepted => {
                report.accepted += payload.items();
                report.bytes += payload.body.len();
                report.records.extend(payload.records());
                report.marks.extend(payload.logs().iter().filter_map(|log| log.mark));
            }
            PayloadOutcome::Split(first, second) => {
                waiting.push_front(second);
                waiting.push_front(first);
            }
            PayloadOutcome::Undelivered(reason) => {
                report.undelivered.push(Undelivered { payload, reason, not_before: None });
            }
        }
    }
    report
}

struct Sending<K> {
    intake: Intake,
    keys: Arc<K>,
    policy: RetryPolicy,
    deadline: Instant,
}

impl<K: KeyProvider> Sending<K> {
    async fn send(self, payload: Payload) -> Ended {
        let mut tally = Tally::default();
        let outcome = self.attempts(&payload, &mut tally).await.unwrap_or_else(PayloadOutcome::Undelivered);
        Ended { tally, outcome }
    }

    async fn attempts(&self, payload: &Payload, tally: &mut Tally) -> Result<PayloadOutcome, UndeliveredReason> {
        let mut key = self.within(self.keys.key()).await?;
        let mut refused_before = false;
        let mut failures = 0;
        let mut last = None;
        loop {
            let left = self.time_left();
            if left < self.policy.attempt {
                return Err(last.map_or(UndeliveredReason::NoTime, UndeliveredReason::GivenUp));
            }
            tally.requests += 1;
            let started = Instant::now();
            let answer = self.intake.post(payload, &key.secret, left.min(ATTEMPT_TIMEOUT)).await;
            tally.latencies.push(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
            tally.key_refused += usize::from(matches!(answer, IntakeAnswer::KeyRefused(_)));
            match answer {
                IntakeAnswer::Accepted => return Ok(PayloadOutcome::Accepted),
                IntakeAnswer::TooLarge => {
                    return payload
                        .split()
                        .map(|(first, second)| PayloadOutcome::Split(first, second))
                        .ok_or(UndeliveredReason::TooLarge);
                }
                IntakeAnswer::Refused(code) => return Err(UndeliveredReason::Refused(code)),
                IntakeAnswer::KeyRefused(code) if refused_before => return Err(UndeliveredReason::KeyRefused(code)),
                IntakeAnswer::KeyRefused(_) => {
                    refused_before = true;
                    key = self.within(self.keys.key_after(key.number)).await?;
                }
                IntakeAnswer::Retry { problem, after } => {
                    failures += 1;
                    tally.retries.count(problem);
                    last = Some(problem);
                    match self.policy.decide(failures, after, self.time_left(), random()) {
                        Decision::Wait(wait) => sleep(wait).await,
                        Decision::GiveUp => return Err(UndeliveredReason::GivenUp(problem)),
                    }
                }
            }
        }
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for the key no longer than there is time.
    async fn within(&self, key: impl Future<Output = Result<Key, KeyUnavailable>>) -> Result<Key, UndeliveredReason> {
        let too_late = |_| KeyUnavailable("the API key could not be fetched in time: AWS did not answer".to_owned());
        Ok(tokio::time::timeout_at(self.deadline, key).await.map_err(too_late)??)
    }
}
