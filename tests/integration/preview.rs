//! `podferry preview` of what people have: kinds of captures as files, and a live log group.

use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::moto::TestAccount;

use super::backfill::{GROUP, put};
use super::{Folder, InAccount, PODFERRY};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn shown(output: &Output) -> String {
    text(&output.stdout)
}

fn said(output: &Output) -> String {
    text(&output.stderr)
}

fn preview(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output =
        Command::new(PODFERRY).arg("preview").args(arguments).env_clear().current_dir(folder.path()).output().unwrap();
    (output.status.code(), shown(&output), said(&output))
}

/// The output of `aws logs filter-log-events` for two pods.
fn filtered() -> Value {
    let id = "a".repeat(64);
    let event = |pod: &str, message: &str| {
        json!({
            "logStreamName": format!("fargate/kube.var.log.containers.{pod}_shop_web-{id}.log"), "timestamp": 1_777_811_696_789_i64,
            "message": message, "ingestionTime": 1_777_811_697_000_i64, "eventId": format!("{pod}-1"),
        })
    };
    json!({ "events": [event("web-0", "one"), event("web-1", "two")], "searchedLogStreams": [] })
}

#[test]
fn a_capture_says_what_it_is_and_what_is_missing() {
    let folder = Folder::new("preview");
    std::fs::write(folder.path().join("filtered.json"), filtered().to_string()).unwrap();
    std::fs::write(folder.path().join("lines.txt"), "one\ntwo\n").unwrap();
    let (code, text, said) = preview(&folder, &["filtered.json", "lines.txt"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("filtered.json: read as the output of `aws logs filter-log-events`."), "{said}");
    assert!(said.contains("lines.txt: read as plain lines") && said.contains("--log-stream"), "{said}");
    assert!(text.starts_with("4 events would become 4 logs in 3 requests"), "{text}");
    for row in ["shop/web-0/web", "shop/web-1/web"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    // Where the flag says it, nothing is missing.
    let stream = format!("kube.var.log.containers.api-0_shop_api-{}.log", "b".repeat(64));
    let (_, text, said) =
        preview(&folder, &["lines.txt", "--log-stream", &stream, "--log-group", "/aws/eks/prod/fargate"]);
    assert!(!said.contains("--log-stream"), "{said}");
    assert!(text.contains("shop/api-0/api") && text.contains("log group: kube_cluster_name:prod"), "{text}");
    // What is piped is one line a line, however long.
    let longest = text.lines().find(|line| line.contains("log stream: ")).unwrap();
    assert!(longest.contains("kube_namespace:shop") && longest.contains("container_name:api"), "{longest}");
}

#[test]
fn a_live_group_is_read_with_the_functions_settings() {
    let Some(account) = TestAccount::start() else { return };
    account.logs("CreateLogGroup", &json!({ "logGroupName": GROUP }));
    let stream = format!("fargate/kube.var.log.containers.web-0_shop_web-{}.log", "a".repeat(64));
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let events: Vec<Value> = (0..3)
        .map(|number| json!({ "timestamp": now_ms - 60_000 + number, "message": format!("log {number}") }))
        .collect();
    put(&account, GROUP, &stream, &events);
    account.function("podferry", &json!({ "DD_TAGS": "team:shop", "DD_API_KEY": "k" }));
    let output = account.podferry(&["preview", "--group", GROUP, "--since", "5m", "--function", "podferry"]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(text.starts_with("3 events would become 3 logs in 1 request"), "{text}");
    assert!(text.contains("shop/web-0/web") && text.contains("setting: team:shop"), "{text}");
    let output = account.podferry(&["preview", "--group", GROUP, "--since", "5m", "--limit", "2"]);
    assert!(
        shown(&output).starts_with("2 events") && said(&output).contains("the first 2 events"),
        "{}",
        said(&output)
    );
    let output = account.podferry(&["preview", "--group", GROUP, "--since", "1s"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("has no events since") && said(&output).contains("--since"), "{}", said(&output));
}

/// README.md and examples/README.md name these files.
#[test]
fn the_examples_are_one_pods_logs_in_several_forms() {
    let root = std::path::Path::new(testkit::ROOT).join("examples");
    let run =
        |arguments: &[&str]| Command::new(PODFERRY).args(arguments).env_clear().current_dir(&root).output().unwrap();
    let messages = |file: &str| shown(&run(&["logs", "decode", file, "--output", "text"]));
    assert!(messages("event.json") == messages("content.json") && messages("event.json").lines().count() == 13);
    let log = std::fs::read_dir(&root).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let log = log.into_iter().find(|name| name.ends_with(".log")).unwrap();
    for (file, logs) in [("event.json", 4), ("content.json", 4), ("filter-log-events.json", 3), (log.as_str(), 6)] {
        let output = run(&["preview", file, "--as-new"]);
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(text.contains(&format!("would become {logs} logs")), "{file}: {text}");
        assert!(text.contains("shop/orders-6c9d8b7f5d-h2x4k/orders"), "{file}: {text}");
    }
}
