//! Reads a log group here and there: short windows, spread over a period, for figures about the whole of it.
//!
//! A window counts only if all of it was read. `FilterLogEvents` goes from stream to stream, so the first pages of a window would be those of some
//! pods only. A window that has too much is read again, shorter, and those after it are shorter too.

use crate::aws::backfill::estimate::IncomingVolume;
use crate::aws::backfill::event::HistoryEvent;
use crate::aws::backfill::reader::{HistoryPage, HistoryReader};
use crate::aws::backfill::windows::Window;
use crate::aws::error::SdkCallError;

/// Calls of `FilterLogEvents` a second. The quota is five, for all who use the account in a region; this is to be noticed by nobody.
/// Source: AWS re:Post knowledge center, "How do I identify and troubleshoot throttling errors in my CloudWatch logs?".
pub(crate) const RATE: f64 = 2.0;

/// What a window should hold, in bytes: somewhat less than the megabyte that a page can.
const WINDOW_BYTES: u64 = 400_000;

/// A window that has more than these is too long. Pages can be empty while streams are searched: those are borne for longer.
const MAX_WINDOW_BYTES: u64 = 5_000_000;
const MAX_WINDOW_PAGES: u32 = 12;
const MAX_EMPTY_PAGES: u32 = 60;

/// Where nothing tells how much there is. Milliseconds, as all here.
const FIRST_WINDOW_MS: i64 = 10_000;
const SHORTEST_MS: i64 = 10;

/// How many pages may be read for each window, on average. More would take minutes.
const PAGES_A_WINDOW: u32 = 4;

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SamplePlan {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// How many windows.
    pub(crate) windows: u32,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct SampledTime {
    /// The length of all windows that were read to their end, in milliseconds.
    pub(crate) milliseconds: i64,
    pub(crate) windows: u32,
    pub(crate) calls: u32,
    /// All of the period.
    pub(crate) is_whole: bool,
}

impl SamplePlan {
    fn slot_ms(&self) -> i64 {
        ((self.to_ms - self.from_ms) / i64::from(self.windows.max(1))).max(1)
    }

    /// A part of a slot. Where in it changes from slot to slot, so that what happens at every full minute is neither always nor never seen.
    fn window(&self, number: u32, length_ms: i64) -> Window {
        /// The golden ratio's parts of the whole numbers are spread evenly.
        const GOLDEN: f64 = 0.618_033_988_75;
        let slot = self.slot_ms();
        let room = slot - length_ms;
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place within a slot")]
        let offset = ((f64::from(number) * GOLDEN).fract() * room as f64) as i64;
        let start = self.from_ms + slot * i64::from(number) + offset;
        Window { start, end: start + length_ms - 1 }
    }

    /// How long the first window is, from what CloudWatch has counted in the period.
    fn first_length_ms(&self, incoming: Option<IncomingVolume>) -> i64 {
        let slot = self.slot_ms();
        let length = match incoming.map(|incoming| incoming.bytes / u64::from(self.windows.max(1))) {
            Some(bytes) if bytes > WINDOW_BYTES => {
                let part = i128::from(slot) * i128::from(WINDOW_BYTES) / i128::from(bytes);
                i64::try_from(part).unwrap_or(slot)
            }
            Some(_) => slot,
            None => FIRST_WINDOW_MS,
        };
        length.clamp(SHORTEST_MS.min(slot), slot)
    }
}

/// Reads windows of a group, and hands over the events of each.
///
/// # Errors
/// [`SdkCallError`] of the first call that failed.
pub(crate) async fn sample(
    reader: &HistoryReader,
    group: &str,
    plan: SamplePlan,
    incoming: Option<IncomingVolume>,
    mut take: impl FnMut(&[HistoryEvent], SampledTime),
) -> Result<SampledTime, SdkCallError> {
    let slot = plan.slot_ms();
    let mut length = plan.first_length_ms(incoming);
    let mut done = SampledTime { is_whole: true, ..SampledTime::default() };
    let mut number = 0;
    while number < plan.windows && done.calls < plan.windows.saturating_mul(PAGES_A_WINDOW) + MAX_WINDOW_PAGES {
        let (events, bytes, is_complete) = read(reader, group, plan.window(number, length), &mut done.calls).await?;
        if !is_complete && length > SHORTEST_MS.min(slot) {
            length = (length / 8).max(SHORTEST_MS.min(slot));
            continue;
        }
        done.milliseconds += length;
        done.windows += 1;
        done.is_whole &= length == slot && is_complete;
        number += 1;
        take(&events, done);
        if bytes < WINDOW_BYTES / 4 {
            length = length.saturating_mul(4).min(slot);
        }
    }
    done.is_whole &= number == plan.windows;
    Ok(done)
}

/// The events of a window, their bytes, and whether that is all.
async fn read(
    reader: &HistoryReader,
    group: &str,
    window: Window,
    calls: &mut u32,
) -> Result<(Vec<HistoryEvent>, u64, bool), SdkCallError> {
    let (mut events, mut bytes, mut token) = (Vec::new(), 0, None);
    for number in 1..=MAX_EMPTY_PAGES {
        *calls += 1;
        let HistoryPage { events: page, token: next } = reader.page(group, window, token).await?;
        bytes += page.iter().map(|event| event.message.len() as u64).sum::<u64>();
        events.extend(page);
        token = next;
        let is_much = bytes > MAX_WINDOW_BYTES || (bytes > WINDOW_BYTES && number >= MAX_WINDOW_PAGES);
        if token.is_none() || is_much {
            break;
        }
    }
    Ok((events, bytes, token.is_none()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn the_first_window_holds_about_a_page() {
        let plan = SamplePlan { from_ms: 0, to_ms: DAY_MS, windows: 48 };
        let of = |bytes: u64| plan.first_length_ms(Some(IncomingVolume { events: 1, bytes }));
        assert_eq!(of(48 * WINDOW_BYTES), plan.slot_ms());
        assert_eq!(of(480 * WINDOW_BYTES), plan.slot_ms() / 10);
        assert_eq!(of(u64::MAX), SHORTEST_MS);
        assert_eq!(plan.first_length_ms(None), FIRST_WINDOW_MS);
    }

    proptest! {
        #[test]
        fn windows_are_within_their_slots(
            length in 1..40_i64, windows in 1..200_u32, slot in 40..100_000_i64, from in 0..1_000_000_i64,
        ) {
            let plan = SamplePlan { from_ms: from, to_ms: from + slot * i64::from(windows), windows };
            let mut before = from - 1;
            for number in 0..windows {
                let window = plan.window(number, length);
                prop_assert!(window.start > before && window.end < plan.to_ms);
                prop_assert_eq!(window.end - window.start + 1, length);
                before = window.end;
            }
        }
    }
}
