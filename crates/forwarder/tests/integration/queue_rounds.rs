//! What goes round in the queue of undelivered logs: slower each time, no longer than it may, and not before its time.

use forwarder::delivery::undelivered::{self, SaveNote};
use intake::Reply;
use pipeline::batch::{Batcher, Limits};
use pipeline::compress::Compression;
use testkit::aws::AwsBehavior;
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;

use super::queue::{World, head, kinesis, logs_of, names, notification};

/// `template.yaml`'s `maxReceiveCount`, which the function keeps to, too.
const MAX_ROUNDS: u32 = 50;

const NO_DEAD_LETTERS: [(&str, &str); 1] = [("PODFERRY_DEAD_LETTER_QUEUE_URL", "")];

/// A message of three logs that were given up on so often.
fn message(attempts: u32, note: SaveNote) -> String {
    let mut batcher = Batcher::new(Limits::default(), Compression::Zstd(1));
    for number in 0..3 {
        let log = format!(r#"{{"message":"log {number}","timestamp":{},"id":"{number}"}}"#, now());
        batcher.add_written(log.as_bytes(), 0, None, Some(now()));
    }
    let note = SaveNote { reason: "IntakeAnswered503".to_owned(), attempts, ..note };
    undelivered::messages(&batcher.finish()[0], &note).remove(0).body
}

#[tokio::test]
async fn without_a_dead_letter_queue_what_is_refused_stays_and_is_hidden_for_longer_each_time() {
    let world = World::with(AwsBehavior::Healthy, &NO_DEAD_LETTERS, |_| Reply::Status(400, None)).await;
    let (answer, numbers) = world.serve(&logs_of(0, 3, now())).await;
    assert!(answer.is_ok());
    assert_eq!((numbers.queued, numbers.dead), (3, 0));
    let message = world.aws.take("undelivered").remove(0);
    assert_eq!((message.delay, head(&message.body)["attempts"].as_u64()), (30, Some(1)));
    let bodies = [message.body.as_str(), "nonsense", r#"{"awslogs":{"data":"bm8gZ3ppcA=="}}"#];
    let mut waited = 0;
    for receive_count in 1..=MAX_ROUNDS + 10 {
        let (answer, numbers) = world.serve(&sqs_event(&bodies, receive_count)).await;
        assert_eq!((names(answer), numbers.queued), (vec!["m-1".into(), "m-2".into(), "m-3".into()], 3));
        let hidden = world.aws.hidden();
        let last: Vec<u64> = hidden[hidden.len() - 3..].iter().map(|(_, seconds)| *seconds).collect();
        let wait = |rounds: u32| (30 << (rounds - 1).min(16)).min(3600);
        assert_eq!(last, [wait(receive_count + 1), wait(receive_count), wait(receive_count)]);
        waited += last[1];
    }
    // Nothing is sent again, so that a redrive policy of the queue's own can act; and none has been hot.
    assert_eq!((world.aws.sent("undelivered"), world.aws.sent("dead")), (vec![], vec![]));
    assert!(waited > 2 * 24 * 3600);
}

#[tokio::test]
async fn what_came_back_as_often_as_it_may_is_a_dead_letter_and_begins_again_if_somebody_wants_it() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Status(503, Some("30".into()))).await;
    for (attempts, receive_count, is_dead) in
        [(1, 48, false), (1, 49, true), (0, 50, true), (45, 4, false), (45, 5, true)]
    {
        let body = message(attempts, SaveNote::default());
        let (answer, numbers) = world.serve(&sqs_event(&[&body], receive_count)).await;
        let dead = world.aws.take("dead");
        assert_eq!(
            (dead.len(), numbers.dead),
            (usize::from(is_dead), 3 * usize::from(is_dead)),
            "{attempts} + {receive_count}"
        );
        assert_eq!(names(answer).is_empty(), is_dead);
        let Some(dead) = dead.first() else { continue };
        let head = head(&dead.body);
        assert_eq!((head["attempts"].as_u64(), &head["reason"]), (Some(50), &"IntakeAnswered503".into()));
        // Whoever moves it back, with the command or with SQS, gives it all its rounds.
        let (answer, numbers) = world.serve(&sqs_event(&[&dead.body], 1)).await;
        assert_eq!((names(answer), numbers.queued, numbers.dead), (vec!["m-1".to_owned()], 3, 0));
        assert_eq!(world.aws.hidden().last().unwrap().1, 30);
        let (_, numbers) = world.serve(&sqs_event(&[&dead.body], MAX_ROUNDS)).await;
        assert_eq!((numbers.dead, world.aws.take("dead").len()), (3, 1));
    }
    assert_eq!(world.aws.sent("undelivered"), []);
    // A bare event has no head: the times that SQS handed it out are its rounds.
    for (receive_count, dead) in [(MAX_ROUNDS - 1, 0), (MAX_ROUNDS, 2)] {
        let bare = String::from_utf8(logs_of(100, 2, now())).unwrap();
        let (_, numbers) = world.serve(&sqs_event(&[&bare], receive_count)).await;
        assert_eq!(numbers.dead, dead);
    }
}

#[tokio::test]
async fn what_came_back_too_often_and_has_nowhere_else_to_go_stays() {
    let world = World::with(AwsBehavior::Healthy, &NO_DEAD_LETTERS, |_| Reply::Status(503, Some("30".into()))).await;
    for receive_count in [MAX_ROUNDS - 1, MAX_ROUNDS, 10 * MAX_ROUNDS] {
        let body = message(1, SaveNote::default());
        let (answer, numbers) = world.serve(&sqs_event(&[&body], receive_count)).await;
        assert_eq!((names(answer), numbers.queued), (vec!["m-1".to_owned()], 3));
        assert_eq!(world.aws.hidden().last().unwrap().1, 3600);
    }
    assert_eq!(world.aws.sent("undelivered"), []);
    // Until SQS would drop it for its age: then it is sent again, and counts on.
    let day = 24 * 3600 * 1000;
    for (age, sent) in [(3 * day - 60_000, 0), (3 * day, 1)] {
        let body = message(70, SaveNote::default());
        let event = String::from_utf8(sqs_event(&[&body], 60)).unwrap();
        let attributes = format!(r#""SentTimestamp":"{}","ApproximateReceiveCount""#, now() - age);
        let event = event.replace(r#""ApproximateReceiveCount""#, &attributes);
        let (answer, numbers) = world.serve(event.as_bytes()).await;
        assert_eq!((names(answer).len(), numbers.queued), (1 - sent, 3));
        let again = world.aws.take("undelivered");
        assert_eq!(again.len(), sent);
        for message in again {
            assert_eq!((head(&message.body)["attempts"].as_u64(), message.delay), (Some(130), 900));
        }
    }
}

#[tokio::test]
async fn a_message_that_comes_too_early_is_left_alone_and_counts_no_attempt() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let hour = 3600 * 1000;
    let early = |hours: i64| message(3, SaveNote { not_before_ms: Some(now() + hours * hour), ..SaveNote::default() });
    let (soon, late, bare) = (early(2), early(20), String::from_utf8(logs_of(50, 1, now())).unwrap());
    let (answer, numbers) = world.serve(&sqs_event(&[&soon, &bare, &late], 7)).await;
    // Others of the batch are none the worse.
    assert_eq!((names(answer), numbers.delivered, numbers.queued), (vec!["m-1".into(), "m-3".into()], 1, 6));
    let hidden = world.aws.hidden();
    assert!((7190..=7200).contains(&hidden[0].1), "{hidden:?}");
    // SQS hides nothing for longer than half a day.
    assert_eq!(hidden[1], ("r-3".to_owned(), 11 * 3600));
    assert_eq!((numbers.requests, world.aws.sent("undelivered")), (1, vec![]));
    // A time that podferry would not write is none, and the message is not lost by it.
    for not_before_ms in [now() - 1, now() + 25 * hour, i64::MAX, i64::MIN] {
        let body = message(3, SaveNote { not_before_ms: Some(not_before_ms), ..SaveNote::default() });
        let (answer, numbers) = world.serve(&sqs_event(&[&body], 1)).await;
        assert_eq!((names(answer), numbers.delivered), (vec![], 3), "{not_before_ms}");
    }
    // And a head may say of itself that it has more logs than there can be.
    let boast = soon.replacen("\"logs\":3", &format!("\"logs\":{}", usize::MAX), 1);
    let (answer, numbers) = world.serve(&sqs_event(&[&boast, &boast], 1)).await;
    assert_eq!((names(answer).len(), numbers.queued), (2, 2000));
}

#[tokio::test]
async fn of_a_batch_in_a_bucket_each_bad_record_is_buried_by_itself() {
    let world = World::new(AwsBehavior::Healthy, |_| Reply::Judge).await;
    let mut records: Vec<_> = (0..100).map(|n| kinesis(&format!("s-{n}"), &logs_of(n * 10, 10, now()))).collect();
    for number in 0..50 {
        records[number * 2]["kinesis"]["data"] = format!("bm8gZ3pp{number:04}").into();
    }
    let object = |records: &[serde_json::Value]| {
        serde_json::json!({ "payload": serde_json::json!({ "Records": records }).to_string() }).to_string().into_bytes()
    };
    world.aws.put("/bucket/aws/lambda/stream", object(&records));
    let note = notification("bucket", "aws/lambda/stream");
    let (answer, numbers) = world.serve(&sqs_event(&[&note], 1)).await;
    assert_eq!((names(answer), numbers.delivered, numbers.dead), (vec![], 500, 50));
    let mut dead = world.aws.take("dead");
    dead.sort_by(|one, other| one.body.cmp(&other.body));
    for (number, dead) in dead.iter().enumerate() {
        assert_eq!(dead.body, format!(r#"{{"awslogs":{{"data":"bm8gZ3pp{number:04}"}}}}"#));
        assert_eq!(dead.reason.as_deref(), Some("EventGzipInvalid"));
    }
    // Moved back, they are fifty again, and the good ones do not come with them.
    for ten in dead.chunks(10) {
        let bodies: Vec<&str> = ten.iter().map(|dead| dead.body.as_str()).collect();
        let (answer, numbers) = world.serve(&sqs_event(&bodies, 1)).await;
        assert_eq!((names(answer), numbers.delivered, numbers.dead), (vec![], 0, 10));
    }
    assert_eq!(world.aws.take("dead").len(), 50);
    // What is too large for a message, or has no data that could be kept, is kept by the note, once.
    let largest = 1_048_576 - 256 - r#"{"awslogs":{"data":""}}"#.len();
    for (length, bodies) in [(largest, 2), (largest + 1, 1)] {
        let mut bad = vec![records[1].clone(), records[0].clone(), records[0].clone()];
        bad[1]["kinesis"]["data"] = "%".repeat(length).into();
        bad[2]["kinesis"]["data"] = "%".repeat(1_100_000).into();
        world.aws.put("/bucket/aws/lambda/stream", object(&bad));
        let (answer, numbers) = world.serve(&sqs_event(&[&note, &note], 1)).await;
        assert_eq!((names(answer), numbers.dead), (vec![], bodies));
        let dead = world.aws.take("dead");
        assert_eq!(dead.iter().filter(|dead| dead.body.contains("aws:s3")).count(), 1);
        assert_eq!(dead.len(), bodies);
    }
    // More of them than can be buried one by one: the note again.
    for (count, bodies) in [(199, 199), (200, 200), (201, 1)] {
        let bad = |number: usize| serde_json::json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1", "data": format!("%{number}") } });
        world.aws.put("/bucket/aws/lambda/stream", object(&(0..count).map(bad).collect::<Vec<_>>()));
        let (answer, _) = world.serve(&sqs_event(&[&note], 1)).await;
        assert_eq!((names(answer), world.aws.take("dead").len()), (vec![], bodies));
    }
}

#[tokio::test]
async fn a_bad_record_goes_round_alone_where_no_dead_letter_queue_takes_it() {
    let world = World::with(AwsBehavior::Healthy, &NO_DEAD_LETTERS, |_| Reply::Judge).await;
    let bad = serde_json::json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1", "data": "%" } });
    let records = [kinesis("1", &logs_of(0, 10, now())), bad];
    let failed = serde_json::json!({ "payload": serde_json::json!({ "Records": records }).to_string() }).to_string();
    let (answer, numbers) = world.serve(&sqs_event(&[&failed], 4)).await;
    assert_eq!((names(answer), numbers.delivered), (vec![], 10));
    let sent = world.aws.take("undelivered").remove(0);
    assert_eq!((sent.body.as_str(), sent.delay), (r#"{"awslogs":{"data":"%"}}"#, 240));
    let (answer, _) = world.serve(&sqs_event(&[&sent.body], 4)).await;
    assert_eq!((names(answer), world.aws.sent("undelivered")), (vec!["m-1".to_owned()], vec![]));
}
