//! Facts for tests: a forwarder with which nothing is wrong, to be changed in one place.

use serde_json::json;

use super::advice::{Advice, GivenFlags};
use super::facts::{
    ActivityFacts, FailedEventsFacts, HealthFact, HealthFacts, LastHour, LogGroupFact, LogGroupFacts, NewestEvent,
    QueueFact, QueueFacts, QueueMapping,
};
use crate::aws::error::{AwsFailure, On, SdkCallError};
use crate::aws::function::{Deployed, Function, Variables};
use crate::aws::groups::{FilterExtras, LogGroup, LogGroupClass, SubscriptionFilter};
use crate::aws::queues::{ForwarderQueue, QueueAttributes, QueueDepth, QueueRole};
use crate::aws::subscribe::account_policy::AccountPolicy;
use crate::aws::subscribe::permission::FunctionPolicy;

pub(crate) const NOW_MS: i64 = 1_795_000_000_000;
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";
const ACCOUNT: &str = "111122223333";

pub(crate) fn function(variables: &[(&str, &str)]) -> Function {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Function {
        name: "podferry".into(),
        arn: FUNCTION.into(),
        qualifier: None,
        role: "arn:aws:iam::111122223333:role/forwarder".into(),
        log_group: "/own".into(),
        variables: Variables(variables.collect()),
        dead_letter: None,
        timeout_seconds: 120,
        memory_megabytes: 256,
        deployed: Deployed { runtime: Some("provided.al2023".into()), ..Deployed::default() },
    }
}

/// Without flags.
pub(crate) fn advice() -> Advice {
    Advice::new("eu-west-1", &GivenFlags::default())
}

pub(crate) fn subscription(name: &str, pattern: &str) -> SubscriptionFilter {
    let (name, pattern, destination) = (name.into(), pattern.into(), FUNCTION.into());
    SubscriptionFilter { name, pattern, destination, extras: FilterExtras::default() }
}

pub(crate) fn log_group(name: &str) -> LogGroupFact {
    LogGroupFact {
        group: LogGroup { name: name.into(), class: LogGroupClass::Standard, retention_days: Some(7), stored_bytes: 1 },
        source: format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{name}:*"),
        filters: Ok(vec![subscription("podferry", "")]),
        newest: Ok(Some(NewestEvent { event: Some(NOW_MS), ingestion: Some(NOW_MS) })),
    }
}

/// A policy that leads all groups but these to the function.
pub(crate) fn account_policy(left_out: &[&str]) -> HealthFact<Option<AccountPolicy>> {
    let document = json!({ "DestinationArn": FUNCTION }).to_string();
    let criteria = format!("LogGroupName NOT IN {}", json!(left_out));
    Ok(Some(AccountPolicy::read("all", &document, Some(&criteria)).unwrap()))
}

pub(crate) fn queue(role: QueueRole, visible: usize, oldest_seconds: u64) -> QueueFact {
    let name = if role == QueueRole::Undelivered { "waiting" } else { "dead" };
    let attributes = QueueAttributes {
        arn: format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"),
        depth: QueueDepth { visible, ..QueueDepth::default() },
        retention_seconds: Some(14 * 24 * 3600),
        dead_letter_queue: Some(format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:dead")),
    };
    QueueFact {
        queue: ForwarderQueue::new(role, &format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}")),
        attributes: Ok(attributes),
        oldest_seconds: Ok(Some(oldest_seconds)),
        is_in_variables: true,
    }
}

pub(crate) fn call_error() -> SdkCallError {
    SdkCallError { action: "x:Y", on: On::any("it"), failure: AwsFailure::NoAnswerInTime }
}

/// Facts with which nothing is wrong.
pub(crate) fn good() -> HealthFacts {
    let permission = json!({ "Statement": [{
        "Sid": "a", "Effect": "Allow", "Principal": { "Service": "logs.amazonaws.com" }, "Action": "lambda:InvokeFunction",
    }] });
    let mapping = QueueMapping {
        id: "1a2b".into(),
        source: format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:waiting"),
        state: "Enabled".into(),
    };
    HealthFacts {
        region: "eu-west-1".into(),
        function: function(&[("DD_API_KEY_SSM_NAME", "/k")]),
        log_groups: LogGroupFacts {
            account: ACCOUNT.into(),
            found: Ok(()),
            groups: vec![log_group("/a")],
            missing: Vec::new(),
            unsubscribed: Vec::new(),
            any_source: format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:*:*"),
            permission: Ok(FunctionPolicy::read(&permission.to_string())),
            others: Vec::new(),
            account_policy: Ok(None),
            unclear_policy: None,
            failed_events: FailedEventsFacts {
                led_to: vec![(None, Ok(Some("arn:aws:s3:::failed".into())))],
                own: Ok(Some("arn:aws:s3:::failed".into())),
            },
        },
        queues: QueueFacts {
            queues: vec![queue(QueueRole::Undelivered, 0, 0), queue(QueueRole::DeadLetter, 0, 0)],
            mappings: Ok(vec![mapping]),
            failed_events: Ok(None),
        },
        activity: ActivityFacts { now_ms: NOW_MS, last_hour: Ok(LastHour { invocations: 9, errors: 0, throttles: 0 }) },
    }
}
