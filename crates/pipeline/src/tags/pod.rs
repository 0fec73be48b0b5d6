//! The `kubernetes` object of a record, read: what Fluent Bit's Kubernetes filter knows of a pod.
//!
//! Read leniently: a label that is no string, a surrogate without its other half, or a missing part costs only
//! itself.

use super::owner::Owner;
use crate::json;
use crate::template_variables::TemplateValues;

/// A pod as the filter describes it; empty strings where it says nothing.
///
/// Source: Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub container: String,
    pub(crate) container_id: String,
    /// The node: on Fargate, `fargate-ip-…`.
    pub(crate) host: String,
    /// As the pod's specification has it: `repository:tag`.
    pub(crate) image: String,
    /// The image as pulled: `repository@sha256:…`.
    pub(crate) image_hash: String,
    pub(crate) labels: Pairs,
    /// Whether the filter wrote labels: without `Labels On` nothing is known of them.
    pub(crate) labels_known: bool,
    pub annotations: Pairs,
    pub(crate) owners: Vec<Owner>,
    /// Whether the filter wrote owner references, were it none.
    pub(crate) owners_known: bool,
}

/// Labels or annotations in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads an object; anything else is empty.
    pub(crate) fn parse(raw: &str) -> Pairs {
        let mut pairs = Vec::new();
        let _ = json::each_member(raw, |key, value| pairs.push((text(&format!("\"{key}\"")), text(value))));
        Pairs(pairs)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Pod {
    /// What template variables in the pod's annotations stand for.
    pub(crate) fn template_values(&self) -> TemplateValues<'_> {
        TemplateValues { namespace: &self.namespace, pod_name: &self.name, pod_uid: &self.uid }
    }

    /// Reads the raw JSON of the object.
    pub(crate) fn parse(raw: &str) -> Pod {
        let mut pod = Pod::default();
        let _ = json::each_member(raw, |key, value| match key {
            "pod_name" => pod.name = text(value),
            "namespace_name" => pod.namespace = text(value),
            "pod_id" => pod.uid = text(value),
            "container_name" => pod.container = text(value),
            "docker_id" => pod.container_id = text(value),
            "host" => pod.host = text(value),
            "container_image" => pod.image = text(value),
            "container_hash" => pod.image_hash = text(value),
            "labels" => {
                pod.labels = Pairs::parse(value);
                pod.labels_known = value.starts_with('{');
            }
            "annotations" => pod.annotations = Pairs::parse(value),
            "ownerReferences" => {
                pod.owners = owners(value);
                pod.owners_known = value.starts_with('[');
            }
            _ => {}
        });
        pod
    }
}

/// A string's text; a number or a truth value as written; nothing for the rest.
fn text(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'"') => json::string(raw).unwrap_or_default(),
        Some(b'{' | b'[' | b'n') | None => String::new(),
        Some(_) => raw.to_owned(),
    }
}

fn owners(raw: &str) -> Vec<Owner> {
    let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap_or_default();
    let read = |element: &serde_json::value::RawValue| {
        let (mut kind, mut name) = (String::new(), String::new());
        let _ = json::each_member(element.get(), |key, value| match key {
            "kind" => kind = text(value),
            "name" => name = text(value),
            _ => {}
        });
        (!kind.is_empty() && !name.is_empty()).then_some(Owner { kind, name })
    };
    elements.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_part_costs_only_itself() {
        let pod = Pod::parse(
            r#"{"pod_name":"web","namespace_name":7,"labels":{"a":1,"b":true,"c":null,"d":"\ud83d","e":{"x":1}},"annotations":"none",
               "ownerReferences":[{"kind":"ReplicaSet","name":"web-1"},7,{"kind":"x"}]}"#,
        );
        assert_eq!((pod.name.as_str(), pod.namespace.as_str()), ("web", "7"));
        assert_eq!(pod.labels.get("a"), Some("1"));
        assert_eq!(pod.labels.get("b"), Some("true"));
        assert_eq!(pod.labels.get("d"), Some("\u{fffd}"));
        assert_eq!(pod.annotations, Pairs::default());
        assert_eq!(pod.owners.len(), 1);
    }
}
