//! Stack traces that real runtimes printed, between lines of other logs: each is one log, and nothing else is joined.
//!
//! The files are labelled: a line `===` stands between two logs (`scripts/traces`). Their lines go through the whole pure
//! part, line by line as containerd writes them.

use pipeline::PipelineSettings;
use serde_json::json;
use testkit::events::*;

/// What is known to come out otherwise than labelled: a part of the text, and why.
const KNOWN: [(&str, &str); 3] = [
    (
        "error: unrelated text\nRangeError: async",
        "an error's line right before another error's trace: a logger's message and its trace look the same",
    ),
    ("RangeError: async\n", "the same"),
    (
        "ValueError: first line\nsecond line",
        "behind the name of Python's exception, more of its message looks like a log of its own",
    ),
];

fn labelled(text: &str) -> Vec<String> {
    let logs = text.trim_end().trim_end_matches("===").split("\n===\n");
    // A line may be blank before and behind a log; those are not shipped.
    logs.map(|log| log.trim_matches('\n').trim_end().to_owned()).filter(|log| !log.trim().is_empty()).collect()
}

/// Lines of one container's stderr, as they arrive; `end` is what containerd leaves of a line's end.
fn arrived(lines: &str, end: &str) -> Vec<String> {
    let records: Vec<String> = lines
        .lines()
        .filter(|line| *line != "===")
        .map(|line| {
            let kubernetes = json!({ "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx", "docker_id": ID });
            json!({ "time": "2026-11-22T20:38:08.236123456Z", "stream": "stderr", "logtag": "F", "log": format!("{line}{end}"), "kubernetes": kubernetes })
                .to_string()
        })
        .collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (1_795_379_888_236, record.as_str())).collect();
    let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    logs.iter().map(|log| log["message"].as_str().unwrap().trim_end().to_owned()).collect()
}

#[test]
fn traces_are_whole_and_nothing_else_is_joined() {
    let folder = format!("{}/tests/fixtures/traces", testkit::ROOT);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    println!("{:<20} {:>5} {:>7} {:>6} {:>7}", "file", "logs", "of many", "whole", "merged");
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let (logs, arrived) = (labelled(&text), arrived(&text, ""));
        let many: Vec<&String> = logs.iter().filter(|log| log.contains('\n')).collect();
        let whole = many.iter().filter(|log| arrived.contains(log)).count();
        let of_terminal: Vec<String> = self::arrived(&text, "\r").iter().map(|log| log.replace('\r', "")).collect();
        assert_eq!(arrived, of_terminal, "{name}: lines of a terminal are joined as others are");
        // A log that is none of the labelled ones, nor a part of one, holds lines of two.
        let merged: Vec<&String> =
            arrived.iter().filter(|log| !logs.iter().any(|labelled| labelled.contains(log.as_str()))).collect();
        println!("{name:<20} {:>5} {:>7} {whole:>6} {:>7}", logs.len(), many.len(), merged.len());
        let is_known = |log: &str| KNOWN.iter().any(|(part, _)| log.contains(part));
        for log in merged.iter().filter(|log| !is_known(log)) {
            wrong.push(format!("{name}: merged:\n{log}\n"));
        }
        for log in many.iter().filter(|log| !arrived.contains(log) && !is_known(log)) {
            let parts: Vec<&String> = arrived.iter().filter(|part| log.contains(part.as_str())).collect();
            wrong.push(format!("{name}: not whole:\n{log}\nin {} parts: {parts:#?}\n", parts.len()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
