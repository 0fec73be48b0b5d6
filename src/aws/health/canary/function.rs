//! What the forwarder's own metrics say of the time of a canary, where nobody may look into Datadog.
//!
//! They count all pods' logs. Source of the names: `crates/forwarder/src/lambda/metrics.rs`.

use std::time::SystemTime;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::MetricDataQuery;

use crate::aws::account::Account;
use crate::aws::error::{On, SdkCallError};
use crate::aws::function::Function;

/// Of all pods' logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ForwarderCounts {
    pub(crate) delivered: u64,
    pub(crate) queued: u64,
    pub(crate) dead: u64,
}

const METRICS: [(&str, &str); 3] = [("delivered", "LogsDelivered"), ("queued", "LogsQueued"), ("dead", "LogsDead")];

/// Reads them from a time on. They are a minute or two late.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn counts(
    account: &Account,
    function: &Function,
    from: SystemTime,
) -> Result<ForwarderCounts, SdkCallError> {
    let query = |(id, metric): (&str, &str)| {
        // Whatever the dimension ClusterName is. Source: Amazon CloudWatch User Guide, "Using search expressions in graphs".
        let search = format!(
            "SUM(SEARCH('{{podferry,FunctionName,ClusterName}} MetricName=\"{metric}\" FunctionName=\"{}\"', 'Sum'))",
            function.name
        );
        MetricDataQuery::builder().id(id).expression(search).period(60).build()
    };
    let call = account.metrics.get_metric_data().set_metric_data_queries(Some(METRICS.map(query).to_vec()));
    let call = call.start_time(DateTime::from(from)).end_time(DateTime::from(SystemTime::now()));
    let on = || On::any(format!("the metrics of {}", function.name));
    let answer = call.send().await.map_err(|error| SdkCallError::new("cloudwatch:GetMetricData", on(), &error))?;
    let mut counts = ForwarderCounts::default();
    for result in answer.metric_data_results() {
        let sum: f64 = result.values().iter().sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, no less than 0")]
        let sum = sum.max(0.0) as u64;
        match result.id().unwrap_or_default() {
            "delivered" => counts.delivered += sum,
            "queued" => counts.queued += sum,
            "dead" => counts.dead += sum,
            _ => {}
        }
    }
    Ok(counts)
}
