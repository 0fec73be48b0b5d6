//! Why a pod gets no sidecar: because it has one, because Fargate would not run the pod, or because the Agent would not start.

use serde_json::Value;

use crate::agent::{USER, UserProblem, is_agent_image, user_problem};
use crate::sidecar::SidecarForm;
use crate::workload::WorkloadKind;

/// What a pod must not set to run on Fargate. Source: AWS, Amazon EKS user guide, "Simplify compute management with AWS Fargate".
pub(crate) const HOST_FIELDS: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];

/// Why an object is left alone, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAloneReason {
    pub what: String,
    pub advice: String,
}

impl LeftAloneReason {
    pub(super) fn new(what: &str, advice: &str) -> LeftAloneReason {
        LeftAloneReason { what: what.to_owned(), advice: advice.to_owned() }
    }
}

/// The Agent that a pod has already.
pub(super) fn agent(spec: &Value) -> Option<String> {
    let found = all_containers(spec).find(|container| is_agent(container))?;
    Some(format!("it already has the Agent, as container {}", name(found)))
}

fn is_agent(container: &Value) -> bool {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let mut env = items(container, "env");
    let has_variable = env.any(|one| one.get("name").and_then(Value::as_str) == Some("DD_EKS_FARGATE"));
    [SidecarForm::ByHand, SidecarForm::Injected].iter().any(|form| form.name() == name(container))
        || is_agent_image(image)
        || has_variable
}

/// Whether a pod could run on Fargate, with the Agent.
///
/// Source: AWS, Amazon EKS user guide, "Simplify compute management with AWS Fargate", considerations; Datadog, "Amazon EKS on AWS
/// Fargate", troubleshooting.
pub(super) fn check(kind: &WorkloadKind, spec: &Value, own_user: bool) -> Result<(), LeftAloneReason> {
    if !kind.runs_on_fargate {
        let advice = "add the sidecar to the pods that the DaemonSet serves, or run it on other nodes";
        return Err(LeftAloneReason::new("Fargate does not run DaemonSets", advice));
    }
    for name in HOST_FIELDS {
        if spec.get(name) == Some(&Value::Bool(true)) {
            return Err(LeftAloneReason::new(
                &format!("it sets {name}, which Fargate does not support"),
                "remove it, or keep the pod off Fargate",
            ));
        }
    }
    if let Some(volume) = items(spec, "volumes").find(|volume| volume.get("hostPath").is_some()) {
        let what = format!("volume {} is a hostPath, which Fargate does not support", name(volume));
        return Err(LeftAloneReason::new(&what, "use emptyDir or EFS, or keep the pod off Fargate"));
    }
    for container in all_containers(spec) {
        if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
            let what = format!("container {} is privileged, which Fargate does not support", name(container));
            return Err(LeftAloneReason::new(&what, "remove it, or keep the pod off Fargate"));
        }
        if items(container, "ports").any(|port| port.get("hostPort").is_some_and(|port| *port != 0 && !port.is_null()))
        {
            let what = format!("container {} has a hostPort, which Fargate does not support", name(container));
            return Err(LeftAloneReason::new(&what, "remove it: containerPort is enough"));
        }
    }
    if own_user {
        return Ok(());
    }
    let advice =
        "set it in the securityContext of the containers instead, or run the Agent as its own user with --run-as-agent";
    let user = spec.pointer("/securityContext/runAsUser").and_then(Value::as_i64);
    let must_not_be_root = spec.pointer("/securityContext/runAsNonRoot") == Some(&Value::Bool(true));
    let what = match user_problem(user, must_not_be_root) {
        None => return Ok(()),
        Some(UserProblem::Unknown(user)) => {
            format!("its pods run as user {user}, but the Agent starts only as root or as {USER}")
        }
        Some(UserProblem::StartsAsRoot) => {
            "it sets runAsNonRoot for the pod, but the Agent's image starts as root".to_owned()
        }
        Some(UserProblem::RootAndNotRoot) => {
            "it sets runAsNonRoot and runAsUser: 0 for the pod, so Kubernetes starts none of its containers".to_owned()
        }
    };
    Err(LeftAloneReason::new(&what, advice))
}

fn items<'value>(value: &'value Value, list: &str) -> impl Iterator<Item = &'value Value> {
    value.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn all_containers(spec: &Value) -> impl Iterator<Item = &Value> {
    items(spec, "containers").chain(items(spec, "initContainers"))
}

fn name(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_by_image_name_and_variable() {
        for (image, is) in [
            ("datadog/agent", true),
            ("gcr.io/datadoghq/agent:7.60.0", true),
            ("public.ecr.aws/datadog/agent@sha256:00", true),
            ("localhost:5000/datadog/agent", true),
            ("gcr.io/datadoghq/cluster-agent:7", false),
            ("grafana/agent", false),
            ("agent", false),
        ] {
            assert_eq!(is_agent(&serde_json::json!({ "name": "x", "image": image })), is, "{image}");
        }
        assert!(is_agent(&serde_json::json!({ "name": "datadog-agent-injected" })));
        assert!(is_agent(&serde_json::json!({ "name": "x", "env": [{ "name": "DD_EKS_FARGATE", "value": "true" }] })));
    }

    #[test]
    fn what_fargate_or_the_agent_refuses() {
        for (spec, ok) in [
            (r#"{"securityContext":{"runAsUser":100}}"#, true),
            (r#"{"securityContext":{"runAsUser":100,"runAsNonRoot":true}}"#, true),
            (r#"{"securityContext":{"runAsUser":0}}"#, true),
            (r#"{"securityContext":{"runAsUser":0,"runAsNonRoot":true}}"#, false),
            (r#"{"securityContext":{"runAsUser":null}}"#, true),
            (r#"{"securityContext":{"runAsUser":99}}"#, false),
            (r#"{"securityContext":{"runAsUser":101}}"#, false),
            (r#"{"securityContext":{"runAsNonRoot":true}}"#, false),
            (r#"{"containers":[{"securityContext":{"runAsUser":1000,"privileged":false}}]}"#, true),
            (r#"{"containers":[{"securityContext":{"privileged":true}}]}"#, false),
            (r#"{"initContainers":[{"securityContext":{"privileged":true}}]}"#, false),
            (r#"{"containers":[{"ports":[{"containerPort":80,"hostPort":80}]}]}"#, false),
            (r#"{"hostNetwork":true}"#, false),
            (r#"{"hostPID":true}"#, false),
            (r#"{"hostIPC":true}"#, false),
            (r#"{"hostNetwork":false}"#, true),
            (r#"{"volumes":[{"name":"a","hostPath":{"path":"/"}}]}"#, false),
        ] {
            let spec: Value = serde_json::from_str(spec).unwrap();
            let kind = |name: &str| WorkloadKind::named(name).unwrap();
            assert_eq!(check(kind("Deployment"), &spec, false).is_ok(), ok, "{spec}");
            assert!(check(kind("DaemonSet"), &spec, false).is_err());
        }
        let user: Value = serde_json::from_str(r#"{"securityContext":{"runAsUser":1000}}"#).unwrap();
        assert!(check(WorkloadKind::named("Pod").unwrap(), &user, true).is_ok());
    }
}
