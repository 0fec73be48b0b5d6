//! Whose each member of a record is: the parser's, the filter's, the application's.
//!
//! `shape` decides by these roles what the text is; here names, order and values are judged.

use std::borrow::Cow;

use super::cri::{self, OutputStream};
use super::json;
use super::stream::StreamOrigin;

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

/// Whether a `kubernetes` object speaks of the stream's own pod; remembers the last answer, since it is the same
/// object in every record of a stream.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    last: String,
    verdict: bool,
}

impl Trust {
    fn of(&mut self, kubernetes: &str, origin: &StreamOrigin) -> bool {
        if self.last != kubernetes {
            self.verdict = speaks_of(kubernetes, origin);
            kubernetes.clone_into(&mut self.last);
        }
        self.verdict
    }
}

/// Where the stream tells the pod, what the object says of pod, namespace and container has to agree; where it does
/// not, the object has to look like the filter's.
///
/// Not `docker_id`: the filter caches its object by pod and container name, so after a restart it still bears the id
/// of the container before (Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`, `Cache_Use_Docker_Id`).
fn speaks_of(kubernetes: &str, origin: &StreamOrigin) -> bool {
    let container = match origin {
        StreamOrigin::Container(container) => Some(container),
        _ => None,
    };
    let (mut pod, mut namespace, mut agrees) = (false, false, true);
    let mut check = |value: &str, expected: Option<&str>| {
        let Some(value) = json::string(value) else { return false };
        agrees &= expected.map_or(!value.is_empty(), |expected| expected == value);
        true
    };
    let is_object = json::each_member(kubernetes, |key, value| match key {
        "pod_name" => pod = check(value, container.map(|container| container.pod)),
        "namespace_name" => namespace = check(value, container.map(|container| container.namespace)),
        "container_name" => _ = check(value, container.map(|container| container.container)),
        _ => {}
    });
    is_object.is_ok() && pod && namespace && agrees
}

/// The members of one record with their roles, and what was learned while they were given.
pub(super) struct Roles<'r, 'o> {
    pub(super) members: Vec<(RecordMember<'r>, MemberRole)>,
    pub(super) origin: &'o StreamOrigin<'o>,
    pub(super) event_ms: Option<i64>,
    /// What the member `time` says, if it is a time.
    pub(super) time_ms: Option<i64>,
    /// Whether the members stand as Fluent Bit writes them: a parser's first.
    pub(super) in_order: bool,
    /// Whether they stand in the order of the alphabet, with a parser's among them behind the filter's: something that
    /// no application can bring about, since the filter's come last.
    pub(super) is_sorted: bool,
    /// Where the Kubernetes filter's members begin.
    pub(super) filter_at: Option<usize>,
    pub(super) kubernetes: Option<Cow<'r, str>>,
}

impl<'r, 'o> Roles<'r, 'o> {
    pub(super) fn new(
        members: Vec<(RecordMember<'r>, MemberRole)>,
        origin: &'o StreamOrigin<'o>,
        event_ms: Option<i64>,
        trust: &mut Trust,
    ) -> Self {
        // An older core may write a name twice: the filter's object is the last.
        let filter_at = members.iter().rposition(|(member, _)| {
            member.key == "kubernetes" && member.value.starts_with('{') && trust.of(member.value, origin)
        });
        let mut roles = Roles {
            filter_at,
            kubernetes: filter_at.map(|at| Cow::Borrowed(members[at].0.value)),
            members,
            origin,
            event_ms,
            time_ms: None,
            in_order: true,
            is_sorted: false,
        };
        roles.in_order = roles.is_in_order();
        roles.is_sorted = !roles.in_order && roles.members.is_sorted_by_key(|(member, _)| member.key);
        if let Some(at) = filter_at {
            roles.members[at].1 = MemberRole::Kubernetes;
        } else {
            roles.find_lifted(trust);
        }
        roles.assign_roles();
        roles
    }

    fn is_in_order(&self) -> bool {
        let is_parsers = |key: &str| key == "stream" || key == "logtag";
        let has_parsers = self.members.iter().any(|(member, _)| is_parsers(member.key));
        !has_parsers || self.members.first().is_some_and(|(first, _)| is_parsers(first.key) || first.key == "time")
    }

    /// `nest`/`lift` with a prefix spreads the `kubernetes` object over the record: puts it together again.
    fn find_lifted(&mut self, trust: &mut Trust) {
        let has = |key: &str| self.members.iter().any(|(member, _)| member.key == key);
        // Without a prefix these are names that an application may well use itself.
        let may_be_bare = matches!(self.origin, StreamOrigin::Container(_)) && has("logtag");
        // The filter's members come behind the application's: the last that speak of this pod.
        let candidates = self.members.iter().enumerate().rev();
        let candidates = candidates.filter_map(|(at, (member, _))| Some((at, member.key.strip_suffix("pod_name")?)));
        let found = candidates.filter(|(_, prefix)| may_be_bare || !prefix.is_empty()).find_map(|(at, prefix)| {
            let first = if self.is_sorted { 0 } else { at };
            let object = self.lifted(first, prefix);
            trust.of(&object, self.origin).then_some((first, prefix, object))
        });
        let Some((first, prefix, object)) = found else { return };
        for (member, role) in &mut self.members[first..] {
            let Some(key) = member.key.strip_prefix(prefix) else { continue };
            if !prefix.is_empty() || FILTER_KEYS.contains(&key) {
                *role = MemberRole::Lifted;
            }
        }
        self.filter_at = self.members.iter().position(|(_, role)| *role == MemberRole::Lifted);
        self.kubernetes = Some(Cow::Owned(object));
    }

    /// The object that was lifted with this prefix, from the member `first` on.
    fn lifted(&self, first: usize, prefix: &str) -> String {
        let mut object = String::from("{");
        for (member, _) in &self.members[first..] {
            if let Some(key) = member.key.strip_prefix(prefix).filter(|key| FILTER_KEYS.contains(key)) {
                push_member(&mut object, key, member.value);
            }
        }
        object.push('}');
        object
    }

    fn assign_roles(&mut self) {
        let mut taken = [false; 6];
        let mut first = |slot: usize| !std::mem::replace(&mut taken[slot], true);
        let (mut is_parsed, mut time_ms) = (false, None);
        let (filter_at, in_order, is_sorted) = (self.filter_at, self.in_order, self.is_sorted);
        let behind_filter = |at| filter_at.is_some_and(|filter_at| at > filter_at || is_sorted);
        for (at, (member, role)) in self.members.iter_mut().enumerate() {
            if *role != MemberRole::Other {
                continue;
            }
            let text = json::unquoted(member.value);
            *role = match member.key {
                "stream" if text.and_then(OutputStream::parse).is_some() && first(0) => MemberRole::Stream,
                "logtag" if text.and_then(cri::partial_flag).is_some() && first(1) => MemberRole::LogTag,
                "time" if first(2) => {
                    time_ms = text.and_then(cri::time_ms);
                    // A parser writes the time first. Behind its other members it may be the application's: a time that
                    // is far from the event's cannot be the line's.
                    let is_near = time_ms.zip(self.event_ms).is_none_or(|(time, event)| time.abs_diff(event) < DAY_MS);
                    let is_parsers = !is_parsed || !in_order || is_near;
                    if time_ms.is_some() && is_parsers { MemberRole::Time } else { MemberRole::Other }
                }
                "log" if first(3) => MemberRole::Log,
                "message" if first(4) => MemberRole::Message,
                // Before the filter's members an application may have put it there.
                "cluster_name"
                    if text.is_some_and(|name| !name.is_empty()) && (filter_at.is_none() || behind_filter(at)) =>
                {
                    MemberRole::ClusterName
                }
                "kubernetes_namespace" if behind_filter(at) && member.value.starts_with('{') && first(5) => {
                    MemberRole::Namespace
                }
                _ => MemberRole::Other,
            };
            is_parsed |= matches!(role, MemberRole::Stream | MemberRole::LogTag);
        }
        self.time_ms = time_ms;
    }

    pub(super) fn position(&self, role: MemberRole) -> Option<usize> {
        self.members.iter().position(|(_, found)| *found == role)
    }

    pub(super) fn value(&self, role: MemberRole) -> Option<&'r str> {
        self.position(role).map(|at| self.members[at].0.value)
    }

    pub(super) fn others(&self) -> impl Iterator<Item = usize> {
        let other = |(at, (_, role)): (usize, &(RecordMember, MemberRole))| (*role == MemberRole::Other).then_some(at);
        self.members.iter().enumerate().filter_map(other)
    }

    pub(super) fn is_parsed(&self) -> bool {
        self.position(MemberRole::Stream).or(self.position(MemberRole::LogTag)).is_some()
    }

    /// Whether the record shows that Fluent Bit made it. An application that logs bare text can write what it likes, and
    /// so can one of another log group: the more a record could be theirs, the more it has to show.
    pub(super) fn is_fluent_bits(&self) -> bool {
        let has_line = self.value(MemberRole::Log).is_some_and(|log| log.starts_with('"'));
        let is_filtered = self.filter_at.is_some();
        match self.origin {
            StreamOrigin::Unknown { .. } => {
                let is_whole =
                    self.position(MemberRole::Stream).is_some() && self.position(MemberRole::LogTag).is_some();
                is_whole || (is_filtered && (self.is_parsed() || has_line))
            }
            _ => self.is_parsed() || (is_filtered && has_line),
        }
    }

    /// Members that only repeat what is in `text`: merged while `log` was kept, or a loose parser's pieces.
    pub(super) fn drop_explained(&mut self, text: &str) {
        let filter_at = self.filter_at.unwrap_or(usize::MAX);
        if self.others().next().is_none() && self.position(MemberRole::ClusterName).is_none_or(|at| at > filter_at) {
            return;
        }
        // As they read, not as they are spelled: Fluent Bit escapes what the application did not.
        let read = |key: &str| json::string(&format!("\"{key}\"")).unwrap_or_default();
        let mut keys = Vec::new();
        let is_object = json::each_member(text, |key, _| keys.push(read(key))).is_ok();
        for (at, (member, role)) in self.members.iter_mut().enumerate() {
            let repeats = match *role {
                MemberRole::Other => {
                    let mut within = 0;
                    let all =
                        json::each_member(member.value, |key, _| within += usize::from(!keys.contains(&read(key))));
                    let is_merge_key = all.is_ok() && within == 0 && is_object;
                    let is_piece = ["stream", "logtag", "time", "message"].contains(&member.key)
                        && json::string(member.value).is_some_and(|piece| text.contains(&piece));
                    keys.contains(&read(member.key)) || is_merge_key || is_piece
                }
                MemberRole::ClusterName => at < filter_at && keys.iter().any(|key| key == "cluster_name"),
                _ => false,
            };
            if repeats {
                *role = MemberRole::Log;
            }
        }
    }

    /// Members of a merged record with a parser's or a filter's name that the order shows to be the application's.
    pub(super) fn demote_by_order(&mut self) {
        if self.in_order {
            let first_other = self.others().next().unwrap_or(usize::MAX);
            let log_tag = self.position(MemberRole::LogTag).filter(|at| *at < first_other);
            if log_tag.is_none() {
                self.set_role(MemberRole::LogTag, MemberRole::Other);
            }
            let parsers_end = log_tag.unwrap_or(usize::MAX).min(first_other);
            if self.position(MemberRole::Stream).is_some_and(|at| at > parsers_end) {
                self.set_role(MemberRole::Stream, MemberRole::Other);
            }
            let parsed_at = self.position(MemberRole::Stream).or(log_tag).unwrap_or(usize::MAX);
            if self.position(MemberRole::Time).is_some_and(|at| at > parsed_at) {
                self.set_role(MemberRole::Time, MemberRole::Other);
            }
        } else if self.time_ms != self.event_ms {
            self.set_role(MemberRole::Time, MemberRole::Other);
        }
        let filter_at = self.filter_at.unwrap_or(usize::MAX);
        for (at, (_, role)) in self.members.iter_mut().enumerate() {
            if *role == MemberRole::ClusterName && at < filter_at {
                *role = MemberRole::Other;
            }
        }
    }

    pub(super) fn set_role(&mut self, from: MemberRole, to: MemberRole) {
        for (_, role) in &mut self.members {
            if *role == from {
                *role = to;
            }
        }
    }
}

/// How far, in milliseconds, the time of a line may be from the time of its event: read, buffered and sent since.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What the Kubernetes filter writes into its object. Source: Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`.
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

pub(super) fn push_member(object: &mut String, key: &str, value: &str) {
    if !object.ends_with('{') {
        object.push(',');
    }
    object.push('"');
    object.push_str(key);
    object.push_str("\":");
    object.push_str(value);
}
