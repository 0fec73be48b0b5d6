//! The annotations by which an Agent finds out what to check in a container: `ad.datadoghq.com/<container>.checks`.
//!
//! Source: Datadog, "Kubernetes and Integrations", "Autodiscovery annotations v2".

use serde_json::{Map as Json, Value};

use crate::cluster::is_label;
use crate::file::GeneratedFile;
use crate::node::Map;
use crate::workload::{TEMPLATE, TemplatePath};

/// What annotations of Autodiscovery begin with.
pub(crate) const PREFIX: &str = "ad.datadoghq.com/";

/// The checks of one container.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    pub(crate) container: String,
    /// By name: `{"init_config": …, "instances": […]}` each.
    pub(crate) checks: Json<String, Value>,
}

/// Whether a text can be the name of an integration.
pub(crate) fn is_check(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !name.is_empty() && name.bytes().all(is_usual)
}

/// Why no annotation can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    #[error("--container: must be the container's name in the pod: lower-case letters, digits and `-`")]
    Container,
    #[error("--check: must be the name of an integration, such as redisdb")]
    Check,
    #[error("--instance: must be a JSON object, such as '{{\"host\": \"%%host%%\", \"port\": \"6379\"}}': {0}")]
    Instance(String),
    #[error("--init-config: must be a JSON object: {0}")]
    InitConfig(String),
    #[error("an Agent check file needs `instances:`, a list of maps; `init_config:`, a map, is optional")]
    File,
    #[error("no instance: give --instance or --file")]
    NoInstance,
}

/// The check of one container, from JSON.
///
/// # Errors
/// [`AnnotationError`].
pub fn check(
    container: &str,
    name: &str,
    init_config: Option<&str>,
    instances: &[String],
) -> Result<Checks, AnnotationError> {
    let object = |text: &str| serde_json::from_str::<Json<String, Value>>(text).map_err(|error| error.to_string());
    let init_config = init_config.map(object).transpose().map_err(AnnotationError::InitConfig)?.unwrap_or_default();
    let instances = instances.iter().map(|text| object(text).map(Value::Object)).collect::<Result<Vec<_>, _>>();
    checks(container, name, init_config, instances.map_err(AnnotationError::Instance)?)
}

/// The check of one container, from an Agent's check file (`conf.d/<check>.d/conf.yaml`).
///
/// # Errors
/// [`AnnotationError`].
pub fn check_of_file(container: &str, name: &str, file: &Value) -> Result<Checks, AnnotationError> {
    let init_config = match file.get("init_config") {
        None | Some(Value::Null) => Json::new(),
        Some(Value::Object(init_config)) => init_config.clone(),
        Some(_) => return Err(AnnotationError::File),
    };
    let instances = file.get("instances").and_then(Value::as_array).ok_or(AnnotationError::File)?;
    if !instances.iter().all(Value::is_object) {
        return Err(AnnotationError::File);
    }
    checks(container, name, init_config, instances.clone())
}

fn checks(
    container: &str,
    name: &str,
    init_config: Json<String, Value>,
    instances: Vec<Value>,
) -> Result<Checks, AnnotationError> {
    if !is_label(container) {
        return Err(AnnotationError::Container);
    }
    if !is_check(name) {
        return Err(AnnotationError::Check);
    }
    if instances.is_empty() {
        return Err(AnnotationError::NoInstance);
    }
    let checks = Json::from_iter([(name.to_owned(), entry(init_config.into(), instances))]);
    Ok(Checks { container: container.to_owned(), checks })
}

/// What is after a check's name.
pub(super) fn entry(init_config: Value, instances: Vec<Value>) -> Value {
    let entry = [("init_config".to_owned(), init_config), ("instances".to_owned(), instances.into())];
    Json::from_iter(entry).into()
}

/// A patch with the annotations.
pub fn generate(checks: &[Checks]) -> GeneratedFile {
    let introduction = "Checks that the Agent runs for containers, as a patch:\n\
                        kubectl patch deployment NAME --namespace NAMESPACE --patch-file annotations.yaml\n\
                        The Agent reads them from running pods, so they are on the pod template, not on the workload.";
    GeneratedFile::documents("annotations.yaml", introduction, vec![patch("", TEMPLATE, checks)])
}

/// The annotations of the pods whose template is at the end of a path, with a comment on top.
pub(super) fn patch(comment: &str, template: TemplatePath, checks: &[Checks]) -> Map {
    let annotations = checks.iter().fold(Map::new(), |map, checks| {
        // Indented, and with a line break at its end, so that it is written as a block. A tree of strings can be written.
        let json = serde_json::to_string_pretty(&checks.checks).unwrap_or_default() + "\n";
        map.with(&format!("{PREFIX}{}.checks", checks.container), json)
    });
    let names: Vec<&str> = template.iter().copied().chain(["metadata", "annotations"]).collect();
    let (first, inner) = names.split_first().unwrap_or((&"", &[]));
    let value = inner.iter().rfold(annotations, |value, name| Map::new().with(name, value));
    if comment.is_empty() { Map::new().with(first, value) } else { Map::new().with_comment(comment, first, value) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn from_json_and_from_a_file_it_is_the_same() {
        let instance = r#"{"host": "%%host%%", "port": "6379"}"#.to_owned();
        let of_json = check("redis", "redisdb", Some(r#"{"a": 1}"#), &[instance]).unwrap();
        let file = json!({"init_config": {"a": 1}, "instances": [{"host": "%%host%%", "port": "6379"}]});
        assert_eq!(check_of_file("redis", "redisdb", &file).unwrap(), of_json);
        assert_eq!(of_json.checks["redisdb"]["instances"][0]["port"], "6379");
        let without = json!({"init_config": null, "instances": [{}]});
        assert_eq!(check_of_file("a", "b", &without).unwrap().checks["b"]["init_config"], json!({}));
    }

    #[test]
    fn what_is_no_check_is_refused() {
        let one = ["{}".to_owned()];
        assert_eq!(check("Redis", "redisdb", None, &one), Err(AnnotationError::Container));
        assert_eq!(check("redis", "redis db", None, &one), Err(AnnotationError::Check));
        assert_eq!(check("redis", "redisdb", None, &[]), Err(AnnotationError::NoInstance));
        assert!(matches!(check("redis", "redisdb", None, &["[]".into()]), Err(AnnotationError::Instance(_))));
        assert!(matches!(check("redis", "redisdb", Some("1"), &one), Err(AnnotationError::InitConfig(_))));
        for file in
            [json!({}), json!({"instances": {}}), json!({"instances": [1]}), json!({"init_config": 1, "instances": []})]
        {
            assert_eq!(check_of_file("redis", "redisdb", &file), Err(AnnotationError::File), "{file}");
        }
    }
}
