//! The set for a cluster: every manifest that its logs need, and with the Agent those of the sidecars, in the order in which they are
//! applied. [`crate::runbook`] writes the README with the commands.

use crate::cluster::{Cluster, Missing, Need, Refused};
use crate::fargate_profile::{self, FargateProfileOptions};
use crate::file::GeneratedFile;
use crate::iam::{self, PolicyForm, PolicyOptions};
use crate::injection::Injection;
use crate::logging::{self, LoggingError, LoggingOptions};
use crate::monitor::{self, MonitorOptions};
use crate::rbac::{self, RbacOptions};
use crate::runbook::{self, AgentSteps, RunbookOptions};
use crate::subscription::{self, SubscriptionOptions};
use crate::{helm_values, operator};

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllOptions {
    pub logging: LoggingOptions,
    /// What the Agents beside the pods need, too.
    pub agent: Option<AgentSet>,
    /// The pod execution role's name.
    pub role: Option<String>,
    /// Documents are written as JSON, under other names.
    pub json: bool,
}

/// The Agents' part of the set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentSet {
    pub injection: Injection,
    /// The Datadog Operator instead of the Helm chart.
    pub operator: bool,
    /// A secret that was made elsewhere, since its values are not the cluster's; without one the README says how to make it.
    pub secret: Option<GeneratedFile>,
}

/// Why there is no set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error(transparent)]
    Injection(#[from] Refused),
    #[error("{0}")]
    Other(String),
}

/// The files.
///
/// # Errors
/// [`AllError`].
pub fn generate(cluster: &Cluster, options: &AllOptions) -> Result<Vec<GeneratedFile>, AllError> {
    cluster.need(&[Need::Cluster, Need::Region, Need::Account, Need::Namespace])?;
    let other = |error: &dyn std::fmt::Display| AllError::Other(error.to_string());
    let profile = profile();
    let policy = PolicyOptions {
        form: PolicyForm::Cloudformation,
        role: options.role.clone(),
        process_logs: options.logging.process_logs,
        firehose_streams: options.logging.firehose_streams.clone(),
        opensearch_domains: domains(&options.logging.opensearch_hosts)?,
    };
    let mut files = vec![
        subscription::generate(cluster, &SubscriptionOptions::default()).map_err(|error| other(&error))?,
        fargate_profile::generate(cluster, &profile).map_err(|error| other(&error))?,
        iam::generate(cluster, &policy)?,
        logging::generate(cluster, &options.logging)?.0,
    ];
    if let Some(agent) = &options.agent {
        files.extend(agent.secret.clone());
        files.push(rbac::generate(cluster, &RbacOptions::default())?);
        files.push(if agent.operator {
            operator::generate(cluster, &agent.injection)?
        } else {
            helm_values::generate(cluster, &agent.injection)?
        });
    }
    let is_of_set = |file: &GeneratedFile| options.agent.is_some() || file.name != monitor::HEARTBEAT;
    files.extend(monitor::generate(cluster, &MonitorOptions::default())?.into_iter().filter(is_of_set));
    let runbook = runbook::write(cluster, &runbook_options(options));
    let readme =
        files.iter().fold(runbook, |readme, file| readme.replace(&file.name, &file.written_name(options.json)));
    files.push(GeneratedFile::text("README.md", readme));
    Ok(files)
}

fn runbook_options(options: &AllOptions) -> RunbookOptions<'_> {
    let agent = options.agent.as_ref().map(|agent| AgentSteps {
        datadog_namespace: &agent.injection.datadog_namespace,
        operator: agent.operator,
        has_secret: agent.secret.is_some(),
    });
    RunbookOptions { agent, role: options.role.as_deref(), profile: PROFILE }
}

/// What should be known before the files are used.
pub fn note(cluster: &Cluster) -> Option<String> {
    fargate_profile::note(cluster, &profile())
}

/// The Fargate profile's name.
const PROFILE: &str = "pods";

fn profile() -> FargateProfileOptions {
    FargateProfileOptions {
        name: PROFILE.to_owned(),
        labels: Vec::new(),
        pod_execution_role: None,
        more_namespaces: Vec::new(),
    }
}

/// The names of domains, out of the hosts that OpenSearch Service gives them: `search-NAME-….REGION.es.amazonaws.com`.
fn domains(hosts: &[String]) -> Result<Vec<String>, AllError> {
    let name = |host: &String| {
        let first = host.split('.').next()?;
        let rest = first.strip_prefix("search-").or_else(|| first.strip_prefix("vpc-"))?;
        Some(rest.rsplit_once('-')?.0.to_owned())
    };
    let unknown = |host: &String| {
        AllError::Other(format!(
            "--opensearch: {host} does not contain the domain's name, which the pod execution role's policy needs: use `generate logging` and \
             `generate iam --opensearch-domain NAME` instead"
        ))
    };
    hosts.iter().map(|host| name(host).ok_or_else(|| unknown(host))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_tells_the_name_of_its_domain() {
        let names = |host: &str| domains(&[host.to_owned()]);
        assert_eq!(names("search-my-logs-abc123.eu-west-1.es.amazonaws.com").unwrap(), ["my-logs"]);
        assert_eq!(names("vpc-logs-abc123.eu-west-1.es.amazonaws.com").unwrap(), ["logs"]);
        assert!(names("logs.example.com").unwrap_err().to_string().contains("--opensearch-domain"));
    }
}
