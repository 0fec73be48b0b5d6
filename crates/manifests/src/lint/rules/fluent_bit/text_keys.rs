//! Filters that look into `log` as if it were a map, while it is a text.

use super::log_parsers;
use crate::fluent_bit::template::RecordTemplate;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::{PlacedWord, words};

pub(crate) static INTO_TEXT: LintRule = LintRule {
    code: "PF289",
    name: "key-within-text",
    severity: Severity::Error,
    title: "A filter looks for a member within `log`, which is a text",
    why: "The application's JSON is one string there: a `grep` `Regex` drops every log, and an `Exclude` or `Rule` never applies.",
    fix: "Look for the text instead, as in `$log \"level\":\"error\"`; or parse the JSON first, with Merge_Log, and name the member itself: `$level`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, src/flb_ra_key.c",
        "Fluent Bit manual, \"Kubernetes\" filter",
        "seen with Fluent Bit 1.9.10 and 5.1.1",
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&INTO_TEXT];

/// What asks for a key of a record.
const ASKING: [(&str, &str); 3] = [("grep", "regex"), ("grep", "exclude"), ("rewrite_tag", "rule")];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in project.logging.iter().filter(|logging| !may_be_map(logging)) {
        let is_parsed = is_parsed(logging);
        for filter in logging.filters() {
            for (key, effect) in keys(filter) {
                let Ok(template) = RecordTemplate::parse(&key.value) else { continue };
                let is_within = template
                    .members()
                    .any(|(path, _)| path.len() > 1 && path.first().is_some_and(|root| root == "log"));
                if !is_within {
                    continue;
                }
                let message = format!("`log` is a text, so there is no `{}`: {effect}", key.value);
                let finding = Finding::new(&INTO_TEXT, filter.part.text.span(key.span), message);
                // Then a line's JSON may have a map of this name.
                findings.push(if is_parsed { finding.severity(Severity::Note) } else { finding });
            }
        }
    }
}

/// The keys that a filter asks for, and what happens without them.
fn keys(filter: PlacedSection<'_, '_>) -> Vec<(PlacedWord, &'static str)> {
    let plugin = filter.plugin();
    let mut keys = Vec::new();
    for property in &filter.section.properties {
        let of = |(of, option): &&(&str, &str)| *of == plugin && option.eq_ignore_ascii_case(&property.name.value);
        let effect = match ASKING.iter().find(of) {
            Some((_, "regex")) => "every log is dropped",
            Some(_) => "this never applies",
            None => continue,
        };
        keys.extend(words(property).into_iter().next().map(|key| (key, effect)));
    }
    keys
}

/// Whether a filter or a parser makes a map of `log`.
fn may_be_map(logging: &LoggingConfigMap<'_>) -> bool {
    let is_log = |name: &str, section: &PlacedSection<'_, '_>| section.get(name) == Some("log");
    let by_filter = logging.filters().any(|filter| {
        let renames = filter.section.properties.iter().any(|property| {
            let is_named = ["rename", "hard_rename", "copy", "hard_copy"]
                .iter()
                .any(|name| property.name.value.eq_ignore_ascii_case(name));
            is_named && words(property).get(1).is_some_and(|word| word.value == "log")
        });
        is_log("Merge_Log_Key", &filter) || is_log("Nest_under", &filter) || renames
    });
    // `Decode_Field_As json log` puts the map in the text's place.
    by_filter
        || logging.parsers().any(|parser| {
            parser.section.properties.iter().any(|property| {
                property.name.value.to_ascii_lowercase().starts_with("decode_field")
                    && words(property).get(1).is_some_and(|word| word.value == "log")
            })
        })
}

/// Whether members of an application's JSON become members of the record.
fn is_parsed(logging: &LoggingConfigMap<'_>) -> bool {
    let merges =
        logging.filters().any(|filter| filter.plugin() == "kubernetes" && filter.is_on("Merge_Log") == Some(true));
    let is_json = |name: &str| {
        let parser = logging.parsers_named(name).next();
        parser.is_none_or(|parser| !parser.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("regex")))
    };
    let named = |filter: PlacedSection<'_, '_>| {
        filter
            .section
            .properties
            .iter()
            .any(|property| property.name.value.eq_ignore_ascii_case("Parser") && is_json(&property.value.value))
    };
    merges || log_parsers(logging).any(named)
}
