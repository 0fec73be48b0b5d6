//! Rules about how Datadog's Cluster Agent is installed: values of the Helm chart, and the Operator's DatadogAgent.

pub(crate) mod credentials;
pub(crate) mod env;
pub(crate) mod injection;
mod known_paths;
pub(crate) mod operator;
pub(crate) mod selectors;
pub(crate) mod values;
pub(crate) mod versions;

/// The Cluster Agent's code of injected sidecars.
const WEBHOOK: &str = "DataDog/datadog-agent, pkg/clusteragent/admission/mutate/agent_sidecar/agent_sidecar.go";
/// Its code of profiles.
const PROFILES: &str = "DataDog/datadog-agent, pkg/clusteragent/admission/mutate/agent_sidecar/profiles.go";
/// Datadog's page.
const PAGE: &str = "Datadog, \"Amazon EKS on AWS Fargate\", Admission Controller";
