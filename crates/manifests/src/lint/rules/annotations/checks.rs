//! What the Agent is to check in a container: `checks`, and the three annotations of before.

use serde_json::Value;

use super::{Annotation, PAGE, annotations, read};
use crate::annotations::is_check;
use crate::annotations_v1::{ConvertError, PARTS, checks};
use crate::lint::embedded::Embedded;
use crate::lint::finding::{Finding, Findings};
use crate::lint::json::JsonText;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;
use crate::lint::source::Span;

const CODE: &str = "DataDog/datadog-agent, `comp/core/autodiscovery/common/utils`";

pub(crate) static NOT_JSON: LintRule = LintRule {
    code: "PF802",
    name: "annotation-not-json",
    severity: Severity::Error,
    title: "An Autodiscovery annotation is not valid JSON",
    why: "The Agent ignores the whole annotation, and so does the forwarder.",
    fix: "Fix the JSON at, or just before, the marked place.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, CODE],
};

pub(crate) static CHECKS_FORM: LintRule = LintRule {
    code: "PF803",
    name: "checks-form",
    severity: Severity::Error,
    title: "The annotation `checks` is not in the form that the Agent reads",
    why: "The Agent runs none of the container's checks, or runs them with the wrong settings.",
    fix: "Write `{\"<INTEGRATION>\": {\"init_config\": {}, \"instances\": [{…}]}}`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, CODE],
};

pub(crate) static THREE_LISTS: LintRule = LintRule {
    code: "PF804",
    name: "checks-v1-form",
    severity: Severity::Error,
    title: "The annotations check_names, init_configs and instances do not match",
    why: "Their elements belong together by position, so the Agent ignores all three unless all are present and equally long.",
    fix: "Give each check one element in each of the three, or use `checks`: `podferry generate annotations --from-v1 FILE` converts them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, CODE],
};

pub(crate) static BOTH: LintRule = LintRule {
    code: "PF805",
    name: "checks-twice",
    severity: Severity::Warning,
    title: "A container has both `checks` and check_names, init_configs or instances",
    why: "If `checks` is present, the Agent ignores the other three.",
    fix: "Remove the other three.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, CODE],
};

pub(crate) static VARIABLE: LintRule = LintRule {
    code: "PF818",
    name: "template-variable-unknown",
    severity: Severity::Error,
    title: "The Agent does not know this template variable",
    why: "The Agent cannot resolve it and does not run the check.",
    fix: "Use one of %%host%%, %%port%%, %%pid%%, %%hostname%%, %%env_NAME%%, %%kube_namespace%%, %%kube_pod_name%% and %%kube_pod_uid%%.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Autodiscovery Template Variables\""],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_JSON, &CHECKS_FORM, &THREE_LISTS, &BOTH, &VARIABLE];

/// Members of a check. Source: DataDog/datadog-agent, `pod_annotations.go`, `parseChecksJSON`.
const MEMBERS: [&str; 6] =
    ["name", "init_config", "instances", "logs", "ignore_autodiscovery_tags", "check_tag_cardinality"];
/// Template variables, and how those with a part of their own begin.
const VARIABLES: [&str; 8] =
    ["host", "port", "pid", "hostname", "kube_namespace", "kube_pod_name", "kube_pod_uid", "extra"];
const STARTS: [&str; 4] = ["host_", "port_", "env_", "extra_"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.pods() {
        for one in annotations(&pod).into_iter().filter(|one| one.end == "checks" && one.container.is_some()) {
            variables(project, one, findings);
            if let Some(json) = read(project, one, &NOT_JSON, findings) {
                form(&json, findings);
            }
        }
        lists(project, &pod, findings);
    }
}

fn form(json: &JsonText<'_>, findings: &mut Findings) {
    let mut wrong = |place, message: String| findings.push(Finding::new(&CHECKS_FORM, place, message));
    let Value::Object(all) = &json.value else {
        return wrong(json.place(&[]), "`checks` must be an object with check names and their instances".to_owned());
    };
    for (name, check) in all {
        if !is_check(name) {
            wrong(json.name_place(&[], name), "this is not a valid integration name".to_owned());
        }
        let Value::Object(members) = check else {
            wrong(json.place(&[name]), format!("the check {name} must be an object with `instances`"));
            continue;
        };
        for member in members.keys().filter(|member| !MEMBERS.contains(&member.as_str())) {
            let near = closest(member, MEMBERS).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            let message = format!("the check {name} has an unknown member `{member}`{near}");
            wrong(json.name_place(&[name], member), message.trim_end_matches('?').to_owned());
        }
        match members.get("instances") {
            Some(Value::Array(instances)) => {
                for (number, _) in instances.iter().enumerate().filter(|(_, instance)| !instance.is_object()) {
                    let place = json.place(&[name, "instances", &number.to_string()]);
                    wrong(place, format!("each instance of the check {name} must be an object"));
                }
                if instances.is_empty() && !members.contains_key("logs") {
                    wrong(
                        json.place(&[name, "instances"]),
                        format!("the check {name} has no instances, so it does not run"),
                    );
                }
            }
            Some(_) => {
                wrong(json.place(&[name, "instances"]), format!("`instances` of the check {name} must be a list"))
            }
            None if members.contains_key("logs") || members.keys().any(|member| is_meant(member, "instances")) => {}
            None => wrong(json.name_place(&[], name), format!("the check {name} has no `instances`")),
        }
        if members.get("ignore_autodiscovery_tags").is_some_and(|value| !value.is_boolean()) {
            let place = json.place(&[name, "ignore_autodiscovery_tags"]);
            wrong(place, "`ignore_autodiscovery_tags` must be true or false, without quotes".to_owned());
        }
    }
}

/// Whether a name is a misspelt other one.
fn is_meant(member: &str, known: &str) -> bool {
    member != known && closest(member, MEMBERS) == Some(known)
}

fn lists(project: &Project<'_>, pod: &PodTemplate<'_>, findings: &mut Findings) {
    let all = annotations(pod);
    let mut seen: Vec<&str> = Vec::new();
    for one in all.iter().filter(|one| PARTS.contains(&one.end)) {
        let Some(container) = one.container.filter(|container| !seen.contains(container)) else { continue };
        seen.push(container);
        let of = |end: &str| all.iter().copied().find(|one| one.container == Some(container) && one.end == end);
        if let Some(newer) = of("checks") {
            let message = format!("{} is ignored", one.entry.name);
            let related = (newer.entry.key, "because of this one");
            findings.push(Finding::new(&BOTH, one.entry.key, message).related(related.0, related.1));
            continue;
        }
        let parts: Vec<Annotation<'_>> = PARTS.iter().filter_map(|part| of(part)).collect();
        for part in &parts {
            variables(project, *part, findings);
        }
        if let Some(missing) = PARTS.iter().find(|part| of(part).is_none()) {
            let message = format!("container {container} has {}, but no {missing}", one.end);
            findings.push(Finding::new(&THREE_LISTS, one.entry.key, message));
            continue;
        }
        let texts: Vec<JsonText<'_>> =
            parts.iter().filter_map(|part| read(project, *part, &NOT_JSON, findings)).collect();
        if let ([names, configs, instances], [first, ..]) = (texts.as_slice(), parts.as_slice()) {
            together(container, [names, configs, instances], *first, findings);
        }
    }
}

fn together(container: &str, texts: [&JsonText<'_>; 3], first: Annotation<'_>, findings: &mut Findings) {
    let mut arrays: Vec<Vec<Value>> = Vec::new();
    for (text, part) in texts.iter().zip(PARTS) {
        let Value::Array(items) = &text.value else {
            findings.push(Finding::new(&THREE_LISTS, text.place(&[]), format!("{part} must be a JSON array")));
            return;
        };
        arrays.push(items.clone());
    }
    let mut arrays = arrays.into_iter();
    let mut next = || arrays.next().unwrap_or_default();
    match checks(container, next(), next(), next()) {
        Err(ConvertError::Lengths { names, init_configs, instances, .. }) => {
            let message = format!(
                "container {container} has {names} check_names, {init_configs} init_configs and {instances} instances"
            );
            let finding = Finding::new(&THREE_LISTS, first.entry.key, message);
            let others = texts.iter().skip(1).zip(PARTS.iter().skip(1));
            findings.push(others.fold(finding, |finding, (text, part)| finding.related(text.place(&[]), *part)));
        }
        Err(ConvertError::Json { part, problem, .. }) => {
            let text = texts.iter().zip(PARTS).find(|(_, name)| *name == part).map_or(texts[0], |(text, _)| text);
            findings.push(Finding::new(&THREE_LISTS, text.place(&[]), format!("{part}: {problem}")));
        }
        // The same check twice is only hard to convert.
        _ => {}
    }
}

fn variables(project: &Project<'_>, one: Annotation<'_>, findings: &mut Findings) {
    let value = one.entry.value;
    let source = project.source(value.value_place());
    let Some(text) = Embedded::new(value, source) else { return };
    let mut at = 0;
    while let Some(start) = text.text.get(at..).and_then(|rest| rest.find("%%")).map(|found| at + found) {
        let rest = text.text.get(start + 2..).unwrap_or_default();
        let Some(length) = rest.find("%%") else { return };
        let name = rest.get(..length).unwrap_or_default();
        let end = start + length + 4;
        at = end;
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if is_name && !VARIABLES.contains(&name) && !STARTS.iter().any(|begin| name.starts_with(begin)) {
            let place = text.span(Span { start, end });
            let finding = Finding::new(&VARIABLE, place, format!("`%%{name}%%` is not a template variable"));
            findings.push(match closest(name, VARIABLES) {
                Some(near) => finding.fix(format!("Did you mean `%%{near}%%`?")),
                None => finding,
            });
        }
    }
}
