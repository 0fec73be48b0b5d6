//! Filters that take away, rename or overwrite the members of a record that the forwarder reads. What it understands is in
//! `pipeline::roles`: `log` or a parser's `message`, `stream`, `logtag`, `kubernetes`, also lifted with a prefix.

use super::copies::{self, MetadataCopies};
use super::{cri_parser, kubernetes};
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::filters_of_lines;
use pipeline::glob;

const RECORD_MODIFIER: &str = "Fluent Bit manual, \"Record Modifier\" filter";
const MODIFY: &str = "Fluent Bit manual, \"Modify\" filter";
const NEST: &str = "Fluent Bit manual, \"Nest\" filter";

pub(crate) static METADATA_HIDDEN: LintRule = LintRule {
    code: "PF304",
    name: "metadata-hidden",
    severity: Severity::Warning,
    title: "A filter removes or renames a member that tags or the status come from",
    why: "The forwarder looks for `kubernetes`, `stream` and `logtag` by name; under other names they stay in the log as they are.",
    fix: "Keep the names. `nest` with `Operation lift` and a prefix works, too.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RECORD_MODIFIER, MODIFY, NEST],
};

pub(crate) static LINE_HIDDEN: LintRule = LintRule {
    code: "PF305",
    name: "line-hidden",
    severity: Severity::Error,
    title: "A filter removes or renames the log line itself",
    why: "Without `log` there is no message: Datadog shows the record instead of the line.",
    fix: "Keep `log`; the only other name that the forwarder knows is `message`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RECORD_MODIFIER, MODIFY, NEST],
};

pub(crate) static OVERWRITTEN: LintRule = LintRule {
    code: "PF306",
    name: "member-overwritten",
    severity: Severity::Error,
    title: "A filter overwrites a member that the line, tags or the status come from",
    why: "Every log then carries the same value, and the original is lost.",
    fix: "Use another name for the value, such as `cluster_name`, which becomes the tag kube_cluster_name.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RECORD_MODIFIER, MODIFY],
};

pub(crate) static RULES: &[&LintRule] = &[&METADATA_HIDDEN, &LINE_HIDDEN, &OVERWRITTEN];

/// The members that are read, and what they are for.
const MEMBERS: [(&str, &str); 4] = [
    ("log", "the line"),
    ("kubernetes", "the pod's metadata, for tags"),
    ("stream", "stdout or stderr, for the status"),
    ("logtag", "whether the line is complete, for joining"),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in project.logging.iter().filter(|logging| cloudwatch::outputs(logging).next().is_some()) {
        let there = [
            ("log", true),
            ("kubernetes", kubernetes(logging).is_some()),
            ("stream", cri_parser(logging).is_some()),
            ("logtag", cri_parser(logging).is_some()),
        ];
        let copies = copies::find(logging);
        let is_of_copies = |filter: &PlacedSection<'_, '_>| {
            copies.as_ref().is_some_and(|copies| copies.own().any(|own| own.number == filter.number))
        };
        // What metadata is made of is another rule's, and what brings it may be taken off the lines again.
        for filter in filters_of_lines(logging).into_iter().filter(|filter| !is_of_copies(filter)) {
            if copies.as_ref().is_some_and(|copies| is_back_off(copies, &filter)) {
                continue;
            }
            match filter.plugin().as_str() {
                "record_modifier" => record_modifier(filter, &there, findings),
                "modify" => modify(filter, findings),
                "nest" => nest(filter, findings),
                _ => {}
            }
        }
    }
}

/// Whether a filter of the lines takes off what the Kubernetes filter gave them, and nothing else: copies bring it.
fn is_back_off(copies: &MetadataCopies<'_, '_>, filter: &PlacedSection<'_, '_>) -> bool {
    let has_own = copies.own().any(|own| own.is_of("kubernetes"));
    has_own
        && copies::removes(filter, "kubernetes")
        && !MEMBERS.iter().any(|(member, _)| *member != "kubernetes" && copies::removes(filter, member))
}

fn is(property: &ReadProperty, names: &[&str]) -> bool {
    names.iter().any(|name| property.name.value.eq_ignore_ascii_case(name))
}

fn words(property: &ReadProperty) -> impl Iterator<Item = &str> {
    property.value.value.split_whitespace()
}

/// `there` says which members records have at all.
fn record_modifier(filter: PlacedSection<'_, '_>, there: &[(&str, bool)], findings: &mut Findings) {
    let mut kept: Vec<&ReadProperty> = Vec::new();
    for property in &filter.section.properties {
        let first = words(property).next().unwrap_or_default();
        if is(property, &["Record"]) {
            overwritten(filter, property, first, findings);
        } else if is(property, &["Remove_key"]) {
            hidden(filter, property, first, "is removed here", findings);
        } else if is(property, &["Allowlist_key", "Whitelist_key"]) {
            kept.push(property);
        }
    }
    let Some(last) = kept.last() else { return };
    for (member, _) in there.iter().filter(|(_, is_there)| *is_there) {
        let is_kept = kept.iter().any(|property| property.value.value.eq_ignore_ascii_case(member));
        let is_message = *member == "log" && kept.iter().any(|property| property.value.value == "message");
        if !is_kept && !is_message {
            hidden(filter, last, member, "is not in the list of members to keep", findings);
        }
    }
}

fn modify(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    // A condition may well leave the pods' own logs alone.
    if filter.property("Condition").is_some() {
        return;
    }
    for property in &filter.section.properties {
        let mut words = words(property);
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if is(property, &["Set"]) {
            overwritten(filter, property, first, findings);
        } else if is(property, &["Remove"]) {
            hidden(filter, property, first, "is removed here", findings);
        } else if is(property, &["Remove_wildcard"]) {
            let all = MEMBERS.iter().filter(|(member, _)| member.starts_with(first) && !first.is_empty());
            all.for_each(|(member, _)| hidden(filter, property, member, "is removed here", findings));
        } else if is(property, &["Rename", "Hard_rename"]) && !(first == "log" && second == "message") {
            hidden(filter, property, first, &format!("is renamed to `{second}` here"), findings);
        }
    }
}

fn nest(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    if !filter.get("Operation").is_some_and(|operation| operation.eq_ignore_ascii_case("nest")) {
        return;
    }
    let under = filter.get("Nest_under").unwrap_or_default();
    for property in filter.section.properties.iter().filter(|property| is(property, &["Wildcard"])) {
        for (member, _) in MEMBERS.iter().filter(|(member, _)| glob::matches(&property.value.value, member, false)) {
            hidden(filter, property, member, &format!("moves into `{under}` here"), findings);
        }
    }
}

fn hidden(filter: PlacedSection<'_, '_>, property: &ReadProperty, member: &str, how: &str, findings: &mut Findings) {
    let Some((_, what)) = MEMBERS.iter().find(|(name, _)| *name == member) else { return };
    let rule = if member == "log" { &LINE_HIDDEN } else { &METADATA_HIDDEN };
    findings.push(Finding::new(rule, filter.value_place(property), format!("`{member}` {how}: {what}")));
}

fn overwritten(filter: PlacedSection<'_, '_>, property: &ReadProperty, member: &str, findings: &mut Findings) {
    let Some((_, what)) = MEMBERS.iter().find(|(name, _)| *name == member) else { return };
    let message = format!("`{member}` is overwritten here: {what}");
    findings.push(Finding::new(&OVERWRITTEN, filter.value_place(property), message));
}
