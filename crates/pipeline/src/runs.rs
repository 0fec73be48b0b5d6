//! Runs of bytes that are looked at or copied several at once: what stands between two escapes.
//!
//! Reading and writing texts is mostly this; byte by byte it takes three times the instructions.

/// How many of the first bytes stand for themselves within a JSON string: up to a `"`, a `\` or a control character.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(word) = bytes.get(length..).and_then(<[u8]>::first_chunk::<8>) {
        let found = stops(word);
        if found != 0 {
            return length + place(found);
        }
        length += word.len();
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// The same of sixteen bytes.
#[inline]
pub(crate) fn plain_of_sixteen(bytes: &[u8; 16]) -> usize {
    let [low, high] = bytes.as_chunks::<8>().0 else { return 0 };
    match (stops(low), stops(high)) {
        (0, 0) => bytes.len(),
        (0, found) => low.len() + place(found),
        (found, _) => place(found),
    }
}

/// Zero, if eight bytes stand for themselves. Else the top bit of the first that does not, and whatever above it.
#[inline]
fn stops(word: &[u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    // Eight bytes at once. `(x - 1) & !x` has the top bit of a byte set where that byte is zero, and so for "less than 0x20"; what a
    // borrow makes of the bytes above the lowest that is found does not matter.
    let word = u64::from_le_bytes(*word);
    let (quotes, slashes) = (word ^ (EACH * 0x22), word ^ (EACH * 0x5c));
    let found = (quotes.wrapping_sub(EACH) & !quotes)
        | (slashes.wrapping_sub(EACH) & !slashes)
        | (word.wrapping_sub(EACH * 0x20) & !word);
    found & TOP
}

/// Which byte the first bit is in.
#[inline]
fn place(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

/// Appends the first `length` of these bytes. Between two escapes there are mostly a few: copying sixteen and taking the rest off again is a
/// third of what a call for a copy of any length costs.
#[inline]
pub(crate) fn push_run(bytes: &[u8], length: usize, out: &mut Vec<u8>) {
    match bytes.first_chunk::<16>() {
        Some(chunk) if length <= chunk.len() => {
            let end = out.len() + length;
            out.extend_from_slice(chunk);
            out.truncate(end);
        }
        _ => out.extend_from_slice(bytes.get(..length).unwrap_or(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_run_ends_at_the_first_byte_that_is_escaped(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let first = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            prop_assert_eq!(plain_length(&bytes), first.unwrap_or(bytes.len()));
            if let Some(sixteen) = bytes.first_chunk::<16>() {
                prop_assert_eq!(plain_of_sixteen(sixteen), first.unwrap_or(16).min(16));
            }
        }

        #[test]
        fn a_run_is_copied_to_the_byte(bytes in prop::collection::vec(any::<u8>(), 0..40), place in any::<prop::sample::Index>()) {
            let length = place.index(bytes.len() + 1);
            let mut out = vec![7];
            push_run(&bytes, length, &mut out);
            prop_assert_eq!(&out[1..], &bytes[..length]);
        }
    }
}
