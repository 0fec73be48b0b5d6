//! Where logs go: whether the forwarder gets them, once, from the region that it is in.

use super::cri_parser;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::LoggingConfigMap;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use pipeline::glob;

const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output";
const FILTERS: &str = "Amazon CloudWatch Logs User Guide, \"Subscription filters\"";

pub(crate) static REGION: LintRule = LintRule {
    code: "PF321",
    name: "other-region",
    severity: Severity::Error,
    title: "Logs go to a region other than the forwarder's",
    why: "A subscription filter and its function must be in the same region, so none of these logs reach Datadog.",
    fix: "Use the forwarder's region, or deploy a forwarder in the log group's region.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTERS],
};

pub(crate) static NOWHERE: LintRule = LintRule {
    code: "PF322",
    name: "no-cloudwatch-output",
    severity: Severity::Note,
    title: "No output writes to CloudWatch Logs",
    why: "The forwarder reads from CloudWatch Logs, so it receives none of these logs.",
    fix: "Add a `cloudwatch_logs` output if the forwarder should send these logs to Datadog.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\""],
};

pub(crate) static TWICE: LintRule = LintRule {
    code: "PF323",
    name: "written-twice",
    severity: Severity::Warning,
    title: "The same logs are written to CloudWatch Logs twice",
    why: "CloudWatch Logs bills every byte twice, and if both groups are subscribed, every log is in Datadog twice.",
    fix: "Keep one of the outputs, or give them `Match` patterns that do not overlap.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Router\"", FILTERS],
};

pub(crate) static FORMAT: LintRule = LintRule {
    code: "PF324",
    name: "log-format",
    severity: Severity::Note,
    title: "Logs are marked as JSON or as CloudWatch metrics",
    why: "The option only adds a request header; with `emf`, CloudWatch Logs also turns logs in that format into metrics, which cost extra.",
    fix: "Remove `log_format` unless pods log CloudWatch metrics.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, "Amazon CloudWatch User Guide, \"Embedding metrics within logs\"", "seen with Fluent Bit 5.1.1"],
};

pub(crate) static FUNCTIONS_GROUP: LintRule = LintRule {
    code: "PF325",
    name: "group-of-functions",
    severity: Severity::Warning,
    title: "Pod logs go to a log group that is named like a function's",
    why: "A function writes its own log to such a group; a function that is subscribed to its own log triggers itself endlessly.",
    fix: "Use a separate name, such as /aws/eks/<cluster>/fargate.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["AWS Lambda Developer Guide, \"Sending Lambda function logs to CloudWatch Logs\"", FILTERS],
};

pub(crate) static TEXT_TWICE: LintRule = LintRule {
    code: "PF326",
    name: "text-twice",
    severity: Severity::Warning,
    title: "Each record holds JSON logs twice: as members and as text",
    why: "CloudWatch Logs bills by the byte, and the forwarder needs only one of the two.",
    fix: "Write `Merge_Log Off`: the forwarder parses JSON itself. Or write `Keep_Log Off` if other consumers need the members.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Kubernetes\" filter", "seen with Fluent Bit 5.1.1"],
};

pub(crate) static RULES: &[&LintRule] = &[&REGION, &NOWHERE, &TWICE, &FORMAT, &FUNCTIONS_GROUP, &TEXT_TWICE];

/// Beginnings of names of groups that functions write to: Lambda's, and that of the forwarder's template.
const OF_FUNCTIONS: [&str; 2] = ["/aws/lambda/", "/podferry/"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let outputs: Vec<CloudWatchOutput<'_, '_>> = cloudwatch::outputs(logging).collect();
        if outputs.is_empty() {
            nowhere(logging, findings);
        }
        for output in &outputs {
            region(*output, project, findings);
            properties(*output, findings);
        }
        for (number, second) in outputs.iter().enumerate() {
            let first = outputs.iter().take(number).find(|first| are_same_logs(first, second));
            if let Some(first) = first {
                twice(*first, *second, findings);
            }
        }
        text_twice(logging, findings);
    }
}

/// Only of what is read as a configuration: with nothing in it, other rules say what is missing.
fn nowhere(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    if let Some(output) = logging.outputs().next() {
        let message = format!("logs only go to `{}`, so the forwarder receives none", output.plugin());
        findings.push(Finding::new(&NOWHERE, output.place_of("Name"), message));
    }
}

fn region(output: CloudWatchOutput<'_, '_>, project: &Project<'_>, findings: &mut Findings) {
    let Some((own, expected)) = output.region().zip(project.expected.region.as_deref()) else { return };
    if own != expected {
        let message = format!("logs go to {own}, but the forwarder is in {expected}");
        findings.push(Finding::new(&REGION, output.section.place_of("region"), message));
    }
}

fn properties(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let section = output.section;
    if let Some(format) = section.property("log_format").filter(|format| !format.value.value.is_empty()) {
        let message =
            format!("`{}` changes how CloudWatch Logs treats these logs, not what is written", format.value.value);
        findings.push(Finding::new(&FORMAT, section.value_place(format), message));
    }
    if let Some(group) = output.log_group() {
        let name = group.value.value.as_str();
        if OF_FUNCTIONS.iter().any(|start| name.starts_with(start)) {
            let message = format!("`{name}` is named like a function's log group");
            findings.push(Finding::new(&FUNCTIONS_GROUP, section.value_place(group), message));
        }
    }
}

/// Whether one of two outputs gets all that the other gets.
fn are_same_logs(first: &CloudWatchOutput<'_, '_>, second: &CloudWatchOutput<'_, '_>) -> bool {
    let (one, other) = (first.section.get("Match"), second.section.get("Match"));
    let covers = |one, other| glob::covers(one, other) || glob::covers(other, one);
    let same_region = first.region().is_none() || second.region().is_none() || first.region() == second.region();
    one.zip(other).is_some_and(|(one, other)| covers(one, other)) && same_region
}

fn twice(first: CloudWatchOutput<'_, '_>, second: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let group = |output: CloudWatchOutput<'_, '_>| output.log_group().map(|group| group.value.value.clone());
    let message = match (group(first), group(second)) {
        (Some(one), Some(other)) if one == other => format!("another output already sends these logs to `{one}`"),
        (Some(one), Some(other)) => format!("the logs that go to `{other}` here already go to `{one}`"),
        _ => "another output already sends these logs to CloudWatch Logs".to_owned(),
    };
    let finding = Finding::new(&TWICE, second.section.place_of("Match"), message);
    findings.push(finding.related(first.section.place_of("Match"), "this output writes them, too"));
}

fn text_twice(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    // Without a parser before it nothing is merged.
    if cri_parser(logging).is_none() || cloudwatch::outputs(logging).next().is_none() {
        return;
    }
    for filter in logging.filters().filter(|filter| filter.plugin() == "kubernetes") {
        if filter.is_on("Merge_Log") == Some(true) && filter.is_on("Keep_Log") != Some(false) {
            let message = match filter.get("Merge_Log_Key") {
                Some(key) => format!("the record holds JSON logs twice: in `{key}`, and as text in `log`"),
                None => "the record holds JSON logs twice: as members, and as text in `log`".to_owned(),
            };
            let mut finding = Finding::new(&TEXT_TWICE, filter.place_of("Merge_Log"), message);
            if let Some(keep) = filter.property("Keep_Log") {
                finding = finding.related(filter.value_place(keep), "this keeps the text");
            }
            findings.push(finding);
        }
    }
}
