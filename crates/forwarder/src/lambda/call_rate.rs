//! How often calls of AWS may be made: at a rate with some at once, and later and later after failures. Pure: the time and the random number are
//! arguments, and a clock that was put back does no harm.

use std::time::Duration;

/// The first wait after a failure is up to this long, the next up to twice as long, and so on.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Lets calls through at a rate, some at once, and says how long the next has to wait.
/// Source of the idea: the generic cell rate algorithm, ITU-T I.371.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallRate {
    interval: Duration,
    burst: u32,
    /// When the next call would be due if there were no burst.
    due: Duration,
}

impl CallRate {
    pub(super) fn new(interval: Duration, burst: u32) -> CallRate {
        CallRate { interval, burst, due: Duration::ZERO }
    }

    /// Takes a turn, and says how long to wait for it; `None` if that is too long, and then none is taken.
    pub(super) fn take(&mut self, now: Duration, patience: Duration) -> Option<Duration> {
        let burst = self.interval * self.burst.saturating_sub(1);
        // Never further ahead than it can be: the clock may have been put back.
        self.due = self.due.max(now).min(now + burst + patience + self.interval);
        let wait = Some(self.due.saturating_sub(now + burst)).filter(|wait| *wait <= patience)?;
        self.due += self.interval;
        Some(wait)
    }
}

/// How long no call is made after failures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BackOff {
    failures: u32,
    since: Duration,
    wait: Duration,
}

impl BackOff {
    pub(super) fn failed(&mut self, now: Duration, random: f64) {
        let bound = doubled(BACK_OFF, self.failures);
        self.failures = self.failures.saturating_add(1);
        // At least half of the bound: sandboxes that all ask again at once would all fail again.
        *self = BackOff { since: now, wait: bound.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0)), ..*self };
    }

    /// One that is answered says little of the next: the quota is shared.
    pub(super) fn answered(&mut self) {
        *self = BackOff { failures: self.failures / 2, wait: Duration::ZERO, ..*self };
    }

    pub(super) fn holds(&self, now: Duration) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < self.wait)
    }
}

/// The first of the two, doubled so often, and never more than the second.
fn doubled((first, most): (Duration, Duration), times: u32) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}
