//! The body of a request unpacked, within what an intake takes: a small body may stand for gigabytes, so it is read no further than it has to be to
//! know that it is too large.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use hyper::body::Body;

use pipeline::batch::MAX_PAYLOAD_BYTES;

/// How much of a body is kept. One that compresses to more than it was is still taken: the codecs add some bytes to each of their blocks, which are tens of
/// kilobytes long.
const MAX_BODY_BYTES: usize = MAX_PAYLOAD_BYTES + MAX_PAYLOAD_BYTES / 16;

/// The largest window that a frame of zstd may ask memory for, as a power of two: 8 MB. Source: RFC 8878, 3.1.1.1.2, what every decoder should support.
const ZSTD_WINDOW_LOG: u32 = 23;

/// What a body stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    Plain(Vec<u8>),
    /// More than [`MAX_PAYLOAD_BYTES`].
    TooLarge,
    /// It is not what `Content-Encoding` says, or cut short.
    Broken,
    /// An encoding that Datadog does not list. Source: Datadog API reference, "Send logs": identity, gzip and deflate; the Agent sends zstd.
    Unknown,
}

/// Reads a body to its end, and keeps as much of it as counts. Tells how long it is.
pub(crate) async fn collect<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<(Bytes, usize), B::Error> {
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len());
        // One byte more than is taken shows that there is more.
        let room = (MAX_BODY_BYTES + 1).saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room).unwrap_or(&data));
    }
    Ok((kept.freeze(), length))
}

/// Unpacks what [`collect`] kept, by the value of `Content-Encoding`.
pub(crate) fn unpack(body: &[u8], encoding: Option<&[u8]>) -> Unpacked {
    if body.len() > MAX_BODY_BYTES {
        return Unpacked::TooLarge;
    }
    match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"" | b"identity") => read(body),
        Some(b"gzip" | b"x-gzip") => read(MultiGzDecoder::new(body)),
        Some(b"deflate") => read(ZlibDecoder::new(body)),
        Some(b"zstd") => zstd_decoder(body).map_or(Unpacked::Broken, read),
        Some(_) => Unpacked::Unknown,
    }
}

fn zstd_decoder(body: &[u8]) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

fn read(source: impl Read) -> Unpacked {
    let mut plain = Vec::new();
    match source.take(MAX_PAYLOAD_BYTES as u64 + 1).read_to_end(&mut plain) {
        Err(_) => Unpacked::Broken,
        Ok(_) if plain.len() > MAX_PAYLOAD_BYTES => Unpacked::TooLarge,
        Ok(_) => Unpacked::Plain(plain),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http_body_util::Full;

    use super::*;

    type Encode = fn(&[u8]) -> Vec<u8>;

    /// Each encoding that is known, and what makes it.
    const ENCODINGS: [(&str, Encode); 4] = [
        ("identity", <[u8]>::to_vec),
        ("gzip", |plain| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }),
        ("deflate", |plain| {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }),
        ("zstd", |plain| zstd::encode_all(plain, 1).unwrap()),
    ];

    #[test]
    fn the_limit_is_exact_in_each_encoding() {
        for (encoding, encode) in ENCODINGS {
            for (length, fits) in
                [(MAX_PAYLOAD_BYTES - 1, true), (MAX_PAYLOAD_BYTES, true), (MAX_PAYLOAD_BYTES + 1, false)]
            {
                let plain = vec![b'x'; length];
                let expected = if fits { Unpacked::Plain(plain.clone()) } else { Unpacked::TooLarge };
                assert!(unpack(&encode(&plain), Some(encoding.as_bytes())) == expected, "{encoding} {length}");
            }
        }
    }

    /// Bytes that no codec makes shorter are longer than they were.
    #[test]
    fn what_does_not_compress_is_taken_too() {
        let mut state = 1_u64;
        let noise = (0..200_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_le_bytes()[7]
        });
        let noise: Vec<u8> = noise.collect();
        for (encoding, encode) in ENCODINGS {
            let encoded = encode(&noise);
            assert!(encoded.len() * MAX_PAYLOAD_BYTES <= noise.len() * MAX_BODY_BYTES, "{encoding}");
            assert!(unpack(&encoded, Some(encoding.as_bytes())) == Unpacked::Plain(noise.clone()), "{encoding}");
        }
    }

    #[test]
    fn what_is_broken_or_of_another_encoding_is_told_apart() {
        for (encoding, encode) in &ENCODINGS[1..] {
            let whole = encode(b"some text that is long enough to be cut");
            for length in 1..whole.len() {
                assert_eq!(
                    unpack(&whole[..length], Some(encoding.as_bytes())),
                    Unpacked::Broken,
                    "{encoding} {length}"
                );
            }
            assert_eq!(
                unpack(&whole, Some(encoding.to_uppercase().as_bytes())),
                unpack(&whole, Some(encoding.as_bytes()))
            );
            assert_eq!(unpack(b"[]", Some(encoding.as_bytes())), Unpacked::Broken, "{encoding}");
        }
        assert_eq!(unpack(b"[]", Some(b"br")), Unpacked::Unknown);
        assert_eq!(unpack(b"[]", None), Unpacked::Plain(b"[]".to_vec()));
        // A frame that asks for a window of 128 MB, as zstd itself would give it.
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&[b'x'; 1000]).unwrap();
        assert_eq!(unpack(&encoder.finish().unwrap(), Some(b"zstd")), Unpacked::Broken);
    }

    #[tokio::test]
    async fn no_more_of_a_body_is_kept_than_counts() {
        for (length, kept) in [
            (0, 0),
            (MAX_BODY_BYTES - 1, MAX_BODY_BYTES - 1),
            (MAX_BODY_BYTES, MAX_BODY_BYTES),
            (MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 1),
            (3 * MAX_BODY_BYTES, MAX_BODY_BYTES + 1),
        ] {
            let (body, told) = collect(Full::new(Bytes::from(vec![b'x'; length]))).await.unwrap();
            assert_eq!((body.len(), told), (kept, length));
        }
        assert_eq!(unpack(&vec![b'x'; MAX_BODY_BYTES + 1], Some(b"gzip")), Unpacked::TooLarge);
    }
}
