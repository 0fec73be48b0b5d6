//! What an output sends of a record.

use super::unknown::Unknown;
use crate::fluent_bit::cloudwatch_names::{is_group, is_stream};

/// What an output makes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// An event of CloudWatch Logs.
    Event {
        group: Vec<u8>,
        stream: Vec<u8>,
        message: Vec<u8>,
    },
    /// An event that makes the call's body something that is no JSON, so that AWS refuses it and all that comes with it.
    Refused {
        group: Vec<u8>,
        stream: Vec<u8>,
    },
    /// A record of Firehose; or a document of Elasticsearch, behind the line that says where it goes.
    Document(Vec<u8>),
    /// Nothing, because the record is empty or lacks `log_key`.
    Nothing(&'static str),
    Unknown(Unknown),
}

impl Sent {
    /// Why CloudWatch Logs does not take an event, if it does not take the name of its log group or its log stream: then it has not got them, and each
    /// write fails. Fluent Bit does not look at the names.
    #[must_use]
    pub fn refused_name(&self) -> Option<&'static str> {
        let Sent::Event { group, stream, .. } = self else { return None };
        let is = |name: &[u8], takes: fn(&str) -> bool| takes(&String::from_utf8_lossy(name));
        if !is(group, is_group) {
            return Some("CloudWatch Logs refuses the name of the log group");
        }
        (!is(stream, is_stream)).then_some("CloudWatch Logs refuses the name of the log stream")
    }
}
