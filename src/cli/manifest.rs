//! The log annotations of a file: a pod's manifest, a workload's, a list of them, or an annotation by itself.

use serde_json::{Map, Value};

use super::error::CommandError;
use manifests::workload::template_of;

/// What one container's annotation says, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Annotated {
    /// `Deployment shop/web`, or empty for an annotation by itself.
    pub(crate) owner: String,
    pub(crate) namespace: Option<String>,
    /// The container's name.
    pub(crate) container: String,
    /// The annotation, as it is written.
    pub(crate) json: String,
    /// Whether it is a string, as Kubernetes wants it.
    pub(crate) is_string: bool,
    /// All annotations of the pod.
    pub(crate) annotations: Map<String, Value>,
    /// The containers that the manifest has; `None` where it has no specification.
    pub(crate) containers: Option<Vec<String>>,
}

/// The container of an annotation that names none.
const NAMELESS: &str = "app";

/// What only an annotation has: it need not be in a list.
const MEMBERS: [&str; 3] = ["log_processing_rules", "source", "service"];

/// What a bare list of rules is good for.
const RULES: &str = "DD_LOGS_CONFIG_PROCESSING_RULES (an annotation has such a list in `log_processing_rules`)";

const PREFIX: &str = "ad.datadoghq.com/";

/// Finds all of them.
pub(super) fn find(path: &str, text: &str) -> Result<Vec<Annotated>, CommandError> {
    // An annotation alone, or the value of DD_LOGS_CONFIG_PROCESSING_RULES. One that is broken begins like this, too.
    let inside = text.trim_start().strip_prefix('[').map(str::trim_start);
    if inside.is_some_and(|inside| inside.is_empty() || inside.starts_with(['{', ']', '"'])) {
        return Ok(vec![alone(text.trim())]);
    }
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)
        .map_err(|error| CommandError::Manifest { path: path.to_owned(), problem: error.to_string() })?;
    let mut found = Vec::new();
    for document in &documents {
        match document.get("items").and_then(Value::as_array) {
            Some(items) => items.iter().for_each(|item| of_object(item, &mut found)),
            None => of_object(document, &mut found),
        }
    }
    if let ([document], true) = (&documents[..], found.is_empty())
        && MEMBERS.iter().any(|name| document.get(name).is_some())
    {
        return Ok(vec![alone(text.trim())]);
    }
    if found.is_empty() {
        return Err(CommandError::NoAnnotation { path: path.to_owned() });
    }
    Ok(found)
}

/// An annotation by itself; a bare list of rules counts as one.
fn alone(json: &str) -> Annotated {
    let value: Option<Value> = serde_json::from_str(json).ok();
    let first = value.as_ref().and_then(|value| value.get(0));
    let is_rules =
        first.is_some_and(|first| first.get("type").is_some() && first.get("log_processing_rules").is_none());
    let owner = if is_rules { RULES.to_owned() } else { String::new() };
    let json = match value {
        Some(rules) if is_rules => serde_json::json!([{ "log_processing_rules": rules }]).to_string(),
        _ => json.to_owned(),
    };
    let annotations = Map::from_iter([(format!("{PREFIX}{NAMELESS}.logs"), Value::from(json.as_str()))]);
    Annotated {
        owner,
        namespace: None,
        container: NAMELESS.to_owned(),
        json,
        is_string: true,
        annotations,
        containers: None,
    }
}

/// The annotations of a pod, or of the pods that a workload makes; or those that stand there by themselves.
fn of_object(object: &Value, found: &mut Vec<Annotated>) {
    let pod = template_of(object);
    let annotations = pod.pointer("/metadata/annotations").or_else(|| pod.get("annotations")).unwrap_or(pod);
    let Some(annotations) = annotations.as_object() else { return };
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").map(str::to_owned);
    let name = text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or_default();
    let owner = match (text("/kind"), &namespace) {
        (Some(kind), Some(namespace)) => format!("{kind} {namespace}/{name}"),
        (Some(kind), None) => format!("{kind} {name}"),
        (None, _) => String::new(),
    };
    for (key, value) in annotations {
        let Some(container) = key.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(".logs")) else { continue };
        // One that is no string is refused by Kubernetes itself; its JSON is what was meant.
        let json = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut annotations = annotations.clone();
        annotations.insert(key.clone(), Value::from(json.as_str()));
        found.push(Annotated {
            owner: owner.clone(),
            namespace: namespace.clone(),
            container: container.to_owned(),
            json,
            is_string: value.is_string(),
            annotations,
            containers: containers(pod),
        });
    }
}

fn containers(pod: &Value) -> Option<Vec<String>> {
    let spec = pod.get("spec")?;
    let lists = ["containers", "initContainers", "ephemeralContainers"].into_iter();
    let all = lists.filter_map(|list| spec.get(list)?.as_array()).flatten();
    Some(all.filter_map(|container| container.get("name")?.as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, String)> {
        let found = find("x", text).unwrap();
        found.into_iter().map(|one| (one.owner, one.container)).collect()
    }

    fn pair(owner: &str, container: &str) -> (String, String) {
        (owner.to_owned(), container.to_owned())
    }

    #[test]
    fn manifests_of_every_kind() {
        let pod = "metadata: {name: web, annotations: {ad.datadoghq.com/nginx.logs: '[]'}}\nspec: {containers: [{name: nginx}]}";
        assert_eq!(names(&format!("kind: Pod\n{pod}")), [pair("Pod web", "nginx")]);
        let indented = pod.replace('\n', "\n    ");
        let deployment =
            format!("kind: Deployment\nmetadata: {{name: d, namespace: shop}}\nspec:\n  template:\n    {indented}");
        assert_eq!(names(&deployment), [pair("Deployment shop/d", "nginx")]);
        assert_eq!(names(&format!("{deployment}\n---\nkind: Pod\n{pod}")).len(), 2);
        let json = r#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a","annotations":{"ad.datadoghq.com/b.logs":"[]"}}}]}"#;
        assert_eq!(names(json), [pair("Pod a", "b")]);
        assert_eq!(names("ad.datadoghq.com/b.logs: '[]'"), [pair("", "b")]);
        assert_eq!(names("annotations:\n  ad.datadoghq.com/b.logs: '[]'"), [pair("", "b")]);
    }

    #[test]
    fn annotations_alone_and_broken() {
        for text in ["[{\"source\":\"x\"}]", "[{", "[]", "{\"source\":\"x\"}", "log_processing_rules: []"] {
            assert_eq!(names(text), [pair("", NAMELESS)], "{text}");
        }
        let rules = find("x", r#"[{"type":"exclude_at_match","name":"a","pattern":"b"}]"#).unwrap();
        assert!(rules[0].json.contains("log_processing_rules") && rules[0].owner.starts_with("DD_LOGS_CONFIG_"));
        for text in ["a: {", "", "kind: Pod", "- x", "7"] {
            assert!(find("x", text).is_err(), "{text}");
        }
    }
}
