//! Where EKS looks for the configuration: one namespace with one label, and one ConfigMap in it.

use super::GUIDE;
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::{CONFIG_MAP, NAMESPACE};
use crate::lint::node::YamlEntry;
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::{SourceFile, Span};

pub(crate) static LABEL: LintRule = LintRule {
    code: "PF101",
    name: "namespace-label",
    severity: Severity::Warning,
    title: "The namespace aws-observability lacks the label `aws-observability: enabled`",
    why: "EKS checks the ConfigMap as it is applied only in namespaces with this label: without it, a mistake that it would reject is seen when pods start without logging.",
    fix: "Add the label `aws-observability: enabled` to the namespace.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static OTHER_NAMESPACE: LintRule = LintRule {
    code: "PF102",
    name: "config-map-namespace",
    severity: Severity::Error,
    title: "The ConfigMap aws-logging is not in the namespace aws-observability",
    why: "EKS only looks in aws-observability, so no Fargate pod's logs are written.",
    fix: "Set `namespace: aws-observability` in the ConfigMap's metadata.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static OTHER_NAME: LintRule = LintRule {
    code: "PF103",
    name: "config-map-name",
    severity: Severity::Error,
    title: "A ConfigMap in aws-observability holds a Fluent Bit configuration but is not named aws-logging",
    why: "EKS only reads the ConfigMap of that name; any other has no effect.",
    fix: "Rename it to aws-logging.",
    edits: RuleEdits::Suggested,
    is_preview: false,
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
        let message = format!("the label `aws-observability` is `{value}`, but EKS requires `enabled`");
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
    let message = "the namespace aws-observability lacks the label `aws-observability: enabled`";
    findings.push(Finding::new(&LABEL, object.place(), message).edits(edit));
}

fn namespace(object: ManifestObject<'_>, source: &SourceFile, findings: &mut Findings) {
    let entry = object.node.path(&["metadata"]).and_then(|metadata| metadata.entry("namespace"));
    match entry {
        Some(entry) if entry.value.is_tagged() || entry.value.text().is_none_or(|name| name == NAMESPACE) => {}
        Some(entry) => {
            let name = entry.value.text().unwrap_or_default();
            let message = format!("the ConfigMap aws-logging is in namespace `{name}`, but EKS looks in `{NAMESPACE}`");
            let edit = entry.value.rewrite(NAMESPACE, source);
            findings.push(Finding::new(&OTHER_NAMESPACE, entry.value.place(), message).edits(edit));
        }
        None => {
            let name = object.node.path(&["metadata"]).and_then(|metadata| metadata.entry("name"));
            let edit = name.and_then(|name| line_before(name, &format!("namespace: {NAMESPACE}"), source));
            let message =
                "the ConfigMap aws-logging sets no namespace, so it ends up in whichever is current when it is applied";
            findings.push(Finding::new(&OTHER_NAMESPACE, object.place(), message).edits(edit));
        }
    }
}

fn name(object: ManifestObject<'_>, source: &SourceFile, findings: &mut Findings) {
    let node = object.node.path(&["metadata", "name"]);
    let message = match object.name() {
        Some(name) => format!("EKS ignores the ConfigMap `{name}`: it must be named `{CONFIG_MAP}`"),
        None => format!("the ConfigMap has no name: it must be named `{CONFIG_MAP}`"),
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
    // After the dash of a list a member begins its line, too, but nothing can go above it.
    indent.chars().all(|letter| letter == ' ').then_some(())?;
    Some(FixEdit { span: Span { start, end: start }, text: format!("{member}\n{indent}") })
}
