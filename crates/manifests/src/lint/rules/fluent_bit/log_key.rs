//! `log_key` of an output to CloudWatch Logs: what the member has to be.

use std::collections::HashMap;

use super::cores::SEEN;
use super::{definitions, is_template};
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
    why: "A map makes the request invalid, so CloudWatch Logs refuses it with all the other logs in it; a variable never matches, so every log is dropped.",
    fix: "Remove `log_key`: the forwarder reads whole records.",
    edits: RuleEdits::Suggested,
    is_preview: true,
    sources: &["fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&NO_TEXT];

/// What is a map: by its name, what makes it one, and in which logs.
type Maps<'b> = HashMap<&'b str, (Place, &'static str)>;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let maps = maps(logging);
        for output in logging.outputs().filter(|output| output.is_of("cloudwatch_logs")) {
            let Some(key) = output.property("log_key").filter(|key| !key.value.value.is_empty()) else { continue };
            let name = key.value.value.as_str();
            let place = output.value_place(key);
            let finding = |message: String| {
                let edit = output.part.text.remove_lines(key.name.span, project.source(place));
                Finding::new(&NO_TEXT, place, message).edits(edit)
            };
            if name.starts_with('$') && !is_template(name) {
                findings.push(finding(format!("no member is named `{name}`: `log_key` takes no variables")));
            } else if let Some((made, how)) = maps.get(name) {
                findings.push(finding(format!("`{name}` is a map {how}")).related(*made, "this makes it"));
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
