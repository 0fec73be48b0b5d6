//! Which tags logs will lack, because Fluent Bit is not told to add what they are made of.

use super::{cri_parser, kubernetes};
use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::Logging;
use crate::lint::project::Project;
use crate::lint::rule::{Rule, Severity};

const FILTER: &str = "Fluent Bit manual, \"Kubernetes\" filter";
const TAGGING: &str = "Datadog, \"Unified Service Tagging\"";

pub(crate) static NO_FILTERS: Rule = Rule {
    code: "PF301",
    name: "no-metadata",
    severity: Severity::Warning,
    title: "Logs are written without filters, so they bring no labels, annotations and image",
    why: "The name of a log stream tells pod, namespace and container and no more, and the line's prefix of time and output stays on each line in CloudWatch.",
    fix: "Add the filters `parser` and `kubernetes`, as `podferry generate logging` writes them; its preset `lean` is for those who want no metadata.",
    is_automatic: false,
    sources: &[
        "Datadog, \"Amazon EKS on AWS Fargate\", Log collection",
        FILTER,
        "DataDog/datadog-agent, comp/core/tagger/collectors",
    ],
};

pub(crate) static LABELS_OFF: Rule = Rule {
    code: "PF302",
    name: "labels-off",
    severity: Severity::Note,
    title: "The Kubernetes filter leaves out labels",
    why: "The tags env, service and version, those of app.kubernetes.io, and the certain names of Deployments and Jobs are made from labels.",
    fix: "Write `Labels On`, or leave the option out: it is on by itself.",
    is_automatic: false,
    sources: &[FILTER, TAGGING],
};

pub(crate) static ANNOTATIONS_OFF: Rule = Rule {
    code: "PF303",
    name: "annotations-off",
    severity: Severity::Note,
    title: "The Kubernetes filter leaves out annotations",
    why: "What `ad.datadoghq.com` says of source, service, tags and rules of a container's logs stands in annotations, and does nothing without them.",
    fix: "Write `Annotations On`, or leave the option out: it is on by itself.",
    is_automatic: false,
    sources: &[FILTER, "Datadog, \"Kubernetes Log Collection\", Autodiscovery annotations"],
};

pub(crate) static RULES: &[&Rule] = &[&NO_FILTERS, &LABELS_OFF, &ANNOTATIONS_OFF];

/// Tags that only labels, annotations and the image give. Source: DataDog/datadog-agent, the collectors of the tagger.
const WITHOUT_FILTER: &str =
    "env, service, version, image_name, short_image, image_tag, kube_app_*, kube_stateful_set and eks_fargate_node";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let Some(output) = cloudwatch::outputs(logging).next() else { continue };
        match (kubernetes(logging), cri_parser(logging)) {
            (Some(_), _) => switched_off(logging, findings),
            (None, None) => {
                let message = format!("logs to this log group will have no tags {WITHOUT_FILTER}");
                let place = output.section.property("Name").map(|name| output.section.value_place(name));
                findings.push(Finding::new(&NO_FILTERS, place.unwrap_or_else(|| output.section.place()), message));
            }
            (None, Some(parser)) => findings.push_fact(
                parser.place(),
                format!("No Kubernetes filter: pod, namespace and container come from the stream's name, and logs have no tags {WITHOUT_FILTER}"),
            ),
        }
    }
}

fn switched_off(logging: &Logging<'_>, findings: &mut Findings) {
    let options: [(&str, &'static Rule, &str); 2] = [
        ("Labels", &LABELS_OFF, "without labels, logs have no tags env, service, version and kube_app_*"),
        (
            "Annotations",
            &ANNOTATIONS_OFF,
            "without annotations, nothing of `ad.datadoghq.com/<container>.logs` and `.tags` is done",
        ),
    ];
    for filter in logging.filters().filter(|filter| filter.plugin() == "kubernetes") {
        for (option, rule, message) in options {
            if filter.is_on(option) == Some(false) {
                findings.push(Finding::new(rule, filter.place_of(option), message));
            }
        }
    }
}
