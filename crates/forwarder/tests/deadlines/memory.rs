//! Memory stays within the smallest Lambda, of 128 MB, whatever arrives: the real forwarder, and what the system says of its peak.
//!
//! `cargo test -p forwarder --test deadlines memory -- --nocapture` prints the peak of each case.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use intake::StandIn;
use serde_json::{Value, json};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::events::*;
use testkit::runtime_api::ForwarderProcess;

/// Long enough for all cases at once, also beside others: what is not read within half of it fails.
const LONG: Duration = Duration::from_secs(340);

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
    // As CloudWatch Logs lays them out, but shorter than its ids.
    let shortest = r#"{"id":"","timestamp":1,"message":""},"#.repeat(mebibytes(31) / 37);
    let shortest = format!(r#"{{"logGroup":"g","logEvents":[{}]}}"#, shortest.trim_end_matches(','));
    let identities = identities(31 * 1024 * 1024);
    // A quarter of the memory is what an event may inflate to: 32 MiB.
    let cases: [(&str, Vec<u8>, Option<&str>); 10] = [
        ("1,000 : 1, a gigabyte", Vec::new(), Some("EventTooLarge")),
        ("100,000 tiny logs", tiny.into_bytes(), None),
        ("one log of 200 MB", filled(&"x".repeat(200_000_000), 1000), Some("EventTooLarge")),
        ("one log of 30 MB", filled(&"x".repeat(30_000_000), 1000), None),
        ("32 MiB less a little, of stack traces", filled("\tat a.b.C.d(E.java:1)", mebibytes(31)), None),
        ("64 levels of JSON, 16 MiB of them", filled(&nested, mebibytes(16)), None),
        ("30 MiB of ones", ones.into_bytes(), Some("EventTooMany")),
        ("31 MiB of the shortest logs", shortest.into_bytes(), Some("EventTooMany")),
        ("30 MiB of empty logs", empty.into_bytes(), Some("EventTooMany")),
        ("31 MiB of identities of 100 kB", identities, None),
    ];
    std::thread::scope(|scope| {
        for (name, content, error) in &cases {
            let url = intake.url();
            scope.spawn(move || check(name, content, *error, &url));
        }
    });
}

/// An event of a stream that several pods share, in which each record has another identity of 100 kB.
fn identities(bytes: usize) -> Vec<u8> {
    let annotation = "x".repeat(100_000);
    let record = |number: usize| {
        let kubernetes = json!({
            "pod_name": format!("web-{number}"), "namespace_name": "shop", "container_name": "web",
            "annotations": { "note": annotation, "ad.datadoghq.com/tags": json!({ "note": annotation }).to_string() },
        });
        json!({ "stream": "stdout", "logtag": "F", "log": "x", "kubernetes": kubernetes }).to_string()
    };
    let count = bytes / 201_000;
    let records: Vec<String> = (0..count).map(record).collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (now(), record.as_str())).collect();
    content("my-app", "shared", &messages).to_string().into_bytes()
}

#[test]
fn the_logs_of_a_record_of_firehose_take_no_more_than_its_answer() {
    let _alone = crate::alone();
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let tiny: String =
        (0..150_000).map(|n| format!(r#"{{"id":"{n:056}","timestamp":{},"message":"x"}},"#, now())).collect();
    // Of a container, so that each log has the tags of its pod.
    let (stream, tiny) = (stream(), tiny.trim_end_matches(','));
    let tiny = format!(r#"{{"logGroup":"{GROUP}","logStream":"{stream}","logEvents":[{tiny}]}}"#);
    let data = STANDARD.encode(gzip(tiny.as_bytes()));
    let event = json!({ "deliveryStreamArn": "d", "records": [{ "recordId": "1", "data": data }] }).to_string();
    let answer = invoke("150,000 tiny logs in a record of Firehose", event.as_bytes(), &intake.url()).unwrap();
    // They do not fit into an answer, and were delivered.
    assert_eq!(answer["records"][0]["result"], "Dropped");
    assert_eq!(intake.accepted().len(), 150_000);
}

fn check(name: &str, content: &[u8], error: Option<&str>, url: &str) {
    let event = envelope(&if content.is_empty() { bomb() } else { gzip(content) });
    let answer = invoke(name, &event, url);
    match error {
        None => assert!(answer.is_ok(), "{name}: {answer:?}"),
        Some(error) => assert_eq!(answer.unwrap_err()["errorType"], error, "{name}"),
    }
}

/// Hands an event out, and looks at the peak.
fn invoke(name: &str, event: &[u8], url: &str) -> Result<Value, Value> {
    let events = std::iter::once(event.to_vec());
    invoke_all(name, events, &[], url).pop().unwrap()
}

/// Hands events out to one process with these settings besides, and looks at the peak.
fn invoke_all(
    name: &str,
    events: impl Iterator<Item = Vec<u8>>,
    settings: &[(&str, &str)],
    url: &str,
) -> Vec<Result<Value, Value>> {
    let memory = MEMORY_MB.to_string();
    let fixed =
        [("DD_URL", url), ("DD_API_KEY", "k"), ("DD_LOG_LEVEL", "off"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory)];
    let variables: Vec<(&str, &str)> = fixed.into_iter().chain(settings.iter().copied()).collect();
    let mut forwarder = ForwarderProcess::start(env!("CARGO_BIN_EXE_forwarder"), &variables);
    forwarder.wait_for_next();
    // The metrics of many invocations.
    forwarder.discard_output();
    let answers = events.map(|event| forwarder.invoke(&event, LONG)).collect();
    let peak = peak_kb(forwarder.child.id());
    println!("{name:<40} {:>4} MB", peak / 1024);
    assert!(peak < MEMORY_MB * 1024, "{name}: {peak} kB");
    answers
}

/// What rules of a pod or of the settings make of texts, and what is remembered of them.
#[test]
fn it_is_bounded_whatever_rules_there_are() {
    let _alone = crate::alone();
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let url = intake.url();
    let check_all = |name: &str, events: &mut dyn Iterator<Item = Vec<u8>>, settings: &[(&str, &str)]| {
        let answers = invoke_all(name, events, settings, &url);
        assert!(answers.iter().all(Result::is_ok), "{name}: {answers:?}");
    };
    // A line in pieces, as containerd cuts it: all digits, and a blank at its end.
    let piece =
        |flag: &str, text: &str| json!({ "log": format!("2026-11-22T20:38:08.236Z stdout {flag} {text}") }).to_string();
    let digits = "1".repeat(15_000);
    let mut pieces = vec![piece("P", &digits); 1_000];
    pieces.push(piece("F", "1 "));
    let messages: Vec<(i64, &str)> = pieces.iter().map(|piece| (now(), piece.as_str())).collect();
    let line = event(&content(GROUP, &stream(), &messages));
    let scrubbing = [("DD_SCRUBBING_RULE", r"\d")];
    check_all("a mask of each byte of 15 MB", &mut [line].into_iter(), &scrubbing);

    let annotated = |annotation: &str, text: &str| {
        let record = json!({
            "time": "2026-11-22T20:38:08.236Z", "stream": "stdout", "logtag": "F", "log": text,
            "kubernetes": {
                "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx",
                "annotations": { "ad.datadoghq.com/nginx.logs": annotation },
            },
        });
        event(&content(GROUP, &stream(), &[(now(), &record.to_string())]))
    };
    // 64 of these took 108 MB once they were compiled, and stayed.
    let large = |name: &str| {
        let rule = |number| json!({ "type": "mask_sequences", "name": "r", "pattern": format!(r"(\pL|\d){{1,22}}Q{name}{number}") });
        json!([{ "log_processing_rules": (0..64).map(rule).collect::<Vec<_>>() }]).to_string()
    };
    let two = [large("a"), large("b")];
    let text = "abé1 Q".repeat(10_000);
    let mut alternating = (0..6).map(|number| annotated(&two[number % 2], &text));
    check_all("two annotations of 64 large rules", &mut alternating, &[]);
    // As many as are compiled, and their searches.
    let fitting = |name: &str| {
        let rule = |number| json!({ "type": "mask_sequences", "name": "r", "pattern": format!("{number}{name}[ab]{{1,300}}c|[ab]{{0,100}}d") });
        json!([{ "log_processing_rules": (0..64).map(rule).collect::<Vec<_>>() }]).to_string()
    };
    let two = [fitting("x"), fitting("y")];
    let text: String =
        (0..100_000_u32).map(|n| if n.wrapping_mul(2_654_435_761) & 1 << 20 == 0 { 'a' } else { 'b' }).collect();
    let mut alternating = (0..6).map(|number| annotated(&two[number % 2], &text));
    check_all("two annotations of 64 exploding rules", &mut alternating, &[]);

    let long = |number| {
        json!([{ "source": format!("s{number}"), "tags": [format!("x:{}", "y".repeat(100_000))] }]).to_string()
    };
    let mut many = (0..300).map(|number| annotated(&long(number), "x"));
    check_all("300 annotations of 100 kB", &mut many, &[]);
}

/// Events that are set aside until their pods' metadata is known: as they came, inflated one after the other, and as messages.
#[test]
fn it_is_bounded_however_much_waits() {
    let _alone = crate::alone();
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let aws = AwsStandIn::start(AwsBehavior::Healthy);
    let queues = aws.variables();
    let url = intake.url();
    let stream = |pod: usize| format!("kube.var.log.containers.web-{pod}_shop_app-{}.log", "a".repeat(64));
    let mut state = 7_u64;
    let mut noise = |bytes: usize| -> String {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        };
        (0..bytes).map(next).collect()
    };
    let event_of = |pod: usize, texts: &[String]| {
        let messages: Vec<String> =
            texts.iter().map(|text| format!(r#"{{"stream":"stdout","logtag":"F","log":"{text}"}}"#)).collect();
        let messages: Vec<(i64, &str)> = messages.iter().map(|message| (now(), message.as_str())).collect();
        content("my-app", &stream(pod), &messages)
    };
    // Six megabytes are the most that Lambda takes.
    let large: Vec<String> = (0..600).map(|_| noise(10_000)).collect();
    let one_large = event(&event_of(0, &large));
    let record = |(number, content): (usize, Value)| json!({ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": number.to_string(), "data": STANDARD.encode(gzip(content.to_string().as_bytes())) } });
    let batch: Vec<Value> = (0..5_000).map(|pod| record((pod, event_of(pod, &[noise(600)])))).collect();
    let batch = json!({ "Records": batch }).to_string().into_bytes();
    let deflating: Vec<Value> =
        (0..3).map(|pod| record((pod, event_of(pod, &vec!["x".repeat(200_000); 150])))).collect();
    let deflating = json!({ "Records": deflating }).to_string().into_bytes();
    for (name, event) in [
        ("an event of 6 MB that waits", one_large),
        ("5,000 small ones in a batch", batch),
        ("three of 30 MB each in a batch", deflating),
    ] {
        let mut settings: Vec<(&str, &str)> = queues.iter().map(|(name, value)| (*name, value.as_str())).collect();
        settings.extend([("PODFERRY_METADATA_RECORDS", "true"), ("PODFERRY_METADATA_LOOKUPS", "0")]);
        let answers = invoke_all(name, std::iter::once(event), &settings, &url);
        assert!(answers.iter().all(Result::is_ok), "{name}: {answers:?}");
        assert!(!aws.take("undelivered").is_empty());
        assert!(intake.accepted().is_empty());
    }
}

/// A gigabyte of nothing in a megabyte: members of gzip one behind the other.
fn bomb() -> Vec<u8> {
    gzip(&vec![0; 1 << 24]).repeat(64)
}
