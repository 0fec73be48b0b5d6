//! What Datadog's Agent and Cluster Agent are called in Kubernetes, and the small pieces of manifests that several kinds share.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate"; DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`.

use crate::cluster::{is_label, is_name};
use crate::names::{is_label_name, is_label_value};
use crate::node::{ListItem, Map};
use crate::scalar::{self, Scalar};

/// The Secret with the API key and the token. The Admission Controller looks for no other name.
pub const SECRET: &str = "datadog-secret";
/// The Secret's key that holds the API key.
pub const API_KEY: &str = "api-key";
/// The Secret's key that holds the token that sidecars show the Cluster Agent.
pub const TOKEN: &str = "token";
/// The namespace that the Cluster Agent runs in.
pub const NAMESPACE: &str = "datadog";
/// The Cluster Agent's service, where the Helm release or the DatadogAgent is called `datadog`.
pub(crate) const CLUSTER_AGENT: &str = "datadog-cluster-agent";
/// The label of pods that get a sidecar, and its value.
pub const SIDECAR_LABEL: (&str, &str) = ("agent.datadoghq.com/sidecar", "fargate");
/// The user that the Agent's image is made for, beside root; with another one it does not start.
pub(crate) const USER: i64 = 100;

/// The Agent's image. Source: Datadog, "Amazon EKS on AWS Fargate".
pub const IMAGE: &str = "gcr.io/datadoghq/agent";
/// The major version that everything here is written for.
pub const TAG: &str = "7";
/// The first version that knows Fargate. Source: Datadog, "Amazon EKS on AWS Fargate".
pub(crate) const FARGATE_SINCE: (u32, u32) = (7, 18);
/// The first version that collects logs through the kubelet. Source: the same.
pub(crate) const NATIVE_LOGS_SINCE: (u32, u32) = (7, 71);
/// The first version of Agent and Cluster Agent with which sidecars verify the Cluster Agent. Source: DataDog/datadog-operator#2700.
pub(crate) const CLUSTER_AGENT_TLS_SINCE: (u32, u32) = (7, 78);
/// The variable that lets the Agent collect processes.
pub(crate) const PROCESSES: &str = "DD_PROCESS_CONFIG_PROCESS_COLLECTION_ENABLED";
/// The variable that lets the Agent collect the logs of containers that no annotation asks for.
pub(crate) const COLLECT_ALL: &str = "DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL";

/// The port of the Cluster Agent. Source: DataDog/datadog-agent, `pkg/config/setup`, `cluster_agent.cmd_port`.
const CLUSTER_AGENT_PORT: u16 = 5005;
/// Variables that are secret.
const OF_SECRETS: [&str; 3] = ["DD_API_KEY", "DD_APP_KEY", "DD_CLUSTER_AGENT_AUTH_TOKEN"];

/// Why the Agent does not start as the user that a pod or a container sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserProblem {
    /// Its image has no such user.
    Unknown(i64),
    /// The image starts as root where nothing else is set, and must not.
    StartsAsRoot,
    /// It is told to run as root, and not to: Kubernetes does not start the container.
    RootAndNotRoot,
}

/// What is in the way of an Agent that runs as `runAsUser`, and where `runAsNonRoot` may be set.
///
/// Source: Datadog, "Amazon EKS on AWS Fargate", troubleshooting; Kubernetes, "Configure a Security Context for a Pod or Container".
pub(crate) fn user_problem(user: Option<i64>, must_not_be_root: bool) -> Option<UserProblem> {
    match user {
        Some(USER) => None,
        Some(0) => must_not_be_root.then_some(UserProblem::RootAndNotRoot),
        Some(other) => Some(UserProblem::Unknown(other)),
        None => must_not_be_root.then_some(UserProblem::StartsAsRoot),
    }
}

/// An image's whole name. One that has a tag or a digest needs no other.
pub fn image(name: &str, tag: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:{tag}") }
}

/// Whether an image is Datadog's Agent: not the Cluster Agent, and not the agent of others. A mirror keeps Datadog's folder, or calls
/// the image `datadog-agent`.
pub(crate) fn is_agent_image(image: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    // A colon before the last slash is a registry's port.
    let (folder, last) = image.rsplit_once('/').unwrap_or(("", image));
    match last.split(':').next() {
        Some("agent") => folder.contains("datadog"),
        Some(name) => name == "datadog-agent",
        None => false,
    }
}

/// Whether an image is a program of Datadog's own: the Agent, the Cluster Agent, the Operator or the Agent's collector for
/// OpenTelemetry.
pub(crate) fn is_image_of_datadog(image: &str) -> bool {
    const NAMES: [&str; 3] = ["cluster-agent", "operator", "ddot-collector"];
    let bare = image.split('@').next().unwrap_or_default();
    let (folder, last) = bare.rsplit_once('/').unwrap_or(("", bare));
    let name = last.split(':').next().unwrap_or_default();
    let is_own = |name: &str| NAMES.contains(&name);
    is_agent_image(image)
        || (folder.contains("datadog") && is_own(name))
        || name.strip_prefix("datadog-").is_some_and(is_own)
}

/// The tag of an image, if it has one.
pub(crate) fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or_default();
    image.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag).filter(|tag| !tag.is_empty())
}

/// The major and the minor version that a tag names: of `7.71.2-jmx`, 7 and 71. `None` for `7`, which is the newest.
pub(crate) fn version(tag: &str) -> Option<(u32, u32)> {
    let (major, rest) = tag.trim_start_matches('v').split_once('.')?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..end].parse().ok()?))
}

/// How to reach a Cluster Agent's service from another namespace. Source: DataDog/datadog-agent, `agent_sidecar.go`.
fn cluster_agent_url(service: &str, namespace: &str) -> String {
    format!("https://{service}.{namespace}.svc.cluster.local:{CLUSTER_AGENT_PORT}")
}

/// The URL of [`CLUSTER_AGENT`] in [`NAMESPACE`].
pub(crate) fn default_cluster_agent_url() -> String {
    cluster_agent_url(CLUSTER_AGENT, NAMESPACE)
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

/// Whether people may give the Agent these variables.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn check_env(env: &[(String, String)]) -> Result<(), &'static str> {
    let names = || env.iter().map(|(name, _)| name.as_str());
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !names().all(is_name) {
        return Err("--env: must be NAME=VALUE, with a name of letters, digits and `_`");
    }
    if !all_differ(names()) {
        return Err("--env: a variable is given twice");
    }
    if names().any(|name| OF_SECRETS.contains(&name)) {
        return Err("--env: must not hold a key or token: these come from the Secret datadog-secret");
    }
    if names().any(|name| name == "DD_HOSTNAME") {
        return Err("--env: DD_HOSTNAME must not be set: on Fargate the Agent has no host to report");
    }
    Ok(())
}

/// Whether `--label` says nothing twice, and nothing that Kubernetes refuses.
///
/// # Errors
/// What is wrong, for people.
pub fn check_labels(labels: &[(String, String)]) -> Result<(), &'static str> {
    if !all_differ(labels.iter().map(|(name, _)| name.as_str())) {
        return Err("--label: a label has one value, so give each once");
    }
    if !labels.iter().all(|(name, value)| is_label_name(name) && is_label_value(value)) {
        return Err(
            "--label: must be LABEL=VALUE of letters, digits, `-`, `_` and `.`, at most 63 each, beginning and ending with a letter or digit",
        );
    }
    Ok(())
}

/// Whether a text may be an image's tag. Source: distribution/reference, `regexp.go`, `tag`.
fn is_tag(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_inside) && !text.starts_with(['.', '-'])
}

/// Whether a value that is written without quotes is still a text.
pub(crate) fn is_text(value: &str) -> bool {
    matches!(scalar::plain(value), Scalar::Text(_))
}

/// Whether the version that a tag names, if it names one, can do what is asked of it.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn check_tag(tag: &str, native_logs: bool) -> Result<(), &'static str> {
    match version(tag) {
        _ if !is_tag(tag) => Err("--image-tag: must be an image tag: letters, digits, `_`, `.` and `-`, at most 128"),
        Some(version) if native_logs && version < NATIVE_LOGS_SINCE => {
            Err("--native-logs: needs Agent 7.71 or newer; see --image-tag")
        }
        Some(version) if version < FARGATE_SINCE => Err("--image-tag: Fargate needs Agent 7.18 or newer"),
        _ => Ok(()),
    }
}

/// A variable. Its value is a string whatever it looks like: Kubernetes takes nothing else, and Datadog's chart loses an
/// unquoted `false`.
pub(crate) fn env(name: &str, value: &str) -> Map {
    Map::new().with("name", name).with("value", value)
}

/// A variable that is taken from [`SECRET`].
pub(crate) fn env_of_secret(name: &str, key: &str) -> Map {
    let secret = Map::new().with("name", SECRET).with("key", key);
    Map::new().with("name", name).with("valueFrom", Map::new().with("secretKeyRef", secret))
}

/// An element of a list, without a comment.
pub(crate) fn item(value: Map) -> ListItem {
    ListItem { comment: None, value: value.into() }
}

/// What a container asks for and may not exceed: the same, since Fargate makes room for exactly what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    pub cpu: String,
    pub memory: String,
}

impl Default for Resources {
    /// As the Admission Controller has it.
    fn default() -> Resources {
        Resources { cpu: "200m".to_owned(), memory: "256Mi".to_owned() }
    }
}

impl Resources {
    pub(crate) fn map(&self) -> Map {
        let both = || Map::new().with("cpu", self.cpu.as_str()).with("memory", self.memory.as_str());
        Map::new().with("requests", both()).with("limits", both())
    }

    /// Whether these are quantities that Kubernetes takes.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !is_quantity(&self.cpu, &["", "m"]) {
            return Err("--cpu: must be an amount of CPU, such as 200m or 0.5");
        }
        if !is_quantity(&self.memory, &["Ki", "Mi", "Gi", "k", "M", "G", ""]) {
            return Err("--memory: must be an amount of memory, such as 256Mi");
        }
        Ok(())
    }
}

/// Source: Kubernetes, "Resource Management for Pods and Containers".
fn is_quantity(text: &str, units: &[&str]) -> bool {
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    number.parse::<f64>().is_ok_and(|number| number > 0.0) && units.contains(&unit)
}

/// Whether no name appears twice: YAML does not allow that in a map, nor Kubernetes in a list of variables.
pub(super) fn all_differ<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().all(|name| seen.insert(name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn users_that_the_agent_starts_as() {
        for (user, must_not_be_root, problem) in [
            (None, false, None),
            (None, true, Some(UserProblem::StartsAsRoot)),
            (Some(0), false, None),
            (Some(0), true, Some(UserProblem::RootAndNotRoot)),
            (Some(1), false, Some(UserProblem::Unknown(1))),
            (Some(99), true, Some(UserProblem::Unknown(99))),
            (Some(100), true, None),
            (Some(101), false, Some(UserProblem::Unknown(101))),
        ] {
            assert_eq!(user_problem(user, must_not_be_root), problem, "{user:?} {must_not_be_root}");
        }
    }

    #[test]
    fn images_with_and_without_a_tag() {
        for (name, whole) in [
            ("r.io/a", "r.io/a:7"),
            ("r.io:5000/a", "r.io:5000/a:7"),
            ("r.io:5000/a:8", "r.io:5000/a:8"),
            ("r.io/a@sha256:12", "r.io/a@sha256:12"),
        ] {
            assert_eq!(image(name, TAG), whole);
        }
    }

    #[test]
    fn images_of_datadog() {
        for (image, is_own) in [
            ("gcr.io/datadoghq/agent:7", true),
            ("public.ecr.aws/datadog/cluster-agent:7.60.0", true),
            ("localhost:5000/mirror/datadog-cluster-agent", true),
            ("gcr.io/datadoghq/operator@sha256:00", true),
            ("datadog/ddot-collector:7", true),
            ("datadog/example-app", false),
            ("shop/operator:1", false),
            ("nginx", false),
            ("", false),
        ] {
            assert_eq!(is_image_of_datadog(image), is_own, "{image}");
        }
    }

    #[test]
    fn versions() {
        for (image, version_of) in [
            ("gcr.io/datadoghq/agent:7.71.2-jmx", Some((7, 71))),
            ("localhost:5000/datadog/agent:6.9", Some((6, 9))),
            ("gcr.io/datadoghq/agent:7", None),
            ("gcr.io/datadoghq/agent:latest", None),
            ("localhost:5000/datadog/agent", None),
            ("datadog/agent:7.1.0@sha256:00", Some((7, 1))),
        ] {
            assert_eq!(image_tag(image).and_then(version), version_of, "{image}");
        }
    }

    #[test]
    fn tags_at_their_edges() {
        for (length, ok) in [(0, false), (1, true), (127, true), (128, true), (129, false)] {
            assert_eq!(check_tag(&"a".repeat(length), false).is_ok(), ok, "{length}");
        }
        for (tag, ok) in
            [("7.71.0-jmx", true), ("_a", true), (".a", false), ("-a", false), ("a:b", false), ("a b", false)]
        {
            assert_eq!(check_tag(tag, false).is_ok(), ok, "{tag}");
        }
    }

    #[test]
    fn quantities() {
        let is = |cpu: &str, memory: &str| Resources { cpu: cpu.into(), memory: memory.into() }.check().is_ok();
        for (cpu, memory, ok) in [
            ("200m", "256Mi", true),
            ("0.5", "1Gi", true),
            ("1", "268435456", true),
            ("0", "256Mi", false),
            ("200Mi", "256Mi", false),
            ("200m", "256m", false),
            ("", "256Mi", false),
            ("-1", "256Mi", false),
            ("1.2.3", "256Mi", false),
        ] {
            assert_eq!(is(cpu, memory), ok, "{cpu} {memory}");
        }
    }
}
