//! A document of any source, or an item of a list: what it is for, and what it is called.

use super::node::YamlNode;
use super::similar::closest;
use super::source::Place;
use crate::workload::group_of;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// An object of Kubernetes; also of eksctl, which has the same form.
    Kubernetes,
    /// A template of CloudFormation or SAM.
    Template,
    /// A policy of IAM, alone.
    Policy,
    /// Values of Datadog's Helm chart.
    HelmValues,
    /// What a chart of Helm is called and depends on: `Chart.yaml`.
    Chart,
    /// Nothing that rules know.
    Other,
}

/// How many lists within lists are looked into: an alias may stand for the list that it is in.
const LIST_DEPTH: usize = 4;

/// A document, or an item of a list of Kubernetes' objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ManifestObject<'a> {
    pub(crate) node: YamlNode<'a>,
    pub(crate) what: DocumentKind,
    pub(crate) source: usize,
    /// `kind:` of Kubernetes; else empty.
    pub(crate) kind: &'a str,
    /// `apiVersion:` of Kubernetes; else empty.
    pub(crate) version: &'a str,
    /// It is a part of another object, and no document of its own.
    pub(crate) is_within: bool,
}

impl<'a> ManifestObject<'a> {
    pub(crate) fn add(node: YamlNode<'a>, source: usize, objects: &mut Vec<ManifestObject<'a>>) {
        ManifestObject::add_within(node, source, LIST_DEPTH, objects);
    }

    fn add_within(node: YamlNode<'a>, source: usize, depth: usize, objects: &mut Vec<ManifestObject<'a>>) {
        let text = |name| node.get(name).and_then(YamlNode::text);
        let has = |name| node.get(name).is_some();
        let kubernetes = text("apiVersion").zip(text("kind"));
        let what = match kubernetes {
            Some(_) => DocumentKind::Kubernetes,
            None if has("AWSTemplateFormatVersion") || (has("Resources") && has_resources(node)) => {
                DocumentKind::Template
            }
            None if has("Statement") => DocumentKind::Policy,
            None if is_chart(node) => DocumentKind::Chart,
            None if is_helm_values(node) => DocumentKind::HelmValues,
            None => DocumentKind::Other,
        };
        let (version, kind) = kubernetes.unwrap_or_default();
        if depth > 0 && !node.is_alias() && kind.ends_with("List") && node.get("items").is_some_and(YamlNode::is_list) {
            let of = kind.trim_end_matches("List");
            for item in node.list("items") {
                if item.get("kind").is_some() {
                    ManifestObject::add_within(item, source, depth - 1, objects);
                } else if !of.is_empty() {
                    // Items of a `PodList` have their kind from the list.
                    objects.push(ManifestObject { node: item, what, source, kind: of, version, is_within: false });
                }
            }
            return;
        }
        objects.push(ManifestObject { node, what, source, kind, version, is_within: false });
    }

    /// Its name, where it has one.
    pub(crate) fn name(&self) -> Option<&'a str> {
        self.node.path(&["metadata", "name"]).and_then(YamlNode::text)
    }

    /// The namespace that is written in it.
    pub(crate) fn namespace(&self) -> Option<&'a str> {
        self.node.path(&["metadata", "namespace"]).and_then(YamlNode::text)
    }

    /// What to underline for the whole object: its name, or its kind, or where it begins.
    pub(crate) fn place(&self) -> Place {
        let name = self.node.path(&["metadata", "name"]).or_else(|| self.node.get("kind"));
        let first = || self.node.entries().next().map(|entry| entry.key);
        name.map(YamlNode::place).or_else(first).unwrap_or_else(|| self.node.place())
    }

    /// `Deployment shop/web`, for messages.
    pub(crate) fn title(&self) -> String {
        match (self.namespace(), self.name()) {
            (Some(namespace), Some(name)) => format!("{} {namespace}/{name}", self.kind),
            (None, Some(name)) => format!("{} {name}", self.kind),
            _ => self.kind.to_owned(),
        }
    }

    /// The group of its API; empty for the core.
    pub(crate) fn group(&self) -> &'a str {
        group_of(self.version)
    }
}

/// Some resource has a type of AWS.
fn has_resources(node: YamlNode<'_>) -> bool {
    let Some(resources) = node.get("Resources") else { return false };
    resources
        .entries()
        .any(|entry| entry.value.get("Type").and_then(YamlNode::text).is_some_and(|of| of.starts_with("AWS::")))
}

/// Source: Helm documentation, "Charts"; of Helm 2, `requirements.yaml` has the dependencies alone.
fn is_chart(node: YamlNode<'_>) -> bool {
    let has = |name| node.get(name).and_then(YamlNode::text).is_some();
    let has_dependencies =
        || node.list("dependencies").any(|one| one.get("name").is_some() && one.get("repository").is_some());
    node.get("kind").is_none() && (has("apiVersion") && has("name") && has("version") || has_dependencies())
}

/// The chart's own maps and values at the top. Source: DataDog/helm-charts, charts/datadog/values.yaml.
const TOP: [&str; 20] = [
    "global",
    "nameOverride",
    "fullnameOverride",
    "kubeVersionOverride",
    "targetSystem",
    "commonLabels",
    "registry",
    "registryMigrationMode",
    "datadog",
    "clusterAgent",
    "existingClusterAgent",
    "useFIPSAgent",
    "fips",
    "agents",
    "clusterChecksRunner",
    "operator",
    "datadog-crds",
    "kube-state-metrics",
    "providers",
    "remoteConfiguration",
];

/// How many names at the top may be unlike any of the chart's where `datadog` alone speaks for it.
const STRANGERS: usize = 1;

/// Two of the chart's own maps, or one that nothing else has.
pub(crate) fn is_surely_helm_values(node: YamlNode<'_>) -> bool {
    const PARTS: [&str; 6] =
        ["datadog", "clusterAgent", "agents", "clusterChecksRunner", "datadog-crds", "targetSystem"];
    let parts = PARTS.iter().filter(|part| node.get(part).is_some_and(YamlNode::is_map)).count();
    parts >= 2 || node.path(&["clusterAgent", "admissionController"]).is_some()
}

/// These, or `datadog` with a value that the chart has. Many programs have values for Datadog, too: `datadog` among names that are nothing
/// of the chart is one of theirs.
pub(crate) fn is_helm_values(node: YamlNode<'_>) -> bool {
    const KNOWN: [&str; 8] = [
        "apiKey",
        "apiKeyExistingSecret",
        "clusterName",
        "site",
        "logs",
        "apm",
        "processAgent",
        "kubeStateMetricsCore",
    ];
    let is_known = |name: &str| TOP.contains(&name) || name.starts_with("x-") || closest(name, TOP).is_some();
    let strangers = || node.entries().filter(|entry| !is_known(entry.name)).count();
    let has_known = || node.get("datadog").is_some_and(|datadog| KNOWN.iter().any(|name| datadog.get(name).is_some()));
    is_surely_helm_values(node) || (has_known() && strangers() <= STRANGERS)
}
