//! Whether a `kubernetes` object describes the log stream's own pod, or may have been written by an application.

use super::json;
use super::stream::StreamOrigin;

/// Judges `kubernetes` objects, and remembers the last verdict: every record of a stream has the same object.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    last: String,
    verdict: bool,
}

impl Trust {
    pub(super) fn of(&mut self, kubernetes: &str, origin: &StreamOrigin) -> bool {
        if self.last != kubernetes {
            self.verdict = speaks_of(kubernetes, origin);
            kubernetes.clone_into(&mut self.last);
        }
        self.verdict
    }
}

/// Where the stream names the pod, the object's pod, namespace and container have to match, as far as the name can be
/// read; elsewhere the object has to look like the filter's.
///
/// Not `docker_id`: the filter caches its object by pod and container name, so after a restart it still has the id
/// of the previous container (Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`, `Cache_Use_Docker_Id`).
fn speaks_of(kubernetes: &str, origin: &StreamOrigin) -> bool {
    let (of_pod, of_namespace, of_container) = match origin {
        StreamOrigin::Container(named) => (Some(named.pod), Some(named.namespace), Some(named.container)),
        StreamOrigin::UnclearContainer { may_be: Some(one) } => (Some(one.pod), Some(one.namespace), one.container),
        StreamOrigin::UnclearContainer { may_be: None } => return false,
        _ => (None, None, None),
    };
    let (mut pod, mut namespace, mut agrees) = (false, false, true);
    let mut check = |value: &str, expected: Option<&str>| {
        let Some(value) = json::string(value) else { return false };
        agrees &= expected.map_or(!value.is_empty(), |expected| expected == value);
        true
    };
    let is_object = json::each_member(kubernetes, |key, value| match key {
        "pod_name" => pod = check(value, of_pod),
        "namespace_name" => namespace = check(value, of_namespace),
        "container_name" => _ = check(value, of_container),
        _ => {}
    });
    is_object.is_ok() && pod && namespace && agrees
}
