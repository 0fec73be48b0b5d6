//! The Agent's sidecar as the Admission Controller injects it on Fargate: the container, the volumes, and what the application's
//! containers get.
//!
//! Source: DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`, the template and the provider `fargate`.

use super::node::{Map, Node};

/// The container's name. The Admission Controller goes by it, too: it does not inject a second one.
pub const NAME: &str = "datadog-agent-injected";

/// The label by which the Admission Controller chooses pods, unless it has selectors of its own.
pub const LABEL: (&str, &str) = ("agent.datadoghq.com/sidecar", "fargate");

/// The volume with the sockets, and where it is.
pub const SOCKETS: (&str, &str) = ("ddsockets", "/var/run/datadog");

/// What the application's containers have to know, to find the sockets.
pub const APP_ENV: [(&str, &str); 2] = [
    ("DD_TRACE_AGENT_URL", "unix:///var/run/datadog/apm.socket"),
    ("DD_DOGSTATSD_URL", "unix:///var/run/datadog/dsd.socket"),
];

/// The user that the Agent's image has. With another one its init system does not start.
pub const USER: i64 = 100;

/// The Agent's image, and its tag: the newest of version 7.
pub const IMAGE: &str = "gcr.io/datadoghq/agent";
pub const TAG: &str = "7";

/// The port of the Cluster Agent. Source: `cluster_agent.cmd_port`.
pub const CLUSTER_AGENT_PORT: u16 = 5005;

/// Volume and place of what the Agent remembers of the logs that it has read.
const RUN: (&str, &str) = ("agent-option", "/opt/datadog-agent/run");

/// The Secret of the Admission Controller; it takes no other name.
const SECRET: &str = "datadog-secret";

/// What differs from cluster to cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub image: String,
    pub site: String,
    pub cluster: String,
    /// `None` without a Cluster Agent.
    pub cluster_agent_url: Option<String>,
    /// Let the Agent read the pod's logs from the kubelet.
    pub native_logs: bool,
    /// Let the Agent collect processes.
    pub processes: bool,
    pub cpu: String,
    pub memory: String,
    /// Run the Agent as [`USER`], whatever the pod says.
    pub own_user: bool,
    /// Further variables of the Agent; they win over those that it has.
    pub env: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            image: image(IMAGE, TAG),
            site: crate::settings::SITES[0].to_owned(),
            cluster: String::new(),
            cluster_agent_url: Some(cluster_agent_url("datadog", "datadog-cluster-agent")),
            native_logs: false,
            processes: false,
            cpu: "200m".to_owned(),
            memory: "256Mi".to_owned(),
            own_user: false,
            env: Vec::new(),
        }
    }
}

/// An image's whole name. One that has a tag or a digest needs no other.
pub fn image(name: &str, tag: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:{tag}") }
}

/// Where a Cluster Agent answers.
pub fn cluster_agent_url(namespace: &str, service: &str) -> String {
    format!("https://{service}.{namespace}.svc.cluster.local:{CLUSTER_AGENT_PORT}")
}

/// The container. One of a Job ends when the Job's own containers have ended.
pub fn container(options: &Options, of_job: bool) -> Map {
    let resources = || Map::new().with("cpu", options.cpu.as_str()).with("memory", options.memory.as_str());
    let mounts = std::iter::once(SOCKETS).chain(options.native_logs.then_some(RUN));
    let mounts = mounts.map(|(name, path)| mount(name, path));
    let user = options.own_user.then(|| Map::new().with("runAsUser", USER));
    Map::new()
        .with("name", NAME)
        .with("image", options.image.as_str())
        .with("imagePullPolicy", "IfNotPresent")
        .with("env", Node::list(env(options, of_job)))
        .with("resources", Map::new().with("requests", resources()).with("limits", resources()))
        .with_some("securityContext", user)
        .with("volumeMounts", Node::list(mounts))
}

/// The volumes of the pod.
pub fn volumes(options: &Options) -> Vec<(&'static str, Map)> {
    let names = std::iter::once(SOCKETS.0).chain(options.native_logs.then_some(RUN.0));
    names.map(|name| (name, Map::new().with("name", name).with("emptyDir", Map::new()))).collect()
}

/// How the application's containers mount the sockets.
pub fn sockets_mount() -> Map {
    mount(SOCKETS.0, SOCKETS.1)
}

/// A variable with a value.
pub fn variable(name: &str, value: &str) -> Map {
    Map::new().with("name", name).with("value", value)
}

fn mount(name: &str, path: &str) -> Map {
    Map::new().with("name", name).with("mountPath", path)
}

fn env(options: &Options, of_job: bool) -> Vec<Map> {
    let of_secret = |name: &str, key: &str| {
        let reference = Map::new().with("name", SECRET).with("key", key);
        Map::new().with("name", name).with("valueFrom", Map::new().with("secretKeyRef", reference))
    };
    let node = Map::new().with("apiVersion", "v1").with("fieldPath", "spec.nodeName");
    let mut all = vec![
        of_secret("DD_API_KEY", "api-key"),
        variable("DD_SITE", &options.site),
        variable("DD_CLUSTER_NAME", &options.cluster),
        Map::new().with("name", "DD_KUBERNETES_KUBELET_NODENAME").with("valueFrom", Map::new().with("fieldRef", node)),
        variable("DD_LANGUAGE_DETECTION_ENABLED", "false"),
    ];
    if let Some(url) = &options.cluster_agent_url {
        all.push(variable("DD_CLUSTER_AGENT_ENABLED", "true"));
        all.push(of_secret("DD_CLUSTER_AGENT_AUTH_TOKEN", "token"));
        all.push(variable("DD_CLUSTER_AGENT_URL", url));
        all.push(variable("DD_ORCHESTRATOR_EXPLORER_ENABLED", "true"));
    }
    all.push(variable("DD_EKS_FARGATE", "true"));
    all.push(variable("DD_APM_RECEIVER_SOCKET", "/var/run/datadog/apm.socket"));
    all.push(variable("DD_DOGSTATSD_SOCKET", "/var/run/datadog/dsd.socket"));
    if of_job {
        all.push(variable("DD_AUTO_EXIT_NOPROCESS_ENABLED", "true"));
    }
    if options.native_logs {
        all.push(variable("DD_LOGS_ENABLED", "true"));
        all.push(variable("DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API", "true"));
        all.push(variable("DD_LOGS_CONFIG_RUN_PATH", RUN.1));
    }
    if options.processes {
        all.push(variable("DD_PROCESS_CONFIG_PROCESS_COLLECTION_ENABLED", "true"));
    }
    for (name, value) in &options.env {
        all.retain(|one| one.get("name") != Some(&Node::from(name.as_str())));
        all.push(variable(name, value));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &Options, of_job: bool) -> Vec<String> {
        let all = serde_json::to_value(container(options, of_job)).unwrap();
        all["env"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn variables_in_the_order_of_the_admission_controller() {
        let usual = [
            "DD_API_KEY",
            "DD_SITE",
            "DD_CLUSTER_NAME",
            "DD_KUBERNETES_KUBELET_NODENAME",
            "DD_LANGUAGE_DETECTION_ENABLED",
            "DD_CLUSTER_AGENT_ENABLED",
            "DD_CLUSTER_AGENT_AUTH_TOKEN",
            "DD_CLUSTER_AGENT_URL",
            "DD_ORCHESTRATOR_EXPLORER_ENABLED",
            "DD_EKS_FARGATE",
            "DD_APM_RECEIVER_SOCKET",
            "DD_DOGSTATSD_SOCKET",
        ];
        let options = Options::default();
        assert_eq!(names(&options, false), usual);
        assert_eq!(names(&options, true)[usual.len()..], ["DD_AUTO_EXIT_NOPROCESS_ENABLED"]);
        let alone = Options { cluster_agent_url: None, ..options.clone() };
        assert!(!names(&alone, false).iter().any(|name| name.contains("CLUSTER_AGENT")));
        let env = vec![("DD_SITE".to_owned(), "datadoghq.eu".to_owned())];
        let last = names(&Options { env, ..options }, false).pop();
        assert_eq!(last.as_deref(), Some("DD_SITE"));
    }

    #[test]
    fn logs_need_a_volume_of_their_own() {
        let options = Options { native_logs: true, own_user: true, ..Options::default() };
        let all = serde_json::to_value(container(&options, false)).unwrap();
        assert_eq!(all["volumeMounts"][1]["mountPath"], "/opt/datadog-agent/run");
        assert_eq!(all["securityContext"]["runAsUser"], 100);
        assert_eq!(volumes(&options).len(), 2);
    }
}
