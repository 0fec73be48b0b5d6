//! `podferry redrive` as people run it, over the queues of moto.

use std::collections::BTreeSet;
use std::process::Output;

use super::InAccount;
use forwarder::delivery::undelivered::{self, SaveNote};
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::{ARN, GROUP, OWN_TIMES, content, event, now, stream};
use testkit::moto::{Fault, TestAccount};

/// The function's queues, and the function.
struct Queues {
    account: TestAccount,
    undelivered: String,
    dead: String,
}

impl Queues {
    fn start() -> Option<Queues> {
        let account = TestAccount::start()?;
        // moto's URLs lead past the front; the account is in a header that only the front adds.
        let queue = |name: &str| {
            let made = account.sqs("CreateQueue", &json!({ "QueueName": name }));
            made["QueueUrl"].as_str().unwrap().to_owned()
        };
        let (undelivered, dead) = (queue("podferry-undelivered-1"), queue("podferry-dead-1"));
        account.function("podferry-Forwarder-1", &json!({
            "DD_API_KEY": "geheim", "PODFERRY_UNDELIVERED_QUEUE_URL": undelivered, "PODFERRY_DEAD_LETTER_QUEUE_URL": dead,
        }));
        Some(Queues { account, undelivered, dead })
    }

    fn put(&self, body: &str, reason: Option<&str>) -> String {
        let mut message = json!({ "QueueUrl": self.dead, "MessageBody": body });
        if let Some(reason) = reason {
            message["MessageAttributes"] =
                json!({ "podferry_reason": { "DataType": "String", "StringValue": reason } });
        }
        self.account.sqs("SendMessage", &message)["MessageId"].as_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.account.podferry(&[&["redrive"], arguments].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    /// The bodies that a queue has, which it keeps.
    fn bodies(&self, url: &str) -> BTreeSet<String> {
        let mut bodies = BTreeSet::new();
        loop {
            let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 60 });
            let answer = self.account.sqs("ReceiveMessage", &request);
            let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()) else { break };
            bodies.extend(messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()));
        }
        bodies
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A message of the queue with one log.
fn logs(ms: i64, text: &str, reason: &str) -> String {
    let event = event(&content(GROUP, &stream(), &[(ms, text)]));
    let processed = pipeline::process(&event, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    undelivered::messages(&processed.payloads[0], &SaveNote::new(reason, 2)).remove(0).body
}

#[test]
fn what_why_and_when_and_no_text() {
    let Some(queues) = Queues::start() else { return };
    let output = queues.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(shown(&output), "Queue podferry-dead-1 is empty.\n");
    let secret = "wort geheim";
    queues.put(&logs(now() - 86_400_000, secret, "IntakeAnswered400"), None);
    queues.put(&logs(now(), secret, "IntakeAnswered413"), None);
    queues.put(&json!({ "awslogs": { "data": secret } }).to_string(), Some("EventBase64Invalid"));
    queues.put(&json!({ "order": secret }).to_string(), None);
    let output = queues.run(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = shown(&output);
    for part in [
        "4 messages in queue podferry-dead-1: 1 without a reason, 1 EventBase64Invalid, 1 IntakeAnswered400, 1 IntakeAnswered413.",
        "1 has logs older than 18 hours",
        "with --send",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("geheim"), "{text}");
    // Looking has hidden nothing: a second look sees the same.
    let told = queues.json(&[]);
    assert_eq!(told["messages"].as_array().unwrap().len(), 4);
    assert!(!told.to_string().contains("geheim"), "{told}");
    let kinds: BTreeSet<&str> =
        told["messages"].as_array().unwrap().iter().map(|one| one["message"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["event", "logs", "unknown"]));
}

#[test]
fn more_than_one_call_gives() {
    let Some(queues) = Queues::start() else { return };
    let bodies: BTreeSet<String> =
        (0..37).map(|number| logs(now(), &format!("log {number}"), "IntakeAnswered400")).collect();
    bodies.iter().for_each(|body| _ = queues.put(body, None));
    queues.account.fault("sqs:ReceiveMessage", Fault::Throttled, 2);
    assert_eq!(queues.json(&[])["messages"].as_array().unwrap().len(), 37);
    let told = queues.json(&["--send", "--yes", "--limit", "30"]);
    let done = told["messages"].as_array().unwrap().iter().filter(|one| one["outcome"] == "done").count();
    assert_eq!(done, 30);
    assert_eq!(queues.json(&[])["messages"].as_array().unwrap().len(), 7, "the others can be seen at once");
    let output = queues.run(&["--send", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(shown(&output).contains("Moved 7 messages to queue podferry-undelivered-1"), "{}", shown(&output));
    assert_eq!((queues.bodies(&queues.undelivered), queues.bodies(&queues.dead).len()), (bodies, 0));
}

#[test]
fn dropped_by_reason_and_what_is_not_ours_stays() {
    let Some(queues) = Queues::start() else { return };
    let refused = logs(now(), "a", "IntakeAnswered400");
    let newer = logs(now(), "b", "x").replace("\"schema\":1", "\"schema\":2");
    let other = "{\"order\":7}";
    queues.put(&refused, None);
    queues.put(&logs(now(), "c", "IntakeAnswered413"), None);
    queues.put(&newer, None);
    queues.put(other, None);
    let dry = queues.run(&["--drop", "--reason", "IntakeAnswered413", "--dry-run"]);
    assert_eq!((dry.status.code(), queues.account.count("sqs:DeleteMessage")), (Some(1), 0), "{}", said(&dry));
    let end = "1 message would be deleted. Nothing was changed: this is a dry run.\n";
    assert!(shown(&dry).ends_with(end), "{}", shown(&dry));
    let dry = shown(&queues.run(&["--send", "--unknown", "--dry-run"]));
    assert!(dry.ends_with("4 messages would be resent. Nothing was changed: this is a dry run.\n"), "{dry}");
    let dry = shown(&queues.run(&["--send", "--reason", "None", "--dry-run"]));
    let reasons = "No messages in queue podferry-dead-1 match. Its reasons: without a reason, IntakeAnswered400, IntakeAnswered413.\n";
    assert_eq!(dry, reasons);
    // To be shown first wins over not to be asked.
    let dry = queues.run(&["--drop", "--yes", "--dry-run"]);
    assert_eq!((dry.status.code(), queues.account.count("sqs:DeleteMessage")), (Some(1), 0), "{}", said(&dry));
    let unasked = queues.run(&["--drop"]);
    assert_eq!((unasked.status.code(), queues.account.count("sqs:DeleteMessage")), (Some(2), 0));
    assert!(said(&unasked).contains("give --yes"), "{}", said(&unasked));
    assert!(shown(&unasked).contains("2 are not from podferry, or from a newer version"), "{}", shown(&unasked));
    let output = queues.run(&["--drop", "--reason", "IntakeAnswered413", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = queues.run(&["--drop", "--older-than", "1h", "--yes"]);
    assert!(shown(&output).contains("No message"), "{}", shown(&output));
    let output = queues.run(&["--drop", "--newer-than", "1h", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(queues.account.count("sqs:DeleteMessage"), 2);
    assert_eq!(queues.json(&[])["messages"].as_array().unwrap().len(), 2);
    let output = queues.run(&["--drop", "--unknown", "--yes"]);
    assert_eq!((output.status.code(), queues.bodies(&queues.dead).len()), (Some(0), 0), "{}", said(&output));
}

#[test]
fn what_could_not_be_sent_is_still_there() {
    let Some(queues) = Queues::start() else { return };
    let body = logs(now(), "a", "IntakeAnswered400");
    queues.put(&body, None);
    queues.account.fault("sqs:SendMessage", Fault::Denied, 1);
    let output = queues.run(&["--send", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("is still in the queue") && said(&output).contains("Allow sqs:SendMessage"),
        "{}",
        said(&output)
    );
    assert_eq!(queues.account.count("sqs:DeleteMessage"), 0);
    assert_eq!(queues.json(&[])["messages"].as_array().unwrap().len(), 1);
    // Sent, and not deleted: in both, which is better than in none.
    queues.account.fault("sqs:DeleteMessage", Fault::Denied, 1);
    assert_eq!(queues.run(&["--send", "--yes"]).status.code(), Some(1));
    let both = [queues.bodies(&queues.undelivered), queues.bodies(&queues.dead)];
    assert_eq!(both, [BTreeSet::from([body.clone()]), BTreeSet::from([body])]);
}

#[test]
fn what_cannot_be_done_says_why() {
    let Some(account) = TestAccount::start() else { return };
    let refused = |arguments: &[&str]| {
        let output = account.podferry(&[&["redrive"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    assert!(refused(&[]).contains("starts with `podferry`"), "no function");
    account.function("somebody-elses", &json!({ "DD_SITE": "datadoghq.eu" }));
    assert!(refused(&[]).contains("starts with `podferry`"), "nothing looks like the forwarder");
    // A stack may have any name; the variables are podferry's.
    account.function("logs-Forwarder-1A", &json!({ "PODFERRY_REMEMBERED_LOGS": "0" }));
    let text = refused(&[]);
    assert!(
        text.contains("function logs-Forwarder-1A has no queue in its variable PODFERRY_DEAD_LETTER_QUEUE_URL"),
        "{text}"
    );
    account.function("podferry-1", &json!({}));
    let text = refused(&[]);
    assert!(text.contains("several functions could be the forwarder: "), "{text}");
    assert!(text.contains("podferry-1") && text.contains("logs-Forwarder-1A") && !text.contains("somebody"), "{text}");
    let text = refused(&["--queue", "podferry-dead"]);
    assert!(text.contains("--queue: must be the URL of an SQS queue"), "{text}");
    let missing = format!("{}/111122223333/none", account.url);
    let text = refused(&["--queue", &missing]);
    assert!(text.contains("sqs:ReceiveMessage on queue none: not found"), "{text}");
    let text = refused(&["--queue", &missing, "--send", "--to", &missing]);
    assert!(text.contains("the messages are already in this queue"), "{text}");
    account.fault("sqs:ReceiveMessage", Fault::Denied, 1);
    let text = refused(&["--queue", &missing]);
    assert!(text.contains("Allow sqs:ReceiveMessage on arn:aws:sqs:"), "{text}");
}
