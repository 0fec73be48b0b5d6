//! The sidecar as a patch for a workload that is there already.
//!
//! Source: Kubernetes, "Update API Objects in Place Using kubectl patch" (a strategic merge patch: containers, variables and
//! volumes are merged by their names); what is in it is [`crate::sidecar`]'s.

use crate::agent::{all_differ, env, item};
use crate::cluster::{Cluster, Need, Refused, is_label};
use crate::file::GeneratedFile;
use crate::node::{ListItem, Map, Node};
use crate::sidecar::{Sidecar, mount};

/// A patch that adds the sidecar to a workload's pods: `kubectl patch deployment NAME --patch-file sidecar.yaml`.
///
/// # Errors
/// [`Refused`].
pub fn generate(cluster: &Cluster, sidecar: &Sidecar, applications: &[String]) -> Result<GeneratedFile, Refused> {
    cluster.need(&[Need::Cluster])?;
    check(sidecar, applications)?;
    let mut pod = Map::new();
    if let Some(account) = cluster.given_service_account() {
        pod = pod.with_comment(
            "Must be allowed to read from the kubelet: `podferry generate rbac`.",
            "serviceAccountName",
            account,
        );
    }
    if sidecar.shares_processes() {
        pod = pod.with_comment(
            "Lets the Agent see the processes of all containers, and tell which container a metric comes from.",
            "shareProcessNamespace",
            true,
        );
    }
    let applications = applications.iter().map(|name| {
        let variables = sidecar.application_env().into_iter().map(|(name, value)| env(name, &value));
        let mounts = sidecar.application_mounts().into_iter().map(|(volume, path)| mount(volume, path));
        let container = Map::new().with("name", name.as_str()).with("env", Node::list(variables));
        item(container.with("volumeMounts", Node::list(mounts)))
    });
    let containers: Vec<ListItem> = applications.chain([item(sidecar.container())]).collect();
    pod = pod.with("containers", containers);
    let volumes = sidecar.volumes();
    if !volumes.is_empty() {
        pod = pod.with("volumes", Node::list(volumes.into_iter().map(|(_, volume)| volume)));
    }
    let patch = Map::new().with("spec", Map::new().with("template", Map::new().with("spec", pod)));
    let introduction = "The Datadog Agent as a sidecar, as a patch:\n\
                        kubectl patch deployment NAME --namespace NAMESPACE --patch-file sidecar.yaml\n\
                        The namespace needs the Secret datadog-secret (`podferry generate secret`), and the pod's service account needs the \
                        permissions from `podferry generate rbac`.";
    Ok(GeneratedFile::documents("sidecar.yaml", introduction, vec![patch]))
}

fn check(sidecar: &Sidecar, applications: &[String]) -> Result<(), Refused> {
    let wrong = |problem| Err(Refused::Value(problem));
    sidecar.check().map_err(Refused::Value)?;
    if sidecar.sockets == applications.is_empty() {
        return wrong("--sockets and --container go together: only the named containers get the sockets");
    }
    if !applications.iter().all(|name| is_label(name)) {
        return wrong("--container: must be the name of a container in the pod");
    }
    if !all_differ(applications.iter().map(String::as_str).chain([sidecar.form.name()])) {
        return wrong("--container: name each application container once, and not the Agent's");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{IMAGE, image};
    use crate::cluster::ClusterOptions;
    use crate::sidecar::NativeLogs;

    fn cluster() -> Cluster {
        let options = ClusterOptions { cluster: Some("prod".into()), ..ClusterOptions::default() };
        options.check().unwrap()
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let plain = Sidecar::new(&cluster());
        let refused = |sidecar: Sidecar, applications: &[String]| generate(&cluster(), &sidecar, applications).is_err();
        assert!(generate(&Cluster::default(), &plain, &[]).is_err());
        assert!(refused(Sidecar { sockets: true, ..plain.clone() }, &[]));
        assert!(refused(plain.clone(), &["web".to_owned()]));
        assert!(refused(Sidecar { sockets: true, ..plain.clone() }, &["Web".to_owned()]));
        assert!(refused(Sidecar { sockets: true, ..plain.clone() }, &["web", "web"].map(str::to_owned)));
        assert!(refused(Sidecar { sockets: true, ..plain.clone() }, &["datadog-agent".to_owned()]));
        assert!(refused(Sidecar { tags: vec!["a b".into()], ..plain.clone() }, &[]));
        let with = |tag: &str, native_logs| Sidecar { image: image(IMAGE, tag), native_logs, ..plain.clone() };
        for (tag, native_logs, bad) in [
            ("7.17.1", NativeLogs::None, true),
            ("7.18.0", NativeLogs::None, false),
            ("7.70.2", NativeLogs::All, true),
            ("7.71.0", NativeLogs::Annotated, false),
            ("7", NativeLogs::All, false),
            ("7.71.0-jmx", NativeLogs::All, false),
        ] {
            assert_eq!(refused(with(tag, native_logs), &[]), bad, "{tag}");
        }
    }
}
