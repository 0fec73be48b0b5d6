//! `podferry doctor --canary`, the real command: against moto with scripted events, a stand-in for Datadog's search, and a `kubectl` that the
//! test writes. What is lost, doubled, cut and late on the way is injected.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::ready;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use super::doctor::{KEY, cluster, found, good, text};
use super::{Folder, InAccount};
use manifests::canary::{CONTAINER, CanaryLine, CanaryPlan, CanaryPod, IMAGE};
use pipeline::PipelineSettings;
use serde_json::{Value, json};
use testkit::events::forward_from;
use testkit::http::{HttpServer, answer, header};
use testkit::moto::{Fault, TestAccount};

const APP_KEY: &str = "geheimer0anwendungsschluessel0der0niemals0";

/// The place of the run in texts that are written before it is known.
const RUN: &str = "RUN";

/// Notes each call; what `apply` gets is in `manifest.json`. The run is part of the pod's name.
const KUBECTL: &str = r#"
echo "$*" >> calls
case "$1 $2" in
  apply*) cat > manifest.json; sed "s/CREATED/$(date -u -d "@$(($(date +%s) + $(cat ahead)))" +%FT%TZ)/" applied.json ;;
  delete*) if [ -f stuck ]; then echo "Error from server (Forbidden): pods is forbidden" >&2; exit 1; fi ;;
  logs*) sed "s/RUN/${2#podferry-canary-}/g" printed ;;
  "get pod") if [ -f interrupt ]; then kill -"$(cat interrupt)" $PPID; fi; cat applied.json ;;
  *) cat "$2.json" ;;
esac
"#;

/// Six short lines: 1 to 3 and 15 to 17; long ones are 4, 5 and 6, and the trace 7 to 14.
fn plan(run: &str) -> CanaryPlan {
    CanaryPlan { run: run.to_owned(), short: 6, rate: 10 }
}

/// The run of a plan has the length of real ones, as the texts have.
fn line(number: u32) -> String {
    match plan("r0123456789ab").lines()[number as usize - 1] {
        CanaryLine::Short => format!("INFO canary {RUN} {number} short"),
        CanaryLine::Long { marks } => format!("INFO canary {}", format!("{RUN} {number} long.").repeat(marks as usize)),
        CanaryLine::Trace if number == 7 => {
            format!("Exception in thread \"main\" java.lang.IllegalStateException: canary {RUN} 7 trace")
        }
        CanaryLine::Trace => format!("\tat podferry.canary.Trace.{RUN}_{number}(Canary.java:{number})"),
    }
}

const LAST: u32 = 17;

/// What is injected.
#[derive(Clone, Default)]
struct Way {
    /// Events: texts with the place of the run. Those of the second list come from the third look on.
    events: Vec<String>,
    later: Vec<String>,
    /// How late events are, in milliseconds.
    latency_ms: i64,
    /// Datadog's logs: texts and tags that are left out.
    logs: Vec<String>,
    without_tag: Option<&'static str>,
    /// Datadog's answer, where it is not 200.
    status: Option<u16>,
    /// How far the cluster's clock is ahead, in seconds.
    ahead_s: i64,
}

impl Way {
    /// Everything arrives once.
    fn good() -> Way {
        let logs = (1..=6).chain(15..=LAST).map(line).chain([(7..=14).map(line).collect::<Vec<_>>().join("\n")]);
        Way { events: (1..=LAST).map(line).collect(), logs: logs.collect(), latency_ms: 1500, ..Way::default() }
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What kubectl shows of the pod. When it is applied, it was made then.
fn applied(more: &Value) -> Value {
    json!({
        "metadata": {
            "name": "podferry-canary", "creationTimestamp": "CREATED", "annotations": { "Logging": "LoggingEnabled" },
            "labels": { "eks.amazonaws.com/fargate-profile": "fp" },
        },
        "status": { "phase": "Running", "containerStatuses": [{ "state": more }] },
    })
}

fn kubectl(way: &Way) -> Folder {
    let folder = cluster(&[]);
    folder.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{KUBECTL}\n"));
    folder.write("applied.json", applied(&json!({ "running": {} })).to_string());
    folder.write("ahead", way.ahead_s.to_string());
    folder.write("printed", (1..=LAST).map(|number| line(number) + "\n").collect::<String>());
    folder
}

/// Answers `FilterLogEvents`: for a canary's run the events of the way, and for anything else nothing.
fn cloudwatch(account: &TestAccount, way: &Way) {
    let (way, looks) = (way.clone(), Mutex::new(0));
    account.stand_in("logs:FilterLogEvents", move |body| {
        let pattern = body["filterPattern"].as_str().unwrap_or_default();
        let run = pattern.trim_matches('"');
        if pattern != format!("\"{run}\"") || !manifests::canary::is_run(run) {
            return (200, json!({ "events": [] }));
        }
        if body["logGroupName"] == "/eks/silent" {
            return (400, json!({ "__type": "ResourceNotFoundException", "message": "The specified log group does not exist." }));
        }
        let mut looks = looks.lock().unwrap();
        *looks += 1;
        let later = way.later.iter().filter(|_| *looks > 2);
        let written = body["startTime"].as_i64().unwrap() + 61_000;
        let events = way.events.iter().chain(later).enumerate().map(|(id, text)| {
            let record = json!({ "log": text.replace(RUN, run), "kubernetes": { "pod_name": format!("podferry-canary-{run}") } });
            json!({
                "eventId": id.to_string(), "timestamp": written, "ingestionTime": written + way.latency_ms, "message": record.to_string(),
                "logStreamName": "s",
            })
        });
        // A page that is empty before it, and lines of another run in it.
        if body["nextToken"].is_null() {
            return (200, json!({ "events": [], "nextToken": "next" }));
        }
        let other = json!({ "eventId": "o", "timestamp": written, "message": "INFO canary rfedcba987654 1 short" });
        (200, json!({ "events": events.chain([other]).collect::<Vec<_>>() }))
    });
}

/// Datadog's API: validation of the key, and the search, in two pages.
fn datadog(way: &Way) -> (HttpServer, Arc<Mutex<Vec<Value>>>) {
    let (way, asked) = (way.clone(), Arc::new(Mutex::new(Vec::new())));
    let kept = asked.clone();
    let server = HttpServer::start(move |request| {
        if request.uri().path() == "/api/v1/validate" {
            return ready(Ok(answer(200, "")));
        }
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/api/v2/logs/events/search"));
        let keys = [header(request.headers(), "dd-api-key"), header(request.headers(), "dd-application-key")];
        assert_eq!(keys, [KEY, APP_KEY]);
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        kept.lock().unwrap().push(body.clone());
        if let Some(status) = way.status {
            return ready(Ok(answer(status, "")));
        }
        let query = body["filter"]["query"].as_str().unwrap();
        let run = query.split('"').nth(1).unwrap();
        let time = jiff::Timestamp::from_millisecond(now_ms() + way.ahead_s * 1000 - 700).unwrap().to_string();
        let tags = [
            "kube_namespace:shop".to_owned(),
            format!("pod_name:podferry-canary-{run}"),
            format!("kube_container_name:{CONTAINER}"),
        ];
        let tags: Vec<&String> =
            tags.iter().filter(|tag| way.without_tag.is_none_or(|without| !tag.starts_with(without))).collect();
        let logs: Vec<Value> = way
            .logs
            .iter()
            .enumerate()
            .map(|(id, text)| {
                json!({ "id": id.to_string(), "type": "log", "attributes": {
                    "message": text.replace(RUN, run), "service": CONTAINER, "tags": tags, "timestamp": time, "host": "x",
                } })
            })
            .collect();
        let half = logs.len() / 2;
        let page = if body["page"]["cursor"].is_null() {
            json!({ "data": logs[..half], "meta": { "page": { "after": "c" } } })
        } else {
            json!({ "data": logs[half..], "meta": {} })
        };
        ready(Ok(answer(200, page.to_string())))
    });
    (server, asked)
}

/// Runs it, with both keys where `has_keys`.
fn canary(account: &TestAccount, kubectl: &Folder, way: &Way, has_keys: bool, arguments: &[&str]) -> Output {
    cloudwatch(account, way);
    let (server, _) = datadog(way);
    let url = server.url();
    let given = [
        "doctor",
        "--datadog-url",
        &url,
        "--canary",
        "--canary-namespace",
        "shop",
        "--canary-lines",
        "6",
        "--canary-settle",
        "0",
    ];
    let wait = if arguments.contains(&"--canary-wait") { &[][..] } else { &["--canary-wait", "30"] };
    let mut command = account.podferry_command(&[&given, wait, arguments].concat());
    command.env("PATH", format!("{}:/usr/bin:/bin", kubectl.path().display())).env("LANG", "C.UTF-8");
    if has_keys {
        command.env("DD_API_KEY", KEY).env("DD_APP_KEY", APP_KEY);
    }
    let output = command.output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains(KEY) && !said.contains(APP_KEY), "{said}");
    output
}

/// The same, as a report.
fn reported(account: &TestAccount, kubectl: &Folder, way: &Way, arguments: &[&str], code: i32) -> Value {
    let output = canary(account, kubectl, way, true, &[&["--output", "json"], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was found by the canary with a severity.
fn of_canary(report: &Value, severity: &str) -> Vec<String> {
    let mut report = report.clone();
    report["findings"].as_array_mut().unwrap().retain(|one| one["area"] == "Canary");
    found(&report, severity)
}

fn calls(kubectl: &Folder, of: &str) -> Vec<String> {
    kubectl.read("calls").lines().filter(|call| call.starts_with(of)).map(str::to_owned).collect()
}

#[test]
fn all_lines_arrive_once() {
    let Some(account) = good() else { return };
    let way = Way::good();
    let kubectl = kubectl(&way);
    let report = reported(&account, &kubectl, &way, &[], 0);
    let ok = of_canary(&report, "ok");
    assert_eq!(ok.len(), 5, "{report:#}");
    assert!(ok[0].starts_with("to CloudWatch Logs: 17 lines arrived once; half of them within 1.5 s"), "{ok:?}");
    assert!(ok[1].starts_with("to Datadog: 17 lines arrived once, in 10 logs; half of them within 0."), "{ok:?}");
    assert!(
        ok[2].contains("3 lines of more than 16 KiB came whole") && ok[3].contains("its 8 lines are one log"),
        "{ok:?}"
    );
    let told = &report["canary"];
    assert_eq!((&told["lines"], &told["printed"], &told["clock_offset_ms"]), (&json!(17), &json!(17), &json!(0)));
    assert_eq!(told["cloudwatch"]["latency_ms"], json!({ "p50": 1500, "p95": 1500, "max": 1500 }));
    assert_eq!((&told["datadog"]["lost"], &told["datadog"]["logs"]), (&json!([]), &json!(10)));
    // The pod is what was generated, and is gone.
    let manifest: Value = serde_json::from_str(&kubectl.read("manifest.json")).unwrap();
    assert_eq!((&manifest["kind"], &manifest["metadata"]["namespace"]), (&json!("Pod"), &json!("shop")));
    assert_eq!(manifest["spec"]["containers"][0]["image"], IMAGE);
    assert!(manifest["spec"]["activeDeadlineSeconds"].as_i64().unwrap() > 30);
    let name = manifest["metadata"]["name"].as_str().unwrap();
    assert_eq!(calls(&kubectl, "delete"), [format!("delete pod {name} -n shop --ignore-not-found --wait=false")]);
}

#[test]
fn losses_doubles_and_pieces_are_told_by_hop() {
    let Some(account) = good() else { return };
    let mut way = Way::good();
    // Before CloudWatch Logs: 2 is lost, 3 comes twice, of 5 the second half is lost.
    way.events.retain(|text| *text != line(2) && *text != line(5));
    way.events.push(line(3));
    let long = line(5);
    way.events.push(long[..16_384].to_owned());
    // Behind it: 15 is lost, 1 comes twice, 6 comes in pieces.
    let six = line(6);
    way.logs.retain(|text| ![line(2), line(5), line(6), line(15)].contains(text));
    way.logs.extend([line(1), line(3), long[..16_384].to_owned(), six[..16_384].to_owned(), six[16_384..].to_owned()]);
    way.without_tag = Some("pod_name");
    let report = reported(&account, &kubectl(&way), &way, &["--canary-wait", "3"], 1);
    let wrong = of_canary(&report, "wrong");
    let told: Vec<&str> = wrong.iter().map(|why| why.split(" within").next().unwrap()).collect();
    assert_eq!(
        told,
        [
            "to CloudWatch Logs: 1 of 17 lines (number 2) did not arrive in /eks/prod",
            "to CloudWatch Logs: 1 of 17 lines (number 3) came more than once into a log group",
            "to CloudWatch Logs: a part is missing of 1 of 17 lines (number 5)",
            "to Datadog: 1 of 16 lines (number 15) did not arrive",
            "to Datadog: 1 of 16 lines (number 1) arrived more than once",
            "long lines: 1 of 3 lines (number 6) came in pieces",
            &format!("tags: not on every log: pod_name:{} (11 logs)", report["canary"]["pod"].as_str().unwrap()),
        ],
        "{report:#}"
    );
    let told = &report["canary"];
    assert_eq!(
        (&told["cloudwatch"]["lost"], &told["cloudwatch"]["doubled"], &told["cloudwatch"]["cut"]),
        (&json!([2]), &json!([3]), &json!([5]))
    );
    assert_eq!((&told["datadog"]["lost"], &told["datadog"]["doubled"]), (&json!([15]), &json!([1])));
}

#[test]
fn what_comes_late_is_waited_for_and_told() {
    let Some(account) = good() else { return };
    let mut way = Way::good();
    way.later = way.events.split_off(9);
    way.latency_ms = 61_000;
    let report = reported(&account, &kubectl(&way), &way, &["--canary-wait", "20"], 0);
    let notes = of_canary(&report, "note");
    assert!(notes.len() == 1 && notes[0].starts_with("to CloudWatch Logs: 17 lines took 60 s or longer"), "{notes:?}");
    assert_eq!(report["canary"]["cloudwatch"]["late"], 17);
}

#[test]
fn without_an_application_key_the_metrics_are_asked() {
    let Some(account) = good() else { return };
    let value = |(id, value): (&str, f64)| json!({ "Id": id, "Values": [value], "StatusCode": "Complete" });
    let results = [
        ("invocations", 12.0),
        ("errors", 0.0),
        ("throttles", 0.0),
        ("delivered", 30.0),
        ("queued", 0.0),
        ("dead", 0.0),
    ]
    .map(value);
    account.stand_in("cloudwatch:GetMetricData", move |_| (200, json!({ "MetricDataResults": results })));
    let way = Way::good();
    let output = canary(&account, &kubectl(&way), &way, false, &["--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(of_canary(&report, "skipped"), ["to Datadog: not looked into Datadog: there is no DD_APP_KEY"]);
    let ok = of_canary(&report, "ok");
    assert!(
        ok.iter()
            .any(|one| one.contains("the forwarder delivered 30 logs, 0 waited in the queue, and 0 were given up")),
        "{ok:?}"
    );
    assert_eq!(report["canary"]["datadog"], Value::Null);
}

#[test]
fn a_pod_that_cannot_tell_anything_is_deleted_at_once() {
    let Some(account) = good() else { return };
    let way = Way::good();
    type Change = fn(&mut Value);
    let cases: [(Change, &str, &str); 3] = [
        (
            |pod| pod["metadata"]["labels"] = json!({}),
            "wrong",
            "pod: no Fargate profile selects a pod in namespace shop",
        ),
        (
            |pod| pod["metadata"]["annotations"]["Logging"] = json!("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"),
            "wrong",
            "pod: EKS does not log it: LOGGING_CONFIGMAP_NOT_FOUND",
        ),
        (
            |pod| {
                pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": "ImagePullBackOff" } })
            },
            "unknown",
            "pod: it did not start within 1 s: ImagePullBackOff",
        ),
    ];
    for (change, severity, expected) in cases {
        let kubectl = kubectl(&way);
        let mut pod = applied(&json!({ "running": {} }));
        change(&mut pod);
        kubectl.write("applied.json", pod.to_string());
        let report = reported(&account, &kubectl, &way, &["--canary-wait", "1"], 1);
        assert_eq!(of_canary(&report, severity), [expected], "{report:#}");
        assert_eq!(calls(&kubectl, "delete").len(), 1, "{expected}");
    }
    // What could not be deleted is told, with the command.
    let kubectl = kubectl(&way);
    kubectl.write("stuck", "");
    let report = reported(&account, &kubectl, &way, &[], 1);
    let last = report["findings"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["severity"]), (&json!("cleaning up"), &json!("unknown")));
    assert!(last["fix"].as_str().unwrap().starts_with("kubectl delete pod podferry-canary-r"), "{last}");
}

#[test]
fn a_signal_ends_it_and_the_pod() {
    use std::os::unix::process::ExitStatusExt;
    let Some(account) = good() else { return };
    for signal in ["INT", "TERM"] {
        let way = Way::good();
        let kubectl = kubectl(&way);
        kubectl.write("interrupt", signal);
        let output = canary(&account, &kubectl, &way, true, &[]);
        assert_eq!(output.status.signal(), Some(2), "{signal}: {}", text(&output.stdout));
        assert_eq!(calls(&kubectl, "delete").len(), 1);
        assert!(text(&output.stderr).contains("Stopped. The canary's pod is deleted."), "{}", text(&output.stderr));
        kubectl.write("stuck", "");
        let output = canary(&account, &kubectl, &way, true, &["--context", "my prod"]);
        let said = text(&output.stderr);
        assert!(
            said.contains("Delete it with: kubectl delete pod podferry-canary-r")
                && said.contains(" -n shop --context 'my prod'"),
            "{said}"
        );
    }
}

#[test]
fn what_may_not_be_read_is_unknown_and_never_lost() {
    let Some(account) = good() else { return };
    for (status, expected) in
        [(403, "Datadog refuses the keys (HTTP 403)"), (429, "no more searches for now"), (500, "answered 500")]
    {
        let way = Way { status: Some(status), ..Way::good() };
        let report = reported(&account, &kubectl(&way), &way, &["--canary-wait", "2"], 1);
        let unknown = of_canary(&report, "unknown");
        assert!(unknown.len() == 1 && unknown[0].contains(expected), "{unknown:?}");
        assert!(of_canary(&report, "wrong").is_empty(), "{report:#}");
    }
    let way = Way::good();
    cloudwatch(&account, &way);
    account.fault("logs:FilterLogEvents", Fault::Denied, usize::MAX);
    let report = reported(&account, &kubectl(&way), &way, &[], 1);
    let unknown = of_canary(&report, "unknown");
    assert!(unknown.iter().any(|one| one.starts_with("to CloudWatch Logs: logs:FilterLogEvents on")), "{unknown:?}");
}

/// Fluent Bit makes a group with its first log.
#[test]
fn a_log_group_that_is_not_there_yet_has_nothing() {
    let Some(account) = good() else { return };
    let way = Way::good();
    let kubectl = kubectl(&way);
    let mut map: Value = serde_json::from_str(&kubectl.read("configmap.json")).unwrap();
    map["data"]["output.conf"] =
        json!(map["data"]["output.conf"].as_str().unwrap().replace("/eks/prod", "/eks/silent"));
    kubectl.write("configmap.json", map.to_string());
    let report = reported(&account, &kubectl, &way, &[], 1);
    assert_eq!((of_canary(&report, "ok").len(), of_canary(&report, "unknown").len()), (5, 0), "{report:#}");
}

#[test]
fn clocks_that_differ_make_no_line_early_or_late() {
    let Some(account) = good() else { return };
    for ahead_s in [120, -120] {
        let way = Way { ahead_s, ..Way::good() };
        let report = reported(&account, &kubectl(&way), &way, &[], 0);
        let notes = of_canary(&report, "note");
        let way_of = if ahead_s > 0 { "behind" } else { "ahead of" };
        assert!(notes.len() == 1 && notes[0].contains(&format!(" s {way_of} the cluster's")), "{notes:?}");
        let latency = &report["canary"]["datadog"]["latency_ms"];
        assert!((0..30_000).contains(&latency["max"].as_i64().unwrap()), "{latency}");
    }
}

#[test]
fn where_the_pod_runs_has_to_be_said() {
    let Some(account) = TestAccount::start() else { return };
    let refused = |arguments: &[&str]| {
        let output = account.podferry(&[&["doctor"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    assert!(refused(&["--canary"]).contains("--canary-namespace NAME"));
    assert!(refused(&["--canary", "--canary-namespace", "Shop_1"]).contains("must be the name of a namespace"));
    let own = ["--canary", "--canary-namespace", "shop", "--canary-label", "app.kubernetes.io/name=x"];
    assert!(refused(&own).contains("--canary-label: "));
    assert!(refused(&["--canary-wait", "9"]).contains("--canary"));
    assert!(refused(&["--canary", "--canary-namespace", "shop", "--no-kubectl"]).contains("--no-kubectl"));
    assert!(refused(&["--canary", "--canary-namespace", "shop", "--canary-lines", "1"]).contains("2..=2000"));
}

/// The script in a shell, without its pauses: each planned line, in order. And what the function makes of them: a log for each short and each long line,
/// and one for the trace.
#[test]
fn the_shell_prints_the_plan_and_the_function_joins_it() {
    let plan = CanaryPlan { run: "r0123456789ab".to_owned(), short: 20, rate: 10 };
    let pod = CanaryPod { namespace: "shop".into(), image: IMAGE.into(), labels: Vec::new(), lives_seconds: 60 };
    let pod = serde_json::to_value(pod.manifest(&plan)).unwrap();
    let script = pod["spec"]["containers"][0]["command"][2].as_str().unwrap();
    let output = Command::new("sh").args(["-c", &format!("sleep() {{ :; }}\n{script}")]).env_clear().output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), plan.lines().len());
    for ((number, kind), line) in (1..).zip(plan.lines()).zip(&lines) {
        let mut mark = String::new();
        let marks = match kind {
            CanaryLine::Trace if line.starts_with("\tat ") => {
                write!(mark, "{}_{number}(", plan.run).unwrap();
                1
            }
            CanaryLine::Short | CanaryLine::Trace => {
                write!(mark, " {} {number} ", plan.run).unwrap();
                1
            }
            CanaryLine::Long { marks } => {
                write!(mark, "{} {number} long.", plan.run).unwrap();
                assert!(line.len() > 2 * 16_384, "{}", line.len());
                marks
            }
        };
        assert_eq!(line.matches(&mark).count(), marks as usize, "{number} {kind:?}");
    }
    // As containerd writes it: pieces of 16 KiB, a pause behind each line that has one.
    let (mut micros, mut records) = (1_795_379_888_236_007_i64, Vec::new());
    for (kind, line) in plan.lines().into_iter().zip(&lines) {
        let pieces: Vec<&str> =
            line.as_bytes().chunks(16_384).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let flag = if number + 1 == pieces.len() { "F" } else { "P" };
            let time = jiff::Timestamp::from_microsecond(micros).unwrap();
            records.push((micros / 1000, json!({ "log": format!("{time:.9} stdout {flag} {piece}") }).to_string()));
            micros += 40;
        }
        micros += if kind == CanaryLine::Trace { 60 } else { 100_000 };
    }
    let messages: Vec<(i64, &str)> = records.iter().map(|(time, record)| (*time, record.as_str())).collect();
    let stream = format!("fargate/kube.var.log.containers.{}_shop_{CONTAINER}-{}.log", plan.pod(), "0".repeat(64));
    let (logs, _) = forward_from("/aws/eks/prod/fargate", &stream, &messages, &PipelineSettings::default());
    let mut by_lines: BTreeMap<usize, usize> = BTreeMap::new();
    for log in &logs {
        *by_lines.entry(log["message"].as_str().unwrap().lines().count()).or_default() += 1;
        let tags = log["ddtags"].as_str().unwrap();
        for tag in [
            "kube_namespace:shop".to_owned(),
            format!("pod_name:{}", plan.pod()),
            format!("kube_container_name:{CONTAINER}"),
        ] {
            assert!(tags.split(',').any(|one| one == tag), "{tag}: {tags}");
        }
        assert_eq!(log["service"], CONTAINER);
    }
    assert_eq!(
        by_lines,
        BTreeMap::from([(1, 23), (8, 1)]),
        "{:#?}",
        logs.iter()
            .map(|log| log["message"].as_str().unwrap().chars().take(60).collect::<String>())
            .collect::<Vec<_>>()
    );
}
