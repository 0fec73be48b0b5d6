//! The members of a record as they stand in it, each with its role.

use super::json;

/// One member of a record, both parts raw.
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

    /// Members that were read elsewhere.
    pub(crate) fn from(members: Vec<RecordMember<'r>>) -> RecordMembers<'r> {
        RecordMembers(members.into_iter().map(|member| (member, MemberRole::Other)).collect())
    }

    /// Adds members behind the others.
    pub(crate) fn extend(&mut self, more: impl Iterator<Item = RecordMember<'r>>) {
        self.0.extend(more.map(|member| (member, MemberRole::Other)));
    }
}

/// Whose a member is and what for.
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
    /// The application's, or a filter's that we do not know.
    Other,
}

/// Adds a member to an object that is being written and not closed yet.
pub(super) fn push_member(object: &mut String, key: &str, value: &str) {
    if !object.ends_with('{') {
        object.push(',');
    }
    object.push('"');
    object.push_str(key);
    object.push_str("\":");
    object.push_str(value);
}
