//! Which logs were delivered of late: Lambda, Kinesis and SQS deliver at least once, and Datadog keeps what it gets twice.
//!
//! A log is known by a [`Mark`]: a hash of its stream, id, time and text. Marks are remembered once a log is accepted or
//! saved, for as long as the sandbox lives and up to a number of them; another sandbox does not know them.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::LogLine;

/// How many logs are remembered, unless `PODFERRY_REMEMBERED_LOGS` says otherwise: 2 MB at most.
pub(crate) const DEFAULT_REMEMBERED: usize = 100_000;

/// What a log is remembered by. Not the same from process to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(NonZeroU64);

/// The marks of logs that were delivered. Clones share them.
#[derive(Debug, Clone)]
pub struct Recent {
    keys: RandomState,
    marks: Arc<Mutex<Generations>>,
}

impl Default for Recent {
    fn default() -> Self {
        Recent::new(DEFAULT_REMEMBERED)
    }
}

/// Two sets: when the newer one is full, it becomes the older one, and the older one is forgotten. So at least half of the
/// number is remembered, never more than it, and nothing has to be moved.
#[derive(Debug)]
struct Generations {
    half: usize,
    newer: HashSet<Mark>,
    older: HashSet<Mark>,
}

impl Recent {
    /// Remembers at most `most` logs; 0 remembers none.
    pub fn new(most: usize) -> Recent {
        let marks = Generations { half: most.div_ceil(2), newer: HashSet::new(), older: HashSet::new() };
        Recent { keys: RandomState::new(), marks: Arc::new(Mutex::new(marks)) }
    }

    /// For the logs of one stream.
    pub(crate) fn marker(&self, owner: &str, log_group: &str, log_stream: &str) -> Marker<'_> {
        let mut hasher = self.keys.build_hasher();
        for part in [owner, log_group, log_stream] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff);
        }
        Marker { stream: hasher, marks: self.lock() }
    }

    /// The marks of the logs that a message of the queue holds, in their order. The same text has the same marks: a message
    /// that comes twice, or was sent twice. There are none if nothing is remembered.
    pub fn marks_within(&self, text: &str) -> impl Iterator<Item = Mark> {
        let message = self.keys.hash_one(text);
        let most = if self.lock().half == 0 { 0 } else { u64::MAX };
        (0..most).filter_map(move |number| NonZeroU64::new(self.keys.hash_one((message, number))).map(Mark))
    }

    /// Whether something was remembered.
    pub fn is_known(&self, mark: Mark) -> bool {
        self.lock().has(mark)
    }

    /// Remembers these logs.
    pub fn remember(&self, marks: impl IntoIterator<Item = Mark>) {
        let mut generations = self.lock();
        for mark in marks {
            generations.add(mark);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn add(&mut self, mark: Mark) {
        if self.half == 0 {
            return;
        }
        if self.newer.len() >= self.half && !self.newer.contains(&mark) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(mark);
    }

    fn has(&self, mark: Mark) -> bool {
        self.newer.contains(&mark) || self.older.contains(&mark)
    }
}

/// Marks the logs of one stream.
#[derive(Debug)]
pub(crate) struct Marker<'r> {
    stream: <RandomState as BuildHasher>::Hasher,
    marks: MutexGuard<'r, Generations>,
}

impl Marker<'_> {
    /// A log's mark; none without an id, since then nothing tells two equal logs apart.
    pub(crate) fn mark(&self, line: &LogLine) -> Option<Mark> {
        if line.id.is_empty() || self.marks.half == 0 {
            return None;
        }
        // The id alone tells logs of CloudWatch apart. Events that are made by hand may use one id for many.
        let mut text = flate2::Crc::new();
        text.update(line.text.as_bytes());
        let mut hasher = self.stream.clone();
        hasher.write(line.id.as_bytes());
        hasher.write_i64(line.timestamp.unwrap_or_default());
        hasher.write_u32(text.sum());
        NonZeroU64::new(hasher.finish()).map(Mark)
    }

    /// Whether a log was delivered before.
    pub(crate) fn is_known(&self, mark: Mark) -> bool {
        self.marks.has(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'t>(id: &'t str, text: &'t str) -> LogLine<'t, 't> {
        LogLine { timestamp: Some(7), ..LogLine::sample(id, text) }
    }

    #[test]
    fn a_log_is_known_by_stream_id_time_and_text() {
        let recent = Recent::default();
        let mark = |stream: &str, line: &LogLine| recent.marker("1", "g", stream).mark(line).unwrap();
        let first = mark("s", &line("1", "x"));
        recent.remember([first]);
        let is_known = |stream: &str, line: &LogLine| {
            let marker = recent.marker("1", "g", stream);
            marker.mark(line).is_some_and(|mark| marker.is_known(mark))
        };
        assert!(is_known("s", &line("1", "x")));
        assert!(!is_known("t", &line("1", "x")) && !is_known("s", &line("2", "x")) && !is_known("s", &line("1", "y")));
        assert!(!is_known("s", &LogLine { timestamp: Some(8), ..line("1", "x") }));
        // Without an id it is never known.
        assert!(recent.marker("1", "g", "s").mark(&line("", "x")).is_none());
    }

    #[test]
    fn the_logs_of_a_message_are_known_by_its_text_and_their_places() {
        let recent = Recent::default();
        let marks = |text: &str| recent.marks_within(text).take(3).collect::<Vec<_>>();
        assert_eq!(marks("x"), marks("x"));
        let all: HashSet<Mark> = marks("x").into_iter().chain(marks("y")).collect();
        assert_eq!(all.len(), 6);
        assert_eq!(Recent::new(0).marks_within("x").next(), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let recent = Recent::new(10);
        let marks: Vec<Mark> = (1..=100).filter_map(|number| NonZeroU64::new(number).map(Mark)).collect();
        for (count, mark) in (1..).zip(&marks) {
            recent.remember([*mark, *mark]);
            let known = marks.iter().filter(|mark| recent.lock().has(**mark)).count();
            assert!(known <= 10 && known >= count.min(5), "{known} of {count}");
            assert!(recent.lock().has(*mark));
        }
        let nothing = Recent::new(0);
        nothing.remember(marks.clone());
        assert!(!nothing.lock().has(marks[0]) && nothing.marker("1", "g", "s").mark(&line("1", "x")).is_none());
    }
}
