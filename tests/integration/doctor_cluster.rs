//! What `podferry doctor` finds out about the Agents beside the pods, with a `kubectl` that the test writes.

use super::Folder;
use super::doctor::{Datadog, cluster, datadog, doctor, found, good};
use serde_json::{Value, json};
use testkit::moto::TestAccount;

/// Answers as kubectl does. It notes each call in `calls`; the Secrets are files `secret-NAMESPACE-NAME`, and `rights` has a line
/// `USER SUBRESOURCE` for each right. Whoever asks for a Secret as JSON gets its values.
const KUBECTL: &str = r#"
echo "$*" >> calls
case "$1 $2" in
  "get secret")
    case "$*" in *"-o json"*) echo '{"data": {"api-key": "geheim"}}'; exit 0 ;; esac
    if [ -f "secret-$5-$3" ]; then cat "secret-$5-$3"
    else echo "Error from server (NotFound): secrets \"$3\" not found" >&2; exit 1; fi ;;
  "auth can-i")
    printf "Warning: resource 'nodes' is not namespace scoped\n\n" >&2
    if grep -qxF "$7 ${5#--subresource=}" rights; then echo yes; else echo "no - by RBAC"; exit 1; fi ;;
  version*) echo '{"serverVersion": {"major": "1", "minor": "33"}}' ;;
  *) cat "$2.json" ;;
esac
"#;

/// A pod on Fargate; `more` is `namespace`, `account`, `annotations` and the containers' `env`, where there is an Agent.
fn pod(name: &str, more: &Value) -> Value {
    let text = |member: &str, other: &str| more[member].as_str().unwrap_or(other).to_owned();
    let mut annotations = json!({ "Logging": "LoggingEnabled" });
    for (name, value) in more["annotations"].as_object().into_iter().flatten() {
        annotations[name] = value.clone();
    }
    let mut containers = vec![json!({ "name": "app", "image": "shop/app" })];
    if more["env"].is_array() {
        containers.push(json!({
            "name": "datadog-agent-injected", "image": "gcr.io/datadoghq/agent:7", "env": more["env"],
            "volumeMounts": [{ "name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }],
        }));
    }
    json!({
        "metadata": {
            "name": name, "namespace": text("namespace", "shop"), "annotations": annotations,
            "labels": { "eks.amazonaws.com/fargate-profile": "fp", "agent.datadoghq.com/sidecar": "fargate" },
        },
        "spec": { "serviceAccountName": text("account", "default"), "containers": containers },
        "status": { "phase": "Running" },
    })
}

/// A variable that comes from a Secret.
fn of_secret(name: &str, key: &str) -> Value {
    json!({ "name": "DD_X", "valueFrom": { "secretKeyRef": { "name": name, "key": key } } })
}

/// A key that stands in the open, beside the one of a Secret.
fn env() -> Value {
    json!([of_secret("datadog-secret", "api-key"), of_secret("datadog-secret", "token"), { "name": "DD_API_KEY", "value": "geheim" }])
}

fn with(pods: &[Value]) -> Folder {
    let folder = cluster(pods);
    folder.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{KUBECTL}\n"));
    folder.write("rights", "");
    folder
}

/// All rights of an account of the namespace `shop`.
fn rights(account: &str, of_node: &[&str]) -> String {
    of_node.iter().map(|one| format!("system:serviceaccount:shop:{account} {one}\n")).collect()
}

/// What was found of the cluster with a severity.
fn of_cluster(account: &TestAccount, datadog: &Datadog, kubectl: &Folder, code: i32, severity: &str) -> Vec<String> {
    let said = doctor(account, datadog, Some(kubectl), &["--output", "json", "--kubectl-timeout", "2"], code);
    let mut report: Value = serde_json::from_str(&said).unwrap();
    report["findings"].as_array_mut().unwrap().retain(|one| one["area"] == "Cluster");
    found(&report, severity)
}

fn calls(kubectl: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(kubectl.file("calls")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn secrets_and_rights_of_the_agents() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let kubectl = with(&[pod("a", &json!({ "env": env() })), pod("b", &json!({ "env": env(), "account": "web" }))]);
    kubectl.write("secret-shop-datadog-secret", "api-key set\ntoken set\nend");
    let all = ["metrics", "stats", "proxy"];
    kubectl.write("rights", rights("default", &all) + &rights("web", &["metrics", "stats", "pods"]));
    let ok = of_cluster(&account, &datadog, &kubectl, 0, "ok");
    for expected in [
        "Agent sidecars: an Agent is in 2 pods on Fargate (shop/a, shop/b)",
        "Agent secrets: the keys that the Agents need are in shop/datadog-secret",
        "Agent rights: the Agents of shop/default, shop/web may read what they need at the kubelet",
    ] {
        assert!(ok.iter().any(|one| one == expected), "{expected}: {ok:?}");
    }
    // Values of Secrets are never asked for, and `nodes/proxy` would be a node of the name `proxy`.
    let calls = calls(&kubectl);
    assert!(!calls.iter().any(|call| call.starts_with("get secret") && call.contains("-o json")), "{calls:?}");
    assert!(!calls.iter().any(|call| call.contains("nodes/")), "{calls:?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("get secret")).count(), 1, "each Secret once");
    // Without what they need.
    kubectl.write("rights", rights("web", &all));
    kubectl.write("secret-shop-datadog-secret", "api-key set\ntoken empty\nend");
    let wrong = of_cluster(&account, &datadog, &kubectl, 1, "wrong");
    assert_eq!(
        wrong,
        [
            "secret datadog-secret: in namespace shop: its key token is empty, so no Agent starts there",
            "Agent rights: the Agents of shop/default may not get nodes/metrics, nodes/stats, nodes/proxy: they miss metrics, tags or logs \
             of their pods",
        ]
    );
    // Whoever reads logs through the kubelet needs the proxy, whatever the version.
    let logs = json!([{ "name": "DD_LOGS_CONFIG_K8S_CONTAINER_USE_KUBELET_API", "value": "true" }]);
    let kubectl = with(&[pod("a", &json!({ "env": logs }))]);
    kubectl.write("rights", rights("default", &["metrics", "stats", "pods"]));
    let wrong = of_cluster(&account, &datadog, &kubectl, 1, "wrong");
    assert!(wrong.len() == 1 && wrong[0].contains("shop/default may not get nodes/proxy:"), "{wrong:?}");
}

#[test]
fn pods_that_got_no_agent() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let name = |end: &str| format!("internal.agent.datadoghq.com/sidecar-injection-{end}");
    let skipped = json!({ "annotations": { name("status"): "skipped", name("error"): "secret_not_found" }, "namespace": "batch" });
    let kubectl = with(&[pod("a", &skipped), pod("b", &json!({ "namespace": "web" }))]);
    let wrong = of_cluster(&account, &datadog, &kubectl, 1, "wrong");
    assert_eq!(
        wrong,
        [
            "Agent sidecars: the Cluster Agent did not inject an Agent into 1 pod on Fargate (batch/a): their namespace had no Secret \
             datadog-secret",
            "Agent sidecars: nothing injected an Agent into 1 pod on Fargate (web/b), with the label agent.datadoghq.com/sidecar=fargate",
            "secret datadog-secret: in namespaces batch, web: it does not exist, so no Agent starts there",
        ]
    );
}

/// Kubernetes takes any text as the name of a Secret in a variable.
#[test]
fn names_of_secrets_are_no_options_of_kubectl() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    for name in ["--all-namespaces", "-ojson", "a/b", "\u{1b}[31m"] {
        let kubectl = with(&[pod("a", &json!({ "env": [of_secret(name, "k")] }))]);
        let wrong = of_cluster(&account, &datadog, &kubectl, 1, "wrong");
        assert!(wrong[0].contains("it does not exist"), "{wrong:?}");
        assert!(!calls(&kubectl).iter().any(|call| call.starts_with("get secret")), "{name}");
    }
}

#[test]
fn what_may_not_be_asked_is_said_in_one_line() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let forbidden = |what: &str| {
        format!("echo 'Error from server (Forbidden): {what} is forbidden: User \"me\" cannot' >&2; exit 1")
    };
    let script = |namespace: &str, secret: &str, auth: &str| {
        format!(
            "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncase \"$1 $2\" in \"get namespace\") {namespace} ;; \"get secret\") {secret} ;; \"auth can-i\") {auth} \
             ;; *) cat \"$2.json\" ;; esac\n"
        )
    };
    let kubectl = with(&[pod("a", &json!({ "env": env() }))]);
    kubectl.write("kubectl", script(&forbidden("namespaces"), &forbidden("secrets"), &forbidden("serviceaccounts")));
    let said =
        |part: &str| format!("kubectl failed: Error from server (Forbidden): {part} is forbidden: User \"me\" cannot");
    assert_eq!(
        of_cluster(&account, &datadog, &kubectl, 1, "unknown"),
        [
            format!("namespace aws-observability: {}", said("namespaces")),
            format!("Agent secrets: shop/datadog-secret (not checked: {})", said("secrets")),
            format!("Agent rights: shop/default (not checked: {})", said("serviceaccounts")),
        ]
    );
    // Half an answer is none.
    kubectl.write("kubectl", script("cat \"$2.json\"", "echo 'api-key set'", "echo"));
    let unknown = of_cluster(&account, &datadog, &kubectl, 1, "unknown");
    assert_eq!(
        unknown,
        [
            "Agent secrets: shop/datadog-secret (not checked: kubectl did not answer with names of keys)",
            "Agent rights: shop/default (not checked: kubectl failed: nothing)",
        ]
    );
    let list = std::fs::read(kubectl.file("pods.json")).unwrap();
    kubectl.write("pods.json", &list[..list.len() - 10]);
    assert_eq!(
        of_cluster(&account, &datadog, &kubectl, 1, "unknown"),
        ["pods: kubectl did not answer with a whole list of pods"]
    );
    assert_eq!(
        of_cluster(&account, &datadog, &kubectl, 1, "skipped"),
        ["Agent sidecars: not checked: the pods could not be read"]
    );
}

#[test]
fn ten_thousand_pods_and_a_kubectl_that_stops_answering() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let of = |number: usize| {
        let more = json!({ "env": env(), "namespace": format!("n{:02}", number % 25), "account": "sa" });
        pod(&format!("p{number}"), &more)
    };
    let pods: Vec<Value> = (0..10_000).map(of).collect();
    let kubectl = with(&pods);
    let said = |severity: &str, code: i32| of_cluster(&account, &datadog, &kubectl, code, severity);
    let ok = said("ok", 1);
    assert!(
        ok.iter().any(|one| one.ends_with("an Agent is in 10000 pods on Fargate (n00/p0, n01/p1, n02/p2, …)")),
        "{ok:?}"
    );
    assert_eq!(
        said("skipped", 1),
        [
            "Agent secrets: not checked: 5 more, beyond the first 20",
            "Agent rights: not checked: 5 more service accounts, beyond the first 20",
        ]
    );
    // It hangs when it is asked for rights: four wait at once, and the others are not asked.
    let hangs = KUBECTL.replace("\"auth can-i\")", "\"auth can-i\") exec sleep 600;; never)");
    kubectl.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{hangs}\n"));
    let _ = std::fs::remove_file(kubectl.file("calls"));
    let unknown = said("unknown", 1);
    assert_eq!(
        unknown,
        [
            "Agent rights: n00/sa, n01/sa, n02/sa, … (not checked: kubectl did not answer within 2 seconds, and was stopped)"
        ]
    );
    assert_eq!(calls(&kubectl).iter().filter(|call| call.starts_with("auth")).count(), 4);
}

/// A plugin may start a browser, which holds the standard error; and some say very much.
#[test]
fn a_kubectl_that_ended_is_not_waited_for() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let kubectl = with(&[]);
    let holds = "sleep 600 >/dev/null & echo $! >> sleeping; yes warning | head -c 1000000 >&2; cat \"$2.json\"";
    kubectl.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{holds}\n"));
    let note = of_cluster(&account, &datadog, &kubectl, 0, "note");
    for pid in std::fs::read_to_string(kubectl.file("sleeping")).unwrap().lines() {
        std::process::Command::new("kill").arg(pid).status().unwrap();
    }
    assert!(note.iter().any(|one| one.contains("no pod runs on Fargate")), "{note:?}");
}

/// Without its flag kubectl leaves out when an object was changed.
#[test]
fn pods_that_are_older_than_the_last_change() {
    let Some(account) = good() else { return };
    let datadog = datadog(200);
    let mut old = pod("a", &json!({}));
    old["metadata"]["creationTimestamp"] = json!("2026-11-21T00:00:00Z");
    old["metadata"]["labels"]["agent.datadoghq.com/sidecar"] = Value::Null;
    let kubectl = with(&[old]);
    let mut map: Value = serde_json::from_slice(&std::fs::read(kubectl.file("configmap.json")).unwrap()).unwrap();
    map["metadata"]["managedFields"] = json!([{ "time": "2026-11-22T00:00:00Z" }]);
    kubectl.write("managed.json", map.to_string());
    let script = "case \"$*\" in *--show-managed-fields*) cat managed.json ;; *) cat \"$2.json\" ;; esac";
    kubectl.write("kubectl", format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n"));
    let note = of_cluster(&account, &datadog, &kubectl, 0, "note");
    assert!(note[1].contains("started before the last change of the ConfigMap"), "{note:?}");
}
