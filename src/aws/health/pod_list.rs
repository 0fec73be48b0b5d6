//! The pods on Fargate of a list as `kubectl get pods -o json` prints it.
//!
//! A list may have ten thousand pods, and their variables may hold keys: only what findings need is kept of each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::cluster::ClusterUnknown;
use manifests::agent::SIDECAR_LABEL;
use manifests::sidecar::{KUBELET_LOGS, is_sidecar};

/// The label that EKS puts on the pods that it runs on Fargate. Source: Amazon EKS User Guide, "Define which Pods use AWS Fargate".
pub(crate) const FARGATE_LABEL: &str = "eks.amazonaws.com/fargate-profile";

/// Where the API server mounts the token of the pod's service account, unless it is told not to.
/// Source: Kubernetes, `plugin/pkg/admission/serviceaccount`.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The account of pods that name none.
const DEFAULT_ACCOUNT: &str = "default";

/// A pod that runs on Fargate or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FargatePod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) service_account: String,
    /// The annotation `Logging`, if EKS has written it.
    pub(super) logging: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// Has the label that asks for an Agent.
    pub(super) wants_agent: bool,
    pub(super) injection: Option<InjectionNote>,
    pub(super) agent: Option<RunningAgent>,
}

/// What the Cluster Agent's webhook wrote on a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InjectionNote {
    /// `skipped`
    pub(super) status: String,
    /// `secret_not_found` and the like; may be empty.
    pub(super) error: String,
}

/// The Agent's container in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunningAgent {
    /// The Secrets' names and keys that its variables need.
    pub(super) secrets: BTreeSet<(String, String)>,
    /// Reads the pod's logs through the kubelet.
    pub(super) reads_logs: bool,
    /// Has the token of the pod's service account, which it shows the kubelet.
    pub(super) has_token: bool,
    /// Why it does not run: `CreateContainerConfigError`, `CrashLoopBackOff`, …
    pub(super) hindrance: Option<String>,
}

/// The pods on Fargate of a list that `kubectl` printed. No more logs come from those that ended.
///
/// # Errors
/// [`ClusterUnknown::Failed`], where it is not a list of pods, or half of one.
pub(crate) fn read(list: &str) -> Result<Vec<FargatePod>, ClusterUnknown> {
    let list: List = serde_json::from_str(list)
        .map_err(|_| ClusterUnknown::Failed("kubectl did not answer with a whole list of pods".to_owned()))?;
    Ok(list.items.unwrap_or_default().into_iter().filter_map(FargatePod::read).collect())
}

impl FargatePod {
    fn read(pod: ListedPod) -> Option<FargatePod> {
        let ListedPod { metadata, spec, status } = pod;
        let (labels, annotations) = (metadata.labels.unwrap_or_default(), metadata.annotations.unwrap_or_default());
        let is_over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        if is_over || labels.fargate_profile.is_none() {
            return None;
        }
        let agent = spec.agent().map(|container| RunningAgent {
            secrets: container.secrets(),
            reads_logs: container.variables().any(|variable| variable.name == KUBELET_LOGS && variable.value.0),
            has_token: container.has_token(),
            hindrance: status.hindrance(&container.name),
        });
        Some(FargatePod {
            namespace: metadata.namespace.unwrap_or_else(|| "default".to_owned()),
            name: metadata.name?,
            service_account: spec
                .service_account_name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()),
            logging: annotations.logging,
            created: metadata.creation_timestamp.and_then(|time| time.parse().ok()),
            wants_agent: labels.sidecar.as_deref() == Some(SIDECAR_LABEL.1),
            injection: annotations
                .injection_status
                .map(|status| InjectionNote { status, error: annotations.injection_error.unwrap_or_default() }),
            agent,
        })
    }

    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

#[derive(Deserialize)]
struct List {
    items: Option<Vec<ListedPod>>,
}

#[derive(Deserialize)]
struct ListedPod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    creation_timestamp: Option<String>,
    labels: Option<Labels>,
    annotations: Option<Annotations>,
}

/// The names are [`FARGATE_LABEL`] and [`SIDECAR_LABEL`].
#[derive(Default, Deserialize)]
struct Labels {
    #[serde(rename = "eks.amazonaws.com/fargate-profile")]
    fargate_profile: Option<String>,
    #[serde(rename = "agent.datadoghq.com/sidecar")]
    sidecar: Option<String>,
}

/// Source of what the webhook writes on a pod that it leaves alone: DataDog/datadog-agent, pull request 56691, and
/// `pkg/clusteragent/admission/mutate/agent_sidecar/constants.go`.
#[derive(Default, Deserialize)]
struct Annotations {
    #[serde(rename = "Logging")]
    logging: Option<String>,
    #[serde(rename = "internal.agent.datadoghq.com/sidecar-injection-status")]
    injection_status: Option<String>,
    #[serde(rename = "internal.agent.datadoghq.com/sidecar-injection-error")]
    injection_error: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    service_account_name: Option<String>,
    containers: Option<Vec<ListedContainer>>,
    init_containers: Option<Vec<ListedContainer>>,
}

impl PodSpec {
    /// A container that starts before the others and stays is a sidecar, too.
    fn agent(&self) -> Option<&ListedContainer> {
        let stays = |one: &&ListedContainer| one.restart_policy.as_deref() == Some("Always");
        let before = self.init_containers.iter().flatten().filter(stays);
        self.containers.iter().flatten().chain(before).find(|one| {
            is_sidecar(&one.name, one.image.as_deref().unwrap_or_default(), |name| {
                one.variables().any(|variable| variable.name == name)
            })
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedContainer {
    #[serde(default)]
    name: String,
    image: Option<String>,
    restart_policy: Option<String>,
    env: Option<Vec<Variable>>,
    volume_mounts: Option<Vec<VolumeMount>>,
}

impl ListedContainer {
    fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.env.iter().flatten()
    }

    fn has_token(&self) -> bool {
        self.volume_mounts.iter().flatten().any(|mount| mount.mount_path.as_deref() == Some(TOKEN_PATH))
    }

    /// What has to exist, or the kubelet does not start the container.
    fn secrets(&self) -> BTreeSet<(String, String)> {
        let references = self.variables().filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref());
        let needed = references.filter(|reference| reference.optional != Some(true));
        needed.filter_map(|reference| Some((reference.name.clone()?, reference.key.clone()?))).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    mount_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: IsTrue,
    value_from: Option<ValueFrom>,
}

/// Whether a variable is true: no value is kept, since it may be a key.
#[derive(Default)]
struct IsTrue(bool);

impl<'de> Deserialize<'de> for IsTrue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IsTrue, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        // As the Agent reads it. Source: Go, `strconv.ParseBool`.
        Ok(IsTrue(text.is_some_and(|text| ["1", "t", "T", "TRUE", "true", "True"].contains(&text.as_str()))))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom {
    secret_key_ref: Option<SecretKey>,
}

#[derive(Deserialize)]
struct SecretKey {
    name: Option<String>,
    key: Option<String>,
    optional: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStatus {
    phase: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
}

impl PodStatus {
    fn hindrance(&self, container: &str) -> Option<String> {
        /// A container waits for these in any pod that starts. Source: Kubernetes, `pkg/kubelet/kubelet_pods.go`.
        const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];
        let mut all = self.container_statuses.iter().chain(&self.init_container_statuses).flatten();
        let reason =
            all.find(|status| status.name == container)?.state.as_ref()?.waiting.as_ref()?.reason.as_deref()?;
        // A word of the kubelet's own.
        let is_word = reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_word && !STARTING.contains(&reason)).then(|| reason.to_owned())
    }
}

#[derive(Deserialize)]
struct ContainerStatus {
    #[serde(default)]
    name: String,
    state: Option<ContainerState>,
}

#[derive(Deserialize)]
struct ContainerState {
    waiting: Option<Waiting>,
}

#[derive(Deserialize)]
struct Waiting {
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(pod: &Value) -> Option<FargatePod> {
        read(&json!({ "items": [pod] }).to_string()).unwrap().pop()
    }

    fn pod(containers: &Value, more: &Value) -> Value {
        let mut pod = json!({
            "metadata": { "name": "a", "namespace": "shop", "labels": { FARGATE_LABEL: "fp", "agent.datadoghq.com/sidecar": "fargate" } },
            "spec": { "containers": containers },
        });
        for (name, value) in more.as_object().unwrap() {
            pod["spec"][name] = value.clone();
        }
        pod
    }

    fn secret(name: &str, key: &str, optional: &Value) -> Value {
        json!({ "name": "X", "valueFrom": { "secretKeyRef": { "name": name, "key": key, "optional": optional } } })
    }

    #[test]
    fn what_is_kept_of_an_agent() {
        let logs = |value: &str| json!({ "name": KUBELET_LOGS, "value": value });
        for (container, expected) in [
            (json!({ "name": "datadog-agent-injected" }), Some((vec![], false))),
            (
                json!({ "name": "x", "image": "gcr.io/datadoghq/agent:7", "env": [secret("datadog-secret", "api-key", &Value::Null), logs("true")] }),
                Some((vec![("datadog-secret", "api-key")], true)),
            ),
            (
                json!({ "name": "x", "env": [{ "name": "DD_EKS_FARGATE", "value": "true" }, secret("a", "b", &json!(true)), logs("false")] }),
                Some((vec![], false)),
            ),
            (
                json!({ "name": "x", "image": "gcr.io/datadoghq/cluster-agent:7", "env": [{ "name": "DD_EKS_FARGATE" }] }),
                None,
            ),
            (
                json!({ "name": "x", "image": "gcr.io/datadoghq/agent:7", "env": [{ "name": "DD_CLC_RUNNER_ENABLED" }] }),
                None,
            ),
            (json!({ "name": "x", "image": "nginx", "env": null }), None),
        ] {
            let agent = of(&pod(&json!([{ "name": "app" }, container.clone()]), &json!({}))).unwrap().agent;
            let of_names = |(secrets, logs): (Vec<(&str, &str)>, bool)| {
                (secrets.into_iter().map(|(name, key)| (name.to_owned(), key.to_owned())).collect(), logs)
            };
            assert_eq!(agent.map(|agent| (agent.secrets, agent.reads_logs)), expected.map(of_names), "{container}");
        }
        // As a sidecar that starts before the others; an ordinary init container is none.
        for (policy, is) in [(json!("Always"), true), (Value::Null, false)] {
            let init = json!({ "initContainers": [{ "name": "datadog-agent", "restartPolicy": policy }] });
            assert_eq!(of(&pod(&json!([{ "name": "app" }]), &init)).unwrap().agent.is_some(), is);
        }
    }

    #[test]
    fn why_an_agent_does_not_run() {
        for (state, expected) in [
            (
                json!({ "waiting": { "reason": "CreateContainerConfigError", "message": "geheim" } }),
                Some("CreateContainerConfigError"),
            ),
            (json!({ "waiting": { "reason": "ContainerCreating" } }), None),
            (json!({ "waiting": { "reason": "a b" } }), None),
            (json!({ "running": {} }), None),
        ] {
            let mut pod = pod(&json!([{ "name": "datadog-agent" }]), &json!({}));
            pod["status"] =
                json!({ "containerStatuses": [{ "name": "app" }, { "name": "datadog-agent", "state": state }] });
            assert_eq!(of(&pod).unwrap().agent.unwrap().hindrance.as_deref(), expected, "{state}");
        }
    }

    #[test]
    fn tokens_are_mounts() {
        for (path, has) in [(TOKEN_PATH, true), ("/var/run/datadog", false)] {
            let agent = json!([{ "name": "datadog-agent", "volumeMounts": [{ "name": "x", "mountPath": path }] }]);
            assert_eq!(of(&pod(&agent, &json!({}))).unwrap().agent.unwrap().has_token, has, "{path}");
        }
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = json!({ "items": [pod(&json!([]), &json!({ "serviceAccountName": "" }))] }).to_string();
        assert_eq!(read(&whole).unwrap()[0].service_account, DEFAULT_ACCOUNT);
        for text in [&whole[..whole.len() - 1], "", "null", "[]", r#"{"items": 1}"#] {
            assert!(matches!(read(text), Err(ClusterUnknown::Failed(_))), "{text}");
        }
        assert_eq!(read(r#"{"items": null}"#), Ok(vec![]));
    }
}
