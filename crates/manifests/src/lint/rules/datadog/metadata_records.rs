//! Mistakes in the chain that writes pods' metadata in records of its own ([`super::copies`]): what loses lines, what the forwarder does not take for
//! metadata, and what costs more than it saves.

use super::copies::{self, MetadataCopies};
use crate::fluent_bit::template::TemplatePartKind;
use crate::fluent_bit::throttle::Throttle;
use crate::lint::cloudwatch::{self, CloudWatchOutput};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::lint::tags::POD_TAGS;

const DECISION: &str = "podferry's own: docs/decisions/0017-metadata-records.md";
const STREAM: &str = "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c, `get_log_stream`";
const REWRITE_TAG: &str = "fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c";
const THROTTLE: &str = "fluent/fluent-bit, plugins/filter_throttle/throttle.c";
const PRESET: &str = "podferry's own: `podferry generate logging --preset compact`";

pub(crate) static OTHER_STREAM: LintRule = LintRule {
    code: "PF331",
    name: "metadata-in-other-stream",
    severity: Severity::Error,
    title: "Metadata records go to another log stream than their lines",
    why: "A metadata record applies only to the lines of its own stream; in another stream it has no effect.",
    fix: "Choose the two `log_stream_prefix` so that prefix and tag together are the same: `fargate/m.` for the lines with the tag kube.…, `fargate/` for the copies with m.kube.…; and give both the same group and region.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[DECISION, STREAM],
};

pub(crate) static TOO_RARE: LintRule = LintRule {
    code: "PF332",
    name: "metadata-too-rare",
    severity: Severity::Warning,
    title: "A `throttle` lets a metadata record through less than once in five minutes",
    why: "Until the forwarder has seen a pod's metadata, the pod's logs lack tags, and masks in its annotations do not hold.",
    fix: "Write `Rate 1`, `Window 2` and `Interval 15s`, which are four a minute.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[DECISION, THROTTLE],
};

pub(crate) static LINES_THROTTLED: LintRule = LintRule {
    code: "PF333",
    name: "lines-throttled",
    severity: Severity::Error,
    title: "The `throttle` for metadata records also takes the lines",
    why: "It drops all lines above its rate, and says nothing.",
    fix: "Give it a `Match` that takes the copies' tag only, such as `m.*`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[THROTTLE, "Fluent Bit manual, \"Throttle\" filter"],
};

pub(crate) static LINES_ENRICHED: LintRule = LintRule {
    code: "PF334",
    name: "lines-with-metadata",
    severity: Severity::Warning,
    title: "Lines have their pod's metadata, although it is also written in separate records",
    why: "CloudWatch Logs bills by the byte, and metadata is most of a line. The metadata in a line comes before the metadata records, which then only cost more.",
    fix: "Give the Kubernetes filter a `Match` that takes the copies' tag only, such as `m.*`, or remove `kubernetes` from the lines again.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[DECISION, PRESET],
};

pub(crate) static NOT_ALONE: LintRule = LintRule {
    code: "PF335",
    name: "metadata-not-alone",
    severity: Severity::Error,
    title: "A copy that is meant to be a metadata record has other members, or no metadata",
    why: "The forwarder accepts only a record of `kubernetes`, optionally followed by `cluster_name`, as metadata; any other record is a log, which appears in Datadog beside the line.",
    fix: "Remove everything else with `modify` and `Remove`, and add `cluster_name` only after the Kubernetes filter.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[DECISION, PRESET],
};

pub(crate) static MOVED: LintRule = LintRule {
    code: "PF336",
    name: "lines-not-kept",
    severity: Severity::Error,
    title: "Lines get the tag of metadata records instead of being copied",
    why: "Without `true` at the end of the rule no line keeps its tag: all but a few are dropped by `throttle`, and of those only the metadata is left.",
    fix: "End the rule with `true`: `Rule $stream ^std m.$TAG true`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[REWRITE_TAG, "Fluent Bit manual, \"Rewrite tag\" filter"],
};

pub(crate) static LOG_KEY: LintRule = LintRule {
    code: "PF337",
    name: "metadata-with-log-key",
    severity: Severity::Error,
    title: "`log_key` stands beside metadata records",
    why: "A metadata record has no such member, so nothing of it is written; and where lines are bare text, the forwarder believes no metadata record, since an application could have written it.",
    fix: "Remove `log_key`: the lines are lean without it.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[DECISION, "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c"],
};

pub(crate) static NOT_THROTTLED: LintRule = LintRule {
    code: "PF338",
    name: "metadata-not-throttled",
    severity: Severity::Warning,
    title: "Every line is copied into a metadata record",
    why: "Two events a line cost more than one that has both.",
    fix: "Put a `throttle` filter for the copies' tag above the Kubernetes filter: `Rate 1`, `Window 2` and `Interval 15s`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[PRESET, THROTTLE],
};

pub(crate) static DROPPED_LATER: LintRule = LintRule {
    code: "PF339",
    name: "dropped-lines-copied",
    severity: Severity::Note,
    title: "Lines are dropped after they were copied for metadata records",
    why: "Copies of dropped lines take the place of others in the throttle, and make streams that have metadata only.",
    fix: "Move the `grep` filter above the `rewrite_tag` filter.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[REWRITE_TAG, PRESET],
};

pub(crate) static RULES: &[&LintRule] = &[
    &OTHER_STREAM,
    &TOO_RARE,
    &LINES_THROTTLED,
    &LINES_ENRICHED,
    &NOT_ALONE,
    &MOVED,
    &LOG_KEY,
    &NOT_THROTTLED,
    &DROPPED_LATER,
];

/// Seconds from one record of metadata to the next that are too many: the forwarder's logs would wait longer than Fluent Bit keeps what it read of
/// a pod, with the TTL of the Amazon EKS guide.
const TOO_MANY_SECONDS: f64 = 300.0;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let Some(copies) = copies::find(logging) else { continue };
        streams(logging, &copies, findings);
        throttles(&copies, findings);
        lines(&copies, findings);
        members(logging, &copies, findings);
    }
}

fn place_of_copying(copies: &MetadataCopies<'_, '_>) -> Place {
    copies.tag.filter.value_place(copies.tag.rule)
}

fn streams(logging: &LoggingConfigMap<'_>, copies: &MetadataCopies<'_, '_>, findings: &mut Findings) {
    let outputs: Vec<CloudWatchOutput<'_, '_>> = cloudwatch::outputs(logging).collect();
    let of_lines: Vec<&CloudWatchOutput<'_, '_>> =
        outputs.iter().filter(|output| POD_TAGS.reaches(&output.section)).collect();
    for output in outputs.iter().filter(|output| copies.tag.form.reaches(&output.section)) {
        let differences: Option<Vec<Difference>> =
            of_lines.iter().map(|lines| difference(copies, output, lines)).collect();
        // Where one is as it has to be, or cannot be judged, nothing is wrong.
        if let Some((first, lines)) = differences.as_ref().and_then(|all| all.first()).zip(of_lines.first()) {
            let finding = Finding::new(&OTHER_STREAM, output.section.place_of(first.option), first.message.clone());
            findings.push(finding.related(lines.section.place_of(first.option), "the lines go here"));
        }
    }
    let any = outputs.iter().filter(|output| {
        let is_of_either = POD_TAGS.reaches(&output.section) || copies.tag.form.reaches(&output.section);
        is_of_either && !output.writes_records()
    });
    for output in any {
        let message = match copies.tag.form.reaches(&output.section) {
            true => "nothing of a metadata record is written here",
            false => "beside bare text, the forwarder believes no metadata record",
        };
        findings.push(Finding::new(&LOG_KEY, output.section.place_of("log_key"), message));
    }
}

/// Why two outputs do not write to one stream.
struct Difference {
    option: &'static str,
    message: String,
}

/// `None` where they do, or where it cannot be told.
fn difference(
    copies: &MetadataCopies<'_, '_>,
    output: &CloudWatchOutput<'_, '_>,
    lines: &CloudWatchOutput<'_, '_>,
) -> Option<Difference> {
    let names = |output: &CloudWatchOutput<'_, '_>| output.log_group().map(|group| group.value.value.clone());
    let parted = |option, one: String, other: String| {
        (one != other).then(|| Difference {
            option,
            message: format!("metadata records go to `{one}`, but the lines to `{other}`"),
        })
    };
    let (group, group_of_lines) = names(output).zip(names(lines))?;
    if let Some(found) = parted("log_group_name", group, group_of_lines) {
        return Some(found);
    }
    let (region, region_of_lines) = output.region().zip(lines.region())?;
    if let Some(found) = parted("region", region.to_owned(), region_of_lines.to_owned()) {
        return Some(found);
    }
    let is_named_by_tag = |output: &CloudWatchOutput<'_, '_>| {
        output.stream_template().is_none() && output.section.property("log_stream_name").is_none()
    };
    let is_plain = |kind: &TemplatePartKind| {
        matches!(kind, TemplatePartKind::Text(_) | TemplatePartKind::Tag | TemplatePartKind::TagPart(_))
    };
    let is_known = is_named_by_tag(output)
        && is_named_by_tag(lines)
        && copies.tag.template.parts.iter().all(|part| is_plain(&part.kind));
    let (prefix, prefix_of_lines) =
        output.section.get("log_stream_prefix").zip(lines.section.get("log_stream_prefix")).filter(|_| is_known)?;
    let old = POD_TAG_SHOWN;
    let new: String = copies
        .tag
        .template
        .parts
        .iter()
        .map(|part| match &part.kind {
            TemplatePartKind::Text(text) => text.as_str(),
            TemplatePartKind::Tag => old,
            _ => "…",
        })
        .collect();
    parted("log_stream_prefix", format!("{prefix}{new}"), format!("{prefix_of_lines}{old}"))
}

/// For messages.
const POD_TAG_SHOWN: &str = "kube.var.log.containers.…";

fn throttles(copies: &MetadataCopies<'_, '_>, findings: &mut Findings) {
    let mut own = copies.own().filter(|filter| filter.is_of("throttle")).peekable();
    let is_of_lines = |filter: &&PlacedSection<'_, '_>| filter.is_of("throttle");
    for filter in copies.of_lines.iter().filter(is_of_lines) {
        let message = "this drops lines above its rate, too";
        findings.push(Finding::new(&LINES_THROTTLED, filter.place_of("Match"), message));
    }
    if own.peek().is_none() && !copies.filters.iter().any(|filter| filter.is_of("throttle")) {
        let message = "no `throttle` filter takes the copies that are made here";
        findings.push(Finding::new(&NOT_THROTTLED, place_of_copying(copies), message));
    }
    for filter in own {
        let value = |name: &str| filter.get(name);
        let Some(throttle) = Throttle::new(value("Rate"), value("Window"), value("Interval")) else { continue };
        let (period, burst) = (throttle.period(), throttle.burst());
        if period as f64 / burst > TOO_MANY_SECONDS {
            let message = format!("{burst} metadata records pass at once, and no more for {}", time(period));
            let finding = Finding::new(&TOO_RARE, filter.place_of("Interval"), message);
            findings.push(finding.related(place_of_copying(copies), "of the copies that are made here"));
        }
    }
}

/// `90 seconds`, `20 minutes`.
fn time(seconds: u64) -> String {
    if seconds.is_multiple_of(60) { format!("{} minutes", seconds / 60) } else { format!("{seconds} seconds") }
}

fn lines(copies: &MetadataCopies<'_, '_>, findings: &mut Findings) {
    if !copies.tag.keeps {
        let message = "no line keeps its tag";
        findings.push(Finding::new(&MOVED, place_of_copying(copies), message));
        return;
    }
    if !copies.lines_lose("kubernetes") {
        for filter in copies.of_lines.iter().filter(|filter| filter.is_of("kubernetes")) {
            let message = "this adds the pod's metadata to each line";
            let finding = Finding::new(&LINES_ENRICHED, filter.place_of("Match"), message);
            findings.push(finding.related(place_of_copying(copies), "metadata records are made of these copies"));
        }
    }
    let is_later = |filter: &&PlacedSection<'_, '_>| filter.is_of("grep") && filter.number > copies.tag.filter.number;
    for filter in copies.of_lines.iter().filter(is_later) {
        let finding =
            Finding::new(&DROPPED_LATER, filter.place_of("Match"), "lines that this drops were copied before");
        findings.push(finding.related(place_of_copying(copies), "here"));
    }
}

fn members(logging: &LoggingConfigMap<'_>, copies: &MetadataCopies<'_, '_>, findings: &mut Findings) {
    let merged =
        copies.filters.iter().find(|filter| filter.is_of("kubernetes") && filter.is_on("Merge_Log") == Some(true));
    if let Some(filter) = merged {
        let message = "copies also get the members of JSON logs";
        findings.push(Finding::new(&NOT_ALONE, filter.place_of("Merge_Log"), message));
        return;
    }
    let Some(members) = copies.members(logging) else { return };
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    let message = match names.as_slice() {
        ["kubernetes"] | ["kubernetes", "cluster_name"] => return,
        ["cluster_name", "kubernetes"] => "`cluster_name` stands before `kubernetes`".to_owned(),
        all if all.contains(&"log") || all.contains(&"message") => {
            "the line is in the copy, too, so each of these logs arrives twice".to_owned()
        }
        all if !all.contains(&"kubernetes") => "no Kubernetes filter takes the copies".to_owned(),
        all => {
            let other = all.iter().find(|name| !["kubernetes", "cluster_name"].contains(name));
            format!("a copy also has `{}`", other.copied().unwrap_or_default())
        }
    };
    findings.push(Finding::new(&NOT_ALONE, place_of_copying(copies), message));
}
