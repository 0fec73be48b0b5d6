//! What the demo shows, on one screen: what happened, one log before and after, one trace, one secret, one health check; then the numbers.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use crate::cli::error::CommandError;
use crate::cli::show;
use crate::cli::shown_logs;
use forwarder::lambda::invocation::Delivered;
use pipeline::counted::counted;
use pipeline::decode::{self, EventMessage};
use pipeline::rules::RuleEffect;
use pipeline::{LogOutcome, Processed, json as members};

/// How much of a record of CloudWatch to show, in bytes.
const RECORD: usize = 560;

/// How many lines of the trace to show.
const TRACE_LINES: usize = 5;

/// How many tags to show.
const TAGS: usize = 14;

/// What became of a sample.
pub(super) struct DemoSample {
    pub(super) config_map: &'static str,
    pub(super) delivered: Delivered,
    pub(super) event_bytes: usize,
    pub(super) log: Value,
}

pub(super) struct Screen<'d> {
    pub(super) samples: &'d [DemoSample],
    /// Its URL.
    pub(super) intake: &'d str,
    pub(super) took: Duration,
    /// Of the first sample.
    pub(super) content: &'d str,
    /// What became of its logs.
    pub(super) explained: &'d Processed,
}

impl Screen<'_> {
    pub(super) fn show(&self, out: &mut impl Write) -> Result<(), CommandError> {
        let events: usize = self.samples.iter().map(|sample| sample.delivered.counts.events).sum();
        let logs: usize = self.samples.iter().map(|sample| sample.delivered.counts.logs).sum();
        writeln!(
            out,
            "{} of {} pods, as CloudWatch Logs hands them over, became {} at {} in {:.0} ms. Their times were moved to now. Nothing left this \
             machine.",
            counted(events, "event"),
            self.samples.len(),
            counted(logs, "log"),
            self.intake,
            self.took.as_secs_f64() * 1000.0
        )?;
        let records = records(self.content);
        let items = shown_logs::items(self.explained)?;
        let mut shipped = items.iter();
        let mut event = 0;
        for outcome in &self.explained.outcomes {
            let record = records.get(event).map_or("", String::as_str);
            event += outcome.lines;
            let item = if outcome.shipped { shipped.next() } else { None };
            self.show_one(out, outcome, record, item, event == outcome.lines)?;
        }
        writeln!(out)?;
        show::table(
            out,
            &[
                "ConfigMap",
                "container",
                "events",
                "logs",
                "blank",
                "joined",
                "excluded",
                "masked",
                "event bytes",
                "bytes sent",
            ],
            &rows(self.samples),
        )?;
        writeln!(
            out,
            "\nNext: `podferry preview FILE` shows this for your own logs, in nearly any form that you have them in."
        )?;
        Ok(())
    }

    /// A log that shows something: the first before and after, and what was joined, masked or excluded for the first time.
    fn show_one(
        &self,
        out: &mut impl Write,
        outcome: &LogOutcome,
        record: &str,
        item: Option<&Value>,
        is_first: bool,
    ) -> Result<(), CommandError> {
        let is_new = |is: fn(&LogOutcome) -> bool| {
            is(outcome)
                && self.explained.outcomes.iter().find(|other| is(other)).is_some_and(|first| first.id == outcome.id)
        };
        if is_first && let Some(item) = item {
            show::title(out, "One log, before and after")?;
            let before = format!("CloudWatch Logs, {} bytes", record.len());
            show::beside(out, [&before, "Datadog"], &show::shortened(record, RECORD), &after(item))?;
        }
        if is_new(|outcome| outcome.lines > 1) {
            show::title(out, &format!("One trace: {} became one log", counted(outcome.lines, "event")))?;
            let text = item.map_or("", |item| item["message"].as_str().unwrap_or_default());
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().take(TRACE_LINES) {
                writeln!(out, "  {}", show::harmless(&line.replace('\t', "    ")))?;
            }
            writeln!(out, "  … {} more", counted(lines.len().saturating_sub(TRACE_LINES), "line"))?;
        }
        if is_new(is_masked) {
            let rule = outcome.applied.first().map_or("", |applied| &applied.rule);
            show::title(out, &format!("One secret, masked by `{rule}`, a rule in the pod's annotation"))?;
            writeln!(
                out,
                "  {}",
                show::harmless(item.map_or("", |item| item["message"].as_str().unwrap_or_default()))
            )?;
        }
        if is_new(is_excluded) {
            let rule = outcome.applied.first().map_or("", |applied| &applied.rule);
            show::title(out, &format!("One health check, left out by `{rule}`, a rule in the pod's annotation"))?;
            writeln!(out, "  {}", show::harmless(&text_of(record)))?;
        }
        Ok(())
    }
}

fn is_masked(outcome: &LogOutcome) -> bool {
    outcome.applied.iter().any(|applied| applied.effect == RuleEffect::Masked)
}

fn is_excluded(outcome: &LogOutcome) -> bool {
    outcome.applied.iter().any(|applied| applied.effect == RuleEffect::Excluded)
}

/// A log of Datadog's in a column: what people filter by first.
fn after(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or("–");
    let tags: Vec<&str> = text("ddtags").split(',').collect();
    let shown: Vec<&str> = tags.iter().copied().filter(|tag| tag.len() < 48).take(TAGS).collect();
    let more = tags.len() - shown.len();
    format!(
        "message  {}\nstatus   {}\nsource   {}\nservice  {}\ntags     {} (and {more} more)",
        text("message"),
        text("status"),
        text("ddsource"),
        text("service"),
        shown.join(" ")
    )
}

/// The messages of a content.
fn records(content: &str) -> Vec<String> {
    let batch = decode::read(content).unwrap_or_default();
    let message = |message: EventMessage| {
        let mut text = String::new();
        match message {
            EventMessage::Escaped(escaped) => members::unescape_into(escaped, &mut text),
            EventMessage::Raw(raw) => text.push_str(raw),
        }
        text
    };
    batch.events.iter().map(|event| message(event.message)).collect()
}

/// The line in a record of the samples.
fn text_of(record: &str) -> String {
    let record: Value = serde_json::from_str(record).unwrap_or_default();
    record["log"].as_str().unwrap_or_default().to_owned()
}

fn rows(shown: &[DemoSample]) -> Vec<Vec<String>> {
    let row = |shown: &DemoSample| {
        let Delivered { counts, bytes, .. } = shown.delivered;
        let container = format!(
            "{}/{}",
            shown_logs::tag(&shown.log, "kube_namespace"),
            shown_logs::tag(&shown.log, "kube_container_name")
        );
        let mut row = vec![shown.config_map.to_owned(), container];
        let numbers = [
            counts.events,
            counts.logs,
            counts.blank,
            counts.joined,
            counts.excluded,
            counts.masked,
            shown.event_bytes,
            bytes,
        ];
        row.extend(numbers.map(|number| number.to_string()));
        row
    };
    shown.iter().map(row).collect()
}
