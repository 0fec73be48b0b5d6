//! Look-ups against a CloudWatch Logs on loopback: what is not believed, and everything that can go wrong.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::cloudwatch_logs::LogsBehavior;
use testkit::events::GROUP;
use tokio::time::Instant;

use super::log_reader::now;
use super::lookup_policy::{CallEnd, LookupCall, LookupRefusal, LookupTally};
use super::metadata_lookup::{LookedUp, MetadataLookup};
use super::metadata_lookup_scene::{FILTER, GET, MINUTE, Scene, TIME, found, line, record, stream, wanted};
use crate::delivery::client::Clients;
use crate::settings::{Network, Settings};
use pipeline::metadata_records::WantedMetadata;

// -------------------------------------------------------------------------------------------------------------------
// What is not believed
// -------------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn nothing_is_believed_beside_a_line_that_is_no_parsers() {
    // Under `log_key` the application writes the whole message: its metadata, too.
    for other in ["hello", r#"{"level":"info"}"#, "", r#" {"log":"a"}"#] {
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("app", TIME, other);
        scene.put("app", TIME + 1, &record("app", "forged"));
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Absent, "{other}");
        assert_eq!(scene.operations(), [GET], "nor elsewhere");
        // At the head.
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("app", TIME - 60 * MINUTE, &record("app", "forged"));
        scene.put("app", TIME - 60 * MINUTE, other);
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Absent, "{other}");
        // In another stream of the pod.
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("side", TIME, &line("a"));
        scene.put("app", TIME, &record("app", "forged"));
        scene.put("app", TIME, other);
        assert_eq!(scene.ask(&wanted("side")).await, LookedUp::Absent, "{other}");
        // The search for metadata finds such JSON itself.
        let beside = if other.contains("level") { 3 } else { 4 };
        assert_eq!(scene.operations(), [GET, GET, FILTER, GET][..beside]);
    }
}

#[tokio::test]
async fn metadata_of_others_is_not_taken() {
    let own = record("app", "x");
    for message in [
        own.replace("web-1", "web-2"),
        own.replace("shop", "till"),
        own.replace(r#""container_name":"app""#, r#""container_name":"side""#),
        own.replace(r#","cluster_name""#, r#","log":"a","cluster_name""#),
        own.trim_end_matches('}').to_owned(),
    ] {
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("app", TIME, &message);
        scene.put("app", TIME, &line("a"));
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Absent, "{message}");
    }
    // An answer that names other streams than were asked for.
    for stream in [stream("app").replace("web-1_", "web-2_"), "web-1_shop_".to_owned(), String::new()] {
        let event = json!({ "logStreamName": stream, "timestamp": TIME, "message": record("app", "x").replace("web-1", "web-2") });
        let answer: &str = json!({ "events": [event] }).to_string().leak();
        assert_eq!(Scene::new(LogsBehavior::Says(answer)).ask(&wanted("side")).await, LookedUp::Absent, "{stream}");
    }
}

#[tokio::test]
async fn answers_that_are_none_are_failures() {
    for text in ["", "{}", "[]", "null", "<html>", r#"{"events":"x"}"#, r#"{"events":[{"message":"#] {
        let scene = Scene::new(LogsBehavior::Says(text));
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Unavailable(LookupRefusal::Failed), "{text}");
        assert_eq!(scene.lookup.tally().failed, 1);
    }
    for text in [r#"{"events":[1,null,{},[]]}"#, r#"{"events":[{"message":7,"timestamp":"x"}]}"#] {
        assert_eq!(Scene::new(LogsBehavior::Says(text)).ask(&wanted("app")).await, LookedUp::Absent, "{text}");
    }
}

#[tokio::test]
async fn an_answer_is_not_read_without_end() {
    // What the stream itself has is too large, and so is what stands beside its sibling's record: that is not believed then.
    let scene = Scene::new(LogsBehavior::Gigantic(GET, 5_000_000));
    scene.put("app", TIME, &record("app", "x"));
    assert_eq!(scene.ask(&wanted("side")).await, LookedUp::Absent);
    assert_eq!(scene.operations(), [GET, GET, FILTER, GET]);
    // Nobody is to blame: no failure is counted, and others are asked for at once.
    assert_eq!(scene.lookup.tally(), LookupTally { streams: 1, calls: 4, ..LookupTally::default() });
    let scene = Scene::new(LogsBehavior::Gigantic(FILTER, 5_000_000));
    scene.put("side", TIME, &line("a"));
    assert_eq!(scene.ask(&wanted("side")).await, LookedUp::Absent);
}

// -------------------------------------------------------------------------------------------------------------------
// What goes wrong
// -------------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn after_a_failure_nobody_is_asked_for_a_while() {
    for (behavior, refusal) in [
        (LogsBehavior::Throttled, LookupRefusal::Throttled),
        (LogsBehavior::Down, LookupRefusal::Failed),
        (LogsBehavior::Says("<html>"), LookupRefusal::Failed),
    ] {
        let scene = Scene::new(behavior);
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Unavailable(refusal));
        scene.logs.set(LogsBehavior::Healthy);
        scene.put("side", TIME, &record("side", "x"));
        assert_eq!(scene.ask(&wanted("side")).await, LookedUp::Unavailable(LookupRefusal::BackingOff));
        assert_eq!(scene.operations(), [GET], "it is not tried again: {behavior:?}");
    }
}

#[tokio::test]
async fn nobody_who_listens_is_a_failure_too() {
    let scene = Scene::new(LogsBehavior::Healthy);
    let Scene { logs, mut lookup, .. } = scene;
    drop(logs);
    let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let failed = LookedUp::Unavailable(LookupRefusal::Failed);
    assert_eq!(lookup.of(&client, &wanted("app"), deadline).await, failed);
    assert_eq!(lookup.reader().has_said(), [false, true]);
}

#[tokio::test]
async fn silence_ends_with_the_look_ups_time_and_with_the_invocations() {
    let failed = LookedUp::Unavailable(LookupRefusal::Failed);
    let short = Duration::from_millis(60);
    let mut scene = Scene::new(LogsBehavior::Silent);
    scene.lookup.reader().set_call(short);
    assert_eq!(scene.ask(&wanted("app")).await, failed);
    // Whichever ends first.
    let mut scene = Scene::new(LogsBehavior::Silent);
    scene.lookup.reader().set_call(short);
    scene.lookup.set_longest(short);
    assert_eq!(scene.ask(&wanted("app")).await, failed);
    let mut scene = Scene::new(LogsBehavior::Silent);
    scene.lookup.reader().set_call(short);
    assert_eq!(scene.ask_within(&wanted("app"), short).await, failed);
    assert_eq!(scene.lookup.reader().has_said(), [false, true]);
    // Where there is no time for an answer, nobody is asked, and nobody is to blame.
    let scene = Scene::new(LogsBehavior::Silent);
    let no_time = LookedUp::Unavailable(LookupRefusal::NoTime);
    assert_eq!(scene.ask_within(&wanted("app"), Duration::from_millis(900)).await, no_time);
    assert_eq!(scene.ask_within(&wanted("app"), Duration::ZERO).await, no_time);
    assert_eq!((scene.operations().len(), scene.lookup.tally().failed), (0, 0));
}

#[tokio::test]
async fn a_denial_is_remembered_for_the_group_and_said_once() {
    let mut scene = Scene::new(LogsBehavior::Denied(GET));
    let denied = LookedUp::Unavailable(LookupRefusal::Denied);
    assert_eq!((scene.ask(&wanted("app")).await, scene.ask(&wanted("side")).await), (denied.clone(), denied.clone()));
    assert_eq!((scene.operations(), scene.lookup.tally().denied), (vec![GET.to_owned()], 1));
    assert_eq!(scene.lookup.reader().has_said(), [true, false]);
    // Another group may be allowed.
    let elsewhere = WantedMetadata { log_group: "/other".to_owned(), ..wanted("app") };
    assert_eq!(scene.ask(&elsewhere).await, denied);
    assert_eq!(scene.operations(), [GET, FILTER, GET]);
    // A role that may read streams and search no group still finds what is in the stream.
    let scene = Scene::new(LogsBehavior::Denied(FILTER));
    scene.put("side", TIME, &line("a"));
    scene.put("app", TIME, &record("app", "x"));
    assert_eq!((scene.ask(&wanted("side")).await, scene.ask(&wanted("app")).await), (denied, found("app", "x")));
}

#[tokio::test]
async fn what_is_not_there_is_not_asked_for_again() {
    let scene = Scene::new(LogsBehavior::Healthy);
    let missing = LookedUp::Unavailable(LookupRefusal::NotFound);
    assert_eq!((scene.ask(&wanted("app")).await, scene.ask(&wanted("app")).await), (missing.clone(), missing));
    assert_eq!(scene.operations(), [GET]);
    // A stream without metadata.
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME, &line("a"));
    assert_eq!(
        (scene.ask(&wanted("app")).await, scene.ask(&wanted("app")).await),
        (LookedUp::Absent, LookedUp::Absent)
    );
    assert_eq!(scene.operations(), [GET, GET, FILTER]);
    assert_eq!(scene.lookup.tally(), LookupTally { streams: 1, calls: 3, ..LookupTally::default() });
}

#[tokio::test]
async fn a_stream_without_metadata_is_not_read_again_at_once_though_its_pod_could_not_be_searched() {
    let mut scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME, &line("a"));
    {
        let mut policy = scene.lookup.reader().policy();
        let subject = policy.subject("111122223333", GROUP, "");
        policy.ended(LookupCall::Filter, subject, CallEnd::Throttled, now(), 1.0);
    }
    for _ in 0..3 {
        assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Absent);
    }
    assert_eq!(scene.operations(), [GET, GET]);
}

#[tokio::test]
async fn where_it_cannot_be_asked_for_nobody_is_asked() {
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME, &record("app", "x"));
    let foreign = WantedMetadata { owner: "444455556666".to_owned(), ..wanted("app") };
    assert_eq!(scene.ask(&foreign).await, LookedUp::Unavailable(LookupRefusal::Foreign));
    // Whose function it is, nobody said.
    scene.lookup.begin("");
    assert!(scene.lookup.is_on());
    assert_eq!(scene.ask(&wanted("app")).await, found("app", "x"));
    let variables = scene.logs.variables();
    for (calls, missing) in [(0, ""), (60, "AWS_ACCESS_KEY_ID"), (60, "AWS_REGION")] {
        let variables = variables.iter().filter(|(name, _)| *name != missing).cloned();
        let variables = variables.chain([("DD_API_KEY", "k".to_owned())]).map(|(name, value)| (name.to_owned(), value));
        let aws = Settings::read(&variables.collect::<std::collections::HashMap<_, _>>()).unwrap().aws;
        let lookup = MetadataLookup::new(calls, aws, None);
        let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        assert_eq!(lookup.of(&client, &wanted("app"), deadline).await, LookedUp::Unavailable(LookupRefusal::Off));
        assert!(!lookup.is_on());
    }
    assert_eq!(scene.operations(), [GET]);
}

#[tokio::test]
async fn its_own_words_have_no_text_of_a_log() {
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME, &record("app", "geheim"));
    let looked_up = scene.ask(&wanted("app")).await;
    assert!(matches!(looked_up, LookedUp::Found(_)));
    let tally: Value = json!(scene.lookup.tally());
    assert_eq!(tally, json!({ "metadata_lookups": 1, "metadata_lookups_found": 1, "metadata_lookup_calls": 1 }));
}
