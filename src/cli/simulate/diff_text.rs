//! A comparison of two ConfigMaps for people: as text, and as Markdown for the comment of a pull request.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::comparison::{Comparison, Side};
use crate::cli::show;
use pipeline::counted::counted;

/// How many tags, lines or streams are named; the rest is counted.
const NAMED: usize = 12;

/// Dollars for a gigabyte that CloudWatch Logs takes in us-east-1; other regions cost up to half as much more.
/// Source: Amazon CloudWatch pricing.
const DOLLARS_PER_GB: f64 = 0.50;

pub(super) fn text(out: &mut impl Write, names: &(String, String), lines: usize, all: &[Comparison]) -> io::Result<()> {
    writeln!(out, "{} → {}, {}", show::harmless(&names.0), show::harmless(&names.1), counted(lines, "line"))?;
    for comparison in all {
        show::title(out, &format!("Fluent Bit {}", comparison.core.version()))?;
        for (what, sentence) in sentences(comparison, lines) {
            show::part(out, what, &sentence)?;
        }
    }
    let verdict =
        if all.iter().any(Comparison::is_worse) { "Logs or tags are lost." } else { "No logs and no tags are lost." };
    writeln!(out, "\n{verdict}")
}

pub(super) fn markdown(
    out: &mut impl Write,
    names: &(String, String),
    lines: usize,
    all: &[Comparison],
) -> io::Result<()> {
    let is_worse = all.iter().any(Comparison::is_worse);
    let verdict = if is_worse { "⚠️ Logs or tags are lost" } else { "✅ No logs and no tags are lost" };
    writeln!(out, "### podferry diff: {verdict}\n")?;
    writeln!(out, "{} → {}, {}\n", code(&names.0), code(&names.1), counted(lines, "line"))?;
    writeln!(out, "| |{}", all.iter().map(|one| format!(" Fluent Bit {} |", one.core.version())).collect::<String>())?;
    writeln!(out, "| --- |{}", " --- |".repeat(all.len()))?;
    let rows: Vec<BTreeMap<&str, String>> = all.iter().map(|one| sentences(one, lines).into_iter().collect()).collect();
    for what in ROWS {
        if rows.iter().any(|row| row.contains_key(what)) {
            let cells: String = rows
                .iter()
                .map(|row| format!(" {} |", row.get(what).map_or("–".to_owned(), |text| cell(text))))
                .collect();
            writeln!(out, "| {what} |{cells}")?;
        }
    }
    Ok(())
}

/// The rows of the table, in order.
const ROWS: [&str; 8] = ["stopped", "logs", "lost", "won", "tags lost", "tags won", "changed", "billed"];

/// What changes, each with its name; what does not is left out, but for logs and bytes.
fn sentences(comparison: &Comparison, number: usize) -> Vec<(&'static str, String)> {
    let Comparison { old, new, lost, won, tags_lost, tags_won, changed, .. } = comparison;
    let mut all = Vec::new();
    for (side, name) in [(old, "the old"), (new, "the new")] {
        if let Some(reason) = &side.stopped {
            all.push(("stopped", format!("nothing runs with {name} ConfigMap: {reason}")));
        }
    }
    let unknown =
        if new.unknown > 0 { format!("; {} of unknown fate", counted(new.unknown, "line")) } else { String::new() };
    all.push(("logs", format!("{} before, {} now{unknown}", old.logs, new.logs)));
    let lines = |numbers: &[usize]| some(&numbers.iter().map(|number| format!("line {number}")).collect::<Vec<_>>());
    let tags = |tags: &BTreeMap<String, usize>| some(&tags.keys().cloned().collect::<Vec<_>>());
    all.extend((!lost.is_empty()).then(|| ("lost", lines(lost))));
    all.extend((!won.is_empty()).then(|| ("won", lines(won))));
    all.extend((!tags_lost.is_empty()).then(|| ("tags lost", tags(tags_lost))));
    all.extend((!tags_won.is_empty()).then(|| ("tags won", tags(tags_won))));
    if !changed.is_empty() {
        let parts: Vec<String> =
            changed.iter().map(|(name, count)| format!("{name} of {}", counted(*count, "log"))).collect();
        all.push(("changed", parts.join(", ")));
    }
    all.push(("billed", billed(old, new, number)));
    let streams: Vec<String> =
        new.streams.difference(&old.streams).map(|(group, stream)| format!("{group} {stream}")).collect();
    all.extend((!streams.is_empty()).then(|| ("streams", some(&streams))));
    all
}

#[expect(clippy::cast_precision_loss, reason = "for people, who read three digits")]
fn billed(old: &Side, new: &Side, lines: usize) -> String {
    let ratio = new.billed_bytes as f64 / old.billed_bytes.max(1) as f64;
    let of = |dollars: f64| format!("${dollars:.2}");
    let mut text = format!(
        "{} bytes before, {} now: {ratio:.2} times, so a million such lines cost {} instead of {}",
        old.billed_bytes,
        new.billed_bytes,
        of(million(new, lines)),
        of(million(old, lines))
    );
    if let Some(bytes) = new.metadata.1.checked_div(new.metadata.0) {
        text += &format!(
            "; and metadata records of {bytes} bytes each, a few a minute for each pod (`podferry cost --curve`)"
        );
    }
    text
}

/// Dollars for a million of the lines that were read: what a ConfigMap drops costs nothing.
#[expect(clippy::cast_precision_loss, reason = "for people, who read three digits")]
fn million(side: &Side, lines: usize) -> f64 {
    side.billed_bytes as f64 / lines.max(1) as f64 * 1e6 / 1_073_741_824.0 * DOLLARS_PER_GB
}

/// The first of some, and how many there are besides.
fn some(all: &[String]) -> String {
    let named = all.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if all.len() > NAMED { format!("{named} and {} more", all.len() - NAMED) } else { named }
}

fn code(text: &str) -> String {
    format!("`{}`", show::harmless(text).replace('`', "'"))
}

/// A cell of a table: nothing in it ends the cell, or is markup.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in show::harmless(text).chars() {
        if matches!(character, '|' | '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '&' | '@' | '#' | '$') {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}
