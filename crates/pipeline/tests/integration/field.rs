//! Events modelled on public reports, each with the right result: `tests/fixtures/field/cases` has the event and, beside it, what has to
//! come out and where it was reported.

use pipeline::rules::sample::Sampling;
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

/// The logs of a case.
fn run(name: &str, settings: &PipelineSettings) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/field/cases/{name}.json", testkit::ROOT);
    let content = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    logs(&pipeline::process_content(&content, ARN, settings, OWN_TIMES).unwrap())
}

#[test]
fn a_job_is_not_taken_for_a_deployment() {
    let log = &run("job-taken-for-deployment", &PipelineSettings::default())[0];
    assert!(has_tag(log, "pod_name:import-csv-4kq8z"));
    let owner = |tag: &&str| {
        tag.starts_with("kube_ownerref") || tag.starts_with("kube_deployment") || tag.starts_with("kube_replica")
    };
    assert_eq!(tags(log).into_iter().filter(owner).count(), 0, "{log:#}");
}

#[test]
fn fluent_bits_own_log_in_the_users_group() {
    let found = run("fluent-bits-own-log-in-the-users-group", &PipelineSettings::default());
    let statuses: Vec<&Value> = found.iter().map(|log| &log["status"]).collect();
    assert_eq!(statuses, ["info", "error", "info"]);
    for log in &found {
        assert_eq!((&log["ddsource"], &log["service"]), (&json!("fluent-bit"), &json!("fluent-bit")));
        assert!(has_tag(log, "kube_cluster_name:prod-eu"), "{log:#}");
    }
    assert_eq!(
        found[1]["message"],
        "[2022/02/15 23:52:58] [error] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with error"
    );
}

#[test]
fn template_variables_are_resolved() {
    let log = &run("template-variables", &PipelineSettings::default())[0];
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("java"), &json!("shop-orders")));
    for tag in ["pod:web-6d4cf56db6-x7k2p", "uid:0f4e1a2b-1111-2222-3333-444455556666"] {
        assert!(has_tag(log, tag), "{tag}: {log:#}");
    }
    assert!(!log.to_string().contains("podferry_rule_error"));
}

#[test]
fn a_nested_severity_is_no_info_for_sampling() {
    let mut settings = PipelineSettings::default();
    settings.processing.sampling = Sampling::parse(r#"[{"status":["error"],"rate":1},{"rate":0}]"#).unwrap();
    let found = run("sample-by-nested-severity", &settings);
    assert_eq!(found.len(), 1);
    // Datadog reads it from the text.
    assert_eq!(found[0].get("status"), None);
}

#[test]
fn the_head_of_a_plain_line_is_its_status_where_that_is_set() {
    let mut settings = PipelineSettings::default();
    let status = |settings: &PipelineSettings, text: &str| {
        let message = json!({ "stream": "stderr", "logtag": "F", "log": text }).to_string();
        forward_from(GROUP, &stream(), &[(1, &message)], settings).0[0].get("status").cloned()
    };
    assert_eq!(status(&settings, "INFO:root:x"), Some(json!("error")));
    settings.processing.status_from_text = true;
    assert_eq!(status(&settings, "INFO:root:x"), Some(json!("info")));
    assert_eq!(status(&settings, "W1122 10:15:30.123456       1 main.go:5] slow"), Some(json!("warn")));
    assert_eq!(status(&settings, "nothing of the kind"), Some(json!("error")));
    assert_eq!(status(&settings, r#"{"level":"info"}"#), None);
    // Sampling goes by the same status.
    settings.processing.sampling = Sampling::parse(r#"[{"status":"info","rate":0}]"#).unwrap();
    let message = json!({ "stream": "stderr", "logtag": "F", "log": "INFO:root:x" }).to_string();
    assert_eq!(forward_from(GROUP, &stream(), &[(1, &message)], &settings).1.sampled, 1);
}
