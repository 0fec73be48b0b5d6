//! The container that lines are of: its log file's tag, and its pod, from a manifest or invented.

use serde_json::{Value, json};

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodContainer {
    /// The pod as the Kubernetes API would answer with it.
    pub json: String,
    /// The tag that EKS' input gives its lines.
    pub tag: String,
    pub namespace: String,
    pub pod: String,
    pub container: String,
}

/// An id of a container that does not exist.
const CONTAINER_ID: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl PodContainer {
    /// One that runs in the pod of a manifest: the one that is named, or the first. What only a running pod has is invented.
    ///
    /// # Errors
    /// What the manifest lacks.
    pub fn of_pod(mut pod: Value, container: Option<&str>) -> Result<PodContainer, &'static str> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        if pod.get("kind").and_then(Value::as_str) != Some("Pod") {
            return Err("it is no manifest of a Pod");
        }
        let name = text(pod.pointer("/metadata/name")).ok_or("the pod has no name")?;
        let namespace = text(pod.pointer("/metadata/namespace")).unwrap_or_else(|| "default".to_owned());
        let containers =
            pod.pointer("/spec/containers").and_then(Value::as_array).ok_or("the pod has no containers")?;
        let is_meant =
            |one: &&Value| container.is_none_or(|container| one.get("name").and_then(Value::as_str) == Some(container));
        let found = containers.iter().find(is_meant).ok_or("the pod has no such container")?;
        let container = text(found.get("name")).ok_or("the container has no name")?;
        let image = text(found.get("image")).unwrap_or_default();
        if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.entry("namespace").or_insert_with(|| json!(namespace));
            metadata.entry("uid").or_insert_with(|| json!("00000000-0000-0000-0000-000000000000"));
        }
        if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
            spec.entry("nodeName").or_insert_with(|| json!("fargate-ip-10-0-0-1.ec2.internal"));
        }
        let status = json!({
            "podIP": "10.0.0.1",
            "containerStatuses": [{
                "name": container,
                "image": image,
                "imageID": format!("{}@sha256:{CONTAINER_ID}", image.split(['@', ':']).next().unwrap_or_default()),
                "containerID": format!("containerd://{CONTAINER_ID}"),
            }],
        });
        if let Some(members) = pod.as_object_mut() {
            members.entry("status").or_insert(status);
        }
        let id = id_of(&pod, &container).unwrap_or_else(|| CONTAINER_ID.to_owned());
        let tag = format!("kube.var.log.containers.{name}_{namespace}_{container}-{id}.log");
        Ok(PodContainer { json: pod.to_string(), tag, namespace, pod: name, container })
    }

    /// One of a pod that nobody has.
    #[must_use]
    pub fn invented() -> PodContainer {
        let pod = json!({
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": "web-6d4cf56db6-x7k2p",
                "namespace": "shop",
                "labels": {
                    "app.kubernetes.io/name": "web",
                    "pod-template-hash": "6d4cf56db6",
                    "tags.datadoghq.com/env": "prod",
                    "tags.datadoghq.com/service": "web",
                },
                "annotations": { "Logging": "LoggingEnabled" },
            },
            "spec": { "containers": [{ "name": "nginx", "image": "public.ecr.aws/nginx/nginx:1.27" }] },
        });
        PodContainer::of_pod(pod, None).unwrap_or_else(|_| PodContainer {
            json: String::new(),
            tag: String::new(),
            namespace: String::new(),
            pod: String::new(),
            container: String::new(),
        })
    }
}

/// The id of a container that runs.
fn id_of(pod: &Value, container: &str) -> Option<String> {
    let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
    let status = statuses.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(container))?;
    let (_, id) = status.get("containerID")?.as_str()?.split_once("://")?;
    let is_id = id.len() == CONTAINER_ID.len() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_completed() {
        let pod = PodContainer::invented();
        assert_eq!(pod.tag, format!("kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-{CONTAINER_ID}.log"));
        assert!(pod.json.contains("fargate-ip-10-0-0-1"));
        let two =
            json!({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "x"}, {"name": "y"}]}});
        assert_eq!(PodContainer::of_pod(two.clone(), Some("y")).unwrap().container, "y");
        assert_eq!(PodContainer::of_pod(two.clone(), Some("z")), Err("the pod has no such container"));
        assert_eq!(PodContainer::of_pod(two, None).unwrap().namespace, "default");
    }
}
