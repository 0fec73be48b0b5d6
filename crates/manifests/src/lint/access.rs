//! Who may do what, by what binds it: the ClusterRoles and their bindings, as rules ask for them. A role's name says nothing.
//!
//! Source: Kubernetes documentation, "Using RBAC Authorization"; kubernetes/kubernetes, `pkg/apis/rbac/v1/evaluation_helpers.go`.

use std::collections::{HashMap, HashSet};

use super::node::YamlNode;
use super::object::ManifestObject;
use super::project::Project;

/// ClusterRoles that Kubernetes has of its own, and that say nothing about nodes. Source: Kubernetes documentation, "Using RBAC
/// Authorization".
const BUILT_IN: [&str; 3] = ["admin", "edit", "view"];
/// The one that may do everything.
const EVERYTHING: &str = "cluster-admin";

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

/// All that is given of RBAC.
#[derive(Debug, Default)]
pub(crate) struct Access<'a> {
    bindings: Vec<Binding<'a>>,
    /// The names that these have for roles.
    bound: HashSet<&'a str>,
    /// Which bindings name an account, by the account's name.
    by_account: HashMap<&'a str, Vec<usize>>,
    /// Which bindings are for groups.
    of_groups: Vec<usize>,
    /// Two clusters' manifests may have two roles of one name.
    roles: HashMap<&'a str, Vec<ManifestObject<'a>>>,
}

/// What a service account is allowed by ClusterRoles.
#[derive(Debug, Default)]
pub(crate) struct Grants<'a> {
    /// The ClusterRoles that are among the manifests.
    pub(crate) roles: Vec<ManifestObject<'a>>,
    /// Some role is not among the manifests, or is put together elsewhere.
    pub(crate) is_unknown: bool,
}

impl<'a> Access<'a> {
    pub(crate) fn new(project: &Project<'a>) -> Access<'a> {
        let mut access = Access::default();
        for object in &project.objects {
            match (object.kind, object.name()) {
                ("ClusterRole", Some(name)) => access.roles.entry(name).or_default().push(*object),
                ("ClusterRoleBinding" | "RoleBinding", _) => access.add(*object),
                _ => {}
            }
        }
        access
    }

    fn add(&mut self, object: ManifestObject<'a>) {
        let number = self.bindings.len();
        let binding = Binding { object, number };
        self.bindings.push(binding);
        self.bound.extend(binding.role().filter(|_| binding.is_of_cluster()));
        for subject in binding.subjects() {
            match account_of(subject) {
                Some(account) => self.by_account.entry(account.name).or_default().push(number),
                None if group_of(subject).is_some() => self.of_groups.push(number),
                None => {}
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

    /// The ClusterRoles of this name.
    pub(crate) fn roles(&self, name: &str) -> &[ManifestObject<'a>] {
        self.roles.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a ClusterRole of this name exists: among the manifests, or in every cluster.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        !self.roles(name).is_empty() || BUILT_IN.contains(&name) || name == EVERYTHING || name.starts_with("system:")
    }

    /// The bindings that an account is in, by its name or by a group.
    pub(crate) fn bindings_of(&self, account: Account<'_>) -> impl Iterator<Item = Binding<'a>> {
        let named = self.by_account.get(account.name).map_or(&[][..], Vec::as_slice);
        let mut numbers: Vec<usize> = named.iter().chain(&self.of_groups).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let bindings = numbers.into_iter().filter_map(|number| self.bindings.get(number)).copied();
        bindings.filter(move |binding| binding.subjects().any(|subject| covers(subject, account)))
    }

    /// What ClusterRoleBindings allow an account.
    pub(crate) fn grants(&self, account: Account<'_>) -> Grants<'a> {
        let mut grants = Grants::default();
        for binding in self.bindings_of(account).filter(Binding::is_of_cluster) {
            let Some(name) = binding.role() else { continue };
            let roles = self.roles(name);
            // What every cluster has beside these may allow everything: then there is nothing to say.
            grants.is_unknown |= roles.is_empty() && !BUILT_IN.contains(&name);
            grants.is_unknown |= roles.iter().any(is_put_together);
            for role in roles {
                if grants.roles.iter().all(|one| !is_same(one, role)) {
                    grants.roles.push(*role);
                }
            }
        }
        grants
    }
}

/// Its rules are those of other roles.
fn is_put_together(role: &ManifestObject<'_>) -> bool {
    role.node.get("rules").is_none_or(|rules| !rules.is_list()) || role.node.get("aggregationRule").is_some()
}

fn is_same(one: &ManifestObject<'_>, other: &ManifestObject<'_>) -> bool {
    one.node.place() == other.node.place()
}

impl<'a> Grants<'a> {
    /// What one role alone allows.
    pub(crate) fn of_role(role: ManifestObject<'a>) -> Grants<'a> {
        Grants { roles: vec![role], is_unknown: is_put_together(&role) }
    }

    /// Whether one verb on one resource of the core group is allowed.
    pub(crate) fn allows(&self, resource: &str, verb: &str) -> bool {
        // `*/proxy` of `nodes/proxy`; there is no `nodes/*`.
        let of_all = resource.split_once('/').map(|(_, part)| format!("*/{part}"));
        let is_resource = |given: &str| given == "*" || given == resource || Some(given) == of_all.as_deref();
        self.roles.iter().flat_map(|role| role.node.list("rules")).any(|rule| {
            let has = |list: &str, is: &dyn Fn(&str) -> bool| rule.list(list).filter_map(YamlNode::text).any(is);
            rule.get("resourceNames").is_none()
                && has("apiGroups", &|group| group.is_empty() || group == "*")
                && has("resources", &is_resource)
                && has("verbs", &|given| given == "*" || given == verb)
        })
    }
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
