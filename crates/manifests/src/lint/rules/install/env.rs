//! Variables of the Agent and of injected sidecars, in values of the Helm chart and in a DatadogAgent.

use super::{PAGE, PROFILES};
use crate::agent::PROCESSES;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation, InstallationForm};
use crate::lint::node::{Scalar, YamlNode};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;

pub(crate) static NOT_TEXT: LintRule = LintRule {
    code: "PF731",
    name: "env-not-text",
    severity: Severity::Error,
    title: "The value of a variable is not a string",
    why: "In a profile, the Cluster Agent then injects nothing; the Operator's API rejects it; elsewhere, the chart turns false or 0 into an empty variable.",
    fix: "Put the value in quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[
        "DataDog/helm-charts, charts/datadog/templates/_helpers.tpl, additional-env-entries",
        PROFILES,
        "Kubernetes API reference, EnvVar",
    ],
};

pub(crate) static OLD_NAME: LintRule = LintRule {
    code: "PF732",
    name: "env-old-name",
    severity: Severity::Warning,
    title: "A sidecar variable has an outdated name",
    why: "Newer Agents use the new name.",
    fix: "Use the new name.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static HOSTNAME: LintRule = LintRule {
    code: "PF733",
    name: "profile-hostname",
    severity: Severity::Warning,
    title: "A profile sets a host name for sidecars",
    why: "On Fargate the Agent has no host to report; with a name, all pods become one host in Datadog.",
    fix: "Remove the variable.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_TEXT, &OLD_NAME, &HOSTNAME];

/// Names that changed, and what they are now.
const RENAMED: [(&str, &str); 1] = [("DD_PROCESS_AGENT_PROCESS_COLLECTION_ENABLED", PROCESSES)];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for installation in installation::all(project) {
        let profiles: Vec<Place> =
            installation.profiles().flat_map(|profile| profile.list("env")).map(YamlNode::place).collect();
        walk(installation.root(), &mut |variable| {
            let is_strict = installation.form == InstallationForm::Operator || profiles.contains(&variable.place());
            not_text(variable, is_strict, project, findings);
        });
        in_profiles(&installation, project, findings);
    }
}

/// All variables, wherever a list of them is.
fn walk<'a>(node: YamlNode<'a>, found: &mut impl FnMut(YamlNode<'a>)) {
    if node.is_alias() {
        return;
    }
    for entry in node.entries() {
        if entry.name == "env" {
            entry.value.items().filter(|item| item.get("name").is_some()).for_each(&mut *found);
        } else {
            walk(entry.value, found);
        }
    }
    node.items().for_each(|item| walk(item, found));
}

/// Of the chart's own lists, `true` and numbers become text; what a template takes for no does not.
fn not_text(variable: YamlNode<'_>, is_strict: bool, project: &Project<'_>, findings: &mut Findings) {
    let Some(value) = variable.get("value") else { return };
    let is_lost = match value.scalar() {
        Some(Scalar::Boolean(value)) => !value,
        Some(Scalar::Number(number)) => number.parse() == Ok(0.0),
        _ => return,
    };
    if !is_strict && !is_lost {
        return;
    }
    let name = variable.get("name").and_then(YamlNode::text).unwrap_or_default();
    let written = project.source(value.place()).slice(value.place().span);
    let what = if is_strict { "is not a string" } else { "is lost: the chart turns it into an empty variable" };
    let message = format!("`{written}` of `{name}` {what}");
    let edit = value.quote(project.source(value.place()));
    findings.push(Finding::new(&NOT_TEXT, value.place(), message).fix(format!("Write `\"{written}\"`.")).edits(edit));
}

fn in_profiles(installation: &Installation<'_>, project: &Project<'_>, findings: &mut Findings) {
    for profile in installation.profiles() {
        let variables: Vec<YamlNode<'_>> = profile.list("env").filter_map(|variable| variable.get("name")).collect();
        for name in &variables {
            let Some(text) = name.text() else { continue };
            if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == text) {
                // With both there would be two of one name.
                let has_new = variables.iter().any(|other| other.text() == Some(new));
                let edit = name.rewrite(new, project.source(name.place())).filter(|_| !has_new);
                let message = format!("`{text}` is now `{new}`");
                findings
                    .push(Finding::new(&OLD_NAME, name.place(), message).fix(format!("Write `{new}`.")).edits(edit));
            } else if text == "DD_HOSTNAME" {
                findings.push(Finding::new(&HOSTNAME, name.place(), "all sidecars would report this one host"));
            }
        }
    }
}
