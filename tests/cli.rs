//! The `podferry` command as people run it.

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::*;

const PODFERRY: &str = env!("CARGO_BIN_EXE_podferry");

fn podferry(arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Output {
    let mut child = Command::new(PODFERRY)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it says where it cannot do its work: the exit code is 2.
fn refused(arguments: &[&str], input: &[u8]) -> String {
    let output = podferry(arguments, input, &[]);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const SAMPLE: &str = "tests/fixtures/corpus/kept/web-nginx.event.json";

#[test]
fn the_demo_shows_what_arrived() {
    let shown = stdout(&podferry(&["demo"], b"", &[]));
    for part in
        ["pod_name:checkout-7f9c5d8b4d-q2wzr", "kube_cronjob:report", "storefront", "Nothing left this machine."]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "colours are for terminals");
    let all: Value = serde_json::from_str(&stdout(&podferry(&["demo", "--json"], b"", &[]))).unwrap();
    assert_eq!((&all["logs"], &all["requests"]), (&json!(255), &json!(5)));
}

#[test]
fn a_preview_is_what_would_be_sent() {
    let shown = stdout(&podferry(&["preview", SAMPLE], b"", &[]));
    assert!(shown.starts_with("54 events would become 54 logs in 1 request of "), "{shown}");
    assert!(shown.contains("shop/web-6d4cf56db6-x7k2p/nginx") && shown.contains("show them with --logs 54"));
    let variables = [("DD_ENV", "x"), ("DD_TAGS", "team:a")];
    let logs: Vec<Value> =
        serde_json::from_str(&stdout(&podferry(&["preview", SAMPLE, "--json"], b"", &variables))).unwrap();
    assert_eq!(logs.len(), 54);
    assert!(logs.iter().all(|log| has_tag(log, "team:a") && has_tag(log, "env:prod")));
}

#[test]
fn a_preview_takes_what_people_have() {
    let decoded = stdout(&podferry(&["preview", "tests/fixtures/corpus/kept/web-nginx.json", "--json"], b"", &[]));
    let event = stdout(&podferry(&["preview", SAMPLE, "--json"], b"", &[]));
    assert_eq!(decoded, event);
    let input = std::fs::read(format!("{}/{SAMPLE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(stdout(&podferry(&["preview", "-", "--json"], &input, &[])), event);
    let control = json!({ "messageType": "CONTROL_MESSAGE", "logEvents": [] }).to_string();
    assert!(stdout(&podferry(&["preview", "-"], control.as_bytes(), &[])).contains("control message"));
}

#[test]
fn mistakes_say_what_to_do() {
    assert!(refused(&["preview", "no-such-file.json"], b"").contains("no-such-file.json: "));
    for input in [b"geheimes-wort".as_slice(), br#"{"Records":[]}"#, b""] {
        let message = refused(&["preview", "-"], input);
        assert!(message.contains("Give the event of the function") && !message.contains("geheimes-wort"), "{message}");
    }
    assert!(refused(&["preview", "-"], br#"{"awslogs":{"data":"%"}}"#).contains("not valid base64"));
    assert!(refused(&["intake", "--listen", "0.0.0.0:8080"], b"").contains("listen on 127.0.0.1"));
    let output = podferry(&["preview", SAMPLE], b"", &[("DD_COMPRESSION", "x"), ("PODFERRY_HOSTNAME", "y")]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("DD_COMPRESSION") && message.contains("PODFERRY_HOSTNAME"), "{message}");
}

#[test]
fn every_command_explains_itself() {
    for arguments in
        [&["--help"][..], &["demo", "--help"], &["preview", "--help"], &["intake", "--help"], &["settings", "--help"]]
    {
        assert!(stdout(&podferry(arguments, b"", &[])).contains("Usage: podferry"), "{arguments:?}");
    }
    assert_eq!(stdout(&podferry(&["--version"], b"", &[])).trim(), concat!("podferry ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_readme_has_the_table_of_the_code() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = stdout(&podferry(&["settings"], b"", &[]));
    assert!(readme.contains(&table), "README.md's table of variables is not what `podferry settings` prints");
}
