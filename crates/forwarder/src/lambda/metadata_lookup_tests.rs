//! Look-ups against a CloudWatch Logs on loopback: where metadata is found.

use serde_json::{Value, json};
use testkit::cloudwatch_logs::LogsBehavior;
use testkit::events::{ARN, GROUP};

use super::log_reader::now;
use super::lookup_policy::LookupTally;
use super::metadata_lookup::{FoundMessage, LookedUp};
use super::metadata_lookup_scene::{FILTER, GET, MINUTE, PREFIX, Scene, TIME, found, line, record, stream, wanted};
use pipeline::metadata_records::WantedMetadata;

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
