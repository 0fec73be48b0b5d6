//! How many calls a second: below the account's quota, and fewer when AWS throttles.

use std::time::Duration;

/// Calls a second, unless `--rate` says otherwise. `FilterLogEvents` may be called five times a second, by all who use the account
/// in a region together.
/// Source: AWS re:Post knowledge center, "How do I identify and troubleshoot throttling errors in my CloudWatch logs?".
pub(crate) const DEFAULT_RATE: f64 = 4.0;

/// However often AWS throttles, the rate does not fall below this fraction of what was asked for.
const LEAST: f64 = 1.0 / 16.0;

/// How much of the rate an answer restores, as a fraction of what was asked for.
const RECOVERY: f64 = 1.0 / 40.0;

/// Gives each call its time. Times count from any start.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    most: f64,
    rate: f64,
    next: Duration,
}

impl Pace {
    /// `most` calls a second; above 0.
    #[must_use]
    pub(crate) fn new(most: f64) -> Pace {
        Pace { most, rate: most, next: Duration::ZERO }
    }

    /// How long the next call has to wait.
    pub(crate) fn take(&mut self, now: Duration) -> Duration {
        let at = self.next.max(now);
        self.next = at + Duration::from_secs_f64(1.0 / self.rate);
        at - now
    }

    /// AWS throttled a call: half the rate from now on.
    pub(crate) fn throttled(&mut self, now: Duration) {
        self.rate = (self.rate / 2.0).max(self.most * LEAST);
        self.next = self.next.max(now + Duration::from_secs_f64(1.0 / self.rate));
    }

    /// AWS answered: the rate recovers a little.
    pub(crate) fn answered(&mut self) {
        self.rate = (self.rate + self.most * RECOVERY).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn throttling_halves_and_answers_give_back() {
        let mut pace = Pace::new(4.0);
        let rates: Vec<f64> = (0..6)
            .map(|_| {
                pace.throttled(Duration::ZERO);
                pace.rate
            })
            .collect();
        assert_eq!(rates, [2.0, 1.0, 0.5, 0.25, 0.25, 0.25]);
        assert_eq!(pace.take(Duration::ZERO), Duration::from_secs(4));
        (0..37).for_each(|_| pace.answered());
        assert!(pace.rate < 4.0);
        pace.answered();
        assert!((pace.rate - 4.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn never_more_in_a_second_than_asked_for(most in 1..20_u32, asks in prop::collection::vec(0..400_u64, 1..200)) {
            let mut pace = Pace::new(f64::from(most));
            let mut now = Duration::ZERO;
            let mut calls = Vec::new();
            for pause in asks {
                now += Duration::from_millis(pause);
                calls.push(now + pace.take(now));
            }
            for call in &calls {
                let within = calls.iter().filter(|other| *other >= call && **other < *call + Duration::from_millis(999)).count();
                prop_assert!(within <= most as usize, "{within} of {most}");
            }
        }
    }
}
