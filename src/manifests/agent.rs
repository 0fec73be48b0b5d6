//! What Datadog's Agent and Cluster Agent are called in Kubernetes, and the small pieces of manifests that several kinds share.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate"; DataDog/datadog-agent, `pkg/clusteragent/admission/mutate/agent_sidecar`.

use super::node::{Item, Map};

/// The Secret with the API key and the token. The Admission Controller looks for no other name.
pub const SECRET: &str = "datadog-secret";
/// The Secret's key that holds the API key.
pub const API_KEY: &str = "api-key";
/// The Secret's key that holds the token that sidecars show the Cluster Agent.
pub const TOKEN: &str = "token";
/// The namespace that the Cluster Agent runs in.
pub const NAMESPACE: &str = "datadog";
/// The Cluster Agent's service, where the Helm release or the DatadogAgent is called `datadog`.
pub const CLUSTER_AGENT: &str = "datadog-cluster-agent";
/// The label of pods that get a sidecar, and its value.
pub const SIDECAR_LABEL: (&str, &str) = ("agent.datadoghq.com/sidecar", "fargate");
/// The service account for pods that have none of their own.
pub const SERVICE_ACCOUNT: &str = "datadog-agent";
/// The user that the Agent's image is made for; with another one it does not start.
pub const USER: i64 = 100;

/// A variable. Its value is a string whatever it looks like: Kubernetes takes nothing else, and Datadog's chart loses an
/// unquoted `false`.
pub fn env(name: &str, value: &str) -> Map {
    Map::new().with("name", name).with("value", value)
}

/// A variable that is taken from [`SECRET`].
pub fn env_of_secret(name: &str, key: &str) -> Map {
    let secret = Map::new().with("name", SECRET).with("key", key);
    Map::new().with("name", name).with("valueFrom", Map::new().with("secretKeyRef", secret))
}

/// An element of a list, without a comment.
pub fn item(value: Map) -> Item {
    Item { comment: None, value: value.into() }
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
    pub fn map(&self) -> Map {
        let both = || Map::new().with("cpu", self.cpu.as_str()).with("memory", self.memory.as_str());
        Map::new().with("requests", both()).with("limits", both())
    }

    /// Whether these are quantities that Kubernetes takes.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn check(&self) -> Result<(), &'static str> {
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

/// Whether no name is there twice: a map with one twice is no YAML, and Kubernetes takes no such list of variables.
pub(super) fn all_differ<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().all(|name| seen.insert(name))
}

/// The minor version of a tag `7.N…`.
pub(super) fn minor_version(tag: &str) -> Option<u32> {
    let rest = tag.strip_prefix("7.")?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
