//! Decides for each member of a record who added it: the parser, the filter or the application.
//!
//! The decision uses names, order and values. From the roles, `shape` derives the text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::cri::{self, OutputStream};
use super::filter_members::FilterMembers;
use super::json;
use super::members::{MemberRole, RecordMember};
use super::stream::StreamOrigin;
use super::trust::Trust;

/// What a loose parser may have made of pieces of the line.
const PIECES: [&str; 4] = ["stream", "logtag", "time", "message"];

/// How many members of these names are looked for in the line; each costs a walk over it. Fluent Bit writes each once, or twice where an older
/// version repeats a name.
const MAX_PIECES: usize = 8;

/// The members of one record with their roles, and what was learned from deciding them.
pub(super) struct Roles<'r, 'o> {
    pub(super) members: Vec<(RecordMember<'r>, MemberRole)>,
    pub(super) origin: &'o StreamOrigin<'o>,
    pub(super) event_ms: Option<i64>,
    /// The value of the member `time`, if it is a time.
    pub(super) time_ms: Option<i64>,
    /// Whether the members are in Fluent Bit's order: a parser's first.
    pub(super) in_order: bool,
    /// The index of the Kubernetes filter's first member.
    pub(super) filter_at: Option<usize>,
    pub(super) kubernetes: Option<Cow<'r, str>>,
}

impl<'r, 'o> Roles<'r, 'o> {
    pub(super) fn new(
        mut members: Vec<(RecordMember<'r>, MemberRole)>,
        origin: &'o StreamOrigin<'o>,
        event_ms: Option<i64>,
        trust: &mut Trust,
    ) -> Self {
        let in_order = is_in_order(&members);
        let is_sorted = !in_order && members.is_sorted_by_key(|(member, _)| member.key);
        let filter = FilterMembers::find(&members, origin, is_sorted, trust);
        let filter_at = filter.at(&members);
        let mut decision = RoleDecision::new(&filter, filter_at, event_ms, in_order, is_sorted);
        for (at, (member, role)) in members.iter_mut().enumerate() {
            *role = decision.role_of(at, member);
        }
        let time_ms = decision.time_ms;
        let kubernetes = match filter {
            FilterMembers::Missing => None,
            FilterMembers::Object(at) => Some(Cow::Borrowed(members[at].0.value)),
            FilterMembers::Lifted { object, .. } => Some(Cow::Owned(object)),
        };
        Roles { members, origin, event_ms, time_ms, in_order, filter_at, kubernetes }
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
        let mut keys = HashSet::new();
        let is_object = json::each_member(text, |key, _| _ = keys.insert(read(key))).is_ok();
        let mut searches = 0;
        for (at, (member, role)) in self.members.iter_mut().enumerate() {
            let repeats = match *role {
                MemberRole::Other => {
                    let mut within = 0;
                    let all =
                        json::each_member(member.value, |key, _| within += usize::from(!keys.contains(&read(key))));
                    let is_merge_key = all.is_ok() && within == 0 && is_object;
                    let may_be_piece = PIECES.contains(&member.key) && searches < MAX_PIECES;
                    searches += usize::from(may_be_piece);
                    let is_piece =
                        may_be_piece && json::string(member.value).is_some_and(|piece| text.contains(&piece));
                    keys.contains(&read(member.key)) || is_merge_key || is_piece
                }
                MemberRole::ClusterName => at < filter_at && keys.contains("cluster_name"),
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

fn is_in_order(members: &[(RecordMember, MemberRole)]) -> bool {
    let is_parsers = |key: &str| key == "stream" || key == "logtag";
    let has_parsers = members.iter().any(|(member, _)| is_parsers(member.key));
    !has_parsers || members.first().is_some_and(|(first, _)| is_parsers(first.key) || first.key == "time")
}

/// Decides the roles of one record, member by member, in their order.
struct RoleDecision<'f, 'r> {
    filter: &'f FilterMembers<'r>,
    filter_at: Option<usize>,
    event_ms: Option<i64>,
    in_order: bool,
    /// Whether the members are in alphabetical order, with a parser's after the filter's. No application can cause that,
    /// since the filter's come last.
    is_sorted: bool,
    /// The roles that only one member can have, and that are taken.
    given: GivenRoles,
    /// Whether a member of a parser came before.
    is_parsed: bool,
    /// The value of the member `time`.
    time_ms: Option<i64>,
}

/// Names that may occur twice; only the first member of that name can have the role.
#[derive(Default)]
struct GivenRoles {
    stream: bool,
    log_tag: bool,
    time: bool,
    log: bool,
    message: bool,
    namespace: bool,
}

/// Takes a role, unless it is taken.
fn give(given: &mut bool) -> bool {
    !std::mem::replace(given, true)
}

impl<'f, 'r> RoleDecision<'f, 'r> {
    fn new(
        filter: &'f FilterMembers<'r>,
        filter_at: Option<usize>,
        event_ms: Option<i64>,
        in_order: bool,
        is_sorted: bool,
    ) -> RoleDecision<'f, 'r> {
        let given = GivenRoles::default();
        RoleDecision { filter, filter_at, event_ms, in_order, is_sorted, given, is_parsed: false, time_ms: None }
    }

    fn role_of(&mut self, at: usize, member: &RecordMember) -> MemberRole {
        if matches!(self.filter, FilterMembers::Object(object_at) if *object_at == at) {
            return MemberRole::Kubernetes;
        }
        if self.filter.has_lifted(at, member.key) {
            return MemberRole::Lifted;
        }
        let text = json::unquoted(member.value);
        match member.key {
            "stream" if text.and_then(OutputStream::parse).is_some() && give(&mut self.given.stream) => {
                self.is_parsed = true;
                MemberRole::Stream
            }
            "logtag" if text.and_then(cri::partial_flag).is_some() && give(&mut self.given.log_tag) => {
                self.is_parsed = true;
                MemberRole::LogTag
            }
            // Only the first member of this name is considered, even if it is not a parser's time.
            "time" if give(&mut self.given.time) => self.role_of_time(text),
            "log" if give(&mut self.given.log) => MemberRole::Log,
            "message" if give(&mut self.given.message) => MemberRole::Message,
            // Before the filter's members, the application may have written it.
            "cluster_name"
                if text.is_some_and(|name| !name.is_empty())
                    && (self.filter_at.is_none() || self.is_behind_filter(at)) =>
            {
                MemberRole::ClusterName
            }
            "kubernetes_namespace"
                if self.is_behind_filter(at) && member.value.starts_with('{') && give(&mut self.given.namespace) =>
            {
                MemberRole::Namespace
            }
            _ => MemberRole::Other,
        }
    }

    /// A parser writes the time first. After the parser's other members it may be the application's: a time that is far from
    /// the event's cannot be the line's.
    fn role_of_time(&mut self, text: Option<&str>) -> MemberRole {
        self.time_ms = text.and_then(cri::time_ms);
        let is_near = self.time_ms.zip(self.event_ms).is_none_or(|(time, event)| time.abs_diff(event) < DAY_MS);
        let is_parsers = !self.is_parsed || !self.in_order || is_near;
        if self.time_ms.is_some() && is_parsers { MemberRole::Time } else { MemberRole::Other }
    }

    fn is_behind_filter(&self, at: usize) -> bool {
        self.filter_at.is_some_and(|filter_at| at > filter_at || self.is_sorted)
    }
}

/// How far, in milliseconds, the time of a line may be from the time of its event: read, buffered and sent since.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
