//! What to do to subscribe log groups, or to unsubscribe them. Pure: from what exists and what is wanted to steps.

use super::is_same_function;
use crate::aws::groups::{FilterExtras, LogGroup, LogGroupClass, SubscriptionFilter};
use manifests::subscription::SYSTEM_FIELDS;

/// How many subscription filters a group takes.
/// Source: Amazon CloudWatch Logs, "CloudWatch Logs quotas", "Subscription filters".
pub(crate) const MAX_FILTERS: usize = 2;

/// What is wanted of all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubscribeWish {
    /// The function's ARN, with a version or alias if one is meant.
    pub(crate) destination: String,
    /// For new filters.
    pub(crate) filter_name: String,
    /// `None`: all events for new filters; existing ones keep theirs.
    pub(crate) pattern: Option<String>,
    /// Whether each event is to say which account and region it came from; existing filters that say more keep that.
    pub(crate) emit_system_fields: bool,
    /// Where the function's own log goes.
    pub(crate) own_log_group: String,
    /// The account policy that already leads to the function: its name, and the groups that it leaves out.
    pub(crate) by_policy: Option<(String, Vec<String>)>,
}

/// What to do with one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SubscribeStep {
    Create(SubscriptionFilter),
    Change { from: SubscriptionFilter, to: SubscriptionFilter },
    Leave(SubscriptionFilter),
    Refuse(SubscribeRefusal),
}

/// Why a group cannot be subscribed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubscribeRefusal {
    #[error("this is the function's own log group: each invocation would cause the next one, endlessly")]
    OwnLogGroup,
    #[error("log groups of class {0} do not support subscription filters, and the class cannot be changed")]
    Class(&'static str),
    #[error("it already has {MAX_FILTERS} filters: {}. Delete one first", list(.0))]
    Full(Vec<SubscriptionFilter>),
    #[error("its filter {} has another destination: {}. Choose another name with --filter-name", .0.name, resource(&.0.destination))]
    NameTaken(SubscriptionFilter),
    #[error("several filters send to the function, so every log is sent several times: {}. Delete all but one", list(.0))]
    Twice(Vec<SubscriptionFilter>),
    #[error("account policy {0} already subscribes it; a filter would send every log twice")]
    ByPolicy(String),
    #[error(
        "this log group does not exist. Fargate creates it with the first log of a pod; to create it now: `aws logs create-log-group`"
    )]
    Missing,
}

impl SubscribeRefusal {
    /// Whether a person should look at it even if the group was not named: a pattern may well match groups that take no filter.
    #[must_use]
    pub(crate) fn is_conflict(&self) -> bool {
        !matches!(self, SubscribeRefusal::OwnLogGroup | SubscribeRefusal::Class(_) | SubscribeRefusal::ByPolicy(_))
    }
}

fn list(filters: &[SubscriptionFilter]) -> String {
    let one = |filter: &SubscriptionFilter| format!("{} → {}", filter.name, resource(&filter.destination));
    filters.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The part of an ARN after account and region: `function:podferry`.
fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').last().unwrap_or(arn)
}

/// What to do with a group that has these filters.
#[must_use]
pub(crate) fn step(group: &LogGroup, filters: &[SubscriptionFilter], wish: &SubscribeWish) -> SubscribeStep {
    if group.name == wish.own_log_group {
        return SubscribeStep::Refuse(SubscribeRefusal::OwnLogGroup);
    }
    match group.class {
        LogGroupClass::Standard => {}
        LogGroupClass::InfrequentAccess => return SubscribeStep::Refuse(SubscribeRefusal::Class("INFREQUENT_ACCESS")),
        LogGroupClass::Delivery => return SubscribeStep::Refuse(SubscribeRefusal::Class("DELIVERY")),
    }
    let ours: Vec<&SubscriptionFilter> =
        filters.iter().filter(|one| is_same_function(&one.destination, &wish.destination)).collect();
    match ours.as_slice() {
        [one] => with_ours(one, wish),
        [] => without_ours(group, filters, wish),
        several => SubscribeStep::Refuse(SubscribeRefusal::Twice(several.iter().copied().cloned().collect())),
    }
}

fn with_ours(filter: &SubscriptionFilter, wish: &SubscribeWish) -> SubscribeStep {
    // Without a version or alias in the wish, the existing one is fine.
    let is_unqualified = wish.destination.matches(':').count() <= 6;
    let destination = if is_unqualified { &filter.destination } else { &wish.destination };
    let pattern = wish.pattern.as_ref().unwrap_or(&filter.pattern);
    let extras = extras(filter.extras.clone(), wish);
    let to =
        SubscriptionFilter { destination: destination.clone(), pattern: pattern.clone(), extras, ..filter.clone() };
    if to == *filter { SubscribeStep::Leave(to) } else { SubscribeStep::Change { from: filter.clone(), to } }
}

fn extras(mut extras: FilterExtras, wish: &SubscribeWish) -> FilterExtras {
    for field in SYSTEM_FIELDS.into_iter().filter(|_| wish.emit_system_fields) {
        if !extras.emit_system_fields.iter().any(|known| known == field) {
            extras.emit_system_fields.push(field.to_owned());
        }
    }
    extras
}

fn without_ours(group: &LogGroup, filters: &[SubscriptionFilter], wish: &SubscribeWish) -> SubscribeStep {
    if let Some((policy, left_out)) = &wish.by_policy
        && !left_out.contains(&group.name)
    {
        return SubscribeStep::Refuse(SubscribeRefusal::ByPolicy(policy.clone()));
    }
    if filters.len() >= MAX_FILTERS {
        return SubscribeStep::Refuse(SubscribeRefusal::Full(filters.to_vec()));
    }
    if let Some(taken) = filters.iter().find(|one| one.name == wish.filter_name) {
        return SubscribeStep::Refuse(SubscribeRefusal::NameTaken(taken.clone()));
    }
    SubscribeStep::Create(SubscriptionFilter {
        name: wish.filter_name.clone(),
        pattern: wish.pattern.clone().unwrap_or_default(),
        destination: wish.destination.clone(),
        extras: extras(FilterExtras::default(), wish),
    })
}

/// The filters to delete so that nothing leads to the function, or to the version or alias that is meant.
#[must_use]
pub(crate) fn ours<'f>(filters: &'f [SubscriptionFilter], destination: &str) -> Vec<&'f SubscriptionFilter> {
    let is_unqualified = destination.matches(':').count() <= 6;
    let is_ours = |filter: &&SubscriptionFilter| {
        if is_unqualified {
            is_same_function(&filter.destination, destination)
        } else {
            filter.destination == destination
        }
    };
    filters.iter().filter(is_ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::slice::from_ref;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";
    const OTHER: &str = "arn:aws:kinesis:eu-west-1:111122223333:stream/x";

    fn group(name: &str) -> LogGroup {
        LogGroup { name: name.to_owned(), class: LogGroupClass::Standard, retention_days: None, stored_bytes: 0 }
    }

    fn filter(name: &str, pattern: &str, destination: &str) -> SubscriptionFilter {
        let (name, pattern, destination) = (name.to_owned(), pattern.to_owned(), destination.to_owned());
        SubscriptionFilter { name, pattern, destination, extras: FilterExtras::default() }
    }

    fn wish(pattern: Option<&str>) -> SubscribeWish {
        SubscribeWish {
            destination: FUNCTION.to_owned(),
            filter_name: "podferry".to_owned(),
            pattern: pattern.map(str::to_owned),
            emit_system_fields: false,
            own_log_group: "/podferry/own".to_owned(),
            by_policy: None,
        }
    }

    #[test]
    fn no_filter_yet() {
        let create = |pattern: &str| SubscribeStep::Create(filter("podferry", pattern, FUNCTION));
        assert_eq!(step(&group("/a"), &[], &wish(None)), create(""));
        assert_eq!(step(&group("/a"), &[], &wish(Some("ERROR"))), create("ERROR"));
        assert_eq!(step(&group("/a"), &[filter("x", "", OTHER)], &wish(None)), create(""));
    }

    #[test]
    fn system_fields_are_added_where_they_are_asked_for_and_never_taken_away() {
        let emitting = SubscribeWish { emit_system_fields: true, ..wish(None) };
        let fields = |filter: &SubscriptionFilter| filter.extras.emit_system_fields.clone();
        let SubscribeStep::Create(new) = step(&group("/a"), &[], &emitting) else { panic!("not made") };
        assert_eq!(fields(&new), SYSTEM_FIELDS);
        let mut more = filter("podferry", "", FUNCTION);
        more.extras.emit_system_fields = vec!["@source.log".to_owned(), "@aws.region".to_owned()];
        let SubscribeStep::Change { to, .. } = step(&group("/a"), from_ref(&more), &emitting) else { panic!("left") };
        assert_eq!(fields(&to), ["@source.log", "@aws.region", "@aws.account"]);
        assert_eq!(step(&group("/a"), from_ref(&to), &emitting), SubscribeStep::Leave(to.clone()));
        assert_eq!(step(&group("/a"), from_ref(&to), &wish(None)), SubscribeStep::Leave(to.clone()));
    }

    #[test]
    fn a_filter_of_ours_whatever_its_name() {
        let existing = filter("stack-Subscription-1A", "ERROR", FUNCTION);
        assert_eq!(step(&group("/a"), from_ref(&existing), &wish(None)), SubscribeStep::Leave(existing.clone()));
        assert_eq!(
            step(&group("/a"), from_ref(&existing), &wish(Some("ERROR"))),
            SubscribeStep::Leave(existing.clone())
        );
        let to = SubscriptionFilter { pattern: String::new(), ..existing.clone() };
        assert_eq!(
            step(&group("/a"), from_ref(&existing), &wish(Some(""))),
            SubscribeStep::Change { from: existing, to }
        );
    }

    #[test]
    fn what_a_filter_has_besides_stays() {
        let extras = FilterExtras {
            on_transformed_logs: true,
            emit_system_fields: vec!["@aws.region".to_owned()],
            ..FilterExtras::default()
        };
        let existing = SubscriptionFilter { extras: extras.clone(), ..filter("x", "", FUNCTION) };
        let SubscribeStep::Change { to, .. } = step(&group("/a"), &[existing], &wish(Some("E"))) else { panic!() };
        assert_eq!(to.extras, extras);
    }

    #[test]
    fn an_existing_version_is_left_unless_another_is_meant() {
        let existing = filter("x", "", &format!("{FUNCTION}:live"));
        assert_eq!(step(&group("/a"), from_ref(&existing), &wish(None)), SubscribeStep::Leave(existing.clone()));
        let next = SubscribeWish { destination: format!("{FUNCTION}:next"), ..wish(None) };
        let SubscribeStep::Change { to, .. } = step(&group("/a"), from_ref(&existing), &next) else { panic!() };
        assert_eq!(to.destination, next.destination);
        assert_eq!(ours(from_ref(&existing), FUNCTION), [&existing]);
        assert!(ours(&[existing], &next.destination).is_empty());
    }

    #[test]
    fn what_is_refused() {
        let refusal = |group: &LogGroup, filters: &[SubscriptionFilter]| match step(group, filters, &wish(None)) {
            SubscribeStep::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(refusal(&group("/podferry/own"), &[]), SubscribeRefusal::OwnLogGroup);
        let rare = LogGroup { class: LogGroupClass::InfrequentAccess, ..group("/a") };
        assert_eq!(refusal(&rare, &[]), SubscribeRefusal::Class("INFREQUENT_ACCESS"));
        let taken = filter("podferry", "", OTHER);
        assert_eq!(refusal(&group("/a"), from_ref(&taken)), SubscribeRefusal::NameTaken(taken));
        let twice = vec![filter("x", "", FUNCTION), filter("y", "E", FUNCTION)];
        assert_eq!(refusal(&group("/a"), &twice), SubscribeRefusal::Twice(twice.clone()));
    }

    #[test]
    fn two_a_group() {
        let others: Vec<SubscriptionFilter> = (0..3).map(|number| filter(&format!("f{number}"), "", OTHER)).collect();
        for (number, is_full) in [(0, false), (1, false), (2, true), (3, true)] {
            let step = step(&group("/a"), &others[..number], &wish(None));
            assert_eq!(matches!(step, SubscribeStep::Refuse(SubscribeRefusal::Full(_))), is_full, "{number}");
        }
    }

    #[test]
    fn the_account_policy_already_sends() {
        let wish = SubscribeWish { by_policy: Some(("all".to_owned(), vec!["/b".to_owned()])), ..wish(None) };
        assert_eq!(step(&group("/a"), &[], &wish), SubscribeStep::Refuse(SubscribeRefusal::ByPolicy("all".to_owned())));
        assert!(matches!(step(&group("/b"), &[], &wish), SubscribeStep::Create(_)));
    }

    /// What CloudWatch Logs would have afterwards.
    fn applied(filters: &[SubscriptionFilter], step: &SubscribeStep) -> Vec<SubscriptionFilter> {
        let mut filters = filters.to_vec();
        match step {
            SubscribeStep::Create(filter) => filters.push(filter.clone()),
            SubscribeStep::Change { from, to } => {
                let existing = filters.iter_mut().find(|one| one.name == from.name).unwrap();
                *existing = to.clone();
            }
            SubscribeStep::Leave(_) | SubscribeStep::Refuse(_) => {}
        }
        filters
    }

    fn some_filter() -> impl Strategy<Value = SubscriptionFilter> {
        let alias = format!("{FUNCTION}:live");
        let destination = prop_oneof![Just(FUNCTION.to_owned()), Just(OTHER.to_owned()), Just(alias)];
        ("podferry|x|y", "|ERROR|\\[a\\]", destination).prop_map(|(name, pattern, to)| filter(&name, &pattern, &to))
    }

    proptest! {
        #[test]
        fn a_second_time_there_is_nothing_to_do(
            mut filters in proptest::collection::vec(some_filter(), 0..=2),
            name in "/a|/podferry/own",
            pattern in proptest::option::of("|ERROR"),
            alias in proptest::option::of("live|next"),
        ) {
            filters.dedup_by(|one, other| one.name == other.name);
            let destination = alias.map_or(FUNCTION.to_owned(), |alias| format!("{FUNCTION}:{alias}"));
            let wish = SubscribeWish { destination, ..wish(pattern.as_deref()) };
            let group = group(&name);
            let first = step(&group, &filters, &wish);
            let afterwards = applied(&filters, &first);
            prop_assert!(afterwards.len() <= MAX_FILTERS);
            // What leads elsewhere is never touched.
            let elsewhere = |filters: &[SubscriptionFilter]| filters.iter().filter(|one| one.destination == OTHER).cloned().collect::<Vec<_>>();
            prop_assert_eq!(elsewhere(&filters), elsewhere(&afterwards));
            match (first, step(&group, &afterwards, &wish)) {
                (SubscribeStep::Refuse(one), SubscribeStep::Refuse(other)) => prop_assert_eq!(one, other),
                (SubscribeStep::Refuse(_), again) => prop_assert!(false, "{:?}", again),
                (_, again) => prop_assert!(matches!(again, SubscribeStep::Leave(_)), "{:?}", again),
            }
        }
    }
}
