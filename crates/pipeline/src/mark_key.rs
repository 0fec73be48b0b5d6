//! The keyed hash by which logs are remembered: cheap, and safe against ids and texts that somebody chose.
//!
//! A log with the hash of one that was delivered is left out. Pods choose texts, and whoever makes events by hand chooses ids, too. So nobody
//! without the key may be able to foretell that two logs have one hash. It need not hide the key from somebody who sees hashes: nobody
//! does. For the families here that is proven, whatever the inputs, so long as they do not depend on the key:
//!
//! * *NH* for up to 32 words: of each two words, one is added to each of two of the key, and the sums are multiplied. Two inputs of one
//!   length are alike with a chance of 2^-64. One multiplication takes sixteen bytes, and the processor does not wait for one before the
//!   next. Source: J. Black, S. Halevi, H. Krawczyk, T. Krovetz and P. Rogaway, "UMAC:
//!   fast and secure message authentication", 1999, section 4.
//! * *multilinear* for the two words that NH makes of a log: 2^-64 again. Every word is multiplied by a number of its own. Source:
//!   D. Lemire and O. Kaser, "Strongly universal string hashing is fast", 2014, section 3.
//! * *polynomial*, modulo 2^61 − 1, for texts of any length: of n times seven bytes, n + 1 in 2^61. Source: M. N. Wegman and J. L. Carter,
//!   "New hash functions and their use in authentication and set equality", 1981.

use super::cloudwatch_id::ID_DIGITS;

/// A log's words: its stream, its time, the hash of its text, and its id.
const WORDS: usize = 3 + ID_DIGITS / 8;
const WORD_PAIRS: usize = WORDS / 2;
const _: () = assert!(WORD_PAIRS * 2 == WORDS, "no word stands alone");
/// 2^61 − 1, a prime.
const PRIME: u64 = (1 << 61) - 1;

/// Words that say what the other words are, so that two kinds never mean the same. They are above the 61 bits of a text's hash.
const SHORT_OR_LONG_ID: u64 = 1 << 62;
const PLACE_IN_MESSAGE: u64 = 1 << 63;

/// How many pairs of words a block of a text has: most logs are one block.
const BLOCK_PAIRS: usize = 16;
const PAIR_BYTES: usize = 16;

/// The secret of the marks of one process.
#[derive(Clone)]
pub struct MarkKey {
    /// Where polynomials are evaluated.
    point: u64,
    addend: u128,
    multipliers: [u128; 2],
    /// What is added to a log's words, and to those of a block of a text.
    word_addends: [[u64; 2]; WORD_PAIRS],
    block_addends: [[u64; 2]; BLOCK_PAIRS],
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
        let (addend, multipliers) = (wide(), std::array::from_fn(|_| wide()));
        let (word_addends, block_addends) =
            (std::array::from_fn(|_| [next(), next()]), std::array::from_fn(|_| [next(), next()]));
        MarkKey { point, addend, multipliers, word_addends, block_addends }
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

    /// The hash of a text that may be long, several times as fast as [`MarkKey::text`].
    fn long_text(&self, text: &[u8]) -> u64 {
        const THIRD: u128 = (1 << 43) - 1;
        text.chunks(BLOCK_PAIRS * PAIR_BYTES).fold(self.step(0, text.len() as u64), |before, block| {
            let sum = self.block(block);
            // In three numbers, each below 2^61.
            let before = self.step(before, (sum & THIRD) as u64);
            let before = self.step(before, (sum >> 43 & THIRD) as u64);
            self.step(before, (sum >> 86) as u64)
        })
    }

    /// What a block comes to, which ends in zeros where it is not full: how long the text is counts elsewhere.
    fn block(&self, block: &[u8]) -> u128 {
        let words = |pair: &[u8; PAIR_BYTES]| {
            let both = u128::from_le_bytes(*pair);
            [both as u64, (both >> 64) as u64]
        };
        let (pairs, rest) = block.as_chunks::<PAIR_BYTES>();
        let sum = sum_of_products(pairs.iter().map(words), &self.block_addends);
        match self.block_addends.get(pairs.len()..) {
            Some(addends) if !rest.is_empty() => {
                let mut pair = [0; PAIR_BYTES];
                pair[..rest.len()].copy_from_slice(rest);
                sum.wrapping_add(sum_of_products([words(&pair)].into_iter(), addends))
            }
            _ => sum,
        }
    }

    /// The hash of a log: of its stream's, its id, its time and its text.
    pub(crate) fn log(&self, stream: u64, id: &[u8], time: i64, text: &[u8]) -> u64 {
        let mut words = [0; WORDS];
        words[0] = stream;
        words[1] = time.cast_unsigned();
        words[2] = self.long_text(text);
        if id.len() == ID_DIGITS {
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
        let sum = sum_of_products(words.as_chunks().0.iter().copied(), &self.word_addends);
        let [low, high] = self.multipliers;
        let low = low.wrapping_mul(u128::from(sum as u64));
        let high = high.wrapping_mul(u128::from((sum >> 64) as u64));
        (self.addend.wrapping_add(low).wrapping_add(high) >> 64) as u64
    }

    /// One step of Horner's rule; both numbers and what comes out are below 2^61.
    fn step(&self, value: u64, next: u64) -> u64 {
        let product = u128::from(value) * u128::from(self.point) + u128::from(next);
        // 2^61 is 1: so the upper part counts like the lower one.
        let sum = (product as u64 & PRIME) + (product >> 61) as u64;
        if sum >= PRIME { sum - PRIME } else { sum }
    }
}

/// NH: the pairs of words, each with its pair of the key.
#[inline]
fn sum_of_products(pairs: impl Iterator<Item = [u64; 2]>, addends: &[[u64; 2]]) -> u128 {
    pairs.zip(addends).fold(0, |sum: u128, ([one, other], two)| {
        let product = u128::from(one.wrapping_add(two[0])) * u128::from(other.wrapping_add(two[1]));
        sum.wrapping_add(product)
    })
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
        let id = "0".repeat(ID_DIGITS);
        let mut all = HashSet::new();
        for place in 0..ID_DIGITS {
            let mut other = id.clone().into_bytes();
            other[place] = b'1';
            assert!(all.insert(key.log(1, &other, 2, b"3")));
        }
        // Ids of other lengths: what is shorter is no longer one with zeros behind.
        for length in (1..=ID_DIGITS + 8).filter(|length| *length != ID_DIGITS) {
            assert!(all.insert(key.log(1, &vec![b'0'; length], 2, b"3")));
            assert!(all.insert(key.log(1, &vec![0; length], 2, b"3")));
        }
        for (stream, time, text) in [(1, 2, "3"), (0, 2, "3"), (1, -2, "3"), (1, 2, ""), (2, 1, "3"), (3, 2, "1")] {
            assert!(all.insert(key.log(stream, id.as_bytes(), time, text.as_bytes())));
        }
        for (message, place) in [(1, 2), (2, 1), (1, 3), (0, 0)] {
            assert!(all.insert(key.place(message, place)));
        }
        let texts = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc\0", ""]];
        let hashes: HashSet<u64> =
            texts.iter().map(|texts| texts.iter().fold(0, |before, text| key.text(before, text.as_bytes()))).collect();
        assert_eq!(hashes.len(), texts.len());
    }

    /// The same by the formulas, word by word.
    fn long_remainder(key: &MarkKey, text: &[u8]) -> u64 {
        let step = |value: u128, next: u128| (value * u128::from(key.point) + next) % u128::from(PRIME);
        let mut value = step(0, text.len() as u128);
        for block in text.chunks(256) {
            let mut padded = block.to_vec();
            padded.resize(256, 0);
            let words: Vec<u64> = padded
                .chunks(8)
                .map(|word| word.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
                .collect();
            let pairs = words.chunks(2).zip(&key.block_addends).take(block.len().div_ceil(16));
            let sum = pairs.fold(0_u128, |sum, (pair, two)| {
                let [one, other] = [0, 1].map(|at| u128::from(pair[at].wrapping_add(two[at])));
                sum.wrapping_add(one * other)
            });
            for shift in [0, 43, 86] {
                value = step(value, sum >> shift & ((1 << 43) - 1));
            }
        }
        value as u64
    }

    #[test]
    fn a_long_text_is_the_polynomial_of_its_blocks() {
        let key = MarkKey::known();
        for length in (0..=33).chain([255, 256, 257, 271, 272, 273, 511, 512, 513, 5000]) {
            for byte in [0, b'7', 0xff] {
                let text = vec![byte; length];
                assert_eq!(key.long_text(&text), long_remainder(&key, &text), "{length} times {byte}");
            }
        }
    }

    #[test]
    fn every_byte_of_a_text_counts_and_so_does_its_length() {
        let key = MarkKey::known();
        let mut all = HashSet::new();
        for length in [1, 15, 16, 17, 255, 256, 257, 600] {
            assert!(all.insert(key.long_text(&vec![0; length])));
            for place in 0..length {
                let mut text = vec![0; length];
                text[place] = 1;
                assert!(all.insert(key.long_text(&text)), "{place} of {length}");
            }
        }
        assert!(all.insert(key.long_text(b"")));
        // Words and blocks that change places.
        for text in [
            "a".repeat(8) + &"b".repeat(8),
            "b".repeat(8) + &"a".repeat(8),
            "a".repeat(256) + &"b".repeat(256),
            "b".repeat(256) + &"a".repeat(256),
        ] {
            assert!(all.insert(key.long_text(text.as_bytes())));
        }
        assert!(all.iter().all(|hash| hash & (SHORT_OR_LONG_ID | PLACE_IN_MESSAGE) == 0));
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
        assert_ne!(known.log(1, b"x", 2, b"3"), other.log(1, b"x", 2, b"3"));
        assert_ne!(known.text(0, b"x"), other.text(0, b"x"));
        // Two logs that one key takes for the same (it adds nothing, and the product of their words is the same) are two for another.
        let cancel = MarkKey { word_addends: [[0; 2]; WORD_PAIRS], ..known };
        let (one, two) = ((6, 1), (3, 2));
        assert_eq!(cancel.place(one.0, one.1), cancel.place(two.0, two.1));
        assert_ne!(other.place(one.0, one.1), other.place(two.0, two.1));
        assert_eq!(format!("{other:?}"), "MarkKey { .. }");
    }
}
