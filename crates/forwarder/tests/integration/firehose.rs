//! Amazon Data Firehose transformation: each record's result, the lines that its Datadog destination gets, and the limit of
//! the answer.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use forwarder::lambda::firehose::MAX_ANSWER_BYTES;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::Invocation;
use forwarder::lambda::metrics::Telemetry;
use forwarder::settings::Settings;
use intake::{Reply, StandIn};
use serde_json::{Value, json};
use testkit::events::*;

async fn transform(intake: &StandIn, records: &[(&str, &str)]) -> (Value, Telemetry) {
    let variables: HashMap<String, String> =
        [("DD_URL", intake.url()), ("DD_API_KEY", "k".into())].map(|(name, value)| (name.to_owned(), value)).into();
    let handler = Handler::new(Settings::read(&variables).unwrap()).unwrap();
    let records: Vec<Value> = records
        .iter()
        .map(|(id, data)| json!({ "recordId": id, "approximateArrivalTimestamp": now(), "data": data }))
        .collect();
    let event = json!({
        "invocationId": "i", "deliveryStreamArn": "arn:aws:firehose:eu-west-1:111122223333:deliverystream/d",
        "region": "eu-west-1", "records": records,
    });
    let mut telemetry = Telemetry::default();
    let invocation = Invocation { function_arn: ARN.into(), ..Invocation::default() };
    let answer = handler.serve(Bytes::from(event.to_string()), &invocation, &mut telemetry).await.unwrap();
    (serde_json::to_value(answer).unwrap(), telemetry)
}

fn data(content: &Value) -> String {
    STANDARD.encode(gzip(content.to_string().as_bytes()))
}

fn lines(record: &Value) -> Vec<Value> {
    let plain = String::from_utf8(STANDARD.decode(record["data"].as_str().unwrap()).unwrap()).unwrap();
    assert!(plain.ends_with('\n'));
    plain.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_record_has_its_result() {
    let intake = StandIn::start().await.unwrap();
    let record = r#"{"stream":"stderr","logtag":"F","log":"one\ntwo"}"#;
    let good = data(&content(GROUP, &stream(), &[(now(), record), (now(), r#"{"stream":"stdout","log":"three"}"#)]));
    let control = data(&json!({ "messageType": "CONTROL_MESSAGE", "logEvents": [] }));
    let blank = data(&content(GROUP, &stream(), &[(now(), " ")]));
    let late = data(&content("my-app", "s", &[(5, "old")]));
    let records =
        [("r-1", good.as_str()), ("r-2", &control), ("r-3", "%%%"), ("r-4", &blank), ("r-5", "bm8="), ("r-6", &late)];
    let (answer, telemetry) = transform(&intake, &records).await;
    let results: Vec<(&str, &str)> = answer["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["recordId"].as_str().unwrap(), record["result"].as_str().unwrap()))
        .collect();
    assert_eq!(
        results,
        [
            ("r-1", "Ok"),
            ("r-2", "Dropped"),
            ("r-3", "ProcessingFailed"),
            ("r-4", "Dropped"),
            ("r-5", "ProcessingFailed"),
            ("r-6", "Ok"),
        ]
    );
    let logs = lines(&answer["records"][0]);
    assert_eq!((logs.len(), &logs[0]["message"], &logs[0]["status"]), (2, &"one\ntwo".into(), &"error".into()));
    assert!(has_tag(&logs[0], "kube_namespace:shop") && logs[0]["ddsource"].is_string());
    assert!(answer["records"][1]["data"].is_null());
    assert_eq!(lines(&answer["records"][5])[0]["original_timestamp"], 5);
    assert_eq!((telemetry.delivered.delivered, telemetry.delivered.counts.late), (3, 1));
    assert_eq!((telemetry.delivered.processing_failed, telemetry.delivered.unread), (2, 0));
    // Nothing goes past Firehose, and what comes again is transformed again.
    assert_eq!(intake.arrivals().len(), 0);
    let (again, _) = transform(&intake, &records).await;
    assert_eq!(again["records"][0]["result"], "Ok");
}

#[tokio::test]
async fn what_does_not_fit_into_the_answer_is_delivered_directly() {
    // 2,000 lines of 1 kB take 2.7 MB of base64 and more: of three such records two fit.
    let texts: Vec<String> = (0..2_000).map(|number| format!("{number} {}", "x".repeat(1_000))).collect();
    let record = |stream: &str| {
        let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
        data(&content("my-app", stream, &messages))
    };
    let (one, two, three) = (record("one"), record("two"), record("three"));
    let small = data(&content("my-app", "four", &[(now(), "small")]));
    let records = [("r-1", one.as_str()), ("r-2", &two), ("r-3", &three), ("r-4", &small)];
    let intake = StandIn::start().await.unwrap();
    let (answer, telemetry) = transform(&intake, &records).await;
    assert!(answer.to_string().len() <= MAX_ANSWER_BYTES);
    let results: Vec<&Value> = answer["records"].as_array().unwrap().iter().map(|record| &record["result"]).collect();
    assert_eq!(results.iter().filter(|result| **result == "Dropped").count() * 2_000, intake.accepted().len());
    assert!(!intake.accepted().is_empty() && results[3] == "Ok");
    assert_eq!(telemetry.delivered.delivered, 6_001);
    // Where that fails, Firehose keeps the record in its bucket.
    let intake = StandIn::start_with("127.0.0.1:0", |_| Reply::Status(400, None)).await.unwrap();
    let (answer, telemetry) = transform(&intake, &records).await;
    let results: Vec<&Value> = answer["records"].as_array().unwrap().iter().map(|record| &record["result"]).collect();
    let failed = results.iter().filter(|result| **result == "ProcessingFailed").count();
    assert!(failed > 0 && failed == telemetry.delivered.processing_failed);
    assert!(results.iter().all(|result| **result != "Dropped") && results[3] == "Ok");
}
