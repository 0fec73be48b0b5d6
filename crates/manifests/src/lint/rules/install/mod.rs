//! Rules about how Datadog's Cluster Agent is installed: values of the Helm chart, and the Operator's DatadogAgent.

pub(crate) mod credentials;
pub(crate) mod env;
pub(crate) mod injection;
pub(crate) mod operator;
pub(crate) mod selectors;
pub(crate) mod values;
pub(crate) mod versions;

use crate::lint::similar;

/// The Cluster Agent's code of injected sidecars.
const WEBHOOK: &str = "DataDog/datadog-agent, pkg/clusteragent/admission/mutate/agent_sidecar/agent_sidecar.go";
/// Its code of profiles.
const PROFILES: &str = "DataDog/datadog-agent, pkg/clusteragent/admission/mutate/agent_sidecar/profiles.go";
/// Datadog's page.
const PAGE: &str = "Datadog, \"Amazon EKS on AWS Fargate\", Admission Controller";

/// The name that is most like a text, whatever its case.
fn closest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names: Vec<(&str, String)> = names.into_iter().map(|name| (name, name.to_ascii_lowercase())).collect();
    let found = similar::closest(text, names.iter().map(|(_, lower)| lower.as_str()))?;
    names.iter().find(|(_, lower)| lower == found).map(|(name, _)| *name)
}
