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
    // Lines have no address, and the pod's metadata, stream and tags are told once.
    let shown = String::from_utf8(simulate(&["fluentbit/compact.yaml"], "").stdout).unwrap();
    let line = shown.split("\n\n").nth(1).unwrap();
    assert_eq!(line.matches("the same, and pod_ip").count(), 1, "{line}");
    for (part, times) in [("\"namespace_name\"", 1), ("  group      ", 1), ("kube_namespace:shop", 1)] {
        assert_eq!(shown.matches(part).count(), times, "{part}: {shown}");
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
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("nothing runs with this ConfigMap"), "{shown}");
    assert!(!shown.contains("line 1"), "no line goes anywhere: {shown}");

    let deadly = manifest("[FILTER]\n    Name modify\n    Match *\n    Condition A_key_matches (\n    Set a b");
    let found = report(&[&deadly, "-"], "GET /\n");
    for core in found["cores"].as_array().unwrap() {
        let reason = core["reason"].as_str().unwrap();
        assert!(reason.contains("dies of a broken expression of modify"), "{reason}");
    }

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

/// Fluent Bit does not look at names, and CloudWatch Logs refuses some; AWS's plugin in Go writes what it allows.
#[test]
fn what_cloudwatch_refuses_by_its_name_is_lost() {
    let folder = Folder::new("simulate-names");
    let fates = |plugin: &str, group: &str, stream: &str| {
        let path = folder.file("names.yaml");
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-logging, namespace: aws-observability}}\ndata:\n  output.conf: |\n    [OUTPUT]\n        \
             Name {plugin}\n        Match kube.*\n        region eu-west-1\n        log_group_name {group}\n        log_stream_name {stream}\n        \
             auto_create_group true\n"
        );
        std::fs::write(&path, text).unwrap();
        let found = report(&[&path, "-"], "GET /\n");
        let line = |core: usize| found["cores"][core]["lines"][0].clone();
        (line(0)["fate"].clone(), line(1)["fate"].clone(), line(1)["arrivals"][0]["sent"][0]["reason"].clone())
    };
    let lost = |what: &str| {
        let reason = format!("CloudWatch Logs refuses the name of the log {what}");
        (Value::from("lost"), Value::from("lost"), Value::from(reason))
    };
    let delivered = (Value::from("delivered"), Value::from("delivered"), Value::Null);
    assert_eq!(fates("cloudwatch_logs", "/eks/prod", "s"), delivered);
    assert_eq!(fates("cloudwatch_logs", "/eks/$(kubernetes['namespace_name'])", "s"), lost("group"));
    assert_eq!(fates("cloudwatch_logs", "aws/eks", "s"), lost("group"));
    assert_eq!(fates("cloudwatch_logs", "/eks/prod", "a:b"), lost("stream"));
    assert_eq!(fates("cloudwatch", "/eks/prod:x", "a:b"), delivered);
}

/// With `log_key`, CloudWatch gets a part of the record, and loses the rest.
#[test]
fn an_event_that_is_not_the_record_is_shown() {
    let folder = Folder::new("simulate-log-key");
    let path = folder.file("aws-logging.yaml");
    let text = std::fs::read_to_string(format!("{}/{STANDARD}", testkit::ROOT)).unwrap();
    let place = text.find("log_group_name").unwrap();
    let (before, after) = text.split_at(place);
    std::fs::write(&path, format!("{before}log_key log\n        {after}")).unwrap();
    let shown = |path: &str| String::from_utf8(simulate(&[path, "-"], "GET /\n").stdout).unwrap();
    assert!(shown(&path).contains("\n  event      GET /\n"), "{}", shown(&path));
    assert!(!shown(STANDARD).contains("\n  event "), "{}", shown(STANDARD));
}

fn diff(arguments: &[&str], folder: &Folder) -> (Option<i32>, String) {
    let mut command = Command::new(PODFERRY);
    command.arg("diff").args(arguments).env_clear().current_dir(folder.path());
    let output = with_input(&mut command, b"");
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// A folder with the ConfigMaps of these presets, named by them.
fn presets(names: &[&str]) -> Folder {
    let folder = Folder::new("diff");
    for name in names {
        let mut command = Command::new(PODFERRY);
        command.args(["generate", "logging", "--cluster", "prod", "--region", "eu-west-1", "--preset", name]);
        let output = command.env_clear().current_dir(folder.path()).output().unwrap();
        std::fs::write(folder.path().join(format!("{name}.yaml")), output.stdout).unwrap();
    }
    folder
}

#[test]
fn two_config_maps_are_compared() {
    let folder = presets(&["standard", "compact", "lean"]);
    let (code, text) = diff(&["standard.yaml", "standard.yaml"], &folder);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1.00 times") && text.ends_with("No logs and no tags are lost.\n"), "{text}");
    // All tags at a fraction of the bytes, which is what the preset is for.
    let (code, text) = diff(&["standard.yaml", "compact.yaml"], &folder);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("0.17 times") && text.contains("metadata records") && text.contains("fargate/m.kube"),
        "{text}"
    );
    let (code, text) = diff(&["standard.yaml", "lean.yaml", "-o", "json", "--core", "5"], &folder);
    assert_eq!(code, Some(1), "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found[0]["tags_lost"]["env:prod"], 6);
    assert_eq!((&found[0]["changed"]["service"], &found[0]["lines_lost"]), (&Value::from(6), &serde_json::json!([])));
}

/// The same lines come in; those that are dropped cost nothing.
#[test]
fn what_is_dropped_costs_less_for_a_million_lines() {
    let folder = presets(&["standard"]);
    let text = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let filter = "[FILTER]\n        Name grep\n        Match kube.*\n        Exclude log .";
    let dropping = text.replacen("[FILTER]", &format!("{filter}\n    [FILTER]"), 1);
    std::fs::write(folder.path().join("dropping.yaml"), dropping).unwrap();
    let (_, text) = diff(&["standard.yaml", "dropping.yaml", "--core", "5"], &folder);
    assert!(text.contains(" 0 now: 0.00 times, so a million such lines cost $0.00 instead of $0."), "{text}");
}

/// A record of metadata is no log to the function that such a ConfigMap needs, and the line has its pod's tags.
#[test]
fn a_config_map_with_records_of_metadata_has_a_function_that_reads_them() {
    let folder = presets(&["compact"]);
    let mut command = Command::new(PODFERRY);
    command.args(["simulate", "compact.yaml", "-", "--core", "5"]).env_clear().current_dir(folder.path());
    let output = with_input(&mut command, b"GET /orders 200\n");
    let (text, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.contains("Datadog gets 1 log.") && text.contains("env:prod"), "{text}");
    assert!(notes.contains("PODFERRY_METADATA_RECORDS=true"), "{notes}");
}

#[test]
fn a_comment_of_a_pull_request_holds_no_markup_of_others() {
    let folder = presets(&["standard"]);
    let text = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let marked = text.replace(
        "filters.conf: |\n",
        "filters.conf: |\n    [FILTER]\n        Name grep\n        Match kube.*\n        Exclude log order\n",
    );
    assert_ne!(text, marked);
    std::fs::write(folder.path().join("a`<b>|.yaml"), marked).unwrap();
    let (code, text) = diff(&["standard.yaml", "a`<b>|.yaml", "--markdown"], &folder);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("### podferry diff: ⚠️ Logs or tags are lost\n"), "{text}");
    assert!(text.contains("`a'<b>|.yaml`") && text.contains("| lost | line 2"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with("| ")).all(|line| line.matches(" |").count() >= 2), "{text}");
    assert!(!text.contains(" $0") && text.contains("\\$0"), "a dollar begins a formula there: {text}");
}

/// A ConfigMap of the standard preset with another filter before its own, and what the comparison says of one version.
fn changed(filter: &str, lines: &str) -> (Option<i32>, Value) {
    let folder = presets(&["standard"]);
    let old = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let new = old.replacen("[FILTER]", &format!("{filter}\n    [FILTER]"), 1);
    assert_ne!(old, new);
    std::fs::write(folder.path().join("new.yaml"), new).unwrap();
    compared(&folder, "standard.yaml", "new.yaml", lines)
}

fn compared(folder: &Folder, old: &str, new: &str, lines: &str) -> (Option<i32>, Value) {
    let mut command = Command::new(PODFERRY);
    command.args(["diff", old, new, "-", "--core", "5", "-o", "json"]).env_clear().current_dir(folder.path());
    let output = with_input(&mut command, lines.as_bytes());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), found[0].clone())
}

const THREE: &str = "2026-11-22T18:00:01.1Z stdout F GET /healthz 200\n2026-11-22T18:00:02.1Z stderr F failed\n\
                     2026-11-22T18:00:03.1Z stdout F {\"level\":\"error\",\"message\":\"boom\"}\n";

#[test]
fn a_grep_that_is_added_loses_just_its_lines() {
    let (code, found) =
        changed("[FILTER]\n        Name grep\n        Match kube.*\n        Exclude log healthz", THREE);
    assert_eq!(
        (code, &found["lines_lost"], &found["lines_won"]),
        (Some(1), &serde_json::json!([1]), &serde_json::json!([]))
    );
    assert_eq!((&found["old"]["logs"], &found["new"]["logs"]), (&Value::from(3), &Value::from(2)));
    let bytes = |side: &str| found[side]["billed_bytes"].as_u64().unwrap();
    assert!(bytes("new") < bytes("old"), "{found}");
    assert_eq!((&found["tags_lost"], &found["changed"]), (&serde_json::json!({}), &serde_json::json!({})));
    assert_eq!(found["old"]["streams"], found["new"]["streams"]);
    // The other way round, the line is won, and nothing is worse.
    let folder = presets(&["standard"]);
    let text = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let filter = "[FILTER]\n        Name grep\n        Match kube.*\n        Exclude log healthz";
    std::fs::write(folder.path().join("old.yaml"), text.replacen("[FILTER]", &format!("{filter}\n    [FILTER]"), 1))
        .unwrap();
    let (code, found) = compared(&folder, "old.yaml", "standard.yaml", THREE);
    assert_eq!((code, &found["lines_won"]), (Some(0), &serde_json::json!([1])));
}

#[test]
fn the_order_of_filters_decides_what_a_grep_sees() {
    // Behind the parser there is a member `stream`; before it, none, so that `Regex` drops all.
    let folder = presets(&["standard"]);
    let text = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let grep = "[FILTER]\n        Name grep\n        Match kube.*\n        Regex stream .\n    ";
    let places: Vec<usize> = text.match_indices("[FILTER]").map(|(at, _)| at).collect();
    for (name, at) in [("behind.yaml", places[1]), ("before.yaml", places[0])] {
        std::fs::write(folder.path().join(name), format!("{}{grep}{}", &text[..at], &text[at..])).unwrap();
    }
    assert_eq!(compared(&folder, "standard.yaml", "behind.yaml", THREE).0, Some(0));
    let (code, found) = compared(&folder, "behind.yaml", "before.yaml", THREE);
    assert_eq!((code, &found["lines_lost"]), (Some(1), &serde_json::json!([1, 2, 3])));
    assert_eq!((&found["new"]["logs"], &found["new"]["billed_bytes"]), (&Value::from(0), &Value::from(0)));
}

#[test]
fn merging_logs_costs_bytes_and_loses_nothing() {
    let folder = presets(&["standard"]);
    let text = std::fs::read_to_string(folder.path().join("standard.yaml")).unwrap();
    let merged = text.replace("Merge_Log Off", "Merge_Log On");
    assert_ne!(text, merged);
    std::fs::write(folder.path().join("merged.yaml"), merged).unwrap();
    let (code, found) = compared(&folder, "standard.yaml", "merged.yaml", THREE);
    assert_eq!(
        (&found["lines_lost"], &found["tags_lost"]),
        (&serde_json::json!([]), &serde_json::json!({})),
        "{found}"
    );
    assert_eq!(code, Some(0));
    let bytes = |side: &str| found[side]["billed_bytes"].as_u64().unwrap();
    // What is merged stands there twice: once as text, once as members.
    assert!(bytes("new") > bytes("old"), "{found}");
    assert_eq!(found["old"]["streams"], found["new"]["streams"]);
}

/// Elasticsearch gets documents, each behind the line that says where it goes.
#[test]
fn documents_are_shown() {
    let folder = Folder::new("documents");
    let path = folder.file("es.yaml");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-logging, namespace: aws-observability}\ndata:\n  output.conf: |\n    \
                [OUTPUT]\n        Name es\n        Match kube.*\n        Host search.example.com\n        Suppress_Type_Name On\n        Index shop\n";
    std::fs::write(&path, text).unwrap();
    let found = report(&[&path, "-", "--core", "5"], "2026-11-22T18:00:01.1Z stdout F one\n");
    let sent = &found["cores"][0]["lines"][0]["arrivals"][0]["sent"][0];
    let document = sent["document"].as_str().unwrap();
    assert!(document.starts_with("{\"create\":{\"_index\":\"shop\"}}\n{\"@timestamp\":\""), "{document}");
    assert_eq!(sent["document_bytes"], document.len());
    let shown = String::from_utf8(simulate(&[&path, "-", "--core", "5"], "one\n").stdout).unwrap();
    assert!(shown.contains("    {\"create\":{\"_index\":\"shop\"}}\n    {\"@timestamp\":"), "{shown}");
}
