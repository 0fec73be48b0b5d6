//! A manifest, and a configuration of Fluent Bit in one: what the linter says of them, whatever they hold.
//!
//! The input: a configuration up to the first zero byte, then a manifest. Every place is one of the text, every form of report can be
//! written, and fixing ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifests::fluent_bit::parse::parse;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::{LintReport, github, json, sarif, text};
use manifests::lint::source::SourceFile;
use manifests::lint::{fix, lint};

/// As often as the command itself looks again.
const ROUNDS: usize = 10;

fn look(sources: &[SourceFile]) -> LintReport {
    let report = lint(sources, &ExpectedTarget::default(), &[]);
    for finding in &report.findings {
        let places = std::iter::once(finding.place).chain(finding.related.iter().map(|(place, _)| *place));
        for place in places {
            let source = &sources[place.source];
            assert!(
                place.span.start <= place.span.end && place.span.start <= source.text.len(),
                "{}",
                finding.rule.code
            );
        }
    }
    report
}

fuzz_target!(|bytes: &[u8]| {
    let input = String::from_utf8_lossy(bytes);
    let (configuration, manifest) = input.split_once('\0').unwrap_or((&input, ""));
    for section in parse(configuration).sections {
        assert_eq!(&configuration[section.name.span.start..section.name.span.end], section.name.value);
    }
    let indented: String = configuration.lines().map(|line| format!("    {line}\n")).collect();
    let quoted = serde_json::Value::from(configuration);
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-logging, namespace: aws-observability}\ndata:\n";
    let mut sources = vec![
        SourceFile::new("block.yaml", &format!("{head}  filters.conf: |\n{indented}  output.conf: |\n{indented}")),
        SourceFile::new("quoted.yaml", &format!("{head}  parsers.conf: {quoted}\n")),
        SourceFile::new("manifest.yaml", manifest),
    ];
    let mut report = look(&sources);
    let style = text::Style { colours: false, width: 100 };
    assert!(!text::findings(&report, &sources, style).is_empty() || report.findings.is_empty());
    let _ = (json::json(&report, &sources), sarif::sarif(&report, &sources), github::github(&report, &sources));
    for _ in 0..ROUNDS {
        for (number, source) in sources.iter_mut().enumerate() {
            let own = report.findings.iter().filter(|finding| finding.place.source == number);
            source.text = fix::apply(&source.text, own).0;
        }
        report = look(&sources);
    }
});
