//! Variables of the Agent and of injected sidecars, in values of the Helm chart and in a DatadogAgent.

use super::{PAGE, PROFILES};
use crate::agent::{PROCESSES, is_text};
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation, InstallationForm, is_placeholder};
use crate::lint::node::{Scalar, YamlNode};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;

pub(crate) static NOT_TEXT: LintRule = LintRule {
    code: "PF731",
    name: "env-not-text",
    severity: Severity::Error,
    title: "The value of a variable is not a string",
    why: "In a profile, the Cluster Agent then injects nothing; the Operator's API rejects it; elsewhere, the chart turns false or 0 into an empty variable, and a tag that looks like a number into a number, which Kubernetes rejects.",
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
    severity: Severity::Note,
    title: "A sidecar variable has an outdated name",
    why: "Agents still take the old name; Datadog's page has the new one.",
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

pub(crate) static SINGLE_QUOTE: LintRule = LintRule {
    code: "PF763",
    name: "single-quote-in-profile",
    severity: Severity::Error,
    title: "A selector or profile has a single quote",
    why: "The chart writes selectors and profiles between single quotes without doubling those inside, so what it renders is not YAML, and Helm installs nothing.",
    fix: "Write the quote twice, or use the Operator.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["DataDog/helm-charts, charts/datadog/templates/_ac-agent-sidecar-env.yaml"],
};

pub(crate) static TAG_IS_NUMBER: LintRule = LintRule {
    code: "PF764",
    name: "tag-changed-as-number",
    severity: Severity::Error,
    title: "An image tag without quotes is a number that is written differently",
    why: "Helm reads it as a number, and writes 7.70 as 7.7 into the image's name: another image, or none.",
    fix: "Put the tag in quotes.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &["DataDog/helm-charts, charts/datadog/templates/_helpers.tpl, image-path"],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_TEXT, &OLD_NAME, &HOSTNAME, &SINGLE_QUOTE, &TAG_IS_NUMBER];

/// What has an image in the chart's values.
const WITH_IMAGE: [&str; 4] = ["agents", "clusterAgent", "clusterChecksRunner", "otelAgentGateway"];

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
        if installation.form == InstallationForm::Chart {
            unquoted_tag(&installation, findings);
            changed_tags(&installation, project, findings);
            for list in ["selectors", "profiles"] {
                let injection = installation.injection();
                injection
                    .into_iter()
                    .flat_map(|injection| injection.value.list(list))
                    .for_each(|item| quotes(item, findings));
            }
        }
    }
}

/// The tag of the sidecars' image becomes a variable of the Cluster Agent, which the chart writes without quotes.
fn unquoted_tag(installation: &Installation<'_>, findings: &mut Findings) {
    let Some(tag) = installation.sidecar_tag() else { return };
    let Some(text) = tag.text().filter(|text| !text.is_empty() && !is_placeholder(text) && !is_text(text)) else {
        return;
    };
    let message =
        format!("the chart makes of the tag `{text}` a variable whose value is not a string, with quotes or without");
    let advice = "Write a whole version, such as `7.78.1`, or remove the tag: the chart sets its own version.";
    findings.push(Finding::new(&NOT_TEXT, tag.place(), message).fix(advice));
}

/// Tags that Helm reads as a number and writes with other digits.
fn changed_tags(installation: &Installation<'_>, project: &Project<'_>, findings: &mut Findings) {
    let tags = WITH_IMAGE.iter().filter_map(|part| installation.root().path(&[part, "image", "tag"]));
    for tag in
        tags.filter(|tag| installation.sidecar_tag().is_none_or(|of_sidecars| of_sidecars.place() != tag.place()))
    {
        let Some(Scalar::Number(written)) = tag.scalar() else { continue };
        let Some(read) = written.parse::<f64>().ok().map(|number| number.to_string()).filter(|read| read != written)
        else {
            continue;
        };
        let message = format!("the tag `{written}` is a number, which Helm writes as `{read}`");
        let edit = tag.quote(project.source(tag.place()));
        findings.push(Finding::new(&TAG_IS_NUMBER, tag.place(), message).edits(edit));
    }
}

/// Texts with a single quote that does not have a second one beside it.
fn quotes(node: YamlNode<'_>, findings: &mut Findings) {
    if node.is_alias() {
        return;
    }
    if node.text().is_some_and(has_lone_quote) {
        let message = "the chart ends its own quotes at this single quote";
        findings.push(Finding::new(&SINGLE_QUOTE, node.place(), message));
    }
    node.items().for_each(|item| quotes(item, findings));
    node.entries().for_each(|entry| quotes(entry.value, findings));
}

fn has_lone_quote(text: &str) -> bool {
    text.split(|character: char| character != '\'').any(|run| run.len() % 2 == 1)
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
