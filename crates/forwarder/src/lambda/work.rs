//! What an invocation has to do: the event, whatever its envelope, read into payloads, each log knowing the record it came
//! from, and what could not be read.
//!
//! Reading is pure. What has to be fetched first (an object that a failed event was written to) is named in [`Work::objects`]
//! and read by [`Work::add_object`] once it is there; what is to be looked up first in [`Work::unknown`], for [`Work::read_unknown`].

use std::time::Duration;

use super::firehose::{self, Transformed};
use super::reading::{NotKnown, ReadingTerms, RecordReading, RestGoes, UnreadRecord, unlimited};
use super::rounds::too_early;
use super::unknown::{UnknownEvent, UnknownPolicy, WaitingEvent};
use super::waits::Waited;
use crate::delivery::undelivered::{self, MAX_MESSAGE_BYTES};
use crate::delivery::waiting;
use pipeline::batch::{MAX_ITEMS, Payload, PayloadLog};
use pipeline::event::{self, EventError, InvocationEvent};
use pipeline::recent::{Mark, MarkSet};
use pipeline::records::{KinesisRecord, S3Object, SqsRecord};
use pipeline::restamp::{RestampCounts, restamp};
use pipeline::{LogCounts, Pipeline, PipelineSettings, Processed};

/// How deep events may stand in one another: a message of the queue that tells of an object that holds a failed event that
/// was a batch of a stream.
const MAX_NESTING: usize = 4;

/// What SQS counts beside the body of a message: the attribute with the reason.
const ATTRIBUTE_BYTES: usize = 256;

/// Who invoked the function, with what the answer names records by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trigger {
    /// CloudWatch Logs, or somebody by hand: one record.
    #[default]
    Direct,
    Sqs(Vec<Receipt>),
    /// Sequence numbers.
    Kinesis(Vec<String>),
    /// How many records.
    Firehose(usize),
}

/// A message that SQS handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) message_id: String,
    pub(crate) receipt_handle: String,
    /// How often it was handed out, this time included; at least 1.
    pub(crate) receive_count: u32,
    /// When it was sent to the queue, in milliseconds since 1970.
    pub(crate) sent_ms: Option<i64>,
    pub(crate) queue_arn: String,
}

/// A message of ours that the intake does not want to see yet. It is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponed {
    pub(crate) record: u32,
    /// How long from now.
    pub(crate) wait: Duration,
    pub(crate) logs: usize,
}

/// A record, or a part of one, that can never be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    pub record: u32,
    pub error: EventError,
    /// What to keep of it: an event that the function can be given again.
    pub body: String,
    /// Whether that only says where the event is: in an object, with others perhaps.
    pub(crate) is_note: bool,
}

impl Poison {
    /// Whether SQS takes its body. What has none cannot be kept.
    pub(crate) fn fits_a_message(&self) -> bool {
        !self.body.is_empty() && self.body.len() + ATTRIBUTE_BYTES <= MAX_MESSAGE_BYTES
    }
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Work {
    pub trigger: Trigger,
    pub processed: Processed,
    pub poison: Vec<Poison>,
    /// To be fetched first, with the record that names it.
    pub objects: Vec<(u32, S3Object)>,
    pub postponed: Vec<Postponed>,
    pub transformed: Transformed,
    /// Records that were not read to their ends in time.
    pub unread: Vec<UnreadRecord>,
    /// Events that are set aside: nothing is known of their pods' metadata.
    pub unknown: Vec<UnknownEvent>,
    /// Those that are not read this time, as it is still not known.
    pub waiting: Vec<WaitingEvent>,
    /// How many events of log streams are sent though it is not known: they waited, or cannot.
    pub untold: usize,
    /// Whether something is done already, so that what is left may wait.
    pub(super) has_progress: bool,
}

/// One event that stands in the invocation's.
enum EventPart<'e> {
    /// base64 of gzip.
    Data(&'e str),
    /// A message of our own: finished logs, or an event that waits.
    Message(&'e str),
}

impl Work {
    /// Reads an event, however long that takes. `now_ms` is the time of sending, in milliseconds since 1970.
    ///
    /// # Errors
    /// As for [`Work::read_within`].
    pub fn read(
        event: &[u8],
        function_arn: &str,
        settings: &PipelineSettings,
        now_ms: i64,
    ) -> Result<Work, EventError> {
        Work::read_within(event, unlimited_terms(function_arn, settings, now_ms))
    }

    /// Reads an event: messages of our own first, since they are finished; then each other record within its share of the time.
    ///
    /// # Errors
    /// [`EventError`]: it is none that we know, or the only event in it cannot be read.
    pub fn read_within(event: &[u8], terms: ReadingTerms) -> Result<Work, EventError> {
        let mut reading = WorkReader::new(terms, false);
        match event::recognise(event)? {
            InvocationEvent::Firehose(event) => {
                reading.work.trigger = Trigger::Firehose(event.records.len());
                let mut transformed = firehose::transform(&event, terms);
                reading.work.unread.append(&mut transformed.unread);
                reading.work.unknown.append(&mut transformed.unknown);
                reading.work.transformed = transformed;
            }
            InvocationEvent::Sqs(records) => {
                reading.is_from_sqs = true;
                let mut numbered: Vec<(u32, &SqsRecord)> = (0..).zip(&records).collect();
                numbered.sort_by_key(|(_, record)| !is_our_own(record));
                for (left, (number, record)) in (1..=numbered.len()).rev().zip(numbered) {
                    reading.record(number, left, |reading| reading.handed_out(number, record));
                }
                reading.work.trigger = Trigger::Sqs(records.into_iter().map(receipt).collect());
            }
            InvocationEvent::Kinesis(records) => {
                for (number, record) in (0..).zip(&records) {
                    let left = records.len() - number as usize;
                    reading.record(number, left, |reading| reading.part(number, EventPart::Data(&record.data)));
                }
                let number = |record: KinesisRecord| record.sequence_number.into_owned();
                reading.work.trigger = Trigger::Kinesis(records.into_iter().map(number).collect());
            }
            direct => reading.record(0, 1, |reading| reading.event(0, direct, 1))?,
        }
        let work = reading.finish();
        // Nobody else keeps the record of a direct invocation: it fails, and Lambda has it still.
        match (&work.trigger, work.poison.first()) {
            (Trigger::Direct, Some(poison)) => Err(poison.error),
            _ => Ok(work),
        }
    }

    /// Whether there is nothing to send.
    pub(crate) fn needs_no_key(&self) -> bool {
        self.processed.payloads.is_empty()
            && self.transformed.direct.is_empty()
            && self.objects.is_empty()
            && self.unknown.is_empty()
    }

    /// Reads what an object holds that `record` told of, however long that takes.
    pub fn add_object(
        &mut self,
        record: u32,
        bytes: &[u8],
        function_arn: &str,
        settings: &PipelineSettings,
        now_ms: i64,
    ) {
        self.add_object_within(record, bytes, 1, unlimited_terms(function_arn, settings, now_ms));
    }

    /// The same, as one of `left` objects that share the time.
    pub fn add_object_within(&mut self, record: u32, bytes: &[u8], left: usize, terms: ReadingTerms) {
        let mut reading = self.more(terms);
        reading.record(record, left, |reading| match std::str::from_utf8(bytes) {
            Ok(text) => reading.body(record, text),
            Err(_) => reading.poison(record, EventError::NotJson, String::new()),
        });
        let more = reading.finish();
        self.add(more);
    }

    /// Reads the events that were set aside, as far as they are known meanwhile. The others wait, or are read as they are.
    pub(super) fn read_unknown(&mut self, policy: &UnknownPolicy, terms: ReadingTerms) {
        let unknown = std::mem::take(&mut self.unknown);
        let mut reading = self.more(terms);
        for (left, one) in (1..=unknown.len()).rev().zip(unknown) {
            reading.record(one.record, left, |reading| reading.again(one, policy));
        }
        let more = reading.finish();
        self.add(more);
    }

    /// For what is read of the same invocation later.
    fn more<'s>(&self, terms: ReadingTerms<'s>) -> WorkReader<'s> {
        let mut reading = WorkReader::new(terms, self.has_progress);
        let marks = self.processed.payloads.iter().flat_map(Payload::logs).filter_map(|log| log.mark);
        reading.leave_out(marks);
        reading.is_from_sqs = matches!(self.trigger, Trigger::Sqs(_));
        reading
    }

    fn add(&mut self, more: Work) {
        let Work { trigger: _, processed, poison, objects, postponed: _, transformed: _, unread, .. } = more;
        self.processed.add(processed);
        self.unread.extend(unread);
        self.unknown.extend(more.unknown);
        self.waiting.extend(more.waiting);
        self.untold += more.untold;
        self.has_progress |= more.has_progress;
        self.poison.extend(poison);
        // An object does not tell of objects: that could go on for ever.
        self.poison.extend(objects.into_iter().map(|(record, _)| Poison {
            record,
            error: EventError::Unknown,
            body: String::new(),
            is_note: false,
        }));
    }
}

/// However long it takes, and with what is known.
fn unlimited_terms<'s>(function_arn: &'s str, settings: &'s PipelineSettings, now_ms: i64) -> ReadingTerms<'s> {
    ReadingTerms { function_arn, settings, now_ms, shares: &unlimited, has_queue: false, sets_unknown_aside: false }
}

/// Whether it looks like logs of ours. That only decides what is read first.
fn is_our_own(record: &SqsRecord) -> bool {
    record.body.starts_with(r#"{"podferry":"#) && !waiting::is_waiting(&record.body)
}

fn receipt(record: SqsRecord) -> Receipt {
    Receipt {
        message_id: record.message_id.into_owned(),
        receipt_handle: record.receipt_handle.into_owned(),
        receive_count: record.receive_count,
        sent_ms: record.sent_ms,
        queue_arn: record.queue_arn.into_owned(),
    }
}

/// Events on their way into the same payloads.
struct WorkReader<'s> {
    terms: ReadingTerms<'s>,
    pipeline: Pipeline<'s>,
    /// The record that is being read.
    reading: RecordReading<'s>,
    /// Whether SQS handed it out: a message of which nothing is done stays in its queue.
    is_from_sqs: bool,
    /// What messages of our own hold: it was processed before.
    saved: Processed,
    /// The marks of what they hold, and of what was read before this.
    marks: MarkSet,
    /// How often the message that is being read was handed out before, where SQS did that.
    rounds: u32,
    /// Whether that message is an event that waits, and nothing else.
    is_waiting: bool,
    work: Work,
}

impl<'s> WorkReader<'s> {
    fn new(terms: ReadingTerms<'s>, has_progress: bool) -> WorkReader<'s> {
        WorkReader {
            terms,
            pipeline: Pipeline::new(terms.function_arn, terms.settings, terms.now_ms),
            reading: RecordReading::new(&unlimited, 0, has_progress),
            is_from_sqs: false,
            saved: Processed::default(),
            marks: MarkSet::default(),
            rounds: 0,
            is_waiting: false,
            work: Work { has_progress, ..Work::default() },
        }
    }

    /// Reads a record within its share of the time, of which `left` records have one.
    fn record<T>(&mut self, record: u32, left: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.reading = RecordReading::new(self.terms.shares, left, self.work.has_progress);
        let result = read(self);
        let reading = std::mem::replace(&mut self.reading, RecordReading::new(&unlimited, 0, true));
        self.work.has_progress |= reading.is_begun;
        self.work.unread.extend(reading.unread(record));
        result
    }

    /// These logs were read before this, for the same invocation.
    fn leave_out(&mut self, marks: impl Iterator<Item = Mark>) {
        self.marks.extend(marks);
        self.pipeline.leave_out(self.marks.iter().copied());
    }

    /// A message that SQS handed out. One of ours may have come too early.
    fn handed_out(&mut self, record: u32, message: &SqsRecord) {
        self.rounds = message.receive_count.saturating_sub(1);
        self.is_waiting = waiting::is_waiting(&message.body);
        match self.postponed(record, &message.body) {
            Some(postponed) => {
                self.saved.counts.events += postponed.logs;
                self.saved.counts.logs += postponed.logs;
                self.work.postponed.push(postponed);
            }
            None => self.body(record, &message.body),
        }
        (self.rounds, self.is_waiting) = (0, false);
    }

    fn postponed(&self, record: u32, body: &str) -> Option<Postponed> {
        // Nearly every message is to be read, and then it need not be parsed for this.
        let text = Some(body).filter(|body| body.contains("\"not_before_ms\""))?;
        let Ok(InvocationEvent::Undelivered(text)) = event::recognise(text.as_bytes()) else { return None };
        let head = undelivered::read_head(text).ok()?;
        let wait = too_early(head.not_before_ms, self.terms.now_ms)?;
        // Anybody who may send to the queue writes this number.
        Some(Postponed { record, wait, logs: head.logs.min(MAX_ITEMS) })
    }

    /// A text that should be an event; it is poison if it is none.
    fn body(&mut self, record: u32, body: &str) {
        let read = event::recognise(body.as_bytes()).and_then(|event| self.event(record, event, 1));
        if let Err(error) = read {
            self.poison(record, error, body.to_owned());
        }
    }

    fn event(&mut self, record: u32, event: InvocationEvent, depth: usize) -> Result<(), EventError> {
        match event {
            InvocationEvent::AwsLogs { data } => self.part(record, EventPart::Data(&data)),
            InvocationEvent::Undelivered(text) => self.part(record, EventPart::Message(text)),
            InvocationEvent::S3(objects) if !objects.iter().all(S3Object::is_sound) => return Err(EventError::Unknown),
            InvocationEvent::S3(objects) => {
                self.work.objects.extend(objects.into_iter().map(|object| (record, object)))
            }
            InvocationEvent::Kinesis(records) => {
                records.iter().for_each(|one| self.part(record, EventPart::Data(&one.data)))
            }
            _ if depth >= MAX_NESTING => return Err(EventError::Unknown),
            InvocationEvent::Failed(inside) => self.event(record, event::recognise(inside.as_bytes())?, depth + 1)?,
            InvocationEvent::Sqs(records) => {
                for one in &records {
                    let read = event::recognise(one.body.as_bytes());
                    if let Err(error) = read.and_then(|event| self.event(record, event, depth + 1)) {
                        self.poison(record, error, one.body.to_string());
                    }
                }
            }
            // Firehose keeps what it could not have transformed itself.
            InvocationEvent::Firehose(_) => return Err(EventError::Unknown),
        }
        Ok(())
    }

    fn part(&mut self, record: u32, part: EventPart) {
        let (read, body): (_, &dyn Fn() -> String) = match part {
            EventPart::Data(data) => {
                (self.data(record, data, Waited::not_at_all(self.terms.now_ms)), &|| aws_logs(data))
            }
            EventPart::Message(text) if waiting::is_waiting(text) => (self.waiting(record, text), &|| text.to_owned()),
            EventPart::Message(text) => (self.message(record, text), &|| text.to_owned()),
        };
        if let Err(error) = read {
            self.poison(record, error, body());
        }
    }

    fn data(&mut self, record: u32, data: &str, waited: Waited) -> Result<(), EventError> {
        let content = pipeline::inflated(data, self.terms.settings)?;
        let only_known = self.terms.sets_unknown_aside;
        if let Some(NotKnown { wanted, events }) = self.content(record, &content, only_known)? {
            let (data, is_message) = (data.to_owned(), self.is_waiting);
            self.work.unknown.push(UnknownEvent { record, wanted, events, data, waited, is_message });
        }
        Ok(())
    }

    fn content(&mut self, record: u32, content: &str, only_known: bool) -> Result<Option<NotKnown>, EventError> {
        let rest = match (self.terms.has_queue, self.is_from_sqs) {
            (false, _) => RestGoes::Nowhere,
            (true, true) => RestGoes::ToQueueIfBegun,
            (true, false) => RestGoes::ToQueue,
        };
        self.reading.read(&mut self.pipeline, record, content, rest, only_known)
    }

    /// An event that waited in the queue.
    fn waiting(&mut self, record: u32, text: &str) -> Result<(), EventError> {
        let (head, data) = waiting::read(text)?;
        // Nothing can come to be known, so it would be read without the masks that it waits for.
        if self.terms.settings.metadata_records.is_none() {
            return Err(EventError::MetadataOff);
        }
        // Somebody took it out of the dead letters: it begins again.
        let (since_ms, before) = if head.dead { (self.terms.now_ms, 0) } else { (head.since_ms, head.rounds) };
        self.data(record, &data, Waited { since_ms, rounds: before.saturating_add(self.rounds) })
    }

    /// An event that was set aside.
    fn again(&mut self, one: UnknownEvent, policy: &UnknownPolicy) {
        let settings = self.terms.settings;
        let read = pipeline::inflated(&one.data, settings).and_then(|content| {
            if self.content(one.record, &content, true)?.is_none() {
                return Ok(());
            }
            match policy.decide(&one, settings) {
                Some(waiting) => self.work.waiting.push(waiting),
                None => {
                    let unread = self.reading.events;
                    self.reading.waited = Some(one.note(false));
                    let read = self.content(one.record, &content, false);
                    self.reading.waited = None;
                    read?;
                    self.work.untold += one.events.saturating_sub(self.reading.events - unread);
                }
            }
            Ok(())
        });
        if let Err(error) = read {
            self.poison(one.record, error, aws_logs(&one.data));
        }
    }

    fn message(&mut self, record: u32, text: &str) -> Result<(), EventError> {
        let (head, payloads) = undelivered::read(text, record, self.terms.settings.compression)?;
        self.reading.is_begun = true;
        let events: usize = payloads.iter().map(Payload::items).sum();
        let mut marks = self.terms.settings.recent.marks_within(text);
        let marked: Vec<Payload> = payloads.into_iter().map(|payload| payload.marked(&mut marks)).collect();
        let payloads: Vec<Payload> = marked.iter().flat_map(|payload| payload.only(|log| self.is_new(log))).collect();
        self.marks.extend(payloads.iter().flat_map(Payload::logs).filter_map(|log| log.mark));
        let logs: usize = payloads.iter().map(Payload::items).sum();
        // It waited in the queue, and may have become too old for Datadog there.
        let (mut payloads, RestampCounts { late, early }) = restamp(payloads, self.terms.now_ms);
        // Somebody took it out of the dead letters: it begins again.
        let before = if head.dead { 0 } else { head.attempts };
        payloads.iter_mut().for_each(|payload| payload.attempts = before.saturating_add(self.rounds));
        let counts = LogCounts { events, logs, duplicate: events - logs, late, early, ..LogCounts::default() };
        self.saved.add(Processed { payloads, counts, oldest_ms: head.first_ms, ..Processed::default() });
        Ok(())
    }

    /// Whether a log of a message is to be sent: it was not delivered before, and no other message here has it. The same message
    /// may come twice: SQS hands it out again, or had taken it twice because its first answer was lost.
    fn is_new(&mut self, log: &PayloadLog) -> bool {
        let Some(mark) = log.mark else { return true };
        let is_twin = self.marks.contains(&mark);
        if is_twin {
            self.saved.duplicates.push((log.record, mark));
        }
        !is_twin && !self.terms.settings.recent.is_known(mark)
    }

    fn poison(&mut self, record: u32, error: EventError, body: String) {
        self.work.poison.push(Poison { record, error, body, is_note: false });
    }

    fn finish(self) -> Work {
        let WorkReader { pipeline, saved, mut work, .. } = self;
        let processed = pipeline.finish();
        work.processed = Processed { control: processed.control, ..saved };
        work.processed.add(processed);
        work
    }
}

/// The event of a subscription around its data. The two characters that SQS does not take and JSON does not escape are escaped.
/// Source: Amazon SQS API reference, SendMessage, `MessageBody`.
fn aws_logs(data: &str) -> String {
    let event = serde_json::json!({ "awslogs": { "data": data } }).to_string();
    event.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}
