//! How a sidecar finds the Cluster Agent.

use super::{PAGE, all};
use crate::agent::{NAMESPACE, default_cluster_agent_url};
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::SidecarContainer;

pub(crate) static INCOMPLETE: LintRule = LintRule {
    code: "PF412",
    name: "cluster-agent-incomplete",
    severity: Severity::Error,
    title: "A sidecar has only part of what it needs to reach the Cluster Agent",
    why: "Without the switch, the token and the URL, the sidecar works alone: cluster tags and the view of its Kubernetes objects are missing.",
    fix: "Set `DD_CLUSTER_AGENT_ENABLED`, `DD_CLUSTER_AGENT_AUTH_TOKEN` and `DD_CLUSTER_AGENT_URL` together, or none of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/util/clusteragent`"],
};

pub(crate) static URL_FORM: LintRule = LintRule {
    code: "PF413",
    name: "cluster-agent-url",
    severity: Severity::Error,
    title: "The pod cannot reach the Cluster Agent at this URL",
    why: "The Agent only uses https, the Cluster Agent listens on port 5005, and a service in another namespace needs its namespace in the name.",
    fix: "Use `https://SERVICE.NAMESPACE.svc.cluster.local:5005`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/util/clusteragent`, `GetClusterAgentEndpoint`"],
};

pub(crate) static RULES: &[&LintRule] = &[&INCOMPLETE, &URL_FORM];

const ENABLED: &str = "DD_CLUSTER_AGENT_ENABLED";
const TOKEN: &str = "DD_CLUSTER_AGENT_AUTH_TOKEN";
const URL: &str = "DD_CLUSTER_AGENT_URL";
/// The other way to name it, within its own namespace.
const SERVICE: &str = "DD_CLUSTER_AGENT_KUBERNETES_SERVICE_NAME";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for sidecar in all(project) {
        parts(&sidecar, findings);
        url(&sidecar, findings);
    }
}

fn parts(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let given = [ENABLED, TOKEN, URL].into_iter().find_map(|name| sidecar.variable(name));
    let Some(given) = given.filter(|given| given.name != ENABLED || given.is_on()) else { return };
    let mut missing: Vec<&str> = [ENABLED, TOKEN].into_iter().filter(|name| sidecar.lacks(name)).collect();
    // In its own namespace Kubernetes tells where it is.
    let is_near = sidecar.pod.object.namespace() == Some(NAMESPACE) || sidecar.variable(SERVICE).is_some();
    if sidecar.lacks(URL) && !is_near {
        missing.push(URL);
    }
    if !missing.is_empty() {
        let message = format!("container {} has {} but not {}", sidecar.name(), given.name, missing.join(" and "));
        findings.push(Finding::new(&INCOMPLETE, given.name_place(), message));
    }
}

fn url(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let Some(variable) = sidecar.variable(URL) else { return };
    let Some(url) = variable.literal() else { return };
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (host, port) = rest.trim_end_matches('/').split_once(':').unwrap_or((rest, ""));
    let is_near = sidecar.pod.object.namespace().is_none_or(|namespace| namespace == NAMESPACE);
    let problem = if scheme != "https" {
        "does not start with https://".to_owned()
    } else if port.is_empty() {
        "has no port".to_owned()
    } else if !host.contains('.') && !is_near {
        format!("names no namespace, so the service `{host}` is looked up in the pod's own")
    } else {
        return;
    };
    let finding = Finding::new(&URL_FORM, variable.place(), format!("{URL} {problem}"));
    findings.push(finding.fix(format!("Use `{}`.", default_cluster_agent_url())));
}
