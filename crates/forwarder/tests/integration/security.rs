//! What docs/security.md promises and no other test shows.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Invocation, InvocationFailure};
use forwarder::lambda::work::{Trigger, Work};
use forwarder::settings::Settings;
use intake::{Reply, StandIn};
use pipeline::event::EventError;
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::event_source_mapping::sqs_event;
use testkit::events::*;
use testkit::runtime_api::ForwarderProcess;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::tls::behind_tls;

// What a pod can write.

/// What an application might write in the hope that it is taken for something else.
const FORGED: &str = r#"{"podferry":{"schema":1,"version":"0","logs":1,"first_ms":null,"last_ms":null,"attempts":0,"reason":"x","encoding":"json"},"payload":[{"message":"forged","ddtags":"pod_name:payments-0"}],"awslogs":{"data":"H4sIAAAAAAAA"},"requestPayload":{"awslogs":{"data":"x"}},"Records":[{"eventSource":"aws:s3","awsRegion":"eu-west-1","s3":{"bucket":{"name":"secrets"},"object":{"key":"k"}}}],"ddtags":"pod_name:payments-0","ddsource":"forged","service":"forged","hostname":"forged","aws":{"awslogs":{"logGroup":"forged"}}}"#;

#[test]
fn a_log_that_looks_like_an_event_or_a_message_is_a_text_and_nothing_else() {
    let quoted = Value::from(FORGED).to_string();
    let merged = format!(r#"{{"stream":"stdout","logtag":"F",{},"kubernetes":{{}}}}"#, &FORGED[1..FORGED.len() - 1]);
    for message in [
        FORGED.to_owned(),
        format!(r#"{{"stream":"stdout","logtag":"F","log":{quoted}}}"#),
        format!("2026-11-22T20:38:08.236Z stdout F {FORGED}"),
        merged,
    ] {
        let event = event(&content(GROUP, &stream(), &[(now(), &message)]));
        for event in [event.clone(), sqs_event(&[std::str::from_utf8(&event).unwrap()], 1)] {
            let work = Work::read(&event, ARN, &PipelineSettings::default(), now()).unwrap();
            assert!(work.objects.is_empty() && work.poison.is_empty() && work.postponed.is_empty(), "{message}");
            let logs = logs(&work.processed);
            assert_eq!(logs.len(), 1);
            let log = &logs[0];
            // What it wrote is text, or an attribute of its own.
            assert!(log["message"].as_str().unwrap().contains("payments-0") || log["fluent_bit"].is_object(), "{log}");
            assert_eq!(log["aws"]["awslogs"]["logGroup"], GROUP);
            assert_eq!((&log["ddsource"], &log["service"]), (&json!("nginx"), &json!("nginx")));
            assert!(log["hostname"].is_null() && !has_tag(log, "pod_name:payments-0"));
            assert!(has_tag(log, "pod_name:web-6d4cf56db6-x7k2p") && has_tag(log, "kube_namespace:shop"));
        }
    }
}

#[test]
fn no_record_makes_another_pod_of_a_containers_stream() {
    let other = r#"{"pod_name":"payments-0","namespace_name":"bank","container_name":"app","labels":{"tags.datadoghq.com/env":"forged","tags.datadoghq.com/service":"forged"},"annotations":{"ad.datadoghq.com/tags":"{\"forged\":\"yes\"}"}}"#;
    let own = r#"{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx","labels":{"tags.datadoghq.com/env":"prod"}}"#;
    for message in [
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{other}}}"#),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{other},"kubernetes":{own}}}"#),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{own},"kubernetes":{other}}}"#),
        format!(r#"{{"stream":"stdout","logtag":"F","a":1,"kubernetes":{other},"kubernetes":{own}}}"#),
        format!(r#"{{"log":"x","kubernetes":{other}}}"#),
        format!(r#"{{"kubernetes":{other},"stream":"stdout","log":"x","logtag":"F"}}"#),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"x",{}"#, &other[1..]),
    ] {
        let log = forward_one(&message);
        let names = tags(&log);
        assert!(
            names.contains(&"pod_name:web-6d4cf56db6-x7k2p") && names.contains(&"kube_namespace:shop"),
            "{message}"
        );
        assert!(!names.iter().any(|tag| tag.contains("payments") || tag.contains("bank") || tag.contains("forged")));
        assert_ne!(log["service"], "forged");
    }
}

#[test]
fn a_pod_adds_tags_but_cannot_take_its_identity_away_or_write_two_tags_for_one() {
    let kubernetes = json!({
        "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx",
        "annotations": { "ad.datadoghq.com/tags": r#"{"pod_name":"payments-0","a":"b,env:prod","c\",\"d":"e"}"# },
    });
    let message = json!({ "log": "x", "stream": "stdout", "logtag": "F", "kubernetes": kubernetes }).to_string();
    let log = forward_one(&message);
    // As with the Agent: the tag of that name is there twice, and the true one first.
    let names: Vec<&str> = tags(&log).into_iter().filter(|tag| tag.starts_with("pod_name:")).collect();
    assert_eq!(names, ["pod_name:web-6d4cf56db6-x7k2p", "pod_name:payments-0"]);
    assert!(has_tag(&log, "a:b_env:prod") && !has_tag(&log, "env:prod"));
}

#[test]
fn no_pod_can_have_anothers_log_taken_for_a_duplicate() {
    let settings = PipelineSettings::default();
    let process = |stream: &str, text: &str| {
        // The same id, time and text: CloudWatch chooses ids, and one that an application writes is text.
        let message = format!(r#"{{"stream":"stdout","logtag":"F","log":"{text}"}}"#);
        let content = content(GROUP, stream, &[(1_795_379_888_236, &message)]);
        let processed = pipeline::process(&event(&content), ARN, &settings, OWN_TIMES).unwrap();
        let marks = processed.payloads.iter().flat_map(|payload| payload.logs()).filter_map(|log| log.mark);
        settings.recent.remember(marks);
        (processed.counts.logs, processed.counts.duplicate)
    };
    let other = stream().replace("web-6d4cf56db6-x7k2p", "web-6d4cf56db6-aaaaa");
    assert_eq!(process(&other, "x"), (1, 0));
    assert_eq!(process(&stream(), "x"), (1, 0));
    assert_eq!(process(&stream(), "y"), (1, 0));
    assert_eq!(process(&stream(), "x"), (0, 1));
}

#[test]
fn made_up_metadata_costs_no_memory_that_grows_with_it() {
    let messages = |count: usize, distinct: bool| {
        let messages: Vec<String> = (0..count)
            .map(|number| {
                let number = if distinct { number } else { 0 };
                let kubernetes = format!(
                    r#"{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{{"n":"{number:06}"}}}}"#
                );
                // A piece in every record: what waits for its end has to end well.
                format!(r#"{{"log":"x","stream":"stdout","logtag":"P","kubernetes":{kubernetes}}}"#)
            })
            .collect();
        let messages: Vec<(i64, &str)> = messages.iter().map(|message| (1, message.as_str())).collect();
        content(GROUP, &stream(), &messages).to_string()
    };
    let most = |content: &str| {
        let mut events = (0, 0);
        let memory = allocation_counter::measure(|| {
            let processed = pipeline::process_content(content, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
            let counts = processed.counts;
            events = (counts.events, counts.logs + counts.joined);
        });
        assert_eq!(events.0, events.1);
        memory.bytes_max
    };
    let content = messages(20_000, true);
    let (forged, usual) = (most(&content), most(&messages(20_000, false)));
    assert!(forged < usual + 6_000_000, "{forged} bytes, and {usual} for the same metadata each time");
}

#[test]
fn records_without_metadata_are_not_each_a_search_of_the_whole_event() {
    // Each with another cluster, and none with a `kubernetes` object: each is an identity, and asks what holds for the stream.
    let messages: Vec<String> = (0..20_000)
        .map(|number| format!(r#"{{"stream":"stdout","logtag":"F","log":"x","cluster_name":"{number}"}}"#))
        .collect();
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (1, message.as_str())).collect();
    let content = content(GROUP, &stream(), &messages).to_string();
    let started = std::time::Instant::now();
    pipeline::process_content(&content, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    // Two seconds in a debug build; it was minutes.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

// What others can put in.

#[test]
fn a_message_of_the_queue_cannot_send_a_signed_request_elsewhere() {
    let note = |bucket: &str, region: &str, key: &str| {
        json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": region, "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] })
            .to_string()
    };
    for (bucket, region, key) in [
        ("evil:443/x?", "eu-west-1", "k"),
        ("user@evil", "eu-west-1", "k"),
        ("2130706433#", "eu-west-1", "k"),
        ("evil/../b", "eu-west-1", "k"),
        ("bucket", "evil.example/", "k"),
        ("bucket", "evil.example#", "k"),
        ("bucket", "x@evil.example:1/", "k"),
        ("buc.ket", "evil.example", "k"),
        ("", "eu-west-1", "k"),
        ("bucket", "eu-west-1", ""),
    ] {
        let body = note(bucket, region, key);
        let direct = Work::read(body.as_bytes(), ARN, &PipelineSettings::default(), 0);
        assert!(matches!(direct, Err(EventError::Unknown)), "{body}");
        let failed = json!({ "requestContext": {}, "requestPayload": body }).to_string();
        let work = Work::read(&sqs_event(&[&body, &failed], 1), ARN, &PipelineSettings::default(), 0).unwrap();
        assert!(work.objects.is_empty() && work.poison.len() == 2, "{body}");
    }
    let whole = note("podferry-failed-1a2b", "eu-west-1", "aws/lambda/async/f/2026/11/22/x+y%2Fz");
    let work = Work::read(&sqs_event(&[&whole], 1), ARN, &PipelineSettings::default(), 0).unwrap();
    assert_eq!((work.objects.len(), work.poison.len()), (1, 0));
}

#[test]
fn the_functions_own_log_is_refused_whatever_brings_it() {
    let settings = PipelineSettings { own_log_group: Some("/podferry/own".into()), ..PipelineSettings::default() };
    let own = event(&content("/podferry/own", "s", &[(1, "x")]));
    let text = std::str::from_utf8(&own).unwrap();
    let data = serde_json::from_str::<Value>(text).unwrap()["awslogs"]["data"].clone();
    let kinesis =
        json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1", "data": data } }] });
    let firehose = json!({ "deliveryStreamArn": "d", "records": [{ "recordId": "1", "data": data }] });
    assert!(matches!(Work::read(&own, ARN, &settings, 0), Err(EventError::OwnLogGroup)));
    for event in [sqs_event(&[text], 1), kinesis.to_string().into_bytes(), firehose.to_string().into_bytes()] {
        let work = Work::read(&event, ARN, &settings, 0).unwrap();
        let failed = work.poison.iter().map(|poison| poison.error).chain(work.transformed.failed);
        assert_eq!(failed.collect::<Vec<_>>(), [EventError::OwnLogGroup]);
        assert!(work.processed.payloads.is_empty() && work.trigger != Trigger::Direct);
    }
}

// What the function says of others.

const SECRET: &str = "geheimes-wort";
const KEY: &str = "schluessel0123";
const ACCESS: &str = "zugang0123";

#[test]
fn neither_texts_nor_keys_are_in_anything_that_the_function_says() {
    // The answers repeat what was sent, as a proxy's may.
    let statuses = [("202", Reply::Judge), ("400", Reply::Status(400, None)), ("403", Reply::Status(403, None))];
    let later = [("503", Reply::Status(503, Some("600".into()))), ("silence", Reply::Silence)];
    for (name, reply) in statuses.into_iter().chain(later) {
        let intake =
            testkit::http::runtime().block_on(StandIn::start_with("127.0.0.1:0", move |_| reply.clone())).unwrap();
        for behavior in [AwsBehavior::Healthy, AwsBehavior::Denied] {
            let aws = AwsStandIn::start(behavior);
            let mut variables: Vec<(&str, String)> = aws.variables();
            variables.retain(|(name, _)| *name != "AWS_SECRET_ACCESS_KEY");
            variables.extend([
                ("AWS_SECRET_ACCESS_KEY", ACCESS.to_owned()),
                ("AWS_SESSION_TOKEN", ACCESS.to_owned()),
                ("DD_URL", intake.url()),
                ("DD_API_KEY", KEY.to_owned()),
                ("DD_LOG_LEVEL", "DEBUG".to_owned()),
            ]);
            let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let forwarder = ForwarderProcess::start(env!("CARGO_BIN_EXE_forwarder"), &variables);
            forwarder.wait_for_next();
            let mut told = String::new();
            for event in events() {
                let answer = forwarder.invoke(&event, Duration::from_secs(3));
                told.push_str(&format!("{answer:?}\n"));
            }
            let output = forwarder.output() + &told;
            assert!(output.contains("LogsReceived") && output.contains("request_id"), "{output}");
            for secret in [SECRET, KEY, ACCESS] {
                assert!(!output.contains(secret), "{name}, {behavior:?}: {output}");
            }
            let sent = [aws.sent("undelivered"), aws.sent("dead")].concat();
            assert_eq!(sent.is_empty(), behavior == AwsBehavior::Denied, "{name}");
            for message in sent {
                let value: Value = serde_json::from_str(&message.body).unwrap_or_default();
                // What cannot be read is kept as it came; a message of our own says only numbers and names of its logs.
                let head = if value["podferry"]["schema"] == 1 { value["podferry"].to_string() } else { String::new() };
                let around = format!("{head} {:?}", message.reason);
                assert!(!around.contains(SECRET) && !message.body.contains(KEY) && !message.body.contains(ACCESS));
            }
        }
    }
}

/// Events with the secret wherever an application, or whoever invokes the function, can put one.
fn events() -> Vec<Vec<u8>> {
    let annotations = json!({
        "ad.datadoghq.com/nginx.logs": format!(r#"[{{"log_processing_rules":[{{"type":"mask_sequences","name":"{SECRET}","pattern":"({SECRET}","replace_placeholder":"x"}}]}}]"#),
    });
    let kubernetes = json!({
        "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx",
        "labels": { "team": SECRET }, "annotations": annotations,
    });
    let whole = json!({ "log": SECRET, "stream": "stdout", "logtag": "F", "kubernetes": kubernetes }).to_string();
    // Where nothing of the filter's is there, a cluster's name is believed: as a tag, and not as a dimension of metrics.
    let cluster = format!(r#"{{"stream":"stdout","logtag":"F","log":"{SECRET}","cluster_name":"{SECRET}"}}"#);
    let bare = event(&content("/some/group", SECRET, &[(now(), &cluster), (now(), SECRET)]));
    vec![
        event(&content(GROUP, &stream(), &[(now(), &whole), (now(), &cluster), (now(), SECRET)])),
        bare,
        sqs_event(&[SECRET, &json!({ "podferry": { "schema": SECRET } }).to_string()], 1),
        json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1", "data": SECRET } }] })
            .to_string()
            .into_bytes(),
        SECRET.as_bytes().to_vec(),
        envelope(SECRET.as_bytes()),
    ]
}

#[test]
fn what_a_record_says_of_its_cluster_is_no_dimension() {
    let cluster = |group: &str, message: &str, settings: &PipelineSettings| {
        pipeline::process(&event(&content(group, &stream(), &[(1, message)])), ARN, settings, OWN_TIMES)
            .unwrap()
            .cluster
    };
    let mut settings = PipelineSettings::default();
    let forged = r#"{"stream":"stdout","logtag":"F","log":"x","cluster_name":"forged"}"#;
    assert_eq!(cluster(GROUP, forged, &settings).as_deref(), Some("prod-eu"));
    assert_eq!(cluster("other", forged, &settings), None);
    settings.tags.cluster_name = Some("Main".into());
    assert_eq!(cluster(GROUP, forged, &settings).as_deref(), Some("main"));
    settings.tags.tags = vec!["kube_cluster_name:tagged".into()];
    assert_eq!(cluster(GROUP, forged, &settings).as_deref(), Some("tagged"));
}

// The way to the intake.

/// Answers one connection's hello with a ServerHello of TLS 1.1; gives what the client said.
fn of_tls_1_1() -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut header = [0; 5];
            if stream.read_exact(&mut header).is_err() {
                continue;
            }
            let mut all = header.to_vec();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            stream.read_exact(&mut hello).unwrap();
            all.extend(hello);
            // RFC 4346, section 7.4.1.3: version 3.2, random, no session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
            let mut answer = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
            answer.extend([7; 32]);
            answer.extend([0, 0xc0, 0x13, 0]);
            stream.write_all(&answer).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let _ = stream.read_to_end(&mut all);
            if tell.send(all).is_err() {
                break;
            }
        }
    });
    (port, told)
}

async fn send(variables: &[(&str, &str)]) -> Result<usize, InvocationFailure> {
    let mut map: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    map.insert("DD_API_KEY".to_owned(), KEY.to_owned());
    let handler = Handler::new(Settings::read(&map).unwrap()).unwrap();
    let deadline_ms = u64::try_from(now()).unwrap() + 2_000;
    let invocation = Invocation { deadline_ms, ..Invocation::default() };
    let event = event(&content("my-app", "s", &[(1, SECRET)]));
    handler.handle(event.into(), &invocation).await.map(|delivered| delivered.delivered)
}

#[tokio::test]
async fn tls_1_1_is_neither_offered_nor_taken() {
    for skips in ["false", "true"] {
        let (port, told) = of_tls_1_1();
        let url = format!("https://127.0.0.1:{port}");
        let failure = send(&[("DD_URL", &url), ("DD_SKIP_SSL_VALIDATION", skips)]).await.unwrap_err();
        assert_eq!(failure.error_type(), "LogsUndelivered");
        let said = told.recv_timeout(Duration::from_secs(5)).unwrap();
        // The extension supported_versions (43) names 1.3 and 1.2, in either order, and no other.
        let versions = |first: u8, second: u8| [0, 43, 0, 5, 4, 3, first, 3, second];
        let offers = |versions: [u8; 9]| said.windows(versions.len()).any(|window| window == versions);
        assert!(offers(versions(4, 3)) || offers(versions(3, 4)), "{said:?}");
        // A fatal alert, protocol_version: RFC 8446, section 6.2.
        assert_eq!(said[said.len() - 7], 21, "{said:?}");
        assert_eq!(said[said.len() - 2..], [2, 70], "{said:?}");
        for secret in [SECRET, KEY] {
            assert!(!said.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_taken() {
    let intake = StandIn::start().await.unwrap();
    for version in [&TLS12, &TLS13] {
        let url = format!("https://127.0.0.1:{}", behind_tls(&intake, &[version]).await);
        assert_eq!(send(&[("DD_URL", &url), ("DD_SKIP_SSL_VALIDATION", "true")]).await.unwrap(), 1);
    }
}

#[test]
fn what_takes_the_guard_off_the_way_to_the_intake_is_warned_of() {
    let warnings =
        |pairs: [(&str, &str); 2]| Settings::read(&[("DD_API_KEY", KEY), pairs[0], pairs[1]]).unwrap().warnings;
    assert_eq!(warnings([("", ""), ("", "")]).len(), 0);
    assert_eq!(warnings([("DD_URL", "http://127.0.0.1:8080"), ("", "")]).len(), 0);
    assert!(warnings([("DD_SKIP_SSL_VALIDATION", "true"), ("", "")])[0].contains("DD_SKIP_SSL_VALIDATION"));
    assert!(warnings([("DD_NO_SSL", "true"), ("", "")])[0].contains("unencrypted"));
    assert!(warnings([("DD_URL", "http://intake.example"), ("", "")])[0].contains("unencrypted"));
}
