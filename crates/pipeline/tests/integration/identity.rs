//! Identity and tags: what the Agent's tagger would say of each pod of the corpus, and what no application can change.

use pipeline::tags::TagSettings;
use pipeline::tags::as_tags::AsTags;
use pipeline::{self, PipelineSettings};
use serde_json::{Value, json};
use testkit::events::*;

/// The first log of an event of the corpus.
fn first(path: &str, settings: &PipelineSettings) -> Value {
    let path = format!("{}/tests/fixtures/corpus/{path}.event.json", testkit::ROOT);
    let event = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    logs(&pipeline::process(&event, ARN, settings, OWN_TIMES).unwrap()).remove(0)
}

fn assert_tags(log: &Value, expected: &str) {
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(tags(log), expected);
}

#[test]
fn a_deployments_pod() {
    let log = first("kept/web-nginx", &PipelineSettings::default());
    assert_tags(
        &log,
        "kube_cluster_name:prod-eu kube_namespace:shop pod_name:web-6d4cf56db6-x7k2p kube_container_name:nginx
         display_container_name:nginx_web-6d4cf56db6-x7k2p
         container_id:c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004 container_name:nginx
         eks_fargate_node:fargate-ip-10-0-175-238.eu-west-1.compute.internal kube_distribution:eks
         kube_ownerref_kind:replicaset kube_ownerref_name:web-6d4cf56db6 kube_deployment:web kube_replica_set:web-6d4cf56db6
         image_name:public.ecr.aws/nginx/nginx short_image:nginx image_tag:1.22.1
         image_id:public.ecr.aws/nginx/nginx_sha256:1fc397caa75e275e51766811e4be2ed380a5000d2c154f27c8aac1b8764f0bf0
         env:prod service:storefront version:1.4.2
         kube_app_name:web kube_app_component:frontend kube_app_part_of:storefront tier:edge",
    );
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("nginx"), &json!("storefront")));
    assert_eq!(log.get("hostname"), None);
    assert_eq!(log["aws"]["awslogs"]["logGroup"], GROUP);
    assert_eq!(log["aws"]["invoked_function_arn"], ARN);
    assert_eq!(log["id"].as_str().map(str::len), Some(56));
}

#[test]
fn a_stateful_sets_pod_and_an_image_by_digest() {
    let log = first("parsed/api-api", &PipelineSettings::default());
    assert!(has_tag(&log, "kube_stateful_set:api") && has_tag(&log, "kube_ownerref_kind:statefulset"));
    assert!(has_tag(&log, "short_image:api") && !tags(&log).iter().any(|tag| tag.starts_with("image_tag:")));
    assert!(!tags(&log).iter().any(|tag| tag.starts_with("kube_replica_set:")));
}

#[test]
fn a_cron_jobs_pod() {
    let log = first("parsed/report-report", &PipelineSettings::default());
    for tag in ["kube_job:report-29384160", "kube_cronjob:report", "kube_ownerref_kind:job", "short_image:python"] {
        assert!(has_tag(&log, tag), "{tag}");
    }
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("python"), &json!("python")));
}

#[test]
fn annotations_name_source_service_and_tags() {
    let log = first("parsed/checkout-app", &PipelineSettings::default());
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("java"), &json!("checkout")));
    assert!(has_tag(&log, "cost_center:payments"));
}

#[test]
fn the_streams_name_alone_tells_this_much() {
    let log = first("bare/report-report", &PipelineSettings::default());
    assert_tags(
        &log,
        "kube_namespace:batch pod_name:report-29384160-4kq8z kube_container_name:report
         display_container_name:report_report-29384160-4kq8z
         container_id:05080506753e9ce3b3e8773f35fc94dd35c4043270e29550c7aa187aa3f17a5d container_name:report
         kube_ownerref_kind:job kube_ownerref_name:report-29384160 kube_job:report-29384160 kube_cronjob:report",
    );
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("report"), &json!("report")));
}

fn with(tags: TagSettings) -> PipelineSettings {
    PipelineSettings { tags, ..PipelineSettings::default() }
}

fn one(message: &str, settings: &PipelineSettings) -> Value {
    forward_from(GROUP, &stream(), &[(1, message)], settings).0.remove(0)
}

#[test]
fn the_clusters_name_comes_from_the_record_then_the_settings_then_the_group() {
    let settings = with(TagSettings { cluster_name: Some("from-settings".into()), ..TagSettings::default() });
    let named = r#"{"stream":"stdout","logtag":"F","log":"x","cluster_name":"from-record"}"#;
    let unnamed = r#"{"stream":"stdout","logtag":"F","log":"x"}"#;
    assert!(has_tag(&one(named, &settings), "kube_cluster_name:from-record"));
    assert!(has_tag(&one(unnamed, &settings), "kube_cluster_name:from-settings"));
    assert!(has_tag(&one(unnamed, &PipelineSettings::default()), "kube_cluster_name:prod-eu"));
    let in_tags = with(TagSettings { tags: vec!["kube_cluster_name:tagged".into()], ..TagSettings::default() });
    let log = one(named, &in_tags);
    let names: Vec<_> = tags(&log).into_iter().filter(|tag| tag.starts_with("kube_cluster_name:")).collect();
    assert_eq!(names, ["kube_cluster_name:tagged"]);
}

#[test]
fn settings_have_their_say() {
    let settings = with(TagSettings {
        tags: vec!["team:a".into(), "alone".into()],
        env: Some("staging".into()),
        service: Some("all-of-them".into()),
        source: Some("mine".into()),
        hostname_is_node: true,
        pod_labels: AsTags::parse(r#"{"team":"squad","app.kubernetes.io/*":"%%label%%"}"#).unwrap(),
        pod_annotations: AsTags::parse(r#"{"CapacityProvisioned":"capacity"}"#).unwrap(),
        ..TagSettings::default()
    });
    let log = first("kept/web-nginx", &settings);
    for tag in ["team:a", "alone", "env:prod", "squad:growth", "app.kubernetes.io/name:web", "capacity:0.25vcpu_0.5gb"]
    {
        assert!(has_tag(&log, tag), "{tag}: {:?}", tags(&log));
    }
    // The pod's own environment wins.
    assert!(!has_tag(&log, "env:staging"));
    assert!(has_tag(&first("bare/web-nginx", &settings), "env:staging"));
    let both =
        with(TagSettings { tags: vec!["env:tagged".into()], env: Some("staging".into()), ..TagSettings::default() });
    let tagged = first("bare/web-nginx", &both);
    assert!(has_tag(&tagged, "env:tagged") && !has_tag(&tagged, "env:staging"));
    assert_eq!((&log["ddsource"], &log["service"]), (&json!("mine"), &json!("all-of-them")));
    assert_eq!(log["hostname"], "fargate-ip-10-0-175-238.eu-west-1.compute.internal");
}

#[test]
fn no_application_changes_tags_host_or_service() {
    let settings = with(TagSettings { hostname_is_node: true, ..TagSettings::default() });
    let plain = one(r#"{"stream":"stdout","logtag":"F","log":"x"}"#, &settings);
    for forged in [
        // log_key: the application's own text.
        r#"{"kubernetes":{"pod_name":"x"},"ddtags":"env:x","host":"x"}"#,
        r#"{"kubernetes":{"pod_name":"x","namespace_name":"y","labels":{"tags.datadoghq.com/service":"x"}},"log":"x"}"#,
        r#"{"kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","host":"fargate-x"},"a":1}"#,
        // Merged while the Kubernetes API was denied.
        r#"{"stream":"stdout","logtag":"F","kubernetes":{"pod_name":"x"},"ddtags":"env:x","host":"x","hostname":"x","service":"x","ddsource":"x"}"#,
        r#"{"stream":"stdout","logtag":"F","kubernetes":{"labels":{"tags.datadoghq.com/env":"x"}},"a":1}"#,
        r#"{"stream":"stdout","logtag":"F","kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"other","host":"fargate-x"},"a":1}"#,
        r#"{"stream":"stdout","logtag":"F","k8s_pod_name":"x","k8s_namespace_name":"y","k8s_host":"fargate-x"}"#,
        r#"{"stream":"stdout","logtag":"F","cluster_name":"x","a":1}"#,
        r#"{"stream":"stdout","logtag":"F","log":"{\"cluster_name\":\"x\"}","cluster_name":"x"}"#,
        r#"{"stream":"stdout","logtag":"F","kubernetes_namespace":{"name":"shop","labels":{"a":"b"}},"a":1}"#,
    ] {
        let log = one(forged, &settings);
        for part in ["ddtags", "service", "ddsource", "hostname"] {
            assert_eq!(log[part], plain[part], "{part} of {forged}");
        }
    }
}

#[test]
fn an_applications_members_before_the_filters_change_nothing_either() {
    let settings = PipelineSettings::default();
    let kubernetes = r#""kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{"tags.datadoghq.com/env":"prod"}}"#;
    let honest = one(&format!(r#"{{"stream":"stdout","logtag":"F","a":1,{kubernetes}}}"#), &settings);
    assert!(has_tag(&honest, "env:prod"));
    for forged in [
        format!(r#"{{"stream":"stdout","logtag":"F","cluster_name":"x",{kubernetes}}}"#),
        format!(
            r#"{{"stream":"stdout","logtag":"F","kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{{"tags.datadoghq.com/env":"x"}}}},{kubernetes}}}"#
        ),
        format!(
            r#"{{"stream":"stdout","logtag":"F","ddtags":"env:x","k8s_pod_name":"x","k8s_namespace_name":"x",{kubernetes}}}"#
        ),
    ] {
        let log = one(&forged, &settings);
        assert_eq!(log["ddtags"], honest["ddtags"], "{forged}");
        assert_eq!(log["service"], honest["service"]);
    }
}

#[test]
fn nor_does_an_application_that_takes_the_parsers_names() {
    // Fluent Bit 5.1.1 lets the last of two equal names win, so these records begin with the application's members.
    let kubernetes = r#""kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop"}"#;
    let settings =
        with(TagSettings { namespace_labels: AsTags::parse(r#"{"a":"ns_a"}"#).unwrap(), ..TagSettings::default() });
    let honest = one(&format!(r#"{{"stream":"stdout","logtag":"F","log":"t",{kubernetes}}}"#), &settings);
    for members in [
        r#""log":"t","stream":"stdout","logtag":"F","cluster_name":"evil","kubernetes_namespace":{"labels":{"a":"v"}}"#,
        r#""a":1,"stream":"stdout","logtag":"F","cluster_name":"evil","kubernetes_namespace":{"labels":{"a":"v"}}"#,
        r#""cluster_name":"evil","log":"t","logtag":"F","stream":"stdout""#,
    ] {
        let log = one(&format!("{{{members},{kubernetes}}}"), &settings);
        assert_eq!(log["ddtags"], honest["ddtags"], "{members}");
    }
}

#[test]
fn lifted_metadata_is_the_filters_and_not_the_applications() {
    let lifted = r#""k8s_pod_name":"web-6d4cf56db6-x7k2p","k8s_namespace_name":"shop","k8s_labels":{"tags.datadoghq.com/env":"prod"}"#;
    let settings = PipelineSettings::default();
    let honest = one(&format!(r#"{{"stream":"stdout","logtag":"F","msg":"x",{lifted}}}"#), &settings);
    assert!(has_tag(&honest, "env:prod"));
    for members in [
        r#""a_pod_name":"web-6d4cf56db6-x7k2p","a_namespace_name":"shop","a_labels":{"tags.datadoghq.com/env":"evil"}"#,
        r#""a_pod_name":"db","a_namespace_name":"y""#,
        r#""k8s_annotations":{"ad.datadoghq.com/tags":"{\"env\":\"evil\"}"}"#,
    ] {
        let log = one(&format!(r#"{{"stream":"stdout","logtag":"F",{members},{lifted}}}"#), &settings);
        assert_eq!(log["ddtags"], honest["ddtags"], "{members}");
        let name = members.split('"').nth(1).unwrap();
        assert!(log["message"].as_str().unwrap().contains(name));
    }
}

#[test]
fn a_restarted_container_keeps_its_metadata() {
    // Fluent Bit caches the object, and with it the id of the container before.
    let record = r#"{"stream":"stdout","logtag":"F","log":"x","kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{"tags.datadoghq.com/env":"prod"},"container_name":"nginx","docker_id":"0000000000000000000000000000000000000000000000000000000000000000"}}"#;
    let log = one(record, &PipelineSettings::default());
    assert!(has_tag(&log, "env:prod") && has_tag(&log, &format!("container_id:{ID}")));
}

#[test]
fn only_the_filters_own_namespace_object_counts() {
    let settings =
        with(TagSettings { namespace_labels: AsTags::parse(r#"{"a":"env"}"#).unwrap(), ..TagSettings::default() });
    let forged = r#"{"stream":"stdout","logtag":"F","msg":"x","kubernetes_namespace":{"labels":{"a":"evil"}},"kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop"}}"#;
    let log = one(forged, &settings);
    assert!(!has_tag(&log, "env:evil"));
    assert_eq!(log["message"], r#"{"msg":"x","kubernetes_namespace":{"labels":{"a":"evil"}}}"#);
}

#[test]
fn owner_references_and_rollouts() {
    let record = |owners: &str, labels: &str| {
        format!(
            r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{labels},"ownerReferences":{owners}}}}}"#
        )
    };
    let settings = PipelineSettings::default();
    let rollout = one(
        &record(r#"[{"kind":"ReplicaSet","name":"web-6d4cf56db6"}]"#, r#"{"rollouts-pod-template-hash":"6d4cf56db6"}"#),
        &settings,
    );
    assert!(has_tag(&rollout, "kube_argo_rollout:web") && has_tag(&rollout, "kube_deployment:web"));
    let job = one(&record(r#"[{"kind":"Job","name":"migrate"}]"#, "{}"), &settings);
    assert!(has_tag(&job, "kube_job:migrate") && !tags(&job).iter().any(|tag| tag.starts_with("kube_cronjob:")));
    assert!(!has_tag(&job, "kube_deployment:web"));
    let custom = one(&record(r#"[{"kind":"Workflow","name":"w"}]"#, "{}"), &settings);
    assert!(has_tag(&custom, "kube_ownerref_kind:workflow") && has_tag(&custom, "kube_ownerref_name:w"));
}

#[test]
fn container_and_pod_are_both_tagged_and_the_containers_service_wins() {
    let record = r#"{"stream":"stdout","logtag":"F","log":"x","kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{"tags.datadoghq.com/service":"of-pod","tags.datadoghq.com/nginx.service":"of-container","tags.datadoghq.com/nginx.env":"e"},"annotations":{"ad.datadoghq.com/nginx.tags":"{\"own\":[\"a\",\"b\"]}"},"container_image":"redis"}}"#;
    let log = one(record, &PipelineSettings::default());
    for tag in ["service:of-pod", "service:of-container", "env:e", "own:a", "own:b", "image_tag:latest"] {
        assert!(has_tag(&log, tag), "{tag}");
    }
    assert_eq!((&log["service"], &log["ddsource"]), (&json!("of-container"), &json!("redis")));
}

#[test]
fn never_more_than_a_hundred_tags() {
    let labels: Vec<String> = (0..150).map(|number| format!(r#""label{number}":"v""#)).collect();
    let record = format!(
        r#"{{"stream":"stdout","logtag":"P","log":"x","kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{{{}}}}}}}"#,
        labels.join(",")
    );
    let settings =
        with(TagSettings { pod_labels: AsTags::parse(r#"{"*":"%%label%%"}"#).unwrap(), ..TagSettings::default() });
    let log = one(&record, &settings);
    assert!(tags(&log).len() <= 100 && tags(&log).len() >= 99 && has_tag(&log, "partial:true"));
    assert!(has_tag(&log, "pod_name:web-6d4cf56db6-x7k2p"));
}

#[test]
fn namespace_labels_become_tags() {
    let record = r#"{"stream":"stdout","logtag":"F","log":"x","kubernetes":{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop"},"kubernetes_namespace":{"name":"shop","labels":{"team":"growth"}}}"#;
    let settings = with(TagSettings {
        namespace_labels: AsTags::parse(r#"{"team":"ns_team"}"#).unwrap(),
        ..TagSettings::default()
    });
    assert!(has_tag(&one(record, &settings), "ns_team:growth"));
}

/// A record of a pod with these labels and annotations (JSON), whatever its name.
fn described(pod: &str, labels: &str, annotations: Value) -> Value {
    let annotations = annotations.to_string();
    let message = format!(
        r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{{"pod_name":"{pod}","namespace_name":"shop","pod_id":"0f4e",{labels}"annotations":{annotations},"container_name":"app"}}}}"#
    );
    let stream = format!("kube.var.log.containers.{pod}_shop_app-{ID}.log");
    forward_from(GROUP, &stream, &[(1, &message)], &PipelineSettings::default()).0.remove(0)
}

#[test]
fn labels_refute_what_a_name_suggests() {
    let owners = |pod: &str, labels: &str| {
        let log = described(pod, labels, json!({}));
        tags(&log).into_iter().filter(|tag| tag.starts_with("kube_")).map(str::to_owned).collect::<Vec<_>>()
    };
    let pod = "web-6d4cf56db6-x7k2p";
    let known = |labels: &str| owners(pod, labels).contains(&"kube_deployment:web".to_owned());
    assert!(known(r#""labels":{"pod-template-hash":"6d4cf56db6"},"#) && known(""));
    for labels in [
        r#""labels":{"app":"web"},"#,
        r#""labels":{},"#,
        r#""labels":{"workflows.argoproj.io/workflow":"web"},"#,
        r#""ownerReferences":[],"#,
    ] {
        let found = owners(pod, labels);
        assert!(!found.iter().any(|tag| tag.contains("ownerref") || tag.contains("deployment")), "{labels}: {found:?}");
    }
    // A Job that labels name is read as the Agent reads it, whatever its name.
    let found = owners("import-2024-4kq8z", r#""labels":{"job-name":"import-2024"},"#);
    assert!(found.contains(&"kube_job:import-2024".to_owned()) && found.contains(&"kube_cronjob:import".to_owned()));
}

#[test]
fn container_insights_groups_name_the_cluster() {
    let named = |group: &str| {
        let log = forward_from(group, &stream(), &[(1, "x")], &PipelineSettings::default()).0.remove(0);
        tags(&log).into_iter().find_map(|tag| tag.strip_prefix("kube_cluster_name:")).map(str::to_owned)
    };
    assert_eq!(named("/aws/containerinsights/prod-eu/application").as_deref(), Some("prod-eu"));
    assert_eq!(named("/aws/containerinsights/prod-eu"), None);
    assert_eq!(named("/aws/containerinsight/prod-eu/application"), None);
}

#[test]
fn fluent_bits_own_group_names_the_cluster_behind_any_path() {
    for group in ["prod-eu-fluent-bit-logs", "/teams/shop/prod-eu-fluent-bit-logs"] {
        let log = forward_from(group, "anything", &[(1, r#"{"log":"x"}"#)], &PipelineSettings::default()).0.remove(0);
        assert!(has_tag(&log, "kube_cluster_name:prod-eu"), "{log:#}");
        assert_eq!((&log["ddsource"], &log["message"]), (&json!("fluent-bit"), &json!("x")));
    }
}

#[test]
fn template_variables_without_a_value_are_an_error_and_no_text() {
    for (annotation, value) in [
        ("ad.datadoghq.com/app.logs", r#"[{"source":"java","service":"%%host%%"}]"#),
        ("ad.datadoghq.com/app.logs", r#"[{"source":"java","tags":["port:%%port%%"]}]"#),
        ("ad.datadoghq.com/app.logs", r#"[{"source":"%%env_SOURCE%%"}]"#),
        ("ad.datadoghq.com/app.tags", r#"{"host":"%%hostname%%"}"#),
        ("ad.datadoghq.com/tags", r#"{"pid":["%%pid%%"]}"#),
    ] {
        let log = described("web-0", "", json!({ annotation: value }));
        assert!(has_tag(&log, &format!("podferry_rule_error:{annotation}")), "{value}: {log:#}");
        assert!(!log.to_string().contains("%%") && !log["ddtags"].as_str().unwrap().contains("__"), "{value}: {log:#}");
        assert_eq!((&log["ddsource"], &log["service"]), (&json!("app"), &json!("app")));
    }
    let log = described(
        "web-0",
        "",
        json!({ "ad.datadoghq.com/tags": r#"{"uid":"%%kube_pod_uid%%","own":"%%kube_namespace%%"}"# }),
    );
    assert!(has_tag(&log, "uid:0f4e") && has_tag(&log, "own:shop") && !log.to_string().contains("rule_error"));
}

#[test]
fn a_centralised_log_has_the_account_and_region_that_it_came_from() {
    let message = r#"{"stream":"stdout","logtag":"F","log":"x"}"#;
    let mut content = content(GROUP, &stream(), &[(1, message), (1, message), (1, message)]);
    content["logEvents"][0]["extractedFields"] = json!({ "@aws.account": "444455556666", "@aws.region": "eu-west-1" });
    content["logEvents"][1]["extractedFields"] =
        json!({ "@aws.account": "777788889999", "@aws.region": "us-east-1", "x": "y" });
    let processed = pipeline::process(&event(&content), ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    let found = logs(&processed);
    assert!(has_tag(&found[0], "aws_account:444455556666") && has_tag(&found[0], "region:eu-west-1"), "{found:#?}");
    assert!(has_tag(&found[1], "aws_account:777788889999") && has_tag(&found[1], "region:us-east-1"));
    assert!(!found[2]["ddtags"].as_str().unwrap().contains("aws_account"));
    // No record says so itself.
    let forged = r#"{"stream":"stdout","logtag":"F","log":"x","extractedFields":{"@aws.account":"1"}}"#;
    assert!(!one(forged, &PipelineSettings::default())["ddtags"].as_str().unwrap().contains("aws_account"));
}
