//! What `podferry doctor` finds in Fluent Bit's own log, against moto.

use std::time::{SystemTime, UNIX_EPOCH};

use super::doctor::{cluster, datadog, doctor, found, good, json_doctor};
use serde_json::{Value, json};
use testkit::moto::{Fault, TestAccount};

const OWN_GROUP: &str = "prod-fluent-bit-logs";
const DENIED: &str = r#"{"log":"[2026/11/22 10:00:00] [error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogStream API responded with error='AccessDeniedException', message='User: arn:aws:sts::111122223333:assumed-role/pods/geheim is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/eks/prod:*'"}"#;
const FLUSH: &str = r#"{"log":"[2026/11/22 10:00:00] [ warn] [engine] failed to flush chunk '1-2.flb', retry in 7 seconds: task_id=0"}"#;

fn write(account: &TestAccount, group: &str, stream: &str, messages: &[&str], minutes_ago: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let time = i64::try_from(now).unwrap() - minutes_ago * 60_000;
    account.logs("CreateLogStream", &json!({ "logGroupName": group, "logStreamName": stream }));
    let events: Vec<Value> = messages.iter().map(|message| json!({ "timestamp": time, "message": message })).collect();
    account.logs("PutLogEvents", &json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events }));
}

/// What was found there, with its severity.
fn of_log(report: &Value) -> Vec<(String, String)> {
    let all = report["findings"].as_array().unwrap().iter().filter(|one| one["area"] == "Fluent Bit's own log");
    let text = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
    all.map(|one| (text(one, "severity"), format!("{}: {}", text(one, "what"), text(one, "why")))).collect()
}

#[test]
fn its_own_group() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    account.group(OWN_GROUP);
    account.group("/other");
    write(&account, OWN_GROUP, "fluent-bit-a-shop", &[DENIED, FLUSH, DENIED, "[ info] geheim"], 10);
    write(&account, OWN_GROUP, "fluent-bit-b-shop", &["[error] geheim"], 70);
    let report = json_doctor(&account, &datadog, &[], 1);
    let seen = of_log(&report);
    assert_eq!((seen.len(), seen[0].0.as_str()), (1, "wrong"), "{seen:?}");
    let expected = "log group prod-fluent-bit-logs: AWS denies Fluent Bit a call, so logs are lost (logs:CreateLogStream on \
                    arn:aws:logs:eu-west-1:111122223333:log-group:/eks/prod:* for role pods): 2 messages in the last hour, of 1 pod (a-shop 2), the last at ";
    assert!(seen[0].1.starts_with(expected), "{seen:?}");
    // Quiet again.
    account.logs("DeleteLogStream", &json!({ "logGroupName": OWN_GROUP, "logStreamName": "fluent-bit-a-shop" }));
    let report = json_doctor(&account, &datadog, &[], 0);
    let ok = "log group prod-fluent-bit-logs: Fluent Bit complained of nothing in the last hour".to_owned();
    assert_eq!(of_log(&report), [("ok".to_owned(), ok)]);
    // What may not be read is unknown.
    account.fault("logs:FilterLogEvents", Fault::Denied, usize::MAX);
    let report = json_doctor(&account, &datadog, &[], 1);
    let unknown = found(&report, "unknown");
    assert!(
        unknown[0].starts_with("log group prod-fluent-bit-logs: not checked: logs:FilterLogEvents on"),
        "{unknown:?}"
    );
}

#[test]
fn a_stream_among_those_of_the_pods() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    write(&account, "/eks/prod", "prod/flblogs.var.log.fluent-bit.log", &[FLUSH], 10);
    write(&account, "/eks/prod", "prod/kube.var.log.containers.a", &[DENIED], 10);
    let report = json_doctor(&account, &datadog, &[], 0);
    let seen = of_log(&report);
    assert_eq!((seen.len(), seen[0].0.as_str()), (1, "note"), "a pod may write what it likes: {seen:?}");
    assert!(
        seen[0].1.contains("log group /eks/prod: Fluent Bit could not send at once; it tries again: 1 message"),
        "{seen:?}"
    );
    // Among many it is not one of the newest: its name begins as theirs.
    account.take_actions();
    account.stand_in("logs:DescribeLogStreams", |body| {
        let name = |name: &str| json!({ "logStreamName": name });
        let streams: Vec<Value> = match body["logStreamNamePrefix"].as_str() {
            Some(prefix) => vec![name(prefix)],
            None => {
                (0..50).map(|number| name(&format!("prod/kube.var.log.containers.p{number}_shop_app-x.log"))).collect()
            }
        };
        (200, json!({ "logStreams": streams }))
    });
    let report = json_doctor(&account, &datadog, &[], 0);
    assert_eq!(of_log(&report).len(), 1, "{report}");
    let asked = account.bodies("logs:DescribeLogStreams");
    assert_eq!(asked.last().unwrap()["logStreamNamePrefix"], "prod/flblogs.var.log.fluent-bit.log");
    assert_eq!(
        account.bodies("logs:FilterLogEvents")[0]["logStreamNames"],
        json!(["prod/flblogs.var.log.fluent-bit.log"])
    );
}

#[test]
fn it_reads_a_few_pages_only() {
    let Some(account) = good() else { return };
    for number in 0..6 {
        account.group(&format!("c{number}-fluent-bit-logs"));
    }
    account.stand_in("logs:FilterLogEvents", |_| {
        (200, json!({ "events": [{ "timestamp": 1, "message": DENIED }], "nextToken": "more" }))
    });
    let report = json_doctor(&account, &datadog(200), &[], 1);
    let seen = of_log(&report);
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|(_, why)| why.contains(": at least 5 messages in the last hour")), "{seen:?}");
    assert_eq!(account.count("logs:FilterLogEvents"), 4 * 5);
}

#[test]
fn turned_off_it_is_not_read() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    account.group(OWN_GROUP);
    write(&account, OWN_GROUP, "fluent-bit-a-shop", &[DENIED], 10);
    let kubectl = cluster(&[]);
    let run = |code: i32| {
        let said = doctor(&account, &datadog, Some(&kubectl), &["--output", "json"], code);
        of_log(&serde_json::from_str(&said).unwrap())
    };
    let seen = run(0);
    let why = "messages: not checked: `flb_log_cw` in the ConfigMap aws-logging is not \"true\"";
    assert_eq!(seen, [("skipped".to_owned(), why.to_owned())]);
    assert_eq!(account.count("logs:FilterLogEvents"), 0);
    let mut map: Value = serde_json::from_slice(&std::fs::read(kubectl.file("configmap.json")).unwrap()).unwrap();
    map["data"]["flb_log_cw"] = json!("true");
    kubectl.write("configmap.json", format!("{map:#}"));
    assert_eq!(run(1)[0].0, "wrong");
}

/// Logging that is on and silent: no permission, or no way out of the subnet.
#[test]
fn what_the_config_map_names_and_nothing_wrote() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let kubectl = cluster(&[]);
    let mut map: Value = serde_json::from_slice(&std::fs::read(kubectl.file("configmap.json")).unwrap()).unwrap();
    let output = map["data"]["output.conf"].as_str().unwrap().replace("/eks/prod", "/eks/silent");
    map["data"] = json!({ "flb_log_cw": "true", "output.conf": output });
    kubectl.write("configmap.json", format!("{map:#}"));
    let said = doctor(&account, &datadog, Some(&kubectl), &["--output", "json"], 1);
    let seen = of_log(&serde_json::from_str(&said).unwrap());
    let unknown = |why: &str| ("unknown".to_owned(), why.to_owned());
    assert_eq!(
        seen,
        [
            unknown(
                "log group /eks/silent: the ConfigMap aws-logging names it, and it does not exist: Fluent Bit has not written a log there yet"
            ),
            unknown(
                "messages: `flb_log_cw` is on, but no log group has Fluent Bit's own log: perhaps it may not write, or does not reach \
                 CloudWatch Logs"
            ),
        ]
    );
}
