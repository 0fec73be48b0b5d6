//! What is unknown waits: logs of whose pods' metadata nothing is known, so that no mask of an annotation is passed over.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forwarder::lambda::invocation::Delivered;
use intake::Reply;
use serde_json::{Value, json};
use testkit::aws::AwsBehavior;
use testkit::cloudwatch_logs::{LogsBehavior, LogsStandIn};
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;

use super::queue::{World, head, names};

pub(super) const MISSING: &str = "podferry_metadata:missing";

/// The settings of the preset, without look-ups.
const COLD: [(&str, &str); 2] = [("PODFERRY_METADATA_RECORDS", "true"), ("PODFERRY_METADATA_LOOKUPS", "0")];

async fn world(more: &[(&'static str, &str)]) -> World {
    World::with(AwsBehavior::Healthy, &[&COLD, more].concat(), |_| Reply::Judge).await
}

pub(super) fn log_stream(pod: &str, container: &str) -> String {
    format!("fargate-kube.var.log.containers.{pod}_shop_{container}-{}.log", "a".repeat(64))
}

pub(super) fn line(text: &str) -> String {
    format!(r#"{{"stream":"stdout","logtag":"F","log":{}}}"#, Value::from(text))
}

/// A record of metadata: of a pod whose annotation masks what looks like a token.
pub(super) fn record(pod: &str, container: &str) -> String {
    let mask = json!([{ "log_processing_rules": [{ "type": "mask_sequences", "name": "token", "pattern": r"tok_\w+", "replace_placeholder": "***" }] }]);
    let annotations = json!({ format!("ad.datadoghq.com/{container}.logs"): mask.to_string() });
    let kubernetes =
        json!({ "pod_name": pod, "namespace_name": "shop", "annotations": annotations, "container_name": container });
    // In Fluent Bit's order: `kubernetes` comes first.
    format!(r#"{{"kubernetes":{kubernetes},"cluster_name":"prod"}}"#)
}

/// An event of the container `app` of a pod. The id of each is its own.
fn of(pod: &str, messages: &[String]) -> Value {
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (now(), message.as_str())).collect();
    content("/aws/eks/prod/fargate", &log_stream(pod, "app"), &messages)
}

fn lines(pod: &str, texts: &[&str]) -> Value {
    of(pod, &texts.iter().map(|text| line(text)).collect::<Vec<_>>())
}

fn data(content: &Value) -> String {
    STANDARD.encode(gzip(content.to_string().as_bytes()))
}

fn texts(world: &World) -> Vec<String> {
    world.intake.accepted().iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}

fn are_tagged(world: &World) -> Vec<bool> {
    world.intake.accepted().iter().map(|log| has_tag(log, MISSING)).collect()
}

/// The numbers that matter here: lines that wait, logs that were delivered, dead letters.
fn numbers(delivered: Delivered) -> (usize, usize, usize) {
    assert_eq!(delivered.queued, 0);
    (delivered.waiting, delivered.delivered, delivered.dead)
}

#[tokio::test]
async fn it_waits_in_the_queue_and_is_masked_when_it_is_known() {
    let world = world(&[]).await;
    let cold = lines("web-1", &["a tok_1", "b tok_2"]);
    let (answer, delivered) = world.serve(&event(&cold)).await;
    assert_eq!((answer.is_ok(), numbers(delivered), texts(&world).len()), (true, (2, 0, 0), 0));
    let [sent] = &world.aws.take("undelivered")[..] else { panic!("not one message") };
    let head = head(&sent.body);
    assert_eq!(
        (&head["schema"], &head["kind"], &head["rounds"], sent.delay),
        (&2.into(), &"metadata".into(), &1.into(), 15)
    );
    assert_eq!((&head["events"], &head["reason"]), (&2.into(), &"MetadataUnknown".into()));
    assert_eq!(
        (&head["first_ms"], &head["last_ms"]),
        (&cold["logEvents"][0]["timestamp"], &cold["logEvents"][1]["timestamp"])
    );
    // It is still not known: the message stays, for longer each time.
    for (receives, seconds) in [(1, 30), (2, 60), (3, 120)] {
        let (answer, delivered) = world.serve(&sqs_event(&[&sent.body], receives)).await;
        assert_eq!((names(answer), numbers(delivered)), (vec!["m-1".to_owned()], (2, 0, 0)));
        assert_eq!(world.aws.hidden().last(), Some(&("r-1".to_owned(), seconds)));
    }
    assert_eq!((world.aws.sent("undelivered"), texts(&world).len()), (vec![], 0));
    // An event of the stream tells it.
    world.serve(&event(&of("web-1", &[line("c tok_3"), record("web-1", "app")]))).await.0.unwrap();
    let (answer, delivered) = world.serve(&sqs_event(&[&sent.body], 4)).await;
    assert_eq!((names(answer), numbers(delivered)), (vec![], (0, 2, 0)));
    assert_eq!(
        (texts(&world), are_tagged(&world)),
        (vec!["c ***".into(), "a ***".into(), "b ***".into()], vec![false; 3])
    );
    // SQS hands it out once more, or CloudWatch the event.
    for again in [sqs_event(&[&sent.body], 5), event(&cold)] {
        let (_, delivered) = world.serve(&again).await;
        assert_eq!((numbers(delivered), delivered.counts.duplicate), ((0, 0, 0), 2));
    }
}

#[tokio::test]
async fn after_its_time_it_is_sent_with_what_is_known_or_kept() {
    let texts_of = |message: &str, shift: i64| {
        let since = head(message)["since_ms"].as_i64().unwrap();
        message.replace(&since.to_string(), &(since - shift).to_string())
    };
    for (then, wait) in [("ship", 600), ("keep", 60)] {
        let world = world(&[("PODFERRY_METADATA_UNKNOWN", then), ("PODFERRY_METADATA_WAIT", &wait.to_string())]).await;
        world.serve(&event(&lines("web-1", &["a tok_1"]))).await.0.unwrap();
        let message = world.aws.take("undelivered").remove(0).body;
        let bound = wait * 1000;
        let (answer, _) = world.serve(&sqs_event(&[&texts_of(&message, bound - 5_000)], 1)).await;
        assert_eq!((names(answer), texts(&world).len(), world.aws.sent("dead").len()), (vec!["m-1".to_owned()], 0, 0));
        let (answer, delivered) = world.serve(&sqs_event(&[&texts_of(&message, bound)], 1)).await;
        assert_eq!(names(answer), Vec::<String>::new());
        if then == "ship" {
            assert_eq!(
                (numbers(delivered), texts(&world), are_tagged(&world)),
                ((0, 1, 0), vec!["a tok_1".into()], vec![true])
            );
            continue;
        }
        assert_eq!((numbers(delivered), texts(&world).len()), ((0, 0, 1), 0));
        let [dead] = &world.aws.take("dead")[..] else { panic!("not one dead letter") };
        assert_eq!((&head(&dead.body)["dead"], &head(&dead.body)["reason"]), (&true.into(), &"MetadataUnknown".into()));
        // Moved back, it begins again, and each time that SQS hands it out counts.
        let (answer, delivered) = world.serve(&sqs_event(&[&dead.body], 1)).await;
        assert_eq!((names(answer).len(), numbers(delivered)), (1, (1, 0, 0)));
        assert_eq!(world.aws.hidden().last().unwrap().1, 15);
        let (_, delivered) = world.serve(&sqs_event(&[&dead.body], 4)).await;
        assert_eq!(numbers(delivered), (0, 0, 1));
        world.serve(&event(&of("web-1", &[record("web-1", "app")]))).await.0.unwrap();
        world.serve(&sqs_event(&[&world.aws.take("dead")[0].body], 1)).await.0.unwrap();
        assert_eq!((texts(&world), are_tagged(&world)), (vec!["a ***".into()], vec![false]));
    }
}

#[tokio::test]
async fn without_a_queue_or_a_wait_it_is_sent_at_once() {
    let no_queue = [("PODFERRY_UNDELIVERED_QUEUE_URL", ""), ("PODFERRY_DEAD_LETTER_QUEUE_URL", "")];
    for more in [&no_queue[..], &[("PODFERRY_METADATA_WAIT", "0")]] {
        let world = world(more).await;
        let (_, delivered) = world.serve(&event(&lines("web-1", &["a tok_1"]))).await;
        assert_eq!((numbers(delivered), are_tagged(&world)), ((0, 1, 0), vec![true]), "{more:?}");
    }
    // To be kept at once is a wait of none, too.
    let world = world(&[("PODFERRY_METADATA_WAIT", "0"), ("PODFERRY_METADATA_UNKNOWN", "keep")]).await;
    let (answer, delivered) = world.serve(&event(&lines("web-1", &["a tok_1", "b"]))).await;
    assert_eq!((answer.is_ok(), numbers(delivered), world.aws.sent("dead").len()), (true, (0, 0, 2), 1));
}

#[tokio::test]
async fn what_another_record_of_the_batch_tells_is_known_in_time() {
    let world = world(&[]).await;
    let bodies = [
        lines("web-1", &["a tok_1"]),
        lines("web-2", &["b tok_2"]),
        of("web-1", &[line("c tok_3"), record("web-1", "app")]),
    ]
    .map(|content| String::from_utf8(event(&content)).unwrap());
    let (answer, delivered) = world.serve(&sqs_event(&[&bodies[0], &bodies[1], &bodies[2]], 1)).await;
    assert_eq!((names(answer), numbers(delivered)), (vec![], (1, 2, 0)));
    let mut texts = texts(&world);
    texts.sort();
    assert_eq!(texts, ["a ***", "c ***"]);
    // What waits is the one of the other pod.
    let sent = world.aws.take("undelivered");
    assert_eq!((sent.len(), head(&sent[0].body)["events"].clone()), (1, 1.into()));
}

#[tokio::test]
async fn the_same_event_twice_waits_once() {
    let world = world(&[]).await;
    let body = String::from_utf8(event(&lines("web-1", &["a tok_1"]))).unwrap();
    let (answer, _) = world.serve(&sqs_event(&[&body, &body], 1)).await;
    assert_eq!((names(answer), world.aws.sent("undelivered").len()), (vec![], 1));
}

#[tokio::test]
async fn records_of_a_stream_and_of_firehose_wait_for_themselves() {
    let kinesis = |contents: &[Value]| {
        let record = |(number, content): (usize, &Value)| json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number.to_string(), "data": data(content) } });
        json!({ "Records": contents.iter().enumerate().map(record).collect::<Vec<_>>() }).to_string().into_bytes()
    };
    let firehose = |contents: &[Value]| {
        let record =
            |(number, content): (usize, &Value)| json!({ "recordId": number.to_string(), "data": data(content) });
        json!({ "deliveryStreamArn": "d", "records": contents.iter().enumerate().map(record).collect::<Vec<_>>() })
            .to_string()
            .into_bytes()
    };
    let contents = [of("web-1", &[line("a tok_1"), record("web-1", "app")]), lines("web-2", &["b tok_2"])];
    for is_firehose in [false, true] {
        let event = if is_firehose { firehose(&contents) } else { kinesis(&contents) };
        let world = world(&[]).await;
        let (answer, delivered) = world.serve(&event).await;
        assert_eq!((numbers(delivered), world.aws.sent("undelivered").len()), ((1, 1, 0), 1));
        let answer = serde_json::to_value(answer.unwrap()).unwrap();
        match is_firehose {
            false => assert_eq!(answer, json!({ "batchItemFailures": [] })),
            true => assert_eq!(
                (&answer["records"][0]["result"], &answer["records"][1]["result"]),
                (&"Ok".into(), &"Dropped".into())
            ),
        }
        // It is known later, and then delivered directly.
        let message = world.aws.take("undelivered").remove(0).body;
        world.serve(&testkit::events::event(&of("web-2", &[record("web-2", "app")]))).await.0.unwrap();
        let (_, delivered) = world.serve(&sqs_event(&[&message], 1)).await;
        assert_eq!((numbers(delivered), texts(&world).last().unwrap().as_str()), ((0, 1, 0), "b ***"));
        // Where the queue takes nothing, the record stays where it is.
        world.aws.set(AwsBehavior::Denied);
        let event = if is_firehose { firehose(&[lines("web-3", &["x"])]) } else { kinesis(&[lines("web-3", &["x"])]) };
        let (answer, delivered) = world.serve(&event).await;
        let answer = serde_json::to_value(answer.unwrap()).unwrap();
        assert_eq!(delivered.waiting, 1);
        match is_firehose {
            false => assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "0" }] })),
            true => assert_eq!(answer["records"][0]["result"], "ProcessingFailed"),
        }
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_saved_fails_and_comes_again() {
    let world = world(&[]).await;
    world.aws.set(AwsBehavior::Denied);
    let (answer, delivered) = world.serve(&event(&lines("web-1", &["a tok_1"]))).await;
    let failure = answer.unwrap_err();
    assert_eq!((failure.error_type(), delivered.waiting, texts(&world).len()), ("LogsUnsaved", 1, 0));
    assert!(failure.to_string().starts_with("1 event could not be put into a queue"), "{failure}");
    // A message that cannot be hidden stays all the same.
    world.aws.set(AwsBehavior::Healthy);
    world.serve(&event(&lines("web-1", &["a tok_1"]))).await.0.unwrap();
    let message = world.aws.take("undelivered").remove(0).body;
    world.aws.set(AwsBehavior::Down);
    assert_eq!(names(world.serve(&sqs_event(&[&message], 1)).await.0), ["m-1"]);
}

#[tokio::test]
async fn failed_events_wait_too() {
    let world = world(&[]).await;
    let failed = |content: &Value| json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": { "awslogs": { "data": data(content) } } });
    world.aws.put("/bucket/key", failed(&lines("web-1", &["a tok_1"])).to_string().into_bytes());
    let note = json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": "eu-west-1", "s3": { "bucket": { "name": "bucket" }, "object": { "key": "key" } } }] });
    let failed = failed(&lines("web-1", &["b tok_2"])).to_string();
    let (answer, delivered) = world.serve(&sqs_event(&[&note.to_string(), &failed], 1)).await;
    assert_eq!((names(answer), numbers(delivered), world.aws.sent("undelivered").len()), (vec![], (2, 0, 0), 2));
    // In an object of a batch, some are known: the note is done, and what waits is in the queue.
    let both = json!({ "Records": [
        { "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1", "data": data(&of("web-2", &[line("c"), record("web-2", "app")])) } },
        { "kinesis": { "sequenceNumber": "2", "data": data(&lines("web-3", &["d"])) } },
    ] });
    world.aws.put("/bucket/key", json!({ "payload": both.to_string() }).to_string().into_bytes());
    world.aws.take("undelivered");
    let (answer, delivered) = world.serve(&sqs_event(&[&note.to_string()], 1)).await;
    assert_eq!((names(answer), numbers(delivered), world.aws.sent("undelivered").len()), (vec![], (1, 1, 0), 1));
}

#[tokio::test]
async fn a_large_event_waits_in_several_messages() {
    let world = world(&[]).await;
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    };
    let texts: Vec<String> =
        (0..60).map(|number| format!("{number} tok_{}", (0..10_000).map(|_| noise()).collect::<String>())).collect();
    let cold = lines("web-1", &texts.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, delivered) = world.serve(&event(&cold)).await;
    assert_eq!(numbers(delivered), (60, 0, 0));
    let sent = world.aws.take("undelivered");
    assert!(sent.len() > 1 && sent.iter().all(|one| one.body.len() <= 262_144 && one.delay == 15));
    let events: u64 = sent.iter().map(|one| head(&one.body)["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 60);
    world.serve(&event(&of("web-1", &[record("web-1", "app")]))).await.0.unwrap();
    let bodies: Vec<&str> = sent.iter().map(|one| one.body.as_str()).collect();
    let (answer, delivered) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!((names(answer), numbers(delivered)), (vec![], (0, 60, 0)));
    assert!(world.arrived().iter().all(|(text, count)| *count == 1 && text.ends_with(" ***")));
}

/// Anybody who may send to the queue can write such a message.
#[tokio::test]
async fn a_forged_message_waits_no_longer_and_costs_only_itself() {
    let world = world(&[]).await;
    world.serve(&event(&lines("web-1", &["a tok_1"]))).await.0.unwrap();
    let whole = world.aws.take("undelivered").remove(0).body;
    let since = head(&whole)["since_ms"].to_string();
    // Times and rounds that nobody wrote: it is sent, or waits as long as any.
    for (number, forged, waits) in [
        (0, whole.replace(&since, "-9223372036854775808"), false),
        (1, whole.replace("\"rounds\":1", "\"rounds\":4294967295"), false),
        (2, whole.replace(&since, "9223372036854775807"), true),
        (3, whole.replace("\"events\":1", "\"events\":18446744073709551615"), true),
    ] {
        // Each with a line of its own, or it is known to be delivered.
        let data = self::data(&lines("web-1", &[&format!("forged {number}")]));
        let before = forged.split_once(",\"data\":").unwrap().0;
        let (answer, delivered) = world.serve(&sqs_event(&[&format!("{before},\"data\":\"{data}\"}}")], 1)).await;
        let expected = if waits { (1, 0, 0) } else { (0, 1, 0) };
        assert_eq!((names(answer).len(), numbers(delivered)), (usize::from(waits), expected), "{forged}");
        assert!(!waits || world.aws.hidden().last().unwrap().1 <= 240);
    }
    // What is damaged, or of a newer podferry, is a dead letter, and says why.
    let other = sqs_event(
        &[&whole.replace("\"kind\":\"metadata\"", "\"kind\":\"other\""), &whole.replace("\"data\":\"", "\"data\":\"%")],
        1,
    );
    let (answer, delivered) = world.serve(&other).await;
    assert_eq!((names(answer), numbers(delivered)), (vec![], (0, 0, 2)));
    let mut reasons: Vec<String> = world.aws.take("dead").into_iter().filter_map(|dead| dead.reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["EventBase64Invalid", "EventMessageInvalid"]);
    // Within another envelope it waits as a new message, and goes on counting.
    let inside = json!({ "requestPayload": serde_json::from_str::<Value>(&whole).unwrap() }).to_string();
    let inside = inside.replacen(r#""requestPayload":{"data":"#, r#""requestPayload":{"x":"#, 1);
    let _ = world.serve(&sqs_event(&[&inside], 1)).await;
}

/// A function whose metadata can be looked up.
async fn looking_up(behavior: LogsBehavior, more: &[(&'static str, &str)]) -> (World, LogsStandIn) {
    let logs = LogsStandIn::start(behavior);
    let url = logs.url();
    let settings = [("PODFERRY_METADATA_RECORDS", "true"), ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", url.as_str())];
    let world = World::with(AwsBehavior::Healthy, &[&settings, more].concat(), |_| Reply::Judge).await;
    (world, logs)
}

#[tokio::test]
async fn what_is_looked_up_need_not_wait() {
    for (from, container) in [(log_stream("web-1", "app"), "app"), (log_stream("web-1", "chatty"), "chatty")] {
        let (world, logs) = looking_up(LogsBehavior::Healthy, &[]).await;
        let mask = record("web-1", container)
            .replace(&format!("ad.datadoghq.com/{container}.logs"), "ad.datadoghq.com/app.logs");
        logs.put("/aws/eks/prod/fargate", &log_stream("web-1", "app"), now() - 40_000, &line("before"));
        logs.put("/aws/eks/prod/fargate", &from, now() - 20_000, &mask);
        let bodies = [["a tok_1", "b"], ["c tok_2", "d"]]
            .map(|texts| String::from_utf8(event(&lines("web-1", &texts))).unwrap());
        // A stream that has none is asked for more than once, at a rate.
        let batch = sqs_event(&[&bodies[0], &bodies[1]], 1);
        let (answer, telemetry) = world.serve_within(&batch, Duration::from_secs(20)).await;
        let delivered = telemetry.delivered;
        assert_eq!((names(answer), numbers(delivered)), (vec![], (0, 4, 0)), "{container}");
        assert_eq!(world.arrived().into_keys().collect::<Vec<_>>(), ["a ***", "b", "c ***", "d"]);
        assert!(!logs.calls().is_empty() && world.aws.sent("undelivered").is_empty());
    }
}

#[tokio::test]
async fn where_the_look_up_fails_it_waits_and_is_asked_for_again() {
    for behavior in [
        LogsBehavior::Healthy,
        LogsBehavior::Throttled,
        LogsBehavior::Denied("GetLogEvents"),
        LogsBehavior::Down,
        LogsBehavior::Says("{}"),
    ] {
        let (world, logs) = looking_up(behavior, &[]).await;
        let (_, delivered) = world.serve(&event(&lines("web-1", &["a tok_1"]))).await;
        assert_eq!((numbers(delivered), texts(&world).len()), ((1, 0, 0), 0), "{behavior:?}");
        assert!(!logs.calls().is_empty());
        // Another sandbox finds it.
        let message = world.aws.take("undelivered").remove(0).body;
        let (other, logs) = looking_up(LogsBehavior::Healthy, &[]).await;
        logs.put("/aws/eks/prod/fargate", &log_stream("web-1", "app"), now(), &record("web-1", "app"));
        let (answer, delivered) = other.serve(&sqs_event(&[&message], 1)).await;
        assert_eq!((names(answer), numbers(delivered), texts(&other)), (vec![], (0, 1, 0), vec!["a ***".to_owned()]));
    }
}

#[tokio::test]
async fn without_a_queue_it_is_looked_up_and_then_sent() {
    let no_queue = [("PODFERRY_UNDELIVERED_QUEUE_URL", ""), ("PODFERRY_DEAD_LETTER_QUEUE_URL", "")];
    for is_there in [true, false] {
        let (world, logs) = looking_up(LogsBehavior::Healthy, &no_queue).await;
        if is_there {
            logs.put("/aws/eks/prod/fargate", &log_stream("web-1", "app"), now(), &record("web-1", "app"));
        }
        let (_, delivered) = world.serve(&event(&lines("web-1", &["a tok_1"]))).await;
        let text = if is_there { "a ***" } else { "a tok_1" };
        assert_eq!(
            (numbers(delivered), texts(&world), are_tagged(&world)),
            ((0, 1, 0), vec![text.to_owned()], vec![!is_there])
        );
    }
}

#[tokio::test]
async fn a_look_up_that_is_not_answered_takes_no_time_from_the_delivery() {
    let (world, _logs) = looking_up(LogsBehavior::Silent, &[]).await;
    let bodies = [lines("web-1", &["a tok_1"]), of("web-2", &[line("b tok_2"), record("web-2", "app")])]
        .map(|content| String::from_utf8(event(&content)).unwrap());
    let started = std::time::Instant::now();
    let (answer, delivered) = world.serve(&sqs_event(&[&bodies[0], &bodies[1]], 1)).await;
    assert_eq!((names(answer), numbers(delivered)), (vec![], (1, 1, 0)));
    assert!(started.elapsed() < Duration::from_millis(2_500));
}
