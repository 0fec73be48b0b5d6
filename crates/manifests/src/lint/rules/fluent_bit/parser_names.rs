//! The names of parsers: whether those that filters name are there, once.

use std::collections::{HashMap, HashSet};

use super::cores::{SEEN, StoppedCores};
use super::loading::{ParserLoading, needed};
use super::values::VALUE;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar;

const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

pub(crate) static MISSING: LintRule = LintRule {
    code: "PF211",
    name: "unknown-parser",
    severity: Severity::Error,
    title: "A filter names a parser that the ConfigMap does not define",
    why: "Fluent Bit does not start if a `parser` filter has none of its parsers; it logs others that are missing, and goes on without them. EKS guarantees none of Fluent Bit's built-in parsers.",
    fix: "Define the parser in `parsers.conf`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "fluent/fluent-bit, plugins/filter_parser/filter_parser.c", "aws/aws-for-fluent-bit#301", SEEN],
};

pub(crate) static TWICE: LintRule = LintRule {
    code: "PF212",
    name: "parser-twice",
    severity: Severity::Error,
    title: "Two parsers have the same name",
    why: "Fluent Bit 1.9 uses the first one and reads none that follow the other; newer versions do not start.",
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

pub(crate) static RULES: &[&LintRule] = &[&MISSING, &TWICE, &UNUSED];

/// Options whose values are names of parsers. Source: Fluent Bit manual, "Parser" and "Kubernetes" filters.
const NAMING: [(&str, &str); 3] =
    [("parser", "parser"), ("kubernetes", "merge_parser"), ("kubernetes", "regex_parser")];

type Parsers<'b, 'a> = HashMap<&'b str, PlacedSection<'b, 'a>>;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let mut parsers: Parsers<'_, '_> = HashMap::new();
        let mut used: HashSet<&str> = HashSet::new();
        for parser in logging.parsers() {
            parsers.entry(parser.get("Name").unwrap_or_default()).or_insert(parser);
        }
        // Pods may name parsers, in annotations that are not here. And a filter that names one which is not there may mean any of these.
        let mut may_mean_any = logging.filters().any(|filter| filter.is_on("K8S-Logging.Parser") == Some(true));
        for filter in logging.filters() {
            let plugin = filter.plugin();
            for property in filter.section.properties.iter().filter(|property| names_parser(&plugin, property)) {
                used.insert(&property.value.value);
                may_mean_any |= missing(&parsers, filter, property, findings);
            }
        }
        definitions(logging, &parsers, &used, may_mean_any, findings);
    }
}

fn names_parser(plugin: &str, property: &ReadProperty) -> bool {
    NAMING.iter().any(|(of, option)| *of == plugin && property.name.value.eq_ignore_ascii_case(option))
}

/// Whether a filter names a parser that is not there. It has to have one; others it goes without, and so does `Merge_Parser`. Source:
/// fluent/fluent-bit, plugins/filter_parser/filter_parser.c and plugins/filter_kubernetes/kube_conf.c.
fn missing(
    parsers: &Parsers<'_, '_>,
    filter: PlacedSection<'_, '_>,
    property: &ReadProperty,
    findings: &mut Findings,
) -> bool {
    let name = property.value.value.as_str();
    if let Some(parser) = parsers.get(name) {
        let is_regex = parser.get("Format").is_none_or(|format| format.eq_ignore_ascii_case("regex"));
        if property.name.value.eq_ignore_ascii_case("Regex_Parser") && !is_regex {
            let finding =
                Finding::new(&VALUE, filter.value_place(property), "`Regex_Parser` must be a parser of format regex");
            findings.push(finding.related(parser.place_of("Format"), "this one has another"));
        }
        return false;
    }
    if name.is_empty() {
        return false;
    }
    let needed = needed(&filter);
    let is_needed = needed.contains(&name) && !needed.iter().any(|name| parsers.contains_key(name));
    let severity = if is_needed { Severity::Error } else { Severity::Warning };
    let message = format!("no parser is named `{name}`");
    let finding = Finding::new(&MISSING, filter.value_place(property), message).severity(severity);
    let known = parsers.keys().copied().filter(|known| !known.is_empty());
    findings.push(match similar::closest(name, known) {
        Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
        None => finding,
    });
    true
}

fn definitions(
    logging: &LoggingConfigMap<'_>,
    parsers: &Parsers<'_, '_>,
    used: &HashSet<&str>,
    may_mean_any: bool,
    findings: &mut Findings,
) {
    let loading = ParserLoading::new(logging);
    for parser in logging.parsers() {
        let Some(name) = parser.get("Name").filter(|name| !name.is_empty()) else { continue };
        let place = parser.place_of("Name");
        match parsers.get(name) {
            Some(first) if !std::ptr::eq(first.section, parser.section) => {
                let finding = Finding::new(&TWICE, place, format!("two parsers are named `{name}`"));
                // The second one is lost in either core.
                let stopped = loading.stopped(&parser).map_or(Severity::Warning, StoppedCores::severity);
                let finding = finding.severity(stopped.max(Severity::Warning));
                findings.push(finding.related(first.place_of("Name"), "the first is here"));
            }
            _ if !used.contains(name) && !may_mean_any => {
                findings.push(Finding::new(&UNUSED, place, format!("no filter uses the parser `{name}`")));
            }
            _ => {}
        }
    }
}
