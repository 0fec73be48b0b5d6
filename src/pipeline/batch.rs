//! Payloads: as many logs as the intake takes in one request, counted to the byte.
//!
//! A log is written straight into the payload; if that makes it too large, the log is taken off again and begins the
//! next one. So the count is of the bytes that are sent, tags and all.

use bytes::Bytes;

use super::compress::{Compression, Compressor, decompress};
use super::entry::{Entry, MAX_ITEM_BYTES};

/// How many logs a request may carry. Source: Datadog API reference, "Send logs".
pub const MAX_ITEMS: usize = 1000;

/// How large a request may be before compression. Source: Datadog API reference, "Send logs": 5 MB.
pub const MAX_PAYLOAD_BYTES: usize = 5_000_000;

/// The limits that a payload keeps.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub items: usize,
    pub payload_bytes: usize,
    pub item_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { items: MAX_ITEMS, payload_bytes: MAX_PAYLOAD_BYTES, item_bytes: MAX_ITEM_BYTES }
    }
}

/// One request's worth of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The JSON array, compressed.
    pub body: Bytes,
    pub compression: Compression,
    /// Bytes of the JSON array before compression.
    pub plain_bytes: usize,
    /// Where each log ends in the JSON array, so that it can be split without being parsed.
    ends: Vec<u32>,
}

impl Payload {
    fn new(plain: &[u8], ends: Vec<u32>, compressor: &mut Compressor) -> Payload {
        let (body, compression) = compressor.compress(plain);
        Payload { body: body.into(), compression, plain_bytes: plain.len(), ends }
    }

    /// How many logs it carries.
    pub fn items(&self) -> usize {
        self.ends.len()
    }

    /// The JSON array as it was before compression; `None` only if the body was tampered with.
    pub fn plain(&self) -> Option<Vec<u8>> {
        decompress(&self.body, self.compression)
    }

    /// Two payloads with half of the logs each; `None` if there is nothing to split.
    pub fn split(&self) -> Option<(Payload, Payload)> {
        let middle = self.items() / 2;
        let cut = *self.ends.get(middle.checked_sub(1)?)? as usize;
        let plain = self.plain()?;
        let mut compressor = Compressor::new(self.compression);
        let mut first = plain.get(..cut)?.to_vec();
        first.push(b']');
        // The comma behind the first half becomes the second one's bracket.
        let mut second = b"[".to_vec();
        second.extend_from_slice(plain.get(cut + 1..)?);
        let second_ends = self.ends[middle..].iter().map(|end| end - cut as u32).collect();
        Some((
            Payload::new(&first, self.ends[..middle].to_vec(), &mut compressor),
            Payload::new(&second, second_ends, &mut compressor),
        ))
    }
}

/// What became of a log that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Whole,
    /// It is marked as truncated: cut before, or just now.
    Truncated,
    /// It would have been.
    Refused,
}

/// Fills payloads.
pub struct Batcher {
    limits: Limits,
    compressor: Compressor,
    plain: Vec<u8>,
    ends: Vec<u32>,
    payloads: Vec<Payload>,
}

impl Batcher {
    pub fn new(limits: Limits, compression: Compression) -> Batcher {
        Batcher {
            limits,
            compressor: Compressor::new(compression),
            plain: Vec::new(),
            ends: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// Adds a log; where `refuse_truncated`, only one that is whole.
    pub fn add(&mut self, entry: &Entry, refuse_truncated: bool) -> Added {
        if self.ends.len() >= self.limits.items {
            self.close();
        }
        let before = self.plain.len();
        self.plain.push(if self.ends.is_empty() { b'[' } else { b',' });
        let truncated = entry.write(&mut self.plain, self.limits.item_bytes);
        if truncated && refuse_truncated {
            self.plain.truncate(before);
            return Added::Refused;
        }
        // One byte for the closing bracket. A log alone always fits.
        if self.plain.len() + 1 > self.limits.payload_bytes && !self.ends.is_empty() {
            let overflow = self.plain.split_off(before + 1);
            self.plain.truncate(before);
            self.close();
            self.plain.push(b'[');
            self.plain.extend_from_slice(&overflow);
        }
        self.ends.push(self.plain.len() as u32);
        if truncated { Added::Truncated } else { Added::Whole }
    }

    /// Closes the payload that is being filled.
    fn close(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        self.plain.push(b']');
        let ends = std::mem::take(&mut self.ends);
        self.payloads.push(Payload::new(&self.plain, ends, &mut self.compressor));
        self.plain.clear();
    }

    /// The payloads, in order.
    pub fn finish(mut self) -> Vec<Payload> {
        self.close();
        self.payloads
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::pipeline::entry::{Frame, Provenance};
    use crate::pipeline::line::Line;
    use crate::pipeline::tags::Identity;

    fn frame() -> Frame {
        let provenance = Provenance { owner: "1", log_group: "g", log_stream: "s", function_arn: "f" };
        Frame::new(&Identity::default(), &provenance)
    }

    fn batch(texts: &[String], limits: Limits) -> Vec<Payload> {
        let frame = frame();
        let mut batcher = Batcher::new(limits, Compression::Zstd(1));
        for text in texts {
            let line = Line {
                text,
                merged: false,
                id: "1",
                timestamp: None,
                output: None,
                identity: 0,
                writer: 0,
                attributes: None,
                partial: false,
                truncated: false,
                lines: 1,
            };
            batcher.add(&Entry { line, status: None, status_if_cut: None, frame: &frame }, false);
        }
        batcher.finish()
    }

    fn messages(payload: &Payload) -> Vec<String> {
        let items: Vec<Value> = serde_json::from_slice(&payload.plain().unwrap()).unwrap();
        items.iter().map(|item| item["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_thousand_logs_and_no_more() {
        for (logs, expected) in [(999, vec![999]), (1000, vec![1000]), (1001, vec![1000, 1])] {
            let texts = vec!["x".to_owned(); logs];
            let items: Vec<usize> = batch(&texts, Limits::default()).iter().map(Payload::items).collect();
            assert_eq!(items, expected);
        }
    }

    #[test]
    fn the_bytes_are_counted_with_brackets_and_commas() {
        let texts = vec!["x".repeat(50); 4];
        let whole = batch(&texts, Limits::default())[0].plain_bytes;
        for (limit, expected) in [(whole + 1, vec![4]), (whole, vec![4]), (whole - 1, vec![3, 1])] {
            let payloads = batch(&texts, Limits { payload_bytes: limit, ..Limits::default() });
            assert_eq!(payloads.iter().map(Payload::items).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn one_log_cannot_be_split() {
        assert_eq!(batch(&["x".to_owned()], Limits::default())[0].split(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn limits_hold_and_nothing_is_lost(
            texts in prop::collection::vec(any::<String>(), 0..60),
            items in 1_usize..20,
            payload_bytes in 600_usize..3000,
        ) {
            let limits = Limits { items, payload_bytes, item_bytes: 400 };
            let payloads = batch(&texts, limits);
            for payload in &payloads {
                prop_assert!(payload.items() <= items && payload.items() > 0);
                prop_assert!(payload.plain_bytes <= payload_bytes);
                prop_assert_eq!(payload.plain().unwrap().len(), payload.plain_bytes);
            }
            let arrived: Vec<String> = payloads.iter().flat_map(messages).collect();
            prop_assert_eq!(arrived.len(), texts.len());
            for (text, message) in texts.iter().zip(&arrived) {
                let kept = message.strip_suffix("...TRUNCATED...").unwrap_or(text);
                prop_assert!(text == message || text.starts_with(kept));
            }
        }

        #[test]
        fn halves_make_the_whole(texts in prop::collection::vec(any::<String>(), 2..30)) {
            let whole = batch(&texts, Limits::default()).remove(0);
            let (first, second) = whole.split().unwrap();
            prop_assert_eq!(first.items() + second.items(), whole.items());
            let mut halves = messages(&first);
            halves.extend(messages(&second));
            prop_assert_eq!(halves, messages(&whole));
            if let Some((a, b)) = second.split() {
                let mut quarters = messages(&a);
                quarters.extend(messages(&b));
                prop_assert_eq!(quarters, messages(&second));
            }
        }
    }
}
