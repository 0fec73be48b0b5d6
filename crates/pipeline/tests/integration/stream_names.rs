//! Names of log streams that can be read in two ways, or that were cut: they speak for nobody, and only a record that agrees with
//! what they can mean tells who wrote.

use std::time::{Duration, Instant};

use pipeline::PipelineSettings;
use serde_json::Value;
use testkit::events::*;

/// A pod that its author named so that the name of its stream ends like that of `payments-0`.
const POD: &str = "a.var.log.containers.payments-0";

fn stream_of(file: &str) -> String {
    format!("from-fluent-bit-kube.var.log.containers.{file}.log")
}

fn one(stream: &str, message: &str) -> Value {
    let (mut logs, _) = forward_from("/eks/shop", stream, &[(1, message)], &PipelineSettings::default());
    assert_eq!(logs.len(), 1, "{logs:#?}");
    logs.remove(0)
}

/// The record of a parsed line with an object of this pod.
fn record(pod: &str, namespace: &str, container: &str) -> String {
    format!(
        r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{{"pod_name":"{pod}","namespace_name":"{namespace}","container_name":"{container}","labels":{{"team":"own"}},"annotations":{{"ad.datadoghq.com/tags":"{{\"of\":\"object\"}}"}}}}}}"#
    )
}

/// Nothing of the log names a pod, a namespace or a container.
fn assert_nobody(log: &Value, why: &str) {
    let names = ["pod_name:", "kube_namespace:", "kube_container_name:", "container_id:", "kube_deployment:", "of:"];
    let found: Vec<&str> = tags(log).into_iter().filter(|tag| names.iter().any(|name| tag.starts_with(name))).collect();
    assert_eq!(found, Vec::<&str>::new(), "{why}: {log}");
}

#[test]
fn a_name_with_two_readings_names_no_pod() {
    let stream = stream_of(&format!("{POD}_shop_app-{ID}"));
    for message in [
        "a bare line",
        r#"{"stream":"stdout","logtag":"F","log":"x"}"#,
        "2026-11-22T20:38:08.236Z stdout F x",
        r#"{"log":"x"}"#,
    ] {
        let log = one(&stream, message);
        assert_nobody(&log, message);
        assert_eq!((log["ddsource"].as_str(), log["status"].as_str()), (Some("kubernetes"), Some("info")), "{log}");
    }
}

#[test]
fn the_record_settles_it_if_it_is_of_the_longest_reading() {
    let stream = stream_of(&format!("{POD}_shop_app-{ID}"));
    let log = one(&stream, &record(POD, "shop", "app"));
    for tag in [&format!("pod_name:{POD}"), "kube_namespace:shop", "kube_container_name:app", "of:object"] {
        assert!(has_tag(&log, tag), "{tag}: {log}");
    }
    // The other reading, and what is none: the namespaces and pods of others.
    for (pod, namespace, container) in [
        ("payments-0", "shop", "app"),
        ("payments-0", "bank", "app"),
        (POD, "bank", "app"),
        (POD, "shop", "other"),
        ("web-0", "shop", "app"),
    ] {
        let log = one(&stream, &record(pod, namespace, container));
        assert_nobody(&log, pod);
        assert_eq!(log["fluent_bit"]["kubernetes"]["pod_name"], pod, "it stays visible");
    }
}

#[test]
fn a_name_that_was_cut_is_no_way_to_any_name() {
    let pod = "p".repeat(130);
    let whole = format!("{pod}_{}_app-one-{ID}", "n".repeat(63));
    let claims = record("payments-0", "bank", "app");
    let lifted =
        r#"{"stream":"stdout","logtag":"F","log":"x","k8s_pod_name":"payments-0","k8s_namespace_name":"bank"}"#;
    for length in [100, pod.len(), pod.len() + 1, pod.len() + 30, pod.len() + 68, whole.len() - 1] {
        let stream = stream_of(&whole[..length]);
        for message in [&claims, lifted] {
            assert_nobody(&one(&stream, message), &stream);
        }
    }
    // As far as it can be read, a record that agrees tells the rest.
    let log = one(&stream_of(&whole[..whole.len() - 20]), &record(&pod, &"n".repeat(63), "app-one"));
    assert!(has_tag(&log, "kube_container_name:app-one") && has_tag(&log, "of:object"), "{log}");
    // CloudWatch Logs takes 512 characters; and what is no name of a file does not become a template.
    for stream in [stream_of(&whole)[..200].to_owned(), stream_of("web_shop"), stream_of("web")] {
        assert_nobody(&one(&stream, &claims), &stream);
    }
}

#[test]
fn the_pieces_of_a_line_are_joined_whoever_wrote_it() {
    let piece = |tag: &str, text: &str| format!(r#"{{"stream":"stdout","logtag":"{tag}","log":"{text}"}}"#);
    let (first, second) = (piece("P", "a"), piece("F", "b"));
    let stream = stream_of(&format!("{POD}_shop_app-{ID}"));
    let (logs, _) = forward_from("/eks/shop", &stream, &[(1, &first), (2, &second)], &PipelineSettings::default());
    assert_eq!((logs.len(), logs[0]["message"].as_str()), (1, Some("ab")), "{logs:?}");
}

/// A name is as long as who invokes the function likes.
#[test]
fn a_long_name_is_read_at_once() {
    for repeated in ["var.log.containers.", "a_", "-", "var.log.containers.a_b_c-1.log"] {
        let stream = repeated.repeat(1_000_000 / repeated.len()) + "var.log.containers.web_shop_app-1.log";
        for group in ["/eks/shop", "prod-fluent-bit-logs"] {
            let started = Instant::now();
            let _ = pipeline::stream::origin(group, &stream);
            assert!(started.elapsed() < Duration::from_secs(1), "{repeated}: {:?}", started.elapsed());
        }
    }
}
