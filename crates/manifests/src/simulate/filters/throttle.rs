//! `throttle`: lets only so many records through.
//!
//! Source: fluent/fluent-bit, plugins/filter_throttle/throttle.c.

use crate::fluent_bit::parse::ReadSection;
use crate::fluent_bit::throttle::{DEFAULT_WINDOW, LEAST_RATE};
use crate::simulate::numbers::{float, whole};

/// How many records pass of those that come in one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttle {
    pub(crate) at_once: u64,
}

impl Throttle {
    pub(super) fn new(section: &ReadSection) -> Throttle {
        let rate = section.value("Rate").and_then(|rate| float(rate.as_bytes())).map_or(LEAST_RATE, |(rate, _)| rate);
        let rate = rate.max(LEAST_RATE);
        let window = section.value("Window").map_or(0, |window| whole(window.as_bytes()));
        let window = if window <= 1 { i128::from(DEFAULT_WINDOW) } else { window };
        // The average over the window has to be below the rate.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a count of records that is at least 5; a larger one than fits becomes the largest"
        )]
        Throttle { at_once: (rate * window as f64).ceil() as u64 }
    }
}
