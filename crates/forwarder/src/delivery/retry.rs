//! When to try again: policy as data, a pure function of attempt, `Retry-After`, time left and a random number.

use std::time::Duration;

/// Full jitter: a random wait below a bound that doubles with each attempt.
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Bound of the first wait.
    pub base: Duration,
    /// No bound is larger.
    pub cap: Duration,
    /// What an attempt needs at least; without that much time left there is none.
    pub attempt: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            base: Duration::from_millis(200),
            cap: Duration::from_secs(8),
            attempt: Duration::from_millis(100),
        }
    }
}

/// What to do after a failure that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Wait(Duration),
    GiveUp,
}

impl RetryPolicy {
    /// `failures` so far, at least one; `retry_after` as the peer asked; `random` from 0 to 1.
    pub fn decide(&self, failures: u32, retry_after: Option<Duration>, time_left: Duration, random: f64) -> Decision {
        let doublings = failures.saturating_sub(1).min(16);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        let jitter = bound.mul_f64(random.clamp(0.0, 1.0));
        let Some(longest) = time_left.checked_sub(self.attempt) else { return Decision::GiveUp };
        match retry_after {
            // The peer knows best when to come back: never before.
            Some(asked) if asked > longest => Decision::GiveUp,
            // A wait of our own choice is cut to what leaves time for an attempt.
            asked => Decision::Wait(asked.unwrap_or_default().max(jitter.min(longest))),
        }
    }
}

/// How many retries all payloads of a delivery have together: some at once, some more as time goes by, and one for each payload
/// that is accepted. So an intake that is down gets few requests however many payloads wait, and one that is well but for some
/// gets at most twice the requests.
/// Source of the idea: Twitter Finagle, `RetryBudget`; AWS SDKs and Tools Reference Guide, "Retry behavior", retry quota.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RetryBudget {
    left: f64,
    /// When it was last counted.
    at: Duration,
}

impl RetryBudget {
    /// One for each payload that is under way at once (`DD_MAX_WORKERS`, by default).
    const AT_FIRST: f64 = 8.0;

    /// More than one payload alone ever makes: its waits are 4 s in the mean once they have reached their bound.
    const A_SECOND: f64 = 2.0;

    /// What is saved for worse times.
    const MOST: f64 = 32.0;

    /// Full, at the beginning.
    pub(crate) fn new() -> RetryBudget {
        RetryBudget { left: Self::AT_FIRST, at: Duration::ZERO }
    }

    /// A payload was accepted.
    pub(crate) fn accepted(&mut self) {
        self.left = (self.left + 1.0).min(Self::MOST);
    }

    /// Takes a retry; or says when there will be one. `now` never goes back.
    pub(crate) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let gained = now.saturating_sub(self.at).as_secs_f64() * Self::A_SECOND;
        self.left = (self.left + gained).min(Self::MOST.max(self.left));
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        // A millisecond more, or rounding could make it come too early for ever.
        Err(now + Duration::from_secs_f64((1.0 - self.left) / Self::A_SECOND) + Duration::from_millis(1))
    }
}

/// A random number from 0 to 1. The standard library seeds each hash map differently: random enough for a wait.
pub fn random() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let number = std::hash::RandomState::new().build_hasher().finish();
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        base: Duration::from_millis(200),
        cap: Duration::from_secs(8),
        attempt: Duration::from_millis(100),
    };
    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn waits_double_up_to_the_cap() {
        let full = |failures| POLICY.decide(failures, None, LONG, 1.0);
        let expected = [200, 400, 800, 1600, 3200, 6400, 8000, 8000];
        for (failures, milliseconds) in (1..).zip(expected) {
            assert_eq!(full(failures), Decision::Wait(Duration::from_millis(milliseconds)));
        }
        assert_eq!(full(u32::MAX), Decision::Wait(POLICY.cap));
        assert_eq!(POLICY.decide(3, None, LONG, 0.0), Decision::Wait(Duration::ZERO));
    }

    #[test]
    fn the_peer_is_heard() {
        let asked = Duration::from_secs(20);
        assert_eq!(POLICY.decide(1, Some(asked), LONG, 0.5), Decision::Wait(asked));
        assert_eq!(POLICY.decide(1, Some(asked), Duration::from_secs(20), 0.5), Decision::GiveUp);
    }

    #[test]
    fn time_is_counted_to_the_edge() {
        let wait = |milliseconds| Decision::Wait(Duration::from_millis(milliseconds));
        for (left, decision) in
            [(99, Decision::GiveUp), (100, wait(0)), (101, wait(1)), (299, wait(199)), (301, wait(200))]
        {
            assert_eq!(POLICY.decide(1, None, Duration::from_millis(left), 1.0), decision);
        }
        let asked = Some(Duration::from_millis(200));
        for (left, decision) in [(299, Decision::GiveUp), (300, wait(200)), (301, wait(200))] {
            assert_eq!(POLICY.decide(1, asked, Duration::from_millis(left), 0.0), decision);
        }
    }

    #[test]
    fn retries_are_a_few_at_first_then_by_time_and_by_what_is_accepted() {
        let taken = |budget: &mut RetryBudget, now| (0..1000).take_while(|_| budget.take(now).is_ok()).count();
        let mut budget = RetryBudget::new();
        assert_eq!(taken(&mut budget, Duration::ZERO), 8);
        let Err(next) = budget.take(Duration::ZERO) else { panic!("there was none left") };
        assert_eq!(next, Duration::from_millis(501));
        assert_eq!((taken(&mut budget, next), taken(&mut budget, Duration::from_secs(10))), (1, 19));
        (0..3).for_each(|_| budget.accepted());
        assert_eq!(taken(&mut budget, Duration::from_secs(10)), 3);
        // No more is saved than a bound.
        (0..1000).for_each(|_| budget.accepted());
        assert_eq!(taken(&mut budget, Duration::from_secs(3600)), 32);
    }

    #[test]
    fn randomness_is_within_bounds_and_varies() {
        let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number < 0.5) && numbers.iter().any(|number| *number >= 0.5));
    }
}
