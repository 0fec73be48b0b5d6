//! What became of the lines, for people. What all lines of a pod have in common is said once.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::de::IgnoredAny;

use super::super::show;
use super::report::{ArrivalReport, CoreReport, EventReport, Fate, Input, LineReport, SentReport};
use pipeline::counted::counted;

pub(super) fn print(out: &mut impl Write, input: &Input, reports: &[CoreReport], most: usize) -> io::Result<()> {
    for report in reports {
        summary(out, report)?;
    }
    if reports.iter().all(|report| report.stopped.is_some()) {
        return Ok(());
    }
    let mut page = Page { out, told: Told::default(), indent: "  " };
    let shown = input.lines.iter().enumerate().take(most);
    for (number, text) in shown {
        writeln!(page.out, "\nline {}  {}", number + 1, show::harmless(&String::from_utf8_lossy(text)))?;
        let mut first: Option<&LineReport> = None;
        for report in reports {
            let Some(line) = report.lines.get(number) else { continue };
            match first {
                None => page.of_line(line)?,
                Some(first) if first == line => {}
                Some(first) => {
                    writeln!(page.out, "  with Fluent Bit {}:", report.core.version())?;
                    page.indent = "    ";
                    page.differences(first, line)?;
                    page.indent = "  ";
                }
            }
            first = first.or(Some(line));
        }
    }
    let all = input.lines.len();
    if all > most {
        writeln!(page.out, "\n{} in all; show them with --show {all} or --output json.", counted(all, "line"))?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, report: &CoreReport) -> io::Result<()> {
    let version = report.core.version();
    if let Some(reason) = &report.stopped {
        return show::finding(out, &format!("Fluent Bit {version}: nothing runs with this ConfigMap: {reason}"));
    }
    let events = report.events().count();
    let logs = report.events().filter(|event| event.datadog.is_some()).count();
    let mut parts = vec![format!("{} delivered", report.count(Fate::Delivered))];
    for (fate, what) in [(Fate::Lost, "lost"), (Fate::Unknown, "unknown")] {
        let count = report.count(fate);
        parts.extend((count > 0).then(|| format!("{count} {what}")));
    }
    writeln!(
        out,
        "Fluent Bit {version}: {}: {}. CloudWatch gets {} and bills {} bytes; Datadog gets {}.",
        counted(report.lines.len(), "line"),
        parts.join(", "),
        counted(events, "event"),
        report.billed_bytes(),
        counted(logs, "log"),
    )
}

/// What was printed before and need not be again: lines of one pod differ in little.
#[derive(Default)]
struct Told {
    metadata: BTreeSet<String>,
    place: Option<(String, String)>,
    tags: Option<String>,
}

impl Told {
    /// The text, in which the pod's metadata stands for itself once and is `{…}` from then on.
    fn shortened(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, object, after)) = metadata_in(rest) {
            out.push_str(before);
            if self.metadata.insert(object.to_owned()) {
                out.push_str(object);
            } else {
                out.push_str("{…}");
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// What is before the first object of a pod's metadata, that object, and what is behind it.
fn metadata_in(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_at(text.find("{\"pod_name\":")?);
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (object, after) = rest.split_at(values.byte_offset());
    Some((before, object, after))
}

struct Page<'out, W> {
    out: &'out mut W,
    told: Told,
    indent: &'static str,
}

impl<W: Write> Page<'_, W> {
    fn row(&mut self, name: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "{}{name:<10} {}", self.indent, show::harmless(value))
    }

    fn of_line(&mut self, line: &LineReport) -> io::Result<()> {
        if !line.steps.is_empty() {
            writeln!(self.out, "{}{}", self.indent, show::harmless(&line.steps.join(", ")))?;
        }
        for arrival in &line.arrivals {
            self.of_arrival(arrival)?;
        }
        if line.arrivals.is_empty() && line.fate == Fate::Lost {
            writeln!(self.out, "{}lost: no output gets it", self.indent)?;
        }
        Ok(())
    }

    /// What another version does otherwise.
    fn differences(&mut self, first: &LineReport, other: &LineReport) -> io::Result<()> {
        let has_same_form = first.steps == other.steps && first.arrivals.len() == other.arrivals.len();
        if !has_same_form {
            return self.of_line(other);
        }
        for (first, other) in in_one_order(first).into_iter().zip(in_one_order(other)) {
            let (one, two) = (first.events(), other.events());
            let has_same_places = first.sent.len() == other.sent.len()
                && one.len() == two.len()
                && one.iter().zip(&two).all(|(one, two)| (&one.group, &one.stream) == (&two.group, &two.stream));
            if !has_same_places {
                self.of_arrival(other)?;
                continue;
            }
            if other.record == first.record {
                // Nothing to tell.
            } else if without_pod_ip(&other.record) == first.record {
                self.row("record", "the same, and pod_ip")?;
            } else {
                let record = self.told.shortened(&other.record);
                self.row("record", &record)?;
            }
            for (one, two) in one.into_iter().zip(two) {
                if two.message != other.record && one.message != two.message {
                    let message = self.told.shortened(&two.message);
                    self.row("event", &message)?;
                }
                if one.billed_bytes != two.billed_bytes {
                    self.row("billed", &format!("{} bytes", two.billed_bytes))?;
                }
                if one.datadog != two.datadog {
                    self.datadog(two)?;
                }
            }
        }
        Ok(())
    }

    fn of_arrival(&mut self, arrival: &ArrivalReport) -> io::Result<()> {
        let record = self.told.shortened(&arrival.record);
        self.row("record", &record)?;
        for sent in &arrival.sent {
            match sent {
                SentReport::Event(event) => {
                    if event.message != arrival.record {
                        let message = self.told.shortened(&event.message);
                        self.row("event", &message)?;
                    }
                    self.of_event(event)?;
                }
                SentReport::Document { text, bytes } => {
                    writeln!(self.out, "{}{}: {bytes} bytes", self.indent, arrival.output)?;
                    for line in text.lines() {
                        writeln!(self.out, "{}  {}", self.indent, show::harmless(line))?;
                    }
                }
                SentReport::Nothing { is_unknown: true, reason } => {
                    writeln!(self.out, "{}unknown: {reason}", self.indent)?;
                }
                SentReport::Nothing { is_unknown: false, reason } => {
                    writeln!(self.out, "{}lost: {reason}", self.indent)?
                }
            }
        }
        Ok(())
    }

    fn of_event(&mut self, event: &EventReport) -> io::Result<()> {
        let place = (event.group.clone(), event.stream.clone());
        if self.told.place.as_ref() == Some(&place) {
            self.row("stream", "as above")?;
        } else {
            self.row("group", &event.group)?;
            self.row("stream", &event.stream)?;
            self.told.place = Some(place);
        }
        self.row("billed", &format!("{} bytes", event.billed_bytes))?;
        self.datadog(event)
    }

    fn datadog(&mut self, event: &EventReport) -> io::Result<()> {
        let Some(log) = &event.datadog else {
            return self.row("Datadog", "no separate log: the line is part of another log, blank, or excluded");
        };
        let text = |name: &str, otherwise: &'static str| log[name].as_str().unwrap_or(otherwise).to_owned();
        let message = log["message"].as_str().map_or_else(|| log["message"].to_string(), str::to_owned);
        let message = self.told.shortened(&message);
        self.row("Datadog", &message)?;
        self.row("  status", &text("status", "set by Datadog, from the log"))?;
        self.row("  service", &text("service", "–"))?;
        let tags = text("ddtags", "–").replace(',', " ");
        if self.told.tags.as_ref() == Some(&tags) {
            return self.row("  tags", "as above");
        }
        self.row("  tags", &tags)?;
        self.told.tags = Some(tags);
        Ok(())
    }
}

/// What arrives of a line, in an order that does not depend on the version: in the older core a copy comes before its line.
fn in_one_order(line: &LineReport) -> Vec<&ArrivalReport> {
    let mut arrivals: Vec<&ArrivalReport> = line.arrivals.iter().collect();
    arrivals.sort_by(|one, other| (&one.tag, &one.output).cmp(&(&other.tag, &other.output)));
    arrivals
}

/// A record without the pod's address, which only the newer version adds.
fn without_pod_ip(record: &str) -> String {
    let part = record.split_once(",\"pod_ip\":\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1)));
    part.map_or_else(|| record.to_owned(), |(before, after)| format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{Told, metadata_in};

    #[test]
    fn metadata_is_found_whatever_is_in_its_texts() {
        let record = r#"{"log":"x","kubernetes":{"pod_name":"a","annotations":{"b":"}{\"","c":{}}},"d":1}"#;
        let (before, object, after) = metadata_in(record).unwrap();
        assert_eq!(before, r#"{"log":"x","kubernetes":"#);
        assert_eq!(object, r#"{"pod_name":"a","annotations":{"b":"}{\"","c":{}}}"#);
        assert_eq!(after, r#","d":1}"#);
        for broken in ["", "{}", r#"{"pod_name":"#, r#"{"pod_name":"a\"#] {
            assert_eq!(metadata_in(broken), None, "{broken}");
        }
    }

    #[test]
    fn metadata_is_told_once() {
        let mut told = Told::default();
        let record = r#"{"log":"ü","k8s":{"pod_name":"a"}}"#;
        assert_eq!(told.shortened(record), record);
        assert_eq!(told.shortened(record), r#"{"log":"ü","k8s":{…}}"#);
        let other = r#"{"k8s":{"pod_name":"b"},"again":{"pod_name":"a"}}"#;
        assert_eq!(told.shortened(other), r#"{"k8s":{"pod_name":"b"},"again":{…}}"#);
    }
}
