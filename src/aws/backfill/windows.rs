//! The time range in windows, so that several can be read concurrently: short where there are many events, long where there are few.

/// How long the first window is. Milliseconds, as all here.
const FIRST: i64 = 60 * 60 * 1000;
const SHORTEST: i64 = 1000;
const LONGEST: i64 = 24 * 60 * 60 * 1000;

/// A window of this many pages or more was too long; one of a single page may have been too short.
const MANY_PAGES: usize = 4;

/// A part of the range, with both its ends, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// What is left of the range.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    next: i64,
    end: i64,
    width: i64,
}

impl Windows {
    /// From `start` up to `end`, `end` itself not included.
    #[must_use]
    pub(crate) fn new(start: i64, end: i64) -> Windows {
        Windows { next: start, end, width: FIRST }
    }

    /// A window took so many pages.
    pub(crate) fn learn(&mut self, pages: usize) {
        self.width = match pages {
            0 | 1 => self.width * 2,
            2..MANY_PAGES => self.width,
            _ => self.width / 2,
        }
        .clamp(SHORTEST, LONGEST);
    }
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        if self.next >= self.end {
            return None;
        }
        let start = self.next;
        self.next = start.saturating_add(self.width).min(self.end);
        Some(Window { start, end: self.next - 1 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quiet_month_takes_few_windows() {
        let mut windows = Windows::new(0, 30 * LONGEST);
        let mut count = 0;
        while windows.next().is_some() {
            windows.learn(1);
            count += 1;
        }
        assert_eq!(count, 34);
    }

    #[test]
    fn the_end_is_exact() {
        for (length, expected) in [(0, 0), (1, 1), (FIRST - 1, 1), (FIRST, 1), (FIRST + 1, 2)] {
            assert_eq!(Windows::new(5, 5 + length).count(), expected, "{length}");
        }
        assert_eq!(Windows::new(5, 6).next(), Some(Window { start: 5, end: 5 }));
    }

    proptest! {
        #[test]
        fn they_are_the_range_without_gaps(start in 0..1_000_000_i64, length in 0..100_000_000_i64, pages in prop::collection::vec(0..9_usize, 0..40)) {
            let mut windows = Windows::new(start, start + length);
            let (mut next, mut pages) = (start, pages.into_iter().cycle());
            while let Some(window) = windows.next() {
                prop_assert!(window.start == next && window.end >= window.start && window.end < start + length);
                next = window.end + 1;
                windows.learn(pages.next().unwrap_or(1));
            }
            prop_assert_eq!(next, start + length);
        }
    }
}
