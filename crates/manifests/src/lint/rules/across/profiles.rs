//! Whether pods match a selector of a Fargate profile, so that they run there at all.

use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use pipeline::glob;

pub(crate) static NO_PROFILE: LintRule = LintRule {
    code: "PF941",
    name: "pod-without-profile",
    severity: Severity::Note,
    title: "Pods match no Fargate profile selector",
    why: "They do not run on Fargate; in a cluster without other nodes they stay pending.",
    fix: "Add a selector with the pods' namespace, or give the pods the labels that a selector requires.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "Amazon EKS User Guide, \"Define which Pods use AWS Fargate when launched\"",
        "eksctl documentation, \"EKS Fargate Support\"",
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&NO_PROFILE];

/// What gives a cluster other nodes. Source: eksctl documentation, "Config file schema".
const OTHER_NODES: [&str; 4] = ["nodeGroups", "managedNodeGroups", "autoModeConfig", "karpenter"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let clusters: Vec<ManifestObject<'_>> =
        project.of_kind("ClusterConfig").filter(|object| object.group() == "eksctl.io").collect();
    let selectors: Vec<YamlNode<'_>> = clusters
        .iter()
        .flat_map(|cluster| cluster.node.list("fargateProfiles"))
        .flat_map(|profile| profile.list("selectors"))
        .collect();
    let Some(first) = selectors.first() else { return };
    if clusters.iter().any(|cluster| OTHER_NODES.iter().any(|name| cluster.node.get(name).is_some())) {
        return;
    }
    for pod in project.pods().filter(|pod| pod.workload.runs_on_fargate) {
        // Where none is written, the namespace is that of whoever applies it.
        let Some(namespace) = pod.object.namespace() else { continue };
        if selectors.iter().any(|selector| selects(*selector, namespace, &pod)) {
            continue;
        }
        let message = format!("no Fargate profile selects {}", pod.object.title());
        let place =
            pod.object.node.path(&["metadata", "namespace"]).map_or_else(|| pod.object.place(), YamlNode::place);
        findings.push(Finding::new(&NO_PROFILE, place, message).related(first.place(), "the first selector"));
    }
}

fn selects(selector: YamlNode<'_>, namespace: &str, pod: &PodTemplate<'_>) -> bool {
    let is = |pattern: Option<YamlNode<'_>>, value: Option<&str>| {
        // A pattern that is not a string could be anything: other rules look at it.
        let pattern = pattern.and_then(YamlNode::text);
        pattern.is_none_or(|pattern| value.is_some_and(|value| glob::matches(pattern, value, true)))
    };
    // Keys may be patterns, too.
    let has = |label: crate::lint::node::YamlEntry<'_>| {
        let mut own = pod.labels().into_iter().flat_map(YamlNode::entries);
        own.any(|one| glob::matches(label.name, one.name, true) && is(Some(label.value), one.value.text()))
    };
    let mut labels = selector.get("labels").into_iter().flat_map(YamlNode::entries);
    is(selector.get("namespace"), Some(namespace)) && labels.all(has)
}
