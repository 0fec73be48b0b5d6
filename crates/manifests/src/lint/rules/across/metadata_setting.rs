//! Whether the forwarder gets a pod's metadata that comes in records of its own, and knows of it.

use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::rules::datadog::copies;
use crate::lint::source::Place;
use crate::lint::subscription;
use crate::lint::template::{self, Resource};

pub(crate) static NOT_READ: LintRule = LintRule {
    code: "PF967",
    name: "metadata-records-not-read",
    severity: Severity::Error,
    title: "Fluent Bit writes metadata records, but the forwarder takes them for logs",
    why: "Lines then have no labels, images or annotations, masks of annotations do not hold, and each metadata record is a log in Datadog.",
    fix: "Set PODFERRY_METADATA_RECORDS to `true`: it is the parameter MetadataRecords of podferry's template.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["podferry's own: docs/decisions/0017-metadata-records.md"],
};

pub(crate) static FILTERED: LintRule = LintRule {
    code: "PF968",
    name: "metadata-filtered-out",
    severity: Severity::Warning,
    title: "A subscription's filter pattern may leave out the metadata records",
    why: "Only what matches the pattern goes to the forwarder. Without the metadata records, logs lack tags, and masks in annotations do not hold.",
    fix: "Leave FilterPattern empty and drop logs with a rule or with `generate logging --drop-pattern`, or let the records through, too: `?ERROR ?kubernetes`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "podferry's own: docs/decisions/0017-metadata-records.md",
        "Amazon CloudWatch Logs User Guide, \"Filter pattern syntax\"",
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_READ, &FILTERED];

const VARIABLE: &str = "PODFERRY_METADATA_RECORDS";
const PARAMETER: &str = "MetadataRecords";
/// How podferry's own variables begin: only its function has them.
const OWN: &str = "PODFERRY_";

/// What all records of metadata have; a pattern with it was made for them.
const METADATA: &str = "kubernetes";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let found = project.logging.iter().find_map(|logging| Some((logging, copies::find(logging)?)));
    let Some((logging, copies)) = found else { return };
    let copying = copies.tag.filter.value_place(copies.tag.rule);
    let resources = template::resources(project);
    for (place, message) in resources.iter().filter_map(not_read) {
        let finding = Finding::new(&NOT_READ, place, message);
        findings.push(finding.related(copying, "metadata records are made here"));
    }
    let outputs = cloudwatch::outputs(logging).filter(|output| copies.tag.form.reaches(&output.section));
    let groups: Vec<&str> =
        outputs.filter_map(|output| output.log_group()).map(|group| group.value.value.as_str()).collect();
    for subscription in subscription::all(&resources) {
        let is_of_group = subscription.group_name().is_some_and(|name| groups.contains(&name));
        let pattern = subscription.pattern.filter(|_| is_of_group);
        let Some((node, text)) = pattern.and_then(|node| Some((node, template::literal(node)?))) else { continue };
        if !text.trim().is_empty() && !text.contains(METADATA) {
            let finding = Finding::new(&FILTERED, node.place(), "this does not ask for the metadata records");
            findings.push(finding.related(copying, "they are made here"));
        }
    }
}

/// Where it is written that the function does not read them. What a parameter says when the stack is made is not known.
fn not_read(resource: &Resource<'_>) -> Option<(Place, &'static str)> {
    if ["AWS::Serverless::Application", "AWS::CloudFormation::Stack"].contains(&resource.kind) {
        let value = resource.property("Parameters")?.get(PARAMETER)?;
        return is_off(value).then(|| (value.place(), "the forwarder is told not to read them"));
    }
    let variables = resource.property("Environment").filter(|_| resource.is_function())?.get("Variables")?;
    if let Some(value) = variables.get(VARIABLE) {
        return is_off(value).then(|| (value.place(), "the forwarder is told not to read them"));
    }
    let own = variables.entries().find(|entry| entry.name.starts_with(OWN))?;
    Some((own.key, "the forwarder is not told to read them: PODFERRY_METADATA_RECORDS is not among its variables"))
}

fn is_off(value: YamlNode<'_>) -> bool {
    value.text().is_some_and(|text| ["", "0", "false"].contains(&text.to_ascii_lowercase().as_str()))
}
