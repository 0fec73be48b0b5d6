//! The pod around a sidecar: what Fargate does not run, what the Agent does not start in, and what the application is told.

use super::PAGE;
use crate::agent::{USER, UserProblem, user_problem};
use crate::inject::HOST_FIELDS;
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::{Scalar, YamlNode};
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{FARGATE, SidecarContainer, is_injected, is_partial, label, sidecars, variables};

const CONSIDERATIONS: &str = "Amazon EKS User Guide, \"Simplify compute management with AWS Fargate\"";

pub(crate) static NOT_A_STRING: LintRule = LintRule {
    code: "PF406",
    name: "variable-not-a-string",
    severity: Severity::Error,
    title: "The value of a variable is not a string",
    why: "Kubernetes rejects the whole object: a variable must be a string, even if it looks like a number or a boolean.",
    fix: "Put the value in quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["Kubernetes API reference, \"EnvVar\""],
};

pub(crate) static NODE_ADDRESS: LintRule = LintRule {
    code: "PF414",
    name: "agent-host-of-node",
    severity: Severity::Error,
    title: "An application looks for the Agent on the node, but it is in the pod",
    why: "On Fargate no Agent runs on the node, so metrics and traces are lost.",
    fix: "Remove `DD_AGENT_HOST`: the sidecar listens on localhost.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static NOT_FOR_FARGATE: LintRule = LintRule {
    code: "PF430",
    name: "not-for-fargate",
    severity: Severity::Error,
    title: "A pod with a sidecar asks for something that Fargate does not support",
    why: "Fargate does not run pods that need access to their host, so the pod stays pending.",
    fix: "Remove it, or keep the pod off Fargate.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CONSIDERATIONS, PAGE],
};

pub(crate) static DAEMON_SET: LintRule = LintRule {
    code: "PF431",
    name: "daemon-set-on-fargate",
    severity: Severity::Error,
    title: "A DaemonSet is meant for Fargate",
    why: "Fargate does not run DaemonSets: each pod has its own node.",
    fix: "Run the Agent as a sidecar in each pod; on other nodes, remove the Fargate settings.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CONSIDERATIONS],
};

pub(crate) static USER_ID: LintRule = LintRule {
    code: "PF432",
    name: "sidecar-user",
    severity: Severity::Error,
    title: "A sidecar runs as a user that its image does not support",
    why: "The Agent's image starts as root or as user 100; as any other user, its processes do not start.",
    fix: "Set `runAsUser` in the securityContext of the application's containers instead of the pod's, or set `runAsUser: 100` for the Agent.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Amazon EKS on AWS Fargate\", \"Troubleshooting\""],
};

pub(crate) static RESOURCES: LintRule = LintRule {
    code: "PF433",
    name: "sidecar-resources",
    severity: Severity::Warning,
    title: "A sidecar requests no CPU or memory",
    why: "Fargate sizes a pod by its requests: without its own, the Agent uses what the application was given.",
    fix: "Set requests and limits, such as `cpu: 200m` and `memory: 256Mi`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "Amazon EKS User Guide, \"Understand Fargate Pod configuration details\""],
};

pub(crate) static TWO_AGENTS: LintRule = LintRule {
    code: "PF435",
    name: "two-agents",
    severity: Severity::Error,
    title: "A pod has two Agents",
    why: "Both collect the same data, and the second finds the DogStatsD and trace ports in use.",
    fix: "Keep one of them: remove the container or the label.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`"],
};

pub(crate) static RULES: &[&LintRule] =
    &[&NOT_A_STRING, &NODE_ADDRESS, &NOT_FOR_FARGATE, &DAEMON_SET, &USER_ID, &RESOURCES, &TWO_AGENTS];

/// Variables by which a client of the Agent finds it.
const AGENT_HOSTS: [&str; 2] = ["DD_AGENT_HOST", "DD_TRACE_AGENT_HOSTNAME"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.pods() {
        strings(project, &pod, findings);
        let sidecars = sidecars(&pod);
        let is_injected = is_injected(&pod);
        if sidecars.is_empty() && !is_injected {
            continue;
        }
        if !pod.workload.runs_on_fargate {
            daemon_set(&pod, &sidecars, findings);
            continue;
        }
        host(&pod, findings);
        node_address(&pod, findings);
        if let [first, second, ..] = sidecars.as_slice() {
            let message = format!("containers {} and {} are both Agents", first.name(), second.name());
            findings.push(Finding::new(&TWO_AGENTS, second.place(), message).related(first.place(), "the first"));
        }
        let own = sidecars.first().filter(|sidecar| sidecar.name() != "datadog-agent-injected");
        if let Some((own, label)) = own.zip(label(&pod)).filter(|_| is_injected) {
            let message = format!("the label adds an Agent, but the pod already has one: container {}", own.name());
            findings.push(Finding::new(&TWO_AGENTS, label.key, message).related(own.place(), "the other Agent"));
        }
        for sidecar in &sidecars {
            user(sidecar, findings);
            resources(sidecar, findings);
        }
    }
}

fn strings(project: &Project<'_>, pod: &PodTemplate<'_>, findings: &mut Findings) {
    for variable in pod.containers(true).flat_map(variables) {
        let Some(value) = variable.item.get("value").filter(|value| !value.is_tagged()) else { continue };
        let kind = match value.scalar() {
            Some(Scalar::Boolean(_)) => "a boolean",
            Some(Scalar::Number(_)) => "a number",
            None if value.is_map() => "a map",
            None if value.is_list() => "a list",
            _ => continue,
        };
        let message = format!("the value of {} is {kind}, not a string", variable.name);
        let edit = value.quote(project.source(value.place()));
        findings.push(Finding::new(&NOT_A_STRING, value.place(), message).edits(edit));
    }
}

fn daemon_set(pod: &PodTemplate<'_>, sidecars: &[SidecarContainer<'_>], findings: &mut Findings) {
    let of_container = || sidecars.iter().find_map(|one| one.variable(FARGATE)).map(|one| one.name_place());
    let place = label(pod).filter(|_| is_injected(pod)).map(|label| label.key).or_else(of_container);
    let message = format!("{} is meant for Fargate, which does not run DaemonSets", pod.object.title());
    findings.push(Finding::new(&DAEMON_SET, place.unwrap_or_else(|| pod.object.place()), message));
}

fn host(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let mut refuse = |node: YamlNode<'_>, what: String| {
        findings.push(Finding::new(&NOT_FOR_FARGATE, node.place(), format!("{what}, which Fargate does not support")));
    };
    for name in HOST_FIELDS {
        if let Some(value) = pod.spec.get(name).filter(|value| value.scalar() == Some(Scalar::Boolean(true))) {
            refuse(value, format!("the pod sets {name}"));
        }
    }
    for volume in pod.spec.list("volumes").filter(|volume| volume.get("hostPath").is_some()) {
        let name = volume.get("name").unwrap_or(volume);
        refuse(name, format!("volume {} is a hostPath", name.text().unwrap_or_default()));
    }
    for container in pod.containers(true) {
        let name = container.get("name").and_then(YamlNode::text).unwrap_or_default();
        let privileged = container.path(&["securityContext", "privileged"]);
        if let Some(value) = privileged.filter(|value| value.scalar() == Some(Scalar::Boolean(true))) {
            refuse(value, format!("container {name} is privileged"));
        }
        let ports = container.list("ports").filter_map(|port| port.get("hostPort"));
        for port in ports.filter(|port| !port.is_null() && port.text() != Some("0")) {
            refuse(port, format!("container {name} has a hostPort"));
        }
    }
}

fn node_address(pod: &PodTemplate<'_>, findings: &mut Findings) {
    for variable in pod.containers(true).flat_map(variables).filter(|one| AGENT_HOSTS.contains(&one.name)) {
        let path = variable.item.path(&["valueFrom", "fieldRef", "fieldPath"]);
        if let Some(path) = path.filter(|path| path.text() == Some("status.hostIP")) {
            let message = format!("{} is the address of the node, where no Agent runs", variable.name);
            findings.push(Finding::new(&NODE_ADDRESS, path.place(), message));
        }
    }
}

fn user(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let of = |node: YamlNode<'_>, name: &str| match node.path(&["securityContext", name]).and_then(YamlNode::scalar) {
        Some(Scalar::Number(text)) => text.parse::<i64>().ok(),
        Some(Scalar::Boolean(is_on)) => Some(i64::from(is_on)),
        _ => None,
    };
    let (container, spec) = (sidecar.container, sidecar.pod.spec);
    let owner = if of(container, "runAsUser").is_some() { container } else { spec };
    let place = |owner: YamlNode<'_>, name| owner.path(&["securityContext", name]).unwrap_or(owner).place();
    let name = sidecar.name();
    let non_root = if of(container, "runAsNonRoot").is_some() { container } else { spec };
    let Some(problem) = user_problem(of(owner, "runAsUser"), of(non_root, "runAsNonRoot") == Some(1)) else { return };
    let (message, place) = match problem {
        UserProblem::Unknown(user) => (
            format!("container {name} would run as user {user}, but the Agent starts only as root or as {USER}"),
            place(owner, "runAsUser"),
        ),
        UserProblem::StartsAsRoot => {
            (format!("container {name} must not start as root but sets no other user"), place(non_root, "runAsNonRoot"))
        }
        UserProblem::RootAndNotRoot => {
            (format!("container {name} runs as root but must not start as root"), place(owner, "runAsUser"))
        }
    };
    findings.push(Finding::new(&USER_ID, place, message).related(sidecar.place(), "the Agent"));
}

fn resources(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let asks = |what: &str| {
        ["requests", "limits"].iter().any(|part| sidecar.container.path(&["resources", part, what]).is_some())
    };
    let missing: Vec<&str> = ["cpu", "memory"].into_iter().filter(|what| !asks(what)).collect();
    if !missing.is_empty() && !is_partial(&sidecar.pod) {
        let message = format!("container {} requests no {}", sidecar.name(), missing.join(" and no "));
        findings.push(Finding::new(&RESOURCES, sidecar.place(), message));
    }
}
