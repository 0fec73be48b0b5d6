//! Rules about the way to Datadog: what Fluent Bit's records, streams and outputs have to keep so that the forwarder can read them.

pub(crate) mod copies;
pub(crate) mod cost;
pub(crate) mod members;
pub(crate) mod metadata;
pub(crate) mod metadata_records;
pub(crate) mod output;
pub(crate) mod stream;

use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::tags::{filters_for_cloudwatch, filters_of_lines};

/// The filter that adds pod, labels and annotations to logs that arrive in CloudWatch Logs.
fn kubernetes<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<PlacedSection<'b, 'a>> {
    filters_for_cloudwatch(logging).into_iter().find(|filter| filter.is_of("kubernetes"))
}

/// The filter that takes containerd's prefix off these: a parser that reads `log`.
fn cri_parser<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<PlacedSection<'b, 'a>> {
    let reads_log = |filter: &PlacedSection<'_, '_>| filter.get("Key_Name").is_some_and(|key| key == "log");
    filters_for_cloudwatch(logging).into_iter().find(|filter| filter.is_of("parser") && reads_log(filter))
}

/// Whether this filter adds to each line, and not only to copies that come beside the lines.
fn is_of_lines(logging: &LoggingConfigMap<'_>, filter: &PlacedSection<'_, '_>) -> bool {
    filters_of_lines(logging).iter().any(|other| other.number == filter.number)
}
