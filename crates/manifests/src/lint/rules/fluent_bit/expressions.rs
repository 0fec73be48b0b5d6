//! Regular expressions wherever Fluent Bit takes some: in parsers, in filters, and in `Match_Regex`.

use super::pattern;
use crate::fluent_bit::parse::{ReadProperty, Span};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static BROKEN: LintRule = LintRule {
    code: "PF215",
    name: "broken-regex",
    severity: Severity::Error,
    title: "A regular expression does not compile",
    why: "Fluent Bit does not start with it, so none of the pod's logs are written.",
    fix: "Fix the expression; a backslash before a bracket or parenthesis makes it a literal character.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["k-takata/Onigmo, doc/RE", "fluent/fluent-bit, src/flb_regex.c"],
};

pub(crate) static RULES: &[&LintRule] = &[&BROKEN];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for section in project.logging.iter().flat_map(|logging| logging.all()) {
        let plugin = section.plugin();
        let kind = section.section.name.value.to_ascii_uppercase();
        // A parser of another format does not look at its expression.
        let has_format = |format: &str| section.get("Format").is_some_and(|own| own.eq_ignore_ascii_case(format));
        if kind == "PARSER" && !has_format("regex") {
            continue;
        }
        for property in &section.section.properties {
            expressions(&kind, &plugin, property).for_each(|span| expression(section, property, span, findings));
        }
    }
}

fn expression(section: PlacedSection<'_, '_>, property: &ReadProperty, span: Span, findings: &mut Findings) {
    let Some((at, problem)) = property.value.value.get(span.start..span.end).and_then(pattern::broken) else { return };
    let start = property.value.span.start + span.start + at;
    let place = section.part.text.span(Span { start, end: start + 1 });
    findings.push(Finding::new(&BROKEN, place, format!("the expression does not compile: {problem}")));
}

/// Where expressions are in a value.
fn expressions(kind: &str, plugin: &str, property: &ReadProperty) -> impl Iterator<Item = Span> + use<> {
    let value = property.value.value.as_str();
    let name = property.name.value.to_ascii_lowercase();
    let words = words(value);
    let word = |number: usize| words.get(number).copied();
    let whole = Some(Span { start: 0, end: value.len() });
    let found = match (kind, plugin, name.as_str()) {
        ("PARSER", _, "regex") | ("FILTER" | "OUTPUT", _, "match_regex") | ("FILTER", "modify", "remove_regex") => {
            [whole, None]
        }
        // All after the key.
        ("FILTER", "grep", "regex" | "exclude") => {
            [word(1).map(|second| Span { start: second.start, end: value.len() }), None]
        }
        // What stands between quotes may have spaces, which are not counted here.
        _ if value.contains(['"', '\'']) => [None, None],
        ("FILTER", "rewrite_tag", "rule") => [word(1), None],
        ("FILTER", "modify", "condition") => {
            let condition = word(0).and_then(|first| value.get(first.start..first.end)).unwrap_or_default();
            match condition.to_ascii_lowercase().as_str() {
                "a_key_matches" | "no_key_matches" => [word(1), None],
                "key_value_matches" | "key_value_does_not_match" => [word(2), None],
                "matching_keys_have_matching_values" | "matching_keys_do_not_have_matching_values" => {
                    [word(1), word(2)]
                }
                _ => [None, None],
            }
        }
        _ => [None, None],
    };
    found.into_iter().flatten()
}

/// Where the words of a value are.
fn words(value: &str) -> Vec<Span> {
    let (mut words, mut at) = (Vec::new(), 0);
    for piece in value.split_inclusive(char::is_whitespace) {
        let length = piece.trim_end().len();
        if length > 0 {
            words.push(Span { start: at, end: at + length });
        }
        at += piece.len();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_where_they_are() {
        let value = "é  b\tcd";
        let words: Vec<&str> = words(value).into_iter().map(|span| &value[span.range()]).collect();
        assert_eq!(words, ["é", "b", "cd"]);
    }
}
