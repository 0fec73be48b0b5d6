//! A log of Datadog's, in the forms in which people get one: as it was sent, as the Logs API answers, as the Log Explorer copies it.
//!
//! Sources: Datadog API reference, "Search logs" (version 2: `data[].attributes`; version 1: `logs[].content`, which the Log Explorer's "Copy
//! as JSON" has, too) and "Send logs". Pure.

use serde_json::Value;

use super::event_id;

/// Whose words the members are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LogForm {
    /// Only its id is known.
    #[default]
    Id,
    /// As the forwarder sends it.
    Sent,
    /// As Datadog shows it: its pipelines may have changed message and attributes.
    Shown,
}

/// What a log says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DatadogLog {
    pub(super) form: LogForm,
    /// CloudWatch's id of its event.
    pub(super) id: Option<String>,
    /// Datadog's own.
    pub(super) datadog_id: Option<String>,
    pub(super) log_group: Option<String>,
    pub(super) log_stream: Option<String>,
    /// The account of the log group.
    pub(super) owner: Option<String>,
    pub(super) function_arn: Option<String>,
    /// Milliseconds since 1970, as both.
    pub(super) timestamp_ms: Option<i64>,
    /// Its own time, where it was sent with another.
    pub(super) original_ms: Option<i64>,
    pub(super) message: Option<String>,
    pub(super) status: Option<String>,
    pub(super) service: Option<String>,
    pub(super) source: Option<String>,
    /// `None` where the form does not have them.
    pub(super) tags: Option<Vec<String>>,
}

impl DatadogLog {
    pub(super) fn of_id(id: &str) -> DatadogLog {
        DatadogLog { id: Some(id.to_owned()), ..DatadogLog::default() }
    }

    /// The value of a tag.
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        let pairs = self.tags.iter().flatten().filter_map(|tag| tag.split_once(':'));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }

    /// The version of Datadog's own forwarder, if that sent it.
    /// Source: DataDog/datadog-serverless-functions, `aws/logs_monitoring`: the tags that it gives every log.
    pub(super) fn other_forwarder(&self) -> Option<&str> {
        self.tag("forwardername").and(self.tag("forwarder_version"))
    }

    /// Region and account of the function that sent it.
    pub(super) fn sender(&self) -> Option<(&str, &str)> {
        let mut parts = self.function_arn.as_deref()?.split(':').skip(2);
        let [Some("lambda"), Some(region), Some(account)] = std::array::from_fn(|_| parts.next()) else { return None };
        // A part of the hosts that signed requests go to, so nothing but a name: whoever wrote the log chose it. (`podferry preview`
        // has words in the places of both.)
        let is_region = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_region && !region.is_empty() && is_account).then_some((region, account))
    }

    /// The times at which its event may be found, the likeliest first.
    pub(super) fn times_ms(&self) -> impl Iterator<Item = i64> {
        let of_id = self.id.as_deref().and_then(event_id::time_ms);
        [of_id, self.original_ms, self.timestamp_ms].into_iter().flatten()
    }
}

/// All logs in a value; none if it is something else.
pub(super) fn logs_in(value: &Value) -> Vec<DatadogLog> {
    match value {
        Value::Array(values) => values.iter().flat_map(logs_in).collect(),
        Value::Object(object) => {
            // An answer of the API; `podferry preview --explain`.
            let listed = ["data", "logs"].into_iter().filter_map(|name| object.get(name)).find(|one| !one.is_string());
            match (listed, object.get("log")) {
                (Some(listed), _) if object.get("message").is_none() => logs_in(listed),
                (None, Some(log)) if object.contains_key("shipped") => logs_in(log),
                _ => one(value).into_iter().collect(),
            }
        }
        _ => Vec::new(),
    }
}

fn one(value: &Value) -> Option<DatadogLog> {
    let shown = ["content", "attributes"].into_iter().map(|name| &value[name]);
    let shown = shown.into_iter().find(|shown| shown["attributes"].is_object() || shown["tags"].is_array());
    if let Some(shown) = shown {
        let datadog_id = text(&value["id"]);
        return Some(DatadogLog { datadog_id, ..of_members(&shown["attributes"], shown, LogForm::Shown) });
    }
    let is_sent = value["message"].is_string() && (value["ddtags"].is_string() || value["ddsource"].is_string());
    // What the Log Explorer copies of a log's attributes alone.
    let is_of_aws = value["aws"]["awslogs"].is_object();
    match (is_sent, is_of_aws) {
        (true, _) => Some(of_members(value, value, LogForm::Sent)),
        (false, true) => Some(of_members(value, &Value::Null, LogForm::Shown)),
        (false, false) => None,
    }
}

/// `attributes` has what the forwarder sent beside what Datadog knows, `known` what Datadog knows.
fn of_members(attributes: &Value, known: &Value, form: LogForm) -> DatadogLog {
    let aws = &attributes["aws"];
    let tags = match (&known["tags"], &known["ddtags"]) {
        (Value::Array(tags), _) => Some(tags.iter().filter_map(text).collect()),
        (_, Value::String(tags)) => Some(tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()),
        _ => None,
    };
    let mut log = DatadogLog {
        form,
        id: text(&attributes["id"]).filter(|id| event_id::is_event_id(id)),
        datadog_id: None,
        log_group: text(&aws["awslogs"]["logGroup"]),
        log_stream: text(&aws["awslogs"]["logStream"]),
        owner: text(&aws["awslogs"]["owner"]).filter(|owner| !owner.is_empty()),
        function_arn: text(&aws["invoked_function_arn"]),
        timestamp_ms: time_ms(&known["timestamp"]).or_else(|| time_ms(&attributes["timestamp"])),
        original_ms: time_ms(&attributes["original_timestamp"]),
        message: text(&known["message"]),
        status: text(&known["status"]).or_else(|| text(&attributes["status"])),
        service: text(&known["service"]).or_else(|| text(&attributes["service"])),
        source: text(&known["ddsource"]).or_else(|| text(&known["source"])),
        tags,
    };
    log.source = log.source.take().or_else(|| log.tag("source").map(str::to_owned));
    log
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Milliseconds since 1970, written so or as RFC 3339.
fn time_ms(value: &Value) -> Option<i64> {
    let of_text = || value.as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    value.as_i64().or_else(of_text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

    fn aws() -> Value {
        json!({ "awslogs": { "logGroup": "g", "logStream": "s", "owner": "111122223333" }, "invoked_function_arn": ARN })
    }

    fn sent() -> Value {
        json!({
            "message": "m", "timestamp": 5, "status": "info", "ddsource": "nginx", "service": "web", "ddtags": "env:prod,pod_name:p",
            "id": "37", "aws": aws(),
        })
    }

    /// What all forms of the same log have.
    fn is_it(log: &DatadogLog) -> bool {
        log.id.as_deref() == Some("37")
            && log.log_group.as_deref() == Some("g")
            && log.log_stream.as_deref() == Some("s")
            && log.owner.as_deref() == Some("111122223333")
            && log.sender() == Some(("eu-west-1", "111122223333"))
    }

    #[test]
    fn a_log_in_each_form() {
        let attributes = json!({ "id": "37", "aws": aws(), "timestamp": 5 });
        let known = json!({
            "timestamp": "1970-01-01T00:00:00.005Z", "tags": ["env:prod", "pod_name:p", "source:nginx"], "host": "h", "service": "web",
            "message": "m", "status": "info", "attributes": attributes,
        });
        let forms = [
            (sent(), LogForm::Sent),
            (json!([sent()]), LogForm::Sent),
            (
                json!({ "counts": {}, "logs": [{ "shipped": true, "log": sent() }, { "shipped": false, "log": null }] }),
                LogForm::Sent,
            ),
            (json!({ "id": "AwAA", "type": "log", "attributes": known }), LogForm::Shown),
            (json!({ "data": [{ "id": "AwAA", "type": "log", "attributes": known }], "meta": {} }), LogForm::Shown),
            (json!({ "id": "AwAA", "content": known }), LogForm::Shown),
            (json!({ "logs": [{ "id": "AwAA", "content": known }], "status": "done" }), LogForm::Shown),
        ];
        for (value, form) in forms {
            let logs = logs_in(&value);
            assert!(logs.len() == 1 && is_it(&logs[0]), "{value}: {logs:?}");
            let log = &logs[0];
            assert_eq!((log.form, log.timestamp_ms, log.message.as_deref()), (form, Some(5), Some("m")), "{value}");
            assert_eq!((log.source.as_deref(), log.tag("env")), (Some("nginx"), Some("prod")), "{value}");
            assert_eq!(log.datadog_id.is_some(), form == LogForm::Shown);
        }
        let alone = logs_in(&attributes);
        assert!(alone.len() == 1 && is_it(&alone[0]) && alone[0].tags.is_none(), "{alone:?}");
    }

    #[test]
    fn what_is_no_log() {
        for value in [
            json!(7),
            json!({}),
            json!({ "awslogs": { "data": "H4sI" } }),
            json!({ "logGroup": "g", "logEvents": [{ "id": "1", "message": "m" }] }),
            json!({ "events": [{ "message": "m", "eventId": "1" }] }),
            json!({ "data": "H4sI", "recordId": "1" }),
            json!({ "message": "m" }),
        ] {
            assert_eq!(logs_in(&value), [], "{value}");
        }
    }

    #[test]
    fn whose_forwarder() {
        let mut log = sent();
        log["ddtags"] = json!("forwardername:datadogforwarder,forwarder_version:5.4.11");
        assert_eq!(logs_in(&log)[0].other_forwarder(), Some("5.4.11"));
        assert_eq!(logs_in(&sent())[0].other_forwarder(), None);
        for (region, account) in [
            ("region", "account"),
            ("eu-west-1.example.org/", "111122223333"),
            ("eu-west-1@example.org", "111122223333"),
            ("eu-west-1#", "111122223333"),
            ("EU", "111122223333"),
            ("", "111122223333"),
            ("eu-west-1", "11112222333"),
            ("eu-west-1", ""),
        ] {
            log["aws"]["invoked_function_arn"] = json!(format!("arn:aws:lambda:{region}:{account}:function:podferry"));
            assert_eq!(logs_in(&log)[0].sender(), None, "{region} {account}");
        }
    }
}
