//! The settings that decide what is left out, masked, joined and sent: what they refuse, and what they do to a small event.

use std::collections::HashMap;

use forwarder::settings::{FORWARDER_SETTINGS, SettingEffect, Settings, forwarder_markdown};
use pipeline::compress::Compression;
use pipeline::{self, LogCounts, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

const TIME: i64 = 1_795_379_888_236;

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn settings(pairs: &[(&str, &str)]) -> PipelineSettings {
    Settings::read_pipeline(&variables(pairs)).unwrap()
}

/// The settings of a whole forwarder.
fn all_settings(pairs: &[(&str, &str)]) -> Settings {
    let mut variables = variables(pairs);
    variables.entry("DD_API_KEY".to_owned()).or_insert_with(|| "k".to_owned());
    Settings::read(&variables).unwrap()
}

/// The variables that are wrong, sorted.
fn wrong(pairs: &[(&str, &str)]) -> Vec<&'static str> {
    let mut pairs = variables(pairs);
    pairs.insert("DD_API_KEY".to_owned(), "k".to_owned());
    let mut wrong: Vec<_> = match Settings::read(&pairs) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.variable).collect(),
    };
    wrong.sort_unstable();
    wrong
}

/// What one variable's mistakes say.
fn message(name: &str, value: &str) -> String {
    Settings::read_pipeline(&[(name, value)]).unwrap_err().to_string()
}

/// Lines of one container, as the CRI parser and the Kubernetes filter write them, under these settings.
fn run(pairs: &[(&str, &str)], lines: &[&str]) -> (Vec<String>, LogCounts) {
    let (logs, counts) = run_logs(pairs, lines);
    (logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect(), counts)
}

fn run_logs(pairs: &[(&str, &str)], lines: &[&str]) -> (Vec<Value>, LogCounts) {
    let records: Vec<String> = lines
        .iter()
        .map(|line| {
            json!({
                "time": "2026-11-22T20:38:08.236123456Z", "stream": "stdout", "logtag": "F", "log": line,
                "kubernetes": {
                    "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx",
                    "docker_id": ID, "container_image": "nginx:1.22",
                },
            })
            .to_string()
        })
        .collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    let event = content(GROUP, &stream(), &messages).to_string();
    let processed = pipeline::process_content(&event, ARN, &settings(pairs), OWN_TIMES).unwrap();
    let counts = processed.counts;
    let whole = counts.logs + counts.blank + counts.joined + counts.excluded + counts.sampled;
    assert_eq!(counts.events, whole, "every event is accounted for");
    (logs(&processed), counts)
}

#[test]
fn metadata_in_records_of_its_own_is_believed_where_it_is_asked_for() {
    let path = format!("{}/tests/fixtures/corpus/once/web-nginx.event.json", testkit::ROOT);
    let event = std::fs::read(path).unwrap();
    for (value, records) in [("true", 2), ("false", 0)] {
        let settings = settings(&[("PODFERRY_METADATA_RECORDS", value)]);
        let processed = pipeline::process(&event, ARN, &settings, OWN_TIMES).unwrap();
        assert_eq!(processed.counts.metadata, records);
    }
    assert!(settings(&[]).metadata_records.is_none());
}

#[test]
fn metadata_is_looked_up_where_it_comes_in_records_of_its_own() {
    let calls = |pairs: &[(&str, &str)]| {
        let pairs = [pairs, &[("DD_API_KEY", "k")]].concat();
        Settings::read(&variables(&pairs)).map(|settings| settings.metadata_lookups)
    };
    assert_eq!(calls(&[]).unwrap(), 0);
    assert_eq!(calls(&[("PODFERRY_METADATA_LOOKUPS", "600")]).unwrap(), 0);
    let with = |value| calls(&[("PODFERRY_METADATA_RECORDS", "true"), ("PODFERRY_METADATA_LOOKUPS", value)]);
    for (value, expected) in [("", 60), ("0", 0), ("1", 1), ("599", 599), ("600", 600)] {
        assert_eq!(with(value).unwrap(), expected, "{value}");
    }
    for wrong in ["601", "-1", "1.5", "false"] {
        let said = with(wrong).unwrap_err().to_string();
        assert!(said.contains("PODFERRY_METADATA_LOOKUPS: must be a whole number from 0 to 600"), "{said}");
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Mistakes
// -------------------------------------------------------------------------------------------------------------------

/// A wrong value for each variable that can have one; the word in it must never show.
const WRONG: [(&str, &str); 22] = [
    ("DD_LOGS_CONFIG_PROCESSING_RULES", r#"[{"type":"kenn-wort","name":"a","pattern":"kenn-wort("}]"#),
    ("DD_CONTAINER_INCLUDE_LOGS", "name:kenn-wort("),
    ("DD_CONTAINER_EXCLUDE_LOGS", "kenn-wort"),
    ("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "kenn-wort"),
    ("INCLUDE_AT_MATCH", "kenn-wort("),
    ("EXCLUDE_AT_MATCH", "[kenn-wort"),
    ("REDACT_IP", "kenn-wort"),
    ("REDACT_EMAIL", "kenn-wort"),
    ("DD_SCRUBBING_RULE", "kenn-wort**"),
    ("DD_MULTILINE_LOG_REGEX_PATTERN", "(?P<kenn-wort>x)"),
    ("DD_FORWARD_LOG", "kenn-wort"),
    ("DD_USE_COMPRESSION", "kenn-wort"),
    ("DD_COMPRESSION_LEVEL", "kenn-wort"),
    ("DD_MAX_WORKERS", "kenn-wort"),
    ("PODFERRY_REDACT", "email,kenn-wort"),
    ("PODFERRY_SAMPLE", r#"{"kenn-wort":"x","rate":"kenn-wort"}"#),
    ("DD_COMPRESSION", "kenn-wort"),
    ("PODFERRY_HOSTNAME", "kenn-wort"),
    ("PODFERRY_METADATA_RECORDS", "kenn-wort"),
    ("PODFERRY_METADATA_LOOKUPS", "kenn-wort"),
    ("DD_ADDITIONAL_TARGET_LAMBDAS", "arn:aws:lambda:eu-west-1:111122223333:function:kenn-wort"),
    ("PODFERRY_MAX_DECOMPRESSED_BYTES", "kenn-wort"),
];

#[test]
fn all_mistakes_are_reported_together_and_repeat_no_value() {
    let mut expected: Vec<_> = WRONG.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(wrong(&WRONG), expected);
    let text = Settings::read(&variables(&WRONG)).unwrap_err().to_string();
    assert!(!text.contains("kenn-wort"), "{text}");
    for (name, _) in WRONG {
        assert!(text.contains(&format!("\n  {name}: ")), "{name}: {text}");
    }
    for pair in WRONG {
        assert_eq!(wrong(&[pair]), [pair.0], "alone, too");
    }
}

#[test]
fn a_replacement_without_its_group_is_a_mistake() {
    for replacement in [r"\2", r"\g<kennwort>", r"\g<2>"] {
        let pairs = [("DD_SCRUBBING_RULE", "(a)"), ("DD_SCRUBBING_RULE_REPLACEMENT", replacement)];
        assert_eq!(wrong(&pairs), ["DD_SCRUBBING_RULE_REPLACEMENT"], "{replacement}");
        let text = Settings::read_pipeline(&variables(&pairs)).unwrap_err().to_string();
        assert!(!text.contains("kennwort"), "{text}");
    }
}

#[test]
fn what_cannot_be_matched_in_linear_time_is_refused() {
    for name in ["INCLUDE_AT_MATCH", "EXCLUDE_AT_MATCH", "DD_SCRUBBING_RULE", "DD_MULTILINE_LOG_REGEX_PATTERN"] {
        for pattern in ["(?<!kenn)wort", "kenn(?=wort)", r"(kenn)\1", "(?P<a>kenn)(?P=a)"] {
            let message = message(name, pattern);
            assert!(message.contains(&format!("{name}: does not compile")) && !message.contains("kenn"), "{message}");
        }
    }
}

#[test]
fn every_rule_of_the_list_tells_its_mistake() {
    let rules = json!([
        { "type": "exclude_at_match", "name": "one", "pattern": "(" },
        { "type": "mask_sequences", "name": "two" },
        { "type": "exclude_at_match", "name": "good", "pattern": "x" },
        { "type": "multi_line", "name": "three", "pattern": "a" },
        { "type": "multi_line", "name": "four", "pattern": "b" },
    ]);
    let message = message("DD_LOGS_CONFIG_PROCESSING_RULES", &rules.to_string());
    assert!(message.starts_with("3 settings cannot be used:"), "{message}");
    for rule in ["one", "two", "four"] {
        assert!(message.contains(&format!("rule `{rule}`")), "{message}");
    }
    for text in ["7", "{}", "[", r#""x""#] {
        assert_eq!(wrong(&[("DD_LOGS_CONFIG_PROCESSING_RULES", text)]).len(), 1, "{text}");
    }
}

#[test]
fn two_multi_line_rules_for_all_are_a_mistake() {
    let pairs = [
        ("DD_LOGS_CONFIG_PROCESSING_RULES", r#"[{"type":"multi_line","name":"a","pattern":"a"}]"#),
        ("DD_MULTILINE_LOG_REGEX_PATTERN", "b"),
    ];
    assert_eq!(wrong(&pairs), ["DD_MULTILINE_LOG_REGEX_PATTERN"]);
    assert_eq!(wrong(&pairs[..1]), Vec::<&str>::new());
}

#[test]
fn numbers_at_the_edges() {
    for (name, inside, outside) in
        [("DD_COMPRESSION_LEVEL", ["0", "9"], ["-1", "10"]), ("DD_MAX_WORKERS", ["1", "64"], ["0", "65"])]
    {
        inside.iter().for_each(|value| assert_eq!(wrong(&[(name, value)]), Vec::<&str>::new(), "{name}={value}"));
        outside.iter().for_each(|value| assert_eq!(wrong(&[(name, value)]), [name], "{name}={value}"));
    }
    for (json, good) in
        [(r#"{"rate":0}"#, true), (r#"{"rate":1}"#, true), (r#"{"rate":1.001}"#, false), (r#"{"rate":-0.1}"#, false)]
    {
        assert_eq!(wrong(&[("PODFERRY_SAMPLE", json)]).is_empty(), good, "{json}");
    }
}

#[test]
fn additional_targets_are_refused_with_what_to_do_instead() {
    let message = message("DD_ADDITIONAL_TARGET_LAMBDAS", "arn:aws:lambda:eu-west-1:1:function:f");
    assert!(message.contains("two subscription filters") && message.contains("Kinesis"), "{message}");
    assert_eq!(wrong(&[("DD_ADDITIONAL_TARGET_LAMBDAS", "  ")]), Vec::<&str>::new());
}

#[test]
fn an_empty_variable_is_none() {
    let empty: Vec<(&str, &str)> = WRONG.iter().map(|(name, _)| (*name, "")).collect();
    assert_eq!(wrong(&empty), Vec::<&str>::new());
    assert_eq!(run(&empty, &["a 10.0.0.1"]).0, ["a 10.0.0.1"]);
}

// -------------------------------------------------------------------------------------------------------------------
// Effects
// -------------------------------------------------------------------------------------------------------------------

#[test]
fn include_and_exclude_look_at_the_text_and_exclude_wins() {
    let lines = ["GET /health 200", "GET /cart 500", "POST /cart 200"];
    let (kept, counts) = run(&[("INCLUDE_AT_MATCH", "GET"), ("EXCLUDE_AT_MATCH", "health")], &lines);
    assert_eq!((kept.as_slice(), counts.excluded), (["GET /cart 500".to_owned()].as_slice(), 2));
    assert_eq!(run(&[("INCLUDE_AT_MATCH", "GET")], &lines).0, lines[..2]);
    assert_eq!(run(&[("EXCLUDE_AT_MATCH", r"^GET .* 5\d\d$")], &lines).0, [lines[0], lines[2]]);
    // Fluent Bit's JSON around the text is not looked at.
    assert_eq!(run(&[("EXCLUDE_AT_MATCH", "kubernetes|shop|stdout")], &lines).0, lines);
    assert_eq!(run(&[("INCLUDE_AT_MATCH", "web-6d4cf56db6")], &lines).1.excluded, 3);
}

#[test]
fn filters_see_what_is_not_masked_yet() {
    let pairs = [("REDACT_IP", "true"), ("EXCLUDE_AT_MATCH", r"10\.0\.0\.1|xxx")];
    assert_eq!(run(&pairs, &["from 10.0.0.1", "from 10.0.0.2"]).0, ["from xxx.xxx.xxx.xxx"]);
}

#[test]
fn addresses_are_replaced_as_datadogs_forwarder_does() {
    let lines = ["10.0.0.1, 999.1.2.3 and 1.2.3.4.5, v1.2.3", "a.b+c@ex-ample.co.uk, x@y"];
    let (both, counts) = run(&[("REDACT_IP", "true"), ("REDACT_EMAIL", "TRUE")], &lines);
    assert_eq!(both, ["xxx.xxx.xxx.xxx, xxx.xxx.xxx.xxx and xxx.xxx.xxx.xxx.5, v1.2.3", "xxxxx@xxxxx.com, x@y"]);
    assert_eq!(counts.masked, 2);
    assert_eq!(run(&[("REDACT_IP", "true")], &lines).0[1], lines[1]);
    assert_eq!(run(&[("REDACT_EMAIL", "true")], &lines).0[0], lines[0]);
    assert_eq!(run(&[("REDACT_IP", "false"), ("REDACT_EMAIL", "0")], &lines).0, lines);
}

#[test]
fn the_scrubbing_rule_comes_last_and_knows_groups() {
    let scrub = |pattern, replacement, line: &str| {
        run(&[("DD_SCRUBBING_RULE", pattern), ("DD_SCRUBBING_RULE_REPLACEMENT", replacement)], &[line]).0.remove(0)
    };
    assert_eq!(scrub(r"(\w+)=\w+", r"\1=***", "user=a token=b"), "user=*** token=***");
    assert_eq!(scrub(r"(?P<key>\w+)=\w+", r"\g<key>=\g<1>", "a=b"), "a=a");
    // A dollar is a dollar, and without a replacement the match goes away.
    assert_eq!(scrub(r"(\d+)", "$1", "cost 5"), "cost $1");
    assert_eq!(run(&[("DD_SCRUBBING_RULE", " secret")], &["a secret b"]).0, ["a b"]);
    let pairs = [
        ("REDACT_EMAIL", "true"),
        ("DD_SCRUBBING_RULE", r"xxxxx@xxxxx\.com"),
        ("DD_SCRUBBING_RULE_REPLACEMENT", "[mail]"),
    ];
    assert_eq!(run(&pairs, &["to a@b.com"]).0, ["to [mail]"]);
}

#[test]
fn scrubbing_leaves_tags_and_arns_alone() {
    let pairs = [("DD_SCRUBBING_RULE", r"\d+|web|shop"), ("DD_SCRUBBING_RULE_REPLACEMENT", "#")];
    let (logs, _) = run_logs(&pairs, &["web of shop 1"]);
    assert_eq!(logs[0]["message"], "# of # #");
    assert_eq!(logs[0]["aws"]["awslogs"]["owner"], "111122223333");
    assert_eq!(logs[0]["aws"]["invoked_function_arn"], ARN);
    assert!(has_tag(&logs[0], "kube_namespace:shop") && has_tag(&logs[0], "pod_name:web-6d4cf56db6-x7k2p"));
}

#[test]
fn the_multi_line_pattern_holds_for_cloudwatch_logs() {
    let lines = ["2026-11-22 one", "  more", "2026-11-23 two"];
    let (kept, counts) = run(&[("DD_MULTILINE_LOG_REGEX_PATTERN", r"\d{4}-\d{2}-\d{2}")], &lines);
    assert_eq!((kept, counts.joined), (vec!["2026-11-22 one\n  more".to_owned(), lines[2].to_owned()], 1));
    assert_eq!(run(&[], &lines).0, lines);
}

#[test]
fn without_detection_every_line_is_a_log() {
    let lines = [
        "Traceback (most recent call last):",
        "  File \"app.py\", line 1, in <module>",
        "    main()",
        "ValueError: no",
        "next",
    ];
    assert_eq!(run(&[], &lines).0, [lines[..4].join("\n"), "next".to_owned()]);
    assert_eq!(run(&[("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "true")], &lines).1.joined, 3);
    assert_eq!(run(&[("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "false")], &lines).0, lines);
}

#[test]
fn the_agents_rules_hold_for_all() {
    let rules = json!([
        { "type": "exclude_at_match", "name": "health", "pattern": "/health" },
        { "type": "mask_sequences", "name": "token", "pattern": r"token=\w+", "replace_placeholder": "token=***" },
    ]);
    let rules = rules.to_string();
    let (kept, counts) = run(&[("DD_LOGS_CONFIG_PROCESSING_RULES", &rules)], &["GET /health", "GET / token=abc"]);
    assert_eq!(kept, ["GET / token=***"]);
    assert_eq!((counts.excluded, counts.masked), (1, 1));
}

#[test]
fn containers_are_left_out_unless_they_are_included() {
    for (exclude, left_out) in
        [("kube_namespace:^shop$", 1), ("name:^nginx$ name:x", 1), ("image:nginx", 1), ("kube_namespace:^dev$", 0)]
    {
        assert_eq!(run(&[("DD_CONTAINER_EXCLUDE_LOGS", exclude)], &["a"]).1.excluded, left_out, "{exclude}");
    }
    let pairs = [("DD_CONTAINER_EXCLUDE_LOGS", "name:.*"), ("DD_CONTAINER_INCLUDE_LOGS", "name:nginx")];
    assert_eq!(run(&pairs, &["a"]).1.excluded, 0);
}

#[test]
fn scrubbers_by_name() {
    let lines = ["mail a@example.com", "from 10.0.0.1"];
    let (one, counts) = run(&[("PODFERRY_REDACT", "email")], &lines);
    assert!(!one[0].contains("a@example.com") && one[1] == lines[1], "{one:?}");
    assert_eq!(counts.masked, 1);
    let (both, _) = run(&[("PODFERRY_REDACT", "ipv4, email email")], &lines);
    assert!(!both[0].contains("a@example.com") && !both[1].contains("10.0.0.1"), "{both:?}");
}

#[test]
fn every_scrubber_of_the_table_can_be_named() {
    let meaning = forwarder::settings::variables().find(|variable| variable.name == "PODFERRY_REDACT").unwrap().meaning;
    let names: Vec<&str> = meaning.split('`').skip(1).step_by(2).collect();
    let message = message("PODFERRY_REDACT", "no-such-name");
    assert!(message.ends_with(&names.join(", ")), "{names:?}: {message}");
    assert_eq!(wrong(&[("PODFERRY_REDACT", &names.join(","))]), Vec::<&str>::new());
}

#[test]
fn a_share_is_sent_and_the_rest_counted() {
    let sample = |json: &str| run(&[("PODFERRY_SAMPLE", json)], &["a", "b", "c"]).1;
    for json in [r#"{"rate":0}"#, r#"{"kube_namespace":"shop","rate":0}"#, r#"[{"status":"info","rate":0}]"#] {
        assert_eq!((sample(json).sampled, sample(json).logs), (3, 0), "{json}");
    }
    for json in [r#"{"kube_namespace":"dev","rate":0}"#, r#"{"status":"error","rate":0}"#, r#"{"rate":1}"#] {
        assert_eq!((sample(json).sampled, sample(json).logs), (0, 3), "{json}");
    }
}

#[test]
fn without_forwarding_everything_is_left_out_and_counted() {
    let event = content(GROUP, &stream(), &[(TIME, "a"), (TIME, " "), (TIME, "b")]).to_string();
    let processed =
        pipeline::process_content(&event, ARN, &settings(&[("DD_FORWARD_LOG", "false")]), OWN_TIMES).unwrap();
    assert!(processed.payloads.is_empty());
    assert_eq!(processed.counts, LogCounts { events: 3, blank: 1, excluded: 2, ..LogCounts::default() });
    // Of any log group.
    let event = content("my-app", "s", &[(TIME, "a")]).to_string();
    let processed = pipeline::process_content(&event, ARN, &settings(&[("DD_FORWARD_LOG", "no")]), OWN_TIMES).unwrap();
    assert_eq!((processed.payloads.len(), processed.counts.excluded), (0, 1));
    assert_eq!(run(&[("DD_FORWARD_LOG", "true")], &["a"]).1.logs, 1);
}

#[test]
fn compression_as_it_is_set() {
    let compression = |pairs: &[(&str, &str)]| {
        let event = content(GROUP, &stream(), &[(TIME, "a")]).to_string();
        let processed = pipeline::process_content(&event, ARN, &settings(pairs), OWN_TIMES).unwrap();
        assert_eq!(logs(&processed).len(), 1, "it can be read again");
        processed.payloads[0].compression
    };
    for (pairs, expected) in [
        (&[][..], Compression::Zstd(1)),
        (&[("DD_USE_COMPRESSION", "true")], Compression::Zstd(1)),
        (&[("DD_USE_COMPRESSION", "false")], Compression::None),
        (&[("DD_USE_COMPRESSION", "false"), ("DD_COMPRESSION", "gzip")], Compression::None),
        (&[("DD_COMPRESSION", "none"), ("DD_COMPRESSION_LEVEL", "9")], Compression::None),
        (&[("DD_COMPRESSION_LEVEL", "0")], Compression::Zstd(1)),
        (&[("DD_COMPRESSION_LEVEL", "9")], Compression::Zstd(9)),
        (&[("DD_COMPRESSION", "gzip")], Compression::Gzip(6)),
        (&[("DD_COMPRESSION", "gzip"), ("DD_COMPRESSION_LEVEL", "0")], Compression::Gzip(0)),
        (&[("DD_COMPRESSION", "gzip"), ("DD_COMPRESSION_LEVEL", "9")], Compression::Gzip(9)),
    ] {
        assert_eq!(compression(pairs), expected, "{pairs:?}");
    }
}

#[test]
fn workers_and_their_default() {
    assert_eq!(all_settings(&[]).delivery.workers, 8);
    assert_eq!(all_settings(&[("DD_MAX_WORKERS", "20")]).delivery.workers, 20);
}

#[test]
fn source_and_service_can_stay_as_they_were() {
    let (logs, _) = run_logs(&[("DD_SOURCE", "cloudwatch"), ("DD_SERVICE", "cloudwatch")], &["a"]);
    assert_eq!((&logs[0]["ddsource"], &logs[0]["service"]), (&json!("cloudwatch"), &json!("cloudwatch")));
    let (logs, _) = run_logs(&[("DD_SOURCE", "cloudwatch"), ("DD_TAGS", "Team:A,service:web")], &["a"]);
    assert_eq!((&logs[0]["ddsource"], &logs[0]["service"]), (&json!("cloudwatch"), &json!("nginx")));
    assert!(has_tag(&logs[0], "service:web") && has_tag(&logs[0], "team:a"));
    assert!(logs[0].get("host").is_none() && logs[0].get("hostname").is_none());
}

// -------------------------------------------------------------------------------------------------------------------
// Datadog's forwarder
// -------------------------------------------------------------------------------------------------------------------

#[test]
fn settings_without_effect_are_warned_of_once() {
    let settings = all_settings(&[("DD_STORE_FAILED_EVENTS", "true"), ("DD_SQS_QUEUE_URL", "https://kenn-wort")]);
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
    for name in ["DD_STORE_FAILED_EVENTS", "DD_SQS_QUEUE_URL"] {
        assert!(settings.warnings.iter().any(|warning| warning.starts_with(&format!("{name}, a setting"))));
    }
    assert!(!settings.warnings.concat().contains("kenn-wort"));
}

#[test]
fn every_setting_without_effect_warns() {
    let names =
        FORWARDER_SETTINGS.iter().filter(|setting| setting.effect == SettingEffect::NoEffect).flat_map(|s| s.variables);
    for name in names.filter(|name| **name != "DD_ENRICH_S3_TAGS") {
        let value = if *name == "DD_ENRICH_CLOUDWATCH_TAGS" { "false" } else { "debug" };
        assert_eq!(all_settings(&[(name, value)]).warnings.len(), 1, "{name}={value}");
        assert!(all_settings(&[(name, " ")]).warnings.is_empty(), "{name}");
    }
}

/// What Datadog's template sets whatever its user chose.
#[test]
fn defaults_of_their_template_do_not_warn() {
    let settings = all_settings(&[
        ("DD_ENHANCED_METRICS", "false"),
        ("DD_TRACE_ENABLED", "false"),
        ("DD_FETCH_LAMBDA_TAGS", "false"),
        ("DD_FETCH_LOG_GROUP_TAGS", "False"),
        ("DD_FETCH_S3_TAGS", "false"),
        ("DD_FETCH_STEP_FUNCTIONS_TAGS", "false"),
        ("DD_STEP_FUNCTIONS_TRACE_ENABLED", "false"),
        ("DD_STORE_FAILED_EVENTS", "false"),
        ("DD_ENRICH_CLOUDWATCH_TAGS", "true"),
        ("DD_ENRICH_S3_TAGS", "true"),
        ("DD_TAGS_CACHE_TTL_SECONDS", "300"),
        ("DD_USE_VPC", "false"),
        ("DD_USE_PRIVATE_LINK", "false"),
        ("DD_USE_TCP", "false"),
        ("DD_LOG_LEVEL", "WARN"),
        ("DD_S3_BUCKET_NAME", ""),
        ("DD_SITE", "datadoghq.com"),
    ]);
    assert_eq!(settings.warnings, Vec::<String>::new());
}

#[test]
fn what_has_an_effect_is_in_the_table_of_settings() {
    let known: Vec<&str> = forwarder::settings::variables().flat_map(|variable| variable.name.split(", ")).collect();
    for setting in FORWARDER_SETTINGS {
        for name in setting.variables {
            let has_effect = matches!(setting.effect, SettingEffect::Same | SettingEffect::Differs);
            assert_eq!(known.contains(name), has_effect, "{name}");
        }
    }
}

#[test]
fn every_setting_of_datadogs_forwarder_is_there_once() {
    let mut names: Vec<&str> = FORWARDER_SETTINGS.iter().flat_map(|setting| setting.variables).copied().collect();
    names.sort_unstable();
    let expected = [
        "DD_ADDITIONAL_TARGET_LAMBDAS",
        "DD_API_KEY",
        "DD_API_KEY_SECRET_ARN",
        "DD_API_KEY_SSM_NAME",
        "DD_API_URL",
        "DD_COMPRESSION_LEVEL",
        "DD_ENHANCED_METRICS",
        "DD_ENRICH_CLOUDWATCH_TAGS",
        "DD_ENRICH_S3_TAGS",
        "DD_FETCH_LAMBDA_TAGS",
        "DD_FETCH_LOG_GROUP_TAGS",
        "DD_FETCH_S3_TAGS",
        "DD_FETCH_STEP_FUNCTIONS_TAGS",
        "DD_FORWARD_LOG",
        "DD_KMS_API_KEY",
        "DD_LOG_LEVEL",
        "DD_MAX_WORKERS",
        "DD_MULTILINE_LOG_REGEX_PATTERN",
        "DD_NO_SSL",
        "DD_PORT",
        "DD_S3_BUCKET_NAME",
        "DD_SCRUBBING_RULE",
        "DD_SCRUBBING_RULE_REPLACEMENT",
        "DD_SITE",
        "DD_SKIP_SSL_VALIDATION",
        "DD_SOURCE",
        "DD_SQS_QUEUE_URL",
        "DD_STEP_FUNCTIONS_TRACE_ENABLED",
        "DD_STORE_FAILED_EVENTS",
        "DD_TAGS",
        "DD_TAGS_CACHE_TTL_SECONDS",
        "DD_TRACE_ENABLED",
        "DD_TRACE_INTAKE_URL",
        "DD_URL",
        "DD_USE_COMPRESSION",
        "DD_USE_PRIVATE_LINK",
        "DD_USE_TCP",
        "DD_USE_VPC",
        "EXCLUDE_AT_MATCH",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "INCLUDE_AT_MATCH",
        "NO_PROXY",
        "REDACT_EMAIL",
        "REDACT_IP",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_guide_has_the_table_of_the_code() {
    let guide = std::fs::read_to_string(format!("{}/docs/from-datadog-forwarder.md", testkit::ROOT)).unwrap();
    assert!(
        guide.contains(&forwarder_markdown()),
        "docs/from-datadog-forwarder.md's table is not what `podferry settings --forwarder` prints"
    );
}
