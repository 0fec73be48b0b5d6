//! What a sandbox remembers of an outage, and what it says of itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::Invocation;
use forwarder::lambda::metrics::Telemetry;
use forwarder::settings::Settings;
use intake::{Reply, StandIn};
use serde_json::json;
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::events::*;

/// A function whose intake is down until it is well.
struct World {
    _intake: StandIn,
    _aws: AwsStandIn,
    handler: Handler,
    is_well: Arc<AtomicBool>,
}

impl World {
    async fn new(has_queue: bool) -> World {
        let is_well = Arc::new(AtomicBool::new(false));
        let asked = is_well.clone();
        // With a time that no invocation has: so nothing is waited for.
        let intake = StandIn::start_with("127.0.0.1:0", move |_| match asked.load(Ordering::SeqCst) {
            true => Reply::Judge,
            false => Reply::Status(503, Some("600".into())),
        })
        .await
        .unwrap();
        let aws = AwsStandIn::start(AwsBehavior::Healthy);
        let mut variables: HashMap<String, String> =
            aws.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if !has_queue {
            variables.remove("PODFERRY_UNDELIVERED_QUEUE_URL");
        }
        variables.insert("DD_URL".into(), intake.url());
        variables.insert("DD_API_KEY".into(), "k".into());
        let handler = Handler::new(Settings::read(&variables).unwrap()).unwrap();
        World { _intake: intake, _aws: aws, handler, is_well }
    }

    /// How many requests an event of `payloads` payloads makes; how many of its logs are in the queue.
    async fn requests(&self, payloads: usize) -> (usize, usize) {
        let texts: Vec<String> = (0..payloads * 1000).map(|number| number.to_string()).collect();
        let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
        let mut telemetry = Telemetry::default();
        let event = event(&content("my-app", "a-stream", &messages));
        // Without a queue it fails.
        let _ = self.handler.serve(event.into(), &invocation(30), &mut telemetry).await;
        (telemetry.delivered.requests, telemetry.delivered.queued)
    }
}

fn invocation(seconds: u64) -> Invocation {
    let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(seconds);
    Invocation { request_id: "r".into(), function_arn: ARN.into(), deadline_ms: deadline.as_millis() as u64 }
}

#[tokio::test]
async fn an_outage_is_remembered_until_something_is_accepted() {
    let world = World::new(true).await;
    assert_eq!(world.requests(5).await, (5, 5000));
    // From then on one payload after the other asks, two at most, and the rest is in the queue at once.
    for _ in 0..3 {
        assert_eq!(world.requests(5).await, (2, 5000));
        assert_eq!(world.requests(1).await, (1, 1000));
    }
    world.is_well.store(true, Ordering::SeqCst);
    assert_eq!(world.requests(5).await, (5, 0));
    world.is_well.store(false, Ordering::SeqCst);
    assert_eq!(world.requests(5).await, (5, 5000));
}

#[tokio::test]
async fn without_a_queue_all_is_tried_each_time() {
    let world = World::new(false).await;
    for _ in 0..2 {
        assert_eq!(world.requests(3).await, (3, 0));
    }
}

#[tokio::test]
async fn a_fetch_of_the_key_does_not_outlive_its_invocation() {
    let intake = StandIn::start().await.unwrap();
    let aws = AwsStandIn::start(AwsBehavior::Silent);
    let mut variables: HashMap<String, String> =
        aws.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    variables.insert("DD_URL".into(), intake.url());
    variables.insert("DD_API_KEY_SECRET_ARN".into(), "datadog".into());
    let handler = Handler::new(Settings::read(&variables).unwrap()).unwrap();
    let logs: Bytes = event(&content("my-app", "s", &[(now(), "x")])).into();
    // Secrets Manager says nothing until the time is up.
    let failure = handler.handle(logs.clone(), &invocation(1)).await.unwrap_err();
    assert_eq!(failure.error_type(), "LogsUnsaved");
    // A control message needs no key: it does not wait for the fetch that was under way.
    let control = json!({ "messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{ "id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health." }] });
    let started = Instant::now();
    handler.handle(event(&control).into(), &invocation(10)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    // And the next event fetches it again.
    aws.set_secret("k");
    aws.set(AwsBehavior::Healthy);
    assert_eq!(handler.handle(logs, &invocation(10)).await.unwrap().delivered, 1);
}
