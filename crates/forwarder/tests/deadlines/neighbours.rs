//! A record that takes long to read does not cost its neighbours in the batch: the real forwarder, a pattern that is slow on purpose, and
//! the time that Lambda gives.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forwarder::lambda::work::Work;
use intake::StandIn;
use pipeline::PipelineSettings;
use serde_json::{Value, json};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;
use testkit::runtime_api::ForwarderProcess;

const TIMEOUT: Duration = Duration::from_secs(10);
const NEIGHBOURS: usize = 20;
/// The logs of the slow record.
const SLOW_LOGS: usize = 80;

/// Takes long for each `a` and `b`, and matches none of the logs here.
const SLOW: &str = "(([ab]{1,40})(b|a){1,40}){20}c";

/// How a record is handed out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Route {
    Sqs,
    Kinesis,
    Firehose,
}

fn data(stream: &str, texts: &[String]) -> String {
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    STANDARD.encode(gzip(content("my-app", stream, &messages).to_string().as_bytes()))
}

/// A batch in which the slow record stands between ten others and ten more.
fn batch(route: Route, slow: &[String]) -> Vec<u8> {
    let record = |number: usize| match number {
        10 => data("slow", slow),
        _ => data(&format!("s-{number}"), &[format!("neighbour {number}")]),
    };
    let records = (0..=NEIGHBOURS).map(|number| (number, record(number)));
    let event = match route {
        Route::Sqs => {
            let bodies: Vec<String> =
                records.map(|(_, data)| json!({ "awslogs": { "data": data } }).to_string()).collect();
            return sqs_event(&bodies.iter().map(String::as_str).collect::<Vec<_>>(), 1);
        }
        Route::Kinesis => {
            let record = |(number, data): (usize, String)| json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number.to_string(), "data": data } });
            json!({ "Records": records.map(record).collect::<Vec<_>>() })
        }
        Route::Firehose => {
            let record = |(number, data): (usize, String)| json!({ "recordId": number.to_string(), "data": data });
            json!({ "deliveryStreamArn": "d", "records": records.map(record).collect::<Vec<_>>() })
        }
    };
    event.to_string().into_bytes()
}

/// What came of an invocation: how often each text arrived, directly or through Firehose, and the bodies that wait in the queue.
fn invoke(event: &[u8], rule: &str) -> (Value, BTreeMap<String, usize>, Vec<String>) {
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let (aws, url) = (AwsStandIn::start(AwsBehavior::Healthy), intake.url());
    let mut variables = aws.variables();
    variables.extend([("DD_URL", url), ("DD_API_KEY", "k".to_owned()), ("DD_SCRUBBING_RULE", rule.to_owned())]);
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let forwarder = ForwarderProcess::start(env!("CARGO_BIN_EXE_forwarder"), &variables);
    forwarder.wait_for_next();
    let started = Instant::now();
    let answer = forwarder.invoke(event, TIMEOUT).unwrap();
    assert!(started.elapsed() < TIMEOUT, "Lambda would have killed it");
    let mut arrived = BTreeMap::new();
    let handed_on = answer["records"].as_array().into_iter().flatten().filter_map(|record| record["data"].as_str());
    let lines = handed_on.flat_map(|data| {
        let plain = String::from_utf8(STANDARD.decode(data).unwrap()).unwrap();
        plain.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    });
    for log in lines.chain(intake.accepted()) {
        *arrived.entry(log["message"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    (answer, arrived, aws.take("undelivered").into_iter().map(|sent| sent.body).collect())
}

/// How many logs a message of the queue has.
fn logs_in(body: &str) -> usize {
    let settings = PipelineSettings::default();
    let work = Work::read(body.as_bytes(), ARN, &settings, now()).unwrap();
    work.processed.counts.logs
}

#[test]
fn a_slow_record_ends_alone() {
    let _alone = crate::alone();
    for route in [Route::Sqs, Route::Kinesis, Route::Firehose] {
        // Each log takes a while, and all of them far more than there is.
        let slow: Vec<String> = (0..SLOW_LOGS).map(|number| format!("{number} {}", "ab".repeat(2_000))).collect();
        let (answer, mut arrived, waiting) = invoke(&batch(route, &slow), SLOW);
        for number in (0..=NEIGHBOURS).filter(|number| *number != 10) {
            assert_eq!(arrived.remove(&format!("neighbour {number}")), Some(1), "{route:?}");
        }
        // Of the slow one a part arrived at most, and the rest waits: in the queue, or in the message that stays.
        let slow_arrived: usize = arrived.values().sum();
        let named = answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
        println!("{route:?}: {slow_arrived} of {SLOW_LOGS} slow logs arrived");
        let waiting: usize = waiting.iter().map(|body| logs_in(body)).sum();
        let expected = if named { (0, 0) } else { (slow_arrived, SLOW_LOGS - slow_arrived) };
        assert_eq!((slow_arrived, waiting), expected, "{route:?}");
    }
}

#[test]
fn a_log_that_cannot_be_interrupted_costs_no_neighbour() {
    let _alone = crate::alone();
    for route in [Route::Sqs, Route::Kinesis, Route::Firehose] {
        let begun = Instant::now();
        let (_, mut arrived, waiting) = invoke(&batch(route, &["ab".repeat(150_000)]), SLOW);
        println!("{route:?}: {:?}", begun.elapsed());
        for number in (0..=NEIGHBOURS).filter(|number| *number != 10) {
            assert_eq!(arrived.remove(&format!("neighbour {number}")), Some(1), "{route:?}");
        }
        // Its rules have a budget, and where that is spent the text is withheld; the log arrives.
        assert_eq!((arrived.values().sum::<usize>(), waiting.len()), (1, 0), "{route:?}");
    }
}
