//! What became of the lines, for people.

use std::io::{self, Write};

use super::super::show;
use super::report::{ArrivalReport, CoreReport, EventReport, Fate, Input, LineReport, SentReport};
use pipeline::counted::counted;

pub(super) fn print(out: &mut impl Write, input: &Input, reports: &[CoreReport], most: usize) -> io::Result<()> {
    for report in reports {
        summary(out, report)?;
    }
    let shown = input.lines.iter().enumerate().take(most);
    for (number, text) in shown {
        writeln!(out, "\nline {}  {}", number + 1, show::harmless(&String::from_utf8_lossy(text)))?;
        let mut first: Option<&LineReport> = None;
        for report in reports {
            let Some(line) = report.lines.get(number) else { continue };
            match first {
                None => of_line(out, line)?,
                Some(first) if first == line => {}
                Some(first) => {
                    writeln!(out, "  with Fluent Bit {}:", report.core.version())?;
                    differences(out, first, line)?;
                }
            }
            first = first.or(Some(line));
        }
    }
    let all = input.lines.len();
    if all > most {
        writeln!(out, "\n{} in all; show them with --show {all} or --output json.", counted(all, "line"))?;
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

fn of_line(out: &mut impl Write, line: &LineReport) -> io::Result<()> {
    if !line.steps.is_empty() {
        writeln!(out, "  {}", show::harmless(&line.steps.join(", ")))?;
    }
    for arrival in &line.arrivals {
        of_arrival(out, arrival)?;
    }
    if line.arrivals.is_empty() && line.fate == Fate::Lost {
        writeln!(out, "  lost: no output gets it")?;
    }
    Ok(())
}

/// What another version does otherwise.
fn differences(out: &mut impl Write, first: &LineReport, other: &LineReport) -> io::Result<()> {
    let has_same_form = first.steps == other.steps && first.arrivals.len() == other.arrivals.len();
    if !has_same_form {
        return of_line(out, other);
    }
    for (first, other) in first.arrivals.iter().zip(&other.arrivals) {
        let (one, two) = (first.events(), other.events());
        let has_same_places = first.sent.len() == other.sent.len()
            && one.len() == two.len()
            && one.iter().zip(&two).all(|(one, two)| (&one.group, &one.stream) == (&two.group, &two.stream));
        if !has_same_places {
            of_arrival(out, other)?;
            continue;
        }
        if without_pod_ip(&other.record) == first.record {
            writeln!(out, "    record     the same, and pod_ip")?;
        } else if other.record != first.record {
            writeln!(out, "    record     {}", show::harmless(&other.record))?;
        }
        for (one, two) in one.into_iter().zip(two) {
            if one.billed_bytes != two.billed_bytes {
                writeln!(out, "    billed     {} bytes", two.billed_bytes)?;
            }
            if one.datadog != two.datadog {
                datadog(out, two)?;
            }
        }
    }
    Ok(())
}

/// A record without the pod's address, which only the newer version adds.
fn without_pod_ip(record: &str) -> String {
    let part = record.split_once(",\"pod_ip\":\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1)));
    part.map_or_else(|| record.to_owned(), |(before, after)| format!("{before}{after}"))
}

fn of_arrival(out: &mut impl Write, arrival: &ArrivalReport) -> io::Result<()> {
    writeln!(out, "  record     {}", show::harmless(&arrival.record))?;
    for sent in &arrival.sent {
        match sent {
            SentReport::Event(event) => of_event(out, event)?,
            SentReport::Document { bytes } => writeln!(out, "  {}: {bytes} bytes", arrival.output)?,
            SentReport::Nothing { is_unknown: true, reason } => writeln!(out, "  unknown: {reason}")?,
            SentReport::Nothing { is_unknown: false, reason } => writeln!(out, "  lost: {reason}")?,
        }
    }
    Ok(())
}

fn of_event(out: &mut impl Write, event: &EventReport) -> io::Result<()> {
    writeln!(out, "  group      {}", show::harmless(&event.group))?;
    writeln!(out, "  stream     {}", show::harmless(&event.stream))?;
    writeln!(out, "  billed     {} bytes", event.billed_bytes)?;
    datadog(out, event)
}

fn datadog(out: &mut impl Write, event: &EventReport) -> io::Result<()> {
    let Some(log) = &event.datadog else {
        return writeln!(out, "  Datadog    no log of its own: it is part of another, blank, or excluded");
    };
    let text = |name: &str, otherwise: &'static str| log[name].as_str().unwrap_or(otherwise).to_owned();
    let message = log["message"].as_str().map_or_else(|| log["message"].to_string(), str::to_owned);
    writeln!(out, "  Datadog    {}", show::harmless(&message))?;
    let status = text("status", "set by Datadog, from the log");
    writeln!(out, "    status   {}", show::harmless(&status))?;
    writeln!(out, "    service  {}", show::harmless(&text("service", "–")))?;
    writeln!(out, "    tags     {}", show::harmless(&text("ddtags", "–").replace(',', " ")))
}
