//! How many logs there were, and what became of them.

/// What became of the events, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LogCounts {
    /// Events that CloudWatch sent.
    pub events: usize,
    /// Logs to deliver.
    pub logs: usize,
    /// Blank lines, which are not shipped.
    pub blank: usize,
    /// Pieces and lines that became part of another log.
    pub joined: usize,
    /// Logs that rules, filters or annotations left out.
    pub excluded: usize,
    /// Logs that `PODFERRY_SAMPLE` left out.
    pub sampled: usize,
    /// Logs that were delivered before, by this sandbox.
    pub duplicate: usize,
    /// Logs, of those to deliver, that a mask changed.
    pub masked: usize,
    /// Logs whose end never came.
    pub partial: usize,
    /// Logs that were cut.
    pub truncated: usize,
    /// Logs, of those to deliver, that are too old for Datadog and are sent with another time.
    pub late: usize,
}

impl LogCounts {
    /// Adds those of others.
    pub fn add(&mut self, other: &LogCounts) {
        let LogCounts { events, logs, blank, joined, excluded, sampled, duplicate, masked, partial, truncated, late } =
            other;
        self.events += events;
        self.logs += logs;
        self.blank += blank;
        self.joined += joined;
        self.excluded += excluded;
        self.sampled += sampled;
        self.duplicate += duplicate;
        self.masked += masked;
        self.partial += partial;
        self.truncated += truncated;
        self.late += late;
    }
}
