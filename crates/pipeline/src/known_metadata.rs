//! What streams told of their pods' metadata, remembered by a sandbox for the events that have none.
//!
//! What another container of the pod told holds, too, as far as it is the pod's; and where pods are given names again, only if both are sure to be of
//! the same pod. What was not used for the longest time is forgotten first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::decode::Batch;
use super::generated_name;
use super::log_event::LogEvent;
use super::metadata_records::{EventMetadata, ToldMetadata, WantedMetadata, pod_prefix};
use super::stream::{self, StreamOrigin};

/// How many bytes of metadata a sandbox remembers by default: an eighth of what rules may take, for some 4,000 pods.
const DEFAULT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// How far apart the events of two streams may be, and be of one pod for certain, where another pod may have had the same name. Fargate takes longer than
/// that to begin a pod. In milliseconds.
const SAME_POD_MS: i64 = 30_000;

/// Metadata by stream, for the events that have none. Lives as long as the settings do; clones share it.
#[derive(Debug, Clone)]
pub struct KnownMetadata {
    table: Arc<Mutex<Table>>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Table {
    streams: HashMap<String, Entry>,
    /// The stream of each pod that told something last.
    pods: HashMap<String, String>,
    bytes: usize,
    /// Counts up with every use.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    told: ToldMetadata,
    told_ms: Option<i64>,
    /// When its container is known to have written.
    seen: Option<Period>,
    pod: String,
    bytes: usize,
    used: u64,
}

/// From the oldest to the newest event, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    oldest_ms: i64,
    newest_ms: i64,
}

impl Period {
    fn of(times: impl IntoIterator<Item = i64>) -> Option<Period> {
        times.into_iter().map(|time| Period { oldest_ms: time, newest_ms: time }).reduce(Period::with)
    }

    fn of_events(events: &[LogEvent]) -> Option<Period> {
        Period::of(events.iter().filter_map(|event| event.timestamp))
    }

    fn of_wanted(wanted: &WantedMetadata) -> Option<Period> {
        Period::of([wanted.oldest_ms, wanted.newest_ms].into_iter().flatten())
    }

    fn with(self, other: Period) -> Period {
        Period { oldest_ms: self.oldest_ms.min(other.oldest_ms), newest_ms: self.newest_ms.max(other.newest_ms) }
    }

    /// Whether two containers of a pod of this name are of the same pod, if they wrote then. One pod ends before the next one of its name begins.
    fn is_near(self, other: Period) -> bool {
        let gap = |first: Period, then: Period| then.oldest_ms.saturating_sub(first.newest_ms);
        gap(self, other).max(gap(other, self)) <= SAME_POD_MS
    }
}

impl Default for KnownMetadata {
    fn default() -> Self {
        KnownMetadata::of_bytes(DEFAULT_MAX_BYTES)
    }
}

impl KnownMetadata {
    /// Remembers at most `max_bytes`; what was not used for the longest time is forgotten first.
    pub fn of_bytes(max_bytes: usize) -> KnownMetadata {
        KnownMetadata { table: Arc::default(), max_bytes }
    }

    /// How many bytes are remembered.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// What is known of the metadata of an event's stream: from the event itself, else from one before it, else from that of another container of
    /// the pod.
    pub(crate) fn of_event(&self, batch: &Batch, origin: &StreamOrigin) -> EventMetadata {
        let StreamOrigin::Container(container) = origin else { return EventMetadata::default() };
        let stream = key(&batch.owner, &batch.log_group, &batch.log_stream);
        let pod = key(&batch.owner, &batch.log_group, pod_prefix(&batch.log_stream, container));
        match EventMetadata::read(&batch.events, origin) {
            // Somebody else's lines are here: what was told before may have been theirs, too.
            None => {
                self.lock().forget(&stream);
                EventMetadata::default()
            }
            Some(EventMetadata { told: Some(told), told_ms, places, .. }) => {
                // CloudWatch gives each event a time. The rest of an event has one without, which says what this sandbox made of what is known.
                if told_ms.is_some() {
                    self.learn(stream, pod, &told, told_ms, Period::of_events(&batch.events));
                }
                EventMetadata { told: Some(told), told_ms, places, is_unknown: false }
            }
            Some(nothing) => {
                let recalled = self.recall(&stream, &pod, container.pod);
                let seen = || Period::of_events(&batch.events);
                let is_known = recalled.as_ref().is_some_and(|recalled| recalled.is_of(container.pod, seen));
                EventMetadata { is_unknown: !is_known, told: recalled.map(|recalled| recalled.told), ..nothing }
            }
        }
    }

    /// Whether it is known meanwhile.
    pub fn knows(&self, wanted: &WantedMetadata) -> bool {
        let of = |name| key(&wanted.owner, &wanted.log_group, name);
        let StreamOrigin::Container(container) = stream::origin(&wanted.log_group, &wanted.log_stream) else {
            return false;
        };
        let recalled = self.recall(&of(&wanted.log_stream), &of(&wanted.pod_prefix), container.pod);
        recalled.is_some_and(|recalled| recalled.is_of(container.pod, || Period::of_wanted(wanted)))
    }

    /// Takes note of a record that was looked up: `message`, an event of `log_stream` as CloudWatch gives it. What the stream told itself
    /// meanwhile is newer, and stays. `false` if it is not the metadata that is wanted.
    pub fn teach(&self, wanted: &WantedMetadata, log_stream: &str, message: &str) -> bool {
        let Some(told) = wanted.told_by(log_stream, message) else { return false };
        let stream = key(&wanted.owner, &wanted.log_group, log_stream);
        // What is wanted was written then by the stream that wants it, and says nothing of another one.
        let seen = Period::of_wanted(wanted).filter(|_| log_stream == wanted.log_stream);
        if let Some(entry) = self.lock().streams.get_mut(&stream) {
            entry.saw(seen);
            return true;
        }
        let pod = key(&wanted.owner, &wanted.log_group, &wanted.pod_prefix);
        self.learn(stream, pod, &told, wanted.oldest_ms.or(wanted.newest_ms), seen);
        true
    }

    /// Takes note of what a stream told, unless it told something newer: an event may come again after hours.
    fn learn(&self, stream: String, pod: String, told: &ToldMetadata, told_ms: Option<i64>, seen: Option<Period>) {
        let mut table = self.lock();
        let used = table.next_use();
        if let Some(entry) = table.streams.get_mut(&stream) {
            entry.used = used;
            entry.saw(seen);
            if entry.told_ms > told_ms {
                return;
            }
        }
        let seen = table.streams.get(&stream).map_or(seen, |entry| entry.seen);
        table.forget(&stream);
        let bytes = 2 * (stream.len() + pod.len()) + told.bytes() + ENTRY_BYTES;
        table.bytes += bytes;
        let last = table.pods.get(&pod).and_then(|last| table.streams.get(last));
        if last.is_none_or(|last| last.told_ms <= told_ms) {
            table.pods.insert(pod.clone(), stream.clone());
        }
        table.streams.insert(stream, Entry { told: told.clone(), told_ms, seen, pod, bytes, used });
        table.shrink(self.max_bytes);
    }

    /// What is remembered for a stream of the pod of this name: what it told itself, and what another one told of the pod, if that is newer.
    fn recall(&self, stream: &str, pod: &str, pod_name: &str) -> Option<Recalled> {
        let mut table = self.lock();
        let used = table.next_use();
        let sibling = table.pods.get(pod).filter(|last| *last != stream).cloned();
        let own = table.streams.get_mut(stream).map(|own| {
            own.used = used;
            (own.told.clone(), own.told_ms, own.seen)
        });
        let sibling = sibling.and_then(|sibling| table.streams.get_mut(&sibling));
        match (own, sibling) {
            (Some((own, told_ms, seen)), Some(sibling))
                if sibling.told_ms > told_ms && Recalled::of_sibling(sibling, None).is_of(pod_name, || seen) =>
            {
                sibling.used = used;
                Some(Recalled { is_own: true, ..Recalled::of_sibling(sibling, Some(&own)) })
            }
            (Some((told, _, seen)), _) => Some(Recalled { told, seen, is_own: true }),
            (None, Some(sibling)) => {
                sibling.used = used;
                Some(Recalled::of_sibling(sibling, None))
            }
            (None, None) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The container wrote at this time, too.
    fn saw(&mut self, seen: Option<Period>) {
        self.seen = [self.seen, seen].into_iter().flatten().reduce(Period::with);
    }
}

/// What is remembered for a stream.
struct Recalled {
    told: ToldMetadata,
    /// When the stream that told it is known to have written.
    seen: Option<Period>,
    /// Told by the stream, and not by another one of its pod.
    is_own: bool,
}

impl Recalled {
    fn of_sibling(sibling: &Entry, own: Option<&ToldMetadata>) -> Recalled {
        Recalled { told: sibling.told.of_pod(own), seen: sibling.seen, is_own: false }
    }

    /// Whether it is that of the pod of which a container wrote at this time: a StatefulSet gives a new pod the name of the one before, and either may
    /// have annotations that the other has not.
    fn is_of(&self, pod: &str, wrote: impl FnOnce() -> Option<Period>) -> bool {
        let is_near = || self.seen.zip(wrote()).is_some_and(|(told, wrote)| told.is_near(wrote));
        self.is_own || generated_name::is_unique(pod) || is_near()
    }
}

impl Table {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn forget(&mut self, stream: &str) {
        let Some(entry) = self.streams.remove(stream) else { return };
        self.bytes -= entry.bytes;
        if self.pods.get(&entry.pod).is_some_and(|last| last == stream) {
            self.pods.remove(&entry.pod);
        }
    }

    /// Forgets what was not used for the longest time, if there is too much; then some more, so that this need not be done each time.
    fn shrink(&mut self, max_bytes: usize) {
        if self.bytes <= max_bytes {
            return;
        }
        let mut all: Vec<(u64, String)> = self.streams.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        all.sort_unstable_by_key(|(used, _)| *used);
        for (_, stream) in all {
            if self.bytes <= max_bytes / 4 * 3 {
                break;
            }
            self.forget(&stream);
        }
    }
}

/// What a stream, or a pod, is remembered by.
fn key(owner: &str, log_group: &str, name: &str) -> String {
    format!("{owner}\n{log_group}\n{name}")
}
