//! What Lambda is answered: numbers to who invoked the function directly; to SQS and Kinesis the records that they have to
//! keep; to Firehose its records.
//!
//! Source: AWS, "Handling errors for an SQS event source in Lambda" and "Configuring partial batch response with Kinesis Data
//! Streams and Lambda".

use std::collections::BTreeSet;

use serde::Serialize;

use super::firehose::{Transformation, TransformationResult};
use super::invocation::Delivered;
use super::work::{Trigger, Work};

/// The answer of an invocation that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Delivered(Delivered),
    Batch {
        #[serde(rename = "batchItemFailures")]
        batch_item_failures: Vec<ItemFailure>,
    },
    Firehose {
        records: Vec<Transformation>,
    },
}

/// A record that its source has to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    pub(crate) item_identifier: String,
}

impl Answer {
    /// `failed` are the records of which something is neither delivered nor saved.
    pub(crate) fn new(work: Work, failed: &BTreeSet<u32>, delivered: Delivered) -> Answer {
        match work.trigger {
            Trigger::Direct => Answer::Delivered(delivered),
            Trigger::Sqs(receipts) => batch(failed, receipts.into_iter().map(|receipt| receipt.message_id), usize::MAX),
            // Lambda goes on from the lowest: what is behind it comes again anyway.
            Trigger::Kinesis(numbers) => batch(failed, numbers.into_iter(), 1),
            Trigger::Firehose(_) => {
                let mut records = work.transformed.answer;
                for (number, record) in (0..).zip(&mut records) {
                    if failed.contains(&number) {
                        record.result = TransformationResult::ProcessingFailed;
                    }
                }
                Answer::Firehose { records }
            }
        }
    }
}

fn batch(failed: &BTreeSet<u32>, ids: impl Iterator<Item = String>, most: usize) -> Answer {
    let failures = (0..).zip(ids).filter(|(number, _)| failed.contains(number));
    let failures = failures.map(|(_, item_identifier)| ItemFailure { item_identifier });
    Answer::Batch { batch_item_failures: failures.take(most).collect() }
}
