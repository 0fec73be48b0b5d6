//! A canary's logs as Datadog's search shows them, and whether their tags are right.
//!
//! Source: Datadog API reference, "Search logs" (`POST /api/v2/logs/events/search`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use manifests::canary::CONTAINER;

/// A page of the answer; members that are not needed are passed over.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SearchPage {
    #[serde(default)]
    pub(super) data: Vec<FoundLog>,
    #[serde(default)]
    meta: SearchMeta,
}

#[derive(Debug, Default, Deserialize)]
struct SearchMeta {
    #[serde(default)]
    page: SearchCursor,
}

#[derive(Debug, Default, Deserialize)]
struct SearchCursor {
    after: Option<String>,
}

impl SearchPage {
    /// Where the next page begins, if there is one.
    pub(super) fn next(&self) -> Option<String> {
        self.meta.page.after.clone()
    }
}

/// One log.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct FoundLog {
    pub(crate) id: String,
    #[serde(default)]
    attributes: FoundAttributes,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct FoundAttributes {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

impl FoundLog {
    pub(crate) fn message(&self) -> &str {
        self.attributes.message.as_deref().unwrap_or_default()
    }

    /// The time of the log, in milliseconds since 1970.
    pub(crate) fn time_ms(&self) -> Option<i64> {
        self.attributes.timestamp.as_deref()?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
    }

    /// Which of the tags are not there, and the service, if it is another.
    pub(crate) fn missing<'e>(&self, expected: &'e ExpectedTags) -> Vec<&'e str> {
        let of_log = &self.attributes;
        let service = (of_log.service.as_deref() != Some(&expected.service)).then_some(expected.said_service.as_str());
        let is_missing = |tag: &&'e String| !of_log.tags.contains(tag);
        service.into_iter().chain(expected.tags.iter().filter(is_missing).map(String::as_str)).collect()
    }
}

/// What every log of the canary should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpectedTags {
    service: String,
    said_service: String,
    tags: Vec<String>,
}

impl ExpectedTags {
    /// `service` is that of the function's `DD_SERVICE`, which counts before the pod's.
    #[must_use]
    pub(crate) fn of(namespace: &str, pod: &str, service: Option<&str>) -> ExpectedTags {
        let service = service.unwrap_or(CONTAINER).to_owned();
        ExpectedTags {
            said_service: format!("service:{service}"),
            service,
            tags: vec![
                format!("kube_namespace:{namespace}"),
                format!("pod_name:{pod}"),
                format!("kube_container_name:{CONTAINER}"),
            ],
        }
    }
}

/// How many logs lack each tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MissingTags(pub(crate) BTreeMap<String, usize>);

impl MissingTags {
    pub(crate) fn add(&mut self, missing: &[&str]) {
        for tag in missing {
            *self.0.entry((*tag).to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn log(service: &str, tags: &[&str]) -> FoundLog {
        let attributes = json!({ "message": "m", "service": service, "tags": tags, "timestamp": "2026-11-22T20:37:50.336Z", "host": "h" });
        serde_json::from_value(json!({ "id": "a", "type": "log", "attributes": attributes })).unwrap()
    }

    const TAGS: [&str; 4] =
        ["source:x", "kube_namespace:shop", "pod_name:podferry-canary-r1", "kube_container_name:podferry-canary"];

    #[test]
    fn tags_and_service_are_compared() {
        let expected = ExpectedTags::of("shop", "podferry-canary-r1", None);
        assert_eq!(log(CONTAINER, &TAGS).missing(&expected), [""; 0]);
        assert_eq!(
            log("app", &TAGS[..3]).missing(&expected),
            ["service:podferry-canary", "kube_container_name:podferry-canary"]
        );
        assert_eq!(log("app", &TAGS).missing(&ExpectedTags::of("shop", "podferry-canary-r1", Some("app"))), [""; 0]);
        assert_eq!(FoundLog::default().missing(&expected).len(), 4);
    }

    #[test]
    fn answers_are_read_whatever_they_lack() {
        assert_eq!(log("a", &[]).time_ms(), Some(1_795_379_870_336));
        let page: SearchPage = serde_json::from_str(r#"{"data":[{"id":"a"}],"meta":{"page":{"after":"c"}}}"#).unwrap();
        assert_eq!((page.next().as_deref(), page.data.len(), page.data[0].message()), (Some("c"), 1, ""));
        let page: SearchPage = serde_json::from_str("{}").unwrap();
        assert_eq!((page.next(), page.data.len()), (None, 0));
        assert!(serde_json::from_str::<SearchPage>(r#"{"data":[{"attributes":null}]}"#).is_err());
    }
}
