//! The kinds of Kubernetes that make pods: their API group, where their pod template is, and what sets them apart.
//!
//! Source: Kubernetes API reference, "Workload resources"; what Fargate does not run: Amazon EKS User Guide, "Simplify compute
//! management with AWS Fargate".

use serde_json::Value;

/// Names that lead from an object to its pod template; none for a Pod, which has `metadata` and `spec` itself.
pub(crate) type TemplatePath = &'static [&'static str];

const POD: TemplatePath = &[];
/// Of most kinds, custom ones as well.
pub(crate) const TEMPLATE: TemplatePath = &["spec", "template"];
const JOB_TEMPLATE: TemplatePath = &["spec", "jobTemplate", "spec", "template"];

/// A kind that makes pods.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WorkloadKind {
    /// `kind:`.
    pub(crate) name: &'static str,
    /// Its API group; empty for the core.
    pub(crate) group: &'static str,
    pub(crate) template: TemplatePath,
    /// Kubernetes rejects it without `spec.selector`.
    pub(crate) needs_selector: bool,
    /// It is done when its containers have ended, which a sidecar must not prevent.
    pub(crate) runs_to_completion: bool,
    pub(crate) runs_on_fargate: bool,
}

const fn workload(name: &'static str, group: &'static str, template: TemplatePath) -> WorkloadKind {
    let (needs_selector, runs_to_completion, runs_on_fargate) = (false, false, true);
    WorkloadKind { name, group, template, needs_selector, runs_to_completion, runs_on_fargate }
}

static WORKLOADS: [WorkloadKind; 8] = [
    workload("Pod", "", POD),
    workload("ReplicationController", "", TEMPLATE),
    WorkloadKind { needs_selector: true, ..workload("Deployment", "apps", TEMPLATE) },
    WorkloadKind { needs_selector: true, ..workload("StatefulSet", "apps", TEMPLATE) },
    WorkloadKind { needs_selector: true, ..workload("ReplicaSet", "apps", TEMPLATE) },
    WorkloadKind { needs_selector: true, runs_on_fargate: false, ..workload("DaemonSet", "apps", TEMPLATE) },
    WorkloadKind { runs_to_completion: true, ..workload("Job", "batch", TEMPLATE) },
    WorkloadKind { runs_to_completion: true, ..workload("CronJob", "batch", JOB_TEMPLATE) },
];

/// Kinds of other projects, which have a pod template like Kubernetes' own: of Argo Rollouts, Knative, OpenShift and OpenKruise.
///
/// Source: argoproj/argo-rollouts, `pkg/apis/rollouts/v1alpha1`; knative/serving, `pkg/apis/serving/v1`; openshift/api, `apps/v1`;
/// openkruise/kruise, `apis/apps`.
static CUSTOM: [WorkloadKind; 7] = [
    WorkloadKind { needs_selector: true, ..workload("Rollout", "argoproj.io", TEMPLATE) },
    workload("Service", "serving.knative.dev", TEMPLATE),
    workload("Configuration", "serving.knative.dev", TEMPLATE),
    workload("DeploymentConfig", "apps.openshift.io", TEMPLATE),
    WorkloadKind { needs_selector: true, ..workload("CloneSet", KRUISE, TEMPLATE) },
    WorkloadKind { needs_selector: true, ..workload("StatefulSet", KRUISE, TEMPLATE) },
    WorkloadKind { needs_selector: true, runs_on_fargate: false, ..workload("DaemonSet", KRUISE, TEMPLATE) },
];

const KRUISE: &str = "apps.kruise.io";

/// Where Deployments and DaemonSets were until Kubernetes 1.16.
const OLD_GROUP: &str = "extensions";

impl WorkloadKind {
    /// The kind of this name, whatever its group.
    pub(crate) fn named(name: &str) -> Option<&'static WorkloadKind> {
        WORKLOADS.iter().find(|kind| kind.name == name)
    }

    /// The kind of this name in a group: of Kubernetes, or of another project.
    pub(crate) fn of(name: &str, group: &str) -> Option<&'static WorkloadKind> {
        // The group need not be the kind's own: a manifest with another one of Kubernetes is wrong, and looked at all the same.
        let own = || WorkloadKind::named(name).filter(|_| is_group(group));
        CUSTOM.iter().find(|kind| kind.name == name && kind.group == group).or_else(own)
    }

    /// Whether a group is its own, or was.
    pub(crate) fn is_of_group(&self, group: &str) -> bool {
        group == self.group || group == OLD_GROUP
    }

    /// Whether it is the pod itself, and has no template.
    pub(crate) fn is_pod(&self) -> bool {
        self.template.is_empty()
    }
}

/// Whether any workload of Kubernetes is of an API group.
fn is_group(group: &str) -> bool {
    WORKLOADS.iter().any(|kind| kind.is_of_group(group))
}

/// The API group in an `apiVersion`; empty for the core.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// The pod template in an object of any kind, custom ones as well; the object itself where none is found.
pub fn template_of(object: &Value) -> &Value {
    located_template(object).1
}

/// The same, and where it is.
pub(crate) fn located_template(object: &Value) -> (TemplatePath, &Value) {
    let found = [JOB_TEMPLATE, TEMPLATE].into_iter().find_map(|path| {
        let template = path.iter().try_fold(object, |value, name| value.get(name))?;
        Some((path, template))
    });
    found.unwrap_or((POD, object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_of_kinds() {
        let is = |kind: &str, group: &str| WorkloadKind::named(kind).unwrap().is_of_group(group);
        assert!(is("Deployment", "apps") && is("Deployment", "extensions") && !is("Deployment", "batch"));
        assert!(is("Pod", "") && !is("Pod", "apps") && WorkloadKind::named("Rollout").is_none());
        assert!(["", "apps", "batch", "extensions"].into_iter().all(is_group) && !is_group("argoproj.io"));
        assert_eq!((group_of("apps/v1"), group_of("v1"), group_of("")), ("apps", "", ""));
    }

    #[test]
    fn kinds_of_other_projects() {
        let group = |name: &str, group: &str| WorkloadKind::of(name, group).map(|kind| kind.group);
        for (name, of, found) in [
            ("Rollout", "argoproj.io", Some("argoproj.io")),
            ("Service", "serving.knative.dev", Some("serving.knative.dev")),
            ("Service", "", None),
            ("StatefulSet", "apps.kruise.io", Some("apps.kruise.io")),
            ("StatefulSet", "apps", Some("apps")),
            ("StatefulSet", "batch", Some("apps")),
            ("StatefulSet", "example.com", None),
            ("Rollout", "apps", None),
        ] {
            assert_eq!(group(name, of), found, "{name} {of}");
        }
        assert!(CUSTOM.iter().all(|kind| kind.template == TEMPLATE && !is_group(kind.group)));
    }

    #[test]
    fn templates_are_found_where_the_table_has_them() {
        let pod = json!({"metadata": {}});
        let template = json!({"spec": {"template": pod}});
        let job_template = json!({"spec": {"jobTemplate": template}});
        assert_eq!(located_template(&pod), (POD, &pod));
        assert_eq!(located_template(&template), (TEMPLATE, &pod));
        assert_eq!(located_template(&job_template), (JOB_TEMPLATE, &pod));
        for kind in &WORKLOADS {
            assert!([POD, TEMPLATE, JOB_TEMPLATE].contains(&kind.template), "{}", kind.name);
        }
    }
}
