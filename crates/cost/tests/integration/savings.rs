//! What is proposed is right: filters and rules hit what they are said to, and are what Fluent Bit, EKS and the function take.

use regex::Regex;
use serde_json::json;

use super::{CONTAINERS, billed, corpus, counted, messages};
use cost::bill::{BillTerms, MonthScale};
use cost::findings::{Coverage, Findings};
use cost::prices::{AWS_GB, DatadogPrices, LogClass, LogPrices};
use cost::savings::{Saving, SavingKind, savings};
use cost::tally::{Tally, TallyEvent};
use manifests::FileContent;
use manifests::cluster::ClusterOptions;
use manifests::lint::{self, source::SourceFile};
use manifests::logging::{self, LoggingOptions};
use pipeline::rules::parse;

const STREAM: &str = "fargate/kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log";

fn terms(findings: &Findings) -> BillTerms {
    BillTerms {
        prices: LogPrices::of("us-east-1", LogClass::Standard),
        retention_days: Some(7),
        scale: MonthScale::of(findings, Some(1000.0), None),
        datadog: None,
    }
}

/// A fleet with the usual noise.
fn noisy() -> (Vec<String>, Findings) {
    let mut lines = Vec::new();
    for number in 0..300 {
        lines.push(format!(r#"10.0.0.{number} - - [x] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.31""#));
        lines.push(format!("2026-11-22 19:30:54,491 DEBUG [cache] hit for key {number}"));
        lines.push(format!(r#"{{"level":"info","msg":"order accepted","id":{number}}}"#));
        lines.push(format!("INFO [pay] payment {number} is the customer's"));
        lines.push(format!("ERROR [pay] payment {number} failed"));
    }
    let mut tally = Tally::new("/aws/eks/prod/fargate", true);
    for text in &lines {
        let message = json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string();
        tally.add(&TallyEvent { stream: STREAM, timestamp: 0, message: &message });
    }
    (lines, tally.finish(Coverage::Whole { seconds: None }))
}

fn snippet<'s>(saving: &'s Saving, place: &str) -> &'s str {
    &saving.snippets.iter().find(|one| one.place.contains(place)).unwrap().text
}

fn drops(found: &[Saving]) -> Vec<&Saving> {
    found.iter().filter(|one| one.kind == SavingKind::Drop).collect()
}

#[test]
fn a_filter_saves_the_bytes_of_the_lines_that_it_hits() {
    let (lines, findings) = noisy();
    let terms = terms(&findings);
    let found = savings(&findings, &terms);
    assert!(drops(&found).len() >= 4, "{found:#?}");
    assert!(!drops(&found).iter().any(|one| one.what.contains("ERROR")), "nobody is told to drop errors");
    for saving in drops(&found) {
        let expression = Regex::new(saving.expression.as_deref().unwrap()).unwrap();
        let hit: Vec<String> = lines
            .iter()
            .filter(|line| expression.is_match(line))
            .map(|line| json!({ "stream": "stdout", "logtag": "F", "log": line }).to_string())
            .collect();
        let bytes = billed(hit.iter().map(String::as_str));
        let month = bytes as f64 / findings.total.billed as f64 * 1000.0;
        let dollars = month * 0.50 + month * 0.15 * (7.0 / 30.0) * 0.03;
        assert!((saving.aws - dollars).abs() <= dollars / 100.0, "{}: {} and {dollars}", saving.what, saving.aws);
    }
}

#[test]
fn filters_are_what_eks_and_the_linter_take() {
    let (_, findings) = noisy();
    let contents = CONTAINERS.map(|container| corpus("kept", container));
    for findings in [findings, counted(&contents)] {
        for saving in drops(&savings(&findings, &terms(&findings))) {
            let expression = saving.expression.clone().unwrap();
            let cluster = ClusterOptions {
                cluster: Some("prod".into()),
                region: Some("eu-west-1".into()),
                account: Some("111122223333".into()),
                ..ClusterOptions::default()
            };
            let options = LoggingOptions { drop_patterns: vec![expression.clone()], ..LoggingOptions::default() };
            let (file, _) = logging::generate(&cluster.check().unwrap(), &options).unwrap();
            let FileContent::Documents { introduction, documents } = file.content else { panic!("no documents") };
            let text = manifests::yaml::write(&introduction, &documents);
            // What is shown is what is generated, but for the indentation of a ConfigMap.
            for line in snippet(saving, "filters.conf").lines() {
                assert!(text.lines().any(|generated| generated.trim() == line.trim()), "{line}\n{text}");
            }
            let report = lint::lint(&[SourceFile::new("logging.yaml", &text)], &Default::default(), &[]);
            assert!(report.findings.is_empty(), "{expression}: {:?}", report.findings);
        }
    }
}

#[test]
fn rules_hit_what_the_filter_hits() {
    let (lines, findings) = noisy();
    let datadog = Some(DatadogPrices { ingested_per_gb: 0.1, indexed_per_million: 1.7 });
    for saving in drops(&savings(&findings, &BillTerms { datadog, ..terms(&findings) })) {
        let rules: serde_json::Value =
            serde_json::from_str(snippet(saving, "DD_LOGS_CONFIG_PROCESSING_RULES")).unwrap();
        let annotation = snippet(saving, "annotation").strip_prefix("ad.datadoghq.com/nginx.logs: '").unwrap();
        let annotation = annotation.strip_suffix('\'').unwrap().replace("''", "'");
        let annotation: serde_json::Value = serde_json::from_str(&annotation).unwrap();
        assert_eq!(annotation[0]["log_processing_rules"], rules);
        let set = parse::text(&rules.to_string());
        assert!(set.errors.is_empty(), "{:?}", set.errors);
        let expression = Regex::new(saving.expression.as_deref().unwrap()).unwrap();
        let mut settings = pipeline::PipelineSettings::default();
        settings.processing.first = std::sync::Arc::new(set);
        settings.processing.auto_multi_line = false;
        let content = json!({
            "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/g", "logStream": STREAM, "subscriptionFilters": [],
            "logEvents": lines.iter().enumerate().map(|(number, line)| json!({
                "id": number.to_string(), "timestamp": 0,
                "message": json!({ "stream": "stdout", "logtag": "F", "log": line }).to_string(),
            })).collect::<Vec<_>>(),
        });
        let processed = pipeline::process_content(&content.to_string(), "", &settings, None).unwrap();
        let hit = lines.iter().filter(|line| expression.is_match(line)).count();
        assert_eq!(processed.counts.excluded, hit, "{}", saving.what);
    }
}

/// A rule sees `Checkout charge` with the line that follows it; the filter sees it alone.
#[test]
fn no_rule_is_proposed_where_lines_are_joined() {
    let mut tally = Tally::new("/aws/eks/prod-eu/fargate", true);
    super::add(&mut tally, &corpus("kept", "checkout-app"));
    let findings = tally.finish(Coverage::Whole { seconds: None });
    assert!(findings.total.logs * 2 < findings.total.lines);
    let datadog = Some(DatadogPrices { ingested_per_gb: 0.1, indexed_per_million: 1.7 });
    let found = savings(&findings, &BillTerms { datadog, ..terms(&findings) });
    assert!(!drops(&found).is_empty());
    for saving in drops(&found) {
        assert!(saving.snippets.iter().all(|one| !one.place.contains("Datadog")), "{saving:?}");
    }
}

#[test]
fn a_sample_is_what_the_function_takes() {
    let (_, findings) = noisy();
    let datadog = Some(DatadogPrices { ingested_per_gb: 0.1, indexed_per_million: 1.7 });
    let found = savings(&findings, &BillTerms { datadog, ..terms(&findings) });
    let sample = found.iter().find(|one| one.kind == SavingKind::Sample).unwrap();
    assert!(pipeline::rules::sample::Sampling::parse(snippet(sample, "PODFERRY_SAMPLE")).is_ok());
    assert_eq!(findings.total.logs, findings.total.lines, "no line goes on with another");
    let factor = 1000.0 * AWS_GB / findings.total.billed as f64;
    let indexed = findings.total.lines as f64 * factor / 1e6 * 1.7;
    let ingested = findings.total.datadog as f64 * factor / 1e9 * 0.1;
    let dollars = (indexed + ingested) * 0.9;
    assert!((sample.datadog - dollars).abs() <= dollars / 100.0, "{} and {dollars}", sample.datadog);
    assert_eq!(sample.aws, 0.0);
}

#[test]
fn the_preset_saves_the_metadata_and_is_not_proposed_where_it_is_used() {
    let of = |shape: &str| {
        let findings = counted(&CONTAINERS.map(|container| corpus(shape, container)));
        let found = savings(&findings, &terms(&findings));
        found.iter().filter(|one| one.kind == SavingKind::Preset).map(|one| one.what.clone()).collect::<Vec<_>>()
    };
    assert!(of("kept").iter().any(|what| what.contains("compact")));
    assert!(!of("once").iter().any(|what| what.contains("compact")));
    let kept: u64 = CONTAINERS.iter().map(|container| billed(messages(&corpus("kept", container)))).sum();
    let findings = counted(&CONTAINERS.map(|container| corpus("kept", container)));
    assert_eq!(findings.total.billed, kept);
}

/// Lines as each preset writes them, with what is read of them.
fn written_as(shape: &str) -> Findings {
    let mut tally = Tally::new("/aws/eks/prod/fargate", false);
    let kubernetes = json!({ "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "container_name": "nginx", "labels": {} });
    for number in 0..100 {
        let message = match shape {
            "unparsed" => format!(
                r#"{{"log":"2026-11-22T20:37:50.251537818Z stdout F payment {number} was accepted","kubernetes":{kubernetes}}}"#
            ),
            "seed" => format!(r#"{{"log":"2026-11-22T20:37:50.251537818Z stdout F payment {number} was accepted"}}"#),
            "lean" => format!(r#"{{"stream":"stdout","logtag":"F","log":"payment {number} was accepted"}}"#),
            "standard" => format!(
                r#"{{"stream":"stdout","logtag":"F","log":"payment {number} was accepted","kubernetes":{kubernetes},"cluster_name":"prod-eu"}}"#
            ),
            "merged" => format!(
                r#"{{"stream":"stdout","logtag":"F","level":"info","msg":"payment was accepted","id":{number},"kubernetes":{kubernetes}}}"#
            ),
            _ if number == 0 => format!(r#"{{"kubernetes":{kubernetes},"cluster_name":"prod-eu"}}"#),
            _ => format!(r#"{{"stream":"stdout","logtag":"F","log":"payment {number} was accepted"}}"#),
        };
        tally.add(&TallyEvent { stream: STREAM, timestamp: 0, message: &message });
    }
    tally.finish(Coverage::Whole { seconds: None })
}

/// `generate logging` without a preset writes `standard`: of lean lines that would make seven times the bytes, to save a few.
#[test]
fn a_filter_keeps_the_preset_that_is_there() {
    for (shape, preset) in [
        ("standard", "standard"),
        ("merged", "merged"),
        ("lean", "lean"),
        ("compact", "compact"),
        ("seed", "lean"),
        ("unparsed", "merged"),
    ] {
        let findings = written_as(shape);
        let found = savings(&findings, &terms(&findings));
        let drop = *drops(&found).first().unwrap();
        let command = &drop.snippets.iter().find(|one| one.text.starts_with("podferry ")).unwrap().text;
        assert!(
            command.starts_with(&format!("podferry generate logging --preset {preset} --drop-pattern '")),
            "{command}"
        );
        // A filter alone would see containerd's prefix, which the expression knows nothing of.
        let has_filter = drop.snippets.iter().any(|one| one.text.contains("[FILTER]"));
        assert_eq!(has_filter, !["seed", "unparsed"].contains(&shape), "{drop:?}");
    }
}

/// The filter stands before the one that parses JSON, and sees the blanks that the application wrote.
#[test]
fn a_filter_hits_json_as_it_was_written() {
    let findings = written_as("merged");
    let found = savings(&findings, &terms(&findings));
    let filter = snippet(drops(&found).first().unwrap(), "filters.conf");
    let expression = Regex::new(filter.split_once("Exclude log ").unwrap().1).unwrap();
    for line in [
        r#"{"level":"info","msg":"payment was accepted","id":7}"#,
        r#"{"level": "info", "msg": "payment was accepted", "id": 7}"#,
    ] {
        assert!(expression.is_match(line), "{expression} {line}");
    }
    assert!(!expression.is_match(r#"{"level": "info", "msg": "another", "id": 7}"#));
}
