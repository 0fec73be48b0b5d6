//! What `status` and `doctor` advise is followed, against moto: the commands do what they are advised for, and both commands agree.

use std::collections::BTreeSet;

use super::InAccount;
use super::doctor::iam;
use super::status::{metrics, written};
use super::subscribe::keep_policy;
use serde_json::{Value, json};
use testkit::moto::TestAccount;

const NAME: &str = "podferry-Forwarder-1A";

/// A forwarder with which nothing is wrong: `/eks/0` is subscribed to it, `/other` is not.
struct Forwarder {
    account: TestAccount,
    arn: String,
    dead: String,
}

impl Forwarder {
    fn start(account_policy: impl Fn(&str) -> Value) -> Option<Forwarder> {
        let account = TestAccount::start()?;
        let queue = |queue: &str| format!("arn:aws:sqs:eu-west-1:{}:{queue}", account.id);
        let arn = format!("arn:aws:lambda:eu-west-1:{}:function:{NAME}", account.id);
        let dead = account.sqs("CreateQueue", &json!({ "QueueName": "dead" }))["QueueUrl"].as_str().unwrap().to_owned();
        let redrive = json!({ "deadLetterTargetArn": queue("dead"), "maxReceiveCount": 5 }).to_string();
        let waiting = json!({ "QueueName": "waiting", "Attributes": { "RedrivePolicy": redrive } });
        let waiting = account.sqs("CreateQueue", &waiting)["QueueUrl"].clone();
        keep_policy(&account, account_policy(&arn));
        account.forwarder(NAME, &json!({ "DD_API_KEY_SSM_NAME": "/key", "PODFERRY_UNDELIVERED_QUEUE_URL": waiting }));
        // Another one: the advice has to say which is meant.
        account.forwarder("podferry-other", &json!({}));
        let mapping = json!({ "FunctionName": NAME, "EventSourceArn": queue("waiting"), "Enabled": true });
        account.rest("lambda", "POST", "/2015-03-31/event-source-mappings", &mapping);
        for group in ["/eks/0", "/other", "/aws/lambda/podferry-Forwarder-1A"] {
            account.group(group);
            written(&account, group);
            account.logs("PutRetentionPolicy", &json!({ "logGroupName": group, "retentionInDays": 7 }));
        }
        metrics(&account, [12.0, 0.0, 0.0], &[]);
        iam(&account, "allowed");
        let forwarder = Forwarder { account, arn, dead };
        forwarder.run(&["subscribe", "/eks/0", "--function", NAME, "--yes"], 0);
        Some(forwarder)
    }

    fn run(&self, arguments: &[&str], code: i32) -> String {
        let output = self.account.podferry(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn put_filter(&self, group: &str, name: &str, destination: &str) {
        let body =
            json!({ "logGroupName": group, "filterName": name, "filterPattern": "", "destinationArn": destination });
        self.account.logs("PutSubscriptionFilter", &body);
    }

    fn delete_filter(&self, group: &str, name: &str) {
        self.account.logs("DeleteSubscriptionFilter", &json!({ "logGroupName": group, "filterName": name }));
    }

    fn remove_permission(&self) {
        let path = format!("/2015-03-31/functions/{NAME}/policy/podferry-logs");
        self.account.rest("lambda", "DELETE", &path, &Value::Null);
    }

    /// What is wrong, by `status`; `doctor` says the same of what both look at.
    fn wrong(&self, groups: &[&str]) -> Vec<Value> {
        let by = |command: &str, more: &[&str]| {
            let arguments = [&[command, "--function", NAME, "--output", "json"], more, groups].concat();
            let output = self.account.podferry(&arguments);
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let found = report["findings"].as_array().unwrap().clone();
            let is_common =
                |area: &Value| ["Function", "Log groups", "Queues", "Last hour"].iter().any(|common| area == common);
            let found = found.into_iter().filter(|one| is_common(&one["area"]));
            let concern = found.filter(|one| ["wrong", "unknown", "note"].iter().any(|word| one["severity"] == *word));
            concern.collect::<Vec<Value>>()
        };
        let (status, doctor) =
            (by("status", &[]), by("doctor", &["--no-kubectl", "--datadog-url", "https://127.0.0.1:9"]));
        let set = |found: &[Value]| found.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        assert_eq!(set(&status), set(&doctor));
        status.into_iter().filter(|one| one["severity"] != "note").collect()
    }

    /// The commands of podferry in the advice for the only thing that is wrong.
    fn advice(&self, groups: &[&str]) -> Vec<Vec<String>> {
        let wrong = self.wrong(groups);
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        commands(wrong[0]["fix"].as_str().unwrap())
    }

    /// Follows the advice, which fixes what was wrong.
    fn follow(&self, groups: &[&str]) {
        let commands = self.advice(groups);
        assert!(!commands.is_empty());
        for command in commands {
            let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--yes"]).collect();
            self.run(&arguments, 0);
        }
        assert_eq!(self.wrong(groups), Vec::<Value>::new());
    }
}

/// Without quotes: no name here needs them.
fn commands(fix: &str) -> Vec<Vec<String>> {
    let all: Vec<&str> =
        if fix.starts_with("podferry ") { vec![fix] } else { fix.split('`').skip(1).step_by(2).collect() };
    let ours = all.into_iter().filter_map(|command| command.strip_prefix("podferry "));
    ours.map(|command| command.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect()).collect()
}

fn no_policy(_: &str) -> Value {
    Value::Null
}

/// An account policy that leaves out these groups.
fn policy(arn: &str, left_out: &[&str]) -> Value {
    json!({
        "policyName": "all", "policyDocument": json!({ "DestinationArn": arn, "FilterPattern": "" }).to_string(),
        "selectionCriteria": format!("LogGroupName NOT IN {}", json!(left_out)),
    })
}

#[test]
fn nothing_is_wrong_and_no_group_is_subscribed() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    assert_eq!(forwarder.wrong(&[]), Vec::<Value>::new());
    forwarder.follow(&["/other"]);
    forwarder.delete_filter("/other", "podferry");
    forwarder.delete_filter("/eks/0", "podferry");
    // No group fits `/aws/eks/*`: the advice is to name one.
    assert_eq!(forwarder.advice(&[]), [["subscribe", "GROUP", "--function", NAME]]);
    forwarder.account.group("/aws/eks/prod");
    let wrong = forwarder.wrong(&[]);
    for command in commands(wrong[0]["fix"].as_str().unwrap()) {
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--yes"]).collect();
        forwarder.run(&arguments, 0);
    }
    assert_eq!(forwarder.wrong(&[]), Vec::<Value>::new());
}

#[test]
fn filters_that_lead_elsewhere() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    let other = format!("arn:aws:lambda:eu-west-1:{}:function:podferry-other", forwarder.account.id);
    let permission = json!({
        "StatementId": "logs", "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com",
    });
    forwarder.account.rest("lambda", "POST", "/2015-03-31/functions/podferry-other/policy", &permission);
    // One of the name that `subscribe` would give its own.
    forwarder.put_filter("/other", "podferry", &other);
    forwarder.follow(&["/other"]);
    // Two, which is all that a group can have.
    forwarder.delete_filter("/other", "podferry-2");
    forwarder.put_filter("/other", "second", &other);
    let advice = forwarder.advice(&["/other"]);
    forwarder.delete_filter("/other", "second");
    forwarder.delete_filter("/other", "podferry");
    assert_eq!(advice, [["subscribe", "/other", "--function", NAME]]);
    forwarder.follow(&["/other"]);
}

#[test]
fn logs_that_are_sent_twice() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    forwarder.put_filter("/eks/0", "second", &forwarder.arn);
    let wrong = forwarder.wrong(&[]);
    let fix = "aws logs delete-subscription-filter --log-group-name /eks/0 --filter-name second --region eu-west-1";
    assert_eq!((wrong.len(), &wrong[0]["fix"]), (1, &json!(fix)));
    forwarder.delete_filter("/eks/0", "second");
    assert_eq!(forwarder.wrong(&[]), Vec::<Value>::new());
    let Some(forwarder) = Forwarder::start(|arn| policy(arn, &["/eks/0", "/aws/lambda/podferry-Forwarder-1A"])) else {
        return;
    };
    forwarder.put_filter("/other", "podferry", &forwarder.arn);
    forwarder.follow(&["/other"]);
}

#[test]
fn the_functions_own_log_group() {
    let own = "/aws/lambda/podferry-Forwarder-1A";
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    forwarder.put_filter(own, "podferry", &forwarder.arn);
    forwarder.follow(&[]);
    // By the policy of the account; whether the group is named or not.
    for groups in [&[own][..], &[]] {
        let Some(forwarder) = Forwarder::start(|arn| policy(arn, &["/eks/0"])) else { return };
        forwarder.follow(groups);
    }
}

#[test]
fn a_permission_that_is_missing() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    forwarder.remove_permission();
    forwarder.follow(&[]);
    // A statement of podferry's name that allows something else has to go first.
    forwarder.remove_permission();
    let other = json!({
        "StatementId": "podferry-logs", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
    });
    forwarder.account.rest("lambda", "POST", &format!("/2015-03-31/functions/{NAME}/policy"), &other);
    let wrong = forwarder.wrong(&[]);
    let fix = wrong[0]["fix"].as_str().unwrap();
    let first = format!(
        "run `aws lambda remove-permission --function-name {NAME} --statement-id podferry-logs --region eu-west-1`"
    );
    assert!(fix.starts_with(&first), "{fix}");
    forwarder.remove_permission();
    forwarder.follow(&[]);
    // Of a group that the policy of the account subscribes.
    let left_out = ["/eks/0", "/aws/lambda/podferry-Forwarder-1A"];
    let Some(forwarder) = Forwarder::start(|arn| policy(arn, &left_out)) else { return };
    forwarder.remove_permission();
    forwarder.follow(&["/other"]);
}

#[test]
fn dead_letters_and_the_last_hour() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    forwarder.account.sqs("SendMessage", &json!({ "QueueUrl": forwarder.dead, "MessageBody": "text" }));
    // Only the redrive policy names the queue: `redrive` would not find it by itself.
    let advice = forwarder.advice(&[]);
    assert!(advice[0][..2] == ["redrive", "--queue"] && advice[0][2].ends_with("/dead"), "{advice:?}");
    let arguments: Vec<&str> = advice[0].iter().map(String::as_str).collect();
    assert!(forwarder.run(&arguments, 1).contains("1 message in queue dead"));
    metrics(&forwarder.account, [12.0, 3.0, 4.0], &[]);
    let wrong: Vec<String> = forwarder.wrong(&[]).iter().map(|one| one["why"].as_str().unwrap().to_owned()).collect();
    assert_eq!(wrong[1], "3 of 12 invocations failed in the last hour");
    assert!(wrong[2].starts_with("4 invocations were throttled"), "{wrong:?}");
}

#[test]
fn a_queue_without_a_way_back() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    let mappings = "/2015-03-31/event-source-mappings";
    // An alias is meant; the mapping of the function itself reads the queue just as well.
    let functions = format!("/2015-03-31/functions/{NAME}");
    forwarder.account.rest("lambda", "POST", &format!("{functions}/versions"), &json!({}));
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    forwarder.account.rest("lambda", "POST", &format!("{functions}/aliases"), &alias);
    let said = forwarder.run(&["doctor", "--no-kubectl", "--function", &format!("{NAME}:live")], 1);
    assert!(said.contains("queue waiting: the function reads it"), "{said}");
    let all = forwarder.account.rest("lambda", "GET", mappings, &Value::Null);
    let id = all["EventSourceMappings"][0]["UUID"].as_str().unwrap().to_owned();
    forwarder.account.rest("lambda", "PUT", &format!("{mappings}/{id}"), &json!({ "Enabled": false }));
    let wrong = forwarder.wrong(&[]);
    assert_eq!(
        wrong[0]["fix"],
        format!("aws lambda update-event-source-mapping --enabled --uuid {id} --region eu-west-1")
    );
    forwarder.account.rest("lambda", "DELETE", &format!("{mappings}/{id}"), &Value::Null);
    let wrong = forwarder.wrong(&[]);
    let fix = wrong[0]["fix"].as_str().unwrap();
    assert!(fix.starts_with(&format!("aws lambda create-event-source-mapping --function-name {NAME} ")), "{fix}");
    assert!(fix.ends_with(&format!(":{}:waiting --region eu-west-1", forwarder.account.id)), "{fix}");
}

#[test]
fn filters_that_lead_to_another_version_or_alias() {
    let Some(forwarder) = Forwarder::start(no_policy) else { return };
    let functions = format!("/2015-03-31/functions/{NAME}");
    forwarder.account.rest("lambda", "POST", &format!("{functions}/versions"), &json!({}));
    let alias = json!({ "Name": "old", "FunctionVersion": "1" });
    forwarder.account.rest("lambda", "POST", &format!("{functions}/aliases"), &alias);
    forwarder.put_filter("/eks/0", "podferry", &format!("{}:old", forwarder.arn));
    // moto gives a version the permissions that the function has.
    assert_eq!(forwarder.wrong(&[]), Vec::<Value>::new());
    forwarder.account.rest("lambda", "DELETE", &format!("{functions}/aliases/old"), &Value::Null);
    let wrong = forwarder.wrong(&[]);
    assert_eq!(wrong[0]["why"], "it leads to alias old, which does not exist, so its logs do not arrive");
    forwarder.follow(&[]);
}

#[test]
fn an_account_policy_with_other_criteria() {
    let criteria = |arn: &str| {
        let mut policy = policy(arn, &[]);
        policy["selectionCriteria"] = json!("LogGroupNamePrefix IN [\"/other\"]");
        policy
    };
    let Some(forwarder) = Forwarder::start(criteria) else { return };
    forwarder.delete_filter("/eks/0", "podferry");
    let wrong = forwarder.wrong(&[]);
    assert_eq!((wrong.len(), &wrong[0]["severity"]), (1, &json!("unknown")), "{wrong:?}");
    assert_eq!(wrong[0]["what"], "account policy all");
}
