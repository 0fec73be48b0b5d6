//! The Operator's DatadogAgent: its version, fields that it does not have, and values of another type.
//!
//! `datadogagent.tsv` holds every field of the Operator's CRD.

use std::sync::LazyLock;

use super::known_paths::{KnownPaths, below};
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::installation::is_placeholder;
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;
use crate::lint::source::SourceFile;

const CRD: &str = "DataDog/datadog-operator, config/crd/bases/v1/datadoghq.com_datadogagents.yaml";
const TYPES: &str = "DataDog/datadog-operator, api/datadoghq/v2alpha1/datadogagent_types.go";

pub(crate) static OLD_VERSION: LintRule = LintRule {
    code: "PF703",
    name: "datadogagent-version",
    severity: Severity::Error,
    title: "The Operator no longer supports this DatadogAgent version",
    why: "Since 1.8 the Operator only supports `v2alpha1`, whose fields have other names, and Kubernetes rejects objects of a removed version.",
    fix: "Rewrite it for `datadoghq.com/v2alpha1`; `podferry generate operator` writes one for Fargate.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog, \"Migrating to version 1.0 of the Datadog Operator\"", TYPES],
};

pub(crate) static UNKNOWN_FIELD: LintRule = LintRule {
    code: "PF704",
    name: "unknown-operator-field",
    severity: Severity::Warning,
    title: "The DatadogAgent has no such field",
    why: "Kubernetes drops it, or rejects the object if fields are validated, as kubectl does.",
    fix: "Use the Operator's name for the field; `kubectl explain datadogagent.spec` lists them all. An older or newer Operator may have others.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[CRD, "Kubernetes documentation, \"Field validation\""],
};

pub(crate) static OTHER_TYPE: LintRule = LintRule {
    code: "PF762",
    name: "operator-field-type",
    severity: Severity::Error,
    title: "A field of the DatadogAgent has a value of another type",
    why: "The API server validates each field against the Operator's CRD, and rejects the object.",
    fix: "Write the value as the type that the field has: a string in quotes, a number or a boolean without.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[CRD],
};

pub(crate) static RULES: &[&LintRule] = &[&OLD_VERSION, &UNKNOWN_FIELD, &OTHER_TYPE];

/// What the Operator overrides settings of; any other name in `override` is ignored. Source: DataDog/datadog-operator,
/// api/datadoghq/v2alpha1/datadogagent_types.go.
const COMPONENTS: [&str; 4] = ["nodeAgent", "clusterAgent", "clusterChecksRunner", "otelAgentGateway"];

static FIELDS: LazyLock<KnownPaths> = LazyLock::new(|| KnownPaths::read(include_str!("datadogagent.tsv")));

/// Names that the Helm chart has for the same.
const OF_THE_CHART: [(&str, &str); 6] = [
    ("imageTag", "image.tag"),
    ("imageName", "image.name"),
    ("containerRegistry", "registry"),
    ("apiKeyExistingSecret", "credentials.apiSecret.secretName"),
    ("tokenExistingSecret", "clusterAgentTokenSecret.secretName"),
    ("agents", "nodeAgent"),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_kind("DatadogAgent").filter(|object| object.group() == "datadoghq.com") {
        if object.version != "datadoghq.com/v2alpha1" {
            let place = object.node.get("apiVersion").map_or_else(|| object.place(), YamlNode::place);
            let message = format!("the Operator does not support `{}`", object.version);
            findings.push(Finding::new(&OLD_VERSION, place, message));
            continue;
        }
        fields(object, project, findings);
    }
}

fn fields(object: ManifestObject<'_>, project: &Project<'_>, findings: &mut Findings) {
    let Some(spec) = object.node.get("spec") else { return };
    walk(spec, "spec", "spec", project, findings);
    for component in spec.get("override").into_iter().flat_map(YamlNode::entries) {
        if component.name != "<<" && !COMPONENTS.contains(&component.name) {
            findings.push(unknown(component, "override", COMPONENTS.into_iter()));
        }
    }
}

/// `known` is the path in the table, in which `*` and `[]` stand for what `path` has of this object.
fn walk(node: YamlNode<'_>, known: &str, path: &str, project: &Project<'_>, findings: &mut Findings) {
    // What an alias stands for was looked at where it is.
    let Some(field) = FIELDS.get(known).filter(|_| !node.is_alias()) else { return };
    let expected = if known.ends_with(".env[].value") { None } else { type_mismatch(node, field.kind) };
    if let Some(found) = expected {
        let message = format!("`{path}` is {found}, not {}", with_article(field.kind));
        let edit = same_value(node, field.kind, project.source(node.place()));
        findings.push(Finding::new(&OTHER_TYPE, node.place(), message).edits(edit));
        return;
    }
    for item in node.items() {
        walk(item, &format!("{known}[]"), path, project, findings);
    }
    for entry in node.entries().filter(|entry| entry.name != "<<") {
        let path = if path == "spec" { entry.name.to_owned() } else { below(path, entry.name) };
        match [entry.name, "*"].map(|name| below(known, name)).iter().find(|path| FIELDS.get(path).is_some()) {
            Some(known) => walk(entry.value, known, &path, project, findings),
            None if field.is_open() => {}
            None => {
                let path = path.rsplit_once('.').map_or("spec", |(parent, _)| parent);
                findings.push(unknown(entry, path, field.names()));
            }
        }
    }
}

fn unknown<'a>(entry: YamlEntry<'_>, path: &str, names: impl Iterator<Item = &'a str>) -> Finding {
    let finding = Finding::new(&UNKNOWN_FIELD, entry.key, format!("`{path}` has no `{}`", entry.name));
    let of_chart = OF_THE_CHART.iter().find(|(name, _)| *name == entry.name).map(|(_, own)| *own);
    match of_chart.or_else(|| closest(entry.name, names)) {
        Some(name) => finding.fix(format!("Did you mean `{name}`?")),
        None => finding,
    }
}

/// What a value is, if the API server refuses it for a field of this type.
///
/// `null` is as good as not there.
fn type_mismatch(node: YamlNode<'_>, kind: &str) -> Option<&'static str> {
    let is_fitting = |fitting: &[&str]| fitting.contains(&kind);
    let (found, is_right) = match node.scalar() {
        _ if node.is_tagged() || kind == "any" => return None,
        None if node.is_list() => ("a list", is_fitting(&["list"])),
        None if node.is_map() => ("a map", is_fitting(&["map", "open"])),
        None | Some(Scalar::Null) => return None,
        Some(Scalar::Text(text)) if is_placeholder(text) => return None,
        Some(Scalar::Text(_)) => ("a string", is_fitting(&["string", "int-or-string"])),
        Some(Scalar::Boolean(_)) => ("a boolean", is_fitting(&["bool"])),
        Some(Scalar::Number(number)) if number.parse::<f64>().is_ok_and(|number| number.fract() != 0.0) => {
            ("a number with a fraction", is_fitting(&["number"]))
        }
        Some(Scalar::Number(_)) => ("a number", is_fitting(&["int", "number", "int-or-string"])),
    };
    (!is_right).then_some(found)
}

/// The same value as the field's type, where it has one: quotes around it, or none.
fn same_value(node: YamlNode<'_>, kind: &str, source: &SourceFile) -> Option<FixEdit> {
    match (kind, node.scalar()?) {
        ("string", Scalar::Number(_) | Scalar::Boolean(_)) => node.quote(source),
        ("bool", Scalar::Text(text @ ("true" | "false"))) => without_quotes(node, text),
        ("int", Scalar::Text(text)) if text.parse::<i32>().is_ok_and(|number| number.to_string() == text) => {
            without_quotes(node, text)
        }
        _ => None,
    }
}

fn without_quotes(node: YamlNode<'_>, text: &str) -> Option<FixEdit> {
    (!node.is_alias()).then(|| FixEdit { span: node.place().span, text: text.to_owned() })
}

fn with_article(kind: &str) -> &'static str {
    match kind {
        "bool" => "a boolean",
        "int" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "list" => "a list",
        "int-or-string" => "a whole number or a string",
        _ => "a map",
    }
}
