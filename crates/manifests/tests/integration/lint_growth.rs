//! How long `podferry lint` takes for long configurations: it grows as they do. EKS takes 5300 characters, but a file may have anything.

use std::time::Duration;

use manifests::lint::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::{github, json, sarif, text};
use manifests::lint::source::SourceFile;
use testkit::processor_time::spent;

const OUTPUT: &str = "    [OUTPUT]\n        Name cloudwatch_logs\n        Match kube.*\n        region eu-west-1\n        log_group_name /aws/eks/prod/fargate\n        log_stream_prefix fargate/\n";

/// How many sections, and how many times as many.
const SECTIONS: usize = 100;
const TIMES: usize = 4;
/// What grows as the sections do takes 4 times as long, and what grows as their square 16 times.
const MOST: f64 = 8.0;

fn manifest(part: &str, section: impl Fn(usize) -> String, sections: usize) -> SourceFile {
    let sections: String = (0..sections).map(section).collect();
    let other = if part == "output.conf" { String::new() } else { format!("  output.conf: |\n{OUTPUT}") };
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-logging\n  namespace: aws-observability\ndata:\n  {part}: |\n{sections}{other}"
    );
    SourceFile::new("logging.yaml", &text)
}

/// The least of several tries.
fn least(source: &SourceFile) -> Duration {
    let sources = std::slice::from_ref(source);
    let tries = (0..2).map(|_| {
        spent(|| {
            let report = lint(sources, &ExpectedTarget::default(), &[]);
            assert!(!text::findings(&report, sources, text::Style { colours: false, width: 140 }).is_empty());
            assert!(json::json(&report, sources).is_object() && sarif::sarif(&report, sources).is_object());
            assert!(!github::github(&report, sources).is_empty());
        })
    });
    tries.min().unwrap_or_default()
}

fn grows_evenly(part: &str, section: impl Fn(usize) -> String) {
    let (few, many) = (manifest(part, &section, SECTIONS), manifest(part, &section, SECTIONS * TIMES));
    let growth = least(&many).as_secs_f64() / least(&few).as_secs_f64();
    assert!(growth < MOST, "{TIMES} times as many sections take {growth:.1} times as long: {}", section(0));
}

#[test]
fn outputs() {
    grows_evenly("output.conf", |_| OUTPUT.to_owned());
    grows_evenly("output.conf", |number| OUTPUT.replace("kube.*", &format!("kube.*_n{number}_*")));
    grows_evenly("output.conf", |number| OUTPUT.replace("kube.*", &format!("app{number}.*")));
    grows_evenly("output.conf", |_| OUTPUT.replace("        Match", "      Match"));
    grows_evenly("output.conf", |_| {
        OUTPUT.replace("        Match kube.*", "        # podferry: allow PF272 meant\n        Match *")
    });
}

/// Far longer than what EKS takes, and still at once: what is too long is not gone through.
#[test]
fn long_tags_and_patterns() {
    let rule = |number: usize, tag: &str| {
        format!(
            "    [FILTER]\n        Name rewrite_tag\n        Match kube.*\n        Rule $log x {tag}{number} true\n"
        )
    };
    let long = manifest("filters.conf", |number| rule(number, &"t".repeat(20_000)), 20);
    let short = manifest("filters.conf", |number| rule(number, &"t ".repeat(10_000)), 20);
    let growth = least(&long).as_secs_f64() / least(&short).as_secs_f64();
    assert!(growth < MOST, "long tags take {growth:.1} times as long as as many letters elsewhere");
}

#[test]
fn filters_and_parsers() {
    grows_evenly("filters.conf", |number| {
        format!(
            "    [FILTER]\n        Name rewrite_tag\n        Match kube.*\n        Rule $log x{number} t{number}.$TAG true\n"
        )
    });
    grows_evenly("filters.conf", |number| {
        format!(
            "    [FILTER]\n        Name parser\n        Match kube.*\n        Key_Name log\n        Parser p{number}\n    [FILTER]\n        Name kubernetes\n        Match kube.*\n        Merge_Log On\n"
        )
    });
    grows_evenly("parsers.conf", |number| {
        format!(
            "    [PARSER]\n        Name p{number}\n        Format regex\n        Regex ^(?<log>.*)$\n        Time_Key t\n"
        )
    });
}
