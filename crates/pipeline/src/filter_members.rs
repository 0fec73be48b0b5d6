//! The members that Fluent Bit's Kubernetes filter added to a record: its `kubernetes` object, or what `nest` made of it.

use super::members::{MemberRole, RecordMember, push_member};
use super::stream::StreamOrigin;
use super::trust::Trust;

/// The members that the Kubernetes filter writes into its object. Source: Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`.
const FILTER_KEYS: [&str; 12] = [
    "pod_name",
    "namespace_name",
    "pod_id",
    "labels",
    "annotations",
    "ownerReferences",
    "host",
    "pod_ip",
    "container_name",
    "docker_id",
    "container_hash",
    "container_image",
];

/// How many members that end in `pod_name` are taken for the first of the filter's, from the last one on. Each costs a walk over the record.
/// The filter writes one, and what an application writes stands before it, but for records that were sorted on their way.
const MAX_LIFTED_CANDIDATES: usize = 16;

/// The members that the Kubernetes filter added.
pub(super) enum FilterMembers<'r> {
    Missing,
    /// The `kubernetes` object, at this index.
    Object(usize),
    /// The members of the object, which `nest` with `lift` put into the record itself, from index `first` on.
    Lifted {
        first: usize,
        prefix: &'r str,
        /// The object, reassembled.
        object: String,
    },
}

impl<'r> FilterMembers<'r> {
    pub(super) fn find(
        members: &[(RecordMember<'r>, MemberRole)],
        origin: &StreamOrigin,
        is_sorted: bool,
        trust: &mut Trust,
    ) -> FilterMembers<'r> {
        // Older versions of Fluent Bit may write a name twice: the filter's object is the last.
        let object_at = members.iter().rposition(|(member, _)| {
            member.key == "kubernetes" && member.value.starts_with('{') && trust.of(member.value, origin)
        });
        match object_at {
            Some(at) => FilterMembers::Object(at),
            None => FilterMembers::find_lifted(members, origin, is_sorted, trust),
        }
    }

    fn find_lifted(
        members: &[(RecordMember<'r>, MemberRole)],
        origin: &StreamOrigin,
        is_sorted: bool,
        trust: &mut Trust,
    ) -> FilterMembers<'r> {
        let has = |key: &str| members.iter().any(|(member, _)| member.key == key);
        // Without a prefix, applications may use these names too.
        let may_be_bare = origin.is_container() && has("logtag");
        // The filter's members follow the application's: take the last ones that describe this pod.
        let candidates = members.iter().enumerate().rev();
        let candidates = candidates.filter_map(|(at, (member, _))| Some((at, member.key.strip_suffix("pod_name")?)));
        let candidates = candidates.filter(|(_, prefix)| may_be_bare || !prefix.is_empty());
        let found = candidates.take(MAX_LIFTED_CANDIDATES).find_map(|(at, prefix)| {
            let first = if is_sorted { 0 } else { at };
            let object = lifted_object(&members[first..], prefix);
            trust.of(&object, origin).then_some(FilterMembers::Lifted { first, prefix, object })
        });
        found.unwrap_or(FilterMembers::Missing)
    }

    /// The index of the first of them.
    pub(super) fn at(&self, members: &[(RecordMember, MemberRole)]) -> Option<usize> {
        match self {
            FilterMembers::Missing => None,
            FilterMembers::Object(at) => Some(*at),
            FilterMembers::Lifted { .. } => {
                members.iter().enumerate().position(|(at, (member, _))| self.has_lifted(at, member.key))
            }
        }
    }

    /// Whether the member `key` at index `at` was lifted.
    pub(super) fn has_lifted(&self, at: usize, key: &str) -> bool {
        match self {
            FilterMembers::Lifted { first, prefix, .. } if at >= *first => {
                key.strip_prefix(prefix).is_some_and(|key| !prefix.is_empty() || FILTER_KEYS.contains(&key))
            }
            _ => false,
        }
    }
}

/// Reassembles the object whose members were lifted with this prefix.
pub(super) fn lifted_object(members: &[(RecordMember, MemberRole)], prefix: &str) -> String {
    let mut object = String::from("{");
    for (member, _) in members {
        if let Some(key) = member.key.strip_prefix(prefix).filter(|key| FILTER_KEYS.contains(key)) {
            push_member(&mut object, key, member.value);
        }
    }
    object.push('}');
    object
}
