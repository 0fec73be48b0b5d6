//! What the ClusterRoles allow that are for sidecars: enough, and not too much.

use std::collections::HashSet;

use super::{Agents, PAGE};
use crate::lint::access::{Access, Reads, RoleFacts, is_named_for_sidecars, is_rule_about_nodes};
use crate::lint::finding::{Finding, Findings};
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::rbac::{API_READS, KUBELET_READS};

const KUBELET: &str = "kubernetes/kubernetes, `pkg/kubelet/server/auth.go`";
const SUMMARY: &str = "DataDog/datadog-agent, `pkg/util/containers/metrics/kubelet/collector.go`";
const FINE_GRAINED: &str = "kubernetes/enhancements, KEP-2862, \"Fine-grained Kubelet API Authorization\"";

pub(crate) static INCOMPLETE: LintRule = LintRule {
    code: "PF501",
    name: "role-incomplete",
    severity: Severity::Error,
    title: "The Agent's ClusterRole lacks permissions that the Agent needs",
    why: "The kubelet only answers clients that may read node subresources: without them, the sidecar has no tags, metrics or logs of its pod; without nodes/metrics or nodes/stats alone, some metrics are missing.",
    fix: "Add the rules that `podferry generate rbac` writes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, KUBELET, FINE_GRAINED, SUMMARY],
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

pub(crate) static RULES: &[&LintRule] = &[&INCOMPLETE, &FEWER, &WILDCARD];

/// What the kubelet asks for, and has no other name for.
pub(super) const NEEDED: [&str; 2] = ["nodes/metrics", "nodes/stats"];
/// What allows everything at the kubelet that has no name of its own: pods before Kubernetes 1.33, and logs.
const PROXY: &str = "nodes/proxy";
/// The kubelet's list of pods, since it has a name of its own.
const PODS: &str = "nodes/pods";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let access = Access::new(project);
    let agents = Agents::new(project, &access);
    let mut reported = Reported::default();
    for one in &agents.accounts {
        // Where some account is bound to what lets it read from the kubelet, that is missing here, and not rules in a role for
        // something else.
        let is_meant = |role: &&RoleFacts<'_>| {
            let is_for_agents = role.is_about_kubelet || (role.is_about_nodes && agents.binding.is_none());
            role.is_named || (!one.pods.is_empty() && is_for_agents)
        };
        let meant =
            || one.grants.roles.iter().enumerate().filter(|(_, roles)| roles.iter().any(|role| is_meant(&role)));
        for role in meant().flat_map(|(_, roles)| roles.iter()).filter(is_meant) {
            if reported.is_first(&WILDCARD, &role.object) {
                wildcards(&role.object, findings);
            }
        }
        // Roles with different names add up: what is missing is said of one.
        let Some((number, roles)) = meant().next().filter(|_| !one.grants.is_unknown) else { continue };
        let others = one.grants.reads_without(number);
        for role in roles.iter().filter(is_meant) {
            lacking(&role.object, role.reads.and(others), one.has_native_logs, &mut reported, findings);
        }
    }
    for role in access.all_roles().filter(|role| role.is_named) {
        if role.object.name().is_some_and(|name| !access.is_bound(name)) {
            wildcards(&role.object, findings);
            if !role.is_put_together {
                lacking(&role.object, role.reads, false, &mut reported, findings);
            }
        }
    }
}

/// Findings that were made: a role is reported once, whatever is bound to it.
#[derive(Default)]
struct Reported(HashSet<(&'static str, usize, usize)>);

impl Reported {
    fn has(&self, rule: &LintRule, role: &ManifestObject<'_>) -> bool {
        let Place { source, span } = role.node.place();
        self.0.contains(&(rule.code, source, span.start))
    }

    fn is_first(&mut self, rule: &LintRule, role: &ManifestObject<'_>) -> bool {
        let Place { source, span } = role.node.place();
        self.0.insert((rule.code, source, span.start))
    }
}

/// Holds what is allowed against what an Agent reads.
fn lacking(
    role: &ManifestObject<'_>,
    reads: Reads,
    has_native_logs: bool,
    reported: &mut Reported,
    findings: &mut Findings,
) {
    // Many may be bound to one role: what was said of it need not be worked out again.
    if reported.has(&INCOMPLETE, role) && reported.has(&FEWER, role) {
        return;
    }
    let (needed, listed) = missing(reads, has_native_logs);
    // Tags and logs come with the pods; each of the others is some of the metrics.
    let is_part_of_metrics = matches!(needed.as_slice(), [one] if NEEDED.iter().any(|other| one.ends_with(other)));
    for (rule, missing) in [(&INCOMPLETE, needed), (&FEWER, listed)] {
        if !missing.is_empty() && reported.is_first(rule, role) {
            let message = format!("{} does not allow: {}", role.title(), missing.join(", "));
            let finding = Finding::new(rule, role.place(), message);
            findings.push(if is_part_of_metrics { finding.severity(Severity::Warning) } else { finding });
        }
    }
}

/// What an Agent cannot do without, and what else Datadog's page lists, as far as it is not allowed.
fn missing(reads: Reads, has_native_logs: bool) -> (Vec<String>, Vec<String>) {
    let lacks = |resource: &str| !reads.has(resource, "get");
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
            let lacking: Vec<&str> = verbs.iter().copied().filter(|verb| !reads.has(resource, verb)).collect();
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
    let rules = role.node.list("rules").filter(|rule| is_named_for_sidecars(role) || is_rule_about_nodes(*rule));
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
