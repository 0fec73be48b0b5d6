//! Counts of logs by what became of them.

/// How many events came in, and what became of their logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LogCounts {
    /// Events that CloudWatch sent, without those that hold a pod's metadata and no log.
    pub events: usize,
    /// Events that hold a pod's metadata and no log.
    #[serde(skip_serializing_if = "is_zero")]
    pub metadata: usize,
    /// Logs to deliver.
    pub logs: usize,
    /// Blank lines, which are not sent.
    pub blank: usize,
    /// Pieces and lines that were joined to another log.
    pub joined: usize,
    /// Lines that a `multi_line` rule could not look at, as its budget was spent: each began a log.
    pub unjoined: usize,
    /// Logs that rules, filters or annotations excluded.
    pub excluded: usize,
    /// Logs that `PODFERRY_SAMPLE` dropped.
    pub sampled: usize,
    /// Logs that this sandbox delivered before.
    pub duplicate: usize,
    /// Logs to deliver that a mask changed, or whose text is withheld.
    pub masked: usize,
    /// Logs to deliver whose text is withheld: a mask does not compile, or rules took too much work.
    pub withheld: usize,
    /// Logs to deliver whose last piece is missing.
    pub partial: usize,
    /// Logs to deliver that were truncated.
    pub truncated: usize,
    /// Logs to deliver that are too old for Datadog and are sent with another time.
    pub late: usize,
    /// Logs to deliver that are too far in the future for Datadog and are sent with another time.
    pub early: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl LogCounts {
    /// Adds other counts to these.
    pub fn add(&mut self, other: &LogCounts) {
        let LogCounts {
            events,
            metadata,
            logs,
            blank,
            joined,
            unjoined,
            excluded,
            sampled,
            duplicate,
            masked,
            withheld,
            partial,
            truncated,
            late,
            early,
        } = other;
        self.events += events;
        self.metadata += metadata;
        self.logs += logs;
        self.blank += blank;
        self.joined += joined;
        self.unjoined += unjoined;
        self.excluded += excluded;
        self.sampled += sampled;
        self.duplicate += duplicate;
        self.masked += masked;
        self.withheld += withheld;
        self.partial += partial;
        self.truncated += truncated;
        self.late += late;
        self.early += early;
    }
}
