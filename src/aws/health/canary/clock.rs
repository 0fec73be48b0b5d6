//! How this machine's clock stands to the cluster's.
//!
//! Times of lines are the cluster's, and the moment in which a log is first seen in Datadog is this machine's. The API server says when it made
//! the pod, to the second; before and after, this machine looked at its clock.

/// How much the cluster's clock is ahead of this machine's, in milliseconds; less than 0 where it is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClockOffset(pub(crate) i64);

/// The second that the API server cut off, in milliseconds.
const CUT_OFF: i64 = 1000;

impl ClockOffset {
    /// From the time at which the cluster made something, cut to the second, and this machine's times before it asked and after it was answered,
    /// all in milliseconds since 1970. Where both clocks may agree, there is no difference.
    #[must_use]
    pub(crate) fn of(made_ms: i64, before_ms: i64, after_ms: i64) -> ClockOffset {
        let (least, most) = (made_ms - after_ms, made_ms + CUT_OFF - before_ms);
        ClockOffset(if least <= 0 && most >= 0 { 0 } else { i64::midpoint(least, most) })
    }

    /// A time of this machine's, by the cluster's clock.
    #[must_use]
    pub(crate) fn of_cluster(self, machine_ms: i64) -> i64 {
        machine_ms + self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_seen_where_there_must_be_one() {
        for (made, before, after, expected) in [
            // In the same second, and at its ends.
            (10_000, 10_300, 10_500, 0),
            (10_000, 9_900, 10_000, 0),
            (10_000, 11_000, 11_200, 0),
            (10_000, 11_001, 11_201, -601),
            // The machine is a minute behind, or ahead.
            (70_000, 10_300, 10_500, 60_100),
            (10_000, 70_300, 70_500, -59_900),
        ] {
            let offset = ClockOffset::of(made, before, after);
            assert_eq!(offset, ClockOffset(expected), "{made} {before} {after}");
        }
        assert_eq!(ClockOffset(-5).of_cluster(12), 7);
    }
}
