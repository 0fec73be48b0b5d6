//! Rules about any file: whether it can be read at all, and comments for the linter.

use std::collections::{HashMap, HashSet};

use crate::lint::allow::Allow;
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::DocumentKind;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::lint::template_marks::{self, TemplateLanguage};

pub(crate) static NOT_YAML: LintRule = LintRule {
    code: "PF001",
    name: "not-yaml",
    severity: Severity::Error,
    title: "A file or a document in it is neither YAML nor JSON",
    why: "No tool that reads manifests accepts it, so nothing else in it could be checked.",
    fix: "Fix the line that is named; often its indentation differs from the lines around it.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["YAML 1.2.2 specification"],
};

pub(crate) static ALLOW_WITHOUT_REASON: LintRule = LintRule {
    code: "PF002",
    name: "allow-without-reason",
    severity: Severity::Warning,
    title: "A comment allows something without a reason",
    why: "Later readers cannot tell whether it still applies.",
    fix: "Add the reason after the code: `# podferry: allow PF301 the reason`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["podferry's own"],
};

pub(crate) static UNUSED_ALLOW: LintRule = LintRule {
    code: "PF003",
    name: "unused-allow",
    severity: Severity::Note,
    title: "A comment allows something that is not found",
    why: "The problem was fixed or has moved, and the comment would hide the next one.",
    fix: "Remove the comment, or put it on or above the reported line.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["podferry's own"],
};

pub(crate) static DUPLICATE_KEY: LintRule = LintRule {
    code: "PF004",
    name: "duplicate-key",
    severity: Severity::Error,
    title: "The same name appears twice in one map",
    why: "Kubernetes silently keeps the last one, or rejects the file.",
    fix: "Keep one of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["YAML 1.2.2 specification, 3.2.1.3", "kubernetes-sigs/yaml, `UnmarshalStrict`"],
};

pub(crate) static UNRENDERED: LintRule = LintRule {
    code: "PF005",
    name: "unrendered-template",
    severity: Severity::Note,
    title: "A manifest is still a template, so it was not checked",
    why: "What it becomes depends on values that are not here; only texts in it that are complete, such as Fluent Bit's configuration, are checked.",
    fix: "Check the rendered output: `helm template … | podferry lint -`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Helm documentation, \"Chart Template Guide\"", "Carvel documentation, \"ytt\""],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_YAML, &ALLOW_WITHOUT_REASON, &UNUSED_ALLOW, &DUPLICATE_KEY, &UNRENDERED];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let mut templates: Vec<(TemplateLanguage, Place)> = Vec::new();
    let with_templates: HashSet<usize> = project.unrendered.iter().map(|document| document.mark.source).collect();
    for (number, (parsed, source)) in project.parsed.iter().zip(project.sources).enumerate() {
        let unread = parsed.unread.iter().map(|document| {
            let text = parsed.unread_text(document, source);
            let language = template_marks::in_text(text, document.error.offset.saturating_sub(document.start));
            (document, text, language)
        });
        let unread: Vec<_> = unread.collect();
        let is_template = unread.iter().any(|(_, _, language)| language.is_some()) || with_templates.contains(&number);
        for (document, text, language) in unread {
            let place = parsed.error_place(document, number);
            // Who wrote templates around a document wrote one here, too.
            let others = || (is_template && template_marks::has_open_mark(text)).then_some(TemplateLanguage::Other);
            match language.or_else(others) {
                Some(language) => templates.push((language, place)),
                None => {
                    let message = format!("this is neither YAML nor JSON: {}", document.error.problem);
                    findings.push(Finding::new(&NOT_YAML, place, message));
                }
            }
        }
    }
    for values in &project.charts.broken {
        let message = format!("these values are not YAML: {}", values.problem);
        findings.push(Finding::new(&NOT_YAML, values.place, message));
    }
    templates.extend(project.unrendered.iter().map(|document| (document.language, document.mark)));
    templates.sort_by_key(|(_, place)| (place.source, place.span.start));
    // Once for a file: who wrote one template in it knows of the others.
    templates.dedup_by_key(|(_, place)| place.source);
    templates.into_iter().for_each(|(language, place)| findings.push(unrendered_finding(language, place)));
    for object in &project.objects {
        match object.what {
            // Helm takes the last one, whatever the chart.
            DocumentKind::Other if is_values_file(&project.source(object.node.place()).name) => {
                duplicates(object.node, Severity::Warning, findings);
            }
            DocumentKind::Other => {}
            _ => duplicates(object.node, Severity::Error, findings),
        }
    }
}

fn unrendered_finding(language: TemplateLanguage, place: Place) -> Finding {
    let (message, fix) = match language {
        TemplateLanguage::Helm => ("this is a Helm template, not a manifest yet", None),
        TemplateLanguage::Ytt => (
            "this is a ytt template, not a manifest yet",
            Some("Check the rendered output: `ytt -f … | podferry lint -`."),
        ),
        TemplateLanguage::Other => (
            "this is a template, not a manifest yet",
            Some("Check the rendered output: what the template becomes, with `… | podferry lint -`."),
        ),
    };
    let finding = Finding::new(&UNRENDERED, place, message);
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// Whether a file is called as those with a chart's values are: `values.yaml`, `values-prod.yaml`.
fn is_values_file(name: &str) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.starts_with("values") && (file.ends_with(".yaml") || file.ends_with(".yml"))
}

fn duplicates(node: YamlNode<'_>, severity: Severity, findings: &mut Findings) {
    if node.is_alias() {
        return;
    }
    let mut seen: HashMap<&str, Place> = HashMap::new();
    for entry in node.entries() {
        if let Some(first) = seen.insert(entry.name, entry.key).filter(|_| entry.name != "<<") {
            let message = format!("`{}` appears twice in the same map", entry.name);
            let finding = Finding::new(&DUPLICATE_KEY, entry.key, message).severity(severity);
            findings.push(finding.related(first, "the first is here"));
        }
        duplicates(entry.value, severity, findings);
    }
    node.items().for_each(|item| duplicates(item, severity, findings));
}

/// Looks at a comment that allows something; `rule` is the one that it names, if there is one.
pub(crate) fn check_allow(
    allow: &Allow,
    rule: Option<&'static LintRule>,
    place: Place,
    is_used: bool,
    findings: &mut Vec<Finding>,
) {
    if !is_used {
        let message = match rule {
            Some(rule) => format!("{} ({}) is not found here", rule.code, rule.name),
            None => "the comment does not name the code of a rule".to_owned(),
        };
        findings.push(Finding::new(&UNUSED_ALLOW, place, message));
    } else if !allow.has_reason {
        findings.push(Finding::new(&ALLOW_WITHOUT_REASON, place, format!("why is {} allowed here?", allow.code)));
    }
}
