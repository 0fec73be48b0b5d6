//! `podferry logs decode` as people run it.

use std::process::{Command, Output};

use super::{PODFERRY, with_input};
use forwarder::delivery::undelivered::{self, SaveNote};
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

fn decode(input: &[u8]) -> Output {
    decode_as("json", input)
}

fn decode_as(format: &str, input: &[u8]) -> Output {
    let mut command = Command::new(PODFERRY);
    command.args(["logs", "decode", "--output", format]).env_clear();
    with_input(&mut command, input)
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_event_becomes_lines() {
    let content = content(GROUP, "s", &[(1_795_379_888_236, "one \"quoted\"\nline"), (1_795_379_889_000, "two")]);
    let output = decode(&event(&content));
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
    let first = json!({
        "group": GROUP, "stream": "s", "id": format!("{:056}", 37_000), "time": "2026-11-22T20:38:08.236Z",
        "timestamp": 1_795_379_888_236_i64, "message": "one \"quoted\"\nline",
    });
    let lines = lines(&output);
    assert_eq!((lines.len(), &lines[0]), (2, &first));
    assert_eq!(lines[1]["time"], "2026-11-22T20:38:09.000Z");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(r#"{"group":"/aws/eks/prod-eu/fargate","stream":"s","id":"#), "{text}");
    // For people: one line each, whatever is in it.
    let output = decode_as("text", &event(&content));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "one \"quoted\"\\nline\ntwo\n");
}

#[test]
fn a_message_of_the_queue_becomes_its_logs() {
    let messages = [(now(), "kept")];
    let event = event(&content(GROUP, &stream(), &messages));
    let processed = pipeline::process(&event, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    let body = undelivered::messages(&processed.payloads[0], &SaveNote::new("IntakeAnswered503", 3)).remove(0).body;
    // As `aws sqs receive-message` prints it.
    let printed = json!({ "Messages": [{ "MessageId": "1", "Body": body }] });
    let output = decode(serde_json::to_string_pretty(&printed).unwrap().as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output)[0]["message"], "kept");
    assert_eq!(
        said(&output),
        "A message of the queue: 1 log, 3 failed attempts, the last one because of IntakeAnswered503\n"
    );
    let newer = decode(body.replace("\"schema\":1", "\"schema\":9").as_bytes());
    assert_eq!(newer.status.code(), Some(2));
    assert!(said(&newer).contains("by a newer podferry"), "{}", said(&newer));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_printed() {
    let event: Value = serde_json::from_slice(&event(&content(GROUP, "s", &[(1, "x")]))).unwrap();
    let input = format!("{event}\n{}", json!({ "awslogs": { "data": "%" } }));
    let output = decode(input.as_bytes());
    assert_eq!((output.status.code(), lines(&output).len()), (Some(1), 1));
    assert_eq!(said(&output), "error: item 2: the event's data is not valid base64\n");
    for input in ["", "{}", "hello", "[]"] {
        let output = decode(input.as_bytes());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{input}");
        assert!(said(&output).starts_with("error: standard input: "), "{input}: {}", said(&output));
    }
}

#[test]
fn an_object_of_the_bucket_is_named() {
    // Whoever can send to the queue chooses the key: the command that is shown stays one, and the terminal obeys nothing in it.
    for (key, word) in [
        ("aws/lambda/x%2By", "s3://podferry-failed/aws/lambda/x+y"),
        ("a%27%3B+touch+x%3B+%27", r"'s3://podferry-failed/a'\''; touch x; '\'''"),
        ("%1B%5B31m", r"'s3://podferry-failed/\u{1b}[31m'"),
    ] {
        let note = json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": "eu-west-1",
            "s3": { "bucket": { "name": "podferry-failed" }, "object": { "key": key } } }] });
        let output = decode(note.to_string().as_bytes());
        assert!(said(&output).contains(&format!("`aws s3 cp {word} - | podferry logs decode -`")), "{}", said(&output));
    }
    let held = json!({ "requestPayload": serde_json::from_slice::<Value>(&event(&content(GROUP, "s", &[(1, "x")]))).unwrap() });
    assert_eq!(lines(&decode(held.to_string().as_bytes())).len(), 1);
}
