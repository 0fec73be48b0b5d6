//! One way on the command line, and the old spellings, which keep working.

use std::process::{Command, Output};

use super::{Folder, PODFERRY};

fn podferry(arguments: &str) -> Output {
    Command::new(PODFERRY)
        .args(arguments.split(' '))
        .env_clear()
        .stdin(std::process::Stdio::null())
        .current_dir(testkit::ROOT)
        .output()
        .unwrap()
}

fn printed(arguments: &str) -> String {
    let output = podferry(arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Logs that are too old have the time of sending, which is another each time.
fn without_times(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains("\"timestamp\"")).collect()
}

fn refused(arguments: &str) -> String {
    let output = podferry(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

const EVENT: &str = "tests/fixtures/corpus/kept/web-nginx.event.json";
const RULES: &str = r#"[{"type":"exclude_at_match","name":"a","pattern":"b"}]"#;
const LOGGING: &str = "generate logging --cluster prod --region eu-west-1";

#[test]
fn old_spellings_say_the_same() {
    let folder = Folder::new("spellings");
    folder.write("rules.json", RULES);
    let check = format!("rules check {}", folder.file("rules.json"));
    let subscription = "generate subscription --cluster prod --region eu-west-1";
    for (new, old) in [
        (format!("preview {EVENT} --output json"), format!("preview {EVENT} --json")),
        (format!("preview {EVENT} -o json --explain"), format!("preview {EVENT} --json --explain")),
        (format!("{check} --output json"), format!("{check} --json")),
        ("lint fluentbit --output github".into(), "lint fluentbit --format github".into()),
        ("lint fluentbit -o sarif".into(), "lint fluentbit --format sarif".into()),
        (format!("{LOGGING} --output json"), format!("{LOGGING} --format json")),
        (format!("{LOGGING} --preset lean"), format!("{LOGGING} --profile lean")),
        ("generate sidecar --cluster c --image-tag 7.80.0".into(), "generate sidecar --cluster c --tag 7.80.0".into()),
        (
            "generate operator --cluster c --image-tag 7.80.0".into(),
            "generate operator --cluster c --tag 7.80.0".into(),
        ),
        (format!("{subscription} /a /b"), format!("{subscription} --group /a --group /b")),
    ] {
        assert_eq!(without_times(&printed(&new)), without_times(&printed(&old)), "{old}");
    }
    // Times are of the moment; the form is the same.
    for spelling in ["demo -o json", "demo --output json", "demo --json"] {
        assert!(printed(spelling).starts_with("{\n"), "{spelling}");
    }
    let report = |spelling: &str| podferry(&format!("inject --label-only -f fluentbit/lean.yaml {spelling}")).stderr;
    assert_eq!(report("--output json"), report("--json"));
    assert!(report("--json").starts_with(b"{"));
}

#[test]
fn two_spellings_at_once_are_refused() {
    for arguments in [
        "demo --json --output text",
        &format!("preview {EVENT} --json -o json"),
        "lint fluentbit --format json --output json",
        &format!("{LOGGING} --format json --output yaml"),
        &format!("{LOGGING} --profile lean --preset lean"),
        "generate subscription /a --group /b",
        "backfill /a --group /b --from 1h",
        "subscribe --account --whole-account",
        "unsubscribe --account --whole-account",
        "generate sidecar --cluster c --tag 7.80.0 --image-tag 7.80.0",
        "generate helm-values --cluster c --tag 7.80.0 --image-tag 7.80.0",
        "intake --json --output json",
    ] {
        let said = refused(arguments);
        assert!(said.contains("cannot be used"), "{arguments}: {said}");
    }
    assert!(refused(&format!("preview {EVENT} --explain")).contains("--output json"));
    assert!(refused(&format!("preview {EVENT} --logs 2 -o json")).contains("--logs"));
}

#[test]
fn old_spellings_are_hidden() {
    for command in [
        "demo",
        "preview",
        "rules check",
        "generate operator",
        "generate sidecar",
        "inject",
        "lint",
        "generate logging",
        "generate subscription",
        "backfill",
    ] {
        let help = printed(&format!("{command} --help"));
        for old in ["--json", "--format", "--group ", "--profile ", "--tag "] {
            let is_new = matches!((command, old), ("backfill" | "preview", "--profile ") | ("preview", "--group "));
            assert!(!help.contains(old) || is_new, "{command}: {old}");
        }
        assert!(help.contains("-o, --output <FORMAT>"), "{command}");
    }
}

#[test]
fn shared_options_say_what_they_mean_to_each_command() {
    let help = |command: &str| {
        let help = printed(&format!("{command} --help"));
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (command, part) in [
        ("status", "[default: log_groups in podferry.yaml, otherwise all that are subscribed]"),
        ("doctor", "[default: log_groups in podferry.yaml, otherwise all that are subscribed]"),
        ("subscribe", "[default: log_groups in podferry.yaml] "),
        ("backfill", "[default: log_groups in podferry.yaml] "),
        ("redrive", "File with region, account and function; flags win"),
        ("status", "File with region, account, function and log groups; flags win"),
        ("inject", "Format of the report on standard error"),
        ("generate iam", "policies and Datadog objects are always JSON"),
    ] {
        assert!(help(command).contains(part), "{command}: {part}");
    }
}

#[test]
fn every_page_of_help_is_plain() {
    let mut pages = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = pages.pop() {
        let help = printed(format!("{command} --help").trim());
        seen += 1;
        for word in [" mend", "anew", "without a word", "may be given several times", "podferrys"] {
            assert!(!help.contains(word), "{command}: {word}");
        }
        let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        pages.extend(names.map(|name| format!("{command} {name}").trim().to_owned()));
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn colors_are_there_where_they_are_wanted() {
    let is_colored = |arguments: &str| printed(arguments).contains('\u{1b}');
    assert!(is_colored("demo --color always") && is_colored("--color=always demo"));
    assert!(!is_colored("demo") && !is_colored("demo --color never"));
    assert!(refused("demo --color sometimes").contains("possible values"));
}

#[test]
fn quiet_leaves_only_errors() {
    let said = |arguments: &str| String::from_utf8(podferry(arguments).stderr).unwrap();
    assert!(said(LOGGING).contains(" of 5300 characters"));
    assert_eq!(said(&format!("{LOGGING} --quiet")), "");
    assert_eq!(said(&format!("-q {LOGGING}")), "");
    assert!(said("generate logging --quiet").starts_with("error: missing: --cluster"));
    assert_eq!(said("inject --label-only -q -f fluentbit/lean.yaml"), "");
}
