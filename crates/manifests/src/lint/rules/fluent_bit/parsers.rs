//! Parsers: whether they are there, compile, and read what containerd writes: `<time> stdout|stderr P|F <line>`.

use std::collections::{HashMap, HashSet};

use super::{SEEN, definitions, groups, is_cri, is_format, log_parsers, pattern};
use crate::fluent_bit::parse::{ReadProperty, Span};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const MANUAL: &str = "Fluent Bit manual, \"Regular expression\" parser";
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF211",
    name: "unknown-parser",
    severity: Severity::Error,
    title: "A filter names a parser that the ConfigMap does not define",
    why: "EKS does not guarantee any of Fluent Bit's built-in parsers. A `parser` filter that finds none of its parsers keeps Fluent Bit from starting; of several, and for the Kubernetes filter, a missing one only leaves a line in Fluent Bit's own log.",
    fix: "Define the parser in `parsers.conf`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        GUIDE,
        "aws/aws-for-fluent-bit#301",
        "fluent/fluent-bit, plugins/filter_parser/filter_parser.c, `configure`, and plugins/filter_kubernetes/kube_conf.c",
        SEEN,
    ],
};

pub(crate) static TWICE: LintRule = LintRule {
    code: "PF212",
    name: "parser-twice",
    severity: Severity::Error,
    title: "Two parsers have the same name",
    why: "Fluent Bit uses the first one and rejects the other.",
    fix: "Rename or remove one of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["fluent/fluent-bit, src/flb_parser.c"],
};

pub(crate) static UNUSED: LintRule = LintRule {
    code: "PF213",
    name: "unused-parser",
    severity: Severity::Note,
    title: "No filter uses this parser",
    why: "It uses up some of the 5300 characters and does nothing.",
    fix: "Remove the parser, or name it in a `parser` filter.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Parser\" filter"],
};

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
    why: "A parser only creates members from named groups, so this one creates none.",
    fix: "Add a `Regex` with groups such as `(?<log>.*)`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MANUAL],
};

pub(crate) static TIME: LintRule = LintRule {
    code: "PF217",
    name: "time-not-read",
    severity: Severity::Warning,
    title: "A parser does not read the time",
    why: "Logs then carry the time at which Fluent Bit read them: too late, and out of order.",
    fix: "Add a group with the name in `Time_Key`, and a `Time_Format`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Configuring parser\"", SEEN],
};

pub(crate) static TIME_FORMAT: LintRule = LintRule {
    code: "PF218",
    name: "time-format",
    severity: Severity::Warning,
    title: "The time format does not match the times that containerd writes",
    why: "If the time cannot be parsed, Fluent Bit uses the time at which it read the line.",
    fix: "Write `Time_Format %Y-%m-%dT%H:%M:%S.%L%z`.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[SEEN, GUIDE],
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

pub(crate) static RULES: &[&LintRule] =
    &[&MISSING, &TWICE, &UNUSED, &AFTER, &NO_GROUPS, &TIME, &TIME_FORMAT, &EMPTY, &NOT_CRI, &PRESERVED];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        names(logging, findings);
        for parser in logging.parsers() {
            expression(parser, findings);
            time(parser, findings);
            if is_cri(&parser) {
                cri(parser, findings);
            }
        }
        filters(project, logging, findings);
    }
}

/// Options whose values are names of parsers. Source: Fluent Bit manual, "Parser" and "Kubernetes" filters.
const NAMING: [(&str, &str); 3] =
    [("parser", "parser"), ("kubernetes", "merge_parser"), ("kubernetes", "regex_parser")];

fn names_parser(filter: &PlacedSection<'_, '_>, property: &ReadProperty) -> bool {
    let plugin = filter.plugin();
    NAMING.iter().any(|(of, option)| *of == plugin && property.name.value.eq_ignore_ascii_case(option))
}

fn names(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    // Pods may name parsers, in annotations that are not here.
    let mut may_mean_any = logging.filters().any(|filter| filter.is_on("K8S-Logging.Parser") == Some(true));
    let mut first_of: HashMap<&str, PlacedSection<'_, '_>> = HashMap::new();
    for parser in logging.parsers() {
        first_of.entry(parser.get("Name").unwrap_or_default()).or_insert(parser);
    }
    let known: Vec<&str> = logging.parsers().take(MAX_SUGGESTED).filter_map(|parser| parser.get("Name")).collect();
    let mut used: HashSet<&str> = HashSet::new();
    for filter in logging.filters() {
        for property in filter.section.properties.iter().filter(|property| names_parser(&filter, property)) {
            let name = property.value.value.as_str();
            used.insert(name);
            if !name.is_empty() && !first_of.contains_key(name) {
                may_mean_any = true;
                let meant = crate::lint::similar::closest(name, known.iter().copied());
                let finding =
                    Finding::new(&MISSING, filter.value_place(property), format!("no parser is named `{name}`"));
                findings.push(match meant {
                    Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
                    None => finding,
                });
            }
        }
    }
    for parser in logging.parsers() {
        let Some(name) = parser.get("Name").filter(|name| !name.is_empty()) else { continue };
        if let Some(first) = first_of.get(name).filter(|first| first.number != parser.number) {
            let finding = Finding::new(&TWICE, parser.place_of("Name"), format!("two parsers are named `{name}`"));
            findings.push(finding.related(first.place_of("Name"), "the first is here"));
        } else if !used.contains(name) && !may_mean_any {
            // A filter that names a parser which is not there may mean this one.
            findings.push(Finding::new(
                &UNUSED,
                parser.place_of("Name"),
                format!("no filter uses the parser `{name}`"),
            ));
        }
    }
}

/// Among how many parsers the one is looked for that was meant: EKS takes no more characters than these need.
const MAX_SUGGESTED: usize = 64;

fn expression(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    if !parser.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("regex")) {
        return;
    }
    let Some(property) = parser.property("Regex").filter(|regex| !regex.value.value.is_empty()) else {
        let message = "the parser's format is regex, but it has no `Regex`";
        return findings.push(Finding::new(&NO_GROUPS, parser.place_of("Format"), message));
    };
    // What does not compile is another rule's.
    if pattern::broken(&property.value.value).is_none() && groups(&parser).is_empty() {
        let message = "the expression has no named group";
        findings.push(Finding::new(&NO_GROUPS, parser.value_place(property), message));
    }
}

fn time(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    let groups = groups(&parser);
    let key = parser.get("Time_Key");
    match (key, parser.get("Time_Format")) {
        (None, None) if is_cri(&parser) => {
            let message = "containerd's time is not read: `Time_Key` and `Time_Format` are missing";
            let finding = Finding::new(&TIME, parser.place_of("Name"), message);
            findings.push(finding.fix(format!("Add `Time_Key time` and `Time_Format {}`.", TIME_FORMATS[0])));
        }
        (Some(key), None) => {
            let message = format!("`Time_Key {key}` has no matching `Time_Format`");
            findings.push(Finding::new(&TIME, parser.place_of("Time_Key"), message));
        }
        (key, Some(_)) if !groups.is_empty() && !groups.contains(&key.unwrap_or("time")) => {
            let message = format!("the expression has no group `{}` for the time", key.unwrap_or("time"));
            let place = parser.place_of(if key.is_some() { "Time_Key" } else { "Time_Format" });
            findings.push(Finding::new(&TIME, place, message).related(parser.place_of("Regex"), "its groups are here"));
        }
        _ => {}
    }
}

/// Ways to write the format that reads what containerd writes.
const TIME_FORMATS: [&str; 3] = ["%Y-%m-%dT%H:%M:%S.%L%z", "%FT%T.%L%z", "%Y-%m-%dT%T.%L%z"];

fn cri(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    if let Some(format) =
        parser.property("Time_Format").filter(|format| !TIME_FORMATS.contains(&format.value.value.as_str()))
    {
        let place = parser.value_place(format);
        let message = match format.value.value.ends_with('Z') {
            true => "the format only accepts a literal `Z`, but containerd may write `+01:00`",
            false => "the format does not match containerd's times, such as `2026-01-31T12:34:56.123456789Z`",
        };
        let edit = parser.part.text.replace(format.value.span, TIME_FORMATS[0]);
        findings.push(Finding::new(&TIME_FORMAT, place, message).edits(edit));
    }
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
        let keeps = filter.property("Preserve_Key").filter(|_| filter.is_on("Preserve_Key") == Some(true));
        if let Some(keeps) = keeps.filter(|_| groups(&parser).contains(&"log")) {
            let message = "`log` stays the whole line: the preserved value replaces the parsed one";
            let place = filter.name_place(keeps);
            let edit = filter.part.text.remove_lines(keeps.name.span, project.source(place));
            findings.push(Finding::new(&PRESERVED, place, message).edits(edit));
        }
    }
}
