//! What an event became: payloads, numbers, and where it is asked for, what became of each log.

use super::batch::Payload;
use super::counts::LogCounts;
use super::rules::AppliedRule;

/// What an event became.
#[derive(Debug, Default)]
pub struct Processed {
    pub payloads: Vec<Payload>,
    pub counts: LogCounts,
    /// CloudWatch only asked whether we are there.
    pub control: bool,
    /// The time of the oldest log to deliver, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// The cluster of the first container whose cluster is known.
    pub cluster: Option<String>,
    /// What became of each log but the blank ones, in order, if it was asked for.
    pub outcomes: Vec<LogOutcome>,
}

/// What became of one log, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOutcome {
    pub id: String,
    pub(crate) timestamp: Option<i64>,
    /// How many lines it was joined from, and by what.
    pub lines: usize,
    pub joined_by: Option<String>,
    /// What rules did to it, in order.
    pub applied: Vec<AppliedRule>,
    /// Why it is not shipped, unless a rule above says so.
    pub left_out: Option<String>,
    pub shipped: bool,
}

impl Processed {
    /// Adds what became of other events; their payloads come behind. Whether it is a control message stays as it is.
    pub fn add(&mut self, other: Processed) {
        let Processed { payloads, counts, control: _, oldest_ms, cluster, outcomes } = other;
        self.payloads.extend(payloads);
        self.counts.add(&counts);
        self.oldest_ms = [self.oldest_ms, oldest_ms].into_iter().flatten().min();
        self.cluster = self.cluster.take().or(cluster);
        self.outcomes.extend(outcomes);
    }
}
