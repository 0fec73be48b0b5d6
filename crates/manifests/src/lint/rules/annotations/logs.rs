//! `ad.datadoghq.com/<container>.logs`: how a container's logs are read. What is wrong is found by the parser of the forwarder itself.

use serde_json::Value;

use super::checks::NOT_JSON;
use super::{LOGS_PAGE, annotations, read};
use crate::lint::finding::{Finding, Findings};
use crate::lint::json::JsonText;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;
use crate::lint::source::Place;
use pipeline::autodiscovery::ContainerLogs;
use pipeline::rules::RuleError;
use pipeline::rules::parse::KINDS;

const CODE: &str = "DataDog/datadog-agent, `comp/logs/agent/config`";

pub(crate) static FORM: LintRule = LintRule {
    code: "PF808",
    name: "logs-annotation-form",
    severity: Severity::Error,
    title: "The annotation for a container's logs has the wrong form",
    why: "The container's source, service and rules are not applied, and the Agent does not collect its logs at all.",
    fix: "Write `[{\"source\": \"…\", \"service\": \"…\", \"log_processing_rules\": […]}]`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[LOGS_PAGE, CODE],
};

pub(crate) static PROCESSING_RULE: LintRule = LintRule {
    code: "PF809",
    name: "log-processing-rule",
    severity: Severity::Error,
    title: "A log processing rule cannot be used",
    why: "The forwarder skips the rule, or withholds text that the rule should have masked; the Agent does not collect the logs at all.",
    fix: "Give each rule a `name`, a `type` and a `pattern` that compiles. Try them with `podferry rules check`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Advanced Log Collection\"", CODE],
};

pub(crate) static MEMBER: LintRule = LintRule {
    code: "PF810",
    name: "logs-annotation-member",
    severity: Severity::Warning,
    title: "A member of the logs annotation looks misspelt",
    why: "Unknown members are ignored silently.",
    fix: "Use the spelling in Datadog's documentation.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[LOGS_PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&FORM, &PROCESSING_RULE, &MEMBER];

/// Members of a configuration of logs. Source: DataDog/datadog-agent, `comp/logs/agent/config/integration_config.go`.
const MEMBERS: [&str; 18] = [
    "type",
    "source",
    "service",
    "tags",
    "sourcecategory",
    "log_processing_rules",
    "auto_multi_line_detection",
    "auto_multi_line",
    "auto_multi_line_sample_size",
    "auto_multi_line_match_threshold",
    "path",
    "port",
    "encoding",
    "exclude_paths",
    "start_position",
    "identifier",
    "image",
    "name",
];
const OF_RULE: [&str; 4] = ["type", "name", "pattern", "replace_placeholder"];
const LIST: &str = "log_processing_rules";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.pods() {
        for one in annotations(&pod).into_iter().filter(|one| one.end == "logs" && one.container.is_some()) {
            let Some(json) = read(project, one, &NOT_JSON, findings) else { continue };
            if !json.value.is_array() {
                let message = format!("{} must be a list that contains the object", one.entry.name);
                findings.push(Finding::new(&FORM, json.place(&[]), message).fix("Wrap it in brackets: `[{…}]`."));
                continue;
            }
            let text = one.entry.value.string().unwrap_or_default();
            for error in &ContainerLogs::parse(text).rules.errors {
                findings.push(finding(&json, one.entry.name, error));
            }
            members(&json, findings);
        }
    }
}

fn finding(json: &JsonText<'_>, annotation: &str, error: &RuleError) -> Finding {
    let Some(name) = &error.name else {
        let message = format!("{annotation}: {}", error.problem);
        return Finding::new(&FORM, member_place(json, &error.problem), message);
    };
    let number = rule_number(json, name);
    let finding = Finding::new(&PROCESSING_RULE, rule_place(json, number, &error.problem), error.to_string());
    let kind = number.and_then(|number| json.value.pointer(&format!("/0/{LIST}/{number}/type"))?.as_str());
    match kind.filter(|kind| !KINDS.contains(kind)).and_then(|kind| closest(kind, KINDS)) {
        Some(near) => finding.fix(format!("Did you mean `{near}`?")),
        None => finding,
    }
}

/// Which rule an error is about.
fn rule_number(json: &JsonText<'_>, shown: &str) -> Option<usize> {
    let rules = json.value.pointer(&format!("/0/{LIST}")).and_then(Value::as_array);
    let named = |rule: &Value| rule.get("name").and_then(Value::as_str).is_some_and(|name| name.trim() == shown);
    let by_name = rules.and_then(|rules| rules.iter().position(named));
    by_name.or_else(|| shown.strip_prefix("rule ")?.parse::<usize>().ok()?.checked_sub(1))
}

/// Where a rule is, or the member of it that a problem names.
fn rule_place(json: &JsonText<'_>, number: Option<usize>, problem: &str) -> Place {
    let Some(number) = number else { return json.place(&["0", LIST]) };
    let number = number.to_string();
    let rule = ["0", LIST, number.as_str()];
    let member = OF_RULE.into_iter().find(|member| problem.contains(&format!("`{member}`")));
    json.place(&[&rule[..], member.as_slice()].concat())
}

/// Where the member that a problem names is.
fn member_place(json: &JsonText<'_>, problem: &str) -> Place {
    let member = MEMBERS.iter().find(|member| problem.contains(&format!("its `{member}`")));
    member.map_or_else(|| json.place(&["0"]), |member| json.place(&["0", member]))
}

fn members(json: &JsonText<'_>, findings: &mut Findings) {
    let mut misspelt = |path: &[&str], value: &Value, known: &[&'static str]| {
        for name in
            value.as_object().into_iter().flat_map(|map| map.keys()).filter(|name| !known.contains(&name.as_str()))
        {
            if let Some(near) = closest(name, known.iter().copied()) {
                let finding = Finding::new(&MEMBER, json.name_place(path, name), format!("`{name}` is unknown"));
                findings.push(finding.fix(format!("Did you mean `{near}`?")));
            }
        }
    };
    for (number, config) in json.value.as_array().into_iter().flatten().enumerate() {
        let number = number.to_string();
        misspelt(&[&number], config, &MEMBERS);
        for (at, rule) in config.get(LIST).and_then(Value::as_array).into_iter().flatten().enumerate() {
            misspelt(&[&number, LIST, &at.to_string()], rule, &OF_RULE);
        }
    }
}
