//! Subscription filters for log groups, as a template of CloudFormation: CloudWatch Logs then hands their events to the
//! forwarder.
//!
//! Source: AWS CloudFormation, `AWS::Logs::SubscriptionFilter` and `AWS::Lambda::Permission`.

use crate::cluster::{Cluster, Missing, Need};
use crate::file::GeneratedFile;
use crate::node::{Map, Node};
use crate::preset::LoggingPreset;

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// Log groups; without any, the cluster's.
    pub log_groups: Vec<String>,
    /// The forwarder's ARN, where it is known already.
    pub forwarder_arn: Option<String>,
    /// A filter pattern of CloudWatch Logs; empty takes everything.
    pub filter_pattern: String,
    /// Whether each event is to say which account and region it came from: for log groups that centralise those of others.
    pub emit_system_fields: bool,
}

/// The system fields that the forwarder makes tags of.
/// Source: AWS CloudFormation, `AWS::Logs::SubscriptionFilter`, `EmitSystemFields`.
pub const SYSTEM_FIELDS: [&str; 2] = ["@aws.account", "@aws.region"];

/// Why there is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("log group {0} is given twice; two subscriptions of one group would send every log twice")]
    Twice(String),
}

/// What should be known before the template is used: a pattern that leaves records of metadata out leaves tags and masks out.
/// Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax".
pub fn note(cluster: &Cluster, options: &SubscriptionOptions) -> Option<&'static str> {
    let pattern = options.filter_pattern.trim();
    let leaves_out =
        cluster.preset() == LoggingPreset::Compact && !pattern.is_empty() && !pattern.contains("kubernetes");
    leaves_out.then_some(
        "with the preset compact, the filter pattern must also match the metadata records, such as `?ERROR ?kubernetes`; else logs lack tags and masks",
    )
}

/// The template.
///
/// # Errors
/// [`SubscriptionError`].
pub fn generate(cluster: &Cluster, options: &SubscriptionOptions) -> Result<GeneratedFile, SubscriptionError> {
    let mut groups = options.log_groups.clone();
    if groups.is_empty() {
        cluster.need(&[Need::Cluster])?;
        groups.push(cluster.log_group());
    }
    for (number, group) in groups.iter().enumerate() {
        if groups[..number].contains(group) {
            return Err(SubscriptionError::Twice(group.clone()));
        }
    }
    let mut resources = Map::new();
    for (number, group) in (1..).zip(&groups) {
        resources = resources
            .with_comment(
                "CloudWatch Logs test-invokes the function when a filter is created, so the permission must exist first.",
                &format!("LogsMayInvoke{number}"),
                permission(group),
            )
            .with(&format!("Subscription{number}"), subscription(number, group, options));
    }
    let forwarder = Map::new()
        .with("Type", "String")
        .with(
            "Description",
            "ARN of the forwarder (output ForwarderArn of its stack). It must be in this account and region. If it names an alias, name the \
             alias in the parameter SubscribedAlias of that stack too, or its failed events are dropped.",
        )
        .with("AllowedPattern", "^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:.+$")
        .with_some("Default", options.forwarder_arn.as_deref());
    let template = Map::new()
        .with("AWSTemplateFormatVersion", "2010-09-09")
        .with("Description", "Sends the events of log groups to the podferry forwarder")
        .with("Parameters", Map::new().with("ForwarderArn", forwarder))
        .with("Resources", resources);
    let introduction = "Subscription filters for the podferry forwarder. A log group takes at most two, and none if its class is INFREQUENT_ACCESS. \
                        The groups must exist.";
    Ok(GeneratedFile::documents("subscription.yaml", introduction, vec![template]))
}

fn reference(name: &str) -> Map {
    Map::new().with("Ref", name)
}

fn permission(group: &str) -> Map {
    let arn = format!("arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{group}:*");
    Map::new().with("Type", "AWS::Lambda::Permission").with(
        "Properties",
        Map::new()
            .with("Action", "lambda:InvokeFunction")
            .with("FunctionName", reference("ForwarderArn"))
            .with("Principal", "logs.amazonaws.com")
            .with("SourceAccount", reference("AWS::AccountId"))
            .with("SourceArn", Map::new().with("Fn::Sub", arn)),
    )
}

fn subscription(number: usize, group: &str, options: &SubscriptionOptions) -> Map {
    let properties = Map::new()
        .with("LogGroupName", group)
        .with("FilterPattern", options.filter_pattern.as_str())
        .with("DestinationArn", reference("ForwarderArn"));
    let properties = if options.emit_system_fields {
        properties.with("EmitSystemFields", Node::list(SYSTEM_FIELDS))
    } else {
        properties
    };
    Map::new()
        .with("Type", "AWS::Logs::SubscriptionFilter")
        .with("DependsOn", Node::list([format!("LogsMayInvoke{number}")]))
        .with("Properties", properties)
}
