//! Logs whose time Datadog does not take: one that is written with another time is what restamping makes of one with its own.

use pipeline::accepted_times::{EARLY_AFTER_MS, LATE_AFTER_MS};
use pipeline::batch::{MAX_PAYLOAD_BYTES, Payload};
use pipeline::compress::Compression;
use pipeline::entry::INTAKE_ITEM_BYTES;
use pipeline::recent::Mark;
use pipeline::restamp::restamp;
use pipeline::{PipelineSettings, Processed};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

const NOW_MS: i64 = 1_795_379_888_236;

fn settings(tags: usize) -> PipelineSettings {
    let mut settings = PipelineSettings { compression: Compression::None, ..PipelineSettings::default() };
    settings.tags.tags = (0..tags).map(|number| format!("n:{number}")).collect();
    settings
}

fn process(messages: &[(i64, String)], settings: &PipelineSettings, now_ms: Option<i64>) -> Processed {
    let messages: Vec<(i64, &str)> = messages.iter().map(|(time, message)| (*time, message.as_str())).collect();
    let content = content(GROUP, &stream(), &messages).to_string();
    pipeline::process_content(&content, ARN, settings, now_ms).unwrap()
}

/// The bytes of each log, and the mark that it is known by once it is delivered.
fn logs_and_marks(payloads: &[Payload]) -> Vec<(String, Option<Mark>)> {
    let of = |payload: &Payload| {
        let plain = payload.plain().unwrap();
        let texts = payload.pieces(&plain).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
        texts.zip(payload.logs().iter().map(|log| log.mark)).collect::<Vec<_>>()
    };
    payloads.iter().flat_map(of).collect()
}

/// A message, and what it becomes: whole, a piece whose end never comes, with attributes, merged, cut.
fn message() -> impl Strategy<Value = String> {
    let record = |log: &str, log_tag: &str| json!({ "stream": "stdout", "logtag": log_tag, "log": log, "kubernetes": { "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop" } });
    prop_oneof![
        6 => any::<String>(),
        6 => any::<String>().prop_map(move |text| record(&text, "F").to_string()),
        4 => any::<String>().prop_map(move |text| record(&text, "P").to_string()),
        4 => any::<String>().prop_map(move |text| {
            let mut with_attributes = record(&text, "F");
            with_attributes["original_timestamp"] = Value::from(7);
            with_attributes["ddtags"] = Value::from("late:true");
            with_attributes.to_string()
        }),
        1 => (any::<char>(), 0_usize..2).prop_map(move |(letter, piece)| {
            record(&letter.to_string().repeat(1_100_000), ["F", "P"][piece]).to_string()
        }),
    ]
}

/// Around the edges, and far from them.
fn time() -> impl Strategy<Value = i64> {
    let (late, early) = (NOW_MS - LATE_AFTER_MS, NOW_MS + EARLY_AFTER_MS);
    prop_oneof![Just(1), late - 2..late + 2, Just(NOW_MS), early - 2..early + 3, Just(NOW_MS * 3)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn writing_with_another_time_is_writing_and_then_restamping(
        messages in prop::collection::vec((time(), message()), 1..8),
        tags in prop_oneof![Just(0_usize), 85_usize..101],
    ) {
        let settings = settings(tags);
        let on_time = process(&messages, &settings, OWN_TIMES);
        let late = process(&messages, &settings, Some(NOW_MS));
        prop_assert_eq!((on_time.counts.late, on_time.counts.early), (0, 0));
        let (expected, found) = restamp(on_time.payloads.clone(), NOW_MS);
        prop_assert_eq!((late.counts.late, late.counts.early), (found.late, found.early));
        prop_assert_eq!(logs_and_marks(&late.payloads), logs_and_marks(&expected));
        prop_assert_eq!(late.oldest_ms, on_time.oldest_ms);
        // Where all was in one payload, it is packed again in the same way: the payloads are the same to the byte.
        if on_time.payloads.len() == 1 {
            prop_assert_eq!(&late.payloads, &expected);
        }
        for (log, _) in logs_and_marks(&late.payloads) {
            prop_assert!(log.len() <= INTAKE_ITEM_BYTES);
            prop_assert!(serde_json::from_str::<Value>(&log).unwrap()["ddtags"].as_str().unwrap().split(',').count() <= 100);
        }
        // Nothing gets another time twice at the same moment.
        let (again, _) = restamp(late.payloads.clone(), NOW_MS);
        prop_assert_eq!(again, late.payloads);
    }
}

#[test]
fn a_late_log_has_both_times_and_the_tag() {
    let messages = [(5, "old".to_owned()), (NOW_MS, "new".to_owned())];
    let processed = process(&messages, &settings(0), Some(NOW_MS));
    let logs = logs(&processed);
    assert_eq!((processed.counts.late, processed.oldest_ms), (1, Some(5)));
    assert_eq!((&logs[0]["timestamp"], &logs[0]["original_timestamp"]), (&NOW_MS.into(), &5.into()));
    assert!(logs[0]["ddtags"].as_str().unwrap().ends_with(",late:true"));
    assert_eq!((&logs[1]["timestamp"], &logs[1]["original_timestamp"]), (&NOW_MS.into(), &Value::Null));
    assert_eq!(processed.payloads[0].times(), Some((NOW_MS, NOW_MS)));
}

/// Merge_Log puts the application's `time` where the parser's was. This one is local time, nine hours ahead, with a `Z`.
const LOCAL_TIME: &str = r#"{"stream":"stdout","logtag":"F","log":"x","time":"2026-11-23T05:38:08.236Z","kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop"}}"#;
const NINE_HOURS_MS: i64 = 9 * 3_600_000;

#[test]
fn local_time_with_a_z_costs_no_log() {
    let messages = [(NOW_MS - 1_500, LOCAL_TIME.to_owned()), (NOW_MS - 1_400, "in time".to_owned())];
    let processed = process(&messages, &settings(0), Some(NOW_MS));
    let logs = logs(&processed);
    assert_eq!((processed.counts.early, processed.counts.late, processed.counts.logs), (1, 0, 2));
    // The time of the event is sane, and keeps the order of the logs.
    assert_eq!(logs[0]["timestamp"], NOW_MS - 1_500);
    assert_eq!(logs[0]["original_timestamp"], NOW_MS + NINE_HOURS_MS);
    assert!(logs[0]["ddtags"].as_str().unwrap().ends_with(",early:true"));
    assert_eq!(logs[0]["message"], "x");
    assert_eq!((&logs[1]["timestamp"], &logs[1]["original_timestamp"]), (&(NOW_MS - 1_400).into(), &Value::Null));
    assert_eq!(processed.payloads[0].times(), Some((NOW_MS - 1_500, NOW_MS - 1_400)));
    // It is still known when it comes again, at another time.
    let settings = settings(0);
    let marks = process(&messages, &settings, Some(NOW_MS)).payloads[0]
        .logs()
        .iter()
        .filter_map(|log| log.mark)
        .collect::<Vec<_>>();
    settings.recent.remember(marks);
    assert_eq!(process(&messages, &settings, Some(NOW_MS + 60_000)).counts.duplicate, 2);
}

#[test]
fn where_the_events_time_is_wrong_too_the_time_of_sending_stands_in() {
    for event_ms in [NOW_MS + NINE_HOURS_MS, 5] {
        let processed = process(&[(event_ms, LOCAL_TIME.to_owned())], &settings(0), Some(NOW_MS));
        let log = logs(&processed).remove(0);
        assert_eq!(processed.counts.early + processed.counts.late, 1);
        assert_eq!(log["timestamp"], NOW_MS);
    }
}

#[test]
fn a_line_in_pieces_has_the_time_of_its_last_pieces_event() {
    let piece = |tag: &str| LOCAL_TIME.replace("\"F\"", &format!("\"{tag}\""));
    let messages = [(NOW_MS - 9_000, piece("P")), (NOW_MS - 8_000, piece("F"))];
    let processed = process(&messages, &settings(0), Some(NOW_MS));
    let log = logs(&processed).remove(0);
    assert_eq!((&log["message"], &log["timestamp"]), (&"xx".into(), &(NOW_MS - 8_000).into()));
    assert_eq!(log["original_timestamp"], NOW_MS + NINE_HOURS_MS);
}

#[test]
fn payloads_of_late_logs_keep_their_limit() {
    let messages: Vec<(i64, String)> = (0..1_500).map(|number| (number, "x".repeat(6_000))).collect();
    let mut settings = settings(40);
    settings.processing.auto_multi_line = false;
    let processed = process(&messages, &settings, Some(NOW_MS));
    assert_eq!((processed.counts.late, processed.counts.logs), (1_500, 1_500));
    for payload in &processed.payloads {
        assert_eq!(payload.plain().unwrap().len(), payload.plain_bytes);
        assert!(payload.plain_bytes <= MAX_PAYLOAD_BYTES && payload.items() <= 1_000);
    }
    // As full as they can be: no other log fits.
    let largest = processed.payloads[0].plain_bytes.div_ceil(processed.payloads[0].items());
    assert!(processed.payloads[0].plain_bytes + largest + 80 > MAX_PAYLOAD_BYTES);
}
