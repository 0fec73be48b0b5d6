//! Datadog Agents beside an application: which containers are one, and the variables that they are given.

use super::node::{YamlEntry, YamlNode};
use super::pod::PodTemplate;
use super::source::Place;
use crate::agent::{SIDECAR_LABEL, is_agent_image};
use crate::sidecar::SidecarForm;

/// A container that is a Datadog Agent, in a pod with an application.
///
/// Agents of a DaemonSet, the Cluster Agent, its check runners and the Operator are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SidecarContainer<'a> {
    pub(crate) pod: PodTemplate<'a>,
    pub(crate) container: YamlNode<'a>,
    /// It is an init container that Kubernetes lets run: it ends when the application has.
    pub(crate) is_init: bool,
}

/// A variable of a container, as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EnvVariable<'a> {
    pub(crate) item: YamlNode<'a>,
    pub(crate) name: &'a str,
}

/// All in a pod.
pub(crate) fn sidecars<'a>(pod: &PodTemplate<'a>) -> Vec<SidecarContainer<'a>> {
    let of = |container, is_init| SidecarContainer { pod: *pod, container, is_init };
    let is_restarted =
        |container: &YamlNode<'a>| container.get("restartPolicy").and_then(YamlNode::text) == Some("Always");
    let init = pod.spec.list("initContainers").filter(is_restarted).map(|container| of(container, true));
    let all = pod.spec.list("containers").map(|container| of(container, false)).chain(init);
    // A pod of Agents only is not an application with a sidecar, unless it says that it is on Fargate.
    let has_application = pod.spec.list("containers").any(|container| !is_agent(container));
    let is_sidecar = |one: &SidecarContainer<'a>| {
        let on_fargate = variable(one.container, FARGATE).is_some();
        let is_runner = variable(one.container, "DD_CLC_RUNNER_ENABLED").is_some();
        is_agent(one.container) && !is_runner && (on_fargate || (has_application && pod.workload.runs_on_fargate))
    };
    all.filter(is_sidecar).collect()
}

/// The variable that tells the Agent that there is no host.
pub(crate) const FARGATE: &str = "DD_EKS_FARGATE";

/// Programs of the Agent's image beside the Agent itself.
const PARTS: [&str; 4] = ["trace-agent", "process-agent", "security-agent", "system-probe"];

fn is_agent(container: YamlNode<'_>) -> bool {
    let text = |name| container.get(name).and_then(YamlNode::text).unwrap_or_default();
    let named = [SidecarForm::ByHand, SidecarForm::Injected].iter().any(|form| form.name() == text("name"));
    // The Cluster Agent may also have the variable for Fargate.
    let is_other = text("image").contains("cluster-agent") || text("image").contains("operator");
    // Where the Agent is split into several containers, only the first is looked at.
    let mut command = container.list("command").chain(container.list("args")).filter_map(YamlNode::text);
    let is_part = command.any(|word| PARTS.iter().any(|part| word.ends_with(part)));
    !is_other && !is_part && (named || is_agent_image(text("image")) || variable(container, FARGATE).is_some())
}

/// The variable of this name; the last, as Kubernetes takes it.
pub(crate) fn variable<'a>(container: YamlNode<'a>, name: &str) -> Option<EnvVariable<'a>> {
    variables(container).filter(|variable| variable.name == name).last()
}

/// All variables of a container.
pub(crate) fn variables<'a>(container: YamlNode<'a>) -> impl Iterator<Item = EnvVariable<'a>> {
    container.list("env").filter_map(|item| Some(EnvVariable { item, name: item.get("name")?.text()? }))
}

/// The label that asks for a sidecar, on the pods.
pub(crate) fn label<'a>(pod: &PodTemplate<'a>) -> Option<YamlEntry<'a>> {
    pod.labels()?.entry(SIDECAR_LABEL.0)
}

/// Whether the Cluster Agent injects a sidecar.
pub(crate) fn is_injected(pod: &PodTemplate<'_>) -> bool {
    label(pod).is_some_and(|label| label.value.text() == Some(SIDECAR_LABEL.1))
}

/// Whether a manifest is a part of an object, for a tool that puts it together: what it lacks may be elsewhere.
pub(crate) fn is_partial(pod: &PodTemplate<'_>) -> bool {
    let mut containers = pod.spec.list("containers").peekable();
    containers.peek().is_none()
        || containers.any(|container| container.get("image").is_none())
        || (pod.workload.needs_selector && pod.object.node.path(&["spec", "selector"]).is_none())
}

impl<'a> EnvVariable<'a> {
    /// The value, as far as it is known: none that is filled in later.
    pub(crate) fn literal(&self) -> Option<&'a str> {
        let text = self.item.get("value")?.text()?;
        (!["$(", "${", "{{"].iter().any(|mark| text.contains(mark))).then_some(text)
    }

    /// Whether the Agent takes it for yes. Source: Go's `strconv.ParseBool`.
    pub(crate) fn is_on(&self) -> bool {
        self.literal().is_some_and(|text| ["1", "t", "T", "true", "TRUE", "True"].contains(&text))
    }

    /// What to underline for the value; the name where it has none.
    pub(crate) fn place(&self) -> Place {
        let value = self.item.get("value").or_else(|| self.item.get("valueFrom"));
        value.filter(|value| value.text().is_some()).map_or_else(|| self.name_place(), YamlNode::place)
    }

    pub(crate) fn name_place(&self) -> Place {
        self.item.get("name").unwrap_or(self.item).place()
    }
}

impl<'a> SidecarContainer<'a> {
    pub(crate) fn variable(&self, name: &str) -> Option<EnvVariable<'a>> {
        variable(self.container, name)
    }

    pub(crate) fn literal(&self, name: &str) -> Option<&'a str> {
        self.variable(name)?.literal()
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|variable| variable.is_on())
    }

    /// Whether a variable is certainly not there: none of the name, none from elsewhere, and none in what this is a patch of.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        self.variable(name).is_none() && self.container.get("envFrom").is_none() && !is_partial(&self.pod)
    }

    pub(crate) fn name(&self) -> &'a str {
        self.container.get("name").and_then(YamlNode::text).unwrap_or("datadog-agent")
    }

    /// What to underline for the container: its name.
    pub(crate) fn place(&self) -> Place {
        self.container.get("name").unwrap_or(self.container).place()
    }

    /// Whether it collects logs itself, through the kubelet.
    pub(crate) fn has_native_logs(&self) -> bool {
        self.is_on("DD_LOGS_ENABLED") && self.is_on(KUBELET_LOGS)
    }
}

/// The variable that lets the Agent read logs from the kubelet.
pub(crate) const KUBELET_LOGS: &str = "DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::chart::Charts;
    use crate::lint::node::anchors;
    use crate::lint::project::{ExpectedTarget, Parsed, Project, objects};
    use crate::lint::source::SourceFile;

    /// The names of a pod's sidecars.
    fn names(kind: &str, spec: &str) -> Vec<String> {
        let text = format!("{{apiVersion: apps/v1, kind: {kind}, spec: {{template: {{spec: {spec}}}}}}}");
        let sources = [SourceFile::new("one.yaml", &text)];
        let parsed = [Parsed::new(&sources[0])];
        let anchors = [parsed[0].documents.iter().map(anchors).collect::<Vec<_>>()];
        let expected = ExpectedTarget::default();
        let (objects, charts) = (objects(&parsed, &anchors), Charts::default());
        let project = Project::new(&sources, (&parsed, &anchors), objects, (&charts, &[]), &expected);
        project.pods().flat_map(|pod| sidecars(&pod)).map(|one| one.name().to_owned()).collect()
    }

    #[test]
    fn which_containers_are_sidecars() {
        let web = "{name: web, image: nginx}";
        let agent = "{name: dd, image: gcr.io/datadoghq/agent:7}";
        let fargate = "{name: dd, image: mirror/a, env: [{name: DD_EKS_FARGATE, value: 'true'}]}";
        let cluster_agent = "{name: dca, image: x/cluster-agent, env: [{name: DD_EKS_FARGATE, value: 'true'}]}";
        let runner = "{name: dd, image: datadog/agent, env: [{name: DD_CLC_RUNNER_ENABLED, value: 'true'}]}";
        let part = "{name: trace, image: datadog/agent, command: [trace-agent, -config=x]}";
        for (kind, containers, expected) in [
            ("Deployment", format!("{web}, {agent}"), 1),
            ("Deployment", format!("{web}, {agent}, {part}"), 1),
            ("Deployment", agent.to_owned(), 0),
            ("Deployment", fargate.to_owned(), 1),
            ("Deployment", cluster_agent.to_owned(), 0),
            ("Deployment", format!("{web}, {runner}"), 0),
            ("DaemonSet", format!("{web}, {agent}"), 0),
            ("DaemonSet", fargate.to_owned(), 1),
            ("Deployment", web.to_owned(), 0),
        ] {
            assert_eq!(names(kind, &format!("{{containers: [{containers}]}}")).len(), expected, "{kind} {containers}");
        }
        let init =
            |policy| format!("{{containers: [{web}], initContainers: [{{name: dd, image: datadog/agent{policy}}}]}}");
        assert_eq!(names("Deployment", &init(", restartPolicy: Always")), ["dd"]);
        assert!(names("Deployment", &init("")).is_empty());
    }
}
