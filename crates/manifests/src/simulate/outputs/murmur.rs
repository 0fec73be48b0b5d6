//! The hash of a document of which `Generate_ID` makes its id.
//!
//! Source: Austin Appleby's MurmurHash3, x64, 128 bits; fluent/fluent-bit, plugins/out_es/es.c, has 42 for its seed and writes it in groups.

/// The id of a document by its MessagePack: `0123abcd-…`.
pub(super) fn id(bytes: &[u8]) -> String {
    const SEED: u64 = 42;
    let (first, second) = hash(bytes, SEED);
    // Each quarter of the two words, the low one first.
    let quarters: Vec<String> = [first, second]
        .iter()
        .flat_map(|word| (0..4).map(move |place| format!("{:04x}", (word >> (16 * place)) & 0xffff)))
        .collect();
    let mut id = String::new();
    for (place, quarter) in quarters.iter().enumerate() {
        if (2..6).contains(&place) {
            id.push('-');
        }
        id += quarter;
    }
    id
}

const FIRST: u64 = 0x87c3_7b91_1142_53d5;
const SECOND: u64 = 0x4cf5_ad43_2745_937f;

fn hash(bytes: &[u8], seed: u64) -> (u64, u64) {
    let (mut one, mut two) = (seed, seed);
    let blocks = bytes.chunks_exact(16);
    let tail = blocks.remainder();
    for block in blocks {
        let (low, high) = block.split_at(8);
        one ^= mixed_low(word(low));
        one = one.rotate_left(27).wrapping_add(two).wrapping_mul(5).wrapping_add(0x52dc_e729);
        two ^= mixed_high(word(high));
        two = two.rotate_left(31).wrapping_add(one).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = tail.split_at(tail.len().min(8));
    two ^= mixed_high(word(high));
    one ^= mixed_low(word(low));
    let length = bytes.len() as u64;
    (one, two) = (one ^ length, two ^ length);
    one = one.wrapping_add(two);
    two = two.wrapping_add(one);
    (one, two) = (finished(one), finished(two));
    one = one.wrapping_add(two);
    (one, two.wrapping_add(one))
}

/// Up to eight bytes, the low one first.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

fn mixed_low(word: u64) -> u64 {
    word.wrapping_mul(FIRST).rotate_left(31).wrapping_mul(SECOND)
}

fn mixed_high(word: u64) -> u64 {
    word.wrapping_mul(SECOND).rotate_left(33).wrapping_mul(FIRST)
}

fn finished(mut word: u64) -> u64 {
    word ^= word >> 33;
    word = word.wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^= word >> 33;
    word = word.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the reference, which SMHasher and others check themselves by.
    #[test]
    fn it_is_the_reference_s() {
        assert_eq!(hash(b"", 0), (0, 0));
        assert_eq!(hash(b"hello", 0), (0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19));
        assert_eq!(
            hash(b"The quick brown fox jumps over the lazy dog", 0),
            (0xe34b_bc7b_bc07_1b6c, 0x7a43_3ca9_c49a_9347)
        );
    }
}
