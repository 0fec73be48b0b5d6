//! What binds the service accounts of pods with a sidecar to a ClusterRole, and whether it can.

use std::collections::{HashMap, HashSet};

use super::{AgentAccount, Agents, PAGE, RBAC, account_of, roles::NEEDED};
use crate::agent::is_image_of_datadog;
use crate::lint::access::{Access, Account, Binding, RoleFacts};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::is_partial;
use crate::lint::source::Place;

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

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN_ROLE, &NAMESPACED, &UNBOUND, &SUBJECT_NAMESPACE, &NO_TOKEN];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let access = Access::new(project);
    let agents = Agents::new(project, &access);
    let served: Vec<&AgentAccount<'_, '_>> = agents.accounts.iter().filter(|one| !one.pods.is_empty()).collect();
    // Bindings of the accounts that nothing lets read about nodes, and of all.
    let numbers = |is_of_interest: &dyn Fn(&AgentAccount<'_, '_>) -> bool| -> HashSet<usize> {
        let some = served.iter().filter(|one| is_of_interest(one));
        some.flat_map(|one| &one.bindings).map(|binding| binding.number).collect()
    };
    let without = numbers(&|one| one.grants.all().all(|role| !role.is_about_nodes));
    let of_sidecars = numbers(&|_| true);
    let own_role = access.all_roles().find(|role| role.is_named);
    for binding in access.bindings() {
        let is_meant = agents.is_named(binding);
        if !binding.is_of_cluster() {
            namespaced(&access, binding, without.contains(&binding.number), findings);
            continue;
        }
        let own_role_is_unbound =
            own_role.and_then(|role| role.object.name()).is_some_and(|name| !access.is_bound(name));
        if is_meant || (without.contains(&binding.number) && own_role_is_unbound) {
            role_of(&access, binding, own_role, findings);
        }
        if is_meant || of_sidecars.contains(&binding.number) {
            subjects(&binding.object, findings);
        }
    }
    let own_roles = own_roles(project, &access, &served);
    for role in project.of_kind("Role") {
        let is_named = role.name().is_some_and(|name| name.contains("datadog"));
        let is_bound = role.name().is_some_and(|name| own_roles.contains(&(name, role.namespace())));
        if !is_named && !is_bound {
            continue;
        }
        let mut resources = role.node.list("rules").flat_map(|rule| rule.list("resources"));
        let node = resources.find(|item| item.text().is_some_and(|text| text.split('/').next() == Some("nodes")));
        if let Some(node) = node {
            let message = format!("{} can never allow access to nodes", role.title());
            findings.push(Finding::new(&NAMESPACED, node.place(), message));
        }
    }
    tokens(project, &served, findings);
    for one in served {
        unbound(one, agents.binding, findings);
    }
}

/// The names and namespaces of Roles that are bound to a sidecar's account, or to that of an Agent of its own.
fn own_roles<'a>(
    project: &Project<'a>,
    access: &Access<'a>,
    served: &[&AgentAccount<'_, 'a>],
) -> HashSet<(&'a str, Option<&'a str>)> {
    let is_agent = |pod: &PodTemplate<'a>| {
        let mut images = pod.containers(false).filter_map(|container| container.get("image")?.text());
        images.any(is_image_of_datadog)
    };
    let of_pods = project.pods().filter(is_agent).map(|pod| account_of(&pod));
    let accounts: HashSet<Account<'a>> = served.iter().map(|one| one.account).chain(of_pods).collect();
    let names: HashSet<&str> = accounts.iter().map(|account| account.name).collect();
    // Where a namespace is not written, any may be meant.
    let is_own = |account: Account<'a>| {
        accounts.contains(&account)
            || accounts.contains(&Account { namespace: None, ..account })
            || (account.namespace.is_none() && names.contains(account.name))
    };
    let bindings = access.bindings().iter().filter(|binding| binding.accounts().any(is_own));
    bindings.filter_map(|binding| Some((binding.role_of_namespace()?, binding.object.namespace()))).collect()
}

fn role_of(access: &Access<'_>, binding: &Binding<'_>, own: Option<&RoleFacts<'_>>, findings: &mut Findings) {
    let Some((name, own)) = binding.role().zip(own) else { return };
    if access.is_known(name) {
        return;
    }
    let place = binding.object.node.path(&["roleRef", "name"]).map_or_else(|| binding.object.place(), YamlNode::place);
    let message = format!("no ClusterRole `{name}` is among the manifests");
    findings.push(Finding::new(&UNKNOWN_ROLE, place, message).related(own.object.place(), "this one is"));
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

/// What reads nodes for an account in one namespace only; `is_in_vain` if nothing else does.
fn namespaced(access: &Access<'_>, binding: &Binding<'_>, is_in_vain: bool, findings: &mut Findings) {
    let roles = binding.role().map_or(&[][..], |name| access.roles(name));
    let is_meant = |role: &&RoleFacts<'_>| role.is_named || (is_in_vain && role.is_about_nodes);
    let Some(role) = roles.iter().find(is_meant) else { return };
    let (object, role) = (&binding.object, &role.object);
    let message = format!("{} grants the permissions of {} in one namespace only", object.title(), role.title());
    let place = object.node.get("kind").map_or_else(|| object.place(), YamlNode::place);
    findings.push(Finding::new(&NAMESPACED, place, message).related(role.place(), "permissions on nodes"));
}

/// Looks at the tokens of pods that have, or get, a sidecar.
fn tokens(project: &Project<'_>, served: &[&AgentAccount<'_, '_>], findings: &mut Findings) {
    let mut accounts: HashMap<Account<'_>, ManifestObject<'_>> = HashMap::new();
    for object in project.of_kind("ServiceAccount") {
        let Some(name) = object.name() else { continue };
        accounts.entry(Account { name, namespace: object.namespace() }).or_insert(object);
    }
    for one in served {
        let of_account = accounts.get(&one.account).and_then(|object| object.node.get("automountServiceAccountToken"));
        for pod in &one.pods {
            let token = pod.spec.get("automountServiceAccountToken").or(of_account);
            if let Some(off) = token.filter(|token| token.text() == Some("false")) {
                let message = format!("pods of {} get no service account token", pod.object.title());
                findings.push(Finding::new(&NO_TOKEN, off.place(), message));
            }
        }
    }
}

/// Looks at whether anything lets an account read from the kubelet.
fn unbound(one: &AgentAccount<'_, '_>, expected: Option<Binding<'_>>, findings: &mut Findings) {
    let is_bound = one.grants.all().any(|role| role.is_about_kubelet || role.is_named);
    let reads = one.grants.reads();
    if is_bound || one.grants.is_unknown || NEEDED.iter().any(|resource| reads.has(resource, "get")) {
        return;
    }
    let Some(expected) = expected else { return };
    let near = expected.subjects().next();
    let near = near.map_or_else(|| expected.object.place(), |subject| subject.get("name").unwrap_or(subject).place());
    let Account { name, namespace } = one.account;
    for pod in one.pods.iter().filter(|pod| !is_partial(pod)) {
        let message = format!("service account {}/{name} is not bound", namespace.unwrap_or("default"));
        findings.push(Finding::new(&UNBOUND, account_place(pod), message).related(near, "this one is bound"));
    }
}

/// Where a pod names its account.
fn account_place(pod: &PodTemplate<'_>) -> Place {
    let named = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| pod.spec.get(key));
    named.map_or_else(|| pod.object.place(), YamlNode::place)
}
