//! The envelopes that Lambda may hand us, and what of their records is needed: the content, and what the answer names a record by.

use std::borrow::Cow;

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

/// A message of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqsRecord<'a> {
    /// What `batchItemFailures` names it by.
    pub message_id: Cow<'a, str>,
    /// What its visibility can be changed by; only for this receipt.
    pub receipt_handle: Cow<'a, str>,
    /// How often it was handed out, this time included; at least 1.
    pub receive_count: u32,
    /// The queue's, such as `arn:aws:sqs:eu-west-1:111122223333:name`.
    pub queue_arn: Cow<'a, str>,
    pub body: Cow<'a, str>,
}

/// A record of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KinesisRecord<'a> {
    /// What `batchItemFailures` names it by.
    pub sequence_number: Cow<'a, str>,
    /// base64.
    pub data: Cow<'a, str>,
}

/// What Firehose wants transformed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirehoseEvent<'a> {
    pub records: Vec<FirehoseRecord<'a>>,
}

/// One record of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirehoseRecord<'a> {
    /// What the answer names it by.
    pub record_id: Cow<'a, str>,
    /// base64.
    pub data: Cow<'a, str>,
}

/// An object in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Object {
    pub bucket: String,
    /// Decoded: notifications have it as in a form of HTML.
    pub key: String,
    pub region: String,
}

impl S3Object {
    /// Whether these can be names of a region, a bucket and a key. Who can put a message into the queue chooses them, and they
    /// become part of an address: with a slash or a `#` in them a signed request would go to another host.
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
