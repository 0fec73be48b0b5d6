//! The keyed hash by which logs are remembered: cheap, and safe against ids and texts that somebody chose.
//!
//! A log with the hash of one that was delivered is left out. Pods choose texts, and whoever makes events by hand chooses ids, too. So nobody
//! without the key may be able to foretell that two logs have one hash. It need not hide the key from somebody who sees hashes: nobody
//! does. For both families here that is proven, whatever the inputs, so long as they do not depend on the key:
//!
//! * *multilinear* for a fixed number of words: two inputs are alike with a chance of 2^-64. Every word is multiplied by a number of its
//!   own, so the processor does not wait for one before the next. Source: D. Lemire and O. Kaser, "Strongly universal string hashing is
//!   fast", 2014, section 3.
//! * *polynomial*, modulo 2^61 − 1, for texts of any length: of n times seven bytes, n + 1 in 2^61. Source: M. N. Wegman and J. L. Carter,
//!   "New hash functions and their use in authentication and set equality", 1981.

/// The length of CloudWatch's ids, in digits.
const ID_BYTES: usize = 56;
/// A log's words: its stream, its time, what its text comes to, and its id.
const WORDS: usize = 3 + ID_BYTES / 8;
/// 2^61 − 1, a prime.
const PRIME: u64 = (1 << 61) - 1;

/// Words that say what the other words are, so that two kinds never mean the same. They are above the 32 bits of a text's checksum.
const SHORT_OR_LONG_ID: u64 = 1 << 32;
const PLACE_IN_MESSAGE: u64 = 1 << 33;

/// The secret of the marks of one process.
#[derive(Clone)]
pub struct MarkKey {
    /// Where polynomials are evaluated.
    point: u64,
    addend: u128,
    multipliers: [u128; WORDS],
}

impl std::fmt::Debug for MarkKey {
    /// It is a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("MarkKey").finish_non_exhaustive()
    }
}

impl MarkKey {
    /// A key of words that the operating system, or what it has seeded, gave by chance.
    pub fn from_random(mut next: impl FnMut() -> u64) -> MarkKey {
        let point = next() % PRIME;
        let mut wide = || u128::from(next()) << 64 | u128::from(next());
        MarkKey { point, addend: wide(), multipliers: std::array::from_fn(|_| wide()) }
    }

    /// A key that everybody knows, for what is to come out the same each time: tests and benches. The function has one of its own.
    pub(crate) fn known() -> MarkKey {
        let mut state = 0_u64;
        MarkKey::from_random(|| {
            // SplitMix64: G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", 2014.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        })
    }

    /// The hash of a text, or of several, one after the other: each is given what came out before it, the first 0.
    pub(crate) fn text(&self, before: u64, text: &[u8]) -> u64 {
        let mut value = self.step(before, text.len() as u64);
        for chunk in text.chunks(7) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            value = self.step(value, u64::from_le_bytes(word));
        }
        value
    }

    /// The hash of a log: of its stream's, its id, its time and a checksum of its text.
    pub(crate) fn log(&self, stream: u64, id: &[u8], time: i64, checksum: u32) -> u64 {
        let mut words = [0; WORDS];
        words[0] = stream;
        words[1] = time.cast_unsigned();
        words[2] = u64::from(checksum);
        if id.len() == ID_BYTES {
            for (word, eight) in words[3..].iter_mut().zip(id.as_chunks().0) {
                *word = u64::from_le_bytes(*eight);
            }
        } else {
            words[2] |= SHORT_OR_LONG_ID;
            words[3] = self.text(0, id);
        }
        self.words(&words)
    }

    /// The hash of a place in a message, of which only its own hash is given.
    pub(crate) fn place(&self, message: u64, place: u64) -> u64 {
        let mut words = [0; WORDS];
        words[0] = message;
        words[1] = place;
        words[2] = PLACE_IN_MESSAGE;
        self.words(&words)
    }

    fn words(&self, words: &[u64; WORDS]) -> u64 {
        let products =
            self.multipliers.iter().zip(words).map(|(multiplier, word)| multiplier.wrapping_mul(u128::from(*word)));
        (products.fold(self.addend, u128::wrapping_add) >> 64) as u64
    }

    /// One step of Horner's rule; both numbers and what comes out are below 2^61.
    fn step(&self, value: u64, next: u64) -> u64 {
        let product = u128::from(value) * u128::from(self.point) + u128::from(next);
        // 2^61 is 1: so the upper part counts like the lower one.
        let sum = (product as u64 & PRIME) + (product >> 61) as u64;
        if sum >= PRIME { sum - PRIME } else { sum }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn remainder(key: &MarkKey, text: &[u8]) -> u64 {
        let step = |value: u128, next: u64| (value * u128::from(key.point) + u128::from(next)) % u128::from(PRIME);
        let mut value = step(0, text.len() as u64);
        for chunk in text.chunks(7) {
            value = step(value, chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        value as u64
    }

    #[test]
    fn a_text_is_the_polynomial_of_its_bytes() {
        let key = MarkKey::known();
        for length in (0..=30).chain([55, 56, 57, 1000]) {
            for byte in [0, b'7', 0xff] {
                let text = vec![byte; length];
                assert_eq!(key.text(0, &text), remainder(&key, &text), "{length} times {byte}");
            }
        }
        let largest = MarkKey { point: PRIME - 1, ..key };
        assert_eq!(largest.text(PRIME - 1, &[0xff; 21]) % PRIME, {
            let step = |value: u128, next: u64| (value * u128::from(PRIME - 1) + u128::from(next)) % u128::from(PRIME);
            [21, (1 << 56) - 1, (1 << 56) - 1, (1 << 56) - 1].into_iter().fold(u128::from(PRIME - 1), step) as u64
        });
    }

    #[test]
    fn every_part_counts_and_so_does_where_it_ends() {
        let key = MarkKey::known();
        let id = "0".repeat(ID_BYTES);
        let mut all = HashSet::new();
        for place in 0..ID_BYTES {
            let mut other = id.clone().into_bytes();
            other[place] = b'1';
            assert!(all.insert(key.log(1, &other, 2, 3)));
        }
        // Ids of other lengths: what is shorter is no longer one with zeros behind.
        for length in (1..=ID_BYTES + 8).filter(|length| *length != ID_BYTES) {
            assert!(all.insert(key.log(1, &vec![b'0'; length], 2, 3)));
            assert!(all.insert(key.log(1, &vec![0; length], 2, 3)));
        }
        for (stream, time, checksum) in [(1, 2, 3), (0, 2, 3), (1, -2, 3), (1, 2, 0), (2, 1, 3), (3, 2, 1)] {
            assert!(all.insert(key.log(stream, id.as_bytes(), time, checksum)));
        }
        for (message, place) in [(1, 2), (2, 1), (1, 3), (0, 0)] {
            assert!(all.insert(key.place(message, place)));
        }
        let texts = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc\0", ""]];
        let hashes: HashSet<u64> =
            texts.iter().map(|texts| texts.iter().fold(0, |before, text| key.text(before, text.as_bytes()))).collect();
        assert_eq!(hashes.len(), texts.len());
    }

    #[test]
    fn another_key_tells_other_logs_apart() {
        let other = MarkKey::from_random({
            let mut number = 7_u64;
            move || {
                number = number.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
                number
            }
        });
        let known = MarkKey::known();
        assert_ne!(known.log(1, b"x", 2, 3), other.log(1, b"x", 2, 3));
        assert_ne!(known.text(0, b"x"), other.text(0, b"x"));
        // Two logs that one key takes for the same (their words differ by what its multipliers cancel) are two for another.
        let cancel = MarkKey { multipliers: [1 << 64; WORDS], ..known };
        let (one, two) = ((5, 1), (4, 2));
        assert_eq!(cancel.place(one.0, one.1), cancel.place(two.0, two.1));
        assert_ne!(other.place(one.0, one.1), other.place(two.0, two.1));
        assert_eq!(format!("{other:?}"), "MarkKey { .. }");
    }
}
