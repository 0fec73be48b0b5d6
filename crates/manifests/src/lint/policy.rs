//! Policies of IAM that let Fluent Bit write: alone, or in a template. What functions may do is not for Fluent Bit and left out.

use std::collections::HashMap;

use super::node::{YamlEntry, YamlNode};
use super::object::DocumentKind;
use super::project::Project;
use super::source::Place;
use super::template::{self, Resource};
use pipeline::glob;

/// Who takes the role that Fluent Bit has on Fargate. Source: Amazon EKS User Guide, "Amazon EKS Pod execution IAM role".
const FARGATE: &str = "eks-fargate-pods.amazonaws.com";

/// A statement that allows or denies something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PolicyStatement<'a> {
    pub(crate) node: YamlNode<'a>,
    /// Where the policy begins, or the role that it is written in: statements for one role have the same.
    pub(crate) policy: Place,
}

/// What is known of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    Yes,
    No,
    /// It depends on what a template makes.
    Unknown,
}

/// A log group that is written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenLogGroup<'g> {
    pub(crate) name: &'g str,
    pub(crate) region: Option<&'g str>,
    pub(crate) account: Option<&'g str>,
}

/// What an action is done to: the resource of an ARN, in all forms that a policy may name it in.
#[derive(Debug, Clone)]
pub(crate) struct PolicyTarget<'g> {
    pub(crate) service: &'static str,
    pub(crate) region: Option<&'g str>,
    pub(crate) account: Option<&'g str>,
    pub(crate) forms: Vec<String>,
}

/// All statements that could be for Fluent Bit.
#[derive(Debug, Default)]
pub(crate) struct Policies<'a> {
    /// Those that allow something with CloudWatch Logs.
    pub(crate) of_logs: Vec<PolicyStatement<'a>>,
    /// Those that allow something with the streams of other outputs.
    pub(crate) of_streams: Vec<PolicyStatement<'a>>,
    /// Those that deny something, whatever else allows it.
    pub(crate) denied: Vec<PolicyStatement<'a>>,
    /// What some allow cannot be known.
    pub(crate) is_unknown: bool,
    /// How many actions a policy allows of services that Fluent Bit has outputs for, and how many of others; by where it begins.
    actions: HashMap<(usize, usize), (usize, usize)>,
}

/// The services that EKS' Fluent Bit has outputs for. Source: Amazon EKS User Guide, "Fargate logging".
const OUTPUT_SERVICES: [&str; 4] = ["logs", "firehose", "kinesis", "es"];
/// The services that Fluent Bit writes streams of, beside CloudWatch Logs.
const STREAM_SERVICES: [&str; 2] = ["firehose", "kinesis"];

impl<'a> Policies<'a> {
    pub(crate) fn new(project: &Project<'a>) -> Policies<'a> {
        let resources = template::resources(project);
        let alone = project.of_what(DocumentKind::Policy).map(|object| (object.node, object.node.place()));
        let documents = alone.chain(resources.iter().flat_map(|one| documents(one, &resources)));
        let mut policies = Policies::default();
        for (document, policy) in documents {
            for node in document.get("Statement").into_iter().flat_map(one_or_many) {
                policies.add(PolicyStatement { node, policy });
            }
        }
        policies
    }

    fn add(&mut self, statement: PolicyStatement<'a>) {
        let node = statement.node;
        let is_inverted = node.get("NotAction").is_some() || node.get("NotResource").is_some();
        match node.get("Effect").and_then(YamlNode::text) {
            // What depends on a request, or on what is not named, is denied to others as a rule.
            Some("Deny") if !is_inverted && node.get("Condition").is_none() => self.denied.push(statement),
            Some("Deny") => {}
            _ if node.is_tagged() || is_inverted => self.is_unknown = true,
            Some("Allow") => {
                let (own, others) = self.actions.entry(statement.key()).or_default();
                for action in statement.all_actions() {
                    *(if is_of_outputs(action) { &mut *own } else { &mut *others }) += 1;
                }
                if statement.is_about("logs") && !statement.is_of_functions() {
                    self.of_logs.push(statement);
                }
                if STREAM_SERVICES.iter().any(|service| statement.is_about(service)) {
                    self.of_streams.push(statement);
                }
            }
            _ => {}
        }
    }

    /// Whether a policy is mostly about what Fluent Bit has no output for: then it is for somebody else, who also writes logs.
    pub(crate) fn is_of_others(&self, statement: &PolicyStatement<'_>) -> bool {
        self.actions.get(&statement.key()).is_some_and(|(own, others)| others > own)
    }

    /// The statement that denies an action, if one of the policy that allows it does.
    pub(crate) fn denies(&self, policy: Place, action: &str, target: &PolicyTarget<'_>) -> Option<PolicyStatement<'a>> {
        let is_it =
            |one: &&PolicyStatement<'a>| one.policy == policy && one.has(action) && one.covers(target) == Allowed::Yes;
        self.denied.iter().find(is_it).copied()
    }
}

/// The policies of a resource, unless they are those of something else than Fargate; and what they are of.
fn documents<'a>(resource: &Resource<'a>, all: &[Resource<'a>]) -> Vec<(YamlNode<'a>, Place)> {
    let with_place = |document: YamlNode<'a>| (document, document.place());
    match resource.kind {
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
            let roles =
                resource.property("Roles").into_iter().flat_map(YamlNode::items).chain(resource.property("RoleName"));
            let is_others = roles.filter_map(|role| resource.referred(role, all)).any(is_others_role);
            resource.property("PolicyDocument").filter(|_| !is_others).map(with_place).into_iter().collect()
        }
        "AWS::IAM::Role" if !is_others_role(resource) => {
            let policies = resource.property("Policies").into_iter().flat_map(YamlNode::items);
            let of_role = |document| (document, resource.entry.key);
            policies.filter_map(|policy| policy.get("PolicyDocument")).map(of_role).collect()
        }
        _ => Vec::new(),
    }
}

/// A role that is written out, and not for Fargate.
fn is_others_role(role: &Resource<'_>) -> bool {
    let statements = role.property("AssumeRolePolicyDocument").and_then(|document| document.get("Statement"));
    let principals: Vec<YamlNode<'_>> =
        statements.into_iter().flat_map(one_or_many).filter_map(|one| one.get("Principal")).collect();
    // Of a service whose name a template makes, what is written is enough: that of Fargate has no region.
    let services = principals.iter().filter_map(|principal| principal.get("Service")).flat_map(one_or_many);
    let is_for_fargate = services.into_iter().any(|service| service.tree().text().is_none_or(|name| name == FARGATE));
    !principals.is_empty() && !is_for_fargate
}

/// Whether an action is one of a service that Fluent Bit has an output for. `*` is anything: who may do that is not Fluent Bit.
fn is_of_outputs(action: &str) -> bool {
    let service = action.split_once(':').map(|(service, _)| service.to_ascii_lowercase());
    service.is_some_and(|service| OUTPUT_SERVICES.contains(&service.as_str()))
}

/// A value, or the items of a list.
fn one_or_many(node: YamlNode<'_>) -> impl Iterator<Item = YamlNode<'_>> {
    let one = (!node.is_list()).then_some(node);
    one.into_iter().chain(node.items())
}

impl<'a> PolicyStatement<'a> {
    pub(crate) fn actions(&self) -> Option<YamlEntry<'a>> {
        self.node.entry("Action")
    }

    pub(crate) fn resources(&self) -> impl Iterator<Item = YamlNode<'a>> {
        self.node.get("Resource").into_iter().flat_map(one_or_many)
    }

    /// Whether it has an action of a service.
    pub(crate) fn is_about(&self, service: &str) -> bool {
        let actions = self.node.get("Action").into_iter().flat_map(one_or_many).filter_map(YamlNode::text);
        actions.into_iter().any(|action| match action.split_once(':') {
            Some((of, _)) => glob::matches(&of.to_ascii_lowercase(), service, true),
            None => action == "*",
        })
    }

    /// Whether it also allows something that Fluent Bit has no output for: then it is for somebody else.
    pub(crate) fn is_mixed(&self) -> bool {
        self.all_actions().any(|action| !is_of_outputs(action))
    }

    fn all_actions(&self) -> impl Iterator<Item = &'a str> {
        self.node.get("Action").into_iter().flat_map(one_or_many).filter_map(YamlNode::text)
    }

    /// The policy that it is in.
    fn key(&self) -> (usize, usize) {
        (self.policy.source, self.policy.span.start)
    }

    /// Whether it is for the log groups of functions alone.
    fn is_of_functions(&self) -> bool {
        let is_functions =
            |resource: YamlNode<'_>| resource.text().is_some_and(|text| text.contains(":log-group:/aws/lambda/"));
        let mut resources = self.resources().peekable();
        resources.peek().is_some() && resources.all(is_functions)
    }

    /// Whether it has this action.
    pub(crate) fn has(&self, action: &str) -> bool {
        let wanted = action.to_ascii_lowercase();
        let actions = self.node.get("Action").into_iter().flat_map(one_or_many).filter_map(YamlNode::text);
        actions.map(str::to_ascii_lowercase).any(|pattern| glob::matches(&pattern, &wanted, true))
    }

    /// Whether it is about what an action is done to.
    pub(crate) fn covers(&self, target: &PolicyTarget<'_>) -> Allowed {
        let mut all = self.resources().map(|resource| resource_covers(resource, target)).peekable();
        if all.peek().is_none() {
            return Allowed::Unknown;
        }
        all.fold(Allowed::No, |before, one| match (before, one) {
            (Allowed::Yes, _) | (_, Allowed::Yes) => Allowed::Yes,
            (Allowed::Unknown, _) | (_, Allowed::Unknown) => Allowed::Unknown,
            _ => Allowed::No,
        })
    }
}

impl<'g> WrittenLogGroup<'g> {
    /// What an action is done to. A group is made under its name alone; streams are below it, with or without the word for them.
    pub(crate) fn target(&self, action: &str) -> PolicyTarget<'g> {
        let name = self.name;
        let streams = [format!("log-group:{name}:*"), format!("log-group:{name}:log-stream:x")];
        let itself =
            Some(format!("log-group:{name}")).filter(|_| action.ends_with("Group") || action.ends_with("Policy"));
        let forms = itself.into_iter().chain(streams).collect();
        PolicyTarget { service: "logs", region: self.region, account: self.account, forms }
    }
}

fn resource_covers(resource: YamlNode<'_>, target: &PolicyTarget<'_>) -> Allowed {
    match template::literal(resource).filter(|text| !text.contains('<')) {
        None => Allowed::Unknown,
        Some(pattern) if arn_covers(pattern, target) => Allowed::Yes,
        Some(_) => Allowed::No,
    }
}

/// Whether an ARN with stars is the target's. Segments that are missing at its end are stars.
///
/// Source: AWS Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs"; IAM User Guide,
/// "IAM JSON policy elements: Resource".
pub(crate) fn arn_covers(pattern: &str, target: &PolicyTarget<'_>) -> bool {
    if pattern.is_empty() || pattern.chars().all(|letter| letter == '*') {
        return !pattern.is_empty();
    }
    let mut parts = pattern.splitn(6, ':').chain(std::iter::repeat("*"));
    let mut next = || parts.next().unwrap_or("*");
    let (arn, _partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
    // An empty segment is that of a service without regions or accounts, and never a star.
    let is = |pattern: &str, value: Option<&str>| {
        !pattern.is_empty() && value.is_none_or(|value| glob::matches(pattern, value, true))
    };
    // What is no number stands for one.
    let is_account = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b"*?".contains(&byte));
    arn == "arn"
        && is(service, Some(target.service))
        && is(region, target.region)
        && is(account, target.account.filter(|_| is_account(account)))
        && target.forms.iter().any(|form| glob::matches(resource, form, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_with_stars() {
        let group = WrittenLogGroup { name: "/a/b", region: Some("eu-west-1"), account: Some("111122223333") };
        for (pattern, streams, itself) in [
            ("*", true, true),
            ("**", true, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b:*", true, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b", false, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/*/b", false, true),
            ("arn:aws:logs:eu-west-1:1111*:log-group:/a/?:*", true, true),
            ("arn:aws:logs:eu-west-1:2222*:log-group:/a/?:*", false, false),
            ("arn:aws-cn:logs:*:*:log-group:/a/*", true, true),
            ("arn:aws:logs:*:*:*", true, true),
            ("arn:aws:logs:*:*", true, true),
            ("arn:aws:logs:*", true, true),
            ("arn:aws:logs", true, true),
            ("arn:aws:logs:eu-*-1:ACCOUNT:log-group:/a/b:*", true, true),
            ("arn:aws:logs:eu-west-1::log-group:/a/b:*", false, false),
            ("arn:aws:logs::111122223333:log-group:/a/b:*", false, false),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b:log-stream:*", true, true),
            ("arn:aws:logs:us-east-1:111122223333:log-group:/a/b:*", false, false),
            ("arn:aws:logs:eu-west-1:999999999999:log-group:/a/b:*", false, false),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/bc:*", false, false),
            ("arn:aws:s3:::bucket", false, false),
            ("log-group:/a/b:*", false, false),
            ("", false, false),
        ] {
            assert_eq!(arn_covers(pattern, &group.target("logs:PutLogEvents")), streams, "{pattern}");
            assert_eq!(arn_covers(pattern, &group.target("logs:CreateLogGroup")), itself, "{pattern}");
        }
        let nowhere = WrittenLogGroup { region: None, account: None, ..group };
        assert!(arn_covers("arn:aws:logs:us-east-1:1:log-group:/a/b:*", &nowhere.target("logs:PutLogEvents")));
        assert!(!arn_covers("arn:aws:logs:us-east-1::log-group:/a/b:*", &nowhere.target("logs:PutLogEvents")));
    }
}
