//! Names, labels and selectors that Kubernetes refuses, in the objects that decide which pods have logs and a sidecar.

use super::sidecar::PAGE;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, is_placeholder};
use crate::lint::kustomize::{Kustomizations, Namespacing};
use crate::lint::node::{Scalar, YamlNode};
use crate::lint::object::DocumentKind;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::names::{is_label, is_label_name, is_label_value, without_wildcards};

const NAMES: &str = "Kubernetes documentation, \"Object Names and IDs\"";
const LABELS: &str = "Kubernetes documentation, \"Labels and Selectors\"";

pub(crate) static NAMESPACE: LintRule = LintRule {
    code: "PF964",
    name: "namespace-refused",
    severity: Severity::Error,
    title: "This cannot be the name of a namespace",
    why: "Kubernetes refuses such a namespace and everything that is to go into it, and a selector with it selects nothing.",
    fix: "Use lower-case letters, digits and `-`, at most 63 characters, beginning and ending with a letter or digit.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[NAMES],
};

pub(crate) static LABEL: LintRule = LintRule {
    code: "PF965",
    name: "label-refused",
    severity: Severity::Error,
    title: "This cannot be a label, or the value of one",
    why: "Kubernetes refuses the object, or the webhook that a selector with it is for.",
    fix: "Use letters, digits, `-`, `_` and `.`, at most 63 characters, beginning and ending with a letter or digit; before the name of a key there may be a domain and `/`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[LABELS, PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&NAMESPACE, &LABEL];

/// How the labels of Unified Service Tagging begin.
const SERVICE_TAGGING: &str = "tags.datadoghq.com/";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let kustomizations = Kustomizations::new(project);
    for object in project.objects.iter().filter(|object| object.what == DocumentKind::Kubernetes) {
        let own = match object.kind {
            "Namespace" if object.group().is_empty() => object.node.path(&["metadata", "name"]),
            _ => object.node.path(&["metadata", "namespace"]),
        };
        // What Kustomize puts together may have another namespace in the end.
        let severity = match kustomizations.of(project.source(object.node.place())) {
            Namespacing::Replaced => None,
            Namespacing::Unknown => Some(Severity::Note),
            Namespacing::Kept => Some(NAMESPACE.severity),
        };
        let found = own.filter(|_| severity.is_some()).and_then(|name| refused(name, false));
        findings.extend(found.map(|finding| finding.severity(severity.unwrap_or(NAMESPACE.severity))));
        if object.kind.ends_with("RoleBinding") {
            object.node.list("subjects").for_each(|subject| namespace(subject.get("namespace"), false, findings));
        }
        if object.kind == "ClusterConfig" && object.group() == "eksctl.io" {
            let profiles = object.node.list("fargateProfiles");
            for selector in profiles.flat_map(|profile| profile.list("selectors")) {
                namespace(selector.get("namespace"), true, findings);
                labels(selector.get("labels"), true, findings);
            }
        }
    }
    for pod in project.pods() {
        labels(pod.labels(), false, findings);
        labels(pod.object.node.path(&["spec", "selector", "matchLabels"]), false, findings);
    }
    for installation in installation::all(project) {
        let selectors = installation.injection().into_iter().flat_map(|injection| injection.value.list("selectors"));
        for selector in selectors {
            for part in ["objectSelector", "namespaceSelector"] {
                labels(selector.path(&[part, "matchLabels"]), false, findings);
            }
        }
    }
}

/// A text that is known, and not a sample's or a template's.
fn written<'a>(node: YamlNode<'a>) -> Option<&'a str> {
    match node.scalar() {
        Some(Scalar::Text(text)) if !node.is_tagged() && !is_sample(text) => Some(text),
        _ => None,
    }
}

/// A text of documentation or of a template: `<namespace>`, `${NAMESPACE}`, `YOUR_NAMESPACE`, and `_`, which a tool replaces.
fn is_sample(text: &str) -> bool {
    let has_word = |text: &str| text.split(['_', '-']).any(|word| ["NAME", "NAMESPACE", "YOUR", "MY"].contains(&word));
    is_placeholder(text) || has_word(text) || !text.chars().any(char::is_alphanumeric)
}

fn namespace(node: Option<YamlNode<'_>>, has_wildcards: bool, findings: &mut Findings) {
    findings.extend(node.and_then(|node| refused(node, has_wildcards)));
}

/// What is to be said of a namespace's name.
fn refused(node: YamlNode<'_>, has_wildcards: bool) -> Option<Finding> {
    let text = written(node)?;
    let plain = if has_wildcards { without_wildcards(text) } else { text.to_owned() };
    let is_refused = !text.is_empty() && !is_label(&plain);
    is_refused.then(|| Finding::new(&NAMESPACE, node.place(), format!("`{text}` cannot be the name of a namespace")))
}

fn labels(labels: Option<YamlNode<'_>>, has_wildcards: bool, findings: &mut Findings) {
    let plain = |text: &str| if has_wildcards { without_wildcards(text) } else { text.to_owned() };
    for entry in labels.into_iter().flat_map(YamlNode::entries) {
        if entry.name != "<<" && !is_placeholder(entry.name) && !is_label_name(&plain(entry.name)) {
            let message = format!("`{}` cannot be the key of a label", entry.name);
            findings.push(Finding::new(&LABEL, entry.key, message));
        }
        // The labels of Unified Service Tagging are another rule's.
        let is_others = entry.name.starts_with(SERVICE_TAGGING);
        let text = written(entry.value).filter(|text| !is_others && !is_label_value(&plain(text)));
        let Some(text) = text else { continue };
        let message = match text.chars().count() {
            length @ 64.. => format!("the value of `{}` has {length} characters; Kubernetes allows 63", entry.name),
            _ => format!("`{text}` cannot be the value of the label `{}`", entry.name),
        };
        findings.push(Finding::new(&LABEL, entry.value.place(), message));
    }
}
