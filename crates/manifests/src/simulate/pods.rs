//! The pods that the Kubernetes API knows.

use super::unknown::Unknown;

/// Pods, each as the JSON that the API answers with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pods {
    pods: Vec<ApiAnswer>,
    /// Whether a pod that is not among them may exist all the same.
    are_some: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ApiAnswer {
    namespace: String,
    name: String,
    json: String,
}

impl Pods {
    /// These pods and no others.
    #[must_use]
    pub fn only(pods: impl IntoIterator<Item = String>) -> Pods {
        let read = |json: String| {
            let value: serde_json::Value = serde_json::from_str(&json).ok()?;
            let get = |name: &str| value.get("metadata")?.get(name)?.as_str().map(str::to_owned);
            Some(ApiAnswer { namespace: get("namespace")?, name: get("name")?, json })
        };
        Pods { pods: pods.into_iter().filter_map(read).collect(), are_some: false }
    }

    /// These pods, and of any other nothing is known.
    #[must_use]
    pub fn some(pods: impl IntoIterator<Item = String>) -> Pods {
        Pods { are_some: true, ..Pods::only(pods) }
    }

    /// The answer for a pod; `None` if there is no such pod.
    pub(crate) fn find(&self, namespace: &[u8], name: &[u8]) -> Result<Option<&str>, Unknown> {
        let is = |pod: &&ApiAnswer| pod.namespace.as_bytes() == namespace && pod.name.as_bytes() == name;
        match self.pods.iter().find(is) {
            Some(pod) => Ok(Some(&pod.json)),
            None if self.are_some => Err(Unknown("nothing is known of the pod")),
            None => Ok(None),
        }
    }
}
