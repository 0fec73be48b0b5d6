//! `kinesis`: records of Amazon Kinesis Data Streams, without what compresses them.
//!
//! Source: aws/amazon-kinesis-streams-for-fluent-bit at v1.10.2, kinesis/kinesis.go, `AddRecord`, `processRecord` and `getPartitionKey`, and
//! fluent-bit-kinesis.go, `newKinesisOutput`.

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
use crate::simulate::value::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kinesis {
    options: RecordOptions,
    partition_key: Option<String>,
    appends_newline: bool,
    compresses: bool,
    /// Several records become one of Amazon's own format.
    aggregates: bool,
}

/// Source: kinesis.go, `maximumRecordSize`, which is for a record's data and its partition key.
const LONGEST: usize = 1024 * 1024;
/// Source: kinesis.go, `partitionKeyMaxLength`.
const LONGEST_PARTITION_KEY: usize = 256;
/// Source: kinesis.go, `NewRandomStringGenerator(8)`.
const RANDOM_PARTITION_KEY: usize = 8;
/// Source: fluent-bit-kinesis.go, `maximumConcurrency`.
const MOST_CONCURRENT: usize = 10;

impl Kinesis {
    pub(crate) fn new(section: &ReadSection) -> Result<Kinesis, NotStarted> {
        let value = |name: &str| option::value(section, name);
        let is_true = |name: &str| option::is_true(section, name);
        if value("stream").is_none() || value("region").is_none() {
            return Err(NotStarted::because("an output has no stream or no region"));
        }
        if value("partition_key") == Some("log") {
            return Err(NotStarted::because("`log` cannot be the partition key"));
        }
        let compresses = match value("compression").map(str::to_ascii_lowercase).as_deref() {
            None | Some("none") => false,
            Some("gzip" | "zlib") => true,
            Some(_) => return Err(NotStarted::because("a compression is neither zlib, gzip nor none")),
        };
        let number = |option: &str| match value(option) {
            None => Ok(0),
            Some(text) => {
                let digits = text.strip_prefix('+').unwrap_or(text);
                let number = digits.parse::<usize>().ok().filter(|_| !digits.starts_with('+'));
                number.ok_or(NotStarted::because("an option is no number from 0 on"))
            }
        };
        if number("experimental_concurrency")? > MOST_CONCURRENT {
            return Err(NotStarted::because("experimental_concurrency is above 10"));
        }
        number("experimental_concurrency_retries")?;
        number("http_request_timeout")?;
        Ok(Kinesis {
            options: RecordOptions::new(section)?,
            partition_key: value("partition_key").map(str::to_owned),
            appends_newline: is_true("append_newline"),
            compresses,
            aggregates: is_true("aggregation"),
        })
    }

    /// # Errors
    /// Of what Fluent Bit dies.
    pub(crate) fn send(&self, records: &[&Record], read_at: Time) -> Result<Vec<Vec<Sent>>, &'static str> {
        each(records, |record, map| {
            Ok(self.document(map, record.time.unwrap_or(read_at)).unwrap_or_else(|nothing| nothing))
        })
    }

    fn document(&self, record: Map, time: Time) -> Result<Sent, Sent> {
        // The key is looked up before keys are left out, and may be the time.
        let timed = self.options.with_time(record, time).map_err(Sent::Unknown)?;
        let key_length = self.partition_key.as_deref().and_then(|path| partition_key(path, &timed));
        let key_length = key_length.unwrap_or(RANDOM_PARTITION_KEY);
        let record = self.options.reduced(timed).map_err(Sent::Unknown)?;
        let mut data = data(self.options.log_key.as_deref(), &record)?;
        if self.appends_newline {
            data.push(b'\n');
        }
        if data.len() + key_length > LONGEST {
            if self.compresses {
                return Err(Sent::Unknown(Unknown(
                    "the record is so long that it is cut, by how far it can be compressed",
                )));
            }
            cut(&mut data, LONGEST - key_length);
        }
        Ok(match self.aggregates {
            true => Sent::Unknown(Unknown("records are put together by aggregation")),
            false => Sent::Document(data),
        })
    }
}

/// How long the value is under `a->b`; none where there is no text, or an empty one.
fn partition_key(path: &str, mut record: &Map) -> Option<usize> {
    let mut names = path.split("->").peekable();
    while let Some(name) = names.next() {
        match record.last(name.as_bytes())? {
            Value::Text(text) if names.peek().is_none() && !text.is_empty() => {
                return Some(text.len().min(LONGEST_PARTITION_KEY));
            }
            Value::Map(map) => record = map,
            _ => return None,
        }
    }
    None
}
