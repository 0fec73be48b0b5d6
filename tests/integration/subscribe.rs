//! `podferry subscribe` and `unsubscribe`, the real command, against moto.

use std::process::Output;

use super::InAccount;
use serde_json::{Value, json};
use testkit::moto::{Fault, REGION, TestAccount};

/// A function, groups `/eks/0` and so on, and the account has no policy (of which moto knows nothing).
struct Stage {
    account: TestAccount,
    function: String,
}

impl Stage {
    fn start(groups: usize) -> Option<Stage> {
        let account = TestAccount::start()?;
        let function = account.function("podferry-Forwarder-1A", &json!({}));
        for number in 0..groups {
            account.group(&format!("/eks/{number}"));
        }
        account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
        Some(Stage { account, function })
    }

    fn filters(&self, group: &str) -> Value {
        let answer = self.account.logs("DescribeSubscriptionFilters", &json!({ "logGroupName": group }));
        let all = answer["subscriptionFilters"].as_array().unwrap().iter();
        all.map(|filter| json!([filter["filterName"], filter["filterPattern"], filter["destinationArn"]])).collect()
    }

    fn put(&self, group: &str, name: &str, pattern: &str, destination: &str) {
        let body = json!({ "logGroupName": group, "filterName": name, "filterPattern": pattern, "destinationArn": destination });
        self.account.logs("PutSubscriptionFilter", &body);
    }

    /// The statements of the function's policy.
    fn statements(&self) -> Vec<Value> {
        let path = "/2015-03-31/functions/podferry-Forwarder-1A/policy";
        let answer = self.account.rest("lambda", "GET", path, &Value::Null);
        let policy: Value = serde_json::from_str(answer["Policy"].as_str().unwrap()).unwrap();
        policy["Statement"].as_array().unwrap().clone()
    }

    fn run(&self, arguments: &[&str], code: i32) -> String {
        let output = self.account.podferry(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        format!("{out}{err}")
    }

    fn json(&self, arguments: &[&str], code: i32) -> Value {
        let output: Output = self.account.podferry(&[arguments, &["--output", "json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Words of the plan: what is done with which group.
fn whats(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    report["rows"].as_array().unwrap().iter().map(|row| (text(&row["subject"]), text(&row["what"]))).collect()
}

#[test]
fn groups_are_subscribed_once() {
    let Some(stage) = Stage::start(3) else { return };
    let shown = stage.run(&["subscribe", "/eks/0", "--pattern", "/*/0", "--prefix", "/eks/1", "--yes"], 0);
    assert!(shown.contains("3 to create") && shown.contains("3 changes made"), "{shown}");
    let ours = json!([["podferry", "", stage.function]]);
    assert_eq!(
        (stage.filters("/eks/0"), stage.filters("/eks/1"), stage.filters("/eks/2")),
        (ours.clone(), ours, json!([]))
    );
    let statements = stage.statements();
    assert_eq!(statements.len(), 1);
    let condition = &statements[0]["Condition"];
    let source = format!("arn:aws:logs:{REGION}:{}:log-group:*", stage.account.id);
    assert_eq!(condition["ArnLike"]["AWS:SourceArn"], source.as_str());
    assert_eq!(condition["StringEquals"]["AWS:SourceAccount"], stage.account.id.as_str());
    // The permission was there before the first filter.
    let actions = stage.account.take_actions();
    let at = |action: &str| actions.iter().position(|one| one == action).unwrap();
    assert!(at("lambda:AddPermission") < at("logs:PutSubscriptionFilter"), "{actions:?}");
    // A second time there is nothing to do; a third group needs no second permission.
    assert!(stage.run(&["subscribe", "/eks/0", "/eks/1"], 0).contains("3 to leave."));
    stage.run(&["subscribe", "/eks/2", "--yes"], 0);
    assert_eq!(stage.statements().len(), 1);
    let writes = stage.account.take_actions();
    assert_eq!(
        writes.iter().filter(|action| action.contains(":Put") || action.contains(":Add")).count(),
        1,
        "{writes:?}"
    );
}

#[test]
fn a_dry_run_and_no_terminal_change_nothing() {
    let Some(stage) = Stage::start(1) else { return };
    let shown = stage.run(&["subscribe", "/eks/0", "--dry-run"], 0);
    assert!(shown.contains("2 to create. Nothing was changed: this is a dry run."), "{shown}");
    let refused = stage.run(&["subscribe", "/eks/0"], 2);
    assert!(refused.contains("give --yes"), "{refused}");
    let report = stage.json(&["subscribe", "/eks/0", "--dry-run"], 0);
    assert_eq!((&report["dry_run"], &report["rows"][1]["done"]), (&json!(true), &json!(false)));
    assert_eq!(stage.filters("/eks/0"), json!([]));
    let actions = stage.account.take_actions();
    assert!(!actions.iter().any(|action| action.contains(":Put") || action.contains(":Add")), "{actions:?}");
}

#[test]
fn a_centralised_group_says_where_its_logs_came_from() {
    let Some(stage) = Stage::start(1) else { return };
    stage.put("/eks/0", "stack-Subscription-X", "ERROR", &stage.function);
    let report = stage.json(&["subscribe", "/eks/0", "--emit-system-fields", "--dry-run"], 0);
    let change = "events matching ERROR → events matching ERROR, with @aws.account and @aws.region";
    assert_eq!(report["rows"][1]["detail"], change, "{report:#}");
    let refused = stage.run(&["subscribe", "--whole-account", "--emit-system-fields"], 2);
    assert!(refused.contains("cannot be used with"), "{refused}");
}

#[test]
fn a_pattern_of_a_filter_is_changed_only_if_one_is_given() {
    let Some(stage) = Stage::start(1) else { return };
    stage.put("/eks/0", "stack-Subscription-X", "ERROR", &stage.function);
    stage.run(&["subscribe", "/eks/0", "--yes"], 0);
    assert_eq!(stage.filters("/eks/0"), json!([["stack-Subscription-X", "ERROR", stage.function]]));
    let report = stage.json(&["subscribe", "/eks/0", "--yes", "--filter-pattern", ""], 0);
    assert_eq!(report["rows"][1]["detail"], "events matching ERROR → all events");
    assert_eq!(report["rows"][1]["done"], true);
    assert_eq!(stage.filters("/eks/0"), json!([["stack-Subscription-X", "", stage.function]]));
}

#[test]
fn conflicts_are_told_and_the_rest_is_done() {
    let Some(stage) = Stage::start(3) else { return };
    let other = stage.account.function("other", &json!({}));
    stage.put("/eks/0", "a", "", &other);
    stage.put("/eks/0", "b", "", &other);
    stage.put("/eks/1", "podferry", "", &other);
    stage.account.group("/aws/lambda/podferry-Forwarder-1A");
    let report = stage.json(&["subscribe", "--pattern", "*", "/eks/none", "--yes"], 1);
    let whats = whats(&report);
    let what = |subject: &str| whats.iter().find(|(one, _)| one == subject).unwrap().1.as_str();
    assert_eq!((what("/eks/0"), what("/eks/1"), what("/eks/2")), ("conflict", "conflict", "create"));
    assert_eq!((what("/eks/none"), what("/aws/lambda/podferry-Forwarder-1A")), ("conflict", "leave out"));
    let shown = report.to_string();
    assert!(
        shown.contains("already has 2 filters") && shown.contains("--filter-name") && shown.contains("endlessly"),
        "{shown}"
    );
    // Nothing that leads elsewhere was touched.
    assert_eq!(stage.filters("/eks/1"), json!([["podferry", "", other]]));
    assert_eq!(stage.filters("/eks/2"), json!([["podferry", "", stage.function]]));
    stage.run(&["subscribe", "/eks/1", "--filter-name", "podferry-eu", "--yes"], 0);
    assert_eq!(stage.filters("/eks/1").as_array().unwrap().len(), 2);
    // Who names it gets a refusal.
    let refused = stage.run(&["subscribe", "/aws/lambda/podferry-Forwarder-1A", "--yes"], 1);
    assert!(refused.contains("1 conflict"), "{refused}");
}

#[test]
fn a_class_that_takes_no_filter() {
    let Some(stage) = Stage::start(0) else { return };
    stage.account.stand_in("logs:DescribeLogGroups", |_| {
        (200, json!({ "logGroups": [{ "logGroupName": "/rare", "logGroupClass": "INFREQUENT_ACCESS", "storedBytes": 1 }] }))
    });
    stage.account.stand_in("logs:DescribeSubscriptionFilters", |_| (200, json!({ "subscriptionFilters": [] })));
    let shown = stage.run(&["subscribe", "/rare", "--yes"], 1);
    assert!(shown.contains("INFREQUENT_ACCESS"), "{shown}");
    assert_eq!(stage.account.count("logs:PutSubscriptionFilter"), 0);
}

#[test]
fn more_groups_than_a_page_and_than_aws_takes_at_once() {
    let Some(stage) = Stage::start(61) else { return };
    stage.account.fault("logs:DescribeLogGroups", Fault::Throttled, 1);
    stage.account.fault("logs:DescribeSubscriptionFilters", Fault::Throttled, 3);
    stage.account.fault("logs:PutSubscriptionFilter", Fault::Throttled, 4);
    stage.account.fault("lambda:AddPermission", Fault::Other(429, "TooManyRequestsException", "Rate exceeded"), 1);
    let report = stage.json(&["subscribe", "--prefix", "/eks/", "--yes"], 0);
    assert_eq!(report["rows"].as_array().unwrap().iter().filter(|row| row["done"] == true).count(), 62);
    assert_eq!(stage.account.count("logs:PutSubscriptionFilter"), 65);
    assert!(stage.run(&["unsubscribe", "--all", "--yes"], 0).contains("62 changes made"));
    assert_eq!(stage.filters("/eks/60"), json!([]));
}

#[test]
fn a_permission_takes_a_moment_until_it_counts() {
    let Some(stage) = Stage::start(1) else { return };
    let message = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.";
    let fault = Fault::Other(400, "InvalidParameterException", message);
    stage.account.fault("logs:PutSubscriptionFilter", fault, 1);
    stage.run(&["subscribe", "/eks/0", "--yes"], 0);
    assert_eq!(stage.account.count("logs:PutSubscriptionFilter"), 2);
    // Where the permission is old, it is something else.
    stage.account.fault("logs:PutSubscriptionFilter", fault, 1);
    let failed = stage.run(&["subscribe", "/eks/0", "--filter-pattern", "E", "--yes"], 2);
    assert!(failed.contains("Could not execute"), "{failed}");
}

#[test]
fn a_missing_permission_is_named() {
    let Some(stage) = Stage::start(2) else { return };
    let denied = |action: &str, arguments: &[&str]| {
        stage.account.fault(action, Fault::Denied, usize::MAX);
        let said = stage.run(arguments, 2);
        stage.account.fault(action, Fault::Denied, 0);
        assert!(said.contains(&format!("Allow {action} on ")), "{action}: {said}");
        said
    };
    let subscribe = ["subscribe", "--prefix", "/eks/", "--tag", "a", "--yes"];
    for action in [
        "lambda:ListFunctions",
        "lambda:GetFunctionConfiguration",
        "logs:DescribeLogGroups",
        "logs:ListTagsForResource",
    ] {
        denied(action, &subscribe);
    }
    let subscribe = ["subscribe", "/eks/0", "/eks/1", "--yes"];
    for action in ["logs:DescribeSubscriptionFilters", "lambda:GetPolicy"] {
        denied(action, &subscribe);
    }
    let said = denied("lambda:AddPermission", &subscribe);
    assert!(said.contains(&stage.function), "{said}");
    // Without the permission no filter was tried.
    assert_eq!(stage.account.count("logs:PutSubscriptionFilter"), 0);
    let said = denied("logs:PutSubscriptionFilter", &subscribe);
    assert!(said.contains("log-group:/eks/0:*") && said.contains("log-group:/eks/1:*"), "{said}");
    stage.run(&subscribe, 0);
    denied("logs:DeleteSubscriptionFilter", &["unsubscribe", "/eks/0", "--yes"]);
    assert_eq!(stage.statements().len(), 1);
    // What is only good to know does not stop it.
    stage.account.fault("logs:DescribeAccountPolicies", Fault::Denied, usize::MAX);
    let said = stage.run(&subscribe, 0);
    assert!(said.contains("warning: ") && said.contains("Allow logs:DescribeAccountPolicies"), "{said}");
}

#[test]
fn credentials_and_places_that_are_wrong() {
    let Some(stage) = Stage::start(1) else { return };
    stage.account.fault("sts:GetCallerIdentity", Fault::Expired, usize::MAX);
    let said = stage.run(&["subscribe", "/eks/0"], 2);
    assert!(said.contains("aws sso login") && said.contains("ExpiredTokenException"), "{said}");
    stage.account.fault("sts:GetCallerIdentity", Fault::Expired, 0);
    let refused = |arguments: &[&str], part: &str| {
        let said = stage.run(arguments, 2);
        assert!(said.contains(part), "{arguments:?}: {said}");
    };
    refused(&["subscribe"], "choose log groups");
    refused(&["subscribe", "/eks/*"], "--pattern");
    refused(&["subscribe", "arn:aws:logs:us-east-1:111122223333:log-group:/eks/0:*"], "its own account and region");
    refused(&["subscribe", "arn:aws:s3:::x"], "not the ARN of a log group");
    let elsewhere = "arn:aws:lambda:us-east-1:111122223333:function:x";
    refused(&["subscribe", "/eks/0", "--function", elsewhere], "its own account and region");
    refused(&["subscribe", "/eks/0", "--function", "a b"], "neither a function name");
    refused(&["subscribe", "/eks/0", "--function", "no-such"], "not found");
    refused(&["subscribe", "--prefix", "/nothing"], "--prefix /nothing");
    refused(&["subscribe", "/eks/0", "--endpoint-url", "ftp://x"], "--endpoint-url");
    stage.account.function("podferry-Forwarder-2B", &json!({}));
    refused(&["subscribe", "/eks/0"], "podferry-Forwarder-1A, podferry-Forwarder-2B");
    let arn = format!("arn:aws:logs:{REGION}:{}:log-group:/eks/0:*", stage.account.id);
    stage.run(&["subscribe", &arn, "--function", &stage.function, "--yes"], 0);
}

#[test]
fn without_region_or_credentials() {
    let Some(stage) = Stage::start(0) else { return };
    let mut command = stage.account.podferry_command(&["subscribe", "/a"]);
    let said = text(&command.env_remove("AWS_REGION").output().unwrap().stderr);
    assert!(said.contains("no AWS region: give --region"), "{said}");
    let mut command = stage.account.podferry_command(&["subscribe", "/a"]);
    let output = command.env_remove("AWS_ACCESS_KEY_ID").output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("no AWS credentials found"), "{said}");
}

#[test]
fn an_empty_account() {
    let Some(account) = TestAccount::start() else { return };
    for arguments in [&["subscribe", "--prefix", "/"], &["unsubscribe", "--prefix", "/"]] {
        let output = account.podferry(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains("no function in account") && said.contains("scripts/deploy"), "{said}");
    }
}

#[test]
fn tags_choose() {
    let Some(stage) = Stage::start(3) else { return };
    for (number, tags) in [(0, json!({ "team": "a" })), (1, json!({ "team": "b", "x": "" }))] {
        let arn = format!("arn:aws:logs:{REGION}:{}:log-group:/eks/{number}", stage.account.id);
        stage.account.logs("TagResource", &json!({ "resourceArn": arn, "tags": tags }));
    }
    let chosen = |tags: &[&str]| {
        let report = stage.json(&[&["subscribe", "--dry-run"], tags].concat(), 0);
        whats(&report).into_iter().map(|(subject, _)| subject).filter(|one| one.starts_with('/')).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--tag", "team=a"]), ["/eks/0"]);
    assert_eq!(chosen(&["--tag", "team"]), ["/eks/0", "/eks/1"]);
    assert_eq!(chosen(&["--tag", "team", "--tag", "x="]), ["/eks/1"]);
}

#[test]
fn unsubscribe_takes_back_what_is_ours() {
    let Some(stage) = Stage::start(3) else { return };
    let other = stage.account.function("other", &json!({}));
    stage.put("/eks/0", "other", "", &other);
    stage.run(&["subscribe", "--prefix", "/eks/", "--yes"], 0);
    let permission =
        json!({ "StatementId": "mine", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com" });
    stage.account.rest("lambda", "POST", "/2015-03-31/functions/podferry-Forwarder-1A/policy", &permission);
    let shown = stage.run(&["unsubscribe", "/eks/0", "/eks/none", "--yes"], 0);
    assert!(shown.contains("needed by filter"), "{shown}");
    assert_eq!((stage.filters("/eks/0"), stage.statements().len()), (json!([["other", "", other]]), 2));
    assert!(stage.run(&["unsubscribe", "--all", "--dry-run"], 0).contains("3 to delete"));
    stage.run(&["unsubscribe", "--all", "--yes"], 0);
    assert_eq!((stage.filters("/eks/1"), stage.filters("/eks/2")), (json!([]), json!([])));
    let left = stage.statements();
    assert_eq!((left.len(), &left[0]["Sid"]), (1, &json!("mine")));
    assert!(stage.run(&["unsubscribe", "--all"], 0).contains("nothing to do"));
}

/// The account's policy as a stand-in keeps it.
pub(super) fn keep_policy(account: &TestAccount, stands: Value) -> std::sync::Arc<std::sync::Mutex<Value>> {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(stands));
    let (read, written, deleted) = (kept.clone(), kept.clone(), kept.clone());
    account.stand_in("logs:DescribeAccountPolicies", move |asked| {
        assert_eq!(asked["policyType"], "SUBSCRIPTION_FILTER_POLICY");
        let stands = read.lock().unwrap().clone();
        (200, json!({ "accountPolicies": if stands.is_null() { json!([]) } else { json!([stands]) } }))
    });
    account.stand_in("logs:PutAccountPolicy", move |body| {
        *written.lock().unwrap() = body.clone();
        (200, json!({ "accountPolicy": body }))
    });
    account.stand_in("logs:DeleteAccountPolicy", move |_| {
        *deleted.lock().unwrap() = Value::Null;
        (200, json!({}))
    });
    kept
}

#[test]
fn the_whole_account_by_one_policy() {
    let Some(stage) = Stage::start(3) else { return };
    let kept = keep_policy(&stage.account, Value::Null);
    // A group that has a filter already would be sent twice.
    stage.run(&["subscribe", "/eks/1", "--yes"], 0);
    stage.run(&["subscribe", "--whole-account", "--yes", "--filter-pattern", "-debug"], 0);
    let policy = kept.lock().unwrap().clone();
    assert_eq!(policy["selectionCriteria"], r#"LogGroupName NOT IN ["/aws/lambda/podferry-Forwarder-1A", "/eks/1"]"#);
    assert_eq!((&policy["scope"], &policy["policyName"]), (&json!("ALL"), &json!("podferry")));
    let document: Value = serde_json::from_str(policy["policyDocument"].as_str().unwrap()).unwrap();
    assert_eq!(document, json!({ "DestinationArn": stage.function, "FilterPattern": "-debug" }));
    assert!(stage.run(&["subscribe", "--whole-account"], 0).contains("2 to leave"));
    // The old spelling.
    assert!(stage.run(&["subscribe", "--account"], 0).contains("2 to leave"));
    // And a filter for a group that the policy has is refused.
    assert!(stage.run(&["subscribe", "/eks/0", "--yes"], 1).contains("1 conflict"));
    assert_eq!(stage.filters("/eks/0"), json!([]));
    let shown = stage.run(&["unsubscribe", "/eks/1", "--yes"], 0);
    assert!(shown.contains("needed by account policy"), "{shown}");
    assert!(stage.run(&["unsubscribe", "--account", "--dry-run"], 0).contains("2 to delete"));
    stage.run(&["unsubscribe", "--whole-account", "--yes"], 0);
    assert_eq!((kept.lock().unwrap().clone(), stage.account.count("lambda:RemovePermission")), (Value::Null, 1));
}

#[test]
fn a_policy_of_somebody_else_is_not_touched() {
    let Some(stage) = Stage::start(0) else { return };
    let document = json!({ "DestinationArn": "arn:aws:kinesis:eu-west-1:1:stream/x" }).to_string();
    let kept = keep_policy(&stage.account, json!({ "policyName": "all", "policyDocument": document }));
    let before = kept.lock().unwrap().clone();
    assert!(stage.run(&["subscribe", "--whole-account", "--yes"], 1).contains("has another destination"));
    assert!(stage.run(&["unsubscribe", "--whole-account", "--yes"], 0).contains("another destination"));
    assert_eq!(*kept.lock().unwrap(), before);
    stage.account.fault("logs:DescribeAccountPolicies", Fault::Denied, usize::MAX);
    assert!(stage.run(&["subscribe", "--whole-account", "--yes"], 2).contains("Allow logs:DescribeAccountPolicies"));
}

#[test]
fn a_statement_of_an_alias_that_allows_something_else() {
    let Some(stage) = Stage::start(1) else { return };
    let functions = "/2015-03-31/functions/podferry-Forwarder-1A";
    stage.account.rest("lambda", "POST", &format!("{functions}/versions"), &json!({}));
    stage.account.rest(
        "lambda",
        "POST",
        &format!("{functions}/aliases"),
        &json!({ "Name": "live", "FunctionVersion": "1" }),
    );
    let statement = json!({
        "Sid": "podferry-logs", "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" }, "Action": "lambda:InvokeFunction",
    });
    let policy = json!({ "Statement": [statement] }).to_string();
    stage.account.stand_in("lambda:GetPolicy", move |_| (200, json!({ "Policy": policy })));
    let shown = stage.run(&["subscribe", "/eks/0", "--function", "podferry-Forwarder-1A:live", "--yes"], 2);
    let name = "--function-name podferry-Forwarder-1A --qualifier live";
    let remove = format!("`aws lambda remove-permission {name} --statement-id podferry-logs --region eu-west-1`");
    assert!(
        shown.contains(&format!("`aws lambda get-policy {name} --region eu-west-1`")) && shown.contains(&remove),
        "{shown}"
    );
}
