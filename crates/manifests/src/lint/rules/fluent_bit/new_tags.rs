//! What becomes of logs that `rewrite_tag` gives a new tag, and of those that it leaves alone.

use std::collections::HashSet;

use crate::fluent_bit::template::TemplatePartKind;
use crate::lint::cloudwatch::{CloudWatchOutput, outputs};
use crate::lint::finding::{Finding, Findings};
use crate::lint::identity::tells_pod;
use crate::lint::logging::LoggingConfigMap;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::{self, NewTag, POD_TAGS, distinct, new_tags, words};

const FILTER: &str = "Fluent Bit manual, \"Rewrite tag\" filter";

pub(crate) static WITHOUT_POD: LintRule = LintRule {
    code: "PF286",
    name: "new-tag-without-pod",
    severity: Severity::Error,
    title: "Logs of several pods get the same new tag, and so the same log stream",
    why: "The stream's name ends in the tag. Without the old one in it, pods share one stream: fragments of their long lines get mixed up, and only the record says whose a line is.",
    fix: "Put the old tag into the new one: `errors.$TAG`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[FILTER, "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c, `get_log_stream`"],
};

pub(crate) static OLD_TAGS: LintRule = LintRule {
    code: "PF287",
    name: "old-tag-without-output",
    severity: Severity::Warning,
    title: "No output takes logs that keep their tag",
    why: "A log that no rule of `rewrite_tag` matches keeps its tag, and without an output for that tag it is lost.",
    fix: "Give an output a `Match` that takes them, too; if you want to drop them, say so with a `grep` filter.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[FILTER, "fluent/fluent-bit, src/flb_router.c"],
};

pub(crate) static RULES: &[&LintRule] = &[&WITHOUT_POD, &OLD_TAGS];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let new = new_tags(logging);
        if new.is_empty() {
            continue;
        }
        let is_named_by_tag = |output: &CloudWatchOutput<'_, '_>| {
            output.section.property("log_stream_prefix").is_some() && output.stream_template().is_none()
        };
        let mut seen = HashSet::new();
        let named = outputs(logging).filter(is_named_by_tag);
        let outputs: Vec<CloudWatchOutput<'_, '_>> =
            named.filter(|output| seen.insert(output.section.get("Match"))).collect();
        let has_metadata = tags::with_metadata(logging);
        for tag in new.iter().filter(|tag| !has_pod(tag)) {
            let reached = outputs.iter().find(|output| tag.form.reaches(&output.section));
            if let Some(output) = reached {
                let prefix = output.section.get("log_stream_prefix").unwrap_or_default();
                let who = if tag.template.has_variable() { "several" } else { "all" };
                let message = format!("{who} pods write to the stream `{prefix}{}`", tag.title());
                let finding = Finding::new(&WITHOUT_POD, tag.filter.value_place(tag.rule), message);
                // The record itself still tells the pod.
                let severity = if has_metadata { Severity::Warning } else { Severity::Error };
                findings.push(finding.severity(severity));
            }
        }
        old_tags(logging, &new, findings);
    }
}

/// Whether no two pods get the same tag.
fn has_pod(tag: &NewTag<'_, '_>) -> bool {
    let key = words(tag.rule).into_iter().next().map(|word| word.value).unwrap_or_default();
    tag.template.parts.iter().any(|part| match &part.kind {
        TemplatePartKind::Tag => true,
        // kube, var, log and containers are the same for all.
        TemplatePartKind::TagPart(number) => *number == POD_PART,
        TemplatePartKind::Capture(_) => tells_pod(&key),
        TemplatePartKind::Member(path) => path.iter().any(|name| tells_pod(name)),
        TemplatePartKind::Text(_) | TemplatePartKind::Other | TemplatePartKind::Broken => false,
    })
}

/// Which part of a pod's tag has its name, between dots.
const POD_PART: usize = 4;

fn old_tags(logging: &LoggingConfigMap<'_>, new: &[NewTag<'_, '_>], findings: &mut Findings) {
    let outputs = distinct(logging.outputs());
    let Some(output) = outputs.first().filter(|_| !outputs.iter().any(|output| POD_TAGS.reaches(output))) else {
        return;
    };
    let Some(tag) = new.iter().find(|tag| POD_TAGS.reaches(&tag.filter)).filter(|_| !new.iter().any(takes_every_line))
    else {
        return;
    };
    // An output that takes no log at all is another rule's.
    if outputs.iter().any(|output| new.iter().any(|tag| tag.form.reaches(output))) {
        let message = "no output takes logs that keep their tag, kube.var.log.containers.…";
        let finding = Finding::new(&OLD_TAGS, output.place_of("Match"), message);
        findings.push(finding.related(tag.filter.value_place(tag.rule), "logs that this does not fit keep it"));
    }
}

/// Whether a rule fits every line: then none is left with its old tag alone.
pub(crate) fn takes_every_line(tag: &NewTag<'_, '_>) -> bool {
    let words = words(tag.rule);
    let word = |number: usize| words.get(number).map_or("", |word| word.value.as_str());
    let pattern = word(1).trim_start_matches(['^', '(']).trim_end_matches(['$', ')']);
    match word(0).trim_start_matches('$') {
        "log" => EVERY_LINE.contains(&pattern),
        "stream" => EVERY_LINE.contains(&pattern) || EVERY_STREAM.contains(&pattern),
        _ => false,
    }
}

/// Patterns that every line fits, without what is around them; empty lines are no loss.
const EVERY_LINE: [&str; 4] = ["", ".", ".*", ".+"];
/// Those that every `stream` fits, for it is `stdout` or `stderr`.
const EVERY_STREAM: [&str; 7] = ["std", "std.*", "std.+", "std\\w+", "stdout|stderr", "stderr|stdout", "std(out|err"];
