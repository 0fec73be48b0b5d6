//! How much time lies between two lines, and what that says.
//!
//! What a program writes at once reaches containerd within microseconds. Measured on 54 real programs
//! (`tests/fixtures/field`): of the gaps between two lines of one log half are 2 µs or less, 99 of 100 are 0.2 ms or less,
//! and none from a first line to its second is longer than 6 ms. Half of the gaps between two logs are longer than 0.45 ms.
//! A container that is throttled pauses in the middle of a write, for up to the 100 ms of the scheduler's period.

use super::super::line::HeldLine;

/// When a line was written, as finely as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moment {
    /// Milliseconds since 1970.
    pub(super) milliseconds: Option<i64>,
    /// Nanoseconds within the millisecond.
    pub(super) nanoseconds: Option<u32>,
}

impl HeldLine<'_> {
    /// When it was written.
    pub(super) fn moment(&self) -> Moment {
        Moment { milliseconds: self.timestamp, nanoseconds: self.nanoseconds }
    }
}

/// What the times of an output are worth, learned from its lines.
#[derive(Debug, Default)]
pub(super) struct Clock {
    first: Option<Moment>,
    last: Moment,
    moves: bool,
    /// Indented lines, and how many of them came slowly.
    indented: u32,
    slow: u32,
}

impl Clock {
    /// Learns from the next line.
    pub(super) fn watch(&mut self, now: Moment, is_indented: bool) {
        self.moves |= now.milliseconds.is_some() && *self.first.get_or_insert(now) != now;
        if is_indented {
            let gap = Pace::measured(self.last, now, true);
            self.indented = self.indented.saturating_add(1);
            self.slow = self.slow.saturating_add(u32::from(gap > Pace::Near));
        }
        self.last = now;
    }

    /// Whether indented lines, which were written together with the ones before them, mostly come slowly. Then the times are
    /// not those of the writes: somebody reads line by line, or the container has hardly any share of the processor.
    fn is_slow(&self) -> bool {
        self.slow > 1 && self.slow >= self.indented.div_ceil(2)
    }
}

/// The time between a line and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// No time is known, or the clock stood still: it says nothing.
    Unknown,
    /// As within one write.
    Write,
    /// The same millisecond, where nothing finer is known.
    SameMillisecond,
    /// Within [`CLOSE_NS`].
    Close,
    /// The next millisecond, where nothing finer is known: a write may lie on both sides of the border.
    Border,
    /// Within [`NEAR_MS`].
    Near,
    /// Within [`SOON_MS`].
    Soon,
    /// Within [`THROTTLED_MS`].
    Throttled,
    /// Within [`MAX_PAUSE_MS`].
    Apart,
    /// Longer.
    Paused,
}

/// What is written at once is this close, nearly always, also on a machine that is busy.
const WRITE_NS: i64 = 60_000;

/// A logger's trace is this close to its message: the longest measured was 112 µs. An interpreter that dies behind a log needs 85 µs to
/// some milliseconds until it writes why.
const CLOSE_NS: i64 = 300_000;

/// What comes later than this was not written by the same call.
const NEAR_MS: u64 = 2;
const NEAR_NS: i64 = 2_000_000;

/// The longest measured time from a log's first line to its second was 6 ms.
const SOON_MS: u64 = 10;

/// A pause of the kernel's CFS bandwidth control, whose period is 100 ms, and some room.
const THROTTLED_MS: u64 = 150;

/// Lines further apart than this are never one log.
/// Source: DataDog/datadog-agent, `logs_config.aggregation_timeout`, one second.
const MAX_PAUSE_MS: u64 = 1_000;

impl Pace {
    /// From the line before to this one, on an output with this clock.
    pub(super) fn between(before: Moment, now: Moment, clock: &Clock) -> Pace {
        match Pace::measured(before, now, clock.moves) {
            Pace::Paused => Pace::Paused,
            _ if clock.is_slow() => Pace::Unknown,
            pace => pace,
        }
    }

    /// Where the clock does not move, the same nanosecond twice says nothing: who made the records gave them all one time.
    fn measured(before: Moment, now: Moment, clock_moves: bool) -> Pace {
        let (Some(from), Some(to)) = (before.milliseconds, now.milliseconds) else { return Pace::Unknown };
        let milliseconds = from.abs_diff(to);
        let is_fine = before.nanoseconds.is_some() || now.nanoseconds.is_some();
        match is_fine && milliseconds <= NEAR_MS {
            true => {
                let beyond = |moment: Moment| i64::from(moment.nanoseconds.unwrap_or(0));
                let nanoseconds = to.saturating_sub(from) * 1_000_000 + beyond(now) - beyond(before);
                match nanoseconds.abs() {
                    0 if !clock_moves => Pace::Unknown,
                    gap if gap <= WRITE_NS => Pace::Write,
                    gap if gap <= CLOSE_NS => Pace::Close,
                    gap if gap <= NEAR_NS => Pace::Near,
                    _ => Pace::Soon,
                }
            }
            false => match milliseconds {
                0 => Pace::SameMillisecond,
                1 => Pace::Border,
                more if more <= NEAR_MS => Pace::Near,
                more if more <= SOON_MS => Pace::Soon,
                more if more <= THROTTLED_MS => Pace::Throttled,
                more if more <= MAX_PAUSE_MS => Pace::Apart,
                _ => Pace::Paused,
            },
        }
    }

    /// Whether nothing speaks against `bound`: the time is not known, or not longer.
    pub(super) fn is_within(self, bound: Pace) -> bool {
        self <= bound
    }

    /// Whether a line after this long begins a write of its own, as far as is known.
    pub(super) fn begins_write(self) -> bool {
        self == Pace::Unknown || self > Pace::Near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(nanoseconds: i64, is_fine: bool) -> Pace {
        let at = |time: i64| Moment {
            milliseconds: Some(time.div_euclid(1_000_000)),
            nanoseconds: is_fine.then(|| u32::try_from(time.rem_euclid(1_000_000)).unwrap()),
        };
        Pace::measured(at(1_795_379_888_236_456_789), at(1_795_379_888_236_456_789 + nanoseconds), false)
    }

    #[test]
    fn nanoseconds_tell_a_write() {
        let paces = [-1, 0, 1, 59_999, 60_000, 60_001].map(|gap| between(gap, true));
        use Pace::{Close, Near, Soon, Unknown, Write};
        assert_eq!(paces, [Write, Unknown, Write, Write, Write, Close]);
        assert_eq!([299_999, 300_000, 300_001, 1_999_999].map(|gap| between(gap, true)), [Close, Close, Near, Near]);
        // Two milliseconds later by the clock, or three.
        assert_eq!(
            [2_000_000, 2_000_001, 2_540_000, 2_600_000].map(|gap| between(gap, true)),
            [Near, Soon, Soon, Soon]
        );
    }

    #[test]
    fn milliseconds_tell_the_rest() {
        let paces = [0, 1, 2, 3, 10, 11, 150, 151, 1_000, 1_001].map(|gap| between(gap * 1_000_000, false));
        use Pace::{Apart, Border, Near, Paused, SameMillisecond, Soon, Throttled};
        assert_eq!(paces, [SameMillisecond, Border, Near, Soon, Soon, Throttled, Throttled, Apart, Apart, Paused]);
        assert_eq!(between(i64::MAX / 2_000_000 * 1_000_000 - 1_795_379_888_237_000_000, false), Paused);
    }

    #[test]
    fn times_that_are_not_the_writes_say_nothing() {
        let moment = |milliseconds: i64| Moment { milliseconds: Some(milliseconds), nanoseconds: None };
        let mut clock = Clock::default();
        clock.watch(moment(0), false);
        clock.watch(moment(40), true);
        assert_eq!(Pace::between(moment(0), moment(40), &clock), Pace::Throttled);
        clock.watch(moment(80), true);
        assert_eq!(Pace::between(moment(0), moment(40), &clock), Pace::Unknown);
        assert_eq!(Pace::between(moment(0), moment(1_001), &clock), Pace::Paused);
        (0..3).for_each(|_| clock.watch(moment(80), true));
        assert_eq!(Pace::between(moment(0), moment(40), &clock), Pace::Throttled);
    }

    #[test]
    fn without_a_time_nothing_is_said() {
        let known = Moment { milliseconds: Some(1), nanoseconds: None };
        assert_eq!(Pace::measured(known, Moment::default(), true), Pace::Unknown);
        assert!(Pace::Unknown.is_within(Pace::Write) && Pace::Unknown.begins_write());
        assert!(!Pace::Near.begins_write() && Pace::Soon.begins_write());
    }
}
