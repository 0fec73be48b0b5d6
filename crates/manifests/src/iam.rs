//! What the pod execution role has to be allowed, so that EKS Fargate's Fluent Bit can write: scoped to what it writes to.
//!
//! Source: Amazon EKS User Guide, "Fargate logging", whose policy has `"Resource": "*"`; AWS Service Authorization Reference,
//! CloudWatch Logs, Amazon Data Firehose, OpenSearch Service.

use crate::cluster::{Cluster, Missing, Need};
use crate::file::GeneratedFile;
use crate::node::{Map, Node};

/// The name that commands and templates give the policy.
const POLICY_NAME: &str = "podferry-fargate-logging";

/// How the policy is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PolicyForm {
    /// The policy document alone.
    #[default]
    Json,
    /// AWS CLI commands that create and attach it.
    Commands,
    /// A CloudFormation template.
    Cloudformation,
}

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyOptions {
    pub form: PolicyForm,
    /// The pod execution role's name.
    pub role: Option<String>,
    /// Whether Fluent Bit writes its own log, too.
    pub process_logs: bool,
    pub firehose_streams: Vec<String>,
    /// Names of domains of OpenSearch.
    pub opensearch_domains: Vec<String>,
}

/// The policy, in the form that is asked for.
///
/// # Errors
/// [`Missing`] options.
pub fn generate(cluster: &Cluster, options: &PolicyOptions) -> Result<GeneratedFile, Missing> {
    cluster.need(&[Need::Cluster, Need::Region, Need::Account])?;
    let policy = policy(cluster, options);
    Ok(match options.form {
        PolicyForm::Json => GeneratedFile::text("iam-policy.json", json(&policy)),
        PolicyForm::Commands => GeneratedFile::text("iam.sh", commands(cluster, options, &policy)),
        PolicyForm::Cloudformation => GeneratedFile::documents(
            "iam.yaml",
            "Lets Fluent Bit on EKS Fargate write its logs: a policy for the pod execution role.",
            vec![template(options, policy)],
        ),
    })
}

/// The policy document.
pub(crate) fn policy(cluster: &Cluster, options: &PolicyOptions) -> Map {
    let arn = |service: &str, rest: &str| {
        format!("arn:{}:{service}:{}:{}:{rest}", cluster.partition(), cluster.region(), cluster.account())
    };
    let mut groups = vec![cluster.log_group()];
    if options.process_logs {
        // Source: Amazon EKS User Guide, "Fargate logging", shipping Fluent Bit process logs.
        groups.push(format!("{}-fluent-bit-logs", cluster.name()));
    }
    // The form that ends in a star is the one for all actions on a group and its streams.
    let groups = groups.iter().map(|group| arn("logs", &format!("log-group:{group}:*")));
    let mut statements = vec![statement(
        "WriteLogs",
        &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "logs:PutRetentionPolicy",
        ],
        groups,
    )];
    if !options.firehose_streams.is_empty() {
        let streams = options.firehose_streams.iter().map(|name| arn("firehose", &format!("deliverystream/{name}")));
        statements.push(statement("WriteToFirehose", &["firehose:PutRecord", "firehose:PutRecordBatch"], streams));
    }
    if !options.opensearch_domains.is_empty() {
        let domains = options.opensearch_domains.iter().map(|name| arn("es", &format!("domain/{name}/*")));
        statements.push(statement("WriteToOpenSearch", &["es:ESHttpPost", "es:ESHttpPut"], domains));
    }
    Map::new().with("Version", "2012-10-17").with("Statement", Node::list(statements))
}

fn statement(id: &str, actions: &[&str], resources: impl Iterator<Item = String>) -> Map {
    Map::new()
        .with("Sid", id)
        .with("Effect", "Allow")
        .with("Action", Node::list(actions.iter().copied()))
        .with("Resource", Node::list(resources))
}

fn json(policy: &Map) -> String {
    serde_json::to_string_pretty(policy).unwrap_or_default() + "\n"
}

fn commands(cluster: &Cluster, options: &PolicyOptions, policy: &Map) -> String {
    let find = format!(
        "# The pod execution role's name follows the last slash in the output of:\n\
         #   aws eks describe-fargate-profile --region {} --cluster-name {} --fargate-profile-name PROFILE \\\n\
         #     --query fargateProfile.podExecutionRoleArn --output text\n",
        cluster.region(),
        cluster.name()
    );
    let role = options.role.as_deref().unwrap_or("POD_EXECUTION_ROLE");
    format!(
        "{}aws iam create-policy --policy-name {POLICY_NAME} --policy-document '{}'\n\
         aws iam attach-role-policy --role-name {role} --policy-arn arn:{}:iam::{}:policy/{POLICY_NAME}\n",
        if options.role.is_some() { "" } else { &find },
        // Names and ARNs hold no quotes.
        serde_json::to_string(policy).unwrap_or_default(),
        cluster.partition(),
        cluster.account()
    )
}

fn template(options: &PolicyOptions, policy: Map) -> Map {
    let role = Map::new()
        .with("Type", "String")
        .with("Description", "Name of the pod execution role of the Fargate profile, without its path.")
        .with_some("Default", options.role.as_deref());
    Map::new()
        .with("AWSTemplateFormatVersion", "2010-09-09")
        .with("Description", "Lets Fluent Bit on EKS Fargate write its logs")
        .with("Parameters", Map::new().with("PodExecutionRoleName", role))
        .with(
            "Resources",
            Map::new().with(
                "FargateLogging",
                Map::new().with("Type", "AWS::IAM::ManagedPolicy").with(
                    "Properties",
                    Map::new()
                        .with("Description", "Writes the logs of EKS Fargate pods")
                        .with("Roles", Node::list([Map::new().with("Ref", "PodExecutionRoleName")]))
                        .with("PolicyDocument", policy),
                ),
            ),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;

    /// ARNs of the partition that the region is in, in all forms.
    #[test]
    fn arns_are_of_the_regions_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            let text = format!("cluster: prod\nregion: {region}\naccount: '111122223333'\n");
            let cluster = ClusterOptions::from_yaml(&text).unwrap().check().unwrap();
            for form in [PolicyForm::Json, PolicyForm::Commands, PolicyForm::Cloudformation] {
                let options =
                    PolicyOptions { form, firehose_streams: vec!["s".to_owned()], ..PolicyOptions::default() };
                let text = format!("{:?}", generate(&cluster, &options).unwrap());
                assert!(text.contains(&format!("arn:{partition}:logs:{region}:")), "{text}");
                assert_eq!(text.matches("arn:").count(), text.matches(&format!("arn:{partition}:")).count(), "{text}");
            }
        }
    }
}
