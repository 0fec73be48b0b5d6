//! The whole set for a cluster: every manifest that its logs and Agents need, in the order in which they are applied, and a README
//! with the commands.

use crate::cluster::{Cluster, Missing, Need, Refused};
use crate::fargate_profile::{self, FargateProfileOptions};
use crate::file::GeneratedFile;
use crate::iam::{self, PolicyForm, PolicyOptions};
use crate::injection::Injection;
use crate::logging::{self, LoggingError, LoggingOptions};
use crate::monitor::{self, MonitorOptions};
use crate::rbac::{self, RbacOptions};
use crate::subscription::{self, SubscriptionOptions};
use crate::{helm_values, operator};

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllOptions {
    pub logging: LoggingOptions,
    pub injection: Injection,
    /// The Datadog Operator instead of the Helm chart.
    pub operator: bool,
    /// The pod execution role's name.
    pub role: Option<String>,
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

/// A step of the README.
struct ReadmeStep {
    title: &'static str,
    why: &'static str,
    commands: Vec<String>,
}

/// The files. `secret` is one that was made elsewhere, since its values are not the cluster's; without one the README says how to
/// make it.
///
/// # Errors
/// [`AllError`].
pub fn generate(
    cluster: &Cluster,
    options: &AllOptions,
    secret: Option<GeneratedFile>,
) -> Result<Vec<GeneratedFile>, AllError> {
    cluster.need(&[Need::Cluster, Need::Region, Need::Account, Need::Namespace])?;
    let other = |error: &dyn std::fmt::Display| AllError::Other(error.to_string());
    let profile = FargateProfileOptions {
        name: "pods".to_owned(),
        labels: Vec::new(),
        pod_execution_role: None,
        more_namespaces: Vec::new(),
    };
    let policy = PolicyOptions {
        form: PolicyForm::Cloudformation,
        role: options.role.clone(),
        process_logs: options.logging.process_logs,
        firehose_streams: options.logging.firehose_streams.clone(),
        opensearch_domains: domains(&options.logging.opensearch_hosts)?,
    };
    let has_secret = secret.is_some();
    let injection = if options.operator {
        operator::generate(cluster, &options.injection)?
    } else {
        helm_values::generate(cluster, &options.injection)?
    };
    let mut files = vec![
        fargate_profile::generate(cluster, &profile).map_err(|error| other(&error))?,
        iam::generate(cluster, &policy)?,
        logging::generate(cluster, &options.logging)?.0,
    ];
    files.extend(secret);
    files.push(rbac::generate(cluster, &RbacOptions::default())?);
    files.push(injection);
    files.push(subscription::generate(cluster, &SubscriptionOptions::default()).map_err(|error| other(&error))?);
    files.extend(monitor::generate(cluster, &MonitorOptions::default())?);
    files.push(GeneratedFile::text("README.md", readme(cluster, options, has_secret)));
    Ok(files)
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
            "--opensearch: {host} does not tell the domain's name, which the pod execution role's policy needs: use `generate logging` and \
             `generate iam --opensearch-domain NAME` for it"
        ))
    };
    hosts.iter().map(|host| name(host).ok_or_else(|| unknown(host))).collect()
}

fn readme(cluster: &Cluster, options: &AllOptions, has_secret: bool) -> String {
    let mut out = format!(
        "# Logs and Agents of {} on EKS Fargate\n\nMade by `podferry generate all`. Apply it in this order. What is there already you can leave \
         out.\n",
        cluster.name()
    );
    for (number, step) in (1..).zip(steps(cluster, options, has_secret)) {
        out.push_str(&format!(
            "\n## {number}. {}\n\n{}\n\n```sh\n{}\n```\n",
            step.title,
            step.why,
            step.commands.join("\n")
        ));
    }
    out
}

fn steps(cluster: &Cluster, options: &AllOptions, has_secret: bool) -> Vec<ReadmeStep> {
    let (name, region) = (cluster.name(), cluster.region());
    let namespaces = cluster.namespaces();
    let step = |title, why, commands: Vec<String>| ReadmeStep { title, why, commands };
    let role = match &options.role {
        Some(_) => String::new(),
        None => " \\\n  --parameter-overrides PodExecutionRoleName=ROLE".to_owned(),
    };
    let restart = namespaces.iter().map(|namespace| format!("kubectl -n {namespace} rollout restart deployment"));
    vec![
        step(
            "Fargate profile",
            "Which pods run on Fargate. Skip it if there is a profile for these namespaces.",
            vec!["eksctl create fargateprofile -f fargate-profile.yaml".to_owned()],
        ),
        step(
            "Permission to write logs",
            "For the pod execution role of the profile. `aws eks describe-fargate-profile` tells its name.",
            vec![format!(
                "aws cloudformation deploy --region {region} --stack-name {name}-fargate-logging --template-file iam.yaml \\\n  --capabilities \
                 CAPABILITY_IAM{role}"
            )],
        ),
        step(
            "How Fluent Bit writes",
            "Namespace and ConfigMap. Only pods that start afterwards use it.",
            vec!["kubectl apply -f logging.yaml".to_owned()],
        ),
        secret_step(cluster, options, has_secret),
        step("RBAC", "What the Agent in a pod may read.", vec!["kubectl apply -f rbac.yaml".to_owned()]),
        injection_step(options),
        step(
            "The forwarder",
            "The Lambda, from podferry's own folder. Its template makes the first subscription itself; `subscription.yaml` is for groups beyond that, \
             and for a forwarder that is there already.",
            vec![format!(
                "scripts/deploy ClusterName={name} LogGroupName={} Site={} ApiKeySecretArn=ARN",
                cluster.log_group(),
                cluster.site()
            )],
        ),
        step("New pods", "Pods that run already have neither logging nor a sidecar.", restart.collect()),
        step(
            "Monitor and dashboard",
            "With an application key of Datadog.",
            [("monitor", "monitor"), ("dashboard", "dashboard")]
                .map(|(file, path)| {
                    format!(
                        "curl -sS https://api.{}/api/v1/{path} -H \"DD-API-KEY: $DD_API_KEY\" -H \"DD-APPLICATION-KEY: $DD_APP_KEY\" \\\n  -H \
                         'Content-Type: application/json' -d @{file}.json",
                        cluster.site()
                    )
                })
                .into(),
        ),
    ]
}

fn secret_step(cluster: &Cluster, options: &AllOptions, has_secret: bool) -> ReadmeStep {
    let datadog = &options.injection.datadog_namespace;
    let mut commands: Vec<String> = [datadog]
        .into_iter()
        .chain(cluster.namespaces())
        .map(|namespace| format!("kubectl create namespace {namespace} --dry-run=client -o yaml | kubectl apply -f -"))
        .collect();
    if has_secret {
        commands.push("kubectl apply -f secret.yaml".to_owned());
    } else {
        let namespaces: String = cluster.namespaces().iter().map(|name| format!(" --namespace {name}")).collect();
        commands.push(format!(
            "DD_API_KEY=… podferry generate secret{namespaces} --datadog-namespace {datadog} | kubectl apply -f -"
        ));
    }
    ReadmeStep {
        title: "API key and token",
        why: "The Secret `datadog-secret`, by exactly this name, in every namespace with a sidecar and in the Cluster Agent's.",
        commands,
    }
}

fn injection_step(options: &AllOptions) -> ReadmeStep {
    let namespace = &options.injection.datadog_namespace;
    let commands = if options.operator {
        vec![
            "helm repo add datadog https://helm.datadoghq.com".to_owned(),
            format!(
                "helm install datadog-operator datadog/datadog-operator --namespace {namespace} --create-namespace"
            ),
            format!("kubectl -n {namespace} apply -f operator.yaml"),
        ]
    } else {
        vec![
            "helm repo add datadog https://helm.datadoghq.com".to_owned(),
            format!(
                "helm upgrade --install datadog datadog/datadog --namespace {namespace} --create-namespace -f helm-values.yaml"
            ),
        ]
    };
    ReadmeStep {
        title: "Cluster Agent",
        why: "It injects the Agent into pods with the label `agent.datadoghq.com/sidecar: fargate`. Without it, `podferry inject` writes the sidecar \
              into your manifests.",
        commands,
    }
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
