//! Whether the forwarder knows that a pod's metadata comes in records of its own.

use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::rules::datadog::copies;
use crate::lint::source::Place;
use crate::lint::template::{self, Resource};

pub(crate) static NOT_READ: LintRule = LintRule {
    code: "PF967",
    name: "metadata-records-not-read",
    severity: Severity::Error,
    title: "Fluent Bit writes records of metadata, but the forwarder takes them for logs",
    why: "Lines then have no labels, images or annotations, masks of annotations do not hold, and each record of metadata is a log in Datadog.",
    fix: "Set PODFERRY_METADATA_RECORDS to `true`: it is the parameter MetadataRecords of podferry's template.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["podferry's own: docs/decisions/0017-metadata-records.md"],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_READ];

const VARIABLE: &str = "PODFERRY_METADATA_RECORDS";
const PARAMETER: &str = "MetadataRecords";
/// How podferry's own variables begin: only its function has them.
const OWN: &str = "PODFERRY_";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let found = project.logging.iter().find_map(|logging| Some((logging, copies::find(logging)?)));
    let Some((_, copies)) = found else { return };
    let copying = copies.tag.filter.value_place(copies.tag.rule);
    for (place, message) in template::resources(project).iter().filter_map(not_read) {
        let finding = Finding::new(&NOT_READ, place, message);
        findings.push(finding.related(copying, "records of metadata are made here"));
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
