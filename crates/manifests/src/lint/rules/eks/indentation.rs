//! How the lines of a configuration are indented.

use super::{GUIDE, READER};
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::LoggingPart;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::{Place, Span};
use pipeline::counted::counted;

/// What is known to work: properties are indented four spaces deeper than their section. Source: aws/containers-roadmap#1197.
const DEPTH: usize = 4;

/// How many uneven lines are told one by one: each finding has the changes of all.
const MAX_TOLD: usize = 50;

pub(crate) static UNEVEN: LintRule = LintRule {
    code: "PF121",
    name: "uneven-indentation",
    severity: Severity::Error,
    title: "Lines under one key of the ConfigMap are indented unevenly, or its sections are indented",
    why: "EKS requires all sections of a key in one column and all their properties in another, deeper one, and rejects the ConfigMap otherwise; Fluent Bit exits at a section that does not start in the first column.",
    fix: "Start each section in the first column, and indent its properties by four spaces.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[GUIDE, READER, "seen with Fluent Bit 1.9.10 and 5.1.1"],
};

pub(crate) static UNUSUAL: LintRule = LintRule {
    code: "PF122",
    name: "unusual-indentation",
    severity: Severity::Note,
    title: "Properties are not indented by four spaces",
    why: "EKS users report that logging was disabled with other indentation, although the guide allows it, and one of its samples has one space.",
    fix: "Indent properties by four spaces, not tabs.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["aws/containers-roadmap#1197"],
};

pub(crate) static COMMENT: LintRule = LintRule {
    code: "PF123",
    name: "comment-indentation",
    severity: Severity::Error,
    title: "A comment or a line of spaces is indented differently from the properties around it",
    why: "Fluent Bit also checks the indentation of these lines and exits at a mismatch, so none of the pod's logs are written.",
    fix: "Indent the comment like the properties, or start it in the first column; leave blank lines empty.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[READER],
};

pub(crate) static RULES: &[&LintRule] = &[&UNEVEN, &UNUSUAL, &COMMENT];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    project.logging.iter().flat_map(|logging| &logging.parts).for_each(|part| part_of(part, findings));
}

/// A line: what it is called, where its text begins, and its indentation.
struct IndentedLine<'a> {
    name: &'a str,
    place: Place,
    indentation: Span,
    is_section: bool,
}

fn part_of(part: &LoggingPart<'_>, findings: &mut Findings) {
    let lines = lines(part);
    let width = |line: &IndentedLine<'_>| line.indentation.end - line.indentation.start;
    let text = |line: &IndentedLine<'_>| part.text.text.get(line.indentation.range()).unwrap_or_default();
    let first_of = |is_section: bool| lines.iter().find(|line| line.is_section == is_section);
    let (Some(section), Some(property)) = (first_of(true), first_of(false)) else { return };
    let is_even = |line: &IndentedLine<'_>| text(line) == text(if line.is_section { section } else { property });
    let odd: Vec<&IndentedLine<'_>> = lines.iter().filter(|line| !is_even(line)).collect();
    // All edits fix one thing, so each finding has all of them: a file that is half fixed is no better.
    let edits = edits(part, &lines);
    for line in odd.iter().take(MAX_TOLD) {
        let (what, first) = if line.is_section { ("sections", section) } else { ("properties", property) };
        let mut message = format!(
            "`{}` is indented by {}, but other {what} of `{}` by {}",
            line.name,
            indentation(text(line)),
            part.entry.name,
            indentation(text(first))
        );
        if odd.len() > MAX_TOLD {
            message.push_str(&format!("; {} in all are uneven", counted(odd.len(), "line")));
        }
        findings.push(
            Finding::new(&UNEVEN, line.place, message)
                .related(first.place, "like this one")
                .edits(edits.iter().cloned()),
        );
    }
    if !odd.is_empty() {
        return;
    }
    silent_lines(part, text(property), property.place, findings);
    if width(property) <= width(section) {
        let message = format!("the properties of `{}` are not indented deeper than their sections", part.entry.name);
        findings.push(Finding::new(&UNEVEN, property.place, message).edits(edits));
    } else if width(section) > 0 {
        let message = format!("the sections of `{}` do not start in the first column", part.entry.name);
        findings.push(Finding::new(&UNEVEN, section.place, message).edits(edits));
    } else if text(property).contains('\t') || width(property) != DEPTH {
        let message = format!(
            "the properties of `{}` are indented by {} instead of four spaces",
            part.entry.name,
            indentation(text(property))
        );
        findings.push(Finding::new(&UNUSUAL, property.place, message).edits(edits));
    }
}

/// A line that has no property, but an indentation.
struct SilentLine<'a> {
    indentation: &'a str,
    space: Span,
    /// None where nothing follows the spaces.
    comment: Option<Span>,
}

/// Comments and lines of spaces that Fluent Bit does not read. Its measure is the first line that is indented, whatever is on it; all others
/// have the same indentation, or it twice. Source: fluent/fluent-bit, src/config_format/flb_cf_fluentbit.c, `check_indent`.
fn silent_lines(part: &LoggingPart<'_>, properties: &str, first: Place, findings: &mut Findings) {
    let silent = find_silent(part.text.text);
    let first_property = part.configuration.sections.iter().flat_map(|section| &section.properties).next();
    let start = first_property.map_or(0, |property| property.name.span.start);
    let measure = silent.first().filter(|line| line.space.end < start).map_or(properties, |line| line.indentation);
    let fits = |indentation: &str| {
        let more = indentation.strip_prefix(measure).map(str::len);
        more == Some(0) || more == Some(measure.len())
    };
    for (number, line) in silent.iter().enumerate() {
        // The first one is the measure itself, and the properties are what does not fit.
        if fits(line.indentation) && (number > 0 || fits(properties)) {
            continue;
        }
        let what = if line.comment.is_some() { "comment" } else { "blank line" };
        let message = format!(
            "the {what} is indented by {}, but properties of `{}` by {}",
            indentation(line.indentation),
            part.entry.name,
            indentation(properties)
        );
        let edit = part.text.replace(line.space, if line.comment.is_some() { properties } else { "" });
        let finding = Finding::new(&COMMENT, part.text.span(line.comment.unwrap_or(line.space)), message);
        findings.push(finding.related(first, "like this one").edits(edit));
    }
}

fn find_silent(text: &str) -> Vec<SilentLine<'_>> {
    let (mut silent, mut at) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let written = content.trim_start_matches([' ', '\t']);
        let width = content.len() - written.len();
        let is_silent = written.is_empty() || written.starts_with('#');
        if let Some(indentation) = content.get(..width).filter(|_| is_silent && width > 0) {
            let space = Span { start: at, end: at + width };
            let comment =
                (!written.is_empty()).then_some(Span { start: space.end, end: at + content.trim_end().len() });
            silent.push(SilentLine { indentation, space, comment });
        }
        at += line.len();
    }
    silent
}

fn lines<'b>(part: &'b LoggingPart<'_>) -> Vec<IndentedLine<'b>> {
    let mut lines = Vec::new();
    let mut add = |name: &'b str, span: Span, is_section: bool| {
        let before = part.text.text.get(..span.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        lines.push(IndentedLine {
            name,
            place: part.text.span(span),
            indentation: Span { start, end: span.start },
            is_section,
        });
    };
    for section in &part.configuration.sections {
        let name = section.name.span;
        // With its bracket, and any spaces after that.
        let before = part.text.text.get(..name.start).unwrap_or_default();
        add(&section.name.value, Span { start: before.rfind('[').unwrap_or(name.start), end: name.end }, true);
        section.properties.iter().for_each(|property| add(&property.name.value, property.name.span, false));
    }
    lines
}

/// What brings every line where it belongs; nothing if one of them cannot be changed.
fn edits(part: &LoggingPart<'_>, lines: &[IndentedLine<'_>]) -> Vec<FixEdit> {
    let wanted = |line: &IndentedLine<'_>| if line.is_section { String::new() } else { " ".repeat(DEPTH) };
    let differs =
        |line: &&IndentedLine<'_>| part.text.text.get(line.indentation.range()) != Some(wanted(line).as_str());
    let edits = lines.iter().filter(differs).map(|line| part.text.replace(line.indentation, &wanted(line)));
    edits.collect::<Option<Vec<FixEdit>>>().unwrap_or_default()
}

fn indentation(text: &str) -> String {
    if text.contains('\t') {
        return "tabs".to_owned();
    }
    counted(text.len(), "space")
}
