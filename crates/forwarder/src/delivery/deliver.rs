//! Many payloads, one deadline: sends them as the schedule says, several at once.
//!
//! The intake has no idempotency key, so what was accepted must not be sent again. Each attempt is one task. Its payload ends
//! accepted, in two halves, for another attempt, or undelivered, and nothing else: an accepted one is out of every list.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::intake::Intake;
use super::key::{Key, KeyProvider, KeyUnavailable};
use super::retry::random;
use super::schedule::{ATTEMPT_TIMEOUT, Ended, Parcel, Schedule, Step};
use pipeline::batch::Payload;

pub use super::schedule::{DeliveryReport, PATIENCE, Terms};

/// Delivers all payloads until `deadline`.
pub async fn deliver<K: KeyProvider>(
    payloads: Vec<Payload>,
    intake: &Intake,
    keys: &Arc<K>,
    terms: Terms,
    deadline: Instant,
) -> DeliveryReport {
    let started = Instant::now();
    let mut schedule = Schedule::new(payloads, terms, deadline.saturating_duration_since(started));
    let mut underway = Underway { tasks: JoinSet::new(), parcels: HashMap::new() };
    loop {
        match schedule.step(started.elapsed()) {
            Step::Send(parcel, timeout) => {
                let attempt = Attempt { intake: intake.clone(), keys: keys.clone(), deadline, timeout };
                let (payload, refused_key) = (parcel.payload.clone(), parcel.refused_key);
                let task = underway.tasks.spawn(attempt.send(payload, refused_key, terms.policy.attempt));
                underway.parcels.insert(task.id(), parcel);
            }
            Step::AskForKey => {
                let attempt =
                    Attempt { intake: intake.clone(), keys: keys.clone(), deadline, timeout: ATTEMPT_TIMEOUT };
                underway.tasks.spawn(attempt.ask(terms.policy.attempt));
            }
            Step::WaitUntil(moment) => {
                let ended = timeout_at(started + moment, underway.tasks.join_next_with_id());
                match ended.await {
                    Ok(Some(ended)) => underway.settle(ended, &mut schedule, started),
                    // Nothing is under way to wait for.
                    Ok(None) => sleep_until(started + moment).await,
                    Err(_) => {}
                }
            }
            Step::Wait => {
                let Some(ended) = underway.tasks.join_next_with_id().await else { break };
                underway.settle(ended, &mut schedule, started);
            }
            Step::Done => break,
        }
    }
    schedule.finish()
}

/// Requests under way.
struct Underway {
    tasks: JoinSet<Ended>,
    /// Kept aside, should a task die: a payload must not vanish with it. None is there for a request that holds no log.
    parcels: HashMap<Id, Parcel>,
}

impl Underway {
    fn settle(&mut self, ended: Result<(Id, Ended), JoinError>, schedule: &mut Schedule, started: Instant) {
        let (id, ended) = ended.unwrap_or_else(|died| (died.id(), Ended::Died));
        let now = started.elapsed();
        match self.parcels.remove(&id) {
            Some(parcel) => schedule.ended(parcel, ended, now, random()),
            None => schedule.asked(ended, now),
        }
    }
}

/// One request.
struct Attempt<K> {
    intake: Intake,
    keys: Arc<K>,
    deadline: Instant,
    timeout: Duration,
}

impl<K: KeyProvider> Attempt<K> {
    /// `least` is the time that it needs at least.
    async fn send(self, payload: Payload, refused_key: Option<u64>, least: Duration) -> Ended {
        let key = match refused_key {
            Some(refused) => self.within(self.keys.key_after(refused)).await,
            None => self.within(self.keys.key()).await,
        };
        let (key, timeout) = match self.ready(key, least) {
            Ok(ready) => ready,
            Err(ended) => return ended,
        };
        let started = Instant::now();
        let answer = self.intake.post(&payload, &key.secret, timeout).await;
        Ended::Answered { answer, key: key.number, took: started.elapsed() }
    }

    /// Asks whether the intake accepts the key.
    async fn ask(self, least: Duration) -> Ended {
        let key = self.within(self.keys.key()).await;
        let (key, timeout) = match self.ready(key, least) {
            Ok(ready) => ready,
            Err(ended) => return ended,
        };
        let started = Instant::now();
        let answer = self.intake.ask(&key.secret, timeout).await;
        Ended::Answered { answer, key: key.number, took: started.elapsed() }
    }

    /// The key may have taken its time: how long the request may take now.
    fn ready(&self, key: Result<Key, KeyUnavailable>, least: Duration) -> Result<(Key, Duration), Ended> {
        let key = key.map_err(Ended::NoKey)?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < least { Err(Ended::NoTime) } else { Ok((key, self.timeout.min(left))) }
    }

    /// Waits for the key no longer than there is time.
    async fn within(&self, key: impl Future<Output = Result<Key, KeyUnavailable>>) -> Result<Key, KeyUnavailable> {
        let too_late = || KeyUnavailable("the API key could not be fetched in time: AWS did not answer".to_owned());
        timeout_at(self.deadline, key).await.map_err(|_| too_late())?
    }
}
