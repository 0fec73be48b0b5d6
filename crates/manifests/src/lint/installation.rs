//! How Datadog's Cluster Agent is installed: the same from values of the Helm chart and from the Operator's DatadogAgent, so that a
//! rule looks at both at once.

use super::node::{Entry, Node};
use super::object::{Kind, Object};
use super::project::Project;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Chart,
    Operator,
}

/// The Cluster Agent with what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installation<'a> {
    pub(crate) object: Object<'a>,
    pub(crate) form: Form,
    /// Values, or `spec`.
    root: Node<'a>,
}

/// All installations that are given.
pub(crate) fn all<'a>(project: &Project<'a>) -> Vec<Installation<'a>> {
    let one = |object: &Object<'a>| match object.what {
        Kind::HelmValues => Some(Installation { object: *object, form: Form::Chart, root: object.node }),
        Kind::Kubernetes if object.kind == "DatadogAgent" && object.group() == "datadoghq.com" => {
            Some(Installation { object: *object, form: Form::Operator, root: object.node.get("spec")? })
        }
        _ => None,
    };
    project.objects.iter().filter_map(one).collect()
}

impl<'a> Installation<'a> {
    /// The entry at the end of the path that this form has.
    pub(crate) fn entry(&self, chart: &[&str], operator: &[&str]) -> Option<Entry<'a>> {
        let path = if self.form == Form::Chart { chart } else { operator };
        let (last, parents) = path.split_last()?;
        self.root.path(parents)?.entry(last)
    }

    /// The value at the end of the path that this form has.
    pub(crate) fn value(&self, chart: &[&str], operator: &[&str]) -> Option<Node<'a>> {
        self.entry(chart, operator).map(|entry| entry.value)
    }

    /// Everything.
    pub(crate) fn root(&self) -> Node<'a> {
        self.root
    }

    /// How sidecars are injected, if they are.
    pub(crate) fn injection(&self) -> Option<Entry<'a>> {
        let path = |first: &'static str| [first, "admissionController", "agentSidecarInjection"];
        let injection = self.entry(&path("clusterAgent"), &path("features"))?;
        injection.value.get("enabled").is_some_and(Node::is_true).then_some(injection)
    }

    /// Whether sidecars speak with the Cluster Agent: they do unless it is switched off.
    pub(crate) fn speaks_with_sidecars(&self) -> bool {
        let switch = self.injection().and_then(|injection| injection.value.get("clusterAgentCommunicationEnabled"));
        switch.is_none_or(Node::is_true)
    }

    /// The profiles of injected sidecars.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = Node<'a>> {
        self.injection().into_iter().flat_map(|injection| injection.value.list("profiles"))
    }

    /// The tag of the Cluster Agent's image.
    pub(crate) fn cluster_agent_tag(&self) -> Option<Node<'a>> {
        self.value(&["clusterAgent", "image", "tag"], &["override", "clusterAgent", "image", "tag"])
    }

    /// The tag of the sidecars' image.
    pub(crate) fn sidecar_tag(&self) -> Option<Node<'a>> {
        let injection = self.injection()?.value;
        match self.form {
            Form::Chart => injection.get("imageTag").or_else(|| self.root.path(&["agents", "image", "tag"])),
            Form::Operator => injection.path(&["image", "tag"]),
        }
        .filter(|tag| !tag.is_null())
    }

    /// The Cluster Agent's variables.
    pub(crate) fn cluster_agent_env(&self) -> impl Iterator<Item = Node<'a>> {
        self.value(&["clusterAgent", "env"], &["override", "clusterAgent", "env"]).into_iter().flat_map(Node::items)
    }

    /// The cluster's name, if one is written.
    pub(crate) fn cluster_name(&self) -> Option<Node<'a>> {
        self.value(&["datadog", "clusterName"], &["global", "clusterName"]).filter(|name| !name.is_null())
    }
}

/// A text that stands for another: of a template, or of documentation.
pub(crate) fn is_placeholder(text: &str) -> bool {
    text.contains(['<', '$', '{'])
}
