//! Roles and bindings of sidecars that Kubernetes refuses: then nothing is allowed at all.

use std::collections::HashSet;

use super::{Agents, RBAC};
use crate::lint::access::{Access, Binding};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static REFUSED: LintRule = LintRule {
    code: "PF521",
    name: "rbac-refused",
    severity: Severity::Error,
    title: "Kubernetes refuses the Agent's role, or what binds it",
    why: "Without the object the sidecar's service account may read nothing from the kubelet.",
    fix: "A binding has `roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: …}`, subjects with a kind, and service accounts without an apiGroup; a rule has apiGroups, resources and verbs.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["kubernetes/kubernetes, `pkg/apis/rbac/validation/validation.go`", RBAC],
};

pub(crate) static RULES: &[&LintRule] = &[&REFUSED];

/// The API group of roles, users and groups.
const GROUP: &str = "rbac.authorization.k8s.io";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let access = Access::new(project);
    let agents = Agents::new(project, &access);
    let served = || agents.accounts.iter().filter(|one| !one.pods.is_empty());
    let numbers: HashSet<usize> =
        served().flat_map(|one| &one.bindings).filter(|one| one.is_of_cluster()).map(|one| one.number).collect();
    let bound: HashSet<&str> =
        access.bindings().iter().filter(|one| numbers.contains(&one.number)).filter_map(Binding::role).collect();
    for binding in access.bindings().iter().filter(|one| one.is_of_cluster()) {
        if numbers.contains(&binding.number) || agents.is_named(binding) {
            role_ref(&binding.object, findings);
            binding.subjects().for_each(|subject| self::subject(subject, findings));
        }
    }
    for role in access.all_roles() {
        let is_bound = role.object.name().is_some_and(|name| bound.contains(name));
        if role.is_named || (is_bound && role.is_about_nodes) {
            rules(&role.object, findings);
        }
    }
}

/// A text that is written, empty where there is none; `None` where it cannot be known.
fn text<'a>(node: YamlNode<'a>, key: &str) -> Option<&'a str> {
    match node.get(key) {
        None => Some(""),
        Some(value) if value.is_null() => Some(""),
        Some(value) => value.text().filter(|_| !value.is_tagged()).filter(|text| !text.contains(['{', '$'])),
    }
}

fn role_ref(binding: &ManifestObject<'_>, findings: &mut Findings) {
    let Some(role) = binding.node.get("roleRef").filter(|role| role.is_map() && role.get("<<").is_none()) else {
        return;
    };
    let mut refuse = |key: &str, message: String| {
        findings.push(Finding::new(&REFUSED, role.get(key).unwrap_or(role).place(), message));
    };
    match text(role, "kind") {
        None | Some("ClusterRole") => {}
        Some("") => refuse("kind", "the roleRef has no kind".to_owned()),
        Some(kind) => refuse("kind", format!("a ClusterRoleBinding binds a ClusterRole, not a `{kind}`")),
    }
    // Where it is missing, Kubernetes adds it.
    if let Some(group) = text(role, "apiGroup").filter(|group| !group.is_empty() && *group != GROUP) {
        refuse("apiGroup", format!("the apiGroup of a roleRef is `{GROUP}`, not `{group}`"));
    }
    if text(role, "name") == Some("") {
        refuse("name", "the roleRef names no role".to_owned());
    }
}

fn subject(subject: YamlNode<'_>, findings: &mut Findings) {
    if !subject.is_map() || subject.get("<<").is_some() {
        return;
    }
    let mut refuse = |key: &str, message: String| {
        findings.push(Finding::new(&REFUSED, subject.get(key).unwrap_or(subject).place(), message));
    };
    let group = text(subject, "apiGroup").filter(|group| !group.is_empty());
    match text(subject, "kind") {
        None => {}
        Some("ServiceAccount") => {
            if let Some(group) = group {
                refuse("apiGroup", format!("a service account is of no apiGroup, and not of `{group}`"));
            }
        }
        Some("User" | "Group") => {
            if let Some(group) = group.filter(|group| *group != GROUP) {
                refuse("apiGroup", format!("users and groups are of the apiGroup `{GROUP}`, not `{group}`"));
            }
        }
        Some("") => refuse("kind", "a subject has no kind".to_owned()),
        Some(kind) => refuse("kind", format!("a subject is a ServiceAccount, a User or a Group, not a `{kind}`")),
    }
    if text(subject, "name") == Some("") {
        refuse("name", "a subject has no name".to_owned());
    }
}

fn rules(role: &ManifestObject<'_>, findings: &mut Findings) {
    for rule in role.node.list("rules").filter(|rule| rule.is_map() && rule.get("<<").is_none()) {
        let needed: &[&str] =
            if rule.get("nonResourceURLs").is_some() { &["verbs"] } else { &["apiGroups", "resources", "verbs"] };
        let is_empty = |key: &&&str| rule.get(key).is_none_or(|list| list.is_list() && list.items().next().is_none());
        let missing: Vec<&str> = needed.iter().filter(is_empty).copied().collect();
        if !missing.is_empty() {
            let message = format!("a rule of {} has no {}", role.title(), missing.join(" and no "));
            findings.push(Finding::new(&REFUSED, rule.place(), message));
        }
    }
}
