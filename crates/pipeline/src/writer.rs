//! Who wrote a line, as numbers that are cheap to copy and compare.

/// The number of an identity: its index among the identities of an event (see [`super::identities`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IdentityNumber(u32);

impl IdentityNumber {
    /// Returns the number of the identity at index `place`. There are too few identities for it not to fit.
    pub(crate) fn at(place: usize) -> IdentityNumber {
        IdentityNumber(u32::try_from(place).unwrap_or(u32::MAX))
    }

    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

/// Pieces and lines are joined only if they have the same writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Writer {
    /// The container that the log stream names. It wrote all lines, whatever their records say about the pod.
    StreamsContainer,
    /// One identity of any other log stream.
    Identity(IdentityNumber),
}
