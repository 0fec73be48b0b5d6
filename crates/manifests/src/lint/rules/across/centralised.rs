//! Subscription filters of centralised and of transformed log groups: what a filter sees, and what it adds to each event.

use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::template::{self, Resource};

pub(crate) static TRANSFORMED: LintRule = LintRule {
    code: "PF926",
    name: "subscription-of-transformed-logs",
    severity: Severity::Warning,
    title: "A subscription filter takes transformed logs",
    why: "The function then gets what the transformer made of Fluent Bit's records, and can no longer recognize pods, outputs and rules.",
    fix: "Remove ApplyOnTransformedLogs, or set it to false.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "AWS CloudFormation, `AWS::Logs::SubscriptionFilter`",
        "Amazon CloudWatch Logs API Reference, PutSubscriptionFilter",
    ],
};

pub(crate) static FIELD_IN_PATTERN: LintRule = LintRule {
    code: "PF927",
    name: "system-field-in-pattern",
    severity: Severity::Error,
    title: "A filter pattern asks for a system field",
    why: "A pattern only sees the text of a log, and the account and region of a centralized log are not in it: nothing matches.",
    fix: "Put the condition into FieldSelectionCriteria, such as `@aws.account IN [\"111122223333\"]`, and leave FilterPattern empty.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["Amazon CloudWatch Logs API Reference, PutSubscriptionFilter, `fieldSelectionCriteria`"],
};

pub(crate) static UNKNOWN_FIELD: LintRule = LintRule {
    code: "PF928",
    name: "unknown-system-field",
    severity: Severity::Error,
    title: "A subscription filter emits a system field that does not exist",
    why: "CloudWatch Logs rejects the filter.",
    fix: "Use `@aws.account`, `@aws.region` and `@source.log`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["Amazon CloudWatch Logs API Reference, PutSubscriptionFilter, `emitSystemFields`"],
};

pub(crate) static RULES: &[&LintRule] = &[&TRANSFORMED, &FIELD_IN_PATTERN, &UNKNOWN_FIELD];

/// Source: Amazon CloudWatch Logs API Reference, PutSubscriptionFilter.
const SYSTEM_FIELDS: [&str; 3] = ["@aws.account", "@aws.region", "@source.log"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let all = template::resources(project);
    for filter in all.iter().filter(|resource| resource.kind == "AWS::Logs::SubscriptionFilter") {
        transformed(filter, findings);
        pattern(filter, findings);
        fields(filter, findings);
    }
}

fn transformed(filter: &Resource<'_>, findings: &mut Findings) {
    let Some(switch) = filter.property("ApplyOnTransformedLogs") else { return };
    // A condition's value is known only when the stack is made.
    if template::literal(switch).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        findings.push(Finding::new(&TRANSFORMED, switch.place(), "the filter takes transformed logs"));
    }
}

fn pattern(filter: &Resource<'_>, findings: &mut Findings) {
    let Some(pattern) = filter.property("FilterPattern") else { return };
    let field = SYSTEM_FIELDS.into_iter().find(|field| pattern.text().is_some_and(|text| text.contains(field)));
    if let Some(field) = field {
        findings.push(Finding::new(
            &FIELD_IN_PATTERN,
            pattern.place(),
            format!("`{field}` is not in the text of a log"),
        ));
    }
}

fn fields(filter: &Resource<'_>, findings: &mut Findings) {
    // What a function such as `!If` makes is known only when the stack is made.
    let written = filter.property("EmitSystemFields").filter(|fields| !fields.is_tagged());
    let fields = written.into_iter().flat_map(YamlNode::items);
    for (node, name) in fields.filter_map(|node| Some((node, template::literal(node)?))) {
        if !SYSTEM_FIELDS.contains(&name) {
            findings.push(Finding::new(
                &UNKNOWN_FIELD,
                node.place(),
                format!("CloudWatch Logs knows no field `{name}`"),
            ));
        }
    }
}
