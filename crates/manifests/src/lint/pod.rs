//! A pod, or the template that a workload makes its pods from.

use super::node::Node;
use super::object::{Kind, Object};

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

impl<'a> Object<'a> {
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
