//! Which filters and outputs EKS allows.

use super::GUIDE;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar;

/// Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster".
const FILTERS: [&str; 8] =
    ["grep", "parser", "record_modifier", "rewrite_tag", "throttle", "nest", "modify", "kubernetes"];

/// Source: the same.
const OUTPUTS: [&str; 6] = ["es", "firehose", "kinesis_firehose", "cloudwatch", "cloudwatch_logs", "kinesis"];

/// Options of the Kubernetes filter that EKS sets. Source: the same.
const RESERVED: [&str; 4] = ["Kube_URL", "Kube_CA_File", "Kube_Token_Command", "Kube_Token_File"];

/// What to write instead of outputs that people try.
const INSTEAD: [(&str, &str); 8] = [
    (
        "datadog",
        "Write to `cloudwatch_logs`, and let the forwarder send the logs to Datadog: `podferry generate logging`.",
    ),
    ("http", "Write to `cloudwatch_logs`, and subscribe a function to the log group."),
    ("amazon_data_firehose", "Use `kinesis_firehose`, the name that the EKS log router knows."),
    ("data_firehose", "Use `kinesis_firehose`, the name that the EKS log router knows."),
    ("kinesis_streams", "Use `kinesis`, the name that the EKS log router knows."),
    ("opensearch", "Use `es`: it also writes to OpenSearch."),
    ("elasticsearch", "Use `es`."),
    ("s3", "Write to `kinesis_firehose`, and let Amazon Data Firehose write to S3."),
];

pub(crate) static FILTER: LintRule = LintRule {
    code: "PF131",
    name: "filter-not-allowed",
    severity: Severity::Error,
    title: "EKS does not allow this filter",
    why: "If the ConfigMap has a filter that EKS does not allow, EKS disables logging for all new pods.",
    fix: "Use grep, parser, record_modifier, rewrite_tag, throttle, nest, modify or kubernetes.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static OUTPUT: LintRule = LintRule {
    code: "PF132",
    name: "output-not-allowed",
    severity: Severity::Error,
    title: "EKS does not allow this output",
    why: "If the ConfigMap has an output that EKS does not allow, EKS disables logging for all new pods.",
    fix: "Use cloudwatch_logs, cloudwatch, kinesis_firehose, firehose, kinesis or es.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "DataDog/documentation, pull request 24023", "aws/containers-roadmap#1858"],
};

pub(crate) static KUBERNETES: LintRule = LintRule {
    code: "PF133",
    name: "reserved-option",
    severity: Severity::Error,
    title: "The Kubernetes filter sets an option that EKS sets itself",
    why: "EKS rejects a ConfigMap that configures how the filter reaches the Kubernetes API.",
    fix: "Remove the line.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static NO_OUTPUT: LintRule = LintRule {
    code: "PF134",
    name: "no-output",
    severity: Severity::Error,
    title: "The ConfigMap has no output",
    why: "EKS requires at least one allowed output; without one, it disables logging for all new pods.",
    fix: "Add an [OUTPUT] to `output.conf`: `podferry generate logging` writes one.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static RULES: &[&LintRule] = &[&FILTER, &OUTPUT, &KUBERNETES, &NO_OUTPUT];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        logging.filters().for_each(|section| allowed(section, &FILTER, &FILTERS, findings));
        logging.outputs().for_each(|section| allowed(section, &OUTPUT, &OUTPUTS, findings));
        for section in logging.filters().filter(|section| section.plugin() == "kubernetes") {
            reserved(project, section, findings);
        }
        output(logging, findings);
    }
}

fn allowed(section: PlacedSection<'_, '_>, rule: &'static LintRule, known: &[&'static str], findings: &mut Findings) {
    let plugin = section.plugin();
    if plugin.is_empty() || known.contains(&plugin.as_str()) {
        return;
    }
    let what = section.section.name.value.to_ascii_lowercase();
    let finding = Finding::new(rule, section.place_of("Name"), format!("EKS does not allow the {what} `{plugin}`"));
    let instead = INSTEAD.iter().find(|(name, _)| *name == plugin && what == "output");
    let meant = similar::closest(&plugin, known.iter().copied());
    findings.push(match (instead, meant) {
        (Some((_, advice)), _) => finding.fix(*advice),
        (None, Some(meant)) => finding.fix(format!("Did you mean `{meant}`? {}", rule.fix)),
        (None, None) => finding,
    });
}

fn reserved(project: &Project<'_>, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    for property in &section.section.properties {
        let name = &property.name.value;
        if !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            continue;
        }
        let place = section.name_place(property);
        let edit = section.part.text.remove_lines(property.name.span, project.source(place));
        let message = format!("EKS sets `{name}` itself and rejects it here");
        findings.push(Finding::new(&KUBERNETES, place, message).edits(edit));
    }
}

fn output(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    if logging.outputs().next().is_some() {
        return;
    }
    // A text that cannot be read may hold one.
    if logging.parts.iter().any(|part| !part.configuration.problems.is_empty()) {
        return;
    }
    let part = logging.parts.iter().find(|part| part.entry.name == "output.conf");
    let place = part.map(|part| part.entry.key).or_else(|| logging.object.node.entry("data").map(|data| data.key));
    let message = "the ConfigMap has no [OUTPUT]";
    findings.push(Finding::new(&NO_OUTPUT, place.unwrap_or_else(|| logging.object.place()), message));
}
