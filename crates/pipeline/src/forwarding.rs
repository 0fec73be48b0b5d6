//! One event on its way: its records read, told whose they are, put together again, and handed to `shipping`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::PipelineSettings;
use super::decode::{Batch, EventMessage, LogEvent};
use super::entry::{ContainerFrame, Provenance};
use super::line::LogLine;
use super::multi_line::Joiner;
use super::processing::ContainerProcessing;
use super::reassemble::Reassembler;
use super::record::{LogRecord, Metadata, RecordReader};
use super::shipping::{Shipment, Shipper};
use super::stream::{self, StreamOrigin};
use super::tags::{self, LogPlace};

/// How many identities of an event are kept at once. A stream is one container's, or that of some pods; but where an application
/// can write metadata of its own, each of its records can have another.
const MAX_IDENTITIES: usize = 1024;

/// Walks an event from its first record into the shipment.
pub(super) fn run(batch: &Batch, function_arn: &str, settings: &PipelineSettings, shipment: &mut Shipment) {
    let origin = stream::origin(&batch.log_group, &batch.log_stream);
    let marker = settings.recent.marker(&batch.owner, &batch.log_group, &batch.log_stream);
    let mut shipper = Shipper::new(origin, marker, shipment);
    let source = IdentitySource::new(batch, origin, function_arn, settings);
    let mut walk = Walk::default();
    walk.events(&source, &mut |line, known| shipper.ship(line, known));
    walk.finish(&mut |line, known| shipper.ship(line, known));
    shipper.finish(batch.events.len(), walk.pieces + walk.joiner.joined());
    if shipment.cluster.is_none() {
        shipment.cluster = tags::told_cluster(&source.place, &settings.tags);
    }
}

/// How many events from the first on hold whole logs only, so that a later batch cannot go on with one of them. What has not
/// gone on since `since_ms` counts as whole.
pub(super) fn settled(batch: &Batch, settings: &PipelineSettings, since_ms: i64) -> usize {
    let origin = stream::origin(&batch.log_group, &batch.log_stream);
    let source = IdentitySource::new(batch, origin, "", settings);
    let mut walk = Walk::default();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    let mut keep =
        |line: &LogLine, _: &KnownIdentity| joined.extend(Some(line.events).filter(|(first, last)| first < last));
    walk.events(&source, &mut keep);
    let open = [walk.reassembler.open_since(since_ms), walk.joiner.open_since(since_ms)];
    walk.finish(&mut keep);
    // Logs of the other output may lie around the cut; those that end last can move it first.
    joined.sort_unstable_by_key(|(_, last)| std::cmp::Reverse(*last));
    let cut = open.into_iter().flatten().min().unwrap_or(batch.events.len());
    joined.into_iter().fold(cut, |cut, (first, last)| if last >= cut { cut.min(first) } else { cut })
}

/// What is done with a log that is whole, and whose it is.
type Ship<'f> = &'f mut dyn FnMut(&LogLine, &KnownIdentity);

/// The way of a batch's events to whole logs.
#[derive(Default)]
struct Walk<'e> {
    identities: Identities,
    reassembler: Reassembler<'e>,
    joiner: Joiner<'e>,
    /// Pieces that became part of a line that another one began.
    pieces: usize,
}

impl<'e> Walk<'e> {
    /// Takes all events; what may go on stays open.
    fn events(&mut self, source: &IdentitySource<'e>, ship: Ship) {
        let origin = source.place.origin;
        let mut reader = RecordReader::new(origin, &source.settings.merge_keys);
        for (place, event) in source.batch.events.iter().enumerate() {
            let record = reader.read(event);
            if self.identities.are_too_many(&record.metadata) {
                // What waits is let go as at the end of an event, since it bears numbers of identities.
                self.finish(ship);
                self.identities = Identities::default();
            }
            let number = self.identities.find(&record.metadata, || source.identity(&record.metadata));
            // A stream that names its container is one writer, whatever its records know of the pod.
            let writer = if matches!(origin, StreamOrigin::Container(_)) { 0 } else { number };
            let line =
                LogLine { events: (place, place), ..LogLine::of(&record, event.id, event.timestamp, number, writer) };
            let Walk { identities, reassembler, joiner, .. } = self;
            reassembler.push(line, record.partial, |line| join(joiner, line, identities, ship));
        }
    }

    /// Gives what is still open.
    fn finish(&mut self, ship: Ship) {
        let open = std::mem::take(&mut self.reassembler);
        self.pieces += open.joined();
        let Walk { identities, joiner, .. } = self;
        open.finish(|line| join(joiner, line, identities, ship));
        joiner.finish(&mut |line| ship(&line, identities.of(&line)));
    }
}

fn join<'e>(joiner: &mut Joiner<'e>, line: LogLine<'e, '_>, identities: &Identities, ship: Ship) {
    let mode = identities.of(&line).processing.mode();
    joiner.push(line, mode, &mut |line| ship(&line, identities.of(&line)));
}

/// Who wrote a log, as far as a log needs it.
pub(super) struct KnownIdentity {
    pub(crate) frame: ContainerFrame,
    pub(crate) processing: Arc<ContainerProcessing>,
}

/// What an identity is worked out from, but for the record.
struct IdentitySource<'a> {
    batch: &'a Batch<'a>,
    place: LogPlace<'a>,
    provenance: Provenance<'a>,
    settings: &'a PipelineSettings,
    /// What the last record of the event that bears its pod's metadata tells; looked for once.
    described: OnceCell<Option<Arc<ContainerProcessing>>>,
}

impl<'a> IdentitySource<'a> {
    fn new(
        batch: &'a Batch<'a>,
        origin: StreamOrigin<'a>,
        function_arn: &'a str,
        settings: &'a PipelineSettings,
    ) -> IdentitySource<'a> {
        IdentitySource {
            batch,
            place: LogPlace { log_group: &batch.log_group, origin },
            provenance: Provenance {
                owner: &batch.owner,
                log_group: &batch.log_group,
                log_stream: &batch.log_stream,
                function_arn,
            },
            settings,
            described: OnceCell::new(),
        }
    }

    fn identity(&self, metadata: &Metadata) -> KnownIdentity {
        let settings = self.settings;
        let pod = tags::pod(&self.place, metadata);
        let logs = settings.known.logs(&pod.annotations, &pod.container);
        let identity = tags::identify(&self.place, &pod, &logs, metadata, &settings.tags);
        let processing = ContainerProcessing::new(&pod, &logs, &settings.processing);
        let processing = self.of_stream(metadata, processing);
        KnownIdentity { frame: ContainerFrame::new(&identity, &self.provenance), processing }
    }

    /// A record can lack its pod's metadata: Fluent Bit cut it off, or could not ask for it yet. The container's rules hold
    /// all the same, or its masks would let text pass: those that other records of the stream tell of.
    fn of_stream(&self, metadata: &Metadata, processing: ContainerProcessing) -> Arc<ContainerProcessing> {
        let processing = Arc::new(processing);
        if !matches!(self.place.origin, StreamOrigin::Container(_)) {
            return processing;
        }
        let stream = format!("{}\n{}", self.batch.log_group, self.batch.log_stream);
        if metadata.kubernetes.is_some() {
            self.settings.known.learn(&stream, &processing);
            return processing;
        }
        let here = || self.batch.events.iter().rev().find_map(|event| self.peek(event));
        self.described.get_or_init(here).clone().or_else(|| self.settings.known.recall(&stream)).unwrap_or(processing)
    }

    /// What holds by an event, if it bears its pod's metadata.
    fn peek(&self, event: &LogEvent) -> Option<Arc<ContainerProcessing>> {
        let EventMessage::Escaped(escaped) = event.message else { return None };
        // Most have neither, and need not be read: the filter's object, or what `nest` made of it.
        let mut marks = [r#"\"kubernetes\""#, "ad.datadoghq.com"].into_iter();
        marks.find(|mark| memchr::memmem::find(escaped.as_bytes(), mark.as_bytes()).is_some())?;
        let mut reader = RecordReader::new(self.place.origin, &self.settings.merge_keys);
        let LogRecord { metadata, .. } = reader.read(event);
        metadata.kubernetes.as_ref()?;
        let pod = tags::pod(&self.place, &metadata);
        let logs = self.settings.known.logs(&pod.annotations, &pod.container);
        Some(Arc::new(ContainerProcessing::new(&pod, &logs, &self.settings.processing)))
    }
}

/// The identities of one event, each worked out once. Nearly always there is one, or one and "no metadata".
#[derive(Default)]
struct Identities {
    metadata: Vec<Metadata<'static>>,
    known: Vec<KnownIdentity>,
    last: usize,
    /// Places of metadata by its hash.
    places: HashMap<u64, usize>,
    hashes: RandomState,
}

impl Identities {
    fn find(&mut self, metadata: &Metadata, make: impl FnOnce() -> KnownIdentity) -> usize {
        if self.metadata.get(self.last) != Some(metadata) {
            self.last = self.place(metadata).unwrap_or_else(|| {
                self.places.insert(self.hashes.hash_one(metadata), self.known.len());
                self.metadata.push(metadata.clone().into_owned());
                self.known.push(make());
                self.known.len() - 1
            });
        }
        self.last
    }

    fn place(&self, metadata: &Metadata) -> Option<usize> {
        let place = *self.places.get(&self.hashes.hash_one(metadata))?;
        (self.metadata.get(place) == Some(metadata)).then_some(place)
    }

    /// Whether there is no room for one that is not known yet.
    fn are_too_many(&self, metadata: &Metadata) -> bool {
        self.known.len() >= MAX_IDENTITIES
            && self.metadata.get(self.last) != Some(metadata)
            && self.place(metadata).is_none()
    }

    /// Whose line it is. Lines bear only numbers that [`Identities::find`] gave.
    fn of(&self, line: &LogLine) -> &KnownIdentity {
        &self.known[line.identity]
    }
}
