//! How payloads are compressed, and undone again where one has to be split.

use std::io::{Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// The compression of what is sent, with its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// The default, at level 1: a quarter of the time of gzip, and smaller (`docs/performance.md`). The Datadog
    /// Agent and Vector send zstd too.
    Zstd(i32),
    Gzip(u32),
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Zstd(1)
    }
}

impl Compression {
    /// The value of `Content-Encoding`, if there is to be one.
    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Compression::Zstd(_) => Some("zstd"),
            Compression::Gzip(_) => Some("gzip"),
            Compression::None => None,
        }
    }
}

/// Compresses payload after payload with one context and one buffer.
pub struct Compressor {
    compression: Compression,
    zstd: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("Compressor").field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl Compressor {
    pub fn new(compression: Compression) -> Compressor {
        Compressor { compression, zstd: None, buffer: Vec::new() }
    }

    /// The bytes to send, and how they are compressed: as they are, should a compressor ever fail.
    pub fn compress(&mut self, plain: &[u8]) -> (Vec<u8>, Compression) {
        let compressed = match self.compression {
            Compression::Zstd(level) => self.zstd(plain, level),
            Compression::Gzip(level) => gzip(plain, level),
            Compression::None => None,
        };
        match compressed {
            Some(bytes) => (bytes, self.compression),
            None => (plain.to_vec(), Compression::None),
        }
    }

    fn zstd(&mut self, plain: &[u8], level: i32) -> Option<Vec<u8>> {
        if self.zstd.is_none() {
            self.zstd = zstd::bulk::Compressor::new(level).ok();
        }
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        let length = self.zstd.as_mut()?.compress_to_buffer(plain, &mut self.buffer).ok()?;
        // Exactly as long as it is: the bound is as large as the payload.
        Some(self.buffer[..length].to_vec())
    }
}

fn gzip(plain: &[u8], level: u32) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// Undoes [`Compressor::compress`]. `None` for bytes that it did not make.
pub fn decompress(bytes: &[u8], compression: Compression) -> Option<Vec<u8>> {
    decompress_up_to(bytes, compression, usize::MAX)
}

/// The same for bytes that were elsewhere meanwhile: `None`, too, if they are more than `limit`.
#[expect(clippy::disallowed_methods, reason = "what we made has one member, and its length is bounded here")]
pub fn decompress_up_to(bytes: &[u8], compression: Compression, limit: usize) -> Option<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    match compression {
        Compression::Zstd(_) => {
            _ = zstd::stream::read::Decoder::new(bytes).ok()?.take(most).read_to_end(&mut plain).ok()?
        }
        Compression::Gzip(_) => _ = GzDecoder::new(bytes).take(most).read_to_end(&mut plain).ok()?,
        Compression::None => _ = bytes.take(most).read_to_end(&mut plain).ok()?,
    }
    (plain.len() <= limit).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let plain = b"[{\"message\":\"x\"}]".repeat(1000);
        for compression in [Compression::Zstd(1), Compression::Zstd(3), Compression::Gzip(6), Compression::None] {
            let mut compressor = Compressor::new(compression);
            for text in [plain.as_slice(), b"[]", &plain[..100]] {
                let (bytes, used) = compressor.compress(text);
                assert_eq!(used, compression);
                assert_eq!(decompress(&bytes, used).as_deref(), Some(text));
            }
        }
        assert_eq!(decompress(b"nonsense", Compression::Zstd(1)), None);
    }

    #[test]
    fn the_limit_is_exact() {
        for compression in [Compression::Zstd(1), Compression::Gzip(6), Compression::None] {
            let (bytes, _) = Compressor::new(compression).compress(&[b'x'; 1000]);
            let length = |limit| decompress_up_to(&bytes, compression, limit).map(|plain| plain.len());
            assert_eq!([999, 1000, 1001].map(length), [None, Some(1000), Some(1000)]);
        }
    }
}
