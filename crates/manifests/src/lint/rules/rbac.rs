//! What sidecars may read: the Agent's ClusterRole, its binding, and whether the pods' service accounts are in it.
//!
//! A ClusterRole is for sidecars if its name begins with `datadog-agent` and neither Helm nor the Operator made it: theirs is for the
//! Agents of nodes. Datadog's page calls it `datadog-agent-fargate`, and called it `datadog-agent` before.

use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{is_injected, is_partial, sidecars};
use crate::rbac::{API_READS, KUBELET_READS};

const PAGE: &str = "Datadog documentation, \"Amazon EKS on AWS Fargate\", \"AWS EKS Fargate RBAC\"";
const RBAC: &str = "Kubernetes documentation, \"Using RBAC Authorization\"";

pub(crate) static INCOMPLETE: LintRule = LintRule {
    code: "PF501",
    name: "role-incomplete",
    severity: Severity::Error,
    title: "The Agent's ClusterRole lacks permissions that the Agent needs",
    why: "The kubelet only answers clients that may read node subresources: without them, the sidecar has no tags, metrics or logs of its pod.",
    fix: "Add the rules that `podferry generate rbac` writes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static FEWER: LintRule = LintRule {
    code: "PF502",
    name: "role-less-than-listed",
    severity: Severity::Note,
    title: "The Agent's ClusterRole allows less than Datadog's documentation lists",
    why: "Newer Agents also read namespaces and endpoints, and newer kubelets check nodes/pods and nodes/healthz instead of nodes/proxy.",
    fix: "Add the listed resources with these verbs.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static WILDCARD: LintRule = LintRule {
    code: "PF503",
    name: "role-too-wide",
    severity: Severity::Warning,
    title: "The Agent's ClusterRole allows more than the Agent needs",
    why: "Every container of a pod has the permissions of its service account, including the application.",
    fix: "List resources and verbs one by one; the Agent only needs get and list.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Role Based Access Control Good Practices\"", PAGE],
};

pub(crate) static UNKNOWN_ROLE: LintRule = LintRule {
    code: "PF504",
    name: "binding-without-role",
    severity: Severity::Error,
    title: "The Agent's binding names a role that is not among the manifests, but another one is",
    why: "A binding to a role that does not exist grants nothing, and Kubernetes does not report it.",
    fix: "Use the role's name. A roleRef cannot be changed: delete the binding, then create it again.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RBAC],
};

pub(crate) static NAMESPACED: LintRule = LintRule {
    code: "PF505",
    name: "role-of-a-namespace",
    severity: Severity::Error,
    title: "Permissions on nodes are granted in a single namespace",
    why: "Nodes do not belong to a namespace, so a Role or RoleBinding never covers them.",
    fix: "Use a ClusterRole and a ClusterRoleBinding.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RBAC],
};

pub(crate) static UNBOUND: LintRule = LintRule {
    code: "PF506",
    name: "service-account-unbound",
    severity: Severity::Error,
    title: "The service account of a pod with a sidecar may not read from the kubelet",
    why: "The sidecar only has the permissions of its pod's service account: without them, its tags and metrics are missing.",
    fix: "Add the service account to the subjects of the Agent's ClusterRoleBinding.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static SUBJECT_NAMESPACE: LintRule = LintRule {
    code: "PF507",
    name: "subject-without-namespace",
    severity: Severity::Error,
    title: "A service account in a ClusterRoleBinding has no namespace",
    why: "Kubernetes rejects the binding.",
    fix: "Add the service account's `namespace`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes API reference, \"ClusterRoleBinding\""],
};

pub(crate) static NO_TOKEN: LintRule = LintRule {
    code: "PF508",
    name: "sidecar-without-account-token",
    severity: Severity::Error,
    title: "A pod with a sidecar gets no service account token",
    why: "The Agent uses that token to authenticate to the kubelet: without it, the pod's tags and metrics are missing.",
    fix: "Remove `automountServiceAccountToken: false`, or set it to true for this pod.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Configure Service Accounts for Pods\""],
};

pub(crate) static RULES: &[&LintRule] =
    &[&INCOMPLETE, &FEWER, &WILDCARD, &UNKNOWN_ROLE, &NAMESPACED, &UNBOUND, &SUBJECT_NAMESPACE, &NO_TOKEN];

/// How names of the Agent's roles and bindings begin.
const NAME: &str = "datadog-agent";
/// What the oldest page did not let the Agent read.
const NEWER: [&str; 2] = ["namespaces", "endpoints"];
/// What nodes/proxy allows, too. Source: Kubernetes documentation, "Kubelet authentication/authorization".
const OF_PROXY: [&str; 2] = ["nodes/pods", "nodes/healthz"];
/// ClusterRoles that Kubernetes has of its own. Source: Kubernetes documentation, "Using RBAC Authorization".
const BUILT_IN: [&str; 4] = ["cluster-admin", "admin", "edit", "view"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let roles: Vec<ManifestObject<'_>> = project.of_kind("ClusterRole").filter(is_agents).collect();
    for role in &roles {
        reads(role, findings);
        wildcards(role, findings);
    }
    let is_bound =
        |binding: &ManifestObject<'_>| is_agents(binding) || roles.iter().any(|role| role.name() == role_name(binding));
    let bindings: Vec<ManifestObject<'_>> = project.of_kind("ClusterRoleBinding").filter(is_bound).collect();
    for binding in &bindings {
        role_of(project, binding, &roles, findings);
        subjects(binding, findings);
    }
    namespaced(project, findings);
    for pod in project.pods().filter(|pod| pod.workload.runs_on_fargate) {
        if is_injected(&pod) || !sidecars(&pod).is_empty() {
            account(project, &pod, &bindings, findings);
        }
    }
}

fn is_agents(object: &ManifestObject<'_>) -> bool {
    let labels = object.node.path(&["metadata", "labels"]);
    let manager = labels.and_then(|labels| labels.get("app.kubernetes.io/managed-by")).and_then(YamlNode::text);
    object.name().is_some_and(|name| name.starts_with(NAME)) && manager.is_none_or(|name| name == "kustomize")
}

fn role_name<'a>(binding: &ManifestObject<'a>) -> Option<&'a str> {
    binding.node.path(&["roleRef", "name"]).and_then(YamlNode::text)
}

fn texts<'a>(rule: YamlNode<'a>, list: &str) -> Vec<&'a str> {
    rule.list(list).filter_map(YamlNode::text).collect()
}

/// Whether a role allows one verb on one resource of the core group.
fn allows(role: &ManifestObject<'_>, resource: &str, verb: &str) -> bool {
    let is = |given: &str, wanted: &str| given == "*" || given == wanted || given == wanted_of_all(wanted);
    role.node.list("rules").any(|rule| {
        let groups = texts(rule, "apiGroups");
        (groups.contains(&"") || groups.contains(&"*"))
            && rule.get("resourceNames").is_none()
            && texts(rule, "resources").iter().any(|given| is(given, resource))
            && texts(rule, "verbs").iter().any(|given| *given == "*" || *given == verb)
    })
}

/// `*/proxy` of `nodes/proxy`.
fn wanted_of_all(resource: &str) -> String {
    resource.split_once('/').map_or_else(String::new, |(_, part)| format!("*/{part}"))
}

fn reads(role: &ManifestObject<'_>, findings: &mut Findings) {
    // Rules of an aggregated role are in other roles.
    if role.node.get("rules").is_none_or(|rules| !rules.is_list()) || role.node.get("aggregationRule").is_some() {
        return;
    }
    let mut missing = Vec::new();
    for (resources, verbs) in [API_READS, KUBELET_READS] {
        for resource in resources {
            let lacking: Vec<&str> = verbs.iter().copied().filter(|verb| !allows(role, resource, verb)).collect();
            if !lacking.is_empty() {
                missing.push((*resource, lacking.join(" and ")));
            }
        }
    }
    let by_proxy = allows(role, "nodes/proxy", "get");
    let can_do_without = |resource: &&str| NEWER.contains(resource) || (by_proxy && OF_PROXY.contains(resource));
    let (newer, needed): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(resource, _)| can_do_without(resource));
    let names = |missing: &[(&str, String)]| {
        missing.iter().map(|(resource, verbs)| format!("{verbs} {resource}")).collect::<Vec<_>>().join(", ")
    };
    if !needed.is_empty() {
        let message = format!("{} does not allow: {}", role.title(), names(&needed));
        findings.push(Finding::new(&INCOMPLETE, role.place(), message));
    }
    if !newer.is_empty() {
        let message = format!("{} does not allow: {}", role.title(), names(&newer));
        findings.push(Finding::new(&FEWER, role.place(), message));
    }
}

fn wildcards(role: &ManifestObject<'_>, findings: &mut Findings) {
    const WRITES: [&str; 6] = ["create", "update", "patch", "delete", "deletecollection", "impersonate"];
    for rule in role.node.list("rules") {
        let found = ["resources", "verbs"]
            .iter()
            .flat_map(|list| rule.list(list))
            .find(|item| item.text().is_some_and(|text| text == "*" || text == "secrets" || WRITES.contains(&text)));
        if let Some(item) = found {
            let message = format!("{} allows `{}`", role.title(), item.text().unwrap_or_default());
            findings.push(Finding::new(&WILDCARD, item.place(), message));
        }
    }
}

fn role_of(project: &Project<'_>, binding: &ManifestObject<'_>, roles: &[ManifestObject<'_>], findings: &mut Findings) {
    let Some((name, first)) = role_name(binding).zip(roles.first()) else { return };
    let is_known = project.of_kind("ClusterRole").any(|role| role.name() == Some(name));
    if is_known || BUILT_IN.contains(&name) || name.starts_with("system:") {
        return;
    }
    let place = binding.node.path(&["roleRef", "name"]).map_or_else(|| binding.place(), YamlNode::place);
    let message = format!("no ClusterRole `{name}` is among the manifests");
    findings.push(Finding::new(&UNKNOWN_ROLE, place, message).related(first.place(), "this one is"));
}

fn subjects(binding: &ManifestObject<'_>, findings: &mut Findings) {
    for subject in binding.node.list("subjects") {
        let is_account = subject.get("kind").and_then(YamlNode::text) == Some("ServiceAccount");
        if is_account && subject.get("namespace").is_none() {
            let name = subject.get("name").unwrap_or(subject);
            let message = format!("service account {} has no namespace", name.text().unwrap_or_default());
            findings.push(Finding::new(&SUBJECT_NAMESPACE, name.place(), message));
        }
    }
}

fn namespaced(project: &Project<'_>, findings: &mut Findings) {
    for role in project.of_kind("Role") {
        let mut resources = role.node.list("rules").flat_map(|rule| rule.list("resources"));
        let node = resources.find(|item| item.text().is_some_and(|text| text.split('/').next() == Some("nodes")));
        if let Some(node) = node {
            let message = format!("{} can never allow access to nodes", role.title());
            findings.push(Finding::new(&NAMESPACED, node.place(), message));
        }
    }
    for binding in project.of_kind("RoleBinding") {
        let is_cluster = binding.node.path(&["roleRef", "kind"]).and_then(YamlNode::text) == Some("ClusterRole");
        let role = project.of_kind("ClusterRole").filter(is_agents).find(|role| role.name() == role_name(&binding));
        if let Some(role) = role.filter(|_| is_cluster) {
            let message =
                format!("{} grants the permissions of {} in one namespace only", binding.title(), role.title());
            let place = binding.node.get("kind").map_or_else(|| binding.place(), YamlNode::place);
            findings.push(Finding::new(&NAMESPACED, place, message).related(role.place(), "permissions on nodes"));
        }
    }
}

/// Looks at the service account of a pod that has, or gets, a sidecar.
fn account(project: &Project<'_>, pod: &PodTemplate<'_>, bindings: &[ManifestObject<'_>], findings: &mut Findings) {
    let (name, namespace) = (pod.service_account(), pod.object.namespace());
    let place = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| pod.spec.get(key));
    let place = place.map_or_else(|| pod.object.place(), YamlNode::place);
    let own = pod.spec.get("automountServiceAccountToken");
    let is_same = |object: &ManifestObject<'_>| object.name() == Some(name) && object.namespace() == namespace;
    let of_account = || project.of_kind("ServiceAccount").find(is_same)?.node.get("automountServiceAccountToken");
    if let Some(off) = own.or_else(of_account).filter(|token| token.text() == Some("false")) {
        let message = format!("pods of {} get no service account token", pod.object.title());
        findings.push(Finding::new(&NO_TOKEN, off.place(), message));
    }
    let mut all = bindings.iter().flat_map(|binding| binding.node.list("subjects"));
    let Some(first) = bindings.first().filter(|_| !is_partial(pod)) else { return };
    if !all.any(|subject| covers(subject, name, namespace)) {
        let message = format!("service account {}/{name} is not bound", namespace.unwrap_or("default"));
        let list = first.node.get("subjects").and_then(|subjects| subjects.items().next());
        let near = list.map_or_else(|| first.place(), |subject| subject.get("name").unwrap_or(subject).place());
        findings.push(Finding::new(&UNBOUND, place, message).related(near, "this one is bound"));
    }
}

/// Whether a subject is a service account, or a group that it is in. Where no namespace is written, any may be meant.
fn covers(subject: YamlNode<'_>, name: &str, namespace: Option<&str>) -> bool {
    let text = |key| subject.get(key).and_then(YamlNode::text);
    let given = text("name").unwrap_or_default();
    match text("kind") {
        Some("ServiceAccount") => {
            given == name && (namespace.is_none() || text("namespace").is_none() || text("namespace") == namespace)
        }
        Some("Group") => match given.strip_prefix("system:serviceaccounts") {
            Some("") => true,
            Some(rest) => namespace.is_none_or(|namespace| rest.strip_prefix(':') == Some(namespace)),
            None => given == "system:authenticated",
        },
        Some("User") => {
            let rest = given.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
            rest.is_some_and(|(space, account)| account == name && namespace.is_none_or(|own| own == space))
        }
        _ => false,
    }
}
