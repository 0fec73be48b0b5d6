//! Why an event cannot be forwarded.

/// Why an event cannot be forwarded. No variant holds any of the event's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The bytes are not a JSON object.
    #[error("the event is not a JSON object; the forwarder accepts events from a CloudWatch Logs subscription filter")]
    NotJson,
    /// JSON, but not an event that we know.
    #[error(
        "the event is not a kind the forwarder accepts (from a CloudWatch Logs subscription filter, with `awslogs.data`; from \
         its own queue; from a Kinesis stream; from Amazon Data Firehose): check what invokes this function"
    )]
    Unknown,
    /// The data is not base64.
    #[error("the event's data is not valid base64")]
    Base64,
    /// The decoded data is not gzip, or is incomplete.
    #[error("the event's data is not a complete gzip stream: it is corrupt, truncated, or not from CloudWatch Logs")]
    Gzip,
    /// It inflates to more than is allowed.
    #[error(
        "the event inflates to more than {limit} bytes; raise PODFERRY_MAX_DECOMPRESSED_BYTES (and the function's memory) \
         if events of that size are expected"
    )]
    TooLarge {
        /// The cap, in bytes.
        limit: u64,
    },
    /// It holds more log events than its size allows for.
    #[error(
        "the event holds more than {limit} log events, too many for its size: CloudWatch Logs never sends that many"
    )]
    TooMany {
        /// The cap, in events.
        limit: usize,
    },
    /// The inflated text is not what CloudWatch Logs sends.
    #[error("the event's content is not the JSON that CloudWatch Logs sends (an object with `logEvents`)")]
    Content,
    /// The event comes from this function's own log group: forwarding it would create another one, in an endless loop.
    #[error(
        "the event comes from this function's own log group, which would create an endless loop: remove the \
         subscription filter from that log group"
    )]
    OwnLogGroup,
    /// The object that holds a failed event no longer exists.
    #[error(
        "the object that a failed event was written to no longer exists: the bucket keeps objects for a limited time"
    )]
    Object,
    /// One of our own messages cannot be read.
    #[error(
        "a message in the queue of undelivered logs cannot be read: it is damaged, or was written by a newer podferry"
    )]
    Message,
    /// An event waits for the metadata of its pod, and nothing says that there are records of it.
    #[error(
        "an event in the queue of undelivered logs waits for the metadata of its pod, and by the settings there are no records of it: set \
         PODFERRY_METADATA_RECORDS to true until nothing waits any more, and move it back"
    )]
    MetadataOff,
}

impl EventError {
    /// The stable name that Lambda reports as `errorType`.
    pub fn error_type(&self) -> &'static str {
        match self {
            EventError::NotJson => "EventNotJson",
            EventError::Unknown => "EventUnknown",
            EventError::Base64 => "EventBase64Invalid",
            EventError::Gzip => "EventGzipInvalid",
            EventError::TooLarge { .. } => "EventTooLarge",
            EventError::TooMany { .. } => "EventTooMany",
            EventError::Content => "EventContentInvalid",
            EventError::OwnLogGroup => "EventFromOwnLogGroup",
            EventError::Object => "EventObjectMissing",
            EventError::Message => "EventMessageInvalid",
            EventError::MetadataOff => "EventMetadataOff",
        }
    }
}
