//! Who wrote a line, in numbers that are cheap to carry and to compare.

/// One of the identities of an event: its place among those that [`super::identities`] worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdentityNumber(u32);

impl IdentityNumber {
    /// The number of the identity at `place`. There are never so many that it does not fit.
    pub(crate) fn at(place: usize) -> IdentityNumber {
        IdentityNumber(u32::try_from(place).unwrap_or(u32::MAX))
    }

    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

/// Whose pieces and lines belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The stream names its container: that wrote all lines, whatever their records know of the pod.
    StreamsContainer,
    /// In any other stream each identity writes for itself.
    Identity(IdentityNumber),
}
