//! What was meant as a comment, but stands behind a value: Fluent Bit takes it for a part of the value.

use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static BEHIND_VALUE: LintRule = LintRule {
    code: "PF256",
    name: "comment-behind-value",
    severity: Severity::Error,
    title: "A comment follows a value",
    why: "Fluent Bit only knows comments on separate lines, so this one becomes part of the value, which then means something else.",
    fix: "Move the comment to a separate line above, with the same indentation.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &["fluent/fluent-bit, src/config_format/flb_cf_fluentbit.c", "seen with Fluent Bit 1.9.10 and 5.1.1"],
};

pub(crate) static RULES: &[&LintRule] = &[&BEHIND_VALUE];

/// Options whose values are any text, expressions among them, in which a `#` may be meant.
const FREE: [&str; 16] = [
    "regex",
    "exclude",
    "record",
    "set",
    "add",
    "condition",
    "rule",
    "remove",
    "remove_regex",
    "remove_wildcard",
    "rename",
    "hard_rename",
    "copy",
    "hard_copy",
    "wildcard",
    "extra_user_agent",
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for section in logging.all() {
            section.section.properties.iter().for_each(|property| behind(project, section, property, findings));
        }
    }
}

fn behind(project: &Project<'_>, section: PlacedSection<'_, '_>, property: &ReadProperty, findings: &mut Findings) {
    let Some(comment) = property.comment() else { return };
    let text = &section.part.text;
    let place = text.span(comment.span);
    let name = &property.name.value;
    if FREE.iter().any(|free| free.eq_ignore_ascii_case(name)) {
        // `# ` with words behind it looks like a comment; `#42` may well be looked for.
        if comment.value.starts_with("# ") && comment.span.start > property.value.span.start {
            let message = format!("this is part of `{name}`, not a comment");
            findings.push(Finding::new(&BEHIND_VALUE, place, message).severity(Severity::Warning));
        }
        return;
    }
    let message = format!("this is part of the value of `{name}`, not a comment");
    let finding = Finding::new(&BEHIND_VALUE, place, message);
    // Without the comment nothing may be left, and then somebody has to say what was meant.
    let is_value = comment.span.start > property.value.span.start;
    let source = project.source(place);
    let edits = is_value.then(|| text.move_above(property.name.span.start, comment.span, source)).flatten();
    findings.push(finding.edits(edits.into_iter().flatten()));
}
