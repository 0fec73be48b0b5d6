//! The last step of a log: its rules and its share, its status, and into the payload. Everything is counted.

use super::batch::{Added, Batcher, Limits};
use super::compress::Compression;
use super::entry::Entry;
use super::forwarding::Known;
use super::line::Line;
use super::rules::{Effect, MASK_BROKEN, Outcome, Rule, Told};
use super::status;
use super::stream::Origin;
use super::{Counts, Fate, Processed};

/// Ships the logs of one event.
pub(super) struct Shipper<'a> {
    origin: Origin<'a>,
    batcher: Batcher,
    counts: Counts,
    /// What became of each log, where that is asked for.
    fates: Option<Vec<Fate>>,
}

/// Why a log is not shipped.
enum LeftOut {
    /// A rule did it, and was told of.
    ByRule,
    Excluded(String),
    Sampled(usize),
}

impl<'a> Shipper<'a> {
    pub(super) fn new(origin: Origin<'a>, compression: Compression, fates: Option<Vec<Fate>>) -> Shipper<'a> {
        let batcher = Batcher::new(Limits::default(), compression);
        Shipper { origin, batcher, counts: Counts::default(), fates }
    }

    /// Ships a log, or counts why not.
    pub(super) fn ship(&mut self, line: &Line, known: &Known) {
        if line.is_blank() {
            self.counts.blank += 1;
            return;
        }
        let mut told = Vec::new();
        let shipped = self.apply(line, known, &mut told);
        match &shipped {
            Ok(()) => self.counts.logs += 1,
            Err(LeftOut::ByRule | LeftOut::Excluded(_)) => self.counts.excluded += 1,
            Err(LeftOut::Sampled(_)) => self.counts.sampled += 1,
        }
        if let Some(fates) = &mut self.fates {
            fates.push(Fate {
                id: line.id.to_owned(),
                timestamp: line.timestamp,
                lines: line.lines,
                joined_by: (line.lines > 1).then(|| known.processing.joined_by().to_owned()),
                told,
                shipped: shipped.is_ok(),
                left_out: match shipped {
                    Ok(()) | Err(LeftOut::ByRule) => None,
                    Err(LeftOut::Excluded(why)) => Some(why),
                    Err(LeftOut::Sampled(rule)) => Some(format!("PODFERRY_SAMPLE rule {rule}")),
                },
            });
        }
    }

    fn apply(&mut self, line: &Line, known: &Known, told: &mut Vec<Told>) -> Result<(), LeftOut> {
        let processing = &*known.processing;
        if let Some(why) = &processing.excluded {
            return Err(LeftOut::Excluded(why.clone()));
        }
        if processing.chain.is_empty() {
            return self.send(line.clone(), known);
        }
        let explained = self.fates.is_some();
        let mut masked = false;
        let tell = |rule: &Rule, effect: Effect| {
            masked |= effect != Effect::Excluded;
            if explained {
                told.push(Told { rule: rule.name.clone(), effect });
            }
        };
        let kept = match processing.chain.apply(line.text, line.truncated, tell) {
            Outcome::Excluded => return Err(LeftOut::ByRule),
            // Attributes are parts of the application's text for all we know.
            Outcome::Withheld => self.send(Line { text: MASK_BROKEN, attributes: None, ..line.clone() }, known),
            Outcome::Keep(text) => {
                let attributes = line.attributes.and_then(|attributes| processing.chain.mask_attributes(attributes));
                masked |= attributes.is_some();
                let attributes = attributes.as_deref().or(line.attributes);
                self.send(Line { text: &text, attributes, ..line.clone() }, known)
            }
        };
        self.counts.masked += usize::from(masked && kept.is_ok());
        kept
    }

    /// Takes the log's share, and writes it.
    fn send(&mut self, line: Line, known: &Known) -> Result<(), LeftOut> {
        let processing = &*known.processing;
        let origin = &self.origin;
        let status = status::status(line.text, line.output, origin);
        if !processing.sampling.is_empty()
            && let Some(rule) = processing.sampling.leaves_out(line.id, status::level(line.text, status))
        {
            return Err(LeftOut::Sampled(rule));
        }
        let partial = line.partial;
        let status_if_cut = status::status("", line.output, origin);
        let refusing = processing.chain.excludes_truncated();
        let entry = Entry { status, status_if_cut, line, frame: &known.frame };
        match self.batcher.add(&entry, refusing.is_some()) {
            Added::Refused => Err(LeftOut::Excluded(refusing.unwrap_or_default().to_owned())),
            added => {
                self.counts.partial += usize::from(partial);
                self.counts.truncated += usize::from(added == Added::Truncated);
                Ok(())
            }
        }
    }

    /// The payloads, and what became of `events` events of which `joined` are part of another's log.
    pub(super) fn finish(self, events: usize, joined: usize) -> Processed {
        Processed {
            payloads: self.batcher.finish(),
            counts: Counts { events, joined, ..self.counts },
            control: false,
            fates: self.fates.unwrap_or_default(),
        }
    }
}
