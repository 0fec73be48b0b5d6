//! How the lines of a configuration are indented.

use super::{GUIDE, READER};
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::LoggingPart;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, Severity};
use crate::lint::source::{Place, Span};
use pipeline::counted::counted;

/// What is seen to work: keys stand four blanks deeper than their section. Source: aws/containers-roadmap#1197.
const DEPTH: usize = 4;

pub(crate) static UNEVEN: LintRule = LintRule {
    code: "PF121",
    name: "uneven-indentation",
    severity: Severity::Error,
    title: "Lines under one key of the ConfigMap are not indented alike",
    why: "EKS wants all sections of a key in one column and all their keys in another one, deeper, and refuses the ConfigMap otherwise.",
    fix: "Begin each section in the first column, and each key four blanks deeper.",
    is_automatic: true,
    sources: &[GUIDE, READER],
};

pub(crate) static UNUSUAL: LintRule = LintRule {
    code: "PF122",
    name: "unusual-indentation",
    severity: Severity::Warning,
    title: "Sections do not begin in the first column, or keys are not indented by four blanks",
    why: "Users of EKS report that logging was disabled with other indentations, though the guide allows them.",
    fix: "Begin sections in the first column, and indent keys by four blanks, without tabs.",
    is_automatic: true,
    sources: &["aws/containers-roadmap#1197"],
};

pub(crate) static COMMENT: LintRule = LintRule {
    code: "PF123",
    name: "comment-indentation",
    severity: Severity::Error,
    title: "A comment is indented otherwise than the keys around it",
    why: "Fluent Bit checks the indentation of comments, too, and ends at one that does not fit, so no log of the pod is written.",
    fix: "Indent the comment as the keys, or begin it in the first column.",
    is_automatic: true,
    sources: &[READER],
};

pub(crate) static RULES: &[&LintRule] = &[&UNEVEN, &UNUSUAL, &COMMENT];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    project.logging.iter().flat_map(|logging| &logging.parts).for_each(|part| part_of(part, findings));
}

/// A line: what it is called, where its text begins, and the blanks before it.
struct IndentedLine<'a> {
    name: &'a str,
    place: Place,
    blanks: Span,
    is_section: bool,
}

fn part_of(part: &LoggingPart<'_>, findings: &mut Findings) {
    let lines = lines(part);
    let width = |line: &IndentedLine<'_>| line.blanks.end - line.blanks.start;
    let text = |line: &IndentedLine<'_>| part.text.text.get(line.blanks.range()).unwrap_or_default();
    let first_of = |is_section: bool| lines.iter().find(|line| line.is_section == is_section);
    let (Some(section), Some(key)) = (first_of(true), first_of(false)) else { return };
    let is_even = |line: &IndentedLine<'_>| text(line) == text(if line.is_section { section } else { key });
    let odd: Vec<&IndentedLine<'_>> = lines.iter().filter(|line| !is_even(line)).collect();
    // All edits mend one thing, so each finding has all of them: a file that is half mended is no better.
    let edits = edits(part, &lines);
    for line in &odd {
        let (what, first) = if line.is_section { ("sections", section) } else { ("keys", key) };
        let message = format!(
            "`{}` is indented by {}, and other {what} of `{}` by {}",
            line.name,
            blanks(text(line)),
            part.entry.name,
            blanks(text(first))
        );
        findings.push(
            Finding::new(&UNEVEN, line.place, message).related(first.place, "as this one").edits(edits.iter().cloned()),
        );
    }
    if !odd.is_empty() {
        return;
    }
    comments(part, text(key), key.place, findings);
    if width(key) <= width(section) {
        let message = format!("the keys of `{}` are not indented deeper than their sections", part.entry.name);
        findings.push(Finding::new(&UNEVEN, key.place, message).edits(edits));
    } else if width(section) > 0 {
        let message = format!("the sections of `{}` do not begin in the first column", part.entry.name);
        findings.push(Finding::new(&UNUSUAL, section.place, message).edits(edits));
    } else if text(key).contains('\t') || width(key) != DEPTH {
        let message =
            format!("the keys of `{}` are indented by {}, not by four blanks", part.entry.name, blanks(text(key)));
        findings.push(Finding::new(&UNUSUAL, key.place, message).edits(edits));
    }
}

/// Comments that are indented otherwise than the keys.
fn comments(part: &LoggingPart<'_>, keys: &str, first: Place, findings: &mut Findings) {
    for comment in &part.configuration.comments {
        let before = part.text.text.get(..comment.start).unwrap_or_default();
        let blanks_span = Span { start: before.rfind('\n').map_or(0, |at| at + 1), end: comment.start };
        let written = part.text.text.get(blanks_span.range()).unwrap_or_default();
        if written == keys {
            continue;
        }
        let message = format!(
            "the comment is indented by {}, and keys of `{}` by {}",
            blanks(written),
            part.entry.name,
            blanks(keys)
        );
        let edit = part.text.replace(blanks_span, keys);
        let finding = Finding::new(&COMMENT, part.text.span(*comment), message);
        findings.push(finding.related(first, "as this one").edits(edit));
    }
}

fn lines<'b>(part: &'b LoggingPart<'_>) -> Vec<IndentedLine<'b>> {
    let mut lines = Vec::new();
    let mut add = |name: &'b str, span: Span, is_section: bool| {
        let before = part.text.text.get(..span.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        lines.push(IndentedLine {
            name,
            place: part.text.span(span),
            blanks: Span { start, end: span.start },
            is_section,
        });
    };
    for section in &part.configuration.sections {
        let name = section.name.span;
        // With its bracket, and whatever blanks stand behind that.
        let before = part.text.text.get(..name.start).unwrap_or_default();
        add(&section.name.value, Span { start: before.rfind('[').unwrap_or(name.start), end: name.end }, true);
        section.properties.iter().for_each(|property| add(&property.name.value, property.name.span, false));
    }
    lines
}

/// What brings every line where it belongs; nothing if one of them cannot be changed.
fn edits(part: &LoggingPart<'_>, lines: &[IndentedLine<'_>]) -> Vec<FixEdit> {
    let wanted = |line: &IndentedLine<'_>| if line.is_section { String::new() } else { " ".repeat(DEPTH) };
    let differs = |line: &&IndentedLine<'_>| part.text.text.get(line.blanks.range()) != Some(wanted(line).as_str());
    let edits = lines.iter().filter(differs).map(|line| part.text.replace(line.blanks, &wanted(line)));
    edits.collect::<Option<Vec<FixEdit>>>().unwrap_or_default()
}

fn blanks(text: &str) -> String {
    if text.contains('\t') {
        return "tabs".to_owned();
    }
    match text.len() {
        0 => "nothing".to_owned(),
        number => counted(number, "blank"),
    }
}
