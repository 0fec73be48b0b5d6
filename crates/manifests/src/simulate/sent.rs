//! What an output sends of a record.

use super::unknown::Unknown;

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
