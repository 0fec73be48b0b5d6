//! The last step of a log: rules, sampling, status, and into the payload. Everything is counted.

use super::accepted_times::{NewTime, OutOfRange};
use super::batch::{Added, BatchCursor, Batcher};
use super::counts::LogCounts;
use super::entry::LogEntry;
use super::identities::KnownIdentity;
use super::limits::Limits;
use super::line::LogLine;
use super::processed::{LogOutcome, Processed};
use super::recent::{Mark, MarkSet, Marker};
use super::rules::pattern::Work;
use super::rules::{AppliedRule, ProcessingRule, RuleEffect, RulesOutcome, Withheld};
use super::settings::PipelineSettings;
use super::status::{LogStatus, StatusSource};
use super::stream::StreamOrigin;

/// The payloads and counts of all events of an invocation.
#[derive(Debug)]
pub(super) struct Shipment {
    batcher: Batcher,
    /// The time of sending, by which logs get another time.
    now_ms: Option<i64>,
    pub(super) counts: LogCounts,
    /// What became of each log, if requested.
    pub(super) outcomes: Option<Vec<LogOutcome>>,
    pub(super) oldest_ms: Option<i64>,
    pub(super) cluster: Option<String>,
    record: u32,
    /// The logs of the events before this one, and how far they are in it. An event does not hold a log twice; so for a single
    /// event, as nearly all are, nothing has to be kept.
    before: MarkSet,
    kept: BatchCursor,
    duplicates: Vec<(u32, Mark)>,
}

impl Shipment {
    pub(super) fn new(settings: &PipelineSettings, now_ms: Option<i64>) -> Shipment {
        let batcher = Batcher::with_kept(Limits::default(), settings.compression, &settings.kept_context);
        Shipment {
            batcher,
            now_ms,
            counts: LogCounts::default(),
            outcomes: None,
            oldest_ms: None,
            cluster: None,
            record: 0,
            before: MarkSet::default(),
            kept: BatchCursor::default(),
            duplicates: Vec::new(),
        }
    }

    /// The logs that follow come from another event, in this record.
    pub(super) fn begin(&mut self, record: u32) {
        self.before.extend(self.batcher.marks_since(&mut self.kept));
        self.record = record;
        self.batcher.begin(record);
    }

    /// These logs are among others that go out at the same time.
    pub(super) fn leave_out(&mut self, marks: impl IntoIterator<Item = Mark>) {
        self.before.extend(marks);
    }

    /// Whether an event before this one holds the log, too; that is noted then.
    fn is_duplicate(&mut self, mark: Mark) -> bool {
        let is_duplicate = !self.before.is_empty() && self.before.contains(&mark);
        if is_duplicate {
            self.duplicates.push((self.record, mark));
        }
        is_duplicate
    }

    pub(super) fn finish(self, control: bool) -> Processed {
        Processed {
            payloads: self.batcher.finish(),
            counts: self.counts,
            control,
            oldest_ms: self.oldest_ms,
            cluster: self.cluster,
            outcomes: self.outcomes.unwrap_or_default(),
            duplicates: self.duplicates,
        }
    }
}

/// Ships the logs of one event.
pub(super) struct Shipper<'a, 's> {
    origin: StreamOrigin<'a>,
    marker: Marker<'a>,
    /// What the rules of this event may take.
    work: &'a Work,
    shipment: &'s mut Shipment,
    /// Logs of other events.
    done_before: usize,
    /// What told the status of the last log that got as far as to have one.
    status_from: Option<StatusSource>,
    /// The status that it has in Datadog, if outcomes are requested.
    status: Option<&'static str>,
}

/// Why a log is not shipped.
enum LeftOut {
    /// A rule excluded it, and is in the list of applied rules.
    ByRule,
    Excluded(String),
    Sampled(usize),
    /// It was delivered before, or is in another event, too.
    Duplicate,
}

impl<'a, 's> Shipper<'a, 's> {
    /// `events` is how many the event has: no more logs come of it.
    pub(super) fn new(
        origin: StreamOrigin<'a>,
        marker: Marker<'a>,
        work: &'a Work,
        events: usize,
        shipment: &'s mut Shipment,
    ) -> Shipper<'a, 's> {
        shipment.batcher.expect(events);
        let mut shipper = Shipper { origin, marker, work, shipment, done_before: 0, status_from: None, status: None };
        shipper.done_before = shipper.done();
        shipper
    }

    /// Ships a log, or counts why not.
    pub(super) fn ship(&mut self, line: &LogLine, identity: &KnownIdentity) {
        if line.is_blank() {
            self.shipment.counts.blank += 1;
            return;
        }
        let mut applied = Vec::new();
        (self.status_from, self.status) = (None, None);
        let mark = self.marker.mark(line);
        let shipped = match mark {
            Some(mark) if self.marker.is_known(mark) || self.shipment.is_duplicate(mark) => Err(LeftOut::Duplicate),
            mark => self.apply(line, identity, mark, &mut applied),
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
                events: line.events,
                lines: line.lines,
                joined_by: (line.lines > 1).then(|| identity.processing.joined_by().to_owned()),
                applied,
                status_from: self.status_from,
                status: self.status,
                tags: identity.tags.with_origins().map(|(tag, origin)| (tag.to_owned(), origin)).collect(),
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
        identity: &KnownIdentity,
        mark: Option<Mark>,
        applied: &mut Vec<AppliedRule>,
    ) -> Result<(), LeftOut> {
        let processing = &*identity.processing;
        if let Some(why) = &processing.excluded {
            return Err(LeftOut::Excluded(why.clone()));
        }
        if processing.chain.is_empty() {
            return self.send(line, identity, mark);
        }
        let explained = self.shipment.outcomes.is_some();
        let mut masked = false;
        let mut report = |rule: &ProcessingRule, effect: RuleEffect| {
            masked |= effect != RuleEffect::Excluded;
            if explained {
                applied.push(AppliedRule { rule: rule.name.clone(), effect });
            }
        };
        self.work.begin_log();
        let outcome = match processing.chain.apply(line.text, line.truncated, self.work, &mut report) {
            RulesOutcome::Keep(text) => {
                let attributes =
                    line.attributes.map(|attributes| processing.chain.mask_attributes(attributes, self.work));
                match attributes.transpose() {
                    Ok(attributes) => Ok((text, attributes.flatten())),
                    Err(rule) => {
                        let why = Withheld::TooMuchWork;
                        report(rule, RuleEffect::Withheld(why));
                        Err((why, Some(rule.name.as_str())))
                    }
                }
            }
            RulesOutcome::Withheld(why, rule) => Err((why, rule)),
            RulesOutcome::Excluded => return Err(LeftOut::ByRule),
        };
        let sent = match &outcome {
            Ok((text, attributes)) => {
                masked |= attributes.is_some();
                let attributes = attributes.as_deref().or(line.attributes);
                self.send(&LogLine { text, attributes, ..line.clone() }, identity, mark)
            }
            // Attributes may be parts of the application's text.
            Err((why, rule_error)) => {
                // A text that is not there is not cut either: so a log never bears all three marks.
                let truncated = line.truncated && rule_error.is_none();
                let (text, rule_error) = (why.text(), *rule_error);
                self.send(&LogLine { text, attributes: None, rule_error, truncated, ..line.clone() }, identity, mark)
            }
        };
        if sent.is_ok() {
            self.shipment.counts.masked += usize::from(masked);
            self.shipment.counts.withheld += usize::from(outcome.is_err());
        }
        sent
    }

    /// Applies sampling, and writes the log into the payload.
    fn send(&mut self, line: &LogLine, identity: &KnownIdentity, mark: Option<Mark>) -> Result<(), LeftOut> {
        let processing = &*identity.processing;
        let origin = &self.origin;
        let status = LogStatus::read(line.text, line.output, origin, processing.status_from_text);
        self.status_from = Some(status.source());
        self.status = self.shipment.outcomes.as_ref().map(|_| status.in_datadog());
        if !processing.sampling.is_empty()
            && let Some(rule) = processing.sampling.leaves_out(line.id, status.in_datadog())
        {
            return Err(LeftOut::Sampled(rule));
        }
        let (status, status_if_cut) = (status.sent(), status.if_cut());
        let refusing = processing.chain.excludes_truncated();
        let shipment = &mut *self.shipment;
        let new_time = shipment.now_ms.and_then(|now_ms| NewTime::of(line.timestamp, line.event_ms, now_ms));
        let entry = LogEntry { status, status_if_cut, new_time, line, frame: &identity.frame };
        match shipment.batcher.add(&entry, mark, refusing.is_some()) {
            Added::Refused => Err(LeftOut::Excluded(refusing.unwrap_or_default().to_owned())),
            added => {
                shipment.counts.partial += usize::from(line.partial);
                shipment.counts.truncated += usize::from(added == Added::Truncated);
                let why = new_time.map(|new| new.why);
                shipment.counts.late += usize::from(why == Some(OutOfRange::Late));
                shipment.counts.early += usize::from(why == Some(OutOfRange::Early));
                if line.timestamp.is_some_and(|time| shipment.oldest_ms.is_none_or(|oldest| time < oldest)) {
                    shipment.oldest_ms = line.timestamp;
                }
                Ok(())
            }
        }
    }

    /// How many logs are done, by what was decided here: those that were delivered before do not count.
    pub(super) fn done(&self) -> usize {
        let LogCounts { logs, blank, excluded, sampled, .. } = self.shipment.counts;
        (logs + blank + excluded + sampled).saturating_sub(self.done_before)
    }

    /// Counts `events` events, of which `joined` were joined to another one's log.
    pub(super) fn finish(self, events: usize, joined: usize) {
        self.shipment.counts.events += events;
        self.shipment.counts.joined += joined;
        self.shipment.counts.unjoined += self.work.unjoined();
    }
}
