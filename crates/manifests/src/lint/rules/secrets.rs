//! The Secret with the API key and the token: its keys, what is in them, and whether it is in each namespace that needs it.
//!
//! No finding says anything of a value but its length.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::agent::{API_KEY, SECRET, TOKEN};
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation;
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::object::ManifestObject;
use crate::lint::placeholder::is_placeholder_of_key;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::sidecar::{is_injected, sidecars};
use crate::lint::source::Place;
use crate::secret::{MIN_TOKEN, SecretError, check_api_key};

const PAGE: &str = "Datadog documentation, \"Amazon EKS on AWS Fargate\", \"Prerequisites\"";
const KUBERNETES: &str = "Kubernetes documentation, \"Secrets\"";

pub(crate) static NO_API_KEY: LintRule = LintRule {
    code: "PF601",
    name: "secret-without-api-key",
    severity: Severity::Error,
    title: "The Secret datadog-secret has no key api-key",
    why: "Sidecars take their API key from it: without it, they are not injected or do not start.",
    fix: "Add the key `api-key`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, issue #52899"],
};

pub(crate) static NO_TOKEN: LintRule = LintRule {
    code: "PF602",
    name: "secret-without-token",
    severity: Severity::Warning,
    title: "The Secret datadog-secret has no key token",
    why: "Sidecars that talk to the Cluster Agent take their token from it: without it, they are not injected or do not start.",
    fix: "Add the key `token`, with the same value in every namespace, including the Cluster Agent's.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, issue #52899"],
};

pub(crate) static API_KEY_FORM: LintRule = LintRule {
    code: "PF603",
    name: "api-key-form",
    severity: Severity::Error,
    title: "The value of api-key is not an API key",
    why: "Datadog rejects everything that is sent with it.",
    fix: "Use an API key: 32 hexadecimal digits, from Organization Settings > API Keys.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog documentation, \"API and Application Keys\""],
};

pub(crate) static PLACEHOLDER: LintRule = LintRule {
    code: "PF604",
    name: "secret-placeholder",
    severity: Severity::Error,
    title: "A key or token is a placeholder",
    why: "It was never replaced, so it does not work.",
    fix: "Put the real value there, but keep it out of the repository: `podferry generate secret` writes it, or a reference to a secret store.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static SHORT_TOKEN: LintRule = LintRule {
    code: "PF605",
    name: "token-too-short",
    severity: Severity::Error,
    title: "The token is too short for the Cluster Agent",
    why: "The Cluster Agent does not start with a token of fewer than 32 characters.",
    fix: "Use a token of 32 letters and digits: `podferry generate secret` creates one.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, `pkg/api/util`, `authTokenMinimalLen`"],
};

pub(crate) static NOT_BASE64: LintRule = LintRule {
    code: "PF606",
    name: "secret-not-base64",
    severity: Severity::Error,
    title: "A value in `data` of a Secret is not base64",
    why: "Kubernetes rejects the whole Secret, or stores the wrong bytes.",
    fix: "Move the value to `stringData`, which takes plain text.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[KUBERNETES],
};

pub(crate) static BLANKS: LintRule = LintRule {
    code: "PF607",
    name: "secret-with-blanks",
    severity: Severity::Error,
    title: "A key or token starts or ends with whitespace",
    why: "HTTP headers do not allow line breaks: with such a token no sidecar reaches the Cluster Agent, and not every program trims keys.",
    fix: "Encode it without the line break (`printf %s` instead of `echo`); in `stringData`, write it on the same line as its name.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[KUBERNETES],
};

pub(crate) static TOKENS_DIFFER: LintRule = LintRule {
    code: "PF608",
    name: "tokens-differ",
    severity: Severity::Error,
    title: "Two namespaces have different tokens",
    why: "The Cluster Agent has a single token and rejects the sidecars of every namespace with another one.",
    fix: "Use the same token in every namespace.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE],
};

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF609",
    name: "secret-missing",
    severity: Severity::Error,
    title: "A namespace with sidecars lacks the Secret datadog-secret, which others have",
    why: "A pod can only read Secrets in its own namespace: without it, the sidecar is not injected or does not start.",
    fix: "Add the Secret to this namespace: `podferry generate secret` writes one for each.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-agent, issue #52899"],
};

pub(crate) static OTHER_NAME: LintRule = LintRule {
    code: "PF610",
    name: "secret-other-name",
    severity: Severity::Error,
    title: "The Secret for injected sidecars has the wrong name",
    why: "Injected sidecars only take their key from datadog-secret.",
    fix: "Rename it to datadog-secret.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PAGE, "DataDog/datadog-operator, issue #1688"],
};

pub(crate) static NOT_A_STRING: LintRule = LintRule {
    code: "PF611",
    name: "secret-not-a-string",
    severity: Severity::Error,
    title: "A Secret value is not a string",
    why: "Kubernetes rejects the Secret: YAML reads a key that is all digits, or digits around an `e`, as a number.",
    fix: "Put the value in quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["Kubernetes API reference, \"Secret\"", "kubernetes-sigs/yaml"],
};

pub(crate) static RULES: &[&LintRule] = &[
    &NO_API_KEY,
    &NO_TOKEN,
    &API_KEY_FORM,
    &PLACEHOLDER,
    &SHORT_TOKEN,
    &NOT_BASE64,
    &BLANKS,
    &TOKENS_DIFFER,
    &MISSING,
    &OTHER_NAME,
    &NOT_A_STRING,
];

/// Kinds of which another program makes a Secret.
const MAKERS: [&str; 5] =
    ["ExternalSecret", "ClusterExternalSecret", "SealedSecret", "VaultStaticSecret", "BitwardenSecret"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let secrets: Vec<ManifestObject<'_>> =
        project.of_kind("Secret").filter(|secret| secret.name() == Some(SECRET)).collect();
    for secret in project.of_kind("Secret") {
        strings(project, &secret, findings);
        other_values(&secret, findings);
    }
    let has_sidecars = has_sidecars(project);
    let mut tokens: Vec<(Place, String)> = Vec::new();
    for secret in &secrets {
        for (key, rule) in [(API_KEY, &NO_API_KEY), (TOKEN, &NO_TOKEN)] {
            let Some(entry) = entry(secret, key) else {
                let message = format!("{} has no key `{key}`", secret.title());
                let finding = Finding::new(rule, secret.place(), message);
                // Agents of nodes need no token; nobody knows which Agents there are.
                let is_missed = key == API_KEY || has_sidecars;
                findings.push(if is_missed { finding } else { finding.severity(Severity::Note) });
                continue;
            };
            let value = value(secret, entry, findings);
            let Some(value) = value.filter(|value| is_known(value)) else { continue };
            content(secret, entry, key, &value, findings);
            if key == TOKEN {
                tokens.push((entry.value.place(), value.trim().to_owned()));
            }
        }
    }
    if let Some((first, token)) = tokens.first() {
        for (place, _) in tokens.iter().filter(|(_, other)| other != token) {
            let message = "this token differs from the one in the first namespace";
            findings.push(Finding::new(&TOKENS_DIFFER, *place, message).related(*first, "the first"));
        }
    }
    presence(project, findings);
}

fn strings(project: &Project<'_>, secret: &ManifestObject<'_>, findings: &mut Findings) {
    let parts = ["data", "stringData"].into_iter().filter_map(|part| secret.node.get(part));
    for entry in parts.flat_map(YamlNode::entries) {
        let kind = match entry.value.scalar() {
            Some(Scalar::Boolean(_)) => "a boolean",
            Some(Scalar::Number(_)) => "a number",
            _ => continue,
        };
        let message = format!("`{}` of {} is {kind}, not a string", entry.name, secret.title());
        let edit = entry.value.quote(project.source(entry.value.place()));
        findings.push(Finding::new(&NOT_A_STRING, entry.value.place(), message).edits(edit));
    }
}

/// Whether some pod has a sidecar, or is to get one.
fn has_sidecars(project: &Project<'_>) -> bool {
    installation::all(project).iter().any(|one| one.injection().is_some())
        || project.pods().any(|pod| is_injected(&pod) || !sidecars(&pod).is_empty())
}

/// Looks at the values in `data` that nothing else is known of: one that is not base64 keeps the whole Secret from being stored.
fn other_values(secret: &ManifestObject<'_>, findings: &mut Findings) {
    let is_datadogs = secret.name() == Some(SECRET);
    for entry in secret.node.get("data").into_iter().flat_map(YamlNode::entries) {
        let is_looked_at = is_datadogs && [API_KEY, TOKEN].contains(&entry.name);
        let Some(text) = entry.value.string().filter(|text| !is_looked_at && !is_filled_in_later(text)) else {
            continue;
        };
        if STANDARD.decode(text.replace(['\n', '\r'], "")).is_err() {
            let message = format!("`{}` of {} is not base64", entry.name, secret.title());
            findings.push(Finding::new(&NOT_BASE64, entry.value.place(), message));
        }
    }
}

/// Whether a text, which is not base64, is there for a program or a reader to put the value in its place.
fn is_filled_in_later(text: &str) -> bool {
    const WORDS: [&str; 9] =
        ["changeme", "change-me", "change_me", "replace", "placeholder", "your", "todo", "insert", "example"];
    let lower = text.to_ascii_lowercase();
    // No letter of base64, and what marks for such programs are made of.
    !is_known(text)
        || text.contains(['<', '$', '{', '[', '%', '#', '@', ':', '_'])
        || ["...", "xxx"].iter().any(|mark| lower.contains(mark))
        || WORDS.iter().any(|word| lower.contains(word))
}

fn entry<'a>(secret: &ManifestObject<'a>, key: &str) -> Option<YamlEntry<'a>> {
    ["stringData", "data"].iter().find_map(|part| secret.node.get(part)?.entry(key))
}

/// Whether nothing is filled in later.
fn is_known(value: &str) -> bool {
    !["$(", "${", "{{", "ENC["].iter().any(|mark| value.contains(mark))
}

/// What the Secret holds, decoded.
fn value(secret: &ManifestObject<'_>, entry: YamlEntry<'_>, findings: &mut Findings) -> Option<String> {
    let text = entry.value.text()?;
    let is_data =
        secret.node.path(&["data"]).and_then(|data| data.entry(entry.name)).is_some_and(|one| one.key == entry.key);
    if !is_data {
        return Some(text.to_owned());
    }
    if !is_known(text) {
        return None;
    }
    let decoded =
        STANDARD.decode(text.replace(['\n', '\r'], "").trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if decoded.is_none() {
        let (rule, what) =
            if is_placeholder_of_key(text) { (&PLACEHOLDER, "a placeholder") } else { (&NOT_BASE64, "not base64") };
        let message = format!("`{}` of {} is {what}", entry.name, secret.title());
        findings.push(Finding::new(rule, entry.value.place(), message));
    }
    decoded
}

fn content(secret: &ManifestObject<'_>, entry: YamlEntry<'_>, key: &str, value: &str, findings: &mut Findings) {
    let place = entry.value.place();
    let title = secret.title();
    let trimmed = value.trim();
    if is_placeholder_of_key(trimmed) {
        findings.push(Finding::new(&PLACEHOLDER, place, format!("`{key}` of {title} is a placeholder")));
        return;
    }
    if trimmed.len() != value.len() {
        let message = format!("`{key}` of {title} starts or ends with whitespace");
        findings.push(Finding::new(&BLANKS, place, message));
    }
    if key == TOKEN {
        if trimmed.len() < MIN_TOKEN {
            let message = format!("the token has {} characters, but needs {MIN_TOKEN}", trimmed.len());
            findings.push(Finding::new(&SHORT_TOKEN, place, message));
        }
        return;
    }
    match check_api_key(trimmed) {
        Err(SecretError::ApplicationKey) => {
            let message = format!("`{key}` of {title} has the length of an application key");
            findings.push(Finding::new(&API_KEY_FORM, place, message));
        }
        Err(_) => {
            let message = format!("`{key}` of {title} is not 32 hexadecimal digits");
            findings.push(Finding::new(&API_KEY_FORM, place, message));
        }
        Ok(()) => {}
    }
}

/// The name of the Secret that an object is, or makes.
fn makes<'a>(object: &ManifestObject<'a>) -> Option<&'a str> {
    let target =
        [&["spec", "target", "name"][..], &["spec", "template", "metadata", "name"], &["spec", "destination", "name"]];
    match object.kind {
        "Secret" => object.name(),
        kind if MAKERS.contains(&kind) => {
            target.iter().find_map(|path| object.node.path(path)).and_then(YamlNode::text).or_else(|| object.name())
        }
        _ => None,
    }
}

/// Whether a program copies an object into other namespaces.
fn is_copied(object: &ManifestObject<'_>) -> bool {
    let annotations = object.node.path(&["metadata", "annotations"]);
    object.kind.starts_with("Cluster")
        || annotations
            .into_iter()
            .flat_map(YamlNode::entries)
            .any(|entry| ["reflect", "replicat", "kubed", "copy"].iter().any(|word| entry.name.contains(word)))
}

/// Looks whether each namespace with sidecars has the Secret.
fn presence(project: &Project<'_>, findings: &mut Findings) {
    let known: Vec<ManifestObject<'_>> =
        project.objects.iter().copied().filter(|one| makes(one) == Some(SECRET)).collect();
    let is_everywhere = |one: &ManifestObject<'_>| is_copied(one) || one.namespace().is_none();
    let mut said: Vec<&str> = Vec::new();
    for pod in project.pods().filter(|pod| pod.workload.runs_on_fargate) {
        let Some(namespace) = pod.object.namespace().filter(|namespace| !said.contains(namespace)) else { continue };
        let injected = is_injected(&pod);
        let is_from_secret = sidecars(&pod).iter().any(|sidecar| {
            let reference =
                sidecar.variable("DD_API_KEY").and_then(|one| one.item.path(&["valueFrom", "secretKeyRef", "name"]));
            reference.and_then(YamlNode::text) == Some(SECRET)
        });
        let is_here = |one: &ManifestObject<'_>| is_everywhere(one) || one.namespace() == Some(namespace);
        if !(injected || is_from_secret) || known.iter().any(is_here) {
            continue;
        }
        let in_namespace =
            |one: &ManifestObject<'_>| one.namespace() == Some(namespace) && entry(one, API_KEY).is_some();
        let other = project.of_kind("Secret").find(in_namespace).filter(|_| injected);
        said.push(namespace);
        if let Some(other) = other {
            let message = format!("{} is not named {SECRET}, so injected sidecars do not find it", other.title());
            let finding = Finding::new(&OTHER_NAME, other.place(), message);
            findings.push(finding.related(pod.object.place(), "its pods get a sidecar"));
        } else if let Some(first) = known.first() {
            let message = format!("namespace {namespace} has pods with a sidecar but no {SECRET}");
            let finding = Finding::new(&MISSING, pod.object.place(), message);
            findings.push(finding.related(first.place(), "this one is in another namespace"));
        }
    }
}
