//! The metadata records of the preset `compact`: how many its throttle lets through, and what that makes of the bytes.
//!
//! Each line is copied, a throttle lets some of the copies pass, and what passes becomes a record of the pod's metadata. Fluent Bit's
//! throttle lets `Rate` × `Window` records pass in each `Window` × `Interval`, for all containers of the pod together.
//! Source: Fluent Bit, `plugins/filter_throttle/throttle.c` and `window.c`.
//!
//! With the defaults (`Rate 1`, `Window 2`, `Interval 15s`) that is two in 30 seconds: a pod of one line a minute has a record for each, one of a
//! thousand has four a minute.

use crate::line::EVENT_BYTES;

/// How long the throttle's window is, in milliseconds: `Window 2` × `Interval 15s`.
pub(crate) const WINDOW_MS: i64 = 30_000;

/// How many copies pass in it: `Rate 1` × `Window 2`.
pub(crate) const PASS_IN_WINDOW: u64 = 2;

/// The same for a minute.
pub const PASS_IN_MINUTE: u64 = PASS_IN_WINDOW * 60_000 / WINDOW_MS.unsigned_abs();

/// Bytes of records, without the 26 of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSizes {
    /// A line of the preset `standard`.
    pub standard: u64,
    /// The same line of the preset `lean`.
    pub lean: u64,
    /// A record of metadata.
    pub metadata: u64,
}

impl RecordSizes {
    /// As measured on the pods of `tests/fixtures/corpus`.
    pub const TYPICAL: RecordSizes = RecordSizes { standard: 1125, lean: 288, metadata: 840 };

    /// Billed bytes of `compact` for one of `standard`, of a pod that writes so many lines a minute, evenly.
    #[expect(clippy::cast_precision_loss, reason = "sizes of records")]
    pub fn ratio(self, lines_per_minute: f64) -> f64 {
        let billed = |bytes: u64| (bytes + EVENT_BYTES) as f64;
        let copies = lines_per_minute.min(PASS_IN_MINUTE as f64);
        let compact = lines_per_minute * billed(self.lean) + copies * billed(self.metadata);
        compact / (lines_per_minute * billed(self.standard))
    }
}

/// The rates that `podferry cost --curve` shows, in lines a minute.
pub const CURVE: [u32; 12] = [1, 2, 4, 5, 8, 10, 15, 20, 30, 60, 600, 240_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_one_that_was_worked_out() {
        let at = |rate: u32| format!("{:.3}", RecordSizes::TYPICAL.ratio(f64::from(rate)));
        let curve = [1, 4, 10, 60, 240_000].map(at);
        assert_eq!(curve, ["1.025", "1.025", "0.574", "0.323", "0.273"]);
    }

    #[test]
    fn it_is_never_much_dearer_than_standard_and_falls() {
        let ratios: Vec<f64> = (1..2000).map(|rate| RecordSizes::TYPICAL.ratio(f64::from(rate) / 4.0)).collect();
        assert!(ratios.iter().all(|ratio| *ratio <= 1.05));
        assert!(ratios.is_sorted_by(|one, next| *one >= next - 1e-12));
        assert!(RecordSizes::TYPICAL.ratio(10.0) <= 0.6 && RecordSizes::TYPICAL.ratio(60.0) <= 0.35);
    }

    #[test]
    fn four_a_minute() {
        assert_eq!(PASS_IN_MINUTE, 4);
    }
}
