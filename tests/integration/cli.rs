//! The `podferry` command as people run it.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::events::*;

use super::{Folder, PODFERRY, with_input};

fn podferry(arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(PODFERRY);
    command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(testkit::ROOT);
    with_input(&mut command, input)
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
    for part in [
        "278 events of 6 pods",
        "Nothing left this machine.",
        "One log, before and after",
        "service  orders",
        "One trace: 8 events became one log",
        "charged card [card] for order",
        "left out by `health_checks`",
        "batch/report",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "colours are for terminals");
    assert!(!shown.contains("4111 1111"), "the secret is nowhere: {shown}");
    // The samples are from some day; what is shown is what becomes of logs that are not too old.
    assert!(!shown.contains("late:true"), "{shown}");
    let all: Value = serde_json::from_str(&stdout(&podferry(&["demo", "--output", "json"], b"", &[]))).unwrap();
    assert_eq!((&all["logs"], &all["requests"]), (&json!(154), &json!(6)));
    for sample in all["samples"].as_array().unwrap() {
        let log = &sample["first_log"];
        let age = now() - log["timestamp"].as_i64().unwrap();
        assert!((0..3_600_000).contains(&age) && log["original_timestamp"].is_null(), "{log}");
    }
}

#[test]
fn a_preview_is_what_would_be_sent() {
    let shown = stdout(&podferry(&["preview", SAMPLE], b"", &[]));
    assert!(shown.starts_with("54 events would become 54 logs in 1 request of "), "{shown}");
    assert!(shown.contains("shop/web-6d4cf56db6-x7k2p/nginx") && shown.contains("show them with --logs 54"));
    let variables = [("DD_ENV", "x"), ("DD_TAGS", "team:a")];
    let logs: Vec<Value> =
        serde_json::from_str(&stdout(&podferry(&["preview", SAMPLE, "--output", "json"], b"", &variables))).unwrap();
    assert_eq!(logs.len(), 54);
    assert!(logs.iter().all(|log| has_tag(log, "team:a") && has_tag(log, "env:prod")));
}

#[test]
fn a_preview_takes_what_people_have() {
    let json =
        |file: &str, input: &[u8]| stdout(&podferry(&["preview", file, "--as-new", "--output", "json"], input, &[]));
    let event = json(SAMPLE, b"");
    let input = std::fs::read(format!("{}/{SAMPLE}", testkit::ROOT)).unwrap();
    // Not assert_eq: both are long.
    assert!(json("tests/fixtures/corpus/kept/web-nginx.json", b"") == event && json("-", &input) == event);
    assert!(!event.contains("original_timestamp"));
    let text = stdout(&podferry(&["preview", SAMPLE, "--as-new"], b"", &[]));
    assert!(text.contains("Too old for Datadog (18 hours): 54 logs. Sent now, each would have"), "{text}");
    let text = stdout(&podferry(&["preview", SAMPLE], b"", &[]));
    assert!(text.contains("Too old for Datadog (18 hours): 54 logs. Each has another time"), "{text}");
    assert!(text.contains("podferry: late:true") && text.contains("pod label: env:prod"), "{text}");
    let now = stdout(&podferry(&["preview", SAMPLE, "-o", "json", "--explain"], b"", &[]));
    let now: Value = serde_json::from_str(&now).unwrap();
    assert_eq!(now["counts"]["late"], 54);
    assert_eq!(now["logs"][0]["tags_from"]["kube_namespace:shop"], "log stream");
    let both = stdout(&podferry(&["preview", SAMPLE, "-"], &input, &[]));
    assert!(both.starts_with("108 events would become 108 logs in 2 requests"), "{both}");
    let control = json!({ "messageType": "CONTROL_MESSAGE", "logEvents": [] }).to_string();
    assert!(stdout(&podferry(&["preview", "-"], control.as_bytes(), &[])).contains("control message"));
}

#[test]
fn mistakes_say_what_to_do() {
    assert!(refused(&["preview", "no-such-file.json"], b"").contains("no-such-file.json: "));
    for input in [br#"{"geheimes-wort":1}"#.as_slice(), br#"{"Records":[]}"#, b""] {
        let message = refused(&["preview", "-"], input);
        assert!(message.contains("Give an event of the function") && !message.contains("geheimes-wort"), "{message}");
    }
    assert!(refused(&["preview", "-"], br#"{"awslogs":{"data":"%"}}"#).contains("not valid base64"));
    assert!(refused(&["intake", "--listen", "0.0.0.0:8080"], b"").contains("listen on 127.0.0.1"));
    let output = podferry(&["preview", SAMPLE], b"", &[("DD_COMPRESSION", "x"), ("PODFERRY_HOSTNAME", "y")]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("DD_COMPRESSION") && message.contains("PODFERRY_HOSTNAME"), "{message}");
}

const MANIFEST: &str = r#"kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        ad.datadoghq.com/web.logs: |
          [{"source":"java","log_processing_rules":[
            {"type":"exclude_at_match","name":"health","pattern":"GET /health"},
            {"type":"mask_sequences","name":"token","pattern":"token=\\w+","replace_placeholder":"token=***"},
            {"type":"multi_line","name":"date","pattern":"\\d{4}-"}]}]
    spec: {containers: [{name: web}]}
"#;

/// Writes a file; its path.
fn file(folder: &Folder, name: &str, content: &str) -> String {
    folder.write(name, content);
    folder.file(name)
}

#[test]
fn rules_are_checked_and_run_over_a_sample() {
    let folder = Folder::new("rules");
    let manifest = file(&folder, "manifest.yaml", MANIFEST);
    let sample = b"2026- in token=geheim\n  more\n2026- GET /health\n2026- out\n";
    let shown = stdout(&podferry(&["rules", "check", &manifest], sample, &[]));
    for part in [
        "Deployment shop/web, container web",
        "joined from 2 lines by date; masked by token; kept",
        "excluded by health",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("geheim") && !shown.contains("GET /health\n") && !shown.contains('\u{1b}'), "{shown}");
    let report: Value =
        serde_json::from_str(&stdout(&podferry(&["rules", "check", &manifest, "--output", "json"], sample, &[])))
            .unwrap();
    assert_eq!(report[0]["counts"]["excluded"], 1);
    assert_eq!(report[0]["logs"][0]["rules"], json!([{ "rule": "token", "effect": "masked" }]));
    assert_eq!(report[0]["logs"][1]["log"], Value::Null);
    // The function's own settings have their effect.
    let redact = [("PODFERRY_SAMPLE", r#"{"rate":0}"#)];
    assert!(
        stdout(&podferry(&["rules", "check", &manifest], sample, &redact))
            .contains("left out by PODFERRY_SAMPLE rule 1")
    );
}

#[test]
fn rules_that_do_something_else_on_a_node_are_told() {
    let folder = Folder::new("node-rules");
    let manifest = file(&folder, "manifest.yaml", &MANIFEST.replace("GET /health", "in.*more"));
    let sample = b"2026- in token=x\n  more\n2026- out\n";
    let check = |arguments: &[&str], sample: &[u8]| {
        let output = podferry(&[&["rules", "check", &manifest], arguments].concat(), sample, &[]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = check(&[], sample);
    assert!(shown.contains("rule `health`: it does something else with log 1 of the sample than on a node"), "{shown}");
    let report: Value = serde_json::from_str(&check(&["--output", "json"], sample)).unwrap();
    assert_eq!(report[0]["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(report[0]["problems"], json!([]));
    // Without a sample, by what the pattern is made of; and a `multi_line` that never matches joins everything.
    assert!(check(&[], b"").contains("rule `health`: it may do something else with joined lines than on a node"));
    let shown = check(&[], b"one\ntwo\n");
    assert!(shown.contains("rule `date`: none of the sample's 2 lines begins with a match"), "{shown}");
}

#[test]
fn preview_says_what_a_status_comes_from() {
    let case = format!("{}/tests/fixtures/field/cases/job-taken-for-deployment.json", testkit::ROOT);
    let shown = stdout(&podferry(&["preview", &case], b"", &[]));
    assert!(shown.contains("error, by stderr"), "{shown}");
    let folder = Folder::new("status");
    let content = std::fs::read_to_string(&case).unwrap().replace("loaded 5 rows", "INFO:root:loaded 5 rows");
    let event = file(&folder, "event.json", &content);
    let from_text = [("PODFERRY_STATUS_FROM_TEXT", "true")];
    let shown = stdout(&podferry(&["preview", &event], b"", &from_text));
    assert!(shown.contains("info, by the head of the line"), "{shown}");
    for (environment, source) in [(&from_text[..], "the head of the line"), (&[], "stderr")] {
        let report = stdout(&podferry(&["preview", &event, "--output", "json", "--explain"], b"", environment));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["logs"][0]["status_from"], source);
    }
}

#[test]
fn rules_that_do_not_work_are_told() {
    let folder = Folder::new("broken-rules");
    let broken = file(
        &folder,
        "broken.yaml",
        &MANIFEST.replace("GET /health", "GET (health").replace("name: web}]", "name: app}]"),
    );
    let output = podferry(&["rules", "check", &broken], b"", &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    for part in ["rule `health`: its `pattern` does not compile", "the pod has no container `web`"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let annotation = file(&folder, "annotation.json", r#"[{"log_processing_rules":[{"type":"mask_sequences"}"#);
    let output = podferry(&["rules", "check", &annotation], b"geheim\n", &[]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.code() == Some(1) && shown.contains("annotation: is not JSON: it ends too early (line 1"),
        "{shown}"
    );
    assert!(!shown.contains("geheim"));
    // Not a list, as the forwarder takes it too.
    let single = r#"{"log_processing_rules":[{"type":"mask_sequences","name":"m","pattern":"geheim","replace_placeholder":"x"}]}"#;
    let annotation = file(&folder, "single.json", single);
    let shown = stdout(&podferry(&["rules", "check", &annotation], b"geheim\n", &[]));
    assert!(shown.contains("masked by m; kept") && !shown.contains("geheim"), "{shown}");
    let object =
        file(&folder, "object.yaml", &format!("metadata: {{annotations: {{ad.datadoghq.com/web.logs: {single}}}}}"));
    let output = podferry(&["rules", "check", &object], b"geheim\n", &[]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && shown.contains("Kubernetes refuses it"), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
    for (arguments, hint) in [
        (&["rules", "check", "no-such-file.yaml"][..], "no-such-file.yaml"),
        (&["rules", "check", "Cargo.toml"], "neither YAML nor JSON"),
        (&["rules", "check", "tests/fixtures/corpus/kept/web-nginx.event.json"], "no annotation"),
        (&["rules", "check", &broken, "--container", "x"], "ad.datadoghq.com/x.logs"),
    ] {
        assert!(refused(arguments, b"").contains(hint), "{arguments:?}");
    }
}

#[test]
fn a_preview_says_what_rules_did() {
    let sample = "tests/fixtures/corpus/parsed/checkout-app.event.json";
    let shown = stdout(&podferry(&["preview", sample], b"", &[]));
    for part in ["joined from 2 lines by new_log_start; masked by cards; kept", "[card]", "│ cards "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let variables = [("EXCLUDE_AT_MATCH", "order 1001")];
    let report: Value = serde_json::from_str(&stdout(&podferry(
        &["preview", sample, "--output", "json", "--explain"],
        b"",
        &variables,
    )))
    .unwrap();
    let logs = report["logs"].as_array().unwrap();
    assert_eq!(report["counts"]["excluded"], logs.iter().filter(|log| log["shipped"] == json!(false)).count());
    assert_eq!(logs[1]["rules"], json!([{ "rule": "EXCLUDE_AT_MATCH", "effect": "excluded" }]));
    assert!(
        stdout(&podferry(&["preview", sample, "--logs", "2"], b"", &variables))
            .contains("excluded by EXCLUDE_AT_MATCH")
    );
}

#[test]
fn every_command_explains_itself() {
    for arguments in [
        &["--help"][..],
        &["demo", "--help"],
        &["preview", "--help"],
        &["intake", "--help"],
        &["settings", "--help"],
        &["rules", "--help"],
        &["rules", "check", "--help"],
        &["status", "--help"],
        &["subscribe", "--help"],
        &["unsubscribe", "--help"],
    ] {
        assert!(stdout(&podferry(arguments, b"", &[])).contains("Usage: podferry"), "{arguments:?}");
    }
    // With the commit, where it was built from a repository.
    let version = stdout(&podferry(&["--version"], b"", &[]));
    let rest = version.trim().strip_prefix(concat!("podferry ", env!("CARGO_PKG_VERSION"))).unwrap();
    let commit = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    let is_commit = |commit: &str| commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(rest.is_empty() || commit.is_some_and(is_commit), "{version}");
    assert_eq!(stdout(&podferry(&["-V"], b"", &[])), version);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_intake_by_the_signal() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    // Whoever started the tests may have SIGINT ignored, as a shell does for what runs in the background; the command takes that over.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let mut command = Command::new(PODFERRY);
    if ignored.is_some_and(|signals| signals & 1 << (2 - 1) != 0) {
        // GNU's; where there is /proc, there it is.
        command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT", PODFERRY]);
    }
    let mut child = command
        .args(["intake", "--listen", "127.0.0.1:0", "--quiet"])
        .env_clear()
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("DD_URL=http://127.0.0.1:"), "{line}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn the_settings_page_has_the_tables_of_the_code() {
    let page = std::fs::read_to_string(format!("{}/docs/settings.md", testkit::ROOT)).unwrap();
    let table = stdout(&podferry(&["settings"], b"", &[]));
    assert!(page.ends_with(&table), "docs/settings.md does not end with what `podferry settings` prints");
}

#[test]
fn shells_take_the_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&podferry(&["completions", shell], b"", &[]));
        for part in ["preview", "generate", "whole-account", "image-tag", "dry-run", "quiet", "version"] {
            assert!(script.contains(part), "{shell}: {part}");
        }
        // Old spellings work, and are not offered.
        let words: Vec<&str> = script.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').collect();
        for old in ["json", "format"] {
            let (option, of_fish) = (format!("--{old}"), ["-l", old]);
            assert!(
                !words.contains(&option.as_str()) && !words.windows(2).any(|pair| pair == of_fish),
                "{shell}: {old}"
            );
        }
        if shell == "bash" {
            let bash = with_input(Command::new("bash").arg("-n"), script.as_bytes());
            assert!(bash.status.success() && bash.stderr.is_empty());
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = stdout(&podferry(&["man"], b"", &[]));
    assert!(page.contains(".TH podferry 1"), "{page}");
    let folder = Folder::new("man");
    stdout(&podferry(&["man", "--out", folder.path().to_str().unwrap()], b"", &[]));
    let help = stdout(&podferry(&["--help"], b"", &[]));
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 10, "{help}");
    for name in names.iter().copied().chain(["generate-secret", "rules-check"]) {
        let page = folder.read(&format!("podferry-{name}.1"));
        assert!(page.contains(&format!(".TH podferry-{name} 1")) && page.contains(".SH DESCRIPTION"), "{page}");
        let usage = name.replace('-', " ");
        assert!(page.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-").contains(&usage), "{page}");
    }
}
