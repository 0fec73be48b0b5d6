//! The Datadog Agent as a sidecar: its container, and what the pod around it needs.
//!
//! [`Sidecar`] is what there is to choose; [`Sidecar::container`], [`Sidecar::volumes`] and their sisters are the parts, for a
//! new pod or one that already exists. `sidecar_patch` makes a patch for a workload of them.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", manual setup, and DataDog/datadog-agent,
//! `pkg/clusteragent/admission/mutate/agent_sidecar` (what the Admission Controller injects).

use crate::agent::{
    API_KEY, COLLECT_ALL, IMAGE, PROCESSES, Resources, TAG, TOKEN, USER, check_env, check_tag,
    default_cluster_agent_url, env, env_of_secret, image, is_agent_image, item,
};
use crate::cluster::Cluster;
use crate::node::{ListItem, Map, Node};

/// Whose container it is to look like: its name, and the order of its variables, in which people compare the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SidecarForm {
    /// As Datadog's page has it for writing by hand.
    #[default]
    ByHand,
    /// As the Admission Controller injects it, which does not inject a second one.
    Injected,
}

impl SidecarForm {
    /// The container's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            SidecarForm::ByHand => "datadog-agent",
            SidecarForm::Injected => "datadog-agent-injected",
        }
    }
}

/// Where the sockets are, if there are some, in the Agent's container and in all others.
const SOCKETS: &str = "/var/run/datadog";
const SOCKETS_VOLUME: &str = "ddsockets";
const APM_SOCKET: &str = "/var/run/datadog/apm.socket";
const DOGSTATSD_SOCKET: &str = "/var/run/datadog/dsd.socket";
/// Where the Agent remembers how far it has read each log.
const RUN_PATH: &str = "/opt/datadog-agent/run";
const RUN_VOLUME: &str = "agent-option";

/// The variable that lets the Agent read logs through the kubelet. Source: Datadog, "Amazon EKS on AWS Fargate", "Log collection".
pub const KUBELET_LOGS: &str = "DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API";

/// Whether a container of a running pod is the Agent beside an application. `has` tells whether it has a variable. The Cluster Agent
/// and the runners of cluster checks may be told that they run on Fargate, too, and are no sidecars.
pub fn is_sidecar(name: &str, image: &str, has: impl Fn(&str) -> bool) -> bool {
    let is_other = image.contains("cluster-agent") || image.contains("operator") || has("DD_CLC_RUNNER_ENABLED");
    let is_named = [SidecarForm::ByHand, SidecarForm::Injected].iter().any(|form| form.name() == name);
    !is_other && (is_named || is_agent_image(image) || has("DD_EKS_FARGATE"))
}

/// What there is to choose about a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    pub form: SidecarForm,
    /// The whole name of the image, with its tag or digest; see [`image`].
    pub image: String,
    pub site: String,
    pub cluster_name: String,
    /// How to reach the Cluster Agent; see [`crate::agent::parse_cluster_agent`]. `None`: the sidecar works alone.
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
    /// Run the Agent as [`USER`], whatever the pod says.
    pub own_user: bool,
    /// Further variables of the Agent; they win over those that it has.
    pub env: Vec<(String, String)>,
}

/// Which logs the Agent collects itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NativeLogs {
    /// No containers: logs go through CloudWatch.
    #[default]
    None,
    /// Containers with an annotation `ad.datadoghq.com/<container>.logs`.
    Annotated,
    /// All containers of the pod.
    All,
}

impl Sidecar {
    /// A sidecar that collects metrics, and nothing that has to be asked for.
    pub fn new(cluster: &Cluster) -> Sidecar {
        Sidecar {
            form: SidecarForm::ByHand,
            image: image(IMAGE, TAG),
            site: cluster.site().to_owned(),
            cluster_name: cluster.datadog_name(),
            cluster_agent_url: None,
            tags: Vec::new(),
            dogstatsd: false,
            apm: false,
            sockets: false,
            processes: false,
            native_logs: NativeLogs::None,
            ends_with_pod: false,
            resources: Resources::default(),
            own_user: false,
            env: Vec::new(),
        }
    }

    /// The one that the Admission Controller injects.
    pub fn injected(cluster: &Cluster) -> Sidecar {
        Sidecar {
            form: SidecarForm::Injected,
            sockets: true,
            cluster_agent_url: Some(default_cluster_agent_url()),
            ..Sidecar::new(cluster)
        }
    }

    /// Whether there can be such a container.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn check(&self) -> Result<(), &'static str> {
        self.resources.check()?;
        check_env(&self.env)?;
        if self.tags.iter().any(|tag| tag.is_empty() || tag.contains([' ', ',', '\n', '\t'])) {
            return Err("--tags: must be name:value without spaces and commas; repeat the flag for each tag");
        }
        let image = self.image.as_str();
        if image.contains(char::is_whitespace) || image.starts_with(':') || image.ends_with(':') {
            return Err("--image: must be an image name; set its tag with --image-tag");
        }
        let tag = image.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'));
        tag.map_or(Ok(()), |tag| check_tag(tag, self.native_logs != NativeLogs::None))
    }

    /// The container.
    pub(crate) fn container(&self) -> Map {
        let mut container = Map::new()
            .with("name", self.form.name())
            .with("image", self.image.as_str())
            .with("imagePullPolicy", "IfNotPresent")
            .with("env", self.env());
        let ports = self.ports();
        if !ports.is_empty() {
            container = container.with_comment("For readers only: the Agent listens there anyway.", "ports", ports);
        }
        container = container.with_comment(
            "Fargate sizes a pod by the sum of its requests, rounded up: this is part of the pod's price.",
            "resources",
            self.resources.map(),
        );
        container = container.with_some("securityContext", self.own_user.then(|| Map::new().with("runAsUser", USER)));
        let mounts: Vec<Map> = self.mounts().into_iter().map(|(volume, path)| mount(volume, path)).collect();
        if mounts.is_empty() { container } else { container.with("volumeMounts", Node::list(mounts)) }
    }

    /// The Agent's own variables, each with a reason where it needs one.
    pub(crate) fn env(&self) -> Vec<ListItem> {
        let kubelet = Map::new().with("apiVersion", "v1").with("fieldPath", "spec.nodeName");
        let node_name = Map::new()
            .with("name", "DD_KUBERNETES_KUBELET_NODENAME")
            .with("valueFrom", Map::new().with("fieldRef", kubelet));
        let of_all = vec![
            item(env_of_secret("DD_API_KEY", API_KEY)),
            item(env("DD_SITE", &self.site)),
            item(env("DD_CLUSTER_NAME", &self.cluster_name)),
        ];
        let fargate = vec![ListItem::with_comment(
            "Without these two, the Agent looks for a host, which Fargate does not have, and eks_fargate does not run.",
            env("DD_EKS_FARGATE", "true"),
        )];
        let node_name = vec![item(node_name)];
        let tags = self.tags.join(" ");
        let tags = set(!tags.is_empty(), &[("DD_TAGS", &tags)]);
        let apm = set(self.apm, &[("DD_APM_ENABLED", "true")]);
        let sockets =
            set(self.sockets, &[("DD_APM_RECEIVER_SOCKET", APM_SOCKET), ("DD_DOGSTATSD_SOCKET", DOGSTATSD_SOCKET)]);
        let processes = set(self.processes, &[(PROCESSES, "true")]);
        let exit = self.ends_with_pod.then(|| {
            ListItem::with_comment(
                "The Agent ends when the Job's own containers have ended; otherwise the Job would never complete.",
                env("DD_AUTO_EXIT_NOPROCESS_ENABLED", "true"),
            )
        });
        let (exit, logs, cluster_agent) = (Vec::from_iter(exit), self.log_env(), self.cluster_agent_env());
        let all_logs = set(self.native_logs == NativeLogs::All, &[(COLLECT_ALL, "true")]);
        let further = self.env.iter().map(|(name, value)| item(env(name, value))).collect();
        match self.form {
            SidecarForm::ByHand => {
                let groups =
                    [of_all, fargate, node_name, tags, apm, sockets, processes, logs, all_logs, exit, cluster_agent];
                let is_replaced = |one: &ListItem| {
                    let name = name_of(one);
                    self.env.iter().any(|(own, _)| name == Some(&Node::from(own.as_str())))
                };
                groups.into_iter().flatten().filter(|one| !is_replaced(one)).chain(further).collect()
            }
            SidecarForm::Injected => {
                let language = set(true, &[("DD_LANGUAGE_DETECTION_ENABLED", "false")]);
                let template = [of_all, node_name, language].concat();
                let added = [cluster_agent, logs, fargate, sockets, exit, all_logs, processes, tags, apm, further];
                added.into_iter().flatten().fold(template, put_as_the_webhook)
            }
        }
    }

    fn log_env(&self) -> Vec<ListItem> {
        let own = [("DD_LOGS_ENABLED", "true"), (KUBELET_LOGS, "true"), ("DD_LOGS_CONFIG_RUN_PATH", RUN_PATH)];
        set(self.native_logs != NativeLogs::None, &own)
    }

    fn cluster_agent_env(&self) -> Vec<ListItem> {
        let Some(url) = &self.cluster_agent_url else { return Vec::new() };
        vec![
            item(env("DD_CLUSTER_AGENT_ENABLED", "true")),
            item(env_of_secret("DD_CLUSTER_AGENT_AUTH_TOKEN", TOKEN)),
            item(env("DD_CLUSTER_AGENT_URL", url)),
            item(env("DD_ORCHESTRATOR_EXPLORER_ENABLED", "true")),
        ]
    }

    fn ports(&self) -> Vec<ListItem> {
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

    /// Volumes that the Agent's container mounts, and where.
    fn mounts(&self) -> Vec<(&'static str, &'static str)> {
        let logs = (self.native_logs != NativeLogs::None).then_some((RUN_VOLUME, RUN_PATH));
        self.application_mounts().into_iter().chain(logs).collect()
    }

    /// The volumes that the pod needs, by name; none of them is a hostPath, which Fargate rejects.
    pub(crate) fn volumes(&self) -> Vec<(&'static str, Map)> {
        let volume = |name| (name, Map::new().with("name", name).with("emptyDir", Map::new()));
        self.mounts().into_iter().map(|(name, _)| volume(name)).collect()
    }

    /// Whether the pod's containers have to see each other's processes: to collect them, to know that all others have ended, and
    /// to know which container a metric or trace is from.
    pub(crate) fn shares_processes(&self) -> bool {
        self.processes || self.ends_with_pod || self.apm || self.dogstatsd || self.sockets
    }

    /// Variables that the application's containers need.
    pub(crate) fn application_env(&self) -> Vec<(&'static str, String)> {
        if !self.sockets {
            return Vec::new();
        }
        vec![
            ("DD_TRACE_AGENT_URL", format!("unix://{APM_SOCKET}")),
            ("DD_DOGSTATSD_URL", format!("unix://{DOGSTATSD_SOCKET}")),
        ]
    }

    /// Volumes that the application's containers mount, and where.
    pub(crate) fn application_mounts(&self) -> Vec<(&'static str, &'static str)> {
        if self.sockets { vec![(SOCKETS_VOLUME, SOCKETS)] } else { Vec::new() }
    }
}

/// Variables, if there is a reason for them.
fn set(is_wanted: bool, pairs: &[(&str, &str)]) -> Vec<ListItem> {
    pairs.iter().filter(|_| is_wanted).map(|(name, value)| item(env(name, value))).collect()
}

/// Puts a variable where the Admission Controller puts it: in the place of the one with its name, else before all others, so that
/// these may use it as `$(NAME)`.
///
/// Source: DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar/overrides.go`; the order of what is put there:
/// `agent_sidecar.go`, then `providers.go`, then the profile.
fn put_as_the_webhook(mut env: Vec<ListItem>, one: ListItem) -> Vec<ListItem> {
    match env.iter_mut().find(|other| name_of(other) == name_of(&one)) {
        Some(other) => *other = one,
        None => env.insert(0, one),
    }
    env
}

/// The name of a variable.
fn name_of(variable: &ListItem) -> Option<&Node> {
    match &variable.value {
        Node::Map(map) => map.get("name"),
        _ => None,
    }
}

/// How a container mounts a volume.
pub(crate) fn mount(volume: &str, path: &str) -> Map {
    Map::new().with("name", volume).with("mountPath", path)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::ClusterOptions;

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
        let injected = Sidecar::injected(&cluster());
        let container = value(&injected.container());
        assert_eq!(
            names(&container),
            [
                "DD_DOGSTATSD_SOCKET",
                "DD_APM_RECEIVER_SOCKET",
                "DD_EKS_FARGATE",
                "DD_ORCHESTRATOR_EXPLORER_ENABLED",
                "DD_CLUSTER_AGENT_URL",
                "DD_CLUSTER_AGENT_AUTH_TOKEN",
                "DD_CLUSTER_AGENT_ENABLED",
                "DD_API_KEY",
                "DD_SITE",
                "DD_CLUSTER_NAME",
                "DD_KUBERNETES_KUBELET_NODENAME",
                "DD_LANGUAGE_DETECTION_ENABLED",
            ]
        );
        assert_eq!(container["name"], "datadog-agent-injected");
        assert_eq!(container["resources"]["limits"], json!({"cpu": "200m", "memory": "256Mi"}));
        assert_eq!(container["env"][4]["value"], "https://datadog-cluster-agent.datadog.svc.cluster.local:5005");
        assert_eq!(container["volumeMounts"], json!([{"name": "ddsockets", "mountPath": "/var/run/datadog"}]));
        assert!(container.get("ports").is_none() && injected.shares_processes());
        assert_eq!(injected.application_env()[1].1, "unix:///var/run/datadog/dsd.socket");
        assert_eq!(value(&injected.volumes()[0].1), json!({"name": "ddsockets", "emptyDir": {}}));
    }

    #[test]
    fn what_an_injected_one_gets_when_it_is_asked_for() {
        let plain = Sidecar::injected(&cluster());
        let order = |sidecar: Sidecar| {
            let container = value(&sidecar.container());
            names(&container).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        let of_job = order(Sidecar { ends_with_pod: true, native_logs: NativeLogs::Annotated, ..plain.clone() });
        assert_eq!(of_job[..2], ["DD_AUTO_EXIT_NOPROCESS_ENABLED", "DD_DOGSTATSD_SOCKET"]);
        assert_eq!(
            of_job[4..8],
            [
                "DD_LOGS_CONFIG_RUN_PATH",
                "DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API",
                "DD_LOGS_ENABLED",
                "DD_ORCHESTRATOR_EXPLORER_ENABLED",
            ]
        );
        let alone = value(&Sidecar { cluster_agent_url: None, ..plain.clone() }.container());
        assert!(!names(&alone).iter().any(|name| name.contains("CLUSTER_AGENT")));
        let env = ["DD_SITE", "DD_ENV", "DD_TEAM"].map(|name| (name.to_owned(), "datadoghq.eu".to_owned())).to_vec();
        let replaced = value(&Sidecar { env, ..plain.clone() }.container());
        // What it has keeps its place; what is new goes before all others, one after the other.
        assert_eq!(names(&replaced)[..3], ["DD_TEAM", "DD_ENV", "DD_DOGSTATSD_SOCKET"]);
        assert_eq!(names(&replaced).iter().position(|name| *name == "DD_SITE"), Some(10));
        assert_eq!(replaced["env"][10]["value"], "datadoghq.eu");
        let logs = Sidecar { native_logs: NativeLogs::All, own_user: true, ..plain };
        let container = value(&logs.container());
        assert_eq!(container["volumeMounts"][1]["mountPath"], "/opt/datadog-agent/run");
        assert_eq!(container["securityContext"]["runAsUser"], 100);
        assert_eq!(logs.volumes().len(), 2);
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
    fn without_options_the_pod_is_left_alone() {
        let plain = Sidecar::new(&cluster());
        assert!(!plain.shares_processes() && plain.volumes().is_empty() && plain.application_env().is_empty());
        assert!(Sidecar { ends_with_pod: true, ..plain }.shares_processes());
    }
}
