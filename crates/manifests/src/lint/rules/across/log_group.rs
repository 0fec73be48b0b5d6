//! Whether the log group that Fluent Bit writes to is the one that is read.

use crate::fluent_bit::parse::ReadProperty;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::lint::subscription::{self, Subscription};
use crate::lint::template;
use pipeline::stream::{self, StreamOrigin};

const FILTERS: &str = "Amazon CloudWatch Logs User Guide, \"Subscription filters\"";

pub(crate) static NOT_SUBSCRIBED: LintRule = LintRule {
    code: "PF901",
    name: "group-not-subscribed",
    severity: Severity::Warning,
    title: "Fluent Bit writes to a log group that has no subscription filter",
    why: "The logs stay in CloudWatch Logs: nothing sends them to Datadog.",
    fix: "Use the same name in the ConfigMap's `log_group_name` and the filter's `LogGroupName`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTERS],
};

pub(crate) static OTHER_GROUP: LintRule = LintRule {
    code: "PF902",
    name: "other-log-group",
    severity: Severity::Error,
    title: "The log group differs from the one in podferry.yaml or `--log-group`",
    why: "The other manifests use that group, so nothing reads these logs.",
    fix: "Use the same name in both places.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["podferry's own", FILTERS],
};

pub(crate) static OTHER_REGION: LintRule = LintRule {
    code: "PF903",
    name: "subscription-in-other-region",
    severity: Severity::Error,
    title: "A log group is subscribed to a function in another region",
    why: "CloudWatch Logs only accepts functions in its own region, so the filter cannot be created.",
    fix: "Have Fluent Bit write to the function's region, or deploy a function in the log group's region.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTERS],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_SUBSCRIBED, &OTHER_GROUP, &OTHER_REGION];

/// A log group that Fluent Bit writes to.
struct FoundLogGroup<'b, 'a> {
    output: CloudWatchOutput<'b, 'a>,
    group: &'b ReadProperty,
}

impl FoundLogGroup<'_, '_> {
    fn name(&self) -> &str {
        &self.group.value.value
    }

    fn place(&self) -> Place {
        self.output.section.value_place(self.group)
    }
}

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let resources = template::resources(project);
    // Groups of services and functions are subscribed for other reasons.
    let is_of_service = |group: &str| matches!(stream::origin(group, ""), StreamOrigin::Service(_));
    let mut subscriptions = subscription::all(&resources);
    subscriptions.retain(|subscription| !subscription.group_name().is_some_and(is_of_service));
    let outputs = project.logging.iter().flat_map(|logging| cloudwatch::outputs(logging));
    let written: Vec<FoundLogGroup<'_, '_>> =
        outputs.filter_map(|output| Some(FoundLogGroup { output, group: output.log_group()? })).collect();
    not_subscribed(&written, &subscriptions, findings);
    regions(&written, &subscriptions, findings);
    if let Some(expected) = project.expected.log_group.as_deref() {
        others(expected, &written, &subscriptions, findings);
    }
}

fn not_subscribed(written: &[FoundLogGroup<'_, '_>], subscriptions: &[Subscription<'_>], findings: &mut Findings) {
    // With one name that is made by the template, nothing can be said.
    let Some(names) = subscriptions.iter().map(Subscription::group_name).collect::<Option<Vec<&str>>>() else { return };
    let Some(first) = subscriptions.first() else { return };
    if written.iter().any(|written| names.contains(&written.name())) {
        // Who writes to several groups may well read only one.
        return;
    }
    for written in written {
        let message = format!("no subscription filter is on `{}`", written.name());
        let finding = Finding::new(&NOT_SUBSCRIBED, written.place(), message);
        findings.push(finding.related(first.group.place(), "this log group is subscribed"));
    }
}

fn regions(written: &[FoundLogGroup<'_, '_>], subscriptions: &[Subscription<'_>], findings: &mut Findings) {
    for written in written {
        let Some(region) = written.output.region() else { continue };
        for subscription in subscriptions.iter().filter(|one| one.group_name() == Some(written.name())) {
            let Some(function) = subscription.function_arn().and_then(template::region_of) else { continue };
            let Some(destination) = subscription.destination.filter(|_| function != region) else { continue };
            let message = format!("the log group is in {region}, but the function is in {function}");
            let finding = Finding::new(&OTHER_REGION, destination.place(), message);
            findings.push(finding.related(written.output.section.place_of("region"), "the log group's region"));
        }
    }
}

fn others(
    expected: &str,
    written: &[FoundLogGroup<'_, '_>],
    subscriptions: &[Subscription<'_>],
    findings: &mut Findings,
) {
    if !written.iter().any(|written| written.name() == expected) {
        for written in written {
            let message = format!("logs go to `{}`, but `{expected}` is expected", written.name());
            findings.push(Finding::new(&OTHER_GROUP, written.place(), message));
        }
    }
    let names: Vec<Option<&str>> = subscriptions.iter().map(Subscription::group_name).collect();
    if names.contains(&None) || names.contains(&Some(expected)) {
        return;
    }
    for (subscription, name) in subscriptions.iter().zip(names) {
        let message = format!("`{}` is subscribed, but `{expected}` is expected", name.unwrap_or_default());
        findings.push(Finding::new(&OTHER_GROUP, subscription.group.place(), message));
    }
}
