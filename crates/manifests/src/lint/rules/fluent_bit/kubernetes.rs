//! The Kubernetes filter: it reads the pod from the tag, and the application's JSON from `log`.

use super::matching::takes_pods;
use super::{SEEN, definitions, groups, is_cri, log_parsers, position};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, Severity};

const FILTER: &str = "Fluent Bit manual, \"Kubernetes\" filter";

/// How the tags of all pods begin. Source: Amazon EKS User Guide, "Fargate logging": `Tag kube.*` with the path of the file.
const TAG_PREFIX: &str = "kube.var.log.containers.";

pub(crate) static MERGE: LintRule = LintRule {
    code: "PF231",
    name: "merge-without-parser",
    severity: Severity::Warning,
    title: "Merge_Log is on, and containerd's prefix is still there",
    why: "A line that begins with a time is no JSON, so nothing is ever merged.",
    fix: "Put a filter `parser` for containerd's prefix above the Kubernetes filter, or write `Merge_Log Off`: the forwarder reads JSON itself.",
    is_automatic: false,
    sources: &[SEEN, "aws/containers-roadmap#1203"],
};

pub(crate) static MERGE_KEY: LintRule = LintRule {
    code: "PF221",
    name: "merge-of-other-member",
    severity: Severity::Warning,
    title: "Merge_Log is on, and the parser puts the line under another name than `log`",
    why: "The Kubernetes filter looks for JSON in `log` only, so nothing is ever merged.",
    fix: "Name the group of the line `log`.",
    is_automatic: false,
    sources: &[SEEN, FILTER],
};

pub(crate) static PREFIX: LintRule = LintRule {
    code: "PF232",
    name: "kube-tag-prefix",
    severity: Severity::Error,
    title: "Kube_Tag_Prefix is not how the tags of EKS begin",
    why: "The filter finds no pod in the tag then, and adds no metadata.",
    fix: "Take the line out: the default, `kube.var.log.containers.`, is right.",
    is_automatic: true,
    sources: &[FILTER, "fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c"],
};

pub(crate) static BUFFER: LintRule = LintRule {
    code: "PF233",
    name: "small-buffer",
    severity: Severity::Note,
    title: "The Kubernetes filter takes no more than a part of a large pod's description",
    why: "What the API says of a pod with many containers, annotations or managed fields is longer than 32 KB, and of such a pod no metadata is added at all.",
    fix: "Write `Buffer_Size 0`, which is no limit, as the EKS guide has it.",
    is_automatic: false,
    sources: &[FILTER, "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\""],
};

pub(crate) static NEW_TAG: LintRule = LintRule {
    code: "PF234",
    name: "kubernetes-of-new-tag",
    severity: Severity::Error,
    title: "The Kubernetes filter takes only tags that another filter has made",
    why: "It reads the pod from EKS' tag, behind as many letters as `kube.var.log.containers.` has, so in another tag it finds none and adds no metadata.",
    fix: "Write `Match kube.*` and put it above the filter `rewrite_tag`, or give it a `Kube_Tag_Prefix` that is how the new tag begins.",
    is_automatic: false,
    sources: &[FILTER, "Fluent Bit manual, \"Rewrite tag\" filter"],
};

pub(crate) static RULES: &[&LintRule] = &[&MERGE_KEY, &MERGE, &PREFIX, &BUFFER, &NEW_TAG];

/// The filter's own limit, in KB. Source: fluent/fluent-bit, plugins/filter_kubernetes/kubernetes.c, `config_map`.
const DEFAULT_BUFFER: u64 = 32;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        for filter in logging.filters().filter(|filter| filter.plugin() == "kubernetes") {
            if filter.is_on("Merge_Log") == Some(true) {
                merge(logging, filter, findings);
            }
            buffer(filter, findings);
            new_tag(logging, filter, findings);
            // With an expression of its own the filter may read any rest of the tag; and new tags begin otherwise.
            let is_own = filter.property("Regex_Parser").is_some() || !filter.get("Match").is_none_or(takes_pods);
            let prefix = filter.property("Kube_Tag_Prefix").filter(|_| !is_own);
            if let Some(prefix) = prefix.filter(|prefix| !is_prefix(&prefix.value.value)) {
                let place = filter.value_place(prefix);
                let message = format!("what follows `{}` in a tag is not the name of the pod", prefix.value.value);
                let edit = filter.part.text.remove_lines(prefix.name.span, project.source(place));
                findings.push(Finding::new(&PREFIX, place, message).edits(edit));
            }
        }
    }
}

/// Whether a filter gives the line its name back.
fn is_renamed(logging: &LoggingConfigMap<'_>) -> bool {
    let mut properties = logging.filters().flat_map(|filter| &filter.section.properties);
    properties.any(|property| {
        let is = |name: &str| property.name.value.eq_ignore_ascii_case(name);
        let new = property.value.value.split_whitespace().nth(1);
        ["Rename", "Hard_rename", "Copy", "Hard_copy"].into_iter().any(is) && new == Some("log")
    })
}

/// Whether the pod's name follows. Only the length is taken off, and the filter looks for the name in the rest, so the last dot may be
/// missing. Source: fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c, `flb_kube_meta_get`.
fn is_prefix(prefix: &str) -> bool {
    prefix.is_empty() || prefix == TAG_PREFIX || Some(prefix) == TAG_PREFIX.strip_suffix('.')
}

/// A pattern that takes nothing at all is another rule's.
fn new_tag(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let reads_other = filter.property("Kube_Tag_Prefix").or_else(|| filter.property("Regex_Parser")).is_some();
    let makes_tags = logging.filters().any(|filter| filter.plugin() == "rewrite_tag");
    let Some(pattern) = filter.get("Match").filter(|pattern| !takes_pods(pattern)) else { return };
    if makes_tags && !reads_other {
        let message = format!("there is no pod in a tag that fits `{pattern}`");
        findings.push(Finding::new(&NEW_TAG, filter.place_of("Match"), message));
    }
}

/// Neither a limit that somebody chose above the default nor a value that is none is this rule's.
fn buffer(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(size) = filter.get("Buffer_Size") else {
        let message = format!("without `Buffer_Size` it reads {DEFAULT_BUFFER} KB of what the API says of a pod");
        return findings.push(Finding::new(&BUFFER, filter.place_of("Name"), message));
    };
    if kilobytes(size).is_some_and(|size| (1..=DEFAULT_BUFFER).contains(&size)) {
        let message = format!("it reads {size} of what the API says of a pod");
        findings.push(Finding::new(&BUFFER, filter.place_of("Buffer_Size"), message));
    }
}

/// Rounded up; only what is written without a unit, in K or in KB, for all else is more.
fn kilobytes(size: &str) -> Option<u64> {
    let lower = size.to_ascii_lowercase();
    let digits = lower.trim_end_matches('b');
    match digits.strip_suffix('k') {
        Some(digits) => digits.parse().ok(),
        None => digits.parse::<u64>().ok().map(|bytes| bytes.div_ceil(1000)),
    }
}

fn merge(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let own = position(logging, &filter);
    let before = log_parsers(logging).filter(|parser| position(logging, parser) < own);
    let parsers: Vec<PlacedSection<'_, '_>> =
        before.flat_map(|filter| definitions(logging, &filter)).filter(is_cri).collect();
    let place = filter.place_of("Merge_Log");
    let has_later = log_parsers(logging).any(|parser| position(logging, &parser) > own);
    match parsers.first() {
        // That it stands too late is another rule's, and so is a parser that reads something else.
        None if has_later || log_parsers(logging).next().is_some() => {}
        None => findings.push(Finding::new(&MERGE, place, "no filter takes containerd's prefix off before this one")),
        Some(parser) if !groups(parser).contains(&"log") && !is_renamed(logging) => {
            let line = groups(parser).last().copied().unwrap_or_default();
            let message = format!("the line is in `{line}` by then, and Merge_Log looks into `log`");
            let finding = Finding::new(&MERGE_KEY, place, message);
            findings.push(finding.related(parser.place_of("Regex"), "this expression names it"));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (size, expected) in [
            ("0", Some(0)),
            ("32K", Some(32)),
            ("33kb", Some(33)),
            ("32000", Some(32)),
            ("32001", Some(33)),
            ("1M", None),
            ("x", None),
        ] {
            assert_eq!(kilobytes(size), expected, "{size}");
        }
    }
}
