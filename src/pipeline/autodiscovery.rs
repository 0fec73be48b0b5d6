//! The `ad.datadoghq.com/…` annotations of a pod that concern logs and tags.
//!
//! Source: Datadog, "Kubernetes Log Collection", autodiscovery annotations, and DataDog/datadog-agent,
//! `comp/core/tagger/collectors`, for the two `tags` annotations.

use serde_json::Value;

use super::tags::pod::Pairs;
use super::tags::tag_set;

/// What `ad.datadoghq.com/<container>.logs` says of a container's logs; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogsConfig {
    pub source: String,
    pub service: String,
    pub tags: Vec<String>,
}

/// Reads the annotation of one container. One that is no JSON counts as none: logs must not be lost for it.
pub fn logs(annotations: &Pairs, container: &str) -> LogsConfig {
    let value = annotations.get(&format!("ad.datadoghq.com/{container}.logs"));
    let parsed: Option<Value> = value.and_then(|json| serde_json::from_str(json).ok());
    // For a container only the first element counts.
    let first = match &parsed {
        Some(Value::Array(configs)) => configs.first(),
        other => other.as_ref(),
    };
    let Some(first) = first else { return LogsConfig::default() };
    let text = |name: &str| first.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let tags = match first.get("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(list)) => tag_set::split_list(list).into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    LogsConfig { source: text("source"), service: text("service"), tags }
}

/// The tags of `ad.datadoghq.com/tags` (the pod's) and `ad.datadoghq.com/<container>.tags`: names and values.
///
/// A value may be a string or an array of strings; a leading `+` of a name only means high cardinality.
pub fn tags(annotations: &Pairs, container: &str) -> Vec<(String, String)> {
    let of_container = format!("ad.datadoghq.com/{container}.tags");
    let mut tags = Vec::new();
    for name in ["ad.datadoghq.com/tags", of_container.as_str()] {
        let parsed = annotations.get(name).and_then(|json| serde_json::from_str(json).ok());
        let Some(Value::Object(map)) = parsed else { continue };
        for (name, value) in map {
            let name = name.trim_start_matches('+');
            match value {
                Value::String(value) => tags.push((name.to_owned(), value)),
                Value::Array(values) => {
                    let values = values.iter().filter_map(Value::as_str);
                    tags.extend(values.map(|value| (name.to_owned(), value.to_owned())));
                }
                _ => {}
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(name: &str, value: &str) -> Pairs {
        Pairs::parse(&serde_json::json!({ name: value }).to_string())
    }

    #[test]
    fn the_first_element_counts() {
        let found = logs(
            &annotations(
                "ad.datadoghq.com/web.logs",
                r#"[{"source":"nginx","service":"store","tags":["a:b","c:d"]},{"source":"x"}]"#,
            ),
            "web",
        );
        assert_eq!((found.source.as_str(), found.service.as_str()), ("nginx", "store"));
        assert_eq!(found.tags, ["a:b", "c:d"]);
        let list = logs(&annotations("ad.datadoghq.com/web.logs", r#"[{"tags":"a:b, c:d"}]"#), "web");
        assert_eq!(list.tags, ["a:b", "c:d"]);
    }

    #[test]
    fn other_containers_and_broken_json_say_nothing() {
        for value in ["not json", "[]", "7", "[7]", "null", r#"[{"source":7}]"#] {
            assert_eq!(logs(&annotations("ad.datadoghq.com/web.logs", value), "web"), LogsConfig::default(), "{value}");
        }
        let other = annotations("ad.datadoghq.com/other.logs", r#"[{"source":"nginx"}]"#);
        assert_eq!(logs(&other, "web"), LogsConfig::default());
    }

    #[test]
    fn tags_of_the_pod_and_of_the_container() {
        let pairs = Pairs::parse(
            &serde_json::json!({
                "ad.datadoghq.com/tags": r#"{"cost":"a","+many":["b","c"],"n":1}"#,
                "ad.datadoghq.com/web.tags": r#"{"own":"d"}"#,
                "ad.datadoghq.com/other.tags": r#"{"no":"e"}"#,
            })
            .to_string(),
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut found = tags(&pairs, "web");
        found.sort();
        assert_eq!(found, [pair("cost", "a"), pair("many", "b"), pair("many", "c"), pair("own", "d")]);
    }
}
