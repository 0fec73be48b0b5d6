//! What came in: tells the envelopes that Lambda may hand us apart, by their keys, from raw bytes.
//!
//! The event is taken as bytes, not through a deserialiser: whatever is wrong with it is then our own answer with a
//! stable type, and nothing of the sender's text gets into an error. Envelopes of many records are in [`super::records`].

use std::borrow::Cow;

use super::json;
use super::records::{FirehoseEvent, KinesisRecord, S3Object, SqsRecord};

/// An event, recognised.
#[derive(Debug, PartialEq, Eq)]
pub enum InvocationEvent<'a> {
    /// A CloudWatch Logs subscription: `{"awslogs":{"data":"<base64 of gzipped JSON>"}}`.
    /// Source: AWS, "Using Amazon CloudWatch Logs subscription filters", example with Lambda.
    AwsLogs {
        /// The base64 text.
        data: Cow<'a, str>,
    },
    /// One of our own messages from the queue of undelivered logs: the raw JSON, to be read by `delivery::undelivered`.
    Undelivered(&'a str),
    /// What Lambda writes to an on-failure destination: the raw JSON of the event that failed.
    /// Source: AWS, "Capturing records of Lambda asynchronous invocations".
    Failed(Cow<'a, str>),
    Sqs(Vec<SqsRecord<'a>>),
    Kinesis(Vec<KinesisRecord<'a>>),
    Firehose(FirehoseEvent<'a>),
    /// Objects that were made in a bucket; empty for the test message that S3 sends when it is told to notify.
    S3(Vec<S3Object>),
}

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

/// The members by which envelopes are told apart, as raw JSON.
#[derive(Default)]
struct EnvelopeKeys<'a> {
    awslogs: Option<&'a str>,
    podferry: bool,
    request_payload: Option<&'a str>,
    payload: Option<&'a str>,
    records: Option<&'a str>,
    firehose_records: Option<&'a str>,
    delivery_stream: bool,
    is_test_of_s3: bool,
}

/// Recognises an event.
///
/// # Errors
/// [`EventError::NotJson`] and [`EventError::Unknown`].
pub fn recognise(bytes: &[u8]) -> Result<InvocationEvent<'_>, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EventError::NotJson)?;
    let mut keys = EnvelopeKeys::default();
    json::each_member(text, |key, value| match key {
        "awslogs" => keys.awslogs = Some(value),
        "podferry" => keys.podferry = true,
        "requestPayload" => keys.request_payload = Some(value),
        "payload" => keys.payload = Some(value),
        "Records" => keys.records = Some(value),
        "records" => keys.firehose_records = Some(value),
        "deliveryStreamArn" => keys.delivery_stream = true,
        "InvocationEvent" => keys.is_test_of_s3 = value == "\"s3:TestEvent\"",
        _ => {}
    })
    .map_err(|_| EventError::NotJson)?;
    if let Some(awslogs) = keys.awslogs {
        return aws_logs(awslogs);
    }
    if keys.podferry {
        return Ok(InvocationEvent::Undelivered(text));
    }
    // An asynchronous invocation's; of a stream's mapping, `payload` in an object of S3, as a string.
    if let Some(failed) = keys.request_payload.or(keys.payload) {
        return Ok(InvocationEvent::Failed(json::string(failed).map_or(Cow::Borrowed(failed), Cow::Owned)));
    }
    if let Some(records) = keys.records {
        return super::records::recognise(records);
    }
    if let Some(records) = keys.firehose_records.filter(|_| keys.delivery_stream) {
        return FirehoseEvent::read(records).map(InvocationEvent::Firehose);
    }
    if keys.is_test_of_s3 { Ok(InvocationEvent::S3(Vec::new())) } else { Err(EventError::Unknown) }
}

fn aws_logs(awslogs: &str) -> Result<InvocationEvent<'_>, EventError> {
    let mut data = None;
    // An `awslogs` that is no object leaves `data` empty, and that is the answer.
    let _ = json::each_member(awslogs, |key, value| {
        if key == "data" {
            data = json::unquoted(value);
        }
    });
    let data = data.ok_or(EventError::Unknown)?;
    let data = if data.contains('\\') {
        let mut plain = String::with_capacity(data.len());
        json::unescape_into(data, &mut plain);
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(data)
    };
    Ok(InvocationEvent::AwsLogs { data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_event_is_recognised() {
        assert_eq!(
            recognise(br#" {"awslogs": {"data": "H4s="}, "more": [1]} "#),
            Ok(InvocationEvent::AwsLogs { data: Cow::Borrowed("H4s=") })
        );
        assert_eq!(
            recognise(br#"{"awslogs":{"data":"a\/b="}}"#),
            Ok(InvocationEvent::AwsLogs { data: Cow::Borrowed("a/b=") })
        );
    }

    #[test]
    fn what_failed_is_inside_of_what_a_destination_got() {
        let inside = r#"{"awslogs":{"data":"H4s="}}"#;
        let of_lambda = format!(
            r#"{{"version":"1.0","requestContext":{{"condition":"RetriesExhausted"}},"requestPayload":{inside},"responsePayload":{{}}}}"#
        );
        assert_eq!(recognise(of_lambda.as_bytes()), Ok(InvocationEvent::Failed(inside.into())));
        let of_a_stream = format!(r#"{{"requestContext":{{}},"payload":{}}}"#, serde_json::Value::from(inside));
        assert_eq!(recognise(of_a_stream.as_bytes()), Ok(InvocationEvent::Failed(inside.into())));
        let own = br#"{"podferry":{"schema":1},"data":""}"#;
        assert!(matches!(recognise(own), Ok(InvocationEvent::Undelivered(text)) if text.as_bytes() == own));
        let test = br#"{"Service":"Amazon S3","InvocationEvent":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(recognise(test), Ok(InvocationEvent::S3(Vec::new())));
    }

    #[test]
    fn anything_else_is_told_apart() {
        for bytes in [b"".as_slice(), b"x", b"{\"awslogs\":", b"\xff\xfe", b"[1]", b"null", b"\"awslogs\""] {
            assert_eq!(recognise(bytes), Err(EventError::NotJson), "{bytes:?}");
        }
        for bytes in [
            br#"{}"#.as_slice(),
            br#"{"Records":[]}"#,
            br#"{"Records":7}"#,
            br#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#,
            br#"{"records":[{"recordId":"1","data":""}]}"#,
            br#"{"retry":true}"#,
            br#"{"awslogs":null}"#,
            br#"{"awslogs":"data"}"#,
            br#"{"awslogs":{"data":7}}"#,
            br#"{"awslogs":{}}"#,
        ] {
            assert_eq!(recognise(bytes), Err(EventError::Unknown), "{bytes:?}");
        }
    }
}
