//! Envelopes of many records: SQS, Kinesis Data Streams, notifications of S3, and the records that Amazon Data Firehose
//! wants transformed. Each keeps what the answer needs to name a record by.
//!
//! One record that cannot be read must not cost the others: what is needed is taken where it is, and its absence is that
//! record's own mistake. Source: the events of AWS's guide "Using Lambda with …"; `aws_lambda_events` is the oracle of a test.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::InvocationEvent;
use super::event_error::EventError;

pub use super::envelope::{FirehoseEvent, FirehoseRecord, KinesisRecord, S3Object, SqsRecord};

/// Any record, as it is written; all members may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenRecord<'a> {
    #[serde(borrow, rename = "eventSource", alias = "EventSource")]
    event_source: Cow<'a, str>,
    #[serde(borrow, rename = "messageId")]
    message_id: Cow<'a, str>,
    #[serde(borrow, rename = "receiptHandle")]
    receipt_handle: Cow<'a, str>,
    #[serde(borrow)]
    body: Cow<'a, str>,
    attributes: WrittenAttributes,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Cow<'a, str>,
    #[serde(borrow)]
    kinesis: WrittenKinesis<'a>,
    #[serde(rename = "awsRegion")]
    aws_region: String,
    s3: WrittenS3,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenAttributes {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: String,
    #[serde(rename = "SentTimestamp")]
    sent_ms: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenKinesis<'a> {
    #[serde(borrow, rename = "sequenceNumber")]
    sequence_number: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenS3 {
    bucket: WrittenBucket,
    object: WrittenObject,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenBucket {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenObject {
    key: String,
}

/// Recognises the array behind `Records`: all of one service, the first record's.
///
/// # Errors
/// [`EventError::Unknown`]: it is no array of records of a service that we know.
pub(crate) fn recognise(records: &str) -> Result<InvocationEvent<'_>, EventError> {
    let records: Vec<&RawValue> = serde_json::from_str(records).map_err(|_| EventError::Unknown)?;
    let records: Vec<WrittenRecord> = records.into_iter().map(written).collect();
    match records.first().map(|first| first.event_source.as_ref()) {
        Some("aws:sqs") => Ok(InvocationEvent::Sqs(records.into_iter().map(sqs).collect())),
        Some("aws:kinesis") => Ok(InvocationEvent::Kinesis(
            records
                .into_iter()
                .map(|WrittenRecord { kinesis: WrittenKinesis { sequence_number, data }, .. }| KinesisRecord {
                    sequence_number,
                    data,
                })
                .collect(),
        )),
        Some("aws:s3") => Ok(InvocationEvent::S3(records.into_iter().map(s3).collect())),
        _ => Err(EventError::Unknown),
    }
}

/// A record with a member of another type than it should have is read as one without any: nothing is known of it.
fn written(record: &RawValue) -> WrittenRecord<'_> {
    serde_json::from_str(record.get()).unwrap_or_default()
}

fn sqs(record: WrittenRecord) -> SqsRecord {
    SqsRecord {
        message_id: record.message_id,
        receipt_handle: record.receipt_handle,
        receive_count: record.attributes.receive_count.parse().unwrap_or(1).max(1),
        sent_ms: record.attributes.sent_ms.parse().ok(),
        queue_arn: record.event_source_arn,
        body: record.body,
    }
}

fn s3(record: WrittenRecord) -> S3Object {
    S3Object { bucket: record.s3.bucket.name, key: form_decoded(&record.s3.object.key), region: record.aws_region }
}

/// `+` is a blank, `%2F` a byte. Source: AWS, "Event message structure" of S3 notifications.
fn form_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads the array behind `records` of Firehose's event.
///
/// # Errors
/// [`EventError::Unknown`]: it is no array.
pub(crate) fn firehose(records: &str) -> Result<FirehoseEvent<'_>, EventError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct WrittenFirehoseRecord<'a> {
        #[serde(borrow, rename = "recordId")]
        record_id: Cow<'a, str>,
        #[serde(borrow)]
        data: Cow<'a, str>,
    }
    let records: Vec<&RawValue> = serde_json::from_str(records).map_err(|_| EventError::Unknown)?;
    let records = records.into_iter().map(|record| {
        let WrittenFirehoseRecord { record_id, data } = serde_json::from_str(record.get()).unwrap_or_default();
        FirehoseRecord { record_id, data }
    });
    Ok(FirehoseEvent { records: records.collect() })
}

#[cfg(test)]
mod tests {
    use super::super::event;
    use super::*;

    #[test]
    fn a_message_of_a_queue() {
        let event = br#"{"Records":[{"messageId":"m-1","receiptHandle":"r","body":"{\"a\":1}","attributes":
            {"ApproximateReceiveCount":"3","SentTimestamp":"1"},"messageAttributes":{},"md5OfBody":"x","eventSource":"aws:sqs",
            "eventSourceARN":"arn:aws:sqs:eu-west-1:111122223333:q","awsRegion":"eu-west-1"},
            {"messageId":"m-2","body":7},{"messageId":"m-3"}]}"#;
        let Ok(InvocationEvent::Sqs(records)) = event::recognise(event) else { panic!("no queue") };
        assert_eq!((records[0].body.as_ref(), records[0].receive_count), (r#"{"a":1}"#, 3));
        assert_eq!(records[0].queue_arn, "arn:aws:sqs:eu-west-1:111122223333:q");
        assert_eq!((records[0].sent_ms, records[1].sent_ms), (Some(1), None));
        // What is wrong with one is its own.
        assert_eq!(records[1], SqsRecord { receive_count: 1, ..SqsRecord::default() });
        assert_eq!((records[2].message_id.as_ref(), records[2].receive_count), ("m-3", 1));
    }

    #[test]
    fn a_record_of_a_stream_and_an_object_of_a_bucket() {
        let event = br#"{"Records":[{"kinesis":{"partitionKey":"k","sequenceNumber":"49","data":"H4s=","approximateArrivalTimestamp":1.5},
            "eventSource":"aws:kinesis","eventID":"shardId-0:49"}]}"#;
        let records = vec![KinesisRecord { sequence_number: "49".into(), data: "H4s=".into() }];
        assert_eq!(event::recognise(event), Ok(InvocationEvent::Kinesis(records)));
        let event =
            br#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","s3":{"bucket":
            {"name":"b","arn":"x"},"object":{"key":"a%2Fb+c/%C3%A4%","size":1}}}]}"#;
        let object = S3Object { bucket: "b".into(), key: "a/b c/ä%".into(), region: "eu-west-1".into() };
        assert_eq!(event::recognise(event), Ok(InvocationEvent::S3(vec![object])));
    }

    #[test]
    fn what_firehose_wants_transformed() {
        let event = br#"{"invocationId":"i","deliveryStreamArn":"arn:aws:firehose:r:1:deliverystream/d","region":"r",
            "records":[{"recordId":"1","approximateArrivalTimestamp":1,"data":"H4s="},{"recordId":"2"},7]}"#;
        let Ok(InvocationEvent::Firehose(FirehoseEvent { records })) = event::recognise(event) else {
            panic!("no Firehose")
        };
        assert_eq!(records[0], FirehoseRecord { record_id: "1".into(), data: "H4s=".into() });
        assert_eq!((records[1].record_id.as_ref(), records.len()), ("2", 3));
    }
}
