//! Why an event cannot be forwarded.

/// Why an event cannot be forwarded. No variant holds any of the event's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The bytes are no JSON object.
    #[error("the event is not a JSON object; the forwarder takes the events of a CloudWatch Logs subscription filter")]
    NotJson,
    /// JSON, but no envelope that we know.
    #[error(
        "the event is none of those that the forwarder takes: of a CloudWatch Logs subscription filter (`awslogs.data`), \
         of its own queue, of a Kinesis stream or of Amazon Data Firehose; check what is set up to invoke this function"
    )]
    Unknown,
    /// The data is not base64.
    #[error("the event's data is not valid base64")]
    Base64,
    /// The decoded data is no gzip, or ends before its end.
    #[error("the event's data is not a whole gzip stream: it is corrupt, was cut off, or is not of CloudWatch Logs")]
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
    /// It holds more events than its size can mean.
    #[error(
        "the event holds more than {limit} log events, which are too many for its size: CloudWatch Logs sends no such thing"
    )]
    TooMany {
        /// The cap, in events.
        limit: usize,
    },
    /// The inflated text is not what CloudWatch Logs sends.
    #[error("the content of the event is not the JSON that CloudWatch Logs sends (an object with `logEvents`)")]
    Content,
    /// The event comes from this function's own log group: forwarding it would make another, for ever.
    #[error(
        "the event comes from this function's own log group, which would feed itself for ever: remove the subscription \
         filter from that log group"
    )]
    OwnLogGroup,
    /// The object that holds a failed event is gone.
    #[error("the object that a failed event was written to is gone: the bucket keeps objects for a time only")]
    Object,
    /// One of our own messages cannot be read.
    #[error("a message of the queue of undelivered logs cannot be read: it is damaged, or of a newer podferry")]
    Message,
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
        }
    }
}
