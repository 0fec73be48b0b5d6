//! The calls that the facts are read by. None of them stops the others.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_sdk_cloudwatchlogs::types::OrderBy;
use aws_smithy_types::DateTime;

use super::facts::{
    ActivityFacts, FailedEventsFacts, HealthFact, HealthFacts, LastHour, LogGroupFact, LogGroupFacts, NewestEvent,
    OtherTarget, QueueFact, QueueFacts, QueueMapping,
};
use crate::aws::account::Account;
use crate::aws::concurrently::each;
use crate::aws::error::{AwsFailure, On, SdkCallError};
use crate::aws::failed_events;
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroup};
use crate::aws::queues::{self, ForwarderQueue, QueueAttributes, QueueRole};
use crate::aws::subscribe::account_policy::{AccountPolicy, PolicyRefusal};
use crate::aws::subscribe::permission::FunctionPolicy;
use crate::aws::subscribe::plan::ours;
use crate::aws::subscribe::{apply, is_same_function, qualifier};

/// How far back errors and throttles are counted.
const LAST_HOUR: Duration = Duration::from_secs(3600);

/// The finest period of metrics that Lambda and SQS write.
const PERIOD_SECONDS: i32 = 60;

/// Reads everything about the function and the log groups that were found; `only_subscribed`: about those that lead to the function.
pub(crate) async fn all(
    account: &Account,
    function: Function,
    found: HealthFact<FoundLogGroups>,
    only_subscribed: bool,
) -> HealthFacts {
    let log_groups = log_groups(account, &function, found, only_subscribed).await;
    let (queues, activity) = queues_and_activity(account, &function).await;
    HealthFacts { region: account.region.clone(), function, log_groups, queues, activity }
}

/// Reads what decides whether logs of the groups reach the function.
pub(crate) async fn log_groups(
    account: &Account,
    function: &Function,
    found: HealthFact<FoundLogGroups>,
    only_subscribed: bool,
) -> LogGroupFacts {
    let (FoundLogGroups { groups, missing }, found) = match found {
        Ok(all) => (all, Ok(())),
        Err(error) => (FoundLogGroups::default(), Err(error)),
    };
    let with_filters = each(groups, |group| {
        let account = account.clone();
        async move { (groups::filters(&account, &group.name).await, group) }
    })
    .await;
    // A group whose filters cannot be read is kept: it may be one of them.
    let (groups, left_out): (Vec<_>, Vec<_>) = with_filters.into_iter().partition(|(filters, _)| {
        !only_subscribed || filters.as_ref().map_or(true, |all| !ours(all, &function.arn).is_empty())
    });
    let groups = each(groups, |(filters, group)| {
        let account = account.clone();
        async move {
            let source = account.log_group(&group.name).resource;
            LogGroupFact { source, filters, newest: newest(&account, &group).await, group }
        }
    })
    .await;
    let account_policy = apply::account_policy(account).await;
    let unclear_policy = match &account_policy {
        Ok(Some(Err(PolicyRefusal::Criteria { name, destination }))) => {
            is_same_function(destination, &function.arn).then(|| name.clone())
        }
        _ => None,
    };
    let account_policy =
        account_policy.map(|policy| policy.and_then(Result::ok).filter(|policy| policy.leads_to(&function.arn)));
    let led_to = led_to(function, &groups, account_policy.as_ref().ok().and_then(Option::as_ref));
    let others: Vec<Function> =
        led_to.iter().filter(|target| target.qualifier != function.qualifier).cloned().collect();
    let others = each(others, |target| {
        let account = account.clone();
        async move { OtherTarget { permission: permission_of(&account, &target).await, qualifier: target.qualifier } }
    })
    .await;
    let failed_events = failed_events_of(account, function, led_to, &others).await;
    LogGroupFacts {
        account: account.id.clone(),
        found,
        groups,
        missing,
        unsubscribed: left_out.into_iter().map(|(_, group)| group.name).collect(),
        any_source: account.log_group("*").resource,
        permission: apply::policy(account, function).await,
        others,
        account_policy,
        unclear_policy,
        failed_events,
    }
}

/// What becomes of failed events, for all that is led to and exists.
async fn failed_events_of(
    account: &Account,
    function: &Function,
    led_to: Vec<Function>,
    others: &[OtherTarget],
) -> FailedEventsFacts {
    let is_gone = |target: &Function| {
        others.iter().any(|other| other.qualifier == target.qualifier && matches!(other.permission, Ok(None)))
    };
    let existing: Vec<Option<String>> =
        led_to.into_iter().filter(|target| !is_gone(target)).map(|target| target.qualifier).collect();
    let own = if existing.iter().any(Option::is_some) {
        failed_events::destination_of(account, function, None).await
    } else {
        Ok(None)
    };
    let led_to = each(existing, |qualifier| {
        let (account, function) = (account.clone(), function.clone());
        async move {
            let destination = failed_events::destination_of(&account, &function, qualifier.as_deref()).await;
            (qualifier, destination)
        }
    })
    .await;
    FailedEventsFacts { led_to, own }
}

/// What of the function is led to: each once.
fn led_to(function: &Function, groups: &[LogGroupFact], policy: Option<&AccountPolicy>) -> Vec<Function> {
    let of_filters =
        groups.iter().filter_map(|fact| fact.filters.as_ref().ok()).flat_map(|all| ours(all, &function.arn));
    let destinations = of_filters.map(|filter| &filter.destination).chain(policy.map(|policy| &policy.destination));
    let qualifiers: BTreeSet<Option<&str>> = destinations.map(|destination| qualifier(destination)).collect();
    qualifiers.into_iter().map(|qualifier| function.at(qualifier)).collect()
}

/// Its policy. Lambda says the same of a version or alias without a policy and of one that does not exist.
async fn permission_of(account: &Account, target: &Function) -> HealthFact<Option<FunctionPolicy>> {
    let policy = apply::policy(account, target).await?;
    if target.qualifier.is_none() || policy != FunctionPolicy::default() {
        return Ok(Some(policy));
    }
    let call = account.lambda.get_function_configuration().function_name(&target.name);
    match call.set_qualifier(target.qualifier.clone()).send().await {
        Ok(_) => Ok(Some(policy)),
        Err(error) => {
            let error = SdkCallError::new("lambda:GetFunctionConfiguration", target.on(), &error);
            if matches!(error.failure, AwsFailure::NotFound(_)) { Ok(None) } else { Err(error) }
        }
    }
}

async fn newest(account: &Account, group: &LogGroup) -> HealthFact<Option<NewestEvent>> {
    let call = account.logs.describe_log_streams().log_group_name(&group.name).order_by(OrderBy::LastEventTime);
    let answer = call.descending(true).limit(1).send().await;
    let answer =
        answer.map_err(|error| SdkCallError::new("logs:DescribeLogStreams", account.log_group(&group.name), &error))?;
    let newest = answer.log_streams().first();
    Ok(newest
        .map(|stream| NewestEvent { event: stream.last_event_timestamp(), ingestion: stream.last_ingestion_time() }))
}

/// Reads the queues, and what happened in the last hour: one call for all metrics.
pub(crate) async fn queues_and_activity(account: &Account, function: &Function) -> (QueueFacts, ActivityFacts) {
    let failed_events = failed_events::destination(account, function).await;
    let found = find_queues(account, function, failed_events.as_ref().ok()).await;
    let names: Vec<&str> = found.iter().map(|found| found.queue.name.as_str()).collect();
    let metrics = metrics(account, function, &names).await;
    let queue = |(number, found): (usize, FoundQueue)| {
        let oldest = |metrics: &Metrics| metrics.oldest.get(number).copied().flatten();
        let FoundQueue { queue, attributes, is_in_variables } = found;
        let oldest_seconds = metrics.as_ref().map(oldest).map_err(Clone::clone);
        QueueFact { queue, attributes, oldest_seconds, is_in_variables }
    };
    let queues: Vec<QueueFact> = found.into_iter().enumerate().map(queue).collect();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let activity = ActivityFacts {
        now_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        last_hour: metrics.map(|metrics| metrics.last_hour),
    };
    // Without a queue there is nothing to be read.
    let undelivered = queues.iter().find(|fact| fact.queue.role == QueueRole::Undelivered);
    let mappings = match undelivered.map(|fact| &fact.attributes) {
        Some(Ok(attributes)) => mappings(account, function, &attributes.arn).await,
        _ => Ok(Vec::new()),
    };
    (QueueFacts { queues, mappings, failed_events }, activity)
}

/// What Lambda reads from the queue for the function. By the function's name, Lambda lists the mappings of exactly this version or alias.
async fn mappings(account: &Account, function: &Function, queue: &str) -> HealthFact<Vec<QueueMapping>> {
    let call = account.lambda.list_event_source_mappings().event_source_arn(queue);
    let mut pages = call.into_paginator().send();
    let mut mappings = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| SdkCallError::new("lambda:ListEventSourceMappings", function.on(), &error))?;
        let all = page.event_source_mappings().iter();
        let ours = all.filter(|one| one.function_arn().is_some_and(|arn| is_same_function(arn, &function.arn)));
        mappings.extend(ours.map(|one| QueueMapping {
            id: one.uuid().unwrap_or_default().to_owned(),
            source: one.event_source_arn().unwrap_or_default().to_owned(),
            state: one.state().unwrap_or_default().to_owned(),
        }));
    }
    Ok(mappings)
}

struct FoundQueue {
    queue: ForwarderQueue,
    attributes: HealthFact<QueueAttributes>,
    is_in_variables: bool,
}

/// The queues. Where no variable names a dead-letter queue, it is the one to which SQS moves messages that were received too often.
async fn find_queues(
    account: &Account,
    function: &Function,
    failed_events: Option<&Option<String>>,
) -> Vec<FoundQueue> {
    let mut found: Vec<FoundQueue> = Vec::new();
    let mut further: Vec<(QueueRole, String)> = Vec::new();
    for queue in queues::of_variables(function) {
        let attributes = queues::attributes(account, &queue).await;
        if let (QueueRole::Undelivered, Ok(QueueAttributes { dead_letter_queue: Some(arn), .. })) =
            (queue.role, &attributes)
        {
            further.push((QueueRole::DeadLetter, arn.clone()));
        }
        found.push(FoundQueue { queue, attributes, is_in_variables: true });
    }
    further.extend(failed_events.cloned().flatten().map(|arn| (QueueRole::FailedEvents, arn)));
    for (role, arn) in further {
        let name = arn.rsplit(':').next().unwrap_or_default();
        if found.iter().any(|known| known.queue.name == name) {
            continue;
        }
        match queues::of_arn(account, role, &arn).await {
            Ok(Some(queue)) => {
                let attributes = queues::attributes(account, &queue).await;
                found.push(FoundQueue { queue, attributes, is_in_variables: false });
            }
            Ok(None) => {}
            Err(error) => {
                let queue = ForwarderQueue::new(role, name);
                found.push(FoundQueue { queue, attributes: Err(error), is_in_variables: false });
            }
        }
    }
    found
}

struct Metrics {
    last_hour: LastHour,
    /// In the order of the queues.
    oldest: Vec<Option<u64>>,
}

const OF_FUNCTION: [&str; 3] = ["Invocations", "Errors", "Throttles"];

/// One call for all of them.
async fn metrics(account: &Account, function: &Function, queues: &[&str]) -> HealthFact<Metrics> {
    let of_function = OF_FUNCTION.map(|name| query(name, "AWS/Lambda", name, ("FunctionName", &function.name), "Sum"));
    let of_queues = queues.iter().enumerate().map(|(number, name)| {
        query(&format!("age{number}"), "AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", name), "Maximum")
    });
    let now = SystemTime::now();
    let mut pages = account
        .metrics
        .get_metric_data()
        .set_metric_data_queries(Some(of_function.into_iter().chain(of_queues).collect()))
        .start_time(DateTime::from(now - LAST_HOUR))
        .end_time(DateTime::from(now))
        .scan_by(ScanBy::TimestampDescending)
        .into_paginator()
        .send();
    let mut read = Metrics { last_hour: LastHour::default(), oldest: vec![None; queues.len()] };
    while let Some(page) = pages.next().await {
        let on = || On::any("the metrics of function and queues");
        let page = page.map_err(|error| SdkCallError::new("cloudwatch:GetMetricData", on(), &error))?;
        for result in page.metric_data_results() {
            let sum = count(result.values().iter().sum());
            match result.id().unwrap_or_default() {
                "invocations" => read.last_hour.invocations += sum,
                "errors" => read.last_hour.errors += sum,
                "throttles" => read.last_hour.throttles += sum,
                age => {
                    let place = age.strip_prefix("age").and_then(|number| number.parse().ok());
                    let place = place.and_then(|number: usize| read.oldest.get_mut(number));
                    // The newest value comes first, and later pages have older ones.
                    if let (Some(place @ None), Some(newest)) = (place, result.values().first()) {
                        *place = Some(count(*newest) as u64);
                    }
                }
            }
        }
    }
    Ok(read)
}

/// CloudWatch gives floating-point numbers, for counts too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than 0, and `as` saturates")]
fn count(value: f64) -> usize {
    value.max(0.0) as usize
}

/// `id` begins with a small letter. Source: Amazon CloudWatch API reference, `MetricDataQuery`.
fn query(id: &str, namespace: &str, name: &str, dimension: (&str, &str), statistic: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
    let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension).build();
    let statistic = MetricStat::builder().metric(metric).period(PERIOD_SECONDS).stat(statistic).build();
    MetricDataQuery::builder().id(id.to_ascii_lowercase()).metric_stat(statistic).build()
}
