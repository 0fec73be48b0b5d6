//! A log goes to Datadog once, also where records of one batch share payloads, hold the same, or fail in part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use intake::Reply;
use serde_json::{Value, json};
use testkit::aws::AwsBehavior;
use testkit::event_source_mapping::{EventSourceMapping, sqs_event};
use testkit::events::*;

use super::queue::{World, head, kinesis, logs_of, names};

fn text(event: Vec<u8>) -> String {
    String::from_utf8(event).unwrap()
}

/// Hands out all that waits, until nothing does.
async fn drain(world: &World, mapping: &mut EventSourceMapping) {
    loop {
        mapping.fill(&world.aws, "undelivered");
        let Some((batch, event)) = mapping.next_batch() else { return };
        let (answer, _) = world.serve(&event).await;
        let answer = answer.ok().map(|answer| serde_json::to_value(answer).unwrap());
        mapping.answered(batch, answer.as_ref());
    }
}

/// Also of a half of it: what is refused is tried in halves.
fn is_of_first_payload(arrival: &intake::Arrival) -> bool {
    let first = arrival.items[0]["message"].as_str().unwrap();
    first.strip_prefix("log ").unwrap().parse::<usize>().unwrap() < 1000
}

#[tokio::test]
async fn a_record_whose_rest_is_saved_is_done_and_the_others_of_its_payload_stay() {
    // Two events share the second of three payloads; the first payload is accepted, the others are not.
    let is_well = Arc::new(AtomicBool::new(false));
    let asked = is_well.clone();
    let script = move |arrival: &intake::Arrival| {
        let is_first = arrival.items[0]["message"] == "log 0";
        if is_first || asked.load(Ordering::SeqCst) { Reply::Judge } else { Reply::Status(503, Some("60".into())) }
    };
    let world = World::new(AwsBehavior::Healthy, script).await;
    let (first, second) = (text(logs_of(0, 1200, now())), text(logs_of(1200, 1000, now())));
    let mut mapping = EventSourceMapping::default();
    mapping.add(first);
    mapping.add(second);
    let (batch, event) = mapping.next_batch().unwrap();
    let (answer, numbers) = world.serve(&event).await;
    let answer = answer.unwrap();
    assert_eq!((numbers.delivered, numbers.queued), (1000, 1200));
    // Of the first record 200 logs were saved; of the second nothing was, so it stays whole.
    let sent = world.aws.sent("undelivered");
    assert_eq!(sent.iter().map(|sent| head(&sent.body)["logs"].as_u64().unwrap()).collect::<Vec<_>>(), [200]);
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "m-2" }]));
    mapping.answered(batch, Some(&answer));
    // Another sandbox, which remembers nothing, gets what is left.
    let other = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    mapping.fill(&world.aws, "undelivered");
    drain(&other, &mut mapping).await;
    let (before, after) = (world.arrived(), other.arrived());
    assert_eq!((before.len(), after.len()), (1000, 1200));
    assert!(after.keys().all(|text| !before.contains_key(text)) && after.values().all(|count| *count == 1));
}

#[tokio::test]
async fn what_is_refused_takes_the_rest_of_its_record_along() {
    // One payload of the record is refused for good, the other may go through later.
    let script = |arrival: &intake::Arrival| {
        let code = if is_of_first_payload(arrival) { 400 } else { 503 };
        Reply::Status(code, Some("60".into()))
    };
    let world = World::new(AwsBehavior::Healthy, script).await;
    let (answer, numbers) = world.serve(&sqs_event(&[&text(logs_of(0, 1500, now()))], 2)).await;
    assert_eq!((names(answer), numbers.dead, numbers.queued), (vec![], 1000, 500));
    assert_eq!((world.aws.sent("dead").len(), world.aws.sent("undelivered").len()), (1, 1));
    // And a part that cannot be read does.
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Status(503, Some("60".into()))).await;
    let records =
        [kinesis("1", &logs_of(0, 10, now())), json!({ "eventSource": "aws:kinesis", "kinesis": { "data": "%" } })];
    let failed = json!({ "payload": json!({ "Records": records }).to_string() }).to_string();
    let (answer, numbers) = world.serve(&sqs_event(&[&failed], 2)).await;
    assert_eq!((names(answer), numbers.dead, numbers.queued), (vec![], 1, 10));
}

#[tokio::test]
async fn a_message_whose_rest_could_not_be_saved_comes_back_and_only_the_rest_is_sent() {
    let is_well = Arc::new(AtomicBool::new(false));
    let asked = is_well.clone();
    let world = World::new(AwsBehavior::Healthy, move |arrival| match arrival.items.len() {
        _ if asked.load(Ordering::SeqCst) => Reply::Judge,
        1000 => Reply::Status(413, None),
        _ if arrival.items[0]["message"] == "log 500" => Reply::Status(503, Some("60".into())),
        _ => Reply::Judge,
    })
    .await;
    world.serve(&logs_of(0, 1000, now())).await.0.unwrap();
    let message = world.aws.take("undelivered").remove(0);
    assert_eq!(head(&message.body)["logs"], 500);
    // One half of the message is accepted, and nothing can be saved.
    let whole = World::new(AwsBehavior::Down, {
        let asked = is_well.clone();
        move |arrival| match arrival.items.len() {
            _ if asked.load(Ordering::SeqCst) => Reply::Judge,
            500 => Reply::Status(413, None),
            _ if arrival.items[0]["message"] == "log 750" => Reply::Status(503, Some("60".into())),
            _ => Reply::Judge,
        }
    })
    .await;
    let (answer, numbers) = whole.serve(&sqs_event(&[&message.body], 1)).await;
    assert_eq!((names(answer), numbers.delivered), (vec!["m-1".to_owned()], 250));
    is_well.store(true, Ordering::SeqCst);
    let (answer, numbers) = whole.serve(&sqs_event(&[&message.body], 2)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 250, 250));
    assert!(whole.arrived().len() == 500 && whole.arrived().values().all(|count| *count == 1));
}

#[tokio::test]
async fn what_comes_twice_in_one_batch_is_sent_once() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let (bare, other) = (text(logs_of(0, 5, now())), text(logs_of(10, 5, now())));
    let nested =
        json!({ "requestContext": {}, "requestPayload": serde_json::from_str::<Value>(&bare).unwrap() }).to_string();
    let (answer, numbers) = world.serve(&sqs_event(&[&bare, &other, &bare, &nested], 1)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 10, 10));
    // A message of ours, too: SQS may have taken it twice.
    let down = World::new(AwsBehavior::Healthy, |_| Reply::Status(503, Some("60".into()))).await;
    down.serve(&logs_of(20, 5, now())).await.0.unwrap();
    let message = down.aws.take("undelivered").remove(0).body;
    let (answer, numbers) = world.serve(&sqs_event(&[&message, &message], 1)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 5, 5));
    // Records of a stream.
    let records = [("1", 30), ("2", 40), ("3", 30)].map(|(number, from)| kinesis(number, &logs_of(from, 5, 7)));
    let (answer, numbers) = world.serve(json!({ "Records": records }).to_string().as_bytes()).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 10, 5));
    // Two notes of one object, and two equal records in it.
    let record = kinesis("1", &logs_of(50, 5, 7));
    let object = json!({ "payload": json!({ "Records": [record, record] }).to_string() }).to_string();
    world.aws.put("/bucket/x", object.into_bytes());
    let note = super::queue::notification("bucket", "x");
    let (answer, numbers) = world.serve(&sqs_event(&[&note, &note], 1)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 5, 15));
    assert!(world.arrived().values().all(|count| *count == 1) && world.arrived().len() == 30);
    // Equal logs that CloudWatch tells apart are two logs.
    let mut twins = content("my-app", "a-stream", &[(7, "the same"), (7, "the same")]);
    for (number, log) in (100..).zip(twins["logEvents"].as_array_mut().unwrap()) {
        log["id"] = format!("{number:056}").into();
    }
    let (_, numbers) = world.serve(&sqs_event(&[&text(event(&twins))], 1)).await;
    assert_eq!((numbers.delivered, world.arrived()["the same"]), (2, 2));
}

#[tokio::test]
async fn a_log_that_comes_twice_is_as_undelivered_as_the_one_that_was_tried() {
    let is_well = Arc::new(AtomicBool::new(false));
    let asked = is_well.clone();
    let script = move |_: &intake::Arrival| {
        if asked.load(Ordering::SeqCst) { Reply::Judge } else { Reply::Status(503, Some("60".into())) }
    };
    let world = World::new(AwsBehavior::Healthy, script).await;
    let bare = text(logs_of(0, 5, now()));
    let bodies = [bare.as_str(), bare.as_str()];
    // It stays in its queue, and so does the other, for as long as the intake asked.
    let (answer, _) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!(names(answer), ["m-1", "m-2"]);
    assert_eq!(world.aws.hidden(), [("r-1".to_owned(), 60), ("r-2".to_owned(), 60)]);
    // It is saved: both are done.
    let records = ["1", "2"].map(|number| kinesis(number, &logs_of(0, 5, 7)));
    let batch = json!({ "Records": records }).to_string();
    let (answer, numbers) = world.serve(batch.as_bytes()).await;
    assert_eq!((names(answer), numbers.queued), (vec![], 5));
    // It is nowhere: the first is named, so that both come again.
    let script = |_: &intake::Arrival| Reply::Status(503, Some("60".into()));
    let nowhere = World::new(AwsBehavior::Down, script).await;
    let (answer, _) = nowhere.serve(batch.as_bytes()).await;
    assert_eq!(names(answer), ["1"]);
    is_well.store(true, Ordering::SeqCst);
    let (answer, numbers) = world.serve(&sqs_event(&bodies, 2)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.counts.duplicate), (vec![], 5, 5));
}

#[tokio::test]
async fn of_a_record_that_comes_again_as_little_as_can_be_is_in_the_queue() {
    // One payload is refused for good, the other may go through later; and one of the queues takes nothing.
    let script = |arrival: &intake::Arrival| {
        let code = if is_of_first_payload(arrival) { 400 } else { 503 };
        Reply::Status(code, Some("60".into()))
    };
    for (broken, dead) in [("dead", 0), ("undelivered", 1)] {
        let world = World::new(AwsBehavior::TakesNoneFor(broken), script).await;
        let body = text(logs_of(0, 1500, now()));
        let (answer, numbers) = world.serve(&sqs_event(&[&body], 2)).await;
        assert_eq!((names(answer), numbers.queued), (vec!["m-1".to_owned()], if dead == 0 { 1500 } else { 500 }));
        assert_eq!((world.aws.sent("undelivered").len(), world.aws.sent("dead").len()), (0, dead));
        let (answer, _) = world.serve(&logs_of(0, 1500, now() - 1)).await;
        assert!(answer.is_err() && world.aws.sent("undelivered").is_empty());
    }
}
