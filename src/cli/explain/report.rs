//! What was found of a log, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::compare::{differences, marks};
use super::datadog_log::{DatadogLog, LogForm};
use super::found::{FoundEvent, StreamEvent, WaitingLog};
use super::live::Missing;
use super::steps::{EVENT_OVERHEAD, EventFate, Explanation};
use crate::cli::show::{self, part, shortened};
use crate::cli::shown_logs;
use pipeline::counted::counted;
use pipeline::entry::MAX_ITEM_BYTES;
use pipeline::record_parts::StreamWriter;

/// How much of a message is shown, in characters; `--output json` has all of it.
const MESSAGE: usize = 1_000;

/// How much of each of several messages.
const MESSAGE_OF_SEVERAL: usize = 160;

/// How many events of a log are shown.
const MAX_EVENTS: usize = 50;

/// A log, and what was found of it.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) log: DatadogLog,
    pub(super) end: TraceEnd,
}

#[derive(Debug)]
pub(super) enum TraceEnd {
    /// `queue`: the event is not in CloudWatch Logs but in a message of this queue.
    Explained {
        event: Box<FoundEvent>,
        explanation: Box<Explanation>,
        queue: Option<String>,
    },
    /// It is ready to be sent, in a message of a queue.
    Waiting {
        queue: String,
        waiting: WaitingLog,
    },
    Missing(Missing),
}

/// All of them, with a blank line between.
pub(super) fn show_all(out: &mut impl Write, traces: &[Trace]) -> io::Result<()> {
    for (number, trace) in traces.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        trace.show(out)?;
    }
    Ok(())
}

impl Trace {
    fn show(&self, out: &mut impl Write) -> io::Result<()> {
        self.given(out)?;
        match &self.end {
            TraceEnd::Missing(missing) => {
                show::title(out, "CloudWatch Logs")?;
                part(out, "no event", &missing.to_string())
            }
            TraceEnd::Waiting { queue, waiting } => {
                show::title(out, "podferry's queue")?;
                let WaitingLog { log, reason, attempts, logs } = waiting;
                let message = counted(*logs, "log");
                part(out, "waits in", &format!("{queue}, in a message with {message}"))?;
                part(out, "because of", &format!("{reason}, after {}", counted(*attempts as usize, "failed attempt")))?;
                show::title(out, "Datadog will get")?;
                shown_logs::log(out, log)
            }
            TraceEnd::Explained { event, explanation, queue } => {
                events(out, event, explanation, queue.as_deref())?;
                record(out, explanation)?;
                self.made(out, event, explanation)
            }
        }
    }

    /// What the log tells of itself.
    fn given(&self, out: &mut impl Write) -> io::Result<()> {
        let log = &self.log;
        let id = log.id.as_deref().unwrap_or("(the log has no `id`)");
        show::first_title(out, &format!("log {id}"))?;
        if log.form != LogForm::Id {
            let sent_by = match (log.other_forwarder(), &log.function_arn) {
                (Some(version), _) => Some(format!("Datadog's forwarder {version}, not podferry")),
                (None, arn) => arn.clone(),
            };
            sent_by.map_or(Ok(()), |sent_by| part(out, "sent by", &sent_by))?;
        }
        marks(log).into_iter().try_for_each(|mark| part(out, "mark", &mark))
    }

    /// The log that podferry makes of the event.
    fn made(&self, out: &mut impl Write, event: &FoundEvent, explanation: &Explanation) -> io::Result<()> {
        show::title(out, "podferry")?;
        part(out, "written by", &writer(&explanation.writer))?;
        let EventFate::Log { outcome, item, bytes } = &explanation.fate else {
            let what = match explanation.fate {
                EventFate::Metadata => "no log: the record holds the metadata of its stream's lines",
                _ => "no log: the line is blank, which is counted and not sent",
            };
            return part(out, "made", what);
        };
        part(out, "rules", &shown_logs::outcome_text(outcome))?;
        if explanation.made_of.len() > 1 {
            part(out, "made of", &format!("{}, all of the same output", counted(explanation.made_of.len(), "event")))?;
        }
        if explanation.is_cut_by_batch {
            let why =
                "CloudWatch Logs handed its lines over in several batches: lines of another batch are separate logs";
            part(out, "batch", why)?;
        }
        let Some(item) = item else { return Ok(()) };
        part(out, "time from", time_from(item, event, explanation))?;
        shown_logs::log_with(out, item, Some(outcome))?;
        part(out, "size", &format!("{bytes} bytes of JSON before compression, of {MAX_ITEM_BYTES} at most"))?;
        self.compared(out, item)
    }

    fn compared(&self, out: &mut impl Write, item: &Value) -> io::Result<()> {
        if self.log.form == LogForm::Id {
            return Ok(());
        }
        show::title(out, "In Datadog")?;
        let differences = differences(&self.log, item);
        if differences.is_empty() {
            return part(out, "same", "the log in Datadog is what podferry makes of the event with these settings");
        }
        for one in differences {
            let (in_datadog, now) = (shortened(&one.in_datadog, MESSAGE), shortened(&one.now, MESSAGE));
            let both = match one.member {
                "tags" => format!("only in Datadog: {in_datadog}\nonly now: {now}"),
                _ => format!("{in_datadog}\nnow: {now}"),
            };
            part(out, one.member, &both)?;
        }
        Ok(())
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let log = &self.log;
        let mut told = json!({
            "id": log.id, "datadog_id": log.datadog_id, "log_group": log.log_group, "log_stream": log.log_stream, "owner": log.owner,
            "sent_by": log.function_arn, "other_forwarder": log.other_forwarder(), "marks": marks(log),
        });
        let more = match &self.end {
            TraceEnd::Missing(missing) => json!({ "found": false, "error": missing.to_string() }),
            TraceEnd::Waiting { queue, waiting } => json!({
                "found": true, "queue": queue, "reason": waiting.reason, "attempts": waiting.attempts, "log": waiting.log,
            }),
            TraceEnd::Explained { event, explanation, queue } => {
                self.explained_json(event, explanation, queue.as_deref())
            }
        };
        if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
            told.extend(more);
        }
        told
    }

    fn explained_json(&self, event: &FoundEvent, explanation: &Explanation, queue: Option<&str>) -> Value {
        let events = explanation.made_of.iter().filter_map(|place| event.events.get(*place));
        let events: Vec<Value> = events
            .map(|one| json!({ "id": one.id, "timestamp": one.timestamp_ms, "message": one.message, "billed_bytes": billed(one) }))
            .collect();
        let (fate, made) = match &explanation.fate {
            EventFate::Blank => ("blank", Value::Null),
            EventFate::Metadata => ("metadata", Value::Null),
            EventFate::Log { outcome, item, bytes } => {
                let items: Vec<Value> = item.iter().cloned().collect();
                let mut made = shown_logs::outcomes_json(&[(**outcome).clone()], &items).remove(0);
                made["bytes"] = json!(item.as_ref().map(|_| bytes));
                made["differences"] = item.as_ref().map_or(Value::Null, |item| {
                    let one = |one: super::compare::Difference| json!({ "member": one.member, "in_datadog": one.in_datadog, "now": one.now });
                    differences(&self.log, item).into_iter().map(one).collect()
                });
                (if item.is_some() { "log" } else { "left out" }, made)
            }
        };
        json!({
            "found": true, "queue": queue, "found_by": if event.is_by_text { "text and time" } else { "id" },
            "log_group": event.log_group, "log_stream": event.log_stream, "owner": event.owner, "events": events,
            "record": explanation.record_json(), "writer": explanation.writer_json(), "fate": fate,
            "is_cut_by_batch": explanation.is_cut_by_batch, "made": made,
        })
    }
}

fn events(out: &mut impl Write, found: &FoundEvent, explanation: &Explanation, queue: Option<&str>) -> io::Result<()> {
    show::title(out, "CloudWatch Logs")?;
    if let Some(queue) = queue {
        part(out, "waits in", &format!("{queue}, to be read again"))?;
    }
    part(out, "group", &found.log_group)?;
    part(out, "stream", &found.log_stream)?;
    if !found.owner.is_empty() {
        part(out, "account", &found.owner)?;
    }
    if found.is_by_text {
        part(out, "found by", "text and time, since there is no `id` to go by")?;
    }
    let all = explanation.made_of.len();
    let most = if all > 1 { MESSAGE_OF_SEVERAL } else { MESSAGE };
    for event in explanation.made_of.iter().filter_map(|place| found.events.get(*place)).take(MAX_EVENTS) {
        let time = event.timestamp_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let time = time.map_or_else(|| "without a time".to_owned(), |time| format!("of {time:.3}"));
        part(out, "event", &format!("{} {time}, {} bytes billed", event.id, billed(event)))?;
        part(out, "", &shortened(&event.message, most))?;
    }
    if all > MAX_EVENTS {
        part(out, "", &format!("and {} more", counted(all - MAX_EVENTS, "event")))?;
    }
    Ok(())
}

fn billed(event: &StreamEvent) -> usize {
    event.message.len() + EVENT_OVERHEAD
}

fn record(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    let of_first = if explanation.made_of.len() > 1 { " (of the first event)" } else { "" };
    show::title(out, &format!("Fluent Bit's record{of_first}"))?;
    part(out, "layout", &explanation.record.layout)?;
    if !explanation.record.members.is_empty() {
        let members: Vec<String> =
            explanation.record.members.iter().map(|(name, bytes)| format!("{name} ({bytes} bytes)")).collect();
        part(out, "members", &members.join(", "))?;
    }
    let parts = &explanation.record.parts;
    if parts.is_metadata {
        return Ok(());
    }
    let piece = if parts.is_piece { ", a piece of a longer line" } else { "" };
    let output = if parts.is_stderr { "stderr" } else { "stdout" };
    part(out, "line", &format!("{} bytes, {output}{piece}", parts.text.len()))?;
    match &parts.kubernetes {
        Some(kubernetes) => part(out, "pod", &format!("{} bytes of metadata", kubernetes.len())),
        None => part(out, "pod", "no metadata in this record: labels and annotations are known only from others"),
    }
}

/// `shop/web-1/nginx, of Deployment web`
fn writer(writer: &StreamWriter) -> String {
    let StreamWriter { namespace, pod, owner_kind, owner, container } = writer;
    if pod.is_empty() {
        return format!("{owner}: the log stream names no pod");
    }
    let of = if owner_kind.is_empty() { String::new() } else { format!(", of {owner_kind} {owner}") };
    format!("{namespace}/{pod}/{container}{of}")
}

fn time_from(item: &Value, found: &FoundEvent, explanation: &Explanation) -> &'static str {
    let first = explanation.made_of.first().and_then(|place| found.events.get(*place));
    let of_event = first.and_then(|event| event.timestamp_ms);
    match item["timestamp"].as_i64() {
        None => "nothing: neither record nor event have one",
        time if time == of_event => "the event: the record has none, or the same",
        _ => "the record: it is the line's own, and the event's is another",
    }
}
