//! Where EKS looks for the configuration: one namespace with one label, and one ConfigMap in it.

use super::GUIDE;
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::{CONFIG_MAP, NAMESPACE};
use crate::lint::node::YamlEntry;
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, Severity};
use crate::lint::source::{SourceFile, Span};

pub(crate) static LABEL: LintRule = LintRule {
    code: "PF101",
    name: "namespace-label",
    severity: Severity::Error,
    title: "The namespace aws-observability has no label `aws-observability: enabled`",
    why: "EKS looks into no namespace without this label, so no pod on Fargate is logged.",
    fix: "Give the namespace the label `aws-observability: enabled`.",
    is_automatic: true,
    sources: &[GUIDE],
};

pub(crate) static OTHER_NAMESPACE: LintRule = LintRule {
    code: "PF102",
    name: "config-map-namespace",
    severity: Severity::Error,
    title: "The ConfigMap aws-logging is in another namespace than aws-observability",
    why: "EKS looks in aws-observability only, so no pod on Fargate is logged.",
    fix: "Write `namespace: aws-observability` into the metadata of the ConfigMap.",
    is_automatic: true,
    sources: &[GUIDE],
};

pub(crate) static OTHER_NAME: LintRule = LintRule {
    code: "PF103",
    name: "config-map-name",
    severity: Severity::Error,
    title: "A ConfigMap in aws-observability has a configuration of Fluent Bit and is not named aws-logging",
    why: "EKS takes the ConfigMap of this name only, so what stands in another one has no effect.",
    fix: "Name it aws-logging.",
    is_automatic: true,
    sources: &[GUIDE],
};

pub(crate) static RULES: &[&LintRule] = &[&LABEL, &OTHER_NAMESPACE, &OTHER_NAME];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_kind("Namespace").filter(|object| object.name() == Some(NAMESPACE)) {
        label(object, project.source(object.place()), findings);
    }
    for logging in &project.logging {
        let source = project.source(logging.object.place());
        if logging.object.name() == Some(CONFIG_MAP) {
            namespace(logging.object, source, findings);
        } else {
            name(logging.object, source, findings);
        }
    }
}

fn label(object: ManifestObject<'_>, source: &SourceFile, findings: &mut Findings) {
    let labels = object.node.path(&["metadata", "labels"]);
    let label = labels.and_then(|labels| labels.entry(NAMESPACE));
    if let Some(label) = label {
        let is_unknown = label.value.is_tagged() || label.value.text().is_none();
        if is_unknown || label.value.text() == Some("enabled") {
            return;
        }
        let value = label.value.text().unwrap_or_default();
        let message = format!("the label `aws-observability` is `{value}`, and EKS wants `enabled`");
        let edit = label.value.rewrite("enabled", source);
        return findings.push(Finding::new(&LABEL, label.value.place(), message).edits(edit));
    }
    let first = labels.and_then(|labels| labels.entries().next());
    let edit = match first {
        Some(first) => line_before(first, "aws-observability: enabled", source),
        None if labels.is_none() => object.node.path(&["metadata"]).and_then(|metadata| {
            let name = metadata.entry("name")?;
            line_before(
                name,
                &format!("labels:\n{}aws-observability: enabled", " ".repeat(column(name, source) + 2)),
                source,
            )
        }),
        None => None,
    };
    let message = "the namespace aws-observability has no label `aws-observability: enabled`";
    findings.push(Finding::new(&LABEL, object.place(), message).edits(edit));
}

fn namespace(object: ManifestObject<'_>, source: &SourceFile, findings: &mut Findings) {
    let entry = object.node.path(&["metadata"]).and_then(|metadata| metadata.entry("namespace"));
    match entry {
        Some(entry) if entry.value.is_tagged() || entry.value.text().is_none_or(|name| name == NAMESPACE) => {}
        Some(entry) => {
            let name = entry.value.text().unwrap_or_default();
            let message = format!("the ConfigMap aws-logging is in namespace `{name}`, and EKS looks in `{NAMESPACE}`");
            let edit = entry.value.rewrite(NAMESPACE, source);
            findings.push(Finding::new(&OTHER_NAMESPACE, entry.value.place(), message).edits(edit));
        }
        None => {
            let name = object.node.path(&["metadata"]).and_then(|metadata| metadata.entry("name"));
            let edit = name.and_then(|name| line_before(name, &format!("namespace: {NAMESPACE}"), source));
            let message = "the ConfigMap aws-logging names no namespace, so it goes to that of whoever applies it";
            findings.push(Finding::new(&OTHER_NAMESPACE, object.place(), message).edits(edit));
        }
    }
}

fn name(object: ManifestObject<'_>, source: &SourceFile, findings: &mut Findings) {
    let node = object.node.path(&["metadata", "name"]);
    let message = match object.name() {
        Some(name) => format!("EKS takes no ConfigMap of the name `{name}`, only `{CONFIG_MAP}`"),
        None => format!("the ConfigMap has no name, and EKS takes only `{CONFIG_MAP}`"),
    };
    let edit = node.and_then(|node| node.rewrite(CONFIG_MAP, source));
    findings.push(Finding::new(&OTHER_NAME, object.place(), message).edits(edit));
}

/// The column of a name, from 0.
fn column(entry: YamlEntry<'_>, source: &SourceFile) -> usize {
    source.position(entry.key.span.start).column - 1
}

/// The change that puts a member above another one, in its column; `None` where it does not begin its line, as between braces.
fn line_before(entry: YamlEntry<'_>, member: &str, source: &SourceFile) -> Option<FixEdit> {
    let start = entry.key.span.start;
    let line = source.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = source.text.get(line..start)?;
    // Behind the dash of a list a member begins its line, too, but nothing can go above it.
    indent.chars().all(|letter| letter == ' ').then_some(())?;
    Some(FixEdit { span: Span { start, end: start }, text: format!("{member}\n{indent}") })
}
