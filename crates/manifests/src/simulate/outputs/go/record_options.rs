//! What `firehose` and `kinesis` do to a record before they write it: a time, some keys only, no dots.
//!
//! Source: aws/amazon-kinesis-firehose-for-fluent-bit, firehose/firehose.go, `AddRecord`, `processRecord` and `replaceDots`, and
//! plugins/plugins.go, `DataKeys`.

use super::option;
use super::time::TimeFormat;
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Key, Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordOptions {
    /// Key and format.
    time: Option<(String, TimeFormat)>,
    data_keys: Option<Vec<String>>,
    dots: Option<String>,
    pub(super) log_key: Option<String>,
}

impl RecordOptions {
    /// # Errors
    /// Where the format of times is none.
    pub(super) fn new(section: &ReadSection) -> Result<RecordOptions, NotStarted> {
        let value = |name: &str| option::value(section, name);
        let time = match value("time_key") {
            Some(key) => {
                let format = value("time_key_format").unwrap_or("%Y-%m-%dT%H:%M:%S");
                Some((key.to_owned(), TimeFormat::new(format)?))
            }
            None => None,
        };
        Ok(RecordOptions {
            time,
            data_keys: value("data_keys").map(|keys| keys.trim().split(',').map(str::to_owned).collect()),
            dots: value("replace_dots").map(str::to_owned),
            log_key: value("log_key").map(str::to_owned),
        })
    }

    /// The record with its time, a member like others, so that `data_keys` may leave it out.
    ///
    /// # Errors
    /// Where it is not known how the time is written.
    pub(super) fn with_time(&self, mut record: Map, time: Time) -> Result<Map, Unknown> {
        if let Some((key, format)) = &self.time {
            let written = Value::text(format.write(time)?);
            match record.members.iter_mut().find(|(name, _)| name.is(key.as_bytes())) {
                Some((_, value)) => *value = written,
                None => record.push(key, written),
            }
        }
        Ok(record)
    }

    /// What is written of a record.
    ///
    /// # Errors
    /// Where it is not known.
    pub(super) fn reduced(&self, mut record: Map) -> Result<Map, Unknown> {
        if let Some(keys) = &self.data_keys {
            record.members.retain(|(name, _)| keys.iter().any(|key| name.is(key.as_bytes())));
        }
        match &self.dots {
            Some(dots) => without_dots(record, dots),
            None => Ok(record),
        }
    }
}

/// Dots in keys replaced, also in maps within, but not in those that a list has. Members are taken in any order.
fn without_dots(record: Map, dots: &str) -> Result<Map, Unknown> {
    let has_dot = record.members.iter().any(|(key, _)| key.as_text().is_some_and(|key| key.contains(&b'.')));
    if has_dot && dots.contains('.') {
        return Err(Unknown(
            "replace_dots puts dots in the place of dots, and does so as often as it happens to see a key",
        ));
    }
    let mut out = Map::default();
    for (key, value) in record.members {
        let Some(key) = key.as_text() else { continue };
        let parts: Vec<&[u8]> = key.split(|byte| *byte == b'.').collect();
        let key = parts.join(dots.as_bytes());
        if out.last(&key).is_some() {
            return Err(Unknown("replace_dots makes one key of two, and keeps either"));
        }
        let value = match value {
            Value::Map(map) => Value::Map(without_dots(map, dots)?),
            value => value,
        };
        out.members.push((Key::Text(key), value));
    }
    Ok(out)
}
