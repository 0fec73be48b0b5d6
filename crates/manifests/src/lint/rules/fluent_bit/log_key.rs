//! `log_key` of an output: what the member has to be.

use std::collections::HashMap;

use super::cores::SEEN;
use super::{definitions, groups, is_template};
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;

pub(crate) static NO_TEXT: LintRule = LintRule {
    code: "PF290",
    name: "log-key-of-no-text",
    severity: Severity::Error,
    title: "`log_key` names what cannot be written as a log",
    why: "A log without the member is dropped. A map makes the request of `cloudwatch_logs` invalid, so CloudWatch Logs refuses it with all the other logs in it; AWS's Go plugins cannot write one and drop the log, or send an empty line. A variable never matches, so every log is dropped.",
    fix: "Remove `log_key`: the forwarder reads whole records.",
    edits: RuleEdits::Suggested,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c",
        "aws/amazon-kinesis-firehose-for-fluent-bit, plugins/plugins.go",
        SEEN,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&NO_TEXT];

/// The plugins that have the option.
const PLUGINS: [&str; 5] = ["cloudwatch_logs", "cloudwatch", "kinesis_firehose", "firehose", "kinesis"];

/// Whether an output is to CloudWatch Logs.
fn is_stream(output: &PlacedSection<'_, '_>) -> bool {
    output.is_of("cloudwatch_logs") || output.is_of("cloudwatch")
}

/// Whether the Kubernetes filter takes the text of JSON logs away.
fn merges(filter: &PlacedSection<'_, '_>) -> bool {
    filter.is_on("Merge_Log") == Some(true) && filter.is_on("Keep_Log") == Some(false)
}

/// The values of an option, in lower case by its name.
fn values<'b>(filter: &PlacedSection<'b, '_>, option: &'static str) -> impl Iterator<Item = &'b str> {
    let properties = filter.section.properties.iter();
    let of_option = properties.filter(move |property| property.name.value.eq_ignore_ascii_case(option));
    of_option.map(|property| property.value.value.as_str())
}

/// Whether some logs, or all, have no `log` behind a filter.
fn takes_log(logging: &LoggingConfigMap<'_>, filter: &PlacedSection<'_, '_>) -> bool {
    let names = |option| values(filter, option).filter_map(|value| value.split_whitespace().next());
    let is_log = |name: &str| name.eq_ignore_ascii_case("log");
    let begins_so = |name: &str| "log".starts_with(name.trim_end_matches('*'));
    match filter.plugin().as_str() {
        "parser" => {
            let keeps = filter.is_on("Reserve_Data") == Some(true)
                && (filter.is_on("Preserve_Key") == Some(true) || filter.get("Key_Name") != Some("log"));
            let is_made = |parser: &PlacedSection<'_, '_>| groups(parser).contains(&"log");
            !keeps && !definitions(logging, filter).iter().all(is_made)
        }
        "record_modifier" => {
            let mut allowed = names("Allowlist_key").chain(names("Whitelist_key")).peekable();
            names("Remove_key").any(is_log) || (allowed.peek().is_some() && !allowed.any(is_log))
        }
        "modify" => {
            let moved = ["Rename", "Hard_rename", "Remove"].into_iter().flat_map(names).any(is_log);
            moved || names("Remove_wildcard").any(begins_so) || names("Remove_regex").next().is_some()
        }
        "nest" => {
            let nests = filter.get("Operation").is_none_or(|operation| operation.starts_with("nest"));
            nests && names("Wildcard").any(|name| if name.ends_with('*') { begins_so(name) } else { is_log(name) })
        }
        _ => false,
    }
}

/// Whether a filter gives every log a member of this name.
fn adds(filter: &PlacedSection<'_, '_>, name: &str) -> bool {
    let names = |option| values(filter, option).filter_map(|value| value.split_whitespace().next());
    match filter.plugin().as_str() {
        "record_modifier" => names("Record").any(|added| added == name),
        "modify" => {
            values(filter, "Condition").next().is_none() && names("Add").chain(names("Set")).any(|added| added == name)
        }
        _ => false,
    }
}

/// What is a map: by its name, what makes it one, and in which logs.
type Maps<'b> = HashMap<&'b str, (Place, &'static str)>;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let maps = maps(logging);
        for output in logging.outputs().filter(|output| PLUGINS.iter().any(|plugin| output.is_of(plugin))) {
            let Some(key) = output.property("log_key").filter(|key| !key.value.value.is_empty()) else { continue };
            let name = key.value.value.as_str();
            if is_template(name) {
                continue;
            }
            let place = output.value_place(key);
            let finding = |message: String| {
                let edit = output.part.text.remove_lines(key.name.span, project.source(place));
                Finding::new(&NO_TEXT, place, message).edits(edit)
            };
            if name.starts_with('$') {
                findings.push(finding(format!("no member is named `{name}`: `log_key` takes no variables")));
            } else if let Some((made, how)) = maps.get(name) {
                findings.push(finding(format!("`{name}` is a map {how}")).related(*made, "this makes it"));
            } else if name == "log" {
                // What `cloudwatch` and `cloudwatch_logs` lose of merged logs is another rule's.
                let is_merged = |filter: &PlacedSection<'_, '_>| filter.is_of("kubernetes") && !is_stream(&output);
                let taken =
                    logging.filters().find(|filter| is_merged(filter) && merges(filter) || takes_log(logging, filter));
                if let Some(filter) = taken {
                    let message = "not every log has `log` here, and those without it are dropped".to_owned();
                    let finding = finding(message).severity(Severity::Warning);
                    findings.push(finding.related(filter.place_of("Name"), "this takes it away"));
                }
            } else if !logging.filters().any(|filter| adds(&filter, name)) {
                let message = format!("only logs that have `{name}` are written, and all others are dropped");
                findings.push(finding(message).severity(Severity::Warning));
            }
        }
    }
}

fn maps<'b>(logging: &'b LoggingConfigMap<'_>) -> Maps<'b> {
    const ALL: &str = "in every log";
    const JSON: &str = "in each log that is JSON";
    let mut maps: Maps<'b> = HashMap::new();
    for filter in logging.filters() {
        let mut add = |option: &str, how| {
            if let Some(name) = filter.get(option) {
                maps.entry(name).or_insert((filter.place_of(option), how));
            }
        };
        match filter.plugin().as_str() {
            "kubernetes" => {
                if filter.is_on("Merge_Log") == Some(true) {
                    add("Merge_Log_Key", JSON);
                }
                maps.entry("kubernetes").or_insert((filter.place_of("Name"), ALL));
            }
            "nest" => add("Nest_under", ALL),
            "parser" => {
                let decoded = definitions(logging, &filter).into_iter().flat_map(decoded);
                decoded.for_each(|(name, place)| _ = maps.entry(name).or_insert((place, JSON)));
            }
            _ => {}
        }
    }
    maps
}

/// The members in which a parser decodes JSON.
fn decoded<'b>(parser: PlacedSection<'b, '_>) -> impl Iterator<Item = (&'b str, Place)> {
    let is_decoder = |property: &&ReadProperty| {
        ["Decode_Field", "Decode_Field_As"].iter().any(|option| option.eq_ignore_ascii_case(&property.name.value))
    };
    parser.section.properties.iter().filter(is_decoder).filter_map(move |property| {
        let mut words = property.value.value.split_whitespace();
        let name = words.next().filter(|decoder| *decoder == "json").and(words.next());
        Some((name?, parser.value_place(property)))
    })
}
