//! Documents as JSON. Of several, those of Kubernetes become one `List`, which `kubectl apply` takes; others become an array.

use crate::node::{Map, Node};

/// The text, with a line break at its end.
pub fn write(documents: &[Map]) -> String {
    let is_kubernetes = |document: &Map| document.get("apiVersion").is_some() && document.get("kind").is_some();
    // A tree of names, strings and numbers can always be written.
    let json = match documents {
        [document] => serde_json::to_string_pretty(document),
        several if several.iter().all(is_kubernetes) => {
            let items = Node::list(several.iter().cloned());
            let list = Map::new().with("apiVersion", "v1").with("kind", "List").with("items", items);
            serde_json::to_string_pretty(&list)
        }
        several => serde_json::to_string_pretty(several),
    };
    json.unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_objects_of_kubernetes_are_a_list() {
        let object = |kind: &str| Map::new().with("apiVersion", "v1").with("kind", kind);
        let values = |documents: &[Map]| serde_json::from_str::<serde_json::Value>(&write(documents)).unwrap();
        assert_eq!(values(&[object("Secret")])["kind"], "Secret");
        let list = values(&[object("Namespace"), object("ConfigMap")]);
        assert_eq!((&list["apiVersion"], &list["kind"]), (&"v1".into(), &"List".into()));
        assert_eq!(list["items"][1]["kind"], "ConfigMap");
        let other = Map::new().with("Resources", "none");
        assert_eq!(values(&[object("Pod"), other]).as_array().map(Vec::len), Some(2));
    }
}
