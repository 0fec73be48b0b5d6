//! The ids that CloudWatch Logs gives to events.

/// How many digits an id has.
pub(crate) const ID_DIGITS: usize = 56;

/// The id that `bytes` begin with; `None` if those are not as many digits.
#[inline]
pub(crate) fn leading(bytes: &[u8]) -> Option<&[u8; ID_DIGITS]> {
    // Not ended at the first that is none: so the processor looks at sixteen together.
    bytes.first_chunk().filter(|id| id.iter().fold(true, |all, byte| all & byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_digits_and_no_other_byte_at_any_place() {
        let id = [b'7'; ID_DIGITS + 1];
        assert_eq!([0, 1].map(|over| leading(&id[..ID_DIGITS + over]).is_some()), [true, true]);
        assert!(leading(&id[..ID_DIGITS - 1]).is_none());
        for place in 0..ID_DIGITS {
            for byte in 0..=255_u8 {
                let mut other = id;
                other[place] = byte;
                assert_eq!(leading(&other).is_some(), byte.is_ascii_digit(), "{byte} at {place}");
            }
        }
    }
}
