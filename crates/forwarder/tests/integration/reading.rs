//! No record takes the time of the others: who is read when, and what becomes of one that is not read to its end.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forwarder::lambda::reading::{ReadingTerms, Shares};
use forwarder::lambda::work::Work;
use pipeline::PipelineSettings;
use pipeline::batch::Payload;
use serde_json::{Value, json};
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;

/// How many records a batch has.
const RECORDS: usize = 21;
/// How many logs a record has, each long enough for it to be asked after it whether there is time.
const LOGS: usize = 5;

/// The content of a record: its logs are named by it.
fn record(number: usize) -> Value {
    let text = |log: usize| format!("{number}-{log} {}", "x".repeat(2_100));
    let texts: Vec<String> = (0..LOGS).map(text).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    content("my-app", &format!("stream-{number}"), &messages)
}

fn data(number: usize) -> String {
    STANDARD.encode(gzip(record(number).to_string().as_bytes()))
}

fn kinesis() -> Vec<u8> {
    let record = |number: usize| json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number.to_string(), "data": data(number) } });
    json!({ "Records": (0..RECORDS).map(record).collect::<Vec<_>>() }).to_string().into_bytes()
}

fn sqs() -> Vec<u8> {
    let bodies: Vec<String> =
        (0..RECORDS).map(|number| json!({ "awslogs": { "data": data(number) } }).to_string()).collect();
    sqs_event(&bodies.iter().map(String::as_str).collect::<Vec<_>>(), 1)
}

fn firehose() -> Vec<u8> {
    let record = |number: usize| json!({ "recordId": number.to_string(), "data": data(number) });
    json!({ "deliveryStreamArn": "d", "records": (0..RECORDS).map(record).collect::<Vec<_>>() })
        .to_string()
        .into_bytes()
}

/// Reads an event in which the record of this number has no time beyond what any has.
fn read(event: &[u8], slow: usize, has_queue: bool) -> Work {
    let settings = PipelineSettings::default();
    let shares = |left: usize| {
        let is_slow = left == RECORDS - slow;
        Box::new(move || is_slow) as Box<dyn Fn() -> bool>
    };
    read_with(event, &settings, &shares, has_queue)
}

fn read_with(event: &[u8], settings: &PipelineSettings, shares: &Shares, has_queue: bool) -> Work {
    let terms =
        ReadingTerms { function_arn: ARN, settings, now_ms: now(), shares, has_queue, sets_unknown_aside: false };
    Work::read_within(event, terms).unwrap()
}

/// The logs of payloads by their record, as `record-log`.
fn names(payloads: &[Payload]) -> BTreeMap<usize, BTreeSet<String>> {
    let mut all: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for payload in payloads {
        let logs: Vec<Value> = serde_json::from_slice(&payload.plain().unwrap()).unwrap();
        for (log, known) in logs.iter().zip(payload.logs()) {
            let name = log["message"].as_str().unwrap().split(' ').next().unwrap().to_owned();
            assert!(all.entry(known.record as usize).or_default().insert(name), "twice: {log}");
        }
    }
    all
}

fn whole(number: usize) -> BTreeSet<String> {
    (0..LOGS).map(|log| format!("{number}-{log}")).collect()
}

#[test]
fn a_slow_record_of_a_stream_ends_alone_and_its_rest_is_an_event() {
    for slow in [0, 7, RECORDS - 1] {
        for has_queue in [true, false] {
            let work = read(&kinesis(), slow, has_queue);
            let mut names = names(&work.processed.payloads);
            let read = names.remove(&slow).unwrap_or_default();
            assert_eq!(
                names,
                (0..RECORDS).filter(|number| *number != slow).map(|number| (number, whole(number))).collect()
            );
            // The first gets one log done in any case; the others need not, since something is done.
            assert_eq!(read.len(), usize::from(slow == 0));
            let [unread] = work.unread.as_slice() else { panic!("{:?}", work.unread) };
            assert_eq!((unread.record as usize, unread.events), (slow, LOGS - read.len()));
            let Some(rest) = &unread.rest else {
                assert!(!has_queue);
                continue;
            };
            let [rest] = rest.as_slice() else { panic!("{rest:?}") };
            assert!(has_queue);
            // Whoever reads an event reads it, and then all of the record is there, once.
            let again = Work::read(rest.body.as_bytes(), ARN, &PipelineSettings::default(), now()).unwrap();
            let later = self::names(&again.processed.payloads).remove(&0).unwrap();
            assert!(read.is_disjoint(&later));
            assert_eq!(read.union(&later).cloned().collect::<BTreeSet<_>>(), whole(slow));
        }
    }
}

#[test]
fn a_message_of_which_nothing_is_done_stays_in_its_queue() {
    for slow in [0, 7] {
        let work = read(&sqs(), slow, true);
        let names = names(&work.processed.payloads);
        assert_eq!(names.values().map(BTreeSet::len).sum::<usize>(), (RECORDS - 1) * LOGS + usize::from(slow == 0));
        let [unread] = work.unread.as_slice() else { panic!("{:?}", work.unread) };
        // The one that was begun is not handed out again: its rest is.
        assert_eq!((unread.record as usize, unread.rest.is_some()), (slow, slow == 0));
    }
}

#[test]
fn messages_of_our_own_are_read_first() {
    let logs = json!([{ "message": "0-0 ours", "timestamp": now(), "ddtags": "" }]);
    let head = json!({ "schema": 1, "logs": 1, "first_ms": null, "last_ms": null, "attempts": 1, "reason": "x", "encoding": "json" });
    // As it is written: the head comes first.
    let ours = format!(r#"{{"podferry":{head},"payload":{logs}}}"#);
    let other = json!({ "awslogs": { "data": data(1) } }).to_string();
    let again = ours.replace("\"attempts\":1", "\"attempts\":2");
    let event = sqs_event(&[&other, &ours, &other, &again], 1);
    let asked = std::cell::RefCell::new(Vec::new());
    let shares = |left: usize| {
        asked.borrow_mut().push(left);
        // Nobody has any time.
        Box::new(|| true) as Box<dyn Fn() -> bool>
    };
    let work = read_with(&event, &PipelineSettings::default(), &shares, true);
    let records: BTreeSet<usize> = names(&work.processed.payloads).into_keys().collect();
    assert_eq!(records, BTreeSet::from([1, 3]));
    let unread: Vec<(u32, usize, bool)> =
        work.unread.iter().map(|unread| (unread.record, unread.events, unread.rest.is_some())).collect();
    assert_eq!(unread, [(0, LOGS, false), (2, LOGS, false)]);
    // What ours leave of the time, the others share.
    assert_eq!(asked.take(), [2, 1]);
}

#[test]
fn a_slow_record_of_firehose_is_handed_on_as_far_as_it_was_read_or_not_at_all() {
    for slow in [0, 7] {
        for has_queue in [true, false] {
            let work = read(&firehose(), slow, has_queue);
            let answer = serde_json::to_value(&work.transformed.answer).unwrap();
            let results: Vec<&str> =
                answer.as_array().unwrap().iter().map(|record| record["result"].as_str().unwrap()).collect();
            let of_slow = match (has_queue, slow) {
                (true, 0) => "Ok",
                // Nothing was read of it: all of it is in the queue.
                (true, _) => "Dropped",
                (false, _) => "ProcessingFailed",
            };
            for (number, result) in results.iter().enumerate() {
                assert_eq!(*result, if number == slow { of_slow } else { "Ok" });
            }
            let handed_on = (RECORDS - 1) * LOGS + usize::from(of_slow == "Ok");
            assert_eq!((work.transformed.handed_on, work.transformed.direct.len()), (handed_on, 0));
            let [unread] = work.unread.as_slice() else { panic!("{:?}", work.unread) };
            assert_eq!(unread.rest.is_some(), has_queue);
            assert_eq!(unread.events, LOGS - usize::from(of_slow == "Ok"));
            // What Firehose keeps whole counts as unread, whole, and as nothing else.
            assert_eq!(work.transformed.counts.events + unread.events, RECORDS * LOGS);
        }
    }
}

#[test]
fn a_direct_event_gets_on_whenever_it_comes_again() {
    // No time at all, and no queue: each invocation does a log, and knows those of before.
    let event = event(&record(3));
    let settings = PipelineSettings::default();
    let nothing = |_: usize| Box::new(|| true) as Box<dyn Fn() -> bool>;
    let mut done = BTreeSet::new();
    let rounds = Cell::new(0);
    loop {
        rounds.set(rounds.get() + 1);
        let work = read_with(&event, &settings, &nothing, false);
        done.extend(names(&work.processed.payloads).remove(&0).unwrap_or_default());
        let marks = work.processed.payloads.iter().flat_map(Payload::logs).filter_map(|log| log.mark);
        settings.recent.remember(marks.collect::<Vec<_>>());
        if work.unread.is_empty() {
            break;
        }
    }
    assert_eq!((done, rounds.get()), (whole(3), LOGS));
}

#[test]
fn a_rest_is_split_until_it_fits_into_messages() {
    // Texts that hardly compress: eight of 100 kB.
    let text = |seed: u64| {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'0' + ((state >> 33) % 64) as u8)
        };
        (0..100_000).map(|_| next()).filter(|letter| *letter != '\\').collect::<String>()
    };
    let texts: Vec<String> = (0..9).map(text).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    let event = event(&content("my-app", "s", &messages));
    let nothing = |_: usize| Box::new(|| true) as Box<dyn Fn() -> bool>;
    let work = read_with(&event, &PipelineSettings::default(), &nothing, true);
    let rest = work.unread[0].rest.as_ref().unwrap();
    assert!(rest.len() > 2 && rest.iter().all(|event| event.body.len() <= 262_144));
    assert_eq!(rest.iter().map(|event| event.events).sum::<usize>(), 8);
}

#[test]
fn objects_share_the_time_too() {
    let settings = PipelineSettings::default();
    let nothing = |_: usize| Box::new(|| true) as Box<dyn Fn() -> bool>;
    let note = |key: &str| {
        json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": "r", "s3": { "bucket": { "name": "bucket" }, "object": { "key": key } } }] })
            .to_string()
    };
    let event = sqs_event(&[&note("a"), &note("b")], 1);
    let mut work = read_with(&event, &settings, &nothing, true);
    let objects = std::mem::take(&mut work.objects);
    assert_eq!(objects.len(), 2);
    let terms = ReadingTerms {
        function_arn: ARN,
        settings: &settings,
        now_ms: now(),
        shares: &nothing,
        has_queue: true,
        sets_unknown_aside: false,
    };
    for (number, left) in [(0, 2), (1, 1)] {
        let object = json!({ "requestPayload": { "awslogs": { "data": data(number as usize) } } }).to_string();
        work.add_object_within(number, object.as_bytes(), left, terms);
    }
    let unread: Vec<(u32, usize, bool)> =
        work.unread.iter().map(|unread| (unread.record, unread.events, unread.rest.is_some())).collect();
    // Of the first a log is done, so its rest goes on by itself; the note of the second stays where it is.
    assert_eq!(unread, [(0, LOGS - 1, true), (1, LOGS, false)]);
}
