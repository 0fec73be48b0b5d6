//! `log_key` of an output to CloudWatch Logs: what the member has to be.

use super::cores::SEEN;
use super::definitions;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

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

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for output in logging.outputs().filter(|output| output.plugin() == "cloudwatch_logs") {
            let Some(key) = output.property("log_key").filter(|key| !key.value.value.is_empty()) else { continue };
            let name = key.value.value.as_str();
            let place = output.value_place(key);
            let finding = |message: String| {
                let edit = output.part.text.remove_lines(key.name.span, project.source(place));
                Finding::new(&NO_TEXT, place, message).edits(edit)
            };
            if name.starts_with('$') {
                findings.push(finding(format!("no member is named `{name}`: `log_key` takes no variables")));
            } else if let Some((made, how)) = map(logging, name) {
                findings.push(finding(format!("`{name}` is a map {how}")).related(made, "this makes it"));
            }
        }
    }
}

/// What makes a member a map: where, and in which logs.
fn map(logging: &LoggingConfigMap<'_>, name: &str) -> Option<(crate::lint::source::Place, &'static str)> {
    logging.filters().find_map(|filter| {
        let is = |option: &str| filter.get(option) == Some(name);
        match filter.plugin().as_str() {
            "kubernetes" if name == "kubernetes" => Some((filter.place_of("Name"), "in every log")),
            "kubernetes" if is("Merge_Log_Key") && filter.is_on("Merge_Log") == Some(true) => {
                Some((filter.place_of("Merge_Log_Key"), "in each log that is JSON"))
            }
            "nest" if is("Nest_under") => Some((filter.place_of("Nest_under"), "in every log")),
            "parser" => definitions(logging, &filter).into_iter().find_map(|parser| decoded(parser, name)),
            _ => None,
        }
    })
}

/// A parser that decodes JSON in a member.
fn decoded(parser: PlacedSection<'_, '_>, name: &str) -> Option<(crate::lint::source::Place, &'static str)> {
    let mut properties = parser.section.properties.iter();
    let found = properties.find(|property| {
        let mut words = property.value.value.split_whitespace();
        let is_decoder =
            ["Decode_Field", "Decode_Field_As"].iter().any(|option| option.eq_ignore_ascii_case(&property.name.value));
        is_decoder && words.next() == Some("json") && words.next() == Some(name)
    })?;
    Some((parser.value_place(found), "in each log that is JSON"))
}
