//! The Kubernetes filter: it reads the pod from the tag, and the application's JSON from `log`.

use super::matching::takes_pods;
use super::{SEEN, definitions, groups, is_cri, log_parsers};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::{POD_TAG_PREFIX, new_tags};

const FILTER: &str = "Fluent Bit manual, \"Kubernetes\" filter";

pub(crate) static MERGE: LintRule = LintRule {
    code: "PF231",
    name: "merge-without-parser",
    severity: Severity::Warning,
    title: "Merge_Log is on, but nothing removes containerd's prefix",
    why: "A line that starts with a time is not JSON, so nothing is ever merged.",
    fix: "Put a `parser` filter for containerd's prefix above the Kubernetes filter, or write `Merge_Log Off`: the forwarder parses JSON itself.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[SEEN, "aws/containers-roadmap#1203"],
};

pub(crate) static MERGE_KEY: LintRule = LintRule {
    code: "PF221",
    name: "merge-of-other-member",
    severity: Severity::Warning,
    title: "Merge_Log is on, but the parser does not name the line `log`",
    why: "The Kubernetes filter only looks for JSON in `log`, so nothing is ever merged.",
    fix: "Name the group that captures the line `log`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[SEEN, FILTER],
};

pub(crate) static PREFIX: LintRule = LintRule {
    code: "PF232",
    name: "kube-tag-prefix",
    severity: Severity::Error,
    title: "Kube_Tag_Prefix does not match the start of EKS tags",
    why: "The filter then finds no pod in the tag and adds no metadata.",
    fix: "Remove the line: the default, `kube.var.log.containers.`, is correct.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[FILTER, "fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c"],
};

pub(crate) static BUFFER: LintRule = LintRule {
    code: "PF233",
    name: "small-buffer",
    severity: Severity::Note,
    title: "The Kubernetes filter's buffer is too small for large pods",
    why: "The API response for a pod with many containers, annotations or managed fields exceeds 32 KB; such a pod gets no metadata at all.",
    fix: "Write `Buffer_Size 0` (no limit), as in the EKS guide.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTER, "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\""],
};

pub(crate) static NEW_TAG: LintRule = LintRule {
    code: "PF234",
    name: "kubernetes-of-new-tag",
    severity: Severity::Error,
    title: "The Kubernetes filter only matches tags that another filter has set",
    why: "It expects the pod right after a prefix as long as `kube.var.log.containers.`, as in EKS tags; in another tag it finds no pod and adds no metadata.",
    fix: "Write `Match kube.*` and move it above the `rewrite_tag` filter, or set `Kube_Tag_Prefix` to the start of the new tag.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTER, "Fluent Bit manual, \"Rewrite tag\" filter"],
};

pub(crate) static RULES: &[&LintRule] = &[&MERGE_KEY, &MERGE, &PREFIX, &BUFFER, &NEW_TAG];

/// The filter's own limit, in KB. Source: fluent/fluent-bit, plugins/filter_kubernetes/kubernetes.c, `config_map`.
const DEFAULT_BUFFER: u64 = 32;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let parsers = LogParsers::new(logging);
        let makes_tags = logging.filters().any(|filter| filter.is_of("rewrite_tag"));
        for filter in logging.filters().filter(|filter| filter.plugin() == "kubernetes") {
            if filter.is_on("Merge_Log") == Some(true) {
                merge(&parsers, filter, findings);
            }
            buffer(filter, findings);
            if makes_tags {
                new_tag(logging, filter, findings);
            }
            // With an expression of its own the filter may read any rest of the tag; and new tags begin otherwise.
            let is_own = filter.property("Regex_Parser").is_some() || !filter.get("Match").is_none_or(takes_pods);
            let prefix = filter.property("Kube_Tag_Prefix").filter(|_| !is_own);
            if let Some(prefix) = prefix.filter(|prefix| !is_prefix(&prefix.value.value)) {
                let place = filter.value_place(prefix);
                let message = format!("what follows `{}` in a tag is not the pod name", prefix.value.value);
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
    prefix.is_empty() || prefix == POD_TAG_PREFIX || Some(prefix) == POD_TAG_PREFIX.strip_suffix('.')
}

/// A pattern that takes nothing at all is another rule's.
fn new_tag(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(pattern) = filter.get("Match").filter(|pattern| !takes_pods(pattern)) else { return };
    if filter.property("Regex_Parser").is_some() {
        return;
    }
    let Some(prefix) = filter.get("Kube_Tag_Prefix") else {
        let message = format!("a tag that matches `{pattern}` contains no pod");
        return findings.push(Finding::new(&NEW_TAG, filter.place_of("Match"), message));
    };
    // Only the length is taken off, and the last dot may be missing, as above.
    let is_after = |begin: &str| [begin.len(), begin.len().saturating_sub(1)].contains(&prefix.len());
    let taken = new_tags(logging).into_iter().filter(|tag| tag.form.reaches(&filter));
    let begins: Option<Vec<String>> = taken.map(|tag| tag.text_before_pod()).collect();
    let begins = begins.unwrap_or_default();
    if let Some(begin) = begins.first().filter(|_| !begins.iter().any(|begin| is_after(begin))) {
        let message = format!("the new tag begins with `{begin}`, so what follows `{prefix}` is not the pod name");
        findings.push(Finding::new(&NEW_TAG, filter.place_of("Kube_Tag_Prefix"), message));
    }
}

/// A limit above the default is somebody's choice, and an invalid value is another rule's.
fn buffer(filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(size) = filter.get("Buffer_Size") else {
        let message = format!("without `Buffer_Size`, it reads at most {DEFAULT_BUFFER} KB of a pod's API response");
        return findings.push(Finding::new(&BUFFER, filter.place_of("Name"), message));
    };
    if kilobytes(size).is_some_and(|size| (1..=DEFAULT_BUFFER).contains(&size)) {
        let message = format!("it reads at most {size} of a pod's API response");
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

/// What reads `log` before it is merged; worked out once.
struct LogParsers<'b, 'a> {
    has_any: bool,
    /// The first parser that reads containerd's prefix, with the number of the filter that has it.
    cri: Option<(usize, PlacedSection<'b, 'a>)>,
    /// Whether a filter gives the line the name `log` back.
    is_renamed: bool,
}

impl<'b, 'a> LogParsers<'b, 'a> {
    fn new(logging: &'b LoggingConfigMap<'a>) -> LogParsers<'b, 'a> {
        let mut parsers = log_parsers(logging)
            .flat_map(|filter| definitions(logging, &filter).into_iter().map(move |parser| (filter.number, parser)));
        LogParsers {
            has_any: log_parsers(logging).next().is_some(),
            cri: parsers.find(|(_, parser)| is_cri(parser)),
            is_renamed: is_renamed(logging),
        }
    }
}

fn merge(parsers: &LogParsers<'_, '_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let parser = parsers.cri.as_ref().filter(|(number, _)| *number < filter.number).map(|(_, parser)| parser);
    let place = filter.place_of("Merge_Log");
    match parser {
        // That it stands too late is another rule's, and so is a parser that reads something else.
        None if parsers.has_any => {}
        None => findings.push(Finding::new(&MERGE, place, "no earlier filter removes containerd's prefix")),
        Some(parser) if !groups(parser).contains(&"log") && !parsers.is_renamed => {
            let line = groups(parser).last().copied().unwrap_or_default();
            let message = format!("the line is in `{line}` at this point, but Merge_Log looks in `log`");
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
