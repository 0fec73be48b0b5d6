//! base64 and gzip: from `awslogs.data` to one buffer of text, capped exactly.
//!
//! Inflating into one buffer takes a third of the time of streaming into owned values (`docs/decisions/0001-own-decoder.md`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

use super::event::EventError;

/// How far DEFLATE can inflate a byte at most; bounds what a length in a gzip trailer may make us reserve.
/// Source: zlib, "Technical details", maximum compression factor.
const MAX_INFLATION: usize = 1032;

/// The largest window of DEFLATE, which gzip always may have. Source: RFC 1952 and zlib's `MAX_WBITS`.
const WINDOW_BITS: u8 = 15;

/// How much to make room for where a gzip trailer gave no useful hint.
const MIN_GROWTH: usize = 64 * 1024;

/// Decodes and inflates `awslogs.data`; all members of a concatenated gzip are read.
///
/// # Errors
/// [`EventError::Base64`], [`EventError::Gzip`], and [`EventError::TooLarge`] beyond `limit` bytes of inflated text.
pub fn inflate(data: &str, limit: u64) -> Result<Vec<u8>, EventError> {
    let compressed = STANDARD.decode(data.trim_ascii()).map_err(|_| EventError::Base64)?;
    if compressed.is_empty() {
        return Err(EventError::Gzip);
    }
    // The trailer says how long the last member is: a hint for one allocation, never trusted for more.
    let hint = compressed.last_chunk::<4>().map_or(0, |trailer| u32::from_le_bytes(*trailer) as usize);
    let capacity = hint.min(compressed.len().saturating_mul(MAX_INFLATION)).min(usize::try_from(limit).unwrap_or(0));
    // One byte more than allowed, so that "exactly the limit" and "more" can be told apart.
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let mut inflated = Vec::with_capacity(capacity.saturating_add(1).min(most));
    let mut rest = compressed.as_slice();
    while !rest.is_empty() {
        inflate_member(&mut rest, &mut inflated, most)?;
    }
    Ok(inflated)
}

/// Inflates the member that `rest` begins with, behind what is inflated already, and leaves what follows it. Into room that nobody has
/// cleared: clearing it first takes as long as two thirds of the inflating.
fn inflate_member(rest: &mut &[u8], inflated: &mut Vec<u8>, most: usize) -> Result<(), EventError> {
    let mut member = Decompress::new_gzip(WINDOW_BITS);
    loop {
        if inflated.len() == inflated.capacity() {
            let growth = inflated.len().max(MIN_GROWTH).min(most.saturating_sub(inflated.len()));
            inflated.reserve_exact(growth);
        }
        let (taken, given) = (member.total_in(), member.total_out());
        let status = member.decompress_vec(rest, inflated, FlushDecompress::None).map_err(|_| EventError::Gzip)?;
        // The allocator may have given more room than was asked for.
        if inflated.len() >= most {
            return Err(EventError::TooLarge { limit: most as u64 - 1 });
        }
        let taken = usize::try_from(member.total_in() - taken).unwrap_or(usize::MAX);
        *rest = rest.get(taken..).unwrap_or_default();
        match status {
            Status::StreamEnd => return Ok(()),
            // There was room: the member is cut short.
            _ if taken == 0 && member.total_out() == given => return Err(EventError::Gzip),
            _ => {}
        }
    }
}

/// The inflated text, made sure to be UTF-8: what is not becomes U+FFFD instead of costing the event.
pub fn text(inflated: Vec<u8>) -> String {
    match String::from_utf8(inflated) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    #[test]
    fn the_cap_is_exact() {
        let data = encode(&gzip(&[b'x'; 1000]));
        assert_eq!(inflate(&data, 1001).unwrap().len(), 1000);
        assert_eq!(inflate(&data, 1000).unwrap().len(), 1000);
        assert_eq!(inflate(&data, 999), Err(EventError::TooLarge { limit: 999 }));
    }

    #[test]
    fn all_members_of_a_concatenated_gzip_are_read() {
        let mut both = gzip(b"{\"a\":");
        both.extend(gzip(b"1}"));
        assert_eq!(inflate(&encode(&both), 100).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let whole = gzip(b"some text that is long enough to be cut");
        for length in 0..whole.len() {
            assert_eq!(inflate(&encode(&whole[..length]), 1000), Err(EventError::Gzip), "{length}");
        }
        let mut flipped = whole.clone();
        flipped[14] ^= 0xff;
        assert_eq!(inflate(&encode(&flipped), 1000), Err(EventError::Gzip));
        assert_eq!(inflate("%%%", 1000), Err(EventError::Base64));
        assert_eq!(inflate(&encode(b"plain"), 1000), Err(EventError::Gzip));
    }

    #[test]
    fn a_trailer_that_lies_reserves_nothing() {
        let mut lying = gzip(b"short");
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(inflate(&encode(&lying), u64::MAX), Err(EventError::Gzip));
    }
}
