//! What `cost` says, held to what a real Fluent Bit wrote and to counts made in another way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends by a panic, and reads its fixtures"
)]

mod presets;
mod savings;

use serde_json::Value;

use cost::findings::{Coverage, Findings};
use cost::tally::{Tally, TallyEvent};

/// The containers of the corpus.
const CONTAINERS: [&str; 5] = ["api-api", "checkout-app", "coredns-coredns", "report-report", "web-nginx"];

/// The content of an event of the corpus.
fn corpus(folder: &str, container: &str) -> Value {
    let path = format!("{}/tests/fixtures/corpus/{folder}/{container}.json", testkit::ROOT);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn messages(content: &Value) -> Vec<&str> {
    content["logEvents"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

/// Bytes as CloudWatch Logs bills them, counted here.
fn billed<'m>(messages: impl IntoIterator<Item = &'m str>) -> u64 {
    messages.into_iter().map(|message| message.len() as u64 + 26).sum()
}

fn add(tally: &mut Tally, content: &Value) {
    for event in content["logEvents"].as_array().unwrap() {
        tally.add(&TallyEvent {
            stream: content["logStream"].as_str().unwrap(),
            timestamp: event["timestamp"].as_i64().unwrap(),
            message: event["message"].as_str().unwrap(),
        });
    }
}

fn counted(contents: &[Value]) -> Findings {
    let mut tally = Tally::new("/aws/eks/prod-eu/fargate", false);
    contents.iter().for_each(|content| add(&mut tally, content));
    tally.finish(Coverage::Whole { seconds: None })
}
