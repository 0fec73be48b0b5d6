//! What each step made of an event: the record that Fluent Bit wrote, who wrote it, what it was joined with, and the log. Pure.

use serde_json::{Value, json};

use super::datadog_log::{DatadogLog, LogForm};
use super::found::{FoundEvent, StreamEvent};
use crate::aws::backfill::event::{EventOrigin, HistoryEvent, content};
use pipeline::compress::Compression;
use pipeline::json as raw;
use pipeline::record_parts::{self, RecordParts, StreamWriter};
use pipeline::{LogOutcome, PipelineSettings};

/// What CloudWatch bills for an event beside its message, in bytes. Source: Amazon CloudWatch Logs API reference, `PutLogEvents`.
pub(super) const EVENT_OVERHEAD: usize = 26;

/// What Fluent Bit wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordShown {
    /// The members of its object, and their bytes; empty where it is no JSON.
    pub(super) members: Vec<(String, usize)>,
    /// What it was recognised as.
    pub(super) layout: String,
    pub(super) parts: RecordParts,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum EventFate {
    /// There is a log of it. `None`: it was left out.
    Log {
        outcome: Box<LogOutcome>,
        item: Option<Value>,
        bytes: usize,
    },
    Blank,
    /// It is a pod's metadata and no line.
    Metadata,
}

/// Everything about one event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explanation {
    pub(super) record: RecordShown,
    pub(super) writer: StreamWriter,
    /// The events that the log was made of, by their places; the event alone where there is no log.
    pub(super) made_of: Vec<usize>,
    pub(super) fate: EventFate,
    /// The log in Datadog has fewer lines than these events make together: CloudWatch handed them over in several batches.
    pub(super) is_cut_by_batch: bool,
}

/// Runs the event through the pipeline, together with what was read around it.
///
/// # Errors
/// What the pipeline says of the content.
pub(super) fn explain(
    found: &FoundEvent,
    log: &DatadogLog,
    settings: &PipelineSettings,
    function_arn: &str,
) -> Result<Explanation, String> {
    let settings = PipelineSettings { compression: Compression::None, ..settings.clone() };
    let outputs: Vec<EventOutput> = found.events.iter().map(|event| output_of(found, event)).collect();
    let all = Shipped::of(&found.content, 0, &outputs, &settings, function_arn)?;
    // As Datadog has it: other lines were not in the same batch.
    let exact = log.message.as_deref().filter(|_| log.form == LogForm::Sent);
    let is_other = |shipped: &Shipped| exact.is_some_and(|exact| !shipped.is(found.place, exact));
    let cut = is_other(&all).then(|| {
        all.cuts(found.place).find_map(|(start, end)| {
            let events = found.events.get(start..end)?;
            let one = Shipped::of(&rebuilt(found, events), start, &outputs, &settings, function_arn).ok()?;
            (!is_other(&one)).then_some(one)
        })
    });
    let cut = cut.flatten();
    let is_cut_by_batch = cut.is_some();
    let shipped = cut.unwrap_or(all);
    let at = shipped.at(found.place);
    let made_of = match at {
        Some((outcome, _)) => shipped.made_of(outcome),
        None => vec![found.place],
    };
    let first = made_of.first().copied().unwrap_or(found.place);
    let record = found.events.get(first).map(|event| record_shown(found, event)).ok_or("the event is not there")?;
    let fate = match at {
        Some((outcome, item)) => {
            let bytes = item.map(|(_, bytes)| *bytes).unwrap_or_default();
            EventFate::Log { outcome: Box::new(outcome.clone()), item: item.map(|(item, _)| item.clone()), bytes }
        }
        None if outputs.get(found.place) == Some(&EventOutput::Metadata) => EventFate::Metadata,
        None => EventFate::Blank,
    };
    let writer = record_parts::writer(&found.log_group, &found.log_stream, record.parts.kubernetes.as_deref());
    Ok(Explanation { record, writer, made_of, fate, is_cut_by_batch })
}

/// Which output an event is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventOutput {
    Stdout,
    Stderr,
    /// Of none: it is a pod's metadata.
    Metadata,
}

fn output_of(found: &FoundEvent, event: &StreamEvent) -> EventOutput {
    match parts_of(found, event) {
        RecordParts { is_metadata: true, .. } => EventOutput::Metadata,
        RecordParts { is_stderr: true, .. } => EventOutput::Stderr,
        _ => EventOutput::Stdout,
    }
}

/// The logs of some of the events.
struct Shipped<'o> {
    /// How many events stand before these.
    offset: usize,
    /// Of all events.
    outputs: &'o [EventOutput],
    /// With what is sent, and its bytes.
    logs: Vec<(LogOutcome, Option<(Value, usize)>)>,
}

impl<'o> Shipped<'o> {
    fn of(
        content: &str,
        offset: usize,
        outputs: &'o [EventOutput],
        settings: &PipelineSettings,
        function_arn: &str,
    ) -> Result<Shipped<'o>, String> {
        let processed =
            pipeline::explain_content(content, function_arn, settings, None).map_err(|error| error.to_string())?;
        let mut items = Vec::new();
        for payload in &processed.payloads {
            let plain = payload.plain().unwrap_or_default();
            for piece in payload.pieces(&plain) {
                items.push((serde_json::from_slice(piece).unwrap_or(Value::Null), piece.len()));
            }
        }
        let mut items = items.into_iter();
        let logs = processed.outcomes.into_iter().map(|outcome| {
            let item = if outcome.shipped { items.next() } else { None };
            (outcome, item)
        });
        Ok(Shipped { offset, outputs, logs: logs.collect() })
    }

    /// The first and the last event of a log.
    fn range(&self, outcome: &LogOutcome) -> (usize, usize) {
        (outcome.events.0 + self.offset, outcome.events.1 + self.offset)
    }

    /// The log that this event is in: the one between whose ends it lies, and which is of the same output.
    fn at(&self, place: usize) -> Option<(&LogOutcome, Option<&(Value, usize)>)> {
        let found = self.logs.iter().find(|(outcome, _)| {
            let (first, last) = self.range(outcome);
            (first..=last).contains(&place) && self.outputs.get(first) == self.outputs.get(place)
        });
        found.map(|(outcome, item)| (outcome, item.as_ref()))
    }

    fn is(&self, place: usize, message: &str) -> bool {
        self.at(place).and_then(|(_, item)| item).is_some_and(|(item, _)| item["message"] == message)
    }

    /// Where the batch of the event may have begun and ended: before it, and behind each event that its log has now.
    fn cuts(&self, place: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        /// A log has rarely more lines, and each cut is a run of the pipeline.
        const MAX_ENDS: usize = 200;
        let (first, last) = self.at(place).map_or((place, place), |(outcome, _)| self.range(outcome));
        let ends = (place..=last).map(|place| place + 1).take(MAX_ENDS);
        let by_end = ends.flat_map(move |end| [first, place].map(|start| (start, end)));
        std::iter::once((place, self.outputs.len())).chain(by_end)
    }

    /// The events of a log: those of its output between its first and its last.
    fn made_of(&self, outcome: &LogOutcome) -> Vec<usize> {
        let (first, last) = self.range(outcome);
        (first..=last).filter(|place| self.outputs.get(*place) == self.outputs.get(first)).collect()
    }
}

/// The content that CloudWatch would have handed over of some of the events.
fn rebuilt(found: &FoundEvent, events: &[StreamEvent]) -> String {
    let origin = EventOrigin { owner: found.owner.clone(), group: found.log_group.clone() };
    let events: Vec<HistoryEvent> = events
        .iter()
        .map(|event| HistoryEvent {
            id: event.id.clone(),
            stream: found.log_stream.clone(),
            timestamp: event.timestamp_ms.unwrap_or_default(),
            message: event.message.clone(),
        })
        .collect();
    content(&origin, &found.log_stream, &events)
}

fn parts_of(found: &FoundEvent, event: &StreamEvent) -> RecordParts {
    record_parts::parts(&found.log_group, &found.log_stream, event.timestamp_ms, &event.message)
}

fn record_shown(found: &FoundEvent, event: &StreamEvent) -> RecordShown {
    let mut members = Vec::new();
    let is_object = event.message.trim_start().starts_with('{')
        && raw::each_member(&event.message, |name, value| members.push((name.to_owned(), value.len()))).is_ok();
    if !is_object {
        members.clear();
    }
    let parts = parts_of(found, event);
    let layout = layout(&event.message, &members, &parts);
    RecordShown { members, layout, parts }
}

fn layout(message: &str, members: &[(String, usize)], parts: &RecordParts) -> String {
    let has = |name: &str| members.iter().any(|(known, _)| known == name);
    if parts.is_metadata {
        return "a pod's metadata and no line".to_owned();
    }
    let line = if members.is_empty() && parts.text != message {
        "text: containerd's prefix and the line"
    } else if members.is_empty() {
        "text as it stands"
    } else if record_parts::has_prefix(message) {
        "a JSON object, with containerd's prefix in `log`: no parser took it apart"
    } else if has("logtag") || has("stream") {
        "a JSON object, with the parts of containerd's prefix as members"
    } else if has("log") {
        "a JSON object with the line in `log`"
    } else {
        "a JSON object without `log`: the application's members, or those of a parser"
    };
    let metadata = if parts.kubernetes.is_some() { ", and the Kubernetes filter's metadata" } else { "" };
    format!("{line}{metadata}")
}

impl Explanation {
    /// For programs.
    pub(super) fn record_json(&self) -> Value {
        let RecordParts { is_stderr, is_piece, kubernetes, cluster_name, is_metadata, .. } = &self.record.parts;
        let members: serde_json::Map<String, Value> =
            self.record.members.iter().map(|(name, bytes)| (name.clone(), Value::from(*bytes))).collect();
        json!({
            "layout": self.record.layout, "members_bytes": members, "output": if *is_stderr { "stderr" } else { "stdout" },
            "is_piece": is_piece, "is_metadata": is_metadata, "kubernetes_bytes": kubernetes.as_ref().map(String::len),
            "cluster_name": cluster_name,
        })
    }

    /// For programs.
    pub(super) fn writer_json(&self) -> Value {
        let StreamWriter { namespace, pod, owner_kind, owner, container } = &self.writer;
        json!({ "namespace": namespace, "pod": pod, "container": container, "owner_kind": owner_kind, "owner": owner })
    }
}
