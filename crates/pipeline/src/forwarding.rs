//! One event on its way: its records read, told whose they are, put together again, and handed to `shipping`.

use super::decode::Batch;
use super::identities::{Identities, IdentitySource, KnownIdentity};
use super::line::LogLine;
use super::multi_line::Joiner;
use super::reassemble::Reassembler;
use super::record_reader::RecordReader;
use super::settings::PipelineSettings;
use super::shipping::{Shipment, Shipper};
use super::stream::{self, StreamOrigin};
use super::tags;
use super::writer::Writer;

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
            let identity = self.identities.find(&record.metadata, || source.identity(&record.metadata));
            let writer = match origin {
                StreamOrigin::Container(_) => Writer::StreamsContainer,
                _ => Writer::Identity(identity),
            };
            let line =
                LogLine { events: (place, place), ..LogLine::of(&record, event.id, event.timestamp, identity, writer) };
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
