//! Switches of the injection of sidecars with which nothing is injected, or something that does not work on Fargate.

use super::{PAGE, WEBHOOK};
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation};
use crate::lint::node::{YamlEntry, YamlNode};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static PROVIDER_UNKNOWN: LintRule = LintRule {
    code: "PF711",
    name: "injection-provider-unknown",
    severity: Severity::Error,
    title: "Sidecar injection names a provider that the Cluster Agent does not know",
    why: "It only knows `fargate`; with any other provider it injects nothing and says so only in its own log.",
    fix: "Write `provider: fargate`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[WEBHOOK, PAGE],
};

pub(crate) static PROVIDER_MISSING: LintRule = LintRule {
    code: "PF712",
    name: "injection-without-provider",
    severity: Severity::Warning,
    title: "Sidecar injection is on, but no provider is set",
    why: "Without `fargate`, the sidecar does not know where it runs; without selectors as well, no pod gets one.",
    fix: "Write `provider: fargate`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[WEBHOOK, PAGE],
};

pub(crate) static CONTROLLER_OFF: LintRule = LintRule {
    code: "PF713",
    name: "admission-controller-off",
    severity: Severity::Error,
    title: "Sidecar injection is on, but the Admission Controller is off",
    why: "The Admission Controller does the injection.",
    fix: "Set `enabled: true` for the Admission Controller and for the Cluster Agent that it belongs to, or remove both settings.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["DataDog/helm-charts, charts/datadog/templates/_ac-agent-sidecar-env.yaml", PAGE],
};

pub(crate) static NO_CLUSTER_AGENT: LintRule = LintRule {
    code: "PF714",
    name: "injection-without-cluster-agent",
    severity: Severity::Note,
    title: "Injected sidecars do not talk to the Cluster Agent",
    why: "They then run no cluster checks, and these pods are missing from Datadog's Kubernetes views.",
    fix: "Remove `clusterAgentCommunicationEnabled`: it is on by default.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/helm-charts, charts/datadog/values.yaml"],
};

pub(crate) static RULES: &[&LintRule] = &[&PROVIDER_UNKNOWN, &PROVIDER_MISSING, &CONTROLLER_OFF, &NO_CLUSTER_AGENT];

/// The only one that the Cluster Agent knows.
const PROVIDER: &str = "fargate";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for installation in installation::all(project) {
        let Some(injection) = installation.injection() else { continue };
        provider(injection, findings);
        switches(&installation, injection, findings);
    }
}

fn provider(injection: YamlEntry<'_>, findings: &mut Findings) {
    let provider = injection.value.get("provider").filter(|provider| !provider.is_null());
    match provider.map(|provider| (provider, provider.text().unwrap_or(PROVIDER))) {
        None | Some((_, "")) => {
            let place = provider.map_or(injection.key, YamlNode::place);
            let has_selectors = injection.value.list("selectors").next().is_some();
            let what =
                if has_selectors { "sidecars do not know that they run on Fargate" } else { "no pod gets a sidecar" };
            findings.push(Finding::new(&PROVIDER_MISSING, place, format!("without a provider {what}")));
        }
        Some((_, PROVIDER)) => {}
        Some((_, text)) if installation::is_placeholder(text) => {}
        Some((node, text)) => {
            let message = format!("the Cluster Agent does not know the provider `{text}`, so no pod gets a sidecar");
            findings.push(Finding::new(&PROVIDER_UNKNOWN, node.place(), message));
        }
    }
}

fn switches(installation: &Installation<'_>, injection: YamlEntry<'_>, findings: &mut Findings) {
    let is_off = |node: &YamlNode<'_>| node.text().is_some() && !node.is_true() && !node.is_null();
    let controller = installation
        .value(&["clusterAgent", "admissionController", "enabled"], &["features", "admissionController", "enabled"]);
    let cluster_agent = installation.value(&["clusterAgent", "enabled"], &[]);
    let disabled = installation.value(&[], &["override", "clusterAgent", "disabled"]).filter(|node| node.is_true());
    for (switch, what) in [
        (controller.filter(is_off), "the Admission Controller"),
        (cluster_agent.filter(is_off), "the Cluster Agent"),
        (disabled, "the Cluster Agent"),
    ] {
        if let Some(switch) = switch {
            let finding =
                Finding::new(&CONTROLLER_OFF, switch.place(), format!("{what} is off, so no pod gets a sidecar"));
            findings.push(finding.related(injection.key, "injection is switched on here"));
        }
    }
    let speaks = injection.value.get("clusterAgentCommunicationEnabled").filter(is_off);
    if let Some(speaks) = speaks {
        findings.push(Finding::new(&NO_CLUSTER_AGENT, speaks.place(), "sidecars do not talk to the Cluster Agent"));
    }
}
