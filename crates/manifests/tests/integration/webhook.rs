//! What the Admission Controller makes of a pod, written again from its source and without any of our own code: what `inject` is
//! held against.

use manifests::cluster::ClusterOptions;
use manifests::inject::{InjectOutcome, InjectRequest, Injected, inject};
use manifests::sidecar::Sidecar;
use serde_json::{Value, json};

pub(crate) fn sidecar() -> InjectRequest {
    let cluster = ClusterOptions { cluster: Some("prod".to_owned()), ..ClusterOptions::default() }.check().unwrap();
    let sidecar = Box::new(Sidecar::injected(&cluster));
    InjectRequest::Sidecar { sidecar, service_account: Some("datadog-agent".to_owned()) }
}

pub(crate) fn label() -> InjectRequest {
    let labels = vec![("agent.datadoghq.com/sidecar".to_owned(), "fargate".to_owned())];
    InjectRequest::Labels { labels, own_user: false }
}

/// The documents of a text.
pub(crate) fn read(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn template(object: &mut Value) -> &mut Value {
    match object["kind"].as_str() {
        Some("Pod") => object,
        Some("CronJob") => &mut object["spec"]["jobTemplate"]["spec"]["template"],
        _ => &mut object["spec"]["template"],
    }
}

pub(crate) fn with_label(mut object: Value) -> Value {
    template(&mut object)["metadata"]["labels"]["agent.datadoghq.com/sidecar"] = "fargate".into();
    object
}

/// The object with its sidecar, as `agent_sidecar.go`, `providers.go` and `overrides.go` would have it.
pub(crate) fn with_sidecar(mut object: Value) -> Value {
    let of_job = ["Job", "CronJob"].contains(&object["kind"].as_str().unwrap());
    let spec = &mut template(&mut object)["spec"];
    let secret = |name: &str, key: &str| json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": "datadog-secret", "key": key } } });
    let set = |name: &str, value: &str| json!({ "name": name, "value": value });
    let mut env = vec![
        secret("DD_API_KEY", "api-key"),
        set("DD_SITE", "datadoghq.com"),
        set("DD_CLUSTER_NAME", "prod"),
        json!({ "name": "DD_KUBERNETES_KUBELET_NODENAME", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "spec.nodeName" } } }),
        set("DD_LANGUAGE_DETECTION_ENABLED", "false"),
    ];
    for one in [
        set("DD_CLUSTER_AGENT_ENABLED", "true"),
        secret("DD_CLUSTER_AGENT_AUTH_TOKEN", "token"),
        set("DD_CLUSTER_AGENT_URL", "https://datadog-cluster-agent.datadog.svc.cluster.local:5005"),
        set("DD_ORCHESTRATOR_EXPLORER_ENABLED", "true"),
        set("DD_EKS_FARGATE", "true"),
        set("DD_APM_RECEIVER_SOCKET", "/var/run/datadog/apm.socket"),
        set("DD_DOGSTATSD_SOCKET", "/var/run/datadog/dsd.socket"),
    ] {
        with_override(&mut env, one);
    }
    if of_job {
        with_override(&mut env, set("DD_AUTO_EXIT_NOPROCESS_ENABLED", "true"));
    }
    let mount = json!({ "name": "ddsockets", "mountPath": "/var/run/datadog" });
    for container in spec["containers"].as_array_mut().unwrap() {
        for (name, value) in [
            ("DD_TRACE_AGENT_URL", "unix:///var/run/datadog/apm.socket"),
            ("DD_DOGSTATSD_URL", "unix:///var/run/datadog/dsd.socket"),
        ] {
            with_override(list(&mut container["env"]), set(name, value));
        }
    }
    let size = json!({ "cpu": "200m", "memory": "256Mi" });
    list(&mut spec["containers"]).push(json!({
        "name": "datadog-agent-injected", "image": "gcr.io/datadoghq/agent:7", "imagePullPolicy": "IfNotPresent",
        "env": env, "resources": { "requests": size, "limits": size },
    }));
    for containers in ["containers", "initContainers"] {
        for container in spec.get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = list(&mut container["volumeMounts"]);
            if !mounts.contains(&mount) {
                mounts.push(mount.clone());
            }
        }
    }
    list(&mut spec["volumes"]).push(json!({ "name": "ddsockets", "emptyDir": {} }));
    spec["shareProcessNamespace"] = true.into();
    if spec.get("serviceAccountName").is_none_or(Value::is_null) {
        spec["serviceAccountName"] = "datadog-agent".into();
    }
    object
}

/// As `overrides.go` has it: in the place of the variable with the same name, else before all others.
fn with_override(env: &mut Vec<Value>, one: Value) {
    match env.iter_mut().find(|other| other["name"] == one["name"]) {
        Some(other) => other["value"] = one["value"].clone(),
        None => env.insert(0, one),
    }
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().unwrap()
}

/// Names of the objects that were changed.
pub(crate) fn changed(injected: &Injected) -> Vec<&str> {
    let is_changed = |outcome: &InjectOutcome| matches!(outcome, InjectOutcome::Changed(_));
    injected.objects.iter().filter(|one| is_changed(&one.outcome)).map(|one| one.name.as_str()).collect()
}

/// That a text says what it should afterwards, and that it is done with it.
pub(crate) fn holds(text: &str, want: &InjectRequest, expected: impl Fn(Value) -> Value) -> Injected {
    let out = inject(text, want).unwrap();
    let is_changed = |object: &Value| {
        let mut objects = out.objects.iter().filter(|one| matches!(one.outcome, InjectOutcome::Changed(_)));
        objects.any(|one| object["kind"] == one.kind.as_str() && object["metadata"]["name"] == one.name.as_str())
    };
    let of_object = |object: Value| if is_changed(&object) { expected(object) } else { object };
    let wanted: Vec<Value> = read(text)
        .into_iter()
        .map(|mut document| match document.get_mut("items").and_then(Value::as_array_mut) {
            Some(items) => {
                items.iter_mut().for_each(|item| *item = of_object(item.take()));
                document
            }
            None => of_object(document),
        })
        .collect();
    assert_eq!(read(&out.text), wanted, "{}", out.text);
    let again = inject(&out.text, want).unwrap();
    assert_eq!(again.text, out.text);
    assert!(changed(&again).is_empty());
    out
}
