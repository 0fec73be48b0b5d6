//! The label by which the Cluster Agent knows the pods that get a sidecar.

use super::PAGE;
use crate::agent::SIDECAR_LABEL;
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::label;

pub(crate) static ON_WORKLOAD: LintRule = LintRule {
    code: "PF436",
    name: "sidecar-label-on-workload",
    severity: Severity::Error,
    title: "The sidecar label is on the workload instead of its pods",
    why: "The Cluster Agent looks at pods, which do not have the label and get no sidecar.",
    fix: "Move it to `spec.template.metadata.labels`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static VALUE: LintRule = LintRule {
    code: "PF437",
    name: "sidecar-label-value",
    severity: Severity::Error,
    title: "The sidecar label has an unknown value",
    why: "Only pods with the value `fargate` get a Fargate sidecar.",
    fix: "Write `agent.datadoghq.com/sidecar: fargate`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`"],
};

pub(crate) static RULES: &[&LintRule] = &[&ON_WORKLOAD, &VALUE];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.pods() {
        let on_pods = label(&pod);
        if !pod.workload.is_pod() && on_pods.is_none() {
            let labels = pod.object.node.path(&["metadata", "labels"]);
            if let Some(entry) = labels.and_then(|labels| labels.entry(SIDECAR_LABEL.0)) {
                let message = format!("pods of {} do not have the label {}", pod.object.title(), SIDECAR_LABEL.0);
                findings.push(Finding::new(&ON_WORKLOAD, entry.key, message));
            }
        }
        let Some(value) = on_pods.map(|label| label.value) else { continue };
        let Some(text) = value.text().filter(|text| *text != SIDECAR_LABEL.1 && !text.contains(['$', '{'])) else {
            continue;
        };
        let message = format!("`{text}` is not a value of the label {}", SIDECAR_LABEL.0);
        let edit = value.rewrite(SIDECAR_LABEL.1, project.source(value.place()));
        findings.push(Finding::new(&VALUE, value.place(), message).edits(edit));
    }
}
