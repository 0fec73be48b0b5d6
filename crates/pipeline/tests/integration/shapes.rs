//! Every shape that a ConfigMap can give a record: the text that arrives is the text that the application wrote.

use std::fs;
use std::path::PathBuf;

use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

const KUBERNETES: &str = r#""kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{"app":"web","pod-template-hash":"6d4cf56db6"},"host":"fargate-ip-10-0-1-2.ec2.internal","container_name":"nginx","docker_id":"c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004","container_image":"nginx:1.22"}"#;

fn corpus(path: &str) -> String {
    let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The corpus's single records of one ConfigMap through the pure part.
fn shape(name: &str) -> Vec<Value> {
    let lines = corpus(&format!("shapes/{name}.jsonl"));
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<(i64, &str)> = records
        .iter()
        .map(|record| (record["timestamp"].as_i64().unwrap(), record["message"].as_str().unwrap()))
        .collect();
    let (group, stream) = (records[0]["logGroup"].as_str().unwrap(), records[0]["logStream"].as_str().unwrap());
    forward_from(group, stream, &messages, &PipelineSettings::default()).0
}

fn messages(logs: &[Value]) -> Vec<&str> {
    logs.iter().map(|log| log["message"].as_str().unwrap()).collect()
}

/// What the application of `shapes/input.log` wrote. The blank line is not shipped; the pieces are joined; what was no
/// UTF-8 became what Fluent Bit made of it.
const WRITTEN: [&str; 15] = [
    "hello world",
    r#"{"level":"error","msg":"boom","stream":"mine","kubernetes":"k","time":"t"}"#,
    "  {\"a\":1}  ",
    "part-one-part-two",
    "[1,2,3]",
    r#"{"x":1}{"y":2}"#,
    "tab\there \"q\" back\\slash é☃😀 \u{1b}[31mred\u{1b}[0m ctl\u{1}",
    "42",
    "\"just a string\"",
    "null",
    r#"{"big":12345678901234567890,"f":1.5,"e":1e3,"n":null,"b":true,"s":"caf\u00e9 \ud83d\ude00"}"#,
    "not a cri line",
    "tz line",
    "{}",
    "bad utf8 \u{e0ff} end",
];

#[test]
fn no_filters_at_all() {
    let logs = shape("01_no_filters");
    assert_eq!(messages(&logs), WRITTEN);
    // The line's own time, not the one at which Fluent Bit read it.
    assert_eq!(logs[0]["timestamp"], 1_639_679_769_123_i64);
    assert_eq!(logs[12]["timestamp"], 1_639_647_370_300_i64);
    assert_eq!(logs[11]["timestamp"], 1_795_376_524_133_i64);
    assert_eq!(logs[0]["status"], "info");
    // It bears a level of its own.
    assert_eq!(logs[1].get("status"), None);
}

#[test]
fn the_cri_parser() {
    let logs = shape("02_parser_crio");
    assert_eq!(messages(&logs), WRITTEN);
    assert_eq!(logs[0]["timestamp"], 1_639_679_769_123_i64);
}

#[test]
fn merged_and_not_kept() {
    let logs = shape("03_crio_kube_merge_keepoff");
    let merged: Vec<&str> = messages(&logs);
    // What was merged comes back as the object that it was, without what Fluent Bit 5.1.1 lost of it: the members of
    // the application that bear the filter's own name.
    for (written, arrived) in [
        (WRITTEN[0], merged[0]),
        (r#"{"level":"error","msg":"boom","stream":"mine","time":"t"}"#, merged[1]),
        (r#"{"a":1}"#, merged[2]),
        (WRITTEN[3], merged[3]),
        (WRITTEN[4], merged[4]),
        (WRITTEN[5], merged[5]),
        (WRITTEN[6], merged[6]),
    ] {
        assert_eq!(arrived, written);
    }
    let numbers = merged.iter().find(|message| message.contains("\"big\"")).unwrap();
    assert!(numbers.contains("12345678901234567890") && numbers.contains("\"f\":1.5"));
    // `{}` merged cannot be told from an empty line.
    assert_eq!(merged.len(), WRITTEN.len() - 1);
    assert!(logs.iter().all(|log| has_tag(log, "service:web-store") && log["ddsource"] == "nginx"));
}

#[test]
fn merged_under_a_key_and_kept() {
    assert_eq!(messages(&shape("03b_crio_kube_mergekey_keepon_ownerrefs_nslabels")), WRITTEN);
}

#[test]
fn not_merged() {
    // This corpus was made of the longer input.
    let logs = shape("09_recommended_merge_off");
    let arrived = messages(&logs);
    assert_eq!(arrived[..WRITTEN.len()], WRITTEN);
    assert_eq!(
        arrived[WRITTEN.len()..],
        ["interleaved stderr", r#"{"level":"info","msg":"aaabbbccc"}"#, r#"prefix {"tail":"is json"}"#]
    );
    assert_eq!(logs[15]["status"], "error");
    assert!(logs.iter().all(|log| !has_tag(log, "partial:true")));
}

#[test]
fn the_bare_message() {
    let logs = shape("04_crio_logkey");
    let arrived = messages(&logs);
    assert!(arrived.contains(&"hello world") && arrived.contains(&WRITTEN[1]) && arrived.contains(&"  {\"a\":1}  "));
    // Nothing says that these are pieces.
    assert!(arrived.contains(&"part-one-"));
}

#[test]
fn every_event_of_the_corpus_arrives_whole() {
    for pod in ["api-api", "checkout-app", "coredns-coredns", "report-report", "web-nginx"] {
        // Line by line; where the pod's annotation has rules, they are read off again below.
        let mut settings = PipelineSettings::default();
        settings.processing.auto_multi_line = false;
        let texts = |config: &str| -> Vec<String> {
            let event = corpus(&format!("{config}/{pod}.event.json"));
            let processed = pipeline::process(event.as_bytes(), ARN, &settings, OWN_TIMES).unwrap();
            let counts = processed.counts;
            assert_eq!(counts.events, counts.logs + counts.blank + counts.joined, "{config}/{pod}");
            let logs = logs(&processed);
            assert_eq!(logs.len(), counts.logs);
            logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
        };
        let mut bare = texts("bare");
        assert!(!bare.is_empty());
        if pod == "checkout-app" {
            // Its annotation: a date begins a log, and card numbers are masked.
            assert_eq!(bare, texts("logkey"), "without metadata there is no annotation");
            let whole = bare.join("\n").replace("\nNov ", "\0Nov ");
            let cards = |text: &str| {
                text.split("4111-1111-1111-").enumerate().fold(String::new(), |out, (number, part)| match number {
                    0 => part.to_owned(),
                    _ => out + "[card]" + &part[4..],
                })
            };
            bare = whole.split('\0').map(cards).collect();
            assert_eq!(bare, texts("kept"));
            assert_eq!(bare, texts("parsed"));
            continue;
        }
        assert_eq!(bare, texts("kept"), "{pod}");
        assert_eq!(bare, texts("logkey"), "{pod}");
        // Merged objects come back with the same values, spelled as Fluent Bit spells them.
        let value = |text: &String| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::from(text.as_str()));
        let values = |texts: Vec<String>| texts.iter().map(value).collect::<Vec<_>>();
        assert_eq!(values(bare), values(texts("parsed")), "{pod}");
    }
}

#[test]
fn upstreams_cri_parser_puts_the_text_into_message() {
    let log =
        forward_one(r#"{"time":"2026-11-22T20:38:08.000000001Z","stream":"stderr","logtag":"F","message":"  hello"}"#);
    assert_eq!(log["message"], "  hello");
    assert_eq!(log["status"], "error");
    assert_eq!(log["timestamp"], 1_795_379_888_000_i64);
}

#[test]
fn a_decoded_message_is_its_json() {
    let message = r#"{"time":"2026-11-22T20:38:08.5Z","stream":"stdout","logtag":"F","message":{"a":1},"log":"2026-11-22T20:38:08.5Z stdout F {\"a\": 1}"}"#;
    assert_eq!(forward_one(message)["message"], r#"{"a": 1}"#);
    assert_eq!(forward_one(r#"{"stream":"stdout","logtag":"F","log":{"a":1e3}}"#)["message"], r#"{"a":1e3}"#);
}

#[test]
fn a_loose_parsers_pieces_do_not_hide_the_line() {
    let log = forward_one(r#"{"stream":"a","logtag":"cri","message":"line","log":"not a cri line"}"#);
    assert_eq!(log["message"], "not a cri line");
    assert_eq!(log["status"], "info");
}

#[test]
fn a_prefix_that_a_parser_left_standing_comes_off() {
    let line = "2026-11-22T20:38:08.236123456Z stderr F hello";
    for message in [
        // The event has the line's time.
        json!({ "stream": "stderr", "logtag": "F", "log": line }),
        json!({ "time": "2026-11-22T20:38:08.236123456Z", "stream": "stderr", "logtag": "F", "log": line }),
        json!({ "stream": "stderr", "logtag": "F", "message": "hello", "log": line }),
        json!({ "log": line }),
    ] {
        let log = forward_one(&message.to_string());
        assert_eq!((&log["message"], &log["status"]), (&json!("hello"), &json!("error")), "{message}");
    }
    assert_eq!(forward_one(line)["message"], "hello");
}

#[test]
fn a_prefix_that_the_application_printed_stays() {
    let printed = "2020-01-01T00:00:00.000000001Z stderr F copied from elsewhere";
    let parsed = json!({ "stream": "stdout", "logtag": "F", "log": printed }).to_string();
    let log = forward_one(&parsed);
    assert_eq!((&log["message"], &log["status"]), (&json!(printed), &json!("info")));
    let bare = json!({ "log": format!("2026-11-22T20:38:08.236Z stdout F {printed}") }).to_string();
    assert_eq!(forward_one(&bare)["message"], printed);
}

#[test]
fn an_application_may_use_any_name() {
    // Merged, filter at work: its members are those before the filter's.
    let merged =
        format!(r#"{{"stream":"stderr","logtag":"F","log":"inner","message":"m","level":"info",{KUBERNETES}}}"#);
    assert_eq!(forward_one(&merged)["message"], r#"{"log":"inner","message":"m","level":"info"}"#);
    let message = format!(r#"{{"stream":"stderr","logtag":"F","message":"done","level":"info",{KUBERNETES}}}"#);
    assert_eq!(forward_one(&message)["message"], r#"{"message":"done","level":"info"}"#);
    // An older core writes both names that collide.
    let twice = format!(r#"{{"stream":"stderr","logtag":"F","stream":"mine","kubernetes":"k","a":1,{KUBERNETES}}}"#);
    let log = forward_one(&twice);
    assert_eq!(log["message"], r#"{"stream":"mine","kubernetes":"k","a":1}"#);
    assert_eq!(log["status"], "error");
    assert!(has_tag(&log, "image_tag:1.22"));
    // The newer one lets the last win.
    let once = format!(r#"{{"logtag":"F","stream":"stdout","time":"2020-01-01T00:00:00Z",{KUBERNETES}}}"#);
    assert_eq!(forward_one(&once)["message"], r#"{"stream":"stdout","time":"2020-01-01T00:00:00Z"}"#);
}

#[test]
fn kept_and_merged_is_the_kept_text() {
    let both = format!(r#"{{"stream":"stdout","logtag":"F","log":"{{\"a\": 1}}","a":1,{KUBERNETES}}}"#);
    let log = forward_one(&both);
    assert_eq!((&log["message"], log.get("fluent_bit")), (&json!(r#"{"a": 1}"#), None));
}

#[test]
fn a_merge_key_holds_the_object() {
    let message = format!(r#"{{"stream":"stdout","logtag":"F","log_processed":{{"a":1}},{KUBERNETES}}}"#);
    assert_eq!(forward_one(&message)["message"], r#"{"a":1}"#);
    // Any other name is a member of the application's.
    let message = format!(r#"{{"stream":"stdout","logtag":"F","user":{{"a":1}},{KUBERNETES}}}"#);
    assert_eq!(forward_one(&message)["message"], r#"{"user":{"a":1}}"#);
}

#[test]
fn what_a_filter_adds_goes_along_beside_the_text() {
    let message = format!(r#"{{"stream":"stdout","logtag":"F","log":"hello",{KUBERNETES},"team":"growth"}}"#);
    let log = forward_one(&message);
    assert_eq!((&log["message"], &log["fluent_bit"]), (&json!("hello"), &json!({ "team": "growth" })));
}

#[test]
fn what_a_filter_adds_before_the_kubernetes_filter_leaves_the_line_alone() {
    let message = format!(r#"{{"stream":"stdout","logtag":"F","log":"GET / 200","team":"web",{KUBERNETES}}}"#);
    let log = forward_one(&message);
    assert_eq!((&log["message"], &log["fluent_bit"]), (&json!("GET / 200"), &json!({ "team": "web" })));
    // Behind another member, `log` is the application's.
    let merged = format!(r#"{{"stream":"stdout","logtag":"F","level":"info","log":"GET / 200",{KUBERNETES}}}"#);
    assert_eq!(forward_one(&merged)["message"], r#"{"level":"info","log":"GET / 200"}"#);
    let unfiltered = r#"{"stream":"stdout","logtag":"F","a":1,"log":"x"}"#;
    assert_eq!(forward_one(unfiltered)["message"], r#"{"a":1,"log":"x"}"#);
}

#[test]
fn an_applications_own_time_does_not_move_its_log() {
    let kept = 1_795_379_888_236_i64;
    for members in [r#""time":"2001-01-01T00:00:00Z","log":"x""#, r#""time":"2001-01-01T00:00:00Z","message":"x""#] {
        let log = forward_one(&format!(r#"{{"stream":"stdout","logtag":"F",{members},{KUBERNETES}}}"#));
        assert_eq!(log["timestamp"], kept, "{members}");
    }
    // Nor does it vanish where both clocks fall into one millisecond.
    let same =
        format!(r#"{{"stream":"stdout","logtag":"F","time":"2026-11-22T20:38:08.236Z","level":"info",{KUBERNETES}}}"#);
    assert_eq!(forward_one(&same)["message"], r#"{"time":"2026-11-22T20:38:08.236Z","level":"info"}"#);
}

#[test]
fn a_record_in_another_order_is_read_by_its_names() {
    let kubernetes =
        json!({ "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_image": "nginx:1" });
    // `json!` sorts.
    let line = json!({
        "time": "2021-12-16T18:36:09.5Z", "stream": "stderr", "logtag": "F", "log": "hello", "kubernetes": kubernetes,
        "cluster_name": "c",
    });
    let log = forward_one(&line.to_string());
    assert_eq!((&log["message"], &log["status"]), (&json!("hello"), &json!("error")));
    assert_eq!((&log["timestamp"], log.get("fluent_bit")), (&json!(1_639_679_769_500_i64), None));
    assert!(has_tag(&log, "kube_cluster_name:c") && has_tag(&log, "image_tag:1"));
    let merged = json!({ "stream": "stderr", "logtag": "F", "a": 1, "z": 2, "kubernetes": kubernetes });
    let log = forward_one(&merged.to_string());
    assert_eq!((&log["message"], &log["status"]), (&json!(r#"{"a":1,"z":2}"#), &json!("error")));
    assert!(has_tag(&log, "image_tag:1"));
    let message =
        json!({ "stream": "stdout", "logtag": "F", "message": "m", "level": "info", "kubernetes": kubernetes });
    assert_eq!(forward_one(&message.to_string())["message"], r#"{"level":"info","message":"m"}"#);
    let first = r#"{"log":"hello","stream":"stderr","time":"2021-12-16T18:36:09.5Z","logtag":"F"}"#;
    assert_eq!(forward_one(first)["timestamp"], 1_639_679_769_500_i64);
}

#[test]
fn json_of_other_log_groups_is_left_alone() {
    for message in [
        r#"{"stream":"stdout","message":"hi","user":5}"#,
        r#"{"stream":"stdout","log":"hi","a":1}"#,
        r#"{"stream":"stdout","message":"hi"}"#,
        r#"{"logtag":"F","message":"hi"}"#,
        r#"{"log":"2020-11-22T20:38:08.236Z stderr P x","cluster_name":"evil"}"#,
        r#"{"pod_name":"web","namespace_name":"shop","host":"db1","msg":"x"}"#,
        r#"{"kubernetes":{"pod_name":"a","namespace_name":"b"},"message":"hello","level":"warn"}"#,
    ] {
        let (logs, _) = forward_from("/my/app", "x", &[(1, message)], &PipelineSettings::default());
        assert_eq!(logs[0]["message"], message);
        assert!(logs[0]["ddtags"] == "");
    }
}

#[test]
fn a_groups_name_is_no_proof_against_the_record() {
    let message = format!(r#"{{"stream":"stdout","logtag":"F","log":"hello",{KUBERNETES}}}"#);
    let (logs, _) =
        forward_from("/eks/vpc-tools", "web-6d4cf56db6-x7k2p.nginx", &[(1, &message)], &PipelineSettings::default());
    assert_eq!((&logs[0]["message"], &logs[0]["ddsource"]), (&json!("hello"), &json!("nginx")));
}

#[test]
fn pieces_are_joined_though_the_metadata_comes_late() {
    let pieces = [
        r#"{"stream":"stdout","logtag":"P","log":"a"}"#.to_owned(),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"b",{KUBERNETES}}}"#),
    ];
    let logs = forward(&[&pieces[0], &pieces[1]]);
    assert_eq!(messages(&logs), ["ab"]);
    assert!(has_tag(&logs[0], "image_tag:1.22"));
}

#[test]
fn kept_text_explains_escaped_keys_and_empty_objects() {
    for record in [
        format!(r#"{{"stream":"stdout","logtag":"F","log":"{{"é":1}}","é":1,{KUBERNETES}}}"#),
        format!(r#"{{"stream":"stdout","logtag":"F","log":"{{}}","log_obj":{{}},{KUBERNETES}}}"#),
    ] {
        assert_eq!(forward_one(&record).get("fluent_bit"), None, "{record}");
    }
}

#[test]
fn an_object_that_ends_like_the_records_before_it_is_not_lost() {
    // The application replaced both of the parser's members, and the metadata is that of the record before.
    let line = format!(r#"{{"stream":"stdout","logtag":"F","log":"hello",{KUBERNETES}}}"#);
    let replaced = format!(r#"{{"a":1,"stream":"mine","logtag":"mine",{KUBERNETES}}}"#);
    let logs = forward(&[&line, &replaced]);
    assert_eq!(messages(&logs), ["hello", messages(&forward(&[&replaced]))[0]]);
}

#[test]
fn lifted_metadata_is_put_together_again() {
    let lifted = r#"{"stream":"stdout","logtag":"F","log":"hello","k8s_pod_name":"web-6d4cf56db6-x7k2p","k8s_namespace_name":"shop","k8s_labels":{"tags.datadoghq.com/env":"prod"},"k8s_container_image":"nginx:1.22","k8s_host":"fargate-ip-10-0-1-2.ec2.internal"}"#;
    let log = forward_one(lifted);
    assert_eq!(log["message"], "hello");
    for tag in ["env:prod", "image_tag:1.22", "eks_fargate_node:fargate-ip-10-0-1-2.ec2.internal"] {
        assert!(has_tag(&log, tag), "{tag}");
    }
    let merged =
        r#"{"stream":"stdout","logtag":"F","a":1,"k8s_pod_name":"web-6d4cf56db6-x7k2p","k8s_namespace_name":"shop"}"#;
    assert_eq!(forward_one(merged)["message"], r#"{"a":1}"#);
}

#[test]
fn without_the_kubernetes_api_objects_are_merged_all_the_same() {
    let log = forward_one(r#"{"stream":"stderr","logtag":"F","kubernetes":"k","msg":"x","cluster_name":"evil"}"#);
    assert_eq!(log["message"], r#"{"kubernetes":"k","msg":"x","cluster_name":"evil"}"#);
    assert!(has_tag(&log, "kube_cluster_name:prod-eu") && has_tag(&log, "kube_deployment:web"));
}

#[test]
fn the_bare_objects_of_applications_are_left_alone() {
    for object in [
        r#"{"kubernetes":{"pod_name":"x"},"ddtags":"env:x","host":"x"}"#,
        r#"{"message":"hi"}"#,
        r#"{"log":"inner","level":"info"}"#,
        r#"{"ddtags":["env:x"],"message":7}"#,
        r#" {"spaces" : [1, 2]} "#,
        "[1,2]",
        "7",
    ] {
        assert_eq!(forward_one(object)["message"], object);
    }
}

#[test]
fn a_templated_stream_takes_the_records_word() {
    let settings = PipelineSettings::default();
    let message = format!(r#"{{"stream":"stdout","logtag":"F","log":"hello",{KUBERNETES}}}"#);
    let (logs, _) = forward_from("/eks/shop", "web-6d4cf56db6-x7k2p.nginx", &[(1, &message)], &settings);
    assert_eq!(logs[0]["message"], "hello");
    for tag in
        ["pod_name:web-6d4cf56db6-x7k2p", "kube_namespace:shop", "kube_container_name:nginx", "kube_deployment:web"]
    {
        assert!(has_tag(&logs[0], tag), "{tag}");
    }
    // The application's own `kubernetes`, where the filter failed.
    let forged = r#"{"stream":"stdout","logtag":"F","kubernetes":"k"}"#;
    let (logs, _) = forward_from("/eks/k", "k.k", &[(1, forged)], &settings);
    assert_eq!(logs[0]["message"], r#"{"kubernetes":"k"}"#);
}

#[test]
fn log_groups_that_are_not_from_fargate_ship_as_they_are() {
    let settings = PipelineSettings::default();
    for (group, message, source) in [
        ("/aws/lambda/hello", "START RequestId: 1", "lambda"),
        ("/aws/lambda/hello", r#"{"log":"x","stream":"stdout","logtag":"F"}"#, "lambda"),
        ("/aws/rds/instance/a/error", "x", "rds"),
        ("/aws/eks/prod/cluster", r#"{"kind":"Event"}"#, "eks"),
        ("vpc-flow-logs", "2 123 eni", "vpc"),
        ("my-app", r#"{"log":"x"}"#, "cloudwatch"),
        ("my-app", "2026-11-22T20:38:08.236Z stdout F x", "cloudwatch"),
    ] {
        let (logs, _) = forward_from(group, "a-stream", &[(5, message)], &settings);
        assert_eq!((&logs[0]["message"], &logs[0]["ddsource"]), (&json!(message), &json!(source)), "{group}");
        assert_eq!((&logs[0]["timestamp"], &logs[0]["service"]), (&json!(5), &json!(source)));
    }
}

#[test]
fn fluent_bits_own_log() {
    let messages = [
        (1, r#"{"log":"[2022/01/16 00:29:27] [ info] [engine] started"}"#),
        (2, r#"{"log":"[2022/01/16 00:29:27] [ warn] [engine] retry"}"#),
        (3, r#"{"log":"[2022/01/16 00:29:27] [error] [output] AccessDenied"}"#),
        (4, r#"{"log":"time=\"2022-01-16T00:29:27Z\" level=error msg=\"x\""}"#),
    ];
    let stream = "fluent-bit-web-6d4cf56db6-x7k2p-shop";
    let (logs, _) = forward_from("prod-eu-fluent-bit-logs", stream, &messages, &PipelineSettings::default());
    let statuses: Vec<&Value> = logs.iter().map(|log| &log["status"]).collect();
    assert_eq!(statuses, ["info", "warn", "error", "error"]);
    assert_eq!(logs[0]["message"], "[2022/01/16 00:29:27] [ info] [engine] started");
    assert_eq!(logs[0]["ddsource"], "fluent-bit");
    // Both a pod and a namespace may hold dashes: this name could be another pod's.
    assert_eq!(logs[0]["ddtags"], "kube_cluster_name:prod-eu");
    let (logs, _) =
        forward_from("prod-eu-fluent-bit-logs", "fluent-bit-web-shop", &messages, &PipelineSettings::default());
    assert!(has_tag(&logs[0], "pod_name:web") && has_tag(&logs[0], "kube_namespace:shop"));
}

#[test]
fn a_record_that_was_cut_gives_what_there_is_of_the_line() {
    let whole = format!(r#"{{"stream":"stderr","logtag":"F","log":"a \"quoted\" line",{KUBERNETES}}}"#);
    for length in 0..whole.len() {
        let log = &forward(&[&whole[..length]]);
        let Some(log) = log.first() else {
            // Nothing there, or nothing of the line.
            assert!(length == 0 || length == whole.find("a \\\"").unwrap(), "{length}");
            continue;
        };
        let message = log["message"].as_str().unwrap();
        let line_ends = whole.find("\",\"kubernetes").unwrap();
        if length > line_ends {
            assert_eq!((message, log["status"].as_str()), ("a \"quoted\" line", Some("error")), "{length}");
            assert!(!has_tag(log, "truncated:true"));
        } else if length > whole.find("a \\\"").unwrap() {
            assert!("a \"quoted\" line".starts_with(message), "{length}: {message}");
            assert!(has_tag(log, "truncated:true"));
        } else {
            assert!(!message.is_empty());
        }
    }
    let bare = r#"{"log":"2026-11-22T20:38:08.236Z stderr F cut he"#;
    let log = forward_one(bare);
    assert_eq!((&log["message"], &log["status"]), (&json!("cut he"), &json!("error")));
    // Nothing says that this was one.
    assert_eq!(forward_one("{not json")["message"], "{not json");
    assert!(!has_tag(&forward_one("{not json"), "truncated:true"));
}

#[test]
fn pieces_are_joined_and_what_stays_open_is_marked() {
    let piece =
        |tag: &str, output: &str, text: &str| json!({ "stream": output, "logtag": tag, "log": text }).to_string();
    let pieces = [
        piece("P", "stdout", "{\"a\":"),
        piece("F", "stderr", "between"),
        piece("P", "stdout", " "),
        piece("F", "stdout", "1}"),
        piece("P", "stderr", "open"),
    ];
    let all: Vec<(i64, &str)> = pieces.iter().map(|piece| (1, piece.as_str())).collect();
    let (logs, counts) = forward_from(GROUP, &stream(), &all, &PipelineSettings::default());
    assert_eq!(messages(&logs), ["between", "{\"a\": 1}", "open"]);
    assert!(has_tag(&logs[2], "partial:true") && !has_tag(&logs[1], "partial:true"));
    assert_eq!((counts.events, counts.logs, counts.joined, counts.partial, counts.blank), (5, 3, 2, 1, 0));

    let bare =
        [r#"{"log":"2026-11-22T20:38:08.1Z stdout P one "}"#, r#"{"log":"2026-11-22T20:38:08.2Z stdout F two"}"#];
    assert_eq!(messages(&forward(&bare)), ["one two"]);
    // Its end was JSON by itself, and Merge_Log took it away.
    let merged = format!(r#"{{"logtag":"F","tail":"is json","stream":"stdout",{KUBERNETES}}}"#);
    let logs = forward(&[&piece("P", "stdout", "prefix "), &merged]);
    assert_eq!(logs.len(), 2);
    let own = format!(r#"{{"stream":"stdout","logtag":"F","tail":"is json",{KUBERNETES}}}"#);
    let split = [(1, pieces[0].as_str()), (2, own.as_str())];
    let (_, counts) = forward_from(GROUP, &stream(), &split, &PipelineSettings::default());
    assert_eq!((counts.events, counts.logs, counts.joined, counts.partial), (2, 2, 0, 1));
    assert!(logs.iter().any(|log| log["message"] == "prefix " && has_tag(log, "partial:true")));
}

#[test]
fn blank_lines_are_counted_and_not_shipped() {
    let kube = format!(r#"{{"stream":"stdout","logtag":"F",{KUBERNETES}}}"#);
    let messages = [
        (1, r#"{"log":"2026-11-22T20:38:08.1Z stdout F "}"#),
        (2, r#"{"stream":"stdout","logtag":"F"}"#),
        (3, kube.as_str()),
        (4, r#"{"stream":"stdout","logtag":"F","log":"  \t "}"#),
        (5, ""),
        (6, "   "),
        (7, r#"{"stream":"stdout","logtag":"F","log":" x"}"#),
    ];
    let (logs, counts) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    assert_eq!((logs.len(), counts.blank, counts.events), (1, 6, 7));
    assert_eq!(logs[0]["message"], " x");
}

#[test]
fn one_strange_record_never_costs_the_others() {
    let content =
        r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/aws/eks/p/fargate","logStream":"STREAM","logEvents":[
        {"id":"1","timestamp":1,"message":"{\"stream\":\"stdout\",\"logtag\":\"F\",\"log\":\"half \\ud83d of it\"}"},
        {"id":"2","timestamp":2,"message":"\ud83d alone"},
        {"id":"3","timestamp":3,"message":{"an":"object"}},
        {"id":"4","timestamp":4,"message":"{\"stream\":\"stdout\",\"logtag\":\"F\",\"ddtags\":[1],\"x\":\"\\ud83d\"}"},
        {"id":5,"timestamp":"late","message":null},
        "only text",
        {"id":"7","timestamp":7,"message":"{\"log\":{\"deep\":[[[]]]},\"stream\":7}"},
        {"id":"8","timestamp":8,"message":"the last"}]}"#
            .replace("STREAM", &stream());
    let processed =
        pipeline::process(&envelope(&gzip(content.as_bytes())), ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    let logs = logs(&processed);
    assert_eq!(
        messages(&logs),
        [
            "half \u{fffd} of it",
            "\u{fffd} alone",
            r#"{"an":"object"}"#,
            r#"{"ddtags":[1],"x":"\ud83d"}"#,
            "null",
            "only text",
            r#"{"log":{"deep":[[[]]]},"stream":7}"#,
            "the last",
        ]
    );
}

#[test]
fn a_character_that_a_cut_went_through_becomes_one() {
    // As Fluent Bit writes the rest of `€`, cut behind its first or second byte; newer versions also what is left of the beginning.
    let pieces = |begin: &str, rest: &str| {
        let parsed =
            |tag: &str, log: &str| format!(r#"{{"stream":"stdout","logtag":"{tag}","log":"{log}",{KUBERNETES}}}"#);
        let bare = |tag: &str, log: &str| format!(r#"{{"log":"2026-11-22T20:38:08.236Z stdout {tag} {log}"}}"#);
        let log_key = |tag: &str, log: &str| format!("2026-11-22T20:38:08.236Z stdout {tag} {log}");
        [
            [parsed("P", begin), parsed("F", rest)],
            [bare("P", begin), bare("F", rest)],
            [log_key("P", begin), log_key("F", rest)],
        ]
    };
    for (begin, rest) in [("a", "\u{e082}\u{e0ac}b"), ("a\u{e082}", "\u{e0ac}b"), ("a", "\u{e0ac}b")] {
        for messages in pieces(begin, rest) {
            let found = forward(&messages.each_ref().map(String::as_str));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0]["message"], "a\u{fffd}b", "{messages:?}");
        }
    }
    // What an application writes of such characters, Fluent Bit escapes; and elsewhere than at a cut nothing is touched.
    for [begin, rest] in [["a", r"\ue0a0 main"], ["\u{e0ac}a", "b\u{e0ac}"], ["a\u{e0ac}", "b"]] {
        for messages in &pieces(begin, rest)[..2] {
            let found = forward(&messages.each_ref().map(String::as_str));
            let whole: String = serde_json::from_str(&format!("\"{begin}{rest}\"")).unwrap();
            assert_eq!(found[0]["message"], whole, "{messages:?}");
        }
    }
    assert_eq!(forward_one("\u{e0a0} main")["message"], "\u{e0a0} main");
}
