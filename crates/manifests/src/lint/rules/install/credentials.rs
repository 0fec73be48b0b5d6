//! Names, keys and tokens of an installation: the cluster's name, and what sidecars need to speak with Datadog and the Cluster Agent.

use super::{PAGE, WEBHOOK};
use crate::agent::{API_KEY, SECRET, TOKEN};
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, Installation, InstallationForm, is_placeholder};
use crate::lint::node::{YamlEntry, YamlNode};
use crate::lint::placeholder::is_placeholder_of_key;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::names::{datadog_cluster, is_datadog_cluster, is_eks_cluster};

pub(crate) static CLUSTER_NAME: LintRule = LintRule {
    code: "PF741",
    name: "cluster-name",
    severity: Severity::Error,
    title: "Datadog does not accept this cluster name",
    why: "The chart does not install with it; the Operator passes it on, and an Agent drops the tag kube_cluster_name.",
    fix: "Use lower-case letters, digits, `-`, `_` and `.`, at most 80 characters, starting and ending with a letter or digit.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[
        "DataDog/helm-charts, charts/datadog/templates/_helpers.tpl, check-cluster-name",
        "DataDog/datadog-operator, internal/controller/datadogagent/global/global.go",
        "DataDog/datadog-agent, pkg/util/kubernetes/clustername",
    ],
};

pub(crate) static PLAIN_SECRET: LintRule = LintRule {
    code: "PF742",
    name: "plain-secret",
    severity: Severity::Warning,
    title: "The file contains a key or token in plain text",
    why: "Anyone who can read the file, its history or the Helm release has the key.",
    fix: "Put it in a Secret (`podferry generate secret`), and name that Secret here.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["DataDog/helm-charts, charts/datadog/values.yaml", PAGE],
};

pub(crate) static NO_TOKEN: LintRule = LintRule {
    code: "PF743",
    name: "no-token-secret",
    severity: Severity::Warning,
    title: "The Cluster Agent has no token that sidecars can share",
    why: "It then generates its own token, and rejects every sidecar until you copy that token into the Secret datadog-secret of the sidecar's namespace.",
    fix: "Name the Secret that holds the token: `clusterAgent.tokenExistingSecret: datadog-secret`, or `global.clusterAgentTokenSecret` for the Operator.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, WEBHOOK, "DataDog/helm-charts, charts/datadog/templates/secret-cluster-agent-token.yaml"],
};

pub(crate) static OTHER_SECRET: LintRule = LintRule {
    code: "PF744",
    name: "other-secret-name",
    severity: Severity::Warning,
    title: "The Cluster Agent takes its key or token from a different Secret than sidecars do",
    why: "Injected sidecars only look for the Secret datadog-secret with the keys api-key and token, so you have to keep two Secrets in sync.",
    fix: "Name the Secret datadog-secret, with the keys api-key and token, in every namespace.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, WEBHOOK, "DataDog/datadog-agent#52899"],
};

pub(crate) static RULES: &[&LintRule] = &[&CLUSTER_NAME, &PLAIN_SECRET, &NO_TOKEN, &OTHER_SECRET];

/// Paths of keys and tokens as text: of the chart, of the Operator.
const PLAIN: [(&[&str], &[&str], &str); 3] = [
    (&["datadog", "apiKey"], &["global", "credentials", "apiKey"], "an API key"),
    (&["datadog", "appKey"], &["global", "credentials", "appKey"], "an application key"),
    (&["clusterAgent", "token"], &["global", "clusterAgentToken"], "the Cluster Agent's token"),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let all = installation::all(project);
    for installation in &all {
        cluster_name(project, installation, findings);
        plain(installation, findings);
        if installation.injection().is_some() {
            other_names(installation, findings);
            token(installation, &all, findings);
        }
    }
}

fn cluster_name(project: &Project<'_>, installation: &Installation<'_>, findings: &mut Findings) {
    let Some(name) = installation.cluster_name() else { return };
    let Some(text) = name.text().filter(|text| !text.is_empty() && !is_placeholder(text)) else { return };
    if is_datadog_cluster(text) {
        return;
    }
    let message = match text.chars().count() {
        length @ 81.. => format!("the name has {length} characters; Datadog allows 80"),
        _ => format!("Datadog does not accept the cluster name `{text}`"),
    };
    let finding = Finding::new(&CLUSTER_NAME, name.place(), message);
    // The chart fails; the Operator hands the name on. Agents of nodes then ask the cloud for another, and sidecars have none.
    let is_replaced = installation.form == InstallationForm::Operator && installation.injection().is_none();
    let finding = if is_replaced { finding.severity(Severity::Warning) } else { finding };
    findings.push(if is_eks_cluster(text) {
        let datadog = datadog_cluster(text);
        let edit = name.rewrite(&datadog, project.source(name.place()));
        finding
            .fix(format!("Write `{datadog}`, which podferry makes of the EKS name in all manifests for Datadog."))
            .edits(edit)
    } else {
        finding
    });
}

fn plain(installation: &Installation<'_>, findings: &mut Findings) {
    for (chart, operator, what) in PLAIN {
        let Some(entry) = installation.entry(chart, operator) else { continue };
        // `ENC[…]` names a secret of a secret backend.
        let is_plain = |text: &&str| !is_placeholder(text) && !is_placeholder_of_key(text) && !text.starts_with("ENC[");
        if !entry.value.is_null() && entry.value.text().filter(is_plain).is_some() {
            findings.push(Finding::new(&PLAIN_SECRET, entry.value.place(), format!("{what} is here in plain text")));
        }
    }
}

/// Values can come from several files: another one may name the Secret.
fn token(installation: &Installation<'_>, all: &[Installation<'_>], findings: &mut Findings) {
    let has = |one: &Installation<'_>, chart: &[&str], operator: &[&str]| {
        one.value(chart, operator).is_some_and(|value| !value.is_null() && value.text() != Some(""))
    };
    let is_given = |one: &Installation<'_>| {
        has(one, &["clusterAgent", "tokenExistingSecret"], &["global", "clusterAgentTokenSecret"])
            || has(one, &["clusterAgent", "token"], &["global", "clusterAgentToken"])
    };
    let is_same = |one: &&Installation<'_>| one.form == installation.form;
    if !installation.speaks_with_sidecars() || all.iter().filter(is_same).any(is_given) {
        return;
    }
    let Some(injection) = installation.injection() else { return };
    let message = "sidecars do not have the token that the Cluster Agent generates";
    findings.push(Finding::new(&NO_TOKEN, injection.key, message));
}

fn other_names(installation: &Installation<'_>, findings: &mut Findings) {
    let mut hold = |entry: Option<YamlEntry<'_>>, expected: &str, what: &str| {
        let Some(entry) = entry else { return };
        let Some(text) = entry.value.text().filter(|text| !text.is_empty() && !is_placeholder(text)) else { return };
        if !entry.value.is_null() && text != expected {
            let message = format!("sidecars look for the {what} {expected}, not `{text}`");
            findings.push(Finding::new(&OTHER_SECRET, entry.value.place(), message));
        }
    };
    let speaks = installation.speaks_with_sidecars();
    match installation.form {
        InstallationForm::Chart => {
            hold(installation.entry(&["datadog", "apiKeyExistingSecret"], &[]), SECRET, "Secret");
            if speaks {
                hold(installation.entry(&["clusterAgent", "tokenExistingSecret"], &[]), SECRET, "Secret");
            }
        }
        InstallationForm::Operator => {
            let credentials: [(&[&str], &str, bool); 2] = [
                (&["global", "credentials", "apiSecret"], API_KEY, true),
                (&["global", "clusterAgentTokenSecret"], TOKEN, speaks),
            ];
            for (path, key, is_used) in credentials {
                let secret: Option<YamlNode<'_>> = installation.value(&[], path).filter(|_| is_used);
                hold(secret.and_then(|secret| secret.entry("secretName")), SECRET, "Secret");
                hold(secret.and_then(|secret| secret.entry("keyName")), key, "key");
            }
        }
    }
}
