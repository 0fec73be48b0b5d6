//! Options that take a member's name as it stands: no pattern, and no variable.
//!
//! Source: fluent/fluent-bit, plugins/filter_modify/modify.c, plugins/filter_record_modifier/filter_modifier.c and plugins/filter_nest/nest.c.

use super::cores::SEEN;
use crate::fluent_bit::parse::{ReadProperty, Span};
use crate::fluent_bit::words::by_spaces;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static PLAIN: LintRule = LintRule {
    code: "PF294",
    name: "plain-name",
    severity: Severity::Warning,
    title: "An option takes a name as it stands, but has a star or a variable in it",
    why: "There is no member with such a name, so the filter does nothing, or writes the variable's name instead of its value.",
    fix: "Write the member's name; lift a nested member first, and use `Remove_regex` for patterns.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, plugins/filter_modify/modify.c",
        "fluent/fluent-bit, plugins/filter_record_modifier/filter_modifier.c",
        "fluent/fluent-bit, plugins/filter_nest/nest.c",
        SEEN,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&PLAIN];

/// What a star means in an option's first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Star {
    /// Itself.
    Nowhere,
    /// Itself, and the option means the beginning of a name anyway.
    IsPrefix,
    /// Any end of a name, where it stands last.
    Last,
    /// The option makes a new name.
    New,
}

/// Plugin, option, what a star means, and whether the second word is a text.
const OPTIONS: [(&str, &str, Star, bool); 16] = [
    ("modify", "remove", Star::Nowhere, false),
    ("modify", "remove_wildcard", Star::IsPrefix, false),
    ("modify", "rename", Star::Nowhere, false),
    ("modify", "hard_rename", Star::Nowhere, false),
    ("modify", "copy", Star::Nowhere, false),
    ("modify", "hard_copy", Star::Nowhere, false),
    ("modify", "set", Star::New, true),
    ("modify", "add", Star::New, true),
    ("record_modifier", "remove_key", Star::Last, false),
    ("record_modifier", "allowlist_key", Star::Last, false),
    ("record_modifier", "whitelist_key", Star::Last, false),
    ("record_modifier", "record", Star::New, true),
    ("nest", "wildcard", Star::Last, false),
    ("nest", "nest_under", Star::New, false),
    ("nest", "nested_under", Star::Nowhere, false),
    ("nest", "add_prefix", Star::New, false),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for filter in project.logging.iter().flat_map(|logging| logging.filters()) {
        let plugin = filter.plugin();
        for property in &filter.section.properties {
            let is = |option: &str| option.eq_ignore_ascii_case(&property.name.value);
            let known = OPTIONS.iter().find(|(of, option, ..)| *of == plugin && is(option));
            if let Some((_, _, star, has_text)) = known {
                name(filter, property, *star, *has_text, findings);
            }
        }
    }
}

fn name(filter: PlacedSection<'_, '_>, property: &ReadProperty, star: Star, has_text: bool, findings: &mut Findings) {
    let value = property.value.value.as_str();
    let words = by_spaces(value, 1);
    let first = words.first().map(String::as_str).unwrap_or_default();
    // A nest takes all of the value.
    let name = if filter.plugin() == "nest" { value } else { first };
    let finding = |message: String| Finding::new(&PLAIN, filter.value_place(property), message);
    let option = &property.name.value;
    if is_variable(name) {
        findings.push(finding(format!("`{option}` takes `{name}` for a name, not for a variable")));
    } else if let Some(text) = words.get(1).filter(|text| has_text && is_variable(text)) {
        findings.push(finding(format!("`{option}` writes `{text}` as it stands, not the value of a member")));
    }
    match star {
        Star::IsPrefix if name.contains('*') => {
            let at = property.value.span.start + name.len() - 1;
            let is_last = name.find('*') == Some(name.len() - 1);
            let edit =
                filter.part.text.replace(Span { start: at, end: at + 1 }, "").filter(|_| is_last && name.len() > 1);
            let message = format!("`{option}` takes the beginning of names, and a star is not part of any");
            findings.push(finding(message).fix("Leave out the star.").edits(edit));
        }
        Star::Nowhere if name.contains('*') => {
            findings.push(finding(format!("`{option}` takes one name: a star is not part of any")));
        }
        Star::Last if name.trim_end_matches('*').contains('*') => {
            findings.push(
                finding(format!("in `{option}`, a star only counts at the end"))
                    .fix("Write the beginning of the names, and a star."),
            );
        }
        Star::Last if filter.plugin() == "nest" && name.contains(' ') => {
            let message = format!("`{option}` takes one name or one beginning: the spaces are part of it");
            findings.push(finding(message).fix("Write a line for each."));
        }
        _ => {}
    }
}

/// `$log['level']`, but not a price, nor a variable of the environment, which is another rule's.
fn is_variable(text: &str) -> bool {
    text.strip_prefix('$')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
}
