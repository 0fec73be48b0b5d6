//! Memory stays within the smallest Lambda, of 128 MB, whatever arrives: the real forwarder, and what the system says of its peak.
//!
//! `cargo test -p forwarder --test deadlines memory -- --nocapture` prints the peak of each case.

use std::time::Duration;

use intake::StandIn;
use serde_json::json;
use testkit::events::*;
use testkit::runtime_api::ForwarderProcess;

const LONG: Duration = Duration::from_secs(120);

/// The memory of the function, in MB. Source: AWS, "Lambda quotas": the least that there is.
const MEMORY_MB: u64 = 128;

/// The content of an event whose logs are `message`, as often as they take `bytes`.
fn filled(message: &str, bytes: usize) -> Vec<u8> {
    let message = json!(message).to_string();
    let frame = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"my-app","logStream":"s","logEvents":["#;
    let mut text = String::with_capacity(bytes + 1024);
    text.push_str(frame);
    let mut number = 0;
    while text.len() < bytes {
        let comma = if number == 0 { "" } else { "," };
        text.push_str(&format!(r#"{comma}{{"id":"{number:056}","timestamp":{},"message":{message}}}"#, now()));
        number += 1;
    }
    text.push_str("]}");
    text.into_bytes()
}

/// The highest memory of a process so far, in kB. Linux only; elsewhere it is not looked at.
fn peak_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn it_is_bounded_whatever_arrives() {
    let _alone = crate::alone();
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let mebibytes = |count: usize| count * 1024 * 1024;
    let tiny: String =
        (0..100_000).map(|n| format!(r#"{{"id":"{n:056}","timestamp":{},"message":"x"}},"#, now())).collect();
    let tiny = format!(r#"{{"logGroup":"my-app","logStream":"t","logEvents":[{}]}}"#, tiny.trim_end_matches(','));
    let nested = format!("{}1{}", r#"{"a":["#.repeat(64), "]}".repeat(64));
    let ones = format!(r#"{{"logEvents":[{}1]}}"#, "1,".repeat(mebibytes(15)));
    let empty = format!(r#"{{"logEvents":[{}{{}}]}}"#, r#"{"message":""},"#.repeat(mebibytes(2)));
    // A quarter of the memory is what an event may inflate to: 32 MiB.
    let cases: [(&str, Vec<u8>, Option<&str>); 8] = [
        ("1,000 : 1, a gigabyte", Vec::new(), Some("EventTooLarge")),
        ("100,000 tiny logs", tiny.into_bytes(), None),
        ("one log of 200 MB", filled(&"x".repeat(200_000_000), 1000), Some("EventTooLarge")),
        ("one log of 30 MB", filled(&"x".repeat(30_000_000), 1000), None),
        ("32 MiB less a little, of stack traces", filled("\tat a.b.C.d(E.java:1)", mebibytes(31)), None),
        ("64 levels of JSON, 16 MiB of them", filled(&nested, mebibytes(16)), None),
        ("30 MiB of ones", ones.into_bytes(), Some("EventTooMany")),
        ("30 MiB of empty logs", empty.into_bytes(), Some("EventTooMany")),
    ];
    std::thread::scope(|scope| {
        for (name, content, error) in &cases {
            let url = intake.url();
            scope.spawn(move || check(name, content, *error, &url));
        }
    });
}

fn check(name: &str, content: &[u8], error: Option<&str>, url: &str) {
    let event = envelope(&if content.is_empty() { bomb() } else { gzip(content) });
    let memory = MEMORY_MB.to_string();
    let variables =
        [("DD_URL", url), ("DD_API_KEY", "k"), ("DD_LOG_LEVEL", "off"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory)];
    let forwarder = ForwarderProcess::start(env!("CARGO_BIN_EXE_forwarder"), &variables);
    forwarder.wait_for_next();
    let answer = forwarder.invoke(&event, LONG);
    match error {
        None => assert!(answer.is_ok(), "{name}: {answer:?}"),
        Some(error) => assert_eq!(answer.unwrap_err()["errorType"], error, "{name}"),
    }
    let peak = peak_kb(forwarder.child.id());
    println!("{name:<40} {:>4} MB", peak / 1024);
    assert!(peak < MEMORY_MB * 1024, "{name}: {peak} kB");
}

/// A gigabyte of nothing in a megabyte: members of gzip one behind the other.
fn bomb() -> Vec<u8> {
    gzip(&vec![0; 1 << 24]).repeat(64)
}
