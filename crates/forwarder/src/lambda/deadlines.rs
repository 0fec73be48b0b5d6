//! How an invocation divides its time: most of it to read and deliver, some to save what was not delivered, some to end in order.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The time to deliver in where Lambda names no deadline: `cargo lambda watch` gives one in 1970.
const NO_DEADLINE: Duration = Duration::from_secs(30);

/// What is kept back of the time left for ending the invocation in order: a tenth, within these bounds.
const RESERVE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// What is kept back before that for saving to a queue what was not delivered: a tenth, too.
const RESERVE_TO_SAVE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// No invocation has more time, whatever the clock says. Source: AWS, "Lambda quotas", function timeout.
const LONGEST: Duration = Duration::from_secs(900);

/// The moments by which parts of an invocation have to be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) deliver: Instant,
    pub(crate) save: Instant,
}

impl Deadlines {
    /// When to have delivered, and when to have saved the rest: Lambda's deadline less reserves. One that has passed is none.
    pub(crate) fn new(deadline_ms: u64, now: SystemTime, has_queue: bool) -> Deadlines {
        let now_ms = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(deadline_ms).saturating_sub(now_ms).min(LONGEST);
        let start = Instant::now();
        if left.is_zero() {
            return Deadlines { deliver: start + NO_DEADLINE, save: start + NO_DEADLINE + RESERVE_TO_SAVE.1 };
        }
        let save = left.saturating_sub((left / 10).clamp(RESERVE.0, RESERVE.1));
        let to_save = if has_queue { (left / 10).clamp(RESERVE_TO_SAVE.0, RESERVE_TO_SAVE.1) } else { Duration::ZERO };
        Deadlines { deliver: start + save.saturating_sub(to_save), save: start + save }
    }

    /// When to have fetched all objects, or looked all metadata up: that has half of the time, so that a service which does not answer takes
    /// none from what is there already.
    pub(crate) fn fetches(self, now: Instant) -> Instant {
        now + self.deliver.saturating_duration_since(now) / 2
    }
}

/// When the next of so many is to be done, if all are to be done by `end`: each has an equal part of what is left.
pub(crate) fn next_of(left: usize, end: Instant, now: Instant) -> Instant {
    now + end.saturating_duration_since(now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_are_kept_and_a_past_deadline_is_none() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let left = |milliseconds: u64, has_queue| {
            let Deadlines { deliver, save } = Deadlines::new(1_000_000_000 + milliseconds, now, has_queue);
            [deliver, save].map(|deadline| deadline.saturating_duration_since(Instant::now()).as_millis())
        };
        let close = |found: [u128; 2], expected: [u128; 2]| {
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(found <= expected && found + 50 > expected, "{found} is not {expected}");
            }
        };
        close(left(100_000, false), [98_000, 98_000]);
        close(left(5_000, false), [4_500, 4_500]);
        close(left(1_000, false), [800, 800]);
        close(left(100_000, true), [88_000, 98_000]);
        close(left(900_000, true), [888_000, 898_000]);
        close(left(3_600_000, true), [888_000, 898_000]);
        close(left(5_000, true), [4_000, 4_500]);
        close(left(2_000, true), [1_300, 1_800]);
        assert_eq!(left(100, true), [0, 0]);
        close(left(0, true), [30_000, 40_000]);
    }

    #[test]
    fn objects_have_half_of_the_time_together() {
        let start = Instant::now();
        let deadlines = Deadlines { deliver: start + Duration::from_secs(80), save: start };
        let end = deadlines.fetches(start);
        assert_eq!(end, start + Duration::from_secs(40));
        let slow = (1..=8).rev().fold(start, |now, left| next_of(left, end, now));
        assert_eq!((slow, next_of(8, end, start)), (end, start + Duration::from_secs(5)));
        assert_eq!(next_of(2, end, end + Duration::from_secs(1)), end + Duration::from_secs(1));
    }
}
