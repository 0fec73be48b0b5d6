//! The real forwarder as a process, against a stand-in for Lambda's runtime API.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use intake::{Reply, StandIn};
use serde_json::Value;
use testkit::events::*;
use testkit::runtime_api::{ForwarderProcess, RuntimeCall};

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");
const LONG: Duration = Duration::from_secs(60);

/// Datadog's intake; it runs beside the test, which may block.
fn intake(reply: Reply) -> StandIn {
    testkit::http::runtime().block_on(StandIn::start_with("127.0.0.1:0", move |_| reply.clone())).unwrap()
}

/// An event of one log, another one each time.
fn good() -> Vec<u8> {
    let id = NUMBER.fetch_add(1, Ordering::SeqCst).to_string();
    let mut content =
        content(GROUP, &stream(), &[(now(), r#"{"stream":"stdout","logtag":"F","log":"geheimes-wort"}"#)]);
    content["logEvents"][0]["id"] = id.into();
    event(&content)
}

static NUMBER: AtomicUsize = AtomicUsize::new(1);

#[test]
fn events_are_served_and_numbers_answered() {
    let intake = intake(Reply::Judge);
    let forwarder = ForwarderProcess::start(FORWARDER, &[("DD_URL", &intake.url()), ("DD_API_KEY", "schluessel")]);
    forwarder.wait_for_next();
    let answer = forwarder.invoke(&good(), LONG).unwrap();
    assert_eq!((&answer["events"], &answer["delivered"], &answer["control"]), (&1.into(), &1.into(), &false.into()));
    let control = event(&serde_json::json!({ "messageType": "CONTROL_MESSAGE", "logEvents": [] }));
    assert_eq!(forwarder.invoke(&control, LONG).unwrap()["control"], true);
    let logs = intake.accepted();
    assert_eq!((logs.len(), &logs[0]["message"]), (1, &"geheimes-wort".into()));
    assert_eq!(logs[0]["aws"]["invoked_function_arn"], ARN);
    let output = forwarder.output();
    assert!(output.contains(r#""message":"delivered""#));
    assert!(!output.contains("geheimes-wort") && !output.contains("schluessel"), "{output}");
}

/// The lines of a forwarder's own log that are JSON.
fn lines(output: &str) -> Vec<Value> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn each_invocation_leaves_one_line_of_metrics_and_its_lines_bear_the_request() {
    let intake = intake(Reply::Judge);
    let url = intake.url();
    for (level, own_lines) in [("info", 2), ("error", 1), ("off", 0)] {
        let forwarder = ForwarderProcess::start(
            FORWARDER,
            &[("DD_URL", &url), ("DD_API_KEY", "k"), ("AWS_LAMBDA_LOG_LEVEL", level)],
        );
        forwarder.wait_for_next();
        forwarder.invoke(&good(), LONG).unwrap();
        forwarder.invoke(b"nonsense", LONG).unwrap_err();
        let lines = lines(&forwarder.output());
        let (metrics, own): (Vec<_>, Vec<_>) = lines.iter().partition(|line| !line["_aws"].is_null());
        assert_eq!((metrics.len(), own.len()), (2, own_lines), "{level}: {lines:#?}");
        assert_eq!((&metrics[0]["LogsReceived"], &metrics[0]["LogsDelivered"]), (&1.into(), &1.into()));
        assert_eq!((&metrics[0]["FunctionName"], &metrics[0]["ClusterName"]), (&"forwarder".into(), &"prod-eu".into()));
        assert_eq!(metrics[1]["ClusterName"], "unknown");
        assert!(lines.iter().all(|line| line["request_id"] == "8476a536-e9f4-11e8-9739-2dfe598c3fcd"));
    }
    let variables = [("DD_URL", url.as_str()), ("DD_API_KEY", "k"), ("AWS_LAMBDA_LOG_FORMAT", "Text")];
    let forwarder = ForwarderProcess::start(FORWARDER, &variables);
    forwarder.wait_for_next();
    forwarder.invoke(&good(), LONG).unwrap();
    let output = forwarder.output();
    assert_eq!((lines(&output).len(), output.lines().count()), (1, 2), "{output}");
    assert!(output.contains(" INFO delivered request_id=8476a536-"), "{output}");
}

#[test]
fn a_bad_event_is_an_error_and_the_next_one_is_served() {
    let intake = intake(Reply::Judge);
    let variables = [
        ("DD_URL", intake.url()),
        ("DD_API_KEY", "k".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/podferry/own".to_owned()),
        ("PODFERRY_MAX_DECOMPRESSED_BYTES", "10000".to_owned()),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let forwarder = ForwarderProcess::start(FORWARDER, &variables);
    forwarder.wait_for_next();
    let whole = gzip(content("g", "s", &[(1, "geheimes-wort")]).to_string().as_bytes());
    for (event, error_type) in [
        (b"geheimes-wort".to_vec(), "EventNotJson"),
        (b"\xff".to_vec(), "EventNotJson"),
        (br#"{"geheimes-wort":1}"#.to_vec(), "EventUnknown"),
        (br#"{"awslogs":{"data":"geheimes-wort"}}"#.to_vec(), "EventBase64Invalid"),
        (envelope(&whole[..whole.len() / 2]), "EventGzipInvalid"),
        (envelope(&gzip(b"geheimes-wort")), "EventContentInvalid"),
        (envelope(&gzip(&vec![b'x'; 10_001])), "EventTooLarge"),
        (event(&content("/podferry/own", "s", &[(1, "geheimes-wort")])), "EventFromOwnLogGroup"),
    ] {
        let error = forwarder.invoke(&event, LONG).unwrap_err();
        assert_eq!(error["errorType"], error_type);
        assert!(!error.to_string().contains("geheimes-wort"));
        assert_eq!(forwarder.invoke(&good(), LONG).unwrap()["delivered"], 1);
    }
    let output = forwarder.output();
    assert!(output.contains("EventGzipInvalid") && !output.contains("geheimes-wort"), "{output}");
}

#[test]
fn what_was_not_delivered_fails_the_invocation_before_its_deadline() {
    for (reply, type_of_error) in [(Reply::Silence, "LogsUndelivered"), (Reply::Status(503, None), "LogsUndelivered")] {
        let intake = intake(reply);
        let forwarder = ForwarderProcess::start(FORWARDER, &[("DD_URL", &intake.url()), ("DD_API_KEY", "k")]);
        forwarder.wait_for_next();
        let started = Instant::now();
        let error = forwarder.invoke(&good(), Duration::from_secs(2)).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert_eq!(error["errorType"], type_of_error);
        assert!(error["errorMessage"].as_str().unwrap().starts_with("1 of 1 log could not be delivered: "), "{error}");
    }
}

#[test]
fn wrong_settings_fail_the_start_with_all_mistakes() {
    let forwarder = ForwarderProcess::start(FORWARDER, &[("DD_PORT", "x"), ("DD_COMPRESSION", "y")]);
    let RuntimeCall::InitError(error) = forwarder.next_call() else { panic!("no init error") };
    let message = error["errorMessage"].as_str().unwrap();
    for variable in ["DD_PORT", "DD_COMPRESSION", "DD_API_KEY_SECRET_ARN"] {
        assert!(message.contains(variable), "{message}");
    }
    assert_eq!(error["errorType"], Value::from("SettingsInvalid"));
    let mut forwarder = forwarder;
    assert!(!forwarder.child.wait().unwrap().success());
}
