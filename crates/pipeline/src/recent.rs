//! Which logs were delivered of late: Lambda, Kinesis and SQS deliver at least once, and Datadog keeps what it gets twice.
//!
//! A log is known by a [`Mark`]: a hash of its stream, id, time and text. Marks are remembered once a log is accepted or
//! saved, for as long as the sandbox lives and up to a number of them; another sandbox does not know them.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::LogLine;
use super::mark_key::MarkKey;

/// How many logs are remembered, unless `PODFERRY_REMEMBERED_LOGS` says otherwise: 1.2 MB at most.
pub const DEFAULT_REMEMBERED: usize = 100_000;

/// What a log is remembered by: 63 bits of a keyed hash. Not the same from process to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(NonZeroU64);

impl Mark {
    fn of(hash: u64) -> Mark {
        Mark(GENERATION | hash)
    }
}

/// Marks, each looked up by what it is: it is a hash already, of a key that nobody knows.
pub type MarkSet = HashSet<Mark, BuildHasherDefault<MarkHasher>>;

/// The hash of a [`Mark`]: itself.
#[derive(Debug, Default)]
pub struct MarkHasher(u64);

impl Hasher for MarkHasher {
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    /// Not called for marks, which are one number; right for anything.
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The marks of logs that were delivered. Clones share them.
#[derive(Debug, Clone)]
pub struct Recent {
    key: Arc<MarkKey>,
    marks: Arc<Mutex<Generations>>,
}

/// The bit that says the generation of what is remembered; every [`Mark`] has it. The table does not choose a place by it: it takes
/// the lowest bits, and compares the seven highest.
const GENERATION: NonZeroU64 = match NonZeroU64::new(1 << 40) {
    Some(bit) => bit,
    None => NonZeroU64::MIN,
};

/// A mark and its generation; the same mark of two generations is one.
#[derive(Debug, Clone, Copy)]
struct Remembered(u64);

impl Remembered {
    fn of(mark: Mark, has_bit: bool) -> Remembered {
        Remembered(if has_bit { mark.0.get() } else { mark.0.get() & !GENERATION.get() })
    }

    fn has_bit(self) -> bool {
        self.0 & GENERATION.get() != 0
    }

    fn mark(self) -> u64 {
        self.0 | GENERATION.get()
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Remembered) -> bool {
        self.mark() == other.mark()
    }
}

impl Eq for Remembered {}

impl Hash for Remembered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.mark());
    }
}

/// Two generations in one table, so that one look tells whether a log is known. When the newer one is half of what may be remembered, it
/// becomes the older one, and the older one is forgotten. So at least half of the number is remembered, never more than it.
#[derive(Debug)]
struct Generations {
    most: usize,
    all: HashSet<Remembered, BuildHasherDefault<MarkHasher>>,
    /// Whether the newer generation has the bit.
    newer: bool,
    /// How many marks the newer generation has.
    newer_length: usize,
}

impl Recent {
    /// Remembers at most `most` logs; 0 remembers none.
    pub fn new(most: usize, key: MarkKey) -> Recent {
        let marks = Generations { most, all: HashSet::default(), newer: false, newer_length: 0 };
        Recent { key: Arc::new(key), marks: Arc::new(Mutex::new(marks)) }
    }

    /// Remembers nothing.
    pub fn nothing() -> Recent {
        Recent::new(0, MarkKey::known())
    }

    /// For the logs of one stream.
    pub(crate) fn marker(&self, owner: &str, log_group: &str, log_stream: &str) -> Marker<'_> {
        let parts = [owner, log_group, log_stream];
        let stream = parts.iter().fold(0, |before, part| self.key.text(before, part.as_bytes()));
        Marker { key: &self.key, stream, marks: self.lock() }
    }

    /// The marks of the logs that a message of the queue holds, in their order. The same text has the same marks: a message
    /// that comes twice, or was sent twice. There are none if nothing is remembered.
    pub fn marks_within(&self, text: &str) -> impl Iterator<Item = Mark> {
        let message = self.key.text(0, text.as_bytes());
        let most = if self.lock().most == 0 { 0 } else { u64::MAX };
        (0..most).map(move |place| Mark::of(self.key.place(message, place)))
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
        if self.most == 0 {
            return;
        }
        let known = self.all.get(&Remembered::of(mark, true)).map(|known| known.has_bit());
        if known == Some(self.newer) {
            return;
        }
        // Where the number is odd, both halves would be one too many.
        while self.newer_length >= self.most.div_ceil(2) || (known.is_none() && self.all.len() >= self.most) {
            self.turn();
        }
        self.all.replace(Remembered::of(mark, self.newer));
        self.newer_length += 1;
    }

    /// Forgets the older generation; the newer one becomes the older one.
    fn turn(&mut self) {
        let newer = self.newer;
        self.all.retain(|known| known.has_bit() == newer);
        self.newer = !newer;
        self.newer_length = 0;
    }

    fn has(&self, mark: Mark) -> bool {
        self.all.contains(&Remembered::of(mark, true))
    }
}

/// Marks the logs of one stream.
#[derive(Debug)]
pub(crate) struct Marker<'r> {
    key: &'r MarkKey,
    stream: u64,
    marks: MutexGuard<'r, Generations>,
}

impl Marker<'_> {
    /// A log's mark; none without an id, since then nothing tells two equal logs apart.
    pub(crate) fn mark(&self, line: &LogLine) -> Option<Mark> {
        if line.id.is_empty() || self.marks.most == 0 {
            return None;
        }
        let time = line.timestamp.unwrap_or_default();
        // The id alone tells logs of CloudWatch apart. Events that are made by hand may use one id for many.
        Some(Mark::of(self.key.log(self.stream, line.id.as_bytes(), time, line.text.as_bytes())))
    }

    /// Whether a log was delivered before.
    pub(crate) fn is_known(&self, mark: Mark) -> bool {
        self.marks.has(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(most: usize) -> Recent {
        Recent::new(most, MarkKey::known())
    }

    fn line<'t>(id: &'t str, text: &'t str) -> LogLine<'t, 't> {
        LogLine { timestamp: Some(7), ..LogLine::sample(id, text) }
    }

    #[test]
    fn a_log_is_known_by_stream_id_time_and_text() {
        let recent = recent(100);
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
        let recent = recent(100);
        let marks = |text: &str| recent.marks_within(text).take(3).collect::<Vec<_>>();
        assert_eq!(marks("x"), marks("x"));
        let all: HashSet<Mark> = marks("x").into_iter().chain(marks("y")).collect();
        assert_eq!(all.len(), 6);
        assert_eq!(Recent::nothing().marks_within("x").next(), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        for most in [1, 2, 3, 9, 10, 11] {
            let recent = recent(most);
            let marks: Vec<Mark> = (1..=100_u64).map(|number| Mark::of(number << 3)).collect();
            let known = || marks.iter().filter(|mark| recent.is_known(**mark)).count();
            for (count, mark) in (1..).zip(&marks) {
                recent.remember([*mark, *mark]);
                let known = known();
                assert!(known <= most && known >= count.min(most.div_ceil(2)), "{known} of {count}, at most {most}");
                assert!(recent.is_known(*mark));
            }
            // What comes again counts as new, and as one.
            recent.remember(marks[99 - most / 2..].iter().chain(&marks[99 - most / 2..]).copied());
            assert!(known() <= most && recent.is_known(marks[99]));
        }
        let nothing = Recent::nothing();
        nothing.remember([Mark::of(1)]);
        assert!(!nothing.is_known(Mark::of(1)) && nothing.marker("1", "g", "s").mark(&line("1", "x")).is_none());
    }

    #[test]
    fn the_bit_of_the_generation_is_none_of_the_mark() {
        let recent = recent(2);
        let (mark, same, other) = (Mark::of(5), Mark::of(5 | GENERATION.get()), Mark::of(6));
        assert_eq!(mark, same);
        recent.remember([mark, other]);
        assert!(recent.is_known(mark) && recent.is_known(other));
        recent.remember([Mark::of(7)]);
        assert_eq!([mark, other, Mark::of(7)].map(|mark| recent.is_known(mark)), [false, true, true]);
        // No hash is without a mark.
        assert_ne!(Mark::of(0), Mark::of(1));
    }
}
