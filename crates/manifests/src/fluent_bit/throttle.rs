//! How many records the filter `throttle` lets through.
//!
//! It counts what it let through in `Window` panes, and each `Interval` a new pane takes the place of the oldest. A record passes while the sum of
//! the panes is less than `Rate` × `Window`. So that many pass at once, and no more until the pane that counted them is the oldest, `Window` ×
//! `Interval` later: `Rate` records an `Interval` on average, in bursts of `Rate` × `Window`.
//!
//! Source: fluent/fluent-bit, plugins/filter_throttle/throttle.c and window.c, which count alike in 1.9.10 and 5.1.1; seen with both.

/// What a `Rate` of this or less counts as, and one that is not given.
pub(crate) const LEAST_RATE: f64 = 1.0;
/// What a `Window` of one or less counts as, and one that is not given.
pub(crate) const DEFAULT_WINDOW: u32 = 5;
/// What an `Interval` counts as that is shorter, or no time: panes are told apart by their second.
pub(crate) const LEAST_INTERVAL: u64 = 1;

/// The values that count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Throttle {
    /// Records an interval.
    pub(crate) rate: f64,
    /// Panes.
    pub(crate) window: u32,
    /// Seconds.
    pub(crate) interval: u64,
}

impl Throttle {
    /// Of the options as they are written; none where one is no number.
    pub(crate) fn new(rate: Option<&str>, window: Option<&str>, interval: Option<&str>) -> Option<Throttle> {
        let rate = rate.map_or(Some(LEAST_RATE), |rate| rate.parse().ok())?;
        let window: i64 = window.map_or(Some(0), |window| window.parse().ok())?;
        Some(Throttle {
            rate: f64::max(rate, LEAST_RATE),
            window: u32::try_from(window).ok().filter(|window| *window > 1).unwrap_or(DEFAULT_WINDOW),
            interval: interval.map_or(LEAST_INTERVAL, interval_seconds),
        })
    }

    /// How many records pass at once.
    pub(crate) fn burst(&self) -> f64 {
        (self.rate * f64::from(self.window)).ceil()
    }

    /// After how many seconds that many pass again.
    pub(crate) fn period(&self) -> u64 {
        u64::from(self.window).saturating_mul(self.interval)
    }
}

/// The seconds that an `Interval` counts as. The number at the beginning counts, whatever follows, and of what follows a single letter; parts of a
/// second are cut off.
pub(crate) fn interval_seconds(interval: &str) -> u64 {
    let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let end = interval.find(|letter| !is_number(letter)).unwrap_or(interval.len());
    let (number, rest) = interval.split_at(end);
    let unit = match rest {
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().map_or(0.0, |number| number * unit);
    // What is longer than all time is all time.
    (seconds as u64).max(LEAST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_for_what_is_written() {
        let of = |rate, window, interval| {
            let throttle = Throttle::new(rate, window, interval)?;
            Some((throttle.burst(), throttle.period()))
        };
        for (rate, window, interval, expected) in [
            (None, None, None, Some((5.0, 5))),
            (Some("1"), Some("2"), Some("15s"), Some((2.0, 30))),
            // What Fluent Bit was seen to let through.
            (Some("5"), Some("1"), Some("1s"), Some((25.0, 5))),
            (Some("0.5"), Some("2"), Some("1m"), Some((2.0, 120))),
            (Some("1.5"), Some("3"), Some("10"), Some((5.0, 30))),
            (Some("0"), Some("-2"), Some("1"), Some((5.0, 5))),
            (Some("x"), Some("2"), Some("1"), None),
            (Some("1"), Some("x"), Some("1"), None),
        ] {
            assert_eq!(of(rate, window, interval), expected, "{rate:?} {window:?} {interval:?}");
        }
    }

    #[test]
    fn intervals() {
        for (interval, expected) in [
            ("15", 15),
            ("15s", 15),
            ("0.5m", 30),
            ("2h", 7_200),
            ("1d", 86_400),
            ("1.9", 1),
            // No time at all, or less than a second.
            ("0.5", 1),
            ("0", 1),
            ("bad", 1),
            ("", 1),
            // The number counts in spite of the warning that Fluent Bit writes.
            ("500ms", 500),
            ("5x", 5),
            ("2 m", 2),
        ] {
            assert_eq!(interval_seconds(interval), expected, "{interval}");
        }
    }
}
