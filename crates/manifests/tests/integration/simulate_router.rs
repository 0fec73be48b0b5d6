//! What two real Fluent Bits, 1.9.10 and 5.1.1, made of 77 hostile lines under 257 ConfigMaps, held against the model: to the byte, or
//! `unknown`.
//!
//! `tests/fixtures/router` has the lines, the pods that the Kubernetes API knew, and what each core did (its README says how it is
//! written); the ConfigMaps are those of `lint_router`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::core::Core;
use manifests::simulate::not_started::NotStarted;
use manifests::simulate::outputs::Sent;
use manifests::simulate::pods::Pods;
use manifests::simulate::record::LinePlace;
use manifests::simulate::router::{LogFile, StepAction};
use manifests::simulate::simulation::Simulation;
use manifests::simulate::starting::{Stopped, stopped};
use manifests::simulate::time::Time;
use serde_json::Value;
use testkit::recorded::bytes;

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(testkit::ROOT).join("tests/fixtures/router").join(path)
}

/// The container log files in the order of their letters, and the letter of each.
fn log_files() -> (Vec<LogFile>, Vec<char>) {
    let mut names: Vec<String> = fs::read_dir(fixture("lines"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let file = |name: &String| {
        let text = fs::read(fixture("lines").join(name)).unwrap();
        let lines: Vec<Vec<u8>> =
            text.strip_suffix(b"\n").unwrap_or(&text).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        LogFile { tag: format!("kube.var.log.containers.{name}"), lines }
    };
    let letter = |name: &String| match name.split('-').next().unwrap() {
        "web" => 'A',
        "checkout" => 'B',
        _ => 'C',
    };
    (names.iter().map(file).collect(), names.iter().map(letter).collect())
}

fn pods() -> Pods {
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry.unwrap().path()).unwrap();
    Pods::only(fs::read_dir(fixture("pods")).unwrap().map(read))
}

/// The ConfigMaps by their names.
fn config_maps() -> BTreeMap<String, SourceFile> {
    let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/lint/router/configmaps.jsonl");
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let source = SourceFile::new("aws-logging.yaml", line["manifest"].as_str().unwrap());
        (line["name"].as_str().unwrap().to_owned(), source)
    };
    fs::read_to_string(path).unwrap().lines().map(read).collect()
}

/// When the lines were read, some days after they had been written.
const READ_AT: Time = Time { seconds: 1_795_757_828, nanoseconds: 0 };

/// Under which one core died on the way, of its own mistakes: the older one aborts where two outputs take the same records.
const DIED: [(&str, Core); 1] = [("c36", Core::Older)];

/// Under these the Kubernetes API did not answer.
const API_DOWN: [&str; 2] = ["707", "708"];

/// Those whose own indentation did not fit the head that stood before them in one file.
const ARTEFACTS: [&str; 1] = ["447"];

/// What a core did under one ConfigMap: the head, the records, the end.
struct Recorded {
    head: Value,
    records: Vec<Value>,
}

fn recorded(core: Core) -> Vec<Recorded> {
    let name = match core {
        Core::Older => "older",
        Core::Newer => "newer",
    };
    let packed = fs::read(fixture(&format!("{name}.jsonl.zst"))).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    let mut all: Vec<Recorded> = Vec::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        if value.get("config").is_some() {
            all.push(Recorded { head: value, records: Vec::new() });
        } else {
            all.last_mut().unwrap().records.push(value);
        }
    }
    all
}

/// A record as it is compared: output, tag, time, text.
type Compared = (usize, Vec<u8>, String, Vec<u8>);

fn shown(record: &Compared) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("    {} {} {} {}", record.0, text(&record.1), record.2, text(&record.3))
}

/// How many lines were compared and how many of them were not known, and what differs.
#[derive(Default)]
struct Tally {
    lines: usize,
    unknown: usize,
    reasons: BTreeMap<String, usize>,
    /// ConfigMaps that EKS does not take, so that nobody runs them.
    refused: usize,
    different: Vec<String>,
}

fn compare(core: Core, tally: &mut Tally) {
    let (files, letters) = log_files();
    let (pods, nobody) = (pods(), Pods::only([]));
    let maps = config_maps();
    let name = |place: LinePlace| format!("{}{:02}", letters[place.file], place.line + 1);
    for recorded in recorded(core) {
        let config = recorded.head["config"].as_str().unwrap();
        if config.starts_with('c') || ARTEFACTS.contains(&config) {
            continue;
        }
        let has_started = recorded.head["started"] == true;
        tally.lines += 77;
        let manifest = &maps[config];
        match stopped(core, manifest) {
            Some(Stopped::ByFluentBit(reason)) => {
                if has_started {
                    tally.different.push(format!("{config} on {core:?}: it starts, but lint says that {reason}"));
                }
                continue;
            }
            // What EKS would say was not asked when the cores ran.
            Some(Stopped::ByEks(_)) => {
                tally.refused += 1;
                continue;
            }
            None => {}
        }
        let simulation = match Simulation::new(core, &configuration(manifest).unwrap_or_default()) {
            Ok(simulation) => simulation,
            Err(NotStarted::Unknown(unknown)) => {
                tally.unknown += 77;
                *tally.reasons.entry(unknown.to_string()).or_default() += 77;
                continue;
            }
            Err(NotStarted::Because(reason)) => {
                if has_started {
                    tally.different.push(format!("{config} on {core:?}: it starts, but {reason}"));
                }
                continue;
            }
        };
        let outcome = simulation.run(&files, if API_DOWN.contains(&config) { &nobody } else { &pods }, READ_AT);
        if !has_started && outcome.dies_of.is_none() {
            tally.different.push(format!("{config} on {core:?}: it does not start: {}", recorded.head["errors"]));
            continue;
        }
        let mut unknown = BTreeSet::new();
        for step in &outcome.steps {
            if let StepAction::Unknown(reason) = step.action
                && unknown.insert(name(step.line))
            {
                *tally.reasons.entry(reason.to_string()).or_default() += 1;
            }
        }
        tally.unknown += unknown.len();
        let mut expected: Vec<Compared> = Vec::new();
        for record in recorded.records.iter().filter(|record| record.get("record").is_some()) {
            let line = record["line"].as_str().unwrap_or_default();
            if !unknown.contains(line) {
                let text = |name: &str| bytes(record[name].as_str().unwrap());
                let time = record["time"].as_str().unwrap().to_owned();
                expected.push((record["out"].as_u64().unwrap() as usize, text("tag"), time, text("record")));
            }
        }
        let mut found: Vec<Compared> = Vec::new();
        for delivery in &outcome.deliveries {
            if !unknown.contains(&name(delivery.line)) {
                let time = delivery.time.map_or_else(
                    || "READ".to_owned(),
                    |time| (time.seconds * 1_000_000_000 + time.nanoseconds).to_string(),
                );
                found.push((delivery.output, delivery.tag.clone(), time, delivery.record.clone()));
            }
        }
        expected.sort();
        found.sort();
        if outcome.steps.iter().any(|step| step.action == StepAction::Throttled) {
            // Which ones are let through depends on the order in which the files came.
            if expected.len() != found.len() {
                tally.different.push(format!("{config} on {core:?}: {} pass, not {}", expected.len(), found.len()));
            }
            continue;
        }
        if expected != found {
            let missing: Vec<String> = expected.iter().filter(|record| !found.contains(record)).map(shown).collect();
            let extra: Vec<String> = found.iter().filter(|record| !expected.contains(record)).map(shown).collect();
            tally.different.push(format!(
                "{config} on {core:?}: {} of {} and {} others\n  recorded:\n{}\n  model:\n{}",
                missing.len(),
                expected.len(),
                extra.len(),
                missing.iter().take(3).cloned().collect::<Vec<String>>().join("\n"),
                extra.iter().take(3).cloned().collect::<Vec<String>>().join("\n"),
            ));
        }
    }
}

/// An event as it is compared: group, stream, time, message.
type ComparedEvent = (Vec<u8>, Vec<u8>, String, Vec<u8>);

#[test]
fn events_arrive_in_cloudwatch_as_both_cores_sent_them() {
    let (files, _) = log_files();
    let (pods, maps) = (pods(), config_maps());
    let mut different = Vec::new();
    for (core, recorded) in
        Core::BOTH.into_iter().flat_map(|core| recorded(core).into_iter().map(move |one| (core, one)))
    {
        let config = recorded.head["config"].as_str().unwrap();
        if !config.starts_with('c') || DIED.contains(&(config, core)) {
            continue;
        }
        let simulation = match Simulation::new(core, &configuration(&maps[config]).unwrap_or_default()) {
            Ok(simulation) => simulation,
            Err(reason) => {
                if recorded.head["started"] == true {
                    different.push(format!("{config} on {core:?}: it starts, but {reason}"));
                }
                continue;
            }
        };
        let text = |record: &Value, name: &str| bytes(record[name].as_str().unwrap());
        let event = |record: &Value| -> ComparedEvent {
            let time = record["time"].as_u64().map_or_else(|| "READ".to_owned(), |time| time.to_string());
            (text(record, "group"), text(record, "stream"), time, text(record, "message"))
        };
        let is_event = |record: &&Value| record.get("message").is_some();
        let mut expected: Vec<ComparedEvent> = recorded.records.iter().filter(is_event).map(event).collect();
        let refused = recorded.records.iter().any(|record| record.get("unreadable").is_some());
        let mut found: Vec<ComparedEvent> = Vec::new();
        let mut has_refused = false;
        for delivery in simulation.run(&files, &pods, READ_AT).deliveries {
            let time = delivery.time.map_or_else(|| "READ".to_owned(), |time| time.milliseconds().to_string());
            for sent in delivery.sent {
                match sent {
                    Sent::Event { group, stream, message } => found.push((group, stream, time.clone(), message)),
                    Sent::Refused { .. } => has_refused = true,
                    Sent::Unknown(unknown) => different.push(format!("{config} on {core:?}: {unknown}")),
                    Sent::Document(_) | Sent::Nothing(_) => {}
                }
            }
        }
        expected.sort();
        found.sort();
        if expected != found || refused != has_refused {
            let shown = |event: &&ComparedEvent| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                format!("    {} {} {} {}", text(&event.0), text(&event.1), event.2, text(&event.3))
            };
            let missing: Vec<String> =
                expected.iter().filter(|one| !found.contains(one)).take(3).map(|one| shown(&one)).collect();
            let extra: Vec<String> =
                found.iter().filter(|one| !expected.contains(one)).take(3).map(|one| shown(&one)).collect();
            different.push(format!(
                "{config} on {core:?}: {} events, not {}; refused {refused} and {has_refused}\n{}\n  model:\n{}",
                expected.len(),
                found.len(),
                missing.join("\n"),
                extra.join("\n")
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn records_come_out_as_both_cores_wrote_them() {
    let mut tally = Tally::default();
    for core in Core::BOTH {
        compare(core, &mut tally);
    }
    eprintln!("{} of {} lines unknown: {:#?}", tally.unknown, tally.lines, tally.reasons);
    assert!(tally.different.is_empty(), "{} differ\n{}", tally.different.len(), tally.different.join("\n\n"));
    assert!(tally.unknown * 100 <= tally.lines * 2, "{} of {} lines are unknown", tally.unknown, tally.lines);
}
