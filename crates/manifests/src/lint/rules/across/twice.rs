//! The same object given twice with different content.
//!
//! In one file that is a mistake. In files of one folder it may be one for each cluster, and in different folders it is how overlays
//! are laid out, so nothing is said of those.

use std::collections::HashMap;

use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{CONFIG_MAP, NAMESPACE};
use crate::lint::node::YamlNode;
use crate::lint::object::{DocumentKind, ManifestObject};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static LOGGING_TWICE: LintRule = LintRule {
    code: "PF931",
    name: "logging-twice",
    severity: Severity::Error,
    title: "The ConfigMap aws-logging appears twice in one file, with different content",
    why: "Kubernetes keeps the last one, so anything that is only in the first is lost.",
    fix: "Merge them into one ConfigMap.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Declarative Management of Kubernetes Objects Using Configuration Files\""],
};

pub(crate) static OBJECT_TWICE: LintRule = LintRule {
    code: "PF932",
    name: "object-twice",
    severity: Severity::Warning,
    title: "An object appears twice in one file, with different content",
    why: "Kubernetes keeps the last one, so anything that is only in the first is lost.",
    fix: "Keep one of them, or rename the other.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Declarative Management of Kubernetes Objects Using Configuration Files\""],
};

pub(crate) static RULES: &[&LintRule] = &[&LOGGING_TWICE, &OBJECT_TWICE];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let mut seen: HashMap<(usize, &str, &str, &str, &str), ManifestObject<'_>> = HashMap::new();
    for object in project.objects.iter().filter(|object| object.what == DocumentKind::Kubernetes) {
        let Some(name) = object.name().filter(|name| !name.is_empty()) else { continue };
        let namespace = object.namespace().unwrap_or_default();
        let Some(first) = seen.insert((object.source, object.group(), object.kind, namespace, name), *object) else {
            continue;
        };
        if are_equal(first.node, object.node) {
            continue;
        }
        let is_logging = (object.kind, namespace, name) == ("ConfigMap", NAMESPACE, CONFIG_MAP);
        let rule = if is_logging { &LOGGING_TWICE } else { &OBJECT_TWICE };
        let finding = Finding::new(rule, object.place(), format!("{} appears twice in this file", object.title()));
        findings.push(finding.related(first.place(), "this one is lost"));
    }
}

/// Whether two values are the same, in whatever order their members are.
fn are_equal(one: YamlNode<'_>, other: YamlNode<'_>) -> bool {
    if one.is_map() && other.is_map() {
        let count = |node: YamlNode<'_>| node.entries().count();
        let has = |entry: crate::lint::node::YamlEntry<'_>| {
            other.get(entry.name).is_some_and(|value| are_equal(entry.value, value))
        };
        return count(one) == count(other) && one.entries().all(has);
    }
    if one.is_list() && other.is_list() {
        return one.items().count() == other.items().count()
            && one.items().zip(other.items()).all(|(one, other)| are_equal(one, other));
    }
    one.scalar().is_some() && one.scalar() == other.scalar()
}
