//! The entry points: events in, one or several, and payloads out.

use super::decode;
use super::event::{self, EventError, InvocationEvent};
use super::forwarding::{self, EventOrder, EventReading};
use super::inflate;
use super::metadata_records::WantedMetadata;
use super::processed::Processed;
use super::recent::Mark;
use super::rules::pattern::Work;
use super::settings::PipelineSettings;
use super::shipping::Shipment;
use super::unread::Unread;

/// Turns an event into payloads for Datadog. `function_arn` is the forwarder's own ARN. `now_ms` is the time of sending, in
/// milliseconds since 1970: a log whose own time Datadog would not take then is sent with another (see
/// [`super::accepted_times`]); without it, all keep their own.
///
/// # Errors
/// [`EventError`]: the bytes are not a known event, or the event is refused.
pub fn process(
    event: &[u8],
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: impl Into<Option<i64>>,
) -> Result<Processed, EventError> {
    process_content(&content(event, settings)?, function_arn, settings, now_ms)
}

/// Does the same with the inflated content of an event.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused.
pub fn process_content(
    text: &str,
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: impl Into<Option<i64>>,
) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings, now_ms);
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// Does the same as [`process_content`], and reports what became of each log.
///
/// # Errors
/// As for [`process_content`].
pub fn explain_content(
    text: &str,
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: impl Into<Option<i64>>,
) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings, now_ms);
    pipeline.shipment.outcomes = Some(Vec::new());
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// Returns the content of an event: inflated JSON.
///
/// # Errors
/// [`EventError`]: the bytes are not a known event, or it is too large.
pub fn content(event: &[u8], settings: &PipelineSettings) -> Result<String, EventError> {
    match event::recognise(event)? {
        InvocationEvent::AwsLogs { data } => inflated(&data, settings),
        _ => Err(EventError::Unknown),
    }
}

/// Returns the content of `awslogs.data`, or of the data of a Kinesis or Firehose record.
///
/// # Errors
/// [`EventError`]: the data is not base64, not gzip, or too large.
pub fn inflated(data: &str, settings: &PipelineSettings) -> Result<String, EventError> {
    Ok(inflate::text(inflate::inflate(data, settings.max_decompressed_bytes)?))
}

/// Returns how many events, counted from the first, can be processed without those that follow. The rest may belong to a log
/// that is not complete yet. A log with no new line since `since_ms` (milliseconds since 1970) counts as complete.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends.
pub fn settled(content: &str, settings: &PipelineSettings, since_ms: i64) -> Result<usize, EventError> {
    let work = Work::of_event(content.len(), &settings.rule_budget, &settings.search_caches);
    Ok(forwarding::settled(&decode::read(content)?, settings, &work, since_ms))
}

/// How far the content of an event was read.
#[derive(Debug)]
pub enum ContentReading<'c> {
    Whole,
    /// As far as there was time.
    Stopped(Unread<'c>),
    /// Not at all: this is to be known first. It has so many events.
    Unknown {
        wanted: WantedMetadata,
        events: usize,
    },
}

/// Processes several events into the same payloads.
#[derive(Debug)]
pub struct Pipeline<'s> {
    function_arn: &'s str,
    settings: &'s PipelineSettings,
    shipment: Shipment,
    /// Whether all events so far were control messages.
    control: bool,
    any: bool,
}

impl<'s> Pipeline<'s> {
    /// `function_arn` is the forwarder's own ARN; `now_ms` is the time of sending, in milliseconds since 1970.
    pub fn new(function_arn: &'s str, settings: &'s PipelineSettings, now_ms: impl Into<Option<i64>>) -> Pipeline<'s> {
        let shipment = Shipment::new(settings, now_ms.into());
        Pipeline { function_arn, settings, shipment, control: true, any: false }
    }

    /// Leaves out these logs: they go out at the same time, with others.
    pub fn leave_out(&mut self, marks: impl IntoIterator<Item = Mark>) {
        self.shipment.leave_out(marks);
    }

    /// Processes the content of an event. Its logs carry `record`, the number of the record that the event came in.
    ///
    /// # Errors
    /// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused. Then none of its logs are processed.
    pub fn add(&mut self, record: u32, content: &str) -> Result<(), EventError> {
        self.add_until(record, content, &|_| false).map(|_| ())
    }

    /// Does the same until `should_stop` says so, which is told how many logs of the event are done; those that were delivered before
    /// do not count. It is asked between records and between logs, never inside of one. Returns what was not read then: a log is
    /// either processed, or all of its events are in there.
    ///
    /// # Errors
    /// As for [`Pipeline::add`].
    pub fn add_until<'c>(
        &mut self,
        record: u32,
        content: &'c str,
        should_stop: &dyn Fn(usize) -> bool,
    ) -> Result<Option<Unread<'c>>, EventError> {
        match self.read(record, content, should_stop, false)? {
            ContentReading::Stopped(unread) => Ok(Some(unread)),
            ContentReading::Whole | ContentReading::Unknown { .. } => Ok(None),
        }
    }

    /// Does the same, but processes nothing of a container's stream of whose metadata nothing is known: rules of the pod's annotations
    /// would be passed over.
    ///
    /// # Errors
    /// As for [`Pipeline::add`].
    pub fn add_known<'c>(
        &mut self,
        record: u32,
        content: &'c str,
        should_stop: &dyn Fn(usize) -> bool,
    ) -> Result<ContentReading<'c>, EventError> {
        self.read(record, content, should_stop, true)
    }

    fn read<'c>(
        &mut self,
        record: u32,
        content: &'c str,
        should_stop: &dyn Fn(usize) -> bool,
        only_known: bool,
    ) -> Result<ContentReading<'c>, EventError> {
        let batch = decode::read(content)?;
        self.any = true;
        if batch.control {
            return Ok(ContentReading::Whole);
        }
        if self.settings.own_log_group.as_deref().is_some_and(|own| own == batch.log_group) {
            return Err(EventError::OwnLogGroup);
        }
        self.control = false;
        self.shipment.begin(record);
        let Pipeline { function_arn, settings, .. } = *self;
        let work = Work::of_event(content.len(), &settings.rule_budget, &settings.search_caches);
        let order = EventOrder { batch: &batch, function_arn, settings, work: &work, only_known };
        Ok(match forwarding::run(&order, &mut self.shipment, should_stop) {
            EventReading::Whole => ContentReading::Whole,
            EventReading::Stopped(events) => ContentReading::Stopped(Unread::new(batch, events)),
            EventReading::Unknown(wanted) => ContentReading::Unknown { wanted, events: batch.events.len() },
        })
    }

    /// Returns the payloads and counts of all events.
    pub fn finish(self) -> Processed {
        self.shipment.finish(self.control && self.any)
    }
}
