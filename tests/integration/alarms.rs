//! docs/alarms.md has a part for each alarm of the template and each `errorType` of the code, and its commands exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::PODFERRY;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(testkit::ROOT).join(path)).unwrap()
}

/// The parts of the document below `## title`: the name in each heading, and what stands there.
fn parts(document: &str, title: &str) -> Vec<(String, String)> {
    let part = document.split("\n## ").find(|part| part.starts_with(title)).unwrap();
    let parts = part.split("\n### `").skip(1);
    parts.map(|part| part.split_once("`\n").unwrap()).map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

fn names(parts: &[(String, String)]) -> BTreeSet<&str> {
    let names: BTreeSet<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), parts.len(), "no part is there twice");
    names
}

#[test]
fn each_alarm_of_the_template_has_its_part() {
    let (document, template) = (text("docs/alarms.md"), text("template.yaml"));
    let parts = parts(&document, "Alarms");
    let before = template.match_indices("Type: AWS::CloudWatch::Alarm\n").map(|(at, _)| &template[..at]);
    let alarms: BTreeSet<&str> =
        before.filter_map(|text| text.trim_end().rsplit('\n').next()?.trim().strip_suffix(':')).collect();
    assert!(alarms.len() > 10, "{alarms:?}");
    assert_eq!(names(&parts), alarms);
}

#[test]
fn each_error_type_of_the_code_has_its_part() {
    let document = text("docs/alarms.md");
    let parts = parts(&document, "Errors");
    let sources = text("crates/pipeline/src/event_error.rs") + &text("crates/forwarder/src/lambda/invocation.rs");
    let functions = sources.split("fn error_type(").skip(1).map(|rest| rest.split("\n    }\n").next().unwrap());
    let mut types: BTreeSet<&str> = functions.flat_map(|body| body.split('"').skip(1).step_by(2)).collect();
    types.insert("SettingsInvalid");
    assert!(types.len() > 15, "{types:?}");
    assert_eq!(names(&parts), types);
}

#[test]
fn each_part_begins_with_a_command_and_the_commands_exist() {
    let document = text("docs/alarms.md");
    for (name, part) in parts(&document, "Alarms").into_iter().chain(parts(&document, "Errors")) {
        assert!(part.contains("\n```sh\n"), "{name}: it has a command to type");
    }
    let lines = document.lines().flat_map(|line| line.split('`')).filter(|line| line.starts_with("podferry "));
    for line in lines {
        let mut words = line.split([' ', '|']).skip(1);
        let subcommand = words.next().unwrap();
        let help = Command::new(PODFERRY).args([subcommand, "--help"]).env_clear().output().unwrap();
        assert!(help.status.success(), "{line}");
        let help = String::from_utf8(help.stdout).unwrap();
        for flag in words.filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!(" {flag} ")) || help.contains(&format!(" {flag}\n")), "{line}: {flag}");
        }
    }
}
