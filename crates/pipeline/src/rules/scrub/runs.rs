//! Runs of bytes around the byte that a scrubber looks for, and where they begin and end.

use std::ops::Range;

/// What a scrubber found.
pub(super) type Hit = Option<Range<usize>>;

/// The byte before `at`.
pub(super) fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// Where a run of bytes that `is` accepts ends.
pub(super) fn run_end(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| is(**byte)).count()
}

/// Where a run of such bytes that ends at `to` begins; not before `least`.
pub(super) fn run_start(text: &[u8], least: usize, to: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(least..to).unwrap_or_default();
    to - rest.iter().rev().take_while(|byte| is(**byte)).count()
}

/// Whether a byte goes on with a word: letters, digits, `_`, and all that is not ASCII.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
