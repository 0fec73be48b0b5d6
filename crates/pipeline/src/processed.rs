//! The result of the pipeline: payloads, counts and, on request, what became of each log.

use super::batch::Payload;
use super::counts::LogCounts;
use super::recent::Mark;
use super::rules::AppliedRule;
use super::status::StatusSource;
use super::tags::tag_set::TagOrigin;

/// The result of processing one event or several.
#[derive(Debug, Default)]
pub struct Processed {
    pub payloads: Vec<Payload>,
    pub counts: LogCounts,
    /// Only control messages came, by which CloudWatch Logs checks the destination.
    pub control: bool,
    /// The time of the oldest log to deliver, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// The cluster of the first container whose cluster is known.
    pub cluster: Option<String>,
    /// What became of each log that is not blank, in order; empty unless requested.
    pub outcomes: Vec<LogOutcome>,
    /// Logs that are left out because an event before theirs holds them, too: the record that each came in, and what it is
    /// known by. What becomes of such a log is decided by what becomes of the other.
    pub duplicates: Vec<(u32, Mark)>,
}

/// What became of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOutcome {
    pub id: String,
    /// The first and the last of its events, by their places in the content. Events of another output may stand between them.
    pub events: (usize, usize),
    /// How many lines it was joined from.
    pub lines: usize,
    /// The rule that joined them.
    pub joined_by: Option<String>,
    /// The rules that changed or excluded it, in order.
    pub applied: Vec<AppliedRule>,
    /// What tells its status; `None` where it was left out before that was asked.
    pub status_from: Option<StatusSource>,
    /// The status that it has in Datadog, where that was asked.
    pub status: Option<&'static str>,
    /// The tags of its container, and what each was taken from.
    pub tags: Vec<(String, TagOrigin)>,
    /// Why it is not sent, unless one of the rules above excluded it.
    pub left_out: Option<String>,
    pub shipped: bool,
}

impl Processed {
    /// Adds the result for other events, whose payloads follow. `control` does not change.
    pub fn add(&mut self, other: Processed) {
        let Processed { payloads, counts, control: _, oldest_ms, cluster, outcomes, duplicates } = other;
        self.payloads.extend(payloads);
        self.counts.add(&counts);
        self.oldest_ms = [self.oldest_ms, oldest_ms].into_iter().flatten().min();
        self.cluster = self.cluster.take().or(cluster);
        self.outcomes.extend(outcomes);
        self.duplicates.extend(duplicates);
    }
}
