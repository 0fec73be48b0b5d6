//! The Secrets that the Agents beside the pods need: whether they exist, and have the keys. Of keys, only the names are known.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::quoted;
use super::cluster::ClusterUnknown;
use super::finding::{HealthArea, HealthFinding};
use super::pod_list::FargatePod;
use super::pods::{cut, listed};
use manifests::agent::{API_KEY, SECRET, TOKEN};
use manifests::cluster::is_name;

const AREA: HealthArea = HealthArea::Cluster;
const WHAT: &str = "Agent secrets";

/// A Secret, and the keys that have to be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NeededSecret {
    pub(crate) namespace: String,
    pub(crate) name: String,
    keys: BTreeSet<String>,
}

/// The keys of a Secret by their names, and whether each has a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SecretKeys(pub(crate) BTreeMap<String, bool>);

/// How kubectl is to print the keys of a Secret: a line each, and one at the end, by which half an answer is known. No value is printed.
pub(crate) const KEYS_TEMPLATE: &str =
    r#"go-template={{range $name, $value := .data}}{{$name}} {{if $value}}set{{else}}empty{{end}}{{"\n"}}{{end}}end"#;

impl SecretKeys {
    /// What kubectl printed by [`KEYS_TEMPLATE`]; `None` where that is not it, or half of it.
    #[must_use]
    pub(crate) fn read(text: &str) -> Option<SecretKeys> {
        let lines = text.strip_suffix("end")?.lines();
        let key = |line: &str| match line.split_once(' ') {
            Some((name, "set")) => Some((name.to_owned(), true)),
            Some((name, "empty")) => Some((name.to_owned(), false)),
            _ => None,
        };
        lines.map(key).collect::<Option<_>>().map(SecretKeys)
    }
}

/// What the pods need: what their Agents' variables name, and where the webhook injected none, what it looks for.
#[must_use]
pub(crate) fn needed(pods: &[FargatePod]) -> Vec<NeededSecret> {
    let mut needed: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for pod in pods {
        let mut need = |name, key| needed.entry((&pod.namespace, name)).or_default().insert(key);
        if let Some(agent) = &pod.agent {
            for (name, key) in &agent.secrets {
                need(name, key);
            }
        } else if pod.wants_agent || pod.injection.is_some() {
            need(SECRET, API_KEY);
            if pod.injection.as_ref().is_some_and(|note| note.error == "token_not_found") {
                need(SECRET, TOKEN);
            }
        }
    }
    let of = |((namespace, name), keys): ((&str, &str), BTreeSet<&str>)| NeededSecret {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        keys: keys.into_iter().map(str::to_owned).collect(),
    };
    needed.into_iter().map(of).collect()
}

/// Whether kubectl may be asked for it. Kubernetes takes any text as the name in a variable's reference, and kubectl takes some
/// texts for something else.
#[must_use]
pub(crate) fn can_be_asked(secret: &NeededSecret) -> bool {
    is_name(&secret.name) && is_name(&secret.namespace)
}

/// What the answers show. `left_out` were too many to ask for.
#[must_use]
pub(crate) fn judge(
    answers: &[(NeededSecret, Result<SecretKeys, ClusterUnknown>)],
    left_out: usize,
) -> Vec<HealthFinding> {
    let mut well = Vec::new();
    // By the Secret's name and what is wrong: the namespaces.
    let mut wrong: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (secret, answer) in answers {
        let shown = format!("{}/{}", secret.namespace, cut(&secret.name));
        let problem = match answer {
            Ok(keys) => problem(secret, keys),
            Err(ClusterUnknown::NotFound) => Some("it does not exist".to_owned()),
            Err(other) => {
                unknown.entry(other.not_checked()).or_default().push(shown);
                continue;
            }
        };
        match problem {
            Some(problem) => wrong.entry((&secret.name, problem)).or_default().push(&secret.namespace),
            None => well.push(shown),
        }
    }
    let mut found: Vec<HealthFinding> =
        wrong.into_iter().map(|((name, problem), namespaces)| lacking(name, &problem, &namespaces)).collect();
    for (why, secrets) in unknown {
        let fix = "allow `get` on these Secrets for the user of kubectl; only the names of their keys are read";
        found.push(HealthFinding::unknown(AREA, WHAT, format!("{} ({why})", listed(&secrets))).fix(fix));
    }
    if left_out > 0 {
        let why = format!("not checked: {left_out} more, beyond the first {}", answers.len());
        found.push(HealthFinding::skipped(AREA, WHAT, &why));
    }
    if !well.is_empty() {
        let seen = format!("the keys that the Agents need are in {}", listed(&well));
        found.push(HealthFinding::ok(AREA, WHAT, seen));
    }
    found
}

fn problem(secret: &NeededSecret, keys: &SecretKeys) -> Option<String> {
    let with = |state: Option<&bool>| -> Vec<String> {
        secret.keys.iter().filter(|key| keys.0.get(*key) == state).map(|key| cut(key)).collect()
    };
    let (missing, empty) = (with(None), with(Some(&false)));
    match (missing.is_empty(), empty.is_empty()) {
        (false, _) => Some(format!("it has no key {}", missing.join(", "))),
        (true, false) => Some(format!("its key {} is empty", empty.join(", "))),
        (true, true) => None,
    }
}

fn lacking(name: &str, problem: &str, namespaces: &[&str]) -> HealthFinding {
    let shown: Vec<String> = namespaces.iter().map(|namespace| (*namespace).to_owned()).collect();
    let word = if namespaces.len() == 1 { "namespace" } else { "namespaces" };
    let why = format!("in {word} {}: {problem}, so no Agent starts there", listed(&shown));
    let finding = HealthFinding::wrong(AREA, &format!("secret {}", cut(name)), why);
    if name != SECRET {
        return finding.fix("create it, or name the right one in the Agent's variables, then restart the pods");
    }
    let flags: String = namespaces.iter().map(|namespace| format!(" --namespace {}", quoted(namespace))).collect();
    // The token has to be the Cluster Agent's own: another one is refused.
    finding.fix(format!(
        "write it with `podferry generate secret{flags} --token-file FILE`, where FILE has the token of the Cluster Agent, apply it, then \
         restart the pods"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::super::pod_list::{FARGATE_LABEL, read};
    use super::*;
    use serde_json::json;

    fn secret(name: &str, keys: &[&str]) -> NeededSecret {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        NeededSecret { namespace: "shop".into(), name: name.into(), keys }
    }

    #[test]
    fn keys_that_kubectl_prints() {
        let keys =
            |all: &[(&str, bool)]| Some(SecretKeys(all.iter().map(|(name, set)| ((*name).to_owned(), *set)).collect()));
        for (text, expected) in [
            ("api-key set\ntoken empty\nend", keys(&[("api-key", true), ("token", false)])),
            ("end", keys(&[])),
            ("", None),
            ("api-key set\n", None),
            ("api-key geheim\nend", None),
        ] {
            assert_eq!(SecretKeys::read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_pods_need() {
        let pod = |namespace: &str, more: serde_json::Value| {
            let mut pod =
                json!({ "metadata": { "name": "a", "namespace": namespace, "labels": { FARGATE_LABEL: "fp" } } });
            pod["metadata"]["labels"]["agent.datadoghq.com/sidecar"] = more["label"].clone();
            pod["metadata"]["annotations"]["internal.agent.datadoghq.com/sidecar-injection-status"] =
                more["status"].clone();
            pod["metadata"]["annotations"]["internal.agent.datadoghq.com/sidecar-injection-error"] =
                more["error"].clone();
            pod["spec"]["containers"] = more["containers"].clone();
            pod
        };
        let reference = |name: &str, key: &str| json!({ "name": "X", "valueFrom": { "secretKeyRef": { "name": name, "key": key } } });
        let agent = json!([{ "name": "datadog-agent", "env": [reference("mine", "k"), reference("mine", "l")] }]);
        let pods = json!({ "items": [
            pod("shop", json!({ "containers": agent })), pod("shop", json!({ "containers": agent })), pod("batch", json!({ "label": "fargate" })),
            pod("web", json!({ "status": "skipped", "error": "token_not_found" })), pod("none", json!({})),
        ] });
        let of = |namespace: &str, name: &str, keys: &[&str]| NeededSecret {
            namespace: namespace.into(),
            ..secret(name, keys)
        };
        assert_eq!(
            needed(&read(&pods.to_string()).unwrap()),
            [
                of("batch", SECRET, &["api-key"]),
                of("shop", "mine", &["k", "l"]),
                of("web", SECRET, &["api-key", "token"])
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_them() {
        let of = |answer: Result<&str, ClusterUnknown>| {
            let answer = answer.map(|text| SecretKeys::read(text).unwrap());
            let mut found = judge(&[(secret(SECRET, &["api-key", "token"]), answer)], 0);
            let found = found.remove(0);
            (found.severity, found.why)
        };
        let wrong =
            |problem: &str| (HealthSeverity::Wrong, format!("in namespace shop: {problem}, so no Agent starts there"));
        assert_eq!(of(Ok("api-key set\ntoken set\nend")).0, HealthSeverity::Ok);
        assert_eq!(of(Ok("api-key set\nend")), wrong("it has no key token"));
        assert_eq!(of(Ok("end")), wrong("it has no key api-key, token"));
        assert_eq!(of(Ok("api-key empty\ntoken set\nend")), wrong("its key api-key is empty"));
        assert_eq!(of(Err(ClusterUnknown::NotFound)), wrong("it does not exist"));
        let (severity, why) = of(Err(ClusterUnknown::Forbidden("may not".into())));
        assert_eq!((severity, why.as_str()), (HealthSeverity::Unknown, "shop/datadog-secret (not checked: may not)"));
        assert_eq!(judge(&[], 2)[0].why, "not checked: 2 more, beyond the first 0");
    }

    #[test]
    fn names_that_kubectl_would_take_for_something_else() {
        for name in ["--all-namespaces", "-ojson", "a/b", "", "A", "a b"] {
            assert!(!can_be_asked(&secret(name, &[])), "{name}");
        }
        assert!(can_be_asked(&secret("datadog-secret", &[])));
    }
}
