//! Names of log streams and log groups that are made from records: what the forwarder can still tell from them. What it reads out
//! of a name is in `pipeline::stream`.

use super::kubernetes;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output, Log Stream and Group Name templating";
const SEEN: &str = "seen with Fluent Bit 5.1.1";

pub(crate) static SHARED_BY_PODS: LintRule = LintRule {
    code: "PF311",
    name: "stream-without-pod",
    severity: Severity::Error,
    title: "Several pods write to the same log stream",
    why: "The stream no longer tells which pod wrote a line, and fragments of long lines from different pods get mixed up.",
    fix: "Remove the template and use `log_stream_prefix`: the stream name then ends in pod, namespace, container and ID.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static SHARED_BY_CONTAINERS: LintRule = LintRule {
    code: "PF312",
    name: "stream-without-container",
    severity: Severity::Warning,
    title: "All containers of a pod write to the same log stream",
    why: "Fragments of long lines from different containers get mixed up, and a restarted container continues in the stream of the previous one.",
    fix: "Add `$kubernetes['container_name']` to the template, or use `log_stream_prefix` instead.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static TEMPLATE: LintRule = LintRule {
    code: "PF313",
    name: "stream-template",
    severity: Severity::Note,
    title: "The log stream is named after members of the record instead of the container's log file",
    why: "The forwarder then takes pod, namespace and container from the record alone; whenever the Kubernetes API does not answer, an application can supply its own `kubernetes` there.",
    fix: "Use `log_stream_prefix` instead, unless other consumers of the log group need these names.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static GROUP_TEMPLATE: LintRule = LintRule {
    code: "PF314",
    name: "group-template",
    severity: Severity::Warning,
    title: "Log groups are named after members of the record",
    why: "A log group that is created later has no subscription, so its logs do not reach Datadog until somebody notices.",
    fix: "Write to a single log group: in Datadog, tags tell namespaces apart. Or subscribe all groups with an account-level policy.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[OUTPUT, "Amazon CloudWatch Logs User Guide, \"Account-level subscription filters\""],
};

pub(crate) static RULES: &[&LintRule] = &[&SHARED_BY_PODS, &SHARED_BY_CONTAINERS, &TEMPLATE, &GROUP_TEMPLATE];

/// Fluent Bit's tag, which is made of the name of the container's file; lower case, without what is around it.
const TAG: &str = "$tag";
/// Parts of a record that no other pod has.
const OF_ONE_POD: [&str; 5] = ["pod_name", "pod_id", "pod_ip", "docker_id", TAG];
/// Parts that no other container of the pod has.
const OF_ONE_CONTAINER: [&str; 3] = ["container_name", "docker_id", TAG];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let has_metadata = kubernetes(logging).is_some();
        for output in cloudwatch::outputs(logging) {
            streams(output, has_metadata, findings);
            if let Some(template) = output.group_template() {
                let message = format!("log groups are named after `{}`", template.value.value);
                findings.push(Finding::new(&GROUP_TEMPLATE, output.section.value_place(template), message));
            }
        }
    }
}

fn streams(output: CloudWatchOutput<'_, '_>, has_metadata: bool, findings: &mut Findings) {
    let Some(template) = output.stream_template() else { return };
    let text = template.value.value.to_ascii_lowercase().replace("$(", "$");
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let fallback = if has_metadata { "" } else { "; without a Kubernetes filter it is never filled in" };
    let (rule, message) = if !has(&OF_ONE_POD) {
        (&SHARED_BY_PODS, "this template gives several pods the same stream")
    } else if !has(&OF_ONE_CONTAINER) {
        (&SHARED_BY_CONTAINERS, "this template gives all containers of a pod the same stream")
    } else if text.contains(TAG) {
        // The tag is the name of the container's file: nothing is missing.
        return;
    } else {
        (&TEMPLATE, "this template omits the parts that identify a container reliably")
    };
    findings.push(Finding::new(rule, output.section.value_place(template), format!("{message}{fallback}")));
}
