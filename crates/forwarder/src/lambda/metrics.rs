//! What an invocation came to, as one line that CloudWatch makes metrics of: its embedded metric format. No call is made for
//! it.
//!
//! What is nearly always zero is left out when it is: a metric costs by the hour in which it is sent.
//!
//! Source: AWS, "Specification: Embedded metric format".

use serde_json::{Map, Value, json};

use super::invocation::Delivered;
use super::lookup_policy::LookupTally;
use super::shortfall::Shortfall;
use crate::delivery::tally::Tally;

/// The namespace of all metrics.
pub(crate) const NAMESPACE: &str = "podferry";

/// How many values a metric may have in one line. Source: the specification, "MetricDefinition".
const MAX_VALUES: usize = 100;

/// The cluster's name where it is not known: a dimension cannot be empty.
const UNKNOWN: &str = "unknown";

/// What is reported of an invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telemetry {
    pub delivered: Delivered,
    pub(crate) tally: Tally,
    pub(crate) lookups: LookupTally,
    /// Bytes of the event as it came.
    pub(crate) bytes_in: usize,
    /// Milliseconds since 1970, of the oldest log.
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) cluster: Option<String>,
    /// Answers that refused the key, and keys that could not be fetched.
    pub key_refused: usize,
    /// For the function's own log.
    pub(crate) shortfall: Shortfall,
}

/// Whether a metric is reported when it is zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    Reported,
    LeftOut,
}

impl Telemetry {
    /// The line. `now_ms` is milliseconds since 1970.
    pub(crate) fn line(&self, function_name: &str, request_id: &str, now_ms: i64) -> Value {
        let mut metrics = Vec::new();
        let mut values = Map::new();
        for (name, unit, value, zero) in self.metrics(now_ms) {
            if value != json!(0) || zero == Zero::Reported {
                metrics.push(json!({ "Name": name, "Unit": unit }));
                values.insert(name.to_owned(), value);
            }
        }
        let dimensions = |names: &[&str], metrics: Vec<Value>| json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics });
        let mut directives = vec![dimensions(&["FunctionName", "ClusterName"], metrics)];
        let alarming = [("KeyRefused", self.key_refused), ("UnexpectedAnswers", self.tally.unexpected())];
        for (name, count) in alarming.into_iter().filter(|(_, count)| *count > 0) {
            // An alarm for it cannot know the cluster.
            directives.push(dimensions(&["FunctionName"], vec![json!({ "Name": name, "Unit": "Count" })]));
            values.insert(name.to_owned(), count.into());
        }
        let mut line = json!({
            "_aws": { "Timestamp": now_ms, "CloudWatchMetrics": directives },
            "FunctionName": function_name,
            "ClusterName": self.cluster.as_deref().filter(|name| !name.is_empty()).unwrap_or(UNKNOWN),
            "request_id": request_id,
        });
        if let Some(line) = line.as_object_mut() {
            line.extend(values);
        }
        line
    }

    fn metrics(&self, now_ms: i64) -> Vec<(&'static str, &'static str, Value, Zero)> {
        use Zero::{LeftOut, Reported};
        let Delivered { counts, delivered, queued, dead, unread, waiting, processing_failed, bytes, .. } =
            &self.delivered;
        let Tally { requests, retries, latencies, .. } = &self.tally;
        let mut metrics = vec![
            ("LogsReceived", "Count", json!(counts.events), Reported),
            ("LogsDelivered", "Count", json!(delivered), Reported),
            ("LogsExcluded", "Count", json!(counts.excluded), LeftOut),
            ("LogsSampled", "Count", json!(counts.sampled), LeftOut),
            ("LogsBlank", "Count", json!(counts.blank), LeftOut),
            ("LogsJoined", "Count", json!(counts.joined), LeftOut),
            ("LogsWithheld", "Count", json!(counts.withheld), LeftOut),
            ("LinesUnjoined", "Count", json!(counts.unjoined), LeftOut),
            ("LogsTruncated", "Count", json!(counts.truncated), LeftOut),
            ("LogsDuplicate", "Count", json!(counts.duplicate), LeftOut),
            ("LogsLate", "Count", json!(counts.late), LeftOut),
            ("LogsEarly", "Count", json!(counts.early), LeftOut),
            ("LogsUnread", "Count", json!(unread), LeftOut),
            ("LogsWaiting", "Count", json!(waiting), LeftOut),
            ("ProcessingFailed", "Count", json!(processing_failed), LeftOut),
            ("LogsQueued", "Count", json!(queued), LeftOut),
            ("LogsDead", "Count", json!(dead), LeftOut),
            ("BytesIn", "Bytes", json!(self.bytes_in), Reported),
            ("BytesOut", "Bytes", json!(bytes), Reported),
            ("Requests", "Count", json!(requests), Reported),
            ("Retries", "Count", json!(retries.all()), LeftOut),
            ("RetriesRateLimited", "Count", json!(retries.rate_limited), LeftOut),
            ("RetriesServerError", "Count", json!(retries.server_error), LeftOut),
            ("RetriesTimeout", "Count", json!(retries.timeout), LeftOut),
            ("RetriesConnection", "Count", json!(retries.connection), LeftOut),
            ("MetadataLookups", "Count", json!(self.lookups.streams), LeftOut),
            ("MetadataLookupsThrottled", "Count", json!(self.lookups.throttled), LeftOut),
            ("MetadataLookupsDenied", "Count", json!(self.lookups.denied), LeftOut),
        ];
        if !latencies.is_empty() {
            let some: Vec<u64> = latencies.iter().copied().take(MAX_VALUES).collect();
            metrics.push(("IntakeLatency", "Milliseconds", json!(some), Reported));
        }
        if let Some(oldest) = self.oldest_ms {
            let seconds = now_ms.saturating_sub(oldest).max(0) / 1000;
            metrics.push(("OldestLogAge", "Seconds", json!(seconds), Reported));
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tally::Retries;
    use pipeline::LogCounts;

    #[test]
    fn the_line_is_what_the_specification_asks_for() {
        let telemetry = Telemetry {
            delivered: Delivered {
                counts: LogCounts { events: 9, excluded: 2, ..LogCounts::default() },
                delivered: 7,
                bytes: 400,
                ..Delivered::default()
            },
            tally: Tally {
                requests: 3,
                retries: Retries { rate_limited: 1, ..Retries::default() },
                latencies: vec![5; 150],
                ..Tally::default()
            },
            lookups: LookupTally { streams: 4, throttled: 1, ..LookupTally::default() },
            bytes_in: 1000,
            oldest_ms: Some(1_000),
            cluster: Some("prod".to_owned()),
            key_refused: 0,
            shortfall: Shortfall::default(),
        };
        let line = telemetry.line("forwarder", "r-1", 61_000);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!((directives.len(), &line["_aws"]["Timestamp"]), (1, &61_000.into()));
        assert_eq!(directives[0]["Dimensions"], json!([["FunctionName", "ClusterName"]]));
        // Every metric that is named has its value, and every dimension.
        for metric in directives[0]["Metrics"].as_array().unwrap() {
            assert!(!line[metric["Name"].as_str().unwrap()].is_null(), "{metric}");
        }
        assert_eq!((&line["FunctionName"], &line["ClusterName"]), (&"forwarder".into(), &"prod".into()));
        assert_eq!(
            (&line["LogsExcluded"], &line["LogsDead"], &line["OldestLogAge"]),
            (&2.into(), &Value::Null, &60.into())
        );
        assert_eq!(line["IntakeLatency"].as_array().unwrap().len(), MAX_VALUES);
        assert_eq!((&line["Retries"], &line["RetriesRateLimited"]), (&1.into(), &1.into()));
        let lookups = ["MetadataLookups", "MetadataLookupsThrottled", "MetadataLookupsDenied"].map(|name| &line[name]);
        assert_eq!(lookups, [&json!(4), &json!(1), &Value::Null]);
    }

    #[test]
    fn what_has_an_alarm_of_its_own_is_reported_without_the_cluster() {
        let line = Telemetry { key_refused: 2, ..Telemetry::default() }.line("f", "r", 0);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives[1]["Dimensions"], json!([["FunctionName"]]));
        assert_eq!(directives[1]["Metrics"], json!([{ "Name": "KeyRefused", "Unit": "Count" }]));
        assert_eq!((&line["KeyRefused"], &line["ClusterName"]), (&2.into(), &UNKNOWN.into()));
        assert_eq!((directives.len(), &line["UnexpectedAnswers"]), (2, &Value::Null));
        let retries = Retries { unexpected: 3, ..Retries::default() };
        let tally = Tally { retries, forbidden: 1, ..Tally::default() };
        let line = Telemetry { tally, ..Telemetry::default() }.line("f", "r", 0);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives[1]["Metrics"], json!([{ "Name": "UnexpectedAnswers", "Unit": "Count" }]));
        assert_eq!((&line["UnexpectedAnswers"], &line["Retries"]), (&4.into(), &3.into()));
    }
}
