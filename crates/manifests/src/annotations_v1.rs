//! From the three annotations of Autodiscovery v1 (`check_names`, `init_configs`, `instances`) to the one of v2.
//!
//! Source: Datadog, "Kubernetes and Integrations", "Autodiscovery annotations v1"; what the Agent takes is in
//! DataDog/datadog-agent, `comp/core/autodiscovery/common/utils/annotations.go`.

use std::collections::BTreeMap;

use serde_json::{Map as Json, Value};

use crate::annotations::{Checks, PREFIX, entry, patch};
use crate::file::GeneratedFile;
use crate::workload::{TEMPLATE, TemplatePath, located_template};

/// The three parts, as the annotations' names end.
pub(crate) const PARTS: [&str; 3] = ["check_names", "init_configs", "instances"];

/// Why annotations cannot be converted: the Agent does not take them either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    #[error("found no annotation {PREFIX}<container>.check_names")]
    Nothing,
    #[error("{PREFIX}{0}.{1} is missing: v1 needs check_names, init_configs and instances")]
    Incomplete(String, &'static str),
    #[error("{PREFIX}{container}.{part}: {problem}")]
    Json { container: String, part: &'static str, problem: String },
    #[error(
        "{PREFIX}{container}: {names} check_names, {init_configs} init_configs and {instances} instances; their elements belong together by position, \
         so the Agent ignores all three unless they are equally long"
    )]
    Lengths { container: String, names: usize, init_configs: usize, instances: usize },
    #[error("{PREFIX}{0}: the check {1} appears twice with different init_configs; v2 allows one for each check")]
    Twice(String, String),
}

/// A patch for each object with such annotations, and what there is to say about them.
///
/// # Errors
/// [`ConvertError`].
pub fn convert(documents: &[Value]) -> Result<(GeneratedFile, Vec<String>), ConvertError> {
    let objects = documents.iter().flat_map(|document| match document.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().collect::<Vec<_>>(),
        None => vec![document],
    });
    let mut patches = Vec::new();
    let mut notes = Vec::new();
    for object in objects {
        let (template, pod) = pod(object);
        let annotations = pod.pointer("/metadata/annotations").or_else(|| pod.get("annotations")).unwrap_or(pod);
        let checks = containers(annotations)?;
        if checks.is_empty() {
            continue;
        }
        let owner = owner(object);
        notes.extend(strangers(pod, &checks, &owner));
        patches.push(patch(&owner, template, &checks));
    }
    if patches.is_empty() {
        return Err(ConvertError::Nothing);
    }
    let introduction = "Autodiscovery v2 annotations that replace v1, as patches. Remove check_names, init_configs and instances from the manifests: \
                        if both are present, v2 wins.";
    Ok((GeneratedFile::documents("annotations.yaml", introduction, patches), notes))
}

/// The pod or its template, and where it is.
fn pod(object: &Value) -> (TemplatePath, &Value) {
    let (path, pod) = located_template(object);
    // Annotations by themselves, too, are most likely on their way to a template.
    let is_alone = path.is_empty() && object.get("kind").is_none();
    (if is_alone { TEMPLATE } else { path }, pod)
}

fn owner(object: &Value) -> String {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (kind, name, namespace) = (text("/kind"), text("/metadata/name"), text("/metadata/namespace"));
    let name = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    format!("{kind} {name}").trim().to_owned()
}

/// Containers that the pod does not have: the Agent would never find them.
fn strangers(pod: &Value, checks: &[Checks], owner: &str) -> Vec<String> {
    let Some(spec) = pod.get("spec") else { return Vec::new() };
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| spec.get(list)?.as_array()).flatten();
    let names: Vec<&str> = lists.filter_map(|container| container.get("name")?.as_str()).collect();
    let unknown = checks.iter().filter(|checks| !names.contains(&checks.container.as_str()));
    unknown.map(|checks| format!("{owner} has no container {}: its checks never run", checks.container)).collect()
}

/// The checks of every container with one of the three annotations.
fn containers(annotations: &Value) -> Result<Vec<Checks>, ConvertError> {
    let mut found: BTreeMap<&str, [Option<&Value>; 3]> = BTreeMap::new();
    for (key, value) in annotations.as_object().into_iter().flatten() {
        let Some((container, end)) = key.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('.')) else { continue };
        if let Some(part) = PARTS.iter().position(|part| *part == end) {
            found.entry(container).or_default()[part] = Some(value);
        }
    }
    let of_container = |(container, parts): (&str, [Option<&Value>; 3])| {
        let list = |part: usize| match parts[part] {
            Some(value) => list(container, PARTS[part], value),
            None => Err(ConvertError::Incomplete(container.to_owned(), PARTS[part])),
        };
        let checks = checks(container, list(0)?, list(1)?, list(2)?)?;
        Ok(Checks { container: container.to_owned(), checks })
    };
    found.into_iter().map(of_container).collect()
}

fn list(container: &str, part: &'static str, value: &Value) -> Result<Vec<Value>, ConvertError> {
    let wrong = |problem: String| ConvertError::Json { container: container.to_owned(), part, problem };
    let text = value.as_str().ok_or_else(|| wrong("must be a string that contains JSON".to_owned()))?;
    serde_json::from_str(text).map_err(|error| wrong(format!("must be a JSON array: {error}")))
}

/// The checks of a container, from its three lists.
///
/// # Errors
/// [`ConvertError`].
pub(crate) fn checks(
    container: &str,
    names: Vec<Value>,
    init_configs: Vec<Value>,
    instances: Vec<Value>,
) -> Result<Json<String, Value>, ConvertError> {
    if names.len() != init_configs.len() || names.len() != instances.len() {
        return Err(ConvertError::Lengths {
            container: container.to_owned(),
            names: names.len(),
            init_configs: init_configs.len(),
            instances: instances.len(),
        });
    }
    let wrong = |part: usize, problem: &str| ConvertError::Json {
        container: container.to_owned(),
        part: PARTS[part],
        problem: problem.to_owned(),
    };
    let mut checks: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for ((name, init_config), instances) in names.into_iter().zip(init_configs).zip(instances) {
        let Value::String(name) = name else { return Err(wrong(0, "every element must be a string")) };
        if !init_config.is_object() {
            return Err(wrong(1, "every element must be an object, such as {}"));
        }
        // The Agent takes several instances of one check as a list in the list.
        let instances = match instances {
            Value::Array(several) => several,
            one => vec![one],
        };
        if !instances.iter().all(Value::is_object) {
            return Err(wrong(2, "every element must be an object, or a list of objects"));
        }
        match checks.get_mut(&name) {
            None => {
                checks.insert(name, (init_config, instances));
            }
            Some((there, all)) if *there == init_config => all.extend(instances),
            Some(_) => return Err(ConvertError::Twice(container.to_owned(), name)),
        }
    }
    Ok(checks.into_iter().map(|(name, (init_config, instances))| (name, entry(init_config, instances))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::file::FileContent;
    use crate::node::Map;

    fn patches(documents: &[Value]) -> Result<Vec<Map>, ConvertError> {
        let FileContent::Documents { documents, .. } = convert(documents)?.0.content else { panic!("documents") };
        Ok(documents)
    }

    fn annotations(names: &str, init_configs: &str, instances: &str) -> Value {
        json!({
            "ad.datadoghq.com/web.check_names": names,
            "ad.datadoghq.com/web.init_configs": init_configs,
            "ad.datadoghq.com/web.instances": instances,
        })
    }

    fn converted(annotations: Value) -> Result<Value, ConvertError> {
        let patch = serde_json::to_value(&patches(&[annotations])?[0]).unwrap();
        let json = patch.pointer("/spec/template/metadata/annotations/ad.datadoghq.com~1web.checks").unwrap();
        Ok(serde_json::from_str(json.as_str().unwrap()).unwrap())
    }

    #[test]
    fn elements_that_belong_together_stay_together() {
        let v1 =
            annotations(r#"["nginx","http_check"]"#, r#"[{},{"a":1}]"#, r#"[{"url":"x"},[{"name":"b"},{"name":"c"}]]"#);
        let expected = json!({
            "nginx": {"init_config": {}, "instances": [{"url": "x"}]},
            "http_check": {"init_config": {"a": 1}, "instances": [{"name": "b"}, {"name": "c"}]},
        });
        assert_eq!(converted(v1).unwrap(), expected);
        let twice = annotations(r#"["a","a"]"#, "[{},{}]", r#"[{"n":1},{"n":2}]"#);
        assert_eq!(converted(twice).unwrap()["a"]["instances"], json!([{"n": 1}, {"n": 2}]));
    }

    #[test]
    fn what_the_agent_does_not_take_is_refused_with_the_reason() {
        let error = converted(annotations(r#"["a","b"]"#, "[{}]", "[{},{}]")).unwrap_err().to_string();
        assert!(error.contains("2 check_names, 1 init_configs and 2 instances"), "{error}");
        for (names, init_configs, instances) in [
            ("a", "[{}]", "[{}]"),
            ("[1]", "[{}]", "[{}]"),
            (r#"["a"]"#, "[null]", "[{}]"),
            (r#"["a"]"#, "[{}]", "[1]"),
            (r#"["a","a"]"#, r#"[{},{"x":1}]"#, "[{},{}]"),
        ] {
            assert!(converted(annotations(names, init_configs, instances)).is_err(), "{names}");
        }
        let incomplete = json!({"ad.datadoghq.com/web.check_names": "[]"});
        assert_eq!(patches(&[incomplete]).unwrap_err(), ConvertError::Incomplete("web".into(), "init_configs"));
        assert_eq!(patches(&[json!({"kind": "Pod"})]).unwrap_err(), ConvertError::Nothing);
        assert!(patches(&[json!({"ad.datadoghq.com/web.instances": 1})]).is_err());
    }

    #[test]
    fn every_workload_gets_its_own_patch() {
        let v1 = annotations(r#"["a"]"#, "[{}]", "[{}]");
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "annotations": v1}, "spec": {"containers": [{"name": "app"}]}});
        let template = json!({"metadata": {"annotations": v1}, "spec": {"containers": [{"name": "web"}]}});
        let cron_job = json!({
            "kind": "CronJob", "metadata": {"name": "c", "namespace": "n"}, "spec": {"jobTemplate": {"spec": {"template": template}}},
        });
        let list = json!({"kind": "List", "items": [pod, cron_job]});
        let found: Vec<Value> = patches(std::slice::from_ref(&list))
            .unwrap()
            .iter()
            .map(|patch| serde_json::to_value(patch).unwrap())
            .collect();
        assert!(found[0].pointer("/metadata/annotations").is_some());
        assert!(found[1].pointer("/spec/jobTemplate/spec/template/metadata/annotations").is_some());
        assert_eq!(convert(&[list]).unwrap().1, ["Pod p has no container web: its checks never run"]);
    }
}
