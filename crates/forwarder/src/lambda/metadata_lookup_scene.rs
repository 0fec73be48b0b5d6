//! A CloudWatch Logs on loopback with streams of a pod, and a sandbox that looks metadata up in it: for the tests.

use std::time::Duration;

use serde_json::json;
use testkit::cloudwatch_logs::{LogsBehavior, LogsStandIn};
use testkit::events::{ARN, GROUP, ID};
use tokio::time::Instant;

use super::log_reader::now;
use super::metadata_lookup::{FoundMessage, LookedUp, MetadataLookup};
use crate::delivery::client::Clients;
use crate::settings::{Network, Settings};
use pipeline::known_metadata::KnownMetadata;
use pipeline::metadata_records::WantedMetadata;

/// When the lines were written that want metadata; in milliseconds since 1970.
pub(super) const TIME: i64 = 1_795_754_034_862;
pub(super) const MINUTE: i64 = 60_000;

pub(super) const PREFIX: &str = "fargate-kube.var.log.containers.web-1_shop_";

pub(super) fn stream(container: &str) -> String {
    format!("{PREFIX}{container}-{ID}.log")
}

pub(super) fn line(text: &str) -> String {
    json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string()
}

/// A record of metadata; `label` tells it from others.
pub(super) fn record(container: &str, label: &str) -> String {
    let of_pod = format!(
        r#""pod_name":"web-1","namespace_name":"shop","container_name":"{container}","labels":{{"app":"{label}"}}"#
    );
    format!(r#"{{"kubernetes":{{{of_pod}}},"cluster_name":"prod"}}"#)
}

pub(super) fn wanted(container: &str) -> WantedMetadata {
    WantedMetadata {
        owner: "111122223333".to_owned(),
        log_group: GROUP.to_owned(),
        log_stream: stream(container),
        pod_prefix: PREFIX.to_owned(),
        oldest_ms: Some(TIME),
        newest_ms: Some(TIME + 10_000),
    }
}

/// A CloudWatch Logs, and a sandbox that asks it, a thousand times a second if it has to.
pub(super) struct Scene {
    pub(super) logs: LogsStandIn,
    pub(super) lookup: MetadataLookup,
    pub(super) known: KnownMetadata,
}

impl Scene {
    /// One that has searched the group a moment ago.
    pub(super) fn new(behavior: LogsBehavior) -> Scene {
        let mut scene = Scene::cold(behavior);
        let mut policy = scene.lookup.reader().policy();
        let subject = policy.subject("111122223333", GROUP, "");
        policy.searched(subject, true, now());
        drop(policy);
        scene
    }

    pub(super) fn cold(behavior: LogsBehavior) -> Scene {
        let logs = LogsStandIn::start(behavior);
        let variables = logs.variables().into_iter().map(|(name, value)| (name.to_owned(), value));
        let variables = variables.chain([("DD_API_KEY".to_owned(), "k".to_owned())]).collect();
        let aws = std::collections::HashMap::from_iter::<Vec<(String, String)>>(variables);
        let known = KnownMetadata::default();
        let lookup = MetadataLookup::new(60_000, Settings::read(&aws).unwrap().aws, Some(known.clone()));
        lookup.begin(ARN);
        Scene { logs, lookup, known }
    }

    pub(super) fn put(&self, container: &str, time: i64, message: &str) {
        self.logs.put(GROUP, &stream(container), time, message);
    }

    pub(super) async fn ask_within(&self, wanted: &WantedMetadata, time: Duration) -> LookedUp {
        let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
        self.lookup.of(&client, wanted, Instant::now() + time).await
    }

    pub(super) async fn ask(&self, wanted: &WantedMetadata) -> LookedUp {
        self.ask_within(wanted, Duration::from_secs(60)).await
    }

    /// The operations that were called.
    pub(super) fn operations(&self) -> Vec<String> {
        self.logs.calls().into_iter().map(|(operation, _)| operation).collect()
    }
}

pub(super) fn found(container: &str, label: &str) -> LookedUp {
    LookedUp::Found(FoundMessage { log_stream: stream(container), message: record(container, label) })
}

pub(super) const GET: &str = "GetLogEvents";
pub(super) const FILTER: &str = "FilterLogEvents";
