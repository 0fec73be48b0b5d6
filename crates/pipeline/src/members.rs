//! The members of a record in their order, each with its role.

use super::json;

/// One member of a record; key and value are raw JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordMember<'r> {
    pub(crate) key: &'r str,
    pub(crate) value: &'r str,
}

/// The members of a record in order.
#[derive(Debug)]
pub(crate) struct RecordMembers<'r>(pub(super) Vec<(RecordMember<'r>, MemberRole)>);

impl<'r> RecordMembers<'r> {
    /// `None` if `text` is not one whole JSON object.
    pub(crate) fn read(text: &'r str) -> Option<RecordMembers<'r>> {
        let mut members = Vec::with_capacity(16);
        json::each_member(text, |key, value| members.push((RecordMember { key, value }, MemberRole::Other))).ok()?;
        Some(RecordMembers(members))
    }

    /// Takes members that were read elsewhere.
    pub(crate) fn from(members: Vec<RecordMember<'r>>) -> RecordMembers<'r> {
        RecordMembers(members.into_iter().map(|member| (member, MemberRole::Other)).collect())
    }

    /// Appends members.
    pub(crate) fn extend(&mut self, more: impl Iterator<Item = RecordMember<'r>>) {
        self.0.extend(more.map(|member| (member, MemberRole::Other)));
    }
}

/// Who added a member, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberRole {
    Stream,
    LogTag,
    Time,
    Log,
    Message,
    Kubernetes,
    Lifted,
    Namespace,
    ClusterName,
    /// The application's, or one of an unknown filter.
    Other,
}

/// Appends a member to an object that has no closing brace yet.
pub(super) fn push_member(object: &mut String, key: &str, value: &str) {
    if !object.ends_with('{') {
        object.push(',');
    }
    object.push('"');
    object.push_str(key);
    object.push_str("\":");
    object.push_str(value);
}
