//! How payloads are compressed, and undone again where one has to be split.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use zstd::zstd_safe::{CParameter, Strategy};

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
        Compression::Zstd(FASTEST_LEVEL)
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

/// A context of zstd that is kept from event to event, so that its memory (0.5 MB at level 1) need not be mapped for each. Clones share it.
/// It changes no byte of what is sent.
#[derive(Clone, Default)]
pub struct KeptContext(Arc<Mutex<Option<ZstdContext>>>);

impl std::fmt::Debug for KeptContext {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("KeptContext").finish_non_exhaustive()
    }
}

impl KeptContext {
    /// Takes the context, if there is one of this level that nobody else uses.
    fn take(&self, level: i32) -> Option<ZstdContext> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take_if(|context| context.level == level)
    }

    fn put_back(&self, mut context: ZstdContext) {
        if context.zstd.context_mut().sizeof() > MAX_KEPT_BYTES {
            return;
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context);
    }
}

/// What a context may take to be kept: levels 1 to 3 do (0.5 to 1.3 MB). Above it the memory counts more than the time: level 9, which takes
/// 13 MB, compresses ten times as long as it takes to map that.
const MAX_KEPT_BYTES: usize = 2 * 1024 * 1024;

/// The level that is the default, and the logarithm of how many places its table of matches has: half of zstd's own 2^14. So it stays in the
/// processor's nearest cache (32 kB). Logs repeat what stands close before, and lose next to nothing by it (`docs/performance.md`).
const FASTEST_LEVEL: i32 = 1;
const FASTEST_HASH_LOG: u32 = 13;

struct ZstdContext {
    level: i32,
    zstd: zstd::bulk::Compressor<'static>,
}

impl ZstdContext {
    fn new(level: i32) -> Option<ZstdContext> {
        let mut zstd = zstd::bulk::Compressor::new(level).ok()?;
        if level == FASTEST_LEVEL {
            zstd.set_parameter(CParameter::HashLog(FASTEST_HASH_LOG)).ok()?;
        }
        if let Some(strategy) = strategy(level) {
            zstd.set_parameter(CParameter::Strategy(strategy)).ok()?;
        }
        Some(ZstdContext { level, zstd })
    }
}

/// The strategy of the levels that do not have zstd's own: two strategies fewer are in the function (`.cargo/config.toml`), and logs lose
/// nothing by it (docs/decisions/0019-small-where-it-is-cold.md).
fn strategy(level: i32) -> Option<Strategy> {
    match level {
        // Not "greedy".
        4 | 5 => Some(Strategy::ZSTD_dfast),
        // Not "lazy"; nor, for the smallest payloads at level 9, "btlazy2".
        6..=9 => Some(Strategy::ZSTD_lazy2),
        _ => None,
    }
}

/// Compresses payload after payload with one context and one buffer.
pub struct Compressor {
    compression: Compression,
    zstd: Option<ZstdContext>,
    kept: KeptContext,
    buffer: Vec<u8>,
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.zstd.take().into_iter().for_each(|context| self.kept.put_back(context));
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("Compressor").field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl Compressor {
    pub fn new(compression: Compression) -> Compressor {
        Compressor::with_kept(compression, &KeptContext::default())
    }

    /// One that uses the kept context, and keeps it for the next.
    pub(crate) fn with_kept(compression: Compression, kept: &KeptContext) -> Compressor {
        Compressor { compression, zstd: None, kept: kept.clone(), buffer: Vec::new() }
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
            self.zstd = self.kept.take(level).or_else(|| ZstdContext::new(level));
        }
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        let length = self.zstd.as_mut()?.zstd.compress_to_buffer(plain, &mut self.buffer).ok()?;
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
pub(crate) fn decompress(bytes: &[u8], compression: Compression) -> Option<Vec<u8>> {
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
        // All levels that there are to set: some of them do without a strategy of zstd's (`.cargo/config.toml`).
        let levels = (1..=9).map(Compression::Zstd);
        for compression in levels.chain([Compression::Gzip(6), Compression::None]) {
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
    fn a_kept_context_changes_no_byte() {
        let kept = KeptContext::default();
        let texts = [b"abcdefgh".repeat(100_000), b"[]".to_vec(), b"{\"message\":\"x\"}".repeat(5_000), Vec::new()];
        for level in [1, 3, 1] {
            for text in &texts {
                let mut compressor = Compressor::with_kept(Compression::Zstd(level), &kept);
                assert_eq!(compressor.compress(text), Compressor::new(Compression::Zstd(level)).compress(text));
                // Meanwhile somebody else has to make one.
                assert!(kept.take(level).is_none());
                drop(compressor);
                assert!(kept.take(level + 1).is_none());
                let context = kept.take(level).unwrap();
                kept.put_back(context);
            }
        }
    }

    #[test]
    fn levels_are_zstds_own_but_for_a_smaller_table_and_two_strategies() {
        // Numbers that hardly repeat between words that do.
        let numbers = (0_u64..20_000).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let text: String =
            numbers.map(|number| format!("{{\"message\":\"{number:x}\",\"status\":\"info\"}},")).collect();
        let with = |level, parameter| {
            let mut zstd = zstd::bulk::Compressor::new(level).unwrap();
            zstd.set_parameter(parameter).unwrap();
            zstd.compress(text.as_bytes()).unwrap()
        };
        let ours = |level| Compressor::new(Compression::Zstd(level)).compress(text.as_bytes()).0;
        let of_hash_log = |hash_log| with(1, CParameter::HashLog(hash_log));
        assert!(ours(1) == of_hash_log(13) && ours(1) != of_hash_log(12) && ours(1) != of_hash_log(14));
        assert_eq!(Compressor::new(Compression::default()).compress(text.as_bytes()).0, ours(1));
        assert!(ours(3) == zstd::bulk::compress(text.as_bytes(), 3).unwrap());
        // The others have a strategy of the two that are there, with or without the flags of the build.
        assert!(ours(5) == with(5, CParameter::Strategy(Strategy::ZSTD_dfast)));
        assert!(
            [6, 7, 8, 9].iter().all(|level| ours(*level) == with(*level, CParameter::Strategy(Strategy::ZSTD_lazy2)))
        );
    }

    #[test]
    fn a_large_context_is_not_kept() {
        for (level, is_kept) in [(1, true), (3, true), (9, false)] {
            let kept = KeptContext::default();
            Compressor::with_kept(Compression::Zstd(level), &kept).compress(&[b'x'; 5_000_000]);
            assert_eq!(kept.take(level).is_some(), is_kept, "level {level}");
        }
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
