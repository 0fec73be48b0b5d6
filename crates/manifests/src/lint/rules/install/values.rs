//! Values that the Helm chart does not know, or takes for something else.
//!
//! `chart.tsv` holds every path of the chart's own values. Charts below it have values of their own, so nothing is said of those; and
//! nothing of another chart's values that hold these under an alias.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::object::DocumentKind;
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
    sources: &["DataDog/helm-charts, charts/datadog/values.yaml"],
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

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN, &TEXT_FOR_BOOLEAN];

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

/// What the chart has at a path.
#[derive(Debug, Default)]
struct ChartValue {
    /// The type of the default.
    kind: &'static str,
    /// The names below it.
    below: Vec<&'static str>,
}

static CHART: LazyLock<HashMap<&'static str, ChartValue>> = LazyLock::new(|| {
    let mut chart: HashMap<&'static str, ChartValue> = HashMap::new();
    let lines = include_str!("chart.tsv").lines().filter(|line| !line.starts_with('#'));
    for (path, kind) in lines.filter_map(|line| line.split_once('\t')) {
        chart.entry(path).or_default().kind = kind;
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        chart.entry(parent).or_default().below.push(name);
    }
    chart
});

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_what(DocumentKind::HelmValues) {
        walk(object.node, "", findings);
    }
}

fn walk(node: YamlNode<'_>, path: &str, findings: &mut Findings) {
    let Some(known) = CHART.get(path).filter(|known| !known.below.is_empty()) else { return };
    // What an alias stands for was looked at where it is.
    if node.is_alias() {
        return;
    }
    for entry in node.entries() {
        // `x-` begins what is only there to have an anchor.
        if path.is_empty() && (OTHER_CHARTS.contains(&entry.name) || entry.name.starts_with("x-")) {
            continue;
        }
        let below = if path.is_empty() { entry.name.to_owned() } else { format!("{path}.{}", entry.name) };
        match CHART.get(below.as_str()) {
            Some(value) if value.kind == "bool" => boolean(entry, &below, findings),
            Some(_) => walk(entry.value, &below, findings),
            None => unknown(entry, path, known, findings),
        }
    }
}

fn unknown(entry: YamlEntry<'_>, path: &str, known: &ChartValue, findings: &mut Findings) {
    let place = if path.is_empty() { "at the top".to_owned() } else { format!("in `{path}`") };
    let finding = Finding::new(&UNKNOWN, entry.key, format!("the chart has no `{}` {place}", entry.name));
    findings.push(match closest(entry.name, known.below.iter().copied()) {
        Some(name) => finding.fix(format!("Did you mean `{name}`?")),
        None => match elsewhere(entry.name) {
            Some(path) => finding.fix(format!("Did you mean `{path}`?")),
            None => finding,
        },
    });
}

/// The only path that ends in this name.
fn elsewhere(name: &str) -> Option<&'static str> {
    let mut ends = CHART.keys().filter(|path| path.rsplit('.').next() == Some(name));
    ends.next().filter(|_| ends.next().is_none()).copied()
}

fn boolean(entry: YamlEntry<'_>, path: &str, findings: &mut Findings) {
    // "true" means yes either way.
    let Some(Scalar::Text(text @ "false")) = entry.value.scalar() else { return };
    let message = format!("`{path}` is the string \"{text}\", which the chart treats as true");
    let edit = FixEdit { span: entry.value.place().span, text: text.to_owned() };
    findings.push(
        Finding::new(&TEXT_FOR_BOOLEAN, entry.value.place(), message)
            .fix(format!("Write `{text}` without quotes."))
            .edits((!entry.value.is_alias()).then_some(edit)),
    );
}
