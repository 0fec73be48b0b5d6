//! Records of a real Fluent Bit 5.1.1 under six configurations (`tests/fixtures/corpus/shapes`), held against the model.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

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
