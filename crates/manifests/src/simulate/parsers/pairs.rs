//! A key and its value, as the line has them.

use crate::simulate::value::Value;

/// A pair of a line of logfmt or LTSV.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair<'t> {
    pub(super) key: &'t [u8],
    /// What is cast where there are `Types`, and read as a time.
    pub(super) raw: &'t [u8],
    /// What it is without types.
    pub(super) value: Value,
}
