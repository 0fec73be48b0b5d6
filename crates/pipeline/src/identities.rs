//! Who wrote the logs of one event: each identity worked out once, from the names of the event and the metadata of a record.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::decode::Batch;
use super::entry::{ContainerFrame, Provenance};
use super::line::LogLine;
use super::log_event::{EventMessage, LogEvent};
use super::processing::ContainerProcessing;
use super::record::{LogRecord, Metadata};
use super::record_reader::RecordReader;
use super::settings::PipelineSettings;
use super::stream::StreamOrigin;
use super::tags::{self, LogPlace};
use super::writer::IdentityNumber;

/// How many identities of an event are kept at once. A stream is one container's, or that of some pods; but where an application
/// can write metadata of its own, each of its records can have another.
const MAX_IDENTITIES: usize = 1024;

/// Who wrote a log, as far as a log needs it.
pub(super) struct KnownIdentity {
    pub(crate) frame: ContainerFrame,
    pub(crate) processing: Arc<ContainerProcessing>,
}

/// What an identity is worked out from, but for the record.
pub(super) struct IdentitySource<'a> {
    pub(super) batch: &'a Batch<'a>,
    pub(super) place: LogPlace<'a>,
    provenance: Provenance<'a>,
    pub(super) settings: &'a PipelineSettings,
    /// What the last record of the event that bears its pod's metadata tells; looked for once.
    described: OnceCell<Option<Arc<ContainerProcessing>>>,
}

impl<'a> IdentitySource<'a> {
    pub(super) fn new(
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

    pub(super) fn identity(&self, metadata: &Metadata) -> KnownIdentity {
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
pub(super) struct Identities {
    metadata: Vec<Metadata<'static>>,
    known: Vec<KnownIdentity>,
    last: usize,
    /// Places of metadata by its hash.
    places: HashMap<u64, usize>,
    hashes: RandomState,
}

impl Identities {
    /// The number of the identity with this metadata, which `make` works out if it is new.
    pub(super) fn find(&mut self, metadata: &Metadata, make: impl FnOnce() -> KnownIdentity) -> IdentityNumber {
        if self.metadata.get(self.last) != Some(metadata) {
            self.last = self.place(metadata).unwrap_or_else(|| {
                self.places.insert(self.hashes.hash_one(metadata), self.known.len());
                self.metadata.push(metadata.clone().into_owned());
                self.known.push(make());
                self.known.len() - 1
            });
        }
        IdentityNumber::at(self.last)
    }

    fn place(&self, metadata: &Metadata) -> Option<usize> {
        let place = *self.places.get(&self.hashes.hash_one(metadata))?;
        (self.metadata.get(place) == Some(metadata)).then_some(place)
    }

    /// Whether there is no room for one that is not known yet.
    pub(super) fn are_too_many(&self, metadata: &Metadata) -> bool {
        self.known.len() >= MAX_IDENTITIES
            && self.metadata.get(self.last) != Some(metadata)
            && self.place(metadata).is_none()
    }

    /// Whose line it is. Lines bear only numbers that [`Identities::find`] gave.
    pub(super) fn of(&self, line: &LogLine) -> &KnownIdentity {
        &self.known[line.identity.place()]
    }
}
