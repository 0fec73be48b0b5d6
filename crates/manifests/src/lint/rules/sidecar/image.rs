//! Which Agent a sidecar is.

use super::{PAGE, all};
use crate::agent::{FARGATE_SINCE, NATIVE_LOGS_SINCE, TAG, image_tag, version};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{KUBELET_LOGS, SidecarContainer};

pub(crate) static UNTAGGED: LintRule = LintRule {
    code: "PF421",
    name: "sidecar-image-tag",
    severity: Severity::Warning,
    title: "A sidecar image has no version",
    why: "Pods that start on different days run different Agents, eventually with another major version.",
    fix: "Name at least the major version: `gcr.io/datadoghq/agent:7`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Images\"", PAGE],
};

pub(crate) static TOO_OLD: LintRule = LintRule {
    code: "PF422",
    name: "sidecar-image-too-old",
    severity: Severity::Error,
    title: "A sidecar's Agent is too old for what it is asked to do",
    why: "It does not know the variables and ignores them silently.",
    fix: "Use a newer version: 7.18 for Fargate, 7.71 for logs through the kubelet.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&UNTAGGED, &TOO_OLD];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for sidecar in all(project) {
        let Some(image) = sidecar.container.get("image") else { continue };
        let Some(text) = image.text().filter(|text| !text.contains(['$', '{'])) else { continue };
        let tag = image_tag(text);
        if let Some(version) = tag.and_then(version) {
            age(&sidecar, image, version, findings);
        }
        if text.contains('@') || tag.is_some_and(|tag| tag != "latest") {
            continue;
        }
        let name = text.strip_suffix(":latest").unwrap_or(text).trim_end_matches(':');
        let edit = image.rewrite(&format!("{name}:{TAG}"), project.source(image.place()));
        let message = match tag {
            Some(_) => {
                format!("`latest` is not a version: container {} may run another Agent tomorrow", sidecar.name())
            }
            None => format!("image `{text}` of container {} has no tag", sidecar.name()),
        };
        findings
            .push(Finding::new(&UNTAGGED, image.place(), message).fix(format!("Write `{name}:{TAG}`.")).edits(edit));
    }
}

fn age(sidecar: &SidecarContainer<'_>, image: YamlNode<'_>, found: (u32, u32), findings: &mut Findings) {
    let wanted = match sidecar.variable(KUBELET_LOGS) {
        Some(logs) if logs.is_on() => Some((NATIVE_LOGS_SINCE, "collects logs through the kubelet", logs.name_place())),
        _ => None,
    };
    let (since, what, place) = match wanted {
        Some(wanted) if found >= FARGATE_SINCE => wanted,
        _ => (FARGATE_SINCE, "supports Fargate", sidecar.place()),
    };
    if found < since {
        let ((major, minor), (new_major, new_minor)) = (found, since);
        let message =
            format!("Agent {major}.{minor} is too old: the first version that {what} is {new_major}.{new_minor}");
        findings.push(Finding::new(&TOO_OLD, image.place(), message).related(place, "needed for this"));
    }
}
