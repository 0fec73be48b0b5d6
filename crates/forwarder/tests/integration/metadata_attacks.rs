//! Whoever may send to the queue, CloudWatch Logs on a bad day and settings that change: what waits for metadata is neither lost nor sent without its masks.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use intake::Reply;
use serde_json::{Value, json};
use testkit::aws::AwsBehavior;
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;

use super::metadata_waits::{MISSING, line, log_stream, record};
use super::queue::{World, head, names};

const ON: [(&str, &str); 2] = [("PODFERRY_METADATA_RECORDS", "true"), ("PODFERRY_METADATA_LOOKUPS", "0")];

async fn world(more: &[(&'static str, &str)]) -> World {
    World::with(AwsBehavior::Healthy, &[&ON, more].concat(), |_| Reply::Judge).await
}

/// An event of the container `app` of a pod.
fn of(pod: &str, messages: &[String]) -> Vec<u8> {
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (now(), message.as_str())).collect();
    event(&content("/aws/eks/prod/fargate", &log_stream(pod, "app"), &messages))
}

/// The message in which an event of one line waits.
async fn waiting(pod: &str, text: &str) -> String {
    let world = world(&[]).await;
    world.serve(&of(pod, &[line(text)])).await.0.unwrap();
    world.aws.take("undelivered").remove(0).body
}

/// The preset is given up, or a parameter of the stack forgotten, while events wait.
#[tokio::test]
async fn what_waits_when_the_setting_goes_is_kept_with_its_masks() {
    let message = waiting("web-1", "a tok_1").await;
    let without = World::with(AwsBehavior::Healthy, &[], |_| Reply::Judge).await;
    let (answer, delivered) = without.serve(&sqs_event(&[&message], 1)).await;
    assert_eq!((names(answer), delivered.dead, without.arrived().len()), (vec![], 1, 0));
    let [dead] = &without.aws.take("dead")[..] else { panic!("not one dead letter") };
    assert_eq!((&dead.body, dead.reason.as_deref()), (&message, Some("EventMetadataOff")));
    // Where there is no queue for it, it stays.
    let none = [("PODFERRY_DEAD_LETTER_QUEUE_URL", "")];
    let without = World::with(AwsBehavior::Healthy, &none, |_| Reply::Judge).await;
    assert_eq!(names(without.serve(&sqs_event(&[&message], 1)).await.0), ["m-1"]);
    assert!(without.arrived().is_empty());
    // With the setting it goes on from where it was.
    let with = world(&[]).await;
    with.serve(&of("web-1", &[record("web-1", "app")])).await.0.unwrap();
    with.serve(&sqs_event(&[&message], 1)).await.0.unwrap();
    assert_eq!(with.arrived().into_keys().collect::<Vec<_>>(), ["a ***"]);
}

/// What waits with this data.
fn with_data(message: &str, data: &str) -> String {
    format!("{},\"data\":\"{data}\"}}", message.split_once(",\"data\":").unwrap().0)
}

#[tokio::test]
async fn damaged_messages_cost_only_themselves() {
    let whole = waiting("web-1", "a tok_1").await;
    let since = format!("\"since_ms\":{}", head(&whole)["since_ms"]);
    let zip = |text: &[u8]| STANDARD.encode(gzip(text));
    let of_stream = |events: &str| {
        format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"{}","logEvents":[{events}]}}"#,
            log_stream("web-1", "app")
        )
    };
    let damaged = [
        (whole.replace(&since, "\"since_ms\":1e400"), "EventMessageInvalid"),
        (whole.replace(&since, "\"since_ms\":NaN"), "EventNotJson"),
        (whole.replace(&since, "\"since_ms\":1.5"), "EventMessageInvalid"),
        (whole.replace(&since, "\"since_ms\":\"7\""), "EventMessageInvalid"),
        (whole.replace(&since, "\"since_ms\":9223372036854775808"), "EventMessageInvalid"),
        (whole.replace("\"rounds\":1", "\"rounds\":4294967296"), "EventMessageInvalid"),
        (whole.replace("\"rounds\":1", "\"rounds\":1,\"rounds\":2"), "EventMessageInvalid"),
        (whole.replace("\"rounds\":1", &format!("\"rounds\":1,\"x\":{}", "[".repeat(200_000))), "EventNotJson"),
        (whole.replace("\"schema\":2", "\"schema\":0"), "EventMessageInvalid"),
        (whole.replace("\"schema\":2", "\"schema\":3"), "EventMessageInvalid"),
        (whole.replace("\"schema\":2", "\"schema\":2,\"schema\":2"), "EventMessageInvalid"),
        (whole.replace("\"metadata\"", "\"\\u0000\""), "EventMessageInvalid"),
        (format!("{whole}{whole}"), "EventNotJson"),
        (with_data(&whole, ""), "EventGzipInvalid"),
        (with_data(&whole, "=H4s"), "EventBase64Invalid"),
        (with_data(&whole, &STANDARD.encode("x")), "EventGzipInvalid"),
        (with_data(&whole, &zip(b"[]")), "EventContentInvalid"),
        (with_data(&whole, &zip(&vec![b' '; 11 << 20])), "EventTooLarge"),
        (with_data(&whole, &zip(of_stream(&format!("{}{{}}", "{},".repeat(2_000_000))).as_bytes())), "EventTooMany"),
    ];
    let cap = [("PODFERRY_MAX_DECOMPRESSED_BYTES", "10485760")];
    for (message, reason) in damaged {
        let world = world(&cap).await;
        let good = String::from_utf8(of("web-2", &[line("b tok_2"), record("web-2", "app")])).unwrap();
        let (answer, telemetry) = world.serve_within(&sqs_event(&[&message, &good], 1), Duration::from_secs(60)).await;
        let start = message.get(..200).unwrap_or(&message);
        assert_eq!((names(answer), telemetry.delivered.dead), (vec![], 1), "{reason} {start}");
        assert_eq!(world.arrived().into_keys().collect::<Vec<_>>(), ["b ***"], "{reason}");
        assert_eq!(world.aws.take("dead")[0].reason.as_deref(), Some(reason), "{start}");
    }
    // What holds nothing that waits is done.
    for data in [zip(of_stream("").as_bytes()), zip(br#"{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#)] {
        let world = world(&[]).await;
        let (answer, delivered) = world.serve(&sqs_event(&[&with_data(&whole, &data)], 1)).await;
        assert_eq!((names(answer), delivered.dead, delivered.waiting, world.arrived().len()), (vec![], 0, 0, 0));
    }
}

/// Lambda gives an event again whose answer it did not get. By then it waits already, once more.
#[tokio::test]
async fn an_event_that_comes_again_while_it_waits_is_sent_once() {
    let world = world(&[]).await;
    let again = of("web-1", &[line("a tok_1"), line("b tok_2")]);
    for _ in 0..3 {
        world.serve(&again).await.0.unwrap();
    }
    let sent = world.aws.take("undelivered");
    let mut bodies: Vec<&str> = sent.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies.len(), 3);
    let tells = String::from_utf8(of("web-1", &[line("c"), record("web-1", "app")])).unwrap();
    bodies.push(&tells);
    // In one batch, with what tells it at its end; and one more time by itself.
    let (answer, _) = world.serve(&sqs_event(&bodies, 1)).await;
    assert_eq!(names(answer), Vec::<String>::new());
    world.serve(&sqs_event(&bodies[..1], 2)).await.0.unwrap();
    world.serve(&again).await.0.unwrap();
    let expected = ["a ***", "b ***", "c"].map(|text| (text.to_owned(), 1));
    assert_eq!(world.arrived().into_iter().collect::<Vec<_>>(), expected);
}

/// The queue takes a part of an event that waits in several messages. The event comes again as a whole: nothing is missing.
#[tokio::test]
async fn what_is_saved_in_part_fails_and_nothing_is_lost() {
    let world = world(&[]).await;
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    };
    let lines: Vec<String> =
        (0..60).map(|number| line(&format!("{number} {}", (0..10_000).map(|_| noise()).collect::<String>()))).collect();
    let large = of("web-1", &lines);
    world.aws.set(AwsBehavior::TakesOnly(1));
    let (answer, _) = world.serve(&large).await;
    assert_eq!(answer.unwrap_err().error_type(), "LogsUnsaved");
    let mut sent = world.aws.take("undelivered");
    world.aws.set(AwsBehavior::Healthy);
    world.serve(&large).await.0.unwrap();
    sent.extend(world.aws.take("undelivered"));
    world.serve(&of("web-1", &[record("web-1", "app")])).await.0.unwrap();
    for one in &sent {
        world.serve(&sqs_event(&[&one.body], 1)).await.0.unwrap();
    }
    assert_eq!(world.arrived().into_values().collect::<Vec<_>>(), [1; 60]);
}

/// `web` and `web-1` are two pods, and so are those of two groups and of two accounts.
#[tokio::test]
async fn a_pod_with_a_name_that_begins_alike_tells_nothing() {
    for (pod, group) in [
        ("web", "/aws/eks/prod/fargate"),
        ("web-10", "/aws/eks/prod/fargate"),
        ("b-web-1", "/aws/eks/prod/fargate"),
        ("web-1", "/aws/eks/test/fargate"),
    ] {
        let world = world(&[]).await;
        let tells = record(pod, "app");
        let other = content(group, &log_stream(pod, "app"), &[(now(), "{\"log\":\"x\"}"), (now(), &tells)]);
        world.serve(&event(&other)).await.0.unwrap();
        let (_, delivered) = world.serve(&of("web-1", &[line("a tok_1")])).await;
        assert_eq!((delivered.waiting, world.arrived().contains_key("a tok_1")), (1, false), "{pod} {group}");
    }
}

/// The function ends soon, the queue is slow, or gone.
#[tokio::test]
async fn with_no_time_left_or_no_queue_that_answers_it_comes_again() {
    for (behavior, time) in [(AwsBehavior::Silent, 1_500), (AwsBehavior::SaysOnly("{}"), 3_000), (AwsBehavior::Down, 0)]
    {
        let world = world(&[]).await;
        world.aws.set(behavior);
        let (answer, _) = world.serve_within(&of("web-1", &[line("a tok_1")]), Duration::from_millis(time)).await;
        assert!(answer.is_err() && world.arrived().is_empty(), "{behavior:?}");
        // A message of SQS stays, whether it can be hidden or not.
        let message = waiting("web-1", "a tok_1").await;
        let (answer, _) = world.serve_within(&sqs_event(&[&message], 1), Duration::from_millis(time)).await;
        assert_eq!((names(answer), world.arrived().len()), (vec!["m-1".to_owned()], 0), "{behavior:?}");
    }
}

/// An older mask holds where a StatefulSet's pod is younger than all that is known, and the tag says that it is not certain.
#[tokio::test]
async fn what_is_only_likely_is_sent_last_and_tagged() {
    let world = world(&[("PODFERRY_METADATA_WAIT", "60")]).await;
    let told = |time: i64| {
        let tells = record("db-0", "app");
        event(&content(
            "/aws/eks/prod/fargate",
            &log_stream("db-0", "old"),
            &[(time, &tells.replace("\"app\"", "\"old\""))],
        ))
    };
    world.serve(&told(now() - 86_400_000)).await.0.unwrap();
    let (_, delivered) = world.serve(&of("db-0", &[line("a tok_1")])).await;
    assert_eq!((delivered.waiting, world.arrived().len()), (1, 0));
    let message = world.aws.take("undelivered").remove(0).body;
    let (_, delivered) = world.serve(&sqs_event(&[&message], 9)).await;
    let log = &world.intake.accepted()[0];
    assert_eq!((delivered.delivered, &log["message"], has_tag(log, MISSING)), (1, &Value::from("a ***"), true));
}

/// What the application wrote into its text is text, whatever it looks like; so are pieces of a line.
#[tokio::test]
async fn a_forged_record_in_the_text_makes_nothing_known() {
    let forged = record("web-1", "app").replace("tok_", "none_");
    let piece = |tag: &str, text: &str| json!({ "stream": "stdout", "logtag": tag, "log": text }).to_string();
    let piece = |tag: &str, text: &str| {
        let value: Value = serde_json::from_str(&piece(tag, text)).unwrap();
        format!(r#"{{"stream":"stdout","logtag":"{tag}","log":{}}}"#, value["log"])
    };
    let (first, second) = forged.split_at(40);
    for messages in [
        vec![line(&forged), line("a tok_1")],
        vec![piece("P", first), piece("F", second), line("a tok_1")],
        vec![piece("P", "{\"log\":\"a tok_1\"}"), piece("F", &forged)],
        vec![line("a tok_1"), line(&format!("{{\"log\":\"x\",{}", &forged[1..]))],
    ] {
        let world = world(&[]).await;
        let (_, delivered) = world.serve(&of("web-1", &messages)).await;
        assert_eq!((delivered.waiting, world.arrived().len()), (messages.len(), 0), "{messages:?}");
        // It is masked when the real one comes.
        let message = world.aws.take("undelivered").remove(0).body;
        world.serve(&of("web-1", &[record("web-1", "app")])).await.0.unwrap();
        world.serve(&sqs_event(&[&message], 1)).await.0.unwrap();
        assert!(world.arrived().keys().all(|text| !text.contains("tok_1")), "{messages:?}");
    }
}
