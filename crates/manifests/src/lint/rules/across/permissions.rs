//! Whether the pod execution role may do what the ConfigMap asks Fluent Bit to do. Fluent Bit's complaint of it is seen only by who
//! has its own log written, too.

use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::policy::{self, Allowed, Policies, PolicyStatement, WrittenLogGroup};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::lint::template;
use pipeline::glob;

const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";
const REFERENCE: &str = "AWS Service Authorization Reference, \"Amazon CloudWatch Logs\"";
const PLUGIN: &str = "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c";

pub(crate) static GROUP_NOT_ALLOWED: LintRule = LintRule {
    code: "PF911",
    name: "group-not-allowed",
    severity: Severity::Error,
    title: "The policy does not cover the log group that Fluent Bit writes to",
    why: "CloudWatch Logs rejects every write, so no pod's logs arrive.",
    fix: "Add the log group's ARN, ending in `:*`, to the policy's `Resource`; `podferry generate iam` writes such a policy.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, REFERENCE],
};

pub(crate) static WRITE_NOT_ALLOWED: LintRule = LintRule {
    code: "PF912",
    name: "write-not-allowed",
    severity: Severity::Error,
    title: "The policy does not allow an action that Fluent Bit needs to write logs",
    why: "CloudWatch Logs rejects every write, so no pod's logs arrive.",
    fix: "Add the action; `podferry generate iam` writes a policy with all of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, PLUGIN],
};

pub(crate) static CREATE_NOT_ALLOWED: LintRule = LintRule {
    code: "PF913",
    name: "create-group-not-allowed",
    severity: Severity::Error,
    title: "Fluent Bit should create the log group, but the policy does not allow it",
    why: "Until somebody creates the group, no logs arrive.",
    fix: "Add `logs:CreateLogGroup`, or create the group yourself and remove `auto_create_group`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, PLUGIN],
};

pub(crate) static RETENTION_NOT_ALLOWED: LintRule = LintRule {
    code: "PF914",
    name: "retention-not-allowed",
    severity: Severity::Error,
    title: "Fluent Bit should set the log group's retention, but the policy does not allow it",
    why: "The first logs of a new group are delayed, and the group keeps its logs forever.",
    fix: "Add `logs:PutRetentionPolicy`, or remove `log_retention_days`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, PLUGIN],
};

pub(crate) static EVERYTHING: LintRule = LintRule {
    code: "PF915",
    name: "policy-for-everything",
    severity: Severity::Note,
    title: "The policy lets Fluent Bit write to every log group in the account",
    why: "It works, but anyone who gets hold of the role can write to any log group, under any stream name and at your cost.",
    fix: "Name the log group: `arn:aws:logs:<region>:<account>:log-group:<name>:*`, as `podferry generate iam` does.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "IAM User Guide, \"Security best practices in IAM\""],
};

pub(crate) static WITHOUT_STREAMS: LintRule = LintRule {
    code: "PF916",
    name: "resource-without-streams",
    severity: Severity::Error,
    title: "The policy names a log group without its streams",
    why: "Without `:*` at the end, the ARN matches no log stream, so every write is rejected.",
    fix: "Add `:*` to the ARN.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[REFERENCE, "Amazon CloudWatch Logs User Guide, \"Overview of managing access permissions\""],
};

pub(crate) static OWN_LOG_NOT_ALLOWED: LintRule = LintRule {
    code: "PF917",
    name: "own-log-not-allowed",
    severity: Severity::Warning,
    title: "Fluent Bit should write its own log, but the policy does not cover that log group",
    why: "The log that would explain missing logs is then missing itself.",
    fix: "Add the group `<cluster>-fluent-bit-logs` to the policy, as `podferry generate iam --process-logs` does.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static RULES: &[&LintRule] = &[
    &GROUP_NOT_ALLOWED,
    &WRITE_NOT_ALLOWED,
    &CREATE_NOT_ALLOWED,
    &RETENTION_NOT_ALLOWED,
    &EVERYTHING,
    &WITHOUT_STREAMS,
    &OWN_LOG_NOT_ALLOWED,
];

const WRITE: &str = "logs:PutLogEvents";
const CREATE_STREAM: &str = "logs:CreateLogStream";
const CREATE_GROUP: &str = "logs:CreateLogGroup";
const RETENTION: &str = "logs:PutRetentionPolicy";
/// Only AWS's plugin in Go looks streams up.
const DESCRIBE: &str = "logs:DescribeLogStreams";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let policies = Policies::new(project);
    for statement in &policies.of_logs {
        if !policies.is_of_others(statement) {
            everything(*statement, findings);
        }
        without_streams(*statement, project, findings);
    }
    if policies.is_unknown || policies.of_logs.is_empty() {
        return;
    }
    for output in project.logging.iter().flat_map(|logging| cloudwatch::outputs(logging)) {
        hold(output, &policies, project, findings);
    }
    own_log(&policies.of_logs, project, findings);
}

fn own_log(statements: &[PolicyStatement<'_>], project: &Project<'_>, findings: &mut Findings) {
    let Some(cluster) = project.expected.cluster.as_deref() else { return };
    let name = format!("{cluster}-fluent-bit-logs");
    let group = WrittenLogGroup { name: &name, region: None, account: None };
    if statements.iter().any(|one| one.has(WRITE) && one.covers(&group.target(WRITE)) != Allowed::No) {
        return;
    }
    let switches = project.logging.iter().filter_map(|logging| logging.object.node.path(&["data", "flb_log_cw"]));
    for switch in switches.filter(|switch| switch.is_true()) {
        findings.push(Finding::new(
            &OWN_LOG_NOT_ALLOWED,
            switch.place(),
            format!("the policy does not cover `{name}`"),
        ));
    }
}

fn everything(statement: PolicyStatement<'_>, findings: &mut Findings) {
    if statement.is_mixed() || (!statement.has(WRITE) && !statement.has(CREATE_GROUP)) {
        return;
    }
    if let Some(star) = statement.resources().find(|resource| resource.text() == Some("*")) {
        findings.push(Finding::new(&EVERYTHING, star.place(), "this allows writing to every log group in the account"));
    }
}

fn without_streams(statement: PolicyStatement<'_>, project: &Project<'_>, findings: &mut Findings) {
    if !statement.has(WRITE) && !statement.has(CREATE_STREAM) {
        return;
    }
    let all: Vec<&str> = statement.resources().filter_map(template::literal).collect();
    for resource in statement.resources() {
        let Some(arn) = template::literal(resource).filter(|arn| names_group_alone(arn)) else { continue };
        // Some policies name the group in both forms, one for the group and one for its streams.
        let stream = format!("{arn}:log-stream:x");
        let is_of_streams =
            |other: &&str| (other.starts_with(arn) && other.len() > arn.len()) || glob::covers(other, &stream);
        if all.iter().any(is_of_streams) {
            continue;
        }
        let with_streams = format!("{arn}:*");
        let edit = resource.rewrite(&with_streams, project.source(resource.place()));
        let message = "this ARN covers the log group but not its streams, which is where logs are written";
        let fix = format!("Write `{with_streams}`.");
        findings.push(Finding::new(&WITHOUT_STREAMS, resource.place(), message).fix(fix).edits(edit));
    }
}

/// `arn:…:log-group:name`, without a star at its end that could be streams.
fn names_group_alone(arn: &str) -> bool {
    let resource = arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("log-group:"));
    resource.is_some_and(|name| !name.is_empty() && !name.contains([':', '<']) && !name.ends_with('*'))
}

/// What an output needs: an action, the option that asks for it, and the rule.
fn needs(output: CloudWatchOutput<'_, '_>) -> Vec<(&'static str, Option<&'static str>, &'static LintRule)> {
    let creates = output.section.is_on("auto_create_group") == Some(true);
    let has_retention = output.section.get("log_retention_days").is_some_and(|days| days != "0");
    let mut needs = vec![(CREATE_STREAM, None, &WRITE_NOT_ALLOWED), (WRITE, None, &WRITE_NOT_ALLOWED)];
    if output.section.plugin() == "cloudwatch" {
        needs.push((DESCRIBE, None, &WRITE_NOT_ALLOWED));
    }
    if creates {
        needs.push((CREATE_GROUP, Some("auto_create_group"), &CREATE_NOT_ALLOWED));
    }
    if creates && has_retention {
        needs.push((RETENTION, Some("log_retention_days"), &RETENTION_NOT_ALLOWED));
    }
    needs
}

fn hold(output: CloudWatchOutput<'_, '_>, policies: &Policies<'_>, project: &Project<'_>, findings: &mut Findings) {
    let Some(property) = output.log_group() else { return };
    // Who takes another role has another policy.
    if output.section.property("role_arn").is_some() {
        return;
    }
    let group = WrittenLogGroup {
        name: &property.value.value,
        region: output.region(),
        account: project.expected.account.as_deref(),
    };
    let (place, statements) = (output.section.value_place(property), &policies.of_logs);
    let allows =
        |one: &PolicyStatement<'_>, action| one.has(action) && one.covers(&group.target(action)) != Allowed::No;
    let is_covered = |one: &&PolicyStatement<'_>| ALL.iter().any(|action| allows(one, action));
    let about: Vec<&PolicyStatement<'_>> = statements.iter().filter(is_covered).collect();
    if about.is_empty() {
        not_covered(statements, group, place, findings);
        return;
    }
    for (action, option, rule) in needs(output) {
        let needed = option.map_or(place, |option| output.section.place_of(option));
        let target = group.target(action);
        let denies = |one: &&PolicyStatement<'_>| policies.denies(one.policy, action, &target);
        if let Some(denial) = about.iter().find_map(denies) {
            let effect = denial.node.get("Effect").unwrap_or(denial.node).place();
            let finding = Finding::new(rule, effect, format!("`{action}` on `{}` is denied", group.name));
            let finding = finding.fix("Leave the action, or this log group, out of the statement that denies.");
            findings.push(finding.related(needed, "Fluent Bit needs it for this"));
            continue;
        }
        // Another rule says that the streams are missing.
        let is_near =
            |one: &PolicyStatement<'_>| one.has(action) && one.resources().any(|resource| is_near(resource, group));
        if statements.iter().any(|one| allows(one, action) || is_near(one)) {
            continue;
        }
        let Some(actions) = about.iter().find_map(|one| one.actions()) else { continue };
        let message = format!("`{action}` on `{}` is not allowed", group.name);
        findings.push(Finding::new(rule, actions.key, message).related(needed, "Fluent Bit needs it for this"));
    }
}

/// Other policies about logs may be for anything: one that is alone is meant, and one that is for a group with a similar name.
fn not_covered(statements: &[PolicyStatement<'_>], group: WrittenLogGroup<'_>, place: Place, findings: &mut Findings) {
    let resources: Vec<YamlNode<'_>> = statements.iter().flat_map(PolicyStatement::resources).collect();
    if resources.iter().any(|resource| is_near(*resource, group)) {
        return;
    }
    let is_alone = statements.windows(2).all(|pair| pair[0].policy == pair[1].policy);
    let is_similar = |resource: &&YamlNode<'_>| {
        let parts = group.name.split('/').filter(|part| !part.is_empty() && *part != "aws");
        let arn = resource.text().unwrap_or_default();
        parts.into_iter().any(|part| arn.split(['/', ':']).any(|other| other == part))
    };
    let meant = resources.iter().find(is_similar).or_else(|| resources.first().filter(|_| is_alone));
    if let Some(resource) = meant {
        let anywhere = WrittenLogGroup { region: None, ..group }.target(WRITE);
        let is_elsewhere = |arn: &str| policy::arn_covers(arn, &anywhere);
        let message = match group.region.filter(|_| resource.text().is_some_and(is_elsewhere)) {
            Some(region) => format!("the policy does not cover `{}` in {region}", group.name),
            None => format!("the policy does not cover `{}`", group.name),
        };
        let finding = Finding::new(&GROUP_NOT_ALLOWED, place, message);
        findings.push(finding.related(resource.place(), "the policy covers this"));
    }
}

const ALL: [&str; 5] = [CREATE_STREAM, WRITE, DESCRIBE, CREATE_GROUP, RETENTION];

/// Whether only the streams are missing.
fn is_near(resource: YamlNode<'_>, group: WrittenLogGroup<'_>) -> bool {
    let arn = template::literal(resource).filter(|arn| names_group_alone(arn));
    arn.is_some_and(|arn| policy::arn_covers(&format!("{arn}:*"), &group.target(WRITE)))
}
