//! Where logs go: whether the forwarder gets them, once, from the region that it is in.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::cri_parser;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::LoggingConfigMap;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::rules::fluent_bit::{definitions, groups};
use crate::lint::tags::{NewTag, OWN_TAGS, POD_TAGS, filters_for_cloudwatch, new_tags};
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

pub(crate) static LINE_TWICE: LintRule = LintRule {
    code: "PF327",
    name: "line-twice",
    severity: Severity::Warning,
    title: "Each record holds the line twice: as the parser took it apart, and as it was",
    why: "CloudWatch Logs bills by the byte, and the forwarder needs the line once, without containerd's prefix.",
    fix: "Remove `Preserve_Key On`.",
    edits: RuleEdits::Suggested,
    is_preview: true,
    sources: &[
        "Fluent Bit manual, \"Parser\" filter",
        "fluent/fluent-bit, plugins/filter_parser/filter_parser.c",
        "seen with Fluent Bit 1.9.10 and 5.1.1",
    ],
};

pub(crate) static RULES: &[&LintRule] =
    &[&REGION, &NOWHERE, &TWICE, &FORMAT, &FUNCTIONS_GROUP, &TEXT_TWICE, &LINE_TWICE];

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
        written_twice(logging, &outputs, findings);
        if outputs.iter().any(|output| output.writes_records()) {
            text_twice(logging, findings);
            line_twice(logging, project, findings);
        }
    }
}

/// A parser that gives the line another name than the one that it had, and leaves that one, too.
fn line_twice(logging: &LoggingConfigMap<'_>, project: &Project<'_>, findings: &mut Findings) {
    for filter in filters_for_cloudwatch(logging).into_iter().filter(|filter| filter.plugin() == "parser") {
        let Some(key) = filter.get("Key_Name").filter(|_| filter.is_on("Preserve_Key") == Some(true)) else { continue };
        let parser = definitions(logging, &filter).into_iter().next();
        let Some((parser, keeps)) = parser.zip(filter.property("Preserve_Key")) else { continue };
        let groups = groups(&parser);
        // Under the name that it had it is replaced, which is another rule's. The last group has the line.
        let is_line = key == "log" && !groups.contains(&key) && groups.contains(&"logtag");
        let Some(line) = groups.last().filter(|_| is_line) else { continue };
        // Source: fluent/fluent-bit, plugins/filter_parser/filter_parser.c: in 1.9 the key is only kept with all others.
        let only_newer = if filter.is_on("Reserve_Data") == Some(true) { "" } else { ", with Fluent Bit 5" };
        let message = format!("each record has the line in `{line}`, and once more in `{key}`{only_newer}");
        let place = filter.name_place(keeps);
        let edit = filter.part.text.remove_lines(keeps.name.span, project.source(place));
        let finding = Finding::new(&LINE_TWICE, place, message).edits(edit);
        findings.push(finding.related(parser.place_of("Regex"), "this expression names it"));
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

/// How many different outputs each is held against: with more, a configuration is longer than the 5300 characters that EKS takes.
const MAX_COMPARED: usize = 128;

/// Each output against those above it.
fn written_twice(logging: &LoggingConfigMap<'_>, outputs: &[CloudWatchOutput<'_, '_>], findings: &mut Findings) {
    let mut taking = TakingPatterns { logging, new: OnceCell::new(), known: HashMap::new() };
    let mut seen: HashMap<(Option<&str>, Option<&str>), usize> = HashMap::new();
    let mut different: Vec<CloudWatchOutput<'_, '_>> = Vec::new();
    for output in outputs {
        let key = (output.section.get("Match"), output.region());
        let equal = seen.get(&key).and_then(|number| different.get(*number));
        let mut others = different.iter().take(MAX_COMPARED);
        // The first of them, as people read.
        let first = others.find(|first| are_same_logs(first, output, &mut taking));
        let equal = equal.filter(|_| first.is_none() && key.0.is_some_and(|_| taking.takes_logs(output)));
        if let Some(first) = first.or(equal) {
            twice(*first, *output, findings);
        }
        if let Entry::Vacant(place) = seen.entry(key) {
            place.insert(different.len());
            different.push(*output);
        }
    }
}

/// Which outputs take logs at all, asked once for each pattern.
struct TakingPatterns<'b, 'a> {
    logging: &'b LoggingConfigMap<'a>,
    new: OnceCell<Vec<NewTag<'b, 'a>>>,
    known: HashMap<&'b str, bool>,
}

impl<'b, 'a> TakingPatterns<'b, 'a> {
    fn takes_logs(&mut self, output: &CloudWatchOutput<'b, 'a>) -> bool {
        let section = &output.section;
        let Some(pattern) = section.get("Match").filter(|_| section.property("Match_Regex").is_none()) else {
            return true;
        };
        let (logging, new) = (self.logging, &self.new);
        *self.known.entry(pattern).or_insert_with(|| {
            let is_old = POD_TAGS.fits(pattern) || OWN_TAGS.fits(pattern);
            is_old || new.get_or_init(|| new_tags(logging)).iter().any(|tag| tag.form.fits(pattern))
        })
    }
}

/// Whether one of two outputs gets all that the other gets. What takes no log, which is another rule's, has none in common.
fn are_same_logs<'b, 'a>(
    first: &CloudWatchOutput<'b, 'a>,
    second: &CloudWatchOutput<'b, 'a>,
    taking: &mut TakingPatterns<'b, 'a>,
) -> bool {
    let Some((one, other)) = first.section.get("Match").zip(second.section.get("Match")) else { return false };
    let same_region = first.region().is_none() || second.region().is_none() || first.region() == second.region();
    let mut is_within = |wide: &str, narrow: &str, output| glob::covers(wide, narrow) && taking.takes_logs(output);
    same_region && (is_within(one, other, second) || is_within(other, one, first))
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
    if cri_parser(logging).is_none() {
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
