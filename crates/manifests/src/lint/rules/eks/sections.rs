//! The sections under the keys of the ConfigMap, and their lines.

use super::{GUIDE, READER};
use crate::fluent_bit::parse::{ProblemKind, ReadProperty};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, LoggingPart, PARTS, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Span;

pub(crate) static NOT_ALLOWED: LintRule = LintRule {
    code: "PF111",
    name: "section-not-allowed",
    severity: Severity::Error,
    title: "A section is neither [FILTER], [OUTPUT] nor [PARSER]",
    why: "EKS writes all other sections itself; if the ConfigMap has one, EKS disables logging for all new pods.",
    fix: "Remove the section: the router's [SERVICE] and [INPUT] cannot be changed.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "aws/containers-roadmap#1720"],
};

pub(crate) static WRONG_KEY: LintRule = LintRule {
    code: "PF112",
    name: "section-under-wrong-key",
    severity: Severity::Error,
    title: "A section is under the wrong key",
    why: "EKS takes filters from `filters.conf`, outputs from `output.conf` and parsers from `parsers.conf`, and rejects any mix.",
    fix: "Move the section to its own key.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF113",
    name: "missing-key",
    severity: Severity::Error,
    title: "A section lacks a property that EKS requires",
    why: "EKS rejects a filter or output without `Name` and `Match`, and a parser without `Name` and `Format`.",
    fix: "Add the property.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "aws/containers-roadmap#2494"],
};

pub(crate) static UNREADABLE: LintRule = LintRule {
    code: "PF114",
    name: "unreadable-line",
    severity: Severity::Error,
    title: "A line is neither a section nor a property with a value",
    why: "Fluent Bit exits at the first line that it cannot parse, so none of the pod's logs are written.",
    fix: "Write `[SECTION]` on a separate line, followed by lines with a name, a space and a value.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[READER],
};

pub(crate) static COMMAND: LintRule = LintRule {
    code: "PF115",
    name: "command",
    severity: Severity::Error,
    title: "A line starts with @, like @INCLUDE or @SET",
    why: "EKS only allows sections: there are no files to include and no variables to set.",
    fix: "Write out what you wanted to include or set.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, READER],
};

pub(crate) static VARIABLE: LintRule = LintRule {
    code: "PF116",
    name: "variable",
    severity: Severity::Error,
    title: "The configuration contains a variable, `${…}`",
    why: "EKS does not allow variables; if it finds one, it disables logging for all new pods.",
    fix: "Write the value itself.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static NO_VALUE: LintRule = LintRule {
    code: "PF117",
    name: "no-value",
    severity: Severity::Error,
    title: "A property has no value",
    why: "Fluent Bit exits at a property without a value, so none of the pod's logs are written.",
    fix: "Add a value after the name, or remove the line.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[READER],
};

pub(crate) static TAB: LintRule = LintRule {
    code: "PF118",
    name: "tab-behind-key",
    severity: Severity::Error,
    title: "A tab separates a property from its value",
    why: "Fluent Bit expects a space there, so it reads name and value as one word without a value.",
    fix: "Separate them with a space.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[READER],
};

pub(crate) static RULES: &[&LintRule] =
    &[&NOT_ALLOWED, &WRONG_KEY, &MISSING, &UNREADABLE, &COMMAND, &VARIABLE, &NO_VALUE, &TAB];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for part in &logging.parts {
            problems(part, findings);
            variables(part, findings);
        }
        for section in logging.all() {
            kind(section, findings);
            required(section, findings);
            section.section.properties.iter().for_each(|property| line(section, property, findings));
        }
        parsers_without_sections(logging, findings);
    }
}

fn problems(part: &LoggingPart<'_>, findings: &mut Findings) {
    let mut before = None;
    for problem in &part.configuration.problems {
        // All lines before the first section, or after a broken one, are one mistake.
        let is_told = before.replace(problem.kind).is_some_and(|kind| kind != ProblemKind::Command);
        if problem.kind == ProblemKind::Homeless && is_told {
            continue;
        }
        let rule = if problem.kind == ProblemKind::Command { &COMMAND } else { &UNREADABLE };
        findings.push(Finding::new(rule, part.text.span(problem.span), problem.kind.to_string()));
    }
}

fn variables(part: &LoggingPart<'_>, findings: &mut Findings) {
    for (at, _) in part.text.text.match_indices("${") {
        let rest = part.text.text.get(at..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let length = line.find('}').map_or(line.len(), |end| end + 1);
        let place = part.text.span(Span { start: at, end: at + length });
        let message = format!("EKS treats `{}` as a variable", line.get(..length).unwrap_or(line));
        findings.push(Finding::new(&VARIABLE, place, message));
    }
}

fn kind(section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let name = section.section.name.value.as_str();
    let own = PARTS.iter().find(|(_, kind)| kind.eq_ignore_ascii_case(name));
    let Some((own_key, _)) = own else {
        let message = format!("EKS does not allow the section [{name}]");
        return findings.push(Finding::new(&NOT_ALLOWED, section.place(), message));
    };
    let key = section.part.entry.name;
    // A key that EKS does not know is another rule's.
    if key != *own_key && PARTS.iter().any(|(known, _)| *known == key) {
        let message = format!("[{name}] belongs under `{own_key}`, not under `{key}`");
        findings.push(
            Finding::new(&WRONG_KEY, section.place(), message).related(section.part.entry.key, "it is under this key"),
        );
    }
}

fn required(section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let name = section.section.name.value.to_ascii_uppercase();
    let wanted: &[&str] = match name.as_str() {
        "FILTER" | "OUTPUT" => &["Name", "Match"],
        "PARSER" => &["Name", "Format"],
        _ => return,
    };
    for key in wanted.iter().filter(|key| section.property(key).is_none()) {
        let message = format!("[{name}] has no `{key}`");
        let mut finding = Finding::new(&MISSING, section.place(), message);
        if let Some(pattern) = section.property("Match_Regex").filter(|_| *key == "Match") {
            // Fluent Bit takes either, and somebody runs EKS with this alone: aws/containers-roadmap#2494.
            let place = section.name_place(pattern);
            let text = "Fluent Bit takes this instead, but EKS' guide requires `Match`";
            finding = finding.severity(Severity::Warning).related(place, text).fix(
                "Write `Match`, such as `kube.*`, if it can say the same; else look at a new pod's events, where EKS says whether it enabled logging.",
            );
        } else if *key == "Match" {
            finding = finding.fix("Add `Match kube.*`: the logs of all pods.");
        }
        findings.push(finding);
    }
}

fn line(section: PlacedSection<'_, '_>, property: &ReadProperty, findings: &mut Findings) {
    if property.value.value.is_empty() {
        let message = format!("`{}` has no value", property.name.value);
        return findings.push(Finding::new(&NO_VALUE, section.name_place(property), message));
    }
    let between = Span { start: property.name.span.end, end: property.value.span.start };
    let text = section.part.text.text.get(between.range()).unwrap_or_default();
    if !text.contains(' ') {
        let message = format!("a tab follows `{}`, but Fluent Bit expects a space", property.name.value);
        let edit = section.part.text.replace(between, " ");
        findings.push(Finding::new(&TAB, section.name_place(property), message).edits(edit));
    } else if text.starts_with('\t') {
        // The key would end at the space, and the tab belong to it.
        let message = format!("the tab after `{}` becomes part of the name", property.name.value);
        let edit = section.part.text.replace(between, " ");
        findings.push(Finding::new(&TAB, section.name_place(property), message).edits(edit));
    }
}

/// A part in which there is something, but no section.
fn parsers_without_sections(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    for part in logging.parts.iter().filter(|part| part.configuration.sections.is_empty()) {
        let is_empty = part.text.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if !is_empty && part.configuration.problems.is_empty() {
            let message = format!("`{}` has no section", part.entry.name);
            findings.push(Finding::new(&UNREADABLE, part.entry.key, message));
        }
    }
}
