//! How much there is, before anything is read: from CloudWatch's metrics of the log groups.
//!
//! They count what was ingested at a time, not what carries that time; and a whole group, whatever streams and pattern were asked
//! for. So it is an estimate, and an upper bound.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};

use crate::aws::account::Account;
use crate::aws::error::{On, SdkCallError};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Source: Amazon CloudWatch API reference, GetMetricStatistics: 1,440 points at most.
const MAX_POINTS: i64 = 1440;

/// What came into groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct IncomingVolume {
    pub(crate) events: u64,
    /// Of messages.
    pub(crate) bytes: u64,
}

/// What came into these groups from `from_ms` to `to_ms`. `None` if CloudWatch has no figures.
///
/// # Errors
/// [`SdkCallError`] of the first call that failed.
pub(crate) async fn volume(
    account: &Account,
    groups: &[String],
    from_ms: i64,
    to_ms: i64,
    now_ms: i64,
) -> Result<Option<IncomingVolume>, SdkCallError> {
    let mut all = None;
    for group in groups {
        let events = sum(account, group, "IncomingLogEvents", from_ms, to_ms, now_ms).await?;
        let bytes = sum(account, group, "IncomingBytes", from_ms, to_ms, now_ms).await?;
        if let (Some(events), Some(bytes)) = (events, bytes) {
            let all = all.get_or_insert_with(IncomingVolume::default);
            all.events += events;
            all.bytes += bytes;
        }
    }
    Ok(all)
}

async fn sum(
    account: &Account,
    group: &str,
    metric: &str,
    from_ms: i64,
    to_ms: i64,
    now_ms: i64,
) -> Result<Option<u64>, SdkCallError> {
    let period = period_ms(from_ms, to_ms, now_ms);
    let answer = account
        .metrics
        .get_metric_statistics()
        .namespace("AWS/Logs")
        .metric_name(metric)
        .dimensions(Dimension::builder().name("LogGroupName").value(group).build())
        .start_time(DateTime::from_millis(from_ms - from_ms.rem_euclid(period)))
        .end_time(DateTime::from_millis(to_ms))
        .period(i32::try_from(period / 1000).unwrap_or(i32::MAX))
        .statistics(Statistic::Sum)
        .send()
        .await
        .map_err(|error| {
            SdkCallError::new("cloudwatch:GetMetricStatistics", On::any(format!("log group {group}")), &error)
        })?;
    let points = answer.datapoints();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums of counts; an estimate")]
    let sum = points.iter().filter_map(|point| point.sum()).sum::<f64>() as u64;
    Ok((!points.is_empty()).then_some(sum))
}

/// The shortest period for which CloudWatch has and gives figures.
/// Source: Amazon CloudWatch API reference, GetMetricStatistics: of one minute for 15 days, of five for 63, of an hour then.
fn period_ms(from_ms: i64, to_ms: i64, now_ms: i64) -> i64 {
    let unit = match now_ms.saturating_sub(from_ms) {
        age if age < 15 * DAY_MS => MINUTE_MS,
        age if age < 63 * DAY_MS => 5 * MINUTE_MS,
        _ => HOUR_MS,
    };
    // One point may be begun before, and one after.
    let least = (to_ms - from_ms).max(1) / (MAX_POINTS - 2) + 1;
    (least + unit - 1) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_of_a_kind_that_is_kept_and_not_too_many() {
        let now = 1_795_379_888_236;
        for (age_days, length, expected) in [
            (1, HOUR_MS, MINUTE_MS),
            (1, DAY_MS, 2 * MINUTE_MS),
            (14, 14 * DAY_MS, 15 * MINUTE_MS),
            (15, HOUR_MS, 5 * MINUTE_MS),
            (63, HOUR_MS, HOUR_MS),
            (400, 400 * DAY_MS, 7 * HOUR_MS),
        ] {
            let from = now - age_days * DAY_MS;
            let period = period_ms(from, from + length, now);
            assert_eq!(period, expected, "{age_days} {length}");
            assert!(length / period + 2 <= MAX_POINTS);
        }
    }
}
