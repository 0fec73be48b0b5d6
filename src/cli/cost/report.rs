//! What `podferry cost` says to people: the bill, who causes it, what lines have in common, the presets, and what would save most.

use std::io::{self, Write};

use super::priced::GroupCost;
use crate::aws::backfill::cost::dollars;
use crate::cli::show;
use cost::bill::{ScaledBy, share};
use cost::copies::{CURVE, PASS_IN_MINUTE, RecordSizes};
use cost::findings::{Coverage, LEAST_LINES, RowFindings};
use cost::line::Preset;
use cost::prices::{AS_OF, LogClass, SOURCE};
use cost::savings::{Saving, savings};
use pipeline::counted::counted;

/// How long a bar is at most, and what it is made of: a character that every terminal has.
const BAR: usize = 20;
const MARK: &str = "#";

/// A longer bar would be wrapped, and a wrapped one says nothing: in a terminal of 80 columns names need the rest.
fn longest_bar(width: usize) -> usize {
    match width {
        0..80 => 5,
        80..100 => 10,
        _ => BAR,
    }
}

/// Fewer invocations do not tell how many there are for a gigabyte.
const FEW_INVOCATIONS: usize = 100;

/// Everything that was found.
pub(super) fn report(out: &mut impl Write, costs: &[GroupCost], top: usize) -> io::Result<()> {
    if costs.is_empty() {
        return writeln!(out, "No events.");
    }
    for (number, cost) in costs.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        group(out, cost, top)?;
    }
    if costs.len() > 1 {
        let total: f64 = costs.iter().map(|cost| cost.terms.bill(&cost.findings.total).total()).sum();
        show::title(out, &format!("All {} log groups: about {} a month", costs.len(), dollars(total)))?;
    }
    Ok(())
}

fn group(out: &mut impl Write, cost: &GroupCost, top: usize) -> io::Result<()> {
    let GroupCost { findings, terms } = cost;
    let bill = terms.bill(&findings.total);
    if findings.total.events == 0 {
        return writeln!(out, "{}: no events were seen.", show::harmless(&findings.group));
    }
    show::first_title(out, &format!("{}: about {} a month", findings.group, dollars(bill.total())))?;
    basis(out, cost)?;
    writeln!(out)?;
    let mut parts = vec![
        ("CloudWatch Logs, ingestion", bill.ingestion),
        ("CloudWatch Logs, storage", bill.storage),
        ("Lambda", bill.lambda),
    ];
    if terms.datadog.is_some() {
        parts.extend([
            ("Datadog, ingestion", bill.datadog_ingestion),
            ("Datadog, indexing of all", bill.datadog_indexing),
        ]);
    }
    let largest = parts.iter().map(|(_, amount)| *amount).fold(0.0, f64::max);
    let rows: Vec<Vec<String>> = parts
        .iter()
        .map(|(part, amount)| vec![(*part).to_owned(), dollars(*amount), bar(ratio(*amount, largest))])
        .collect();
    show::table(out, &["part", "a month", ""], &rows)?;
    containers(out, cost, top)?;
    patterns(out, cost, top)?;
    if findings.rows.iter().any(RowFindings::is_of_pod) {
        presets(out, cost)?;
    }
    for (number, saving) in savings(findings, terms).iter().enumerate() {
        if number == 0 {
            show::title(out, "What would save most (each alone; nothing was changed)")?;
        }
        show_saving(out, number + 1, saving)?;
    }
    Ok(())
}

/// By what the figures are told.
fn basis(out: &mut impl Write, cost: &GroupCost) -> io::Result<()> {
    let GroupCost { findings, terms } = cost;
    let class = match terms.prices.class {
        LogClass::Standard => "Standard",
        LogClass::InfrequentAccess => "Infrequent Access",
    };
    let region = terms.prices.region.unwrap_or("no price known for the region, so that of us-east-1");
    show::part(
        out,
        "prices",
        &format!(
            "${} to ingest a GB, ${} to keep it a month ({region}, class {class}; list prices of {AS_OF}, {SOURCE})",
            terms.prices.ingestion, terms.prices.storage
        ),
    )?;
    let gb = terms.month_gb(findings.total.billed);
    let by = match terms.scale.by {
        ScaledBy::Said(_) => "as you say".to_owned(),
        ScaledBy::Metric { seconds } => format!("by what CloudWatch counted in {}", duration(seconds)),
        ScaledBy::Span { seconds } => format!("if all of it is like these {}", duration(seconds)),
        ScaledBy::Round(_) => {
            "a round number, because there is too little here to estimate a month; give yours with --gb-per-month"
                .to_owned()
        }
    };
    show::part(out, "a month", &format!("{gb:.1} GB, {by}"))?;
    let what = counted(usize::try_from(findings.total.events).unwrap_or(usize::MAX), "event");
    let from = match findings.coverage {
        Coverage::Sampled { seconds } => format!(" in samples of {} in all", duration(seconds)),
        Coverage::Whole { .. } => String::new(),
    };
    show::part(out, "counted", &format!("{what}, {}, as billed{from}", bytes(findings.total.billed)))?;
    let kept = terms
        .retention_days
        .map_or_else(|| "forever: a year's storage is counted".to_owned(), |days| format!("{days} days"));
    show::part(out, "kept", &kept)?;
    let is_by_bytes = matches!(terms.scale.by, ScaledBy::Said(_) | ScaledBy::Round(_));
    let invocations = usize::try_from(findings.total.invocations).unwrap_or(usize::MAX);
    if is_by_bytes && invocations < FEW_INVOCATIONS && terms.prices.class == LogClass::Standard {
        let here = counted(invocations, "invocation");
        let text = format!(
            "a guess, from {here} for these {}; streams that write more need fewer per GB",
            bytes(findings.total.billed)
        );
        show::part(out, "Lambda", &text)?;
    }
    if findings.total.assumed_lines > 0 {
        let part = share(findings.total.assumed_lines, findings.total.lines);
        let text = format!(
            "the pods of {} of the lines are not known; presets assume typical metadata for them",
            percent(part)
        );
        show::part(out, "assumed", &text)?;
    }
    Ok(())
}

fn containers(out: &mut impl Write, cost: &GroupCost, top: usize) -> io::Result<()> {
    let GroupCost { findings, terms } = cost;
    show::title(out, "Which pods cause it")?;
    let whole = findings.total.billed;
    let largest = findings.rows.first().map_or(0, |row| row.sums.billed);
    let mut rows: Vec<Vec<String>> = findings
        .rows
        .iter()
        .take(top)
        .map(|row| {
            vec![
                row.writer.namespace.clone(),
                owner(row),
                row.writer.container.clone(),
                percent(share(row.sums.billed, whole)),
                dollars(terms.bill(&row.sums).total()),
                bar(share(row.sums.billed, largest)),
            ]
        })
        .collect();
    if let Some(others) = findings.rows.get(top..).filter(|others| !others.is_empty()) {
        let billed: u64 = others.iter().map(|row| row.sums.billed).sum();
        let amount: f64 = others.iter().map(|row| terms.bill(&row.sums).total()).sum();
        let name = format!("({} others)", others.len());
        rows.push(vec![
            String::new(),
            name,
            String::new(),
            percent(share(billed, whole)),
            dollars(amount),
            bar(share(billed, largest)),
        ]);
    }
    show::table(out, &["namespace", "owner", "container", "share", "a month", ""], &rows)
}

fn owner(row: &RowFindings) -> String {
    let writer = &row.writer;
    if writer.owner_kind.is_empty() { writer.owner.clone() } else { format!("{} {}", writer.owner_kind, writer.owner) }
}

fn patterns(out: &mut impl Write, cost: &GroupCost, top: usize) -> io::Result<()> {
    let GroupCost { findings, terms } = cost;
    let mut all: Vec<_> = findings.rows.iter().flat_map(|row| row.patterns.iter().map(move |one| (row, one))).collect();
    all.sort_by_key(|(_, one)| std::cmp::Reverse(one.slice.billed));
    if all.is_empty() {
        return Ok(());
    }
    show::title(out, &format!("Lines alike (of {LEAST_LINES} lines or more)"))?;
    let rows: Vec<Vec<String>> = all
        .iter()
        .take(top)
        .map(|(row, one)| {
            vec![
                row.writer.container.clone(),
                one.pattern.clone(),
                percent(share(one.slice.billed, findings.total.billed)),
                dollars(terms.cloudwatch(one.slice.billed)),
            ]
        })
        .collect();
    show::table(out, &["container", "lines", "share", "CloudWatch"], &rows)
}

fn presets(out: &mut impl Write, cost: &GroupCost) -> io::Result<()> {
    let GroupCost { findings, terms } = cost;
    show::title(out, "The same lines under each preset")?;
    let whole = findings.total.billed;
    let largest = Preset::ALL.map(|preset| findings.total.under(preset)).into_iter().max().unwrap_or_default();
    let rows = Preset::ALL.map(|preset| {
        let billed = findings.total.under(preset);
        let amount = terms.bill_under(&findings.total, preset).total();
        vec![preset.name().to_owned(), percent(share(billed, whole)), dollars(amount), bar(share(billed, largest))]
    });
    show::table(out, &["preset", "of now", "a month", ""], &rows)
}

fn show_saving(out: &mut impl Write, number: usize, saving: &Saving) -> io::Result<()> {
    let mut amounts = Vec::new();
    if saving.aws > 0.0 {
        amounts.push(format!("{} for AWS", dollars(saving.aws)));
    }
    if saving.datadog > 0.0 {
        amounts.push(format!("{} for Datadog", dollars(saving.datadog)));
    }
    writeln!(out, "{number:>2}. {}: {}", amounts.join(" and "), show::harmless(&saving.what))?;
    writeln!(out, "    gives up: {}", show::harmless(&saving.gives_up))?;
    for snippet in &saving.snippets {
        writeln!(out, "    {}:", show::harmless(&snippet.place))?;
        for line in snippet.text.lines() {
            writeln!(out, "        {}", show::harmless(line))?;
        }
    }
    Ok(())
}

/// `compact` against `standard`, by lines a minute.
pub(super) fn curve(out: &mut impl Write) -> io::Result<()> {
    let RecordSizes { standard, lean, metadata } = RecordSizes::TYPICAL;
    writeln!(
        out,
        "Bytes of the preset compact for one of standard, by lines a minute of a pod: a line of {standard} bytes, which is {lean} without \
         metadata, and at most {PASS_IN_MINUTE} records of {metadata} a minute.\n"
    )?;
    let rows: Vec<Vec<String>> = CURVE
        .iter()
        .map(|rate| {
            let ratio = RecordSizes::TYPICAL.ratio(f64::from(*rate));
            vec![rate.to_string(), format!("{ratio:.3}"), bar(ratio.min(1.0))]
        })
        .collect();
    show::table(out, &["lines a minute", "of standard", ""], &rows)
}

/// A bar for a part from 0 to 1; something that is there has one mark at least.
fn bar(part: f64) -> String {
    bar_of(part, longest_bar(show::width()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the length of a bar")]
fn bar_of(part: f64, longest: usize) -> String {
    let marks = (part.clamp(0.0, 1.0) * longest as f64).round() as usize;
    MARK.repeat(if part > 0.0 { marks.max(1) } else { 0 })
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 60.0 => format!("{seconds:.1} s"),
        seconds if seconds < 2.0 * 3600.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 2.0 * 86_400.0 => format!("{:.0} h", seconds / 3600.0),
        seconds => format!("{:.0} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_durations() {
        let bar = |part| bar_of(part, BAR);
        assert_eq!((bar(0.0), bar(0.001), bar(1.5)), (String::new(), "#".to_owned(), "#".repeat(BAR)));
        assert_eq!([60, 79, 80, 99, 100, usize::MAX].map(longest_bar), [5, 5, 10, 10, BAR, BAR]);
        assert_eq!([59.96, 60.0, 7200.0, 172_800.0].map(duration), ["60.0 s", "1 min", "2 h", "2 days"]);
    }
}
