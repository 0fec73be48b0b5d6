//! Parsers: whether Fluent Bit takes them, and whether they read what containerd writes: `<time> stdout|stderr P|F <line>`.

use super::loading::{ParserLoading, is_time_offset};
use super::values::VALUE;
use super::{SEEN, definitions, groups, is_cri, is_format, is_template, log_parsers, pattern};
use crate::fluent_bit::parse::Span;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const MANUAL: &str = "Fluent Bit manual, \"Regular expression\" parser";
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

pub(crate) static AFTER: LintRule = LintRule {
    code: "PF214",
    name: "parser-after-kubernetes",
    severity: Severity::Warning,
    title: "The parser that removes containerd's prefix comes after the Kubernetes filter",
    why: "Filters run in order, so the Kubernetes filter still sees the prefix and finds no JSON in the log.",
    fix: "Move the `parser` filter above the `kubernetes` filter.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["aws/containers-roadmap#1203", "aws/aws-for-fluent-bit#301", SEEN],
};

pub(crate) static NO_GROUPS: LintRule = LintRule {
    code: "PF216",
    name: "regex-without-groups",
    severity: Severity::Error,
    title: "A regex parser has no expression, or one without named groups",
    why: "Fluent Bit does not start without an expression; one without named groups creates no members, so the line stays as it is.",
    fix: "Add a `Regex` with groups such as `(?<log>.*)`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MANUAL, "fluent/fluent-bit, src/flb_parser.c", SEEN],
};

pub(crate) static EMPTY: LintRule = LintRule {
    code: "PF219",
    name: "no-empty-lines",
    severity: Severity::Warning,
    title: "The parser for containerd's prefix does not match empty lines",
    why: "An empty line then keeps its prefix and carries the time at which Fluent Bit read it.",
    fix: "End the expression with `(?<log>.*)$` instead of `.+`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[SEEN],
};

pub(crate) static NOT_CRI: LintRule = LintRule {
    code: "PF220",
    name: "first-parser",
    severity: Severity::Warning,
    title: "The first parser for `log` does not read containerd's prefix",
    why: "Every line starts with a time, `stdout` or `stderr`, and `P` or `F`: any other parser matches nothing, and without these three, fragments of long lines cannot be joined.",
    fix: "First parse with `^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "aws/containers-roadmap#1203"],
};

pub(crate) static PRESERVED: LintRule = LintRule {
    code: "PF222",
    name: "preserved-prefix",
    severity: Severity::Warning,
    title: "Preserve_Key keeps the line with its prefix under the name of the parsed line",
    why: "Datadog would show the whole line, starting with time, `stdout` and `F`.",
    fix: "Remove `Preserve_Key On`.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&AFTER, &NO_GROUPS, &EMPTY, &NOT_CRI, &PRESERVED];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let loading = ParserLoading::new(logging);
        for parser in logging.parsers() {
            unread(parser, &loading, findings);
            expression(parser, &loading, findings);
            if is_cri(&parser) {
                cri(parser, findings);
            }
        }
        filters(project, logging, findings);
    }
}

fn expression(parser: PlacedSection<'_, '_>, loading: &ParserLoading<'_>, findings: &mut Findings) {
    if !parser.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("regex")) {
        return;
    }
    let Some(property) = parser.property("Regex").filter(|regex| !regex.value.value.is_empty()) else {
        let message = "the parser's format is regex, but it has no `Regex`";
        let finding = Finding::new(&NO_GROUPS, parser.place_of("Format"), message);
        if let Some(stopped) = loading.stopped(&parser) {
            findings.push(stopped.tell(finding));
        }
        return;
    };
    // What does not compile is another rule's.
    if pattern::broken(&property.value.value).is_none() && groups(&parser).is_empty() {
        let message = "the expression has no named group";
        findings.push(Finding::new(&NO_GROUPS, parser.value_place(property), message).severity(Severity::Warning));
    }
}

/// A format that is none, and an offset that is none: all that makes a parser unreadable and is not said elsewhere.
fn unread(parser: PlacedSection<'_, '_>, loading: &ParserLoading<'_>, findings: &mut Findings) {
    let Some(stopped) = loading.stopped(&parser) else { return };
    let format =
        parser.property("Format").filter(|format| !is_format(&format.value.value) && !is_template(&format.value.value));
    let offset = parser.property("Time_Offset").filter(|offset| !is_time_offset(&offset.value.value));
    let offset = offset.filter(|_| parser.property("Time_Format").is_some());
    for (property, wanted) in [(format, "regex, json, ltsv or logfmt"), (offset, "an offset such as +0100")] {
        let Some(property) = property.filter(|property| !property.value.value.is_empty()) else { continue };
        let message = format!("`{}` must be {wanted}", property.name.value);
        let finding = Finding::new(&VALUE, parser.value_place(property), message);
        findings.push(stopped.tell(finding).fix(format!("Write {wanted}.")));
    }
}

fn cri(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(regex) = parser.property("Regex") else { return };
    let value = regex.value.value.as_str();
    // The last group has the line.
    let line = groups(&parser).last().copied().unwrap_or_default();
    let group = format!("(?<{line}>.+)");
    if let Some(at) = value.rfind(&group).filter(|_| !["stream", "logtag", "time"].contains(&line)) {
        let plus = regex.value.span.start + at + group.len() - 2;
        let span = Span { start: plus, end: plus + 1 };
        let message = format!("the group `{line}` requires at least one character");
        let edit = parser.part.text.replace(span, "*");
        let finding = Finding::new(&EMPTY, parser.part.text.span(span), message).edits(edit);
        findings.push(finding.fix(format!("Write `(?<{line}>.*)`.")));
    }
}

/// Of the first filter that reads `log`, unless one of its parsers reads containerd's prefix.
fn not_cri(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    let parsers = definitions(logging, &filter);
    let Some(parser) = parsers.last().filter(|parser| parser.get("Format").is_some_and(is_format)) else { return };
    if parsers.iter().any(is_cri) {
        return;
    }
    let missing = ["stream", "logtag"].into_iter().filter(|name| !groups(parser).contains(name));
    let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
    let name = parser.get("Name").unwrap_or_default();
    let message = format!("the parser `{name}` has no group {}", missing.join(" and "));
    let finding = Finding::new(&NOT_CRI, filter.place_of("Parser"), message);
    findings.push(finding.related(parser.place_of("Regex"), "this is what it reads"));
}

fn filters(project: &Project<'_>, logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    if let Some(first) = log_parsers(logging).next() {
        not_cri(logging, first, findings);
    }
    let kubernetes = logging.filters().find(|filter| filter.plugin() == "kubernetes");
    for filter in log_parsers(logging) {
        let Some(parser) = definitions(logging, &filter).into_iter().find(is_cri) else { continue };
        if let Some(kubernetes) = kubernetes.filter(|other| other.number < filter.number) {
            let message = "this filter removes the prefix too late for the Kubernetes filter";
            let finding = Finding::new(&AFTER, filter.place(), message);
            findings.push(finding.related(kubernetes.place(), "the Kubernetes filter is here"));
        }
        preserved(project, filter, &parser, findings);
    }
}

fn preserved(
    project: &Project<'_>,
    filter: PlacedSection<'_, '_>,
    parser: &PlacedSection<'_, '_>,
    findings: &mut Findings,
) {
    let keeps = filter.property("Preserve_Key").filter(|_| filter.is_on("Preserve_Key") == Some(true));
    let Some(keeps) = keeps.filter(|_| groups(parser).contains(&"log")) else { return };
    let place = filter.name_place(keeps);
    let edit = filter.part.text.remove_lines(keeps.name.span, project.source(place));
    let (message, severity) = match filter.is_on("Reserve_Data") {
        Some(true) => ("`log` stays the whole line: the preserved value replaces the parsed one", Severity::Warning),
        // The older core then does not look at it.
        _ => (
            "without `Reserve_Data`, Fluent Bit 1.9 ignores this; in newer ones `log` stays the whole line",
            Severity::Note,
        ),
    };
    findings.push(Finding::new(&PRESERVED, place, message).severity(severity).edits(edit));
}
