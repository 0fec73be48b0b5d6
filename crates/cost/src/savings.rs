//! What would cost less: a preset, a filter, a rule, a shorter retention; each with its dollars and what to write where. Nothing is applied.
//!
//! A filter of Fluent Bit keeps lines out of CloudWatch Logs, and so out of everything behind it. A rule of the function, or an annotation, keeps
//! them out of Datadog only: CloudWatch Logs has been paid by then.

use regex::Regex;
use serde_json::json;

use crate::bill::{BillTerms, share};
use crate::findings::{Findings, RowFindings, Slice};
use crate::in_use;
use crate::line::Preset;
use crate::noise::LINES;
use crate::pattern;

/// What is less than this part of the bytes is not worth a change.
const LEAST_SHARE: f64 = 0.01;

/// What a pattern has to come to: to drop lines takes somebody who knows them.
const LEAST_PATTERN_SHARE: f64 = 0.05;

/// How many of the lines that an expression hits may be of other patterns.
const MAX_OTHERS: f64 = 0.02;

/// A container whose lines are logs of their own: so many of them.
const LEAST_ALONE: f64 = 0.95;

/// What part of the saving of `lean` the preset `compact` has to reach to be the better advice.
const ENOUGH: f64 = 0.8;

/// How many savings are named at most.
const MAX_SAVINGS: usize = 10;

/// How long logs are worth keeping in CloudWatch Logs once they are in Datadog, in days: what `generate logging` sets.
const RETENTION_DAYS: i64 = 7;

/// The share that a sample would leave.
const SAMPLE: f64 = 0.1;

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct Saving {
    pub kind: SavingKind,
    /// One line, for people.
    pub what: String,
    /// What is given up by it.
    pub gives_up: String,
    /// Dollars a month less for AWS.
    pub aws: f64,
    /// Dollars a month less for Datadog, where that was asked for.
    pub datadog: f64,
    /// The expression that tells the lines, where there is one.
    pub expression: Option<String>,
    pub snippets: Vec<Snippet>,
}

impl Saving {
    pub fn total(&self) -> f64 {
        self.aws + self.datadog
    }
}

/// The kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavingKind {
    Preset,
    Drop,
    Sample,
    Retention,
}

impl SavingKind {
    pub fn name(self) -> &'static str {
        match self {
            SavingKind::Preset => "preset",
            SavingKind::Drop => "drop",
            SavingKind::Sample => "sample",
            SavingKind::Retention => "retention",
        }
    }
}

/// What to write, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub place: String,
    pub text: String,
}

impl Snippet {
    fn new(place: &str, text: String) -> Snippet {
        Snippet { place: place.to_owned(), text }
    }
}

/// The changes that would save most, the largest first.
pub fn savings(findings: &Findings, terms: &BillTerms) -> Vec<Saving> {
    let mut found: Vec<Saving> = presets(findings, terms).into_iter().collect();
    found.extend(noise(findings, terms));
    found.extend(patterns(findings, terms));
    found.extend(samples(findings, terms));
    found.extend(retention(findings, terms));
    found.retain(|saving| saving.total() > 0.0);
    found.sort_by(|one, other| other.total().total_cmp(&one.total()));
    found.truncate(MAX_SAVINGS);
    found
}

fn presets(findings: &Findings, terms: &BillTerms) -> Vec<Saving> {
    let now = findings.total.billed;
    let less = |preset: Preset, gives_up: &str| {
        let then = findings.total.under(preset);
        let saved = now.checked_sub(then).filter(|saved| share(*saved, now) >= LEAST_SHARE)?;
        let command = format!("podferry generate logging --preset {}", preset.name());
        Some(Saving {
            kind: SavingKind::Preset,
            what: format!("write lines as the preset {} does", preset.name()),
            gives_up: gives_up.to_owned(),
            aws: terms.cloudwatch(saved),
            datadog: 0.0,
            expression: None,
            snippets: vec![Snippet::new("the ConfigMap aws-logging", command)],
        })
    };
    // Where records of metadata are, the preset is in use.
    let may_compact = findings.total.metadata_events == 0;
    let compact = may_compact
        .then(|| less(Preset::Compact, "nothing that tags need; the function needs MetadataRecords=true"))
        .flatten();
    let lean = less(Preset::Lean, "tags of labels, images and owners, and rules in annotations");
    // `lean` saves a little more, and gives up a lot: it is named where it makes a difference.
    let is_enough = |lean: &Saving| compact.as_ref().is_some_and(|compact| compact.aws >= ENOUGH * lean.aws);
    let lean = lean.filter(|lean| !is_enough(lean));
    compact.into_iter().chain(lean).collect()
}

fn noise(findings: &Findings, terms: &BillTerms) -> Vec<Saving> {
    crate::noise::Noise::ALL
        .into_iter()
        .filter_map(|noise| {
            let rows: Vec<(&RowFindings, Slice)> = findings
                .rows
                .iter()
                .filter_map(|row| Some((row, row.noise.iter().find(|one| one.noise == noise)?.slice)))
                .collect();
            let what = format!("drop {}", noise.what());
            let saving = drop_lines(findings, terms, &what, noise.expression(), &rows, LEAST_SHARE)?;
            Some(Saving { gives_up: noise.gives_up().to_owned(), ..saving })
        })
        .collect()
}

fn patterns(findings: &Findings, terms: &BillTerms) -> Vec<Saving> {
    let mut found = Vec::new();
    for row in &findings.rows {
        for one in &row.patterns {
            if share(one.slice.billed, findings.total.billed) < LEAST_PATTERN_SHARE {
                break;
            }
            let Some(expression) = pattern::expression(&one.pattern).filter(|_| !tells_of_failure(&one.pattern)) else {
                continue;
            };
            if !hits_its_own(&findings.lines, &expression, &one.pattern) {
                continue;
            }
            // The same line may come from several containers; a filter hits all of them.
            let same: Vec<(&RowFindings, Slice)> = findings
                .rows
                .iter()
                .filter_map(|row| Some((row, row.patterns.iter().find(|other| other.pattern == one.pattern)?.slice)))
                .collect();
            let is_first = same.first().is_some_and(|(first, _)| first.writer == row.writer);
            let what = format!("drop lines like: {}", one.pattern);
            found.extend(
                drop_lines(findings, terms, &what, &expression, &same, LEAST_PATTERN_SHARE).filter(|_| is_first),
            );
        }
    }
    found
}

/// Whether somebody may need the lines when something is wrong.
fn tells_of_failure(pattern: &str) -> bool {
    const WORDS: [&str; 12] = [
        "err",
        "warn",
        "fail",
        "fatal",
        "severe",
        "crit",
        "exception",
        "panic",
        "abort",
        "denied",
        "refused",
        "caused by",
    ];
    let pattern = pattern.to_lowercase();
    WORDS.iter().any(|word| pattern.contains(word))
}

/// Whether an expression hits the lines of its pattern and hardly any other, as far as lines were kept.
fn hits_its_own(lines: &[String], expression: &str, own: &str) -> bool {
    let Ok(compiled) = Regex::new(expression) else { return false };
    let (mut hits, mut others) = (0_u64, 0_u64);
    for line in lines {
        let is_own = pattern::of(line) == own;
        let is_hit = compiled.is_match(line);
        if is_own && !is_hit {
            return false;
        }
        hits += u64::from(is_hit);
        others += u64::from(is_hit && !is_own);
    }
    share(others, hits) <= MAX_OTHERS
}

fn drop_lines(
    findings: &Findings,
    terms: &BillTerms,
    what: &str,
    expression: &str,
    rows: &[(&RowFindings, Slice)],
    least: f64,
) -> Option<Saving> {
    // A filter of EKS's Fluent Bit sees what pods write, and nothing else.
    let rows: Vec<(&RowFindings, Slice)> = rows.iter().copied().filter(|(row, _)| row.is_of_pod()).collect();
    let rows = rows.as_slice();
    let mut all = Slice::default();
    rows.iter().for_each(|(_, slice)| all.merge(*slice));
    if share(all.billed, findings.total.billed) < least {
        return None;
    }
    // Datadog's part: the lines' share of what each container sends.
    let datadog: f64 =
        rows.iter().map(|(row, slice)| datadog_part(terms, row, share(slice.events, row.sums.lines))).sum();
    let mut snippets = filter(findings, expression);
    // A rule sees whole logs. Where lines are joined, it would see other texts than the filter does.
    if terms.datadog.is_some() && rows.iter().all(|(row, _)| share(row.sums.logs, row.sums.lines) >= LEAST_ALONE) {
        snippets.push(Snippet::new(
            "or only out of Datadog: DD_LOGS_CONFIG_PROCESSING_RULES of the function",
            rule(expression).to_string(),
        ));
        snippets.extend(annotation(rows, expression));
    }
    Some(Saving {
        kind: SavingKind::Drop,
        what: what.to_owned(),
        gives_up: LINES.to_owned(),
        aws: terms.cloudwatch(all.billed),
        datadog,
        expression: Some(expression.to_owned()),
        snippets,
    })
}

/// The filter, and the command that writes it: with the preset that is there, since another would change all lines.
fn filter(findings: &Findings, expression: &str) -> Vec<Snippet> {
    let in_use = in_use::preset(findings);
    // `seed` has no parser either.
    let preset = if in_use == Preset::Seed { Preset::Lean } else { in_use };
    let expression = &if in_use == Preset::Merged { spaced(expression) } else { expression.to_owned() };
    let command =
        format!("podferry generate logging --preset {} --drop-pattern {}", preset.name(), shell_quoted(expression));
    // Where `log` begins with containerd's prefix, a filter that stands alone would not see the line's beginning.
    if findings.has_prefix {
        let place =
            "the ConfigMap aws-logging, where no parser removes containerd's prefix yet; with the options that you use";
        return vec![Snippet::new(place, command)];
    }
    vec![
        Snippet::new("filters.conf of the ConfigMap aws-logging, after the parser", grep(expression)),
        Snippet::new("or let podferry write it, with the options that you use", command),
    ]
}

/// Where a filter parsed JSON, its blanks are gone from what was read; the filter that drops lines stands before that one, and sees them.
fn spaced(expression: &str) -> String {
    if !expression.starts_with(r"^\{") {
        return expression.to_owned();
    }
    expression.replace("\":", "\": ?").replace(",\"", ", ?\"")
}

/// The same rule on the pods, if they are those of one owner.
fn annotation(rows: &[(&RowFindings, Slice)], expression: &str) -> Option<Snippet> {
    let [(row, _)] = rows else { return None };
    // Where no stream names it, a record did, and an application may have written that: it is copied into a manifest.
    let is_name =
        |name: &&String| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let container = Some(&row.writer.container).filter(is_name)?;
    let value = json!([{ "log_processing_rules": rule(expression) }]).to_string();
    let text = format!("ad.datadoghq.com/{container}.logs: '{}'", value.replace('\'', "''"));
    Some(Snippet::new(
        "or only out of Datadog: an annotation of the pods, or a rule more in the one that is there",
        text,
    ))
}

/// What Datadog asks for a part of a container's logs.
fn datadog_part(terms: &BillTerms, row: &RowFindings, part: f64) -> f64 {
    let (ingestion, indexing) = terms.datadog(row.sums.datadog, row.sums.logs);
    (ingestion + indexing) * part
}

/// A tenth of the informational logs of the largest container: in Datadog only.
fn samples(findings: &Findings, terms: &BillTerms) -> Option<Saving> {
    let row = findings.rows.iter().find(|row| row.is_of_pod() && !row.writer.namespace.is_empty())?;
    let (namespace, container) = (&row.writer.namespace, &row.writer.container);
    let rule = json!({ "kube_namespace": namespace, "kube_container_name": container, "rate": SAMPLE });
    Some(Saving {
        kind: SavingKind::Sample,
        what: format!("ship one of ten logs of {namespace}/{container}"),
        gives_up: "nine of ten of these logs in Datadog; CloudWatch Logs keeps and bills all".to_owned(),
        aws: 0.0,
        datadog: datadog_part(terms, row, 1.0 - SAMPLE),
        expression: None,
        snippets: vec![Snippet::new("PODFERRY_SAMPLE of the function", rule.to_string())],
    })
}

fn retention(findings: &Findings, terms: &BillTerms) -> Option<Saving> {
    if terms.retention_days.is_some_and(|days| days <= RETENTION_DAYS) {
        return None;
    }
    let group = shell_quoted(&findings.group);
    let command =
        format!("aws logs put-retention-policy --log-group-name {group} --retention-in-days {RETENTION_DAYS}");
    Some(Saving {
        kind: SavingKind::Retention,
        what: format!("keep logs for {RETENTION_DAYS} days in CloudWatch Logs"),
        gives_up: "older logs in CloudWatch Logs; what is in Datadog stays".to_owned(),
        aws: terms.storage_saved(findings.total.billed, RETENTION_DAYS),
        datadog: 0.0,
        expression: None,
        snippets: vec![Snippet::new("the log group", command)],
    })
}

/// A filter of Fluent Bit that drops what matches. The key and the expression are parted at the first blank.
fn grep(expression: &str) -> String {
    format!("[FILTER]\n    Name grep\n    Match kube.*\n    Exclude log {expression}")
}

/// A rule of the function sees whole logs: one that begins with the line and goes on is another.
fn rule(expression: &str) -> serde_json::Value {
    let is_open = expression.starts_with('^') && !expression.contains('|') && !expression.ends_with('$');
    let pattern = if is_open { format!(r"{expression}[^\n]*$") } else { expression.to_owned() };
    json!([{ "type": "exclude_at_match", "name": "cost", "pattern": pattern }])
}

/// A word for a shell.
fn shell_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
