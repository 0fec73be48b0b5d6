//! A pod, or the template that a workload makes its pods from.

use super::node::YamlNode;
use super::object::{DocumentKind, ManifestObject};
use crate::workload::WorkloadKind;

/// A pod, or the template that pods are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodTemplate<'a> {
    /// The Pod, or what makes it.
    pub(crate) object: ManifestObject<'a>,
    pub(crate) workload: &'static WorkloadKind,
    /// What has `metadata` and `spec` of the pod.
    pub(crate) template: YamlNode<'a>,
    pub(crate) spec: YamlNode<'a>,
}

impl<'a> ManifestObject<'a> {
    /// The pod in it, if it makes pods.
    pub(crate) fn pod(&self) -> Option<PodTemplate<'a>> {
        if self.what != DocumentKind::Kubernetes {
            return None;
        }
        let workload = WorkloadKind::of(self.kind, self.group())?;
        let template = self.node.path(workload.template)?;
        Some(PodTemplate { object: *self, workload, template, spec: template.get("spec")? })
    }
}

impl<'a> PodTemplate<'a> {
    /// The service account it runs as: `default` if none is written.
    pub(crate) fn service_account(&self) -> &'a str {
        let named = self.spec.get("serviceAccountName").or_else(|| self.spec.get("serviceAccount"));
        named.and_then(YamlNode::text).filter(|name| !name.is_empty()).unwrap_or("default")
    }

    pub(crate) fn labels(&self) -> Option<YamlNode<'a>> {
        self.template.path(&["metadata", "labels"])
    }

    pub(crate) fn annotations(&self) -> Option<YamlNode<'a>> {
        self.template.path(&["metadata", "annotations"])
    }

    /// Containers, and init containers where `also_init`.
    pub(crate) fn containers(&self, also_init: bool) -> impl Iterator<Item = YamlNode<'a>> {
        let init = also_init.then_some("initContainers");
        let spec = self.spec;
        std::iter::once("containers").chain(init).flat_map(move |list| spec.list(list))
    }
}
