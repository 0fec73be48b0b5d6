//! An annotation and lines: what comes of rules, multi-line, scrubbers and patterns, whatever both hold.
//!
//! The input: the annotation `ad.datadoghq.com/web.logs` up to the first zero byte, then lines, parted by newlines. Every
//! line arrives in its order unless a rule is at work, with auto multi-line and without.
#![no_main]

mod checks;

use libfuzzer_sys::fuzz_target;
use pipeline::autodiscovery::ContainerLogs;
use pipeline::compress::Compression;
use pipeline::rules::pattern::{Dialect, Pattern, Replacement, Work};
use pipeline::rules::scrub::Scrubber;
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};

/// All logs keep their own times: the target `message` has others.
const OWN_TIMES: Option<i64> = None;

const STREAM: &str = "kube.var.log.containers.web-56c89cfff7-tsdww_shop_web-7777777777777777777777777777777777777777777777777777777777777777.log";

fn content(annotation: &str, lines: &[&str]) -> String {
    let kubernetes = json!({
        "pod_name": "web-56c89cfff7-tsdww", "namespace_name": "shop", "container_name": "web",
        "annotations": { "ad.datadoghq.com/web.logs": annotation },
    });
    let events: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(number, line)| {
            let record = json!({ "log": line, "stream": "stdout", "logtag": "F", "kubernetes": kubernetes });
            json!({ "id": number.to_string(), "timestamp": 1, "message": record.to_string() })
        })
        .collect();
    json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/a/b", "logStream": STREAM, "logEvents": events,
    })
    .to_string()
}

/// The lines that are not blank.
fn filled<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    texts.flat_map(|text| text.split('\n')).filter(|line| !line.trim().is_empty()).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (annotation, lines) = text.split_once('\0').unwrap_or(("", &text));
    let lines: Vec<&str> = lines.split('\n').take(200).collect();
    for dialect in [Dialect::Go, Dialect::Python] {
        if let Ok(pattern) = Pattern::new(annotation, dialect) {
            lines.iter().for_each(|line| _ = pattern.is_match(line, &Work::unlimited()));
            if let Ok(replacement) = Replacement::new(lines[0], &pattern, dialect) {
                lines.iter().for_each(|line| _ = replacement.apply(&pattern, line, &Work::unlimited()));
            }
        }
    }
    for scrubber in Scrubber::ALL {
        for line in &lines {
            let once = scrubber.scrub(line);
            assert_eq!(scrubber.scrub(&once), once, "{scrubber:?} finds something in what it left");
        }
    }
    let rules = ContainerLogs::parse(annotation).rules;
    let mut settings = PipelineSettings { compression: Compression::None, ..PipelineSettings::default() };
    for auto_multi_line in [true, false] {
        settings.processing.auto_multi_line = auto_multi_line;
        let explained =
            pipeline::explain_content(&content(annotation, &lines), "", &settings, OWN_TIMES).expect("it is an event");
        let logs = checks::logs_of(&explained);
        assert_eq!(explained.outcomes.iter().filter(|outcome| outcome.shipped).count(), logs.len());
        if rules.rules.is_empty() {
            let logs: Vec<Value> = logs.iter().map(|log| serde_json::from_str(log.get()).expect("JSON")).collect();
            let arrived = filled(logs.iter().filter_map(|log| log["message"].as_str()));
            // A message that is an object, or a piece of a record, is another text than the line.
            if !lines.iter().any(|line| line.contains('{')) {
                assert_eq!(arrived, filled(lines.iter().copied()));
            }
        }
    }
});
