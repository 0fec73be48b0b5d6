//! `podferry explain`: logs of Datadog's in each form, their events in files and in an account on loopback.

use std::process::{Command, Output};

use forwarder::delivery::undelivered::{self, SaveNote};
use pipeline::PipelineSettings;
use serde_json::{Value, json};
use testkit::moto::{Fault, TestAccount};

use super::backfill::{GROUP, put};
use super::{Folder, InAccount, PODFERRY};

const MINUTE_MS: i64 = 60_000;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn stream() -> String {
    format!("fargate/kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_web-{}.log", "a".repeat(64))
}

/// A record as Fluent Bit writes it without a parser.
fn record(ms: i64, output: &str, line: &str) -> Value {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap();
    json!({ "log": format!("{time:.9} {output} F {line}") })
}

/// An id such as CloudWatch's, which tells the time.
fn id(ms: i64, number: u64) -> String {
    // ms * 2^144 + number, by long multiplication: the digits, the lowest first.
    let mut digits: Vec<u8> = ms.to_string().bytes().rev().map(|byte| byte - b'0').collect();
    for _ in 0..144 {
        let mut carry = 0;
        for digit in &mut digits {
            let doubled = *digit * 2 + carry;
            (*digit, carry) = (doubled % 10, doubled / 10);
        }
        if carry > 0 {
            digits.push(carry);
        }
    }
    digits[0] += u8::try_from(number).unwrap();
    let id: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
    assert!(id.len() == 56 && digits[0] < 10, "{id}");
    id
}

/// A trace on stderr with a line of stdout in between, a line before it, and a blank one behind it.
fn content(ms: i64) -> Value {
    let lines = [
        ("stdout", "started"),
        ("stderr", "java.lang.IllegalStateException: card 4111 1111 1111 1111"),
        ("stdout", "GET /cart 200"),
        ("stderr", "\tat shop.Cart.add(Cart.java:87)"),
        ("stderr", "\tat shop.Main.main(Main.java:9)"),
        ("stdout", "   "),
    ];
    let events: Vec<Value> = (0..)
        .zip(lines)
        .map(|(number, (output, line))| {
            let ms = ms + i64::try_from(number / 2).unwrap();
            json!({ "id": id(ms, number % 2), "timestamp": ms, "message": record(ms, output, line).to_string() })
        })
        .collect();
    json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": GROUP, "logStream": stream(),
        "subscriptionFilters": ["podferry"], "logEvents": events,
    })
}

const MASKS: (&str, &str) = (
    "DD_LOGS_CONFIG_PROCESSING_RULES",
    r#"[{"type":"mask_sequences","name":"cards","pattern":"4111[ 0-9]+","replace_placeholder":"[card]"}]"#,
);

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(PODFERRY);
    command.args(arguments).env_clear().env(MASKS.0, MASKS.1).current_dir(folder.path());
    command.output().unwrap()
}

/// A folder with `event.json`, and the logs that are made of it.
fn folder(ms: i64) -> (Folder, Vec<Value>) {
    let folder = Folder::new("explain");
    folder.write("event.json", content(ms).to_string());
    let output = run(&folder, &["preview", "event.json", "-o", "json", "--as-new", "--quiet"]);
    let logs: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (folder, logs)
}

/// What it prints, with this exit code.
fn explained(output: &Output, code: i32) -> String {
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{shown}\n{said}");
    shown
}

fn offline(folder: &Folder, arguments: &[&str], code: i32) -> String {
    explained(&run(folder, &[&["explain"], arguments].concat()), code)
}

#[test]
fn a_log_of_several_events_step_by_step() {
    let (folder, logs) = folder(1_795_379_870_336);
    let trace = logs.iter().find(|log| log["status"] == "error").unwrap();
    folder.write("log.json", trace.to_string());
    let shown = offline(&folder, &["log.json", "--events", "event.json"], 0);
    assert_eq!(shown, include_str!("../fixtures/explain/joined.txt"), "a line of the other output is no part of it");
    // The second line of the trace leads to the same log; by the id alone, nothing is compared.
    let events = content(1_795_379_870_336);
    let second = events["logEvents"][3]["id"].as_str().unwrap();
    let by_id = offline(&folder, &[second, "--events", "event.json"], 0);
    assert!(by_id.contains("joined from 3 lines") && !by_id.contains("In Datadog"), "{by_id}");
    let blank = offline(&folder, &[events["logEvents"][5]["id"].as_str().unwrap(), "--events", "event.json"], 0);
    assert!(blank.contains("no log: the line is blank"), "{blank}");
}

#[test]
fn a_log_in_each_form_and_what_is_different() {
    let (folder, logs) = folder(1_795_379_870_336);
    let log = &logs[0];
    let tags: Vec<&str> = log["ddtags"].as_str().unwrap().split(',').collect();
    let attributes = json!({ "id": log["id"], "aws": log["aws"], "timestamp": log["timestamp"] });
    let known = json!({
        "timestamp": "2026-11-22T20:37:50.336Z", "tags": tags, "service": log["service"], "message": log["message"], "attributes": attributes,
    });
    let forms = [
        json!({ "id": "AwAAAYxkz4uQ0m3hOwAAABhBWXhrejR2", "content": known }),
        json!({ "data": [{ "id": "AwAAAYxkz4uQ0m3hOwAAABhBWXhrejR2", "type": "log", "attributes": known }] }),
        attributes,
        log.clone(),
        json!([log]),
    ];
    for form in forms {
        // The log and its event in one file.
        folder.write("both.json", format!("{form}\n{}", content(1_795_379_870_336)));
        let shown = offline(&folder, &["both.json"], 0);
        assert!(shown.contains("  same  ") && shown.contains("  message     started\n"), "{form}\n{shown}");
    }
    let mut other = log.clone();
    other["service"] = json!("cart");
    other["ddtags"] = json!(format!("{},team:shop,late:true", log["ddtags"].as_str().unwrap()));
    other["original_timestamp"] = other["timestamp"].take();
    other["timestamp"] = json!(1_795_479_870_336_i64);
    folder.write("other.json", other.to_string());
    let shown = offline(&folder, &["other.json", "--events", "event.json"], 0);
    for part in [
        "  mark        late:true: ",
        "  service     cart\n              now: web\n",
        "  tags        only in Datadog: team:shop\n              only now: none\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let told = offline(&folder, &["other.json", "--events", "event.json", "-o", "json"], 0);
    let told: Value = serde_json::from_str(&told).unwrap();
    let one = &told[0];
    assert_eq!((&one["found"], &one["found_by"], &one["fate"]), (&json!(true), &json!("id"), &json!("log")));
    assert_eq!(one["made"]["differences"][0], json!({ "member": "service", "in_datadog": "cart", "now": "web" }));
    assert_eq!(one["writer"]["owner"], "web");
    assert!(
        one["made"]["tags_from"]["kube_namespace:shop"] == "log stream" && one["made"]["bytes"].as_u64() > Some(100)
    );
}

#[test]
fn a_batch_that_began_or_ended_within_a_log_is_told() {
    let (folder, logs) = folder(1_795_379_870_336);
    let events = content(1_795_379_870_336);
    let whole = logs.iter().find(|log| log["status"] == "error").unwrap();
    let head = "java.lang.IllegalStateException: card [card]";
    let (first, second) = ("\tat shop.Cart.add(Cart.java:87)", "\tat shop.Main.main(Main.java:9)");
    // The first event of the log, its text, and of how many events.
    for (event, text, lines) in [
        (1, format!("{head}\n{first}"), "joined from 2 lines"),
        (1, head.to_owned(), "masked by cards; kept"),
        (3, format!("{first}\n{second}"), "2 events, all of the same output"),
        (4, second.to_owned(), "  rules       kept"),
    ] {
        let mut log = whole.clone();
        log["message"] = json!(text);
        log["id"] = events["logEvents"][event]["id"].clone();
        log["timestamp"] = events["logEvents"][event]["timestamp"].clone();
        folder.write("part.json", log.to_string());
        let shown = offline(&folder, &["part.json", "--events", "event.json"], 0);
        for told in [lines, "  batch       CloudWatch Logs handed its lines over in several batches", "  same  "] {
            assert!(shown.contains(told), "{text}: {told}\n{shown}");
        }
    }
}

/// A content of one stream, with these messages a millisecond apart.
fn content_of(ms: i64, messages: &[String]) -> Value {
    let event = |(number, message): (usize, &String)| {
        let ms = ms + i64::try_from(number).unwrap();
        json!({ "id": id(ms, 0), "timestamp": ms, "message": message })
    };
    let mut content = content(ms);
    content["logEvents"] = messages.iter().enumerate().map(event).collect();
    content
}

#[test]
fn a_line_in_pieces_bears_the_id_of_the_last_and_leads_to_all() {
    let folder = Folder::new("explain-pieces");
    let ms = 1_795_379_870_336;
    let piece = |tag: &str, text: &str| {
        let time = jiff::Timestamp::from_millisecond(ms).unwrap();
        json!({ "log": format!("{time:.9} stdout {tag} {text}") }).to_string()
    };
    let messages = [piece("P", "one "), piece("P", "two "), piece("F", "three"), piece("F", "another")];
    let content = content_of(ms, &messages);
    folder.write("event.json", content.to_string());
    let event = |number: usize| content["logEvents"][number]["id"].as_str().unwrap().to_owned();
    // By the id that the log bears, and by that of any of its pieces.
    for number in 0..3 {
        let shown = offline(&folder, &[&event(number), "--events", "event.json"], 0);
        assert!(
            shown.contains("  message     one two three\n") && shown.contains("  made of     3 events"),
            "{number}: {shown}"
        );
        assert!(shown.contains("stdout, a piece of a longer line") && !shown.contains("another"), "{number}: {shown}");
    }
}

#[test]
fn metadata_that_only_another_record_has() {
    let folder = Folder::new("explain-metadata");
    let ms = 1_795_379_870_336;
    let kubernetes = json!({
        "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "web",
        "labels": { "tags.datadoghq.com/env": "prod" }, "annotations": {},
    });
    let messages = [json!({ "kubernetes": kubernetes }).to_string(), record(ms, "stdout", "started").to_string()];
    let content = content_of(ms, &messages);
    folder.write("event.json", content.to_string());
    let run = |number: usize| {
        let mut command = Command::new(PODFERRY);
        command.args(["explain", content["logEvents"][number]["id"].as_str().unwrap(), "--events", "event.json"]);
        command.env_clear().env("PODFERRY_METADATA_RECORDS", "true").current_dir(folder.path());
        explained(&command.output().unwrap(), 0)
    };
    let shown = run(1);
    assert!(shown.contains("pod label: env:prod") && shown.contains("no metadata in this record"), "{shown}");
    let shown = run(0);
    for part in
        ["layout      a pod's metadata and no line", "no log: the record holds the metadata of its stream's lines"]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn what_rules_left_out_says_which() {
    let (folder, _) = folder(1_795_379_870_336);
    let events = content(1_795_379_870_336);
    let mut command = Command::new(PODFERRY);
    command.args(["explain", events["logEvents"][2]["id"].as_str().unwrap(), "--events", "event.json"]).env_clear();
    let rule = r#"[{"type":"exclude_at_match","name":"carts","pattern":"GET /cart"}]"#;
    command.env("DD_LOGS_CONFIG_PROCESSING_RULES", rule).current_dir(folder.path());
    let shown = explained(&command.output().unwrap(), 0);
    assert!(shown.contains("  rules       excluded by carts\n") && !shown.contains("In Datadog"), "{shown}");
}

/// What reaches the terminal is text, whoever wrote it.
#[test]
fn nothing_in_a_log_reaches_the_terminal_as_a_command() {
    let folder = Folder::new("explain-hostile");
    let ms = 1_795_379_870_336;
    let content = content_of(
        ms,
        &[record(ms, "stdout", "\u{1b}]0;title\u{7}\u{1b}[2J done").to_string(), "\u{1b}[31mplain".to_owned()],
    );
    folder.write("event.json", content.to_string());
    let mut log: Value = json!({
        "message": "\u{1b}[2J", "ddsource": "\u{1b}[2J", "service": "\u{1b}[2J", "ddtags": "a:\u{1b}[2J,podferry_rule_error:\u{1b}[2J",
        "aws": { "awslogs": { "logGroup": "\u{1b}[2J", "logStream": "\u{1b}[2J", "owner": "\u{1b}[2J" }, "invoked_function_arn": "\u{1b}[2J" },
    });
    for number in 0..2 {
        log["id"] = content["logEvents"][number]["id"].clone();
        folder.write("log.json", log.to_string());
        let shown = offline(&folder, &["log.json", "--events", "event.json"], 0);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    }
    log["id"] = json!("7");
    folder.write("log.json", log.to_string());
    assert!(!offline(&folder, &["log.json", "--events", "event.json"], 1).contains('\u{1b}'));
}

#[test]
fn captures_without_ids_and_messages_of_the_queue() {
    let (folder, logs) = folder(1_795_379_870_336);
    let events = content(1_795_379_870_336);
    let lines: Vec<Value> = events["logEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| json!({ "timestamp": event["timestamp"], "message": event["message"], "ingestionTime": 1 }))
        .collect();
    folder.write("got.json", json!({ "events": lines, "nextForwardToken": "f/1" }).to_string());
    folder.write("log.json", logs[0].to_string());
    let shown = offline(&folder, &["log.json", "--events", "got.json"], 0);
    assert!(shown.contains("  found by    text and time"), "{shown}");
    // Ready to be sent, in a message.
    let processed = pipeline::process_content(&events.to_string(), "arn", &PipelineSettings::default(), None).unwrap();
    let message = undelivered::messages(&processed.payloads[0], &SaveNote::new("IntakeAnswered400", 2)).remove(0).body;
    folder.write("message.json", message);
    let shown = offline(&folder, &[logs[0]["id"].as_str().unwrap(), "--events", "message.json"], 0);
    assert!(
        shown.contains("because of  IntakeAnswered400, after 2 failed attempts") && shown.contains("Datadog will get"),
        "{shown}"
    );
}

/// Tiny values take a hundred times their length of memory: what would need gigabytes is refused, in any file.
#[test]
fn a_file_with_too_many_parts_is_refused_and_says_what_to_do() {
    let (folder, _) = folder(1_795_379_870_336);
    folder.write("tiny.json", format!("[{}0]", "0,".repeat(4_000_000)));
    for arguments in [
        &["explain", "tiny.json"][..],
        &["explain", "7", "--events", "tiny.json"],
        &["preview", "tiny.json"],
        &["cost", "tiny.json"],
    ] {
        let output = run(&folder, arguments);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2), "{arguments:?}: {said}");
        assert!(said.contains("tiny.json: one JSON value of it has more than 4000000 parts"), "{arguments:?}: {said}");
        assert!(said.contains("`jq -c '.[]'`"), "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_not_there_or_no_log_says_what_to_do() {
    let (folder, _) = folder(1_795_379_870_336);
    let shown = offline(&folder, &["7", "--events", "event.json"], 1);
    assert!(shown.contains("none of the files of --events has it"), "{shown}");
    folder.write("nothing.json", "{}");
    let output = run(&folder, &["explain", "7", "--events", "nothing.json"]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("has neither events nor logs"), "{said}");
    for (argument, hint) in [
        ("no-such-file", "neither a file nor the `id`"),
        ("AwAAAYxkz4uQ0m3hOwAAABhBWXhrejR2QUFB", "Datadog's own ID"),
        ("event.json", "podferry explain ID --events event.json"),
    ] {
        let output = run(&folder, &["explain", argument]);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(hint), "{argument}: {said}");
    }
}

/// The events of a content in an account: moto gives them ids of its own.
fn stage(ms: i64) -> Option<TestAccount> {
    let account = TestAccount::start()?;
    account.group(GROUP);
    let events = content(ms);
    let events: Vec<Value> = events["logEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| json!({ "timestamp": event["timestamp"], "message": event["message"] }))
        .collect();
    put(&account, GROUP, &stream(), &events);
    account.function("podferry", &json!({ "DD_API_KEY": "k", "DD_TAGS": "team:shop", MASKS.0: MASKS.1 }));
    Some(account)
}

/// The log of the trace, as the function of this account would send it.
fn trace_of(account: &TestAccount) -> Value {
    let output =
        account.podferry(&["preview", "--group", GROUP, "--since", "20m", "--function", "podferry", "-o", "json"]);
    let logs: Vec<Value> = serde_json::from_str(&explained(&output, 0)).unwrap();
    let mut log = logs.into_iter().find(|log| log["status"] == "error").unwrap();
    log["aws"]["invoked_function_arn"] = json!(format!("arn:aws:lambda:eu-west-1:{}:function:podferry", account.id));
    log
}

#[test]
fn an_event_is_found_in_cloudwatch_logs() {
    let Some(account) = stage(now_ms() - 5 * MINUTE_MS) else { return };
    let folder = Folder::new("explain-live");
    let log = trace_of(&account);
    folder.write("log.json", log.to_string());
    let run = |arguments: &[&str]| {
        account.podferry_command(&[&["explain"], arguments].concat()).current_dir(folder.path()).output().unwrap()
    };
    // With the settings of the function that sent it.
    let shown = explained(&run(&["log.json"]), 0);
    for part in ["joined from 3 lines", "masked by cards", "setting: team:shop", "  same  "] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    // By its id: moto's tells no time.
    let id = log["id"].as_str().unwrap();
    let output = run(&[id, "--group", GROUP]);
    assert!(explained(&output, 2).contains("say how far back to look with --since"));
    let shown = explained(&run(&[id, "--group", GROUP, "--since", "20m"]), 0);
    // With the settings of the only function that looks like the forwarder.
    assert!(shown.contains("masked by cards") && shown.contains(&stream()), "{shown}");
    let shown = explained(&run(&["999999", "--group", GROUP, "--since", "20m"]), 1);
    assert!(shown.contains(&format!("no event in {GROUP} has its `id`")), "{shown}");
    assert!(explained(&run(&[id, "--since", "20m"]), 2).contains("give --group"));
}

#[test]
fn an_id_of_cloudwatchs_own_tells_where_to_look() {
    let Some(account) = TestAccount::start() else { return };
    let ms = now_ms() - 100 * MINUTE_MS;
    let events = content(ms);
    let found: Vec<Value> = events["logEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            json!({
                "eventId": event["id"], "logStreamName": stream(), "timestamp": event["timestamp"], "message": event["message"],
                "ingestionTime": ms,
            })
        })
        .collect();
    account.stand_in("logs:FilterLogEvents", move |_| (200, json!({ "events": found, "searchedLogStreams": [] })));
    let id = events["logEvents"][0]["id"].as_str().unwrap();
    let shown = explained(&account.podferry(&["explain", id, "--group", GROUP]), 0);
    assert!(shown.contains("message     started"), "{shown}");
    let asked = account.bodies("logs:FilterLogEvents");
    assert_eq!((asked[0]["startTime"].as_i64(), asked[0]["endTime"].as_i64()), (Some(ms - 1000), Some(ms + 1000)));
    assert_eq!(asked[1]["logStreamNamePrefix"], json!(stream()));
}

/// Windows, logs and groups are read at one pace: the quota is the account's.
#[test]
fn all_that_is_looked_for_has_one_pace() {
    let Some(account) = TestAccount::start() else { return };
    account.group(GROUP);
    account.stand_in("logs:FilterLogEvents", |_| (200, json!({ "events": [], "searchedLogStreams": [] })));
    let folder = Folder::new("explain-pace");
    let ms = now_ms() - 100 * MINUTE_MS;
    // An id and a time that are far apart: two windows for each log.
    let logs: Vec<Value> = (0..2)
        .map(|number| json!({ "id": id(ms, number), "timestamp": ms - 60 * MINUTE_MS, "message": "gone", "aws": { "awslogs": { "logGroup": GROUP } } }))
        .collect();
    folder.write("logs.json", json!(logs).to_string());
    let begun = std::time::Instant::now();
    let run = account.podferry_command(&["explain", "logs.json", "--group", GROUP]).current_dir(folder.path()).output();
    let took = begun.elapsed();
    explained(&run.unwrap(), 1);
    assert_eq!(account.count("logs:FilterLogEvents"), 4);
    assert!(took >= std::time::Duration::from_millis(750), "four calls, a quarter of a second apart: {took:?}");
}

#[test]
fn what_cannot_be_found_shows_what_the_log_tells() {
    let Some(account) = stage(now_ms() - 5 * MINUTE_MS) else { return };
    let folder = Folder::new("explain-not");
    let log = trace_of(&account);
    let run = |log: &Value, code: i32| {
        folder.write("log.json", log.to_string());
        let output = account.podferry_command(&["explain", "log.json"]).current_dir(folder.path()).output().unwrap();
        explained(&output, code)
    };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut log = log.clone();
        change(&mut log);
        log
    };
    let expired = with(&|log| {
        log["id"] = json!("424242");
        log["timestamp"] = json!(now_ms() - 9 * 24 * 60 * MINUTE_MS);
    });
    account.logs("PutRetentionPolicy", &json!({ "logGroupName": GROUP, "retentionInDays": 7 }));
    let shown = run(&expired, 1);
    assert!(shown.contains(&format!("it has expired: log group {GROUP} keeps its events for 7 d")), "{shown}");
    assert!(shown.contains("sent by     arn:aws:lambda:eu-west-1:"), "{shown}");
    let gone = run(&with(&|log| log["aws"]["awslogs"]["logGroup"] = json!("/gone")), 1);
    assert!(gone.contains("log group /gone does not exist any more"), "{gone}");
    let elsewhere = run(&with(&|log| log["aws"]["awslogs"]["owner"] = json!("999988887777")), 2);
    assert!(elsewhere.contains("its log group is in account 999988887777"), "{elsewhere}");
    let datadogs = with(&|log| log["ddtags"] = json!("forwardername:datadogforwarder,forwarder_version:5.4.11"));
    let shown = run(&datadogs, 0);
    assert!(
        shown.contains("sent by     Datadog's forwarder 5.4.11, not podferry") && shown.contains("kube_namespace:shop"),
        "{shown}"
    );
    account.fault("logs:FilterLogEvents", Fault::Denied, usize::MAX);
    let denied = run(&log, 2);
    assert!(denied.contains("Allow logs:FilterLogEvents on "), "{denied}");
}

#[test]
fn a_log_that_waits_is_found_in_its_queue() {
    let Some(account) = stage(now_ms() - 5 * MINUTE_MS) else { return };
    let queue =
        account.sqs("CreateQueue", &json!({ "QueueName": "podferry-dead" }))["QueueUrl"].as_str().unwrap().to_owned();
    let events = content(now_ms());
    let processed = pipeline::process_content(&events.to_string(), "arn", &PipelineSettings::default(), None).unwrap();
    let message = undelivered::messages(&processed.payloads[0], &SaveNote::new("IntakeAnswered400", 2)).remove(0).body;
    account.sqs("SendMessage", &json!({ "QueueUrl": queue, "MessageBody": message }));
    let id = events["logEvents"][0]["id"].as_str().unwrap();
    // Looking hides nothing: a second look sees the same.
    for _ in 0..2 {
        let shown = explained(&account.podferry(&["explain", id, "--group", GROUP, "--queue", &queue]), 0);
        assert!(shown.contains("waits in    podferry-dead, in a message with 3 logs"), "{shown}");
    }
    let stays = account.podferry(&["explain", "424242", "--group", GROUP, "--since", "20m", "--queue", &queue]);
    assert!(explained(&stays, 1).contains("no event in"));
}
