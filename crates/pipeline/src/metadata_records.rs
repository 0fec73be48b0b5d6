//! Pods' metadata in records of its own: `{"kubernetes":{…}}`, with `cluster_name` behind it, and nothing else.
//!
//! With the other presets each line repeats what is the same in every line of its pod: three quarters of the bytes that CloudWatch bills. With this
//! one the lines go without, and a few records a minute, in the same log stream, say it for all of them.
//!
//! Such a record is believed only where a setting says that the preset is used, in a stream that names its container, if it speaks of that
//! container's pod, and if every other record of the event is one that a parser wrote: an application whose text is the whole message could
//! write the same (decision 0003). It is no log.

use std::borrow::Cow;
use std::sync::Arc;

use super::decode::Batch;
use super::json;
use super::log_event::{EventMessage, LogEvent};
use super::members::push_member;
use super::record::Metadata;
use super::stream::{self, Container, StreamOrigin};
use super::trust::Trust;

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
    pub(super) fn of_pod(&self, own: Option<&ToldMetadata>) -> ToldMetadata {
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

    pub(super) fn bytes(&self) -> usize {
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
    pub(super) fn told_by(&self, log_stream: &str, message: &str) -> Option<ToldMetadata> {
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
    pub(super) told_ms: Option<i64>,
    /// By their places among the events, in order.
    pub(super) places: Vec<usize>,
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
    pub(super) fn read(events: &[LogEvent], origin: &StreamOrigin) -> Option<EventMetadata> {
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

/// The stream's name as far as it is that of all containers of the pod.
pub(super) fn pod_prefix<'n>(log_stream: &'n str, container: &Container) -> &'n str {
    let pod = format!("{}_{}_", container.pod, container.namespace);
    let end = log_stream.rfind(&pod).map_or(log_stream.len(), |at| at + pod.len());
    log_stream.get(..end).unwrap_or(log_stream)
}
