//! What rules may take: a log whose rules take too much is withheld, tagged and counted, and no other is.
//!
//! The budgets are small ones, so that they are spent soon. `crates/forwarder/tests/deadlines` has those of the function.

use pipeline::rules::pattern::{Dialect, Pattern, Replacement, RuleBudget, Steps};
use pipeline::rules::{MASK_BROKEN, ProcessingRule, RuleAction, RuleEffect, RuleSet, TOO_MUCH_WORK, Withheld};
use pipeline::{LogCounts, Pipeline, PipelineSettings, explain_content};
use serde_json::{Value, json};
use testkit::events::*;

const TIME: i64 = 1_795_379_888_236;

/// Finds the end of its text again for each of its matches.
const QUADRATIC: &str = "a[^z]*z|a";

/// Its automaton has a new state for nearly each byte.
const EXPLODING: &str = "(([ab]{1,40})(b|a){1,40}){20}c";

fn small_budget() -> PipelineSettings {
    let rule_budget = RuleBudget {
        granted: Steps { log: 200_000, event: 1_000_000, byte: 10 },
        counted: Steps { log: 1_000_000, event: 2_000_000, byte: 10 },
    };
    PipelineSettings { rule_budget, ..PipelineSettings::default() }
}

/// A line whose container has this annotation; what the application's JSON held besides is in `x`.
fn record(line: &str, x: &str, config: &Value, piece: &str) -> String {
    json!({
        "time": "2026-11-22T20:38:08.236123456Z", "stream": "stdout", "logtag": piece, "log": line, "x": x,
        "kubernetes": {
            "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx", "docker_id": ID,
            "annotations": { "ad.datadoghq.com/nginx.logs": json!([config]).to_string() },
        },
    })
    .to_string()
}

fn content_of(lines: &[&str], config: &Value) -> String {
    let records: Vec<String> =
        lines.iter().map(|line| record(line, line.get(..5).unwrap_or_default(), config, "F")).collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    content(GROUP, &stream(), &messages).to_string()
}

fn rules(list: &Value) -> Value {
    json!({ "log_processing_rules": list })
}

fn process(content: &str, settings: &PipelineSettings) -> (Vec<Value>, LogCounts) {
    let processed = pipeline::process_content(content, ARN, settings, None).unwrap();
    (logs(&processed), processed.counts)
}

fn texts(logs: &[Value]) -> Vec<&str> {
    logs.iter().map(|log| log["message"].as_str().unwrap()).collect()
}

#[test]
fn a_log_that_takes_too_much_is_withheld_and_no_other() {
    let long = "ab".repeat(10_000);
    for (kind, pattern, text) in [
        ("mask_sequences", QUADRATIC.to_owned(), &"a".repeat(20_000)),
        ("exclude_at_match", EXPLODING.to_owned(), &long),
        ("include_at_match", format!("{EXPLODING}|short|line"), &long),
    ] {
        let config = rules(&json!([{ "type": kind, "name": "The rule, of one", "pattern": pattern }]));
        let content = content_of(&["short", text, "line"], &config);
        let (logs, counts) = process(&content, &small_budget());
        assert_eq!(texts(&logs)[1], TOO_MUCH_WORK, "{kind}");
        assert_eq!((counts.withheld, counts.masked, counts.logs), (1, 1, 3), "{kind}");
        let is_tagged = |log| has_tag(log, "podferry_rule_error:the_rule__of_one");
        assert_eq!(logs.iter().map(is_tagged).collect::<Vec<_>>(), [false, true, false], "{kind}");
        assert_eq!(logs[1]["fluent_bit"], Value::Null, "{kind}");
        assert_eq!(logs[0]["fluent_bit"]["x"], "short", "{kind}");
        // The same again, with all that the first time left, and in a process that saw nothing.
        let settings = small_budget();
        for _ in 0..3 {
            assert_eq!(process(&content, &settings), (logs.clone(), counts), "{kind}");
        }
        // The budget of every function is larger.
        assert_eq!(
            process(&content_of(&["short", &text[..2000], "line"], &config), &PipelineSettings::default()).1.withheld,
            0,
            "{kind}"
        );
    }
}

#[test]
fn a_boundary_of_a_word_of_unicode_costs_as_much_as_any_other() {
    let masked = |pattern: &str, line: &str, bytes: usize, mut settings: PipelineSettings| {
        let pattern = Pattern::new(pattern, Dialect::Python).unwrap();
        let replacement = Replacement::new("#", &pattern, Dialect::Python).unwrap();
        let rule = ProcessingRule { name: "r".to_owned(), action: RuleAction::Mask(pattern, replacement) };
        settings.processing.last = RuleSet { rules: vec![rule], ..RuleSet::default() }.into();
        let text = line.repeat(bytes / line.len());
        let (logs, counts) = process(&content_of(&[&text], &json!({})), &settings);
        (logs[0]["message"].as_str().unwrap().to_owned(), counts.withheld, bytes / line.len())
    };
    for (pattern, line, left) in [
        (r"\b\d{3}\b", "id 123 Größe x ", "id # Größe x "),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}\b", "von 10.1.2.3 Größe x ", "von # Größe x "),
        (r"\b[0-9a-f]{32}\b", "id 0123456789abcdef0123456789abcdef Größe x ", "id # Größe x "),
    ] {
        for bytes in [20_000, 30_000, 900_000] {
            let (text, withheld, lines) = masked(pattern, line, bytes, PipelineSettings::default());
            assert_eq!(withheld, 0, "{pattern} on {bytes} bytes");
            assert!(text == left.repeat(lines), "{pattern} on {bytes} bytes");
        }
    }
    let (text, withheld, _) = masked(r"\b(a[^z]*z|a)\b", "a é ", 200_000, small_budget());
    assert_eq!((text.as_str(), withheld), (TOO_MUCH_WORK, 1));
}

#[test]
fn attributes_are_withheld_with_the_text() {
    let config =
        rules(&json!([{ "type": "mask_sequences", "name": "r", "pattern": QUADRATIC, "replace_placeholder": "*" }]));
    let record = record("geheim", &"a".repeat(20_000), &config, "F");
    let content = content(GROUP, &stream(), &[(TIME, record.as_str())]).to_string();
    let (logs, counts) = process(&content, &small_budget());
    assert_eq!((texts(&logs), counts.withheld), (vec![TOO_MUCH_WORK], 1));
    assert!(has_tag(&logs[0], "podferry_rule_error:r") && logs[0]["fluent_bit"].is_null());
}

#[test]
fn many_logs_spend_the_budget_of_their_event_and_no_other_events() {
    let config =
        rules(&json!([{ "type": "mask_sequences", "name": "r", "pattern": QUADRATIC, "replace_placeholder": "*" }]));
    let settings = small_budget();
    let mut pipeline = Pipeline::new(ARN, &settings, None);
    for event in 0..3 {
        // Other logs, or they would be duplicates.
        let text = format!("{}{event}", "a".repeat(1_200));
        pipeline.add(0, &content_of(&[text.as_str(); 20], &config)).unwrap();
    }
    let processed = pipeline.finish();
    let is_withheld: Vec<bool> = logs(&processed).iter().map(|log| log["message"] == TOO_MUCH_WORK).collect();
    let (first, rest) = is_withheld.split_at(20);
    assert!(!first[0] && first[19] && first.is_sorted(), "{first:?}");
    assert_eq!([first, first].concat(), rest);
    assert_eq!(processed.counts.withheld, is_withheld.iter().filter(|withheld| **withheld).count());
}

#[test]
fn lines_that_a_multi_line_rule_cannot_look_at_are_logs_of_their_own() {
    let config = rules(&json!([{ "type": "multi_line", "name": "r", "pattern": format!("x|{EXPLODING}") }]));
    let long = "ab".repeat(10_000);
    let (logs, counts) = process(&content_of(&["x", "y", &long, "y"], &config), &small_budget());
    // What follows the line goes on with it, as with any line that begins a log.
    assert_eq!(texts(&logs), ["x\ny", &format!("{long}\ny")]);
    assert_eq!((counts.unjoined, counts.joined, counts.withheld), (1, 2, 0));
}

#[test]
fn preview_tells_which_rule_took_too_much() {
    let text = "a".repeat(20_000);
    let config = rules(&json!([{ "type": "mask_sequences", "name": "r", "pattern": QUADRATIC }]));
    let processed = explain_content(&content_of(&[&text], &config), ARN, &small_budget(), None).unwrap();
    let applied = &processed.outcomes[0].applied;
    assert_eq!((applied[0].rule.as_str(), applied[0].effect), ("r", RuleEffect::Withheld(Withheld::TooMuchWork)));
    assert!(processed.outcomes[0].shipped);
}

#[test]
fn a_withheld_log_has_a_hundred_tags_at_most() {
    let many: Vec<String> = (0..120).map(|number| format!("n{number}:x")).collect();
    let config = json!({ "tags": many, "log_processing_rules": [{ "type": "mask_sequences", "name": "r", "pattern": QUADRATIC }] });
    let messages = [record(&"a".repeat(20_000), "", &config, "P")];
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (TIME, message.as_str())).collect();
    let (logs, counts) = process(&content(GROUP, &stream(), &messages).to_string(), &small_budget());
    assert_eq!((counts.withheld, counts.partial, tags(&logs[0]).len()), (1, 1, 100));
    assert_eq!(tags(&logs[0])[98..], ["podferry_rule_error:r", "partial:true"]);
    // Long after its time, too.
    let late = pipeline::process_content(
        &content(GROUP, &stream(), &messages).to_string(),
        ARN,
        &small_budget(),
        TIME + 100 * 60 * 60 * 1000,
    );
    let late = self::logs(&late.unwrap());
    assert_eq!(tags(&late[0]).len(), 100);
    assert_eq!(tags(&late[0])[97..], ["podferry_rule_error:r", "partial:true", "late:true"]);
}

#[test]
fn rules_of_an_annotation_that_are_too_large_together_are_broken() {
    // 64 of these took 108 MB.
    let rule = |kind: &str, n: usize| json!({ "type": kind, "name": format!("r{n}"), "pattern": format!(r"(\pL|\d){{1,22}}Q{n}") });
    let excludes: Vec<Value> = (0..64).map(|n| rule("exclude_at_match", n)).collect();
    let (logs, counts) = process(&content_of(&["aQ0", "aQ63"], &rules(&json!(excludes))), &PipelineSettings::default());
    assert_eq!((texts(&logs), counts.excluded), (vec!["aQ63"], 1));
    assert!(has_tag(&logs[0], "podferry_rule_error:r63") && !has_tag(&logs[0], "podferry_rule_error:r0"));
    let masks: Vec<Value> = (0..64).map(|n| rule("mask_sequences", n)).collect();
    let (logs, counts) = process(&content_of(&["aQ0", "aQ63"], &rules(&json!(masks))), &PipelineSettings::default());
    assert_eq!((texts(&logs), counts.withheld), (vec![MASK_BROKEN; 2], 2));
    // What small ones there are besides them goes on.
    let few = json!([rule("exclude_at_match", 0), { "type": "exclude_truncated", "name": "cut" }, { "type": "mask_sequences", "name": "b", "pattern": "b" }]);
    let (logs, counts) = process(&content_of(&["aQ0", "ab"], &rules(&few)), &PipelineSettings::default());
    assert_eq!((texts(&logs), counts.withheld), (vec!["a"], 0));
}
