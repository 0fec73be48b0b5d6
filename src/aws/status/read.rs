//! The calls that a status is made of. None of them stops the others.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_sdk_cloudwatchlogs::types::OrderBy;
use aws_smithy_types::DateTime;

use super::{GroupStatus, LastHour, Newest, QueueStatus, Read, Status};
use crate::aws::account::Account;
use crate::aws::concurrently::each;
use crate::aws::error::{AwsCallError, AwsFailure, On};
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroup};
use crate::aws::queues::{self, QueueDepth, QueueRole, SqsQueue};
use crate::aws::subscribe::apply;
use crate::aws::subscribe::plan::ours;

/// How far back errors and throttles are counted.
const LAST_HOUR: Duration = Duration::from_secs(3600);

/// The finest step of metrics that Lambda and SQS write.
const PERIOD_SECONDS: i32 = 60;

/// Reads everything about the function and the groups that were found; `only_subscribed`: about those that lead to the function.
pub(crate) async fn status(
    account: &Account,
    function: Function,
    found: FoundLogGroups,
    only_subscribed: bool,
) -> Status {
    let FoundLogGroups { groups, missing } = found;
    let mut groups = each(groups, |group| {
        let account = account.clone();
        async move { (groups::filters(&account, &group.name).await, group) }
    })
    .await;
    if only_subscribed {
        // A group whose filters cannot be read is kept: it may be one of them.
        groups.retain(|(filters, _)| filters.as_ref().map_or(true, |all| !ours(all, &function.arn).is_empty()));
    }
    let groups = each(groups, |(filters, group)| {
        let account = account.clone();
        async move {
            let source = account.log_group(&group.name).resource;
            GroupStatus { source, filters, newest: newest(&account, &group).await, group }
        }
    })
    .await;
    let permission = apply::policy(account, &function).await;
    let account_policy = apply::account_policy(account).await.map(|policy| {
        // One that is not understood leads elsewhere, or was not made by us.
        policy.and_then(Result::ok).filter(|policy| policy.leads_to(&function.arn))
    });
    let failed_events = failed_events(account, &function).await;
    let found = find_queues(account, &function, failed_events.as_ref().ok()).await;
    let names: Vec<String> = found.iter().map(|(queue, _)| queue.name.clone()).collect();
    let metrics = metrics(account, &function, &names).await;
    let queue = |(number, (queue, depth)): (usize, (SqsQueue, Read<QueueDepth>))| {
        let oldest = |metrics: &Metrics| metrics.oldest.get(number).copied().flatten();
        QueueStatus { queue, depth, oldest_seconds: metrics.as_ref().map(oldest).map_err(Clone::clone) }
    };
    let queues = found.into_iter().enumerate().map(queue).collect();
    let last_hour = metrics.map(|metrics| metrics.last_hour);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Status {
        account: account.id.clone(),
        now: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        function,
        permission,
        account_policy,
        last_hour,
        groups,
        missing,
        queues,
        failed_events,
    }
}

async fn newest(account: &Account, group: &LogGroup) -> Read<Option<Newest>> {
    let call = account.logs.describe_log_streams().log_group_name(&group.name).order_by(OrderBy::LastEventTime);
    let answer = call.descending(true).limit(1).send().await;
    let answer =
        answer.map_err(|error| AwsCallError::new("logs:DescribeLogStreams", account.log_group(&group.name), &error))?;
    let newest = answer.log_streams().first();
    Ok(newest.map(|stream| Newest { event: stream.last_event_timestamp(), ingestion: stream.last_ingestion_time() }))
}

/// Where Lambda sends what it gives up: an ARN, by the newer way or the older one.
async fn failed_events(account: &Account, function: &Function) -> Read<Option<String>> {
    let call = account.lambda.get_function_event_invoke_config().function_name(&function.name);
    match call.set_qualifier(function.qualifier.clone()).send().await {
        Ok(answer) => {
            let failure = answer.destination_config().and_then(|config| config.on_failure());
            let destination = failure.and_then(|failure| failure.destination()).map(str::to_owned);
            Ok(destination.or_else(|| function.dead_letter.clone()))
        }
        Err(error) => {
            let error = AwsCallError::new("lambda:GetFunctionEventInvokeConfig", function.on(), &error);
            let is_unset = matches!(error.failure, AwsFailure::NotFound(_));
            if is_unset { Ok(function.dead_letter.clone()) } else { Err(error) }
        }
    }
}

/// The queues, each with how full it is. Where no variable names a dead-letter queue, it is the one to which SQS moves what
/// was read too often.
async fn find_queues(
    account: &Account,
    function: &Function,
    failed_events: Option<&Option<String>>,
) -> Vec<(SqsQueue, Read<QueueDepth>)> {
    let mut found = Vec::new();
    let mut further: Vec<(QueueRole, String)> = Vec::new();
    for queue in queues::of_variables(function) {
        let read = queues::depth(account, &queue).await;
        if let (QueueRole::Undelivered, Ok((_, Some(arn)))) = (queue.role, &read) {
            further.push((QueueRole::DeadLetter, arn.clone()));
        }
        found.push((queue, read.map(|(depth, _)| depth)));
    }
    further.extend(failed_events.cloned().flatten().map(|arn| (QueueRole::FailedEvents, arn)));
    for (role, arn) in further {
        let name = arn.rsplit(':').next().unwrap_or_default();
        if found.iter().any(|(known, _)| known.name == name) {
            continue;
        }
        match queues::of_arn(account, role, &arn).await {
            Ok(Some(queue)) => {
                let depth = queues::depth(account, &queue).await.map(|(depth, _)| depth);
                found.push((queue, depth));
            }
            Ok(None) => {}
            Err(error) => found.push((SqsQueue::new(role, name), Err(error))),
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
async fn metrics(account: &Account, function: &Function, queues: &[String]) -> Read<Metrics> {
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
        let page = page.map_err(|error| AwsCallError::new("cloudwatch:GetMetricData", on(), &error))?;
        for result in page.metric_data_results() {
            let sum = count(result.values().iter().sum());
            match result.id().unwrap_or_default() {
                "invocations" => read.last_hour.invocations += sum,
                "errors" => read.last_hour.errors += sum,
                "throttles" => read.last_hour.throttles += sum,
                age => {
                    let place = age.strip_prefix("age").and_then(|number| number.parse().ok());
                    let place = place.and_then(|number: usize| read.oldest.get_mut(number));
                    // The newest value comes first, and a further page has older ones.
                    if let (Some(place @ None), Some(newest)) = (place, result.values().first()) {
                        *place = Some(count(*newest));
                    }
                }
            }
        }
    }
    Ok(read)
}

/// A metric is a number with a point; these count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than 0, and `as` saturates")]
fn count(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// `id` begins with a small letter. Source: Amazon CloudWatch API reference, `MetricDataQuery`.
fn query(id: &str, namespace: &str, name: &str, dimension: (&str, &str), statistic: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
    let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension).build();
    let statistic = MetricStat::builder().metric(metric).period(PERIOD_SECONDS).stat(statistic).build();
    MetricDataQuery::builder().id(id.to_ascii_lowercase()).metric_stat(statistic).build()
}
