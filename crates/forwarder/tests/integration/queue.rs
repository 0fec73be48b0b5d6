//! Undelivered logs survive: what goes to which queue, what comes back, and what the answer names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use forwarder::lambda::answer::Answer;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Delivered, Invocation, InvocationFailure};
use forwarder::lambda::metrics::Telemetry;
use forwarder::settings::Settings;
use intake::{Arrival, Reply, StandIn};
use serde_json::{Value, json};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;

/// A function with its intake and its queues.
pub(super) struct World {
    pub(super) intake: StandIn,
    pub(super) aws: AwsStandIn,
    handler: Handler,
}

impl World {
    pub(super) async fn new(
        behavior: AwsBehavior,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> World {
        World::with(behavior, &[], script).await
    }

    pub(super) async fn with(
        behavior: AwsBehavior,
        more: &[(&'static str, &str)],
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> World {
        let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
        let aws = AwsStandIn::start(behavior);
        let mut variables: HashMap<String, String> =
            aws.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        variables.insert("DD_URL".into(), intake.url());
        variables.insert("DD_API_KEY".into(), "k".into());
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let handler = Handler::new(Settings::read(&variables).unwrap()).unwrap();
        World { intake, aws, handler }
    }

    /// Serves an event with so much time.
    pub(super) async fn serve_within(
        &self,
        event: &[u8],
        time: Duration,
    ) -> (Result<Answer, InvocationFailure>, Telemetry) {
        let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + time;
        let invocation =
            Invocation { request_id: "r".into(), function_arn: ARN.into(), deadline_ms: deadline.as_millis() as u64 };
        let mut telemetry = Telemetry::default();
        let answer = self.handler.serve(Bytes::copy_from_slice(event), &invocation, &mut telemetry).await;
        (answer, telemetry)
    }

    pub(super) async fn serve(&self, event: &[u8]) -> (Result<Answer, InvocationFailure>, Delivered) {
        let (answer, telemetry) = self.serve_within(event, Duration::from_secs(3)).await;
        (answer, telemetry.delivered)
    }

    /// How often each text arrived.
    pub(super) fn arrived(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for log in self.intake.accepted() {
            *counts.entry(log["message"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }
}

pub(super) fn names(answer: Result<Answer, InvocationFailure>) -> Vec<String> {
    let answer = serde_json::to_value(answer.unwrap()).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

pub(super) fn logs_of(from: usize, count: usize, time: i64) -> Vec<u8> {
    let texts: Vec<String> = (from..from + count).map(|number| format!("log {number}")).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (time, text.as_str())).collect();
    let mut content = content("my-app", "a-stream", &messages);
    for (number, event) in (from..).zip(content["logEvents"].as_array_mut().unwrap()) {
        event["id"] = format!("{number:056}").into();
    }
    event(&content)
}

pub(super) fn head(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["podferry"].clone()
}

#[tokio::test]
async fn only_what_was_not_accepted_waits_and_it_arrives_later() {
    // The second of three payloads fails until the intake is well again.
    let is_well = Arc::new(AtomicBool::new(false));
    let asked = is_well.clone();
    let is_second = |arrival: &Arrival| arrival.items.first().is_some_and(|log| log["message"] == "log 1000");
    let world = World::new(AwsBehavior::Healthy, move |arrival| {
        let fails = is_second(arrival) && !asked.load(Ordering::SeqCst);
        if fails { Reply::Status(429, Some("30".into())) } else { Reply::Judge }
    })
    .await;
    let time = now() - 5;
    let (answer, numbers) = world.serve(&logs_of(0, 2500, time)).await;
    assert!(matches!(answer, Ok(Answer::Delivered(_))));
    assert_eq!((numbers.delivered, numbers.queued, numbers.dead), (1500, 1000, 0));
    let sent = world.aws.take("undelivered");
    assert_eq!(sent.len(), 1);
    let head = head(&sent[0].body);
    assert_eq!(
        (&head["logs"], &head["attempts"], &head["reason"]),
        (&1000.into(), &1.into(), &"IntakeAnswered429".into())
    );
    assert_eq!((&head["first_ms"], &head["last_ms"], sent[0].delay), (&time.into(), &time.into(), 30));
    assert!(world.aws.signed()[0].contains("/eu-west-1/sqs/aws4_request"));
    // It comes back, and the intake still asks for time: it stays, hidden for longer with each time.
    for (receive_count, seconds) in [(1, 60), (2, 120), (9, 3600)] {
        let (answer, numbers) = world.serve(&sqs_event(&[&sent[0].body], receive_count)).await;
        assert_eq!(names(answer), ["m-1"]);
        assert_eq!((numbers.queued, numbers.delivered), (1000, 0));
        assert_eq!(world.aws.hidden().last(), Some(&("r-1".to_owned(), seconds)));
    }
    assert_eq!(world.aws.sent("undelivered"), []);
    is_well.store(true, Ordering::SeqCst);
    let (answer, numbers) = world.serve(&sqs_event(&[&sent[0].body], 4)).await;
    assert_eq!((names(answer), numbers.delivered), (vec![], 1000));
    let arrived = world.arrived();
    assert!(arrived.len() == 2500 && arrived.values().all(|count| *count == 1));
    // SQS may hand out a message once more.
    let (answer, numbers) = world.serve(&sqs_event(&[&sent[0].body], 4)).await;
    assert_eq!((names(answer), numbers.counts.duplicate, numbers.delivered), (vec![], 1000, 0));
}

#[tokio::test]
async fn a_message_of_which_a_part_was_accepted_goes_back_as_the_rest() {
    let world = World::new(AwsBehavior::Healthy, |arrival| match arrival.items.len() {
        // Too large for this intake, and then one half of it is not taken.
        1000 => Reply::Status(413, None),
        _ if arrival.items[0]["message"] == "log 500" => Reply::Status(503, Some("60".into())),
        _ => Reply::Judge,
    })
    .await;
    let (_, numbers) = world.serve(&logs_of(0, 1000, now())).await;
    assert_eq!((numbers.delivered, numbers.queued), (500, 500));
    let message = world.aws.take("undelivered").remove(0).body;
    // A message of ours beside a bare event in one batch: each record for itself.
    let bare = String::from_utf8(logs_of(2000, 500, now())).unwrap();
    let (answer, numbers) = world.serve(&sqs_event(&[&message, &bare], 2)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.queued), (vec!["m-1".to_owned()], 500, 500));
    // A bare event of which one payload is accepted and the other is not cannot stay: the rest goes back as a message.
    let bare = String::from_utf8(logs_of(500, 1200, now())).unwrap();
    let world = World::new(AwsBehavior::Healthy, |arrival| match arrival.items.len() {
        1000 => Reply::Judge,
        _ => Reply::Status(503, Some("60".into())),
    })
    .await;
    let (answer, numbers) = world.serve(&sqs_event(&[&bare], 3)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.queued), (vec![], 1000, 200));
    let rest = world.aws.take("undelivered").remove(0);
    // It was handed out three times, and those count.
    assert_eq!((&head(&rest.body)["logs"], &head(&rest.body)["attempts"]), (&200.into(), &3.into()));
}

#[tokio::test]
async fn what_is_refused_for_good_goes_to_the_dead_letters_at_once() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Status(400, None)).await;
    let (answer, numbers) = world.serve(&logs_of(0, 3, now())).await;
    assert!(answer.is_ok());
    assert_eq!((numbers.dead, numbers.queued), (3, 0));
    let sent = world.aws.take("dead");
    assert_eq!((head(&sent[0].body)["reason"].clone(), sent[0].delay), ("IntakeAnswered400".into(), 0));
    // Also out of the queue, and it does not come back.
    let (answer, numbers) = world.serve(&sqs_event(&[&sent[0].body], 1)).await;
    assert_eq!((names(answer), numbers.dead), (vec![], 3));
    assert_eq!((world.aws.sent("dead").len(), world.aws.sent("undelivered").len()), (1, 0));
}

#[tokio::test]
async fn a_queue_that_names_no_message_has_taken_none() {
    for answered in ["", "{}", "null", "{\"MessageId\":\"\"}", "{\"error\":\"blocked by policy\"}"] {
        let world = World::new(AwsBehavior::SaysOnly(answered), |_| Reply::Status(503, None)).await;
        let (answer, numbers) = world.serve(&logs_of(0, 3, now())).await;
        assert_eq!((answer.unwrap_err().error_type(), numbers.queued), ("LogsUnsaved", 0), "{answered}");
    }
}

#[tokio::test]
async fn a_wrong_key_burns_no_attempts() {
    let is_right = Arc::new(AtomicBool::new(false));
    let asked = is_right.clone();
    let world = World::new(AwsBehavior::Healthy, move |_| {
        if asked.load(Ordering::SeqCst) { Reply::Judge } else { Reply::Status(403, None) }
    })
    .await;
    let (_, numbers) = world.serve(&logs_of(0, 3, now())).await;
    assert_eq!(numbers.queued, 3);
    let mut message = world.aws.take("undelivered").remove(0);
    for round in 1..4 {
        assert_eq!((&head(&message.body)["attempts"], message.delay), (&0.into(), 900));
        // It goes back as a new message: SQS counts from one again.
        let event = String::from_utf8(sqs_event(&[&message.body], 1)).unwrap().replace("m-1", &format!("n-{round}"));
        let (answer, telemetry) = world.serve_within(event.as_bytes(), Duration::from_secs(3)).await;
        assert_eq!(names(answer), Vec::<String>::new());
        assert_eq!(telemetry.key_refused, 3);
        message = world.aws.take("undelivered").remove(0);
    }
    // The rounds that SQS counted before are not forgotten over that.
    let event = String::from_utf8(sqs_event(&[&message.body], 20)).unwrap().replace("m-1", "n-4");
    world.serve(event.as_bytes()).await.0.unwrap();
    let message = world.aws.take("undelivered").remove(0);
    assert_eq!((&head(&message.body)["attempts"], message.delay), (&19.into(), 900));
    is_right.store(true, Ordering::SeqCst);
    let (_, numbers) = world.serve(&sqs_event(&[&message.body], 1)).await;
    assert_eq!((numbers.delivered, world.arrived().len()), (3, 3));
}

#[tokio::test]
async fn events_of_all_kinds_come_out_of_the_queue() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let bare = String::from_utf8(logs_of(0, 2, now())).unwrap();
    let failed = json!({
        "version": "1.0",
        "requestContext": { "requestId": "x", "condition": "RetriesExhausted", "approximateInvokeCount": 3 },
        "requestPayload": serde_json::from_slice::<Value>(&logs_of(10, 2, now())).unwrap(),
        "responseContext": { "statusCode": 200, "functionError": "Unhandled" },
        "responsePayload": { "errorType": "LogsUndelivered" },
    });
    let object = json!({
        "requestContext": {},
        "requestPayload": serde_json::from_slice::<Value>(&logs_of(20, 2, now())).unwrap(),
    });
    world.aws.put("/bucket/aws/lambda/async/f/2026/x%20y", object.to_string().into_bytes());
    let stream = json!({ "payload": json!({ "Records": [kinesis("1", &logs_of(30, 1, now())), kinesis("2", &logs_of(31, 1, now()))] }).to_string() });
    world.aws.put("/bucket/aws/lambda/stream", stream.to_string().into_bytes());
    let bodies = [
        bare,
        failed.to_string(),
        notification("bucket", "aws/lambda/async/f/2026/x+y"),
        notification("bucket", "aws/lambda/stream"),
        json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket" }).to_string(),
    ];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let (answer, numbers) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!(names(answer), Vec::<String>::new());
    assert_eq!((numbers.delivered, world.arrived().len()), (8, 8));
    // S3's test event, too: there is nothing in it.
    assert_eq!((numbers.dead, world.aws.sent("dead").len()), (0, 0));
    // Logs of several messages go in as few requests as they fit into.
    assert_eq!(numbers.requests, 3);
    assert!(world.aws.signed().iter().any(|header| header.contains("/s3/aws4_request")));
}

pub(super) fn notification(bucket: &str, key: &str) -> String {
    json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 5 } } }] })
    .to_string()
}

/// A record of a stream around the event of a subscription.
pub(super) fn kinesis(number: &str, event: &[u8]) -> Value {
    let event: Value = serde_json::from_slice(event).unwrap();
    json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number, "partitionKey": "k", "data": event["awslogs"]["data"], "approximateArrivalTimestamp": 1.0 } })
}

#[tokio::test]
async fn a_poison_message_is_isolated_and_kept_with_its_reason() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let good = String::from_utf8(logs_of(0, 1, now())).unwrap();
    let poison = r#"{"awslogs":{"data":"bm8gZ3ppcA=="}}"#;
    let gone = notification("bucket", "gone");
    let bodies = ["nonsense", &good, poison, r#"{"podferry":{"schema":9}}"#, &gone];
    let (answer, numbers) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.dead), (vec![], 1, 4));
    let mut dead = world.aws.sent("dead");
    dead.sort_by(|a, b| a.reason.cmp(&b.reason));
    let dead: Vec<(&str, &str)> =
        dead.iter().map(|sent| (sent.reason.as_deref().unwrap(), sent.body.as_str())).collect();
    assert_eq!(dead[0], ("EventGzipInvalid", poison));
    assert_eq!(dead[1], ("EventMessageInvalid", bodies[3]));
    assert_eq!(dead[2], ("EventNotJson", "nonsense"));
    assert_eq!(dead[3].0, "EventObjectMissing");
    // Without a queue for them they stay, and SQS's own policy moves them in the end.
    let world = World::with(AwsBehavior::Healthy, &[("PODFERRY_DEAD_LETTER_QUEUE_URL", "")], |_| Reply::Judge).await;
    let (answer, _) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!(names(answer), ["m-1", "m-3", "m-4", "m-5"]);
    assert_eq!(world.aws.sent("undelivered"), []);
}

#[tokio::test]
async fn records_of_a_stream_are_delivered_together_and_poison_is_isolated() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let mut records: Vec<Value> = (0..50).map(|n| kinesis(&format!("s-{n}"), &logs_of(n * 10, 10, now()))).collect();
    records[7]["kinesis"]["data"] = "bm8gZ3ppcA==".into();
    records[9]["kinesis"] = json!({ "sequenceNumber": "s-9" });
    let (answer, numbers) = world.serve(json!({ "Records": records }).to_string().as_bytes()).await;
    assert_eq!((names(answer), numbers.delivered, numbers.requests, numbers.dead), (vec![], 480, 1, 2));
    let mut dead: Vec<String> = world.aws.sent("dead").into_iter().map(|sent| sent.body).collect();
    dead.sort();
    assert_eq!(dead, [r#"{"awslogs":{"data":""}}"#, r#"{"awslogs":{"data":"bm8gZ3ppcA=="}}"#]);
    // Without queues, the lowest record that is not done is named; what is behind it comes again and is known.
    let none = [("PODFERRY_DEAD_LETTER_QUEUE_URL", ""), ("PODFERRY_UNDELIVERED_QUEUE_URL", "")];
    let world = World::with(AwsBehavior::Healthy, &none, |_| Reply::Judge).await;
    let (answer, numbers) = world.serve(json!({ "Records": records }).to_string().as_bytes()).await;
    assert_eq!((names(answer), numbers.delivered), (vec!["s-7".to_owned()], 480));
    let (answer, numbers) = world.serve(json!({ "Records": records[7..] }).to_string().as_bytes()).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec!["s-7".to_owned()], 0, 410));
}

#[tokio::test]
async fn the_logs_are_in_the_queue_before_the_deadline() {
    let time = Duration::from_secs(4);
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Silence).await;
    let started = std::time::Instant::now();
    let (answer, telemetry) = world.serve_within(&logs_of(0, 30, now()), time).await;
    assert!(answer.is_ok() && started.elapsed() < time, "{:?}", started.elapsed());
    assert_eq!(telemetry.delivered.queued, 30);
    // And where the queue fails, too, the invocation fails, in time.
    for behavior in [AwsBehavior::Down, AwsBehavior::Denied, AwsBehavior::Silent] {
        let world = World::new(behavior, |_| Reply::Silence).await;
        let started = std::time::Instant::now();
        let (answer, _) = world.serve_within(&logs_of(0, 30, now()), time).await;
        let failure = answer.unwrap_err();
        assert_eq!(failure.error_type(), "LogsUnsaved");
        assert!(failure.to_string().starts_with("30 of 30 logs could not be delivered: "), "{failure}");
        assert!(started.elapsed() < time, "{behavior:?}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn what_was_delivered_or_saved_is_not_sent_again_when_lambda_repeats_the_event() {
    // Three payloads: one is accepted, one saved, one neither.
    let world = World::new(AwsBehavior::TakesOnly(1), |arrival| {
        let first = arrival.items[0]["message"].as_str().unwrap();
        if first == "log 0" || arrival.number > 40 { Reply::Judge } else { Reply::Status(503, Some("60".into())) }
    })
    .await;
    let event = logs_of(0, 2500, now());
    let (answer, numbers) = world.serve(&event).await;
    assert_eq!(answer.unwrap_err().error_type(), "LogsUnsaved");
    assert_eq!(numbers.delivered, 1000);
    let saved = numbers.queued;
    assert!(saved == 1000 || saved == 500);
    world.aws.set(AwsBehavior::Healthy);
    let (answer, numbers) = world.serve(&event).await;
    assert!(answer.is_ok());
    assert_eq!((numbers.counts.duplicate, numbers.queued), (1000 + saved, 1500 - saved));
}

#[tokio::test]
async fn a_log_that_is_too_old_for_datadog_is_sent_with_another_time() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let old = now() - 19 * 3600 * 1000;
    let (_, numbers) = world.serve(&logs_of(0, 2, old)).await;
    assert_eq!((numbers.counts.late, numbers.delivered), (2, 2));
    let log = world.intake.accepted().remove(0);
    assert!(log["timestamp"].as_i64().unwrap() >= now() - 10_000);
    assert_eq!(log["original_timestamp"], old);
    assert!(has_tag(&log, "late:true"));
    assert_eq!(log["message"], "log 0");
    // What only just is not, is sent as it is.
    world.serve(&logs_of(5, 1, now() - 17 * 3600 * 1000)).await.0.unwrap();
    assert!(world.intake.accepted()[2]["original_timestamp"].is_null());
}

#[tokio::test]
async fn a_log_that_is_too_far_ahead_for_datadog_is_sent_with_another_time() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let ahead = now() + 9 * 3600 * 1000;
    let (_, telemetry) = world.serve_within(&logs_of(0, 2, ahead), Duration::from_secs(3)).await;
    assert_eq!((telemetry.delivered.counts.early, telemetry.delivered.counts.late), (2, 0));
    // One that a podferry of before put into the queue, too.
    let log = json!({ "message": "waited", "timestamp": ahead, "ddtags": "a:b" });
    let head = json!({ "schema": 1, "version": "0", "logs": 1, "first_ms": null, "last_ms": null, "attempts": 1, "reason": "x", "encoding": "json" });
    let message = json!({ "podferry": head, "payload": [log] }).to_string();
    let (_, numbers) = world.serve(&sqs_event(&[&message], 1)).await;
    assert_eq!((numbers.counts.early, numbers.delivered), (1, 1));
    for log in world.intake.accepted() {
        assert!(log["timestamp"].as_i64().unwrap().abs_diff(now()) < 10_000, "{log}");
        assert_eq!((&log["original_timestamp"], has_tag(&log, "early:true")), (&ahead.into(), true));
    }
    // What only just is not, is sent as it is.
    world.serve(&logs_of(5, 1, now() + 115 * 60_000)).await.0.unwrap();
    assert!(world.intake.accepted()[3]["original_timestamp"].is_null());
}

#[tokio::test]
async fn what_is_not_read_in_time_waits_in_the_queue_and_arrives_once() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let texts: Vec<String> = (0..6).map(|number| format!("log {number} {}", "x".repeat(2_100))).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    let event = event(&content("my-app", "a-stream", &messages));
    // So little time that none is left to read or to deliver in: one log is read, and it waits, too.
    let (answer, telemetry) = world.serve_within(&event, Duration::from_millis(550)).await;
    assert!(matches!(answer, Ok(Answer::Delivered(_))), "{answer:?}");
    let numbers = telemetry.delivered;
    assert_eq!((numbers.counts.events, numbers.unread, numbers.queued, numbers.delivered), (1, 5, 1, 0));
    let sent = world.aws.take("undelivered");
    let (rests, payloads): (Vec<_>, Vec<_>) = sent.iter().partition(|sent| sent.body.starts_with("{\"awslogs\""));
    assert_eq!((rests.len(), rests[0].delay, payloads.len()), (1, 0, 1));
    // With time, all of it arrives, once each.
    let bodies: Vec<&str> = sent.iter().map(|sent| sent.body.as_str()).collect();
    let (answer, numbers) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!((names(answer), numbers.unread, numbers.delivered), (Vec::new(), 0, 6));
    assert_eq!(world.arrived(), texts.iter().map(|text| (text.clone(), 1)).collect());
}

#[tokio::test]
async fn where_the_queue_does_not_take_the_rest_lambda_has_the_event_still() {
    let world = World::new(AwsBehavior::Down, |_| Reply::Judge).await;
    let texts: Vec<String> = (0..6).map(|number| format!("log {number} {}", "x".repeat(2_100))).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    let (answer, _) =
        world.serve_within(&event(&content("my-app", "a-stream", &messages)), Duration::from_millis(550)).await;
    assert_eq!(answer.unwrap_err().error_type(), "LogsUnsaved");
}
