//! Names of log streams and log groups that are made from records: what the forwarder can still tell from them. What it reads out
//! of a name is in `pipeline::stream`.

use super::kubernetes;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, Severity};

const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output, Log Stream and Group Name templating";
const SEEN: &str = "seen with Fluent Bit 5.1.1";

pub(crate) static SHARED_BY_PODS: LintRule = LintRule {
    code: "PF311",
    name: "stream-without-pod",
    severity: Severity::Error,
    title: "Several pods write into one log stream",
    why: "The stream no longer tells which pod wrote, and pieces of long lines of different pods get mixed.",
    fix: "Leave the template out and use `log_stream_prefix`: then the name ends in pod, namespace, container and id.",
    is_automatic: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static SHARED_BY_CONTAINERS: LintRule = LintRule {
    code: "PF312",
    name: "stream-without-container",
    severity: Severity::Warning,
    title: "All containers of a pod write into one log stream",
    why: "Pieces of long lines of different containers get mixed, and a container that started again writes on where the one before ended.",
    fix: "Add `$kubernetes['container_name']` to the template, or use `log_stream_prefix` instead of it.",
    is_automatic: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static TEMPLATE: LintRule = LintRule {
    code: "PF313",
    name: "stream-template",
    severity: Severity::Note,
    title: "The log stream is named after what is in the record, not after the container's file",
    why: "The forwarder then has pod, namespace and container from the record alone, in which an application can have put a `kubernetes` of its own whenever the Kubernetes API does not answer.",
    fix: "Use `log_stream_prefix` instead, unless other readers of the log group need these names.",
    is_automatic: false,
    sources: &[OUTPUT, SEEN],
};

pub(crate) static GROUP_TEMPLATE: LintRule = LintRule {
    code: "PF314",
    name: "group-template",
    severity: Severity::Warning,
    title: "Log groups are named after what is in the record",
    why: "A group that is made tomorrow has no subscription, so its logs do not come to Datadog until somebody sees it.",
    fix: "Write into one log group: tags tell namespaces apart in Datadog. Or subscribe all of them with a policy of the account.",
    is_automatic: false,
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
        (&TEMPLATE, "this template leaves out what tells a container for sure")
    };
    findings.push(Finding::new(rule, output.section.value_place(template), format!("{message}{fallback}")));
}
