//! The last 24 hours in numbers, hour by hour: logs that were delivered, messages that waited in the queue, and dead letters.
//!
//! Sources: the function's own metrics (`crates/forwarder/src/lambda/metrics.rs`), Amazon SQS Developer Guide, "Available CloudWatch metrics
//! for Amazon SQS", and Amazon CloudWatch User Guide, "Using search expressions".

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;

use super::facts::{HealthFact, QueueFact};
use crate::aws::account::Account;
use crate::aws::error::{On, SdkCallError};
use crate::aws::function::Function;
use crate::aws::queues::QueueRole;

/// How many hours, the current one among them.
pub(crate) const HOURS: usize = 24;

/// The period of each value, in seconds.
pub(crate) const HOUR_SECONDS: i64 = 3600;

/// A value for each hour, the oldest first; `None` where CloudWatch has none. SQS writes none for a queue that was empty and
/// untouched for six hours.
pub(crate) type HourlyValues = [Option<f64>; HOURS];

/// What happened hour by hour.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct LastDay {
    /// The beginning of the first hour, in seconds since 1970.
    pub(crate) start_seconds: i64,
    /// Logs.
    pub(crate) delivered: HourlyValues,
    /// The most messages that the queue of undelivered logs held.
    pub(crate) waiting: HourlyValues,
    /// The most messages that the dead-letter queue held.
    pub(crate) dead: HourlyValues,
}

/// All states of a message in a queue. Those that the function hides wait, too.
const STATES: [&str; 3] = [
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

/// Reads the metrics: one call, and further ones where the answer has several pages.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn read(account: &Account, function: &Function, queues: &[QueueFact]) -> HealthFact<LastDay> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut day = LastDay { start_seconds: start_seconds(now), ..LastDay::default() };
    let of_role = |role: QueueRole| {
        let found = queues.iter().find(|fact| fact.queue.role == role);
        found.into_iter().flat_map(move |fact| STATES.iter().map(move |state| (id(role), *state, &fact.queue.name)))
    };
    let of_queues = of_role(QueueRole::Undelivered).chain(of_role(QueueRole::DeadLetter));
    let of_queues =
        of_queues.enumerate().map(|(number, (id, state, queue))| of_queue(&format!("{id}{number}"), state, queue));
    let mut pages = account
        .metrics
        .get_metric_data()
        .set_metric_data_queries(Some(std::iter::once(delivered(function)).chain(of_queues).collect()))
        .start_time(DateTime::from_secs(day.start_seconds))
        .end_time(DateTime::from_secs(i64::try_from(now.as_secs()).unwrap_or(i64::MAX)))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let on = || On::any("the metrics of function and queues");
        let page = page.map_err(|error| SdkCallError::new("cloudwatch:GetMetricData", on(), &error))?;
        for result in page.metric_data_results() {
            let times = result.timestamps().iter().map(DateTime::secs);
            day.add(result.id().unwrap_or_default(), times.zip(result.values().iter().copied()));
        }
    }
    Ok(day)
}

/// The beginning of the hour that was 23 hours ago.
fn start_seconds(now: Duration) -> i64 {
    let hour = i64::try_from(now.as_secs()).unwrap_or_default() / HOUR_SECONDS;
    (hour - (HOURS as i64 - 1)) * HOUR_SECONDS
}

impl LastDay {
    /// Adds values of a metric: several can make up one row.
    fn add(&mut self, id: &str, values: impl Iterator<Item = (i64, f64)>) {
        let row = match id.trim_end_matches(|character: char| character.is_ascii_digit()) {
            "delivered" => &mut self.delivered,
            "waiting" => &mut self.waiting,
            "dead" => &mut self.dead,
            _ => return,
        };
        for (seconds, value) in values {
            let hour = usize::try_from((seconds - self.start_seconds).div_euclid(HOUR_SECONDS)).ok();
            if let Some(hour) = hour.and_then(|hour| row.get_mut(hour)) {
                *hour = Some(hour.unwrap_or_default() + value.max(0.0));
            }
        }
    }
}

/// What ids of a role's metrics begin with.
fn id(role: QueueRole) -> &'static str {
    match role {
        QueueRole::Undelivered => "waiting",
        QueueRole::DeadLetter | QueueRole::FailedEvents => "dead",
    }
}

/// Of each cluster, whose name is a dimension: as many results with this id as there are clusters, or none.
fn delivered(function: &Function) -> MetricDataQuery {
    let name = &function.name;
    let expression = format!(
        "SEARCH('{{podferry,FunctionName,ClusterName}} FunctionName=\"{name}\" MetricName=\"LogsDelivered\"', 'Sum')"
    );
    MetricDataQuery::builder().id("delivered").expression(expression).period(HOUR_SECONDS as i32).build()
}

fn of_queue(id: &str, metric: &str, queue: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name("QueueName").value(queue).build();
    let metric = Metric::builder().namespace("AWS/SQS").metric_name(metric).dimensions(dimension).build();
    let statistic = MetricStat::builder().metric(metric).period(HOUR_SECONDS as i32).stat("Maximum").build();
    MetricDataQuery::builder().id(id).metric_stat(statistic).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_hour_is_the_last_of_24() {
        let start = start_seconds(Duration::from_secs(100 * 3600 + 59));
        assert_eq!(start, 77 * 3600);
        let mut day = LastDay { start_seconds: start, ..LastDay::default() };
        day.add(
            "delivered",
            [(start - 1, 1.0), (start, 2.0), (start + 3599, 3.0), (100 * 3600, 4.0), (101 * 3600, 5.0)].into_iter(),
        );
        day.add("waiting0", [(start, 1.0)].into_iter());
        day.add("waiting1", [(start, 2.0)].into_iter());
        day.add("invocations", [(start, 9.0)].into_iter());
        assert_eq!((day.delivered[0], day.delivered[23]), (Some(5.0), Some(4.0)));
        assert_eq!(day.delivered.iter().flatten().count(), 2);
        assert_eq!((day.waiting[0], day.waiting[1], day.dead), (Some(3.0), None, HourlyValues::default()));
    }
}
