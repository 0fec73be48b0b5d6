//! The arguments of filters: how many words a value has to have.

use super::words;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static WORDS: LintRule = LintRule {
    code: "PF281",
    name: "filter-arguments",
    severity: Severity::Error,
    title: "A filter option has the wrong number of arguments",
    why: "Fluent Bit does not start with it, or the filter does nothing.",
    fix: "Write the arguments that are named, separated by spaces; put an argument that contains spaces in double quotes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Filters\"", "fluent/fluent-bit, src/flb_config_map.c"],
};

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF282",
    name: "filter-option-missing",
    severity: Severity::Error,
    title: "A filter lacks a required option",
    why: "Fluent Bit does not start without it, so none of the pod's logs are written.",
    fix: "Add the option.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Filters\""],
};

pub(crate) static NESTED: LintRule = LintRule {
    code: "PF283",
    name: "nest-after-kubernetes",
    severity: Severity::Note,
    title: "A `nest` filter comes after the Kubernetes filter",
    why: "Routers before August 2022 crashed on this, and moved members are harder to find.",
    fix: "Remove the filter: the forwarder reads the metadata where the Kubernetes filter puts it.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["aws/containers-roadmap#1625"],
};

pub(crate) static THROTTLED: LintRule = LintRule {
    code: "PF284",
    name: "throttle-without-rate",
    severity: Severity::Warning,
    title: "A `throttle` filter has no rate",
    why: "By default it lets one log per interval through, averaged over a window of five, and drops all others silently.",
    fix: "Set `Rate`, `Window` and `Interval`, or remove the filter.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Throttle\" filter", "fluent/fluent-bit, plugins/filter_throttle/throttle.h"],
};

pub(crate) static TOO_EARLY: LintRule = LintRule {
    code: "PF285",
    name: "asks-too-early",
    severity: Severity::Error,
    title: "A filter uses a member that no earlier filter has added",
    why: "Filters run in order: a `grep` `Regex` drops every log here, and an `Exclude` or `Rule` does nothing.",
    fix: "Move the filter below the one that adds the member.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Grep\" filter", "Fluent Bit manual, \"Rewrite tag\" filter"],
};

pub(crate) static RULES: &[&LintRule] = &[&WORDS, &MISSING, &NESTED, &THROTTLED, &TOO_EARLY];

/// Options with several words: plugin, option, how many at least, at most, and which. Source: Fluent Bit manual, "Filters".
const SEVERAL: [(&str, &str, usize, usize, &str); 14] = [
    ("grep", "regex", 2, usize::MAX, "a key and a pattern"),
    ("grep", "exclude", 2, usize::MAX, "a key and a pattern"),
    ("record_modifier", "record", 2, usize::MAX, "a key and a value"),
    ("rewrite_tag", "rule", 4, 4, "a key, a pattern, the new tag, and true or false"),
    ("modify", "set", 2, 2, "a key and a value"),
    ("modify", "add", 2, 2, "a key and a value"),
    ("modify", "rename", 2, 2, "the old key and the new one"),
    ("modify", "hard_rename", 2, 2, "the old key and the new one"),
    ("modify", "copy", 2, 2, "a key and its copy"),
    ("modify", "hard_copy", 2, 2, "a key and its copy"),
    ("modify", "remove", 1, 1, "one key"),
    ("modify", "remove_wildcard", 1, 1, "the start of the keys"),
    ("modify", "remove_regex", 1, 1, "one expression"),
    ("modify", "condition", 2, 3, "a condition, a key and, for some conditions, a value"),
];

/// Options without which a plugin does not start. Source: the same.
const NEEDED: [(&str, &str); 4] =
    [("parser", "Key_Name"), ("parser", "Parser"), ("rewrite_tag", "Rule"), ("nest", "Operation")];

/// What `Operation` of a nest may be, in lower case only. Source: fluent/fluent-bit, plugins/filter_nest/nest.c.
const OPERATIONS: [&str; 2] = ["nest", "lift"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let mut has_metadata = false;
        too_early(logging, findings);
        for filter in logging.filters() {
            words_of(filter, findings);
            needed(filter, findings);
            if filter.plugin() == "nest" && has_metadata {
                let message = "this filter moves members that the Kubernetes filter has already placed";
                findings.push(Finding::new(&NESTED, filter.place_of("Name"), message));
            }
            if filter.plugin() == "throttle" && filter.property("Rate").is_none() {
                let message = "all but about one log per second and pod are dropped here";
                findings.push(Finding::new(&THROTTLED, filter.place_of("Name"), message));
            }
            has_metadata |= filter.plugin() == "kubernetes";
        }
    }
}

/// What filters ask of a record.
const ASKING: [(&str, &str); 3] = [("grep", "regex"), ("grep", "exclude"), ("rewrite_tag", "rule")];

/// Not where logs run through the filters once more under a new tag, for then they have all members from the beginning.
fn too_early(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    let makes_tags = logging.filters().any(|filter| filter.plugin() == "rewrite_tag");
    let (mut has_metadata, mut has_prefix) = (false, true);
    for (number, filter) in logging.filters().enumerate() {
        for property in asking(filter).filter(|_| !makes_tags || number == 0) {
            let key = property.value.value.split_whitespace().next().unwrap_or_default();
            let (member, missing) = match key.trim_start_matches('$').split(['[', '.']).next().unwrap_or_default() {
                "kubernetes" if !has_metadata => ("kubernetes", "the Kubernetes filter"),
                name @ ("stream" | "logtag") if has_prefix => (name, "the parser for containerd's prefix"),
                _ => continue,
            };
            let message = format!("records have no `{member}` here: {missing} adds it");
            findings.push(Finding::new(&TOO_EARLY, filter.value_place(property), message));
        }
        has_metadata |= filter.plugin() == "kubernetes";
        // Whatever parses, lifts or adds may have made the member.
        has_prefix &= !["parser", "nest", "modify", "record_modifier"].contains(&filter.plugin().as_str());
    }
}

fn asking<'b>(filter: PlacedSection<'b, '_>) -> impl Iterator<Item = &'b ReadProperty> {
    let plugin = filter.plugin();
    let is_asking = move |property: &&ReadProperty| {
        ASKING.iter().any(|(of, option)| *of == plugin && option.eq_ignore_ascii_case(&property.name.value))
    };
    filter.section.properties.iter().filter(is_asking)
}

fn words_of(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = filter.plugin();
    for property in filter.section.properties.iter().filter(|property| !property.value.value.is_empty()) {
        let of = |(name, option, ..): &&(&str, &str, usize, usize, &str)| {
            *name == plugin && option.eq_ignore_ascii_case(&property.name.value)
        };
        let Some((_, _, least, most, which)) = SEVERAL.iter().find(of) else { continue };
        if !(*least..=*most).contains(&words(property)) {
            let message = format!("`{}` takes {which}", property.name.value);
            findings.push(Finding::new(&WORDS, filter.value_place(property), message));
        }
    }
    let operation = filter.property("Operation").filter(|_| plugin == "nest");
    let is_known = |value: &str| value.is_empty() || OPERATIONS.iter().any(|known| value.starts_with(known));
    if let Some(operation) = operation.filter(|operation| !is_known(&operation.value.value)) {
        let message = "`Operation` takes `nest` or `lift`, in lower case";
        findings.push(Finding::new(&WORDS, filter.value_place(operation), message));
    }
}

fn needed(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = filter.plugin();
    for (_, option) in NEEDED.iter().filter(|(name, option)| *name == plugin && filter.property(option).is_none()) {
        let message = format!("the filter `{plugin}` has no `{option}`");
        findings.push(Finding::new(&MISSING, filter.place_of("Name"), message).fix(format!("Add `{option}`.")));
    }
}
