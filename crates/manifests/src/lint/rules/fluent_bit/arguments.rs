//! The arguments of filters: which of them a filter takes, alone and together.

use std::collections::HashMap;

use super::cores::{SEEN, StoppedCores, WrongArgument};
use super::{is_template, modify};
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::template::RecordTemplate;
use crate::fluent_bit::words::{by_spaces, by_spaces_and_quotes, listed};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static ARGUMENTS: LintRule = LintRule {
    code: "PF281",
    name: "filter-arguments",
    severity: Severity::Error,
    title: "A filter does not take these options or arguments",
    why: "Fluent Bit does not start with them; or, where it is a warning, the filter does something else than it says.",
    fix: "Write the arguments that are named, separated by spaces; put an argument that contains spaces in double quotes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "Fluent Bit manual, \"Filters\"",
        "fluent/fluent-bit, src/flb_config_map.c",
        "fluent/fluent-bit, plugins/filter_modify/modify.c",
        SEEN,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&ARGUMENTS];

/// What `Operation` of a nest may be, in lower case only. Source: fluent/fluent-bit, plugins/filter_nest/nest.c.
const OPERATIONS: [&str; 2] = ["nest", "lift"];

/// Options that exclude each other: plugin, one, the others, and whether the older core minds. Source: fluent/fluent-bit,
/// plugins/filter_nest/nest.c and plugins/filter_record_modifier/filter_modifier.c, which does not see `Whitelist_key` at v1.9.10.
const EXCLUSIVE: [(&str, &str, &str, bool); 4] = [
    ("nest", "Add_prefix", "Remove_prefix", true),
    ("record_modifier", "Remove_key", "Allowlist_key", true),
    ("record_modifier", "Remove_key", "Whitelist_key", false),
    // Only with `Logical_Op`, which the older core does not know at all.
    ("grep", "Regex", "Exclude", true),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for filter in logging.filters() {
            let plugin = filter.plugin();
            for property in filter.section.properties.iter().filter(|property| is_written(property)) {
                arguments(&plugin, filter, property, findings);
            }
            exclusive(&plugin, filter, findings);
        }
        emitters(logging, findings);
    }
}

/// Whether there is a value, and no other tool fills in a part of it.
fn is_written(property: &ReadProperty) -> bool {
    !property.value.value.is_empty() && !is_template(&property.value.value)
}

fn arguments(plugin: &str, filter: PlacedSection<'_, '_>, property: &ReadProperty, findings: &mut Findings) {
    let option = property.name.value.to_ascii_lowercase();
    let value = property.value.value.as_str();
    let wrong = match (plugin, option.as_str()) {
        ("grep", "regex" | "exclude") => grep(&property.name.value, value),
        ("record_modifier", "record") => record(value),
        ("rewrite_tag", "rule") => rule(value),
        ("nest", "operation") if !OPERATIONS.iter().any(|known| value.starts_with(known)) => {
            stops("`Operation` takes `nest` or `lift`, in lower case")
        }
        ("modify", "condition") => {
            modify::condition(&by_spaces(value, modify::MOST), by_spaces_and_quotes(value, modify::MOST).as_deref())
        }
        ("modify", option) if modify::is_operation(option) => modify::operation(
            &property.name.value,
            &by_spaces(value, modify::MOST),
            by_spaces_and_quotes(value, modify::MOST).as_deref(),
        ),
        _ => None,
    };
    let Some(WrongArgument { message, stopped }) = wrong else { return };
    let finding = Finding::new(&ARGUMENTS, filter.value_place(property), message);
    findings.push(match stopped {
        Some(stopped) => stopped.tell(finding),
        None => finding.severity(Severity::Warning),
    });
}

fn stops(message: impl Into<String>) -> Option<WrongArgument> {
    Some(WrongArgument { message: message.into(), stopped: Some(StoppedCores::Both) })
}

fn starts(message: impl Into<String>) -> Option<WrongArgument> {
    Some(WrongArgument { message: message.into(), stopped: None })
}

/// A key, a space, and all else is the pattern. Source: fluent/fluent-bit, plugins/filter_grep/grep.c, `set_rules`.
fn grep(option: &str, value: &str) -> Option<WrongArgument> {
    let words = by_spaces(value, 1);
    let (Some(key), Some(_)) = (words.first(), words.get(1)) else {
        return stops(format!("`{option}` takes a key and a pattern"));
    };
    let key = if key.starts_with('$') { key.clone() } else { format!("${key}") };
    RecordTemplate::parse(&key).err().and_then(|_| stops(format!("`{key}` is not a key that Fluent Bit can read")))
}

/// Source: fluent/fluent-bit, plugins/filter_record_modifier/filter_modifier.c, `configure`.
fn record(value: &str) -> Option<WrongArgument> {
    match listed(value, 2).len() {
        0 | 1 => stops("`Record` takes a key and a value"),
        2 => None,
        _ => starts("`Record` takes a key and a value: with more words Fluent Bit adds nothing"),
    }
}

/// Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c, `process_config`.
fn rule(value: &str) -> Option<WrongArgument> {
    let words = listed(value, 4);
    // Whether the tag can be made is another rule's.
    let [key, _, _, keep, rest @ ..] = words.as_slice() else {
        return stops("`Rule` takes a key, a pattern, the new tag, and true or false");
    };
    let is_boolean = |word: &str| ["true", "false", "on", "off", "yes", "no"].contains(&word);
    if RecordTemplate::parse(key).is_err() {
        stops(format!("`{key}` is not a key that Fluent Bit can read"))
    } else if !is_boolean(&keep.to_ascii_lowercase()) || !rest.is_empty() {
        starts("`Rule` ends in true or false: anything else counts as false")
    } else {
        None
    }
}

fn exclusive(plugin: &str, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    for (of, one, other, stops_older) in EXCLUSIVE.iter().filter(|(of, ..)| *of == plugin) {
        let (Some(first), Some(second)) = (filter.property(one), filter.property(other)) else { continue };
        let is_legacy = |logic: &str| !["and", "or"].iter().any(|known| known.eq_ignore_ascii_case(logic));
        if *of == "grep" && filter.get("Logical_Op").is_none_or(is_legacy) {
            continue;
        }
        let Some(stopped) = StoppedCores::new(*stops_older, true) else { continue };
        let message = format!("`{one}` and `{other}` exclude each other");
        let finding = Finding::new(&ARGUMENTS, filter.name_place(second), message).fix("Keep one of them.");
        findings.push(stopped.tell(finding).related(filter.name_place(first), "the other one is here"));
    }
}

/// Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c, `emitter_create`.
fn emitters(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    let mut seen: HashMap<&str, PlacedSection<'_, '_>> = HashMap::new();
    for filter in logging.filters().filter(|filter| filter.plugin() == "rewrite_tag") {
        let Some(name) = filter.get("Emitter_Name").filter(|name| !name.is_empty()) else { continue };
        if let Some(first) = seen.insert(name, filter) {
            let message = format!("two filters have the `Emitter_Name` `{name}`");
            let finding = Finding::new(&ARGUMENTS, filter.place_of("Emitter_Name"), message);
            let finding = finding.fix("Give each its own name, or none.");
            findings.push(finding.related(first.place_of("Emitter_Name"), "the first is here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(wrong: Option<WrongArgument>) -> Option<Option<StoppedCores>> {
        wrong.map(|wrong| wrong.stopped)
    }

    /// Each was tried with both cores.
    #[test]
    fn words_that_were_tried() {
        let both = Some(Some(StoppedCores::Both));
        assert_eq!(stopped(grep("Regex", "log")), both);
        assert_eq!(stopped(grep("Regex", "log a b")), None);
        assert_eq!(stopped(grep("Regex", "$log['a b")), both);
        assert_eq!(stopped(record("cluster")), both);
        assert_eq!(stopped(record("msg a b c")), Some(None));
        assert_eq!(stopped(record("msg \"a b c\"")), None);
        assert_eq!(stopped(rule("$stream stderr")), both);
        assert_eq!(stopped(rule("$a-$b . x.$TAG false")), both);
        assert_eq!(stopped(rule("$log . x-$TAG-y false")), None);
        assert_eq!(stopped(rule("stream ^stderr x.$TAG maybe")), Some(None));
        assert_eq!(stopped(rule("$log \"health check\" h.$TAG False")), None);
    }
}
