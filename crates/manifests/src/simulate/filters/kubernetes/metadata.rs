//! The `kubernetes` object of a record, from the tag and from what the API says of the pod.
//!
//! Source: fluent/fluent-bit, plugins/filter_kubernetes/kube_meta.c, `merge_meta`, `merge_meta_from_tag` and `extract_container_hash`,
//! at v1.9.10 and v5.1.1.

use crate::simulate::core::Core;
use crate::simulate::json::{self, JsonObject};
use crate::simulate::onigmo::Expression;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

/// What a tag says of its pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PodOfTag {
    pub(super) pod: Option<Vec<u8>>,
    pub(super) namespace: Option<Vec<u8>>,
    pub(super) container: Option<Vec<u8>>,
    docker_id: Option<Vec<u8>>,
    container_hash: Option<Vec<u8>>,
}

impl PodOfTag {
    /// `None` if the expression does not match the tag.
    pub(super) fn new(expression: &Expression, tag: &[u8]) -> Result<Option<PodOfTag>, Unknown> {
        let Some(found) = expression.search(tag)?.filter(|_| expression.groups() > 0) else { return Ok(None) };
        let mut pod = PodOfTag::default();
        for (name, groups) in expression.names() {
            let place = match name.as_str() {
                "pod_name" => &mut pod.pod,
                "namespace_name" => &mut pod.namespace,
                "container_name" => &mut pod.container,
                "docker_id" => &mut pod.docker_id,
                "container_hash" => &mut pod.container_hash,
                _ => continue,
            };
            for group in groups {
                let range = found.groups.get(*group).cloned().flatten();
                let text = range.and_then(|range| tag.get(range)).filter(|text| !text.is_empty());
                if place.is_none() {
                    *place = text.map(<[u8]>::to_vec);
                }
            }
        }
        Ok(Some(pod))
    }
}

/// Which parts of the metadata are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) labels: bool,
    pub(super) annotations: bool,
    pub(super) owner_references: bool,
}

/// A pod as the API gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApiPod {
    map: Map,
}

impl ApiPod {
    pub(super) fn new(core: Core, json: &str) -> Result<ApiPod, Unknown> {
        match json::read(core, json.as_bytes())? {
            JsonObject::Read(map) => Ok(ApiPod { map }),
            JsonObject::Not | JsonObject::Hollow => Err(Unknown("the pod is no JSON")),
        }
    }

    fn part(&self, name: &str) -> Option<&Map> {
        member(&self.map, name).and_then(Value::as_map)
    }

    /// The annotations that are texts.
    pub(super) fn annotations(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let annotations = self.part("metadata").and_then(|metadata| member(metadata, "annotations"));
        let members = annotations.and_then(Value::as_map).map(|map| map.members.as_slice()).unwrap_or_default();
        members.iter().filter_map(|(key, value)| Some((key.as_text()?, value.as_text()?)))
    }
}

/// The last of the members: each is noted as it comes.
fn member<'m>(map: &'m Map, name: &str) -> Option<&'m Value> {
    map.last(name.as_bytes())
}

/// Only what the tag says.
pub(super) fn from_tag(pod: &PodOfTag) -> Map {
    let mut map = Map::default();
    for (name, text) in [
        ("pod_name", &pod.pod),
        ("namespace_name", &pod.namespace),
        ("container_name", &pod.container),
        ("docker_id", &pod.docker_id),
        ("container_hash", &pod.container_hash),
    ] {
        if let Some(text) = text {
            map.push(name, Value::text(text));
        }
    }
    map
}

/// What the tag and the API say.
pub(super) fn from_api(core: Core, pod: &PodOfTag, api: &ApiPod, wanted: Wanted) -> Map {
    let mut map = Map::default();
    let text = |map: &mut Map, name: &str, text: &Option<Vec<u8>>| {
        if let Some(text) = text {
            map.push(name, Value::text(text));
        }
    };
    text(&mut map, "pod_name", &pod.pod);
    text(&mut map, "namespace_name", &pod.namespace);
    let copy = |map: &mut Map, from: Option<&Map>, name: &str, to: &str| {
        if let Some(value) = from.and_then(|from| member(from, name)) {
            map.push(to, value.clone());
        }
    };
    let (metadata, spec, status) = (api.part("metadata"), api.part("spec"), api.part("status"));
    copy(&mut map, metadata, "uid", "pod_id");
    if wanted.labels {
        copy(&mut map, metadata, "labels", "labels");
    }
    if wanted.annotations {
        copy(&mut map, metadata, "annotations", "annotations");
    }
    if wanted.owner_references && core == Core::Newer {
        copy(&mut map, metadata, "ownerReferences", "ownerReferences");
    }
    copy(&mut map, spec, "nodeName", "host");
    if core == Core::Newer {
        copy(&mut map, status, "podIP", "pod_ip");
    }
    text(&mut map, "container_name", &pod.container);
    let of_status = status.and_then(|status| container(status, pod.container.as_deref().unwrap_or_default()));
    let of_status = of_status.unwrap_or_default();
    text(&mut map, "docker_id", &pod.docker_id.clone().or(of_status.docker_id));
    text(&mut map, "container_hash", &pod.container_hash.clone().or(of_status.hash));
    text(&mut map, "container_image", &of_status.image);
    map
}

/// What a container's status says.
#[derive(Default)]
struct ContainerStatus {
    docker_id: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    image: Option<Vec<u8>>,
}

/// The status of a container, which has its name before all else.
fn container(status: &Map, name: &[u8]) -> Option<ContainerStatus> {
    for (key, value) in &status.members {
        let Value::List(containers) = value else { continue };
        if !key.is(b"containerStatuses") && !key.is(b"initContainerStatuses") {
            continue;
        }
        for container in containers.iter().filter_map(Value::as_map) {
            if member(container, "name").and_then(Value::as_text) != Some(name) {
                continue;
            }
            let text = |name: &str| member(container, name).and_then(Value::as_text);
            return Some(ContainerStatus {
                docker_id: text("containerID").and_then(behind_scheme),
                hash: text("imageID").and_then(behind_scheme),
                image: text("image").map(<[u8]>::to_vec),
            });
        }
    }
    None
}

/// What stands behind `containerd://`, or all of it if there is no such thing; it has to have a colon.
fn behind_scheme(text: &[u8]) -> Option<Vec<u8>> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let rest = text.get(colon + 1..)?;
    let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
    if slashes == 0 { Some(text.to_vec()) } else { rest.get(slashes..).map(<[u8]>::to_vec) }
}
