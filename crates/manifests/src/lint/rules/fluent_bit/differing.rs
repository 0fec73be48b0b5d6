//! What the two cores make different things of, though both start.

use super::cores::SEEN;
use super::sample_tags::{LONGEST, made, pod_tag};
use super::{definitions, groups, is_cri};
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::words::listed;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use pipeline::glob;

pub(crate) static DIFFERING: LintRule = LintRule {
    code: "PF299",
    name: "versions-differ",
    severity: Severity::Warning,
    title: "Versions of Fluent Bit make different things of this",
    why: "AWS chooses the router's version, and may change it: logs then look different, or are lost, without any change of yours.",
    fix: "Write it in the way that is named.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, plugins/filter_parser/filter_parser.c",
        "fluent/fluent-bit, plugins/filter_record_modifier/filter_modifier.c",
        "fluent/fluent-bit, plugins/filter_nest/nest.c",
        "fluent/fluent-bit, src/flb_regex.c",
        "fluent/fluent-bit#6849",
        "aws/aws-for-fluent-bit, CHANGELOG.md, 2.31.2",
        SEEN,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&DIFFERING];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for filter in logging.filters() {
            match filter.plugin().as_str() {
                "parser" => parser(logging, filter, findings),
                "nest" => nest(filter, findings),
                "record_modifier" => record_modifier(filter, findings),
                _ => {}
            }
        }
        shared(logging, findings);
        for section in logging.all() {
            section.section.properties.iter().for_each(|property| expression(section, property, findings));
        }
    }
}

fn differs(place: Place, message: &str, severity: Severity, fix: &str) -> Finding {
    Finding::new(&DIFFERING, place, message).severity(severity).fix(fix)
}

fn parser(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    if let Some(key) = filter.property("Key_Name").filter(|key| key.value.value.starts_with('$')) {
        let message = "Fluent Bit 1.9 takes this for a name, and parses nothing";
        let fix = "Name a member that is not nested.";
        findings.push(differs(filter.value_place(key), message, Severity::Warning, fix));
    }
    let keeps = filter.property("Preserve_Key").filter(|_| filter.is_on("Preserve_Key") == Some(true));
    let Some(keeps) = keeps.filter(|_| filter.is_on("Reserve_Data") != Some(true)) else { return };
    // Where the parsed line has the same name, it is another rule's.
    let is_replaced = |parser: &PlacedSection<'_, '_>| is_cri(parser) && groups(parser).contains(&"log");
    if filter.get("Key_Name") != Some("log") || !definitions(logging, &filter).iter().any(is_replaced) {
        let message = "without `Reserve_Data`, Fluent Bit 1.9 ignores this, and newer versions keep the member";
        let fix = "Remove `Preserve_Key`, or add `Reserve_Data On`.";
        findings.push(differs(filter.name_place(keeps), message, Severity::Note, fix));
    }
}

fn nest(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let is_nest = filter.get("Operation").is_none_or(|operation| operation.starts_with("nest"));
    if is_nest && filter.property("Nest_under").is_none() && filter.property("Nested_under").is_none() {
        let message = "without `Nest_under`, Fluent Bit 1.9 writes records that are no valid JSON, and 5.x loses the logs that it would nest";
        findings.push(differs(filter.place_of("Operation"), message, Severity::Warning, "Add `Nest_under`."));
    }
}

fn record_modifier(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    // Together with `Remove_key` it is another rule's.
    let list = filter.property("Whitelist_key").filter(|_| filter.property("Remove_key").is_none());
    if let Some(list) = list {
        let message = "Fluent Bit 1.9 does not look at `Whitelist_key`";
        findings.push(differs(filter.name_place(list), message, Severity::Warning, "Write `Allowlist_key`."));
    }
}

/// `/…/i`: an expression with options, which the older core takes for one that begins and ends in a slash. Source: fluent/fluent-bit,
/// src/flb_regex.c, `check_option`.
fn expression(section: PlacedSection<'_, '_>, property: &ReadProperty, findings: &mut Findings) {
    let name = property.name.value.to_ascii_lowercase();
    let pattern = match name.as_str() {
        "match_regex" => property.value.value.as_str(),
        "regex" if section.section.name.value.eq_ignore_ascii_case("PARSER") => property.value.value.as_str(),
        "regex" | "exclude" if section.plugin() == "grep" => {
            property.value.value.split_once(' ').map(|(_, pattern)| pattern.trim_start()).unwrap_or_default()
        }
        _ => return,
    };
    let options = pattern.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')).map(|(_, options)| options);
    if options.is_some_and(|options| !options.is_empty() && options.chars().all(|option| "imx".contains(option))) {
        let message = "Fluent Bit 1.9 takes the slashes and the options for part of the expression";
        let fix = "Write the options into the expression: `(?i)` at its start.";
        findings.push(differs(section.value_place(property), message, Severity::Warning, fix));
    }
}

/// So many comparisons of a tag with an output's pattern at most: EKS takes 5300 characters, which is less than a hundred sections.
const MOST_COMPARISONS: usize = 10_000;

/// Outputs of the plugin that took one task after the other in the older core: a chunk of logs that two of them took was freed twice. Only
/// as it was released: AWS's builds have the correction since aws-for-fluent-bit 2.31.2, so it is a note, and PF323 says what else is wrong.
fn shared(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    let outputs = logging.outputs().filter(|output| output.plugin() == "cloudwatch_logs");
    let outputs: Vec<(PlacedSection<'_, '_>, &str)> =
        outputs.filter_map(|output| Some((output, output.get("Match")?))).collect();
    let mut comparisons = 0;
    for tag in tags(logging) {
        comparisons += outputs.len();
        if comparisons > MOST_COMPARISONS {
            return;
        }
        let mut taking = outputs.iter().filter(|(_, pattern)| glob::matches(pattern, &tag, false));
        if let (Some((first, _)), Some((second, _))) = (taking.next(), taking.next()) {
            let message = "Fluent Bit 1.9.10 crashes on logs that two `cloudwatch_logs` outputs take; of AWS's builds, 2.29.0 to 2.31.1 do";
            let fix = "Give each log to one of them, unless you need both: newer builds take it.";
            let finding = differs(second.place_of("Match"), message, Severity::Note, fix);
            return findings.push(finding.related(first.place_of("Match"), "this output takes them, too"));
        }
    }
}

/// A tag for each output, and each that a rule makes of a pod's.
fn tags(logging: &LoggingConfigMap<'_>) -> impl Iterator<Item = String> {
    let of_pods = logging.outputs().filter_map(|output| output.get("Match").and_then(pod_tag));
    let filters = logging.filters().filter(|filter| filter.plugin() == "rewrite_tag");
    let new = filters.flat_map(|filter| {
        let tag = filter.get("Match").and_then(pod_tag).unwrap_or_default();
        let rules = filter.section.properties.iter().filter(|rule| rule.name.value.eq_ignore_ascii_case("Rule"));
        rules.filter_map(move |rule| Some(made(listed(&rule.value.value, 4).get(2)?, &tag)))
    });
    of_pods.chain(new).filter(|tag| tag.len() <= LONGEST)
}
