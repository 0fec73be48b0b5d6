//! Takes one event from its records to whole logs: reads the records, identifies them, joins them, and hands the logs to `shipping`.

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

/// Turns all records of an event into logs of the shipment.
pub(super) fn run(batch: &Batch, function_arn: &str, settings: &PipelineSettings, shipment: &mut Shipment) {
    let origin = stream::origin(&batch.log_group, &batch.log_stream);
    let marker = settings.recent.marker(&batch.owner, &batch.log_group, &batch.log_stream);
    let mut shipper = Shipper::new(origin, marker, shipment);
    let source = IdentitySource::new(batch, origin, function_arn, settings);
    let mut walk = Walk::default();
    walk.events(&source, &mut |line, identity| shipper.ship(line, identity));
    walk.finish(&mut |line, identity| shipper.ship(line, identity));
    shipper.finish(batch.events.len(), walk.pieces + walk.joiner.joined());
    if shipment.cluster.is_none() {
        shipment.cluster = tags::told_cluster(&source.place, &settings.tags);
    }
}

/// Returns how many events, counted from the first, hold complete logs only, which no later batch can continue. A log with no new
/// line since `since_ms` counts as complete.
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
    /// Pieces that were appended to a line that another piece began.
    pieces: usize,
}

impl<'e> Walk<'e> {
    /// Processes all events. A log that may continue stays open.
    fn events(&mut self, source: &IdentitySource<'e>, ship: Ship) {
        let origin = source.place.origin;
        let mut reader = RecordReader::new(origin, &source.settings.merge_keys);
        for (place, event) in source.batch.events.iter().enumerate() {
            let record = reader.read(event);
            if self.identities.are_too_many(&record.metadata) {
                // Open logs carry identity numbers, so they are finished first, as at the end of an event.
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

    /// Finishes the logs that are still open.
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
