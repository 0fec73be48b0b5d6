//! What `grep`, `modify` and `rewrite_tag` ask of a log: in which order, and of what.

use std::collections::HashSet;

use super::cores::SEEN;
use super::pattern;
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::words::by_spaces;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static ORDER: LintRule = LintRule {
    code: "PF291",
    name: "grep-after-regex",
    severity: Severity::Warning,
    title: "A `grep` filter has rules after a `Regex`, which it never asks",
    why: "The first `Regex` decides: a log that it matches is kept at once, and any other is dropped.",
    fix: "Put each rule into a separate `grep` filter; or, if one `Regex` is enough, put every `Exclude` above it.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["fluent/fluent-bit, plugins/filter_grep/grep.c", SEEN],
};

pub(crate) static NO_TEXT: LintRule = LintRule {
    code: "PF292",
    name: "asks-no-text",
    severity: Severity::Warning,
    title: "A filter compares a member that is no text",
    why: "Only texts match: a number, a boolean or a map never does, so a `Regex` drops every log, and an `Exclude`, a `Rule` or a `Condition` does nothing.",
    fix: "Ask for another member, or for the text in `log` before it is parsed.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["fluent/fluent-bit, src/flb_ra_key.c", "fluent/fluent-bit, plugins/filter_modify/modify.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&ORDER, &NO_TEXT];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let members = Members::new(logging);
        for filter in logging.filters() {
            order(filter, findings);
            for property in &filter.section.properties {
                no_text(filter, property, &members, findings);
            }
        }
    }
}

fn order(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let is_legacy = |logic: &str| !["and", "or"].iter().any(|known| known.eq_ignore_ascii_case(logic));
    if filter.plugin() != "grep" || !filter.get("Logical_Op").is_none_or(is_legacy) {
        return;
    }
    let is = |property: &&ReadProperty, name: &str| property.name.value.eq_ignore_ascii_case(name);
    let mut rules = filter.section.properties.iter().filter(|rule| is(rule, "Regex") || is(rule, "Exclude"));
    let Some(first) = rules.find(|rule| is(rule, "Regex")) else { return };
    if let Some(next) = rules.next() {
        let message = format!("this `{}` is never asked", next.name.value);
        let finding = Finding::new(&ORDER, filter.value_place(next), message);
        findings.push(finding.related(filter.value_place(first), "this one decides"));
    }
}

/// What members may be.
struct Members<'b> {
    /// Those that a parser makes numbers or booleans of.
    typed: HashSet<&'b str>,
    /// Those that a parser takes out of a line: texts.
    texts: HashSet<&'b str>,
    /// Whether an application's JSON becomes members.
    has_json: bool,
}

impl<'b> Members<'b> {
    fn new(logging: &'b LoggingConfigMap<'_>) -> Members<'b> {
        let (mut typed, mut texts, mut has_json) = (HashSet::new(), HashSet::new(), false);
        for parser in logging.parsers() {
            let types = parser.get("Types").unwrap_or_default().split_whitespace();
            typed.extend(
                types.filter_map(|of| of.split_once(':')).filter(|(_, kind)| *kind != "string").map(|(name, _)| name),
            );
            match parser.get("Format") {
                Some(format) if format.eq_ignore_ascii_case("regex") => {
                    texts.extend(parser.get("Regex").map(pattern::groups).unwrap_or_default());
                }
                Some(format) => has_json |= format.eq_ignore_ascii_case("json"),
                None => {}
            }
        }
        has_json |= logging.filters().any(|filter| filter.is_on("Merge_Log") == Some(true));
        Members { typed, texts, has_json }
    }
}

/// Parts of what the Kubernetes filter adds that are maps.
const MAPS: [&str; 4] = ["kubernetes", "$kubernetes", "$kubernetes['labels']", "$kubernetes['annotations']"];

fn no_text(filter: PlacedSection<'_, '_>, property: &ReadProperty, members: &Members<'_>, findings: &mut Findings) {
    let option = property.name.value.to_ascii_lowercase();
    let words = by_spaces(&property.value.value, 3);
    let word = |number: usize| words.get(number).map(String::as_str);
    let asked = match (filter.plugin().as_str(), option.as_str()) {
        ("grep", "regex" | "exclude") | ("rewrite_tag", "rule") => (word(0), word(1), false),
        ("modify", "condition") if word(0).is_some_and(compares) => (word(1), word(2), true),
        _ => return,
    };
    let (Some(key), Some(wanted), is_condition) = asked else { return };
    let name = member(key);
    let place = filter.value_place(property);
    if MAPS.contains(&key) {
        return findings.push(Finding::new(&NO_TEXT, place, format!("`{key}` is a map, and never matches")));
    }
    if members.typed.contains(name) {
        let message = format!("a parser's `Types` make `{name}` a number or a boolean, which never matches");
        return findings.push(Finding::new(&NO_TEXT, place, message));
    }
    let is_known = members.texts.contains(name) || ["log", "message", "kubernetes"].contains(&name);
    let is_asked_for = is_number(wanted) || (is_condition && ["true", "false", "null"].contains(&wanted));
    if members.has_json && !is_known && is_asked_for {
        let message = format!("if the application writes `{key}` without quotes, it is no text and never matches");
        findings.push(Finding::new(&NO_TEXT, place, message).severity(Severity::Note));
    }
}

/// Whether a condition looks at a value.
fn compares(condition: &str) -> bool {
    let condition = condition.to_ascii_lowercase();
    condition.starts_with("key_value_")
}

/// The member at the top that a key names.
fn member(key: &str) -> &str {
    key.trim_start_matches('$').split(['[', '.']).next().unwrap_or_default()
}

/// Whether an expression fits nothing but numbers: `5\d\d`, `^(500|503)$`, `1.5`.
fn is_number(pattern: &str) -> bool {
    let rest = pattern.replace("\\d", "0").replace("[0-9]", "0").replace("\\.", ".");
    rest.contains(|letter: char| letter.is_ascii_digit())
        && rest.chars().all(|letter| letter.is_ascii_digit() || "^$|().+*?{},-".contains(letter))
        && !rest.contains(".*")
        && !rest.contains(".+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert!(["1", r"5\d\d", "^(500|503)$", "1.5", r"^[0-9]{3}$", "-1"].into_iter().all(is_number));
        assert!(!["", ".", "^$", "a1", r"\S5", "5.*", "ERROR"].into_iter().any(is_number));
        assert_eq!([member("$http['status']"), member("kubernetes.x"), member("n")], ["http", "kubernetes", "n"]);
    }
}
