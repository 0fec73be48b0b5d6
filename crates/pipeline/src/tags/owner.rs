//! Who owns a pod: from its owner references, else from labels, else from its name.
//!
//! Owner references are in a record only if the ConfigMap says `owner_references On`, which the router's older core
//! does not know. Labels that the controllers set are nearly as good, and where they are missing among labels that are
//! known, there is no such owner. A name is no proof: it counts only where no labels are known, and only in the form that
//! a controller gives it (`generated_name`). What the name of an owner says of its own owner is read as the Agent does.

use crate::generated_name;

/// An owner of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// As Kubernetes spells it: `ReplicaSet`.
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Owner {
    fn new(kind: &str, name: &str) -> Owner {
        Owner { kind: kind.to_owned(), name: name.to_owned() }
    }
}

/// The argo-rollouts controller puts this label where a Deployment's controller puts `pod-template-hash`.
pub(crate) const ROLLOUT_LABEL: &str = "rollouts-pod-template-hash";

/// The owner as labels and name tell it. `label` looks a label up; `labels_known` says whether the pod's labels were there to look at.
pub(crate) fn infer<'a>(pod: &'a str, labels_known: bool, label: impl Fn(&str) -> Option<&'a str>) -> Option<Owner> {
    for hash in ["pod-template-hash", ROLLOUT_LABEL] {
        if let Some(hash) = label(hash)
            && let Some((replica_set, _)) = pod.rsplit_once('-')
            && replica_set.strip_suffix(hash).is_some_and(|base| base.ends_with('-'))
        {
            return Some(Owner::new("ReplicaSet", replica_set));
        }
    }
    if (label("statefulset.kubernetes.io/pod-name") == Some(pod) || label("apps.kubernetes.io/pod-index").is_some())
        && let Some((set, ordinal)) = pod.rsplit_once('-')
        && is_digits(ordinal)
    {
        return Some(Owner::new("StatefulSet", set));
    }
    if let Some(job) = label("batch.kubernetes.io/job-name").or_else(|| label("job-name")) {
        return Some(Owner::new("Job", job));
    }
    if labels_known { None } else { by_name(pod) }
}

fn by_name(pod: &str) -> Option<Owner> {
    if let Some((replica_set, _)) = generated_name::replica_set_of(pod) {
        return Some(Owner::new("ReplicaSet", replica_set));
    }
    generated_name::scheduled_job_of(pod).map(|job| Owner::new("Job", job))
}

/// The Deployment that made a ReplicaSet: not to be asked of a name that is only taken for a ReplicaSet's.
/// Source: DataDog/datadog-agent, `pkg/util/kubernetes/helpers.go`, `ParseDeploymentForReplicaSet`.
pub(crate) fn deployment_of(replica_set: &str) -> Option<&str> {
    let (deployment, suffix) = replica_set.rsplit_once('-')?;
    let is_hash = is_digits(suffix) || suffix.bytes().all(generated_name::is_safe);
    (!deployment.is_empty() && suffix.len() >= 3 && is_hash).then_some(deployment)
}

/// The CronJob that made a Job: not to be asked of a name that is only taken for a Job's.
/// Source: DataDog/datadog-agent, `pkg/util/kubernetes/helpers.go`, `ParseCronJobForJob`.
pub(crate) fn cron_job_of(job: &str) -> Option<&str> {
    let (cron_job, suffix) = job.rsplit_once('-')?;
    (!cron_job.is_empty() && suffix.len() >= 3 && is_digits(suffix)).then_some(cron_job)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_judged_as_the_agent_judges_them() {
        for (replica_set, deployment) in [
            ("frontend-56c89cfff7", Some("frontend")),
            ("frontend-56c", Some("frontend")),
            ("front-end-768dd754b7", Some("front-end")),
            ("frontend-2891696001", Some("frontend")),
            ("frontend-5f", None),
            ("frontend-56a89cfff7", None),
            ("frontend", None),
            ("-56c89cfff7", None),
        ] {
            assert_eq!(deployment_of(replica_set), deployment, "{replica_set}");
        }
        for (job, cron_job) in [
            ("hello-1562319360", Some("hello")),
            ("hello-600", Some("hello")),
            ("hello-60", None),
            ("hello-56c", None),
            ("hello", None),
        ] {
            assert_eq!(cron_job_of(job), cron_job, "{job}");
        }
    }

    fn infer_with(pod: &'static str, labels: Option<&'static [(&str, &str)]>) -> Option<String> {
        let pairs = labels.unwrap_or_default();
        let label = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        infer(pod, labels.is_some(), label).map(|owner| format!("{}/{}", owner.kind, owner.name))
    }

    #[test]
    fn labels_tell_more_than_names() {
        for (pod, labels, owner) in [
            ("web-6d4cf56db6-x7k2p", &[("pod-template-hash", "6d4cf56db6")][..], Some("ReplicaSet/web-6d4cf56db6")),
            (
                "web-6d4cf56db6-x7k2p",
                &[("rollouts-pod-template-hash", "6d4cf56db6")],
                Some("ReplicaSet/web-6d4cf56db6"),
            ),
            // No name is too strange for a hash that a label confirms.
            ("web-xyz-x7k2p", &[("pod-template-hash", "xyz")], Some("ReplicaSet/web-xyz")),
            ("api-0", &[("statefulset.kubernetes.io/pod-name", "api-0")], Some("StatefulSet/api")),
            ("api-12", &[("apps.kubernetes.io/pod-index", "12")], Some("StatefulSet/api")),
            ("migrate-4kq8z", &[("job-name", "migrate")], Some("Job/migrate")),
            (
                "report-29384160-4kq8z",
                &[("batch.kubernetes.io/job-name", "report-29384160")],
                Some("Job/report-29384160"),
            ),
        ] {
            assert_eq!(infer_with(pod, Some(labels)).as_deref(), owner, "{pod} {labels:?}");
        }
    }

    #[test]
    fn labels_without_a_controllers_refute_the_name() {
        for labels in [
            &[][..],
            &[("app", "web")],
            &[("workflows.argoproj.io/workflow", "web")],
            &[("pod-template-hash", "56c89cfff7")],
        ] {
            for pod in ["web-6d4cf56db6-x7k2p", "report-29384160-4kq8z"] {
                assert_eq!(infer_with(pod, Some(labels)), None, "{pod} {labels:?}");
            }
        }
    }

    #[test]
    fn a_name_alone_counts_only_in_a_controllers_form() {
        for (pod, owner) in [
            ("web-6d4cf56db6-x7k2p", Some("ReplicaSet/web-6d4cf56db6")),
            ("report-29384160-4kq8z", Some("Job/report-29384160")),
            ("import-csv-4kq8z", None),
            ("import-2024-4kq8z", None),
            ("backup-20261122-4kq8z", None),
            ("backup-1764238800-4kq8z", None),
            ("api-0", None),
            ("lonely", None),
            ("web-6d4cf56db6-bx", None),
            ("my-app-server", None),
        ] {
            assert_eq!(infer_with(pod, None).as_deref(), owner, "{pod}");
        }
    }
}
