//! Whether all speak of the same cluster.

use crate::lint::cloudwatch;
use crate::lint::finding::{Finding, Findings};
use crate::lint::installation::{self, is_placeholder};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::Place;
use crate::names::datadog_cluster;

pub(crate) static OTHER_CLUSTER: LintRule = LintRule {
    code: "PF951",
    name: "other-cluster",
    severity: Severity::Warning,
    title: "The cluster name differs from the one in podferry.yaml",
    why: "Logs and metrics of the same pods then carry different kube_cluster_name tags, so Datadog does not show them together.",
    fix: "Use the same name everywhere.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog, \"Amazon EKS on AWS Fargate\", Cluster name", "podferry's own"],
};

pub(crate) static RULES: &[&LintRule] = &[&OTHER_CLUSTER];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let Some(eks) = project.expected.cluster.as_deref() else { return };
    let expected = datadog_cluster(eks);
    let mut hold = |name: &str, place: Place| {
        // A name as EKS has it is made Datadog's on its way; where it is not, another rule says so.
        if name != expected && name != eks && !name.is_empty() && !is_placeholder(name) {
            let message = format!("the cluster is called `{name}` here, but `{expected}` is expected");
            findings.push(Finding::new(&OTHER_CLUSTER, place, message));
        }
    };
    for installation in installation::all(project) {
        if let Some((text, node)) = installation.cluster_name().and_then(|node| Some((node.text()?, node))) {
            hold(text, node.place());
        }
    }
    for logging in project.logging.iter().filter(|logging| cloudwatch::outputs(logging).next().is_some()) {
        for filter in logging.filters().filter(|filter| filter.plugin() == "record_modifier") {
            for property in &filter.section.properties {
                let is_record = property.name.value.eq_ignore_ascii_case("Record");
                let name = property.value.value.strip_prefix("cluster_name ").filter(|_| is_record);
                if let Some(name) = name {
                    hold(name.trim(), filter.value_place(property));
                }
            }
        }
    }
}
