//! Outputs to Amazon Data Firehose, Kinesis and OpenSearch: what they cannot do without.

use super::is_template;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static REQUIRED: LintRule = LintRule {
    code: "PF261",
    name: "output-option-missing",
    severity: Severity::Error,
    title: "An output lacks a required option",
    why: "Fluent Bit does not start without it; `es` without a host writes to the pod itself, where nothing listens.",
    fix: "Add the option.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "fluent/fluent-bit, plugins/out_kinesis_firehose/firehose.c",
        "aws/amazon-kinesis-firehose-for-fluent-bit, README.md",
        "aws/amazon-kinesis-streams-for-fluent-bit, README.md",
        "Fluent Bit manual, \"Elasticsearch\" output",
    ],
};

pub(crate) static TYPE_NAME: LintRule = LintRule {
    code: "PF262",
    name: "opensearch-type",
    severity: Severity::Warning,
    title: "An OpenSearch output sends document types",
    why: "OpenSearch 2 and Elasticsearch 8 reject requests that name a type, so nothing arrives.",
    fix: "Add `Suppress_Type_Name On`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"OpenSearch\" output", "fluent/fluent-bit, plugins/out_es/es_conf.c"],
};

pub(crate) static TARGET: LintRule = LintRule {
    code: "PF258",
    name: "output-target",
    severity: Severity::Error,
    title: "An output writes to a stream or a host that cannot be",
    why: "There can be nothing of this name, so every write fails and the logs are lost.",
    fix: "Write the name alone: of the stream, not its ARN; of the host, without https:// and without a path.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "Amazon Data Firehose API Reference, \"CreateDeliveryStream\"",
        "Amazon Kinesis Data Streams API Reference, \"CreateStream\"",
        "Fluent Bit manual, \"Elasticsearch\" output",
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&REQUIRED, &TYPE_NAME, &TARGET];

/// What outputs write to: plugin, option, what it is, and how many characters it may have. Source: as the rule has it; for hosts RFC
/// 1035.
const TARGETS: [(&str, &str, &str, usize); 4] = [
    ("kinesis_firehose", "delivery_stream", "a delivery stream", 64),
    ("firehose", "delivery_stream", "a delivery stream", 64),
    ("kinesis", "stream", "a stream", 128),
    ("es", "Host", "a host", 253),
];

/// What each plugin needs. Source: as the rule has it.
const NEEDED: [(&str, &[&str]); 4] = [
    ("kinesis_firehose", &["region", "delivery_stream"]),
    ("firehose", &["region", "delivery_stream"]),
    ("kinesis", &["region", "stream"]),
    ("es", &["Host"]),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for output in project.logging.iter().flat_map(|logging| logging.outputs()) {
        required(output, findings);
        target(output, findings);
        if output.plugin() == "es" && output.is_on("Suppress_Type_Name") != Some(true) {
            let message = "`es` sends a type with each document";
            findings.push(Finding::new(&TYPE_NAME, output.place_of("Name"), message));
        }
    }
}

fn target(output: PlacedSection<'_, '_>, findings: &mut Findings) {
    for (_, option, what, most) in TARGETS.iter().filter(|(plugin, ..)| output.is_of(plugin)) {
        let Some(property) = output.property(option).filter(|property| property.comment().is_none()) else { continue };
        let text = property.value.value.as_str();
        if text.is_empty() || is_template(text) {
            continue;
        }
        let wrong = text.chars().find(|letter| !(letter.is_ascii_alphanumeric() || "_.-".contains(*letter)));
        let message = match wrong {
            // An address of version 6.
            Some(':') if *what == "a host" && text.parse::<std::net::Ipv6Addr>().is_ok() => continue,
            Some(wrong) => format!("no name of {what} has `{wrong}`"),
            None if text.len() > *most => format!("the name of {what} has at most {most} characters"),
            None => continue,
        };
        findings.push(Finding::new(&TARGET, output.value_place(property), message));
    }
}

fn required(output: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = output.plugin();
    let Some((_, needed)) = NEEDED.iter().find(|(name, _)| *name == plugin) else { return };
    // Elastic's cloud is found by its id.
    let has_cloud = output.property("Cloud_ID").is_some();
    for option in needed.iter().filter(|option| output.property(option).is_none() && !(**option == "Host" && has_cloud))
    {
        let message = format!("`{plugin}` has no `{option}`");
        let finding = Finding::new(&REQUIRED, output.place_of("Name"), message).fix(format!("Add `{option}`."));
        // It starts, and each attempt to write fails.
        let severity = if *option == "Host" { Severity::Warning } else { Severity::Error };
        findings.push(finding.severity(severity));
    }
    // Source: fluent/fluent-bit, plugins/out_es/es_conf.c.
    if plugin == "es" && output.is_on("AWS_Auth") == Some(true) && output.property("AWS_Region").is_none() {
        let message = "`es` signs requests for AWS but has no `AWS_Region`";
        findings.push(Finding::new(&REQUIRED, output.place_of("AWS_Auth"), message).fix("Add `AWS_Region`."));
    }
}
