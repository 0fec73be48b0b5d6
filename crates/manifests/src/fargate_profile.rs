//! Which pods run on Fargate: profiles for eksctl.
//!
//! Source: eksctl, "EKS Fargate support"; Amazon EKS User Guide, "Define which Pods use AWS Fargate when launched".

use crate::agent::{all_differ, check_labels};
use crate::cluster::{Cluster, Need, Refused};
use crate::file::GeneratedFile;
use crate::names::without_wildcards;
use crate::node::{Map, Node};

/// How many selectors a profile may have. Source: Amazon EKS User Guide, "Fargate profile components".
pub(crate) const MAX_SELECTORS: usize = 5;
/// How many profiles a cluster may have, and how many labels a selector, unless a quota is raised. Source: AWS General Reference,
/// "Amazon EKS endpoints and quotas".
pub(crate) const MAX_PROFILES: usize = 10;
pub(crate) const MAX_LABELS: usize = 5;

/// Namespaces beside those of the pods that a cluster without other nodes needs on Fargate: of the Cluster Agent, and of CoreDNS.
pub const OF_A_CLUSTER: [&str; 2] = [crate::agent::NAMESPACE, "kube-system"];

/// What there is to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FargateProfileOptions {
    /// The profile's name; those after the first get a number.
    pub name: String,
    /// Of the cluster's namespaces, only pods with all of these labels.
    pub labels: Vec<(String, String)>,
    /// A role that is there already; eksctl makes one otherwise.
    pub pod_execution_role: Option<String>,
    /// Namespaces beside those of the cluster, such as [`OF_A_CLUSTER`].
    pub more_namespaces: Vec<String>,
}

/// The manifest: as many profiles as the namespaces need.
///
/// # Errors
/// [`Refused`].
pub fn generate(cluster: &Cluster, options: &FargateProfileOptions) -> Result<GeneratedFile, Refused> {
    cluster.need(&[Need::Cluster, Need::Region, Need::Namespace])?;
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let name = options.name.as_str();
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && !name.starts_with("eks-");
    if !begins || name.len() > 60 || !name.bytes().all(is_inside) {
        return Err(Refused::Value(
            "--name: must be letters, digits, `-` and `_`, at most 60 characters, and must not start with eks-, which EKS reserves",
        ));
    }
    let plain = |(key, value): &(String, String)| (without_wildcards(key), without_wildcards(value));
    if !all_differ(options.labels.iter().map(|(key, _)| key.as_str())) {
        return Err(Refused::Value("--label: a label has one value, so give each once"));
    }
    check_labels(&options.labels.iter().map(plain).collect::<Vec<_>>()).map_err(Refused::Value)?;
    if options.labels.len() > MAX_LABELS {
        return Err(Refused::Value("--label: EKS allows five labels in a selector"));
    }
    if options.pod_execution_role.as_deref().is_some_and(|role| !is_role(role)) {
        return Err(Refused::Value("--pod-execution-role: must be a role ARN: arn:aws:iam::123456789012:role/…"));
    }
    let selectors = selectors(cluster, options);
    let profiles = selectors.chunks(MAX_SELECTORS).enumerate().map(|(number, selectors)| {
        let name = if number == 0 { name.to_owned() } else { format!("{name}-{}", number + 1) };
        Map::new()
            .with("name", name)
            .with_some("podExecutionRoleARN", options.pod_execution_role.as_deref())
            .with("selectors", Node::list(selectors.iter().map(|(namespace, labels)| selector(namespace, labels))))
    });
    let profiles: Vec<Map> = profiles.collect();
    let config = Map::new()
        .with("apiVersion", "eksctl.io/v1alpha5")
        .with("kind", "ClusterConfig")
        .with("metadata", Map::new().with("name", cluster.name()).with("region", cluster.region()))
        .with_comment(
            "A profile cannot be changed, only replaced, and has at most five selectors.",
            "fargateProfiles",
            Node::list(profiles),
        );
    let introduction = "Pods that run on Fargate: eksctl create fargateprofile --config-file fargate-profile.yaml\n\
                        Only new pods are affected. Fargate does not run DaemonSets.";
    Ok(GeneratedFile::documents("fargate-profile.yaml", introduction, vec![config]))
}

/// What people should know before they apply it: EKS may not allow so many profiles.
pub fn note(cluster: &Cluster, options: &FargateProfileOptions) -> Option<String> {
    let profiles = selectors(cluster, options).len().div_ceil(MAX_SELECTORS);
    (profiles > MAX_PROFILES).then(|| {
        format!(
            "fargate-profile.yaml has {profiles} profiles, but EKS allows {MAX_PROFILES} in a cluster until you have the quota raised (Fargate \
             profiles per cluster); a selector such as `shop-*` takes several namespaces"
        )
    })
}

/// The selectors: a namespace, and labels of its pods.
fn selectors<'o>(
    cluster: &'o Cluster,
    options: &'o FargateProfileOptions,
) -> Vec<(&'o String, &'o [(String, String)])> {
    // The labels are those of the cluster's own pods: CoreDNS has others.
    let own = cluster.namespaces().iter().map(|namespace| (namespace, options.labels.as_slice()));
    let more = options.more_namespaces.iter().map(|namespace| (namespace, [].as_slice()));
    let mut selectors = Vec::new();
    for selector in own.chain(more) {
        if !selectors.contains(&selector) {
            selectors.push(selector);
        }
    }
    selectors
}

fn selector(namespace: &str, labels: &[(String, String)]) -> Map {
    let selector = Map::new().with("namespace", namespace);
    if labels.is_empty() {
        return selector;
    }
    selector.with("labels", labels.iter().fold(Map::new(), |map, (name, value)| map.with(name, value.as_str())))
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "iam", "", account, role] if account.len() == 12 && role.starts_with("role/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;
    use crate::file::FileContent;

    fn generated(namespaces: usize, options: &FargateProfileOptions) -> Result<serde_json::Value, Refused> {
        let cluster = ClusterOptions {
            cluster: Some("prod".into()),
            region: Some("eu-west-1".into()),
            namespaces: (0..namespaces).map(|number| format!("n{number}")).collect(),
            ..ClusterOptions::default()
        };
        let FileContent::Documents { documents, .. } = generate(&cluster.check().unwrap(), options)?.content else {
            panic!("documents")
        };
        Ok(serde_json::to_value(&documents[0]).unwrap()["fargateProfiles"].clone())
    }

    fn named(name: &str) -> FargateProfileOptions {
        FargateProfileOptions {
            name: name.into(),
            labels: Vec::new(),
            pod_execution_role: None,
            more_namespaces: Vec::new(),
        }
    }

    #[test]
    fn five_namespaces_a_profile() {
        for (namespaces, profiles) in [(1, 1), (4, 1), (5, 1), (6, 2), (11, 3)] {
            let generated = generated(namespaces, &named("pods")).unwrap();
            assert_eq!(generated.as_array().unwrap().len(), profiles, "{namespaces}");
        }
        assert_eq!(generated(6, &named("pods")).unwrap()[1]["name"], "pods-2");
        let twice = FargateProfileOptions { more_namespaces: vec!["n0".into(), "datadog".into()], ..named("pods") };
        assert_eq!(generated(1, &twice).unwrap()[0]["selectors"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn labels_are_for_the_clusters_own_pods() {
        let options = FargateProfileOptions {
            labels: vec![("a".into(), "b".into())],
            more_namespaces: vec!["kube-system".into()],
            ..named("a")
        };
        let selectors = generated(1, &options).unwrap()[0]["selectors"].clone();
        assert_eq!(selectors[0]["labels"], serde_json::json!({"a": "b"}));
        assert_eq!(selectors[1], serde_json::json!({"namespace": "kube-system"}));
    }

    #[test]
    fn ten_profiles_a_cluster() {
        let note = |namespaces: usize| {
            let namespaces = (0..namespaces).map(|number| format!("n{number}")).collect();
            note(&ClusterOptions { namespaces, ..ClusterOptions::default() }.check().unwrap(), &named("pods"))
        };
        assert_eq!([note(49), note(50)], [None, None]);
        assert!(note(51).unwrap().contains("has 11 profiles"));
    }

    #[test]
    fn labels_that_eks_takes() {
        let with = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            generated(1, &FargateProfileOptions { labels, ..named("a") }).is_ok()
        };
        for (key, value, ok) in
            [("tier", "web-*", true), ("app.io/t?", "", true), ("a b", "c", false), ("a", "b/c", false)]
        {
            assert_eq!(with(&[(key, value)]), ok, "{key}={value}");
        }
        let many: Vec<(&str, &str)> = ["a", "b", "c", "d", "e", "f"].map(|key| (key, "x")).to_vec();
        assert!(with(&many[..4]) && with(&many[..5]) && !with(&many));
    }

    #[test]
    fn names_and_roles() {
        for name in ["", "eks-a", "-a", "a b", &"a".repeat(61)] {
            assert!(generated(1, &named(name)).is_err(), "{name}");
        }
        assert!(generated(1, &named(&"a".repeat(60))).is_ok());
        assert!(generated(0, &named("a")).is_err());
        let label = ("a".to_owned(), "b".to_owned());
        assert!(generated(1, &FargateProfileOptions { labels: vec![label.clone(), label], ..named("a") }).is_err());
        let with_role = |role: &str| FargateProfileOptions { pod_execution_role: Some(role.into()), ..named("a") };
        assert!(generated(1, &with_role("arn:aws:iam::123456789012:role/pods")).is_ok());
        assert!(generated(1, &with_role("pods")).is_err());
    }
}
