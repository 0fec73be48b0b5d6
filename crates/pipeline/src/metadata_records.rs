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
const PARSED: [&str; 3] = [r#"{\"stream\":"#, r#"{\"log\":"#, r#"{\"time\":"#];

/// How a record of metadata begins.
const METADATA: &str = r#"{\"kubernetes\":"#;

/// How much earlier than a line what another stream of its pod told may be, where another pod may have had the same name. Fargate takes longer than that
/// to begin a pod. In milliseconds.
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

    /// What of it holds for any container of the pod.
    fn of_pod(&self) -> ToldMetadata {
        let mut object = String::from("{");
        // It was read before, so it is an object.
        let _ = json::each_member(&self.kubernetes, |key, value| {
            if !OF_CONTAINER.contains(&key) {
                push_member(&mut object, key, value);
            }
        });
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
        let begins = |escaped: &&str| message.starts_with(&escaped.replace('\\', ""));
        let has = |member: &str| message.contains(member);
        begins(&METADATA) || PARSED.iter().any(begins) && (has(r#""stream":"#) || has(r#""log":"#))
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

    /// Reads the events of a stream: the last such record counts, for the lines before it, too.
    fn read(events: &[LogEvent], origin: &StreamOrigin) -> Option<EventMetadata> {
        let mut found = EventMetadata::default();
        let (mut trust, mut unescaped) = (Trust::default(), String::new());
        for (place, event) in events.iter().enumerate() {
            // What is no string, or begins otherwise, no parser wrote: this is another configuration, and nothing is believed.
            let EventMessage::Escaped(escaped) = event.message else { return None };
            if !escaped.starts_with(METADATA) {
                PARSED.iter().any(|begin| escaped.starts_with(begin)).then_some(())?;
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
    pod: String,
    bytes: usize,
    used: u64,
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
                self.learn(stream, pod, &told, told_ms);
                EventMetadata { told: Some(told), told_ms, places, is_unknown: false }
            }
            Some(nothing) => {
                let recalled = self.recall(&stream, &pod);
                let oldest_ms = || batch.events.iter().filter_map(|event| event.timestamp).min();
                let is_known = recalled.as_ref().is_some_and(|recalled| recalled.is_of(container.pod, oldest_ms()));
                EventMetadata { is_unknown: !is_known, told: recalled.map(|recalled| recalled.told), ..nothing }
            }
        }
    }

    /// Whether it is known meanwhile.
    pub fn knows(&self, wanted: &WantedMetadata) -> bool {
        let of = |name| key(&wanted.owner, &wanted.log_group, name);
        let recalled = self.recall(&of(&wanted.log_stream), &of(&wanted.pod_prefix));
        let StreamOrigin::Container(container) = stream::origin(&wanted.log_group, &wanted.log_stream) else {
            return false;
        };
        recalled.is_some_and(|recalled| recalled.is_of(container.pod, wanted.oldest_ms))
    }

    /// Takes note of a record that was looked up: `message`, an event of `log_stream` as CloudWatch gives it. What the stream told itself
    /// meanwhile is newer, and stays. `false` if it is not the metadata that is wanted.
    pub fn teach(&self, wanted: &WantedMetadata, log_stream: &str, message: &str) -> bool {
        let Some(told) = wanted.told_by(log_stream, message) else { return false };
        let stream = key(&wanted.owner, &wanted.log_group, log_stream);
        if !self.lock().streams.contains_key(&stream) {
            self.learn(stream, key(&wanted.owner, &wanted.log_group, &wanted.pod_prefix), &told, wanted.newest_ms);
        }
        true
    }

    fn learn(&self, stream: String, pod: String, told: &ToldMetadata, told_ms: Option<i64>) {
        let mut table = self.lock();
        table.forget(&stream);
        let used = table.next_use();
        let bytes = 2 * (stream.len() + pod.len()) + told.bytes() + ENTRY_BYTES;
        table.bytes += bytes;
        table.pods.insert(pod.clone(), stream.clone());
        table.streams.insert(stream, Entry { told: told.clone(), told_ms, pod, bytes, used });
        table.shrink(self.max_bytes);
    }

    fn recall(&self, stream: &str, pod: &str) -> Option<Recalled> {
        let mut table = self.lock();
        let used = table.next_use();
        if let Some(own) = table.streams.get_mut(stream) {
            own.used = used;
            return Some(Recalled { told: own.told.clone(), told_ms: own.told_ms, is_own: true });
        }
        let sibling = table.pods.get(pod).cloned()?;
        let entry = table.streams.get_mut(&sibling)?;
        entry.used = used;
        Some(Recalled { told: entry.told.of_pod(), told_ms: entry.told_ms, is_own: false })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered for a stream.
struct Recalled {
    told: ToldMetadata,
    told_ms: Option<i64>,
    /// Told by the stream, and not by another one of its pod.
    is_own: bool,
}

impl Recalled {
    /// Whether it is that of the pod that wrote a line at this time: a StatefulSet gives a new pod the name of the one before, which may have had
    /// other annotations.
    fn is_of(&self, pod: &str, line_ms: Option<i64>) -> bool {
        let is_near = || self.told_ms.zip(line_ms).is_some_and(|(told, line)| told >= line.saturating_sub(SAME_POD_MS));
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
