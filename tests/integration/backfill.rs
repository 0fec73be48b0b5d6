//! `podferry backfill` as people run it: history in moto, and an intake on loopback.

use std::collections::HashMap;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Folder, InAccount};
use intake::{Arrival, Reply, StandIn};
use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::moto::{Fault, TestAccount};

pub(super) const GROUP: &str = "/aws/eks/prod-eu/fargate";

/// How many events a page of `FilterLogEvents` has at most.
const PAGE: usize = 10_000;

fn stream(pod: usize) -> String {
    let id = "c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004";
    format!("from-fluent-bit-kube.var.log.containers.web-{pod}_shop_nginx-{id}.log")
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn at(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// A line as containerd writes it.
fn line(ms: i64, text: &str) -> Value {
    let time = Timestamp::from_millisecond(ms).unwrap();
    json!({ "timestamp": ms, "message": format!("{time:.9} {text}") })
}

/// Puts events into a stream of a group.
pub(super) fn put(account: &TestAccount, group: &str, stream: &str, events: &[Value]) {
    account.logs("CreateLogStream", &json!({ "logGroupName": group, "logStreamName": stream }));
    for events in events.chunks(PAGE) {
        let body = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
        account.logs("PutLogEvents", &body);
    }
}

fn command(account: &TestAccount, folder: &Folder, intake: &str, arguments: &[&str]) -> Command {
    let mut command = account.podferry_command(&["backfill", GROUP, "--rate", "1000"]);
    command.args(arguments).current_dir(folder.path()).env("DD_URL", intake).env("DD_API_KEY", "key");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(account: &TestAccount, folder: &Folder, intake: &str, arguments: &[&str]) -> Output {
    let mut command = command(account, folder, intake, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Messages and how often they came.
fn came(intake: &StandIn) -> HashMap<String, usize> {
    let mut came = HashMap::new();
    for log in intake.accepted() {
        *came.entry(log["message"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    came
}

/// A child that is killed by whoever sees its payload of a certain number.
#[derive(Clone, Default)]
struct Doomed {
    child: Arc<Mutex<Option<Child>>>,
    /// The number of the payload, counted from when the child began.
    at: Arc<AtomicUsize>,
    seen: Arc<AtomicUsize>,
}

impl Doomed {
    /// Kills it if its time has come: before the answer, so it does not know that its payload has arrived.
    fn see(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.at.load(Ordering::SeqCst) {
            self.child.lock().unwrap().as_mut().unwrap().kill().unwrap();
        }
    }

    /// Runs it to its end, or to the one that is meant for it.
    async fn run(&self, mut command: Command, at: usize) -> Option<i32> {
        self.at.store(at, Ordering::SeqCst);
        self.seen.store(0, Ordering::SeqCst);
        let mut out = {
            // Before it is here, nobody can kill it.
            let mut child = self.child.lock().unwrap();
            let mut running = command.spawn().unwrap();
            let out = running.stderr.take().unwrap();
            *child = Some(running);
            out
        };
        let mut text = String::new();
        let text =
            tokio::task::spawn_blocking(move || out.read_to_string(&mut text).map(|_| text)).await.unwrap().unwrap();
        let mut running = self.child.lock().unwrap().take().unwrap();
        let status = running.wait().unwrap();
        println!("{}", text.trim_end());
        status.code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_three_times_and_nothing_is_lost() {
    let Some(account) = TestAccount::start() else { return };
    const EVENTS: usize = 50_000;
    const STREAMS: usize = 5;
    let folder = Folder::new("backfill-killed");
    account.group(GROUP);
    let start = now_ms() - 8 * 3_600_000;
    for pod in 0..STREAMS {
        let events: Vec<Value> = (pod..EVENTS)
            .step_by(STREAMS)
            .map(|number| line(start + number as i64 * 500, &format!("stdout F event {number}")))
            .collect();
        put(&account, GROUP, &stream(pod), &events);
    }
    let doomed = Doomed::default();
    let watching = doomed.clone();
    let script = move |_: &Arrival| {
        watching.see();
        Reply::Judge
    };
    let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
    let (from, to) = (at(start), at(now_ms() - 60_000));
    let arguments = ["--from", &from, "--to", &to, "--yes"];
    let mut twice = Vec::new();
    // What is in flight when the child is killed may still arrive, and must not come between two readings: one is enough.
    let repeated = |intake: &StandIn| came(intake).values().map(|times| times - 1).sum::<usize>();
    for at in [4, 13, 19, usize::MAX] {
        let code = doomed.run(command(&account, &folder, &intake.url(), &arguments), at).await;
        assert_eq!(code, if at == usize::MAX { Some(0) } else { None }, "{at}");
        twice.push(repeated(&intake));
    }
    // How many of what came in a run had come before.
    let each: Vec<usize> = twice.windows(2).map(|pair| pair[1] - pair[0]).collect();
    println!("{EVENTS} events, killed three times; sent twice after each: {each:?}");
    let came = came(&intake);
    assert_eq!(came.len(), EVENTS);
    assert!((0..EVENTS).all(|number| came.contains_key(&format!("event {number}"))));
    assert_eq!(twice[0], 0);
    assert!(each.iter().all(|twice| *twice <= PAGE), "{each:?}");
    assert!(came.values().all(|times| *times <= 4));
    // The same command once more sends nothing.
    let arrivals = intake.arrivals().len();
    let output = run(&account, &folder, &intake.url(), &arguments).await;
    assert_eq!((output.status.code(), intake.arrivals().len()), (Some(0), arrivals));
    assert!(said(&output).contains("All of it was sent before (50000 logs)"), "{}", said(&output));
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_by_hand_it_says_how_to_go_on_and_sends_nothing_twice() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-ended");
    account.group(GROUP);
    let start = now_ms() - 8 * 3_600_000;
    let events: Vec<Value> =
        (0..20_000).map(|number| line(start + number * 1000, &format!("stdout F event {number}"))).collect();
    put(&account, GROUP, &stream(1), &events);
    let process = Arc::new(Mutex::new(None::<u32>));
    let (script_process, seen) = (process.clone(), AtomicUsize::new(0));
    let script = move |_: &Arrival| {
        if seen.fetch_add(1, Ordering::SeqCst) == 2 {
            let id = script_process.lock().unwrap().unwrap().to_string();
            assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        }
        Reply::Judge
    };
    let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
    let from = at(start);
    let arguments = ["--from", &from, "--yes"];
    let child = {
        let mut process = process.lock().unwrap();
        let child = command(&account, &folder, &intake.url(), &arguments).spawn().unwrap();
        *process = Some(child.id());
        child
    };
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    // By the signal: a shell shows that as 130, and ends its loop with it.
    assert_eq!(output.status.signal(), Some(2), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains(" % of the time range). Run the same command again"), "{text}");
    let before = intake.accepted().len();
    assert!(before < events.len());
    let output = run(&account, &folder, &intake.url(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("Continuing an earlier run"), "{}", said(&output));
    let came = came(&intake);
    assert_eq!((came.len(), intake.accepted().len()), (events.len(), events.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_and_a_trace_over_pages_and_windows() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-pieces");
    account.group(GROUP);
    // The first window has an hour: the second piece of the line lies in the second window.
    let start = now_ms() - 4 * 3_600_000;
    let border = start + 3_600_000;
    let events = [
        line(border - 2, "stdout P the beginning, "),
        line(border - 1, "stderr F Traceback (most recent call last):"),
        line(border, "stderr F   File \"/app/main.py\", line 5, in <module>"),
        line(border + 1, "stdout F and the end"),
        line(border + 2, "stderr F ValueError: 1"),
    ];
    put(&account, GROUP, &stream(1), &events);
    let intake = StandIn::start().await.unwrap();
    let output = run(&account, &folder, &intake.url(), &["--from", &at(start), "--yes", "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut messages: Vec<String> = came(&intake).into_keys().collect();
    messages.sort();
    let trace = "Traceback (most recent call last):\n  File \"/app/main.py\", line 5, in <module>\nValueError: 1";
    assert_eq!(messages, [trace, "the beginning, and the end"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let totals = &told["totals"];
    assert_eq!((&totals["events"], &totals["logs"], &totals["joined"]), (&json!(5), &json!(2), &json!(3)));
    assert_eq!((&totals["accepted"], &totals["rejected"]), (&json!(2), &json!(0)));
    let log = &intake.accepted()[0];
    assert!(log["ddtags"].as_str().unwrap().contains("kube_namespace:shop"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_is_what_aws_is_asked() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-asked");
    account.group(GROUP);
    put(
        &account,
        GROUP,
        &stream(1),
        &[line(now_ms() - 60_000, "stdout F a match"), line(now_ms() - 59_000, "stdout F no")],
    );
    let intake = StandIn::start().await.unwrap();
    account.fault("logs:FilterLogEvents", Fault::Throttled, 3);
    let arguments = ["--from", "2h", "--stream-prefix", "from-fluent-bit", "--filter-pattern", "match", "--yes"];
    let output = run(&account, &folder, &intake.url(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(intake.accepted().len(), 1);
    let bodies = account.bodies("logs:FilterLogEvents");
    // Three of them were refused; two windows of an hour.
    assert_eq!(bodies.len(), 5);
    for body in &bodies {
        assert_eq!(
            (&body["logStreamNamePrefix"], &body["filterPattern"]),
            (&json!("from-fluent-bit"), &json!("match"))
        );
        assert_eq!(body["limit"], PAGE);
    }
    // Another question with the same file.
    let checkpoint = folder.names().remove(0);
    let other = ["--from", "3h", "--checkpoint", &checkpoint, "--yes"];
    let output = run(&account, &folder, &intake.url(), &other).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("belongs to another backfill: --stream-prefix differs"), "{}", said(&output));
    assert_eq!(account.bodies("logs:FilterLogEvents").len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_are_too_old_are_refused_unless_they_may_bear_another_time() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-late");
    account.group(GROUP);
    let then = now_ms() - 3 * 86_400_000;
    put(&account, GROUP, &stream(1), &[line(then, "stdout F old"), line(now_ms() - 60_000, "stdout F new")]);
    let intake = StandIn::start().await.unwrap();
    let output = run(&account, &folder, &intake.url(), &["--from", "4d", "--yes"]).await;
    assert_eq!((output.status.code(), account.take_actions().len()), (Some(2), 0));
    let text = said(&output);
    assert!(text.contains("last 18 hours") && text.contains("--late-as original_timestamp"), "{text}");
    assert!(intake.arrivals().is_empty() && folder.names().is_empty());
    // A dry run says that some cannot be sent like this.
    let hint = "older than Datadog takes (18 hours); sending them needs --late-as original_timestamp";
    for (arguments, is_told) in [
        (&["--from", "4d", "--dry-run"][..], true),
        (&["--from", "17h", "--dry-run"], false),
        (&["--from", "4d", "--dry-run", "--late-as", "original_timestamp"], false),
    ] {
        let output = run(&account, &folder, &intake.url(), arguments).await;
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), shown.contains(hint)), (Some(0), is_told), "{arguments:?}: {shown}");
    }
    let late = ["--from", "4d", "--yes", "--late-as", "original_timestamp"];
    let output = run(&account, &folder, &intake.url(), &late).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let logs = intake.accepted();
    let old = logs.iter().find(|log| log["message"] == "old").unwrap();
    assert_eq!(old["original_timestamp"], then);
    assert!(old["ddtags"].as_str().unwrap().ends_with("late:true") && old["timestamp"].as_i64().unwrap() > then);
    assert!(logs.iter().any(|log| log["message"] == "new" && log["original_timestamp"].is_null()));
}

/// A pod whose clock is ahead.
#[tokio::test(flavor = "multi_thread")]
async fn logs_of_the_future_are_reported() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-early");
    account.group(GROUP);
    let (then, now) = (now_ms() - 60_000, now_ms());
    let ahead = at(now + 5 * 3_600_000);
    let early = json!({ "timestamp": then, "message": format!("{ahead} stdout F ahead") });
    put(&account, GROUP, &stream(1), &[early, line(then, "stdout F right")]);
    let intake = StandIn::start().await.unwrap();
    let output = run(&account, &folder, &intake.url(), &["--from", "1h", "--yes", "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["totals"]["early"], &report["totals"]["late"]), (&json!(1), &json!(0)), "{report}");
    let logs = intake.accepted();
    let ahead = logs.iter().find(|log| log["message"] == "ahead").unwrap();
    assert!(ahead["ddtags"].as_str().unwrap().ends_with("early:true"), "{ahead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_sends_nothing() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-dry");
    account.group(GROUP);
    let start = now_ms() - 7_200_000;
    let events: Vec<Value> =
        (0..2_000).map(|number| line(start + number, &format!("stdout F event {number}"))).collect();
    put(&account, GROUP, &stream(1), &events);
    let intake = StandIn::start().await.unwrap();
    let from = at(start);
    let arguments = ["--from", &from, "--dry-run", "--price-per-million", "1000"];
    let mut command = command(&account, &folder, &intake.url(), &arguments);
    // Nothing is sent, so there need be no key.
    command.env_remove("DD_API_KEY");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("2000") && shown.contains("$2.00 if all are indexed"), "{shown}");
    assert!(shown.contains("Datadog's list prices") && shown.contains("Nothing was sent."), "{shown}");
    assert!(intake.arrivals().is_empty() && folder.names().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_datadog_refuses_is_kept_and_told() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-rejected");
    account.group(GROUP);
    let start = now_ms() - 3_600_000;
    let events: Vec<Value> =
        (0..1_500).map(|number| line(start + number, &format!("stdout F event {number}"))).collect();
    put(&account, GROUP, &stream(1), &events);
    // The first payload is refused; a firewall dislikes one log of the second.
    let is_disliked = |log: &Value| log["message"] == "event 1234";
    let script = move |arrival: &Arrival| match arrival.number {
        0 => Reply::Status(400, None),
        _ if arrival.items.iter().any(is_disliked) => Reply::Status(403, None),
        _ => Reply::Judge,
    };
    let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
    let arguments = ["--from", &at(start), "--yes", "--checkpoint", "c.json"];
    let output = run(&account, &folder, &intake.url(), &arguments).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("podferry logs decode c.rejected.jsonl"), "{shown}");
    let decoded = account.podferry(&["logs", "decode", &folder.file("c.rejected.jsonl")]);
    let rejected = String::from_utf8(decoded.stdout).unwrap().lines().count();
    assert_eq!(rejected + intake.accepted().len(), events.len());
    assert!(rejected < events.len() && !intake.accepted().iter().any(is_disliked));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = Path::new(&folder.file("c.rejected.jsonl")).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the text of logs is nobody else's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_stops_it_before_anything_is_noted() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-key");
    account.group(GROUP);
    put(&account, GROUP, &stream(1), &[line(now_ms() - 60_000, "stdout F x")]);
    let script = |arrival: &Arrival| match arrival.headers["dd-api-key"].as_bytes() {
        b"key" => Reply::Status(403, None),
        _ => Reply::Judge,
    };
    let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
    let arguments = ["--from", "1h", "--yes"];
    let output = run(&account, &folder, &intake.url(), &arguments).await;
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(text.contains("1 of 1 log in a page could not be delivered") && text.contains("API key"), "{text}");
    let mut command = command(&account, &folder, &intake.url(), &arguments);
    command.env("DD_API_KEY", "right");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!((output.status.code(), intake.accepted().len()), (Some(0), 1), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_why() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-refused");
    let intake = StandIn::start().await.unwrap();
    let refused = async |arguments: &[&str]| {
        let output = run(&account, &folder, &intake.url(), arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    let text = refused(&["--from", "1h", "--yes"]).await;
    assert!(text.contains("no log group of account") && text.contains(GROUP), "{text}");
    account.group(GROUP);
    let text = refused(&["--from", "yesterday", "--yes"]).await;
    assert!(text.contains("--from yesterday: must be a time"), "{text}");
    let text = refused(&["--from", "1h", "--to", "2h", "--yes"]).await;
    assert!(text.contains("has to be before --to"), "{text}");
    let text = refused(&["--from", "1h"]).await;
    // moto has no metrics of log groups.
    assert!(text.contains("There is no estimate") && text.contains("give --yes"), "{text}");
    let points = |sums: &[f64]| {
        let points: Vec<Value> = sums.iter().map(|sum| json!({ "Sum": sum })).collect();
        move |_: &Value| (200, json!({ "Label": "x", "Datapoints": points }))
    };
    account.stand_in("cloudwatch:GetMetricStatistics", points(&[]));
    let text = refused(&["--from", "1h"]).await;
    assert!(text.contains("CloudWatch has no metrics for that time"), "{text}");
    account.stand_in("cloudwatch:GetMetricStatistics", points(&[600_000.0, 400_000.0]));
    let text = refused(&["--from", "1h", "--price-per-gb", "1000"]).await;
    assert!(text.contains("at most 1000000 events with 1.0 MB") && text.contains("about $2.70"), "{text}");
    account.fault("cloudwatch:GetMetricStatistics", Fault::Denied, 1);
    let text = refused(&["--from", "1h"]).await;
    assert!(text.contains("Allow cloudwatch:GetMetricStatistics"), "{text}");
    account.fault("logs:FilterLogEvents", Fault::Denied, usize::MAX);
    let text = refused(&["--from", "1h", "--yes"]).await;
    assert!(text.contains("Allow logs:FilterLogEvents on arn:aws:logs:"), "{text}");
    account.fault("logs:FilterLogEvents", Fault::Denied, 0);
    // An empty group is no mistake.
    let output = run(&account, &folder, &intake.url(), &["--from", "1h", "--yes"]).await;
    assert_eq!((output.status.code(), intake.arrivals().len()), (Some(0), 0), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_key_of_the_function() {
    let Some(account) = TestAccount::start() else { return };
    let folder = Folder::new("backfill-function");
    account.group(GROUP);
    put(&account, GROUP, &stream(1), &[line(now_ms() - 60_000, "stdout F x")]);
    let intake = StandIn::start().await.unwrap();
    let secret = account.call(
        "secretsmanager",
        "secretsmanager.CreateSecret",
        &json!({
            "Name": "key", "SecretString": "of-the-secret", "ClientRequestToken": "0123456789012345678901234567890123",
        }),
    );
    let arn = account.function(
        "forwarder",
        &json!({
            "DD_URL": intake.url(), "DD_API_KEY_SECRET_ARN": secret["ARN"], "DD_TAGS": "team:shop",
            "PODFERRY_UNDELIVERED_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q",
        }),
    );
    let mut command =
        account.podferry_command(&["backfill", GROUP, "--from", "1h", "--yes", "--function", "forwarder"]);
    command.current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let arrivals = intake.arrivals();
    assert_eq!(arrivals[0].headers["dd-api-key"], "of-the-secret");
    let log = &intake.accepted()[0];
    assert!(log["ddtags"].as_str().unwrap().contains("team:shop"), "{log}");
    assert_eq!(log["aws"]["invoked_function_arn"], arn, "{log}");
}
