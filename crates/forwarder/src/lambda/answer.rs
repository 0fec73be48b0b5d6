//! What Lambda is answered: numbers to who invoked the function directly; to SQS and Kinesis the records that they have to
//! keep; to Firehose its records.
//!
//! Source: AWS, "Handling errors for an SQS event source in Lambda" and "Configuring partial batch response with Kinesis Data
//! Streams and Lambda".

use std::collections::BTreeSet;

use aws_lambda_events::event::streams::{KinesisEventResponse, SqsBatchItemFailure, SqsEventResponse};
use serde::Serialize;

use super::firehose::{Transformation, TransformationResult};
use super::invocation::Delivered;
use super::work::{Trigger, Work};

/// The answer of an invocation that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Delivered(Delivered),
    /// The messages that stay in their queue.
    Sqs(SqsEventResponse),
    /// The record from which on Lambda is to hand out the stream again; none, if all is done.
    Kinesis(KinesisEventResponse),
    Firehose {
        records: Vec<Transformation>,
    },
}

impl Answer {
    /// `failed` are the records of which something is neither delivered nor saved.
    pub(crate) fn new(work: Work, failed: &BTreeSet<u32>, delivered: Delivered) -> Answer {
        match work.trigger {
            Trigger::Direct => Answer::Delivered(delivered),
            Trigger::Sqs(receipts) => {
                let mut response = SqsEventResponse::default();
                for receipt in failures(failed, receipts) {
                    // It cannot be written as a literal: the crate may add members.
                    let mut failure = SqsBatchItemFailure::default();
                    failure.item_identifier = Some(receipt.message_id);
                    response.batch_item_failures.push(failure);
                }
                Answer::Sqs(response)
            }
            Trigger::Kinesis(numbers) => {
                let mut response = KinesisEventResponse::default();
                // Lambda goes on from the lowest: what is behind it comes again anyway.
                response.set_failures(failures(failed, numbers).take(1));
                Answer::Kinesis(response)
            }
            Trigger::Firehose(_) => {
                let mut records = work.transformed.answer;
                for (number, record) in (0..).zip(&mut records) {
                    if failed.contains(&number) {
                        record.result = TransformationResult::ProcessingFailed;
                        record.data.clear();
                    }
                }
                Answer::Firehose { records }
            }
        }
    }
}

impl Answer {
    /// How many records Firehose keeps in its bucket.
    pub(crate) fn processing_failed(&self) -> usize {
        let Answer::Firehose { records } = self else { return 0 };
        records.iter().filter(|record| record.result == TransformationResult::ProcessingFailed).count()
    }
}

/// Those of the records that are to be named.
fn failures<R>(failed: &BTreeSet<u32>, records: Vec<R>) -> impl Iterator<Item = R> {
    (0..).zip(records).filter(|(number, _)| failed.contains(number)).map(|(_, record)| record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::work::Receipt;

    #[test]
    fn the_answer_to_a_batch_is_what_lambda_reads_to_the_byte() {
        let answer = |trigger, failed: &[u32]| {
            let work = Work { trigger, ..Work::default() };
            serde_json::to_string(&Answer::new(work, &failed.iter().copied().collect(), Delivered::default())).unwrap()
        };
        let receipt = |id: &str| Receipt {
            message_id: id.to_owned(),
            receipt_handle: "r".to_owned(),
            receive_count: 1,
            sent_ms: None,
            queue_arn: "q".to_owned(),
        };
        let sqs = || Trigger::Sqs(["a", "b", "c"].map(receipt).into());
        let kinesis = || Trigger::Kinesis(["1", "2", "3"].map(str::to_owned).into());
        let named = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#;
        assert_eq!(answer(sqs(), &[0, 2]), named);
        assert_eq!(answer(kinesis(), &[1, 2]), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
        for all_done in [answer(sqs(), &[]), answer(kinesis(), &[])] {
            assert_eq!(all_done, r#"{"batchItemFailures":[]}"#);
        }
    }
}
