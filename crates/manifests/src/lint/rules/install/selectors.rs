//! Selectors and profiles of injected sidecars: which pods get one, and what it is like.

use super::{PAGE, PROFILES, WEBHOOK};
use crate::agent::SIDECAR_LABEL;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation;
use crate::lint::node::{YamlEntry, YamlNode};
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;

pub(crate) static SEVERAL: LintRule = LintRule {
    code: "PF721",
    name: "several-selectors",
    severity: Severity::Error,
    title: "There is more than one selector, or more than one profile",
    why: "The Cluster Agent accepts at most one of each; with a second one it injects nothing and says so only in its own log.",
    fix: "Keep one, or remove them and give the pods the label `agent.datadoghq.com/sidecar: fargate`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[WEBHOOK, PROFILES],
};

pub(crate) static UNKNOWN: LintRule = LintRule {
    code: "PF722",
    name: "unknown-part-of-selector",
    severity: Severity::Warning,
    title: "A selector or profile has an unknown field",
    why: "The Cluster Agent ignores unknown fields, so pods get a different sidecar, or other pods get one.",
    fix: "A selector has `objectSelector` and `namespaceSelector`; a profile has `env`, `resources` and `securityContext`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[WEBHOOK, PROFILES, "DataDog/datadog-operator, api/datadoghq/v2alpha1/datadogagent_types.go"],
};

pub(crate) static NAMESPACE_BY_NAME: LintRule = LintRule {
    code: "PF723",
    name: "namespace-selector-by-name",
    severity: Severity::Warning,
    title: "A namespace selector looks for the label `name`",
    why: "Kubernetes does not add this label to namespaces, so the selector matches none and no pod gets a sidecar.",
    fix: "Use the label that every namespace has: `kubernetes.io/metadata.name`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Namespaces\", Automatic labelling"],
};

pub(crate) static OTHER_PODS: LintRule = LintRule {
    code: "PF724",
    name: "selector-misses-pods",
    severity: Severity::Warning,
    title: "Pods have the sidecar label, but the selector looks for another one",
    why: "A selector replaces the label, so these pods get no sidecar.",
    fix: "Give the pods the selector's labels, or remove the selector.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[WEBHOOK, PAGE],
};

pub(crate) static REQUESTS_ALONE: LintRule = LintRule {
    code: "PF725",
    name: "profile-without-limits",
    severity: Severity::Warning,
    title: "A profile sets resource requests without limits",
    why: "The Cluster Agent only reads the resources if there are limits, so the sidecar keeps its defaults.",
    fix: "Set the same values as `limits`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PROFILES],
};

pub(crate) static RULES: &[&LintRule] = &[&SEVERAL, &UNKNOWN, &NAMESPACE_BY_NAME, &OTHER_PODS, &REQUESTS_ALONE];

const SELECTOR: [&str; 2] = ["objectSelector", "namespaceSelector"];
const LABEL_SELECTOR: [&str; 2] = ["matchLabels", "matchExpressions"];
const PROFILE: [&str; 3] = ["env", "resources", "securityContext"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for installation in installation::all(project) {
        let Some(injection) = installation.injection() else { continue };
        for (list, what) in [("selectors", "selector"), ("profiles", "profile")] {
            let mut items = injection.value.list(list);
            if let Some((first, second)) = items.next().zip(items.next()) {
                let message = format!("with a second {what} no pod gets a sidecar");
                findings
                    .push(Finding::new(&SEVERAL, begin(second), message).related(begin(first), "the first is here"));
            }
        }
        for selector in injection.value.list("selectors") {
            hold(selector, "a selector", &SELECTOR, findings);
            for part in SELECTOR.iter().filter_map(|name| selector.entry(name)) {
                hold(part.value, &format!("`{}`", part.name), &LABEL_SELECTOR, findings);
            }
            namespaces(selector, project, findings);
            pods(selector, project, findings);
        }
        for profile in injection.value.list("profiles") {
            hold(profile, "a profile", &PROFILE, findings);
            let resources = profile.entry("resources").filter(|resources| resources.value.get("requests").is_some());
            if let Some(resources) = resources.filter(|resources| resources.value.get("limits").is_none()) {
                let message = "requests alone have no effect: the sidecar keeps its default resources";
                findings.push(Finding::new(&REQUESTS_ALONE, resources.key, message));
            }
        }
    }
}

/// Where an item of a list begins: all of it would be many lines.
fn begin(item: YamlNode<'_>) -> crate::lint::source::Place {
    item.entries().next().map_or_else(|| item.place(), |entry| entry.key)
}

fn hold(node: YamlNode<'_>, what: &str, names: &[&str], findings: &mut Findings) {
    for entry in node.entries().filter(|entry| entry.name != "<<" && !names.contains(&entry.name)) {
        let finding = Finding::new(&UNKNOWN, entry.key, format!("{what} has no `{}`", entry.name));
        findings.push(match closest(entry.name, names.iter().copied()) {
            Some(name) => finding.fix(format!("Did you mean `{name}`?")),
            None if names == LABEL_SELECTOR => finding.fix("Put the labels under `matchLabels`."),
            None => finding,
        });
    }
}

fn match_labels<'a>(selector: YamlNode<'a>, part: &str) -> Option<YamlNode<'a>> {
    // With expressions too, labels alone say nothing.
    let part = selector.get(part).filter(|part| part.get("matchExpressions").is_none())?;
    part.get("matchLabels")
}

fn namespaces(selector: YamlNode<'_>, project: &Project<'_>, findings: &mut Findings) {
    let labels = selector.path(&["namespaceSelector", "matchLabels"]);
    let Some(name) = labels.and_then(|labels| labels.entry("name")) else { return };
    let given =
        project.of_kind("Namespace").filter_map(|namespace| namespace.node.path(&["metadata", "labels", "name"]));
    if given.filter_map(YamlNode::text).any(|label| Some(label) == name.value.text()) {
        return;
    }
    let value = name.value.text().unwrap_or_default();
    let fix = format!("Write `kubernetes.io/metadata.name: {value}`, which every namespace has.");
    findings.push(
        Finding::new(&NAMESPACE_BY_NAME, name.key, "namespaces do not have the label `name` by default").fix(fix),
    );
}

fn pods(selector: YamlNode<'_>, project: &Project<'_>, findings: &mut Findings) {
    let Some(wanted) = match_labels(selector, "objectSelector") else { return };
    let has_label = |pod: &PodTemplate<'_>| pod.labels().and_then(|labels| labels.get(SIDECAR_LABEL.0)).is_some();
    let lacks = |entry: YamlEntry<'_>, pod: &PodTemplate<'_>| {
        let own = pod.labels().and_then(|labels| labels.get(entry.name)).and_then(YamlNode::text);
        entry.value.text().is_some() && own != entry.value.text()
    };
    for pod in project.pods().filter(has_label) {
        let Some(missing) = wanted.entries().find(|entry| lacks(*entry, &pod)) else { continue };
        let place = pod.labels().and_then(|labels| labels.entry(SIDECAR_LABEL.0)).map(|label| label.key);
        let message = format!(
            "this selector misses {}, which has the sidecar label but not `{}: {}`",
            pod.object.title(),
            missing.name,
            missing.value.text().unwrap_or_default()
        );
        let place = place.unwrap_or_else(|| pod.object.place());
        findings.push(Finding::new(&OTHER_PODS, missing.key, message).related(place, "this pod asks for a sidecar"));
    }
}
