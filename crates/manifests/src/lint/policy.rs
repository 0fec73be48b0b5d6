//! Policies of IAM that let Fluent Bit write: alone, or in a template. What functions may do is not for Fluent Bit and left out.

use super::node::{YamlEntry, YamlNode};
use super::object::DocumentKind;
use super::project::Project;
use super::source::Place;
use super::template::{self, Resource};
use pipeline::glob;

/// Who takes the role that Fluent Bit has on Fargate. Source: Amazon EKS User Guide, "Amazon EKS Pod execution IAM role".
const FARGATE: &str = "eks-fargate-pods.amazonaws.com";

/// A statement that allows something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PolicyStatement<'a> {
    pub(crate) node: YamlNode<'a>,
    /// Where the policy begins: statements of one policy have the same.
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

/// All statements that are about CloudWatch Logs and could be for Fluent Bit; and whether some cannot be known.
pub(crate) fn statements<'a>(project: &Project<'a>) -> (Vec<PolicyStatement<'a>>, bool) {
    let resources = template::resources(project);
    let alone = project.of_what(DocumentKind::Policy).map(|object| object.node);
    let documents: Vec<YamlNode<'a>> =
        alone.chain(resources.iter().flat_map(|one| documents(one, &resources))).collect();
    let (mut found, mut is_unknown) = (Vec::new(), false);
    for document in documents {
        let Some(statements) = document.get("Statement") else { continue };
        let all: Vec<YamlNode<'a>> = if statements.is_list() { statements.items().collect() } else { vec![statements] };
        for node in all {
            let statement = PolicyStatement { node, policy: document.place() };
            is_unknown |= node.is_tagged() || node.get("NotAction").is_some() || node.get("NotResource").is_some();
            let is_allow = node.get("Effect").and_then(YamlNode::text) == Some("Allow");
            if is_allow && statement.is_about_logs() && !statement.is_of_functions() {
                found.push(statement);
            }
        }
    }
    (found, is_unknown)
}

/// The policies of a resource, unless they are those of something else than Fargate.
fn documents<'a>(resource: &Resource<'a>, all: &[Resource<'a>]) -> Vec<YamlNode<'a>> {
    match resource.kind {
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
            let roles =
                resource.property("Roles").into_iter().flat_map(YamlNode::items).chain(resource.property("RoleName"));
            let is_others = roles.filter_map(|role| resource.referred(role, all)).any(is_others_role);
            resource.property("PolicyDocument").filter(|_| !is_others).into_iter().collect()
        }
        "AWS::IAM::Role" if !is_others_role(resource) => {
            let policies = resource.property("Policies").into_iter().flat_map(YamlNode::items);
            policies.filter_map(|policy| policy.get("PolicyDocument")).collect()
        }
        _ => Vec::new(),
    }
}

/// A role that is written out, and not for Fargate.
fn is_others_role(role: &Resource<'_>) -> bool {
    let statements = role.property("AssumeRolePolicyDocument").and_then(|document| document.get("Statement"));
    let principals =
        statements.into_iter().flat_map(YamlNode::items).filter_map(|one| one.path(&["Principal", "Service"]));
    let services: Vec<&str> = principals.flat_map(one_or_many).filter_map(YamlNode::text).collect();
    !services.is_empty() && !services.contains(&FARGATE)
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

    fn is_about_logs(&self) -> bool {
        let actions = self.node.get("Action").into_iter().flat_map(one_or_many);
        actions
            .filter_map(YamlNode::text)
            .any(|action| action == "*" || action.to_ascii_lowercase().starts_with("logs:"))
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

    /// Whether it is about this group.
    pub(crate) fn covers(&self, action: &str, group: WrittenLogGroup<'_>) -> Allowed {
        let mut all = self.resources().map(|resource| resource_covers(resource, action, group)).peekable();
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

fn resource_covers(resource: YamlNode<'_>, action: &str, group: WrittenLogGroup<'_>) -> Allowed {
    match template::literal(resource).filter(|text| !text.contains('<')) {
        None => Allowed::Unknown,
        Some(pattern) if arn_covers(pattern, action, group) => Allowed::Yes,
        Some(_) => Allowed::No,
    }
}

/// Whether an ARN with stars is the group's. Source: AWS Service Authorization Reference, "Actions, resources, and condition keys for
/// Amazon CloudWatch Logs"; IAM User Guide, "IAM JSON policy elements: Resource".
pub(crate) fn arn_covers(pattern: &str, action: &str, group: WrittenLogGroup<'_>) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [arn, _, service, region, account, resource] = parts[..] else {
        return pattern.chars().all(|letter| letter == '*') && !pattern.is_empty();
    };
    let is = |pattern: &str, value: Option<&str>| value.is_none_or(|value| glob::matches(pattern, value, true));
    let is_account = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = group.name;
    // A group is made under its name alone; streams are below it, with or without the word for them.
    let forms: &[String] = match action {
        "logs:CreateLogGroup" | "logs:PutRetentionPolicy" => {
            &[format!("log-group:{name}"), format!("log-group:{name}:*"), format!("log-group:{name}:log-stream:x")]
        }
        _ => &[format!("log-group:{name}:log-stream:x"), format!("log-group:{name}:*")],
    };
    arn.starts_with("arn")
        && is(service, Some("logs"))
        && is(region, group.region)
        && (!is_account(account) || is(account, group.account))
        && forms.iter().any(|form| glob::matches(resource, form, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_with_stars() {
        let group = WrittenLogGroup { name: "/a/b", region: Some("eu-west-1"), account: Some("111122223333") };
        for (pattern, streams, itself) in [
            ("*", true, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b:*", true, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b", false, true),
            ("arn:aws-cn:logs:*:*:log-group:/a/*", true, true),
            ("arn:aws:logs:*:*:*", true, true),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/b:log-stream:*", true, true),
            ("arn:aws:logs:us-east-1:111122223333:log-group:/a/b:*", false, false),
            ("arn:aws:logs:eu-west-1:999999999999:log-group:/a/b:*", false, false),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/a/bc:*", false, false),
            ("arn:aws:s3:::bucket", false, false),
            ("", false, false),
        ] {
            assert_eq!(arn_covers(pattern, "logs:PutLogEvents", group), streams, "{pattern}");
            assert_eq!(arn_covers(pattern, "logs:CreateLogGroup", group), itself, "{pattern}");
        }
    }
}
