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
    fn randomness_is_within_bounds_and_varies() {
        let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number < 0.5) && numbers.iter().any(|number| *number >= 0.5));
    }
}
