//! The events that may invoke the function, with the parts of their records that are needed: the content, and the id that the
//! answer refers to.

use std::borrow::Cow;

/// An event, by what sent it.
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
    /// Objects created in a bucket; empty for the test message that S3 sends when notifications are configured.
    S3(Vec<S3Object>),
}

/// A message of an SQS queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqsRecord<'a> {
    /// The id that `batchItemFailures` uses.
    pub message_id: Cow<'a, str>,
    /// Needed to change the message's visibility; valid for this receive only.
    pub receipt_handle: Cow<'a, str>,
    /// How often it was received, this time included; at least 1.
    pub receive_count: u32,
    /// When it was sent to the queue, in milliseconds since 1970.
    pub sent_ms: Option<i64>,
    /// The ARN of the queue, such as `arn:aws:sqs:eu-west-1:111122223333:name`.
    pub queue_arn: Cow<'a, str>,
    pub body: Cow<'a, str>,
}

/// A record of a Kinesis data stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KinesisRecord<'a> {
    /// The id that `batchItemFailures` uses.
    pub sequence_number: Cow<'a, str>,
    /// base64.
    pub data: Cow<'a, str>,
}

/// Records that Amazon Data Firehose wants transformed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirehoseEvent<'a> {
    pub records: Vec<FirehoseRecord<'a>>,
}

/// One record of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirehoseRecord<'a> {
    /// The id that the answer uses.
    pub record_id: Cow<'a, str>,
    /// base64.
    pub data: Cow<'a, str>,
}

/// An object in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Object {
    pub bucket: String,
    /// Decoded: notifications encode it as HTML forms do.
    pub key: String,
    pub region: String,
}

impl S3Object {
    /// Whether these can be names of a region, a bucket and a key. Whoever can send a message to the queue chooses them, and
    /// they become part of a URL: with a slash or a `#` in them, a signed request would go to another host.
    ///
    /// Source: Amazon S3 User Guide, "General purpose bucket naming rules", with the letters of old buckets in us-east-1.
    pub fn is_sound(&self) -> bool {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (3..=255).contains(&self.bucket.len())
            && self.bucket.bytes().all(is_name)
            && self.bucket.starts_with(|first: char| first.is_ascii_alphanumeric())
            && self.region.len() <= 64
            && self.region.bytes().all(is_region)
            && !self.key.is_empty()
    }
}
