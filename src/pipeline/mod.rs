//! The pure part: bytes of an event in, payloads out. No I/O, no clock, no environment, no async.
//!
//! ```text
//! event ─▶ decode ─▶ record ─▶ reassemble ─▶ entry ─▶ batch
//! ```
//!
//! [`process`] walks that line. Left to right, nobody walks back.

pub mod autodiscovery;
pub mod batch;
pub mod compress;
pub mod cri;
pub mod decode;
pub mod entry;
pub mod event;
pub mod json;
mod layout;
pub mod reassemble;
pub mod record;
mod roles;
mod salvage;
mod shape;
pub mod status;
pub mod stream;
pub mod tags;

use batch::{Batcher, Limits, Payload};
use compress::Compression;
use decode::Batch;
use entry::{Entry, Frame, Provenance};
use event::{Event, EventError};
use reassemble::{Line, Reassembler};
use record::{Metadata, Reader, Record};
use stream::Origin;
use tags::{Place, TagSettings};

/// What the pure part has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSettings {
    pub tags: TagSettings,
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
    /// Pieces that became part of another log.
    pub joined: usize,
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
}

/// Turns an event into what Datadog is to get. `function_arn` is the forwarder's own.
///
/// # Errors
/// [`EventError`]: the event is not one, or is refused.
pub fn process(event: &[u8], function_arn: &str, settings: &PipelineSettings) -> Result<Processed, EventError> {
    let Event::AwsLogs { data } = event::recognise(event)?;
    let text = decode::text(decode::inflate(&data, settings.max_decompressed_bytes)?);
    process_content(&text, function_arn, settings)
}

/// The same for the content of an event, as it is once inflated.
///
/// # Errors
/// [`EventError`]: the content is not what CloudWatch Logs sends, or is refused.
pub fn process_content(text: &str, function_arn: &str, settings: &PipelineSettings) -> Result<Processed, EventError> {
    let batch = decode::read(text)?;
    if batch.control {
        return Ok(Processed { control: true, ..Processed::default() });
    }
    if settings.own_log_group.as_deref().is_some_and(|own| own == batch.log_group) {
        return Err(EventError::OwnLogGroup);
    }
    Ok(Forwarding::new(&batch, function_arn, settings).run(&batch))
}

/// One event on its way.
struct Forwarding<'a> {
    place: Place<'a>,
    provenance: Provenance<'a>,
    settings: &'a PipelineSettings,
    identities: Identities,
    batcher: Batcher,
    counts: Counts,
}

impl<'a> Forwarding<'a> {
    fn new(batch: &'a Batch<'a>, function_arn: &'a str, settings: &'a PipelineSettings) -> Forwarding<'a> {
        Forwarding {
            place: Place { log_group: &batch.log_group, origin: stream::origin(&batch.log_group, &batch.log_stream) },
            provenance: Provenance {
                owner: &batch.owner,
                log_group: &batch.log_group,
                log_stream: &batch.log_stream,
                function_arn,
            },
            settings,
            identities: Identities::default(),
            batcher: Batcher::new(Limits::default(), settings.compression),
            counts: Counts { events: batch.events.len(), ..Counts::default() },
        }
    }

    fn run(mut self, batch: &'a Batch<'a>) -> Processed {
        let mut reader = Reader::new(self.place.origin, &self.settings.merge_keys);
        let mut reassembler = Reassembler::default();
        for event in &batch.events {
            let record = reader.read(event);
            let identity = self.identify(&record);
            // A stream that names its container is one writer, whatever its records know of the pod.
            let writer = if matches!(self.place.origin, Origin::Container(_)) { 0 } else { identity };
            let line = Line::of(&record, event.id, event.timestamp, identity, writer);
            reassembler.push(line, event.id, record.partial, |line| self.ship(line));
        }
        self.counts.joined = reassembler.joined();
        reassembler.finish(|line| self.ship(line));
        Processed { payloads: self.batcher.finish(), counts: self.counts, control: false }
    }

    fn identify(&mut self, record: &Record) -> usize {
        let (place, provenance, settings) = (&self.place, &self.provenance, &self.settings.tags);
        self.identities
            .find(&record.metadata, || Frame::new(&tags::identify(place, &record.metadata, settings), provenance))
    }

    fn ship(&mut self, line: Line) {
        if line.text.trim().is_empty() && line.attributes.is_none() {
            self.counts.blank += 1;
            return;
        }
        let frame = &self.identities.frames[line.identity];
        let origin = &self.place.origin;
        let status_if_cut = status::status("", line.output, origin);
        self.counts.logs += 1;
        self.counts.partial += usize::from(line.partial);
        let entry = Entry { status: status::status(line.text, line.output, origin), status_if_cut, line, frame };
        self.counts.truncated += usize::from(self.batcher.add(&entry));
    }
}

/// The identities of one event, each worked out once. Nearly always there is one, or one and "no metadata".
#[derive(Default)]
struct Identities {
    known: Vec<Metadata<'static>>,
    frames: Vec<Frame>,
    last: usize,
}

impl Identities {
    fn find(&mut self, metadata: &Metadata, make: impl FnOnce() -> Frame) -> usize {
        if self.known.get(self.last) != Some(metadata) {
            self.last = self.known.iter().position(|known| known == metadata).unwrap_or_else(|| {
                self.known.push(metadata.clone().into_owned());
                self.frames.push(make());
                self.frames.len() - 1
            });
        }
        self.last
    }
}
