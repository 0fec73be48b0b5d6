//! `DD_KUBERNETES_POD_LABELS_AS_TAGS` and its sisters: which labels and annotations become which tags.

use serde_json::{Map, Value};

use super::tag_set::TagSet;
use crate::glob;

/// A map from label names, or patterns of them, to tag names, or templates of them.
///
/// Source: DataDog/datadog-agent, `comp/core/tagger/k8s_metadata`, `AddMetadataAsTags`, and Datadog's page
/// "Kubernetes Tag Extraction".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsTags(Vec<(String, Vec<String>)>);

impl AsTags {
    /// Reads `{"app":"kube_app","release":"helm_%%label%%","*":"pod_%%label%%"}`.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(json: &str) -> Result<AsTags, &'static str> {
        const EXPECTED: &str = "a JSON object from label names to tag names, such as {\"app\":\"kube_app\"}";
        let map: Map<String, Value> = serde_json::from_str(json).map_err(|_| EXPECTED)?;
        let mut rules = Vec::new();
        for (name, tags) in map {
            let tags = tags.as_str().ok_or(EXPECTED)?;
            let tags = tags.split(',').map(|tag| tag.trim().trim_start_matches('+').to_owned()).collect();
            rules.push((name.to_lowercase(), tags));
        }
        Ok(AsTags(rules))
    }

    /// Adds the tags that one label (or annotation) makes.
    pub(crate) fn apply(&self, name: &str, value: &str, tags: &mut TagSet) {
        let lower = name.to_lowercase();
        for (pattern, templates) in &self.0 {
            if glob::matches(pattern, &lower, false) {
                for template in templates {
                    tags.add(&resolve(template, name), value);
                }
            }
        }
    }
}

/// Puts the name in for `%%label%%`, `%%annotation%%` and `%%env%%`; any other template variable becomes nothing.
fn resolve(template: &str, name: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("%%") {
        let Some((variable, tail)) = after.split_once("%%") else { break };
        out.push_str(before);
        if matches!(variable, "label" | "annotation" | "env") {
            out.push_str(name);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(json: &str, labels: &[(&str, &str)]) -> String {
        let rules = AsTags::parse(json).unwrap();
        let mut tags = TagSet::default();
        for (name, value) in labels {
            rules.apply(name, value, &mut tags);
        }
        tags.join(100)
    }

    #[test]
    fn names_patterns_and_templates() {
        assert_eq!(tags(r#"{"app":"kube_app, +other"}"#, &[("App", "web"), ("apps", "x")]), "kube_app:web,other:web");
        assert_eq!(tags(r#"{"release":"helm_%%label%%"}"#, &[("release", "r1")]), "helm_release:r1");
        assert_eq!(tags(r#"{"*":"pod_%%label%%"}"#, &[("team", "a"), ("x/y", "b")]), "pod_team:a,pod_x/y:b");
        assert_eq!(tags(r#"{"a*c":"%%nonsense%%t"}"#, &[("abc", "1"), ("ac", "2"), ("abd", "3")]), "t:1,t:2");
        assert_eq!(tags(r#"{"app":"service"}"#, &[("app", "web")]), "service:web");
    }

    #[test]
    fn what_is_no_such_map_is_refused() {
        for json in ["", "[]", "{\"a\":1}", "{\"a\":"] {
            assert!(AsTags::parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn stars_match_anything() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(glob::matches(pattern, text, false), expected, "{pattern} {text}");
        }
    }
}
