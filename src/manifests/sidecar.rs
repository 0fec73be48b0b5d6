//! The Datadog Agent as a sidecar: its container, and what the pod around it needs.
//!
//! [`Sidecar`] is what there is to choose; [`Sidecar::container`], [`Sidecar::volumes`] and their sisters are the parts, for a
//! pod that is written anew or one that is there already. `sidecar_patch` makes a patch for a workload of them.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", manual setup, and DataDog/datadog-agent,
//! `pkg/clusteragent/admission/mutate/agent_sidecar` (what the Admission Controller injects).

use super::agent::{API_KEY, CLUSTER_AGENT, NAMESPACE, Resources, TOKEN, env, env_of_secret, item};
use super::cluster::{Cluster, is_label, is_name};
use super::node::{Item, Map, Node};

/// The Agent's image. Source: Datadog, "Amazon EKS on AWS Fargate".
pub const IMAGE: &str = "gcr.io/datadoghq/agent";
/// The major version that everything here is written for.
pub const TAG: &str = "7";
/// The container's name where it is written by hand.
pub const NAME: &str = "datadog-agent";
/// The container's name where the Admission Controller injects it.
pub const INJECTED_NAME: &str = "datadog-agent-injected";

/// Where the sockets are, if there are some, in the Agent's container and in all others.
const SOCKETS: &str = "/var/run/datadog";
const SOCKETS_VOLUME: &str = "ddsockets";
const APM_SOCKET: &str = "/var/run/datadog/apm.socket";
const DOGSTATSD_SOCKET: &str = "/var/run/datadog/dsd.socket";
/// Where the Agent remembers how far it has read each log.
const RUN_PATH: &str = "/opt/datadog-agent/run";
const RUN_VOLUME: &str = "agent-option";

/// What there is to choose about a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// The container's name: [`NAME`] or [`INJECTED_NAME`].
    pub name: String,
    /// The whole name of the image, with its tag or digest; see [`image`].
    pub image: String,
    pub site: String,
    pub cluster_name: String,
    /// How to reach the Cluster Agent; see [`cluster_agent_url`]. `None`: the sidecar stands alone.
    pub cluster_agent_url: Option<String>,
    /// Tags of all that the sidecar sends, `name:value` each.
    pub tags: Vec<String>,
    /// Name the port of DogStatsD. It is open in any case.
    pub dogstatsd: bool,
    /// Take traces. Without it the Agent's own default holds.
    pub apm: bool,
    /// DogStatsD and traces through sockets in a shared volume, as the Admission Controller sets them up. The other containers
    /// then need [`Sidecar::application_env`] and [`Sidecar::application_mounts`].
    pub sockets: bool,
    /// Collect the processes of all containers.
    pub processes: bool,
    /// Let the Agent collect the pod's logs through the kubelet. Needs Agent 7.71.
    pub native_logs: NativeLogs,
    /// The Agent ends when all other containers have: for Jobs, which would never be complete otherwise.
    pub ends_with_pod: bool,
    pub resources: Resources,
}

/// Which logs the Agent collects itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NativeLogs {
    /// None: they take the way through CloudWatch.
    #[default]
    None,
    /// Those of containers with an annotation `ad.datadoghq.com/<container>.logs`.
    Annotated,
    /// All of the pod.
    All,
}

impl Sidecar {
    /// A sidecar that collects metrics, and nothing that has to be asked for.
    pub fn new(cluster: &Cluster) -> Sidecar {
        Sidecar {
            name: NAME.to_owned(),
            image: image(IMAGE, TAG),
            site: cluster.site().to_owned(),
            cluster_name: cluster.name().to_owned(),
            cluster_agent_url: None,
            tags: Vec::new(),
            dogstatsd: false,
            apm: false,
            sockets: false,
            processes: false,
            native_logs: NativeLogs::None,
            ends_with_pod: false,
            resources: Resources::default(),
        }
    }

    /// The container.
    pub fn container(&self) -> Map {
        let mut container = Map::new()
            .with("name", self.name.as_str())
            .with("image", self.image.as_str())
            .with("imagePullPolicy", "IfNotPresent")
            .with("env", self.env());
        let ports = self.ports();
        if !ports.is_empty() {
            container = container.with_comment("For readers only: the Agent listens there anyway.", "ports", ports);
        }
        container = container.with_comment(
            "Fargate gives a pod the sum of its requests, rounded up: this is part of the pod's price.",
            "resources",
            self.resources.map(),
        );
        let mounts = self.mounts();
        if mounts.is_empty() { container } else { container.with("volumeMounts", Node::list(mounts)) }
    }

    /// The Agent's own variables, each with a reason where it needs one.
    pub fn env(&self) -> Vec<Item> {
        let kubelet = Map::new().with("apiVersion", "v1").with("fieldPath", "spec.nodeName");
        let node_name = Map::new()
            .with("name", "DD_KUBERNETES_KUBELET_NODENAME")
            .with("valueFrom", Map::new().with("fieldRef", kubelet));
        let mut env_list = vec![
            item(env_of_secret("DD_API_KEY", API_KEY)),
            item(env("DD_SITE", &self.site)),
            item(env("DD_CLUSTER_NAME", &self.cluster_name)),
            Item::with_comment(
                "Without these two the Agent looks for a host that Fargate has not, and eks_fargate does not run.",
                env("DD_EKS_FARGATE", "true"),
            ),
            item(node_name),
        ];
        let mut add = |name: &str, value: &str| env_list.push(item(env(name, value)));
        if !self.tags.is_empty() {
            add("DD_TAGS", &self.tags.join(" "));
        }
        if self.apm {
            add("DD_APM_ENABLED", "true");
        }
        if self.sockets {
            add("DD_APM_RECEIVER_SOCKET", APM_SOCKET);
            add("DD_DOGSTATSD_SOCKET", DOGSTATSD_SOCKET);
        }
        if self.processes {
            add("DD_PROCESS_CONFIG_PROCESS_COLLECTION_ENABLED", "true");
        }
        if self.native_logs != NativeLogs::None {
            add("DD_LOGS_ENABLED", "true");
            add("DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API", "true");
            add("DD_LOGS_CONFIG_RUN_PATH", RUN_PATH);
        }
        if self.native_logs == NativeLogs::All {
            add("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", "true");
        }
        if self.ends_with_pod {
            env_list.push(Item::with_comment(
                "The Agent ends when the Job's own containers have; otherwise the Job would never be complete.",
                env("DD_AUTO_EXIT_NOPROCESS_ENABLED", "true"),
            ));
        }
        env_list.extend(self.cluster_agent_env());
        env_list
    }

    fn cluster_agent_env(&self) -> Vec<Item> {
        let Some(url) = &self.cluster_agent_url else { return Vec::new() };
        vec![
            item(env("DD_CLUSTER_AGENT_ENABLED", "true")),
            item(env_of_secret("DD_CLUSTER_AGENT_AUTH_TOKEN", TOKEN)),
            item(env("DD_CLUSTER_AGENT_URL", url)),
            item(env("DD_ORCHESTRATOR_EXPLORER_ENABLED", "true")),
        ]
    }

    fn ports(&self) -> Vec<Item> {
        let port = |number: i64, name: &str, protocol: &str| {
            item(Map::new().with("containerPort", number).with("name", name).with("protocol", protocol))
        };
        let mut ports = Vec::new();
        if self.dogstatsd && !self.sockets {
            ports.push(port(8125, "dogstatsdport", "UDP"));
        }
        if self.apm && !self.sockets {
            ports.push(port(8126, "traceport", "TCP"));
        }
        ports
    }

    /// Where the Agent's container has the pod's volumes.
    pub fn mounts(&self) -> Vec<Map> {
        let logs = (self.native_logs != NativeLogs::None).then(|| mount(RUN_VOLUME, RUN_PATH));
        self.application_mounts().into_iter().chain(logs).collect()
    }

    /// The volumes that the pod needs; none of them is a hostPath, which Fargate refuses.
    pub fn volumes(&self) -> Vec<Map> {
        let volume = |name: &str| Map::new().with("name", name).with("emptyDir", Map::new());
        let sockets = self.sockets.then(|| volume(SOCKETS_VOLUME));
        let logs = (self.native_logs != NativeLogs::None).then(|| volume(RUN_VOLUME));
        sockets.into_iter().chain(logs).collect()
    }

    /// Whether the pod's containers have to see each other's processes: to collect them, to know that all others have ended, and
    /// to know which container a metric or trace is from.
    pub fn shares_processes(&self) -> bool {
        self.processes || self.ends_with_pod || self.apm || self.dogstatsd || self.sockets
    }

    /// Variables that the application's containers need.
    pub fn application_env(&self) -> Vec<Map> {
        if !self.sockets {
            return Vec::new();
        }
        vec![
            env("DD_TRACE_AGENT_URL", &format!("unix://{APM_SOCKET}")),
            env("DD_DOGSTATSD_URL", &format!("unix://{DOGSTATSD_SOCKET}")),
        ]
    }

    /// Mounts that the application's containers need.
    pub fn application_mounts(&self) -> Vec<Map> {
        if self.sockets { vec![mount(SOCKETS_VOLUME, SOCKETS)] } else { Vec::new() }
    }
}

fn mount(volume: &str, path: &str) -> Map {
    Map::new().with("name", volume).with("mountPath", path)
}

/// An image's whole name. One with a digest needs no tag.
pub fn image(name: &str, tag: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}:{tag}") }
}

/// How to reach a Cluster Agent's service from another namespace. Source: DataDog/datadog-agent, `agent_sidecar.go`.
pub fn cluster_agent_url(service: &str, namespace: &str) -> String {
    format!("https://{service}.{namespace}.svc.cluster.local:5005")
}

/// `SERVICE.NAMESPACE`, or a URL, as a URL.
///
/// # Errors
/// What it has to look like.
pub fn parse_cluster_agent(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").and_then(|rest| rest.split_once(':'));
    match (host, text.split_once('.')) {
        (Some((host, port)), _) if is_name(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        (None, Some((service, namespace))) if is_label(service) && is_label(namespace) => {
            Ok(cluster_agent_url(service, namespace))
        }
        _ => {
            Err("must be SERVICE.NAMESPACE, or a URL such as https://SERVICE.NAMESPACE.svc.cluster.local:5005"
                .to_owned())
        }
    }
}

/// The URL of [`CLUSTER_AGENT`] in [`NAMESPACE`].
pub fn default_cluster_agent_url() -> String {
    cluster_agent_url(CLUSTER_AGENT, NAMESPACE)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::manifests::cluster::ClusterOptions;

    fn cluster() -> Cluster {
        let options = ClusterOptions { cluster: Some("prod".into()), ..ClusterOptions::default() };
        options.check().unwrap()
    }

    fn value(map: &Map) -> Value {
        serde_json::to_value(map).unwrap()
    }

    fn names(container: &Value) -> Vec<&str> {
        container["env"].as_array().unwrap().iter().map(|env| env["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn what_the_admission_controller_injects() {
        let injected = Sidecar {
            name: INJECTED_NAME.to_owned(),
            sockets: true,
            cluster_agent_url: Some(default_cluster_agent_url()),
            ..Sidecar::new(&cluster())
        };
        let container = value(&injected.container());
        assert_eq!(
            names(&container),
            [
                "DD_API_KEY",
                "DD_SITE",
                "DD_CLUSTER_NAME",
                "DD_EKS_FARGATE",
                "DD_KUBERNETES_KUBELET_NODENAME",
                "DD_APM_RECEIVER_SOCKET",
                "DD_DOGSTATSD_SOCKET",
                "DD_CLUSTER_AGENT_ENABLED",
                "DD_CLUSTER_AGENT_AUTH_TOKEN",
                "DD_CLUSTER_AGENT_URL",
                "DD_ORCHESTRATOR_EXPLORER_ENABLED",
            ]
        );
        assert_eq!(container["name"], "datadog-agent-injected");
        assert_eq!(container["resources"]["limits"], json!({"cpu": "200m", "memory": "256Mi"}));
        assert_eq!(container["env"][9]["value"], "https://datadog-cluster-agent.datadog.svc.cluster.local:5005");
        assert_eq!(container["volumeMounts"], json!([{"name": "ddsockets", "mountPath": "/var/run/datadog"}]));
        assert!(container.get("ports").is_none() && injected.shares_processes());
        assert_eq!(value(&injected.application_env()[1])["value"], "unix:///var/run/datadog/dsd.socket");
        assert_eq!(value(&injected.volumes()[0]), json!({"name": "ddsockets", "emptyDir": {}}));
    }

    #[test]
    fn every_value_is_a_string() {
        let all = Sidecar {
            dogstatsd: true,
            apm: true,
            processes: true,
            native_logs: NativeLogs::All,
            ends_with_pod: true,
            tags: vec!["a:1".into(), "b:2".into()],
            cluster_agent_url: Some(default_cluster_agent_url()),
            ..Sidecar::new(&cluster())
        };
        let container = value(&all.container());
        for env in container["env"].as_array().unwrap() {
            assert!(env["value"].is_string() != env["valueFrom"].is_object(), "{env}");
        }
        assert_eq!(container["env"][5], json!({"name": "DD_TAGS", "value": "a:1 b:2"}));
        assert_eq!(container["ports"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn how_to_reach_the_cluster_agent() {
        let url = "https://dca.ops.svc.cluster.local:5005";
        assert_eq!(parse_cluster_agent("dca.ops").as_deref(), Ok(url));
        assert_eq!(parse_cluster_agent(url).as_deref(), Ok(url));
        for wrong in ["dca", "dca.", ".ops", "http://dca.ops:5005", "https://dca.ops", "https://dca.ops:x", "a.b.c"] {
            assert!(parse_cluster_agent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_options_the_pod_is_left_alone() {
        let plain = Sidecar::new(&cluster());
        assert!(!plain.shares_processes() && plain.volumes().is_empty() && plain.application_env().is_empty());
        assert!(Sidecar { ends_with_pod: true, ..plain }.shares_processes());
    }
}
