//! Outputs to CloudWatch Logs: what they cannot do without, and what takes logs or money.

use std::collections::HashSet;

use super::{SEEN, is_template};
use crate::cluster::RETENTION_DAYS;
use crate::lint::cloudwatch::{CloudWatchOutput, outputs};
use crate::lint::finding::{Finding, Findings};
use crate::lint::identity::tells_pod;
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output";
const CODE: &str = "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_logs.c";
const RETENTION: &str = "Amazon CloudWatch Logs API Reference, \"PutRetentionPolicy\"";

/// The prefix that many have from Datadog's own sample. Source: Datadog documentation, "Amazon EKS on AWS Fargate", log collection.
const PREFIX_OF_DATADOG: &str = "awslogs-firelens-example";

pub(crate) static REGION: LintRule = LintRule {
    code: "PF241",
    name: "no-region",
    severity: Severity::Error,
    title: "A CloudWatch Logs output has no region",
    why: "Fluent Bit does not start without it, so none of the pod's logs are written.",
    fix: "Add `region`: the region of the cluster and the forwarder.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CODE, OUTPUT],
};

pub(crate) static GROUP: LintRule = LintRule {
    code: "PF242",
    name: "no-log-group",
    severity: Severity::Error,
    title: "A CloudWatch Logs output has no log group",
    why: "Fluent Bit does not start without it, so none of the pod's logs are written; with a template, logs that lack a variable go there.",
    fix: "Add `log_group_name`, such as /aws/eks/<cluster>/fargate.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CODE, OUTPUT],
};

pub(crate) static STREAM: LintRule = LintRule {
    code: "PF243",
    name: "log-stream-choice",
    severity: Severity::Error,
    title: "A CloudWatch Logs output has both a stream prefix and a stream name, or neither",
    why: "Fluent Bit requires exactly one of them and does not start otherwise, so none of the pod's logs are written.",
    fix: "Write `log_stream_prefix fargate/`, and remove `log_stream_name`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CODE],
};

pub(crate) static FIXED: LintRule = LintRule {
    code: "PF244",
    name: "fixed-log-stream",
    severity: Severity::Error,
    title: "All pods write to the same log stream",
    why: "The forwarder reads pod, namespace and container from the stream name; without it, logs of all pods look alike.",
    fix: "Write `log_stream_prefix fargate/` instead of `log_stream_name`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static SEPARATOR: LintRule = LintRule {
    code: "PF245",
    name: "prefix-without-separator",
    severity: Severity::Warning,
    title: "The stream prefix does not end in a separator",
    why: "Prefix and tag are joined without anything between them, as in `examplekube.var.log…`, which is hard to read and to filter by.",
    fix: "End it with `/` or `-`: `log_stream_prefix fargate/`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CODE, SEEN],
};

pub(crate) static FOR_EVER: LintRule = LintRule {
    code: "PF246",
    name: "no-retention",
    severity: Severity::Warning,
    title: "The log group has no retention",
    why: "CloudWatch Logs keeps the events forever and bills for them, although Datadog has them.",
    fix: "Add `log_retention_days 7`; it takes effect when Fluent Bit creates the group.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, "Amazon CloudWatch pricing"],
};

pub(crate) static WRONG_DAYS: LintRule = LintRule {
    code: "PF247",
    name: "retention-days",
    severity: Severity::Error,
    title: "CloudWatch Logs does not support this retention period",
    why: "The call that sets the retention is rejected, the first logs fail along with it, and the group keeps its events forever.",
    fix: "Use one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[RETENTION, CODE],
};

pub(crate) static CLASS: LintRule = LintRule {
    code: "PF248",
    name: "log-group-class",
    severity: Severity::Error,
    title: "The log group's class does not support subscription filters",
    why: "A subscription filter invokes the forwarder, so it receives nothing from such a group, and the class cannot be changed later.",
    fix: "Remove the line: the default class is STANDARD.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &["Amazon CloudWatch Logs User Guide, \"Log classes\"", OUTPUT],
};

pub(crate) static LOG_KEY: LintRule = LintRule {
    code: "PF249",
    name: "log-key",
    severity: Severity::Warning,
    title: "`log_key` writes only the text of each log",
    why: "The stdout/stderr marker, the fragment marker and all metadata are lost, so the forwarder cannot join long lines and adds fewer tags.",
    fix: "Remove `log_key`: the forwarder reads whole records.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[SEEN],
};

pub(crate) static LOG_KEY_LOST: LintRule = LintRule {
    code: "PF250",
    name: "log-key-of-merged-logs",
    severity: Severity::Error,
    title: "`log_key` names `log`, which merged logs do not have",
    why: "Fluent Bit drops every record that lacks the member; with Merge_Log On and Keep_Log Off, that is every JSON log.",
    fix: "Remove `log_key`, or write `Merge_Log Off`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[SEEN, CODE],
};

pub(crate) static GROUP_BY_HAND: LintRule = LintRule {
    code: "PF251",
    name: "group-not-made",
    severity: Severity::Note,
    title: "Fluent Bit does not create the log group",
    why: "If the group does not exist, every write fails; and Fluent Bit only sets the retention of a group that it creates.",
    fix: "Write `auto_create_group true`, or create the group yourself and set its retention.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CODE, OUTPUT],
};

pub(crate) static RULES: &[&LintRule] = &[
    &REGION,
    &GROUP,
    &STREAM,
    &FIXED,
    &SEPARATOR,
    &FOR_EVER,
    &WRONG_DAYS,
    &CLASS,
    &LOG_KEY,
    &LOG_KEY_LOST,
    &GROUP_BY_HAND,
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        // A group that one output creates is there for the others.
        let creates = |output: &CloudWatchOutput<'_, '_>| output.section.is_on("auto_create_group") == Some(true);
        let made: HashSet<&str> =
            outputs(logging).filter(creates).filter_map(|output| output.section.get("log_group_name")).collect();
        let merges = logging.filters().find(|filter| {
            let is_on = |name| filter.is_on(name);
            filter.is_of("kubernetes") && is_on("Merge_Log") == Some(true) && is_on("Keep_Log") == Some(false)
        });
        for output in outputs(logging) {
            required(output, findings);
            stream(output, findings);
            let is_made = output.section.get("log_group_name").map_or(creates(&output), |group| made.contains(group));
            retention(output, is_made, findings);
            class(project, output, findings);
            log_key(project, merges, output, findings);
        }
    }
}

fn required(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let section = output.section;
    let plugin = section.plugin();
    for (rule, option) in [(&REGION, "region"), (&GROUP, "log_group_name")] {
        if section.property(option).is_none() {
            findings.push(Finding::new(rule, section.place_of("Name"), format!("`{plugin}` has no `{option}`")));
        }
    }
}

fn stream(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let section = output.section;
    let (prefix, name) = (section.property("log_stream_prefix"), section.property("log_stream_name"));
    match (prefix, name) {
        (None, None) => {
            let message = format!("`{}` has neither `log_stream_prefix` nor `log_stream_name`", section.plugin());
            findings.push(Finding::new(&STREAM, section.place_of("Name"), message));
        }
        (Some(prefix), Some(name)) => {
            let message = "`log_stream_prefix` and `log_stream_name` are mutually exclusive";
            let finding = Finding::new(&STREAM, section.name_place(name), message);
            findings.push(finding.related(section.name_place(prefix), "the other one"));
        }
        // A name that is made from the record is another rule's.
        (None, Some(name)) if output.stream_template().is_none() && !has_group_of_pod(output) => {
            let message = format!("every pod writes to the stream `{}`", name.value.value);
            let finding = Finding::new(&FIXED, section.value_place(name), message);
            findings.push(match name.value.value.contains('$') && !output.is_in_go() {
                // The name is legal as it stands.
                true => finding.fix(
                    "Write `log_stream_prefix fargate/` instead: variables are only filled in in `log_stream_template`, and by AWS's Go plugin, `cloudwatch`.",
                ),
                false => finding,
            });
        }
        _ => {}
    }
    let is_open = |prefix: &str| prefix.ends_with(|last: char| last.is_alphanumeric());
    if let Some(prefix) = prefix.filter(|prefix| is_open(&prefix.value.value)) {
        let message = format!("streams will be named `{}kube.var.log.containers.…`", prefix.value.value);
        let finding = Finding::new(&SEPARATOR, section.value_place(prefix), message);
        // Copied from there, it was nobody's choice.
        let is_sample = prefix.value.value == PREFIX_OF_DATADOG;
        findings.push(if is_sample { finding.severity(Severity::Note) } else { finding });
    }
}

/// Whether each pod has a log group of its own.
fn has_group_of_pod(output: CloudWatchOutput<'_, '_>) -> bool {
    let group = output.group_template();
    group.is_some_and(|made| made.template.members().any(|(path, _)| path.iter().any(|name| tells_pod(name))))
}

fn retention(output: CloudWatchOutput<'_, '_>, is_made: bool, findings: &mut Findings) {
    let section = output.section;
    match section.property("log_retention_days") {
        // Fluent Bit sets the retention of a group that it creates, and of no other.
        None if !is_made => {}
        None => {
            let message = "the log group will keep its events forever";
            findings.push(Finding::new(&FOR_EVER, section.place_of("log_group_name"), message));
        }
        // Fluent Bit then sets none.
        Some(days) if days.value.value.parse() == Ok(0) => {
            if is_made {
                let message = "0 days means no retention: the log group will keep its events forever";
                let finding = Finding::new(&FOR_EVER, section.value_place(days), message);
                findings.push(
                    finding.fix("Write `log_retention_days 7`; it takes effect when Fluent Bit creates the group."),
                );
            }
        }
        Some(days) => {
            // A value that is not a number is another rule's; options of the Go plugin have no types.
            let number = days.value.value.parse::<i64>();
            let is_text = number.is_err() && output.is_in_go() && !is_template(&days.value.value);
            if is_text || number.is_ok_and(|number| !RETENTION_DAYS.contains(&number)) {
                let message = format!("CloudWatch Logs does not support a retention of `{}` days", days.value.value);
                findings.push(Finding::new(&WRONG_DAYS, section.value_place(days), message));
            }
        }
    }
    // What a variable will say is not known, and that there is one is another rule's.
    let may_be_made = section.get("auto_create_group").is_some_and(is_template);
    if !is_made && !may_be_made {
        let place = section.place_of(if section.property("auto_create_group").is_some() {
            "auto_create_group"
        } else {
            "log_group_name"
        });
        let message = "the log group must exist before the first pod starts";
        let finding = Finding::new(&GROUP_BY_HAND, place, message);
        let finding = match section.is_on("auto_create_group") {
            // As somebody wants it: what makes the group elsewhere has to make all of it.
            Some(false) => finding.fix("Create the group with its retention before the first pod starts."),
            _ => finding,
        };
        findings.push(match section.property("log_retention_days") {
            Some(days) => finding.related(section.name_place(days), "this has no effect then"),
            None => finding,
        });
    }
}

fn class(project: &Project<'_>, output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let section = output.section;
    let class = section.property("log_group_class");
    if let Some(class) = class.filter(|class| class.value.value.eq_ignore_ascii_case("INFREQUENT_ACCESS")) {
        let place = section.value_place(class);
        let message = "a log group of class INFREQUENT_ACCESS does not support subscription filters";
        let edit = section.part.text.remove_lines(class.name.span, project.source(place));
        findings.push(Finding::new(&CLASS, place, message).edits(edit));
    }
}

/// `merges` is the filter that takes the text of JSON logs away, if there is one.
fn log_key(
    project: &Project<'_>,
    merges: Option<PlacedSection<'_, '_>>,
    output: CloudWatchOutput<'_, '_>,
    findings: &mut Findings,
) {
    let section = output.section;
    let Some(key) = section.property("log_key").filter(|key| !key.value.value.is_empty()) else { return };
    let place = section.value_place(key);
    let edit = section.part.text.remove_lines(key.name.span, project.source(place));
    // Only this member is removed when it is merged.
    findings.push(match merges.filter(|_| key.value.value == "log") {
        Some(filter) => {
            let message = format!("JSON logs no longer have `{}`, so they are dropped", key.value.value);
            let finding = Finding::new(&LOG_KEY_LOST, place, message).edits(edit);
            finding.related(filter.place_of("Keep_Log"), "this removes it")
        }
        None => {
            let message = format!("everything in a record except `{}` is dropped", key.value.value);
            Finding::new(&LOG_KEY, place, message).edits(edit)
        }
    });
}
