//! A line as it is looked at, whether it waits for others or just passes.

use super::super::line::{LogLine, is_blank};
use super::head::{Head, head};
use super::margin;
use super::pace::Moment;

/// What is asked of a line before it is known where it belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenLine<'l> {
    /// As it was written.
    pub(super) text: &'l str,
    /// As a terminal would show it.
    pub(super) seen: &'l str,
    pub(super) merged: bool,
    pub(super) attributes: Option<&'l str>,
    /// When it was written.
    pub(super) moment: Moment,
}

impl<'l> WrittenLine<'l> {
    /// A line whose text looks like `seen`.
    #[inline]
    pub(super) fn of(line: &LogLine<'_, 'l>, seen: &'l str) -> WrittenLine<'l> {
        WrittenLine {
            text: line.text,
            seen,
            merged: line.merged,
            attributes: line.attributes,
            moment: Moment { milliseconds: line.timestamp, nanoseconds: line.nanoseconds },
        }
    }

    /// Whether there is nothing in it to ship.
    pub(super) fn is_blank(&self) -> bool {
        self.attributes.is_none() && is_blank(self.text)
    }

    /// Whether its text begins with a blank.
    pub(super) fn is_indented(&self) -> bool {
        self.text.starts_with([' ', '\t'])
    }

    /// What looks like its head.
    pub(super) fn head(&self) -> Option<Head> {
        head(margin::behind_timed(self.seen), self.text.starts_with('\u{1b}'))
    }
}
