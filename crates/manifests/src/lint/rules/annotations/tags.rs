//! Annotations and labels of pods that become tags.

use serde_json::Value;

use super::checks::NOT_JSON;
use super::{TAGGING, annotations, read};
use crate::agent::is_image_of_datadog;
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{is_partial, sidecars, variables};
use crate::lint::similar::closest;
use crate::names::{MAX_LABEL_VALUE, is_label_value};

pub(crate) static FORM: LintRule = LintRule {
    code: "PF811",
    name: "tags-annotation-form",
    severity: Severity::Warning,
    title: "A tags annotation holds a value that cannot become a tag",
    why: "Only strings and lists of strings become tags; everything else is dropped silently.",
    fix: "Write `{\"name\": \"value\", \"other\": [\"one\", \"two\"]}`, with numbers in quotes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "Datadog documentation, \"Kubernetes Tag Extraction\"",
        "DataDog/datadog-agent, `comp/core/tagger/collectors`",
    ],
};

pub(crate) static ON_WORKLOAD: LintRule = LintRule {
    code: "PF813",
    name: "service-labels-on-workload",
    severity: Severity::Warning,
    title: "A unified service tagging label is on the workload but not on its pods",
    why: "Logs, metrics and traces come from pods: without the label there, they lack the tag.",
    fix: "Add it to `spec.template.metadata.labels` as well.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[TAGGING],
};

pub(crate) static VALUE: LintRule = LintRule {
    code: "PF814",
    name: "label-value-form",
    severity: Severity::Error,
    title: "Kubernetes does not allow this label value",
    why: "Kubernetes rejects the whole object.",
    fix: "Use letters, digits, `-`, `_` and `.`, starting and ending with a letter or digit, at most 63 characters.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Labels and Selectors\""],
};

pub(crate) static ONLY_IN_VARIABLE: LintRule = LintRule {
    code: "PF815",
    name: "service-only-in-variable",
    severity: Severity::Note,
    title: "A container's env, service or version is set only in a variable",
    why: "The forwarder sees pod labels, not container variables: traces carry the tag, logs do not.",
    fix: "Add the label to the pod, and set the variable from the label.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[TAGGING],
};

pub(crate) static UNKNOWN: LintRule = LintRule {
    code: "PF817",
    name: "service-label-unknown",
    severity: Severity::Warning,
    title: "A unified service tagging label has an unknown name",
    why: "Only env, service and version are known, for the pod or for one of its containers.",
    fix: "Use `tags.datadoghq.com/env`, `/service` or `/version`; for a single container, `tags.datadoghq.com/<container>.env`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[TAGGING],
};

pub(crate) static AS_ANNOTATION: LintRule = LintRule {
    code: "PF819",
    name: "service-label-as-annotation",
    severity: Severity::Warning,
    title: "A unified service tagging label is among the annotations",
    why: "The Agent and the forwarder look for env, service and version in the labels of pods, so this one becomes no tag.",
    fix: "Move it to the pod's labels.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[TAGGING, "DataDog/datadog-agent, `comp/core/tagger/collectors`"],
};

pub(crate) static RULES: &[&LintRule] = &[&FORM, &ON_WORKLOAD, &VALUE, &ONLY_IN_VARIABLE, &UNKNOWN, &AS_ANNOTATION];

const LABEL: &str = "tags.datadoghq.com/";
/// What the labels are for, and the variable that says the same to the application.
const STANDARD: [(&str, &str); 3] = [("env", "DD_ENV"), ("service", "DD_SERVICE"), ("version", "DD_VERSION")];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.pods() {
        form(project, &pod, findings);
        labels(&pod, findings);
        as_annotations(&pod, findings);
        if !is_partial(&pod) {
            in_variables(&pod, findings);
        }
    }
}

fn form(project: &Project<'_>, pod: &PodTemplate<'_>, findings: &mut Findings) {
    for one in annotations(pod).into_iter().filter(|one| one.end == "tags") {
        let Some(json) = read(project, one, &NOT_JSON, findings) else { continue };
        let Value::Object(all) = &json.value else {
            let message = format!("{} must be an object of names and values", one.entry.name);
            findings.push(Finding::new(&FORM, json.place(&[]), message));
            continue;
        };
        let is_tag =
            |value: &Value| value.as_array().map_or(value.is_string(), |list| list.iter().all(Value::is_string));
        for (name, _) in all.iter().filter(|(_, value)| !is_tag(value)) {
            let message = format!("the value of `{name}` is neither a string nor a list of strings");
            findings.push(Finding::new(&FORM, json.place(&[name]), message));
        }
    }
}

fn labels(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let on_pods = pod.labels();
    let own = pod.object.node.path(&["metadata", "labels"]).filter(|_| !pod.workload.is_pod());
    for entry in own.into_iter().flat_map(YamlNode::entries) {
        let is_on_pods = on_pods.is_some_and(|labels| labels.entry(entry.name).is_some());
        // Labels of the pods may be in what this is a patch of.
        let may_be_elsewhere = on_pods.is_none() && is_partial(pod);
        if entry.name.starts_with(LABEL) && !is_on_pods && !may_be_elsewhere {
            let message = format!("pods of {} do not have the label {}", pod.object.title(), entry.name);
            findings.push(Finding::new(&ON_WORKLOAD, entry.key, message));
        }
    }
    let names: Vec<&str> = pod.containers(true).filter_map(|container| container.get("name")?.text()).collect();
    for entry in [own, on_pods].into_iter().flatten().flat_map(YamlNode::entries) {
        let Some(rest) = entry.name.strip_prefix(LABEL) else { continue };
        if let Some(value) = entry.value.string().filter(|value| !value.contains(['$', '{']) && !is_label_value(value))
        {
            let length = value.chars().count();
            let message = match length {
                0..=MAX_LABEL_VALUE => format!("`{value}` is not a valid label value"),
                _ => format!("the label value has {length} characters; the limit is {MAX_LABEL_VALUE}"),
            };
            findings.push(Finding::new(&VALUE, entry.value.place(), message));
        }
        let (container, end) = rest.rsplit_once('.').map_or((None, rest), |(container, end)| (Some(container), end));
        let standard = STANDARD.map(|(name, _)| name);
        if !standard.contains(&end) && rest != "disable" {
            let finding = Finding::new(&UNKNOWN, entry.key, format!("`{}` is not a known label", entry.name));
            findings.push(match closest(end, standard) {
                Some(near) => finding.fix(format!("Did you mean `{}{near}`?", entry.name.trim_end_matches(end))),
                None => finding,
            });
        } else if let Some(container) = container.filter(|name| !names.contains(name) && !is_partial(pod)) {
            let message = format!("{} has no container `{container}`", pod.object.title());
            findings.push(Finding::new(&UNKNOWN, entry.key, message));
        }
    }
}

/// Looks for labels among the annotations; one that the pods have as a label, too, does its work there.
fn as_annotations(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let own = pod.object.node.path(&["metadata", "annotations"]).filter(|_| !pod.workload.is_pod());
    for entry in [own, pod.annotations()].into_iter().flatten().flat_map(YamlNode::entries) {
        let end = entry.name.strip_prefix(LABEL).map(|rest| rest.rsplit_once('.').map_or(rest, |(_, end)| end));
        let is_label = end.is_some_and(|end| STANDARD.iter().any(|(name, _)| *name == end));
        if is_label && pod.labels().is_none_or(|labels| labels.entry(entry.name).is_none()) {
            let message = format!("`{}` is an annotation here; tags are made of labels", entry.name);
            findings.push(Finding::new(&AS_ANNOTATION, entry.key, message));
        }
    }
}

fn in_variables(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let agents: Vec<&str> = sidecars(pod).iter().map(|sidecar| sidecar.name()).collect();
    for container in pod.spec.list("containers") {
        let text = |key| container.get(key).and_then(YamlNode::text).unwrap_or_default();
        let name = text("name");
        // These variables of an Agent are about all that it sends.
        if agents.contains(&name) || is_image_of_datadog(text("image")) {
            continue;
        }
        for (tag, variable) in STANDARD {
            let has = |label: String| pod.labels().is_some_and(|labels| labels.entry(&label).is_some());
            if has(format!("{LABEL}{tag}")) || has(format!("{LABEL}{name}.{tag}")) {
                continue;
            }
            if let Some(found) = variables(container).find(|one| one.name == variable) {
                let message = format!("no label of the pod carries {variable} of container {name}");
                let advice = format!("Add the label `{LABEL}{tag}` to the pod, and set the variable from the label.");
                findings.push(Finding::new(&ONLY_IN_VARIABLE, found.name_place(), message).fix(advice));
            }
        }
    }
}
