//! What EKS and eksctl allow Fargate profiles: how many, how many selectors, and which names.

use crate::fargate_profile::{MAX_LABELS, MAX_PROFILES, MAX_SELECTORS};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::template;

const GUIDE: &str = "Amazon EKS User Guide, \"Define which Pods use AWS Fargate when launched\"";

pub(crate) static REJECTED: LintRule = LintRule {
    code: "PF962",
    name: "fargate-profile-rejected",
    severity: Severity::Error,
    title: "EKS does not create this Fargate profile",
    why: "A profile needs one to five selectors, each with a namespace, and a name that does not begin with eks-.",
    fix: "Divide the selectors among several profiles, or use a pattern such as `shop-*`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[GUIDE, "Amazon EKS API reference, `CreateFargateProfile`"],
};

pub(crate) static TOO_MANY: LintRule = LintRule {
    code: "PF963",
    name: "too-many-fargate-profiles",
    severity: Severity::Warning,
    title: "There are more Fargate profiles, or labels in a selector, than EKS allows without a higher quota",
    why: "EKS rejects the eleventh profile of a cluster, and a selector with six labels, unless the quota was raised.",
    fix: "Use selectors with a pattern such as `shop-*`, or have the quota raised.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[GUIDE, "AWS General Reference, \"Amazon EKS endpoints and quotas\""],
};

pub(crate) static RULES: &[&LintRule] = &[&REJECTED, &TOO_MANY];

/// A profile of eksctl or CloudFormation, whatever its members are called.
struct Profile<'a> {
    node: YamlNode<'a>,
    name: Option<YamlNode<'a>>,
    selectors: Option<YamlNode<'a>>,
    /// What the namespace of a selector is called.
    namespace: &'static str,
    labels: &'static str,
}

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for cluster in project.of_kind("ClusterConfig").filter(|object| object.group() == "eksctl.io") {
        let all: Vec<YamlNode<'_>> = cluster.node.list("fargateProfiles").collect();
        for node in &all {
            let (name, selectors) = (node.get("name"), node.get("selectors"));
            let profile = Profile { node: *node, name, selectors, namespace: "namespace", labels: "labels" };
            hold(&profile, findings);
        }
        if let Some(first) = all.get(MAX_PROFILES) {
            let message = format!("this is the {}th of {} Fargate profiles", MAX_PROFILES + 1, all.len());
            findings.push(Finding::new(&TOO_MANY, first.get("name").unwrap_or(*first).place(), message));
        }
    }
    for resource in template::resources(project).iter().filter(|resource| resource.kind == "AWS::EKS::FargateProfile") {
        let (name, selectors) = (resource.property("FargateProfileName"), resource.property("Selectors"));
        let node = resource.entry.value;
        hold(&Profile { node, name, selectors, namespace: "Namespace", labels: "Labels" }, findings);
    }
}

fn hold(profile: &Profile<'_>, findings: &mut Findings) {
    let place = profile.name.unwrap_or(profile.node).place();
    let name = profile.name.and_then(template::literal).filter(|name| name.starts_with("eks-"));
    if let Some(name) = name {
        let message = format!("EKS reserves names that begin with eks-, such as `{name}`");
        findings.push(Finding::new(&REJECTED, place, message).fix("Choose another name."));
    }
    let Some(selectors) = profile.selectors.filter(|selectors| selectors.is_list()) else { return };
    let all: Vec<YamlNode<'_>> = selectors.items().collect();
    if all.is_empty() {
        findings.push(
            Finding::new(&REJECTED, place, "the profile has no selectors").fix("Add a selector with a namespace."),
        );
    }
    if let Some(first) = all.get(MAX_SELECTORS) {
        let message = format!("the profile has {} selectors; EKS allows {MAX_SELECTORS}", all.len());
        findings.push(Finding::new(&REJECTED, first.get(profile.namespace).unwrap_or(*first).place(), message));
    }
    for selector in all.iter().filter(|selector| selector.is_map() && selector.get("<<").is_none()) {
        if selector.get(profile.namespace).is_none() {
            let finding = Finding::new(&REJECTED, selector.place(), "a selector has no namespace");
            findings.push(finding.fix("Add the namespace, or `*` for all of them."));
        }
        let labels = selector.get(profile.labels).filter(|labels| labels.is_map() || labels.is_list());
        let count = labels.map_or(0, |labels| labels.entries().count().max(labels.items().count()));
        if let Some(labels) = labels.filter(|_| count > MAX_LABELS) {
            let message = format!("a selector has {count} labels; EKS allows {MAX_LABELS}");
            findings.push(Finding::new(&TOO_MANY, labels.place(), message));
        }
    }
}
