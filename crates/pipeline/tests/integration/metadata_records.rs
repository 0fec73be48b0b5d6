//! Pods' metadata in records of its own: the tags and rules are those of a record that has it, and nobody else can write one.

use pipeline::known_metadata::KnownMetadata;
use pipeline::metadata_records::WantedMetadata;
use pipeline::{self, ContentReading, Pipeline, PipelineSettings, Processed, Unread};
use serde_json::{Value, json};
use testkit::events::*;

const PODS: [&str; 5] = ["api-api", "checkout-app", "coredns-coredns", "report-report", "web-nginx"];
const MISSING: &str = "podferry_metadata:missing";

/// The content of an event of the corpus.
fn content(path: &str) -> Value {
    let path = format!("{}/tests/fixtures/corpus/{path}.json", testkit::ROOT);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn settings() -> PipelineSettings {
    let mut settings =
        PipelineSettings { metadata_records: Some(KnownMetadata::default()), ..PipelineSettings::default() };
    settings.processing.auto_multi_line = false;
    settings
}

fn process(content: &Value, settings: &PipelineSettings) -> Processed {
    pipeline::process_content(&content.to_string(), ARN, settings, OWN_TIMES).unwrap()
}

fn is_metadata(event: &Value) -> bool {
    event["message"].as_str().unwrap().starts_with(r#"{"kubernetes":"#)
}

/// The same event with the records of metadata that are chosen, by their number.
fn with(content: &Value, chosen: impl Fn(usize) -> bool) -> Value {
    let (mut content, mut number) = (content.clone(), 0);
    let mut keep = |event: &Value| {
        number += usize::from(is_metadata(event));
        !is_metadata(event) || chosen(number - 1)
    };
    content["logEvents"].as_array_mut().unwrap().retain(|event| keep(event));
    content
}

/// The tags of a pod's logs where each record has its metadata; service and source besides.
fn expected(pod: &str) -> (Vec<String>, Value, Value) {
    of(&process(&content(&format!("kept/{pod}")), &PipelineSettings::default()))
}

fn of(processed: &Processed) -> (Vec<String>, Value, Value) {
    let logs = logs(processed);
    let one = |log: &Value| {
        let mut tags: Vec<String> = tags(log).into_iter().map(str::to_owned).collect();
        tags.sort();
        (tags, log["service"].clone(), log["ddsource"].clone())
    };
    let first = one(&logs[0]);
    for log in &logs {
        assert_eq!(one(log), first);
    }
    first
}

#[test]
fn the_tags_are_those_of_a_record_that_has_its_metadata() {
    for pod in PODS {
        let all = content(&format!("once/{pod}"));
        let lines = all["logEvents"].as_array().unwrap().iter().filter(|event| !is_metadata(event)).count();
        let records = all["logEvents"].as_array().unwrap().len() - lines;
        assert!(records > 0, "{pod}");
        for (name, event) in [
            ("all", all.clone()),
            ("the first", with(&all, |number| number == 0)),
            ("the last", with(&all, |number| number == records - 1)),
        ] {
            let processed = process(&event, &settings());
            assert_eq!(of(&processed), expected(pod), "{pod}: {name}");
            let counts = processed.counts;
            assert_eq!(counts.events, lines, "{pod}: {name}");
            assert_eq!(counts.metadata, event["logEvents"].as_array().unwrap().len() - lines);
            assert!(logs(&processed).iter().all(|log| !log["message"].as_str().unwrap().contains("pod_id")));
        }
    }
}

#[test]
fn an_earlier_event_told_it() {
    for pod in PODS {
        let (all, settings) = (content(&format!("once/{pod}")), settings());
        let none = with(&all, |_| false);
        let (tags, ..) = of(&process(&none, &settings));
        assert!(tags.contains(&MISSING.to_owned()) && tags.iter().any(|tag| tag.starts_with("pod_name:")), "{tags:?}");
        process(&all, &settings);
        assert_eq!(of(&process(&none, &settings)), expected(pod), "{pod}");
        // Another sandbox has not seen it.
        assert_eq!(of(&process(&none, &self::settings())).0, tags);
    }
}

#[test]
fn without_the_setting_it_is_a_log_like_any_other() {
    let all = content("once/web-nginx");
    let processed = process(&all, &PipelineSettings::default());
    assert_eq!((processed.counts.metadata, processed.counts.events), (0, all["logEvents"].as_array().unwrap().len()));
    assert!(logs(&processed).iter().any(|log| log["message"].as_str().unwrap().contains("pod_id")));
    assert!(logs(&processed).iter().all(|log| !has_tag(log, MISSING)));
}

/// An event of one container of the pod `web-1`.
fn event(container: &str, messages: &[Value]) -> Value {
    let stream = format!("fargate-kube.var.log.containers.web-1_shop_{container}-{}.log", "a".repeat(64));
    let event = |message: &Value| json!({ "id": "1", "timestamp": 1_795_754_034_000_i64, "message": message.as_str().unwrap() });
    json!({ "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/prod/fargate", "logStream": stream,
        "subscriptionFilters": ["podferry"], "logEvents": messages.iter().map(event).collect::<Vec<_>>() })
}

fn line(text: &str) -> Value {
    Value::from(format!(r#"{{"stream":"stdout","logtag":"F","log":{}}}"#, Value::from(text)))
}

const MASK: &str = r#"[{\"log_processing_rules\":[{\"type\":\"mask_sequences\",\"name\":\"token\",\"pattern\":\"tok_\\\\w+\",\"replace_placeholder\":\"***\"}]}]"#;

/// The metadata record of a container of the pod; with a mask for `app`.
fn record(container: &str, team: &str, mask: &str) -> Value {
    Value::from(format!(
        r#"{{"kubernetes":{{"pod_name":"web-1","namespace_name":"shop","labels":{{"team":"{team}","tags.datadoghq.com/env":"{team}"}},"annotations":{{"ad.datadoghq.com/app.logs":"{mask}"}},"host":"fargate-ip-10-0-0-1","container_name":"{container}","container_image":"{container}:1","docker_id":"{}"}},"cluster_name":"prod"}}"#,
        "b".repeat(64)
    ))
}

fn texts(processed: &Processed) -> Vec<String> {
    logs(processed).iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rules_hold_for_the_lines_before_the_record_too() {
    let settings = settings();
    let processed = process(&event("app", &[line("a tok_1"), record("app", "x", MASK), line("b tok_2")]), &settings);
    assert_eq!(texts(&processed), ["a ***", "b ***"]);
    assert!(has_tag(&logs(&processed)[0], "kube_cluster_name:prod"));
    // An event without one, later.
    assert_eq!(texts(&process(&event("app", &[line("c tok_3")]), &settings)), ["c ***"]);
}

#[test]
fn a_newer_one_replaces_it() {
    let settings = settings();
    process(&event("app", &[record("app", "old", MASK)]), &settings);
    let processed =
        process(&event("app", &[line("a"), record("app", "mid", MASK), record("app", "new", MASK)]), &settings);
    assert!(has_tag(&logs(&processed)[0], "env:new"));
    let later = process(&event("app", &[line("a")]), &settings);
    assert!(has_tag(&logs(&later)[0], "env:new") && later.counts.metadata == 0);
}

#[test]
fn another_container_of_the_pod_tells_all_but_the_image() {
    let settings = settings();
    process(&event("chatty", &[line("x"), record("chatty", "x", MASK)]), &settings);
    let processed = process(&event("app", &[line("a tok_1")]), &settings);
    let log = &logs(&processed)[0];
    assert_eq!(log["message"], "a ***");
    for tag in ["env:x", "kube_container_name:app", "kube_cluster_name:prod", "eks_fargate_node:fargate-ip-10-0-0-1"] {
        assert!(has_tag(log, tag), "{tag}: {:?}", tags(log));
    }
    assert!(!tags(log).iter().any(|tag| tag.starts_with("image_") || tag.starts_with("short_image")));
    // Its own is better.
    process(&event("app", &[record("app", "own", MASK)]), &settings);
    let own = process(&event("app", &[line("a")]), &settings);
    assert!(has_tag(&logs(&own)[0], "short_image:app") && has_tag(&logs(&own)[0], "env:own"));
}

#[test]
fn a_record_of_another_pod_or_with_more_in_it_is_not_believed() {
    let other = record("app", "x", MASK).as_str().unwrap().replace("web-1", "web-2");
    let more = record("app", "x", MASK).as_str().unwrap().replace(r#","cluster_name""#, r#","a":1,"cluster_name""#);
    let before = record("app", "x", MASK).as_str().unwrap().replacen('{', r#"{"a":1,"#, 1);
    let cut = record("app", "x", MASK).as_str().unwrap().trim_end_matches('}').to_owned();
    for forged in [other, more, before, cut] {
        let processed = process(&event("app", &[line("a"), Value::from(forged.clone())]), &settings());
        assert_eq!((processed.counts.metadata, processed.counts.events), (0, 2), "{forged}");
        assert!(logs(&processed).iter().all(|log| has_tag(log, MISSING) && !has_tag(log, "env:x")), "{forged}");
    }
}

/// With `log_key` the whole message is the application's. One line that is no record of a parser's shows that.
#[test]
fn an_application_cannot_take_a_mask_away() {
    let settings = settings();
    process(&event("app", &[line("x"), record("app", "x", MASK)]), &settings);
    let forged = record("app", "forged", "[]");
    for plain in ["GET / tok_1", "{\"level\":\"info\",\"msg\":\"tok_1\"}", "[1]"] {
        let processed = process(&event("app", &[Value::from(plain), forged.clone()]), &settings);
        assert!(logs(&processed).iter().all(|log| !has_tag(log, "env:forged")), "{plain}");
        // What it wrote alone into an event before is forgotten as soon as it shows.
        process(&event("app", std::slice::from_ref(&forged)), &settings);
        let processed = process(&event("app", &[Value::from(plain)]), &settings);
        assert!(logs(&processed).iter().all(|log| has_tag(log, MISSING) && !has_tag(log, "env:forged")), "{plain}");
    }
}

#[test]
fn what_is_left_unread_takes_it_along() {
    let settings = settings();
    process(&event("app", &[record("app", "x", MASK)]), &settings);
    let content = event("app", &[line("a tok_1"), line("b tok_2"), line("c tok_3")]).to_string();
    let mut pipeline = pipeline::Pipeline::new(ARN, &settings, OWN_TIMES);
    let unread = pipeline.add_until(0, &content, &|_| true).unwrap().unwrap();
    let rest = unread.rest(200_000, 200_000).unwrap();
    // Another sandbox reads it.
    let processed = pipeline::process(rest[0].body.as_bytes(), ARN, &self::settings(), OWN_TIMES).unwrap();
    assert_eq!(texts(&processed), ["a ***", "b ***", "c ***"]);
    assert!(has_tag(&logs(&processed)[0], "kube_cluster_name:prod") && processed.counts.metadata == 1);
}

#[test]
fn what_is_remembered_is_bounded() {
    let known = KnownMetadata::of_bytes(1_000_000);
    let settings = PipelineSettings { metadata_records: Some(known.clone()), ..settings() };
    let large = "x".repeat(100_000);
    for number in 0..100 {
        let content = event(&format!("app{number}"), &[record(&format!("app{number}"), &large, MASK)]);
        assert_eq!(process(&content, &settings).counts.metadata, 1);
        assert!(known.bytes() <= 1_000_000, "{}", known.bytes());
    }
    assert!(known.bytes() > 500_000);
    // The last one is still known.
    assert!(logs(&process(&event("app99", &[line("a")]), &settings)).iter().all(|log| !has_tag(log, MISSING)));
}

/// What an event of `web-1`'s container wants.
fn wanted(container: &str) -> WantedMetadata {
    let content = event(container, &[]);
    let of = |name: &str| content[name].as_str().unwrap().to_owned();
    let pod_prefix = "fargate-kube.var.log.containers.web-1_shop_".to_owned();
    WantedMetadata {
        owner: of("owner"),
        log_group: of("logGroup"),
        log_stream: of("logStream"),
        pod_prefix,
        ..WantedMetadata::default()
    }
}

#[test]
fn what_was_looked_up_tells_it_too() {
    for (from, image) in [("app", true), ("chatty", false)] {
        let settings = settings();
        let known = settings.metadata_records.clone().unwrap();
        let (wanted, of) = (wanted("app"), self::wanted(from).log_stream);
        let message = record(from, "x", MASK);
        assert!(
            wanted.is_told_by(&of, message.as_str().unwrap()) && known.teach(&wanted, &of, message.as_str().unwrap())
        );
        let processed = process(&event("app", &[line("a tok_1")]), &settings);
        assert_eq!(texts(&processed), ["a ***"]);
        assert_eq!(has_tag(&logs(&processed)[0], "short_image:app"), image);
        // Another account has a pod of the same name.
        let mut other = event("app", &[line("a tok_1")]);
        other["owner"] = "444455556666".into();
        other["logStream"] = self::wanted("side").log_stream.into();
        assert!(has_tag(&logs(&process(&other, &settings))[0], MISSING));
    }
}

#[test]
fn what_the_stream_said_itself_is_newer_than_what_was_looked_up() {
    let settings = settings();
    process(&event("app", &[record("app", "new", MASK)]), &settings);
    let (wanted, old) = (wanted("app"), record("app", "old", "[]"));
    assert!(settings.metadata_records.clone().unwrap().teach(&wanted, &wanted.log_stream, old.as_str().unwrap()));
    assert!(has_tag(&logs(&process(&event("app", &[line("a")]), &settings))[0], "env:new"));
}

#[test]
fn what_is_looked_up_is_believed_as_little() {
    let (known, wanted) = (KnownMetadata::default(), wanted("app"));
    let own = record("app", "x", MASK).as_str().unwrap().to_owned();
    let stream = wanted.log_stream.clone();
    for (stream, message) in [
        (stream.clone(), own.replace("web-1", "web-2")),
        (stream.clone(), own.replace(r#","cluster_name""#, r#","a":1,"cluster_name""#)),
        (stream.clone(), own.trim_end_matches('}').to_owned()),
        (stream.clone(), line("a").as_str().unwrap().to_owned()),
        // Another pod's, or no container's stream.
        (stream.replace("web-1", "web-2"), own.replace("web-1", "web-2")),
        (stream.replace("web-1_", "web-1_shop_x.web-1_"), own.clone()),
        (stream.trim_end_matches(".log").to_owned(), own.clone()),
        (format!("{stream}x"), own),
    ] {
        assert!(
            !wanted.is_told_by(&stream, &message) && !known.teach(&wanted, &stream, &message),
            "{stream}: {message}"
        );
    }
    assert_eq!(known.bytes(), 0);
}

/// What an event wants to be known first, with its number of events; what is processed of it otherwise.
fn add_known(content: &Value, settings: &PipelineSettings) -> Result<Processed, Box<(WantedMetadata, usize)>> {
    let (content, mut pipeline) = (content.to_string(), Pipeline::new(ARN, settings, OWN_TIMES));
    match pipeline.add_known(0, &content, &|_| false).unwrap() {
        ContentReading::Unknown { wanted, events } => {
            let nothing = pipeline.finish();
            assert!(nothing.payloads.is_empty() && nothing.counts == Default::default() && !nothing.control);
            Err(Box::new((wanted, events)))
        }
        ContentReading::Whole => Ok(pipeline.finish()),
        ContentReading::Stopped(_) => panic!("it has time"),
    }
}

#[test]
fn of_what_is_unknown_nothing_is_processed() {
    let settings = settings();
    let mut cold = event("app", &[line("a tok_1"), line("b tok_2"), line("")]);
    cold["logEvents"][2]["timestamp"] = 1_795_754_034_009_i64.into();
    let (wanted, events) = *add_known(&cold, &settings).unwrap_err();
    let times = WantedMetadata {
        oldest_ms: Some(1_795_754_034_000),
        newest_ms: Some(1_795_754_034_009),
        ..self::wanted("app")
    };
    assert_eq!((&wanted, events), (&times, 3));
    let known = settings.metadata_records.clone().unwrap();
    assert!(!known.knows(&wanted));
    assert!(known.teach(&wanted, &wanted.log_stream, record("app", "x", MASK).as_str().unwrap()));
    let sibling = WantedMetadata { oldest_ms: wanted.oldest_ms, ..self::wanted("sibling") };
    assert!(known.knows(&wanted) && known.knows(&sibling));
    assert_eq!(texts(&add_known(&cold, &settings).unwrap()), ["a ***", "b ***"]);
}

#[test]
fn an_event_is_unknown_only_where_metadata_may_still_come() {
    let settings = settings();
    let own =
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x",{}"#, &record("app", "x", MASK).as_str().unwrap()[1..]);
    let plain = [Value::from("GET /"), Value::from(r#"{"level":"info"}"#)];
    let mut raw = event("app", &[line("a")]);
    raw["logEvents"][0]["message"] = json!({ "stream": "stdout" });
    let mut unclear = event("app", &[line("a")]);
    unclear["logStream"] = "fargate-kube.var.log.containers.web-1_shop_app.log".into();
    let mut service = event("app", &[line("a")]);
    service["logStream"] = "other".into();
    for content in [
        // It tells it itself, in a record of its own or in a line.
        event("a", &[line("a"), record("a", "x", MASK)]),
        event("b", &[line("a tok_1"), Value::from(own.replace("\"app\"", "\"b\""))]),
        // No parser wrote it; no container's stream is named in full; there is nothing to wait with.
        event("app", &plain),
        raw,
        unclear,
        service,
        event("c", &[]),
    ] {
        let settings = self::settings();
        assert!(add_known(&content, &settings).is_ok(), "{content}");
    }
    // What is not believed is not known.
    let text = |message: &str| line(&format!("x {message}"));
    let other = Value::from(own.replace("web-1", "web-2"));
    for message in [line("a"), text(record("app", "x", MASK).as_str().unwrap()), other] {
        assert!(add_known(&event("app", std::slice::from_ref(&message)), &settings).is_err(), "{message}");
        // Where no such records are expected, nothing is.
        assert!(add_known(&event("app", &[message]), &PipelineSettings::default()).is_ok());
    }
}

#[test]
fn a_whole_event_can_be_put_into_another_form() {
    let content = event("app", &[line("a"), line("b"), line("c")]).to_string();
    let unread = Unread::whole(&content).unwrap();
    assert_eq!(unread.count(), 3);
    let form =
        |part: pipeline::RestPart| format!("{}-{:?}-{:?}-{}", part.events, part.first_ms, part.last_ms, part.data);
    let [one] = &unread.rest_as(&form, 100_000, 0).unwrap()[..] else { panic!("more than one") };
    let data = one.body.strip_prefix("3-Some(1795754034000)-Some(1795754034000)-").unwrap();
    let again = pipeline::inflated(data, &settings()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&again).unwrap()["logEvents"],
        serde_json::from_str::<Value>(&content).unwrap()["logEvents"]
    );
}

/// A StatefulSet's new pod has the name of the old one, and perhaps a mask that the old one had not.
#[test]
fn what_a_pod_of_the_same_name_told_earlier_is_not_enough() {
    let told = TOLD;
    let reused = |content: Value| content;
    let unique =
        |content: Value| serde_json::from_str(&content.to_string().replace("web-1", "web-6d4cf56db6-x7k2p")).unwrap();
    for (rename, shift, known) in [
        (&reused as &dyn Fn(Value) -> Value, 30_000, true),
        (&reused, 30_001, false),
        (&reused, -30_000, true),
        (&reused, -30_001, false),
        (&reused, -86_400_000, false),
        (&unique, 30_001, true),
        (&unique, 86_400_000, true),
        (&unique, -86_400_000, true),
    ] {
        let settings = settings();
        process(&rename(at(event("old", &[record("old", "x", MASK)]), told)), &settings);
        let later = rename(at(event("app", &[line("a tok_1")]), told + shift));
        assert_eq!(add_known(&later, &settings).is_ok(), known, "{shift}");
        // The stream's own holds whenever it was told.
        let own = rename(at(event("old", &[line("a tok_1")]), told + 86_400_000));
        assert!(add_known(&own, &settings).is_ok());
        // Whoever waits no longer gets what is likely, and it says so.
        let processed = process(&later, &settings);
        assert_eq!(texts(&processed), ["a ***"]);
        assert_eq!(has_tag(&logs(&processed)[0], MISSING), !known, "{shift}");
        assert!(has_tag(&logs(&processed)[0], "env:x"));
    }
}

/// Sets the time of all events.
fn at(mut content: Value, time: i64) -> Value {
    content["logEvents"].as_array_mut().unwrap().iter_mut().for_each(|event| event["timestamp"] = time.into());
    content
}

const TOLD: i64 = 1_795_754_034_000;

/// A sandbox may have heard of a sibling for hours, and of its newest record only a moment ago.
#[test]
fn a_sibling_vouches_for_all_of_the_time_in_which_it_wrote() {
    let settings = settings();
    process(&at(event("chatty", &[record("chatty", "old", MASK)]), TOLD), &settings);
    process(&at(event("chatty", &[record("chatty", "x", MASK)]), TOLD + 3_600_000), &settings);
    for (time, known) in [
        (TOLD - 30_001, false),
        (TOLD - 30_000, true),
        (TOLD + 1_800_000, true),
        (TOLD + 3_630_000, true),
        (TOLD + 3_630_001, false),
    ] {
        assert_eq!(add_known(&at(event("app", &[line("a tok_1")]), time), &settings).is_ok(), known, "{time}");
    }
    // What was looked up later widens it.
    let known = settings.metadata_records.clone().unwrap();
    let earlier = WantedMetadata { newest_ms: Some(TOLD - 600_000), ..wanted("chatty") };
    assert!(known.teach(&earlier, &earlier.log_stream, record("chatty", "older", "[]").as_str().unwrap()));
    let processed = add_known(&at(event("app", &[line("a tok_1")]), TOLD - 600_000), &settings).unwrap();
    assert_eq!(texts(&processed), ["a ***"]);
    assert!(has_tag(&logs(&processed)[0], "env:x"));
    // What another stream wants says nothing of this one.
    let of_another = WantedMetadata { newest_ms: Some(TOLD - 7_200_000), ..wanted("app") };
    known.teach(&of_another, &earlier.log_stream, record("chatty", "older", "[]").as_str().unwrap());
    assert!(add_known(&at(event("app", &[line("a")]), TOLD - 7_200_000), &settings).is_err());
}

/// An event comes again after hours: its records are as old as it is.
#[test]
fn what_comes_late_does_not_replace_what_is_newer() {
    let settings = settings();
    process(&at(event("app", &[record("app", "new", MASK)]), TOLD), &settings);
    let late = process(&at(event("app", &[line("a tok_1"), record("app", "old", "[]")]), TOLD - 1), &settings);
    assert!(has_tag(&logs(&late)[0], "env:old"));
    let processed = process(&at(event("app", &[line("b tok_2")]), TOLD + 1), &settings);
    assert_eq!(texts(&processed), ["b ***"]);
    assert!(has_tag(&logs(&processed)[0], "env:new"));
    // One of the same millisecond is as good.
    process(&at(event("app", &[record("app", "newer", MASK)]), TOLD), &settings);
    assert!(has_tag(&logs(&process(&at(event("app", &[line("c")]), TOLD), &settings))[0], "env:newer"));
}

/// Annotations were changed, and the throttle lets no more records of this container through.
#[test]
fn what_a_sibling_told_later_replaces_what_the_stream_told_itself() {
    for (shift, is_newer) in [(-1, false), (1, true), (30_000, true), (30_001, false)] {
        let settings = settings();
        process(&at(event("app", &[record("app", "own", "[]")]), TOLD), &settings);
        process(&at(event("chatty", &[record("chatty", "x", MASK)]), TOLD + shift), &settings);
        let processed = process(&at(event("app", &[line("a tok_1")]), TOLD + 40_000), &settings);
        let (text, team) = if is_newer { ("a ***", "env:x") } else { ("a tok_1", "env:own") };
        assert_eq!((texts(&processed), has_tag(&logs(&processed)[0], team)), (vec![text.to_owned()], true), "{shift}");
        // Its image is its own.
        assert!(has_tag(&logs(&processed)[0], "short_image:app") && !has_tag(&logs(&processed)[0], MISSING));
    }
}

/// The rest of an event that was read with what is only likely is still unknown.
#[test]
fn what_is_only_likely_is_not_handed_on_as_certain() {
    let settings = settings();
    process(&at(event("old", &[record("old", "x", MASK)]), TOLD), &settings);
    let content = at(event("app", &[line("a tok_1"), line("b tok_2")]), TOLD + 86_400_000).to_string();
    let mut pipeline = pipeline::Pipeline::new(ARN, &settings, OWN_TIMES);
    let unread = pipeline.add_until(0, &content, &|_| true).unwrap().unwrap();
    let rest = unread.rest(200_000, 200_000).unwrap();
    let rest: Value = serde_json::from_str(&pipeline::content(rest[0].body.as_bytes(), &settings).unwrap()).unwrap();
    assert!(add_known(&rest, &settings).is_err(), "{rest}");
    // What goes with a rest for certain is for the rest, and is not what the stream told.
    process(&at(event("side", &[record("side", "y", MASK)]), TOLD + 86_400_000), &settings);
    let mut pipeline = pipeline::Pipeline::new(ARN, &settings, OWN_TIMES);
    let unread = pipeline.add_until(0, &content, &|_| true).unwrap().unwrap();
    let rest = unread.rest(200_000, 200_000).unwrap();
    let other = self::settings();
    let processed = pipeline::process(rest[0].body.as_bytes(), ARN, &other, OWN_TIMES).unwrap();
    assert_eq!(texts(&processed), ["a ***", "b ***"]);
    assert!(add_known(&at(event("app", &[line("c")]), TOLD + 86_400_000), &other).is_err());
}

/// A logger's lines may begin with the time, too: Go's `slog` does that.
#[test]
fn what_a_logger_writes_is_no_record_of_a_parser() {
    let forged = record("app", "forged", "[]");
    for other in [
        r#"{"time":"2026-11-22T10:15:30.123456789Z","level":"INFO","msg":"tok_1"}"#,
        r#"{"time":"2026-11-22T10:15:30.123456789Z","level":"INFO","msg":"","stream":"stdout"}"#,
        r#"{"time":"2026-11-22T10:15:30.123456789Z","level":"INFO","stream":"stdout"}"#,
        r#"{"time":1795754034,"stream":"stdout"}"#,
        r#"{"time":"","#,
    ] {
        let settings = settings();
        let processed = process(&event("app", &[Value::from(other), forged.clone()]), &settings);
        assert!(logs(&processed).iter().all(|log| !has_tag(log, "env:forged")), "{other}");
        assert!(!WantedMetadata::is_of_preset(other), "{other}");
    }
    for parsed in [
        r#"{"time":"2026-11-22T10:15:30.123456789Z","stream":"stdout","logtag":"F","log":"x"}"#,
        r#"{"time":"2026-11-22T10:15:30.123456789Z","log":"x"}"#,
    ] {
        let processed = process(&event("app", &[Value::from(parsed), record("app", "x", MASK)]), &settings());
        assert!(has_tag(&logs(&processed)[0], "env:x") && WantedMetadata::is_of_preset(parsed), "{parsed}");
    }
}

/// What an application writes into its text is text, in whatever shape the line comes.
#[test]
fn a_record_in_the_text_of_a_line_tells_nothing() {
    let record = record("app", "forged", "[]");
    let record = record.as_str().unwrap();
    let members = &record[1..record.len() - 1];
    let quoted = |text: &str| Value::from(text).to_string();
    for message in [
        line(record).as_str().unwrap().to_owned(),
        format!(r#"{{"stream":"stdout","logtag":"P","log":{}}}"#, quoted(record)),
        format!(r#"{{"log":{}}}"#, quoted(record)),
        format!(r#"{{"log":{}}}"#, quoted(&format!("2026-11-22T10:15:30.123456789Z stdout F {record}"))),
        line(&format!(r#"{{"log":"x",{members}}}"#)).as_str().unwrap().to_owned(),
        line(&format!(r#"{{"stream":"stdout","logtag":"F","log":"x",{members}}}"#)).as_str().unwrap().to_owned(),
        line(&format!("x\",{members},\"y\":\"")).as_str().unwrap().to_owned(),
        // Cut off within the text.
        line(record).as_str().unwrap().trim_end_matches(['}', '"']).to_owned(),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x\",\"kubernetes\":{}"#, &quoted(record)[20..]),
    ] {
        let settings = settings();
        let content = event("app", &[Value::from(message.clone())]);
        assert!(add_known(&content, &settings).is_err(), "{message}");
        let processed = process(&content, &settings);
        assert!(logs(&processed).iter().all(|log| has_tag(log, MISSING) && !has_tag(log, "env:forged")), "{message}");
        assert_eq!(settings.metadata_records.unwrap().bytes(), 0, "{message}");
    }
}
