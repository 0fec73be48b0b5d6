//! What changes for the same lines from one ConfigMap to another, as values.
//!
//! Records of metadata alone are counted apart: how many come in a minute depends on the clock, not on the lines.

use std::collections::{BTreeMap, BTreeSet};

use manifests::simulate::core::Core;
use serde_json::{Value, json};

use super::report::{CoreReport, EventReport, Fate, LineReport, is_metadata};

/// One ConfigMap's side of the comparison.
pub(super) struct Side {
    pub(super) logs: usize,
    /// Without records of metadata.
    pub(super) billed_bytes: usize,
    /// Records that are a pod's metadata alone, and their bytes.
    pub(super) metadata: (usize, usize),
    /// Log group and stream.
    pub(super) streams: BTreeSet<(String, String)>,
    pub(super) unknown: usize,
    pub(super) stopped: Option<String>,
}

/// What changes under one version of Fluent Bit.
pub(super) struct Comparison {
    pub(super) core: Core,
    pub(super) old: Side,
    pub(super) new: Side,
    /// Lines, from 1, of which Datadog gets nothing any more; and of which it did not get anything before.
    pub(super) lost: Vec<usize>,
    pub(super) won: Vec<usize>,
    /// Tags, by how many lines lose and win them.
    pub(super) tags_lost: BTreeMap<String, usize>,
    pub(super) tags_won: BTreeMap<String, usize>,
    /// Lines whose message, status, service or source changes, by its name in Datadog's log.
    pub(super) changed: BTreeMap<&'static str, usize>,
}

/// What of a log people filter and alarm by, beside its tags.
const WATCHED: [&str; 4] = ["message", "status", "service", "ddsource"];

impl Side {
    fn new(report: &CoreReport) -> Side {
        let (metadata, lines): (Vec<&EventReport>, Vec<&EventReport>) =
            report.events().partition(|event| is_metadata(event));
        let bytes = |events: &[&EventReport]| events.iter().map(|event| event.billed_bytes).sum();
        Side {
            logs: lines.iter().filter(|event| event.datadog.is_some()).count(),
            billed_bytes: bytes(&lines),
            metadata: (metadata.len(), bytes(&metadata)),
            streams: lines.iter().map(|event| (event.group.clone(), event.stream.clone())).collect(),
            unknown: report.count(Fate::Unknown),
            stopped: report.stopped.clone(),
        }
    }
}

impl Comparison {
    pub(super) fn new(core: Core, old: &CoreReport, new: &CoreReport) -> Comparison {
        let mut comparison = Comparison {
            core,
            old: Side::new(old),
            new: Side::new(new),
            lost: Vec::new(),
            won: Vec::new(),
            tags_lost: BTreeMap::new(),
            tags_won: BTreeMap::new(),
            changed: BTreeMap::new(),
        };
        let none = LineReport::default();
        for number in 0..old.lines.len().max(new.lines.len()) {
            let of = |report: &CoreReport| report.lines.get(number).cloned().unwrap_or_else(|| none.clone());
            comparison.line(number + 1, &of(old), &of(new));
        }
        comparison
    }

    fn line(&mut self, number: usize, old: &LineReport, new: &LineReport) {
        match (old.fate, new.fate) {
            (Fate::Delivered, Fate::Lost) => self.lost.push(number),
            (Fate::Lost, Fate::Delivered) => self.won.push(number),
            _ => {}
        }
        let (Some(old), Some(new)) = (log_of(old), log_of(new)) else { return };
        let tags = |log: &Value| -> BTreeSet<String> {
            log["ddtags"].as_str().unwrap_or_default().split(',').map(str::to_owned).collect()
        };
        let (old_tags, new_tags) = (tags(&old), tags(&new));
        old_tags.difference(&new_tags).for_each(|tag| *self.tags_lost.entry(tag.clone()).or_default() += 1);
        new_tags.difference(&old_tags).for_each(|tag| *self.tags_won.entry(tag.clone()).or_default() += 1);
        for name in WATCHED.into_iter().filter(|name| old[*name] != new[*name]) {
            *self.changed.entry(name).or_default() += 1;
        }
    }

    /// Whether logs or tags are lost, or may be.
    pub(super) fn is_worse(&self) -> bool {
        !self.lost.is_empty()
            || !self.tags_lost.is_empty()
            || self.new.unknown > self.old.unknown
            || self.new.stopped.is_some() && self.old.stopped.is_none()
    }

    pub(super) fn json(&self) -> Value {
        let side = |side: &Side| {
            json!({
                "runs": side.stopped.is_none(), "reason": side.stopped, "logs": side.logs, "billed_bytes": side.billed_bytes,
                "metadata_records": side.metadata.0, "metadata_bytes": side.metadata.1, "unknown": side.unknown,
                "streams": side.streams.iter().map(|(group, stream)| json!({ "group": group, "stream": stream })).collect::<Vec<Value>>(),
            })
        };
        json!({
            "core": self.core.version(), "old": side(&self.old), "new": side(&self.new), "lines_lost": self.lost, "lines_won": self.won,
            "tags_lost": self.tags_lost, "tags_won": self.tags_won, "changed": self.changed, "is_worse": self.is_worse(),
        })
    }
}

/// The log that Datadog gets of a line.
fn log_of(line: &LineReport) -> Option<Value> {
    let mut events = line.arrivals.iter().flat_map(|arrival| arrival.events());
    events.find_map(|event| event.datadog.clone().filter(|_| !is_metadata(event)))
}
