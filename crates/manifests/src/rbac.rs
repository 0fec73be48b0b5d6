//! What an Agent in a pod may read: the ClusterRole, who has it, and the service accounts.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", "AWS EKS Fargate RBAC".

use crate::agent::item;
use crate::cluster::{Cluster, Missing, Need, is_label, is_name};
use crate::file::GeneratedFile;
use crate::node::{ListItem, Map, Node};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The role's name.
pub(crate) const ROLE: &str = "datadog-agent-fargate";

/// What the Agent reads at the API server: resources and verbs.
pub(crate) const API_READS: (&[&str], &[&str]) = (&["nodes", "namespaces", "endpoints"], &["get", "list"]);
/// What it reads at the kubelet.
pub(crate) const KUBELET_READS: (&[&str], &[&str]) =
    (&["nodes/metrics", "nodes/spec", "nodes/stats", "nodes/proxy", "nodes/pods", "nodes/healthz"], &["get"]);

/// The account that every pod without another one has, and that Kubernetes makes itself.
const DEFAULT: &str = "default";

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RbacOptions {
    /// Service accounts beside the cluster's own: namespace and name.
    pub subjects: Vec<(String, String)>,
    /// Leave the ServiceAccounts out: something else makes them.
    pub without_service_accounts: bool,
}

/// The manifest.
///
/// # Errors
/// [`Missing`], where no namespace is known.
pub fn generate(cluster: &Cluster, options: &RbacOptions) -> Result<GeneratedFile, Missing> {
    if options.subjects.is_empty() {
        cluster.need(&[Need::Namespace])?;
    }
    let mut subjects: Vec<(&str, &str)> = Vec::new();
    let own = cluster.namespaces().iter().map(|namespace| (namespace.as_str(), cluster.service_account()));
    let others = options.subjects.iter().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
    for subject in own.chain(others) {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let accounts = subjects.iter().filter(|(_, name)| *name != DEFAULT && !options.without_service_accounts);
    let documents = accounts.map(|(namespace, name)| service_account(namespace, name));
    let introduction = "What the Datadog Agent in a pod may read, and the service accounts of such pods.\n\
                        To check it: kubectl auth can-i get nodes --subresource=proxy --as system:serviceaccount:NAMESPACE:NAME";
    let documents: Vec<Map> = documents.chain([role(), binding(&subjects)]).collect();
    Ok(GeneratedFile::documents("rbac.yaml", introduction, documents))
}

fn object(api: &str, kind: &str, metadata: Map) -> Map {
    Map::new().with("apiVersion", api).with("kind", kind).with("metadata", metadata)
}

fn service_account(namespace: &str, name: &str) -> Map {
    object("v1", "ServiceAccount", Map::new().with("name", name).with("namespace", namespace))
}

fn role() -> Map {
    let rule = |(resources, verbs): (&[&str], &[&str])| {
        Map::new()
            .with("apiGroups", Node::list([""]))
            .with("resources", Node::list(resources.iter().copied()))
            .with("verbs", Node::list(verbs.iter().copied()))
    };
    let rules = vec![
        item(rule(API_READS)),
        ListItem::with_comment(
            "The kubelet's own API: pods, metrics and, with nodes/proxy, logs.",
            rule(KUBELET_READS),
        ),
    ];
    object(&format!("{GROUP}/v1"), "ClusterRole", Map::new().with("name", ROLE)).with("rules", rules)
}

fn binding(subjects: &[(&str, &str)]) -> Map {
    let subject = |(namespace, name): &(&str, &str)| {
        Map::new().with("kind", "ServiceAccount").with("name", *name).with("namespace", *namespace)
    };
    let role = Map::new().with("apiGroup", GROUP).with("kind", "ClusterRole").with("name", ROLE);
    object(&format!("{GROUP}/v1"), "ClusterRoleBinding", Map::new().with("name", ROLE))
        .with("roleRef", role)
        .with_comment(
            "The pods' own service accounts: the sidecar has no other.",
            "subjects",
            Node::list(subjects.iter().map(subject)),
        )
}

/// `NAMESPACE/NAME` as a pair.
///
/// # Errors
/// What it has to look like.
pub fn subject(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if is_label(namespace) && is_name(name) => Ok((namespace.to_owned(), name.to_owned())),
        _ => Err("must be NAMESPACE/SERVICE-ACCOUNT".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;
    use crate::file::FileContent;

    fn kinds(account: Option<&str>, options: &RbacOptions) -> Vec<String> {
        let namespaces = vec!["shop".to_owned(), "batch".to_owned()];
        let cluster =
            ClusterOptions { namespaces, service_account: account.map(str::to_owned), ..ClusterOptions::default() };
        let file = generate(&cluster.check().unwrap(), options).unwrap();
        let FileContent::Documents { documents, .. } = file.content else { panic!("documents") };
        let values = documents.iter().map(|document| serde_json::to_value(document).unwrap());
        values.map(|value| format!("{} {}", value["kind"].as_str().unwrap(), value["subjects"])).collect()
    }

    #[test]
    fn every_account_is_bound_and_made_once_but_not_default() {
        let options = RbacOptions {
            subjects: vec![("shop".into(), "web".into()), ("ops".into(), "default".into())],
            ..RbacOptions::default()
        };
        assert_eq!(kinds(None, &RbacOptions::default()).len(), 2);
        let kinds = kinds(Some("web"), &options);
        assert_eq!(kinds.iter().filter(|kind| kind.starts_with("ServiceAccount")).count(), 2);
        assert_eq!(kinds[3].matches("\"namespace\"").count(), 3, "{kinds:?}");
    }

    #[test]
    fn accounts_that_others_make_are_left_out() {
        let options = RbacOptions { without_service_accounts: true, ..RbacOptions::default() };
        assert_eq!(kinds(Some("web"), &options).len(), 2);
        assert!(generate(&Cluster::default(), &options).is_err());
    }

    #[test]
    fn pairs() {
        assert_eq!(subject("a/b.c"), Ok(("a".to_owned(), "b.c".to_owned())));
        for wrong in ["a", "/b", "a/", "a/b/c", "A/b", "a.b/c"] {
            assert!(subject(wrong).is_err(), "{wrong}");
        }
    }
}
