//! What the doctor asks of the cluster, in which order, and where it stops asking. `aws::health` judges the answers.

use super::kubectl::Kubectl;
use super::report::DoctorReport;
use crate::aws::concurrently::each;
use crate::aws::health::agent_secrets::{self, NeededSecret, SecretKeys};
use crate::aws::health::cluster::{self, CONFIG_MAP, ClusterUnknown, LoggingSeen, NAMESPACE};
use crate::aws::health::finding::{HealthArea, HealthFinding, HealthSeverity};
use crate::aws::health::kubelet_rights::{self, AgentAccount, KubeletRights};
use crate::aws::health::pod_list::{self, FARGATE_LABEL, FargatePod};
use crate::aws::health::{pods, sidecars};
use manifests::lint::project::ExpectedTarget;

/// How many Secrets, and how many service accounts, are asked for: each is one call or some, of a second or so with a credentials
/// plugin.
const MOST: usize = 20;

/// Calls at once. Each is a process, and may start a plugin.
const AT_ONCE: usize = 4;

/// All of the cluster, and what the ConfigMap says, if it could be read.
pub(super) async fn look(
    kubectl: &Kubectl,
    expected: &ExpectedTarget,
    report: &mut DoctorReport,
) -> Option<LoggingSeen> {
    let namespace = kubectl.get(&["namespace", NAMESPACE]).await;
    let finding = cluster::namespace(namespace.as_ref().map(|answer| &answer.value));
    // Another question may be allowed, but where there is no cluster, there is none for it either.
    let is_lost =
        finding.severity == HealthSeverity::Unknown && !matches!(namespace, Err(ClusterUnknown::Forbidden(_)));
    report.add([finding]);
    if is_lost {
        let because = "not checked: the namespace could not be read";
        let rest = [&format!("configmap {CONFIG_MAP}"), "pods", "Agent sidecars"];
        report.add(rest.map(|what| HealthFinding::skipped(HealthArea::Cluster, what, because)));
        return None;
    }
    // Without its flag kubectl leaves out when the object was changed.
    let config_map = kubectl.get(&["configmap", CONFIG_MAP, "-n", NAMESPACE, "--show-managed-fields"]).await;
    report.add(cluster::config_map(config_map.as_ref().map(|answer| answer.text.as_str()), expected));
    let seen_map = config_map.as_ref().ok().map(|answer| &answer.value);
    let logging = seen_map.map(LoggingSeen::read);
    if let Err(ClusterUnknown::Lost(_)) = config_map {
        let because = "not checked: kubectl does not answer any more";
        report.add(["pods", "Agent sidecars"].map(|what| HealthFinding::skipped(HealthArea::Cluster, what, because)));
        return logging;
    }
    let seen = kubectl.get_text(&["pods", "-A", "-l", FARGATE_LABEL]).await.and_then(|list| pod_list::read(&list));
    report.add(pods::judge(seen.as_deref(), seen_map));
    match seen {
        Ok(pods) => of_agents(kubectl, &pods, report).await,
        Err(_) => {
            let because = "not checked: the pods could not be read";
            report.add([HealthFinding::skipped(HealthArea::Cluster, "Agent sidecars", because)]);
        }
    }
    logging
}

/// The Agents beside the pods, what they need, and what they may.
async fn of_agents(kubectl: &Kubectl, pods: &[FargatePod], report: &mut DoctorReport) {
    report.add(sidecars::judge(pods));
    let mut secrets = agent_secrets::needed(pods);
    let left_out = secrets.len().saturating_sub(MOST);
    secrets.truncate(MOST);
    let answers = several(secrets, |secret| keys(kubectl.clone(), secret)).await;
    report.add(agent_secrets::judge(&answers, left_out));
    let mut accounts = kubelet_rights::accounts(pods);
    let left_out = accounts.len().saturating_sub(MOST);
    accounts.truncate(MOST);
    let answers = several(accounts, |account| rights(kubectl.clone(), account)).await;
    // Only where the list of pods is all that the version decides.
    let is_asked = answers.iter().any(|(_, answer)| answer.as_ref().is_ok_and(|rights| rights.pods && !rights.proxy));
    let version = if is_asked { kubectl.version().await.ok() } else { None };
    let minor_version = version.as_deref().and_then(kubelet_rights::minor_version);
    report.add(kubelet_rights::judge(&answers, minor_version, left_out));
}

async fn keys(kubectl: Kubectl, secret: NeededSecret) -> Result<SecretKeys, ClusterUnknown> {
    if !agent_secrets::can_be_asked(&secret) {
        // No Secret can have the name.
        return Err(ClusterUnknown::NotFound);
    }
    kubectl.secret_keys(&secret.namespace, &secret.name).await
}

async fn rights(kubectl: Kubectl, account: AgentAccount) -> Result<KubeletRights, ClusterUnknown> {
    let user = account.user();
    let metrics = kubectl.can_get_of_node(&user, "metrics").await?;
    let stats = kubectl.can_get_of_node(&user, "stats").await?;
    let proxy = kubectl.can_get_of_node(&user, "proxy").await?;
    let pods = proxy || kubectl.can_get_of_node(&user, "pods").await?;
    Ok(KubeletRights { metrics, stats, proxy, pods })
}

/// Asks for each, a few at once. When kubectl does not answer any more, the rest is not asked for.
async fn several<T, R, W>(all: Vec<T>, ask: impl Fn(T) -> W) -> Vec<(T, Result<R, ClusterUnknown>)>
where
    T: Clone,
    R: Send + 'static,
    W: Future<Output = Result<R, ClusterUnknown>> + Send + 'static,
{
    let mut answers: Vec<(T, Result<R, ClusterUnknown>)> = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        let lost = answers.iter().find_map(|(_, answer)| match answer {
            Err(lost @ ClusterUnknown::Lost(_)) => Some(lost.clone()),
            _ => None,
        });
        if let Some(lost) = lost {
            answers.extend(some.iter().map(|one| (one.clone(), Err(lost.clone()))));
            continue;
        }
        let answered = each(some.to_vec(), &ask).await;
        answers.extend(some.iter().cloned().zip(answered));
    }
    answers
}
