//! `podferry simulate` as a person runs it.

use std::process::{Command, Output};

use serde_json::Value;

use super::{Folder, PODFERRY, with_input};

/// As `generate logging` writes it.
const STANDARD: &str = "tests/fixtures/corpus/kept/configmap.yaml";
const MERGED: &str = "tests/fixtures/corpus/parsed/configmap.yaml";

fn simulate(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PODFERRY);
    command.arg("simulate").args(arguments).env_clear().current_dir(testkit::ROOT);
    with_input(&mut command, input.as_bytes())
}

fn report(arguments: &[&str], input: &str) -> Value {
    let output = simulate(&[arguments, &["-o", "json"]].concat(), input);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn samples_go_all_the_way() {
    let output = simulate(&[STANDARD], "");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "Fluent Bit 1.9: 8 lines: 8 delivered.",
        "Fluent Bit 5.x: 8 lines: 8 delivered.",
        "parser #1 changed it, kubernetes #2 changed it",
        "stream     ",
        "Datadog    Server listening on port 8080",
        "record     the same, and pod_ip",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn lines_of_any_form_are_taken() {
    let cri = "2026-11-22T18:00:01.104414813Z stdout F one\n2026-11-22T18:00:02.104414813Z stderr F {\"a\":1e3}\n";
    let found = report(&[MERGED, "-"], cri);
    let records: Vec<&str> = found["cores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|core| core["lines"][1]["arrivals"][0]["record"].as_str().unwrap())
        .collect();
    assert!(records[0].contains("\"a\":1,"), "{}", records[0]);
    assert!(records[1].contains("\"a\":1000.0,"), "{}", records[1]);
    let event = &found["cores"][0]["lines"][0]["arrivals"][0]["sent"][0];
    assert_eq!(event["timestamp"], 1_795_370_401_104_i64);
    assert_eq!(event["billed_bytes"].as_u64().unwrap() as usize, event["message"].as_str().unwrap().len() + 26);
    assert_eq!(event["datadog"]["message"], "one");
    // With the time that `kubectl logs --timestamps` prints, and without any.
    for input in ["2026-11-22T18:00:01.104414813Z one\n", "one\n"] {
        let found = report(&[MERGED, "-", "--core", "1.9"], input);
        assert_eq!(found["cores"][0]["lines"][0]["arrivals"][0]["sent"][0]["datadog"]["message"], "one", "{found}");
    }
    // A long line comes in pieces, of which Datadog gets one log.
    let found = report(&[STANDARD, "-", "--core", "5"], &"x".repeat(20_000));
    assert_eq!(found["cores"][0]["counts"]["lines"], 2);
    let lines = found["cores"][0]["lines"].as_array().unwrap();
    let logs = lines.iter().filter(|line| !line["arrivals"][0]["sent"][0]["datadog"].is_null()).count();
    assert_eq!(logs, 1);
}

#[test]
fn what_is_lost_and_what_stops_fluent_bit_is_said() {
    let folder = Folder::new("simulate");
    let manifest = |filters: &str| {
        let path = folder.file(&format!("{}.yaml", filters.len()));
        let filters: String = filters.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-logging, namespace: aws-observability}}\ndata:\n  filters.conf: |\n{filters}  \
             output.conf: |\n    [OUTPUT]\n        Name cloudwatch_logs\n        Match kube.*\n        region eu-west-1\n        log_group_name g\n        \
             log_stream_prefix s-\n        auto_create_group true\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    };
    let dropping = manifest("[FILTER]\n    Name grep\n    Match *\n    Exclude log health");
    let found = report(&[&dropping, "-"], "GET /healthz\nGET /\n");
    let line = &found["cores"][0]["lines"][0];
    assert_eq!((&line["fate"], &line["steps"][0]), (&Value::from("lost"), &Value::from("grep #1 dropped it")));
    assert_eq!(found["cores"][1]["lines"][1]["fate"], "delivered");

    let broken = manifest("[FILTER]\n    Name grep\n    Match *\n    Exclude log (");
    let output = simulate(&[&broken], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing runs with this ConfigMap"));

    for (arguments, hint) in [
        (&["Cargo.toml"][..], "no ConfigMap"),
        (&["-", "-"], "same file"),
        (&[STANDARD, "no-such-file.log"], "no-such-file.log"),
        (&[STANDARD, "-", "--pod", "Cargo.toml"], "Cargo.toml"),
        (&[STANDARD, "-o", "json", "--show", "1"], "--show"),
    ] {
        let output = simulate(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(hint), "{arguments:?}");
    }
}
