//! The mapping by which Lambda hands the messages of a queue back to the function, and the events that it makes.

use serde_json::{Value, json};

use crate::aws::AwsStandIn;

/// The event of a queue whose messages have these bodies; each was handed out `receive_count` times.
pub fn sqs_event(bodies: &[&str], receive_count: u32) -> Vec<u8> {
    let message = |(number, body): (usize, &&str)| WaitingMessage { number, body: (*body).to_owned(), receive_count };
    sqs_event_of(&(1..).zip(bodies).map(message).collect::<Vec<_>>())
}

/// A message that waits, and how often it was handed out.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingMessage {
    pub number: usize,
    pub body: String,
    pub receive_count: u32,
}

impl WaitingMessage {
    fn id(&self) -> String {
        format!("m-{}", self.number)
    }
}

fn sqs_event_of(messages: &[WaitingMessage]) -> Vec<u8> {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id(), "receiptHandle": format!("r-{}", message.number), "body": message.body,
                "attributes": { "ApproximateReceiveCount": message.receive_count.to_string() }, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:undelivered",
                "awsRegion": "eu-west-1",
            })
        })
        .collect();
    json!({ "Records": records }).to_string().into_bytes()
}

/// A message whose time has come.
fn waited(body: String) -> String {
    const NAME: &str = "\"not_before_ms\":";
    let Some((before, after)) = body.split_once(NAME) else { return body };
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    // As it is where there is none.
    let value = if after.starts_with("null") { "" } else { "null" };
    format!("{before}{NAME}{value}{after}")
}

/// How many messages an invocation gets, and how many bytes of them: `template.yaml`, and AWS, "Lambda quotas", 6 MB.
const BATCH: (usize, usize) = (10, 6_000_000);

/// Lambda's event source mapping of a queue, without its clock: what is hidden is handed out in the next round.
#[derive(Debug, Default)]
pub struct EventSourceMapping {
    waiting: Vec<WaitingMessage>,
    count: usize,
}

impl EventSourceMapping {
    /// Adds a message. What the intake asked to wait is over when it is handed out: there is no clock here, and the function's own
    /// cannot be put forward.
    pub fn add(&mut self, body: String) {
        self.count += 1;
        self.waiting.push(WaitingMessage { number: self.count, body: waited(body), receive_count: 0 });
    }

    /// Takes what is in a queue.
    pub fn fill(&mut self, aws: &AwsStandIn, queue: &str) {
        aws.take(queue).into_iter().for_each(|sent| self.add(sent.body));
    }

    /// The messages that wait.
    pub fn waiting(&self) -> &[WaitingMessage] {
        &self.waiting
    }

    /// The next batch, and the event that hands it out; `None` if nothing waits.
    pub fn next_batch(&mut self) -> Option<(Vec<WaitingMessage>, Vec<u8>)> {
        let mut bytes = 0;
        let fits = |message: &&WaitingMessage| {
            bytes += message.body.len();
            bytes <= BATCH.1
        };
        let count = self.waiting.iter().take(BATCH.0).take_while(fits).count();
        let mut batch: Vec<WaitingMessage> = self.waiting.drain(..count).collect();
        batch.iter_mut().for_each(|message| message.receive_count += 1);
        let event = sqs_event_of(&batch);
        (!batch.is_empty()).then_some((batch, event))
    }

    /// What the function answered: the messages that it names go back, or all if it failed. How many those are.
    pub fn answered(&mut self, batch: Vec<WaitingMessage>, answer: Option<&Value>) -> usize {
        let failures = answer.map(|answer| answer["batchItemFailures"].as_array().expect("no batch").as_slice());
        let stays = |message: &WaitingMessage| match failures {
            Some(failures) => failures.iter().any(|failure| failure["itemIdentifier"] == message.id().as_str()),
            None => true,
        };
        let before = self.waiting.len();
        self.waiting.extend(batch.into_iter().filter(stays));
        self.waiting.len() - before
    }
}
