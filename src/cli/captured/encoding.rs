//! Bytes as text: gzip, byte order marks, UTF-16 as PowerShell's `>` writes it.

use pipeline::PipelineSettings;
use pipeline::event::EventError;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How often it may be compressed: `aws s3 cp` of an export that a browser compressed again.
const MAX_GZIP: usize = 3;

/// The text, and what was around it: words that follow the kind, such as ", compressed with gzip".
///
/// # Errors
/// [`EventError`]: the gzip is broken, or inflates to more than the settings allow.
pub(crate) fn text(bytes: &[u8], settings: &PipelineSettings) -> Result<(String, String), EventError> {
    let mut words = String::new();
    let mut bytes = bytes.to_vec();
    for _ in 0..MAX_GZIP {
        if !bytes.starts_with(&GZIP) {
            break;
        }
        bytes = pipeline::inflated(&STANDARD.encode(&bytes), settings)?.into_bytes();
        words = ", compressed with gzip".to_owned();
    }
    let (text, encoding) = decoded(bytes);
    words.push_str(encoding);
    Ok((text, words))
}

fn decoded(bytes: Vec<u8>) -> (String, &'static str) {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => (String::from_utf8_lossy(rest).into_owned(), ""),
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), ", in UTF-16"),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), ", in UTF-16"),
        // Without a mark: what people capture begins with ASCII, so every second byte there is 0.
        [first, 0, third, 0, ..] if *first != 0 && *third != 0 => (utf16(&bytes, u16::from_le_bytes), ", in UTF-16"),
        [0, second, 0, fourth, ..] if *second != 0 && *fourth != 0 => {
            (utf16(&bytes, u16::from_be_bytes), ", in UTF-16")
        }
        _ => (
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            "",
        ),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    String::from_utf16_lossy(&units.iter().map(|bytes| unit(*bytes)).collect::<Vec<_>>())
}
