//! Takes one event from its records to whole logs: reads the records, identifies them, joins them, and hands the logs to `shipping`.

use std::cell::Cell;
use std::collections::HashMap;

use super::decode::Batch;
use super::identities::{Identities, IdentitySource, KnownIdentity};
use super::line::{LineOutput, LogLine};
use super::metadata_records::WantedMetadata;
use super::multi_line::Joiner;
use super::reassemble::Reassembler;
use super::record::LogRecord;
use super::record_reader::RecordReader;
use super::rules::pattern::Work;
use super::settings::PipelineSettings;
use super::shipping::{Shipment, Shipper};
use super::stream;
use super::tags;
use super::writer::{IdentityNumber, Writer};

/// Says whether to stop reading an event, of which so many logs are done: not counting those that were delivered before. It is
/// asked between records and between logs, never inside of one.
pub(super) type ShouldStop<'f> = &'f dyn Fn(usize) -> bool;

/// How many bytes of messages are read before it is asked again: about one record with its metadata, so that asking costs nothing
/// that can be measured, and little enough for any text to be done in a moment.
const ASK_AFTER_BYTES: usize = 2048;

/// How many events before its turn one is fetched: what its turn needs of memory takes as long to come as the work on one or two.
const FETCHED_AHEAD: usize = 3;

/// What of an event was not read.
#[derive(Debug, Default)]
pub(super) struct UnreadEvents {
    /// By their places among the events, in order. No log is cut: an open one is unread from its first event on.
    pub(super) places: Vec<usize>,
    /// How many logs are done, not counting those that were delivered before.
    pub(super) done: usize,
    /// A record with the pod's metadata, where only events that were read have it: see [`IdentitySource::told_elsewhere`].
    pub(super) metadata: Option<String>,
}

/// What is wanted of an event.
pub(super) struct EventOrder<'a> {
    pub(super) batch: &'a Batch<'a>,
    pub(super) function_arn: &'a str,
    pub(super) settings: &'a PipelineSettings,
    pub(super) work: &'a Work,
    /// Whether nothing of it is to be read where its pod's metadata is not known.
    pub(super) only_known: bool,
}

/// How far an event was read.
pub(super) enum EventReading {
    Whole,
    Stopped(UnreadEvents),
    Unknown(WantedMetadata),
}

/// Turns the records of an event into logs of the shipment: all of them, unless it has to stop.
pub(super) fn run(order: &EventOrder, shipment: &mut Shipment, should_stop: ShouldStop) -> EventReading {
    let EventOrder { batch, function_arn, settings, work, only_known } = *order;
    let origin = stream::origin(&batch.log_group, &batch.log_stream);
    let source = IdentitySource::new(batch, origin, function_arn, settings, work);
    if only_known && let Some(wanted) = source.wanted() {
        return EventReading::Unknown(wanted);
    }
    let marker = settings.recent.marker(&batch.owner, &batch.log_group, &batch.log_stream);
    let mut shipper = Shipper::new(origin, marker, work, batch.events.len(), shipment);
    let (done, shipped) = (Cell::new(0), Cell::new(0));
    let mut ship = |line: &LogLine, identity: &KnownIdentity| {
        shipper.ship(line, identity);
        done.set(shipper.done());
        shipped.set(shipped.get() + 1);
    };
    let should_stop = || should_stop(done.get());
    let mut walk = Walk::default();
    let read = walk.events(&source, &should_stop, &mut ship);
    let is_whole = read == batch.events.len() && walk.finish(work, &should_stop, &mut ship);
    let unread = (!is_whole).then(|| {
        let places = walk.stop(read, batch.events.len(), &mut ship);
        UnreadEvents { metadata: source.told_elsewhere(&places), done: done.get(), places }
    });
    let unread_places = unread.as_ref().map_or(&[][..], |unread| &unread.places);
    let metadata =
        source.metadata.count() - unread_places.iter().filter(|place| source.metadata.is_at(**place)).count();
    let events = batch.events.len() - unread_places.len() - metadata;
    shipper.finish(events, events.saturating_sub(shipped.get()));
    shipment.counts.metadata += metadata;
    if shipment.cluster.is_none() {
        shipment.cluster = tags::told_cluster(&source.place, &settings.tags);
    }
    unread.map_or(EventReading::Whole, EventReading::Stopped)
}

/// Returns how many events, counted from the first, hold complete logs only, which no later batch can continue. A log with no new
/// line since `since_ms` counts as complete.
pub(super) fn settled(batch: &Batch, settings: &PipelineSettings, work: &Work, since_ms: i64) -> usize {
    let origin = stream::origin(&batch.log_group, &batch.log_stream);
    let source = IdentitySource::new(batch, origin, "", settings, work);
    let mut walk = Walk::default();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    let mut keep =
        |line: &LogLine, _: &KnownIdentity| joined.extend(Some(line.events).filter(|(first, last)| first < last));
    walk.events(&source, &|| false, &mut keep);
    walk.catch_up(&|| false, &mut keep);
    let open = [walk.reassembler.open_since(since_ms), walk.joiner.open_since(since_ms)];
    walk.finish(work, &|| false, &mut keep);
    // Logs of the other output may span the cut; those that end last can move it first.
    joined.sort_unstable_by_key(|(_, last)| std::cmp::Reverse(*last));
    let cut = open.into_iter().flatten().min().unwrap_or(batch.events.len());
    joined.into_iter().fold(cut, |cut, (first, last)| if last >= cut { cut.min(first) } else { cut })
}

/// Called with each whole log and its identity.
type Ship<'f> = &'f mut dyn FnMut(&LogLine, &KnownIdentity);

/// Joins the events of a batch to whole logs.
#[derive(Default)]
struct Walk<'e> {
    identities: Identities,
    reassembler: Reassembler<'e>,
    joiner: Joiner<'e>,
    /// Whose output each event that was read is.
    outputs: Vec<LineOutput>,
}

impl<'e> Walk<'e> {
    /// Processes events, and says how many: all, unless it has to stop. A log that may continue stays open.
    fn events(&mut self, source: &IdentitySource<'e>, should_stop: &dyn Fn() -> bool, ship: Ship) -> usize {
        let origin = source.place.origin;
        let mut reader = RecordReader::new(origin, &source.settings.merge_keys).with_texts(&source.batch.texts);
        self.outputs.reserve(source.batch.events.len());
        // Before the first, too: there may be no time for this event at all.
        let mut unasked = ASK_AFTER_BYTES;
        for (place, event) in source.batch.events.iter().enumerate() {
            if unasked >= ASK_AFTER_BYTES {
                if should_stop() {
                    return place;
                }
                unasked = 0;
            }
            unasked += event.message.len();
            if let Some(soon) = source.batch.events.get(place + FETCHED_AHEAD) {
                soon.fetch();
            }
            if source.metadata.is_at(place) {
                self.outputs.push(LineOutput::of_no_line());
                continue;
            }
            let mut record = reader.read(event);
            let known = record.suffix.and_then(|suffix| self.identities.of_suffix(suffix));
            let identity = known.unwrap_or_else(|| self.identify(&mut record, source, ship));
            let writer = if origin.is_container() { Writer::StreamsContainer } else { Writer::Identity(identity) };
            let line =
                LogLine { events: (place, place), ..LogLine::of(&record, event.id, event.timestamp, identity, writer) };
            self.outputs.push(line.line_output());
            let Walk { identities, reassembler, joiner, .. } = self;
            reassembler.push(&line, record.partial, |line| join(joiner, line, identities, source.work, ship));
        }
        source.batch.events.len()
    }

    /// Whose record this is. Completes its metadata by what was told before.
    fn identify<'r>(
        &mut self,
        record: &mut LogRecord<'r>,
        source: &'r IdentitySource<'e>,
        ship: Ship,
    ) -> IdentityNumber {
        if let Some(told) = &source.metadata.told {
            told.complete(&mut record.metadata);
        }
        if self.identities.are_too_many(&record.metadata) {
            // Open logs carry identity numbers, so they are finished first, as at the end of an event.
            self.finish(source.work, &|| false, ship);
            self.identities = Identities::default();
        }
        let identity = self.identities.find(&record.metadata, || source.identity(&record.metadata));
        if let Some(suffix) = record.suffix {
            self.identities.remember(suffix, identity);
        }
        identity
    }

    /// Joins the lines that were held back to learn from. `false` if it had to stop before the last.
    fn catch_up(&mut self, should_stop: &dyn Fn() -> bool, ship: Ship) -> bool {
        let Walk { identities, joiner, .. } = self;
        joiner.catch_up(should_stop, &mut |line| ship(line, identities.of(line)))
    }

    /// Finishes the logs that are still open. `false` if it had to stop before that.
    fn finish(&mut self, work: &Work, should_stop: &dyn Fn() -> bool, ship: Ship) -> bool {
        let open = std::mem::take(&mut self.reassembler);
        let Walk { identities, joiner, .. } = self;
        open.finish(|line| join(joiner, line, identities, work, ship));
        joiner.finish(should_stop, &mut |line| ship(line, identities.of(line)))
    }

    /// Stops behind the first `read` of `all` events. Gives the logs that are whole to `ship`, and returns the places of all events
    /// that are not done. Since lines of one output are joined in their order, these are those behind the first of an open log.
    fn stop(&mut self, read: usize, all: usize, ship: Ship) -> Vec<usize> {
        let Walk { identities, joiner, reassembler, outputs } = self;
        joiner.release_all(&mut |line| ship(line, identities.of(line)));
        let mut open: HashMap<LineOutput, usize> = HashMap::new();
        for (output, first) in reassembler.open().chain(joiner.open()) {
            open.entry(output).and_modify(|known| *known = first.min(*known)).or_insert(first);
        }
        let is_open = |place: &usize| {
            let first = outputs.get(*place).and_then(|output| open.get(output));
            first.is_some_and(|first| place >= first)
        };
        (0..read).filter(is_open).chain(read..all).collect()
    }
}

fn join<'e>(joiner: &mut Joiner<'e>, line: &LogLine<'e, '_>, identities: &Identities, work: &Work, ship: Ship) {
    let mode = identities.of(line).processing.mode(work);
    joiner.push(line, mode, &mut |line| ship(line, identities.of(line)));
}
