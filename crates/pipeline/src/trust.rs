//! Whether a `kubernetes` object speaks of the stream's own pod, or may be an application's.

use super::json;
use super::stream::StreamOrigin;

/// Answers that; remembers the last answer, since it is the same
/// object in every record of a stream.
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

/// Where the stream tells the pod, what the object says of pod, namespace and container has to agree; where it does
/// not, the object has to look like the filter's.
///
/// Not `docker_id`: the filter caches its object by pod and container name, so after a restart it still bears the id
/// of the container before (Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`, `Cache_Use_Docker_Id`).
fn speaks_of(kubernetes: &str, origin: &StreamOrigin) -> bool {
    let container = match origin {
        StreamOrigin::Container(container) => Some(container),
        _ => None,
    };
    let (mut pod, mut namespace, mut agrees) = (false, false, true);
    let mut check = |value: &str, expected: Option<&str>| {
        let Some(value) = json::string(value) else { return false };
        agrees &= expected.map_or(!value.is_empty(), |expected| expected == value);
        true
    };
    let is_object = json::each_member(kubernetes, |key, value| match key {
        "pod_name" => pod = check(value, container.map(|container| container.pod)),
        "namespace_name" => namespace = check(value, container.map(|container| container.namespace)),
        "container_name" => _ = check(value, container.map(|container| container.container)),
        _ => {}
    });
    is_object.is_ok() && pod && namespace && agrees
}
