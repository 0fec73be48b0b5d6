//! Names of log streams and log groups that are made from records: what the forwarder can still tell from them. What it reads out
//! of a name is in `pipeline::stream`.

use crate::fluent_bit::template::{RecordTemplate, TemplatePartKind};
use crate::lint::cloudwatch::{self, CloudWatchOutput, NameTemplate};
use crate::lint::finding::{Finding, Findings};
use crate::lint::identity::{tells_container, tells_pod};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::with_metadata;

const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output, Log Stream and Group Name templating";
const SEEN: &str = "seen with Fluent Bit 5.1.1";

pub(crate) static SHARED_BY_PODS: LintRule = LintRule {
    code: "PF311",
    name: "stream-without-pod",
    severity: Severity::Error,
    title: "Several pods write to the same log stream",
    why: "The stream no longer says which pod wrote a line, and fragments of long lines from different pods get mixed up.",
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

/// Which part of a pod's tag has the names of pod, namespace and container, between dots: kube.var.log.containers comes before it.
const POD_PART: usize = 4;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let has_metadata = with_metadata(logging);
        for output in cloudwatch::outputs(logging) {
            // Without metadata these are never filled in, which is another rule's.
            let is_filled = |made: &NameTemplate<'_>| has_metadata || !needs_metadata(&made.template);
            let group = output.group_template().filter(is_filled);
            if let Some(stream) = output.stream_template().filter(is_filled) {
                streams(output, &stream, group.as_ref(), findings);
            }
            if let Some(made) = group {
                let message = format!("log groups are named after `{}`", made.property.value.value);
                findings.push(Finding::new(&GROUP_TEMPLATE, output.section.value_place(made.property), message));
            }
        }
    }
}

fn needs_metadata(template: &RecordTemplate) -> bool {
    template.members().any(|(path, _)| path.first().is_some_and(|root| root == "kubernetes"))
}

/// Streams of different groups are different streams, so what the group's name has counts, too.
fn streams(
    output: CloudWatchOutput<'_, '_>,
    stream: &NameTemplate<'_>,
    group: Option<&NameTemplate<'_>>,
    findings: &mut Findings,
) {
    let parts = || stream.template.parts.iter().chain(group.into_iter().flat_map(|group| &group.template.parts));
    let is_tag = |kind: &TemplatePartKind| matches!(kind, TemplatePartKind::Tag | TemplatePartKind::TagPart(POD_PART));
    let has = |tells: fn(&str) -> bool| {
        parts().any(|part| match &part.kind {
            TemplatePartKind::Member(path) => path.iter().any(|name| tells(name)),
            kind => is_tag(kind),
        })
    };
    let (rule, message) = if !has(tells_pod) {
        (&SHARED_BY_PODS, "this template gives several pods the same stream")
    } else if !has(tells_container) {
        (&SHARED_BY_CONTAINERS, "this template gives all containers of a pod the same stream")
    } else if stream.template.parts.iter().any(|part| is_tag(&part.kind)) {
        // The tag is the name of the container's file: nothing is missing.
        return;
    } else {
        (&TEMPLATE, "this template omits the parts that identify a container reliably")
    };
    findings.push(Finding::new(rule, output.section.value_place(stream.property), message));
}
