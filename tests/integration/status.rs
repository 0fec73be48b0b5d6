//! `podferry status`, the real command, against moto.

use std::future::ready;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{InAccount, PODFERRY};
use serde_json::{Value, json};
use testkit::http::{HttpServer, answer, header};
use testkit::moto::{Fault, TestAccount};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What CloudWatch has counted: of the function, and the ages of the queues.
pub(super) fn metrics(account: &TestAccount, function: [f64; 3], ages: &[f64]) {
    let names = ["invocations", "errors", "throttles"].into_iter().map(str::to_owned);
    let ages = ages.iter().enumerate().map(|(number, age)| (format!("age{number}"), *age));
    let results: Vec<Value> = names
        .zip(function)
        .chain(ages)
        .map(|(id, value)| json!({ "Id": id, "Values": [value], "StatusCode": "Complete" }))
        .collect();
    account.stand_in("cloudwatch:GetMetricData", move |_| (200, json!({ "MetricDataResults": results })));
}

/// A stream with an event of some hours ago.
pub(super) fn written(account: &TestAccount, group: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    // In the middle of an hour of age, so that the tests may take their time.
    let hours_ago = i64::try_from(now).unwrap() - (3 * 60 + 30) * 60_000;
    account.logs("CreateLogStream", &json!({ "logGroupName": group, "logStreamName": "s" }));
    let events = json!([{ "timestamp": hours_ago, "message": "geheimer-text" }]);
    account.logs("PutLogEvents", &json!({ "logGroupName": group, "logStreamName": "s", "logEvents": events }));
}

/// A function with both queues, and `/eks/0` and so on subscribed to it; `/other` is not.
fn stage(groups: usize) -> Option<TestAccount> {
    let account = TestAccount::start()?;
    let dead = account.sqs("CreateQueue", &json!({ "QueueName": "podferry-dead" }))["QueueUrl"].clone();
    let arn = |queue: &str| format!("arn:aws:sqs:eu-west-1:{}:{queue}", account.id);
    let redrive = json!({ "deadLetterTargetArn": arn("podferry-dead"), "maxReceiveCount": 5 }).to_string();
    let waiting = json!({ "QueueName": "podferry-undelivered", "Attributes": { "RedrivePolicy": redrive } });
    let waiting = account.sqs("CreateQueue", &waiting)["QueueUrl"].clone();
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    let variables = json!({
        "DD_API_KEY_SSM_NAME": "/key", "PODFERRY_UNDELIVERED_QUEUE_URL": waiting, "PODFERRY_DEAD_LETTER_QUEUE_URL": dead,
    });
    account.forwarder("podferry-Forwarder-1A", &variables);
    let mapping = json!({ "FunctionName": "podferry-Forwarder-1A", "EventSourceArn": arn("podferry-undelivered"), "Enabled": true });
    account.rest("lambda", "POST", "/2015-03-31/event-source-mappings", &mapping);
    for number in 0..groups {
        let name = format!("/eks/{number}");
        account.group(&name);
        written(&account, &name);
        account.logs("PutRetentionPolicy", &json!({ "logGroupName": name, "retentionInDays": 7 }));
    }
    account.group("/other");
    if groups > 0 {
        let output = account.podferry(&["subscribe", "--prefix", "/eks/", "--yes"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    metrics(&account, [12.0, 0.0, 0.0], &[]);
    Some(account)
}

fn status(account: &TestAccount, arguments: &[&str], code: i32) -> String {
    let mut command = account.podferry_command(&[&["status"], arguments].concat());
    let output = command.env("LANG", "C.UTF-8").output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("geheim"), "{said}");
    said.replace(&account.id, "111122223333")
}

fn json_status(account: &TestAccount, code: i32) -> Value {
    serde_json::from_str(&status(account, &["--output", "json"], code)).unwrap()
}

#[test]
fn all_is_well() {
    let Some(account) = stage(2) else { return };
    let expected = "\
function arn:aws:lambda:eu-west-1:111122223333:function:podferry-Forwarder-1A
account 111122223333, region eu-west-1
last hour: 12 invocations, 0 failed, 0 throttled
last 24 hours: no metrics
events that Lambda gives up on go to arn:aws:s3:::podferry-failed
┌───────────┬─────────────────────────┬───────────┬────────┬────────────┐
│ log group ┆ filter → destination    ┆ retention ┆ stored ┆ last event │
╞═══════════╪═════════════════════════╪═══════════╪════════╪════════════╡
│ /eks/0    ┆ podferry → the function ┆ 7 d       ┆ 13 B   ┆ 3 h ago    │
│ /eks/1    ┆ podferry → the function ┆ 7 d       ┆ 13 B   ┆ 3 h ago    │
└───────────┴─────────────────────────┴───────────┴────────┴────────────┘
┌──────────────────────┬──────────────────┬─────────┬─────────┬────────┐
│ queue                ┆ holds            ┆ visible ┆ delayed ┆ oldest │
╞══════════════════════╪══════════════════╪═════════╪═════════╪════════╡
│ podferry-undelivered ┆ undelivered logs ┆ 0       ┆ 0       ┆ –      │
│ podferry-dead        ┆ dead letters     ┆ 0       ┆ 0       ┆ –      │
└──────────────────────┴──────────────────┴─────────┴─────────┴────────┘
nothing is wrong
";
    assert_eq!(status(&account, &[], 0), expected);
    assert!(status(&account, &["/other"], 1).contains("→ podferry subscribe /other --function podferry-Forwarder-1A"));
    // A terminal that shows no more than ASCII.
    let output = account.podferry_command(&["status", "/eks/0", "/other"]).env("LANG", "C").output().unwrap();
    let shown = text(&output.stdout);
    assert!(shown.is_ascii() && shown.contains("| podferry -> the function |"), "{shown}");
    assert!(shown.contains("         -> podferry subscribe /other "), "{shown}");
    let arguments = ["/other", "--region", "eu-west-1", "--function", "podferry-Forwarder-1A:$LATEST"];
    let advice = "→ podferry subscribe /other --function podferry-Forwarder-1A --region eu-west-1\n";
    assert!(status(&account, &arguments, 1).contains(advice));
}

#[test]
fn the_last_24_hours_as_bars() {
    let Some(account) = stage(1) else { return };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let hour = |ago: u64| now / 3600 * 3600 - ago * 3600;
    let row = |id: &str, values: &[(u64, f64)]| {
        let (times, values): (Vec<u64>, Vec<f64>) = values.iter().map(|(ago, value)| (hour(*ago), *value)).unzip();
        json!({ "Id": id, "Timestamps": times, "Values": values, "StatusCode": "Complete" })
    };
    let delivered: Vec<(u64, f64)> = (0..22).map(|ago| (ago, if ago == 3 { 700.0 } else { 100.0 })).collect();
    // A result for each cluster.
    let rows = [
        row("invocations", &[(0, 12.0)]),
        row("delivered", &delivered[..4]),
        row("delivered", &delivered[4..]),
        row("waiting0", &[(5, 2.0), (4, 0.0)]),
        row("waiting1", &[(5, 1.0)]),
    ];
    account.stand_in("cloudwatch:GetMetricData", move |_| (200, json!({ "MetricDataResults": rows })));
    let shown = status(&account, &["/eks/0"], 0);
    let expected = "\
last 24 hours, a bar an hour up to now; blank where CloudWatch has no data
  delivered │  ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂█▂▂▂│ 2800 logs
  waiting   │                  █▁    │ 3 messages at most
  dead      │                        │ no data
";
    assert!(shown.contains(expected), "{shown}");
    let output = account.podferry_command(&["status", "/eks/0"]).env("LANG", "C").output().unwrap();
    let ascii = text(&output.stdout);
    assert!(
        ascii.is_ascii() && ascii.contains("  waiting   |                  #_    | 3 messages at most\n"),
        "{ascii}"
    );
    let report = json_status(&account, 0);
    let day = &report["last_day"];
    assert_eq!((&day["start_ms"], &day["period_seconds"]), (&json!(hour(23) * 1000), &json!(3600)));
    assert_eq!(
        (&day["delivered"][0], &day["delivered"][23], &day["waiting"][18]),
        (&Value::Null, &json!(100.0), &json!(3.0))
    );
}

#[test]
fn what_is_wrong_comes_with_what_to_do() {
    let Some(account) = stage(1) else { return };
    for queue in ["podferry-undelivered", "podferry-dead"] {
        let url = account.sqs("GetQueueUrl", &json!({ "QueueName": queue }))["QueueUrl"].clone();
        account.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "geheim" }));
    }
    account.rest("lambda", "DELETE", "/2015-03-31/functions/podferry-Forwarder-1A/policy/podferry-logs", &Value::Null);
    metrics(&account, [12.0, 3.0, 4.0], &[7260.0, 60.0]);
    let shown = status(&account, &[], 1);
    for part in [
        "wrong    function podferry-Forwarder-1A: 3 of 12 invocations failed in the last hour\n         → read its log: `aws logs tail",
        "4 invocations were throttled",
        "wrong    log group /eks/0: CloudWatch Logs may not invoke the function for it, so its logs do not arrive\n         → podferry subscribe /eks/0 --function podferry-Forwarder-1A\n",
        "wrong    queue podferry-undelivered: Datadog has not accepted the logs of 1 message, the oldest for 121 minutes",
        "wrong    queue podferry-dead: it holds 1 dead letter and needs attention: SQS deletes dead letters after 4 days\n         → podferry redrive --function podferry-Forwarder-1A\n",
        "│ podferry-undelivered ┆ undelivered logs ┆ 1       ┆ 0       ┆ 2 h    │",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let report = json_status(&account, 1);
    assert_eq!(report["last_hour"], json!({ "invocations": 12, "errors": 3, "throttles": 4 }));
    assert_eq!(report["queues"][0]["oldest_seconds"], 7260);
    assert_eq!(report["queues"][1]["messages"], json!({ "visible": 1, "hidden": 0, "delayed": 0 }));
    assert_eq!(report["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "wrong").count(), 5);
}

#[test]
fn what_may_not_be_read_is_said_and_stops_nothing() {
    let Some(account) = stage(1) else { return };
    let actions = [
        "logs:DescribeSubscriptionFilters",
        "logs:DescribeLogStreams",
        "logs:DescribeAccountPolicies",
        "lambda:GetPolicy",
        "lambda:GetFunctionEventInvokeConfig",
        "lambda:ListEventSourceMappings",
        "sqs:GetQueueAttributes",
        "cloudwatch:GetMetricData",
    ];
    for action in actions {
        account.fault(action, Fault::Denied, usize::MAX);
        let shown = status(&account, &[], 1);
        account.fault(action, Fault::Denied, 0);
        assert!(shown.contains("unknown  ") && shown.contains(&format!("allow {action} on ")), "{action}: {shown}");
        assert!(shown.contains("/eks/0"), "{action}: {shown}");
    }
    for action in actions {
        account.fault(action, Fault::Denied, usize::MAX);
    }
    let report = json_status(&account, 1);
    let group = report["log_groups"].as_array().unwrap().iter().find(|one| one["name"] == "/eks/0").unwrap();
    assert!(group["filters"]["error"].as_str().unwrap().contains("AccessDeniedException"));
    assert!(report["queues"][0]["messages"]["error"].is_string() && report["last_hour"]["error"].is_string());
    assert!(report["last_day"]["error"].is_string());
    assert!(status(&account, &[], 1).contains("last 24 hours: unknown\n"));
}

#[test]
fn more_groups_than_a_page_and_throttling() {
    let Some(account) = stage(0) else { return };
    for number in 0..60 {
        account.group(&format!("/many/{number}"));
    }
    account.fault("logs:DescribeSubscriptionFilters", Fault::Throttled, 2);
    account.fault("logs:DescribeLogStreams", Fault::Throttled, 2);
    account.fault("cloudwatch:GetMetricData", Fault::Throttled, 1);
    let shown = status(&account, &["--prefix", "/many/"], 1);
    assert_eq!(shown.matches("it is not subscribed").count(), 60);
    assert!(shown.contains("log group /many/0 and 59 more: nothing was ever written to it"), "{shown}");
}

#[test]
fn a_dead_letter_queue_that_only_the_redrive_policy_names() {
    let Some(account) = TestAccount::start() else { return };
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    metrics(&account, [0.0; 3], &[]);
    account.sqs("CreateQueue", &json!({ "QueueName": "dead" }));
    let policy =
        json!({ "deadLetterTargetArn": format!("arn:aws:sqs:eu-west-1:{}:dead", account.id), "maxReceiveCount": 5 });
    let attributes = json!({ "RedrivePolicy": policy.to_string() });
    let made = account.sqs("CreateQueue", &json!({ "QueueName": "waiting", "Attributes": attributes }));
    account.function("podferry", &json!({ "PODFERRY_UNDELIVERED_QUEUE_URL": made["QueueUrl"] }));
    let shown = status(&account, &[], 1);
    assert!(shown.contains("│ dead    ┆ dead letters"), "{shown}");
    assert!(shown.contains("no log group is subscribed to it"), "{shown}");
}

#[test]
fn nothing_there() {
    let Some(account) = TestAccount::start() else { return };
    assert!(status(&account, &[], 2).contains("no function in account"));
    account.function("podferry", &json!({}));
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    metrics(&account, [0.0; 3], &[]);
    let shown = status(&account, &[], 1);
    assert!(shown.contains("so it gets no logs") && shown.contains("no queue for undelivered logs"), "{shown}");
    assert!(status(&account, &["--prefix", "/x"], 2).contains("matches --prefix /x"));
    assert!(status(&account, &["/x"], 1).contains("this log group does not exist"));
    account.fault("logs:DescribeLogGroups", Fault::Denied, usize::MAX);
    let shown = status(&account, &[], 1);
    assert!(shown.contains("unknown  log groups: ") && shown.contains("allow logs:DescribeLogGroups"), "{shown}");
    assert!(shown.contains("no queue for undelivered logs") && !shown.contains("so it gets no logs"), "{shown}");
    assert!(json_status(&account, 1)["log_groups"]["error"].is_string());
}

#[test]
fn a_profile_decides_the_credentials() {
    let signed = Arc::new(Mutex::new(Vec::new()));
    let kept = signed.clone();
    let aws = HttpServer::start(move |request| {
        kept.lock().unwrap().push(header(request.headers(), "authorization").to_owned());
        ready(Ok(answer(403, "")))
    });
    let folder = std::env::temp_dir().join(format!("podferry-profile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let credentials = "[one]\naws_access_key_id = AKIDONE\naws_secret_access_key = x\n";
    std::fs::write(folder.join("credentials"), credentials).unwrap();
    let config = "[profile one]\nregion = eu-west-3\n\n[profile process]\nregion = eu-west-2\ncredential_process = echo '{\"Version\": 1, \
                  \"AccessKeyId\": \"AKIDPROCESS\", \"SecretAccessKey\": \"x\"}'\n";
    std::fs::write(folder.join("config"), config).unwrap();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(PODFERRY);
        command.args([&["status", "--endpoint-url", &aws.url()], arguments].concat()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", "AKIDVARIABLE").env("AWS_SECRET_ACCESS_KEY", "x");
        command.env("AWS_CONFIG_FILE", folder.join("config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", folder.join("credentials"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        (std::mem::take(&mut *signed.lock().unwrap()).concat(), text(&output.stderr))
    };
    for (profile, key, region) in [("one", "AKIDONE/", "/eu-west-3/"), ("process", "AKIDPROCESS/", "/eu-west-2/")] {
        let (signed, said) = run(&["--profile", profile], &[]);
        assert!(signed.contains(key) && signed.contains(region), "{profile}: {signed} {said}");
    }
    // The SDK's own order, where no flag says otherwise.
    let (by_variable, _) = run(&[], &[("AWS_PROFILE", "one")]);
    assert!(by_variable.contains("AKIDVARIABLE/"), "{by_variable}");
    let (signed, said) = run(&["--profile", "nope"], &[("AWS_REGION", "eu-west-1")]);
    let no_profile = "there is no profile nope in ~/.aws/config or ~/.aws/credentials: there are ";
    assert!(signed.is_empty() && said.contains(no_profile) && said.contains("are one, process"), "{signed} {said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_of_roots_that_is_not_there_stops_the_command() {
    for variable in ["PODFERRY_CA_BUNDLE", "AWS_CA_BUNDLE"] {
        let mut command = Command::new(PODFERRY);
        command.args(["status", "--region", "eu-west-1"]).env_clear().env(variable, "/no/such/file.pem");
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("{variable}: names a file that does not exist")), "{said}");
    }
}

#[test]
fn failed_events_of_an_alias_have_to_be_kept_too() {
    let Some(account) = stage(1) else { return };
    let functions = "/2015-03-31/functions/podferry-Forwarder-1A";
    account.rest("lambda", "POST", &format!("{functions}/versions"), &json!({}));
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    account.rest("lambda", "POST", &format!("{functions}/aliases"), &alias);
    // moto knows no qualifier here. As in AWS: what is set for the function itself does not hold for the alias.
    account.stand_in("lambda:GetFunctionEventInvokeConfig", |query| match query["Qualifier"].as_str() {
        Some(_) => (404, json!({ "__type": "ResourceNotFoundException", "Message": "it has no EventInvokeConfig" })),
        None => {
            let to = json!({ "OnFailure": { "Destination": "arn:aws:s3:::podferry-failed" } });
            (200, json!({ "DestinationConfig": to }))
        }
    });
    let function = "podferry-Forwarder-1A:live";
    let planned = account.podferry(&["subscribe", "/eks/0", "--function", function, "--dry-run"]);
    let command = "aws lambda put-function-event-invoke-config --function-name podferry-Forwarder-1A --qualifier live ";
    let said = text(&planned.stdout);
    assert!(said.contains("warning: ") && said.contains("not for alias live") && said.contains(command), "{said}");
    let ordinary = account.podferry(&["subscribe", "/eks/0", "--function", "podferry-Forwarder-1A", "--dry-run"]);
    assert!(!text(&ordinary.stdout).contains("warning"), "{}", text(&ordinary.stdout));
    assert!(account.podferry(&["subscribe", "/eks/0", "--function", function, "--yes"]).status.success());
    // Whatever is meant of the function: the alias is what CloudWatch Logs invokes.
    for arguments in [&["--function", function][..], &["--function", "podferry-Forwarder-1A"]] {
        let shown = status(&account, arguments, 1);
        assert!(shown.contains("wrong    failed events of alias live: Lambda drops an event"), "{shown}");
        assert!(shown.contains(command), "{shown}");
    }
    account.stand_in("lambda:GetFunctionEventInvokeConfig", |_| {
        (200, json!({ "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:s3:::podferry-failed" } } }))
    });
    let shown = status(&account, &["--function", function], 0);
    assert!(!shown.contains("failed events of"), "{shown}");
    assert!(
        !text(&account.podferry(&["subscribe", "/eks/0", "--function", function, "--dry-run"]).stdout)
            .contains("warning")
    );
    account.fault("lambda:GetFunctionEventInvokeConfig", Fault::Denied, usize::MAX);
    let said = text(&account.podferry(&["subscribe", "/eks/0", "--function", function, "--dry-run"]).stdout);
    assert!(said.contains("warning: could not check whether Lambda keeps events on which alias live fails"), "{said}");
}
