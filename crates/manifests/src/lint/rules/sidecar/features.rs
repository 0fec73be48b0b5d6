//! What a sidecar is asked to do, and what that needs beside it.

use super::{PAGE, all};
use crate::agent::PROCESSES;
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::{CONFIG_MAP, NAMESPACE};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{KUBELET_LOGS, SidecarContainer};
use crate::tree::ScalarStyle;

pub(crate) static OLD_NAME: LintRule = LintRule {
    code: "PF415",
    name: "sidecar-old-variable",
    severity: Severity::Note,
    title: "A sidecar variable has a newer name",
    why: "The old name still works, but Datadog's documentation and newer examples use the new one, and having both is confusing.",
    fix: "Use the new name.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/config/setup/process.go`"],
};

pub(crate) static PROCESS_NAMESPACE: LintRule = LintRule {
    code: "PF416",
    name: "sidecar-process-namespace",
    severity: Severity::Error,
    title: "A sidecar collects processes but only sees its own",
    why: "Containers only see each other's processes if the pod shares its process namespace.",
    fix: "Set `shareProcessNamespace: true` in the pod spec.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "Kubernetes documentation, \"Share Process Namespace between Containers in a Pod\""],
};

pub(crate) static JOB_NEVER_ENDS: LintRule = LintRule {
    code: "PF417",
    name: "job-never-ends",
    severity: Severity::Error,
    title: "A Job waits for a sidecar that never ends",
    why: "A Job is complete when all its containers have ended, but the Agent keeps running.",
    fix: "Set `DD_AUTO_EXIT_NOPROCESS_ENABLED` to `\"true\"` and `shareProcessNamespace: true` in the pod spec, or make the Agent an init container with `restartPolicy: Always`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`",
        "Kubernetes documentation, \"Sidecar Containers\"",
    ],
};

pub(crate) static HALF_LOGS: LintRule = LintRule {
    code: "PF418",
    name: "native-logs-half",
    severity: Severity::Warning,
    title: "A sidecar has only one of the two switches for logs through the kubelet",
    why: "On Fargate the Agent finds no log files and no container runtime: it collects logs only if both switches are on.",
    fix: "Set both `DD_LOGS_ENABLED` and `DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API` to `\"true\"`, or neither.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static RUN_PATH: LintRule = LintRule {
    code: "PF419",
    name: "native-logs-run-path",
    severity: Severity::Warning,
    title: "A sidecar that collects logs loses its position when it restarts",
    why: "The Agent stores its position under the run path, which is lost with the container unless it is on a volume: logs are then sent twice or not at all.",
    fix: "Mount an emptyDir at `/opt/datadog-agent/run`, and set `DD_LOGS_CONFIG_RUN_PATH` to it.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`"],
};

pub(crate) static LOGS_TWICE: LintRule = LintRule {
    code: "PF420",
    name: "logs-twice",
    severity: Severity::Note,
    title: "A pod's logs reach Datadog in two ways",
    why: "The sidecar collects them, and so does EKS' Fluent Bit, which is configured for all pods: each log may arrive, and be billed, twice.",
    fix: "Choose one way for each pod. A `grep` filter can exclude namespaces from EKS' Fluent Bit.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\""],
};

pub(crate) static RULES: &[&LintRule] =
    &[&OLD_NAME, &PROCESS_NAMESPACE, &JOB_NEVER_ENDS, &HALF_LOGS, &RUN_PATH, &LOGS_TWICE];

/// Old names, and those that took their place.
const RENAMED: [(&str, &str); 1] = [("DD_PROCESS_AGENT_PROCESS_COLLECTION_ENABLED", PROCESSES)];
const LOGS: &str = "DD_LOGS_ENABLED";
const AUTO_EXIT: &str = "DD_AUTO_EXIT_NOPROCESS_ENABLED";
/// Where the Agent writes if nothing else is said.
const DEFAULT_RUN_PATH: &str = "/opt/datadog-agent/run";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for sidecar in all(project) {
        names(&sidecar, findings);
        processes(&sidecar, findings);
        logs(project, &sidecar, findings);
    }
}

fn names(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    for (old, new) in RENAMED {
        let Some(variable) = sidecar.variable(old) else { continue };
        let message = format!("{old} is now called {new}");
        let place = variable.name_place();
        let is_written_here = variable.item.get("name").is_some_and(|name| name.tree().end > name.tree().start);
        let edit = FixEdit { span: place.span, text: new.to_owned() };
        let edit = Some(edit).filter(|_| is_written_here && sidecar.variable(new).is_none() && is_bare(&variable.item));
        findings.push(Finding::new(&OLD_NAME, place, message).fix(format!("Write `{new}`.")).edits(edit));
    }
}

/// Whether the name is there without quotes, and not as an alias.
fn is_bare(item: &YamlNode<'_>) -> bool {
    item.get("name").is_some_and(|name| !name.is_alias() && name.style() == Some(ScalarStyle::Plain))
}

fn processes(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let shares = sidecar.pod.spec.get("shareProcessNamespace").is_some_and(YamlNode::is_true);
    let collection = [PROCESSES, RENAMED[0].0].iter().filter_map(|name| sidecar.variable(name)).find(|one| one.is_on());
    if let Some(variable) = collection.filter(|_| !shares) {
        let message = format!("{} is on, but the pod does not share its process namespace", variable.name);
        findings.push(Finding::new(&PROCESS_NAMESPACE, variable.name_place(), message));
    }
    if sidecar.is_init || !sidecar.pod.workload.runs_to_completion {
        return;
    }
    match sidecar.variable(AUTO_EXIT) {
        Some(variable) if variable.is_on() && !shares => {
            let message = format!("{AUTO_EXIT} waits for processes that the Agent does not see");
            findings.push(
                Finding::new(&JOB_NEVER_ENDS, variable.name_place(), message)
                    .fix("Set `shareProcessNamespace: true` in the pod's spec."),
            );
        }
        Some(variable) if variable.is_on() || variable.literal().is_none() => {}
        None if !sidecar.lacks(AUTO_EXIT) => {}
        found => {
            let place = found.map_or_else(|| sidecar.place(), |variable| variable.place());
            let message = format!("container {} of {} never ends", sidecar.name(), sidecar.pod.object.title());
            findings.push(Finding::new(&JOB_NEVER_ENDS, place, message));
        }
    }
}

fn logs(project: &Project<'_>, sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    let switches = [LOGS, KUBELET_LOGS];
    let on = switches.iter().filter_map(|name| sidecar.variable(name)).find(|variable| variable.is_on());
    let Some(on) = on else { return };
    let is_known = |name: &str| sidecar.lacks(name) || sidecar.literal(name).is_some();
    if !sidecar.has_native_logs() {
        let other = if on.name == LOGS { KUBELET_LOGS } else { LOGS };
        if is_known(other) {
            let message = format!("container {} has {} but not {other}", sidecar.name(), on.name);
            findings.push(Finding::new(&HALF_LOGS, on.name_place(), message));
        }
        return;
    }
    let path = sidecar.literal("DD_LOGS_CONFIG_RUN_PATH").unwrap_or(DEFAULT_RUN_PATH);
    let mounts = || sidecar.container.list("volumeMounts").filter_map(|mount| mount.get("mountPath")?.text());
    let covers = |mount: &str| {
        let rest = path.strip_prefix(mount.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !mounts().any(covers) {
        let message = format!("no volume is mounted at {path} in container {}", sidecar.name());
        findings.push(Finding::new(&RUN_PATH, on.name_place(), message));
    }
    let is_read =
        |name: Option<&str>, namespace: Option<&str>| name == Some(CONFIG_MAP) && namespace == Some(NAMESPACE);
    let router = project.logging.iter().find(|one| is_read(one.object.name(), one.object.namespace()));
    if let Some(router) = router {
        let message = format!("container {} collects logs that EKS' Fluent Bit also sends", sidecar.name());
        findings
            .push(Finding::new(&LOGS_TWICE, on.name_place(), message).related(router.object.place(), "for all pods"));
    }
}
