//! ConfigMaps under which two real Fluent Bits were started, 1.9.10 and 5.1.1: where one does not start, `lint` says so, and nowhere else.
//!
//! `tests/fixtures/lint/router/configmaps.jsonl` has one a line: its name, what it tries, what the older and the newer core did (`starts`,
//! `refuses`, `crashes`, `endless`), and the manifest.

use std::fs;
use std::path::Path;

use manifests::lint::finding::Finding;
use manifests::lint::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::rule::Severity;
use manifests::lint::source::SourceFile;
use manifests::simulate::starting::{DOES_NOT_START, REFUSED_BY_EKS};
use serde_json::Value;

/// Rules that say that one core starts, and then crashes.
const CRASHES: [&str; 2] = ["PF297", "PF299"];

/// What was due to how the cores were run, and why.
const ARTEFACTS: [(&str, &str); 1] =
    [("447", "stood in one file behind a head that is indented by four spaces; in a file of its own it starts")];

struct TriedConfigMap {
    name: String,
    older: bool,
    newer: bool,
    findings: Vec<Finding>,
}

fn tried() -> Vec<TriedConfigMap> {
    let path = Path::new(testkit::ROOT).join("tests/fixtures/lint/router/configmaps.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let get = |name: &str| line[name].as_str().unwrap().to_owned();
        // One that never comes to an end has started.
        let starts = |core: &str| ["starts", "endless"].contains(&get(core).as_str());
        let source = SourceFile::new("aws-logging.yaml", &get("manifest"));
        let findings = lint(&[source], &ExpectedTarget::default(), &[]).findings;
        TriedConfigMap { name: get("name"), older: starts("older"), newer: starts("newer"), findings }
    };
    text.lines().map(read).collect()
}

fn shown(tried: &TriedConfigMap) -> String {
    let lines = tried
        .findings
        .iter()
        .map(|finding| format!("{} {:?} {}", finding.rule.code, finding.severity, finding.message));
    format!("{}:\n{}", tried.name, lines.collect::<Vec<String>>().join("\n"))
}

#[test]
fn what_does_not_start_is_found_and_nothing_else_is() {
    let tried = tried();
    assert_eq!(tried.len(), 257);
    let is_artefact = |tried: &&TriedConfigMap| ARTEFACTS.iter().any(|(name, _)| *name == tried.name);
    for tried in tried.iter().filter(|tried| !is_artefact(tried)) {
        let is_of = |finding: &Finding, codes: &[&str]| codes.contains(&finding.rule.code);
        let mut errors = tried.findings.iter().filter(|finding| finding.severity == Severity::Error);
        match (tried.older, tried.newer) {
            (true, true) => {
                let wrong = errors.find(|error| is_of(error, &DOES_NOT_START));
                assert!(wrong.is_none(), "both cores start with {}", shown(tried));
            }
            (false, false) => {
                let is_said = errors.any(|error| is_of(error, &DOES_NOT_START) || is_of(error, &REFUSED_BY_EKS));
                assert!(is_said, "neither core starts with {}", shown(tried));
            }
            _ => {
                let version = if tried.newer { "1.9" } else { "Fluent Bit 5" };
                let names_it =
                    |finding: &Finding| finding.message.contains(version) || finding.rule.why.contains(version);
                let is_said = |finding: &Finding| {
                    is_of(finding, &REFUSED_BY_EKS)
                        || (names_it(finding) && (is_of(finding, &DOES_NOT_START) || is_of(finding, &CRASHES)))
                };
                assert!(tried.findings.iter().any(is_said), "one core does not start with {}", shown(tried));
            }
        }
    }
}
