//! Whether the pod execution role may write to the streams of Firehose and Kinesis that are outputs.

use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::policy::{Allowed, Policies, PolicyStatement, PolicyTarget};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static NOT_ALLOWED: LintRule = LintRule {
    code: "PF961",
    name: "stream-not-allowed",
    severity: Severity::Error,
    title: "The policy does not let Fluent Bit write to a stream of Firehose or Kinesis",
    why: "The service rejects every record, and Fluent Bit only says so in its own log.",
    fix: "Allow `firehose:PutRecordBatch` on the delivery stream, or `kinesis:PutRecords` on the stream; `podferry generate iam --firehose` writes such a policy.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"",
        "fluent/fluent-bit, plugins/out_kinesis_firehose/firehose_api.c",
        "AWS Service Authorization Reference, \"Amazon Kinesis Firehose\" and \"Amazon Kinesis Data Streams\"",
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_ALLOWED];

/// An output to streams: the option with the stream's name, what writes there, and what an ARN calls it.
struct StreamOutput {
    plugin: &'static str,
    option: &'static str,
    service: &'static str,
    action: &'static str,
    resource: &'static str,
}

const OUTPUTS: [StreamOutput; 3] = [
    StreamOutput {
        plugin: "kinesis_firehose",
        option: "delivery_stream",
        service: "firehose",
        action: "firehose:PutRecordBatch",
        resource: "deliverystream",
    },
    StreamOutput {
        plugin: "firehose",
        option: "delivery_stream",
        service: "firehose",
        action: "firehose:PutRecordBatch",
        resource: "deliverystream",
    },
    StreamOutput {
        plugin: "kinesis",
        option: "stream",
        service: "kinesis",
        action: "kinesis:PutRecords",
        resource: "stream",
    },
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let policies = Policies::new(project);
    if policies.is_unknown || (policies.of_logs.is_empty() && policies.of_streams.is_empty()) {
        return;
    }
    for section in project.logging.iter().flat_map(|logging| logging.outputs()) {
        let Some(output) = OUTPUTS.iter().find(|output| output.plugin == section.plugin()) else { continue };
        let name = section.property(output.option);
        let name = name.filter(|name| !name.value.value.is_empty() && !name.value.value.contains(['$', '<']));
        // Who takes another role has another policy.
        if let Some(name) = name.filter(|_| section.property("role_arn").is_none()) {
            hold(section, name, output, &policies, project, findings);
        }
    }
}

fn hold(
    section: PlacedSection<'_, '_>,
    name: &ReadProperty,
    output: &StreamOutput,
    policies: &Policies<'_>,
    project: &Project<'_>,
    findings: &mut Findings,
) {
    let stream = name.value.value.as_str();
    let target = PolicyTarget {
        service: output.service,
        region: section.get("region").filter(|region| !region.is_empty() && !region.contains(['$', '<'])),
        account: project.expected.account.as_deref(),
        forms: vec![format!("{}/{stream}", output.resource)],
    };
    let place = section.value_place(name);
    let statements = || policies.of_streams.iter().filter(|one| one.is_about(output.service));
    let allows = |one: &&PolicyStatement<'_>| one.has(output.action) && one.covers(&target) != Allowed::No;
    if let Some(denial) = statements().find_map(|one| policies.denies(one.policy, output.action, &target)) {
        let effect = denial.node.get("Effect").unwrap_or(denial.node).place();
        let finding = Finding::new(&NOT_ALLOWED, effect, format!("`{}` on `{stream}` is denied", output.action));
        findings.push(finding.related(place, "Fluent Bit needs it for this"));
        return;
    }
    if statements().any(|one| allows(&one)) {
        return;
    }
    let message = format!("`{}` on `{stream}` is not allowed", output.action);
    let finding = Finding::new(&NOT_ALLOWED, place, message);
    // A policy that is only about logs may not be the role's only one.
    let (near, is_meant) = match statements().next() {
        Some(near) => (Some(near), true),
        None => (policies.of_logs.first().or(policies.of_streams.first()), false),
    };
    let finding = if is_meant { finding } else { finding.severity(Severity::Warning) };
    findings.push(match near.and_then(PolicyStatement::actions) {
        Some(actions) => finding.related(actions.key, "this is allowed"),
        None => finding,
    });
}
