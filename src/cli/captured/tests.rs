//! Each kind of capture, as the tools write it.

use std::path::Path;

use pipeline::compress::{Compression, Compressor};
use serde_json::{Value, json};

use super::*;

const NOW_MS: i64 = 1_777_777_777_000;

fn opened(text: &str) -> Captured {
    open(text.as_bytes(), &Whence::default(), &PipelineSettings::default(), NOW_MS).unwrap()
}

/// Group, stream, and each event's time and message.
type Stream = (String, String, Vec<(Option<i64>, String)>);

fn events(captured: &Captured) -> Vec<Stream> {
    let contents = captured.contents.iter().map(|content| serde_json::from_str::<Value>(content).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |content: Value| {
        let events = content["logEvents"].as_array().unwrap().iter();
        let events = events.map(|event| (event["timestamp"].as_i64(), text(&event["message"]))).collect();
        (text(&content["logGroup"]), text(&content["logStream"]), events)
    };
    contents.map(one).collect()
}

fn messages(captured: &Captured) -> Vec<String> {
    events(captured).into_iter().flat_map(|(_, _, events)| events).map(|(_, message)| message).collect()
}

const CONTENT: &str = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":5,"message":"m"}]}"#;

#[test]
fn an_event_in_any_spelling() {
    use base64::Engine;
    let gzip = Compressor::new(Compression::Gzip(1)).compress(CONTENT.as_bytes()).0;
    let data = base64::engine::general_purpose::STANDARD.encode(&gzip);
    let event = json!({ "awslogs": { "data": data } });
    let pretty = serde_json::to_string_pretty(&event).unwrap();
    let utf16 = |unit: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{pretty}").encode_utf16().flat_map(unit).collect()
    };
    let spellings: [Vec<u8>; 9] = [
        pretty.clone().into(),
        data.clone().into(),
        format!("  \"{data}\"\r\n").into(),
        gzip,
        format!("\u{feff}{pretty}").into(),
        utf16(u16::to_le_bytes, "\u{feff}"),
        utf16(u16::to_be_bytes, "\u{feff}"),
        utf16(u16::to_le_bytes, ""),
        CONTENT.into(),
    ];
    for spelling in spellings {
        let captured = open(&spelling, &Whence::default(), &PipelineSettings::default(), NOW_MS).unwrap();
        assert_eq!(messages(&captured), ["m"], "{captured:?}");
        assert!(captured.recognised.starts_with("an event of CloudWatch Logs"), "{captured:?}");
    }
    let several = opened(&format!("{event}\n{CONTENT}[{event},{event}]"));
    assert_eq!((several.contents.len(), several.recognised.as_str()), (4, "4 events of CloudWatch Logs"));
}

#[test]
fn what_awss_command_prints() {
    let filtered = json!({
        "events": [
            { "logStreamName": "a", "timestamp": 5, "message": "one", "ingestionTime": 9, "eventId": "7" },
            { "logStreamName": "b", "timestamp": 6, "message": "two", "ingestionTime": 9, "eventId": "8" },
            { "logStreamName": "a", "timestamp": 7, "message": "three", "ingestionTime": 9, "eventId": "9" },
        ],
        "searchedLogStreams": [],
    });
    let captured = opened(&serde_json::to_string_pretty(&filtered).unwrap());
    assert_eq!(captured.recognised, "the output of `aws logs filter-log-events`");
    assert!(captured.needs.is_empty());
    let found = events(&captured);
    assert_eq!((found[0].1.as_str(), found[0].2.len(), found[1].1.as_str()), ("a", 2, "b"));
    assert!(captured.contents[0].contains(r#""id":"7""#));

    let got =
        json!({ "events": [{ "timestamp": 5, "message": "one", "ingestionTime": 9 }], "nextForwardToken": "f/1" });
    let captured = opened(&got.to_string());
    assert_eq!(captured.recognised, "the output of `aws logs get-log-events`");
    assert!(captured.needs[0].contains("--log-stream"), "{captured:?}");
    let whence = Whence { log_stream: Some("s".into()), ..Whence::default() };
    let captured = open(got.to_string().as_bytes(), &whence, &PipelineSettings::default(), NOW_MS).unwrap();
    assert!(captured.needs.is_empty() && events(&captured)[0].1 == "s");

    let text = "EVENTS\t7\t9\ta\tone\ttabbed\t5\nEVENTS\t8\t9\tb\ttwo\t6\nSEARCHEDLOGSTREAMS\tTrue\ta\n";
    assert_eq!(messages(&opened(text)), ["one\ttabbed", "two"]);
    assert_eq!(messages(&opened("b/1\tf/1\nEVENTS\t9\tone\t5\n")), ["one"]);

    let tail = "2026-05-03T12:34:56.789000+00:00 a one\n\u{1b}[32m2026-05-03T12:34:57.789000+00:00\u{1b}[0m \u{1b}[36ma\u{1b}[0m two\n  more\n";
    let captured = opened(tail);
    assert_eq!(captured.recognised, "the output of `aws logs tail`");
    assert_eq!(messages(&captured), ["one", "two\n  more"]);
    assert_eq!(events(&captured)[0].2[0].0, Some(1_777_811_696_789));
}

#[test]
fn what_logs_insights_and_the_console_export() {
    let csv = "@timestamp,@message,@logStream,@log\n2026-05-03 12:34:57.000,\"two, with \"\"quotes\"\"\nand lines\",a,123456789012:/aws/eks/x\n\
               2026-05-03 12:34:56.789,one,a,123456789012:/aws/eks/x\n";
    let captured = opened(csv);
    assert_eq!(captured.recognised, "an export of Logs Insights (CSV)");
    let found = events(&captured);
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("/aws/eks/x", "a"));
    assert_eq!(messages(&captured), ["one", "two, with \"quotes\"\nand lines"], "the oldest first");
    let without = opened("@timestamp,@message\n2026-05-03 12:34:56.789,one\n");
    assert!(without.needs[0].contains("fields @timestamp"), "{without:?}");

    let export = json!([{ "@timestamp": "2026-05-03 12:34:56.789", "@message": { "log": "one" }, "@logStream": "a" }]);
    assert_eq!(messages(&opened(&export.to_string())), [r#"{"log":"one"}"#]);
    let answer = json!({
        "results": [[{ "field": "@timestamp", "value": "2026-05-03 12:34:56.789" }, { "field": "@message", "value": "one" }, { "field": "@ptr", "value": "x" }]],
        "status": "Complete",
    });
    assert_eq!(messages(&opened(&answer.to_string())), ["one"]);
    let console = opened("timestamp,message\n1777811696789,\"one\n\"\n1777811696790,two\n");
    assert_eq!(messages(&console), ["one\n", "two"]);
    assert_eq!(events(&console)[0].2[0].0, Some(1_777_811_696_789));
}

#[test]
fn plain_lines_with_a_time_before_them_and_without() {
    let export = "2026-05-03T12:34:56.789Z {\"log\":\"one\"}\n2026-05-03T12:34:57.000Z two\n  more\n";
    let captured = opened(export);
    assert_eq!(captured.recognised, "an export of a log group to S3");
    assert_eq!(messages(&captured), [r#"{"log":"one"}"#, "two\n  more"]);
    let gzip = Compressor::new(Compression::Gzip(1)).compress(b"2026-05-03T12:34:56.789Z one\n").0;
    let captured = open(&gzip, &Whence::default(), &PipelineSettings::default(), NOW_MS).unwrap();
    assert_eq!(
        (messages(&captured), captured.recognised.as_str()),
        (vec!["one".to_owned()], "an export of a log group to S3, compressed with gzip")
    );

    let kubectl = "2026-05-03T12:34:56.789012345Z one\n2026-05-03T12:34:57.789Z two\n";
    assert_eq!(messages(&opened(kubectl)), ["one", "two"]);
    let own = opened("2026-05-03T12:34:56.789Z INFO one\n  more\n");
    assert_eq!(own.recognised, "plain lines that begin with a time");
    assert_eq!(messages(&own), ["2026-05-03T12:34:56.789Z INFO one", "  more"]);

    let cri = "2026-05-03T12:34:56.789012345+02:00 stdout P one\n2026-05-03T12:34:56.789012345+02:00 stdout F two\n";
    let captured = opened(cri);
    assert_eq!(captured.recognised, "a log file of containerd");
    assert_eq!(events(&captured)[0].2[0].0, Some(1_777_804_496_789));

    let bare = opened("one\ntwo\n");
    assert_eq!((messages(&bare).len(), events(&bare)[0].2[0].0), (2, Some(NOW_MS)));
    assert_eq!(messages(&opened("{\"msg\":\"one\"}\n{\"msg\":\"two\"}\n")).len(), 2, "JSON lines of a program");
}

#[test]
fn the_name_of_a_containers_file_is_its_streams() {
    let id = "a".repeat(64);
    let file = format!("/var/log/containers/web-1_shop_nginx-{id}.log");
    let whence = Whence::default().or_of(Path::new(&file));
    assert_eq!(whence.log_stream, Some(format!("kube.var.log.containers.web-1_shop_nginx-{id}.log")));
    for name in ["app.log", "-", "web-1_shop_nginx-abc.log"] {
        assert_eq!(Whence::default().or_of(Path::new(name)).log_stream, None, "{name}");
    }
}

#[test]
fn what_is_damaged_is_said_and_not_taken_for_lines() {
    for text in ["", "{", "H4sIAAAA", r#"{"awslogs":{"data":"%"}}"#, "[7]", "{\"a\":1}"] {
        let captured = opened(text);
        assert!(captured.contents.is_empty() && !captured.problems.is_empty(), "{text}: {captured:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = open(&bytes, &Whence::default(), &PipelineSettings::default(), NOW_MS);
    }

    #[test]
    fn any_text_is_survived(text in "[\\[{\"@a-zT0-9:.,Z \t\n+-]{0,200}") {
        let _ = opened(&text);
    }
}
