//! What a tally came to: sums by container and pattern, and in all.

use std::collections::HashMap;

use pipeline::record_parts::{FLUENT_BIT, StreamWriter};

use crate::line::Preset;
use crate::noise::Noise;

/// A pattern that fewer lines have is not shown: it may be a text, and not what texts have in common.
pub const LEAST_LINES: u64 = 5;

/// Which part of a group's events was counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coverage {
    /// All of a time: so many seconds, or where that is not known, from the first to the last.
    Whole { seconds: Option<f64> },
    /// All of many moments, which come to so many seconds.
    Sampled { seconds: f64 },
}

/// Some of the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    pub events: u64,
    /// Bytes as CloudWatch Logs bills them: the messages' and 26 for each.
    pub billed: u64,
}

impl Slice {
    pub(crate) fn add(&mut self, billed: u64) {
        self.merge(Slice { events: 1, billed });
    }

    pub(crate) fn merge(&mut self, more: Slice) {
        self.events += more.events;
        self.billed += more.billed;
    }
}

/// Sums of events, in bytes as billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub events: u64,
    pub billed: u64,
    /// Events that are lines: all but records of metadata.
    pub lines: u64,
    /// Events that are a pod's metadata and no line.
    pub metadata_events: u64,
    /// Lines of pods of which no metadata is known, for which a typical one is assumed.
    pub assumed_lines: u64,
    pub(crate) standard: u64,
    pub(crate) lean: u64,
    pub(crate) merged: u64,
    pub(crate) seed: u64,
    pub(crate) compact: u64,
    /// Records of metadata that `compact` would write.
    pub copies: u64,
    /// Events for the function.
    pub invocations: u64,
    /// The logs that Datadog would get, and their bytes; zero where nobody asked.
    pub logs: u64,
    pub datadog: u64,
}

impl Sums {
    /// What the same lines would be under a preset.
    pub fn under(&self, preset: Preset) -> u64 {
        match preset {
            Preset::Standard => self.standard,
            Preset::Lean => self.lean,
            Preset::Merged => self.merged,
            Preset::Seed => self.seed,
            Preset::Compact => self.compact,
        }
    }

    /// What no ConfigMap decides is what it is, under each preset.
    pub(crate) fn is_nobodys_preset(&mut self) {
        let billed = self.billed;
        for of_preset in [&mut self.standard, &mut self.lean, &mut self.merged, &mut self.seed, &mut self.compact] {
            *of_preset = billed;
        }
        (self.copies, self.assumed_lines) = (0, 0);
    }

    fn add(&mut self, more: &Sums) {
        self.events += more.events;
        self.billed += more.billed;
        self.lines += more.lines;
        self.metadata_events += more.metadata_events;
        self.assumed_lines += more.assumed_lines;
        self.standard += more.standard;
        self.lean += more.lean;
        self.merged += more.merged;
        self.seed += more.seed;
        self.compact += more.compact;
        self.copies += more.copies;
        self.invocations += more.invocations;
        self.logs += more.logs;
        self.datadog += more.datadog;
    }
}

/// The lines of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFindings {
    pub pattern: String,
    pub slice: Slice,
}

/// The noise among the lines of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noisy {
    pub noise: Noise,
    pub slice: Slice,
}

/// One container of the pods of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFindings {
    pub writer: StreamWriter,
    pub sums: Sums,
    /// Those with the most bytes first.
    pub patterns: Vec<PatternFindings>,
    /// What has no pattern that is shown.
    pub rest: Slice,
    pub noise: Vec<Noisy>,
}

/// Whether a container of a pod wrote it, by way of EKS's Fluent Bit; not Fluent Bit itself, and no AWS service.
pub(crate) fn is_of_pod(writer: &StreamWriter) -> bool {
    !writer.container.is_empty() && writer.container != FLUENT_BIT
}

impl RowFindings {
    /// Whether a container of a pod wrote the lines: a ConfigMap decides what becomes of them.
    pub fn is_of_pod(&self) -> bool {
        is_of_pod(&self.writer)
    }

    pub(crate) fn new(
        writer: StreamWriter,
        sums: Sums,
        patterns: HashMap<String, Slice>,
        mut rest: Slice,
        noise: Vec<Noisy>,
    ) -> RowFindings {
        let mut shown = Vec::new();
        for (pattern, slice) in patterns {
            if slice.events < LEAST_LINES || pattern.is_empty() {
                rest.merge(slice);
            } else {
                shown.push(PatternFindings { pattern, slice });
            }
        }
        shown.sort_by(|one, other| other.slice.billed.cmp(&one.slice.billed).then(one.pattern.cmp(&other.pattern)));
        RowFindings { writer, sums, patterns: shown, rest, noise }
    }
}

/// What a log group holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    pub group: String,
    /// Those with the most bytes first.
    pub rows: Vec<RowFindings>,
    pub total: Sums,
    pub coverage: Coverage,
    /// From the first event to the last, in milliseconds.
    pub span_ms: i64,
    /// Some of the lines, evenly from all: to try expressions on. Not to be shown.
    pub(crate) lines: Vec<String>,
    /// A filter on `log` sees containerd's prefix: no parser removes it there.
    pub(crate) has_prefix: bool,
}

impl Findings {
    pub(crate) fn new(
        group: String,
        mut rows: Vec<RowFindings>,
        coverage: Coverage,
        span_ms: i64,
        lines: Vec<String>,
    ) -> Findings {
        rows.sort_by(|one, other| other.sums.billed.cmp(&one.sums.billed).then(one.writer.cmp(&other.writer)));
        let mut total = Sums::default();
        rows.iter().for_each(|row| total.add(&row.sums));
        Findings { group, rows, total, coverage, span_ms, lines, has_prefix: false }
    }
}
