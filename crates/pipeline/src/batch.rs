//! Payloads: as many logs as the intake takes in one request, counted to the byte.
//!
//! A log is written straight into the payload; if that makes it too large, the log is taken off again and begins the
//! next one. So the count is of the bytes that are sent, tags and all.

use bytes::Bytes;

use super::compress::{Compression, Compressor, KeptContext, decompress};
use super::entry::LogEntry;
use super::recent::Mark;

pub use super::limits::{Limits, MAX_ITEMS, MAX_PAYLOAD_BYTES};

/// One request's worth of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The JSON array, compressed.
    pub body: Bytes,
    pub compression: Compression,
    /// Bytes of the JSON array before compression.
    pub plain_bytes: usize,
    /// How often it was given up on before: 0, unless it comes from the queue of undelivered logs.
    pub attempts: u32,
    /// One for each log, in order.
    logs: Vec<PayloadLog>,
}

/// What is known of a log within a payload, so that nobody has to parse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadLog {
    /// Where it ends in the JSON array.
    end: u32,
    /// Which record of the invocation's event it came from, by its place among them.
    pub record: u32,
    /// What it is remembered by once it is delivered, if it has an id.
    pub mark: Option<Mark>,
    /// Its timestamp in milliseconds since 1970: the one that it is sent with.
    pub(crate) timestamp: Option<i64>,
}

impl Payload {
    fn new(plain: &[u8], logs: Vec<PayloadLog>, attempts: u32, compressor: &mut Compressor) -> Payload {
        let (body, compression) = compressor.compress(plain);
        Payload { body: body.into(), compression, plain_bytes: plain.len(), attempts, logs }
    }

    /// How many logs it carries.
    pub fn items(&self) -> usize {
        self.logs.len()
    }

    /// What is known of each log, in order.
    pub fn logs(&self) -> &[PayloadLog] {
        &self.logs
    }

    /// The records that its logs came from; one that follows itself once.
    pub fn records(&self) -> impl Iterator<Item = u32> {
        let mut last = None;
        self.logs.iter().map(|log| log.record).filter(move |record| last.replace(*record) != Some(*record))
    }

    /// The time of its oldest and of its newest log, as far as they have one.
    pub fn times(&self) -> Option<(i64, i64)> {
        let times = || self.logs.iter().filter_map(|log| log.timestamp);
        Some((times().min()?, times().max()?))
    }

    /// The JSON of each log within [`Payload::plain`].
    pub fn pieces<'p>(&self, plain: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let mut start = 1;
        self.logs.iter().map_while(move |log| {
            let piece = plain.get(start..log.end as usize)?;
            start = log.end as usize + 1;
            Some(piece)
        })
    }

    /// The JSON array as it was before compression; `None` only if the body was tampered with.
    pub fn plain(&self) -> Option<Vec<u8>> {
        decompress(&self.body, self.compression)
    }

    /// The same logs, compressed otherwise.
    pub fn compressed(self, compression: Compression) -> Payload {
        match self.plain() {
            Some(plain) => Payload::new(&plain, self.logs, self.attempts, &mut Compressor::new(compression)),
            None => self,
        }
    }

    /// The same payload, each of its logs known by the next of these marks, as far as there are any.
    pub fn marked(mut self, marks: &mut impl Iterator<Item = Mark>) -> Payload {
        self.logs.iter_mut().for_each(|log| log.mark = marks.next());
        self
    }

    /// The payload of those logs that are to be kept; nothing if those are none.
    pub fn only(&self, keep: impl FnMut(&PayloadLog) -> bool) -> Vec<Payload> {
        let kept: Vec<bool> = self.logs.iter().map(keep).collect();
        if kept.iter().all(|kept| !kept) {
            return Vec::new();
        }
        // What cannot be taken apart is kept whole: logs twice rather than never.
        let Some(plain) = self.plain().filter(|_| !kept.iter().all(|kept| *kept)) else { return vec![self.clone()] };
        let mut batcher = Batcher::new(Limits::default(), self.compression).with_attempts(self.attempts);
        for ((log, piece), _) in self.logs.iter().zip(self.pieces(&plain)).zip(&kept).filter(|(_, kept)| **kept) {
            batcher.add_written(piece, log.record, log.mark, log.timestamp);
        }
        batcher.finish()
    }

    /// Two payloads with half of the logs each; `None` if there is nothing to split.
    pub fn split(&self) -> Option<(Payload, Payload)> {
        let middle = self.items() / 2;
        let cut = self.logs.get(middle.checked_sub(1)?)?.end as usize;
        let plain = self.plain()?;
        let mut compressor = Compressor::new(self.compression);
        let mut first = plain.get(..cut)?.to_vec();
        first.push(b']');
        // The comma behind the first half becomes the second one's bracket.
        let mut second = b"[".to_vec();
        second.extend_from_slice(plain.get(cut + 1..)?);
        let second_logs =
            self.logs[middle..].iter().map(|log| PayloadLog { end: log.end - cut as u32, ..*log }).collect();
        Some((
            Payload::new(&first, self.logs[..middle].to_vec(), self.attempts, &mut compressor),
            Payload::new(&second, second_logs, self.attempts, &mut compressor),
        ))
    }
}

/// What became of a log that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    Whole,
    /// It is marked as truncated: cut before, or just now.
    Truncated,
    /// It would have been.
    Refused,
}

/// A place between two logs of a [`Batcher`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchCursor {
    payload: usize,
    log: usize,
}

/// Fills payloads.
#[derive(Debug)]
pub struct Batcher {
    limits: Limits,
    compressor: Compressor,
    /// Which record the logs that are added come from.
    record: u32,
    attempts: u32,
    /// How many logs there may be still, as far as somebody said.
    expected: usize,
    plain: Vec<u8>,
    logs: Vec<PayloadLog>,
    payloads: Vec<Payload>,
}

impl Batcher {
    pub fn new(limits: Limits, compression: Compression) -> Batcher {
        Batcher::with_kept(limits, compression, &KeptContext::default())
    }

    /// One that compresses with the kept context.
    pub(crate) fn with_kept(limits: Limits, compression: Compression, kept: &KeptContext) -> Batcher {
        Batcher {
            limits,
            compressor: Compressor::with_kept(compression, kept),
            record: 0,
            attempts: 0,
            expected: 0,
            plain: Vec::new(),
            logs: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// What is added from now on comes from this record.
    pub(crate) fn begin(&mut self, record: u32) {
        self.record = record;
    }

    /// So many logs may come. Only memory is asked for by it, at once instead of piece by piece.
    pub(crate) fn expect(&mut self, logs: usize) {
        self.expected = logs;
    }

    /// Makes room for a payload of logs like its first one, which was just written. The next payload is written into the same bytes.
    fn make_room(&mut self) {
        let logs = self.expected.min(self.limits.items);
        self.logs.reserve(logs);
        if !self.payloads.is_empty() {
            return;
        }
        // Some are longer than the first.
        let bytes = self.plain.len().saturating_mul(logs + logs / 4).min(self.limits.payload_bytes);
        self.plain.reserve(bytes.saturating_sub(self.plain.len()));
    }

    /// The payloads to come were given up on so often before.
    pub fn with_attempts(mut self, attempts: u32) -> Batcher {
        self.attempts = attempts;
        self
    }

    /// Adds a log; where `refuse_truncated`, only one that is whole.
    pub(crate) fn add(&mut self, entry: &LogEntry, mark: Option<Mark>, refuse_truncated: bool) -> Added {
        let before = self.open();
        let truncated = entry.write(&mut self.plain, self.limits.item_bytes);
        if truncated && refuse_truncated {
            self.plain.truncate(before);
            return Added::Refused;
        }
        self.keep(before, self.record, mark, entry.new_time.map(|new| new.time_ms).or(entry.line.timestamp));
        if truncated { Added::Truncated } else { Added::Whole }
    }

    /// The marks of the logs that were added since `cursor`, which is moved behind the last of them; the first cursor is the
    /// default.
    pub(crate) fn marks_since(&self, cursor: &mut BatchCursor) -> impl Iterator<Item = Mark> {
        let BatchCursor { payload, log } =
            std::mem::replace(cursor, BatchCursor { payload: self.payloads.len(), log: self.logs.len() });
        let closed = self.payloads.iter().skip(payload).map(|payload| payload.logs.as_slice());
        closed.chain([self.logs.as_slice()]).flatten().skip(log).filter_map(|log| log.mark)
    }

    /// Adds a log that is written already: `json` is one object within the limits.
    pub fn add_written(&mut self, json: &[u8], record: u32, mark: Option<Mark>, timestamp: Option<i64>) {
        let before = self.open();
        self.plain.extend_from_slice(json);
        self.keep(before, record, mark, timestamp);
    }

    /// Makes ready for another log; where it begins.
    fn open(&mut self) -> usize {
        if self.logs.len() >= self.limits.items {
            self.close();
        }
        let before = self.plain.len();
        self.plain.push(if self.logs.is_empty() { b'[' } else { b',' });
        before
    }

    /// Keeps the log that was written since `before`, in the next payload if this one is full.
    fn keep(&mut self, before: usize, record: u32, mark: Option<Mark>, timestamp: Option<i64>) {
        // One byte for the closing bracket. A log alone always fits.
        if self.plain.len() + 1 > self.limits.payload_bytes && !self.logs.is_empty() {
            let overflow = self.plain.split_off(before + 1);
            self.plain.truncate(before);
            self.close();
            self.plain.push(b'[');
            self.plain.extend_from_slice(&overflow);
        }
        if self.logs.is_empty() {
            self.make_room();
        }
        self.logs.push(PayloadLog { end: self.plain.len() as u32, record, mark, timestamp });
    }

    /// Closes the payload that is being filled.
    fn close(&mut self) {
        if self.logs.is_empty() {
            return;
        }
        self.plain.push(b']');
        let logs = std::mem::take(&mut self.logs);
        self.payloads.push(Payload::new(&self.plain, logs, self.attempts, &mut self.compressor));
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
    use crate::entry::{ContainerFrame, Provenance};
    use crate::line::LogLine;
    use crate::mark_key::MarkKey;
    use crate::recent::Recent;
    use crate::tags::Identity;

    fn frame() -> ContainerFrame {
        let provenance = Provenance { owner: "1", log_group: "g", log_stream: "s", function_arn: "f" };
        ContainerFrame::new(&Identity::default(), &provenance)
    }

    fn batch(texts: &[String], limits: Limits) -> Vec<Payload> {
        let frame = frame();
        let mut batcher = Batcher::new(limits, Compression::Zstd(1));
        for text in texts {
            let line = LogLine::sample("1", text);
            batcher.add(
                &LogEntry { line: &line, status: None, status_if_cut: None, new_time: None, frame: &frame },
                None,
                false,
            );
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
    fn pieces_are_the_logs_and_what_is_known_of_them_goes_along() {
        let texts: Vec<String> = (0..5).map(|number| format!("log {number}")).collect();
        let payload = batch(&texts, Limits::default()).remove(0);
        let plain = payload.plain().unwrap();
        let mut again = Batcher::new(Limits::default(), Compression::None).with_attempts(3);
        for (number, piece) in (0_u32..).zip(payload.pieces(&plain)) {
            again.add_written(piece, number, None, Some(i64::from(number)));
        }
        let again = again.finish().remove(0);
        assert_eq!((again.body.as_ref(), again.attempts, again.times()), (plain.as_slice(), 3, Some((0, 4))));
        let (first, second) = again.split().unwrap();
        assert_eq!((first.times(), second.times(), second.attempts), (Some((0, 1)), Some((2, 4)), 3));
        assert_eq!(second.logs().iter().map(|log| log.record).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(second.pieces(&second.plain().unwrap()).last(), payload.pieces(&plain).last());
    }

    #[test]
    fn some_of_the_logs_of_a_payload_make_another() {
        let recent = Recent::new(100, MarkKey::known());
        let texts: Vec<String> = (0..5).map(|number| format!("log {number}")).collect();
        let payload = batch(&texts, Limits::default()).remove(0);
        assert_eq!(payload.only(|_| true), std::slice::from_ref(&payload));
        assert_eq!(payload.only(|_| false), []);
        let payload = payload.marked(&mut recent.marks_within("x"));
        let mut number = 0;
        let odd = payload
            .only(|_| {
                number += 1;
                number % 2 == 0
            })
            .remove(0);
        assert_eq!(messages(&odd), ["log 1", "log 3"]);
        let marks: Vec<Mark> = recent.marks_within("x").take(5).collect();
        assert_eq!(odd.logs().iter().map(|log| log.mark).collect::<Vec<_>>(), [Some(marks[1]), Some(marks[3])]);
    }

    #[test]
    fn marks_are_told_once_over_the_edges_of_payloads() {
        let recent = Recent::new(100, MarkKey::known());
        let marks: Vec<Mark> = recent.marks_within("x").take(7).collect();
        let mut batcher = Batcher::new(Limits { items: 3, ..Limits::default() }, Compression::None);
        let mut cursor = BatchCursor::default();
        let mut told = Vec::new();
        for part in [&marks[..0], &marks[..2], &marks[2..3], &marks[3..6], &marks[6..]] {
            part.iter().for_each(|mark| batcher.add_written(b"{}", 0, Some(*mark), None));
            told.push(batcher.marks_since(&mut cursor).collect::<Vec<_>>());
        }
        assert_eq!(told, [&marks[..0], &marks[..2], &marks[2..3], &marks[3..6], &marks[6..]]);
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
