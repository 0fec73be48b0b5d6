//! What the pipeline tells people of each log, on request: which events it came from, and its status in Datadog.

use pipeline::{PipelineSettings, explain_content};
use serde_json::json;
use testkit::events::{ARN, GROUP, content, stream};

#[test]
fn a_log_names_its_first_and_last_event_and_its_status() {
    let line = |at: u32, output: &str, text: &str| format!("2026-03-01T10:00:0{at}.000000000Z {output} F {text}");
    let lines = [
        line(0, "stdout", "INFO ready"),
        line(1, "stderr", "Traceback (most recent call last):"),
        line(1, "stderr", "  File \"a.py\", line 1, in <module>"),
        line(1, "stdout", "between"),
        line(1, "stderr", "ValueError: no"),
        line(2, "stdout", " "),
        line(3, "stdout", r#"{"level":"warn","message":"x"}"#),
    ];
    let messages: Vec<(i64, &str)> = lines.iter().map(|line| (1_772_359_200_000, line.as_str())).collect();
    let text = content(GROUP, &stream(), &messages).to_string();
    let outcomes = explain_content(&text, ARN, &PipelineSettings::default(), None).unwrap().outcomes;
    let mut told: Vec<_> = outcomes.iter().map(|outcome| (outcome.events, outcome.lines, outcome.status)).collect();
    told.sort_unstable();
    let expected = [
        ((0, 0), 1, Some("info")),
        ((1, 4), 3, Some("error")),
        ((3, 3), 1, Some("info")),
        // None is sent: Datadog makes it of the attribute.
        ((6, 6), 1, Some("warn")),
    ];
    assert_eq!(told, expected, "{}", json!(lines));
}
