//! Patterns of `Match`: which logs they take.
//!
//! Source: fluent/fluent-bit, src/flb_router.c, `router_match`: `*` stands for any text, and all else for itself.

use super::words;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const ROUTER: &str = "fluent/fluent-bit, src/flb_router.c";
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

/// The tags that EKS' input gives: `<pod>_<namespace>_<container>-<id>` stands for the star.
const TAGS: &str = "kube.var.log.containers.*.log";
/// How they begin.
const PREFIX: &str = "kube.";

/// The tag of Fluent Bit's own log, where `flb_log_cw` is on. Seen in streams that people show: aws-ia/terraform-aws-eks-blueprints,
/// `examples/fargate-serverless/README.md`.
const OWN_TAG: &str = "flblogs.var.log.fluent-bit.log";

pub(crate) static NOTHING: LintRule = LintRule {
    code: "PF271",
    name: "match-of-nothing",
    severity: Severity::Error,
    title: "A `Match` pattern matches no logs",
    why: "EKS tags pod logs kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log, so a section with this pattern never sees one.",
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
    why: "Besides pod logs it also takes Fluent Bit's own log, which then looks like a pod's.",
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
    fix: "Give an output a `Match` that fits the tag, or start the tag with `kube.`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Rewrite tag\" filter", ROUTER],
};

pub(crate) static RULES: &[&LintRule] = &[&NOTHING, &EVERYTHING, &NO_OUTPUT];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let new = new_tags(logging);
        for section in logging.filters().chain(logging.outputs()) {
            pattern(section, &new, findings);
        }
        for NewTag { filter, rule, tag } in &new {
            let fits = |output: PlacedSection<'_, '_>| output.get("Match").is_none_or(|pattern| meet(pattern, tag));
            if !logging.outputs().any(fits) {
                let message = format!("no output matches the tag `{}`", tag.replace('*', "…"));
                findings.push(Finding::new(&NO_OUTPUT, filter.value_place(rule), message));
            }
        }
    }
}

/// A new tag that a filter gives.
struct NewTag<'b, 'a> {
    filter: PlacedSection<'b, 'a>,
    rule: &'b ReadProperty,
    /// What is taken from the record is a star.
    tag: String,
}

/// Whether a pattern takes logs as EKS tags them, before any filter gives other tags.
pub(super) fn takes_pods(pattern: &str) -> bool {
    meet(pattern, TAGS)
}

fn pattern(section: PlacedSection<'_, '_>, new: &[NewTag<'_, '_>], findings: &mut Findings) {
    let Some(property) = section.property("Match").filter(|property| !property.value.value.is_empty()) else { return };
    let pattern = property.value.value.as_str();
    let place = section.value_place(property);
    if pattern == "*" {
        if section.section.name.value.eq_ignore_ascii_case("OUTPUT") {
            findings.push(everything(section, property, new));
        }
    } else if !takes_pods(pattern) && !meet(pattern, OWN_TAG) && !new.iter().any(|new| meet(pattern, &new.tag)) {
        findings.push(Finding::new(&NOTHING, place, format!("no log has a tag that matches `{pattern}`")));
    }
}

/// `Match *`, and the change to what pods have; not where other tags would be lost by it.
fn everything(section: PlacedSection<'_, '_>, property: &ReadProperty, new: &[NewTag<'_, '_>]) -> Finding {
    let finding = Finding::new(&EVERYTHING, section.value_place(property), "this output takes everything");
    match new.iter().find(|new| !new.tag.starts_with(PREFIX)) {
        Some(other) => {
            let text = format!("this gives logs the tag `{}`", other.tag.replace('*', "…"));
            finding
                .fix("Write `Match kube.*`, and start the new tag with `kube.`.")
                .related(other.filter.value_place(other.rule), text)
        }
        None => finding.edits(section.part.text.replace(property.value.span, "kube.*")),
    }
}

/// All new tags that filters give, rule by rule.
fn new_tags<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Vec<NewTag<'b, 'a>> {
    let filters = logging.filters().filter(|filter| filter.plugin() == "rewrite_tag");
    let rules = filters.flat_map(|filter| {
        let is_rule = |rule: &&ReadProperty| rule.name.value.eq_ignore_ascii_case("Rule") && words(rule) == 4;
        filter.section.properties.iter().filter(is_rule).map(move |rule| (filter, rule))
    });
    // After the tag comes only whether the log also keeps its old one.
    let tag = |rule: &ReadProperty| Some(without_variables(rule.value.value.split_whitespace().rev().nth(1)?));
    rules.filter_map(|(filter, rule)| Some(NewTag { filter, rule, tag: tag(rule)? })).collect()
}

/// A tag with a star for each variable: `app.$kubernetes['labels']['app'].log` is `app.*.log`.
fn without_variables(tag: &str) -> String {
    let (mut made, mut is_variable, mut depth) = (String::new(), false, 0_usize);
    for letter in tag.chars() {
        match letter {
            '[' if is_variable => depth += 1,
            ']' if is_variable => depth = depth.saturating_sub(1),
            // Between brackets any character is part of a name; elsewhere a variable ends at what no name has.
            '.' | ',' | '-' if depth == 0 => is_variable = false,
            '$' if !is_variable => {
                is_variable = true;
                made.push('*');
            }
            _ => {}
        }
        if !is_variable {
            made.push(letter);
        }
    }
    made
}

/// Whether some text fits two patterns.
fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether the rests from here can meet, from the end.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let (left, right) = (one.get(at), other.get(to));
            row[to] = match (left, right) {
                (None, None) => true,
                (Some('*'), _) if below[to] => true,
                (Some('*'), Some(_)) => row[to + 1],
                (_, Some('*')) if row[to + 1] => true,
                (Some(_), Some('*')) => below[to],
                (Some(left), Some(right)) => left == right && below[to + 1],
                _ => false,
            };
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_new_tags() {
        for (tag, expected) in [
            ("errors", "errors"),
            ("kube.errors.$TAG", "kube.errors.*"),
            ("$TAG[4].x", "*.x"),
            ("app.$kubernetes['labels']['app.kubernetes.io/name'].log", "app.*.log"),
            ("$1$2-x.$log", "*-x.*"),
        ] {
            assert_eq!(without_variables(tag), expected);
        }
    }

    #[test]
    fn patterns_meet() {
        for fits in [
            "kube.*",
            "*",
            "kube.*_kube-system_*",
            "*.log",
            "kube.var.log.containers.web*",
            "kube.var.log.containers.*.log",
            "k*g",
        ] {
            assert!(meet(fits, TAGS) && meet(TAGS, fits), "{fits}");
        }
        assert!(meet("flblogs.*", OWN_TAG));
        for not in ["app.*", "kube", "kube.*.txt", "kubernetes.*", "", "KUBE.*"] {
            assert!(!meet(not, TAGS) && !meet(TAGS, not), "{not}");
        }
    }
}
