//! Lint and the model agree: where the model loses lines without having been told to, lint has a finding.

use std::fs;
use std::path::PathBuf;

use manifests::lint::finding::Finding;
use manifests::lint::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::rule::Severity;
use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::core::Core;
use manifests::simulate::invented::PodContainer;
use manifests::simulate::outputs::Sent;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::{LogFile, StepAction};
use manifests::simulate::simulation::Simulation;
use manifests::simulate::starting::stopped;
use manifests::simulate::time::Time;
use serde_json::Value;

use super::simulate_differential::configurations;

/// Lines that any application may write.
const LINES: [&str; 5] = [
    "2026-11-22T18:00:01.104414813Z stdout F plain text",
    "2026-11-22T18:00:02.104414813Z stdout F {\"level\":\"info\",\"msg\":\"hello\"}",
    "2026-11-22T18:00:03.104414813Z stderr F ERROR failed",
    "2026-11-22T18:00:04.104414813Z stdout P a piece",
    "2026-11-22T18:00:05.104414813Z stdout F ",
];

/// Filters that are there to drop lines.
const DROPPING: [&str; 2] = ["grep", "throttle"];

/// Whether Fluent Bit runs with a ConfigMap and loses some of the lines without having been told to drop any.
fn loses_silently(core: Core, manifest: &SourceFile, container: &PodContainer, lines: &[&str]) -> bool {
    let configuration = configuration(manifest).unwrap_or_default();
    let Ok(simulation) = Simulation::new(core, &configuration) else { return false };
    if stopped(core, manifest).is_some() {
        return false;
    }
    let filters: Vec<&str> = simulation.filters().collect();
    let texts = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    let file = LogFile { tag: container.tag.clone(), lines: texts };
    let read_at = Time { seconds: 1_795_370_406, nanoseconds: 0 };
    let outcome = simulation.run(&[file], &Pods::only([container.json.clone()]), read_at);
    let is_lost = |number: usize| {
        let arrived = outcome.deliveries.iter().filter(|one| one.line.line == number);
        let has_arrived = arrived.flat_map(|one| &one.sent).any(has_content);
        let mut steps = outcome.steps.iter().filter(|step| step.line.line == number);
        let is_told = steps.any(|step| {
            matches!(step.action, StepAction::Unknown(_) | StepAction::Throttled)
                || step.filter.and_then(|filter| filters.get(filter)).is_some_and(|name| DROPPING.contains(name))
        });
        !has_arrived && !is_told
    };
    (0..lines.len()).any(is_lost)
}

/// What lint says, but for notes.
fn findings(manifest: &SourceFile) -> Vec<Finding> {
    let mut found = lint(std::slice::from_ref(manifest), &ExpectedTarget::default(), &[]).findings;
    found.retain(|finding| finding.severity != Severity::Note);
    found
}

#[test]
fn what_is_lost_silently_has_a_finding() {
    let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/lint/router/configmaps.jsonl");
    let container = PodContainer::invented();
    let (mut losing, mut silent) = (0, Vec::new());
    for line in fs::read_to_string(path).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let manifest = SourceFile::new("aws-logging.yaml", line["manifest"].as_str().unwrap());
        for core in Core::BOTH {
            if loses_silently(core, &manifest, &container, &LINES) {
                losing += 1;
                if findings(&manifest).is_empty() {
                    silent.push(format!("{} on {core:?}", line["name"]));
                }
            }
        }
    }
    assert!(losing > 10, "only {losing} lose lines");
    assert!(silent.is_empty(), "{losing} lose lines, and of these lint says nothing: {silent:?}");
}

/// Rules that say that logs are lost, or where they go instead.
const OF_LOSS: [&str; 14] = [
    // `Match`, `Match_Regex` and new tags that nothing takes.
    "PF271", "PF273", "PF286", "PF287", "PF293", "PF297", // What the outputs lose or AWS refuses.
    "PF250", "PF253", "PF254", "PF290", // Filters that ask for what is not there, or lose everything.
    "PF285", "PF289", "PF294", "PF295",
];

/// Whether an output sends something of a record; an empty line is nothing.
fn has_content(sent: &Sent) -> bool {
    match sent {
        Sent::Nothing(_) | Sent::Refused { .. } => false,
        Sent::Document(document) => !document.trim_ascii().is_empty(),
        _ => true,
    }
}

/// One way only: much that these rules find loses nothing of just these lines.
#[test]
fn what_a_generated_configuration_loses_silently_has_a_finding_that_says_so() {
    let container = PodContainer::invented();
    let (mut losing, mut silent) = (0, Vec::new());
    for seed in 0..150 {
        let case = configurations::case(seed, 0);
        let manifest = case.manifest();
        for core in Core::BOTH {
            if loses_silently(core, &manifest, &container, &LINES) {
                losing += 1;
                let found = findings(&manifest);
                if !found.iter().any(|finding| OF_LOSS.contains(&finding.rule.code)) {
                    let codes: Vec<&str> = found.iter().map(|finding| finding.rule.code).collect();
                    silent.push(format!("seed {seed} on {core:?}: only {codes:?}\n{}", case.shown()));
                }
            }
        }
    }
    assert!(losing > 20, "only {losing} lose lines");
    assert!(silent.is_empty(), "{losing} lose lines, and of {} nothing says so:\n{}", silent.len(), silent.join("\n"));
}

/// An output of one of AWS's plugins in Go, of a kind that follows from a number.
fn output_in_go(number: usize) -> String {
    let of = |values: &[&'static str], step: usize| values[number / step % values.len()];
    let log_key = of(
        &["", "log_key log", "log_key level", "log_key kubernetes", "log_key nope", "log_key $log", "log_key lo"],
        3,
    );
    let name = of(
        &[
            "/eks/x",
            "/eks/$(kubernetes['namespace_name'])",
            "/eks/$(nope)",
            "/eks/$(kubernetes['pod_name)",
            "/eks/$(kubernetes[pod_name])",
            "/eks/$(tag[4])",
        ],
        7,
    );
    let keys = of(&["", "data_keys log,stream", "data_keys nope", "replace_dots -", "time_key t"], 2);
    match number % 3 {
        0 => format!(
            "    [OUTPUT]\n        Name cloudwatch\n        Match *\n        region eu-west-1\n        log_group_name {name}\n        \
             log_stream_prefix fargate-\n        auto_create_group true\n        {log_key}\n"
        ),
        1 => format!(
            "    [OUTPUT]\n        Name firehose\n        Match *\n        region eu-west-1\n        delivery_stream s\n        {log_key}\n        {keys}\n"
        ),
        _ => format!(
            "    [OUTPUT]\n        Name kinesis\n        Match *\n        region eu-west-1\n        stream s\n        append_newline true\n        {log_key}\n        {keys}\n"
        ),
    }
}

#[test]
fn what_aws_s_plugins_in_go_lose_silently_has_a_finding_that_says_so() {
    let container = PodContainer::invented();
    // A parser leaves out the `log` of a line without text, so that `log_key` drops it; that is no loss.
    let lines = &LINES[..4];
    let (mut losing, mut silent) = (0, Vec::new());
    for seed in 0..180 {
        let mut case = configurations::case(seed, 0);
        case.outputs.clear();
        let manifest = case.manifest();
        let output = output_in_go(usize::try_from(seed).unwrap());
        let text = format!("{}  output.conf: |\n{output}", manifest.text);
        let manifest = SourceFile::new("aws-logging.yaml", &text);
        for core in Core::BOTH {
            if loses_silently(core, &manifest, &container, lines) {
                losing += 1;
                let found = findings(&manifest);
                if !found.iter().any(|finding| OF_LOSS.contains(&finding.rule.code)) {
                    let codes: Vec<&str> = found.iter().map(|finding| finding.rule.code).collect();
                    silent.push(format!("seed {seed} on {core:?}: only {codes:?}\n{}{output}", case.shown()));
                }
            }
        }
    }
    assert!(losing > 20, "only {losing} lose lines");
    assert!(silent.is_empty(), "{losing} lose lines, and of {} nothing says so:\n{}", silent.len(), silent.join("\n"));
}
