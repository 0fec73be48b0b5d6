//! Patterns of `Match`: which logs they take.

use super::is_template;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::{NewTag, OWN_TAGS, POD_TAGS, distinct, new_tags};

const ROUTER: &str = "fluent/fluent-bit, src/flb_router.c";
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

/// How new tags have to begin so that patterns for pods take them, too.
const PREFIX: &str = "kube.";

pub(crate) static NOTHING: LintRule = LintRule {
    code: "PF271",
    name: "match-of-nothing",
    severity: Severity::Error,
    title: "A `Match` pattern matches no logs",
    why: "EKS tags pod logs kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log, and a pattern is not a regular expression: only `*` is special, so a section with this pattern never sees one.",
    fix: "Write `Match kube.*`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, ROUTER],
};

pub(crate) static EVERYTHING: LintRule = LintRule {
    code: "PF272",
    name: "match-of-everything",
    severity: Severity::Warning,
    title: "An output matches everything: `Match *`",
    why: "Besides pod logs it also takes Fluent Bit's own log, where `flb_log_cw` is on, which then looks like a pod's.",
    fix: "Write `Match kube.*`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[ROUTER, GUIDE],
};

pub(crate) static NO_OUTPUT: LintRule = LintRule {
    code: "PF273",
    name: "new-tag-without-output",
    severity: Severity::Error,
    title: "No output matches a new tag",
    why: "The `rewrite_tag` filter gives logs this tag, but no output takes it, so they are lost.",
    fix: "Give an output a `Match` that fits the tag; or write `Match kube.var.*` in the filter and start the tag with `kube.`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Rewrite tag\" filter", ROUTER],
};

pub(crate) static DOUBLE_STAR: LintRule = LintRule {
    code: "PF288",
    name: "double-star",
    severity: Severity::Note,
    title: "A `Match` pattern has two stars in a row",
    why: "In Fluentd `**` takes more than `*`; in Fluent Bit both take any text, dots too.",
    fix: "Write one star.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[ROUTER],
};

pub(crate) static RULES: &[&LintRule] = &[&NOTHING, &EVERYTHING, &NO_OUTPUT, &DOUBLE_STAR];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let new = new_tags(logging);
        for section in logging.filters().chain(logging.outputs()) {
            pattern(logging, section, &new, findings);
        }
        without_output(logging, &new, findings);
    }
}

fn without_output(logging: &LoggingConfigMap<'_>, new: &[NewTag<'_, '_>], findings: &mut Findings) {
    let outputs: Vec<PlacedSection<'_, '_>> = distinct(logging.outputs());
    for tag in new {
        if !outputs.iter().any(|output| tag.form.reaches(output)) {
            let message = format!("no output matches the tag `{}`", tag.title());
            findings.push(Finding::new(&NO_OUTPUT, tag.filter.value_place(tag.rule), message));
        }
    }
}

/// Whether a pattern takes logs as EKS tags them, before any filter gives other tags.
pub(super) fn takes_pods(pattern: &str) -> bool {
    POD_TAGS.fits(pattern)
}

fn pattern(
    logging: &LoggingConfigMap<'_>,
    section: PlacedSection<'_, '_>,
    new: &[NewTag<'_, '_>],
    findings: &mut Findings,
) {
    let Some(property) = section.property("Match").filter(|property| !property.value.value.is_empty()) else { return };
    if is_template(&property.value.value) {
        return;
    }
    let pattern = property.value.value.as_str();
    let place = section.value_place(property);
    // Each of the two is asked whether it takes a log.
    let has_regex = section.property("Match_Regex").is_some();
    if pattern.bytes().all(|byte| byte == b'*') {
        if section.section.name.value.eq_ignore_ascii_case("OUTPUT") {
            findings.push(everything(logging, section, property, new));
        }
    } else if !has_regex
        && !takes_pods(pattern)
        && !OWN_TAGS.fits(pattern)
        && !new.iter().any(|new| new.form.fits(pattern))
    {
        let finding = Finding::new(&NOTHING, place, format!("no log has a tag that matches `{pattern}`"));
        findings.push(match why_not(pattern) {
            Some(advice) => finding.fix(advice),
            None => finding,
        });
        return;
    }
    if pattern.contains("**") {
        let message = format!("`{pattern}` matches what `{}` matches", one_star(pattern));
        let edit = section.part.text.replace(property.value.span, &one_star(pattern));
        findings.push(Finding::new(&DOUBLE_STAR, place, message).edits(edit));
    }
}

/// What people took the pattern for.
fn why_not(pattern: &str) -> Option<String> {
    if pattern.contains('|') {
        return Some("Write one section for each pattern: `|` is an ordinary character here.".to_owned());
    }
    let is_expression = |letter: char| "\\^$+?()[]{}".contains(letter);
    if pattern.contains(is_expression) || pattern.contains(".*") && takes_pods(&pattern.replace(".*", "*")) {
        return Some(
            "Write it with `*` for any text, such as `kube.*_shop_*`: this is not a regular expression.".to_owned(),
        );
    }
    if pattern.contains(|letter: char| letter.is_ascii_uppercase()) && takes_pods(&pattern.to_ascii_lowercase()) {
        return Some(format!("Write `Match {}`: case matters.", pattern.to_ascii_lowercase()));
    }
    if pattern.contains(" #") {
        return Some("Move the comment to a separate line: after a value, it is part of the value.".to_owned());
    }
    let is_quoted = pattern.len() > 2 && pattern.starts_with(['"', '\'']) && pattern.ends_with(['"', '\'']);
    is_quoted.then(|| "Remove the quotes: they are part of the pattern.".to_owned())
}

/// Each run of stars as one.
fn one_star(pattern: &str) -> String {
    let mut before = None;
    pattern.chars().filter(|letter| before.replace(*letter) != Some('*') || *letter != '*').collect()
}

/// `Match *`, and the change to what pods have; not where other tags would be lost by it.
fn everything(
    logging: &LoggingConfigMap<'_>,
    section: PlacedSection<'_, '_>,
    property: &ReadProperty,
    new: &[NewTag<'_, '_>],
) -> Finding {
    let place = section.value_place(property);
    let finding = match logging.writes_own_log() {
        true => Finding::new(&EVERYTHING, place, "this output also takes Fluent Bit's own log"),
        // Then there is no other log.
        false => {
            let message = "this output takes everything: with `flb_log_cw` on, Fluent Bit's own log, too";
            Finding::new(&EVERYTHING, place, message).severity(Severity::Note)
        }
    };
    match new.iter().find(|new| !new.title().starts_with(PREFIX)) {
        Some(other) => {
            let text = format!("this gives logs the tag `{}`", other.title());
            finding
                .fix(
                    "Write `Match kube.*` here, `Match kube.var.*` in that filter, and start the new tag with `kube.`.",
                )
                .related(other.filter.value_place(other.rule), text)
        }
        None => finding.edits(section.part.text.replace(property.value.span, "kube.*")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_in_a_row_are_one() {
        for (pattern, expected) in [("**", "*"), ("kube.**", "kube.*"), ("a***b*c", "a*b*c"), ("a", "a"), ("", "")] {
            assert_eq!(one_star(pattern), expected);
        }
    }
}
