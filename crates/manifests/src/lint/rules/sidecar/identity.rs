//! Who a sidecar says that it is: on Fargate, on which node, in which cluster, with which tags.

use super::{PAGE, all};
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{FARGATE, SidecarContainer, variables};
use crate::names::{datadog_cluster, is_datadog_cluster, is_eks_cluster};

pub(crate) static NOT_ON_FARGATE: LintRule = LintRule {
    code: "PF401",
    name: "sidecar-not-on-fargate",
    severity: Severity::Error,
    title: "A sidecar does not know that it runs on Fargate",
    why: "The Agent looks for a host, which Fargate does not have: the check eks_fargate does not run, and the pod's tags are missing.",
    fix: "Set the Agent's variable `DD_EKS_FARGATE` to `\"true\"`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static NO_NODE_NAME: LintRule = LintRule {
    code: "PF402",
    name: "sidecar-node-name",
    severity: Severity::Error,
    title: "A sidecar does not know its node's name",
    why: "The Agent needs the name to reach the kubelet, which describes the pod: without it there are no tags, and eks_fargate does not run.",
    fix: "Set `DD_KUBERNETES_KUBELET_NODENAME` from `fieldRef: {fieldPath: spec.nodeName}`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/integrations-core, `eks_fargate/datadog_checks/eks_fargate/eks_fargate.py`"],
};

pub(crate) static HOSTNAME: LintRule = LintRule {
    code: "PF405",
    name: "sidecar-hostname",
    severity: Severity::Warning,
    title: "A sidecar sets a host name",
    why: "Every pod would become a host in Datadog: on Fargate the Agent reports none.",
    fix: "Remove `DD_HOSTNAME`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static NO_CLUSTER_NAME: LintRule = LintRule {
    code: "PF409",
    name: "sidecar-cluster-name",
    severity: Severity::Warning,
    title: "A sidecar does not know the cluster's name",
    why: "Everything it sends lacks the tag kube_cluster_name, so you cannot tell the pods of two clusters apart.",
    fix: "Set the Agent's variable `DD_CLUSTER_NAME`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static CLUSTER_NAME_FORM: LintRule = LintRule {
    code: "PF410",
    name: "cluster-name-form",
    severity: Severity::Error,
    title: "Datadog does not accept this cluster name",
    why: "The Agent drops an invalid name, and the tag kube_cluster_name with it.",
    fix: "Use lower-case letters, digits, `-`, `_` and `.`, at most 80 characters.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[
        "DataDog/helm-charts, `charts/datadog`, `clusterName`",
        "DataDog/datadog-agent, `pkg/util/kubernetes/clustername`",
    ],
};

pub(crate) static TAGS_WITH_COMMAS: LintRule = LintRule {
    code: "PF411",
    name: "sidecar-tags-with-commas",
    severity: Severity::Warning,
    title: "A sidecar's tags are separated by commas",
    why: "The Agent splits tags at spaces, so a comma and the text after it become part of the previous tag.",
    fix: "Separate the tags with spaces.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[PAGE, "DataDog/dd-trace-rb, issue #1953"],
};

pub(crate) static RULES: &[&LintRule] =
    &[&NOT_ON_FARGATE, &NO_NODE_NAME, &HOSTNAME, &NO_CLUSTER_NAME, &CLUSTER_NAME_FORM, &TAGS_WITH_COMMAS];

const NODE_NAME: &str = "DD_KUBERNETES_KUBELET_NODENAME";
const CLUSTER_NAME: &str = "DD_CLUSTER_NAME";
/// Variables that hold tags for all that the Agent sends.
const TAGS: [&str; 2] = ["DD_TAGS", "DD_EXTRA_TAGS"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for sidecar in all(project) {
        fargate(&sidecar, findings);
        node_name(&sidecar, findings);
        if let Some(hostname) = sidecar.variable("DD_HOSTNAME") {
            let message = format!("container {} sets DD_HOSTNAME", sidecar.name());
            findings.push(Finding::new(&HOSTNAME, hostname.name_place(), message));
        }
        // Before Agent 7.34 the name had to be given as a tag.
        let in_tags = TAGS.iter().any(|name| sidecar.variable(name).is_some_and(|tags| names_cluster(tags.literal())));
        if sidecar.lacks(CLUSTER_NAME) && !in_tags {
            let message = format!("container {} has no DD_CLUSTER_NAME", sidecar.name());
            findings.push(Finding::new(&NO_CLUSTER_NAME, sidecar.place(), message));
        }
        tags(project, &sidecar, findings);
    }
    for variable in project.pods().flat_map(|pod| pod.containers(true).collect::<Vec<_>>()).flat_map(variables) {
        let name = variable.literal().filter(|_| variable.name == CLUSTER_NAME);
        let Some(name) = name.filter(|name| !is_datadog_cluster(name)) else { continue };
        let message = format!("Datadog does not accept the cluster name `{name}`");
        let finding = Finding::new(&CLUSTER_NAME_FORM, variable.place(), message);
        findings.push(if is_eks_cluster(name) {
            let datadog = datadog_cluster(name);
            let value = variable.item.get("value");
            let edit = value.and_then(|value| value.rewrite(&datadog, project.source(value.place())));
            let fix = format!("Write `{datadog}`, which podferry makes of the EKS name in all manifests for Datadog.");
            finding.fix(fix).edits(edit)
        } else {
            finding
        });
    }
}

fn names_cluster(tags: Option<&str>) -> bool {
    tags.is_none_or(|tags| tags.contains("kube_cluster_name:"))
}

fn fargate(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let name = sidecar.name();
    match sidecar.variable(FARGATE) {
        None if sidecar.lacks(FARGATE) => {
            let message = format!("container {name} has no DD_EKS_FARGATE");
            findings.push(Finding::new(&NOT_ON_FARGATE, sidecar.place(), message));
        }
        Some(variable) if variable.literal().is_some() && !variable.is_on() => {
            let message = format!("DD_EKS_FARGATE of container {name} is not `true`");
            findings.push(Finding::new(&NOT_ON_FARGATE, variable.place(), message));
        }
        _ => {}
    }
}

fn node_name(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let name = sidecar.name();
    let Some(variable) = sidecar.variable(NODE_NAME) else {
        if sidecar.lacks(NODE_NAME) {
            let message = format!("container {name} has no {NODE_NAME}");
            findings.push(Finding::new(&NO_NODE_NAME, sidecar.place(), message));
        }
        return;
    };
    let path = variable.item.path(&["valueFrom", "fieldRef", "fieldPath"]);
    if let Some(path) = path.filter(|path| path.text() != Some("spec.nodeName")) {
        let message = format!("{NODE_NAME} of container {name} does not come from spec.nodeName");
        findings.push(Finding::new(&NO_NODE_NAME, path.place(), message));
    } else if variable.literal().is_some() {
        let message =
            format!("{NODE_NAME} of container {name} is the same for all pods, but each pod has its own node");
        findings.push(Finding::new(&NO_NODE_NAME, variable.place(), message));
    }
}

fn tags(project: &Project<'_>, sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    for variable in TAGS.iter().filter_map(|name| sidecar.variable(name)) {
        let Some((text, value)) = variable.literal().zip(variable.item.get("value")) else { continue };
        if !text.contains(',') {
            continue;
        }
        let message = format!("the tags in {} of container {} are separated by commas", variable.name, sidecar.name());
        let parted: Vec<&str> = text.split(|letter: char| letter == ',' || letter.is_whitespace()).collect();
        let tags: Vec<&str> = parted.into_iter().filter(|tag| !tag.is_empty()).collect();
        // A comma in the middle of a value would make two tags of one.
        let is_safe = tags.iter().all(|tag| tag.contains(':'));
        let edit = value.rewrite(&tags.join(" "), project.source(value.place())).filter(|_| is_safe);
        findings.push(Finding::new(&TAGS_WITH_COMMAS, variable.place(), message).edits(edit));
    }
}
