//! The lane and the general way make the same payloads to the byte, and know each other's logs when they come again.
//!
//! One character decides which of them reads a message: spelled as an escape, which CloudWatch Logs does not write, a brace means the same and
//! is nothing that the lane knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline::compress::Compression;
use pipeline::rules::sample::Sampling;
use pipeline::{PipelineSettings, Processed};
use serde_json::{Value, json};
use testkit::events::*;

/// The same content, of which the lane can read nothing.
fn without_lane(content: &str) -> String {
    content.replace(r#""message":"{"#, r#""message":"\u007b"#)
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry, extension)),
            false => found.extend(Some(entry).filter(|path| path.extension().is_some_and(|end| end == extension))),
        }
    }
    found.sort();
    found
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(testkit::ROOT).join("tests/fixtures").join(name)
}

/// The contents of all events of the corpus and of the reports, in CloudWatch's layout.
fn events() -> Vec<String> {
    let mut contents = Vec::new();
    for path in [files(&fixtures("corpus"), "json"), files(&fixtures("field/cases"), "json")].concat() {
        let content: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        contents.extend(content["logEvents"].is_array().then(|| in_layout(&content)));
    }
    let mut shapes: BTreeMap<(String, String, PathBuf), Vec<(i64, String)>> = BTreeMap::new();
    for path in files(&fixtures("corpus/shapes"), "jsonl") {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let key = (text("logGroup"), text("logStream"), path.clone());
            shapes.entry(key).or_default().push((line["timestamp"].as_i64().unwrap(), text("message")));
        }
    }
    for ((group, stream, _), messages) in shapes {
        let messages: Vec<(i64, &str)> = messages.iter().map(|(time, text)| (*time, text.as_str())).collect();
        contents.push(in_layout(&content(&group, &stream, &messages)));
    }
    contents
}

/// The order of an event's members that CloudWatch Logs has.
fn in_layout(content: &Value) -> String {
    let event = |event: &Value| {
        format!(r#"{{"id":{},"timestamp":{},"message":{}}}"#, event["id"], event["timestamp"], event["message"])
    };
    let events: Vec<String> = content["logEvents"].as_array().unwrap().iter().map(event).collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":{},"logGroup":{},"logStream":{},"logEvents":[{}]}}"#,
        content["owner"],
        content["logGroup"],
        content["logStream"],
        events.join(",")
    )
}

/// The lines of every program and report, in records of one shape after the other.
fn programs() -> Vec<String> {
    const POD: &str = r#""kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{"app":"web"},"container_name":"nginx"},"cluster_name":"prod-eu""#;
    const LIFTED: &str = r#""k8s_pod_name":"web-6d4cf56db6-x7k2p","k8s_namespace_name":"shop","k8s_labels":{"app":"web"},"k8s_container_name":"nginx","cluster_name":"prod-eu""#;
    let mut contents = Vec::new();
    for path in [files(&fixtures("field"), "txt"), files(&fixtures("traces"), "txt")].concat() {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for shape in [0, 1, 2, 3, 4, 7] {
            let record = |(number, line): (i64, &str)| {
                let time = format!("2026-11-22T10:15:30.{:09}Z", number * 31_000 % 1_000_000_000);
                let output = if line.contains("rror") { "stderr" } else { "stdout" };
                let parsed = format!(r#""stream":"{output}","logtag":"F""#);
                let quoted = Value::from(line);
                let pod = if shape < 4 { POD } else { LIFTED };
                let message = match (shape % 4, line.strip_prefix('{').and_then(|line| line.strip_suffix('}'))) {
                    (0, _) => format!(r#"{{{parsed},"log":{quoted},{pod}}}"#),
                    (1, _) => format!(r#"{{"time":"{time}",{parsed},"log":{quoted}}}"#),
                    (2, _) => json!({ "log": format!("{time} {output} F {line}") }).to_string(),
                    (_, Some(members)) => format!("{{{parsed},{members},{pod}}}"),
                    (_, None) => format!(r#"{{{parsed},"msg":{quoted},"number":{number},{pod}}}"#),
                };
                (1_795_342_530_000 + number / 32, message)
            };
            let messages: Vec<(i64, String)> = (0..).zip(text.lines()).map(record).collect();
            let messages: Vec<(i64, &str)> = messages.iter().map(|(time, text)| (*time, text.as_str())).collect();
            contents.push(in_layout(&content(GROUP, &stream(), &messages)));
        }
    }
    contents
}

fn settings() -> PipelineSettings {
    PipelineSettings { compression: Compression::None, ..PipelineSettings::default() }
}

fn process(content: &str, settings: &PipelineSettings, now_ms: Option<i64>) -> Processed {
    pipeline::process_content(content, ARN, settings, now_ms).unwrap()
}

/// Bodies and counts; the marks are another matter.
fn sent(processed: &Processed) -> (Vec<&[u8]>, String) {
    (processed.payloads.iter().map(|payload| &*payload.body).collect(), format!("{:?}", processed.counts))
}

#[test]
fn the_corpora_become_the_same_payloads_either_way() {
    let mut sampled = settings();
    sampled.processing.sampling = Sampling::parse(r#"[{"status":["info"],"rate":0.5}]"#).unwrap();
    let mut alone = settings();
    alone.processing.auto_multi_line = false;
    alone.processing.status_from_text = true;
    let contents = [events(), programs()].concat();
    assert!(contents.len() > 100, "{}", contents.len());
    for content in &contents {
        let other = without_lane(content);
        for (settings, now_ms) in
            [(settings(), None), (alone.clone(), Some(1_795_342_530_000)), (sampled.clone(), Some(i64::MAX))]
        {
            let (by_lane, general) = (process(content, &settings, now_ms), process(&other, &settings, now_ms));
            assert_eq!(sent(&by_lane), sent(&general), "{}", content.get(..300).unwrap_or(content));
        }
    }
}

#[test]
fn records_of_one_suffix_are_told_apart_by_what_cloudwatch_says_of_them() {
    let fields =
        |account: &str| format!(r#","extractedFields":{{"@aws.account":"{account}","@aws.region":"eu-west-1"}}}}"#);
    for content in programs() {
        let mut number = 0;
        let mut parts = content.split_inclusive("}\"}");
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // None, one account, another one; two of a kind in a row, and not.
            number += 1;
            match number % 7 {
                0 | 1 | 4 => {}
                of => {
                    told.replace_range(told.len() - 1.., &fields(if of < 4 { "111122223333" } else { "444455556666" }))
                }
            }
            told.push_str(part);
        }
        let (by_lane, general) = (process(&told, &settings(), None), process(&without_lane(&told), &settings(), None));
        assert_eq!(sent(&by_lane), sent(&general), "{}", told.get(..300).unwrap_or(&told));
    }
}

#[test]
fn a_log_is_known_again_whichever_way_it_is_read() {
    for content in events() {
        let other = without_lane(&content);
        for (first, second) in [(&content, &other), (&other, &content)] {
            let settings = settings();
            let once = process(first, &settings, None);
            settings
                .recent
                .remember(once.payloads.iter().flat_map(|payload| payload.logs()).filter_map(|log| log.mark));
            let again = process(second, &settings, None);
            // What CloudWatch gave no id is nobody's log again.
            let known =
                once.payloads.iter().flat_map(|payload| payload.logs()).filter(|log| log.mark.is_some()).count();
            assert_eq!((again.counts.duplicate, again.counts.logs), (known, once.counts.logs - known));
        }
    }
}
