//! When metadata may be looked up, and how often: rate, back-off, and what is remembered of look-ups that had no success.
//!
//! The quotas of `GetLogEvents` and `FilterLogEvents` are those of the whole account, and people's consoles have a part in them. No sandbox knows of
//! another, so each has a small rate of its own, and gives way where CloudWatch says that it is too much.
//!
//! Pure: the time is the wall clock as a duration since 1970, because another clock may stand still while the sandbox is frozen; it may be put back.
//! The random number is an argument, too.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

use serde::Serialize;

use super::call_rate::{BackOff, CallRate};

/// How many calls of `GetLogEvents` a sandbox may make at once, if it made none for a while: a look-up takes one to three.
const BURST: u32 = 3;

/// `FilterLogEvents` has a fifth of the rate of `GetLogEvents`, as of the quota: 5 and 25 calls a second in most regions.
/// Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs quotas".
const FILTER_SHARE: u32 = 5;

/// How long a look-up waits for its turn at most. An event that waits in the queue waits longer; one without a queue goes without.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many streams are looked up in one invocation: what it takes longer than a few seconds is better done by the next.
const MOST_OF_INVOCATION: usize = 10;

/// How long it is remembered that a stream has no metadata, the first time; each time twice as long. A pod's first lines often come before their
/// metadata, which is there some seconds later.
const ABSENT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// How long a denial, and a stream that is not there, is remembered: a role or a network is mended in minutes, and nobody waits for the forwarder then.
const REFUSED: Duration = Duration::from_secs(300);

/// How long a log group is not searched as a whole after it was: pods that are new since then have most of their metadata in their first events.
const SEARCHED: Duration = Duration::from_secs(60);

/// How many streams and groups are remembered: some 100 KB.
const MOST_REMEMBERED: usize = 1000;

/// A call of CloudWatch Logs. Each has a quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LookupCall {
    Get,
    Filter,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Answered,
    Throttled,
    Denied,
    /// There is no such group or stream.
    NotFound,
    /// Anything else: 5xx, no answer in time, no connection, an answer that is none.
    Failed,
}

/// Why metadata could not be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupRefusal {
    /// By the settings.
    Off,
    /// The log group is another account's.
    Foreign,
    /// There were enough in this invocation, or in the last seconds.
    Busy,
    /// Calls failed not long ago.
    BackingOff,
    /// The invocation has no time left for it.
    NoTime,
    /// It was tried, now or a while ago.
    Throttled,
    Denied,
    NotFound,
    Failed,
}

/// What the look-ups of an invocation came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LookupTally {
    /// Streams that were looked up.
    #[serde(rename = "metadata_lookups", skip_serializing_if = "is_zero")]
    pub(crate) streams: usize,
    #[serde(rename = "metadata_lookups_found", skip_serializing_if = "is_zero")]
    pub(crate) found: usize,
    /// Streams that were not looked up, because there were enough look-ups, or calls had failed not long ago.
    #[serde(rename = "metadata_lookups_refused", skip_serializing_if = "is_zero")]
    pub(crate) refused: usize,
    #[serde(rename = "metadata_lookup_calls", skip_serializing_if = "is_zero")]
    pub(crate) calls: usize,
    #[serde(rename = "metadata_lookup_calls_throttled", skip_serializing_if = "is_zero")]
    pub(crate) throttled: usize,
    #[serde(rename = "metadata_lookup_calls_denied", skip_serializing_if = "is_zero")]
    pub(crate) denied: usize,
    #[serde(rename = "metadata_lookup_calls_failed", skip_serializing_if = "is_zero")]
    pub(crate) failed: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A log stream and its group, as they are remembered: as a hash, so that it does not matter how long names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    group: u64,
    stream: u64,
}

impl Subject {
    /// The group alone.
    pub(crate) fn of_group(self) -> Subject {
        Subject { stream: 0, ..self }
    }
}

/// What is remembered of a stream or a group.
#[derive(Debug, Clone, Copy)]
struct Memory {
    refusal: Option<LookupRefusal>,
    since: Duration,
    wait: Duration,
}

impl Memory {
    /// A clock that was put back behind it says nothing.
    fn holds(&self, now: Duration) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < self.wait)
    }
}

/// Everything that a sandbox knows about its look-ups.
#[derive(Debug)]
pub(crate) struct LookupPolicy {
    get: (CallRate, BackOff),
    filter: (CallRate, BackOff),
    remembered: HashMap<u64, Memory>,
    hasher: RandomState,
    tally: LookupTally,
}

impl LookupPolicy {
    /// At most so many calls of `GetLogEvents` a minute; at least one.
    pub(crate) fn new(calls_a_minute: u32) -> LookupPolicy {
        let interval = Duration::from_secs(60) / calls_a_minute.max(1);
        let rate = |interval, burst| (CallRate::new(interval, burst), BackOff::default());
        LookupPolicy {
            get: rate(interval, BURST),
            filter: rate(interval * FILTER_SHARE, 1),
            remembered: HashMap::new(),
            hasher: RandomState::new(),
            tally: LookupTally::default(),
        }
    }

    /// Begins an invocation.
    pub(crate) fn begin(&mut self) {
        self.tally = LookupTally::default();
    }

    /// What the invocation's look-ups came to so far.
    pub(crate) fn tally(&self) -> LookupTally {
        self.tally
    }

    /// What a stream is remembered by.
    pub(crate) fn subject(&self, owner: &str, group: &str, stream: &str) -> Subject {
        Subject { group: self.hasher.hash_one((owner, group)), stream: self.hasher.hash_one((owner, group, stream)) }
    }

    /// Whether a stream is to be looked up now. `Err(None)`: it had no metadata a while ago.
    pub(crate) fn start(&mut self, subject: Subject, now: Duration) -> Result<(), Option<LookupRefusal>> {
        if let Some(memory) = self.remembered.get(&subject.stream).filter(|memory| memory.holds(now)) {
            return Err(memory.refusal);
        }
        if self.tally.streams >= MOST_OF_INVOCATION {
            self.tally.refused += 1;
            return Err(Some(LookupRefusal::Busy));
        }
        self.tally.streams += 1;
        Ok(())
    }

    /// How long to wait before a call; it has to be made then.
    pub(crate) fn turn(
        &mut self,
        call: LookupCall,
        subject: Subject,
        now: Duration,
    ) -> Result<Duration, LookupRefusal> {
        let denied = self.remembered.get(&self.denied_by(call, subject)).filter(|memory| memory.holds(now));
        if let Some(refusal) = denied.and_then(|memory| memory.refusal) {
            return Err(refusal);
        }
        let (rate, back_off) = self.of(call);
        let turn = match back_off.holds(now) {
            true => Err(LookupRefusal::BackingOff),
            false => rate.take(now, PATIENCE).ok_or(LookupRefusal::Busy),
        };
        self.tally.refused += usize::from(turn.is_err());
        turn
    }

    /// Whether the stream's whole group is to be searched now; a call for it has to be made then.
    pub(crate) fn searches(&mut self, subject: Subject, now: Duration) -> bool {
        let keys = [self.searched_by(subject), self.denied_by(LookupCall::Filter, subject)];
        let is_done = keys.iter().filter_map(|key| self.remembered.get(key)).any(|memory| memory.holds(now));
        let (rate, back_off) = &mut self.filter;
        !is_done && !back_off.holds(now) && rate.take(now, Duration::ZERO).is_some()
    }

    /// The search of the stream's group came to its end; or there is no sense in it.
    pub(crate) fn searched(&mut self, subject: Subject, is_of_use: bool, now: Duration) {
        let wait = if is_of_use { SEARCHED } else { REFUSED };
        let key = self.searched_by(subject);
        self.remember(key, Memory { refusal: None, since: now, wait }, now);
    }

    /// Takes note of how a call went.
    pub(crate) fn ended(&mut self, call: LookupCall, subject: Subject, end: CallEnd, now: Duration, random: f64) {
        self.tally.calls += 1;
        let (_, back_off) = self.of(call);
        match end {
            CallEnd::Throttled | CallEnd::Failed => back_off.failed(now, random),
            CallEnd::Answered | CallEnd::Denied | CallEnd::NotFound => back_off.answered(),
        }
        let refused = |refusal| Memory { refusal: Some(refusal), since: now, wait: REFUSED };
        match end {
            CallEnd::Answered => {}
            CallEnd::Throttled => self.tally.throttled += 1,
            CallEnd::Failed => self.tally.failed += 1,
            CallEnd::NotFound => {
                self.tally.failed += 1;
                self.remember(subject.stream, refused(LookupRefusal::NotFound), now);
            }
            CallEnd::Denied => {
                self.tally.denied += 1;
                let key = self.denied_by(call, subject);
                self.remember(key, refused(LookupRefusal::Denied), now);
            }
        }
    }

    /// The stream's metadata was found.
    pub(crate) fn found(&mut self, subject: Subject) {
        self.tally.found += 1;
        self.remembered.remove(&subject.stream);
    }

    /// All was asked that can be asked, and there is none yet.
    pub(crate) fn absent(&mut self, subject: Subject, now: Duration) {
        let before = self.remembered.get(&subject.stream).filter(|memory| memory.refusal.is_none());
        let wait = before.map_or(ABSENT.0, |memory| (memory.wait * 2).min(ABSENT.1));
        self.remember(subject.stream, Memory { refusal: None, since: now, wait }, now);
    }

    fn of(&mut self, call: LookupCall) -> (&mut CallRate, &mut BackOff) {
        let (rate, back_off) = match call {
            LookupCall::Get => &mut self.get,
            LookupCall::Filter => &mut self.filter,
        };
        (rate, back_off)
    }

    /// A role may be allowed one of the calls, in some groups.
    fn denied_by(&self, call: LookupCall, subject: Subject) -> u64 {
        self.hasher.hash_one((subject.group, call))
    }

    fn searched_by(&self, subject: Subject) -> u64 {
        self.hasher.hash_one((subject.group, "search"))
    }

    fn remember(&mut self, key: u64, memory: Memory, now: Duration) {
        if self.remembered.len() >= MOST_REMEMBERED && !self.remembered.contains_key(&key) {
            self.remembered.retain(|_, memory| memory.holds(now));
            let ends = |memory: &Memory| memory.since.saturating_add(memory.wait);
            let first = self.remembered.iter().min_by_key(|(_, memory)| ends(memory)).map(|(key, _)| *key);
            if let Some(first) = first.filter(|_| self.remembered.len() >= MOST_REMEMBERED) {
                self.remembered.remove(&first);
            }
        }
        self.remembered.insert(key, memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LookupCall::{Filter, Get};

    const START: Duration = Duration::from_secs(1_000_000);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_millis((START.as_secs_f64() * 1000.0 + seconds * 1000.0).round() as u64)
    }

    fn policy() -> (LookupPolicy, Subject) {
        let policy = LookupPolicy::new(60);
        let subject = policy.subject("1", "g", "s");
        (policy, subject)
    }

    #[test]
    fn calls_come_at_a_rate_with_some_at_once() {
        let (mut policy, subject) = policy();
        let mut turn = |call, at| policy.turn(call, subject, seconds(at)).map(|wait| wait.as_secs());
        let expected = [Ok(0), Ok(0), Ok(0), Ok(1), Ok(2), Err(LookupRefusal::Busy), Err(LookupRefusal::Busy)];
        assert_eq!([0.0; 7].map(|at| turn(Get, at)), expected);
        // One that was refused takes no turn.
        assert_eq!((turn(Get, 1.0), turn(Get, 1.0)), (Ok(2), Err(LookupRefusal::Busy)));
        // The other call has a rate of its own: a fifth.
        let expected = [Ok(0), Err(LookupRefusal::Busy), Err(LookupRefusal::Busy), Ok(2), Err(LookupRefusal::Busy)];
        assert_eq!([0.0, 0.0, 2.9, 3.0, 4.0].map(|at| turn(Filter, at)), expected);
        // However long it was quiet, no more are made at once.
        let expected = [Ok(0), Ok(0), Ok(0), Ok(1), Ok(2), Err(LookupRefusal::Busy)];
        assert_eq!([1000.0; 6].map(|at| turn(Get, at)), expected);
        // The clock is put back by an hour.
        assert_eq!((turn(Get, -3600.0), turn(Get, -3598.0)), (Err(LookupRefusal::Busy), Ok(1)));
        assert!(LookupPolicy::new(0).turn(Get, subject, START).is_ok());
    }

    #[test]
    fn failures_make_it_wait_twice_as_long_each_time_and_for_minutes_at_most() {
        for (random, share) in [(0.0, 0.5), (1.0, 1.0), (7.0, 1.0)] {
            let (mut policy, subject) = policy();
            let mut at = 0.0;
            for bound in [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0] {
                let end = if bound == 8.0 { CallEnd::Failed } else { CallEnd::Throttled };
                policy.ended(Get, subject, end, seconds(at), random);
                let wait = bound * share;
                assert_eq!(policy.turn(Get, subject, seconds(at + wait - 0.001)), Err(LookupRefusal::BackingOff));
                assert!(policy.turn(Get, subject, seconds(at + wait)).is_ok(), "{bound}");
                at += wait + 10.0;
            }
            // The other call is not concerned.
            assert!(policy.turn(Filter, subject, seconds(at)).is_ok());
            let tally = policy.tally();
            assert_eq!((tally.throttled, tally.failed, tally.refused), (9, 1, 10));
        }
    }

    #[test]
    fn what_is_answered_shortens_the_next_wait_and_does_not_forget_all() {
        let (mut policy, subject) = policy();
        (0..5).for_each(|_| policy.ended(Get, subject, CallEnd::Throttled, START, 1.0));
        policy.ended(Get, subject, CallEnd::Answered, seconds(40.0), 1.0);
        assert!(policy.turn(Get, subject, seconds(40.0)).is_ok());
        policy.ended(Get, subject, CallEnd::Throttled, seconds(41.0), 1.0);
        // Two doublings are left of five.
        assert_eq!(policy.turn(Get, subject, seconds(48.9)), Err(LookupRefusal::BackingOff));
        assert!(policy.turn(Get, subject, seconds(49.0)).is_ok());
        // A clock that was put back behind the failure says nothing of it.
        policy.ended(Get, subject, CallEnd::Throttled, seconds(50.0), 1.0);
        assert!(policy.turn(Get, subject, seconds(-100.0)) != Err(LookupRefusal::BackingOff));
    }

    #[test]
    fn a_stream_without_metadata_is_asked_for_again_later_and_later() {
        let (mut policy, subject) = policy();
        let mut at = 0.0;
        for wait in [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0] {
            policy.absent(subject, seconds(at));
            assert_eq!(policy.start(subject, seconds(at + wait - 0.001)), Err(None));
            policy.begin();
            assert_eq!(policy.start(subject, seconds(at + wait)), Ok(()), "{wait}");
            at += wait;
        }
        policy.found(subject);
        policy.absent(subject, seconds(at));
        assert_eq!(policy.start(subject, seconds(at + 10.0)), Ok(()));
        // Others are not concerned, nor is a stream of the same name elsewhere.
        policy.absent(subject, seconds(at));
        for other in [("1", "g", "t"), ("1", "h", "s"), ("2", "g", "s")] {
            let other = policy.subject(other.0, other.1, other.2);
            assert_eq!(policy.start(other, seconds(at)), Ok(()));
        }
    }

    #[test]
    fn a_denial_holds_for_its_group_and_call_and_a_missing_stream_for_itself() {
        let (mut policy, subject) = policy();
        let (neighbour, elsewhere) = (policy.subject("1", "g", "t"), policy.subject("1", "h", "s"));
        policy.ended(Get, subject, CallEnd::Denied, START, 1.0);
        assert_eq!(policy.turn(Get, subject, seconds(299.9)), Err(LookupRefusal::Denied));
        assert_eq!(policy.turn(Get, neighbour, seconds(299.9)), Err(LookupRefusal::Denied));
        assert!(
            policy.turn(Filter, subject, seconds(1.0)).is_ok() && policy.turn(Get, elsewhere, seconds(1.0)).is_ok()
        );
        assert!(policy.turn(Get, neighbour, seconds(300.0)).is_ok());
        policy.ended(Get, subject, CallEnd::NotFound, START, 1.0);
        assert_eq!(policy.start(subject, seconds(299.9)), Err(Some(LookupRefusal::NotFound)));
        assert!(policy.start(neighbour, seconds(1.0)).is_ok() && policy.start(subject, seconds(300.0)).is_ok());
        let tally = policy.tally();
        assert_eq!((tally.denied, tally.failed, tally.throttled), (1, 1, 0));
    }

    #[test]
    fn a_group_is_searched_page_by_page_and_then_not_for_a_while() {
        let (mut policy, subject) = policy();
        let neighbour = policy.subject("1", "g", "t");
        let searches = |policy: &mut LookupPolicy, at| policy.searches(neighbour, seconds(at));
        // At the rate of `FilterLogEvents`, and without waiting.
        assert_eq!([0.0, 4.9, 5.0, 9.9].map(|at| searches(&mut policy, at)), [true, false, true, false]);
        policy.searched(subject, true, seconds(10.0));
        assert_eq!([69.9, 70.0].map(|at| searches(&mut policy, at)), [false, true]);
        policy.searched(subject, false, seconds(100.0));
        assert_eq!([399.9, 400.0].map(|at| searches(&mut policy, at)), [false, true]);
        policy.ended(Filter, subject, CallEnd::Throttled, seconds(410.0), 1.0);
        assert_eq!([411.9, 412.0].map(|at| searches(&mut policy, at)), [false, true]);
        policy.ended(Filter, subject, CallEnd::Denied, seconds(420.0), 1.0);
        assert_eq!([719.9, 720.0].map(|at| searches(&mut policy, at)), [false, true]);
        // A refusal of this kind is nobody's who wants a stream.
        assert_eq!(policy.tally().refused, 0);
        assert!(policy.searches(policy.subject("1", "h", "s"), seconds(800.0)));
    }

    #[test]
    fn an_invocation_has_so_many_look_ups() {
        let (mut policy, _) = policy();
        let mut started = || {
            let streams = (0..12).map(|number| format!("{number}"));
            streams.filter(|stream| policy.start(policy.subject("1", "g", stream), START).is_ok()).count()
        };
        assert_eq!((started(), started()), (10, 0));
        assert_eq!((policy.tally().streams, policy.tally().refused), (10, 14));
        policy.begin();
        assert_eq!(policy.tally(), LookupTally::default());
        assert!(policy.start(policy.subject("1", "g", "0"), START).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_ends_first_goes_first() {
        let (mut policy, first) = policy();
        policy.absent(first, START);
        policy.absent(first, START);
        for number in 0..MOST_REMEMBERED - 1 {
            policy.absent(policy.subject("1", "g", &number.to_string()), START);
        }
        assert_eq!(policy.remembered.len(), MOST_REMEMBERED);
        let another = policy.subject("1", "g", "another");
        policy.absent(another, START);
        // One of the others went: this one would have been remembered for longer.
        assert_eq!(policy.remembered.len(), MOST_REMEMBERED);
        assert_eq!((policy.start(first, seconds(19.9)), policy.start(another, seconds(9.9))), (Err(None), Err(None)));
        // What is over goes at once.
        policy.absent(policy.subject("1", "g", "late"), seconds(15.0));
        assert_eq!(policy.remembered.len(), 2);
    }
}
