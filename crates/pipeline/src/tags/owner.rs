//! Who owns a pod: from its owner references, else from labels, else from its name.
//!
//! Owner references are in a record only if the ConfigMap says `owner_references On`, which the router's older core
//! does not know. Labels that the controllers set are nearly as good. A name alone tells a Deployment's pod and a
//! CronJob's, by the form of what is appended to it.

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

/// The owner as labels and name tell it. `label` looks a label up.
pub(crate) fn infer<'a>(pod: &'a str, label: impl Fn(&str) -> Option<&'a str>) -> Option<Owner> {
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
    by_name(pod)
}

/// A generated name's suffix has five characters. Source: Kubernetes, `apiserver/pkg/storage/names`.
const GENERATED_SUFFIX: usize = 5;

fn by_name(pod: &str) -> Option<Owner> {
    let (owner, suffix) = pod.rsplit_once('-')?;
    if suffix.len() != GENERATED_SUFFIX || !is_generated(suffix) {
        return None;
    }
    // Since Kubernetes 1.11 a template's hash has no run of digits alone; a CronJob's time has nothing else.
    if cron_job_of(owner).is_some() {
        return Some(Owner::new("Job", owner));
    }
    deployment_of(owner).map(|_| Owner::new("ReplicaSet", owner))
}

/// The Deployment that made a ReplicaSet.
/// Source: DataDog/datadog-agent, `pkg/util/kubernetes/helpers.go`, `ParseDeploymentForReplicaSet`.
pub(crate) fn deployment_of(replica_set: &str) -> Option<&str> {
    let (deployment, suffix) = replica_set.rsplit_once('-')?;
    (!deployment.is_empty() && suffix.len() >= 3 && is_generated(suffix)).then_some(deployment)
}

/// The CronJob that made a Job.
/// Source: DataDog/datadog-agent, `pkg/util/kubernetes/helpers.go`, `ParseCronJobForJob`.
pub(crate) fn cron_job_of(job: &str) -> Option<&str> {
    let (cron_job, suffix) = job.rsplit_once('-')?;
    (!cron_job.is_empty() && suffix.len() >= 3 && is_digits(suffix)).then_some(cron_job)
}

fn is_generated(suffix: &str) -> bool {
    is_digits(suffix) || suffix.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
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

    #[test]
    fn labels_tell_more_than_names() {
        let infer_with = |pod: &'static str, labels: &'static [(&str, &str)]| {
            let owner = infer(pod, |name| labels.iter().find(|(key, _)| *key == name).map(|(_, value)| *value));
            owner.map(|owner| format!("{}/{}", owner.kind, owner.name))
        };
        for (pod, labels, owner) in [
            ("web-6d4cf56db6-x7k2p", &[("pod-template-hash", "6d4cf56db6")][..], Some("ReplicaSet/web-6d4cf56db6")),
            (
                "web-6d4cf56db6-x7k2p",
                &[("rollouts-pod-template-hash", "6d4cf56db6")],
                Some("ReplicaSet/web-6d4cf56db6"),
            ),
            ("api-0", &[("statefulset.kubernetes.io/pod-name", "api-0")], Some("StatefulSet/api")),
            ("api-12", &[("apps.kubernetes.io/pod-index", "12")], Some("StatefulSet/api")),
            ("migrate-4kq8z", &[("job-name", "migrate")], Some("Job/migrate")),
            (
                "report-29384160-4kq8z",
                &[("batch.kubernetes.io/job-name", "report-29384160")],
                Some("Job/report-29384160"),
            ),
            ("web-6d4cf56db6-x7k2p", &[], Some("ReplicaSet/web-6d4cf56db6")),
            ("report-29384160-4kq8z", &[], Some("Job/report-29384160")),
            ("api-0", &[], None),
            ("lonely", &[], None),
            ("web-6d4cf56db6-bx", &[], None),
            ("my-app-server", &[], None),
        ] {
            assert_eq!(infer_with(pod, labels).as_deref(), owner, "{pod} {labels:?}");
        }
    }
}
