//! Rules about what pods say of themselves: the annotations of Autodiscovery, and the labels of unified service tagging.
//!
//! `admission`: what asks for a tracing library; `names`: where they stand and whose they are; `checks`: what the Agent is to check; `logs`: how logs are read, by the forwarder's own
//! parser; `tags`: annotations and labels that become tags.

pub(crate) mod admission;
pub(crate) mod checks;
pub(crate) mod logs;
pub(crate) mod names;
pub(crate) mod tags;

use crate::annotations::PREFIX;
use crate::lint::finding::{Finding, Findings};
use crate::lint::json::JsonText;
use crate::lint::node::{YamlEntry, YamlNode};
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::rule::LintRule;

const PAGE: &str = "Datadog documentation, \"Kubernetes and Integrations\"";
const LOGS_PAGE: &str = "Datadog documentation, \"Kubernetes Log Collection\"";
const TAGGING: &str = "Datadog documentation, \"Unified Service Tagging\"";

/// How the names of annotations end. Source: DataDog/datadog-agent, `comp/core/autodiscovery/common/utils/annotations.go`; Datadog
/// documentation, "Container Discovery Management".
const ENDS: [&str; 12] = [
    "checks",
    "check_names",
    "init_configs",
    "instances",
    "logs",
    "tags",
    "exclude",
    "logs_exclude",
    "metrics_exclude",
    "check.id",
    "check_tag_cardinality",
    "ignore_autodiscovery_tags",
];

/// Those that are for the whole pod.
const OF_POD: [&str; 5] = ["tags", "exclude", "logs_exclude", "metrics_exclude", "tolerate-unready"];

/// An annotation of Autodiscovery.
#[derive(Debug, Clone, Copy)]
struct Annotation<'a> {
    entry: YamlEntry<'a>,
    /// The container that it is for; `None` for the pod.
    container: Option<&'a str>,
    end: &'a str,
}

fn annotations<'a>(pod: &PodTemplate<'a>) -> Vec<Annotation<'a>> {
    pod.annotations().into_iter().flat_map(YamlNode::entries).filter_map(annotation).collect()
}

fn annotation(entry: YamlEntry<'_>) -> Option<Annotation<'_>> {
    let rest = entry.name.strip_prefix(PREFIX)?;
    let parted = match rest.strip_suffix(".check.id") {
        Some(container) => Some((container, "check.id")),
        None => rest.rsplit_once('.'),
    };
    Some(match parted {
        Some((container, end)) => Annotation { entry, container: Some(container), end },
        None => Annotation { entry, container: None, end: rest },
    })
}

/// Reads the JSON of an annotation; if it is not JSON, `rule` reports it. `None` also where something is filled in later.
fn read<'a>(
    project: &Project<'_>,
    annotation: Annotation<'a>,
    rule: &'static LintRule,
    findings: &mut Findings,
) -> Option<JsonText<'a>> {
    let value = annotation.entry.value;
    let text = value.string()?;
    if text.contains("${") || text.contains("{{") {
        return None;
    }
    match JsonText::new(value, project.source(value.value_place())) {
        Ok(json) => Some(json),
        Err((place, problem)) => {
            let message = format!("{} is not JSON: {problem}", annotation.entry.name);
            findings.push(Finding::new(rule, place, message));
            None
        }
    }
}
