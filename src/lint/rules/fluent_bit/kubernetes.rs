//! The Kubernetes filter: it reads the pod from the tag, and the application's JSON from `log`.

use super::{SEEN, groups, is_cri, log_parsers, parsers_of, position};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{Logging, Section};
use crate::lint::project::Project;
use crate::lint::rule::{Rule, Severity};

const FILTER: &str = "Fluent Bit manual, \"Kubernetes\" filter";

/// How the tags of all pods begin. Source: Amazon EKS User Guide, "Fargate logging": `Tag kube.*` with the path of the file.
const TAG_PREFIX: &str = "kube.var.log.containers.";

pub static MERGE: Rule = Rule {
    code: "PF231",
    name: "merge-without-parser",
    severity: Severity::Warning,
    title: "Merge_Log is on, and containerd's prefix is still there",
    why: "A line that begins with a time is no JSON, so nothing is ever merged.",
    fix: "Put a filter `parser` for containerd's prefix above the Kubernetes filter, or write `Merge_Log Off`: the forwarder reads JSON itself.",
    is_automatic: false,
    sources: &[SEEN, "aws/containers-roadmap#1203"],
};

pub static MERGE_KEY: Rule = Rule {
    code: "PF221",
    name: "merge-of-other-member",
    severity: Severity::Warning,
    title: "Merge_Log is on, and the parser puts the line under another name than `log`",
    why: "The Kubernetes filter looks for JSON in `log` only, so nothing is ever merged.",
    fix: "Name the group of the line `log`.",
    is_automatic: false,
    sources: &[SEEN, FILTER],
};

pub static PREFIX: Rule = Rule {
    code: "PF232",
    name: "kube-tag-prefix",
    severity: Severity::Error,
    title: "Kube_Tag_Prefix is not how the tags of EKS begin",
    why: "The filter finds no pod in the tag then, and adds no metadata.",
    fix: "Take the line out: the default, `kube.var.log.containers.`, is right.",
    is_automatic: true,
    sources: &[FILTER, "fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c"],
};

pub static RULES: &[&Rule] = &[&MERGE_KEY, &MERGE, &PREFIX];

pub fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for filter in logging.filters().filter(|filter| filter.plugin() == "kubernetes") {
            if filter.is_on("Merge_Log") == Some(true) {
                merge(logging, filter, findings);
            }
            // With an expression of its own the filter may read any rest of the tag.
            let prefix = filter.property("Kube_Tag_Prefix").filter(|_| filter.property("Regex_Parser").is_none());
            if let Some(prefix) = prefix.filter(|prefix| !is_prefix(&prefix.value.value)) {
                let place = filter.value_place(prefix);
                let message = format!("what follows `{}` in a tag is not the name of the pod", prefix.value.value);
                let edit = filter.part.text.remove_lines(prefix.name.span, project.source(place));
                findings.push(Finding::new(&PREFIX, place, message).edits(edit));
            }
        }
    }
}

/// Whether the pod's name follows. Only the length is taken off, and the filter looks for the name in the rest, so the last dot may be
/// missing. Source: fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c, `flb_kube_meta_get`.
fn is_prefix(prefix: &str) -> bool {
    prefix.is_empty() || prefix == TAG_PREFIX || Some(prefix) == TAG_PREFIX.strip_suffix('.')
}

fn merge(logging: &Logging<'_>, filter: Section<'_, '_>, findings: &mut Findings) {
    let own = position(logging, &filter);
    let before = log_parsers(logging).filter(|parser| position(logging, parser) < own);
    let definitions: Vec<Section<'_, '_>> =
        before.filter_map(|parser| parsers_of(logging, parser.get("Parser")?).next()).filter(is_cri).collect();
    let place = filter.place_of("Merge_Log");
    let has_later = log_parsers(logging).any(|parser| position(logging, &parser) > own);
    match definitions.first() {
        // That it stands too late is another rule's, and so is a parser that reads something else.
        None if has_later || log_parsers(logging).next().is_some() => {}
        None => findings.push(Finding::new(&MERGE, place, "no filter takes containerd's prefix off before this one")),
        Some(parser) if !groups(parser).contains(&"log") => {
            let line = groups(parser).last().copied().unwrap_or_default();
            let message = format!("the line is in `{line}` by then, and Merge_Log looks into `log`");
            let finding = Finding::new(&MERGE_KEY, place, message);
            findings.push(finding.related(parser.place_of("Regex"), "this expression names it"));
        }
        Some(_) => {}
    }
}
