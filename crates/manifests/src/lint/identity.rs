//! What in names and templates tells one pod, or one container, from all others on EKS Fargate.

/// Parts of names of members that no other pod has. On Fargate each pod has a node of its own, so `host` is one, too. Source: fluent/
/// fluent-bit, plugins/filter_kubernetes/kube_meta.c; Amazon EKS User Guide, "AWS Fargate".
const OF_ONE_POD: [&str; 8] =
    ["pod_name", "pod_id", "pod_ip", "podname", "pod_uid", "docker_id", "container_id", "host"];
/// Those that no other container of the pod has.
const OF_ONE_CONTAINER: [&str; 3] = ["container_name", "docker_id", "container_id"];

/// Whether a member of this name tells the pod; it may have been lifted, with a prefix.
pub(crate) fn tells_pod(member: &str) -> bool {
    has(member, &OF_ONE_POD)
}

/// Whether a member of this name tells the container within its pod.
pub(crate) fn tells_container(member: &str) -> bool {
    has(member, &OF_ONE_CONTAINER)
}

fn has(member: &str, parts: &[&str]) -> bool {
    let member = member.to_ascii_lowercase();
    parts.iter().any(|part| member.contains(part))
}
