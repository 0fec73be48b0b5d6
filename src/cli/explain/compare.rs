//! What a log in Datadog has otherwise than the log that podferry makes of its event now. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::datadog_log::{DatadogLog, LogForm};

/// Tags that Datadog itself adds, or shows of a log's other members.
const OF_DATADOG: [&str; 5] = ["source", "service", "datadog.submission_auth", "datadog.index", "sourcecategory"];

/// Marks that the way of a log left on it: they depend on when it was sent, or on where a batch ended.
const MARKS: [&str; 5] = ["late", "early", "partial", "truncated", "podferry_metadata"];

/// A member that differs. Of tags, those that only one of the two has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) member: &'static str,
    pub(super) in_datadog: String,
    pub(super) now: String,
}

/// The differences; what Datadog's pipelines change of a log is none.
pub(super) fn differences(log: &DatadogLog, made: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |member: &'static str, in_datadog: Option<&str>, now: &Value| {
        let now = now.as_str();
        if let Some(in_datadog) = in_datadog.filter(|known| Some(*known) != now) {
            let (in_datadog, now) = (in_datadog.to_owned(), now.unwrap_or("(none)").to_owned());
            found.push(Difference { member, in_datadog, now });
        }
    };
    let is_sent = log.form == LogForm::Sent;
    // Datadog takes a message apart that is JSON, and remaps statuses.
    let is_json = made["message"].as_str().is_some_and(|message| message.trim_start().starts_with('{'));
    if is_sent || !is_json {
        compare("message", log.message.as_deref(), &made["message"]);
    }
    if is_sent {
        compare("status", log.status.as_deref(), &made["status"]);
    }
    compare("service", log.service.as_deref(), &made["service"]);
    compare("source", log.source.as_deref(), &made["ddsource"]);
    if let (Some(in_datadog), Some(now)) = (log.original_ms.or(log.timestamp_ms), made["timestamp"].as_i64())
        && in_datadog != now
    {
        found.push(Difference { member: "timestamp", in_datadog: in_datadog.to_string(), now: now.to_string() });
    }
    found.extend(tags(log, made));
    found
}

fn tags(log: &DatadogLog, made: &Value) -> Option<Difference> {
    let is_own = |tag: &&str| {
        let name = tag.split(':').next().unwrap_or_default();
        !(MARKS.contains(&name) || log.form == LogForm::Shown && OF_DATADOG.contains(&name))
    };
    let in_datadog: BTreeSet<&str> = log.tags.as_ref()?.iter().map(String::as_str).filter(is_own).collect();
    let now: BTreeSet<&str> =
        made["ddtags"].as_str().unwrap_or_default().split(',').filter(|tag| !tag.is_empty()).filter(is_own).collect();
    let list = |tags: Vec<&str>| if tags.is_empty() { "none".to_owned() } else { tags.join(" ") };
    let only_there: Vec<&str> = in_datadog.difference(&now).copied().collect();
    let only_now: Vec<&str> = now.difference(&in_datadog).copied().collect();
    let is_same = only_there.is_empty() && only_now.is_empty();
    (!is_same).then(|| Difference { member: "tags", in_datadog: list(only_there), now: list(only_now) })
}

/// What the marks of a log say of its way.
pub(super) fn marks(log: &DatadogLog) -> Vec<String> {
    let told = [
        (
            "late",
            "true",
            "it was sent when Datadog no longer accepted its time (18 hours), so it has another one; its own is in `original_timestamp`",
        ),
        ("early", "true", "its time was in the future, so it has another one; its own is in `original_timestamp`"),
        ("partial", "true", "the end of its line was not in the same batch of events"),
        ("truncated", "true", "it was longer than a log can be, or reached podferry cut"),
        (
            "podferry_metadata",
            "missing",
            "its pod's metadata did not come in time, so it has none of the pod's tags and masks",
        ),
    ];
    let mut marks: Vec<String> = told
        .iter()
        .filter(|(name, value, _)| log.tag(name) == Some(value))
        .map(|(name, value, means)| format!("{name}:{value}: {means}"))
        .collect();
    if let Some(rule) = log.tag("podferry_rule_error") {
        marks.push(format!("podferry_rule_error:{rule}: this rule could not be applied, so the text is withheld"));
    }
    marks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::datadog_log::logs_in;
    use super::*;

    fn made() -> Value {
        json!({
            "message": "m", "timestamp": 5, "status": "info", "ddsource": "nginx", "service": "web", "ddtags": "env:prod,pod_name:p",
            "id": "37",
        })
    }

    fn of(value: &Value, made: &Value) -> Vec<Difference> {
        differences(&logs_in(value)[0], made)
    }

    #[test]
    fn the_same_log_has_none() {
        assert_eq!(of(&made(), &made()), []);
        let mut late = made();
        late["timestamp"] = json!(9);
        late["original_timestamp"] = json!(5);
        late["ddtags"] = json!("env:prod,pod_name:p,late:true");
        assert_eq!(of(&late, &made()), []);
        assert!(marks(&logs_in(&late)[0])[0].starts_with("late:true: "));
        let shown = json!({ "id": "AwAA", "content": {
            "timestamp": "1970-01-01T00:00:00.005Z", "service": "web", "message": "m", "status": "error",
            "tags": ["source:nginx", "service:web", "env:prod", "pod_name:p", "datadog.submission_auth:api_key"],
            "attributes": { "id": "37" },
        } });
        assert_eq!(of(&shown, &made()), []);
        // Datadog shows a member of a message that is JSON.
        let made = json!({ "message": "{\"message\":\"m\"}", "timestamp": 5, "ddsource": "nginx", "service": "web", "ddtags": "env:prod,pod_name:p" });
        assert_eq!(of(&shown, &made), []);
    }

    #[test]
    fn each_member_that_differs_is_named() {
        let mut other = made();
        other["message"] = json!("n");
        other["timestamp"] = json!(6);
        other["status"] = json!("error");
        other["service"] = json!("api");
        other["ddsource"] = json!("java");
        other["ddtags"] = json!("env:prod,team:shop");
        let found = of(&other, &made());
        let members: Vec<&str> = found.iter().map(|one| one.member).collect();
        assert_eq!(members, ["message", "status", "service", "source", "timestamp", "tags"]);
        assert_eq!((found[5].in_datadog.as_str(), found[5].now.as_str()), ("team:shop", "pod_name:p"));
    }
}
