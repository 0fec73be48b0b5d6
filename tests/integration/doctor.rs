//! `podferry doctor`, the real command, against moto, a stand-in for Datadog's API, and a `kubectl` that the test writes.

use std::future::ready;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;

use super::{Folder, InAccount};
use serde_json::{Value, json};
use testkit::http::{HttpServer, answer, header};
use testkit::moto::{Fault, TestAccount};

/// A key that must never be shown.
pub(super) const KEY: &str = "geheimer0schluessel0der0niemals0";

/// Datadog's API: one status for every question, and the keys that were asked about.
pub(super) struct Datadog {
    server: HttpServer,
    keys: Arc<Mutex<Vec<String>>>,
}

pub(super) fn datadog(status: u16) -> Datadog {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let kept = keys.clone();
    let server = HttpServer::start(move |request| {
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/api/v1/validate"));
        kept.lock().unwrap().push(header(request.headers(), "dd-api-key").to_owned());
        ready(Ok(answer(status, "")))
    });
    Datadog { server, keys }
}

/// A folder with a `kubectl`: `script` has the kind that is asked for in `$2`, and this folder in `$0`.
pub(super) fn kubectl(script: &str) -> Folder {
    let folder = Folder::new("doctor");
    folder.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n"));
    std::fs::set_permissions(folder.file("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn pod(name: &str, logging: &str) -> Value {
    json!({ "metadata": {
        "name": name, "namespace": "shop", "creationTimestamp": "2026-11-21T00:00:00Z", "annotations": { "Logging": logging },
        "labels": { "eks.amazonaws.com/fargate-profile": "fp" },
    } })
}

/// A cluster in which all is right, but for the pods that are given.
pub(super) fn cluster(pods: &[Value]) -> Folder {
    let folder = kubectl("cat \"$2.json\"");
    let metadata = |name: &str| json!({ "name": name, "labels": { "aws-observability": "enabled" }, "creationTimestamp": "2026-11-20T00:00:00Z" });
    let mut map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("aws-logging"), "data": { "output.conf": OUTPUT } });
    map["metadata"]["namespace"] = json!("aws-observability");
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata("aws-observability") });
    let pods = json!({ "apiVersion": "v1", "kind": "List", "items": pods });
    for (name, value) in [("namespace", namespace), ("configmap", map), ("pods", pods)] {
        folder.write(&format!("{name}.json"), format!("{value:#}"));
    }
    folder
}

const OUTPUT: &str = "[OUTPUT]
    Name cloudwatch_logs
    Match kube.*
    region eu-west-1
    log_group_name /eks/prod
    log_stream_prefix prod/
    log_retention_days 7
    auto_create_group true
";

/// What IAM's simulator says of all that it is asked.
pub(super) fn iam(account: &TestAccount, decision: &'static str) {
    let xml = format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
         <IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>logs:PutLogEvents</EvalActionName>\
         <EvalDecision>{decision}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult>\
         </SimulatePrincipalPolicyResponse>"
    );
    account.stand_in("iam:SimulatePrincipalPolicy", move |_| (200, json!(xml)));
}

/// An account in which all is right: a secret with the key, queues, a function, `/eks/prod` subscribed to it.
pub(super) fn good() -> Option<TestAccount> {
    let account = TestAccount::start()?;
    let arn = |queue: &str| format!("arn:aws:sqs:eu-west-1:{}:{queue}", account.id);
    let dead = account.sqs("CreateQueue", &json!({ "QueueName": "dead" }))["QueueUrl"].clone();
    let redrive = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 5 }).to_string();
    let waiting = json!({ "QueueName": "waiting", "Attributes": { "RedrivePolicy": redrive } });
    let waiting = account.sqs("CreateQueue", &waiting)["QueueUrl"].clone();
    let secret = account.call(
        "secretsmanager",
        "secretsmanager.CreateSecret",
        &json!({ "Name": "key", "SecretString": KEY, "ClientRequestToken": "0".repeat(32) }),
    );
    account.forwarder(
        "podferry",
        &json!({
            "DD_API_KEY_SECRET_ARN": secret["ARN"], "PODFERRY_UNDELIVERED_QUEUE_URL": waiting, "PODFERRY_DEAD_LETTER_QUEUE_URL": dead,
        }),
    );
    let mapping = json!({ "FunctionName": "podferry", "EventSourceArn": arn("waiting"), "Enabled": true });
    account.rest("lambda", "POST", "/2015-03-31/event-source-mappings", &mapping);
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    iam(&account, "allowed");
    super::status::metrics(&account, [12.0, 0.0, 0.0], &[]);
    account.group("/eks/prod");
    super::status::written(&account, "/eks/prod");
    account.logs("PutRetentionPolicy", &json!({ "logGroupName": "/eks/prod", "retentionInDays": 7 }));
    let output = account.podferry(&["subscribe", "/eks/prod", "--yes"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    account.take_actions();
    Some(account)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints, with the account's number and Datadog's address as they always are.
pub(super) fn doctor(
    account: &TestAccount,
    datadog: &Datadog,
    kubectl: Option<&Folder>,
    arguments: &[&str],
    code: i32,
) -> String {
    let mut command =
        account.podferry_command(&[&["doctor", "--datadog-url", &datadog.server.url()], arguments].concat());
    if let Some(folder) = kubectl {
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    }
    let output: Output = command.env("LANG", "C.UTF-8").output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains(KEY) && !said.contains("geheim"), "{said}");
    said.replace(&account.id, "111122223333").replace(&datadog.server.url(), "https://api.datadoghq.com")
}

/// What was found with a severity, and why.
pub(super) fn found(report: &Value, severity: &str) -> Vec<String> {
    let all = report["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == severity);
    all.map(|one| format!("{}: {}", one["what"].as_str().unwrap(), one["why"].as_str().unwrap())).collect()
}

pub(super) fn json_doctor(account: &TestAccount, datadog: &Datadog, arguments: &[&str], code: i32) -> Value {
    let said = doctor(account, datadog, None, &[&["--no-kubectl", "--output", "json"], arguments].concat(), code);
    serde_json::from_str(&said).unwrap()
}

#[test]
fn all_is_right() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let kubectl = cluster(&[pod("web", "LoggingEnabled")]);
    account.stand_in("lambda:InvokeFunction", |_| (200, json!({ "events": 1, "logs": 1, "delivered": 1 })));
    let shown = doctor(&account, &datadog, Some(&kubectl), &["--send-test"], 0);
    assert_eq!(*datadog.keys.lock().unwrap(), [KEY]);
    let (mut shown, test) =
        shown.split_once("find it with:").map(|(one, other)| (one.to_owned(), other.to_owned())).unwrap();
    shown.truncate(shown.trim_end().len());
    let expected = include_str!("../fixtures/doctor/good.txt");
    assert_eq!(masked(&shown), expected.trim_end(), "{shown}");
    assert!(test.contains("podferry doctor test ") || test.contains("pod_name:podferry-doctor"), "{test}");
    let body = account.bodies("lambda:InvokeFunction").remove(0);
    assert!(body["awslogs"]["data"].is_string());
}

/// Secrets' ARNs end in six random characters.
fn masked(text: &str) -> String {
    let Some((before, rest)) = text.split_once("secret:key-") else { return text.to_owned() };
    format!("{before}secret:key-XXXXXX{}", &rest[6..])
}

#[test]
fn an_empty_account() {
    let Some(account) = TestAccount::start() else { return };
    let kubectl = kubectl("echo \"Error from server (NotFound): $2 not found\" >&2; exit 1");
    let shown = doctor(&account, &datadog(200), Some(&kubectl), &["--send-test"], 1);
    assert_eq!(shown, include_str!("../fixtures/doctor/empty.txt"), "{shown}");
}

#[test]
fn no_credentials_and_the_cluster_is_looked_at() {
    let Some(account) = TestAccount::start() else { return };
    let kubectl = cluster(&[pod("web", "LoggingEnabled")]);
    account.fault("sts:GetCallerIdentity", Fault::Expired, usize::MAX);
    let shown = doctor(&account, &datadog(200), Some(&kubectl), &[], 2);
    assert!(shown.contains("✗ credentials:") && shown.contains("aws sso login"), "{shown}");
    assert!(shown.contains("✓ pods: EKS logs 1 pod on Fargate (shop/web)"), "{shown}");
    let report = json_doctor(&account, &datadog(200), &[], 2);
    let credentials = &report["findings"][0];
    assert!(credentials["fix"].as_str().unwrap().contains("aws sso login"), "{credentials}");
    assert!(!credentials["why"].as_str().unwrap().contains("aws sso login"), "{credentials}");
}

#[test]
fn what_may_not_be_read_is_unknown_and_stops_nothing() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    for action in [
        "lambda:GetPolicy",
        "lambda:ListEventSourceMappings",
        "iam:SimulatePrincipalPolicy",
        "logs:DescribeLogGroups",
        "logs:DescribeSubscriptionFilters",
        "logs:DescribeAccountPolicies",
        "logs:DescribeLogStreams",
        "lambda:GetFunctionEventInvokeConfig",
        "cloudwatch:GetMetricData",
        "sqs:GetQueueAttributes",
        "secretsmanager:GetSecretValue",
    ] {
        account.fault(action, Fault::Denied, usize::MAX);
        let report = json_doctor(&account, &datadog, &[], 1);
        account.fault(action, Fault::Denied, 0);
        assert_eq!(found(&report, "wrong"), Vec::<String>::new(), "{action}");
        let unknown = found(&report, "unknown");
        let is_said =
            |step: &String| step.contains(action) || (action.starts_with("secrets") && step.contains("AccessDenied"));
        assert!(!unknown.is_empty() && unknown.iter().all(is_said), "{action}: {unknown:?}");
    }
    let report = json_doctor(&account, &datadog, &[], 0);
    assert_eq!((&report["version"], &report["summary"]["wrong"]), (&json!(2), &json!(0)));
    for action in ["lambda:ListFunctions", "lambda:GetFunctionConfiguration"] {
        account.fault(action, Fault::Denied, usize::MAX);
        let report = json_doctor(&account, &datadog, &["--send-test"], 1);
        account.fault(action, Fault::Denied, 0);
        assert!(found(&report, "unknown")[0].contains(action));
        assert_eq!(report["summary"]["skipped"], 8, "{report}");
    }
}

#[test]
fn where_metadata_is_looked_up_the_role_may_read_the_groups() {
    let Some(account) = good() else { return };
    let about = |report: &Value, severity: &str| -> Vec<String> {
        found(report, severity).into_iter().filter(|one| one.contains("look up metadata")).collect()
    };
    assert!(about(&json_doctor(&account, &datadog(200), &[], 0), "ok").is_empty());
    let set = |lookups: &str| {
        let variables =
            json!({ "DD_API_KEY": KEY, "PODFERRY_METADATA_RECORDS": "true", "PODFERRY_METADATA_LOOKUPS": lookups });
        let path = "/2015-03-31/functions/podferry/configuration";
        account.rest("lambda", "PUT", path, &json!({ "Environment": { "Variables": variables } }));
    };
    set("60");
    let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/eks/prod:*";
    let expected = format!("look up metadata in /eks/prod: logs:GetLogEvents, logs:FilterLogEvents on {group}");
    assert_eq!(about(&json_doctor(&account, &datadog(200), &[], 0), "ok"), [expected]);
    iam(&account, "implicitDeny");
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let wrong = about(&report, "wrong");
    // The simulator's stand-in says it of one action.
    let denied = format!("the role is not allowed logs:PutLogEvents on {group}");
    assert!(wrong.len() == 1 && wrong[0].contains(&denied), "{wrong:?}");
    set("0");
    assert!(about(&json_doctor(&account, &datadog(200), &[], 1), "wrong").is_empty());
}

#[test]
fn what_is_wrong_comes_with_what_fixes_it() {
    let Some(account) = good() else { return };
    let report = json_doctor(&account, &datadog(403), &[], 1);
    assert!(found(&report, "wrong")[0].contains("rejects the key"), "{report}");
    iam(&account, "implicitDeny");
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let wrong = found(&report, "wrong");
    assert!(wrong[0].starts_with("write its own log: the role is not allowed logs:PutLogEvents on "), "{wrong:?}");
    iam(&account, "allowed");
    // Messages, and a permission that is gone.
    for queue in ["waiting", "dead"] {
        let url = account.sqs("GetQueueUrl", &json!({ "QueueName": queue }))["QueueUrl"].clone();
        account.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "geheim" }));
    }
    account.rest("lambda", "DELETE", "/2015-03-31/functions/podferry/policy/podferry-logs", &Value::Null);
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let wrong = found(&report, "wrong");
    assert!(wrong[0].contains("may not invoke") && wrong[1].contains("1 dead letter and needs attention"), "{wrong:?}");
    assert_eq!(found(&report, "note").len(), 1, "{report}");
    super::status::metrics(&account, [12.0, 3.0, 4.0], &[]);
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let wrong = found(&report, "wrong");
    assert_eq!(wrong[2], "function podferry: 3 of 12 invocations failed in the last hour");
    assert!(wrong[3].contains("4 invocations were throttled"), "{wrong:?}");
    let report = json_doctor(&account, &datadog(200), &["/none"], 1);
    assert!(found(&report, "wrong")[0].contains("does not exist"), "{report}");
}

#[test]
fn broken_settings_skip_what_needs_them() {
    let Some(account) = TestAccount::start() else { return };
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    account.forwarder("podferry", &json!({ "DD_API_KEY": KEY, "DD_PORT": "geheim", "DD_COMPRESSION": "geheim" }));
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let wrong = found(&report, "wrong");
    assert!(wrong[0].contains("DD_COMPRESSION") && wrong[1].contains("DD_PORT"), "{wrong:?}");
    // The queues are looked at all the same, by the variables that name them.
    assert_eq!(found(&report, "skipped").len(), 4, "{report}");
}

#[test]
fn pods_and_config_maps_that_eks_refuses() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let disabled = "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND";
    let kubectl = cluster(&[pod("a", disabled), pod("b", disabled), pod("c", "LoggingEnabled")]);
    // The same key twice: `podferry lint` says so, with the place.
    let map = r#"{"apiVersion": "v1", "kind": "ConfigMap",
      "metadata": {"name": "aws-logging", "namespace": "aws-observability"},
      "data": {"output.conf": "x", "output.conf": "y"}}"#;
    std::fs::write(kubectl.0.join("configmap.json"), map).unwrap();
    let shown = doctor(&account, &datadog, Some(&kubectl), &[], 1);
    for part in [
        "✗ configmap aws-logging: 3:",
        ": PF0",
        "✗ pods: EKS does not log 2 pods on Fargate (shop/a, shop/b): LOGGING_CONFIGMAP_NOT_FOUND",
        "✓ pods: EKS logs 1 pod",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

/// Whether a process that was killed is gone, or waits to be buried, within some seconds: the kernel takes its time.
fn ends(pid: &str) -> bool {
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_secs(10) {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return true;
        }
        thread::yield_now();
    }
    false
}

#[test]
fn no_kubectl_and_one_that_hangs() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let shown = doctor(&account, &datadog, None, &["--kubectl", "/none/kubectl"], 1);
    assert!(shown.contains("? namespace aws-observability: could not run /none/kubectl"), "{shown}");
    let kubectl = kubectl("echo $$ > pid; exec sleep 600");
    let shown = doctor(&account, &datadog, Some(&kubectl), &["--kubectl-timeout", "1"], 1);
    assert!(shown.contains("did not answer within 1 seconds, and was stopped") && shown.contains("– pods"), "{shown}");
    let pid = std::fs::read_to_string(kubectl.0.join("pid")).unwrap();
    assert!(ends(pid.trim()));
    let refused = self::kubectl("echo 'Unable to connect to the server: no such host' >&2; exit 1");
    let shown = doctor(&account, &datadog, Some(&refused), &[], 1);
    assert!(shown.contains("Unable to connect to the server"), "{shown}");
}

#[test]
fn the_key_is_not_sent_in_the_clear() {
    let Some(account) = TestAccount::start() else { return };
    for url in ["http://api.datadoghq.eu", "api.datadoghq.eu"] {
        let output = account.podferry(&["doctor", "--datadog-url", url]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(text(&output.stderr).contains("must be a URL with https"));
    }
}

#[test]
fn groups_that_cannot_be_are_refused_at_once() {
    let Some(account) = TestAccount::start() else { return };
    for group in ["/a b", "arn:aws:logs:us-east-1:111122223333:log-group:/a:*"] {
        let output = account.podferry(&["doctor", group]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{group}");
        assert!(text(&output.stderr).contains(&format!("{group}: not ")), "{group}");
    }
}

#[test]
fn words_where_there_are_no_signs() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let output =
        account.podferry_command(&["doctor", "--no-kubectl", "--datadog-url", &datadog.server.url()]).output().unwrap();
    let shown = text(&output.stdout);
    assert!(
        shown.contains("  ok      credentials: ") && shown.contains("  skipped everything: --no-kubectl"),
        "{shown}"
    );
    assert!(shown.is_ascii(), "{shown}");
}
