//! `podferry cost` as people run it: files of the corpus, and log groups in moto.
//!
//! After an intended change of the report: `cargo test -p podferry --test integration cost -- --ignored` writes it again.

use std::collections::{BTreeMap, HashSet};
use std::process::{Command, Output};

use super::{Folder, InAccount, PODFERRY, with_input};
use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::moto::{Fault, TestAccount};

const GROUP: &str = "/aws/eks/prod-eu/fargate";
const CONTAINERS: [&str; 5] = ["api-api", "checkout-app", "coredns-coredns", "report-report", "web-nginx"];

/// A gigabyte as AWS bills it.
const GB: f64 = 1_073_741_824.0;

fn corpus(shape: &str) -> Vec<String> {
    let path = |name: &str| format!("{}/tests/fixtures/corpus/{shape}/{name}.event.json", testkit::ROOT);
    CONTAINERS.map(path).to_vec()
}

/// The events of the corpus, by container.
fn contents(shape: &str) -> Vec<Value> {
    let read = |name: &str| {
        let path = format!("{}/tests/fixtures/corpus/{shape}/{name}.json", testkit::ROOT);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    CONTAINERS.map(read).to_vec()
}

fn messages(content: &Value) -> impl Iterator<Item = &str> {
    content["logEvents"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap())
}

fn run(arguments: &[&str], files: &[String]) -> Output {
    // Where there is no podferry.yaml.
    Command::new(PODFERRY).arg("cost").args(arguments).args(files).current_dir("/").output().unwrap()
}

fn report(arguments: &[&str], files: &[String]) -> Value {
    let output = run(&[arguments, &["--output", "json"]].concat(), files);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_close(found: &Value, truth: f64, what: &str) {
    let found = found.as_f64().unwrap();
    assert!((found - truth).abs() <= truth.abs() / 100.0, "{what}: {found}, not {truth}");
}

/// Prices and shares, counted again from the corpus itself, by bytes and the list price and nothing of the command's.
#[test]
fn dollars_and_shares_are_those_of_a_recount() {
    for shape in ["kept", "parsed", "once", "bare"] {
        let report =
            report(&["--region", "eu-west-1", "--gb-per-month", "200", "--retention-days", "30"], &corpus(shape));
        let group = &report["groups"][0];
        let mut bytes: BTreeMap<String, f64> = BTreeMap::new();
        for (name, content) in CONTAINERS.iter().zip(contents(shape)) {
            let container = name.split_once('-').unwrap().1;
            let sum: usize = messages(&content).map(|message| message.len() + 26).sum();
            *bytes.entry(container.to_owned()).or_default() += sum as f64;
        }
        let all: f64 = bytes.values().sum();
        assert_close(&group["gb_per_month"], 200.0, "gigabytes");
        assert_close(&group["bill"]["ingestion"], 200.0 * 0.57, "ingestion");
        assert_close(&group["bill"]["storage"], 200.0 * 0.15 * 0.03, "storage");
        assert_close(&group["counted"]["bytes"], all, "bytes");
        let containers = group["containers"].as_array().unwrap();
        assert_eq!(containers.len(), CONTAINERS.len());
        let mut dollars = 0.0;
        for container in containers {
            let name = container["container"].as_str().unwrap();
            assert_close(&container["share"], bytes[name] / all, name);
            let cloudwatch = bytes[name] / all * 200.0 * (0.57 + 0.15 * 0.03);
            let lambda = container["dollars"].as_f64().unwrap() - cloudwatch;
            // The function is a small part of it, and in proportion to events and lines; not to bytes.
            assert!(lambda > 0.0 && lambda < 20.0, "{name}: {lambda}");
            dollars += container["dollars"].as_f64().unwrap();
            let patterns: u64 =
                container["patterns"].as_array().unwrap().iter().map(|one| one["bytes"].as_u64().unwrap()).sum();
            assert_eq!(patterns + container["other_bytes"].as_u64().unwrap(), container["bytes"].as_u64().unwrap());
        }
        assert_close(&group["bill"]["total"], dollars, "the sum of all containers");
        assert_close(&report["dollars"], dollars, "the sum of all groups");
    }
}

#[test]
fn what_datadog_asks_is_counted_by_its_own_logs() {
    let report = report(&["--datadog-ingest", "--gb-per-month", "1"], &corpus("kept"));
    let group = &report["groups"][0];
    let (mut logs, mut bytes) = (0, 0);
    for file in corpus("kept") {
        let output = Command::new(PODFERRY)
            .args(["preview", &file, "--as-new", "-o", "json"])
            .current_dir("/")
            .output()
            .unwrap();
        let shipped: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        logs += shipped.len();
        // A function that runs has a longer name than the one that `preview` makes up.
        let longer = "us-east-1:111122223333:function:podferry-Forwarder-0A1B2C3D4E5F".len()
            - "region:account:function:podferry-preview".len();
        bytes += shipped.iter().map(|log| log.to_string().len() + longer).sum::<usize>();
    }
    assert_eq!(group["counted"]["logs"], logs);
    assert_close(&group["counted"]["datadog_bytes"], bytes as f64, "bytes for Datadog");
    let factor = GB / group["counted"]["bytes"].as_f64().unwrap();
    assert_close(&group["bill"]["datadog_ingestion"], bytes as f64 * factor / 1e9 * 0.1, "ingestion");
    assert_close(&group["bill"]["datadog_indexing"], logs as f64 * factor / 1e6 * 1.7, "indexing");
}

fn fixture() -> String {
    format!("{}/tests/fixtures/cost/kept.txt", testkit::ROOT)
}

fn shown() -> String {
    let arguments = ["--region", "eu-central-1", "--gb-per-month", "500", "--datadog-ingest", "--top", "6"];
    let output = run(&arguments, &corpus("kept"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_report_is_what_it_was() {
    let shown = shown();
    assert_eq!(shown, std::fs::read_to_string(fixture()).unwrap());
    assert!(!shown.contains('\u{1b}'), "no colors in a pipe");
}

#[test]
#[ignore = "writes the fixture again"]
fn write_the_report() {
    std::fs::write(fixture(), shown()).unwrap();
}

/// One line in one invocation says nothing of how many there are for a gigabyte.
#[test]
fn what_little_is_read_tells_no_number_of_invocations() {
    let folder = Folder::new("cost-little");
    folder.write("one.json", r#"{"logGroup":"/g","logStream":"s","timestamp":1,"message":"hello"}"#);
    let shown = |arguments: &[&str]| {
        let output = run(&[arguments, &[&*folder.file("one.json")]].concat(), &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shown(&[]).contains("a guess, from 1 invocation for these 31 bytes"), "{}", shown(&[]));
    assert!(!shown(&["--infrequent-access"]).contains("a guess, from"));
}

/// Of lines only what they have in common is shown: no number, no quoted text, and nothing that a scrubber knows.
#[test]
fn no_value_of_a_line_is_shown() {
    for shape in ["kept", "parsed", "once", "bare", "logkey"] {
        let text = report(&["--datadog-ingest"], &corpus(shape)).to_string()
            + &String::from_utf8_lossy(&run(&[], &corpus(shape)).stdout);
        for secret in [
            "4111-1111",
            "1438038301556887186",
            "192724335077502",
            "/v1/orders/9000",
            "127.0.0.1",
            "10.0.1.3",
            "q=caf",
            "Macintosh",
        ] {
            assert!(!text.contains(secret), "{shape}: {secret}");
        }
    }
}

#[test]
fn documents_on_standard_input_one_after_the_other() {
    let stream = "fargate/kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log";
    let line = json!({ "stream": "stdout", "logtag": "F", "log": "hello there" }).to_string();
    let events: Vec<Value> = (0..61)
        .map(|at| json!({ "logStreamName": stream, "timestamp": 1_795_000_000_000_i64 + at * 1000, "message": line }))
        .collect();
    let mut input = json!({ "events": events, "searchedLogStreams": [] }).to_string();
    input += &json!({ "logGroup": "/other", "logStream": stream, "timestamp": 0, "message": line }).to_string();
    let mut command = Command::new(PODFERRY);
    let output = with_input(command.args(["cost", "-", "-o", "json"]).current_dir("/"), input.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let groups = report["groups"].as_array().unwrap();
    assert_eq!([&groups[0]["group"], &groups[1]["group"]], ["(standard input)", "/other"]);
    // A minute of it is enough to tell a month; one event is not.
    assert_eq!([&groups[0]["scaled_by"], &groups[1]["scaled_by"]], ["time", "nothing"]);
    let month = 61.0 * (line.len() + 26) as f64 / 60.0 * 86_400.0 * 30.0 / GB;
    assert_close(&groups[0]["gb_per_month"], month, "gigabytes of a month");
    let owner = &groups[0]["containers"][0];
    assert_eq!([&owner["owner_kind"], &owner["owner"], &owner["container"]], ["Deployment", "web", "nginx"]);
    assert_eq!(owner["patterns"][0]["pattern"], "hello there");
}

/// What is none of these is opened as `preview` opens it: here a file of plain lines, whose name tells the container.
#[test]
fn whatever_preview_opens() {
    let folder = Folder::new("cost-lines");
    let name = "web-6d4cf56db6-x7k2p_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log";
    let lines: Vec<String> = (0..70)
        .map(|at| format!("2026-11-22T20:{:02}:{:02}.000000000Z stdout F a line\n", 30 + at / 60, at % 60))
        .collect();
    folder.write(name, lines.concat());
    let report = report(&[], &[folder.file(name)]);
    let container = &report["groups"][0]["containers"][0];
    assert_eq!([&container["namespace"], &container["owner"]], ["shop", "web"], "{report}");
    assert_eq!((&container["events"], &report["groups"][0]["group"]), (&json!(70), &json!(folder.file(name))));
}

#[test]
fn the_curve_is_printed_as_it_is_documented() {
    let output = run(&["--curve"], &[]);
    let shown = String::from_utf8(output.stdout).unwrap();
    let documented = std::fs::read_to_string(format!("{}/docs/cost.md", testkit::ROOT)).unwrap();
    let report = report(&["--curve"], &[]);
    for point in report["curve"].as_array().unwrap() {
        let (rate, ratio) = (&point["lines_per_minute"], point["ratio"].as_f64().unwrap());
        let ratio = format!("{ratio:.3}");
        assert!(shown.lines().any(|line| line.contains(&format!(" {rate} ")) && line.contains(&ratio)), "{shown}");
        assert!(documented.contains(&format!("| {rate} | {ratio} |")), "docs/cost.md lacks {rate}: {ratio}");
    }
}

#[test]
fn what_cannot_be_done_says_why() {
    let folder = Folder::new("cost-refused");
    folder.write("not.json", "[\"hello\"]");
    folder.write("other.json", "{\"a\":1}");
    folder.write("good.json", "{\"logEvents\":[]}");
    let refused = |arguments: &[&str]| {
        let output = Command::new(PODFERRY).arg("cost").args(arguments).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    assert!(refused(&[]).contains("Give log groups or files"));
    assert!(refused(&["not.json"]).contains("not.json: "));
    let text = refused(&["other.json"]);
    assert!(text.contains("other.json") && text.contains("no events of CloudWatch Logs"), "{text}");
    assert!(refused(&["good.json", "gone.json"]).contains("gone.json: no such file"));
    // Who mistypes a name has no region to give.
    let no_region = |arguments: &[&str]| {
        let command = &mut Command::new(PODFERRY);
        let command = command.arg("cost").args(arguments).current_dir(folder.path()).env("AWS_CONFIG_FILE", "none");
        said(&command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").output().unwrap())
    };
    assert!(no_region(&["gone.json"]).contains("gone.json: there is no such file"));
    assert!(no_region(&[&*folder.file("gone.json")]).contains("gone.json: there is no such file"));
    assert!(no_region(&["."]).contains(".: this is a folder"));
    assert!(!no_region(&["/aws/eks/prod/fargate"]).contains("no such file"));
    assert!(refused(&["good.json", "--price=-1"]).contains("--price"));
    assert!(
        refused(&["/g", "--since", "yesterday", "--region", "eu-west-1"]).contains("--since yesterday: must be a time")
    );
    assert!(refused(&["/g", "--since", "5s"]).contains("a minute ago"));
    let output = Command::new(PODFERRY).args(["cost", "good.json"]).current_dir(folder.path()).output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"No events.\n"[..]));
}

fn lean(text: &str) -> String {
    json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string()
}

/// Puts lines into a stream, one every so many milliseconds, back from now.
fn put(account: &TestAccount, pod: &str, count: i64, every_ms: i64, text: &str) -> usize {
    let stream = format!(
        "fargate/m.kube.var.log.containers.{pod}_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log"
    );
    let now = Timestamp::now().as_millisecond() - 1000;
    let line = |number: i64| json!({ "timestamp": now - (count - number) * every_ms, "message": lean(&format!("{text} {number}")) });
    let events: Vec<Value> = (0..count).map(line).collect();
    account.logs("CreateLogStream", &json!({ "logGroupName": GROUP, "logStreamName": stream }));
    account.logs("PutLogEvents", &json!({ "logGroupName": GROUP, "logStreamName": stream, "logEvents": events }));
    events.iter().map(|event| event["message"].as_str().unwrap().len() + 26).sum()
}

#[test]
fn a_live_group_is_sampled_and_scaled_by_what_cloudwatch_counted() {
    let Some(account) = TestAccount::start() else { return };
    account.group(GROUP);
    account.logs("PutRetentionPolicy", &json!({ "logGroupName": GROUP, "retentionInDays": 30 }));
    let web = put(&account, "web-6d4cf56db6-x7k2p", 7_000, 1_000, "served a page of the shop number");
    let api = put(&account, "api-6d4cf56db6-bbbbb", 3_500, 2_000, "ok");
    // More than fits a page in each slot, so windows have to be parts of their slots. The stand-in gives both metrics the same sum.
    account
        .stand_in("cloudwatch:GetMetricStatistics", |_| (200, json!({ "Label": "x", "Datapoints": [{ "Sum": 1e7 }] })));
    account.take_actions();
    let output = account.podferry(&["cost", GROUP, "--since", "110m", "--samples", "12", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let group = &report["groups"][0];
    assert_eq!((&group["scaled_by"], &group["retention_days"]), (&json!("metric"), &json!(30)));
    let month = 27.0 * 1e7 * 30.0 * 24.0 * 60.0 / 110.0 / GB;
    assert_close(&group["gb_per_month"], month, "gigabytes of a month");
    assert_eq!(group["counted"]["is_sample"], true);
    let share = group["containers"][0]["share"].as_f64().unwrap();
    let truth = web as f64 / (web + api) as f64;
    assert!((share - truth).abs() < 0.03, "{share}, not {truth}");
    assert_eq!(group["containers"][0]["owner"], "web");
    // It reads, and no more than it was asked to.
    let reads = account.count("logs:FilterLogEvents");
    let actions: HashSet<String> = account.take_actions().into_iter().collect();
    let known =
        ["sts:GetCallerIdentity", "logs:DescribeLogGroups", "cloudwatch:GetMetricStatistics", "logs:FilterLogEvents"];
    assert!(actions.iter().all(|action| known.contains(&action.as_str())), "{actions:?}");
    assert!((12..=12 * 4 + 12).contains(&reads), "{reads}");
}

#[test]
fn a_quiet_group_is_read_whole_and_one_without_metrics_by_its_time() {
    let Some(account) = TestAccount::start() else { return };
    account.group(GROUP);
    let bytes = put(&account, "web-6d4cf56db6-x7k2p", 50, 60_000, "a line");
    account.stand_in("cloudwatch:GetMetricStatistics", |_| (200, json!({ "Label": "x", "Datapoints": [] })));
    let arguments = ["cost", GROUP, "--since", "100m", "--samples", "5", "--quiet", "-o", "json"];
    let group = |arguments: &[&str]| {
        let output = account.podferry(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["groups"][0].clone()
    };
    // Nobody knows how much there is, so the first windows are short, and grow.
    assert_eq!(group(&arguments)["scaled_by"], "time");
    account.stand_in("cloudwatch:GetMetricStatistics", |_| {
        (200, json!({ "Label": "x", "Datapoints": [{ "Sum": 50.0 }] }))
    });
    let whole = group(&[&arguments[..], &["--gb-per-month", "2"]].concat());
    assert_eq!((&whole["counted"]["events"], &whole["counted"]["bytes"]), (&json!(50), &json!(bytes)));
    assert_eq!((&whole["counted"]["is_sample"], &whole["scaled_by"]), (&json!(false), &json!("gb_per_month")));
    // Each pod writes a line a minute here, and each of them would have its copy.
    let compact = whole["presets"].as_array().unwrap().iter().find(|one| one["preset"] == "compact").unwrap();
    let lean = whole["presets"].as_array().unwrap().iter().find(|one| one["preset"] == "lean").unwrap();
    let copies = compact["bytes"].as_u64().unwrap() - lean["bytes"].as_u64().unwrap();
    assert_eq!(copies, 50 * 866);
}

#[test]
fn a_group_that_cannot_be_read_says_why() {
    let Some(account) = TestAccount::start() else { return };
    let output = account.podferry(&["cost", GROUP]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("neither a file nor a log group of account"), "{}", said(&output));
    account.group(GROUP);
    account.fault("cloudwatch:GetMetricStatistics", Fault::Denied, usize::MAX);
    account.fault("logs:FilterLogEvents", Fault::Denied, usize::MAX);
    let output = account.podferry(&["cost", GROUP]);
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(text.contains("Allow cloudwatch:GetMetricStatistics"), "{text}");
    assert!(text.contains("Allow logs:FilterLogEvents on arn:aws:logs:"), "{text}");
}
