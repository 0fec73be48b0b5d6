//! Subscription filters in templates: those that CloudWatch Logs rejects, and those that never end.

use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::subscription::{self, Subscription};
use crate::lint::template::{self, Resource, reference};

const FILTERS: &str = "Amazon CloudWatch Logs User Guide, \"Subscription filters\"";

pub(crate) static LOOP: LintRule = LintRule {
    code: "PF921",
    name: "subscription-loop",
    severity: Severity::Error,
    title: "A function is subscribed to its own log group",
    why: "Each invocation logs lines that invoke it again: an endless loop that you pay for.",
    fix: "Subscribe the pods' log group, not the function's own.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTERS, "AWS Lambda Developer Guide, \"Recursive loop detection\""],
};

pub(crate) static TOO_MANY: LintRule = LintRule {
    code: "PF922",
    name: "too-many-subscriptions",
    severity: Severity::Error,
    title: "A log group has more than two subscription filters",
    why: "CloudWatch Logs allows two per log group and rejects the third.",
    fix: "Keep two; several consumers can share one filter through a Kinesis stream.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Amazon CloudWatch Logs User Guide, \"CloudWatch Logs quotas\""],
};

pub(crate) static ROLE: LintRule = LintRule {
    code: "PF923",
    name: "subscription-role-for-function",
    severity: Severity::Error,
    title: "A subscription filter with a function as its destination has a role",
    why: "CloudWatch Logs rejects it: for a function, the permission belongs to the function.",
    fix: "Remove `RoleArn`, and let `logs.amazonaws.com` invoke the function with an AWS::Lambda::Permission.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["AWS CloudFormation, AWS::Logs::SubscriptionFilter", "cloudtools/troposphere#413"],
};

pub(crate) static NO_PERMISSION: LintRule = LintRule {
    code: "PF924",
    name: "subscription-without-permission",
    severity: Severity::Error,
    title: "A subscription filter's destination is a function that CloudWatch Logs may not invoke",
    why: "CloudWatch Logs test-invokes the function when the filter is created, so the stack fails.",
    fix: "Add an AWS::Lambda::Permission for this function with `Principal: logs.amazonaws.com`, and make the filter depend on it.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTERS, "AWS CloudFormation, AWS::Lambda::Permission"],
};

pub(crate) static CLASS: LintRule = LintRule {
    code: "PF925",
    name: "subscription-of-infrequent-access",
    severity: Severity::Error,
    title: "A subscription filter is on a log group whose class does not support filters",
    why: "CloudWatch Logs supports filters only for the STANDARD class, and a log group's class cannot be changed.",
    fix: "Create a log group of the STANDARD class.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Amazon CloudWatch Logs User Guide, \"Log classes\""],
};

pub(crate) static RULES: &[&LintRule] = &[&LOOP, &TOO_MANY, &ROLE, &NO_PERMISSION, &CLASS];

/// How many filters a log group takes. Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs quotas".
const MAX_FILTERS: usize = 2;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let resources = template::resources(project);
    let subscriptions = subscription::all(&resources);
    for (number, subscription) in subscriptions.iter().enumerate() {
        own_log(subscription, &resources, findings);
        role(subscription, &resources, findings);
        permission(subscription, &resources, findings);
        class(subscription, &resources, findings);
        let before: Vec<&Subscription<'_>> =
            subscriptions.iter().take(number).filter(|other| are_on_one_group(other, subscription)).collect();
        if before.len() == MAX_FILTERS {
            let mut finding =
                Finding::new(&TOO_MANY, subscription.group.place(), "this is the log group's third filter");
            for other in before {
                finding = finding.related(other.group.place(), "another one");
            }
            findings.push(finding);
        }
    }
}

fn are_on_one_group(one: &Subscription<'_>, other: &Subscription<'_>) -> bool {
    let name = one.group_name();
    let refers = reference(one.group);
    one.resource.is_beside(&other.resource)
        && ((name.is_some() && name == other.group_name()) || (refers.is_some() && refers == reference(other.group)))
        // Of several on a condition, not all are made.
        && [one, other].iter().all(|one| one.resource.entry.value.get("Condition").is_none())
}

fn own_log(subscription: &Subscription<'_>, resources: &[Resource<'_>], findings: &mut Findings) {
    let function = subscription.function(resources);
    let of_template = function.and_then(|function| function.property("FunctionName")).and_then(template::literal);
    let of_arn = subscription.function_arn().and_then(|arn| arn.split(':').nth(6));
    let is_own = subscription.group_name().is_some_and(|group| {
        let name = group.strip_prefix("/aws/lambda/");
        (name.is_some() && (name == of_template || name == of_arn))
            || (group.starts_with("/podferry/") && (function.is_some() || of_arn.is_some()))
    });
    // The function's own group may have a name of its own.
    let logs_to =
        function.and_then(|function| function.property("LoggingConfig")).and_then(|config| config.get("LogGroup"));
    let is_same = |own| reference(own).is_some() && reference(own) == reference(subscription.group);
    if is_own || logs_to.is_some_and(is_same) {
        let finding = Finding::new(&LOOP, subscription.group.place(), "the function writes its own log to this group");
        findings.push(match subscription.destination {
            Some(destination) => finding.related(destination.place(), "the destination is the function"),
            None => finding,
        });
    }
}

fn role(subscription: &Subscription<'_>, resources: &[Resource<'_>], findings: &mut Findings) {
    if subscription.function(resources).is_none() && subscription.function_arn().is_none() {
        return;
    }
    let role =
        subscription.resource.entry.value.path(&["Properties"]).and_then(|properties| properties.entry("RoleArn"));
    let is_given = |role: &crate::lint::node::YamlEntry<'_>| {
        template::literal(role.value).is_some() || subscription.resource.referred(role.value, resources).is_some()
    };
    if let Some(role) = role.filter(is_given).filter(|_| subscription.destination.is_some()) {
        let finding = Finding::new(&ROLE, role.key, "a filter with a function as its destination takes no role");
        findings.push(match subscription.destination {
            Some(destination) => finding.related(destination.place(), "this is a function"),
            None => finding,
        });
    }
}

fn permission(subscription: &Subscription<'_>, resources: &[Resource<'_>], findings: &mut Findings) {
    // SAM makes the permission of an event.
    let Some(destination) = subscription.destination else { return };
    let Some(function) = subscription.function(resources) else { return };
    let is_of_logs = |resource: &Resource<'_>| {
        let principal = resource.property("Principal").and_then(template::literal);
        principal.is_none_or(|principal| principal.starts_with("logs."))
    };
    let is_of_function = |resource: &Resource<'_>| {
        let named = resource.property("FunctionName").and_then(|name| resource.referred(name, resources));
        named.is_none_or(|named| named.entry.name == function.entry.name)
    };
    let has = resources.iter().any(|resource| {
        resource.kind == "AWS::Lambda::Permission"
            && resource.is_beside(function)
            && is_of_logs(resource)
            && is_of_function(resource)
    });
    if !has {
        let message = format!("CloudWatch Logs may not invoke `{}`", function.entry.name);
        let finding = Finding::new(&NO_PERMISSION, destination.place(), message);
        findings.push(finding.related(function.entry.key, "the function"));
    }
}

fn class(subscription: &Subscription<'_>, resources: &[Resource<'_>], findings: &mut Findings) {
    let groups = resources.iter().filter(|resource| resource.kind == "AWS::Logs::LogGroup");
    let is_group = |group: &&Resource<'_>| {
        let name = group.property("LogGroupName").and_then(template::literal);
        let is_named = name.is_some() && name == subscription.group_name();
        is_named || (group.is_beside(&subscription.resource) && reference(subscription.group) == Some(group.entry.name))
    };
    for group in groups.filter(is_group) {
        let Some(class) = group.property("LogGroupClass") else { continue };
        if let Some(name) = template::literal(class).filter(|class| *class != "STANDARD") {
            let message = format!("a log group of class {name} does not support subscription filters");
            let finding = Finding::new(&CLASS, subscription.group.place(), message);
            findings.push(finding.related(class.place(), "its class"));
        }
    }
}
