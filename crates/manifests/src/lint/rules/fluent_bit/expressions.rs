//! Regular expressions wherever Fluent Bit takes some: in parsers, in filters, and in `Match_Regex`.

use super::cores::{SEEN, StoppedCores};
use super::loading::ParserLoading;
use super::{modify, pattern};
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
    why: "Fluent Bit does not start with it, or fails at the first log; where it is a warning, nothing matches.",
    fix: "Fix the expression; a backslash before a bracket or parenthesis makes it a literal character.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["k-takata/Onigmo, doc/RE", "fluent/fluent-bit, src/flb_regex.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&BROKEN];

/// An expression in a value, and what it costs if it does not compile.
#[derive(Debug, Clone, Copy)]
struct Expression {
    /// Where it is in the value.
    span: Span,
    harm: Harm,
}

/// What an expression does that does not compile.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Stops(StoppedCores),
    /// Fluent Bit starts, and dies at the first record that the filter gets.
    Kills,
    /// The older core starts, and dies at the first record; the newer one does not start.
    KillsOlderStopsNewer,
    MatchesNothing,
}

impl Harm {
    fn tell(self, mut finding: Finding) -> Finding {
        let message = match self {
            Harm::Stops(stopped) => return stopped.tell(finding),
            Harm::MatchesNothing => return finding.severity(Severity::Warning),
            Harm::Kills => ": Fluent Bit dies at the first record that the filter gets",
            Harm::KillsOlderStopsNewer => {
                ": Fluent Bit 5 does not start, 1.9 dies at the first record that the filter gets"
            }
        };
        finding.message.push_str(message);
        finding
    }
}

impl From<Option<StoppedCores>> for Harm {
    fn from(stopped: Option<StoppedCores>) -> Harm {
        stopped.map_or(Harm::MatchesNothing, Harm::Stops)
    }
}

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let loading = ParserLoading::new(logging);
        for section in logging.all() {
            let kind = section.section.name.value.to_ascii_uppercase();
            for property in &section.section.properties {
                for expression in expressions(&kind, section, property, &loading) {
                    broken(section, property, expression, findings);
                }
            }
        }
    }
}

fn broken(section: PlacedSection<'_, '_>, property: &ReadProperty, expression: Expression, findings: &mut Findings) {
    let Expression { span, harm } = expression;
    let Some((at, problem)) = property.value.value.get(span.start..span.end).and_then(pattern::broken) else { return };
    let start = property.value.span.start + span.start + at;
    let place = section.part.text.span(Span { start, end: start + 1 });
    let finding = Finding::new(&BROKEN, place, format!("the expression does not compile: {problem}"));
    findings.push(harm.tell(finding));
}

/// The expressions of a value.
fn expressions(
    kind: &str,
    section: PlacedSection<'_, '_>,
    property: &ReadProperty,
    loading: &ParserLoading<'_>,
) -> Vec<Expression> {
    let value = property.value.value.as_str();
    let name = property.name.value.to_ascii_lowercase();
    let plugin = section.plugin();
    let whole = |stopped: Option<StoppedCores>| {
        vec![Expression { span: Span { start: 0, end: value.len() }, harm: stopped.into() }]
    };
    match (kind, plugin.as_str(), name.as_str()) {
        // A parser of another format does not look at its expression.
        ("PARSER", _, "regex") if section.get("Format").is_some_and(|own| own.eq_ignore_ascii_case("regex")) => {
            whole(loading.stopped(&section))
        }
        // A filter that has neither this nor a `Match` stops the newer core.
        ("FILTER", _, "match_regex") => whole(section.property("Match").is_none().then_some(StoppedCores::Newer)),
        ("OUTPUT", _, "match_regex") => whole(None),
        ("FILTER", "modify", _) => of_modify(&name, value),
        // All after the key.
        ("FILTER", "grep", "regex" | "exclude") => {
            let second = words(value).get(1).copied();
            let rest = second.map(|second| Span { start: second.start, end: value.len() });
            rest.map(|span| Expression { span, harm: Harm::Stops(StoppedCores::Both) }).into_iter().collect()
        }
        ("FILTER", "rewrite_tag", "rule") => {
            // Between quotes there may be spaces, which make words of what is one.
            let second = words(value).get(1).copied().filter(|_| !value.contains('"'));
            second.map(|span| Expression { span, harm: Harm::Stops(StoppedCores::Both) }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the expressions of conditions, and the older core's `Remove_regex`, compiled is not looked at: Fluent Bit dies when it searches with
/// one that did not. The newer core compiles the key and the value of any operation, though it only uses that of `Remove_regex`. Source: fluent/fluent-bit, plugins/filter_modify/modify.c.
fn of_modify(name: &str, value: &str) -> Vec<Expression> {
    if value.contains(['"', '\'']) {
        return Vec::new();
    }
    let words = words(value);
    let word = |number: usize| words.get(number).copied();
    let (found, harm) = match name {
        "remove_regex" => (vec![word(0)], Harm::KillsOlderStopsNewer),
        "condition" => {
            let condition = word(0).and_then(|first| value.get(first.start..first.end)).unwrap_or_default();
            let found = match condition.to_ascii_lowercase().as_str() {
                "a_key_matches" | "no_key_matches" => vec![word(1)],
                "key_value_matches" | "key_value_does_not_match" => vec![word(2)],
                "matching_keys_have_matching_values" | "matching_keys_do_not_have_matching_values" => {
                    vec![word(1), word(2)]
                }
                _ => Vec::new(),
            };
            (found, Harm::Kills)
        }
        name if modify::is_operation(name) => (vec![word(0), word(1)], Harm::Stops(StoppedCores::Newer)),
        _ => return Vec::new(),
    };
    found.into_iter().flatten().map(|span| Expression { span, harm }).collect()
}

/// Where the words of a value are.
fn words(value: &str) -> Vec<Span> {
    let (mut words, mut at) = (Vec::new(), 0);
    for piece in value.split_inclusive(' ') {
        let length = piece.trim_end_matches(' ').len();
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
        let value = "é  b c\td";
        let words: Vec<&str> = words(value).into_iter().map(|span| &value[span.range()]).collect();
        assert_eq!(words, ["é", "b", "c\td"]);
    }
}
