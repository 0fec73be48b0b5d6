//! Rules as users write them, on pods' annotations and in the settings: the same lines through the whole pure part,
//! compared with what the Agent's documentation says of each rule.

use forwarder::settings::Settings;
use pipeline::rules::MASK_BROKEN;
use pipeline::{self, LogCounts, PipelineSettings};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

const TIME: i64 = 1_795_379_888_236;

/// A line as Fluent Bit's CRI parser and Kubernetes filter write it.
fn record_of(line: &str, output: &str, annotations: &Value) -> String {
    json!({
        "time": "2026-11-22T20:38:08.236123456Z", "stream": output, "logtag": "F", "log": line,
        "kubernetes": {
            "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx", "docker_id": ID,
            "container_image": "nginx:1.22", "annotations": annotations,
        },
    })
    .to_string()
}

/// Lines of one container with these annotations, under these settings.
fn run_with(variables: &[(&str, &str)], annotations: &Value, lines: &[&str]) -> (Vec<Value>, LogCounts) {
    let variables: std::collections::HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = Settings::read_pipeline(&variables).unwrap();
    let records: Vec<String> = lines.iter().map(|line| record_of(line, "stdout", annotations)).collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    let (logs, counts) = forward_from(GROUP, &stream(), &messages, &settings);
    let whole = counts.logs + counts.blank + counts.joined + counts.excluded + counts.sampled;
    assert_eq!((counts.events, counts.logs), (whole, logs.len()), "every event is accounted for");
    (logs, counts)
}

fn annotated(config: &Value) -> Value {
    json!({ "ad.datadoghq.com/nginx.logs": json!([config]).to_string() })
}

/// Lines under an annotation's rules.
fn run(rules: &Value, lines: &[&str]) -> (Vec<Value>, LogCounts) {
    run_with(&[], &annotated(&json!({ "log_processing_rules": rules })), lines)
}

fn texts(logs: &[Value]) -> Vec<&str> {
    logs.iter().map(|log| log["message"].as_str().unwrap()).collect()
}

#[test]
fn exclude_at_match_leaves_out_what_matches_anywhere() {
    let rules = json!([{ "type": "exclude_at_match", "name": "health", "pattern": "GET /health" }]);
    let (logs, counts) = run(&rules, &["1 GET /health 200", "GET / 200", "get /health"]);
    assert_eq!(texts(&logs), ["GET / 200", "get /health"]);
    assert_eq!(counts.excluded, 1);
}

#[test]
fn include_at_match_leaves_out_the_rest() {
    let rules = json!([{ "type": "include_at_match", "name": "admins", "pattern": r"\w+@datadoghq.com" }]);
    let (logs, counts) = run(&rules, &["a@datadoghq.com", "b@example.com"]);
    assert_eq!(texts(&logs), ["a@datadoghq.com"]);
    assert_eq!(counts.excluded, 1);
}

#[test]
fn several_includes_must_all_match() {
    let rules = json!([
        { "type": "include_at_match", "name": "one", "pattern": "a" },
        { "type": "include_at_match", "name": "two", "pattern": "b" },
    ]);
    assert_eq!(texts(&run(&rules, &["a", "b", "ab"]).0), ["ab"]);
}

#[test]
fn mask_sequences_replaces_every_match() {
    let rules = json!([
        { "type": "mask_sequences", "name": "cards", "replace_placeholder": "[masked]",
          "pattern": r"(?:4[0-9]{12}(?:[0-9]{3})?)" },
        { "type": "mask_sequences", "name": "users", "replace_placeholder": "user=${1}@$2.$unknown", "pattern": r"user=(\w)\w*@(?P<d>\w+)" },
        { "type": "mask_sequences", "name": "gone", "pattern": " secret" },
    ]);
    let (logs, counts) = run(&rules, &["4111111111111111 and 4222222222222", "user=alice@corp secret", "plain"]);
    assert_eq!(texts(&logs), ["[masked] and [masked]", "user=a@corp.", "plain"]);
    assert_eq!(counts.masked, 2);
}

#[test]
fn rules_see_what_the_rules_before_left() {
    let rules = json!([
        { "type": "mask_sequences", "name": "mask", "pattern": "secret", "replace_placeholder": "***" },
        { "type": "exclude_at_match", "name": "never", "pattern": "secret" },
        { "type": "exclude_at_match", "name": "masked", "pattern": r"\*\*\* drop" },
    ]);
    assert_eq!(texts(&run(&rules, &["secret", "secret drop"]).0), ["***"]);
    let reverse = json!([
        { "type": "exclude_at_match", "name": "first", "pattern": "secret" },
        { "type": "mask_sequences", "name": "mask", "pattern": "secret", "replace_placeholder": "***" },
    ]);
    assert_eq!(run(&reverse, &["secret"]).1.excluded, 1);
}

#[test]
fn global_rules_come_first() {
    let global = r#"[{"type":"mask_sequences","name":"global","pattern":"secret","replace_placeholder":"g"}]"#;
    let own = json!({ "log_processing_rules": [
        { "type": "mask_sequences", "name": "own", "pattern": "secret|g", "replace_placeholder": "o" } ] });
    let variables = [("DD_LOGS_CONFIG_PROCESSING_RULES", global)];
    assert_eq!(texts(&run_with(&variables, &annotated(&own), &["secret"]).0), ["o"]);
    // They hold for what is no pod's, too.
    let settings = Settings::read_pipeline(&variables).unwrap();
    assert_eq!(texts(&forward_from("my-app", "s", &[(1, "secret")], &settings).0), ["g"]);
}

#[test]
fn classes_are_asciis_as_in_go() {
    let rules =
        json!([{ "type": "mask_sequences", "name": "digits", "pattern": r"\d+|\w+$", "replace_placeholder": "#" }]);
    assert_eq!(texts(&run(&rules, &["٣ 3 é"]).0), ["٣ # é"]);
}

#[test]
fn multi_line_begins_a_log_at_each_match() {
    let rules = json!([{ "type": "multi_line", "name": "date", "pattern": r"\d{4}-\d{2}-\d{2}" }]);
    let lines = ["head", "2026-11-22 one", "  more", "", "  2026-11-22 indented", "2026-11-23 two", "", ""];
    let (logs, counts) = run(&rules, &lines);
    assert_eq!(texts(&logs), ["head", "2026-11-22 one\n  more\n\n  2026-11-22 indented", "2026-11-23 two"]);
    assert_eq!((counts.joined, counts.blank), (3, 2));
}

#[test]
fn masks_see_the_joined_text() {
    let rules = json!([
        { "type": "mask_sequences", "name": "key", "pattern": r"(?s)BEGIN.*END", "replace_placeholder": "[key]" },
        { "type": "multi_line", "name": "log", "pattern": "log" },
    ]);
    assert_eq!(texts(&run(&rules, &["log BEGIN", "abc", "END", "log two"]).0), ["log [key]", "log two"]);
}

#[test]
fn a_mask_that_holds_for_a_line_holds_for_it_among_others() {
    let rules = json!([
        { "type": "mask_sequences", "name": "end", "pattern": r"password=\S+$", "replace_placeholder": "password=*" },
        { "type": "mask_sequences", "name": "start", "pattern": r"^user (\w)\w+", "replace_placeholder": "user $1*" },
        { "type": "mask_sequences", "name": "over lines", "pattern": r"key:\s*\w+|geheim=\w+", "replace_placeholder": "*" },
    ]);
    let trace = [
        "java.lang.RuntimeException: failed password=geheim",
        "user geheim password=geheim",
        "key:",
        "geheim=geheim",
        "\tat a.B.c(B.java:1)",
        "Caused by: java.io.IOException: password=geheim",
        "\tat a.B.d(B.java:2)",
    ];
    let (logs, counts) = run(&rules, &trace);
    assert_eq!((counts.logs, counts.masked), (1, 1));
    assert_eq!(
        texts(&logs),
        ["java.lang.RuntimeException: failed password=*\nuser g* password=*\n**\n\tat a.B.c(B.java:1)\n\
          Caused by: java.io.IOException: password=*\n\tat a.B.d(B.java:2)"]
    );
}

#[test]
fn blanks_at_the_ends_of_a_line_hide_nothing_from_a_rule() {
    let rules = json!([
        { "type": "exclude_at_match", "name": "health", "pattern": "^GET /health$" },
        { "type": "mask_sequences", "name": "end", "pattern": r"^password=(\w)\w+$", "replace_placeholder": "password=$1*" },
    ]);
    let lines =
        ["password=geheim", "password=geheim\r", " password=geheim ", "GET /health\r", " GET /health", "GET /health x"];
    assert_eq!(texts(&run(&rules, &lines).0), ["password=g*", "password=g*\r", " password=g* ", "GET /health x"]);
    let rules = json!([{ "type": "include_at_match", "name": "end", "pattern": "^x$" }]);
    assert_eq!(texts(&run(&rules, &["x\r", "xy"]).0), ["x\r"]);
}

#[test]
fn stdout_and_stderr_are_not_joined() {
    let annotations = annotated(&json!({ "log_processing_rules": [
        { "type": "multi_line", "name": "start", "pattern": "start" } ] }));
    let records: Vec<String> =
        [("start out", "stdout"), ("start err", "stderr"), ("more out", "stdout"), ("more err", "stderr")]
            .map(|(line, output)| record_of(line, output, &annotations))
            .into();
    let messages: Vec<(i64, &str)> =
        records.iter().enumerate().map(|(number, record)| (TIME + number as i64, record.as_str())).collect();
    let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    assert_eq!(texts(&logs), ["start out\nmore out", "start err\nmore err"]);
    assert_eq!((&logs[0]["status"], &logs[1]["status"]), (&json!("info"), &json!("error")));
}

#[test]
fn a_joined_log_is_its_first_lines() {
    let rules =
        annotated(&json!({ "log_processing_rules": [{ "type": "multi_line", "name": "s", "pattern": "start" }] }));
    let at = |line: &str, seconds: &str| record_of(line, "stderr", &rules).replace("20:38:08.236123456", seconds);
    let records = [at("start", "20:38:08.1"), at("more", "20:38:08.2")];
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    assert_eq!(logs[0]["timestamp"], 1_795_379_888_100_i64);
    assert_eq!((&logs[0]["id"], &logs[0]["status"]), (&json!(format!("{:056}", 37_000)), &json!("error")));
}

#[test]
fn exclude_truncated_leaves_out_what_was_cut() {
    let rules = json!([{ "type": "exclude_truncated", "name": "cut" }]);
    let long = "x".repeat(1_000_000);
    let (logs, counts) = run(&rules, &["whole", &long]);
    assert_eq!(texts(&logs), ["whole"]);
    assert_eq!((counts.excluded, counts.truncated), (1, 0));
    assert_eq!(run(&json!([]), &["whole", &long]).1.truncated, 1);
}

#[test]
fn a_rule_that_does_not_compile_loses_nothing() {
    let config = json!({ "source": "nginx-plus", "service": "edge", "tags": ["a:b"], "log_processing_rules": [
        { "type": "exclude_at_match", "name": "Broken one", "pattern": "(" },
        { "type": "exclude_at_match", "name": "fine", "pattern": "drop" },
    ] });
    let (logs, _) = run_with(&[], &annotated(&config), &["keep", "drop"]);
    assert_eq!(texts(&logs), ["keep"]);
    assert!(has_tag(&logs[0], "podferry_rule_error:broken_one") && has_tag(&logs[0], "a:b"));
    // The defaults: of the image.
    assert_eq!((&logs[0]["ddsource"], &logs[0]["service"]), (&json!("nginx"), &json!("nginx")));
}

#[test]
fn a_mask_that_does_not_compile_leaks_nothing() {
    let secret = "password=geheim";
    for rule in [
        json!({ "type": "mask_sequences", "name": "m", "pattern": "(", "replace_placeholder": "x" }),
        json!({ "type": "mask_sequences", "name": "m", "pattern": "(?=x)" }),
        json!({ "type": "mask_sequences", "name": "m" }),
        json!({ "type": "mask_sequence", "name": "m", "pattern": "geheim" }),
        json!({ "type": "MASK_SEQUENCES", "name": "m", "pattern": "geheim" }),
        json!({ "name": "m", "pattern": "geheim", "replace_placeholder": "x" }),
        json!({ "type": "mask_sequences", "name": "m", "pattern": "geheim", "replace_placeholder": 7 }),
    ] {
        let (logs, counts) = run(&json!([rule]), &[secret, r#"{"password":"geheim"}"#]);
        assert_eq!(texts(&logs), [MASK_BROKEN; 2], "{rule}");
        assert!(has_tag(&logs[0], "podferry_rule_error:m"), "{rule}");
        assert_eq!(counts.masked, 2);
        assert!(!json!(logs).to_string().contains("geheim"));
    }
}

#[test]
fn an_annotation_that_is_no_json() {
    let name = "ad.datadoghq.com/nginx.logs";
    let (logs, _) = run_with(&[], &json!({ name: "not json" }), &["line"]);
    assert_eq!(texts(&logs), ["line"]);
    assert!(has_tag(&logs[0], &format!("podferry_rule_error:{name}")));
    assert_eq!(logs[0]["ddsource"], "nginx");
    // It was to mask something, so nothing passes.
    let broken = r#"[{"log_processing_rules":[{"type":"mask_sequences","name":"m","pattern":"geheim"}]"#;
    let (logs, _) = run_with(&[], &json!({ name: broken }), &["geheim"]);
    assert_eq!(texts(&logs), [MASK_BROKEN]);
    assert!(has_tag(&logs[0], &format!("podferry_rule_error:{name}")));
}

#[test]
fn a_mask_in_the_wrong_place_leaks_nothing() {
    let mask = json!({ "type": "mask_sequences", "name": "m", "pattern": "geheim", "replace_placeholder": "x" });
    for config in [
        // A list of rules as the annotation, a name that is misspelt, a string, no object.
        mask.clone(),
        json!({ "source": "x", "log_processing_rule": [mask] }),
        json!({ "log_processing_rules": mask }),
        json!({ "log_processing_rules": json!([mask]).to_string() }),
        json!({ "log_processing_rules": ["mask_sequences geheim"] }),
    ] {
        let (logs, _) = run_with(&[], &annotated(&config), &["geheim"]);
        assert_eq!(texts(&logs), [MASK_BROKEN], "{config}");
        assert!(tags(&logs[0]).iter().any(|tag| tag.starts_with("podferry_rule_error:")), "{config}");
    }
}

#[test]
fn a_rule_without_a_name_works_and_is_told() {
    let (logs, _) =
        run(&json!([{ "type": "mask_sequences", "pattern": "geheim", "replace_placeholder": "x" }]), &["geheim"]);
    assert_eq!(texts(&logs), ["x"]);
    assert!(has_tag(&logs[0], "podferry_rule_error:rule_1"));
}

#[test]
fn what_a_filter_added_is_masked_too() {
    let rules = annotated(&json!({ "log_processing_rules": [
        { "type": "mask_sequences", "name": "m", "pattern": "ge\"?heim|[0-9]{6}", "replace_placeholder": "x" } ] }));
    let mut record: Value = serde_json::from_str(&record_of("line", "stdout", &rules)).unwrap();
    record["extra"] = json!({ "a": "ge\"heim", "geheim": [123_456, "ok"] });
    let (logs, counts) = forward_from(GROUP, &stream(), &[(TIME, &record.to_string())], &PipelineSettings::default());
    assert_eq!(texts(&logs), ["line"]);
    assert_eq!(logs[0]["fluent_bit"], json!({ "extra": { "a": "x", "x": ["x", "ok"] } }));
    assert_eq!(counts.masked, 1);
}

#[test]
fn a_record_whose_metadata_is_cut_off_is_masked_as_its_neighbours_are() {
    let rules = annotated(&json!({ "log_processing_rules": [
        { "type": "mask_sequences", "name": "m", "pattern": "geheim", "replace_placeholder": "x" } ] }));
    let whole = record_of("a geheim", "stdout", &rules);
    let cut = r#"{"time":"2026-11-22T20:38:08.236123456Z","stream":"stdout","logtag":"F","log":"b geheim and more"#;
    let none = r#"{"time":"2026-11-22T20:38:08.236123456Z","stream":"stdout","logtag":"F","log":"c geheim"}"#;
    let settings = PipelineSettings::default();
    let run = |messages: &[&str]| {
        let messages: Vec<(i64, &str)> = messages.iter().map(|message| (TIME, *message)).collect();
        let (logs, _) = forward_from(GROUP, &stream(), &messages, &settings);
        assert!(!json!(logs).to_string().contains("geheim"), "{logs:?}");
    };
    run(&[cut, none, &whole]);
    // Known from the event before.
    run(&[cut, none]);
    // Written with blanks, and lifted out of its object.
    let spaced = whole.replace("\"kubernetes\":{", "\"kubernetes\": {");
    let mut lifted: Value = serde_json::from_str(&whole).unwrap();
    let kubernetes = lifted.as_object_mut().unwrap().remove("kubernetes").unwrap();
    for (name, value) in kubernetes.as_object().unwrap() {
        lifted[format!("k8s_{name}")] = value.clone();
    }
    for other in [spaced, lifted.to_string()] {
        let settings = PipelineSettings::default();
        let (logs, _) = forward_from(GROUP, &stream(), &[(TIME, none), (TIME, &other)], &settings);
        assert_eq!(texts(&logs), ["c x", "a x"], "{other}");
    }
}

#[test]
fn containers_can_be_left_out() {
    for name in ["exclude", "logs_exclude", "nginx.exclude", "nginx.logs_exclude"] {
        let (_, counts) = run_with(&[], &json!({ format!("ad.datadoghq.com/{name}"): "true" }), &["a", "b"]);
        assert_eq!((counts.logs, counts.excluded), (0, 2), "{name}");
    }
    let none = json!({});
    let exclude = ("DD_CONTAINER_EXCLUDE_LOGS", "kube_namespace:^shop$ name:other");
    assert_eq!(run_with(&[exclude], &none, &["a"]).1.excluded, 1);
    assert_eq!(run_with(&[exclude, ("DD_CONTAINER_INCLUDE_LOGS", "image:nginx")], &none, &["a"]).1.logs, 1);
}

#[test]
fn stack_traces_are_one_log_unless_that_is_turned_off() {
    let trace =
        ["before", "java.lang.IllegalStateException: boom", "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)", "after"];
    let joined = format!("{}\n{}\n{}", trace[1], trace[2], trace[3]);
    let (logs, counts) = run_with(&[], &json!({}), &trace);
    assert_eq!(texts(&logs), ["before", &joined, "after"]);
    assert_eq!(counts.joined, 2);
    let off = annotated(&json!({ "auto_multi_line_detection": false }));
    assert_eq!(texts(&run_with(&[], &off, &trace).0), trace);
    let variable = [("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "false")];
    assert_eq!(texts(&run_with(&variable, &json!({}), &trace).0), trace);
    let on = annotated(&json!({ "auto_multi_line_detection": true }));
    assert_eq!(texts(&run_with(&variable, &on, &trace).0), ["before", &joined, "after"]);
}

#[test]
fn json_over_lines_is_one_log() {
    let lines = ["{", "  \"level\": \"warn\",", "  \"a\": [1]", "}", "next", "{", "no json"];
    let (logs, _) = run_with(&[], &json!({}), &lines);
    assert_eq!(texts(&logs), [&lines[..4].join("\n"), "next", "{", "no json"]);
    assert_eq!(logs[0].get("status"), None, "its own level is read by Datadog");
}

#[test]
fn lines_that_are_a_second_apart_are_no_trace() {
    let at = |line: &str, time: &str| record_of(line, "stdout", &json!({})).replace("20:38:08.236123456", time);
    for (second, logs_there) in [("20:38:09.100", 1), ("20:38:09.101", 2)] {
        let records = [at("java.lang.Error: x", "20:38:08.100"), at("\tat a.B.c(B.java:1)", second)];
        let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
        assert_eq!(forward_from(GROUP, &stream(), &messages, &PipelineSettings::default()).1.logs, logs_there);
    }
}

#[test]
fn joined_logs_are_bounded() {
    let rules = json!([{ "type": "multi_line", "name": "s", "pattern": "start" }]);
    for (bytes, logs_there) in [(899_999, 1), (900_000, 1), (900_001, 2)] {
        let more = "x".repeat(bytes - "start\n".len());
        assert_eq!(run(&rules, &["start", &more]).1.logs, logs_there, "{bytes}");
    }
    for (lines, logs_there) in [(4_999, 1), (5_000, 1), (5_001, 2)] {
        let mut all = vec!["x"; lines];
        all[0] = "start";
        assert_eq!(run(&rules, &all).1.logs, logs_there, "{lines}");
    }
}

#[test]
fn so_many_rules_and_no_more() {
    let rule = json!({ "type": "exclude_at_match", "name": "x", "pattern": "drop" });
    let mask = json!({ "type": "mask_sequences", "name": "late", "pattern": "geheim", "replace_placeholder": "x" });
    for (before, error) in [(62, false), (63, false), (64, true)] {
        let mut rules = vec![rule.clone(); before];
        rules.push(mask.clone());
        let (logs, _) = run(&Value::from(rules), &["geheim"]);
        // A mask that is one too many withholds the text.
        assert_eq!(texts(&logs), [if error { MASK_BROKEN } else { "x" }], "{before}");
        assert_eq!(tags(&logs[0]).iter().any(|tag| tag.starts_with("podferry_rule_error:")), error);
    }
}

#[test]
fn so_many_lines_wait_and_no_more() {
    for (lines, is_one) in [(31, true), (32, true), (33, false)] {
        // Lines of a message wait for the frame that says so.
        let mut all = vec!["java.lang.IllegalStateException: a long message"];
        all.extend(vec!["goes on"; lines]);
        all.push("\tat a.B.c(B.java:1)");
        let (logs, counts) = run_with(&[], &json!({}), &all);
        let expected = if is_one { 1 } else { lines + 1 };
        assert_eq!((logs.len(), counts.events), (expected, lines + 2), "{lines}");
    }
}

#[test]
fn logs_of_both_outputs_come_in_the_order_in_which_they_began() {
    let none = json!({});
    let one = |line: &str, output: &str| record_of(line, output, &none);
    // stderr begins, and goes on only much later.
    for between in [1, 64, 70] {
        let mut records = vec![one("java.lang.Error: x", "stderr")];
        records.extend((0..between).map(|number| one(&format!("out {number}"), "stdout")));
        records.push(one("\tat a.B.c(B.java:1)", "stderr"));
        let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
        let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
        let order = texts(&logs);
        let trace = order.iter().position(|text| text.starts_with("java.lang.Error: x\n\tat")).unwrap();
        let others: Vec<&str> = order.iter().copied().filter(|text| text.starts_with("out")).collect();
        assert_eq!(others, (0..between).map(|number| format!("out {number}")).collect::<Vec<_>>());
        // So many wait for the one before them; then order is given up, the trace is not.
        assert_eq!(trace == 0, between <= 65, "{between}: {trace}");
    }
}

#[test]
fn lines_of_other_log_groups_are_never_joined() {
    let lines = [(1, "java.lang.Error: x"), (1, "\tat a.B.c(B.java:1)")];
    assert_eq!(forward_from("my-app", "s", &lines, &PipelineSettings::default()).1.logs, 2);
}

#[test]
fn an_event_that_is_sent_again_has_the_same_sample() {
    let variables = [("PODFERRY_SAMPLE", r#"{"kube_namespace":"shop","status":"info","rate":0.5}"#)];
    let lines: Vec<String> = (0..1_000).map(|number| format!("line {number}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (first, counts) = run_with(&variables, &json!({}), &lines);
    assert!((400..600).contains(&first.len()) && counts.sampled == 1_000 - first.len());
    assert_eq!(first, run_with(&variables, &json!({}), &lines).0);
    // Their own status counts.
    assert_eq!(run_with(&variables, &json!({}), &vec![r#"{"level":"error"}"#; 100]).1.sampled, 0);
}

#[test]
fn rules_are_compiled_once() {
    // What is compiled stays with the settings: 2,000 events of one pod with a pattern that takes long to compile.
    let rules = annotated(&json!({ "log_processing_rules": [
        { "type": "exclude_at_match", "name": "slow", "pattern": r"(\pL{0,200}\d)\z" } ] }));
    let event = content(GROUP, &stream(), &[(TIME, &record_of("x", "stdout", &rules))]).to_string();
    let settings = PipelineSettings::default();
    let allocated = || {
        allocation_counter::measure(|| _ = pipeline::process_content(&event, ARN, &settings, OWN_TIMES).unwrap())
            .bytes_total
    };
    let first = allocated();
    assert!(first > 10 * allocated(), "the second time must not compile again");
}

proptest! {
    #[test]
    fn no_match_gets_past_a_mask(line in "[a-c0-9 é\"\\\\{}]{0,60}") {
        let rules = json!([{ "type": "mask_sequences", "name": "m", "pattern": "[0-9]+", "replace_placeholder": "#" }]);
        for log in run(&rules, &[&line]).0 {
            prop_assert!(!log["message"].as_str().unwrap().contains(|c: char| c.is_ascii_digit()));
        }
    }

    #[test]
    fn what_a_mask_hides_in_a_line_it_hides_in_lines_that_are_joined(
        lines in proptest::collection::vec("[ab=7 ]{0,8}", 1..6),
        pattern in prop_oneof![
            Just("7+$"), Just("^[ab]*7"), Just("a7|b"), Just(r"a\s*b|7"), Just("(?s)7.*?$"), Just("7[^b]*"), Just(r"\A.*7"),
        ],
    ) {
        let rules = json!([
            { "type": "mask_sequences", "name": "m", "pattern": pattern, "replace_placeholder": "#" },
            { "type": "multi_line", "name": "s", "pattern": "start" },
        ]);
        let whole = texts(&run(&rules, &[&["start"], &lines.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat()).0).join("\n");
        let sevens = |text: &str| text.matches('7').count();
        let alone: usize = lines.iter().map(|line| texts(&run(&rules, &[line]).0).iter().map(|text| sevens(text)).sum::<usize>()).sum();
        prop_assert!(sevens(&whole) <= alone, "{whole:?}");
    }

    #[test]
    fn joining_neither_loses_nor_reorders(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("start".to_owned()), Just("{".to_owned()), Just("}".to_owned()), Just(String::new()),
                Just("java.lang.Error: x".to_owned()), Just("\tat a.B.c(B.java:1)".to_owned()),
                Just("Traceback (most recent call last):".to_owned()), Just("  File \"x.py\", line 1, in f".to_owned()),
                Just("panic: x".to_owned()), Just("goroutine 1 [running]:".to_owned()), "[a-z {}\":,]{0,12}",
            ],
            0..40,
        ),
        by_rule: bool,
    ) {
        let rules = json!([{ "type": "multi_line", "name": "s", "pattern": "start" }]);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (logs, _) = run(if by_rule { &rules } else { &Value::Null }, &lines);
        // Blank lines may be dropped; all others arrive in their order.
        let words = |text: &str| text.split('\n').filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let arrived: Vec<String> = texts(&logs).iter().flat_map(|text| words(text)).collect();
        prop_assert_eq!(arrived, words(&lines.join("\n")));
    }
}
