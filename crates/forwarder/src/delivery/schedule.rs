//! Which payload is sent when, and what becomes of it by its answers: pure, the time and the random number are arguments.
//!
//! * Payloads that were not tried yet go ahead of those that failed. One that failed waits without taking a place from others, and
//!   all of them share a budget of retries.
//! * Where logs can wait elsewhere, nobody waits for an intake that is down: after [`PATIENCE`] without a sign of life all that is
//!   left is given up. If it was down the last time, one payload after the other asks whether it still is, twice at most.
//! * What is refused, or disliked by a firewall, is sent in halves, so that one log costs no other: see `Schedule::refused`.
//! * Who is to blame for a 401 or 403 is found out before it is said: see [`super::blame`].
//!
//! Times are since the beginning of the delivery.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::blame::{Blame, KeyStanding};
use super::intake::{IntakeAnswer, IntakeProblem};
use super::key::KeyUnavailable;
use super::reason::{Undelivered, UndeliveredReason};
use super::retry::{Decision, RetryBudget, RetryPolicy};
use super::tally::Tally;
use pipeline::batch::Payload;
use pipeline::compress::Compression;
use pipeline::recent::Mark;

/// How long one request may take. Source: DataDog/datadog-agent, `logs_config.http_timeout`, ten seconds.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request is waited for at least, though patience is over, if not the time.
const LEAST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a payload is tried, and how long an intake may be silent, where a queue stands ready.
///
/// The waits between attempts are at most 0.2, 0.4, 0.8, 1.6, 3.2 and 6.4 s: 12.6 s together, and half of it in the mean. So there
/// are seven attempts at least, which outlast any hiccup; or one that gets no answer for 10 s and another of 5 s. The last attempt
/// begins by then, and ends 5 s later at most. It is the price of an outage: with an event every 10 s from each of 100 pods, 15 s are 150
/// invocations at once, where 108 s (the template's 120 s) were 1,080, more than an account may have. [`PROBES`] makes it cheaper still from the second invocation of a sandbox on.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How many failures it takes to see that an intake that was down the last time still is. One that takes as long as a request may
/// take is enough.
const PROBES: u32 = 2;

/// How often payloads are split because somebody in between dislikes what is in them. To find one log of a thousand takes ten
/// splits; so six are found, and the next round goes on.
const SPLITS: u32 = 64;

/// The level of gzip where the intake takes nothing else, as `DD_COMPRESSION=gzip` has it.
const GZIP: Compression = Compression::Gzip(6);

/// How a delivery goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub policy: RetryPolicy,
    /// How many requests are under way at once.
    pub workers: usize,
    /// Whether logs that are given up wait elsewhere. If not, they are tried until the time is up.
    pub can_wait: bool,
    /// Whether the intake was down the last time.
    pub was_down: bool,
}

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
    /// Whether the intake is down, as far as this delivery can tell.
    pub(crate) is_down: Option<bool>,
}

impl DeliveryReport {
    /// Logs that were not accepted.
    pub fn undelivered_logs(&self) -> usize {
        self.undelivered.iter().map(|undelivered| undelivered.payload.items()).sum()
    }
}

/// A payload on its way, and what happened to it.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) payload: Payload,
    failures: u32,
    /// When its first attempt that failed began.
    failing_since: Option<Duration>,
    last: Option<IntakeProblem>,
    /// Until when the intake asked to be left alone with it.
    not_before: Option<Duration>,
    /// The key that was refused, if one was: another is to be tried.
    pub(super) refused_key: Option<u64>,
    /// Answers that refused a key.
    refusals: usize,
    /// 415 was answered, and it was compressed otherwise.
    is_recompressed: bool,
    /// The payload that it is a half of, if that was refused and nothing was accepted before.
    half_of: Option<u64>,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Send it, and wait for the answer no longer than this once it is on its way.
    Send(Parcel, Duration),
    /// Ask whether the key is accepted.
    AskForKey,
    /// Nothing before this moment, unless something ends.
    WaitUntil(Duration),
    /// Wait for what is under way.
    Wait,
    Done,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    Answered {
        answer: IntakeAnswer,
        key: u64,
        took: Duration,
    },
    NoKey(KeyUnavailable),
    NoTime,
    /// Only a bug ends one so.
    Died,
}

/// All payloads of a delivery.
#[derive(Debug)]
pub(super) struct Schedule {
    terms: Terms,
    /// When it is over.
    deadline: Duration,
    fresh: VecDeque<Parcel>,
    /// By when they are to be tried again.
    failing: BTreeMap<(Duration, u64), Parcel>,
    /// They and their answers wait until it is known who is to blame.
    suspects: Vec<(Parcel, u64, u16)>,
    is_asking: bool,
    standing: KeyStanding,
    underway: usize,
    budget: RetryBudget,
    /// The latest sign of life, or the beginning of the first request.
    alive_at: Option<Duration>,
    is_alive: bool,
    /// The latest acceptance.
    accepted_at: Option<Duration>,
    last: Option<(IntakeProblem, Option<Duration>)>,
    probes_left: Option<u32>,
    splits_left: u32,
    /// Payloads that were refused, and their halves that were, until the other half tells whether all of it is.
    wholes: BTreeMap<u64, Payload>,
    refused_halves: BTreeMap<u64, (Parcel, u16)>,
    /// Both halves of a payload were refused, and nothing was accepted.
    is_all_refused: bool,
    takes_gzip_only: bool,
    number: u64,
    report: DeliveryReport,
}

impl Parcel {
    fn new(payload: Payload) -> Parcel {
        Parcel {
            payload,
            failures: 0,
            failing_since: None,
            last: None,
            not_before: None,
            refused_key: None,
            refusals: 0,
            is_recompressed: false,
            half_of: None,
        }
    }

    fn failed(&mut self, problem: IntakeProblem, not_before: Option<Duration>, since: Duration) {
        self.failures += 1;
        self.last = Some(problem);
        self.not_before = not_before;
        self.failing_since.get_or_insert(since);
    }
}

impl Schedule {
    /// `time` is until the deadline.
    pub(super) fn new(payloads: Vec<Payload>, terms: Terms, time: Duration) -> Schedule {
        let probes_left = Some(PROBES).filter(|_| terms.was_down && terms.can_wait);
        let mut fresh: VecDeque<Parcel> = payloads.into_iter().map(Parcel::new).collect();
        if probes_left.is_some() {
            // What failed often before is no good probe: it may be to blame itself.
            fresh.make_contiguous().sort_by_key(|parcel| parcel.payload.attempts);
        }
        Schedule {
            terms,
            deadline: time,
            fresh,
            failing: BTreeMap::new(),
            suspects: Vec::new(),
            is_asking: false,
            standing: KeyStanding::default(),
            underway: 0,
            budget: RetryBudget::new(),
            alive_at: None,
            is_alive: false,
            accepted_at: None,
            last: None,
            probes_left,
            splits_left: SPLITS,
            wholes: BTreeMap::new(),
            refused_halves: BTreeMap::new(),
            is_all_refused: false,
            takes_gzip_only: false,
            number: 0,
            report: DeliveryReport::default(),
        }
    }

    /// What to do next. What it says to send is under way from then on.
    pub(super) fn step(&mut self, now: Duration) -> Step {
        if now >= self.end() {
            self.give_up_all(now);
        }
        loop {
            let places = if self.probes_left.is_some() { 1 } else { self.terms.workers.max(1) };
            // While it is in doubt whether the key is accepted, no more is sent with it.
            if self.underway >= places || self.is_asking {
                return Step::Wait;
            }
            if !self.suspects.is_empty() {
                self.is_asking = true;
                self.underway += 1;
                return Step::AskForKey;
            }
            if let Some(parcel) = self.fresh.pop_front() {
                return self.send(parcel, now);
            }
            let Some((&(due, number), parcel)) = self.failing.first_key_value() else {
                return if self.underway == 0 { Step::Done } else { Step::Wait };
            };
            let end = self.end().min(self.end_of(parcel));
            if due > now && now < end {
                return Step::WaitUntil(due.min(end));
            }
            let may = if now < end { self.budget.take(now) } else { Ok(()) };
            if let Err(next) = may {
                return Step::WaitUntil(next.min(end));
            }
            let Some(parcel) = self.failing.remove(&(due, number)) else { continue };
            if now < end {
                return self.send(parcel, now);
            }
            self.give_up(parcel, now);
        }
    }

    fn send(&mut self, mut parcel: Parcel, now: Duration) -> Step {
        if self.takes_gzip_only && !matches!(parcel.payload.compression, Compression::Gzip(_)) {
            parcel.payload = parcel.payload.compressed(GZIP);
            parcel.is_recompressed = true;
        }
        self.underway += 1;
        // Whoever has no patience left for a whole attempt still waits for what may be taken: it would be sent twice else.
        let left = self.end().min(self.end_of(&parcel)).saturating_sub(now).max(LEAST_TIMEOUT);
        let timeout = left.min(ATTEMPT_TIMEOUT).min(self.deadline.saturating_sub(now));
        Step::Send(parcel, timeout)
    }

    /// When nothing more is tried: the deadline, or where logs can wait, when the intake was silent for too long. Some
    /// time before the deadline there is none left for an attempt.
    fn end(&self) -> Duration {
        match self.alive_at {
            Some(alive_at) if self.terms.can_wait => self.last_moment().min(alive_at + PATIENCE),
            _ => self.last_moment(),
        }
    }

    fn last_moment(&self) -> Duration {
        self.deadline.saturating_sub(self.terms.policy.attempt)
    }

    /// When a payload is not tried any more.
    fn end_of(&self, parcel: &Parcel) -> Duration {
        match parcel.failing_since {
            Some(since) if self.terms.can_wait => self.deadline.min(since + PATIENCE),
            _ => self.deadline,
        }
    }

    /// Takes note of how an attempt ended. `random` is from 0 to 1.
    pub(super) fn ended(&mut self, mut parcel: Parcel, ended: Ended, now: Duration, random: f64) {
        self.underway = self.underway.saturating_sub(1);
        let (answer, key, took) = match ended {
            Ended::Answered { answer, key, took } => (answer, key, took),
            Ended::NoKey(unavailable) => return self.undelivered(parcel, UndeliveredReason::NoKey(unavailable), now),
            Ended::NoTime => return self.give_up(parcel, now),
            Ended::Died => return self.undelivered(parcel, UndeliveredReason::Internal, now),
        };
        self.note_request(took, now);
        if let IntakeAnswer::Retry { problem, after } = answer {
            parcel.failed(problem, after.map(|after| now + after), now.saturating_sub(took));
            return self.failed(parcel, problem, after, now, random);
        }
        self.probes_left = None;
        self.alive_at = Some(now);
        self.is_alive = true;
        match answer {
            IntakeAnswer::Retry { .. } => {}
            IntakeAnswer::Accepted => self.accepted(parcel, key, now),
            IntakeAnswer::TooLarge => match parcel.payload.split() {
                Some(halves) => self.split(halves),
                None => self.undelivered(parcel, UndeliveredReason::TooLarge, now),
            },
            IntakeAnswer::EncodingRefused => {
                let is_gzip = matches!(parcel.payload.compression, Compression::Gzip(_));
                if is_gzip || parcel.is_recompressed {
                    return self.undelivered(parcel, UndeliveredReason::Refused(415), now);
                }
                self.takes_gzip_only = true;
                self.fresh.push_front(parcel);
            }
            IntakeAnswer::Refused(code) => self.refused(parcel, code, now),
            IntakeAnswer::KeyRefused(code) => {
                parcel.refusals += 1;
                self.key_refused(parcel, key, code, now);
            }
        }
    }

    fn note_request(&mut self, took: Duration, now: Duration) {
        self.report.tally.requests += 1;
        self.report.tally.latencies.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        self.alive_at = self.alive_at.or(Some(now.saturating_sub(took)));
    }

    fn accepted(&mut self, parcel: Parcel, key: u64, now: Duration) {
        self.accepted_at = Some(now);
        self.budget.accepted();
        self.standing.accepted(key);
        let Parcel { payload, refusals, .. } = parcel;
        // They were those of an older key.
        self.report.tally.key_refused += refusals;
        self.report.accepted += payload.items();
        self.report.bytes += payload.body.len();
        self.report.records.extend(payload.records());
        self.report.marks.extend(payload.logs().iter().filter_map(|log| log.mark));
        for (half, code) in std::mem::take(&mut self.refused_halves).into_values() {
            self.refused(half, code, now);
        }
    }

    fn failed(&mut self, parcel: Parcel, problem: IntakeProblem, after: Option<Duration>, now: Duration, random: f64) {
        self.report.tally.retries.count(problem);
        self.last = Some((problem, parcel.not_before));
        if let Some(left) = self.probes_left {
            let left = if problem == IntakeProblem::Timeout { 0 } else { left.saturating_sub(1) };
            self.probes_left = Some(left);
            if left == 0 {
                self.give_up(parcel, now);
                return self.give_up_all(now);
            }
        }
        // A firewall that dislikes a text says 403, or 406, or shows a page. It says so each time, and only to this text.
        let others_pass = self.accepted_at > parcel.failing_since;
        let is_disliked = problem.is_unexpected() && others_pass && parcel.failures > 1 && self.splits_left > 0;
        if let Some((first, second)) = is_disliked.then(|| parcel.payload.split()).flatten() {
            self.splits_left -= 1;
            for half in [second, first] {
                self.fresh.push_front(Parcel { payload: half, failures: 1, half_of: None, ..parcel.clone() });
            }
            return;
        }
        let left = self.end().min(self.end_of(&parcel)).saturating_sub(now);
        match self.terms.policy.decide(parcel.failures, after, left, random) {
            Decision::Wait(wait) => {
                self.number += 1;
                self.failing.insert((now + wait, self.number), parcel);
            }
            Decision::GiveUp => self.give_up(parcel, now),
        }
    }

    /// Both halves are tried next.
    fn split(&mut self, (first, second): (Payload, Payload)) {
        self.fresh.push_front(Parcel::new(second));
        self.fresh.push_front(Parcel::new(first));
    }

    fn key_refused(&mut self, mut parcel: Parcel, key: u64, code: u16, now: Duration) {
        match self.standing.blame(key, parcel.refused_key.is_some()) {
            Blame::Payload => self.forbidden(parcel, code, now),
            Blame::Key => self.undelivered(parcel, UndeliveredReason::KeyRefused(code), now),
            Blame::PerhapsOldKey => {
                parcel.refused_key = Some(key);
                self.fresh.push_front(parcel);
            }
            Blame::Unknown => self.suspects.push((parcel, key, code)),
        }
    }

    /// Takes note of what was answered to [`Step::AskForKey`].
    pub(super) fn asked(&mut self, ended: Ended, now: Duration) {
        self.underway = self.underway.saturating_sub(1);
        self.is_asking = false;
        if let Ended::Answered { answer, key, took } = ended {
            self.note_request(took, now);
            match answer {
                // With 400 the request was read, and so the key was accepted.
                IntakeAnswer::Accepted | IntakeAnswer::Refused(_) => self.standing.accepted(key),
                IntakeAnswer::KeyRefused(code) => {
                    self.report.tally.key_refused += 1;
                    self.standing.refused(key);
                    // With a key that is refused whatever is sent, there is nothing to send.
                    let all = std::mem::take(&mut self.fresh);
                    all.into_iter().for_each(|one| self.undelivered(one, UndeliveredReason::KeyRefused(code), now));
                }
                _ => {}
            }
        }
        for (parcel, key, code) in std::mem::take(&mut self.suspects) {
            match self.standing.blame(key, true) {
                Blame::Payload => self.forbidden(parcel, code, now),
                // Where it cannot be found out, the key is to blame: then no round counts.
                _ => self.undelivered(parcel, UndeliveredReason::KeyRefused(code), now),
            }
        }
    }

    /// One log may be to blame, and those beside it may be of other pods: where anything was accepted, the payload is sent in halves
    /// until that log is alone. Where nothing was, both halves are tried once; if neither is accepted, all of it is refused, whole.
    fn refused(&mut self, mut parcel: Parcel, code: u16, now: Duration) {
        let others_pass = self.accepted_at.is_some();
        if let Some(pair) = parcel.half_of.take().filter(|_| !others_pass) {
            if self.refused_halves.remove(&pair).is_none() {
                self.refused_halves.insert(pair, (parcel, code));
            } else if let Some(whole) = self.wholes.remove(&pair) {
                self.is_all_refused = true;
                self.undelivered(Parcel::new(whole), UndeliveredReason::Refused(code), now);
            }
            return;
        }
        let may_split = self.splits_left > 0 && (others_pass || !self.is_all_refused);
        match may_split.then(|| parcel.payload.split()).flatten() {
            Some(halves) if others_pass => {
                self.splits_left -= 1;
                self.split(halves);
            }
            Some((first, second)) => {
                self.splits_left -= 1;
                self.number += 1;
                self.wholes.insert(self.number, parcel.payload);
                for half in [second, first] {
                    self.fresh.push_front(Parcel { half_of: Some(self.number), ..Parcel::new(half) });
                }
            }
            // Or where this delivery has split enough: a payload of nothing but such logs would take as many requests as it has.
            None => self.undelivered(parcel, UndeliveredReason::Refused(code), now),
        }
    }

    /// In halves, so that in the end only those logs wait that somebody dislikes.
    fn forbidden(&mut self, parcel: Parcel, code: u16, now: Duration) {
        match (self.splits_left > 0).then(|| parcel.payload.split()).flatten() {
            Some(halves) => {
                self.splits_left -= 1;
                self.split(halves);
            }
            None => self.undelivered(parcel, UndeliveredReason::Forbidden(code), now),
        }
    }

    /// Gives up what is not under way.
    fn give_up_all(&mut self, now: Duration) {
        let waiting: Vec<Parcel> = std::mem::take(&mut self.failing).into_values().collect();
        waiting.into_iter().chain(std::mem::take(&mut self.fresh)).for_each(|parcel| self.give_up(parcel, now));
    }

    fn give_up(&mut self, mut parcel: Parcel, now: Duration) {
        let is_time_up = now >= self.last_moment();
        let reason = match (parcel.last, self.last) {
            (Some(problem), _) => UndeliveredReason::GivenUp(problem),
            (None, Some((problem, not_before))) if !is_time_up => {
                parcel.not_before = not_before;
                UndeliveredReason::IntakeDown(problem)
            }
            _ => UndeliveredReason::NoTime,
        };
        self.undelivered(parcel, reason, now);
    }

    fn undelivered(&mut self, parcel: Parcel, reason: UndeliveredReason, now: Duration) {
        match reason {
            UndeliveredReason::Forbidden(_) => self.report.tally.forbidden += 1,
            _ => self.report.tally.key_refused += parcel.refusals,
        }
        let not_before = parcel.not_before.map(|moment| moment.saturating_sub(now)).filter(|wait| !wait.is_zero());
        self.report.undelivered.push(Undelivered { payload: parcel.payload, reason, not_before });
    }

    /// What became of all payloads, when it is done.
    pub(super) fn finish(mut self) -> DeliveryReport {
        // Of the other half nothing became known.
        for (half, code) in std::mem::take(&mut self.refused_halves).into_values() {
            self.undelivered(half, UndeliveredReason::Refused(code), self.deadline);
        }
        self.report.is_down = match (self.is_alive, self.last) {
            (true, _) => Some(false),
            (false, Some(_)) => Some(true),
            (false, None) => None,
        };
        self.report
    }
}

#[cfg(test)]
mod tests;
