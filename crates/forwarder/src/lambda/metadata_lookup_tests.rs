//! Look-ups against a CloudWatch Logs on loopback: what is found and where, what is not believed, and everything that can go wrong.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::cloudwatch_logs::{LogsBehavior, LogsStandIn};
use testkit::events::{ARN, GROUP, ID};
use tokio::time::Instant;

use super::log_reader::now;
use super::lookup_policy::{CallEnd, LookupCall, LookupRefusal, LookupTally};
use super::metadata_lookup::{FoundMessage, LookedUp, MetadataLookup};
use crate::delivery::client::Clients;
use crate::settings::{Network, Settings};
use pipeline::known_metadata::KnownMetadata;
use pipeline::metadata_records::WantedMetadata;

/// When the lines were written that want metadata; in milliseconds since 1970.
const TIME: i64 = 1_795_754_034_862;
const MINUTE: i64 = 60_000;

const PREFIX: &str = "fargate-kube.var.log.containers.web-1_shop_";

fn stream(container: &str) -> String {
    format!("{PREFIX}{container}-{ID}.log")
}

fn line(text: &str) -> String {
    json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string()
}

/// A record of metadata; `label` tells it from others.
fn record(container: &str, label: &str) -> String {
    let of_pod = format!(
        r#""pod_name":"web-1","namespace_name":"shop","container_name":"{container}","labels":{{"app":"{label}"}}"#
    );
    format!(r#"{{"kubernetes":{{{of_pod}}},"cluster_name":"prod"}}"#)
}

fn wanted(container: &str) -> WantedMetadata {
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
struct Scene {
    logs: LogsStandIn,
    lookup: MetadataLookup,
    known: KnownMetadata,
}

impl Scene {
    /// One that has searched the group a moment ago.
    fn new(behavior: LogsBehavior) -> Scene {
        let mut scene = Scene::cold(behavior);
        let mut policy = scene.lookup.reader().policy();
        let subject = policy.subject("111122223333", GROUP, "");
        policy.searched(subject, true, now());
        drop(policy);
        scene
    }

    fn cold(behavior: LogsBehavior) -> Scene {
        let logs = LogsStandIn::start(behavior);
        let variables = logs.variables().into_iter().map(|(name, value)| (name.to_owned(), value));
        let variables = variables.chain([("DD_API_KEY".to_owned(), "k".to_owned())]).collect();
        let aws = std::collections::HashMap::from_iter::<Vec<(String, String)>>(variables);
        let known = KnownMetadata::default();
        let lookup = MetadataLookup::new(60_000, Settings::read(&aws).unwrap().aws, Some(known.clone()));
        lookup.begin(ARN);
        Scene { logs, lookup, known }
    }

    fn put(&self, container: &str, time: i64, message: &str) {
        self.logs.put(GROUP, &stream(container), time, message);
    }

    async fn ask_within(&self, wanted: &WantedMetadata, time: Duration) -> LookedUp {
        let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
        self.lookup.of(&client, wanted, Instant::now() + time).await
    }

    async fn ask(&self, wanted: &WantedMetadata) -> LookedUp {
        self.ask_within(wanted, Duration::from_secs(60)).await
    }

    /// The operations that were called.
    fn operations(&self) -> Vec<String> {
        self.logs.calls().into_iter().map(|(operation, _)| operation).collect()
    }
}

fn found(container: &str, label: &str) -> LookedUp {
    LookedUp::Found(FoundMessage { log_stream: stream(container), message: record(container, label) })
}

const GET: &str = "GetLogEvents";
const FILTER: &str = "FilterLogEvents";

// -------------------------------------------------------------------------------------------------------------------
// Where it is found
// -------------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_newest_record_near_the_lines_is_found_with_one_signed_call() {
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME - 60 * MINUTE, &record("app", "at-the-start"));
    for (time, label) in [(TIME - 30_000, "before"), (TIME + 20_000, "behind"), (TIME + 5 * MINUTE, "too-late")] {
        scene.put("app", time, &record("app", label));
        scene.put("app", time, &line("a"));
    }
    assert_eq!(scene.ask(&wanted("app")).await, found("app", "behind"));
    let (operation, request) = scene.logs.calls().remove(0);
    assert_eq!((operation.as_str(), scene.operations().len()), (GET, 1));
    let expected = json!({
        "logGroupName": GROUP, "logStreamName": stream("app"), "limit": 200, "startFromHead": false,
        "startTime": TIME - 5 * MINUTE, "endTime": TIME + 10_000 + MINUTE,
    });
    assert_eq!(request, expected);
    assert!(scene.logs.signed()[0].contains("/eu-west-1/logs/aws4_request"), "{:?}", scene.logs.signed());
    assert_eq!(scene.lookup.tally(), LookupTally { streams: 1, found: 1, calls: 1, ..LookupTally::default() });
}

#[tokio::test]
async fn a_stream_that_writes_much_has_it_at_its_head() {
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("app", TIME - 60 * MINUTE, &record("app", "at-the-start"));
    for number in 0..200 {
        scene.put("app", TIME - 50 * MINUTE, &line("much"));
        scene.put("app", TIME + number, &line("much"));
    }
    // One more line than is read, and it is not seen.
    scene.put("app", TIME - 1, &record("app", "hidden"));
    assert_eq!(scene.ask(&wanted("app")).await, found("app", "at-the-start"));
    assert_eq!(scene.operations(), [GET, GET]);
    // 199 lines, and it is.
    let scene = Scene::new(LogsBehavior::Healthy);
    (0..199).for_each(|number| scene.put("app", TIME + number, &line("much")));
    scene.put("app", TIME - 1, &record("app", "seen"));
    assert_eq!(scene.ask(&wanted("app")).await, found("app", "seen"));
}

#[tokio::test]
async fn a_silent_stream_has_it_from_another_of_its_pod() {
    let scene = Scene::new(LogsBehavior::Healthy);
    scene.put("side", TIME, &line("a"));
    scene.put("app", TIME, &line("a"));
    for (time, label) in [(TIME - 5 * MINUTE, "old"), (TIME - 30_000, "new"), (TIME + 2 * MINUTE, "too-late")] {
        scene.put("app", time, &record("app", label));
    }
    // Another pod's name begins alike.
    scene.logs.put(GROUP, &stream("app").replace("web-1_", "web-10_"), TIME, &record("app", "another"));
    assert_eq!(scene.ask(&wanted("side")).await, found("app", "new"));
    // What stands beside it was looked at.
    assert_eq!(scene.operations(), [GET, GET, FILTER, GET]);
    let request = scene.logs.calls()[2].1.clone();
    let expected = json!({
        "logGroupName": GROUP, "logStreamNamePrefix": PREFIX, "filterPattern": "{ ($.log NOT EXISTS) && ($.stream NOT EXISTS) }", "limit": 700,
        "startTime": TIME - 5 * MINUTE, "endTime": TIME + 10_000 + MINUTE,
    });
    assert_eq!(request, expected);
    assert_eq!(scene.lookup.tally(), LookupTally { streams: 1, found: 1, calls: 4, ..LookupTally::default() });
}

#[tokio::test]
async fn what_a_pod_of_the_same_name_wrote_before_is_not_taken() {
    // A StatefulSet's pod begins again under its name: the stream is another one, and the annotations may be.
    for (time, is_taken) in [(TIME - 30_001, false), (TIME - 30_000, true)] {
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("side", TIME, &line("a"));
        scene.put("app", time, &record("app", "x"));
        let expected = if is_taken { found("app", "x") } else { LookedUp::Absent };
        assert_eq!((scene.ask(&wanted("side")).await, scene.operations().len()), (expected, 4), "{time}");
    }
    // Nor in a search of the group, though others learn from it.
    let scene = Scene::cold(LogsBehavior::Healthy);
    let now = now_ms();
    scene.put("app", now - 40_000, &record("app", "x"));
    scene.put("side", now, &line("a"));
    let wanted = WantedMetadata { oldest_ms: Some(now), newest_ms: Some(now), ..wanted("side") };
    assert_eq!(scene.ask(&wanted).await, LookedUp::Absent);
}

#[tokio::test]
async fn without_times_only_the_head_is_asked_for() {
    for (oldest, newest) in [(None, None), (Some(TIME), None), (None, Some(TIME)), (Some(0), Some(-70_000))] {
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("app", TIME, &line("a"));
        let wanted = WantedMetadata { oldest_ms: oldest, newest_ms: newest, ..wanted("app") };
        assert_eq!(scene.ask(&wanted).await, LookedUp::Absent);
        assert_eq!(
            (scene.operations(), scene.logs.calls()[0].1["startFromHead"].clone()),
            (vec![GET.to_owned()], json!(true))
        );
    }
}

#[tokio::test]
async fn strange_times_ask_for_no_more_than_some_minutes() {
    let widest = 21 * MINUTE;
    for (oldest, newest) in [(0, TIME), (i64::MIN, i64::MAX), (TIME, 0), (i64::MAX, i64::MIN), (i64::MAX, i64::MAX)] {
        let scene = Scene::new(LogsBehavior::Healthy);
        scene.put("app", TIME, &line("a"));
        scene.ask(&WantedMetadata { oldest_ms: Some(oldest), newest_ms: Some(newest), ..wanted("app") }).await;
        for (_, request) in scene.logs.calls() {
            let [start, end] = ["startTime", "endTime"].map(|name| request[name].as_i64());
            let (Some(start), Some(end)) = (start, end) else { continue };
            assert!(start >= 0 && start < end && end - start <= widest, "{oldest} {newest}: {request}");
        }
    }
}

#[tokio::test]
async fn empty_pages_are_gone_through_up_to_a_bound() {
    for pages in [1, 2] {
        let scene = Scene::new(LogsBehavior::EmptyFirst(pages));
        scene.put("app", TIME, &record("app", "x"));
        assert_eq!(scene.ask(&wanted("app")).await, found("app", "x"));
        assert_eq!(scene.operations().len(), pages + 1);
        let request = scene.logs.calls().remove(pages).1;
        assert_eq!(
            (&request["nextToken"], &request["startFromHead"]),
            (&json!(format!("empty-{pages}")), &json!(false))
        );
    }
    let scene = Scene::new(LogsBehavior::EmptyFirst(3));
    scene.put("app", TIME, &record("app", "x"));
    assert_eq!(scene.ask(&wanted("app")).await, LookedUp::Absent);
    assert_eq!(scene.operations(), [[GET; 3], [GET; 3], [FILTER; 3]].concat());
    // By prefix, too.
    let scene = Scene::new(LogsBehavior::EmptyFirst(2));
    scene.put("side", TIME, &line("a"));
    scene.put("app", TIME, &record("app", "x"));
    assert_eq!(scene.ask(&wanted("side")).await, found("app", "x"));
}

// -------------------------------------------------------------------------------------------------------------------
// The whole group
// -------------------------------------------------------------------------------------------------------------------

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    i64::try_from(now().as_millis()).unwrap()
}

/// The stream and the record of another pod.
fn of_pod(number: usize) -> (String, String) {
    let name = |text: String| text.replace("web-1", &format!("pod-{number}"));
    (name(stream("app")), name(record("app", "x")))
}

#[tokio::test]
async fn one_search_of_the_group_tells_of_all_its_pods() {
    let scene = Scene::cold(LogsBehavior::Healthy);
    let now = now_ms();
    for number in 0..20 {
        let (stream, message) = of_pod(number);
        scene.logs.put(GROUP, &stream, now - 1000, &message);
        scene.logs.put(GROUP, &stream, now - 1000, &line("a"));
    }
    scene.put("app", now - 40_000, &record("app", "old"));
    scene.put("app", now - 10_000, &record("app", "new"));
    // What writes no logs of containers is not looked at.
    scene.logs.put(GROUP, "audit", now - 1000, r#"{"event":"login"}"#);
    assert_eq!(scene.ask(&wanted("app")).await, found("app", "new"));
    let (operation, request) = scene.logs.calls().remove(0);
    assert_eq!((operation.as_str(), scene.operations().len()), (FILTER, 1));
    assert_eq!((&request["logGroupName"], &request["logStreamNamePrefix"]), (&json!(GROUP), &Value::Null));
    let [start, end] = ["startTime", "endTime"].map(|name| request[name].as_i64().unwrap());
    assert!(end - start == 45_000 && (now..=now_ms()).contains(&end), "{request}");
    for number in 0..20 {
        let (stream, _) = of_pod(number);
        assert!(scene.known.knows(&WantedMetadata::of_stream("111122223333", GROUP, &stream).unwrap()), "{number}");
    }
    // It is not searched again: what is not there is asked for by its stream.
    scene.logs.put(GROUP, &of_pod(99).0, TIME, &line("a"));
    let other = WantedMetadata::of_stream("111122223333", GROUP, &of_pod(99).0).unwrap();
    assert_eq!(
        (scene.ask(&other).await, scene.operations()),
        (LookedUp::Absent, vec![FILTER.to_owned(), GET.to_owned()])
    );
}

#[tokio::test]
async fn a_large_group_is_searched_a_page_with_each_look_up() {
    let scene = Scene::cold(LogsBehavior::Healthy);
    let now = now_ms();
    let pods: Vec<(String, String)> = (0..1401).map(of_pod).collect();
    for (number, (stream, message)) in (0..).zip(&pods) {
        scene.logs.put(GROUP, stream, now - 20_000 + number, message);
    }
    let wanted = |number: usize| WantedMetadata::of_stream("111122223333", GROUP, &pods[number].0).unwrap();
    let found = |number: usize| {
        let (log_stream, message) = pods[number].clone();
        LookedUp::Found(FoundMessage { log_stream, message })
    };
    // It is on the third page; meanwhile its own stream is asked.
    assert_eq!(scene.ask(&wanted(1400)).await, found(1400));
    assert_eq!(scene.operations(), [FILTER, GET]);
    assert!(scene.known.knows(&wanted(699)) && !scene.known.knows(&wanted(700)));
    // The next page, and the last one. Each has its turn within milliseconds here, and a look-up that comes too early asks the stream.
    let pages = || scene.logs.calls().into_iter().filter(|(operation, _)| operation == FILTER);
    for number in 0..1000 {
        scene.lookup.begin(ARN);
        assert_eq!(scene.ask(&wanted(number)).await, found(number));
        if pages().count() == 3 {
            break;
        }
    }
    let tokens: Vec<Value> = pages().map(|(_, request)| request["nextToken"].clone()).collect();
    assert_eq!(tokens, [Value::Null, json!("from-700"), json!("from-1400")]);
    assert!((0..1401).all(|number| scene.known.knows(&wanted(number))));
}

#[tokio::test]
async fn a_group_that_is_written_to_in_another_way_teaches_nothing() {
    for other in [r#"{"level":"info","msg":"a"}"#, r#"{"time":"x","msg":"a"}"#] {
        let scene = Scene::cold(LogsBehavior::Healthy);
        let now = now_ms();
        let (stream, message) = of_pod(1);
        scene.logs.put(GROUP, &stream, now - 1000, &message);
        scene.logs.put(GROUP, &of_pod(2).0, now - 1000, other);
        scene.put("app", TIME, &record("app", "x"));
        let looked_up = scene.ask(&wanted("app")).await;
        let of_other = WantedMetadata::of_stream("111122223333", GROUP, &stream).unwrap();
        // The stream itself is asked, as ever.
        assert_eq!((looked_up, scene.operations()), (found("app", "x"), vec![FILTER.to_owned(), GET.to_owned()]));
        assert!(!scene.known.knows(&of_other));
    }
}

#[tokio::test]
async fn a_search_of_the_group_that_fails_costs_nothing_else() {
    for behavior in [LogsBehavior::Denied(FILTER), LogsBehavior::Gigantic(FILTER, 5_000_000)] {
        let mut scene = Scene::cold(behavior);
        scene.put("app", TIME, &record("app", "x"));
        assert_eq!(scene.ask(&wanted("app")).await, found("app", "x"), "{behavior:?}");
        assert_eq!(scene.operations(), [FILTER, GET]);
        assert_eq!(scene.ask(&wanted("app")).await, found("app", "x"));
        assert_eq!(scene.operations(), [FILTER, GET, GET]);
        assert_eq!(scene.lookup.reader().has_said()[0], matches!(behavior, LogsBehavior::Denied(_)));
    }
}

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
