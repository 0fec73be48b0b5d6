//! What comes in: well-formed, malformed, and beside the reading of AWS's own crate.

use std::collections::HashMap;

use aws_lambda_events::event::cloudwatch_logs::LogsEvent;
use aws_lambda_events::event::firehose::KinesisFirehoseEvent;
use aws_lambda_events::event::kinesis::KinesisEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::event::{self, EventError, InvocationEvent};
use pipeline::recent::Recent;
use pipeline::{self, Pipeline, PipelineSettings};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

fn process(event: &[u8]) -> Result<pipeline::Processed, EventError> {
    pipeline::process(event, ARN, &PipelineSettings::default(), OWN_TIMES)
}

#[test]
fn a_control_message_ships_nothing() {
    let content = json!({
        "messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "", "subscriptionFilters": [],
        "logEvents": [{ "id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination Lambda." }],
    });
    // In either order of members.
    let other = r#"{"logEvents":[{"id":"","timestamp":1,"message":"x"}],"messageType":"CONTROL_MESSAGE"}"#;
    let usual = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"x"}]}"#;
    for text in [content.to_string(), other.to_owned(), usual.to_owned()] {
        let processed = process(&envelope(&gzip(text.as_bytes()))).unwrap();
        assert!(processed.control && processed.payloads.is_empty() && processed.counts.events == 0);
    }
}

#[test]
fn whatever_is_malformed_has_a_stable_type_and_says_nothing_of_the_text() {
    let secret = "geheimes-wort";
    let whole = gzip(content(GROUP, &stream(), &[(1, secret)]).to_string().as_bytes());
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (secret.as_bytes().to_vec(), "EventNotJson"),
        (vec![0xff, 0xfe], "EventNotJson"),
        (format!("{{\"awslogs\":{{\"data\":\"{secret}").into_bytes(), "EventNotJson"),
        (json!({ "Records": [secret] }).to_string().into_bytes(), "EventUnknown"),
        (json!({ "awslogs": { "data": secret.repeat(3) + "%" } }).to_string().into_bytes(), "EventBase64Invalid"),
        (envelope(secret.as_bytes()), "EventGzipInvalid"),
        (envelope(&whole[..whole.len() - 1]), "EventGzipInvalid"),
        (envelope(b""), "EventGzipInvalid"),
        (envelope(&gzip(secret.as_bytes())), "EventContentInvalid"),
        (envelope(&gzip(json!({ "logEvents": secret }).to_string().as_bytes())), "EventContentInvalid"),
        (envelope(&gzip(format!("{{\"logEvents\":[],\"{secret}").as_bytes())), "EventContentInvalid"),
    ];
    for (event, error_type) in cases {
        let error = process(&event).unwrap_err();
        assert_eq!(error.error_type(), error_type);
        assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret), "{error}");
    }
}

#[test]
fn the_cap_holds_for_whole_events() {
    let text = content(GROUP, &stream(), &[(1, &"x".repeat(10_000))]).to_string();
    let event = envelope(&gzip(text.as_bytes()));
    for (limit, ok) in [(text.len() - 1, false), (text.len(), true), (text.len() + 1, true)] {
        let settings = PipelineSettings { max_decompressed_bytes: limit as u64, ..PipelineSettings::default() };
        let result = pipeline::process(&event, ARN, &settings, OWN_TIMES);
        assert_eq!(result.is_ok(), ok, "{limit}");
    }
}

#[test]
fn the_functions_own_log_group_is_refused() {
    let settings = PipelineSettings { own_log_group: Some("/podferry/own".into()), ..PipelineSettings::default() };
    let own = event(&content("/podferry/own", "s", &[(1, "x")]));
    assert_eq!(pipeline::process(&own, ARN, &settings, OWN_TIMES).unwrap_err(), EventError::OwnLogGroup);
    let other = event(&content("/podferry/own2", "s", &[(1, "x")]));
    assert!(pipeline::process(&other, ARN, &settings, OWN_TIMES).is_ok());
}

#[test]
fn an_account_level_policy_and_extracted_fields_change_nothing() {
    let mut content = content("my-app", "s", &[(1, "x"), (2, "y")]);
    content["policyLevel"] = "ACCOUNT_LEVEL_POLICY".into();
    content["logEvents"][1]["extractedFields"] = json!({ "a": "b" });
    let processed = process(&event(&content)).unwrap();
    let messages: Vec<Value> = logs(&processed).iter().map(|log| log["message"].clone()).collect();
    assert_eq!(messages, ["x", "y"]);
}

#[test]
fn large_events_keep_the_limits_of_the_intake() {
    let long = "é".repeat(600_000);
    let mut messages: Vec<(i64, &str)> = vec![(1, "short"); 2500];
    messages.extend([(2, long.as_str()); 12]);
    let processed =
        pipeline::process(&event(&content("my-app", "s", &messages)), ARN, &PipelineSettings::default(), OWN_TIMES)
            .unwrap();
    let mut cut = 0;
    for payload in &processed.payloads {
        assert!(payload.items() <= 1000 && payload.plain_bytes <= 5_000_000);
        let plain = payload.plain().unwrap();
        let raw: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&plain).unwrap();
        assert!(raw.iter().all(|item| item.get().len() <= 1_000_000));
        let items: Vec<Value> = serde_json::from_slice(&plain).unwrap();
        cut += items.iter().filter(|item| has_tag_or_none(item)).count();
    }
    assert_eq!((processed.counts.logs, processed.counts.truncated, cut), (2512, 12, 12));
}

fn has_tag_or_none(log: &Value) -> bool {
    log["ddtags"] == "truncated:true" && log["message"].as_str().unwrap().ends_with("...TRUNCATED...")
}

/// What AWS's crate reads, as far as we use it.
fn oracle(event: &[u8]) -> Option<HashMap<String, String>> {
    let event: LogsEvent = serde_json::from_slice(event).ok()?;
    Some(event.aws_logs.data.log_events.into_iter().map(|event| (event.id, event.message)).collect())
}

/// Envelopes of many records as AWS writes them, from parts.
fn envelopes(texts: &[String]) -> [Value; 3] {
    let base64 = |text: &String| STANDARD.encode(text);
    let sqs = texts.iter().map(|text| {
        json!({
            "messageId": text, "receiptHandle": text, "body": text, "md5OfBody": "x",
            "attributes": { "ApproximateReceiveCount": "3", "SentTimestamp": "1", "SenderId": "s" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:q", "awsRegion": "r",
        })
    });
    let kinesis = texts.iter().map(|text| {
        json!({
            "kinesis": { "kinesisSchemaVersion": "1.0", "partitionKey": text, "sequenceNumber": text, "data": base64(text),
                "approximateArrivalTimestamp": 1545084650.987 },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": "shardId-0:1", "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "i", "awsRegion": "r", "eventSourceARN": "a",
        })
    });
    let firehose = texts.iter().map(
        |text| json!({ "recordId": text, "approximateArrivalTimestamp": 1495072949453_i64, "data": base64(text) }),
    );
    [
        json!({ "Records": sqs.collect::<Vec<_>>() }),
        json!({ "Records": kinesis.collect::<Vec<_>>() }),
        json!({ "invocationId": "i", "deliveryStreamArn": "d", "region": "r", "records": firehose.collect::<Vec<_>>() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn it_reads_the_envelopes_that_awss_crate_reads(texts in prop::collection::vec(any::<String>(), 1..6)) {
        let [sqs, kinesis, firehose] = envelopes(&texts).map(|event| event.to_string());
        let theirs: SqsEvent = serde_json::from_str(&sqs).unwrap();
        let Ok(InvocationEvent::Sqs(ours)) = event::recognise(sqs.as_bytes()) else { panic!("no queue") };
        prop_assert_eq!(ours.len(), theirs.records.len());
        for (ours, theirs) in ours.iter().zip(&theirs.records) {
            prop_assert_eq!(Some(ours.body.as_ref()), theirs.body.as_deref());
            prop_assert_eq!(Some(ours.message_id.as_ref()), theirs.message_id.as_deref());
            prop_assert_eq!(Some(ours.receipt_handle.as_ref()), theirs.receipt_handle.as_deref());
            prop_assert_eq!(Some(ours.queue_arn.as_ref()), theirs.event_source_arn.as_deref());
            let count = theirs.attributes.get("ApproximateReceiveCount").map(String::as_str);
            prop_assert_eq!(Some(ours.receive_count.to_string()), count.map(str::to_owned));
        }
        let theirs: KinesisEvent = serde_json::from_str(&kinesis).unwrap();
        let Ok(InvocationEvent::Kinesis(ours)) = event::recognise(kinesis.as_bytes()) else { panic!("no stream") };
        prop_assert_eq!(ours.len(), theirs.records.len());
        for (ours, theirs) in ours.iter().zip(&theirs.records) {
            prop_assert_eq!(ours.sequence_number.as_ref(), theirs.kinesis.sequence_number.as_str());
            prop_assert_eq!(STANDARD.decode(ours.data.as_bytes()).unwrap(), theirs.kinesis.data.0.clone());
        }
        let theirs: KinesisFirehoseEvent = serde_json::from_str(&firehose).unwrap();
        let Ok(InvocationEvent::Firehose(ours)) = event::recognise(firehose.as_bytes()) else { panic!("no Firehose") };
        prop_assert_eq!(ours.records.len(), theirs.records.len());
        for (ours, theirs) in ours.records.iter().zip(&theirs.records) {
            prop_assert_eq!(Some(ours.record_id.as_ref()), theirs.record_id.as_deref());
            prop_assert_eq!(STANDARD.decode(ours.data.as_bytes()).unwrap(), theirs.data.0.clone());
        }
    }

    #[test]
    fn it_reads_what_awss_crate_reads(messages in prop::collection::vec(any::<String>(), 0..12), group in any::<String>()) {
        let all: Vec<(i64, &str)> = messages.iter().map(|message| (7, message.as_str())).collect();
        let event = event(&content(&group, "a-stream", &all));
        let theirs = oracle(&event).unwrap();
        let processed = process(&event).unwrap();
        prop_assert_eq!(processed.counts.events, messages.len());
        let ours = logs(&processed);
        prop_assert_eq!(ours.len(), messages.iter().filter(|message| !message.trim().is_empty()).count());
        for log in ours {
            prop_assert_eq!(log["message"].as_str(), theirs.get(log["id"].as_str().unwrap()).map(String::as_str));
        }
    }

    #[test]
    fn no_bytes_are_too_strange_and_what_awss_crate_takes_we_take(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), compressed in any::<bool>(),
    ) {
        let text = content(GROUP, &stream(), &[(1, r#"{"stream":"stdout","logtag":"F","log":"x"}"#), (2, "y")]).to_string();
        let mut bytes = if compressed { gzip(text.as_bytes()) } else { text.into_bytes() };
        for (place, byte) in flips {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let event = if compressed { envelope(&bytes) } else { envelope(&gzip(&bytes)) };
        let ours = process(&event);
        // Theirs reads nothing but the first member and stops there; a whole event is a whole event for both.
        if let Some(theirs) = oracle(&event) && !compressed {
            prop_assert_eq!(ours.map(|processed| processed.control || processed.counts.events >= theirs.len()), Ok(true));
        }
    }

    #[test]
    fn any_bytes_in_a_message_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut text = format!(r#"{{"logGroup":"g","logStream":"{}","logEvents":[{{"id":"1","timestamp":1,"message":""#, stream()).into_bytes();
        text.extend(bytes);
        text.extend(br#""}]}"#);
        let _ = process(&envelope(&gzip(&text)));
    }

    #[test]
    fn a_line_arrives_to_the_byte_in_every_shape(text in "[^\u{0}]{1,80}") {
        prop_assume!(!text.trim().is_empty() && !text.trim_start().starts_with('{'));
        let line = format!("2026-11-22T20:38:08.236123456Z stdout F {text}");
        let kubernetes = json!({ "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop" });
        for message in [
            json!({ "log": line }).to_string(),
            json!({ "log": line, "kubernetes": kubernetes }).to_string(),
            json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string(),
            json!({ "stream": "stdout", "logtag": "F", "log": text, "kubernetes": kubernetes, "cluster_name": "c" }).to_string(),
            json!({ "time": "2026-11-22T20:38:08.236123456Z", "stream": "stderr", "logtag": "F", "message": text }).to_string(),
            text.clone(),
        ] {
            prop_assert_eq!(&forward_one(&message)["message"], &json!(text), "{}", message);
        }
    }

    #[test]
    fn an_object_arrives_with_the_same_values(
        object in prop::collection::btree_map("x[a-z_]{0,7}", prop_oneof![
            any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from), any::<String>().prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..3).prop_map(|list| json!(list)),
        ], 1..6),
    ) {
        let object = Value::Object(object.into_iter().collect());
        let text = object.to_string();
        let line = format!("2026-11-22T20:38:08.236123456Z stderr F {text}");
        for message in [json!({ "log": line }).to_string(), json!({ "stream": "stderr", "logtag": "F", "log": text }).to_string()] {
            prop_assert_eq!(&forward_one(&message)["message"], &json!(text));
        }
        // Merged, with the filter's members last, as Fluent Bit writes them.
        let inside = &text[1..text.len() - 1];
        let merged = format!(
            r#"{{"stream":"stderr","logtag":"F",{inside},"kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop"}}}}"#
        );
        let arrived: Value = serde_json::from_str(forward_one(&merged)["message"].as_str().unwrap()).unwrap();
        prop_assert_eq!(arrived, object);
    }
}

#[test]
fn what_two_events_hold_is_left_out_of_the_second_and_named() {
    let settings = PipelineSettings::default();
    let with_ids = |from: usize, count: usize| {
        let mut content = content(GROUP, &stream(), &vec![(1, "the same text"); count]);
        for (number, event) in (from..).zip(content["logEvents"].as_array_mut().unwrap()) {
            event["id"] = format!("{number:056}").into();
        }
        content.to_string()
    };
    let mut pipeline = Pipeline::new(ARN, &settings, OWN_TIMES);
    // Over the edge of a payload, and with a record between them.
    for (record, content) in
        [(0, with_ids(0, 1500)), (1, with_ids(5000, 3)), (2, with_ids(900, 700)), (3, with_ids(0, 1))]
    {
        pipeline.add(record, &content).unwrap();
    }
    let first = pipeline.finish();
    assert_eq!((first.counts.events, first.counts.logs, first.counts.duplicate), (2204, 1603, 601));
    let marks: Vec<_> = first.payloads.iter().flat_map(|payload| payload.logs()).filter_map(|log| log.mark).collect();
    assert_eq!(marks.len(), 1603);
    let duplicates: Vec<u32> = first.duplicates.iter().map(|(record, _)| *record).collect();
    assert_eq!(duplicates, [vec![2; 600], vec![3]].concat());
    assert!(first.duplicates.iter().all(|(_, mark)| marks.contains(mark)));
    // What goes out at the same time with others is left out likewise.
    let mut pipeline = Pipeline::new(ARN, &settings, OWN_TIMES);
    pipeline.leave_out(marks);
    pipeline.add(7, &with_ids(1599, 2)).unwrap();
    let second = pipeline.finish();
    assert_eq!((second.counts.logs, second.duplicates.len(), second.duplicates[0].0), (1, 1, 7));
    // Where nothing is remembered, nothing is compared.
    let settings = PipelineSettings { recent: Recent::nothing(), ..settings };
    let mut pipeline = Pipeline::new(ARN, &settings, OWN_TIMES);
    (0..2).for_each(|record| pipeline.add(record, &with_ids(0, 2)).unwrap());
    assert_eq!(pipeline.finish().counts.logs, 4);
}
