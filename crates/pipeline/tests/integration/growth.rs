//! Ten times the input takes about ten times as long, whatever an application writes. A walk over the input within a walk over the input takes
//! a hundred times as long.
//!
//! Time is measured, so the bound lies between the two, and the best of some runs counts: whatever else the machine does only makes a run slower.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use pipeline::{PipelineSettings, process_content};
use testkit::events::{ARN, BEFORE_ALL_LOGS_MS, GROUP, content, stream};

/// Ten is linear, a hundred quadratic.
const MOST: f64 = 35.0;
/// What is shorter is made of noise; the sizes below take longer where the work is quadratic.
const LEAST: Duration = Duration::from_micros(300);

/// A kind of input: the messages of an event that has `n` of something.
type Grow = fn(n: usize) -> Vec<String>;

/// A line as Fluent Bit writes it without filters.
fn line(text: &str) -> String {
    serde_json::json!({ "log": format!("2026-11-22T20:38:08.236123456Z stdout F {text}") }).to_string()
}

/// A record of the CRI parser, with members behind it.
fn record(log: &str, members: &str) -> String {
    let log = serde_json::Value::from(log);
    format!(r#"{{"time":"2026-11-22T20:38:08.236123456Z","stream":"stdout","logtag":"F","log":{log}{members}}}"#)
}

fn members(n: usize, member: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut all, number| {
        let _ = write!(all, ",{}", member(number));
        all
    })
}

fn object(n: usize) -> String {
    format!("{{{}}}", members(n, |number| format!(r#""k{number}":{number}"#)).trim_start_matches(','))
}

const KINDS: [(&str, Grow); 14] = [
    ("names of exceptions without a blank", |n| vec![line(&"xError:".repeat(n * 40)), line("  at x"), line("y")]),
    ("names of exceptions", |n| vec![line(&"xError: ".repeat(n * 40)), line("  at x"), line("y")]),
    ("causes", |n| {
        let cause = line("Caused by: java.lang.Error: x");
        std::iter::once(line("java.lang.Error: x")).chain(std::iter::repeat_n(cause, n)).collect()
    }),
    ("frames", |n| {
        let frame = line("\tat com.example.Main.run(Main.java:7)");
        std::iter::once(line("java.lang.Error: x")).chain(std::iter::repeat_n(frame, n)).collect()
    }),
    ("headers", |n| vec![line("java.lang.Error: x"); n]),
    ("lifted members of one name", |n| vec![record("x", &members(n, |_| r#""a_pod_name":1"#.to_owned()))]),
    ("lifted members", |n| vec![record("x", &members(n, |number| format!(r#""a{number}_pod_name":"b""#)))]),
    ("merged members, and the line kept", |n| {
        vec![record(&object(n * 5), &members(n * 5, |number| format!(r#""k{number}":{number}"#)))]
    }),
    ("a merge key, and the line kept", |n| {
        vec![record(&object(n * 5), &format!(r#","log_processed":{}"#, object(n * 5)))]
    }),
    ("pieces of a loose parser", |n| {
        vec![record(&"x".repeat(n * 10), &members(n, |number| format!(r#""message":"y{number}""#)))]
    }),
    ("kubernetes objects", |n| {
        vec![record("x", &members(n, |number| format!(r#""kubernetes":{{"pod_name":"b{number}"}}"#)))]
    }),
    ("braces", |n| vec![record(&"{".repeat(n * 40), ""), line(&"[{".repeat(n * 40))]),
    ("escapes", |n| vec![record(&"\"\\\n\u{1}".repeat(n * 10), "")]),
    ("pieces of a line", |n| {
        let piece = serde_json::json!({ "log": "2026-11-22T20:38:08.236123456Z stdout P x" }).to_string();
        std::iter::repeat_n(piece, n).chain([line("x")]).collect()
    }),
];

fn best(messages: &[String]) -> Duration {
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (1_795_379_888_236, message.as_str())).collect();
    let content = content(GROUP, &stream(), &messages).to_string();
    let settings = PipelineSettings::default();
    let timed = || {
        let begun = Instant::now();
        let processed = process_content(&content, ARN, &settings, BEFORE_ALL_LOGS_MS).unwrap();
        assert_eq!(processed.counts.events, messages.len());
        begun.elapsed()
    };
    (0..5).map(|_| timed()).min().unwrap_or_default()
}

#[test]
fn ten_times_the_input_takes_ten_times_as_long() {
    let mut wrong = Vec::new();
    for (name, grow) in KINDS {
        let (small, large) = (best(&grow(300)), best(&grow(3000)));
        let ratio = large.as_secs_f64() / small.max(LEAST).as_secs_f64();
        println!("{name:40} {small:>12.1?} {large:>12.1?} {ratio:6.1}");
        if ratio > MOST {
            wrong.push(format!("{name}: ten times as much takes {ratio:.0} times as long ({small:?}, {large:?})"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
