//! The pure part: bytes of an event in, payloads out. No I/O, no clock, no environment, no async.
//!
//! ```text
//! event ─▶ decode ─▶ record ─▶ reassemble ─▶ multi_line ─▶ rules ─▶ entry ─▶ batch
//! ```
//!
//! [`process`] walks that line. Left to right, nobody walks back.

pub mod autodiscovery;
pub mod batch;
pub mod compress;
pub mod counted;
pub(crate) mod cri;
pub mod decode;
pub mod entry;
pub mod event;
mod forwarding;
pub mod glob;
pub mod inflate;
pub mod json;
pub mod late;
mod layout;
pub(crate) mod line;
pub(crate) mod multi_line;
pub mod processing;
pub(crate) mod reassemble;
pub mod recent;
pub mod record;
pub mod records;
mod roles;
pub mod rules;
mod salvage;
mod shape;
mod shipping;
pub mod site;
pub(crate) mod status;
pub mod stream;
pub mod tags;

use autodiscovery::Known;
use batch::Payload;
use compress::Compression;
use event::{Event, EventError};
use processing::ProcessingSettings;
use recent::Recent;
use rules::Told;
use shipping::Shipment;
use tags::TagSettings;

/// What the pure part has to know.
#[derive(Debug, Clone)]
pub struct PipelineSettings {
    pub tags: TagSettings,
    pub processing: ProcessingSettings,
    /// Annotations that were read and compiled before. It changes how long things take, not what comes of them, but for
    /// records whose pod's metadata is missing: see [`Known::recall`].
    pub known: Known,
    /// Logs that were delivered before; what is in there is left out.
    pub recent: Recent,
    pub compression: Compression,
    /// `PODFERRY_MAX_DECOMPRESSED_BYTES`.
    pub max_decompressed_bytes: u64,
    /// Names that `Merge_Log_Key` may have been given.
    pub merge_keys: Vec<String>,
    /// The function's own log group: its logs are refused, they would feed themselves.
    pub own_log_group: Option<String>,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            tags: TagSettings::default(),
            processing: ProcessingSettings::default(),
            known: Known::default(),
            recent: Recent::default(),
            compression: Compression::default(),
            max_decompressed_bytes: DEFAULT_MAX_DECOMPRESSED_BYTES,
            merge_keys: DEFAULT_MERGE_KEYS.iter().map(|key| (*key).to_owned()).collect(),
            own_log_group: None,
        }
    }
}

/// 256 MiB: an event of 1 MB, the largest that Lambda takes asynchronously, inflates to 5–20 MB in practice.
pub const DEFAULT_MAX_DECOMPRESSED_BYTES: u64 = 256 * 1024 * 1024;

/// Names for `Merge_Log_Key` that vendors' guides use.
const DEFAULT_MERGE_KEYS: [&str; 4] = ["log_obj", "log_processed", "log_parsed", "log_json"];

/// What became of the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Events that CloudWatch sent.
    pub events: usize,
    /// Logs to deliver.
    pub logs: usize,
    /// Blank lines, which are not shipped.
    pub blank: usize,
    /// Pieces and lines that became part of another log.
    pub joined: usize,
    /// Logs that rules, filters or annotations left out.
    pub excluded: usize,
    /// Logs that `PODFERRY_SAMPLE` left out.
    pub sampled: usize,
    /// Logs that were delivered before, by this sandbox.
    pub duplicate: usize,
    /// Logs, of those to deliver, that a mask changed.
    pub masked: usize,
    /// Logs whose end never came.
    pub partial: usize,
    /// Logs that were cut.
    pub truncated: usize,
}

/// What an event became.
#[derive(Debug, Default)]
pub struct Processed {
    pub payloads: Vec<Payload>,
    pub counts: Counts,
    /// CloudWatch only asked whether we are there.
    pub control: bool,
    /// The time of the oldest log to deliver, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// The cluster of the first container whose cluster is known.
    pub cluster: Option<String>,
    /// What became of each log but the blank ones, in order, if it was asked for.
    pub fates: Vec<Fate>,
}

/// What became of one log, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    pub id: String,
    pub(crate) timestamp: Option<i64>,
    /// How many lines it was joined from, and by what.
    pub lines: usize,
    pub joined_by: Option<String>,
    /// What rules did to it, in order.
    pub told: Vec<Told>,
    /// Why it is not shipped, unless a rule above says so.
    pub left_out: Option<String>,
    pub shipped: bool,
}

/// Turns an event into what Datadog is to get. `function_arn` is the forwarder's own.
///
/// # Errors
/// [`EventError`]: the event is not one, or is refused.
pub fn process(event: &[u8], function_arn: &str, settings: &PipelineSettings) -> Result<Processed, EventError> {
    process_content(&content(event, settings)?, function_arn, settings)
}

/// The same for the content of an event, as it is once inflated.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused.
pub fn process_content(text: &str, function_arn: &str, settings: &PipelineSettings) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings);
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// As [`process_content`], telling what became of each log.
///
/// # Errors
/// The same.
pub fn explain_content(text: &str, function_arn: &str, settings: &PipelineSettings) -> Result<Processed, EventError> {
    let mut pipeline = Pipeline::new(function_arn, settings);
    pipeline.shipment.fates = Some(Vec::new());
    pipeline.add(0, text)?;
    Ok(pipeline.finish())
}

/// The content of an event: JSON, inflated.
///
/// # Errors
/// [`EventError`]: the event is not one, or too large.
pub fn content(event: &[u8], settings: &PipelineSettings) -> Result<String, EventError> {
    match event::recognise(event)? {
        Event::AwsLogs { data } => inflated(&data, settings),
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

impl Processed {
    /// Adds what became of other events; their payloads come behind. Whether it is a control message stays as it is.
    pub fn add(&mut self, other: Processed) {
        let Processed { payloads, counts, control: _, oldest_ms, cluster, fates } = other;
        self.payloads.extend(payloads);
        self.counts.add(&counts);
        self.oldest_ms = [self.oldest_ms, oldest_ms].into_iter().flatten().min();
        self.cluster = self.cluster.take().or(cluster);
        self.fates.extend(fates);
    }
}

impl Counts {
    /// Adds those of others.
    pub fn add(&mut self, other: &Counts) {
        let Counts { events, logs, blank, joined, excluded, sampled, duplicate, masked, partial, truncated } = other;
        self.events += events;
        self.logs += logs;
        self.blank += blank;
        self.joined += joined;
        self.excluded += excluded;
        self.sampled += sampled;
        self.duplicate += duplicate;
        self.masked += masked;
        self.partial += partial;
        self.truncated += truncated;
    }
}

impl<'s> Pipeline<'s> {
    /// `function_arn` is the forwarder's own.
    pub fn new(function_arn: &'s str, settings: &'s PipelineSettings) -> Pipeline<'s> {
        let shipment = Shipment::new(settings.compression, None);
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
