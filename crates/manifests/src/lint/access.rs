//! Who may do what, by what binds it: the ClusterRoles and their bindings, as rules ask for them.
//!
//! Source: Kubernetes documentation, "Using RBAC Authorization"; kubernetes/kubernetes, `pkg/apis/rbac/v1/evaluation_helpers.go`.

use std::collections::{HashMap, HashSet};

use super::node::YamlNode;
use super::object::ManifestObject;
use super::project::Project;
use crate::rbac::{API_READS, KUBELET_READS};

/// ClusterRoles that Kubernetes has of its own, and that say nothing about nodes. Source: Kubernetes documentation, "Using RBAC
/// Authorization".
const BUILT_IN: [&str; 3] = ["admin", "edit", "view"];
/// The one that may do everything.
const EVERYTHING: &str = "cluster-admin";

/// How names of the Agent's roles and bindings begin.
const NAME: &str = "datadog-agent";
/// What Datadog's page calls the role, and called it before.
const NAMES: [&str; 2] = ["datadog-agent-fargate", NAME];
/// What Agents of nodes read of the cluster, as long as no Cluster Agent does.
const OF_NODES: [&str; 4] = ["componentstatuses", "configmaps", "events", "leases"];

/// The group of all service accounts, and how those of one namespace begin.
const ACCOUNTS: &str = "system:serviceaccounts";

/// A service account; where no namespace is written, any may be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: Option<&'a str>,
}

/// A ClusterRoleBinding or a RoleBinding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) object: ManifestObject<'a>,
    /// Which one of [`Access::bindings`] it is.
    pub(crate) number: usize,
}

/// What is known of a ClusterRole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleFacts<'a> {
    pub(crate) object: ManifestObject<'a>,
    /// By its name it is for Agents beside an application.
    pub(crate) is_named: bool,
    /// It has rules about nodes, or parts of them.
    pub(crate) is_about_nodes: bool,
    /// It has rules about what the kubelet answers.
    pub(crate) is_about_kubelet: bool,
    /// Its rules are those of other roles.
    pub(crate) is_put_together: bool,
    /// What it allows.
    pub(crate) reads: Reads,
}

/// What of [`API_READS`] and [`KUBELET_READS`] is allowed: a bit for each verb on each resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads(u32);

/// All that is given of RBAC.
#[derive(Debug, Default)]
pub(crate) struct Access<'a> {
    bindings: Vec<Binding<'a>>,
    /// The names that these have for roles.
    bound: HashSet<&'a str>,
    /// Which bindings name an account, by the account's name.
    by_account: HashMap<&'a str, Vec<usize>>,
    /// Which bindings are for all accounts of a namespace; without one, of all.
    of_groups: HashMap<Option<&'a str>, Vec<usize>>,
    /// Two clusters' manifests may have two roles of one name.
    roles: HashMap<&'a str, Vec<RoleFacts<'a>>>,
    /// The names of all, in order.
    names: Vec<&'a str>,
}

/// What a service account is allowed by ClusterRoles.
#[derive(Debug, Default)]
pub(crate) struct Grants<'r, 'a> {
    /// The ClusterRoles that are among the manifests: for each name those that have it.
    pub(crate) roles: Vec<&'r [RoleFacts<'a>]>,
    /// Some role is not among the manifests, or is put together elsewhere.
    pub(crate) is_unknown: bool,
}

impl<'a> Access<'a> {
    pub(crate) fn new(project: &Project<'a>) -> Access<'a> {
        let mut access = Access::default();
        for object in &project.objects {
            match (object.kind, object.name()) {
                ("ClusterRole", Some(name)) => access.add_role(name, *object),
                ("ClusterRoleBinding" | "RoleBinding", _) => access.add(*object),
                _ => {}
            }
        }
        access
    }

    fn add_role(&mut self, name: &'a str, object: ManifestObject<'a>) {
        let roles = self.roles.entry(name).or_default();
        if roles.is_empty() {
            self.names.push(name);
        }
        roles.push(RoleFacts::new(object));
    }

    fn add(&mut self, object: ManifestObject<'a>) {
        let number = self.bindings.len();
        let binding = Binding { object, number };
        self.bindings.push(binding);
        self.bound.extend(binding.role().filter(|_| binding.is_of_cluster()));
        for subject in binding.subjects() {
            match account_of(subject) {
                Some(account) => self.by_account.entry(account.name).or_default().push(number),
                None => {
                    if let Some(group) = group_of(subject) {
                        let namespace = group.strip_prefix(ACCOUNTS).and_then(|rest| rest.strip_prefix(':'));
                        self.of_groups.entry(namespace).or_default().push(number);
                    }
                }
            }
        }
    }

    /// All bindings.
    pub(crate) fn bindings(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// Whether some ClusterRoleBinding is to a ClusterRole of this name.
    pub(crate) fn is_bound(&self, role: &str) -> bool {
        self.bound.contains(role)
    }

    /// All ClusterRoles that are among the manifests.
    pub(crate) fn all_roles(&self) -> impl Iterator<Item = &RoleFacts<'a>> {
        self.names.iter().flat_map(|name| self.roles(name))
    }

    /// The ClusterRoles of this name.
    pub(crate) fn roles(&self, name: &str) -> &[RoleFacts<'a>] {
        self.roles.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a ClusterRole of this name exists: among the manifests, or in every cluster.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        !self.roles(name).is_empty() || BUILT_IN.contains(&name) || name == EVERYTHING || name.starts_with("system:")
    }

    /// The bindings that an account is in, by its name or by a group.
    pub(crate) fn bindings_of(&self, account: Account<'_>) -> Vec<Binding<'a>> {
        let named = self.by_account.get(account.name).map_or(&[][..], Vec::as_slice);
        let groups: Vec<usize> = match account.namespace {
            Some(_) => [None, account.namespace]
                .iter()
                .filter_map(|group| self.of_groups.get(group))
                .flatten()
                .copied()
                .collect(),
            // Where no namespace is written, any may be meant.
            None => self.of_groups.values().flatten().copied().collect(),
        };
        let mut numbers: Vec<usize> = named.iter().copied().chain(groups).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let bindings = numbers.into_iter().filter_map(|number| self.bindings.get(number)).copied();
        bindings.filter(|binding| binding.subjects().any(|subject| covers(subject, account))).collect()
    }

    /// What ClusterRoleBindings allow who is in them.
    pub(crate) fn grants<'r>(&'r self, bindings: &[Binding<'a>]) -> Grants<'r, 'a> {
        let mut grants = Grants::default();
        let mut seen = HashSet::new();
        let names = bindings.iter().filter(|binding| binding.is_of_cluster()).filter_map(Binding::role);
        for name in names.filter(|name| seen.insert(*name)) {
            let roles = self.roles(name);
            // What every cluster has beside these may allow everything: then there is nothing to say.
            grants.is_unknown |= roles.is_empty() && !BUILT_IN.contains(&name);
            grants.is_unknown |= roles.iter().any(|role| role.is_put_together);
            grants.roles.push(roles);
        }
        grants
    }
}

impl<'a> RoleFacts<'a> {
    fn new(object: ManifestObject<'a>) -> RoleFacts<'a> {
        let rules: Vec<YamlNode<'_>> = object.node.list("rules").collect();
        let has_list = object.node.get("rules").is_some_and(YamlNode::is_list);
        RoleFacts {
            object,
            is_named: is_named_for_sidecars(&object),
            is_about_nodes: rules.iter().any(|rule| is_rule_about_nodes(*rule)),
            is_about_kubelet: rules
                .iter()
                .flat_map(|rule| rule.list("resources"))
                .any(|resource| resource.text().is_some_and(|text| text.starts_with("nodes/"))),
            is_put_together: !has_list || object.node.get("aggregationRule").is_some(),
            reads: Reads::of(&rules),
        }
    }
}

impl<'r, 'a> Grants<'r, 'a> {
    /// All roles, whatever their names are.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'r RoleFacts<'a>> {
        self.roles.iter().copied().flatten()
    }

    /// What is allowed by all but those roles that have the name with this number.
    pub(crate) fn reads_without(&self, number: usize) -> Reads {
        let others = self.roles.iter().enumerate().filter(|(other, _)| *other != number);
        others.flat_map(|(_, roles)| roles.iter()).fold(Reads::default(), |reads, one| reads.and(one.reads))
    }

    /// What is allowed.
    pub(crate) fn reads(&self) -> Reads {
        self.all().fold(Reads::default(), |reads, one| reads.and(one.reads))
    }
}

impl Reads {
    fn of(rules: &[YamlNode<'_>]) -> Reads {
        let allowed = all_reads().filter(|(resource, verb)| rules.iter().any(|rule| allows(*rule, resource, verb)));
        Reads(allowed.fold(0, |bits, (resource, verb)| bits | bit(resource, verb)))
    }

    /// All that is in one of both.
    pub(crate) fn and(self, other: Reads) -> Reads {
        Reads(self.0 | other.0)
    }

    /// Whether one verb on one resource is among it.
    pub(crate) fn has(self, resource: &str, verb: &str) -> bool {
        self.0 & bit(resource, verb) != 0
    }
}

fn all_reads() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |(resources, verbs): (&'static [&'static str], &'static [&'static str])| {
        resources.iter().flat_map(move |resource| verbs.iter().map(move |verb| (*resource, *verb)))
    };
    [API_READS, KUBELET_READS].into_iter().flat_map(of)
}

fn bit(resource: &str, verb: &str) -> u32 {
    let number = all_reads().position(|one| one == (resource, verb)).and_then(|number| u32::try_from(number).ok());
    number.and_then(|number| 1_u32.checked_shl(number)).unwrap_or(0)
}

/// Whether a rule allows one verb on one resource of the core group.
fn allows(rule: YamlNode<'_>, resource: &str, verb: &str) -> bool {
    let has = |list: &str, is: &dyn Fn(&str) -> bool| rule.list(list).filter_map(YamlNode::text).any(is);
    // `*/proxy` is all that have such a part; there is no `nodes/*`.
    let is_part = |given: &str| {
        given.strip_prefix("*/").is_some_and(|part| resource.split_once('/').is_some_and(|(_, own)| own == part))
    };
    rule.get("resourceNames").is_none()
        && has("apiGroups", &|group| group.is_empty() || group == "*")
        && has("resources", &|given| given == "*" || given == resource || is_part(given))
        && has("verbs", &|given| given == "*" || given == verb)
}

/// By its name for sidecars: a role, or a binding.
pub(crate) fn is_named_for_sidecars(object: &ManifestObject<'_>) -> bool {
    let labels = object.node.path(&["metadata", "labels"]);
    let manager = labels.and_then(|labels| labels.get("app.kubernetes.io/managed-by")).and_then(YamlNode::text);
    let Some(name) = object.name() else { return false };
    // Roles of other parts of an installation may begin like it, too.
    let is_it = NAMES.contains(&name)
        || (name.starts_with(NAME)
            && (object.kind != "ClusterRole" || object.node.list("rules").any(is_rule_about_nodes)));
    is_it && manager.is_none_or(|name| name == "kustomize") && !(name == NAME && is_of_nodes(object))
}

/// Whether a role has what only Agents of nodes do: they look after the cluster, and elect one of them for it.
///
/// Source: DataDog/datadog-agent, `Dockerfiles/manifests`.
fn is_of_nodes(role: &ManifestObject<'_>) -> bool {
    role.node.list("rules").any(|rule| {
        let mut resources = rule.list("resources").filter_map(YamlNode::text);
        rule.get("nonResourceURLs").is_some() || resources.any(|resource| OF_NODES.contains(&resource))
    })
}

/// Whether a rule is about nodes, or about a part of them.
pub(crate) fn is_rule_about_nodes(rule: YamlNode<'_>) -> bool {
    rule.list("resources").filter_map(YamlNode::text).any(|resource| resource.split('/').next() == Some("nodes"))
}

impl<'a> Binding<'a> {
    /// Whether it is for the whole cluster: nodes are in no namespace.
    pub(crate) fn is_of_cluster(&self) -> bool {
        self.object.kind == "ClusterRoleBinding"
    }

    /// The ClusterRole that it names.
    pub(crate) fn role(&self) -> Option<&'a str> {
        let of = |key| self.object.node.path(&["roleRef", key]).and_then(YamlNode::text);
        of("name").filter(|_| of("kind").is_none_or(|kind| kind == "ClusterRole"))
    }

    /// The Role that it names, which is in its own namespace.
    pub(crate) fn role_of_namespace(&self) -> Option<&'a str> {
        let of = |key| self.object.node.path(&["roleRef", key]).and_then(YamlNode::text);
        of("name").filter(|_| of("kind") == Some("Role"))
    }

    pub(crate) fn subjects(&self) -> impl Iterator<Item = YamlNode<'a>> {
        self.object.node.list("subjects")
    }

    /// The service accounts that it names.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = Account<'a>> {
        self.subjects().filter_map(account_of)
    }
}

/// The account that a subject is, by its own name or by the user's that it has.
fn account_of(subject: YamlNode<'_>) -> Option<Account<'_>> {
    let text = |key| subject.get(key).and_then(YamlNode::text);
    match text("kind")? {
        "ServiceAccount" => Some(Account { name: text("name")?, namespace: text("namespace") }),
        "User" => {
            let (namespace, name) = text("name")?.strip_prefix("system:serviceaccount:")?.split_once(':')?;
            Some(Account { name, namespace: Some(namespace) })
        }
        _ => None,
    }
}

/// The name of a group that accounts are in.
fn group_of(subject: YamlNode<'_>) -> Option<&str> {
    let text = |key| subject.get(key).and_then(YamlNode::text);
    text("name")
        .filter(|name| text("kind") == Some("Group") && (name.starts_with(ACCOUNTS) || *name == "system:authenticated"))
}

/// Whether a subject is an account, or a group that it is in.
fn covers(subject: YamlNode<'_>, account: Account<'_>) -> bool {
    if let Some(own) = account_of(subject) {
        let is_namespace = own.namespace.is_none() || account.namespace.is_none() || own.namespace == account.namespace;
        return own.name == account.name && is_namespace;
    }
    group_of(subject).is_some_and(|group| match group.strip_prefix(ACCOUNTS) {
        Some("") | None => true,
        Some(rest) => account.namespace.is_none_or(|namespace| rest.strip_prefix(':') == Some(namespace)),
    })
}
