//! What stands in the queue of undelivered logs, and every envelope that an event may come in.
//!
//! The input: a byte that chooses; then parts, parted by zero bytes. Each part is an event by itself, the content of one, or
//! the logs of one of podferry's own messages, as its first character says; all of them together are the records of one
//! invocation: of SQS, of Kinesis, of Firehose, of what Lambda writes when it gives up, or as they are.
//!
//! * No text breaks `undelivered::read`; what it takes is written again and read again, and the same logs come of it.
//! * Each record is read, or is named as one that cannot be; what is kept of that can be given to the function again.
//! * Every event is counted once, and every log bears the number of a record that there is.
#![no_main]

mod checks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forwarder::delivery::undelivered::{self, MAX_MESSAGE_BYTES, SaveNote};
use forwarder::lambda::firehose::MAX_ANSWER_BYTES;
use forwarder::lambda::work::{Trigger, Work};
use libfuzzer_sys::fuzz_target;
use pipeline::PipelineSettings;
use pipeline::batch::{MAX_ITEMS, MAX_PAYLOAD_BYTES, Payload};
use pipeline::compress::{Compression, Compressor};
use pipeline::entry::MAX_ITEM_BYTES;
use pipeline::accepted_times::RESTAMP_BYTES;
use pipeline::restamp::restamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// The time of the invocation: some logs are too old then, or too far ahead.
const NOW_MS: i64 = 1_795_379_888_236;

/// Small, so that the cap is met too.
const MAX_DECOMPRESSED_BYTES: u64 = 64 * 1024;

fn logs_of(payloads: &[Payload]) -> Vec<String> {
    let mut logs = Vec::new();
    for payload in payloads {
        let plain = payload.plain().expect("the body is what was compressed");
        let items: Vec<&RawValue> = serde_json::from_slice(&plain).expect("a payload is a JSON array");
        assert_eq!(items.len(), payload.items());
        assert!((1..=MAX_ITEMS).contains(&items.len()), "{} logs in a payload", items.len());
        assert!(plain.len() <= MAX_PAYLOAD_BYTES || items.len() == 1, "{} bytes in a payload", plain.len());
        let pieces: Vec<&[u8]> = payload.pieces(&plain).collect();
        assert_eq!(pieces, items.iter().map(|item| item.get().as_bytes()).collect::<Vec<_>>());
        logs.extend(items.iter().map(|item| item.get().to_owned()));
    }
    logs
}

/// A message of podferry's own around an array of logs, as its last character chooses.
fn message(logs: &str, how: u8) -> String {
    let (encoding, data) = match how % 3 {
        0 => return format!(r#"{{"podferry":{},"payload":{logs}}}"#, head("json", how)),
        1 => ("zstd", Compressor::new(Compression::Zstd(1)).compress(logs.as_bytes()).0),
        _ => ("gzip", Compressor::new(Compression::Gzip(1)).compress(logs.as_bytes()).0),
    };
    format!(r#"{{"podferry":{},"data":"{}"}}"#, head(encoding, how), STANDARD.encode(data))
}

fn head(encoding: &str, how: u8) -> Value {
    json!({
        "schema": 1, "version": "0", "logs": how, "first_ms": null, "last_ms": i64::from(how), "attempts": how,
        "reason": "x", "encoding": encoding,
    })
}

/// Reads a message, and what was read once more.
fn round(text: &str) {
    let Ok((head, payloads)) = undelivered::read(text, 7, Compression::None) else { return };
    let logs = logs_of(&payloads);
    assert!(payloads.iter().all(|payload| payload.attempts == head.attempts));
    assert!(payloads.iter().flat_map(Payload::logs).all(|log| log.record == 7));
    let note = SaveNote { not_before_ms: head.not_before_ms, ..SaveNote::new(&head.reason, head.attempts) };
    let mut again = Vec::new();
    for payload in &payloads {
        for compression in [Compression::None, Compression::Zstd(1), Compression::Gzip(1)] {
            let messages = undelivered::messages(&payload.clone().compressed(compression), &note);
            assert_eq!(messages.iter().map(|message| message.logs).sum::<usize>(), payload.items());
            for message in &messages {
                let longest = message.logs == 1 && logs.iter().any(|log| log.len() > MAX_ITEM_BYTES);
                assert!(
                    message.body.len() <= MAX_MESSAGE_BYTES || longest,
                    "{} bytes in a message",
                    message.body.len()
                );
                let (second, payloads) = undelivered::read(&message.body, 0, Compression::None).expect("it is our own");
                assert_eq!((second.attempts, second.logs), (head.attempts, message.logs));
                if compression == Compression::None {
                    again.extend(logs_of(&payloads));
                }
            }
        }
    }
    let plain = |log: &String| log.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
    assert_eq!(again.iter().map(plain).collect::<Vec<_>>(), logs.iter().map(plain).collect::<Vec<_>>());

    for payload in payloads {
        let items = payload.items();
        let before: usize = logs_of(std::slice::from_ref(&payload)).iter().map(String::len).sum();
        let (restamped, counts) = restamp([payload], NOW_MS);
        let after = logs_of(&restamped);
        assert_eq!(after.len(), items);
        // A member that is there twice gets two new times; podferry writes none twice.
        let is_ours =
            after.iter().all(|log| log.matches("\"timestamp\":").count() + log.matches("\"ddtags\":").count() <= 2);
        assert!(!is_ours || after.iter().map(String::len).sum::<usize>() <= before + (counts.late + counts.early) * RESTAMP_BYTES);
    }
}

fn part(part: &[u8], how: u8) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match part {
        [b'c', content @ ..] => String::from_utf8(checks::wrapped(content)).expect("ASCII"),
        [b'm', logs @ ..] => message(&text(logs), how),
        [b'f', inside @ ..] => json!({ "requestContext": {}, "requestPayload": text(inside) }).to_string(),
        [b's', key @ ..] => json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": "eu-west-1", "s3": { "bucket": { "name": "bucket" }, "object": { "key": text(key) } } }] }).to_string(),
        other => text(other),
    }
}

fn event(parts: &[&[u8]], how: u8) -> Vec<u8> {
    let bodies = || parts.iter().map(|one| part(one, how));
    let data = |part: &&[u8]| match part {
        [b'c', content @ ..] => checks::data_of(content),
        other => String::from_utf8_lossy(other).into_owned(),
    };
    let records: Vec<Value> = match how % 5 {
        0 => (0..).zip(bodies()).map(|(number, body): (usize, String)| {
            json!({ "eventSource": "aws:sqs", "messageId": format!("m{number}"), "receiptHandle": "r", "body": body,
                "eventSourceARN": "arn:aws:sqs:r:1:q", "attributes": { "ApproximateReceiveCount": how.to_string() } })
        }).collect(),
        1 => (0..).zip(parts.iter().map(data)).map(|(number, data): (usize, String)| {
            json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number.to_string(), "data": data } })
        }).collect(),
        2 => {
            let records: Vec<Value> = (0..).zip(parts.iter().map(data))
                .map(|(number, data): (usize, String)| json!({ "recordId": number.to_string(), "data": data }))
                .collect();
            return json!({ "deliveryStreamArn": "d", "records": records }).to_string().into_bytes();
        }
        3 => {
            let inside = part(parts[0], how);
            return match serde_json::from_str::<&RawValue>(&inside) {
                Ok(raw) => format!(r#"{{"requestContext":{{}},"requestPayload":{}}}"#, raw.get()),
                Err(_) => json!({ "requestContext": {}, "payload": inside }).to_string(),
            }
            .into_bytes();
        }
        _ => return parts.join(&0),
    };
    json!({ "Records": records }).to_string().into_bytes()
}

fuzz_target!(|bytes: &[u8]| {
    let [how, rest @ ..] = bytes else { return };
    round(&String::from_utf8_lossy(rest));
    let parts: Vec<&[u8]> = rest.split(|byte| *byte == 0).take(64).collect();
    for part in &parts {
        if let [b'm', logs @ ..] = part {
            round(&message(&String::from_utf8_lossy(logs), *how));
        }
    }
    let settings = PipelineSettings { max_decompressed_bytes: MAX_DECOMPRESSED_BYTES, ..PipelineSettings::default() };
    let event = event(&parts, *how);
    let Ok(mut work) = Work::read(&event, ARN, &settings, NOW_MS) else { return };
    let records = match &work.trigger {
        Trigger::Direct => 1,
        Trigger::Sqs(receipts) => receipts.len(),
        Trigger::Kinesis(numbers) => numbers.len(),
        Trigger::Firehose(count) => *count,
    };
    if how % 5 <= 2 {
        assert_eq!(records, parts.len());
    }
    for (record, _) in std::mem::take(&mut work.objects) {
        work.add_object(record, rest, ARN, &settings, NOW_MS);
    }
    for poison in &work.poison {
        assert!((poison.record as usize) < records);
        if !poison.body.is_empty() {
            let again = Work::read(poison.body.as_bytes(), ARN, &settings, NOW_MS);
            assert_eq!(again.map(|work| work.processed.counts), Err(poison.error));
        }
    }
    let answer = &work.transformed.answer;
    if matches!(work.trigger, Trigger::Firehose(_)) {
        assert_eq!(answer.len(), records);
        assert!(serde_json::to_vec(&json!({ "records": answer })).expect("JSON").len() <= MAX_ANSWER_BYTES);
    }
    let payloads = work.processed.payloads.iter().chain(&work.transformed.direct);
    let mut logs = work.transformed.handed_on;
    for payload in payloads {
        logs += logs_of(std::slice::from_ref(payload)).len();
        assert!(payload.records().all(|record| (record as usize) < records));
    }
    let mut counts = work.processed.counts;
    counts.add(&work.transformed.counts);
    assert_eq!(counts.logs, logs);
    let whole = counts.logs + counts.blank + counts.joined + counts.excluded + counts.sampled + counts.duplicate;
    assert_eq!(counts.events, whole, "{counts:?}");
});
