//! The `ad.datadoghq.com/…` annotations of a pod that concern logs and tags.
//!
//! Template variables in source, service and tags are resolved for each pod ([`ContainerLogs::named`]); the annotation itself is read
//! once for all pods that have the same. A variable that no record can tell is an error of the annotation.
//!
//! Source: Datadog, "Kubernetes Log Collection", autodiscovery annotations, and DataDog/datadog-agent,
//! `comp/core/tagger/collectors`, for the two `tags` annotations.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::rules::{RuleSet, parse};
use super::tags::pod::Pairs;
use super::tags::tag_set;
use super::template_variables::{self, TemplateValues};

/// What `ad.datadoghq.com/<container>.logs` says of a container's logs; empty where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct ContainerLogs {
    /// As written, and so are service and tags: see [`ContainerLogs::named`].
    pub(crate) source: String,
    service: String,
    tags: Vec<String>,
    pub rules: Arc<RuleSet>,
    /// `auto_multi_line_detection`, where it is said.
    pub(crate) auto_multi_line: Option<bool>,
}

/// The names that an annotation gives the logs of one pod's container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogNames<'a> {
    pub(crate) source: Cow<'a, str>,
    pub(crate) service: Cow<'a, str>,
    pub(crate) tags: Vec<Cow<'a, str>>,
    /// Whether a template variable has no value for this pod. What it stands in is then left out, and as with any other mistake,
    /// source and service are the default ones.
    pub(crate) incomplete: bool,
}

/// The name of the annotation for a container's logs.
pub fn logs_annotation(container: &str) -> String {
    format!("ad.datadoghq.com/{container}.logs")
}

impl ContainerLogs {
    /// Reads an annotation. What cannot be used is among the errors of the rules; source and service are then the
    /// default ones: logs must not be lost for it, and its author must see it.
    pub fn parse(json: &str) -> ContainerLogs {
        let of_rules = |rules: RuleSet| ContainerLogs { rules: Arc::new(rules), ..ContainerLogs::default() };
        let value: Value = match serde_json::from_str(json) {
            Ok(value) => value,
            Err(error) => {
                return of_rules(parse::unreadable(json, format!("is not JSON: {}", parse::json_problem(&error))));
            }
        };
        // For a container only the first element counts.
        let first = match &value {
            Value::Array(configs) => configs.first(),
            other => Some(other),
        };
        let Some(first) = first else { return ContainerLogs::default() };
        if !first.is_object() {
            return of_rules(parse::unreadable(json, "must be a list of objects: `[{\"source\":…}]`".to_owned()));
        }
        read(first)
    }

    /// How many bytes it takes, without its rules.
    pub(crate) fn text_bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
        self.source.len() + self.service.len() + tags
    }

    /// Source, service and tags, with the template variables resolved.
    pub(crate) fn named<'a>(&'a self, values: &TemplateValues) -> LogNames<'a> {
        let mut incomplete = false;
        let mut resolve = |text: &'a str| {
            let resolved = template_variables::resolve(text, values);
            incomplete |= resolved.is_err();
            resolved.ok()
        };
        let (source, service) = (resolve(&self.source), resolve(&self.service));
        let tags = self.tags.iter().filter_map(|tag| resolve(tag)).collect();
        let (source, service) = if incomplete { (None, None) } else { (source, service) };
        LogNames { source: source.unwrap_or_default(), service: service.unwrap_or_default(), tags, incomplete }
    }

    /// What to name in the tag `podferry_rule_error`: the rules that cannot be used, or the annotation.
    pub(crate) fn errors<'n>(&'n self, annotation: &'n str) -> impl Iterator<Item = &'n str> {
        self.rules.errors.iter().map(move |error| error.name.as_deref().unwrap_or(annotation))
    }
}

/// How many bytes the rules of an annotation may take once they are compiled: two dozen patterns with a class of Unicode, some hundred without. Twice as
/// much fits into what the smallest function remembers.
const MAX_RULES_BYTES: usize = 3 * 1024 * 1024;

/// Members of a configuration that are text for people or tags, whatever stands in them.
const TEXTS: [&str; 3] = ["source", "service", "tags"];

fn read(config: &Value) -> ContainerLogs {
    let mut rules = match config.get("log_processing_rules") {
        None | Some(Value::Null) => misplaced(config),
        Some(list @ Value::Array(_)) => parse::list_unless(list, MAX_RULES_BYTES, has_variable),
        Some(other) => {
            let problem = "its `log_processing_rules` must be a list: `[{\"type\":…,\"name\":…,\"pattern\":…}]`";
            parse::unreadable(&other.to_string(), problem.to_owned())
        }
    };
    let mut wrong =
        |name: &str, expected: &str| rules.errors.push(parse::error(format!("its `{name}` must be {expected}")));
    let mut text = |name: &str| match config.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => {
            wrong(name, "a string");
            String::new()
        }
    };
    let (source, service) = (text("source"), text("service"));
    let mut tags = match config.get("tags") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(list)) => tag_set::split_list(list).into_iter().map(str::to_owned).collect(),
        Some(value) => {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            if !value.is_array() || !list.iter().all(Value::is_string) {
                wrong("tags", "a list of strings, or a string with commas");
            }
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    };
    let auto_multi_line = match config.get("auto_multi_line_detection") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(is_on)) => Some(*is_on),
        Some(_) => {
            wrong("auto_multi_line_detection", "`true` or `false`, without quotes");
            None
        }
    };
    for (name, texts) in
        [("source", std::slice::from_ref(&source)), ("service", std::slice::from_ref(&service)), ("tags", &tags)]
    {
        // One is enough: tags can be as many as fit an annotation.
        if let Some(variable) = texts.iter().find_map(|text| template_variables::unknown(text)) {
            rules.errors.push(parse::error(format!("its `{name}` has {}", unknown_here(variable))));
        }
    }
    tags.retain(|tag| template_variables::unknown(tag).is_none());
    let named = |name: String| if rules.errors.is_empty() { name } else { String::new() };
    ContainerLogs { source: named(source), service: named(service), tags, auto_multi_line, rules: Arc::new(rules) }
}

fn unknown_here(variable: &str) -> String {
    // As long as any that the Agent knows, and an environment variable's name.
    let variable: String = variable.chars().take(80).collect();
    format!(
        "`{variable}`, which a log does not tell: only %%kube_namespace%%, %%kube_pod_name%% and %%kube_pod_uid%% are known"
    )
}

/// Why a rule cannot be used: the Agent resolves variables in rules, too. Here rules are compiled once for all pods.
fn has_variable(rule: &Value) -> Option<String> {
    let has_any = match rule {
        Value::Object(members) => members.values().filter_map(Value::as_str).any(template_variables::has_any),
        _ => false,
    };
    has_any.then(|| "has a template variable (`%%…%%`), which rules cannot have here".to_owned())
}

/// Rules that stand where they have no effect: beside `source`, or under a name that is misspelt. They were meant.
fn misplaced(config: &Value) -> RuleSet {
    let others = config.as_object().into_iter().flatten().filter(|(name, _)| !TEXTS.contains(&name.as_str()));
    let others = Value::Object(others.map(|(name, value)| (name.clone(), value.clone())).collect());
    if !parse::holds_rule(&others) {
        return RuleSet::default();
    }
    let problem = "has rules outside `log_processing_rules`: `[{\"log_processing_rules\":[{\"type\":…}]}]`";
    parse::unreadable(&others.to_string(), problem.to_owned())
}

/// What the annotations `ad.datadoghq.com/tags` (the pod's) and `ad.datadoghq.com/<container>.tags` give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AnnotationTags {
    /// Names and values.
    pub(crate) tags: Vec<(String, String)>,
    /// The annotations that have a template variable without a value. Such a tag is left out.
    pub(crate) incomplete: Vec<String>,
}

/// Reads them. A value may be a string, or an array, whose elements are taken as they are written; a leading `+` of a name only means
/// high cardinality.
pub(crate) fn tags(annotations: &Pairs, container: &str, values: &TemplateValues) -> AnnotationTags {
    let of_container = format!("ad.datadoghq.com/{container}.tags");
    let mut found = AnnotationTags::default();
    for annotation in ["ad.datadoghq.com/tags", of_container.as_str()] {
        let parsed = annotations.get(annotation).and_then(|json| serde_json::from_str(json).ok());
        let Some(Value::Object(map)) = parsed else { continue };
        for (name, value) in map {
            let texts = match value {
                Value::String(value) => vec![value],
                Value::Array(values) => values.into_iter().filter_map(text_of).collect(),
                _ => continue,
            };
            for text in texts {
                let name = template_variables::resolve(name.trim_start_matches('+'), values);
                match (name, template_variables::resolve(&text, values)) {
                    (Ok(name), Ok(text)) => found.tags.push((name.into_owned(), text.into_owned())),
                    _ if found.incomplete.iter().any(|known| known == annotation) => {}
                    _ => found.incomplete.push(annotation.to_owned()),
                }
            }
        }
    }
    found
}

/// An element of an array as a tag's value.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: TemplateValues = TemplateValues { namespace: "shop", pod_name: "web-0", pod_uid: "" };

    #[test]
    fn the_first_element_counts() {
        let json = r#"[{"source":"nginx","service":"store","tags":["a:b","c:d"]},{"source":"x"}]"#;
        let found = ContainerLogs::parse(json);
        assert_eq!((found.source.as_str(), found.service.as_str()), ("nginx", "store"));
        assert_eq!(found.tags, ["a:b", "c:d"]);
        assert_eq!(ContainerLogs::parse(r#"[{"tags":"a:b, c:d"}]"#).tags, ["a:b", "c:d"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_nothing_else() {
        for json in [
            "not json",
            "7",
            "[7]",
            "null",
            r#"[{"source":7}]"#,
            r#"[{"log_processing_rules":{}}]"#,
            r#"[{"tags":7}]"#,
            r#"[{"tags":["a:b",7]}]"#,
            r#"[{"auto_multi_line_detection":"false"}]"#,
            r#"[{"type":"exclude_at_match","name":"x","pattern":"y"}]"#,
            r#"[{"log_processing_rule":[{"type":"exclude_at_match","name":"x","pattern":"y"}]}]"#,
        ] {
            let found = ContainerLogs::parse(json);
            assert_eq!(
                found.errors("ad.datadoghq.com/web.logs").collect::<Vec<_>>(),
                ["ad.datadoghq.com/web.logs"],
                "{json}"
            );
            assert!(found.source.is_empty() && found.rules.rules.is_empty(), "{json}");
        }
        for json in ["[]", r#"{"source":"exclude_at_match"}"#, r#"[{"type":"file","path":"/var/log/x.log"}]"#] {
            assert_eq!(ContainerLogs::parse(json).errors("").count(), 0, "{json}");
        }
    }

    #[test]
    fn one_broken_rule_takes_source_and_service_but_not_the_other_rules() {
        let found = ContainerLogs::parse(
            r#"[{"source":"nginx","service":"store","log_processing_rules":[
                {"type":"exclude_at_match","name":"health","pattern":"/health"},
                {"type":"include_at_match","name":"broken","pattern":"("}]}]"#,
        );
        assert_eq!((found.source.as_str(), found.service.as_str()), ("", ""));
        assert_eq!(found.errors("x").collect::<Vec<_>>(), ["broken"]);
        assert_eq!(found.rules.rules.len(), 1);
    }

    #[test]
    fn tags_of_the_pod_and_of_the_container() {
        let pairs = Pairs::parse(
            &serde_json::json!({
                "ad.datadoghq.com/tags": r#"{"cost":"a","+many":["b","c",7],"n":1}"#,
                "ad.datadoghq.com/web.tags": r#"{"own":"d"}"#,
                "ad.datadoghq.com/other.tags": r#"{"no":"e"}"#,
            })
            .to_string(),
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut found = tags(&pairs, "web", &VALUES).tags;
        found.sort();
        assert_eq!(
            found,
            [pair("cost", "a"), pair("many", "7"), pair("many", "b"), pair("many", "c"), pair("own", "d")]
        );
    }

    #[test]
    fn template_variables_are_resolved_for_each_pod() {
        let json = r#"[{"source":"s","service":"%%kube_namespace%%-api","tags":["pod:%%kube_pod_name%%","x:y"]}]"#;
        let logs = ContainerLogs::parse(json);
        assert_eq!(logs.errors("").count(), 0);
        let named = logs.named(&VALUES);
        assert_eq!((&*named.source, &*named.service, named.incomplete), ("s", "shop-api", false));
        assert_eq!(named.tags, ["pod:web-0", "x:y"]);
        let other = TemplateValues { namespace: "other", ..VALUES };
        assert_eq!(logs.named(&other).service, "other-api");
    }

    #[test]
    fn a_variable_without_a_value_leaves_out_what_it_stands_in() {
        let logs = ContainerLogs::parse(r#"[{"source":"s","service":"api","tags":"uid:%%kube_pod_uid%%,x:y"}]"#);
        assert_eq!(logs.errors("").count(), 0);
        let named = logs.named(&VALUES);
        assert_eq!((&*named.source, &*named.service, named.incomplete), ("", "", true));
        assert_eq!(named.tags, ["x:y"]);
        let many = format!(r#"[{{"tags":[{}]}}]"#, vec![r#""a:%%host%%""#; 1000].join(","));
        assert_eq!(ContainerLogs::parse(&many).errors("annotation").count(), 1);
        for part in [r#""service":"%%host%%""#, r#""source":"%%env_SOURCE%%""#, r#""tags":["port:%%port_0%%","x:y"]"#] {
            let logs = ContainerLogs::parse(&format!(r#"[{{"source":"s",{part}}}]"#));
            assert_eq!(logs.errors("annotation").collect::<Vec<_>>(), ["annotation"], "{part}");
            let named = logs.named(&VALUES);
            assert_eq!((&*named.source, &*named.service), ("", ""), "{part}");
            assert!(!named.tags.iter().any(|tag| tag.contains("%%")), "{part}");
        }
        let annotations = |json: &str| Pairs::parse(&serde_json::json!({ "ad.datadoghq.com/tags": json }).to_string());
        let found = tags(&annotations(r#"{"a":["%%host%%","%%port%%","%%kube_namespace%%"],"b":"c"}"#), "web", &VALUES);
        assert_eq!(found.incomplete, ["ad.datadoghq.com/tags"]);
        assert!(found.tags.iter().all(|(_, value)| ["shop", "c"].contains(&value.as_str())) && found.tags.len() == 2);
    }

    #[test]
    fn a_rule_with_a_variable_is_not_taken_literally() {
        let logs = ContainerLogs::parse(
            r#"[{"log_processing_rules":[
                {"type":"mask_sequences","name":"pod","pattern":"%%kube_pod_name%%","replace_placeholder":"x"},
                {"type":"exclude_at_match","name":"percent","pattern":"100%%"}]}]"#,
        );
        assert_eq!(logs.errors("").collect::<Vec<_>>(), ["pod"]);
        assert!(matches!(logs.rules.rules[0].action, super::super::rules::RuleAction::BrokenMask));
        assert_eq!(logs.rules.rules.len(), 2);
    }
}
