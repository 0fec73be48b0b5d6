//! What the Agents beside the pods may read at the kubelet, by the service accounts of their pods.
//!
//! Source of what is needed for what: Kubernetes, `pkg/kubelet/server/auth.go` and "Kubelet authentication/authorization"; Datadog,
//! "Amazon EKS on AWS Fargate", "AWS EKS Fargate RBAC".

use std::collections::BTreeMap;

use super::cluster::ClusterUnknown;
use super::finding::{HealthArea, HealthFinding};
use super::pod_list::FargatePod;
use super::pods::listed;
use manifests::cluster::is_name;

const AREA: HealthArea = HealthArea::Cluster;
const WHAT: &str = "Agent rights";

/// From this minor version of Kubernetes 1 on, `nodes/pods` is enough for the list of pods; before, that is `nodes/proxy`.
/// Source: Kubernetes, "Feature gates", `KubeletFineGrainedAuthz`.
const FINE_GRAINED_SINCE: u32 = 33;

/// A service account of pods with an Agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentAccount {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// An Agent of it reads logs through the kubelet.
    reads_logs: bool,
}

impl AgentAccount {
    /// Its name as a user. Source: Kubernetes, "Using RBAC Authorization", "Referring to subjects".
    #[must_use]
    pub(crate) fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// What of a node an account may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KubeletRights {
    pub(crate) metrics: bool,
    pub(crate) stats: bool,
    pub(crate) proxy: bool,
    /// Matters only without `proxy`.
    pub(crate) pods: bool,
}

/// The accounts, each once.
#[must_use]
pub(crate) fn accounts(pods: &[FargatePod]) -> Vec<AgentAccount> {
    let mut accounts: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for pod in pods {
        if let Some(agent) = &pod.agent {
            *accounts.entry((&pod.namespace, &pod.service_account)).or_default() |= agent.reads_logs;
        }
    }
    let of = |((namespace, name), reads_logs): ((&str, &str), bool)| AgentAccount {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        reads_logs,
    };
    accounts.into_iter().map(of).filter(|account| is_name(&account.namespace) && is_name(&account.name)).collect()
}

/// The minor version of Kubernetes 1, of what `kubectl version -o json` prints.
#[must_use]
pub(crate) fn minor_version(text: &str) -> Option<u32> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    // Some providers put a plus behind it.
    value["serverVersion"]["minor"].as_str()?.trim_end_matches('+').parse().ok()
}

/// What the answers show. `minor_version` is the cluster's, where it matters and is known; `left_out` were too many to ask for.
#[must_use]
pub(crate) fn judge(
    answers: &[(AgentAccount, Result<KubeletRights, ClusterUnknown>)],
    minor_version: Option<u32>,
    left_out: usize,
) -> Vec<HealthFinding> {
    let mut found = Vec::new();
    let mut well = Vec::new();
    let mut lacking: BTreeMap<Vec<&str>, Vec<&AgentAccount>> = BTreeMap::new();
    let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (account, answer) in answers {
        let shown = account.shown();
        match answer {
            Ok(rights) => match missing(account, *rights, minor_version) {
                missing if missing.is_empty() => well.push(shown),
                missing => lacking.entry(missing).or_default().push(account),
            },
            Err(why) => unknown.entry(why.not_checked()).or_default().push(shown),
        }
    }
    for (missing, accounts) in lacking {
        let why = format!(
            "the Agents of {} may not get {}: they miss metrics, tags or logs of their pods",
            listed(&accounts.iter().map(|account| account.shown()).collect::<Vec<_>>()),
            missing.join(", ")
        );
        found.push(HealthFinding { fix: fix(&missing, &accounts), ..HealthFinding::wrong(AREA, WHAT, why) });
    }
    for (why, accounts) in unknown {
        let fix = "allow `impersonate` on serviceaccounts for the user of kubectl, who then may ask what they may do";
        found.push(HealthFinding::unknown(AREA, WHAT, format!("{} ({why})", listed(&accounts))).fix(fix));
    }
    if left_out > 0 {
        let why = format!("not checked: {left_out} more service accounts, beyond the first {}", answers.len());
        found.push(HealthFinding::skipped(AREA, WHAT, &why));
    }
    if !well.is_empty() {
        let seen = format!("the Agents of {} may read what they need at the kubelet", listed(&well));
        found.push(HealthFinding::ok(AREA, WHAT, seen));
    }
    found
}

fn missing(account: &AgentAccount, rights: KubeletRights, minor_version: Option<u32>) -> Vec<&'static str> {
    let is_fine_grained = minor_version.is_none_or(|minor| minor >= FINE_GRAINED_SINCE);
    // Containers' logs have no part of their own.
    let needs_proxy = account.reads_logs || !(rights.pods && is_fine_grained);
    let needs = [
        ("nodes/metrics", !rights.metrics),
        ("nodes/stats", !rights.stats),
        ("nodes/proxy", !rights.proxy && needs_proxy),
    ];
    needs.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}

/// The role is one for all: what would be applied for these accounts alone could take it from others.
fn fix(missing: &[&str], accounts: &[&AgentAccount]) -> Option<String> {
    let (account, subresource) = (accounts.first()?, missing.first()?.strip_prefix("nodes/")?);
    // `get nodes/proxy` would ask for the node of the name `proxy`. Source: kubernetes/kubectl, `pkg/cmd/auth/cani.go`.
    Some(format!(
        "add them to the subjects of the role that `podferry generate rbac --subject {}` writes; to check: `kubectl auth can-i get nodes \
         --subresource={subresource} --as {}`",
        account.shown(),
        account.user()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::*;

    const ALL: KubeletRights = KubeletRights { metrics: true, stats: true, proxy: true, pods: true };

    fn account(name: &str, reads_logs: bool) -> AgentAccount {
        AgentAccount { namespace: "shop".into(), name: name.into(), reads_logs }
    }

    #[test]
    fn what_is_missing() {
        let without_proxy = KubeletRights { proxy: false, ..ALL };
        for (rights, reads_logs, minor, expected) in [
            (ALL, true, Some(32), vec![]),
            (KubeletRights { pods: false, ..ALL }, false, None, vec![]),
            (without_proxy, false, Some(32), vec!["nodes/proxy"]),
            (without_proxy, false, Some(33), vec![]),
            (without_proxy, false, Some(34), vec![]),
            (without_proxy, false, None, vec![]),
            (without_proxy, true, Some(34), vec!["nodes/proxy"]),
            (KubeletRights { pods: false, ..without_proxy }, false, Some(34), vec!["nodes/proxy"]),
            (KubeletRights { metrics: false, stats: false, ..ALL }, false, None, vec!["nodes/metrics", "nodes/stats"]),
        ] {
            assert_eq!(
                missing(&account("a", reads_logs), rights, minor),
                expected,
                "{rights:?} {reads_logs} {minor:?}"
            );
        }
    }

    #[test]
    fn accounts_with_the_same_answer_are_one_finding() {
        let none = KubeletRights { metrics: false, stats: false, proxy: false, pods: false };
        let mut answers: Vec<_> = ["a", "b", "c", "d"].map(|name| (account(name, false), Ok(none))).into();
        answers.push((account("e", false), Err(ClusterUnknown::Forbidden("may not impersonate".into()))));
        answers.push((account("f", false), Ok(ALL)));
        let found = judge(&answers, None, 3);
        let severities: Vec<HealthSeverity> = found.iter().map(|one| one.severity).collect();
        use HealthSeverity::{Ok as Good, Skipped, Unknown, Wrong};
        assert_eq!(severities, [Wrong, Unknown, Skipped, Good]);
        assert!(
            found[0].why.contains("shop/a, shop/b, shop/c, … may not get nodes/metrics, nodes/stats, nodes/proxy"),
            "{found:?}"
        );
        let fix = found[0].fix.as_ref().unwrap();
        assert!(fix.contains("--subresource=metrics --as system:serviceaccount:shop:a`"), "{fix}");
        assert_eq!(found[1].why, "shop/e (not checked: may not impersonate)");
        assert_eq!(found[2].why, "not checked: 3 more service accounts, beyond the first 6");
    }

    #[test]
    fn versions() {
        for (text, expected) in [
            (r#"{"serverVersion": {"major": "1", "minor": "33+"}}"#, Some(33)),
            (r#"{"serverVersion": {"minor": "32"}}"#, Some(32)),
            (r#"{"clientVersion": {"minor": "32"}}"#, None),
            ("", None),
        ] {
            assert_eq!(minor_version(text), expected, "{text}");
        }
    }
}
