//! Where annotations of Autodiscovery are, what they are called, and whether their container exists.

use super::{ENDS, OF_POD, PAGE, annotation, annotations};
use crate::agent::SIDECAR_LABEL;
use crate::annotations::PREFIX;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation};
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::object::DocumentKind;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::is_partial;
use crate::lint::similar::closest;
use crate::sidecar::SidecarForm;

pub(crate) static NOT_A_STRING: LintRule = LintRule {
    code: "PF801",
    name: "annotation-not-a-string",
    severity: Severity::Error,
    title: "An annotation or label value is not a string",
    why: "Kubernetes rejects the whole object: annotations and labels must be strings, even if they look like a number or a boolean.",
    fix: "Put the value in quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Annotations\"", "Kubernetes API reference, \"ObjectMeta\""],
};

pub(crate) static UNKNOWN_CONTAINER: LintRule = LintRule {
    code: "PF806",
    name: "annotation-of-no-container",
    severity: Severity::Error,
    title: "An annotation names a container that the pod does not have",
    why: "The Agent and the forwarder look up annotations by container name, so they never find this one.",
    fix: "Use the container's `name` from the pod spec.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `ValidateAnnotationsMatching`"],
};

pub(crate) static UNKNOWN_NAME: LintRule = LintRule {
    code: "PF807",
    name: "annotation-unknown",
    severity: Severity::Warning,
    title: "An annotation has an unknown name",
    why: "Unknown annotations are ignored silently.",
    fix: "Use one of checks, logs, tags, exclude, logs_exclude and metrics_exclude.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "Datadog documentation, \"Container Discovery Management\""],
};

pub(crate) static ON_WORKLOAD: LintRule = LintRule {
    code: "PF812",
    name: "annotation-on-workload",
    severity: Severity::Error,
    title: "An Autodiscovery annotation is on the workload instead of its pods",
    why: "The Agent and the forwarder read the annotations of pods, and the pods do not have it.",
    fix: "Move it to `spec.template.metadata.annotations`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static NOT_YES_OR_NO: LintRule = LintRule {
    code: "PF816",
    name: "annotation-not-a-boolean",
    severity: Severity::Warning,
    title: "A yes-or-no annotation is neither `true` nor `false`",
    why: "Any other value counts as false.",
    fix: "Write `\"true\"` or `\"false\"`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Container Discovery Management\""],
};

pub(crate) static RULES: &[&LintRule] =
    &[&NOT_A_STRING, &UNKNOWN_CONTAINER, &UNKNOWN_NAME, &ON_WORKLOAD, &NOT_YES_OR_NO];

/// Annotations that are yes or no.
const BOOLEANS: [&str; 5] =
    ["exclude", "logs_exclude", "metrics_exclude", "tolerate-unready", "ignore_autodiscovery_tags"];

/// What the Agent takes for yes or no. Source: Go's `strconv.ParseBool`.
const YES_OR_NO: [&str; 12] = ["true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F", "1", "0"];

/// Containers that webhooks add to pods, so that no manifest has them: of Istio, Linkerd, Vault, Consul, AWS App Mesh, Kuma, Dapr, Jaeger, Knative and
/// the OpenTelemetry Operator. Source: the injection templates in the repositories of these projects.
const OF_WEBHOOKS: [&str; 20] = [
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "linkerd-proxy",
    "linkerd-init",
    "linkerd-network-validator",
    "vault-agent",
    "vault-agent-init",
    "consul-dataplane",
    "consul-connect-inject-init",
    "envoy-sidecar",
    "envoy",
    "proxyinit",
    "xray-daemon",
    "kuma-sidecar",
    "kuma-init",
    "daprd",
    "otc-container",
    "queue-proxy",
    "jaeger-agent",
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_what(DocumentKind::Kubernetes) {
        strings(project, object.node, findings);
        let Some(pod) = object.pod() else { continue };
        if !pod.workload.is_pod() {
            strings(project, pod.template, findings);
            on_workload(&pod, findings);
        }
        containers(&pod, project, findings);
    }
}

fn strings(project: &Project<'_>, object: YamlNode<'_>, findings: &mut Findings) {
    for part in ["annotations", "labels"] {
        for entry in object.path(&["metadata", part]).into_iter().flat_map(YamlNode::entries) {
            let value = entry.value;
            let kind = match value.scalar() {
                _ if value.is_tagged() || entry.name == "<<" => continue,
                Some(Scalar::Boolean(_)) => "a boolean",
                Some(Scalar::Number(_)) => "a number",
                None if value.is_map() => "a map",
                None if value.is_list() => "a list",
                _ => continue,
            };
            let message = format!("the value of {} is {kind}, not a string", entry.name);
            let edit = value.quote(project.source(value.place()));
            findings.push(Finding::new(&NOT_A_STRING, value.place(), message).edits(edit));
        }
    }
}

fn on_workload(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let own = pod.object.node.path(&["metadata", "annotations"]);
    let is_on_pods = |entry: &YamlEntry<'_>| pod.annotations().is_some_and(|pods| pods.entry(entry.name).is_some());
    for entry in own.into_iter().flat_map(YamlNode::entries).filter(|entry| !is_on_pods(entry)) {
        if annotation(entry).is_some() {
            let message = format!("pods of {} do not have the annotation {}", pod.object.title(), entry.name);
            findings.push(Finding::new(&ON_WORKLOAD, entry.key, message));
        }
    }
}

/// Whether the Cluster Agent adds its sidecar to a pod: it has the label, or what is installed selects pods by others.
fn is_injected(pod: &PodTemplate<'_>, project: &Project<'_>) -> bool {
    let has_label = pod.labels().is_some_and(|labels| labels.entry(SIDECAR_LABEL.0).is_some());
    let has_selector = |one: &Installation<'_>| {
        one.injection().is_some_and(|injection| injection.value.list("selectors").next().is_some())
    };
    has_label || installation::all(project).iter().any(has_selector)
}

fn containers(pod: &PodTemplate<'_>, project: &Project<'_>, findings: &mut Findings) {
    let all = annotations(pod);
    let names: Vec<&str> = pod.containers(true).filter_map(|container| container.get("name")?.text()).collect();
    // A container can be given another name for its checks.
    let given = all.iter().filter(|one| one.end == "check.id").filter_map(|one| one.entry.value.text());
    let given: Vec<&str> = given.collect();
    for one in &all {
        let (end, whole) = (one.end, one.entry.name);
        let known: &[&str] = if one.container.is_some() { &ENDS } else { &OF_POD };
        if !known.contains(&end) {
            let message = format!("`{whole}` is not a known annotation");
            let finding = Finding::new(&UNKNOWN_NAME, one.entry.key, message);
            let stem = whole.strip_suffix(end).unwrap_or(PREFIX);
            findings.push(match closest(end, known.iter().copied()) {
                Some(near) => finding.fix(format!("Did you mean `{stem}{near}`?")),
                None => finding,
            });
            continue;
        }
        let text = one.entry.value.string().filter(|_| BOOLEANS.contains(&end));
        if text.is_some_and(|text| !YES_OR_NO.contains(&text)) {
            let message = format!("{whole} is neither `true` nor `false`");
            findings.push(Finding::new(&NOT_YES_OR_NO, one.entry.value.place(), message));
        }
        let Some(container) = one.container.filter(|name| !names.contains(name) && !given.contains(name)) else {
            continue;
        };
        if is_partial(pod) || container.contains(['$', '{']) || OF_WEBHOOKS.contains(&container) {
            continue;
        }
        if container == SidecarForm::Injected.name() {
            if !is_injected(pod, project) {
                let message = format!("{} has no label that asks for the sidecar `{container}`", pod.object.title());
                let finding = Finding::new(&UNKNOWN_CONTAINER, one.entry.key, message).severity(Severity::Note);
                findings
                    .push(finding.fix(format!("Give the pod the label `{}: {}`.", SIDECAR_LABEL.0, SIDECAR_LABEL.1)));
            }
            continue;
        }
        let message = format!("{} has no container `{container}`", pod.object.title());
        let finding = Finding::new(&UNKNOWN_CONTAINER, one.entry.key, message);
        findings.push(match closest(container, names.iter().copied()) {
            Some(near) => finding.fix(format!("Did you mean `{PREFIX}{near}.{end}`?")),
            None => finding.fix(format!("Use one of its containers: {}.", names.join(", "))),
        });
    }
}
