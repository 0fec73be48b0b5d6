//! Records of a real Fluent Bit 5.1.1 under six configurations (`tests/fixtures/corpus/shapes`) and what it made of five pods' lines under
//! three ConfigMaps (`tests/fixtures/corpus/kept` and others), held against the model.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::core::Core;
use manifests::simulate::not_started::NotStarted;
use manifests::simulate::outputs::Sent;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::LogFile;
use manifests::simulate::simulation::{ConfigurationTexts, Simulation};
use manifests::simulate::time::Time;
use serde_json::Value;

const TAG: &str = concat!(
    "kube.var.log.containers.web-56c89cfff7-tsdww_shop_web-",
    "7777777777777777777777777777777777777777777777777777777777777777.log"
);

/// When the lines were read: as they were written, so that all of them fit one call.
const READ_AT: Time = Time { seconds: 1_639_679_770, nanoseconds: 0 };

fn text(name: &str) -> String {
    fs::read_to_string(PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus/shapes").join(name)).unwrap()
}

#[test]
fn messages_come_out_as_they_were_recorded() {
    let mut compared = BTreeMap::new();
    for (name, input) in [
        ("01_no_filters", "input.log"),
        ("02_parser_crio", "input.log"),
        ("03_crio_kube_merge_keepoff", "input.log"),
        ("03b_crio_kube_mergekey_keepon_ownerrefs_nslabels", "input.log"),
        ("04_crio_logkey", "input.log"),
        ("09_recommended_merge_off", "input_with_partials.log"),
    ] {
        let output = text(&format!("{name}.output.partial.conf"));
        let texts = ConfigurationTexts {
            filters: text(&format!("{name}.filters.conf")),
            outputs: format!("[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    auto_create_group On\n{output}"),
            parsers: text("parsers.conf"),
        };
        let simulation = match Simulation::new(Core::Newer, &texts) {
            Ok(simulation) => simulation,
            Err(NotStarted::Unknown(_)) => continue,
            Err(reason) => panic!("{name}: {reason}"),
        };
        let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus/shapes").join(input);
        let lines = fs::read(path).unwrap();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
        let file = LogFile { tag: TAG.to_owned(), lines };
        let outcome = simulation.run(&[file], &Pods::only([text("pod.json")]), READ_AT);
        let message = |sent: Sent| match sent {
            Sent::Event { group, stream, message } => {
                Some([group, stream, message].map(|bytes| String::from_utf8(bytes).unwrap()))
            }
            _ => None,
        };
        let found: Vec<_> = outcome.deliveries.into_iter().flat_map(|one| one.sent).filter_map(message).collect();
        let expected: Vec<_> = text(&format!("{name}.jsonl"))
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|event| ["logGroup", "logStream", "message"].map(|name| event[name].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(sorted(found), sorted(expected), "{name}");
        compared.insert(name, ());
    }
    // Labels of namespaces are not modelled.
    assert_eq!(compared.len(), 5);
}

/// Fluent Bit sends events by their times.
fn sorted(mut events: Vec<[String; 3]>) -> Vec<[String; 3]> {
    events.sort();
    events
}

/// The events of one pod under one ConfigMap, decoded.
fn events(folder: &str, pod: &str) -> (String, Vec<Value>) {
    let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus").join(folder).join(pod);
    let content: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    (content["logStream"].as_str().unwrap().to_owned(), content["logEvents"].as_array().unwrap().clone())
}

/// The line of the container's log file, from the record in which all of it was kept.
fn cri_line(message: &str) -> Vec<u8> {
    let record: Value = serde_json::from_str(message).unwrap();
    let part = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {} {}", part("time"), part("stream"), part("logtag"), part("log")).into_bytes()
}

#[test]
fn five_pods_come_out_as_they_were_recorded() {
    let pods = PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus/pods");
    let pods = Pods::only(fs::read_dir(pods).unwrap().map(|pod| fs::read_to_string(pod.unwrap().path()).unwrap()));
    for folder in ["kept", "parsed", "logkey"] {
        let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/corpus").join(folder).join("configmap.yaml");
        let manifest = SourceFile::new("configmap.yaml", &fs::read_to_string(path).unwrap());
        let simulation = Simulation::new(Core::Newer, &configuration(&manifest).unwrap()).unwrap();
        for pod in ["web-nginx", "checkout-app", "api-api", "coredns-coredns", "report-report"] {
            let (_, kept) = events("kept", &format!("{pod}.json"));
            let (stream, expected) = events(folder, &format!("{pod}.json"));
            let lines = kept.iter().map(|event| cri_line(event["message"].as_str().unwrap())).collect();
            let (_, tag) = stream.split_once("kube.").unwrap();
            let file = LogFile { tag: format!("kube.{tag}"), lines };
            let outcome = simulation.run(&[file], &pods, READ_AT);
            let message = |sent: Sent| match sent {
                Sent::Event { message, .. } => Some(String::from_utf8(message).unwrap()),
                _ => None,
            };
            let mut found: Vec<String> =
                outcome.deliveries.into_iter().flat_map(|one| one.sent).filter_map(message).collect();
            let mut expected: Vec<String> =
                expected.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{pod} under {folder}");
        }
    }
}
