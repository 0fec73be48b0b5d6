//! The way through the pure part: what takes events, one or several, and gives payloads.

use super::decode;
use super::event::{self, EventError, InvocationEvent};
use super::forwarding;
use super::inflate;
use super::processed::Processed;
use super::settings::PipelineSettings;
use super::shipping::Shipment;

/// Turns an event into what Datadog is to get. `function_arn` is the forwarder's own; `now_ms` is the time of sending, in
/// milliseconds since 1970, which logs that are too old for Datadog are given.
///
/// # Errors
/// [`EventError`]: the event is not one, or is refused.
pub fn process(
    event: &[u8],
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: i64,
) -> Result<Processed, EventError> {
    process_content(&content(event, settings)?, function_arn, settings, now_ms)
}

/// The same for the content of an event, as it is once inflated.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused.
pub fn process_content(
    text: &str,
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: i64,
) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings, now_ms);
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// As [`process_content`], telling what became of each log.
///
/// # Errors
/// The same.
pub fn explain_content(
    text: &str,
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: i64,
) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings, now_ms);
    pipeline.shipment.outcomes = Some(Vec::new());
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// The content of an event: JSON, inflated.
///
/// # Errors
/// [`EventError`]: the event is not one, or too large.
pub fn content(event: &[u8], settings: &PipelineSettings) -> Result<String, EventError> {
    match event::recognise(event)? {
        InvocationEvent::AwsLogs { data } => inflated(&data, settings),
        _ => Err(EventError::Unknown),
    }
}

/// The content of what `awslogs.data`, or the data of a record of Kinesis or Firehose, holds.
///
/// # Errors
/// [`EventError`]: it is not base64, not gzip, or too large.
pub fn inflated(data: &str, settings: &PipelineSettings) -> Result<String, EventError> {
    Ok(inflate::text(inflate::inflate(data, settings.max_decompressed_bytes)?))
}

/// How many events of a content, from the first on, can be processed without what comes after them: behind them a log may have
/// begun that is not whole yet. What has not gone on since `since_ms` (milliseconds since 1970) counts as whole.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends.
pub fn settled(content: &str, settings: &PipelineSettings, since_ms: i64) -> Result<usize, EventError> {
    Ok(forwarding::settled(&decode::read(content)?, settings, since_ms))
}

/// Several events on their way into the same payloads.
#[derive(Debug)]
pub struct Pipeline<'s> {
    function_arn: &'s str,
    settings: &'s PipelineSettings,
    shipment: Shipment,
    /// Whether all so far were control messages.
    control: bool,
    any: bool,
}

impl<'s> Pipeline<'s> {
    /// `function_arn` is the forwarder's own; `now_ms` is the time of sending, in milliseconds since 1970.
    pub fn new(function_arn: &'s str, settings: &'s PipelineSettings, now_ms: i64) -> Pipeline<'s> {
        let shipment = Shipment::new(settings.compression, now_ms);
        Pipeline { function_arn, settings, shipment, control: true, any: false }
    }

    /// Takes the content of an event; its logs bear `record`, the event's place in what came in.
    ///
    /// # Errors
    /// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused. Nothing was taken of it then.
    pub fn add(&mut self, record: u32, content: &str) -> Result<(), EventError> {
        let batch = decode::read(content)?;
        self.any = true;
        if batch.control {
            return Ok(());
        }
        if self.settings.own_log_group.as_deref().is_some_and(|own| own == batch.log_group) {
            return Err(EventError::OwnLogGroup);
        }
        self.control = false;
        self.shipment.begin(record);
        forwarding::run(&batch, self.function_arn, self.settings, &mut self.shipment);
        Ok(())
    }

    /// What became of them.
    pub fn finish(self) -> Processed {
        self.shipment.finish(self.control && self.any)
    }
}
