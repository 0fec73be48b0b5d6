//! How Datadog's Cluster Agent is installed: the same from values of the Helm chart and from the Operator's DatadogAgent, so that a
//! rule looks at both at once.

use super::node::{YamlEntry, YamlNode};
use super::object::{DocumentKind, ManifestObject};
use super::project::Project;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstallationForm {
    Chart,
    Operator,
}

/// The Cluster Agent with what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installation<'a> {
    pub(crate) form: InstallationForm,
    /// Values, or `spec`.
    root: YamlNode<'a>,
}

/// All installations that are given.
pub(crate) fn all<'a>(project: &Project<'a>) -> Vec<Installation<'a>> {
    let one = |object: &ManifestObject<'a>| match object.what {
        DocumentKind::HelmValues => Some(Installation { form: InstallationForm::Chart, root: object.node }),
        DocumentKind::Kubernetes if object.kind == "DatadogAgent" && object.group() == "datadoghq.com" => {
            Some(Installation { form: InstallationForm::Operator, root: object.node.get("spec")? })
        }
        _ => None,
    };
    project.objects.iter().filter_map(one).collect()
}

impl<'a> Installation<'a> {
    /// The entry at the end of the path that this form has.
    pub(crate) fn entry(&self, chart: &[&str], operator: &[&str]) -> Option<YamlEntry<'a>> {
        let path = if self.form == InstallationForm::Chart { chart } else { operator };
        let (last, parents) = path.split_last()?;
        self.root.path(parents)?.entry(last)
    }

    /// The value at the end of the path that this form has.
    pub(crate) fn value(&self, chart: &[&str], operator: &[&str]) -> Option<YamlNode<'a>> {
        self.entry(chart, operator).map(|entry| entry.value)
    }

    /// Everything.
    pub(crate) fn root(&self) -> YamlNode<'a> {
        self.root
    }

    /// How sidecars are injected, if they are.
    pub(crate) fn injection(&self) -> Option<YamlEntry<'a>> {
        let path = |first: &'static str| [first, "admissionController", "agentSidecarInjection"];
        let injection = self.entry(&path("clusterAgent"), &path("features"))?;
        injection.value.get("enabled").is_some_and(YamlNode::is_true).then_some(injection)
    }

    /// Whether sidecars speak with the Cluster Agent: they do unless it is switched off.
    pub(crate) fn speaks_with_sidecars(&self) -> bool {
        let switch = self.injection().and_then(|injection| injection.value.get("clusterAgentCommunicationEnabled"));
        switch.is_none_or(YamlNode::is_true)
    }

    /// The profiles of injected sidecars.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = YamlNode<'a>> {
        self.injection().into_iter().flat_map(|injection| injection.value.list("profiles"))
    }

    /// The tag of the Cluster Agent's image.
    pub(crate) fn cluster_agent_tag(&self) -> Option<YamlNode<'a>> {
        self.value(&["clusterAgent", "image", "tag"], &["override", "clusterAgent", "image", "tag"])
    }

    /// The tag of the sidecars' image.
    pub(crate) fn sidecar_tag(&self) -> Option<YamlNode<'a>> {
        let injection = self.injection()?.value;
        match self.form {
            InstallationForm::Chart => {
                injection.get("imageTag").or_else(|| self.root.path(&["agents", "image", "tag"]))
            }
            InstallationForm::Operator => injection.path(&["image", "tag"]),
        }
        .filter(|tag| !tag.is_null())
    }

    /// The Cluster Agent's variables.
    pub(crate) fn cluster_agent_env(&self) -> impl Iterator<Item = YamlNode<'a>> {
        self.value(&["clusterAgent", "env"], &["override", "clusterAgent", "env"]).into_iter().flat_map(YamlNode::items)
    }

    /// The cluster's name, if one is written.
    pub(crate) fn cluster_name(&self) -> Option<YamlNode<'a>> {
        self.value(&["datadog", "clusterName"], &["global", "clusterName"]).filter(|name| !name.is_null())
    }
}

/// A text that stands for another: of a template, or of documentation.
pub(crate) fn is_placeholder(text: &str) -> bool {
    text.contains(['<', '$', '{'])
}
