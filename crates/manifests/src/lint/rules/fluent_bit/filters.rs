//! Filters: what they cannot do without, and whether they come in an order that works.

use super::cores::SEEN;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF282",
    name: "filter-option-missing",
    severity: Severity::Error,
    title: "A filter lacks a required option",
    why: "Fluent Bit does not start without it; or, where it is a warning, the filter does nothing or what nobody said.",
    fix: "Add the option.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Filters\"", SEEN],
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

pub(crate) static RULES: &[&LintRule] = &[&MISSING, &NESTED, &THROTTLED, &TOO_EARLY];

/// Options that filters need, and whether Fluent Bit does not start without. Source: fluent/fluent-bit, plugins/filter_parser/filter_parser.c,
/// plugins/filter_rewrite_tag/rewrite_tag.c and plugins/filter_nest/nest.c.
const NEEDED: [(&str, &str, bool); 4] = [
    ("parser", "Key_Name", true),
    ("parser", "Parser", true),
    ("rewrite_tag", "Rule", false),
    // What it does then is what happened to be in memory.
    ("nest", "Operation", false),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let mut has_metadata = false;
        too_early(logging, findings);
        for filter in logging.filters() {
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
        for property in asking(filter) {
            dotted(filter, property, findings);
        }
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

/// A dot ends a variable, and is part of a name elsewhere: in neither case does it lead into a map. Source: fluent/fluent-bit,
/// src/flb_record_accessor.c.
fn dotted(filter: PlacedSection<'_, '_>, property: &ReadProperty, findings: &mut Findings) {
    let key = property.value.value.split(' ').next().unwrap_or_default();
    let Some(path) = key.trim_start_matches('$').strip_prefix("kubernetes.").filter(|path| !path.is_empty()) else {
        return;
    };
    let members: String = path.split('.').map(|member| format!("['{member}']")).collect();
    let message = format!("no record has a member `{key}`: a dot does not lead into `kubernetes`");
    let finding = Finding::new(&TOO_EARLY, filter.value_place(property), message);
    findings.push(finding.fix(format!("Write `$kubernetes{members}`.")));
}

fn asking<'b>(filter: PlacedSection<'b, '_>) -> impl Iterator<Item = &'b ReadProperty> {
    let plugin = filter.plugin();
    let is_asking = move |property: &&ReadProperty| {
        ASKING.iter().any(|(of, option)| *of == plugin && option.eq_ignore_ascii_case(&property.name.value))
    };
    filter.section.properties.iter().filter(is_asking)
}

fn needed(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = filter.plugin();
    let missing = NEEDED.iter().filter(|(name, option, _)| *name == plugin && filter.property(option).is_none());
    for (_, option, stops) in missing {
        let message = format!("the filter `{plugin}` has no `{option}`");
        let severity = if *stops { Severity::Error } else { Severity::Warning };
        let finding = Finding::new(&MISSING, filter.place_of("Name"), message).fix(format!("Add `{option}`."));
        findings.push(finding.severity(severity));
    }
}
