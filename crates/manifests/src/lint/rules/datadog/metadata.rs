//! Which tags logs will lack, because Fluent Bit is not told to add what they are made of.

use super::{copies, cri_parser, is_of_lines, kubernetes};
use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::filters_for_cloudwatch;

const FILTER: &str = "Fluent Bit manual, \"Kubernetes\" filter";
const TAGGING: &str = "Datadog, \"Unified Service Tagging\"";

pub(crate) static NO_FILTERS: LintRule = LintRule {
    code: "PF301",
    name: "no-metadata",
    severity: Severity::Warning,
    title: "Logs are written without filters, so they carry no labels, annotations or image",
    why: "A log stream's name gives only pod, namespace and container, and every line in CloudWatch keeps containerd's prefix (time and stream).",
    fix: "Add the filters `parser` and `kubernetes`, as `podferry generate logging` writes them; if you do not want metadata, use its preset `lean`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[
        "Datadog, \"Amazon EKS on AWS Fargate\", Log collection",
        FILTER,
        "DataDog/datadog-agent, comp/core/tagger/collectors",
    ],
};

pub(crate) static LABELS_OFF: LintRule = LintRule {
    code: "PF302",
    name: "labels-off",
    severity: Severity::Note,
    title: "The Kubernetes filter leaves out labels",
    why: "The tags env, service, version and kube_app_*, and reliable Deployment and Job names, come from labels.",
    fix: "Write `Labels On`, or remove the option: it is on by default.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTER, TAGGING],
};

pub(crate) static ANNOTATIONS_OFF: LintRule = LintRule {
    code: "PF303",
    name: "annotations-off",
    severity: Severity::Note,
    title: "The Kubernetes filter leaves out annotations",
    why: "The `ad.datadoghq.com` annotations set a container's source, service, tags and log rules; without annotations they do nothing.",
    fix: "Write `Annotations On`, or remove the option: it is on by default.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[FILTER, "Datadog, \"Kubernetes Log Collection\", Autodiscovery annotations"],
};

pub(crate) static RULES: &[&LintRule] = &[&NO_FILTERS, &LABELS_OFF, &ANNOTATIONS_OFF];

/// Tags that only labels, annotations and the image give. Source: DataDog/datadog-agent, the collectors of the tagger.
const WITHOUT_FILTER: &str =
    "env, service, version, image_name, short_image, image_tag, kube_app_*, kube_stateful_set and eks_fargate_node";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let Some(output) = cloudwatch::outputs(logging).next() else { continue };
        match (kubernetes(logging), cri_parser(logging)) {
            (Some(_), _) => switched_off(logging, findings),
            (None, None) => {
                let message = format!("logs in this log group will lack the tags {WITHOUT_FILTER}");
                let place = output.section.property("Name").map(|name| output.section.value_place(name));
                findings.push(Finding::new(&NO_FILTERS, place.unwrap_or_else(|| output.section.place()), message));
            }
            (None, Some(parser)) => findings.push_fact(
                parser.place(),
                format!("No Kubernetes filter: pod, namespace and container come from the stream name, and logs lack the tags {WITHOUT_FILTER}"),
            ),
        }
    }
}

fn switched_off(logging: &LoggingConfigMap<'_>, findings: &mut Findings) {
    let options: [(&str, &'static LintRule, &str); 2] = [
        ("Labels", &LABELS_OFF, "without labels, logs lack the tags env, service, version and kube_app_*"),
        (
            "Annotations",
            &ANNOTATIONS_OFF,
            "without annotations, `ad.datadoghq.com/<container>.logs` and `.tags` have no effect",
        ),
    ];
    let filters = filters_for_cloudwatch(logging);
    let (of_lines, of_copies): (Vec<&PlacedSection<'_, '_>>, Vec<&PlacedSection<'_, '_>>) =
        filters.iter().filter(|filter| filter.is_of("kubernetes")).partition(|filter| is_of_lines(logging, filter));
    // Metadata in a line counts before that of records of its own, unless it is taken off again.
    let are_without = copies::find(logging).is_some_and(|copies| copies.lines_lose("kubernetes"));
    let of_lines = of_lines.into_iter().filter(|_| !are_without);
    for filter in of_lines.chain(of_copies.iter().copied()) {
        for (option, rule, message) in options {
            let is_copy = of_copies.iter().any(|copy| copy.number == filter.number);
            // What one filter of the copies leaves out another may bring.
            let is_brought = is_copy && of_copies.iter().any(|copies| copies.is_on(option) != Some(false));
            if filter.is_on(option) == Some(false) && !is_brought {
                findings.push(Finding::new(rule, filter.place_of(option), message));
            }
        }
    }
}
