//! Whether the Agent and the Cluster Agent are new enough for what they are asked to do.

use super::PAGE;
use crate::agent::{CLUSTER_AGENT_TLS_SINCE, FARGATE_SINCE, NATIVE_LOGS_SINCE, version};
use crate::injection::KUBELET_LOGS;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;

pub(crate) static TOO_OLD: LintRule = LintRule {
    code: "PF751",
    name: "installation-too-old",
    severity: Severity::Error,
    title: "The Agent or Cluster Agent is too old for what it is asked to do",
    why: "It does not know the setting and ignores it silently.",
    fix: "Use a newer version, or remove the tag: the defaults of the chart and the Operator are newer.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&TOO_OLD];

/// The first Cluster Agent that injects sidecars. Source: Datadog, "Amazon EKS on AWS Fargate", Admission Controller.
const INJECTION_SINCE: (u32, u32) = (7, 52);
/// The first Cluster Agent that takes a profile's `securityContext`. Source: the same.
const SECURITY_CONTEXT_SINCE: (u32, u32) = (7, 62);

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for installation in installation::all(project) {
        if let Some(injection) = installation.injection() {
            cluster_agent(&installation, injection.key, findings);
            sidecar(&installation, injection.key, findings);
        }
    }
}

fn cluster_agent(installation: &Installation<'_>, injection: Place, findings: &mut Findings) {
    let Some(tag) = installation.cluster_agent_tag() else { return };
    let security = installation.profiles().find_map(|profile| profile.entry("securityContext"));
    let logs = native_logs(installation);
    let mut wanted = vec![(INJECTION_SINCE, "injects sidecars", injection)];
    wanted.extend(security.map(|entry| (SECURITY_CONTEXT_SINCE, "supports a profile's securityContext", entry.key)));
    wanted.extend(verification(installation).map(|place| (CLUSTER_AGENT_TLS_SINCE, "lets sidecars verify it", place)));
    wanted.extend(logs.map(|place| (NATIVE_LOGS_SINCE, "lets sidecars collect logs through the kubelet", place)));
    hold("Cluster Agent", tag, &wanted, findings);
}

fn sidecar(installation: &Installation<'_>, injection: Place, findings: &mut Findings) {
    let Some(tag) = installation.sidecar_tag() else { return };
    let mut wanted = vec![(FARGATE_SINCE, "supports Fargate", injection)];
    let logs = native_logs(installation);
    wanted
        .extend(verification(installation).map(|place| (CLUSTER_AGENT_TLS_SINCE, "verifies the Cluster Agent", place)));
    wanted.extend(logs.map(|place| (NATIVE_LOGS_SINCE, "collects logs through the kubelet", place)));
    hold("Agent", tag, &wanted, findings);
}

/// The switch with which sidecars verify the Cluster Agent's certificate, if it is on.
fn verification(installation: &Installation<'_>) -> Option<Place> {
    let verification = installation.injection()?.value.entry("clusterAgentTlsVerification")?;
    verification.value.get("enabled").is_some_and(YamlNode::is_true).then_some(verification.key)
}

/// The variable that lets sidecars collect logs, if it is on.
fn native_logs(installation: &Installation<'_>) -> Option<Place> {
    let is_on = |variable: &YamlNode<'_>| {
        variable.get("name").and_then(YamlNode::text) == Some(KUBELET_LOGS)
            && variable.get("value").is_some_and(YamlNode::is_true)
    };
    installation.cluster_agent_env().find(is_on)?.get("name").map(YamlNode::place)
}

/// One finding for a tag, of the newest version that is needed.
fn hold(what: &str, tag: YamlNode<'_>, wanted: &[((u32, u32), &str, Place)], findings: &mut Findings) {
    let Some(found) = tag.text().and_then(version) else { return };
    let too_new = wanted.iter().filter(|(since, _, _)| found < *since).max_by_key(|(since, _, _)| *since);
    let Some(((major, minor), why, place)) = too_new else { return };
    let message = format!("{what} {}.{} is too old: the first version that {why} is {major}.{minor}", found.0, found.1);
    findings.push(Finding::new(&TOO_OLD, tag.place(), message).related(*place, "needed for this"));
}
