//! What asks the Admission Controller for a tracing library: a label that switches it on, annotations that choose the library, both on
//! the pods; and the domain in all names that Datadog reads.

use crate::injection::LANGUAGES;
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::node::{YamlEntry, YamlNode};
use crate::lint::object::DocumentKind;
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;

const INJECTION: &str = "DataDog/datadog-agent, pkg/clusteragent/admission/mutate/autoinstrumentation";

pub(crate) static MISPLACED: LintRule = LintRule {
    code: "PF765",
    name: "library-injection-misplaced",
    severity: Severity::Warning,
    title: "What asks for a tracing library is where the Admission Controller does not look",
    why: "It selects pods by the label `admission.datadoghq.com/enabled`, and reads the library from their annotations; anywhere else it injects nothing.",
    fix: "Put the label and the annotations on the pods: in `spec.template.metadata` of a workload.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[INJECTION, "DataDog/datadog-agent, pkg/clusteragent/admission/common/label_selectors.go"],
};

pub(crate) static UNKNOWN_LANGUAGE: LintRule = LintRule {
    code: "PF766",
    name: "library-language-unknown",
    severity: Severity::Warning,
    title: "An annotation asks for the tracing library of an unknown language",
    why: "There are libraries for java, js, python, dotnet, ruby and php; for another name nothing is injected.",
    fix: "Use one of these names.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[INJECTION],
};

pub(crate) static OTHER_DOMAIN: LintRule = LintRule {
    code: "PF767",
    name: "name-of-another-domain",
    severity: Severity::Warning,
    title: "An annotation or label has a domain that Datadog does not read",
    why: "These names end in datadoghq.com on every site, so this one is ignored silently.",
    fix: "Write `datadoghq.com`; the site is a setting of the Agent.",
    edits: RuleEdits::Suggested,
    is_preview: true,
    sources: &[
        "Datadog documentation, \"Kubernetes and Integrations\"",
        "Datadog documentation, \"Unified Service Tagging\"",
        INJECTION,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&MISPLACED, &UNKNOWN_LANGUAGE, &OTHER_DOMAIN];

const PREFIX: &str = "admission.datadoghq.com/";
const ENABLED: &str = "admission.datadoghq.com/enabled";
/// How the annotations of a library end.
const ENDS: [&str; 3] = ["-lib.version", "-lib.custom-image", "-lib.config.v1"];
/// Names that people use for a language, and what it is called here.
const OTHER_NAMES: [(&str, &str); 7] = [
    ("node", "js"),
    ("nodejs", "js"),
    ("javascript", "js"),
    ("net", "dotnet"),
    ("csharp", "dotnet"),
    ("jvm", "java"),
    ("py", "python"),
];
/// What such names begin with.
const SUBDOMAINS: [&str; 4] = ["ad", "admission", "tags", "agent"];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for pod in project.of_what(DocumentKind::Kubernetes).filter_map(|object| object.pod()) {
        on_pods(&pod, findings);
        if !pod.workload.is_pod() {
            on_workload(&pod, findings);
        }
    }
}

fn on_pods(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let has_label = pod.labels().is_some_and(|labels| labels.entry(ENABLED).is_some());
    for entry in pod.annotations().into_iter().flat_map(YamlNode::entries) {
        domain(entry, findings);
        if entry.name == ENABLED && !has_label {
            let message = format!("`{ENABLED}` is an annotation here; the Admission Controller looks for a label");
            findings.push(Finding::new(&MISPLACED, entry.key, message).fix("Move it to the pod's labels."));
        } else if let Some(language) = language(entry.name) {
            known(language, entry, findings);
        }
    }
    for entry in pod.labels().into_iter().flat_map(YamlNode::entries) {
        domain(entry, findings);
        if language(entry.name).is_some() {
            let message = format!("`{}` is a label here; the Admission Controller reads an annotation", entry.name);
            findings.push(Finding::new(&MISPLACED, entry.key, message).fix("Move it to the pod's annotations."));
        }
    }
}

fn on_workload(pod: &PodTemplate<'_>, findings: &mut Findings) {
    let own = |part: &str| pod.object.node.path(&["metadata", part]).into_iter().flat_map(YamlNode::entries);
    let is_on_pods = |entry: &YamlEntry<'_>| {
        [pod.labels(), pod.annotations()].into_iter().flatten().any(|part| part.entry(entry.name).is_some())
    };
    for entry in own("labels").chain(own("annotations")) {
        if (entry.name == ENABLED || language(entry.name).is_some()) && !is_on_pods(&entry) {
            let message = format!("pods of {} do not have `{}`", pod.object.title(), entry.name);
            findings.push(Finding::new(&MISPLACED, entry.key, message));
        }
    }
}

/// The language whose library a name is about, `all` for all.
fn language(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PREFIX)?;
    let stem = ENDS.iter().find_map(|end| rest.strip_suffix(end))?;
    // Before the language there may be a container.
    Some(stem.rsplit_once('.').map_or(stem, |(_, language)| language))
}

fn known(language: &str, entry: YamlEntry<'_>, findings: &mut Findings) {
    if language == "all" || LANGUAGES.contains(&language) || language.contains(['$', '{']) {
        return;
    }
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == language).map(|(_, own)| *own);
    let finding = Finding::new(&UNKNOWN_LANGUAGE, entry.key, format!("there is no library for `{language}`"));
    findings.push(match other.or_else(|| closest(language, LANGUAGES)) {
        Some(own) => finding.fix(format!(
            "Did you mean `{}`?",
            entry.name.replace(&format!("{language}-lib."), &format!("{own}-lib."))
        )),
        None => finding,
    });
}

/// The name with the domain that is read, if it has another one of Datadog's.
fn with_own_domain(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_once('/')?;
    let (subdomain, domain) = prefix.split_once('.')?;
    let is_of_datadog = ["datadoghq.", "datadog.", "ddog-gov."].iter().any(|own| domain.starts_with(own))
        || domain.ends_with(".datadoghq.com");
    (SUBDOMAINS.contains(&subdomain) && is_of_datadog && domain != "datadoghq.com")
        .then(|| format!("{subdomain}.datadoghq.com/{rest}"))
}

fn domain(entry: YamlEntry<'_>, findings: &mut Findings) {
    let Some(own) = with_own_domain(entry.name) else { return };
    let message = format!("Datadog does not read `{}`", entry.name);
    let length = entry.key.span.end - entry.key.span.start;
    // With quotes the key is longer than its name.
    let edit = (length == entry.name.len()).then(|| FixEdit { span: entry.key.span, text: own.clone() });
    findings.push(Finding::new(&OTHER_DOMAIN, entry.key, message).fix(format!("Write `{own}`.")).edits(edit));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, of) in [
            ("admission.datadoghq.com/python-lib.version", Some("python")),
            ("admission.datadoghq.com/web.js-lib.custom-image", Some("js")),
            ("admission.datadoghq.com/all-lib.version", Some("all")),
            ("admission.datadoghq.com/enabled", None),
            ("ad.datadoghq.com/web.logs", None),
        ] {
            assert_eq!(language(name), of, "{name}");
        }
        for (name, own) in [
            ("ad.datadoghq.eu/web.logs", Some("ad.datadoghq.com/web.logs")),
            ("admission.datadog.com/enabled", Some("admission.datadoghq.com/enabled")),
            ("tags.us3.datadoghq.com/env", Some("tags.datadoghq.com/env")),
            ("ad.datadoghq.com/web.logs", None),
            ("ad.example.com/web.logs", None),
            ("internal.agent.datadoghq.com/x", None),
            ("datadoghq.eu/x", None),
        ] {
            assert_eq!(with_own_domain(name).as_deref(), own, "{name}");
        }
    }
}
