//! `firehose`: records of Amazon Data Firehose, each with a newline behind it.
//!
//! Source: aws/amazon-kinesis-firehose-for-fluent-bit at v1.7.2, firehose/firehose.go, `AddRecord` and `processRecord`, and
//! plugins/plugins.go.

use super::cut::cut;
use super::log_key::data;
use super::option;
use super::reading::each;
use super::record_options::RecordOptions;
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GoFirehose {
    options: RecordOptions,
    /// Several records become one, so that it is not known where one ends.
    aggregates: bool,
}

/// Source: firehose.go, `maximumRecordSize`.
const LONGEST: usize = 1_024_000;

impl GoFirehose {
    pub(crate) fn new(section: &ReadSection) -> Result<GoFirehose, NotStarted> {
        let is_missing = |name: &str| option::value(section, name).is_none();
        if is_missing("delivery_stream") || is_missing("region") {
            return Err(NotStarted::because("an output has no delivery_stream or no region"));
        }
        let aggregates = option::is_true(section, "simple_aggregation");
        Ok(GoFirehose { options: RecordOptions::new(section)?, aggregates })
    }

    /// # Errors
    /// Of what Fluent Bit dies.
    pub(crate) fn send(&self, records: &[&Record], read_at: Time) -> Result<Vec<Vec<Sent>>, &'static str> {
        let document = |record: Map, time: Time| -> Result<Sent, Sent> {
            let timed = self.options.with_time(record, time);
            let record = timed.and_then(|record| self.options.reduced(record)).map_err(Sent::Unknown)?;
            let mut data = data(self.options.log_key.as_deref(), &record)?;
            data.push(b'\n');
            if data.len() > LONGEST {
                cut(&mut data, LONGEST);
            }
            Ok(match self.aggregates {
                true => Sent::Unknown(Unknown("records are put together by simple_aggregation")),
                false => Sent::Document(data),
            })
        };
        each(records, |record, map| Ok(document(map, record.time.unwrap_or(read_at)).unwrap_or_else(|nothing| nothing)))
    }
}
