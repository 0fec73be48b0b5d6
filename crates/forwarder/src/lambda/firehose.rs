//! Amazon Data Firehose transformation: its records, each the payload of a subscription, into what its Datadog destination
//! takes.
//!
//! A record becomes lines of JSON, one a log, with the members that Datadog's log intake knows (`message`, `ddsource`,
//! `service`, `ddtags`, `status`, `timestamp`). That Datadog makes a log of each JSON line of a record is what its guide "Send
//! Amazon EKS Fargate Logs with Amazon Data Firehose" rests on, where Fluent Bit writes just such records; that the reserved
//! members of such a line are honoured is documented for JSON logs in general, and not for this intake by name. See
//! `docs/triggers.md` for how sure that is.
//!
//! The answer has a limit. What does not fit is not lost: its payloads are handed back to be delivered directly, and the
//! record's result is then `Dropped`, which to Firehose means: done with.
//!
//! A record that takes longer than its share of the time is handed on as far as it was read, and the rest goes to the queue. Where
//! there is none, Firehose writes the whole record to its bucket: it repeats no record, only whole invocations.

use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderStringWriter;
use serde::Serialize;

use super::reading::{NotKnown, ReadingTerms, RecordReading, RestGoes, UnreadRecord};
use super::unknown::UnknownEvent;
use super::waits::Waited;
use pipeline::batch::Payload;
use pipeline::compress::Compression;
use pipeline::event::EventError;
use pipeline::recent::Recent;
use pipeline::records::{FirehoseEvent, FirehoseRecord};
use pipeline::{self, LogCounts, Pipeline, PipelineSettings, Processed};

/// How large the answer may be. Source: AWS, "Lambda quotas": 6 MB for a synchronous response.
pub const MAX_ANSWER_BYTES: usize = 6_291_556;

/// What the answer takes beside its records: `{"records":[]}`.
const FRAME_BYTES: usize = 14;

/// The answer for one record. Source: AWS, "Transform source data in Amazon Data Firehose", required parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transformation {
    #[serde(rename = "recordId")]
    pub(crate) record_id: String,
    pub(crate) result: TransformationResult,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) data: String,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum TransformationResult {
    /// It is transformed; Firehose delivers it.
    Ok,
    /// There is nothing to deliver.
    Dropped,
    /// It cannot be read; Firehose writes it to its bucket.
    ProcessingFailed,
}

/// The transformed records, and what did not fit into the answer.
#[derive(Debug, Default)]
pub struct Transformed {
    pub answer: Vec<Transformation>,
    /// To be delivered directly. Their logs bear the number of their record, whose result is `Dropped`.
    pub direct: Vec<Payload>,
    pub counts: LogCounts,
    /// Records that cannot be read.
    pub failed: Vec<EventError>,
    /// Records that were not read to their ends in time.
    pub unread: Vec<UnreadRecord>,
    /// Records that are set aside. What comes of them is delivered directly; their result is `Dropped`.
    pub(crate) unknown: Vec<UnknownEvent>,
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) cluster: Option<String>,
    /// Logs that Firehose is to deliver.
    pub handed_on: usize,
}

/// Transforms all records, in order.
pub(crate) fn transform(event: &FirehoseEvent, terms: ReadingTerms) -> Transformed {
    transform_within(MAX_ANSWER_BYTES, event, terms)
}

fn transform_within(limit: usize, event: &FirehoseEvent, terms: ReadingTerms) -> Transformed {
    let compression = match terms.settings.compression {
        // Most logs are many times as long as what they say: until it is known where they go, they wait compressed.
        Compression::None => Compression::default(),
        compression => compression,
    };
    // Firehose repeats an invocation whose answer it did not get: nothing is known to be delivered here.
    let settings = PipelineSettings { recent: Recent::nothing(), compression, ..terms.settings.clone() };
    let inner = ReadingTerms { settings: &settings, ..terms };
    let mut transformed = Transformed::default();
    let ids: usize = event.records.iter().map(|record| empty_answer(&record.record_id)).sum();
    let mut room = limit.saturating_sub(FRAME_BYTES + ids);
    let mut has_progress = false;
    for (number, record) in (0..).zip(&event.records) {
        let left = event.records.len() - number as usize;
        let reading = RecordReading::new(terms.shares, left, has_progress);
        let (result, data) = match read(record, number, reading, inner) {
            Ok(RecordRead::Known(processed, unread)) => {
                has_progress |= processed.counts.events > 0;
                transformed.take(*processed, unread, &mut room, terms.settings.compression)
            }
            Ok(RecordRead::Unknown(unknown)) => {
                transformed.unknown.push(unknown);
                (TransformationResult::Dropped, String::new())
            }
            Err(error) => {
                transformed.failed.push(error);
                (TransformationResult::ProcessingFailed, String::new())
            }
        };
        transformed.answer.push(Transformation { record_id: record.record_id.clone().into_owned(), result, data });
    }
    transformed
}

/// What was read of a record.
enum RecordRead {
    /// Its logs, and the rest if there was no time for all.
    Known(Box<Processed>, Option<UnreadRecord>),
    Unknown(UnknownEvent),
}

fn read(
    record: &FirehoseRecord,
    number: u32,
    mut reading: RecordReading,
    terms: ReadingTerms,
) -> Result<RecordRead, EventError> {
    let mut pipeline = Pipeline::new(terms.function_arn, terms.settings, terms.now_ms);
    let rest = if terms.has_queue { RestGoes::ToQueue } else { RestGoes::Nowhere };
    let content = pipeline::inflated(&record.data, terms.settings)?;
    if let Some(NotKnown { wanted, events }) =
        reading.read(&mut pipeline, number, &content, rest, terms.sets_unknown_aside)?
    {
        let (data, waited) = (record.data.to_string(), Waited::not_at_all(terms.now_ms));
        return Ok(RecordRead::Unknown(UnknownEvent {
            record: number,
            wanted,
            events,
            data,
            waited,
            is_message: false,
        }));
    }
    Ok(RecordRead::Known(Box::new(pipeline.finish()), reading.unread(number)))
}

impl Transformed {
    fn take(
        &mut self,
        processed: Processed,
        unread: Option<UnreadRecord>,
        room: &mut usize,
        compression: Compression,
    ) -> (TransformationResult, String) {
        if let Some(UnreadRecord { record, events, rest: None }) = unread {
            // The rest can wait nowhere: Firehose keeps the record whole, so nothing of it may arrive.
            let events = events + processed.counts.events;
            self.unread.push(UnreadRecord { record, events, rest: None });
            return (TransformationResult::ProcessingFailed, String::new());
        }
        self.unread.extend(unread);
        self.counts.add(&processed.counts);
        self.oldest_ms = [self.oldest_ms, processed.oldest_ms].into_iter().flatten().min();
        self.cluster = self.cluster.take().or(processed.cluster);
        let payloads = processed.payloads;
        if payloads.is_empty() {
            return (TransformationResult::Dropped, String::new());
        }
        // A payload has a bracket before each log or a comma, and one bracket more; a line has its end.
        let bytes: usize = payloads.iter().map(|payload| payload.plain_bytes - 1).sum();
        let bytes = bytes.div_ceil(3) * 4;
        if bytes > *room {
            self.direct.extend(payloads.into_iter().map(|payload| match payload.compression == compression {
                true => payload,
                false => payload.compressed(compression),
            }));
            return (TransformationResult::Dropped, String::new());
        }
        *room -= bytes;
        self.handed_on += payloads.iter().map(Payload::items).sum::<usize>();
        (TransformationResult::Ok, lines(&payloads, bytes))
    }
}

/// One JSON object a line, in base64 of `bytes` bytes. A line break inside of a log is escaped, so a line is a log. One payload at a
/// time is inflated.
fn lines(payloads: &[Payload], bytes: usize) -> String {
    let mut writer = EncoderStringWriter::from_consumer(String::with_capacity(bytes), &STANDARD);
    for payload in payloads {
        for piece in payload.pieces(&payload.plain().unwrap_or_default()) {
            // Writing to a string cannot fail.
            let _ = writer.write_all(piece).and_then(|()| writer.write_all(b"\n"));
        }
    }
    writer.into_inner()
}

/// How large the answer for a record is without its data, with the comma behind it: of the results that it can have, the
/// longest. `Dropped` becomes `ProcessingFailed` where a record could not be delivered directly either.
fn empty_answer(record_id: &str) -> usize {
    let length = |result, data: &str| {
        let answer = Transformation { record_id: record_id.to_owned(), result, data: data.to_owned() };
        serde_json::to_string(&answer).map_or(0, |text| text.len() - data.len())
    };
    length(TransformationResult::Ok, "x").max(length(TransformationResult::ProcessingFailed, "")) + 1
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;
    use crate::lambda::reading::unlimited;

    #[test]
    fn the_answer_is_within_its_limit_to_the_byte() {
        let content = r#"{"logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":5,"message":"text"}]}"#;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(content.as_bytes()).unwrap();
        let data = STANDARD.encode(gzip.finish().unwrap());
        let record = |id: &str| FirehoseRecord { record_id: id.to_owned().into(), data: data.as_str().into() };
        let event = FirehoseEvent { records: ["1", "2", "3"].map(record).into() };
        let settings = PipelineSettings::default();
        let terms = ReadingTerms {
            function_arn: "arn",
            settings: &settings,
            now_ms: 6,
            shares: &unlimited,
            has_queue: false,
            sets_unknown_aside: false,
        };
        let answer = |limit| {
            let transformed = transform_within(limit, &event, terms);
            let text = serde_json::json!({ "records": transformed.answer }).to_string();
            (text.len(), transformed.handed_on, transformed.direct.len())
        };
        let (all, 3, 0) = answer(usize::MAX) else { panic!("not all") };
        // The room for another result is four bytes a record, and behind the last one there is no comma.
        let needed = all + 3 * 4 + 1;
        for (limit, handed_on) in [(needed + 1, 3), (needed, 3), (needed - 1, 2), (0, 0)] {
            let (length, handed, direct) = answer(limit);
            assert_eq!((handed, direct), (handed_on, 3 - handed_on), "{limit} of {needed}");
            assert!(length <= limit || limit == 0);
        }
    }
}
