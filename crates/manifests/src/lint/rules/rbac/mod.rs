//! What sidecars may read: the ClusterRoles that bind their pods' service accounts (`roles`), whether something binds them
//! (`bindings`), and whether Kubernetes takes both (`refused`).
//!
//! A ClusterRole is for sidecars if it is about nodes and bound to the service account of a pod that has one, or gets one. Where no such
//! pod is among the manifests, it is for sidecars by its name: Datadog's page calls it `datadog-agent-fargate`, and called it
//! `datadog-agent` before. Roles of Helm and the Operator, and those of Agents of nodes and the Cluster Agent, are none.

pub(crate) mod bindings;
pub(crate) mod refused;
pub(crate) mod roles;

use std::collections::{HashMap, HashSet};

use crate::lint::access::{Access, Account, Binding, Grants, is_named_for_sidecars};
use crate::lint::pod::PodTemplate;
use crate::lint::project::Project;
use crate::lint::sidecar::{is_injected, sidecars};

const PAGE: &str = "Datadog documentation, \"Amazon EKS on AWS Fargate\", \"AWS EKS Fargate RBAC\"";
const RBAC: &str = "Kubernetes documentation, \"Using RBAC Authorization\"";

/// A service account that Agents beside an application have, or that is bound to what they need.
struct AgentAccount<'r, 'a> {
    account: Account<'a>,
    /// Those that have a sidecar, or get one.
    pods: Vec<PodTemplate<'a>>,
    /// One of them reads logs from the kubelet.
    has_native_logs: bool,
    bindings: Vec<Binding<'a>>,
    grants: Grants<'r, 'a>,
}

/// All of them, and what is for sidecars by its name.
struct Agents<'r, 'a> {
    accounts: Vec<AgentAccount<'r, 'a>>,
    /// Names of ClusterRoles.
    named: HashSet<&'a str>,
    /// A binding that is for sidecars: then those of all sidecars are expected among the manifests.
    binding: Option<Binding<'a>>,
}

impl<'r, 'a> Agents<'r, 'a> {
    fn new(project: &Project<'a>, access: &'r Access<'a>) -> Agents<'r, 'a> {
        let named: HashSet<&str> =
            access.all_roles().filter(|role| role.is_named).filter_map(|role| role.object.name()).collect();
        let mut found = Agents { accounts: Vec::new(), named, binding: None };
        let mut numbers: HashMap<Account<'a>, usize> = HashMap::new();
        for pod in project.pods().filter(|pod| pod.workload.runs_on_fargate) {
            let sidecars = sidecars(&pod);
            if is_injected(&pod) || !sidecars.is_empty() {
                let one = found.account(account_of(&pod), access, &mut numbers);
                one.pods.push(pod);
                one.has_native_logs |= sidecars.iter().any(|sidecar| sidecar.has_native_logs());
            }
        }
        let of_nodes: HashSet<Account<'_>> =
            project.pods().filter(is_of_nodes_itself).map(|pod| account_of(&pod)).collect();
        let is_for_sidecars =
            |binding: &&Binding<'a>| binding.is_of_cluster() && found_role(&found.named, binding).is_some();
        let bound: Vec<Account<'a>> =
            access.bindings().iter().filter(is_for_sidecars).flat_map(Binding::accounts).collect();
        // Where a namespace is not written, any may be meant.
        let is_of_nodes = |account: &Account<'a>| {
            of_nodes.contains(account)
                || of_nodes.contains(&Account { namespace: None, ..*account })
                || (account.namespace.is_none() && of_nodes.iter().any(|one| one.name == account.name))
        };
        for account in bound.into_iter().filter(|account| !is_of_nodes(account)) {
            found.account(account, access, &mut numbers);
        }
        found.binding = found.expected(access);
        found
    }

    fn account(
        &mut self,
        account: Account<'a>,
        access: &'r Access<'a>,
        numbers: &mut HashMap<Account<'a>, usize>,
    ) -> &mut AgentAccount<'r, 'a> {
        let next = self.accounts.len();
        let number = *numbers.entry(account).or_insert(next);
        if number == next {
            let bindings = access.bindings_of(account);
            let grants = access.grants(&bindings);
            self.accounts.push(AgentAccount { account, pods: Vec::new(), has_native_logs: false, bindings, grants });
        }
        &mut self.accounts[number]
    }

    /// Whether a binding is for sidecars by its own name, or its role's.
    fn is_named(&self, binding: &Binding<'_>) -> bool {
        is_named_for_sidecars(&binding.object) || found_role(&self.named, binding).is_some()
    }

    fn expected(&self, access: &Access<'a>) -> Option<Binding<'a>> {
        let named = access.bindings().iter().find(|binding| binding.is_of_cluster() && self.is_named(binding)).copied();
        let reads = |binding: &&Binding<'a>| {
            binding.is_of_cluster()
                && binding.role().is_some_and(|name| access.roles(name).iter().any(|role| role.is_about_kubelet))
        };
        let served = || self.accounts.iter().filter(|one| !one.pods.is_empty());
        named.or_else(|| served().flat_map(|one| &one.bindings).find(reads).copied())
    }
}

fn found_role<'a>(named: &HashSet<&'a str>, binding: &Binding<'a>) -> Option<&'a str> {
    binding.role().filter(|name| named.contains(name))
}

fn account_of<'a>(pod: &PodTemplate<'a>) -> Account<'a> {
    Account { name: pod.service_account(), namespace: pod.object.namespace() }
}

/// Whether a pod is an Agent of a node, or the Cluster Agent.
fn is_of_nodes_itself(pod: &PodTemplate<'_>) -> bool {
    let mut images = pod.containers(false).filter_map(|container| container.get("image")?.text());
    !pod.workload.runs_on_fargate || images.any(|image| image.contains("cluster-agent"))
}
