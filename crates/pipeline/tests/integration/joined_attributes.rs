//! What filters put beside lines that become one log: all of it arrives, once, and masked.

use pipeline::{LogCounts, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

const TIME: i64 = 1_795_379_888_236;

/// A record of the CRI parser and the Kubernetes filter; `behind` are members that another filter put there.
fn record(rules: &Value, log_tag: &str, log: &str, behind: &str) -> String {
    let rules = Value::from(json!([{ "log_processing_rules": rules }]).to_string());
    let log = Value::from(log);
    format!(
        r#"{{"stream":"stdout","logtag":"{log_tag}","log":{log},"kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx","docker_id":"{ID}","annotations":{{"ad.datadoghq.com/nginx.logs":{rules}}}}}{behind}}}"#
    )
}

fn run(records: &[String]) -> (Vec<Value>, LogCounts) {
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    forward_from(GROUP, &stream(), &messages, &PipelineSettings::default())
}

fn joining() -> Value {
    json!([
        { "type": "multi_line", "name": "s", "pattern": "start" },
        { "type": "mask_sequences", "name": "m", "pattern": "geheim", "replace_placeholder": "x" },
    ])
}

fn lines(lines: &[(&str, &str)]) -> Vec<Value> {
    run(&lines.iter().map(|(text, behind)| record(&joining(), "F", text, behind)).collect::<Vec<_>>()).0
}

#[test]
fn a_multi_line_rule_keeps_the_attributes_of_all_lines() {
    for (behind, wanted) in [
        (["", "", ""], Value::Null),
        ([r#","a":1"#, "", ""], json!({ "a": 1 })),
        (["", r#","a":1"#, ""], json!({ "a": 1 })),
        (["", "", r#","a":1"#], json!({ "a": 1 })),
        ([r#","a":1"#; 3], json!({ "a": 1 })),
        ([r#","a":1"#, r#","a":2"#, r#","a":1"#], json!({ "a": [1, 2] })),
        (
            [r#","a":1,"b":"same""#, r#","a":{"c":[]},"b":"same""#, r#","d":null"#],
            json!({ "a": [1, { "c": [] }], "b": "same", "d": null }),
        ),
        ([r#","a":"geheim""#, r#","b":"g\u0065heim","a":"geheim!""#, ""], json!({ "a": ["x", "x!"], "b": "x" })),
    ] {
        let logs = lines(&[("start", behind[0]), ("more", behind[1]), (" end", behind[2])]);
        assert_eq!((logs.len(), &logs[0]["message"]), (1, &json!("start\nmore\n end")));
        assert_eq!(logs[0]["fluent_bit"], wanted, "{behind:?}");
    }
}

#[test]
fn a_log_does_not_have_the_attributes_of_the_next() {
    let logs = lines(&[
        ("start", r#","a":1"#),
        ("more", r#","a":2"#),
        ("start", r#","a":3"#),
        ("", r#","a":4"#),
        ("start", ""),
    ]);
    let attributes: Vec<&Value> = logs.iter().map(|log| &log["fluent_bit"]["a"]).collect();
    assert_eq!(attributes, [&json!([1, 2]), &json!([3, 4]), &Value::Null]);
}

#[test]
fn pieces_of_a_line_keep_theirs() {
    let pieces = |behind: [&str; 3]| {
        let tags = ["P", "P", "F"];
        let records: Vec<String> = (0..3).map(|at| record(&Value::Null, tags[at], "ab", behind[at])).collect();
        let (whole, _) = run(&records);
        let (open, counts) = run(&records[..2]);
        assert_eq!((counts.partial, whole.len(), &whole[0]["message"]), (1, 1, &json!("ababab")));
        (open[0]["fluent_bit"].clone(), whole[0]["fluent_bit"].clone())
    };
    assert_eq!(pieces([r#","a":1"#; 3]), (json!({ "a": 1 }), json!({ "a": 1 })));
    assert_eq!(pieces([r#","a":1"#, r#","a":2"#, r#","a":3"#]), (json!({ "a": [1, 2] }), json!({ "a": [1, 2, 3] })));
    assert_eq!(pieces(["", "", r#","a":3"#]), (Value::Null, json!({ "a": 3 })));
}

#[test]
fn what_is_recognised_as_one_log_has_one_set_of_attributes() {
    let trace = |behind: &str| {
        let lines = ["java.lang.Error: x", "\tat a.B.c(B.java:1)"];
        let records: Vec<String> = lines
            .iter()
            .zip([r#","a":1"#, behind])
            .map(|(line, behind)| record(&Value::Null, "F", line, behind))
            .collect();
        run(&records).0.iter().map(|log| log["fluent_bit"]["a"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(trace(r#","a":1"#), [1]);
    assert_eq!(trace(r#","a":2"#), [1, 2]);
}

#[test]
fn attributes_count_towards_the_size_of_a_joined_log() {
    // With `{"a":""}` and `start`, a newline and `b`.
    let bare = r#"{"a":""}"#.len() + "start\nb".len();
    for (bytes, logs_there) in [(899_999, 1), (900_000, 1), (900_001, 2)] {
        let long = format!(r#","a":"{}""#, "x".repeat(bytes - bare));
        let logs = lines(&[("start", r#","a":1"#), ("b", &long)]);
        assert_eq!(logs.len(), logs_there, "{bytes}");
        // What the lines have in common counts once, with the first.
        assert_eq!(lines(&[("start", &long), ("b", &long)]).len(), 1);
    }
}

#[test]
fn many_different_attributes_lose_nothing() {
    let number = |at: usize| format!(r#","n":{at},"same":"{}""#, "s".repeat(400));
    let records: Vec<String> =
        (0..4_000).map(|at| record(&joining(), "F", if at == 0 { "start" } else { "x" }, &number(at))).collect();
    let (logs, counts) = run(&records);
    assert_eq!((counts.events, counts.logs), (4_000, logs.len()));
    let mut seen = vec![false; 4_000];
    for log in &logs {
        // What is too long for an attribute stands in the text.
        let text = log["message"].as_str().unwrap();
        let attributes: Value =
            text.find('{').map_or_else(|| log["fluent_bit"].clone(), |at| serde_json::from_str(&text[at..]).unwrap());
        let numbers = attributes["n"].as_array().cloned().unwrap_or_else(|| vec![attributes["n"].clone()]);
        numbers.iter().for_each(|number| seen[usize::try_from(number.as_u64().unwrap()).unwrap()] = true);
    }
    assert!(seen.iter().all(|seen| *seen));
}
