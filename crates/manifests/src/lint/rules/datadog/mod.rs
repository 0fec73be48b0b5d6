//! Rules about the way to Datadog: what Fluent Bit's records, streams and outputs have to keep so that the forwarder can read them.

pub(crate) mod cost;
pub(crate) mod members;
pub(crate) mod metadata;
pub(crate) mod output;
pub(crate) mod stream;

use crate::lint::logging::{LoggingConfigMap, PlacedSection};

/// The filter that adds pod, labels and annotations.
fn kubernetes<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<PlacedSection<'b, 'a>> {
    logging.filters().find(|filter| filter.plugin() == "kubernetes")
}

/// The filter that takes containerd's prefix off: a parser that reads `log`.
fn cri_parser<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<PlacedSection<'b, 'a>> {
    let reads_log = |filter: &PlacedSection<'_, '_>| filter.get("Key_Name").is_some_and(|key| key == "log");
    logging.filters().find(|filter| filter.plugin() == "parser" && reads_log(filter))
}
