//! Pods' metadata in records of its own: `{"kubernetes":{…}}`, with `cluster_name` behind it, and nothing else.
//!
//! With the other presets each line repeats what is the same in every line of its pod: three quarters of the bytes that CloudWatch bills. With this
//! one the lines go without, and a few records a minute, in the same log stream, say it for all of them.
//!
//! Such a record is believed only where a setting says that the preset is used, in a stream that names its container, if it speaks of that
//! container's pod, and if every other record of the event is one that a parser wrote: an application whose text is the whole message could
//! write the same (decision 0003). It is no log.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::decode::Batch;
use super::generated_name;
use super::json;
use super::log_event::{EventMessage, LogEvent};
use super::members::push_member;
use super::record::Metadata;
use super::stream::{self, Container, StreamOrigin};
use super::trust::Trust;

/// How many bytes of metadata a sandbox remembers by default: an eighth of what rules may take, for some 4,000 pods.
const DEFAULT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// How the records of the preset begin, escaped as in an event: the parser's members come first. A line that the parser did not match has
/// `log` only.
const PARSED: [&str; 2] = [r#"{\"stream\":"#, r#"{\"log\":"#];

/// More than what a record begins with takes.
const HEAD_BYTES: usize = 200;

/// The same where the time of containerd is kept, and what follows it.
const TIME: &str = r#"{\"time\":\""#;
const BEHIND_TIME: [&str; 2] = [r#"stream\":"#, r#"log\":"#];

/// How a record of metadata begins.
const METADATA: &str = r#"{\"kubernetes\":"#;

/// How far apart the events of two streams may be, and be of one pod for certain, where another pod may have had the same name. Fargate takes longer than
/// that to begin a pod. In milliseconds.
const SAME_POD_MS: i64 = 30_000;

/// What is the container's own: the rest is its pod's.
/// Source: Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`.
const OF_CONTAINER: [&str; 4] = ["container_name", "docker_id", "container_hash", "container_image"];

/// What a stream's records of metadata say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToldMetadata {
    /// The `kubernetes` object, raw JSON.
    kubernetes: Arc<str>,
    cluster_name: Option<Arc<str>>,
}

impl ToldMetadata {
    /// Completes the metadata of a record that has none.
    pub(crate) fn complete<'r>(&'r self, metadata: &mut Metadata<'r>) {
        if metadata.kubernetes.is_none() {
            metadata.kubernetes = Some(Cow::Borrowed(&self.kubernetes));
            metadata.cluster_name =
                metadata.cluster_name.take().or_else(|| self.cluster_name.as_deref().map(Cow::Borrowed));
        }
    }

    /// The record again, as JSON.
    pub(crate) fn record(&self) -> String {
        let mut object = String::from("{");
        push_member(&mut object, "kubernetes", &self.kubernetes);
        if let Some(name) = &self.cluster_name {
            push_member(&mut object, "cluster_name", &serde_json::Value::from(name.as_ref()).to_string());
        }
        object.push('}');
        object
    }

    /// What of it holds for any container of the pod; with what is the container's own of `own`, where that is known.
    fn of_pod(&self, own: Option<&ToldMetadata>) -> ToldMetadata {
        let mut object = String::from("{");
        let mut take = |from: &ToldMetadata, of_container: bool| {
            // It was read before, so it is an object.
            let _ = json::each_member(&from.kubernetes, |key, value| {
                if OF_CONTAINER.contains(&key) == of_container {
                    push_member(&mut object, key, value);
                }
            });
        };
        take(self, false);
        own.into_iter().for_each(|own| take(own, true));
        object.push('}');
        ToldMetadata { kubernetes: object.into(), cluster_name: self.cluster_name.clone() }
    }

    fn bytes(&self) -> usize {
        self.kubernetes.len() + self.cluster_name.as_ref().map_or(0, |name| name.len())
    }
}

/// A log stream of a container whose metadata is not known. Records of any stream of its pod tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedMetadata {
    /// The account of the log group.
    pub owner: String,
    pub log_group: String,
    pub log_stream: String,
    /// What the names of all log streams of the pod begin with.
    pub pod_prefix: String,
    /// The times of the oldest and the newest event of the stream that want it, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    pub newest_ms: Option<i64>,
}

impl WantedMetadata {
    /// What an event of a container's stream wants.
    pub(crate) fn of(batch: &Batch, container: &Container) -> WantedMetadata {
        let times = || batch.events.iter().filter_map(|event| event.timestamp);
        WantedMetadata {
            owner: batch.owner.to_string(),
            log_group: batch.log_group.to_string(),
            log_stream: batch.log_stream.to_string(),
            pod_prefix: pod_prefix(&batch.log_stream, container).to_owned(),
            oldest_ms: times().min(),
            newest_ms: times().max(),
        }
    }

    /// Whether `message`, an event of `log_stream` as CloudWatch gives it, is the metadata that is wanted.
    pub fn is_told_by(&self, log_stream: &str, message: &str) -> bool {
        self.told_by(log_stream, message).is_some()
    }

    /// What a stream wants, whatever its events are; `None` if it is no container's.
    pub fn of_stream(owner: &str, log_group: &str, log_stream: &str) -> Option<WantedMetadata> {
        let StreamOrigin::Container(container) = stream::origin(log_group, log_stream) else { return None };
        Some(WantedMetadata {
            owner: owner.to_owned(),
            log_group: log_group.to_owned(),
            log_stream: log_stream.to_owned(),
            pod_prefix: pod_prefix(log_stream, &container).to_owned(),
            ..WantedMetadata::default()
        })
    }

    /// Whether `message`, an event of a log stream as CloudWatch gives it, can be one of the preset: metadata, or a line of a parser, which has an output
    /// or a text. One that cannot, and nothing of its stream is to be believed (decision 0003).
    pub fn is_of_preset(message: &str) -> bool {
        let mut escaped = Vec::new();
        let head = message.get(..message.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
        json::write_string(head, &mut escaped);
        let escaped = String::from_utf8_lossy(&escaped);
        let inside = escaped.get(1..).unwrap_or_default();
        inside.starts_with(METADATA) || is_parsed(inside)
    }

    /// What it says. The stream has to be one of the same pod, and the record has to agree with its name.
    fn told_by(&self, log_stream: &str, message: &str) -> Option<ToldMetadata> {
        log_stream.starts_with(&self.pod_prefix).then_some(())?;
        let origin = stream::origin(&self.log_group, log_stream);
        let StreamOrigin::Container(container) = &origin else { return None };
        (pod_prefix(log_stream, container) == self.pod_prefix).then_some(())?;
        read(message, &origin, &mut Trust::default())
    }
}

/// What an event's records of metadata say, and which they are.
#[derive(Debug, Default)]
pub(crate) struct EventMetadata {
    pub(crate) told: Option<ToldMetadata>,
    /// When it was told, in milliseconds since 1970.
    told_ms: Option<i64>,
    /// By their places among the events, in order.
    places: Vec<usize>,
    /// Whether records of metadata are expected in this stream, and neither the event nor one before it has told anything, or nothing that is sure to be
    /// of the same pod.
    pub(crate) is_unknown: bool,
}

impl EventMetadata {
    /// Whether the event at this place is such a record, and no log.
    pub(crate) fn is_at(&self, place: usize) -> bool {
        self.places.binary_search(&place).is_ok()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether a record has its metadata from here, and that is only likely to be its pod's.
    pub(crate) fn is_guess(&self, metadata: &Metadata) -> bool {
        let told = self.told.as_ref().filter(|_| self.is_unknown);
        told.is_some_and(|told| metadata.kubernetes.as_deref() == Some(told.kubernetes.as_ref()))
    }

    /// Reads the events of a stream: the last such record counts, for the lines before it, too.
    fn read(events: &[LogEvent], origin: &StreamOrigin) -> Option<EventMetadata> {
        let mut found = EventMetadata::default();
        let (mut trust, mut unescaped) = (Trust::default(), String::new());
        for (place, event) in events.iter().enumerate() {
            // What is no string, or begins otherwise, no parser wrote: this is another configuration, and nothing is believed.
            let EventMessage::Escaped(escaped) = event.message else { return None };
            if !escaped.starts_with(METADATA) {
                is_parsed(escaped).then_some(())?;
                continue;
            }
            unescaped.clear();
            json::unescape_into(escaped, &mut unescaped);
            if let Some(told) = read(&unescaped, origin, &mut trust) {
                found.places.push(place);
                (found.told, found.told_ms) = (Some(told), event.timestamp);
            }
        }
        Some(found)
    }
}

/// Whether an escaped message begins as one of a parser. Loggers write the time first, too, and behind it what a parser never puts there.
fn is_parsed(escaped: &str) -> bool {
    match escaped.strip_prefix(TIME) {
        Some(behind) => behind
            .split_once(r#"\",\""#)
            .is_some_and(|(_, behind)| BEHIND_TIME.iter().any(|next| behind.starts_with(next))),
        None => PARSED.iter().any(|begin| escaped.starts_with(begin)),
    }
}

/// Reads a record that is metadata and nothing else.
fn read(text: &str, origin: &StreamOrigin, trust: &mut Trust) -> Option<ToldMetadata> {
    let (mut kubernetes, mut cluster_name, mut number, mut is_alone) = (None, None, 0, true);
    let whole = json::each_member(text, |key, value| {
        match (number, key) {
            (0, "kubernetes") => kubernetes = Some(value),
            (1, "cluster_name") => cluster_name = json::string(value),
            _ => is_alone = false,
        }
        number += 1;
    });
    let kubernetes = kubernetes.filter(|object| whole.is_ok() && is_alone && trust.of(object, origin))?;
    Some(ToldMetadata { kubernetes: kubernetes.into(), cluster_name: cluster_name.map(Arc::from) })
}

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

/// The stream's name as far as it is that of all containers of the pod.
fn pod_prefix<'n>(log_stream: &'n str, container: &Container) -> &'n str {
    let pod = format!("{}_{}_", container.pod, container.namespace);
    let end = log_stream.rfind(&pod).map_or(log_stream.len(), |at| at + pod.len());
    log_stream.get(..end).unwrap_or(log_stream)
}
