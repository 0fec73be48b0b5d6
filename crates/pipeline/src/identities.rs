//! Who wrote the logs of one event. Each identity is determined once, from the log group, the log stream and a record's metadata.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::decode::Batch;
use super::entry::{ContainerFrame, Provenance};
use super::lane::SuffixNumber;
use super::line::LogLine;
use super::log_event::{EventMessage, LogEvent};
use super::metadata_records::{EventMetadata, WantedMetadata};
use super::processing::ContainerProcessing;
use super::record::{LogRecord, Metadata};
use super::record_reader::RecordReader;
use super::rules::pattern::Work;
use super::settings::PipelineSettings;
use super::stream::StreamOrigin;
use super::tags::tag_set::{TagOrigin, TagSet};
use super::tags::{self, LogPlace};
use super::writer::IdentityNumber;

/// How many identities of an event are kept at once. A stream belongs to one container or to a few pods; but where an application
/// can write metadata itself, every record can have another identity.
const MAX_IDENTITIES: usize = 1024;

/// How many bytes they may take before no other is kept beside them. An identity takes a few kilobytes; where its annotations are as
/// long as Kubernetes lets them be, 256 KiB and more. Of a function of 128 MB this is a sixteenth.
const MAX_IDENTITY_BYTES: usize = 8 * 1024 * 1024;

/// Says that the pod's metadata was to come in a record of its own, and has not been seen: tags are missing, and rules of the pod's annotations.
const METADATA_MISSING: &str = "podferry_metadata:missing";

/// What identifies the logs of one writer, and how they are processed.
pub(super) struct KnownIdentity {
    pub(crate) frame: ContainerFrame,
    pub(crate) processing: Arc<ContainerProcessing>,
    /// The tags that the frame has, with what each was taken from.
    pub(crate) tags: TagSet,
}

/// Everything that determines an identity, except the record.
pub(super) struct IdentitySource<'a> {
    pub(super) batch: &'a Batch<'a>,
    pub(super) place: LogPlace<'a>,
    provenance: Provenance<'a>,
    pub(super) settings: &'a PipelineSettings,
    pub(super) work: &'a Work,
    /// What records of metadata say, where such are expected.
    pub(super) metadata: EventMetadata,
    /// The processing that the last record with its pod's metadata asks for; looked up once.
    described: OnceCell<Option<Arc<ContainerProcessing>>>,
}

impl<'a> IdentitySource<'a> {
    pub(super) fn new(
        batch: &'a Batch<'a>,
        origin: StreamOrigin<'a>,
        function_arn: &'a str,
        settings: &'a PipelineSettings,
        work: &'a Work,
    ) -> IdentitySource<'a> {
        let known = settings.metadata_records.as_ref();
        let metadata = known.map(|known| known.of_event(batch, &origin));
        IdentitySource {
            batch,
            metadata: metadata.unwrap_or_default(),
            place: LogPlace { log_group: &batch.log_group, origin },
            provenance: Provenance {
                owner: &batch.owner,
                log_group: &batch.log_group,
                log_stream: &batch.log_stream,
                function_arn,
            },
            settings,
            work,
            described: OnceCell::new(),
        }
    }

    /// What is to be known before the logs can be read as their pod wants it: nothing of its metadata is.
    pub(super) fn wanted(&self) -> Option<WantedMetadata> {
        let StreamOrigin::Container(container) = &self.place.origin else { return None };
        let events = &self.batch.events;
        let is_wanted = self.metadata.is_unknown
            && !events.is_empty()
            && !events.iter().any(|event| self.peek(event, |_| Some(())).is_some());
        is_wanted.then(|| WantedMetadata::of(self.batch, container))
    }

    pub(super) fn identity(&self, metadata: &Metadata) -> KnownIdentity {
        let settings = self.settings;
        let pod = tags::pod(&self.place, metadata);
        let logs = settings.known.logs(&pod.annotations, &pod.container);
        let mut identity = tags::identify(&self.place, &pod, &logs, metadata, &settings.tags);
        let is_told = metadata.kubernetes.is_some() && !self.metadata.is_guess(metadata);
        if settings.metadata_records.is_some() && self.place.origin.is_container() && !is_told {
            identity.tags.from(TagOrigin::Podferry);
            identity.tags.add_tag(METADATA_MISSING);
        }
        let processing = ContainerProcessing::new(&pod, &logs, &settings.processing, self.work);
        let processing = self.of_stream(metadata, processing);
        KnownIdentity { frame: ContainerFrame::new(&identity, &self.provenance), processing, tags: identity.tags }
    }

    /// A record can lack its pod's metadata: Fluent Bit cut it off, or could not fetch it yet. The container's rules apply
    /// anyway, or text would get past its masks. They are taken from other records of the stream.
    fn of_stream(&self, metadata: &Metadata, processing: ContainerProcessing) -> Arc<ContainerProcessing> {
        let processing = Arc::new(processing);
        if !self.place.origin.is_container() {
            return processing;
        }
        let stream = format!("{}\n{}", self.batch.log_group, self.batch.log_stream);
        if metadata.kubernetes.is_some() {
            self.settings.known.learn(&stream, &processing);
            return processing;
        }
        let here =
            || self.batch.events.iter().rev().find_map(|event| self.peek(event, |it| Some(self.processing_of(it))));
        self.described.get_or_init(here).clone().or_else(|| self.settings.known.recall(&stream)).unwrap_or(processing)
    }

    /// A record with the pod's metadata that the events of these places lack and others of the stream have, so that it can go with them.
    pub(super) fn told_elsewhere(&self, places: &[usize]) -> Option<String> {
        if let Some(told) = &self.metadata.told {
            // Whoever reads the rest would take what is only likely for certain.
            return (!self.metadata.is_unknown).then(|| told.record());
        }
        if !matches!(self.place.origin, StreamOrigin::Container(_)) {
            return None;
        }
        let kubernetes = |metadata: &Metadata| metadata.kubernetes.as_deref().map(str::to_owned);
        let is_told =
            |place: &usize| self.batch.events.get(*place).is_some_and(|event| self.peek(event, kubernetes).is_some());
        if places.iter().rev().any(is_told) {
            return None;
        }
        let told = self.batch.events.iter().rev().find_map(|event| self.peek(event, kubernetes))?;
        // A blank line, which is not sent.
        Some(format!(r#"{{"stream":"stdout","logtag":"F","log":"","kubernetes":{told}}}"#))
    }

    /// What `take` makes of an event's metadata, if that is its pod's.
    fn peek<T>(&self, event: &LogEvent, take: impl FnOnce(&Metadata) -> Option<T>) -> Option<T> {
        let EventMessage::Escaped(escaped) = event.message else { return None };
        // Most events without metadata have neither the filter's object nor what `nest` makes of it, and need not be parsed.
        let mut marks = [r#"\"kubernetes\""#, "ad.datadoghq.com"].into_iter();
        marks.find(|mark| memchr::memmem::find(escaped.as_bytes(), mark.as_bytes()).is_some())?;
        let mut reader = RecordReader::new(self.place.origin, &self.settings.merge_keys);
        let LogRecord { metadata, .. } = reader.read(event);
        metadata.kubernetes.as_ref()?;
        take(&metadata)
    }

    /// The processing that a record with its pod's metadata asks for.
    fn processing_of(&self, metadata: &Metadata) -> Arc<ContainerProcessing> {
        let pod = tags::pod(&self.place, metadata);
        let logs = self.settings.known.logs(&pod.annotations, &pod.container);
        Arc::new(ContainerProcessing::new(&pod, &logs, &self.settings.processing, self.work))
    }
}

/// The identities of one event. Nearly always there is one, or one and "no metadata".
#[derive(Default)]
pub(super) struct Identities {
    metadata: Vec<Metadata<'static>>,
    known: Vec<KnownIdentity>,
    last: usize,
    /// Indexes into `known` by the numbers of suffixes: these have the same metadata each time, which need not be compared.
    by_suffix: Vec<Option<usize>>,
    /// Indexes into `metadata` by its hash.
    places: HashMap<u64, usize>,
    hashes: RandomState,
    /// What metadata and identities take.
    bytes: usize,
}

impl Identities {
    /// Returns the number of the identity with this metadata; `make` determines it if it is new.
    pub(super) fn find(&mut self, metadata: &Metadata, make: impl FnOnce() -> KnownIdentity) -> IdentityNumber {
        if self.metadata.get(self.last) != Some(metadata) {
            self.last = self.place(metadata).unwrap_or_else(|| {
                self.places.insert(self.hashes.hash_one(metadata), self.known.len());
                let identity = make();
                self.bytes += metadata.len() + identity.frame.len();
                self.metadata.push(metadata.clone().into_owned());
                self.known.push(identity);
                self.known.len() - 1
            });
        }
        IdentityNumber::at(self.last)
    }

    /// The identity of the records with this number, if [`Identities::remember`] was told it.
    pub(super) fn of_suffix(&self, suffix: SuffixNumber) -> Option<IdentityNumber> {
        self.by_suffix.get(suffix.place()).copied().flatten().map(IdentityNumber::at)
    }

    /// Remembers whose the records with this number are. An event has few such numbers: `lane` bounds them.
    pub(super) fn remember(&mut self, suffix: SuffixNumber, identity: IdentityNumber) {
        if self.by_suffix.len() <= suffix.place() {
            self.by_suffix.resize(suffix.place() + 1, None);
        }
        if let Some(known) = self.by_suffix.get_mut(suffix.place()) {
            *known = Some(identity.place());
        }
    }

    fn place(&self, metadata: &Metadata) -> Option<usize> {
        let place = *self.places.get(&self.hashes.hash_one(metadata))?;
        (self.metadata.get(place) == Some(metadata)).then_some(place)
    }

    /// Whether this metadata is new and there is no room for it.
    pub(super) fn are_too_many(&self, metadata: &Metadata) -> bool {
        (self.known.len() >= MAX_IDENTITIES || self.bytes >= MAX_IDENTITY_BYTES)
            && self.metadata.get(self.last) != Some(metadata)
            && self.place(metadata).is_none()
    }

    /// Returns the identity of a line. Lines carry only numbers that [`Identities::find`] returned.
    pub(super) fn of(&self, line: &LogLine) -> &KnownIdentity {
        &self.known[line.identity.place()]
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::tags::Identity;

    fn identity(bytes: usize) -> KnownIdentity {
        let provenance = Provenance { owner: "", log_group: "", log_stream: "", function_arn: "" };
        let empty = ContainerFrame::new(&Identity::default(), &provenance).len();
        let name = "x".repeat(bytes - empty);
        let frame = ContainerFrame::new(&Identity::default(), &Provenance { owner: &name, ..provenance });
        assert_eq!(frame.len(), bytes);
        let (batch, settings, work) = (Batch::default(), PipelineSettings::default(), Work::unlimited());
        let source = IdentitySource::new(&batch, StreamOrigin::Service("x"), "", &settings, &work);
        KnownIdentity { frame, ..source.identity(&Metadata::default()) }
    }

    fn metadata(number: usize, bytes: usize) -> Metadata<'static> {
        Metadata {
            kubernetes: Some(Cow::Owned(format!("{}{number:010}", "x".repeat(bytes - 10)))),
            ..Metadata::default()
        }
    }

    #[test]
    fn they_are_bounded_by_number_and_by_bytes() {
        let mut known = Identities::default();
        for number in 0..MAX_IDENTITIES {
            assert!(!known.are_too_many(&metadata(number, 10)));
            known.find(&metadata(number, 10), || identity(300));
        }
        assert!(known.are_too_many(&metadata(MAX_IDENTITIES, 10)) && !known.are_too_many(&metadata(0, 10)));
        for (last, too_many) in [(1_023, false), (1_024, true), (1_025, true)] {
            let mut known = Identities::default();
            for number in 0..7 {
                known.find(&metadata(number, 1_000_000), || identity(48_576));
            }
            known.find(&metadata(7, 1_000_000), || identity(47_552 + last));
            assert_eq!(known.are_too_many(&metadata(8, 10)), too_many);
            // One that is known is none too many.
            assert!(!known.are_too_many(&metadata(3, 1_000_000)));
        }
    }
}
