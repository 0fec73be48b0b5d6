//! How long an event waits for the metadata of its pod. Numbers only.
//!
//! A record of metadata comes with the lines of its pod, a few a minute; where it is late, Kubernetes did not answer Fluent Bit yet. So the
//! first wait is short, and those that follow are longer. All of them together have a bound, by the clock and by their number: the
//! clock may be wrong, a message may be old, and anybody who may send to the queue can write one.

use std::time::Duration;

/// The first wait: with the preset's default four records a minute pass the throttle.
const FIRST: Duration = Duration::from_secs(15);

/// No single wait is longer: another sandbox may know the metadata for minutes by then.
const CAP: Duration = Duration::from_secs(240);

/// How an event has waited so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waited {
    /// Since when, in milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// How often its metadata was looked for, without this time.
    pub(crate) rounds: u32,
}

impl Waited {
    /// An event that comes for the first time.
    pub(crate) fn not_at_all(now_ms: i64) -> Waited {
        Waited { since_ms: now_ms, rounds: 0 }
    }

    /// How long to wait from now, in whole seconds, if `longest` is all that it may wait. `None`: it has waited that long. Times are in
    /// milliseconds since 1970.
    pub(crate) fn next(self, longest: Duration, now_ms: i64) -> Option<Duration> {
        // One that begins to wait tomorrow was written by a wrong clock; its rounds count all the same.
        let by_clock =
            u64::try_from(now_ms.saturating_sub(self.since_ms)).map_or(Duration::ZERO, Duration::from_millis);
        let left = longest.checked_sub(by_clock.max(self.by_rounds(longest)))?;
        // SQS counts seconds.
        let seconds = wait(self.rounds).min(left).as_millis().div_ceil(1000);
        u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    /// What the waits before this one come to, as far as `longest`.
    fn by_rounds(self, longest: Duration) -> Duration {
        let mut sum = Duration::ZERO;
        for round in 0..self.rounds {
            if sum >= longest {
                break;
            }
            sum += wait(round);
        }
        sum
    }
}

/// The wait after so many others.
fn wait(round: u32) -> Duration {
    FIRST.saturating_mul(1 << round.min(16)).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(600);

    fn seconds(waited: Waited, now_ms: i64) -> Option<u64> {
        waited.next(MINUTES, now_ms).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_double_and_come_to_the_bound_exactly() {
        let (mut now, mut rounds, mut all) = (1_000_000, 0, Vec::new());
        while let Some(wait) = seconds(Waited { since_ms: 1_000_000, rounds }, now) {
            all.push(wait);
            (now, rounds) = (now + wait as i64 * 1000, rounds + 1);
        }
        assert_eq!(all, [15, 30, 60, 120, 240, 135]);
        assert_eq!(now, 1_000_000 + 600_000);
    }

    #[test]
    fn the_bound_is_exact() {
        for (passed, expected) in [
            (584_999, Some(15)),
            (585_001, Some(15)),
            (599_000, Some(1)),
            (599_999, Some(1)),
            (600_000, None),
            (600_001, None),
        ] {
            assert_eq!(seconds(Waited { since_ms: 0, rounds: 0 }, passed), expected, "{passed}");
        }
        for longest in [0, 1, 14, 15, 16] {
            let first = Waited::not_at_all(5).next(Duration::from_secs(longest), 5);
            assert_eq!(first.map(|wait| wait.as_secs()), (longest > 0).then_some(longest.min(15)));
        }
    }

    #[test]
    fn no_clock_and_no_forged_number_makes_it_wait_for_ever() {
        // A clock that stands still, or that is behind by years: the rounds count.
        for since in [0, i64::MAX] {
            let rounds = (0..).take_while(|rounds| seconds(Waited { since_ms: since, rounds: *rounds }, 0).is_some());
            assert_eq!(rounds.count(), 6, "{since}");
        }
        // An old message, one that was written by nobody's clock, one of many rounds.
        for waited in [
            Waited { since_ms: -600_000, rounds: 0 },
            Waited { since_ms: i64::MIN, rounds: 0 },
            Waited { since_ms: 0, rounds: u32::MAX },
            Waited { since_ms: i64::MAX, rounds: u32::MAX },
        ] {
            assert_eq!(seconds(waited, 0), None);
        }
        assert_eq!(seconds(Waited { since_ms: i64::MIN, rounds: 0 }, i64::MAX), None);
    }

    /// SQS's own limit comes after the function's: `maxReceiveCount` of `template.yaml`.
    #[test]
    fn the_longest_wait_that_can_be_set_ends_before_sqs_gives_the_message_up() {
        let longest = Duration::from_secs(crate::settings::LONGEST_METADATA_WAIT);
        let rounds =
            (0..).take_while(|rounds| Waited { since_ms: 0, rounds: *rounds }.next(longest, 0).is_some()).count();
        assert!(rounds < super::super::rounds::MAX_ROUNDS as usize, "{rounds}");
    }
}
