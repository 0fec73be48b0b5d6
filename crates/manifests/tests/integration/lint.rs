//! `podferry lint`: every rule of the table has a pair of fixtures, one that it fires on and one that it does not; what is generated has
//! no finding; and the outputs are in their forms.
//!
//! `tests/fixtures/lint/PF101/bad.yaml` and `good.yaml`, or folders `bad/` and `good/` with several files that are looked at together.
//! Of `bad`, `report.txt` is what people read. A `podferry.yaml` beside them says where the manifests go. `just lint-reports` writes
//! the reports and docs/lint-rules.md again, after an intended change.

use std::fs;
use std::path::{Path, PathBuf};

use manifests::cluster::ClusterOptions;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::{LintReport, explain, text};
use manifests::lint::rule::{RuleEdits, Severity};
use manifests::lint::source::SourceFile;
use manifests::lint::{fix, lint, rules};

fn fixtures() -> PathBuf {
    Path::new(testkit::ROOT).join("tests/fixtures/lint")
}

/// The files of a fixture: `bad.yaml`, `bad.json`, or all in `bad/`.
fn sources(rule: &str, which: &str) -> Vec<SourceFile> {
    let folder = fixtures().join(rule);
    let is_of = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == which) && !path.is_dir();
    let mut files: Vec<PathBuf> = entries(&folder).into_iter().filter(is_of).collect();
    if folder.join(which).is_dir() {
        files = entries(&folder.join(which));
    }
    assert!(!files.is_empty(), "{rule} has no fixture `{which}`");
    let name = |path: &Path| path.strip_prefix(&folder).unwrap().display().to_string();
    files.iter().map(|path| SourceFile::new(&name(path), &fs::read_to_string(path).unwrap())).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    entries.sort();
    entries
}

/// What `podferry.yaml` says, as the command takes it.
fn expected(rule: &str) -> ExpectedTarget {
    let Ok(text) = fs::read_to_string(fixtures().join(rule).join("podferry.yaml")) else {
        return ExpectedTarget::default();
    };
    let options = ClusterOptions::from_yaml(&text).unwrap();
    ExpectedTarget {
        region: options.region,
        account: options.account,
        cluster: options.cluster,
        log_group: options.log_group,
        namespaces: options.namespaces,
    }
}

fn run(rule: &str, which: &str) -> (Vec<SourceFile>, LintReport) {
    let sources = sources(rule, which);
    let report = lint(&sources, &expected(rule), &[]);
    (sources, report)
}

fn shown(report: &LintReport, sources: &[SourceFile]) -> String {
    let findings = text::findings(report, sources, text::Style { colours: false, width: 140 });
    format!("{findings}{}\n", text::summary(report, sources.len()))
}

fn codes(report: &LintReport) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.rule.code).collect()
}

#[test]
fn every_rule_fires_where_it_has_to_and_nowhere_else() {
    for rule in rules::all() {
        let (sources, report) = run(rule.code, "bad");
        assert!(codes(&report).contains(&rule.code), "{}: bad gives {:?}", rule.code, codes(&report));
        let written = fs::read_to_string(fixtures().join(rule.code).join("report.txt")).unwrap_or_default();
        assert_eq!(shown(&report, &sources), written, "{}: `just lint-reports` writes it again", rule.code);
        let (sources, report) = run(rule.code, "good");
        assert!(report.findings.is_empty(), "{}: good gives\n{}", rule.code, shown(&report, &sources));
    }
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    for folder in entries(&fixtures()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(rules::find(name).is_some() || !name.starts_with("PF"), "{name}");
    }
}

/// What `--fix` does: all it promises, and nothing else.
#[test]
fn what_is_fixed_is_not_found_any_more() {
    for rule in rules::all() {
        let (mut sources, mut report) = run(rule.code, "bad");
        let fires = |report: &LintReport| report.findings.iter().filter(|finding| finding.rule == rule).count();
        let has_edits = report.findings.iter().any(|finding| finding.rule == rule && !finding.edits.is_empty());
        let is_automatic = rule.edits != RuleEdits::None;
        assert_eq!(has_edits, is_automatic, "{}: the table says whether --fix fixes it", rule.code);
        let others = report.findings.iter().filter(|finding| finding.edits.is_empty()).count();
        for _ in 0..10 {
            for (number, source) in sources.iter_mut().enumerate() {
                let own = report.findings.iter().filter(|finding| finding.place.source == number);
                source.text = fix::apply(&source.text, own).0;
            }
            report = lint(&sources, &expected(rule.code), &[]);
        }
        if is_automatic {
            assert_eq!(fires(&report), 0, "{}:\n{}", rule.code, shown(&report, &sources));
        }
        assert!(
            report.findings.len() <= others,
            "{}: fixing made new findings\n{}",
            rule.code,
            shown(&report, &sources)
        );
    }
}

/// The files of a kind: one, or a folder of them that are linted together.
fn kinds() -> Vec<(PathBuf, Vec<SourceFile>)> {
    let is_input = |path: &PathBuf| path.extension().is_none_or(|end| end != "findings");
    let read = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        SourceFile::new(name, &fs::read_to_string(path).unwrap())
    };
    entries(&fixtures().join("kinds"))
        .into_iter()
        .filter(is_input)
        .map(|path| {
            let files = if path.is_dir() { entries(&path) } else { vec![path.clone()] };
            // A folder's name may end in `.bad`, which is no extension.
            let stem = if path.is_dir() { path.clone() } else { path.with_extension("") };
            let written = PathBuf::from(format!("{}.findings", stem.display()));
            (written, files.iter().map(|file| read(file)).collect())
        })
        .collect()
}

/// `LINE CODE SEVERITY` for each finding; in a folder, with the file in front.
fn found(sources: &[SourceFile]) -> String {
    let report = lint(sources, &ExpectedTarget::default(), &[]);
    let line = |finding: &manifests::lint::finding::Finding| {
        let source = &sources[finding.place.source];
        let file = if sources.len() > 1 { format!("{}:", source.name) } else { String::new() };
        format!(
            "{file}{} {} {:?}\n",
            source.position(finding.place.span.start).line,
            finding.rule.code,
            finding.severity
        )
    };
    report.findings.iter().map(line).collect()
}

/// Kinds of mistakes, and of what looks like one: `kinds/NAME.bad.yaml` and `kinds/NAME.good.yaml`, each beside what is found in it.
#[test]
fn kinds_are_found_where_they_are() {
    let kinds = kinds();
    assert!(!kinds.is_empty());
    for (written, sources) in kinds {
        let name = written.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = fs::read_to_string(&written).unwrap_or_else(|_| "(not written yet)".to_owned());
        assert_eq!(found(&sources), expected, "{name}: `just lint-reports` writes it again");
        assert!(!name.ends_with(".bad") || !expected.is_empty(), "{name}: nothing is found");
    }
}

#[test]
fn the_table_is_well_formed() {
    let all = rules::all();
    for pair in all.windows(2) {
        assert!(pair[0].code < pair[1].code, "{} stands twice", pair[1].code);
    }
    for rule in &all {
        let (code, name) = (rule.code, rule.name);
        assert!(
            code.len() == 5 && code.starts_with("PF") && code[2..].bytes().all(|byte| byte.is_ascii_digit()),
            "{code}"
        );
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()), "{name}");
        assert!(!rule.title.ends_with('.') && rule.why.ends_with('.') && rule.fix.ends_with('.'), "{code}");
        assert!(!rule.sources.is_empty(), "{code} has no source");
        assert_eq!(all.iter().filter(|other| other.name == name).count(), 1, "{name} stands twice");
    }
}

#[test]
fn the_page_of_rules_is_what_the_table_says() {
    let page = fs::read_to_string(Path::new(testkit::ROOT).join("docs/lint-rules.md")).unwrap_or_default();
    assert_eq!(page, explain::page(), "`just lint-reports` writes it again");
}

/// Every manifest that `podferry generate` makes, alone and together.
#[test]
fn what_is_generated_has_no_finding() {
    let root = Path::new(testkit::ROOT);
    let mut checked = 0;
    for folder in ["fluentbit", "tests/fixtures/generate", "tests/fixtures/generate/all"] {
        for path in entries(&root.join(folder)) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_manifest = path.extension().is_some_and(|end| end == "yaml" || end == "json");
            // The seed is as Datadog's page has it, for comparison.
            if !is_manifest || name.contains("seed") {
                continue;
            }
            let sources = [SourceFile::new(&name, &fs::read_to_string(&path).unwrap())];
            let report = lint(&sources, &ExpectedTarget::default(), &[]);
            assert!(report.findings.is_empty(), "{folder}/{name}:\n{}", shown(&report, &sources));
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
    let template = [SourceFile::new("template.yaml", &fs::read_to_string(root.join("template.yaml")).unwrap())];
    let report = lint(&template, &ExpectedTarget::default(), &[]);
    assert!(report.findings.is_empty(), "{}", shown(&report, &template));
    let all: Vec<SourceFile> = entries(&root.join("tests/fixtures/generate/all"))
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "json"))
        .map(|path| SourceFile::new(path.file_name().unwrap().to_str().unwrap(), &fs::read_to_string(path).unwrap()))
        .collect();
    let report = lint(&all, &ExpectedTarget::default(), &[]);
    assert!(report.findings.is_empty(), "{}", shown(&report, &all));
}

/// What `podferry inject` makes of a pod; what it leaves alone is as people wrote it.
#[test]
fn what_is_injected_has_no_finding() {
    let root = Path::new(testkit::ROOT).join("tests/fixtures/inject");
    let mut checked = 0;
    for path in entries(&root) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // In `refused` are pods that get nothing, because of what is wrong with them.
        if !name.contains(".sidecar.") && !name.contains(".label.") || name.starts_with("refused") {
            continue;
        }
        let sources = [SourceFile::new(&name, &fs::read_to_string(&path).unwrap())];
        let report = lint(&sources, &ExpectedTarget::default(), &[]);
        assert!(report.findings.is_empty(), "{name}:\n{}", shown(&report, &sources));
        checked += 1;
    }
    assert!(checked >= 12, "{checked}");
}

#[test]
fn any_text_is_looked_at() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    let mut runner = TestRunner::new(Config { cases: 256, ..Config::default() });
    let lines = "(apiVersion: v1\nkind: [A-Z]{1,3}\n|[ a-z:\\-{}\\[\\]\"'|>&*!#\n]{0,40}){0,6}";
    let held = |start: &'static str| {
        "([ a-z:{}\\[\\]\"'|>&*#é\t\r\\\\]{0,20}\n?){0,6}"
            .prop_map(move |text| format!("{start}{}", text.replace('\n', "\n          ")))
    };
    let texts = prop_oneof![
        any::<String>(),
        lines,
        held(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: datadog\n    helm:\n      values: |\n          datadog: {}\n          "
        ),
        held(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: datadog\n    helm:\n      values: \"datadog: {}\\n"
        ),
        held(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-logging\n  namespace: aws-observability\ndata:\n  output.conf: \"[OUTPUT]\\n"
        ),
    ];
    runner
        .run(&texts, |text| {
            let sources = [SourceFile::new("any.yaml", &text)];
            let report = lint(&sources, &ExpectedTarget::default(), &[]);
            prop_assert!(!shown(&report, &sources).is_empty());
            prop_assert!(report.at_least(Severity::Note) == report.findings.len());
            Ok(())
        })
        .unwrap();
}

fn fixed(name: &str, text: &str) -> String {
    let mut sources = vec![SourceFile::new(name, text)];
    let report = lint(&sources, &ExpectedTarget::default(), &[]);
    sources[0].text = fix::apply(text, &report.findings).0;
    sources.remove(0).text
}

/// A change is made where a line can be changed as it stands, however deep it stands; nowhere else.
#[test]
fn values_inside_of_others_are_fixed_where_they_can_be() {
    let argo = |helm: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: é\nspec:\n  source:\n    chart: datadog\n    helm:\n{helm}"
        )
    };
    let block = argo("      values: |-\n        datadog:\n          logs: {enabled: \"false\"}\n");
    for text in [block.clone(), format!("\u{feff}{block}"), block.replace('\n', "\r\n")] {
        assert_eq!(fixed("argo.yaml", &text), text.replace("\"false\"", "false"));
    }
    let map = argo("      valuesObject:\n        datadog:\n          logs:\n            enabled: 'false'\n");
    assert_eq!(fixed("argo.yaml", &map), map.replace("'false'", "false"));
    for held in [
        "      values: \"datadog:\\n  logs:\\n    enabled: 'false'\\n\"\n",
        "      values: 'datadog: {logs: {enabled: \"false\"}}'\n",
        "      parameters: [{name: datadog.logs.enabled, value: \"false\", forceString: true}]\n",
    ] {
        let text = argo(held);
        let report = lint(&[SourceFile::new("argo.yaml", &text)], &ExpectedTarget::default(), &[]);
        assert!(codes(&report).contains(&"PF702"), "{text}");
        assert_eq!(fixed("argo.yaml", &text), text);
    }
}

/// A parameter wins over the values beside it, with Helm's own types and escapes, and what leads nowhere is left out.
#[test]
fn parameters_are_values() {
    let found = |values: &str, name: &str, value: &str| {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: datadog\n    helm:\n      values: |\n        {values}\n      parameters:\n        - name: {name}\n          value: {value}\n"
        );
        let report = lint(&[SourceFile::new("argo.yaml", &text)], &ExpectedTarget::default(), &[]);
        report
            .findings
            .iter()
            .map(|finding| {
                let place = finding.place.span;
                format!("{} {}", finding.rule.code, &text[place.start..place.end])
            })
            .collect::<Vec<_>>()
    };
    let wrong = "datadog: {logs: {enabled: \"false\"}}";
    assert_eq!(found(wrong, "datadog.x", "y"), ["PF702 \"false\"", "PF701 x"]);
    assert_eq!(found(wrong, "datadog.logs.enabled", "\"true\""), [""; 0]);
    assert_eq!(found("{}", "datadog.logs.enable", "\"true\""), ["PF701 enable"]);
    assert_eq!(found("{}", "datadog.logs.enabled", "\"false\""), [""; 0]);
    assert_eq!(found("{}", "\"datadog.nodeLabelsAsTags.a\\\\.b/c\"", "x"), [""; 0]);
    assert_eq!(found("{}", "datadog.env[0].name", "x"), [""; 0]);
    for nowhere in ["datadog..x", "datadog.env[x].y", "datadog.env[7].y", ".", "datadog.x\\"] {
        assert_eq!(found("{}", nowhere, "x"), [""; 0], "{nowhere}");
    }
    let deep = |steps: usize| format!("datadog{}", ".nonsense".repeat(steps - 1));
    assert_eq!([29, 30, 31].map(|steps| found("{}", &deep(steps), "x").len()), [1, 1, 0]);
}

#[test]
fn a_list_that_holds_itself_has_an_end() {
    for text in [
        "&a [*a]\n",
        "&a\napiVersion: v1\nkind: List\nitems: [*a, *a, *a]\n",
        "apiVersion: v1\nkind: List\nitems: &a [{apiVersion: v1, kind: List, items: *a}]\n",
        "&a\napiVersion: v1\nkind: List\nitems: [{<<: *a, kind: List}]\n",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {chart: {spec: {chart: datadog}}, values: &a {datadog: *a}}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {chart: datadog, helm: {values: '&a {datadog: *a}'}}}\n",
    ] {
        assert!(lint(&[SourceFile::new("list.yaml", text)], &ExpectedTarget::default(), &[]).findings.len() < 10);
    }
}

/// `Match *` is narrowed to the tags of pods only where a filter gives no others.
#[test]
fn new_tags_are_not_lost_by_fixing() {
    let mut sources = sources("PF273", "bad");
    sources[0].text =
        sources[0].text.replace("Name cloudwatch_logs\n        Match kube.*", "Name cloudwatch_logs\n        Match *");
    let report = lint(&sources, &ExpectedTarget::default(), &[]);
    let everything: Vec<_> = report.findings.iter().filter(|finding| finding.rule.code == "PF272").collect();
    assert_eq!(everything.len(), 1, "{:?}", codes(&report));
    assert!(everything[0].edits.is_empty() && !everything[0].related.is_empty());
}

/// Manifests that end anywhere: people lint what they are writing.
#[test]
fn what_is_cut_is_looked_at() {
    // A prime, so that other places are met in each file.
    const STEP: usize = 41;
    let of_rules = rules::all().into_iter().map(|rule| sources(rule.code, "bad"));
    for sources in of_rules.chain(kinds().into_iter().map(|(_, sources)| sources)) {
        for source in sources {
            for end in (0..source.text.len()).step_by(STEP).filter(|end| source.text.is_char_boundary(*end)) {
                let cut = [SourceFile::new(&source.name, &source.text[..end])];
                let report = lint(&cut, &ExpectedTarget::default(), &[]);
                assert!(!shown(&report, &cut).is_empty());
            }
        }
    }
}

/// What vendors' own pages have: the guide of EKS, and Datadog's page.
const SAMPLES: [&str; 5] = ["eks-cloudwatch", "eks-filters", "eks-firehose", "eks-opensearch", "seed"];

fn sample(name: &str) -> (Vec<SourceFile>, LintReport) {
    let root = Path::new(testkit::ROOT);
    let path = match name {
        "seed" => root.join("tests/fixtures/generate/logging-seed.yaml"),
        name => fixtures().join(format!("samples/{name}.yaml")),
    };
    let sources = vec![SourceFile::new(&format!("{name}.yaml"), &fs::read_to_string(path).unwrap())];
    let report = lint(&sources, &ExpectedTarget::default(), &[]);
    (sources, report)
}

#[test]
fn samples_of_vendors_have_no_errors() {
    for name in SAMPLES {
        let (sources, report) = sample(name);
        assert_eq!(report.count(Severity::Error), 0, "{}", shown(&report, &sources));
        let written = fs::read_to_string(fixtures().join(format!("samples/{name}.txt"))).unwrap_or_default();
        assert_eq!(shown(&report, &sources), written, "{name}: `just lint-reports` writes it again");
    }
    // No filters, no separator, everything taken, kept for ever.
    assert_eq!(codes(&sample("seed").1), ["PF301", "PF272", "PF246", "PF245"]);
}

/// Writes the reports and the page of rules: `just lint-reports`.
#[test]
#[ignore = "writes files"]
fn write_reports() {
    for rule in rules::all() {
        let (sources, report) = run(rule.code, "bad");
        fs::write(fixtures().join(rule.code).join("report.txt"), shown(&report, &sources)).unwrap();
    }
    for name in SAMPLES {
        let (sources, report) = sample(name);
        fs::write(fixtures().join(format!("samples/{name}.txt")), shown(&report, &sources)).unwrap();
    }
    for (written, sources) in kinds() {
        fs::write(written, found(&sources)).unwrap();
    }
    fs::write(Path::new(testkit::ROOT).join("docs/lint-rules.md"), explain::page()).unwrap();
}
