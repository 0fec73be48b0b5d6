//! The last step of a log: its rules and its share, its status, and into the payload. Everything is counted.

use super::batch::{Added, Batcher};
use super::compress::Compression;
use super::counts::LogCounts;
use super::entry::LogEntry;
use super::identities::KnownIdentity;
use super::late;
use super::limits::Limits;
use super::line::LogLine;
use super::processed::{LogOutcome, Processed};
use super::recent::{Mark, Marker};
use super::rules::{AppliedRule, MASK_BROKEN, ProcessingRule, RuleEffect, RulesOutcome};
use super::status;
use super::stream::StreamOrigin;

/// What logs become, over all the events of an invocation.
#[derive(Debug)]
pub(super) struct Shipment {
    batcher: Batcher,
    /// When it is sent: now.
    now_ms: i64,
    pub(super) counts: LogCounts,
    /// What became of each log, where that is asked for.
    pub(super) outcomes: Option<Vec<LogOutcome>>,
    pub(super) oldest_ms: Option<i64>,
    pub(super) cluster: Option<String>,
}

impl Shipment {
    pub(super) fn new(compression: Compression, now_ms: i64) -> Shipment {
        let batcher = Batcher::new(Limits::default(), compression);
        Shipment { batcher, now_ms, counts: LogCounts::default(), outcomes: None, oldest_ms: None, cluster: None }
    }

    /// What is shipped from now on comes from this record.
    pub(super) fn begin(&mut self, record: u32) {
        self.batcher.begin(record);
    }

    pub(super) fn finish(self, control: bool) -> Processed {
        Processed {
            payloads: self.batcher.finish(),
            counts: self.counts,
            control,
            oldest_ms: self.oldest_ms,
            cluster: self.cluster,
            outcomes: self.outcomes.unwrap_or_default(),
        }
    }
}

/// Ships the logs of one event.
pub(super) struct Shipper<'a, 's> {
    origin: StreamOrigin<'a>,
    marker: Marker<'a>,
    shipment: &'s mut Shipment,
}

/// Why a log is not shipped.
enum LeftOut {
    /// A rule did it, and was told of.
    ByRule,
    Excluded(String),
    Sampled(usize),
    /// It was delivered before.
    Duplicate,
}

impl<'a, 's> Shipper<'a, 's> {
    pub(super) fn new(origin: StreamOrigin<'a>, marker: Marker<'a>, shipment: &'s mut Shipment) -> Shipper<'a, 's> {
        Shipper { origin, marker, shipment }
    }

    /// Ships a log, or counts why not.
    pub(super) fn ship(&mut self, line: &LogLine, known: &KnownIdentity) {
        if line.is_blank() {
            self.shipment.counts.blank += 1;
            return;
        }
        let mut applied = Vec::new();
        let mark = self.marker.mark(line);
        let shipped = match mark {
            Some(mark) if self.marker.is_known(mark) => Err(LeftOut::Duplicate),
            mark => self.apply(line, known, mark, &mut applied),
        };
        let counts = &mut self.shipment.counts;
        match &shipped {
            Ok(()) => counts.logs += 1,
            Err(LeftOut::ByRule | LeftOut::Excluded(_)) => counts.excluded += 1,
            Err(LeftOut::Sampled(_)) => counts.sampled += 1,
            Err(LeftOut::Duplicate) => counts.duplicate += 1,
        }
        if let Some(outcomes) = &mut self.shipment.outcomes {
            outcomes.push(LogOutcome {
                id: line.id.to_owned(),
                timestamp: line.timestamp,
                lines: line.lines,
                joined_by: (line.lines > 1).then(|| known.processing.joined_by().to_owned()),
                applied,
                shipped: shipped.is_ok(),
                left_out: match shipped {
                    Ok(()) | Err(LeftOut::ByRule) => None,
                    Err(LeftOut::Excluded(why)) => Some(why),
                    Err(LeftOut::Sampled(rule)) => Some(format!("PODFERRY_SAMPLE rule {rule}")),
                    Err(LeftOut::Duplicate) => Some("it was delivered before".to_owned()),
                },
            });
        }
    }

    fn apply(
        &mut self,
        line: &LogLine,
        known: &KnownIdentity,
        mark: Option<Mark>,
        applied: &mut Vec<AppliedRule>,
    ) -> Result<(), LeftOut> {
        let processing = &*known.processing;
        if let Some(why) = &processing.excluded {
            return Err(LeftOut::Excluded(why.clone()));
        }
        if processing.chain.is_empty() {
            return self.send(line.clone(), known, mark);
        }
        let explained = self.shipment.outcomes.is_some();
        let mut masked = false;
        let tell = |rule: &ProcessingRule, effect: RuleEffect| {
            masked |= effect != RuleEffect::Excluded;
            if explained {
                applied.push(AppliedRule { rule: rule.name.clone(), effect });
            }
        };
        let kept = match processing.chain.apply(line.text, line.truncated, tell) {
            RulesOutcome::Excluded => return Err(LeftOut::ByRule),
            // Attributes are parts of the application's text for all we know.
            RulesOutcome::Withheld => {
                self.send(LogLine { text: MASK_BROKEN, attributes: None, ..line.clone() }, known, mark)
            }
            RulesOutcome::Keep(text) => {
                let attributes = line.attributes.and_then(|attributes| processing.chain.mask_attributes(attributes));
                masked |= attributes.is_some();
                let attributes = attributes.as_deref().or(line.attributes);
                self.send(LogLine { text: &text, attributes, ..line.clone() }, known, mark)
            }
        };
        self.shipment.counts.masked += usize::from(masked && kept.is_ok());
        kept
    }

    /// Takes the log's share, and writes it.
    fn send(&mut self, line: LogLine, known: &KnownIdentity, mark: Option<Mark>) -> Result<(), LeftOut> {
        let processing = &*known.processing;
        let origin = &self.origin;
        let status = status::status(line.text, line.output, origin);
        if !processing.sampling.is_empty()
            && let Some(rule) = processing.sampling.leaves_out(line.id, status::level(line.text, status))
        {
            return Err(LeftOut::Sampled(rule));
        }
        let (partial, timestamp) = (line.partial, line.timestamp);
        let status_if_cut = status::status("", line.output, origin);
        let refusing = processing.chain.excludes_truncated();
        let shipment = &mut *self.shipment;
        let late_at_ms = Some(shipment.now_ms).filter(|now_ms| late::is_late(timestamp, *now_ms));
        let entry = LogEntry { status, status_if_cut, late_at_ms, line, frame: &known.frame };
        match shipment.batcher.add(&entry, mark, refusing.is_some()) {
            Added::Refused => Err(LeftOut::Excluded(refusing.unwrap_or_default().to_owned())),
            added => {
                shipment.counts.partial += usize::from(partial);
                shipment.counts.truncated += usize::from(added == Added::Truncated);
                shipment.counts.late += usize::from(late_at_ms.is_some());
                if timestamp.is_some_and(|time| shipment.oldest_ms.is_none_or(|oldest| time < oldest)) {
                    shipment.oldest_ms = timestamp;
                }
                Ok(())
            }
        }
    }

    /// Counts `events` events, of which `joined` are part of another's log.
    pub(super) fn finish(self, events: usize, joined: usize) {
        self.shipment.counts.events += events;
        self.shipment.counts.joined += joined;
    }
}
