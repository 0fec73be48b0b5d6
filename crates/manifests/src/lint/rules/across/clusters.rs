//! Whether all speak of the same cluster.

use std::collections::HashSet;

use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, is_placeholder};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::variables;
use crate::lint::source::Place;
use crate::names::{datadog_cluster, is_datadog_cluster, is_eks_cluster};

pub(crate) static OTHER_CLUSTER: LintRule = LintRule {
    code: "PF951",
    name: "other-cluster",
    severity: Severity::Warning,
    title: "The cluster name differs from the one in podferry.yaml",
    why: "Logs and metrics of the same pods then carry different kube_cluster_name tags, so Datadog does not show them together.",
    fix: "Use the same name everywhere.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog, \"Amazon EKS on AWS Fargate\", Cluster name", "podferry's own"],
};

pub(crate) static NOT_OF_EKSCTL: LintRule = LintRule {
    code: "PF966",
    name: "cluster-not-of-eksctl",
    severity: Severity::Warning,
    title: "The cluster name differs from that of the only cluster among the manifests",
    why: "Metrics, traces and logs then carry the kube_cluster_name of another cluster: a copied manifest often has it still.",
    fix: "Use the name of eksctl's ClusterConfig, as Datadog writes it.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["Datadog, \"Amazon EKS on AWS Fargate\", Cluster name", "eksctl documentation, \"Config file schema\""],
};

pub(crate) static RULES: &[&LintRule] = &[&OTHER_CLUSTER, &NOT_OF_EKSCTL];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    match project.expected.cluster.as_deref() {
        Some(eks) => expected(eks, project, findings),
        None => of_eksctl(project, findings),
    }
}

/// Holds names against eksctl's, where that is one cluster's and nothing else says which it is.
fn of_eksctl(project: &Project<'_>, findings: &mut Findings) {
    let configs = project.of_kind("ClusterConfig").filter(|object| object.group() == "eksctl.io");
    let mut names = configs.filter_map(|object| object.node.path(&["metadata", "name"]));
    let Some((own, eks)) = names.next().and_then(|node| Some((node, node.text()?))) else { return };
    if !is_eks_cluster(eks) || names.any(|other| other.text() != Some(eks)) {
        return;
    }
    let datadog = datadog_cluster(eks);
    let all = installation::all(project);
    let of_installations: Vec<(&str, Place)> =
        all.iter().filter_map(|one| one.cluster_name()).filter_map(|node| Some((node.text()?, node.place()))).collect();
    // A name that Datadog is installed with may be a chosen one.
    let chosen: HashSet<&str> = of_installations.iter().map(|(name, _)| *name).collect();
    let containers = project.pods().flat_map(|pod| pod.containers(true).collect::<Vec<_>>());
    let variables = containers.flat_map(variables).filter(|variable| variable.name == "DD_CLUSTER_NAME");
    let of_variables = variables.filter_map(|variable| Some((variable.literal()?, variable.place())));
    for (name, place) in of_installations.iter().copied().chain(of_variables) {
        // Where it is no name of Datadog's, another rule says so.
        if is_datadog_cluster(name) && name != datadog && !name.is_empty() && !is_placeholder(name) {
            let message = format!("the cluster is called `{name}` here, but `{eks}` in eksctl's ClusterConfig");
            let finding = Finding::new(&NOT_OF_EKSCTL, place, message).related(own.place(), "the only cluster");
            findings.push(if chosen.contains(name) { finding.severity(Severity::Note) } else { finding });
        }
    }
}

fn expected(eks: &str, project: &Project<'_>, findings: &mut Findings) {
    let expected = datadog_cluster(eks);
    let mut hold = |name: &str, place: Place| {
        // A name as EKS has it is made Datadog's on its way; where it is not, another rule says so.
        if name != expected && name != eks && !name.is_empty() && !is_placeholder(name) {
            let message = format!("the cluster is called `{name}` here, but `{expected}` is expected");
            findings.push(Finding::new(&OTHER_CLUSTER, place, message));
        }
    };
    for installation in installation::all(project) {
        if let Some((text, node)) = installation.cluster_name().and_then(|node| Some((node.text()?, node))) {
            hold(text, node.place());
        }
    }
    for logging in project.logging.iter().filter(|logging| cloudwatch::outputs(logging).next().is_some()) {
        for filter in logging.filters().filter(|filter| filter.plugin() == "record_modifier") {
            for property in &filter.section.properties {
                let is_record = property.name.value.eq_ignore_ascii_case("Record");
                let name = property.value.value.strip_prefix("cluster_name ").filter(|_| is_record);
                if let Some(name) = name {
                    hold(name.trim(), filter.value_place(property));
                }
            }
        }
    }
}
