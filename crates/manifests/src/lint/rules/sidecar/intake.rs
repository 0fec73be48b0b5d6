//! Where a sidecar sends to, and the key that it shows there.

use super::{PAGE, all};
use crate::agent::{API_KEY, SECRET, TOKEN};
use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{EnvVariable, SidecarContainer};
use pipeline::site::SITES;

pub(crate) static PLAIN_KEY: LintRule = LintRule {
    code: "PF403",
    name: "sidecar-plain-key",
    severity: Severity::Error,
    title: "A sidecar's manifest contains a key or token",
    why: "Anyone who can read the pod, or the repository with the manifest, has it.",
    fix: "Take it from a Secret: `valueFrom: {secretKeyRef: {name: datadog-secret, key: api-key}}`. Then create a new key in Datadog and revoke this one.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "Kubernetes documentation, \"Good practices for Kubernetes Secrets\""],
};

pub(crate) static NO_KEY: LintRule = LintRule {
    code: "PF404",
    name: "sidecar-without-key",
    severity: Severity::Error,
    title: "A sidecar has no API key",
    why: "The Agent does not start without one.",
    fix: "Set the Agent's `DD_API_KEY` from the key api-key of the Secret datadog-secret.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static NO_SITE: LintRule = LintRule {
    code: "PF407",
    name: "sidecar-site",
    severity: Severity::Note,
    title: "A sidecar does not set its Datadog site",
    why: "It sends to datadoghq.com, which rejects keys of other sites.",
    fix: "Set the Agent's `DD_SITE`, even if it is datadoghq.com.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Getting Started with Datadog Sites\""],
};

pub(crate) static UNKNOWN_SITE: LintRule = LintRule {
    code: "PF408",
    name: "sidecar-unknown-site",
    severity: Severity::Error,
    title: "A sidecar sends to an unknown Datadog site",
    why: "Nothing that it sends arrives.",
    fix: "Use the site from the address of your Datadog pages, without https:// and app.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"Getting Started with Datadog Sites\""],
};

pub(crate) static SECRET_KEY: LintRule = LintRule {
    code: "PF428",
    name: "sidecar-secret-key",
    severity: Severity::Error,
    title: "A sidecar takes a variable from a key that the Secret does not have",
    why: "Kubernetes does not start a container if a Secret key is missing.",
    fix: "Use a key that the Secret has, or add the key to the Secret.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Kubernetes documentation, \"Secrets\"", PAGE],
};

pub(crate) static SECRET_NAME: LintRule = LintRule {
    code: "PF429",
    name: "sidecar-secret-name",
    severity: Severity::Warning,
    title: "A sidecar takes its key from a Secret that is not among the manifests, but datadog-secret is",
    why: "If nothing else creates that Secret, Kubernetes does not start the container.",
    fix: "Take it from datadog-secret, the name that the Cluster Agent also looks for.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static RULES: &[&LintRule] = &[&PLAIN_KEY, &NO_KEY, &NO_SITE, &UNKNOWN_SITE, &SECRET_KEY, &SECRET_NAME];

/// Variables that are secret, and the key of [`SECRET`] that they are taken from.
const SECRETS: [(&str, Option<&str>); 3] =
    [("DD_API_KEY", Some(API_KEY)), ("DD_CLUSTER_AGENT_AUTH_TOKEN", Some(TOKEN)), ("DD_APP_KEY", None)];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for sidecar in all(project) {
        for (name, key) in SECRETS {
            let Some(variable) = sidecar.variable(name) else { continue };
            // `ENC[…]` is a handle of the Agent's secrets backend.
            let plain = variable.literal().filter(|text| !text.is_empty() && !text.starts_with("ENC["));
            if plain.is_some() {
                let message = format!("{name} of container {} is here in plain text", sidecar.name());
                findings.push(Finding::new(&PLAIN_KEY, variable.place(), message));
            }
            reference(project, &sidecar, variable, key, findings);
        }
        if sidecar.lacks("DD_API_KEY") {
            let message = format!("container {} has no DD_API_KEY", sidecar.name());
            findings.push(Finding::new(&NO_KEY, sidecar.place(), message));
        }
        site(&sidecar, findings);
    }
}

fn site(sidecar: &SidecarContainer<'_>, findings: &mut Findings) {
    // Whoever gives a URL sends through a proxy or a stand-in.
    if ["DD_DD_URL", "DD_URL"].iter().any(|name| sidecar.variable(name).is_some()) {
        return;
    }
    let Some(variable) = sidecar.variable("DD_SITE") else {
        if sidecar.lacks("DD_SITE") {
            let message = format!("container {} has no DD_SITE and sends to datadoghq.com", sidecar.name());
            findings.push(Finding::new(&NO_SITE, sidecar.place(), message));
        }
        return;
    };
    let Some(site) = variable.literal().filter(|site| !SITES.contains(site)) else { return };
    let host = site.trim_start_matches("https://").trim_end_matches('/').trim_start_matches("app.");
    let message = format!("`{site}` is not a Datadog site");
    let finding = Finding::new(&UNKNOWN_SITE, variable.place(), message);
    findings.push(match SITES.iter().find(|known| **known == host) {
        Some(known) => finding.fix(format!("Write `{known}`.")),
        None => finding.fix(format!("Write one of {}.", SITES.join(", "))),
    });
}

/// Looks at where a variable is taken from.
fn reference(
    project: &Project<'_>,
    sidecar: &SidecarContainer<'_>,
    variable: EnvVariable<'_>,
    expected: Option<&str>,
    findings: &mut Findings,
) {
    let Some(from) = variable.item.path(&["valueFrom", "secretKeyRef"]) else { return };
    let text = |name| from.get(name).and_then(YamlNode::text).unwrap_or_default();
    let (name, key) = (text("name"), text("key"));
    let in_namespace = |object: &ManifestObject<'_>| {
        object.namespace().is_none_or(|namespace| sidecar.pod.object.namespace().is_none_or(|own| own == namespace))
    };
    let secret = |wanted: &str| project.of_kind("Secret").filter(in_namespace).find(|one| one.name() == Some(wanted));
    let place = |name: &str| from.get(name).unwrap_or(from).place();
    let has =
        |object: ManifestObject<'_>| ["data", "stringData"].iter().any(|part| object.node.path(&[part, key]).is_some());
    match secret(name) {
        Some(found) if !has(found) => {
            let message = format!("{} has no key `{key}`, which {} is taken from", found.title(), variable.name);
            findings.push(Finding::new(&SECRET_KEY, place("key"), message).related(found.place(), "the Secret"));
        }
        None if name == SECRET => {
            if let Some(expected) = expected.filter(|expected| *expected != key) {
                let message =
                    format!("{} is taken from the key `{key}` of {SECRET}, but the key is `{expected}`", variable.name);
                findings
                    .push(Finding::new(&SECRET_KEY, place("key"), message).fix(format!("Write `key: {expected}`.")));
            }
        }
        None => {
            if let Some(other) = secret(SECRET) {
                let message =
                    format!("no Secret `{name}` is among the manifests, but {} is taken from it", variable.name);
                findings.push(Finding::new(&SECRET_NAME, place("name"), message).related(other.place(), "this one is"));
            }
        }
        Some(_) => {}
    }
}
