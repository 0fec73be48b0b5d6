//! Values that the Helm chart does not know, or takes for something else.
//!
//! `chart.tsv` holds every path of the chart's own values, and which maps take any name because a template passes them on whole. Charts
//! below it have values of their own, so nothing is said of those. What another chart holds under an alias, `lint::chart` finds.

use std::sync::LazyLock;

use super::known_paths::{KnownPath, KnownPaths, below};
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::installation::is_placeholder;
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::object::{DocumentKind, ManifestObject};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;

pub(crate) static UNKNOWN: LintRule = LintRule {
    code: "PF701",
    name: "unknown-helm-value",
    severity: Severity::Warning,
    title: "The Helm chart has no such value",
    why: "Helm accepts any name silently, so this setting has no effect.",
    fix: "Use the chart's name for the value; `helm show values datadog/datadog` lists them all. Chart versions other than 3.240.0 may differ.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["DataDog/helm-charts, charts/datadog, values.yaml and templates"],
};

pub(crate) static TEXT_FOR_BOOLEAN: LintRule = LintRule {
    code: "PF702",
    name: "text-for-boolean",
    severity: Severity::Error,
    title: "A Helm chart switch is a string",
    why: "To a template, any non-empty string is true, so \"false\" switches the feature on.",
    fix: "Remove the quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["Helm documentation, \"Flow Control\"", "DataDog/helm-charts, charts/datadog/templates"],
};

pub(crate) static REFUSED: LintRule = LintRule {
    code: "PF761",
    name: "helm-value-refused",
    severity: Severity::Error,
    title: "The Helm chart refuses a value",
    why: "Helm holds values against the chart's schema, and templates fail by themselves at some: nothing is installed.",
    fix: "Use the chart's name for the value, or remove it. Chart versions other than 3.240.0 may differ.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["DataDog/helm-charts, charts/datadog, values.schema.json and templates/NOTES.txt"],
};

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN, &TEXT_FOR_BOOLEAN, &REFUSED];

/// Charts within the chart, and what is for all charts: their values are not in the table.
const OTHER_CHARTS: [&str; 8] = [
    "global",
    "operator",
    "datadog-operator",
    "datadog-crds",
    "crds",
    "datadog-csi-driver",
    "kube-state-metrics",
    "<<",
];

/// The major version of the chart that the table is of.
const MAJOR: u32 = 3;

static CHART: LazyLock<KnownPaths> = LazyLock::new(|| KnownPaths::read(include_str!("chart.tsv")));

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_what(DocumentKind::HelmValues) {
        if !is_of_other_version(project, project.source(object.node.place()).name.as_str()) {
            walk(object.node, "", findings);
        }
    }
}

/// Whether the `Chart.yaml` of these values asks for a version of the chart that had other values.
fn is_of_other_version(project: &Project<'_>, file: &str) -> bool {
    let is_around = |chart: &ManifestObject<'_>| {
        let name = project.source(chart.node.place()).name.as_str();
        file.starts_with(name.rfind('/').map_or("", |at| &name[..=at]))
    };
    let is_other = |dependency: YamlNode<'_>| {
        dependency.get("name").and_then(YamlNode::text) == Some("datadog")
            && dependency.get("version").and_then(YamlNode::text).and_then(major).is_some_and(|major| major != MAJOR)
    };
    project.of_what(DocumentKind::Chart).filter(is_around).any(|chart| chart.node.list("dependencies").any(is_other))
}

/// The first number of a version, or of what is said of versions, as `~1.39`.
fn major(version: &str) -> Option<u32> {
    let digits = version.trim_start_matches(|character: char| !character.is_ascii_digit());
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Whether there are more names at the top that the chart does not have than such that it has: then they are of another program, which
/// has some of the chart's among its own.
fn is_of_other_program(node: YamlNode<'_>) -> bool {
    let (own, others): (Vec<_>, Vec<_>) = node.entries().partition(|entry| CHART.get(entry.name).is_some());
    others.len() > own.len()
}

fn walk(node: YamlNode<'_>, path: &str, findings: &mut Findings) {
    let Some(known) = CHART.get(path) else { return };
    // What an alias stands for was looked at where it is.
    if node.is_alias() {
        return;
    }
    let is_mixed = path.is_empty() && is_of_other_program(node);
    for entry in node.entries() {
        // `x-` begins what is only there to have an anchor, and `sops` is about the encryption of the file.
        if path.is_empty()
            && (entry.name == "sops" || OTHER_CHARTS.contains(&entry.name) || entry.name.starts_with("x-"))
        {
            continue;
        }
        let below = below(path, entry.name);
        match CHART.get(&below) {
            Some(value) if value.kind == "bool" => boolean(entry, &below, findings),
            Some(value) if value.kind == "refused" => refused(entry, &below, findings),
            Some(_) => walk(entry.value, &below, findings),
            None if known.is_open() || is_mixed => {}
            None => unknown(entry, path, known, findings),
        }
    }
}

fn unknown(entry: YamlEntry<'_>, path: &str, known: &KnownPath, findings: &mut Findings) {
    let place = if path.is_empty() { "at the top".to_owned() } else { format!("in `{path}`") };
    let finding = if known.kind == "sealed" {
        Finding::new(&REFUSED, entry.key, format!("the chart's schema refuses `{}` {place}", entry.name))
    } else {
        Finding::new(&UNKNOWN, entry.key, format!("the chart has no `{}` {place}", entry.name))
    };
    findings.push(match closest(entry.name, known.names()).or_else(|| CHART.ending_in(entry.name)) {
        Some(name) => finding.fix(format!("Did you mean `{name}`?")),
        None => finding,
    });
}

/// Values with which the chart's own templates fail.
fn refused(entry: YamlEntry<'_>, path: &str, findings: &mut Findings) {
    let is_off = match entry.value.scalar() {
        Some(Scalar::Null | Scalar::Boolean(false)) | None => true,
        Some(Scalar::Text(text)) => text.is_empty() || is_placeholder(text),
        Some(_) => false,
    };
    if !is_off {
        findings.push(Finding::new(&REFUSED, entry.key, format!("the chart fails where `{path}` is set")));
    }
}

fn boolean(entry: YamlEntry<'_>, path: &str, findings: &mut Findings) {
    // "true" means yes either way, and an empty text no.
    let Some(Scalar::Text(text)) = entry.value.scalar() else { return };
    if text.is_empty() || text == "true" || is_placeholder(text) {
        return;
    }
    let message = format!("`{path}` is the string \"{text}\", which the chart treats as true");
    if !text.eq_ignore_ascii_case("false") {
        let means_no = ["no", "off", "n", "0"].iter().any(|word| text.eq_ignore_ascii_case(word));
        let severity = if means_no { Severity::Error } else { Severity::Warning };
        let finding = Finding::new(&TEXT_FOR_BOOLEAN, entry.value.place(), message).severity(severity);
        findings.push(finding.fix("Write `true` or `false` without quotes."));
        return;
    }
    let edit = FixEdit { span: entry.value.place().span, text: "false".to_owned() };
    findings.push(
        Finding::new(&TEXT_FOR_BOOLEAN, entry.value.place(), message)
            .fix("Write `false` without quotes.")
            .edits((!entry.value.is_alias()).then_some(edit)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_chart() {
        for (version, of) in [
            ("3.240.0", Some(3)),
            ("~1.39.6", Some(1)),
            (">= 2.0.0, < 3", Some(2)),
            ("v3", Some(3)),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(major(version), of, "{version}");
        }
    }
}
