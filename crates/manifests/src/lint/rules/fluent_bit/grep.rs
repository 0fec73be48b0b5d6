//! What `grep`, `modify` and `rewrite_tag` ask of a log: in which order, and of what.

use std::collections::{HashMap, HashSet};

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
    why: "Only texts match: a number, a boolean or a map never does, so a `Regex` drops every log, and an `Exclude`, a `Rule` or a `Condition` does nothing. Booleans match in one place: in a `Condition` of `modify` with an expression, in Fluent Bit 5.x.",
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
    /// Those that a parser makes numbers or booleans of, and the kind.
    typed: HashMap<&'b str, &'b str>,
    /// Those that a parser takes out of a line: texts.
    texts: HashSet<&'b str>,
    /// Whether an application's JSON becomes members.
    has_json: bool,
}

impl<'b> Members<'b> {
    fn new(logging: &'b LoggingConfigMap<'_>) -> Members<'b> {
        let (mut typed, mut texts, mut has_json) = (HashMap::new(), HashSet::new(), false);
        for parser in logging.parsers() {
            let types = parser.get("Types").unwrap_or_default().split_whitespace();
            typed.extend(types.filter_map(|of| of.split_once(':')).filter(|(_, kind)| *kind != "string"));
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
        ("grep", "regex" | "exclude") | ("rewrite_tag", "rule") => (word(0), word(1), None),
        ("modify", "condition") => (word(1), word(2), word(0).and_then(compares)),
        _ => return,
    };
    let (Some(key), Some(wanted), condition) = asked else { return };
    if filter.plugin() == "modify" && condition.is_none() {
        return;
    }
    let name = member(key);
    let place = filter.value_place(property);
    if MAPS.contains(&key) {
        return findings.push(Finding::new(&NO_TEXT, place, format!("`{key}` is a map, and never matches")));
    }
    if let Some(kind) = members.typed.get(name) {
        let message = match (*kind == "bool", condition) {
            (true, Some(Compared::Expression)) => {
                format!("a parser's `Types` make `{name}` a boolean, which matches in Fluent Bit 5.x only")
            }
            (true, _) => format!("a parser's `Types` make `{name}` a boolean, which never matches here"),
            (false, _) => format!("a parser's `Types` make `{name}` a number, which never matches"),
        };
        return findings.push(Finding::new(&NO_TEXT, place, message));
    }
    let is_known = members.texts.contains(name) || ["log", "message", "kubernetes"].contains(&name);
    let is_boolean = is_boolean(wanted);
    let is_asked_for = is_number(wanted) || (condition.is_some() && (is_boolean || wanted == "null"));
    if members.has_json && !is_known && is_asked_for {
        let message = match condition {
            Some(Compared::Expression) if is_boolean => {
                format!(
                    "if the application writes `{key}` without quotes, it is a boolean and matches in Fluent Bit 5.x only"
                )
            }
            _ => format!("if the application writes `{key}` without quotes, it is no text and never matches"),
        };
        findings.push(Finding::new(&NO_TEXT, place, message).severity(Severity::Note));
    }
}

/// What a condition holds a value against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Text,
    /// There the newer core takes a boolean for a text. Source: plugins/filter_modify/modify.c,
    /// `helper_msgpack_object_matches_regex`, at v5.1.1.
    Expression,
}

/// What a condition holds a value against, if it looks at one.
fn compares(condition: &str) -> Option<Compared> {
    match condition.to_ascii_lowercase().strip_prefix("key_value_")? {
        "matches" | "does_not_match" => Some(Compared::Expression),
        _ => Some(Compared::Text),
    }
}

/// Whether an expression, or a text, fits nothing but booleans.
fn is_boolean(wanted: &str) -> bool {
    let bare = wanted.strip_prefix('^').unwrap_or(wanted);
    ["true", "false"].contains(&bare.strip_suffix('$').unwrap_or(bare))
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
    fn what_is_asked_for() {
        assert!(["1", r"5\d\d", "^(500|503)$", "1.5", r"^[0-9]{3}$", "-1"].into_iter().all(is_number));
        assert!(!["", ".", "^$", "a1", r"\S5", "5.*", "ERROR"].into_iter().any(is_number));
        assert!(
            ["true", "^false$", "true$"].into_iter().all(is_boolean) && !["tru", ".", "^$"].into_iter().any(is_boolean)
        );
        assert_eq!(compares("Key_value_matches"), Some(Compared::Expression));
        assert_eq!(compares("KEY_VALUE_DOES_NOT_EQUAL"), Some(Compared::Text));
        assert_eq!(compares("A_key_matches"), None);
        assert_eq!([member("$http['status']"), member("kubernetes.x"), member("n")], ["http", "kubernetes", "n"]);
    }
}
