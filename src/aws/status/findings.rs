//! What is wrong, and what to do. Pure.

use super::{GroupStatus, QueueStatus, Status};
use crate::aws::groups::{LogGroupClass, SubscriptionFilter};
use crate::aws::queues::QueueRole;
use crate::aws::subscribe::plan::{MAX_FILTERS, ours};

/// From this age on, a message in the queue of undelivered logs is not even tried.
/// Source: the threshold of `UndeliveredAgeAlarm` in `template.yaml`.
const OLD_SECONDS: u64 = 3600;

/// Events that came longer ago than this have been handed to the function. CloudWatch's times are late, so what looks this old
/// may be younger, but nothing that looks younger is older.
const HANDED_OVER_MS: i64 = 10 * 60 * 1000;
const HOUR_MS: i64 = 3600 * 1000;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) weight: Weight,
    /// `log group /a`, `queue x`, `function y`.
    pub(crate) about: String,
    pub(crate) problem: String,
    /// What to do: a sentence, or a command.
    pub(crate) remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Logs are lost, late or doubled, or will be.
    Wrong,
    /// It could not be read, so it may be wrong.
    Unknown,
    /// Good to know.
    Note,
}

impl Weight {
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Weight::Wrong => "wrong",
            Weight::Unknown => "unknown",
            Weight::Note => "note",
        }
    }
}

/// Everything there is to say, what is wrong first.
#[must_use]
pub(crate) fn findings(status: &Status) -> Vec<Finding> {
    let mut found = Vec::new();
    function(status, &mut found);
    permission(status, &mut found);
    if status.groups.is_empty() && status.missing.is_empty() && !matches!(status.account_policy, Ok(Some(_))) {
        let problem = "no log group leads to it, so it gets no logs";
        found.push(wrong(&named(status), problem, "podferry subscribe --pattern '/aws/eks/*'"));
    }
    for name in &status.missing {
        let problem = "there is no such log group";
        found.push(wrong(
            &format!("log group {name}"),
            problem,
            "look at the ConfigMap aws-logging of the cluster: `log_group_name`",
        ));
    }
    status.groups.iter().for_each(|group| of_group(status, group, &mut found));
    notes_of_groups(status, &mut found);
    status.queues.iter().for_each(|queue| of_queue(queue, &mut found));
    if status.queues.iter().all(|queue| queue.queue.role != QueueRole::Undelivered) {
        let remedy = "deploy template.yaml, which makes the queue, or set PODFERRY_UNDELIVERED_QUEUE_URL";
        found.push(finding(
            Weight::Note,
            &named(status),
            "it has no queue for undelivered logs: in an outage of hours logs are lost",
            remedy,
        ));
    }
    if let Err(error) = &status.failed_events {
        found.push(finding(Weight::Unknown, &named(status), &error.to_string(), ""));
    }
    if let Err(error) = &status.account_policy {
        found.push(finding(Weight::Unknown, &format!("account {}", status.account), &error.to_string(), ""));
    }
    found.sort_by_key(|one| one.weight as u8);
    found
}

fn finding(weight: Weight, about: &str, problem: &str, remedy: &str) -> Finding {
    Finding { weight, about: about.to_owned(), problem: problem.to_owned(), remedy: remedy.to_owned() }
}

fn wrong(about: &str, problem: &str, remedy: &str) -> Finding {
    finding(Weight::Wrong, about, problem, remedy)
}

fn named(status: &Status) -> String {
    format!("function {}", status.function.name)
}

fn function(status: &Status, found: &mut Vec<Finding>) {
    let about = named(status);
    if let Some(trouble) = &status.function.trouble {
        found.push(wrong(&about, trouble, "look at it in Lambda's console, or deploy it again"));
    }
    let hour = match &status.last_hour {
        Ok(hour) => hour,
        Err(error) => return found.push(finding(Weight::Unknown, &about, &error.to_string(), "")),
    };
    if hour.errors > 0 {
        let problem = format!("{} of {} invocations failed in the last hour", hour.errors, hour.invocations);
        let remedy =
            format!("read its log: aws logs tail {} --since 1h --filter-pattern ERROR", status.function.log_group);
        found.push(wrong(&about, &problem, &remedy));
    }
    if hour.throttles > 0 {
        let problem = format!(
            "{} invocations were throttled in the last hour; CloudWatch Logs tries again for a day",
            hour.throttles
        );
        found.push(wrong(
            &about,
            &problem,
            "raise the function's reserved concurrency (ReservedConcurrency), or the account's",
        ));
    }
    let came = status.groups.iter().find(|group| is_handed_over(status, group));
    if let (0, Some(group)) = (hour.invocations, came) {
        let problem = format!(
            "log group {} got events in the last hour, and the function was not invoked once",
            group.group.name
        );
        found.push(wrong(
            &about,
            &problem,
            "look at the permission (podferry subscribe mends it), and at the filter's pattern",
        ));
    }
}

/// Whether the group has had events that have to have come to the function by now.
fn is_handed_over(status: &Status, group: &GroupStatus) -> bool {
    let Ok(filters) = &group.filters else { return false };
    let takes_all = ours(filters, &status.function.arn).iter().any(|filter| filter.pattern.is_empty());
    let Ok(Some(newest)) = &group.newest else { return false };
    let age = newest.ingestion.map(|time| status.now - time);
    takes_all && age.is_some_and(|age| (HANDED_OVER_MS..HOUR_MS).contains(&age))
}

fn permission(status: &Status, found: &mut Vec<Finding>) {
    let policy = match &status.permission {
        Ok(policy) => policy,
        Err(error) => return found.push(finding(Weight::Unknown, &named(status), &error.to_string(), "")),
    };
    for group in &status.groups {
        let leads_here = group.filters.as_ref().is_ok_and(|filters| !ours(filters, &status.function.arn).is_empty());
        if leads_here && policy.covers(&group.source, &status.account).is_none() {
            let about = format!("log group {}", group.group.name);
            let problem = "CloudWatch Logs may not invoke the function for it, so its logs do not arrive";
            found.push(wrong(&about, problem, &format!("podferry subscribe {}", group.group.name)));
        }
    }
}

fn of_group(status: &Status, group: &GroupStatus, found: &mut Vec<Finding>) {
    let name = &group.group.name;
    let about = format!("log group {name}");
    match &group.filters {
        Ok(filters) => of_filters(status, group, &ours(filters, &status.function.arn), found),
        Err(error) => found.push(finding(Weight::Unknown, &about, &error.to_string(), "")),
    }
    if let Err(error) = &group.newest {
        found.push(finding(Weight::Unknown, &about, &error.to_string(), ""));
    }
}

/// What many groups may have in common is said once.
fn notes_of_groups(status: &Status, found: &mut Vec<Finding>) {
    let mut note = |applies: &dyn Fn(&GroupStatus) -> bool, problem: &str, remedy: &str| {
        let groups: Vec<&str> =
            status.groups.iter().filter(|group| applies(group)).map(|group| group.group.name.as_str()).collect();
        if let [first, rest @ ..] = groups.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            found.push(finding(Weight::Note, &format!("log group {first}{more}"), problem, remedy));
        }
    };
    note(
        &|group| matches!(group.newest, Ok(None)),
        "nothing has ever been written there",
        "look whether pods run on Fargate, and at their event LoggingEnabled or LoggingDisabled: kubectl describe pod",
    );
    note(
        &|group| group.group.retention_days.is_none(),
        "events are kept for ever, and paid for",
        "aws logs put-retention-policy --log-group-name GROUP --retention-in-days 7",
    );
}

fn of_filters(status: &Status, group: &GroupStatus, ours: &[&SubscriptionFilter], found: &mut Vec<Finding>) {
    let name = &group.group.name;
    let about = format!("log group {name}");
    let policy = status.account_policy.as_ref().ok().and_then(Option::as_ref);
    let by_policy = policy.is_some_and(|policy| !policy.left_out.contains(name));
    if *name == status.function.log_group {
        if !ours.is_empty() || by_policy {
            let problem = "the function's own log leads to the function: each invocation causes the next one";
            let remedy =
                if by_policy { "podferry subscribe --account, which leaves it out" } else { "podferry unsubscribe" };
            found.push(wrong(&about, problem, &if by_policy { remedy.to_owned() } else { format!("{remedy} {name}") }));
        }
        return;
    }
    match (ours.len() + usize::from(by_policy), group.group.class) {
        // What `subscribe` would answer, without the way there.
        (0, LogGroupClass::Standard) if group.filters.as_ref().is_ok_and(|filters| filters.len() >= MAX_FILTERS) => {
            let problem = "it is not subscribed, and has as many filters as a group takes";
            let remedy =
                format!("delete one of them (aws logs delete-subscription-filter), then podferry subscribe {name}");
            found.push(wrong(&about, problem, &remedy));
        }
        (0, LogGroupClass::Standard) => {
            let problem = "it is not subscribed, so its logs do not arrive";
            found.push(wrong(&about, problem, &format!("podferry subscribe {name}")));
        }
        (0, LogGroupClass::InfrequentAccess | LogGroupClass::Delivery) => {
            let problem = "its class takes no subscription filter, so its logs cannot arrive";
            found.push(wrong(
                &about,
                problem,
                "let Fluent Bit write to another group: `log_group_name` in the ConfigMap aws-logging",
            ));
        }
        (1, _) => {}
        (number, _) => {
            let problem = format!("its logs are sent {number} times");
            let remedy = if by_policy { format!("podferry unsubscribe {name}") } else { delete_one(name, ours) };
            found.push(wrong(&about, &problem, &remedy));
        }
    }
}

fn delete_one(group: &str, filters: &[&SubscriptionFilter]) -> String {
    let name = filters.last().map_or("NAME", |filter| filter.name.as_str());
    format!("aws logs delete-subscription-filter --log-group-name {group} --filter-name '{name}'")
}

fn of_queue(status: &QueueStatus, found: &mut Vec<Finding>) {
    let about = format!("queue {}", status.queue.name);
    let depth = match &status.depth {
        Ok(depth) => depth,
        Err(error) => return found.push(finding(Weight::Unknown, &about, &error.to_string(), "")),
    };
    let messages = if depth.all() == 1 { "1 message".to_owned() } else { format!("{} messages", depth.all()) };
    // If the age is unknown, so are the function's metrics, which come by the same call: they say it.
    let age = status.oldest_seconds.as_ref().ok().copied().flatten().unwrap_or_default();
    match (status.queue.role, depth.all()) {
        (_, 0) => {}
        (QueueRole::Undelivered, _) if age > OLD_SECONDS => {
            let problem = format!("Datadog has not taken the logs of {messages}, the oldest for {} minutes", age / 60);
            let remedy =
                "look at the function's log and throttles, and whether the queue's event source mapping is enabled";
            found.push(wrong(&about, &problem, remedy));
        }
        (QueueRole::Undelivered, _) => {
            let problem = format!("the logs of {messages} wait to be sent again");
            let remedy = "nothing, unless it stays so for an hour: they are sent again by themselves";
            found.push(finding(Weight::Note, &about, &problem, remedy));
        }
        (QueueRole::DeadLetter | QueueRole::FailedEvents, _) => {
            let problem = format!("the logs of {messages} need a person, and SQS drops them after 14 days");
            found.push(wrong(&about, &problem, "podferry redrive"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LastHour, Newest};
    use super::*;
    use crate::aws::error::{AwsCallError, AwsFailure, On};
    use crate::aws::function::Variables;
    use crate::aws::groups::{FilterExtras, LogGroup};
    use crate::aws::queues::{QueueDepth, SqsQueue};
    use crate::aws::subscribe::account_policy::AccountPolicy;
    use crate::aws::subscribe::permission::FunctionPolicy;
    use serde_json::json;

    const NOW: i64 = 1_795_000_000_000;
    const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

    fn group(name: &str) -> GroupStatus {
        let filter = SubscriptionFilter {
            name: "podferry".into(),
            pattern: String::new(),
            destination: ARN.into(),
            extras: FilterExtras::default(),
        };
        GroupStatus {
            group: LogGroup {
                name: name.into(),
                class: LogGroupClass::Standard,
                retention_days: Some(7),
                stored_bytes: 1,
            },
            source: format!("arn:aws:logs:eu-west-1:111122223333:log-group:{name}:*"),
            filters: Ok(vec![filter]),
            newest: Ok(Some(Newest { event: Some(NOW), ingestion: Some(NOW) })),
        }
    }

    fn queue(role: QueueRole, visible: u64, age: u64) -> QueueStatus {
        let depth = Ok(QueueDepth { visible, ..QueueDepth::default() });
        QueueStatus { queue: SqsQueue::new(role, "https://x/1/q"), depth, oldest_seconds: Ok(Some(age)) }
    }

    /// One with which nothing is wrong.
    fn good() -> Status {
        let policy = json!({ "Statement": [{ "Sid": "a", "Effect": "Allow", "Principal": { "Service": "logs.amazonaws.com" }, "Action": "lambda:InvokeFunction" }] });
        let function = crate::aws::function::Function {
            name: "podferry".into(),
            arn: ARN.into(),
            qualifier: None,
            role: String::new(),
            log_group: "/own".into(),
            variables: Variables::default(),
            dead_letter: None,
            timeout_seconds: 1,
            memory_megabytes: 1,
            trouble: None,
        };
        Status {
            account: "111122223333".into(),
            now: NOW,
            function,
            permission: Ok(FunctionPolicy::read(&policy.to_string())),
            account_policy: Ok(None),
            last_hour: Ok(LastHour { invocations: 9, errors: 0, throttles: 0 }),
            groups: vec![group("/a")],
            missing: Vec::new(),
            queues: vec![queue(QueueRole::Undelivered, 0, 0), queue(QueueRole::DeadLetter, 0, 0)],
            failed_events: Ok(None),
        }
    }

    /// The only finding after a change.
    fn only(change: impl Fn(&mut Status)) -> Finding {
        let mut status = good();
        change(&mut status);
        let mut found = findings(&status);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    #[test]
    fn nothing_is_wrong() {
        assert_eq!(findings(&good()), []);
    }

    #[test]
    fn each_wrong_thing_has_its_remedy() {
        let wrong = |change: &dyn Fn(&mut Status), remedy: &str| {
            let found = only(change);
            assert!(found.weight == Weight::Wrong && found.remedy.contains(remedy), "{found:?}");
        };
        wrong(&|all| all.groups.clear(), "podferry subscribe --pattern");
        wrong(&|all| all.missing.push("/b".into()), "aws-logging");
        wrong(&|all| all.groups[0].filters = Ok(vec![]), "podferry subscribe /a");
        wrong(
            &|all| all.groups[0].filters.as_mut().unwrap().push(group("/a").filters.unwrap()[0].clone()),
            "delete-subscription-filter",
        );
        wrong(&|all| all.permission = Ok(FunctionPolicy::default()), "podferry subscribe /a");
        wrong(&|all| all.groups.push(group("/own")), "podferry unsubscribe /own");
        wrong(&|all| all.last_hour.as_mut().unwrap().errors = 1, "aws logs tail /own");
        wrong(&|all| all.last_hour.as_mut().unwrap().throttles = 1, "ReservedConcurrency");
        wrong(&|all| all.queues[1] = queue(QueueRole::DeadLetter, 1, 0), "podferry redrive");
        wrong(&|all| all.function.trouble = Some("x".into()), "console");
    }

    #[test]
    fn a_group_that_takes_no_further_filter() {
        let other = || SubscriptionFilter {
            destination: "arn:aws:kinesis:eu-west-1:1:stream/x".into(),
            ..group("/a").filters.unwrap()[0].clone()
        };
        for (number, begins) in [(MAX_FILTERS - 1, "podferry subscribe"), (MAX_FILTERS, "delete one")] {
            let found = only(|all| all.groups[0].filters = Ok(vec![other(); number]));
            assert!(found.remedy.starts_with(begins), "{number}: {found:?}");
        }
    }

    #[test]
    fn an_hour_is_too_long_to_wait() {
        for (age, weight) in [(0, Weight::Note), (OLD_SECONDS, Weight::Note), (OLD_SECONDS + 1, Weight::Wrong)] {
            assert_eq!(only(|all| all.queues[0] = queue(QueueRole::Undelivered, 1, age)).weight, weight, "{age}");
        }
    }

    #[test]
    fn events_without_an_invocation() {
        for (age, is_wrong) in
            [(HANDED_OVER_MS - 1, false), (HANDED_OVER_MS, true), (HOUR_MS - 1, true), (HOUR_MS, false)]
        {
            let mut status = good();
            status.last_hour = Ok(LastHour::default());
            status.groups[0].newest = Ok(Some(Newest { event: None, ingestion: Some(NOW - age) }));
            assert_eq!(findings(&status).len(), usize::from(is_wrong), "{age}");
            // A pattern may let nothing through.
            status.groups[0].filters.as_mut().unwrap()[0].pattern = "ERROR".to_owned();
            assert_eq!(findings(&status).len(), 0, "{age}");
        }
    }

    #[test]
    fn the_accounts_policy_counts_as_a_filter() {
        let policy = |left_out: &str| {
            let document = json!({ "DestinationArn": ARN }).to_string();
            Ok(Some(AccountPolicy::read("all", &document, Some(&format!("LogGroupName NOT IN [{left_out}]"))).unwrap()))
        };
        assert!(only(|all| all.account_policy = policy("")).problem.contains("2 times"));
        let mut status = good();
        status.account_policy = policy("\"/a\"");
        assert_eq!(findings(&status), []);
        status.groups.clear();
        assert_eq!(findings(&status), []);
    }

    #[test]
    fn what_many_groups_have_in_common_is_said_once() {
        let found = only(|all| {
            all.groups.push(group("/b"));
            all.groups.iter_mut().for_each(|group| group.group.retention_days = None);
        });
        assert_eq!((found.weight, found.about.as_str()), (Weight::Note, "log group /a and 1 more"));
        assert!(only(|all| all.groups[0].newest = Ok(None)).problem.contains("ever been written"));
    }

    #[test]
    fn what_was_not_to_be_read_is_said() {
        let error = || AwsCallError { action: "x:Y", on: On::any("it"), failure: AwsFailure::NoAnswerInTime };
        let unknown = |change: &dyn Fn(&mut Status)| {
            let found = only(change);
            assert!(found.weight == Weight::Unknown && found.problem.contains("x:Y"), "{found:?}");
        };
        unknown(&|all| all.permission = Err(error()));
        unknown(&|all| all.last_hour = Err(error()));
        unknown(&|all| all.account_policy = Err(error()));
        unknown(&|all| all.failed_events = Err(error()));
        unknown(&|all| all.groups[0].filters = Err(error()));
        unknown(&|all| all.groups[0].newest = Err(error()));
        unknown(&|all| all.queues[0].depth = Err(error()));
    }
}
