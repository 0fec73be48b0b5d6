//! What sidecars may read: the ClusterRoles that bind their pods' service accounts, and whether something binds them.
//!
//! A ClusterRole is for sidecars if it is about nodes and bound to the service account of a pod that has one, or gets one. Where no such
//! pod is among the manifests, it is for sidecars by its name: Datadog's page calls it `datadog-agent-fargate`, and called it
//! `datadog-agent` before. Roles of Helm and the Operator, and those bound to the accounts of other pods, are for the Agents of nodes.

use std::collections::{HashMap, HashSet};

use crate::lint::access::{Access, Account, Binding, Grants, is_rule_about_nodes};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{is_injected, is_partial, sidecars};
use crate::lint::source::Place;
use crate::rbac::{API_READS, KUBELET_READS};

const PAGE: &str = "Datadog documentation, \"Amazon EKS on AWS Fargate\", \"AWS EKS Fargate RBAC\"";
const RBAC: &str = "Kubernetes documentation, \"Using RBAC Authorization\"";
const KUBELET: &str = "kubernetes/kubernetes, `pkg/kubelet/server/auth.go`";
const FINE_GRAINED: &str = "kubernetes/enhancements, KEP-2862, \"Fine-grained Kubelet API Authorization\"";

pub(crate) static INCOMPLETE: LintRule = LintRule {
    code: "PF501",
    name: "role-incomplete",
    severity: Severity::Error,
    title: "The Agent's ClusterRole lacks permissions that the Agent needs",
    why: "The kubelet only answers clients that may read node subresources: without them, the sidecar has no tags, metrics or logs of its pod.",
    fix: "Add the rules that `podferry generate rbac` writes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, KUBELET, FINE_GRAINED],
};

pub(crate) static FEWER: LintRule = LintRule {
    code: "PF502",
    name: "role-less-than-listed",
    severity: Severity::Note,
    title: "The Agent's ClusterRole allows less than Datadog's documentation lists",
    why: "Newer Agents also read nodes, namespaces and endpoints, and kubelets from Kubernetes 1.33 on ask for nodes/pods and nodes/healthz before nodes/proxy.",
    fix: "Add the listed resources with these verbs.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, KUBELET, FINE_GRAINED],
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
/// What Datadog's page calls the role, and called it before.
const NAMES: [&str; 2] = ["datadog-agent-fargate", NAME];
/// What Agents of nodes read of the cluster, as long as no Cluster Agent does.
const OF_NODES: [&str; 4] = ["componentstatuses", "configmaps", "events", "leases"];
/// What the kubelet asks for whatever it is asked, and has no other name for.
const NEEDED: [&str; 2] = ["nodes/metrics", "nodes/stats"];
/// What allows everything at the kubelet that has no name of its own: pods before Kubernetes 1.33, and logs.
const PROXY: &str = "nodes/proxy";
/// The kubelet's list of pods, since it has a name of its own.
const PODS: &str = "nodes/pods";

/// A pod that has a sidecar, or gets one.
struct SidecarPod<'a> {
    pod: PodTemplate<'a>,
    account: Account<'a>,
    /// It reads logs from the kubelet.
    has_native_logs: bool,
}

/// What is known of the Agents that have an account.
#[derive(Debug, Clone, Copy, Default)]
struct JudgedAccount {
    /// A pod with this account has a sidecar, or gets one.
    has_sidecar: bool,
    has_native_logs: bool,
    /// Some account is bound to what lets it read from the kubelet: that is missing here, and not rules in a role for something else.
    is_elsewhere_bound: bool,
}

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let access = Access::new(project);
    let pods = sidecar_pods(project);
    let expected = agents_binding(&access, &pods);
    let mut reported = Reported::default();
    for (account, mut judged) in accounts(project, &access, &pods) {
        judged.is_elsewhere_bound = expected.is_some();
        judge(&access.grants(account), judged, &mut reported, findings);
    }
    for role in project.of_kind("ClusterRole").filter(is_named) {
        if role.name().is_some_and(|name| !access.is_bound(name)) {
            judge(&Grants::of_role(role), JudgedAccount::default(), &mut reported, findings);
        }
    }
    bindings(project, &access, &pods, findings);
    namespaced(project, &access, &pods, findings);
    for pod in &pods {
        token(project, pod, findings);
        unbound(&access, pod, expected, findings);
    }
}

fn sidecar_pods<'a>(project: &Project<'a>) -> Vec<SidecarPod<'a>> {
    let of = |pod: PodTemplate<'a>| {
        let sidecars = sidecars(&pod);
        (is_injected(&pod) || !sidecars.is_empty()).then(|| SidecarPod {
            account: account_of(&pod),
            has_native_logs: sidecars.iter().any(|one| one.has_native_logs()),
            pod,
        })
    };
    project.pods().filter(|pod| pod.workload.runs_on_fargate).filter_map(of).collect()
}

fn account_of<'a>(pod: &PodTemplate<'a>) -> Account<'a> {
    Account { name: pod.service_account(), namespace: pod.object.namespace() }
}

/// The accounts to be judged: those of the pods, and those that are bound to a role whose name says that it is for sidecars, unless
/// Agents of nodes or the Cluster Agent have them.
fn accounts<'a>(
    project: &Project<'a>,
    access: &Access<'a>,
    pods: &[SidecarPod<'a>],
) -> Vec<(Account<'a>, JudgedAccount)> {
    let is_of_nodes = |pod: &PodTemplate<'_>| {
        let mut images = pod.containers(false).filter_map(|container| container.get("image")?.text());
        !pod.workload.runs_on_fargate || images.any(|image| image.contains("cluster-agent"))
    };
    let of_nodes: HashSet<Account<'_>> = project.pods().filter(is_of_nodes).map(|pod| account_of(&pod)).collect();
    let is_for_sidecars = |binding: &&Binding<'a>| {
        binding.is_of_cluster() && binding.role().is_some_and(|name| access.roles(name).iter().any(is_named))
    };
    let named = access.bindings().iter().filter(is_for_sidecars).flat_map(Binding::accounts);
    let named = named.filter(|account| !of_nodes.contains(account)).map(|account| (account, JudgedAccount::default()));
    let of_pod = |pod: &SidecarPod<'a>| {
        (
            pod.account,
            JudgedAccount { has_sidecar: true, has_native_logs: pod.has_native_logs, ..JudgedAccount::default() },
        )
    };
    let mut accounts: Vec<(Account<'a>, JudgedAccount)> = Vec::new();
    let mut numbers: HashMap<Account<'a>, usize> = HashMap::new();
    for (account, judged) in pods.iter().map(of_pod).chain(named) {
        let number = *numbers.entry(account).or_insert(accounts.len());
        match accounts.get_mut(number) {
            Some((_, known)) => {
                known.has_sidecar |= judged.has_sidecar;
                known.has_native_logs |= judged.has_native_logs;
            }
            None => accounts.push((account, judged)),
        }
    }
    accounts
}

/// By its name for sidecars: a role, or a binding.
fn is_named(object: &ManifestObject<'_>) -> bool {
    let labels = object.node.path(&["metadata", "labels"]);
    let manager = labels.and_then(|labels| labels.get("app.kubernetes.io/managed-by")).and_then(YamlNode::text);
    let Some(name) = object.name() else { return false };
    // Roles of other parts of an installation may begin like it, too.
    let is_it =
        NAMES.contains(&name) || (name.starts_with(NAME) && (object.kind != "ClusterRole" || is_about_nodes(object)));
    is_it && manager.is_none_or(|name| name == "kustomize") && !(name == NAME && is_of_nodes(object))
}

/// Whether a role has what only Agents of nodes do: they look after the cluster, and elect one of them for it.
///
/// Source: DataDog/datadog-agent, `Dockerfiles/manifests`.
fn is_of_nodes(role: &ManifestObject<'_>) -> bool {
    role.node.list("rules").any(|rule| {
        let mut resources = rule.list("resources").filter_map(YamlNode::text);
        rule.get("nonResourceURLs").is_some() || resources.any(|resource| OF_NODES.contains(&resource))
    })
}

/// Whether a role says anything about nodes.
fn is_about_nodes(role: &ManifestObject<'_>) -> bool {
    role.node.list("rules").any(is_rule_about_nodes)
}

/// Whether a role says anything about what the kubelet answers.
fn is_about_kubelet(role: &ManifestObject<'_>) -> bool {
    let mut resources = role.node.list("rules").flat_map(|rule| rule.list("resources")).filter_map(YamlNode::text);
    resources.any(|resource| resource.starts_with("nodes/"))
}

/// Findings that were made: a role is reported once, whatever is bound to it.
#[derive(Default)]
struct Reported(HashSet<(&'static str, usize, usize)>);

impl Reported {
    fn is_first(&mut self, rule: &LintRule, role: &ManifestObject<'_>) -> bool {
        let Place { source, span } = role.node.place();
        self.0.insert((rule.code, source, span.start))
    }
}

/// Holds what an account is allowed against what an Agent reads.
fn judge(grants: &Grants<'_>, judged: JudgedAccount, reported: &mut Reported, findings: &mut Findings) {
    let is_meant = |role: &&ManifestObject<'_>| {
        let is_for_agents = is_about_kubelet(role) || (is_about_nodes(role) && !judged.is_elsewhere_bound);
        is_named(role) || (judged.has_sidecar && is_for_agents)
    };
    let agents: Vec<&ManifestObject<'_>> = grants.roles.iter().filter(is_meant).collect();
    for role in agents.iter().filter(|role| reported.is_first(&WILDCARD, role)) {
        wildcards(role, findings);
    }
    let Some(role) = agents.first().filter(|_| !grants.is_unknown) else { return };
    let (needed, listed) = missing(grants, judged.has_native_logs);
    for (rule, missing) in [(&INCOMPLETE, needed), (&FEWER, listed)] {
        if !missing.is_empty() && reported.is_first(rule, role) {
            let message = format!("{} does not allow: {}", role.title(), missing.join(", "));
            findings.push(Finding::new(rule, role.place(), message));
        }
    }
}

/// What an Agent cannot do without, and what else Datadog's page lists, as far as it is not allowed.
fn missing(grants: &Grants<'_>, has_native_logs: bool) -> (Vec<String>, Vec<String>) {
    let lacks = |resource: &str| !grants.allows(resource, "get");
    let mut needed: Vec<String> =
        NEEDED.iter().filter(|resource| lacks(resource)).map(|resource| format!("get {resource}")).collect();
    let has_no_pods = lacks(PROXY) && lacks(PODS);
    if has_no_pods {
        needed.push(format!("get {PODS} (or {PROXY}, which kubelets before Kubernetes 1.33 ask for)"));
    } else if lacks(PROXY) && has_native_logs {
        needed.push(format!("get {PROXY}, for logs through the kubelet"));
    }
    let mut listed = Vec::new();
    for (resources, verbs) in [API_READS, KUBELET_READS] {
        for resource in resources {
            // Who allows the fine parts does well to leave nodes/proxy out: it lets a client run commands, too.
            if NEEDED.contains(resource) || *resource == PROXY || (*resource == PODS && has_no_pods) {
                continue;
            }
            let lacking: Vec<&str> = verbs.iter().copied().filter(|verb| !grants.allows(resource, verb)).collect();
            if !lacking.is_empty() {
                listed.push(format!("{} {resource}", lacking.join(" and ")));
            }
        }
    }
    (needed, listed)
}

fn wildcards(role: &ManifestObject<'_>, findings: &mut Findings) {
    const WRITES: [&str; 6] = ["create", "update", "patch", "delete", "deletecollection", "impersonate"];
    // A role of another name may be the application's, too.
    let rules = role.node.list("rules").filter(|rule| is_named(role) || is_rule_about_nodes(*rule));
    for rule in rules {
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

/// Looks at the bindings that are, or should be, those of sidecars.
fn bindings(project: &Project<'_>, access: &Access<'_>, pods: &[SidecarPod<'_>], findings: &mut Findings) {
    let is_agents = |name: &str| access.roles(name).iter().any(is_named);
    let own_role = project.of_kind("ClusterRole").find(is_named);
    // An account that nothing lets read from the kubelet, and each binding that it is in.
    let without: HashSet<usize> = pods
        .iter()
        .filter(|pod| !access.grants(pod.account).roles.iter().any(is_about_nodes))
        .flat_map(|pod| access.bindings_of(pod.account))
        .map(|binding| binding.number)
        .collect();
    let served: HashSet<usize> =
        pods.iter().flat_map(|pod| access.bindings_of(pod.account)).map(|binding| binding.number).collect();
    for binding in access.bindings().iter().filter(|binding| binding.is_of_cluster()) {
        let is_meant = is_named(&binding.object) || binding.role().is_some_and(is_agents);
        let own_role_is_unbound = || own_role.and_then(|role| role.name()).is_some_and(|name| !access.is_bound(name));
        if is_meant || (without.contains(&binding.number) && own_role_is_unbound()) {
            role_of(access, *binding, own_role, findings);
        }
        if is_meant || served.contains(&binding.number) {
            subjects(&binding.object, findings);
        }
    }
}

fn role_of(access: &Access<'_>, binding: Binding<'_>, own: Option<ManifestObject<'_>>, findings: &mut Findings) {
    let Some((name, own)) = binding.role().zip(own) else { return };
    if access.is_known(name) {
        return;
    }
    let place = binding.object.node.path(&["roleRef", "name"]).map_or_else(|| binding.object.place(), YamlNode::place);
    let message = format!("no ClusterRole `{name}` is among the manifests");
    findings.push(Finding::new(&UNKNOWN_ROLE, place, message).related(own.place(), "this one is"));
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

fn namespaced(project: &Project<'_>, access: &Access<'_>, pods: &[SidecarPod<'_>], findings: &mut Findings) {
    for role in project.of_kind("Role") {
        let mut resources = role.node.list("rules").flat_map(|rule| rule.list("resources"));
        let node = resources.find(|item| item.text().is_some_and(|text| text.split('/').next() == Some("nodes")));
        if let Some(node) = node {
            let message = format!("{} can never allow access to nodes", role.title());
            findings.push(Finding::new(&NAMESPACED, node.place(), message));
        }
    }
    // What reads nodes for a sidecar's account in its namespace only, and nowhere else.
    let in_vain: HashSet<usize> = pods
        .iter()
        .filter(|pod| !access.grants(pod.account).roles.iter().any(is_about_nodes))
        .flat_map(|pod| access.bindings_of(pod.account))
        .map(|binding| binding.number)
        .collect();
    for binding in access.bindings().iter().filter(|binding| !binding.is_of_cluster()) {
        let roles = binding.role().map_or(&[][..], |name| access.roles(name));
        let is_meant =
            |role: &&ManifestObject<'_>| is_named(role) || (in_vain.contains(&binding.number) && is_about_nodes(role));
        if let Some(role) = roles.iter().find(is_meant) {
            let object = &binding.object;
            let message =
                format!("{} grants the permissions of {} in one namespace only", object.title(), role.title());
            let place = object.node.get("kind").map_or_else(|| object.place(), YamlNode::place);
            findings.push(Finding::new(&NAMESPACED, place, message).related(role.place(), "permissions on nodes"));
        }
    }
}

/// A binding that is for sidecars: then those of all sidecars are expected among the manifests.
fn agents_binding<'a>(access: &Access<'a>, pods: &[SidecarPod<'a>]) -> Option<Binding<'a>> {
    let is_named_binding = |binding: &&Binding<'a>| {
        is_named(&binding.object) || binding.role().is_some_and(|name| access.roles(name).iter().any(is_named))
    };
    let named = access.bindings().iter().filter(|binding| binding.is_of_cluster()).find(is_named_binding).copied();
    let reads = |binding: &Binding<'a>| {
        binding.is_of_cluster() && binding.role().is_some_and(|name| access.roles(name).iter().any(is_about_kubelet))
    };
    named.or_else(|| pods.iter().flat_map(|pod| access.bindings_of(pod.account)).find(reads))
}

/// Looks at the token of a pod that has, or gets, a sidecar.
fn token(project: &Project<'_>, pod: &SidecarPod<'_>, findings: &mut Findings) {
    let Account { name, namespace } = pod.account;
    let own = pod.pod.spec.get("automountServiceAccountToken");
    let is_same = |object: &ManifestObject<'_>| object.name() == Some(name) && object.namespace() == namespace;
    let of_account = || project.of_kind("ServiceAccount").find(is_same)?.node.get("automountServiceAccountToken");
    if let Some(off) = own.or_else(of_account).filter(|token| token.text() == Some("false")) {
        let message = format!("pods of {} get no service account token", pod.pod.object.title());
        findings.push(Finding::new(&NO_TOKEN, off.place(), message));
    }
}

/// Looks at whether anything lets the account of a pod that has, or gets, a sidecar read from the kubelet.
fn unbound(access: &Access<'_>, pod: &SidecarPod<'_>, expected: Option<Binding<'_>>, findings: &mut Findings) {
    let Some(expected) = expected.filter(|_| !is_partial(&pod.pod)) else { return };
    let grants = access.grants(pod.account);
    let is_bound = |role: &ManifestObject<'_>| is_named(role) || is_about_kubelet(role);
    if grants.is_unknown || grants.roles.iter().any(is_bound) || NEEDED.iter().any(|one| grants.allows(one, "get")) {
        return;
    }
    let spec = pod.pod.spec;
    let place = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| spec.get(key));
    let place = place.map_or_else(|| pod.pod.object.place(), YamlNode::place);
    let Account { name, namespace } = pod.account;
    let message = format!("service account {}/{name} is not bound", namespace.unwrap_or("default"));
    let near = expected.subjects().next();
    let near = near.map_or_else(|| expected.object.place(), |subject| subject.get("name").unwrap_or(subject).place());
    findings.push(Finding::new(&UNBOUND, place, message).related(near, "this one is bound"));
}
