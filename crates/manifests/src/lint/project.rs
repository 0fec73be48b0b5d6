//! All that is checked together: the documents of all sources, told apart by what they are for. Rules that look across files look
//! here.

use super::logging::Logging;
use super::node::{self, Anchors, Node};
use super::source::{Place, Source, Span};
use crate::tree::{self, Document, NotYaml};

/// A source, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Document>,
    /// Why it is no YAML, if it is none.
    pub(crate) error: Option<NotYaml>,
    /// How many bytes stand before what was parsed: a byte order mark.
    before: usize,
}

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An object of Kubernetes; also of eksctl, which has the same form.
    Kubernetes,
    /// A template of CloudFormation or SAM.
    Template,
    /// A policy of IAM, alone.
    Policy,
    /// Values of Datadog's Helm chart.
    HelmValues,
    /// Nothing that rules know.
    Other,
}

/// A document, or an item of a list of Kubernetes' objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) what: Kind,
    pub(crate) source: usize,
    /// `kind:` of Kubernetes; else empty.
    pub kind: &'a str,
    /// `apiVersion:` of Kubernetes; else empty.
    pub(crate) version: &'a str,
}

/// What else is known of where the manifests go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Where the function is.
    pub region: Option<String>,
    pub account: Option<String>,
    pub cluster: Option<String>,
    pub log_group: Option<String>,
    /// Of the pods.
    pub namespaces: Vec<String>,
}

/// All that is checked together.
#[derive(Debug)]
pub(crate) struct Project<'a> {
    pub(crate) sources: &'a [Source],
    pub(crate) parsed: &'a [Parsed],
    pub(crate) objects: Vec<Object<'a>>,
    /// ConfigMaps for EKS' Fluent Bit.
    pub(crate) logging: Vec<Logging<'a>>,
    pub(crate) expected: &'a Expected,
}

/// Kinds that make pods, and where the pod is in them. Source: Kubernetes API reference, "Workload resources".
const WORKLOADS: [(&str, &[&str]); 8] = [
    ("Pod", &[]),
    ("ReplicationController", &["spec", "template"]),
    ("Deployment", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
];

/// A pod, or the template that pods are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pod<'a> {
    /// The Pod, or what makes it.
    pub(crate) object: Object<'a>,
    /// What has `metadata` and `spec` of the pod.
    pub(crate) template: Node<'a>,
    pub(crate) spec: Node<'a>,
}

impl Parsed {
    pub(crate) fn new(source: &Source) -> Parsed {
        let body = source.text.trim_start_matches('\u{feff}');
        let before = source.text.len() - body.len();
        match tree::documents(body) {
            Ok(documents) => Parsed { documents, error: None, before },
            Err(error) => Parsed { documents: Vec::new(), error: Some(error), before },
        }
    }

    /// The anchors of each document.
    pub(crate) fn anchors(&self) -> Vec<Anchors<'_>> {
        self.documents.iter().map(node::anchors).collect()
    }

    /// Where it is no YAML.
    pub(crate) fn error_place(&self, source: usize) -> Option<Place> {
        let start = self.error.as_ref()?.offset + self.before;
        Some(Place { source, span: Span { start, end: start + 1 } })
    }
}

impl<'a> Project<'a> {
    pub(crate) fn new(
        sources: &'a [Source],
        parsed: &'a [Parsed],
        anchors: &'a [Vec<Anchors<'a>>],
        expected: &'a Expected,
    ) -> Project<'a> {
        let mut objects = Vec::new();
        for (number, (one, anchors)) in parsed.iter().zip(anchors).enumerate() {
            for (document, anchors) in one.documents.iter().zip(anchors) {
                let node = Node::new(&document.root, anchors, number, one.before);
                Object::add(node, number, &mut objects);
            }
        }
        let logging = objects.iter().filter_map(|object| Logging::new(*object, sources)).collect();
        Project { sources, parsed, objects, logging, expected }
    }

    /// The source that a place is in.
    pub(crate) fn source(&self, place: Place) -> &'a Source {
        // A place is made from a source's number, always.
        &self.sources[place.source.min(self.sources.len().saturating_sub(1))]
    }

    /// Objects of Kubernetes of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = Object<'a>> {
        self.objects.iter().copied().filter(move |object| object.kind == kind)
    }

    /// Documents that are for the same.
    pub(crate) fn of_what(&self, what: Kind) -> impl Iterator<Item = Object<'a>> {
        self.objects.iter().copied().filter(move |object| object.what == what)
    }

    /// All pods and templates of pods.
    pub(crate) fn pods(&self) -> impl Iterator<Item = Pod<'a>> {
        self.objects.iter().filter_map(|object| object.pod())
    }
}

impl<'a> Object<'a> {
    fn add(node: Node<'a>, source: usize, objects: &mut Vec<Object<'a>>) {
        let text = |name| node.get(name).and_then(Node::text);
        let has = |name| node.get(name).is_some();
        let kubernetes = text("apiVersion").zip(text("kind"));
        let what = match kubernetes {
            Some(_) => Kind::Kubernetes,
            None if has("AWSTemplateFormatVersion") || (has("Resources") && has_resources(node)) => Kind::Template,
            None if has("Statement") => Kind::Policy,
            None if is_helm_values(node) => Kind::HelmValues,
            None => Kind::Other,
        };
        let (version, kind) = kubernetes.unwrap_or_default();
        if kind.ends_with("List") && node.get("items").is_some_and(Node::is_list) {
            let of = kind.trim_end_matches("List");
            for item in node.list("items") {
                if item.get("kind").is_some() {
                    Object::add(item, source, objects);
                } else if !of.is_empty() {
                    // Items of a `PodList` have their kind from the list.
                    objects.push(Object { node: item, what, source, kind: of, version });
                }
            }
            return;
        }
        objects.push(Object { node, what, source, kind, version });
    }

    /// Its name, where it has one.
    pub(crate) fn name(&self) -> Option<&'a str> {
        self.node.path(&["metadata", "name"]).and_then(Node::text)
    }

    /// The namespace that is written in it.
    pub(crate) fn namespace(&self) -> Option<&'a str> {
        self.node.path(&["metadata", "namespace"]).and_then(Node::text)
    }

    /// What to underline for the whole object: its name, or its kind, or where it begins.
    pub(crate) fn place(&self) -> Place {
        let name = self.node.path(&["metadata", "name"]).or_else(|| self.node.get("kind"));
        let first = || self.node.entries().next().map(|entry| entry.key);
        name.map(Node::place).or_else(first).unwrap_or_else(|| self.node.place())
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
        self.version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The pod in it, if it makes pods.
    pub(crate) fn pod(&self) -> Option<Pod<'a>> {
        if self.what != Kind::Kubernetes || !["", "apps", "batch", "extensions"].contains(&self.group()) {
            return None;
        }
        let (_, path) = WORKLOADS.iter().find(|(kind, _)| *kind == self.kind)?;
        let template = self.node.path(path)?;
        Some(Pod { object: *self, template, spec: template.get("spec")? })
    }
}

impl<'a> Pod<'a> {
    /// Where it runs: `default` if nothing is written.
    pub(crate) fn namespace(&self) -> &'a str {
        self.object.namespace().unwrap_or("default")
    }

    /// The service account it runs as: `default` if none is written.
    pub(crate) fn service_account(&self) -> &'a str {
        let named = self.spec.get("serviceAccountName").or_else(|| self.spec.get("serviceAccount"));
        named.and_then(Node::text).filter(|name| !name.is_empty()).unwrap_or("default")
    }

    pub(crate) fn labels(&self) -> Option<Node<'a>> {
        self.template.path(&["metadata", "labels"])
    }

    pub(crate) fn annotations(&self) -> Option<Node<'a>> {
        self.template.path(&["metadata", "annotations"])
    }

    /// Containers, and init containers where `also_init`.
    pub(crate) fn containers(&self, also_init: bool) -> impl Iterator<Item = Node<'a>> {
        let init = also_init.then_some("initContainers");
        let spec = self.spec;
        std::iter::once("containers").chain(init).flat_map(move |list| spec.list(list))
    }
}

/// Some resource has a type of AWS.
fn has_resources(node: Node<'_>) -> bool {
    let Some(resources) = node.get("Resources") else { return false };
    resources
        .entries()
        .any(|entry| entry.value.get("Type").and_then(Node::text).is_some_and(|of| of.starts_with("AWS::")))
}

/// Two of the chart's own maps, or `datadog` with a value that only the chart has.
fn is_helm_values(node: Node<'_>) -> bool {
    const PARTS: [&str; 6] =
        ["datadog", "clusterAgent", "agents", "clusterChecksRunner", "datadog-crds", "targetSystem"];
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
    let parts = PARTS.iter().filter(|part| node.get(part).is_some_and(Node::is_map)).count();
    let datadog = node.get("datadog");
    parts >= 2
        || datadog.is_some_and(|datadog| KNOWN.iter().any(|name| datadog.get(name).is_some()))
        || node.path(&["clusterAgent", "admissionController"]).is_some()
}
