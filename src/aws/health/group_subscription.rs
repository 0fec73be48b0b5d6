//! One log group: whether its logs reach the function, once.

use super::advice;
use super::facts::LogGroupFact;
use super::finding::{HealthArea, HealthFinding};
use super::subscriptions::{Subscriptions, what};
use crate::aws::groups::{LogGroupClass, SubscriptionFilter};
use crate::aws::subscribe::FILTER_NAME;
use crate::aws::subscribe::plan::{self, SubscribeRefusal, SubscribeStep, SubscribeWish, ours};

const AREA: HealthArea = HealthArea::LogGroups;

const ANOTHER_GROUP: &str =
    "make Fluent Bit write to another log group: change `log_group_name` in the ConfigMap aws-logging";

/// What a group shows.
pub(super) fn judge(all: &Subscriptions, fact: &LogGroupFact) -> Vec<HealthFinding> {
    let name = &fact.group.name;
    let what = &what(name);
    let of_group = match &fact.filters {
        Ok(filters) => filters,
        Err(error) => return vec![HealthFinding::of_error(AREA, what, error)],
    };
    let filters = ours(of_group, &all.function.arn);
    let is_by_policy = all.is_by_policy(name);
    if *name == all.function.log_group {
        // The policy is judged once, named or not.
        return if !filters.is_empty() {
            let why = "the function's own log group is subscribed to the function: each invocation causes the next one";
            vec![HealthFinding::wrong(AREA, what, why).fix(all.advice.unsubscribe(name, all.function))]
        } else if is_by_policy {
            Vec::new()
        } else {
            vec![HealthFinding::ok(AREA, what, "the function's own log group, not subscribed")]
        };
    }
    // No policy subscribes it either.
    if fact.group.class != LogGroupClass::Standard {
        return vec![unsubscribed(all, fact, of_group)];
    }
    vec![match (filters.as_slice(), is_by_policy) {
        ([], false) if all.facts.unclear_policy.is_some() => {
            let why = "no filter leads to the function; whether the account policy subscribes it is unknown";
            HealthFinding::unknown(AREA, what, why).fix(all.show_policy())
        }
        ([], false) => unsubscribed(all, fact, of_group),
        ([], true) => subscribed(all, fact, None),
        ([filter], false) => subscribed(all, fact, Some(filter)),
        ([_, ..], true) => {
            let why = format!("its logs are sent {} times: by the account policy and by a filter", filters.len() + 1);
            HealthFinding::wrong(AREA, what, why).fix(all.advice.unsubscribe(name, all.function))
        }
        (several, false) => {
            let why = format!("its logs are sent {} times: several filters send to the function", several.len());
            HealthFinding::wrong(AREA, what, why).fix(all.advice.delete_filter(name, &narrowest(several).name))
        }
    }]
}

/// What `subscribe` would answer decides the advice.
fn unsubscribed(all: &Subscriptions, fact: &LogGroupFact, filters: &[SubscriptionFilter]) -> HealthFinding {
    let name = &fact.group.name;
    let wish = SubscribeWish {
        emit_system_fields: false,
        destination: all.function.destination(),
        filter_name: FILTER_NAME.to_owned(),
        pattern: None,
        own_log_group: all.function.log_group.clone(),
        by_policy: None,
    };
    let wrong = |why: &str| HealthFinding::wrong(AREA, &what(name), why);
    let subscribe = all.advice.subscribe(name, all.function);
    match plan::step(&fact.group, filters, &wish) {
        SubscribeStep::Refuse(SubscribeRefusal::Class(_)) => {
            wrong("its class does not support subscription filters, so its logs cannot arrive").fix(ANOTHER_GROUP)
        }
        SubscribeStep::Refuse(SubscribeRefusal::Full(_)) => {
            wrong("it is not subscribed, and already has as many filters as a log group can have").fix(format!(
                "delete a filter that is not needed (`{}` lists them), then run `{subscribe}`",
                all.advice
                    .aws(&format!("logs describe-subscription-filters --log-group-name {}", advice::quoted(name)))
            ))
        }
        SubscribeStep::Refuse(SubscribeRefusal::NameTaken(_)) => {
            let command = format!("{subscribe} --filter-name {FILTER_NAME}-2");
            let why = format!("it is not subscribed, and its filter {FILTER_NAME} has another destination");
            wrong(&why).fix(all.with_permission(command, &fact.source, all.function))
        }
        _ => wrong("it is not subscribed, so its logs do not arrive").fix(all.with_permission(
            subscribe,
            &fact.source,
            all.function,
        )),
    }
}

/// One way leads to the function: `filter`, or the account's policy.
fn subscribed(all: &Subscriptions, fact: &LogGroupFact, filter: Option<&SubscriptionFilter>) -> HealthFinding {
    let name = &fact.group.name;
    let policy = all.policy();
    let destination = filter.map(|filter| &filter.destination).or(policy.map(|policy| &policy.destination));
    let target = destination.map_or_else(|| all.function.clone(), |destination| all.at(destination));
    if all.is_gone(&target) {
        let why = format!("it leads to {}, which does not exist, so its logs do not arrive", target.target());
        let fix = filter.map_or_else(|| all.new_policy(), |filter| new_filter(all, fact, filter));
        return HealthFinding::wrong(AREA, &what(name), why).fix(fix);
    }
    if !all.may_invoke(&target, &fact.source) {
        let why = "CloudWatch Logs may not invoke the function for it, so its logs do not arrive";
        let command = match filter {
            Some(_) => all.advice.subscribe(name, &target),
            // A group that the policy subscribes is refused.
            None => all.advice.subscribe_account(&target),
        };
        let finding = HealthFinding::wrong(AREA, &what(name), why);
        return finding.fix(all.with_permission(command, &fact.source, &target));
    }
    if all.function.qualifier.is_some() && target.qualifier != all.function.qualifier {
        let why = format!("is subscribed to {}, not to {}", target.target(), all.function.target());
        let fix = filter.map_or_else(|| all.new_policy(), |filter| new_filter(all, fact, filter));
        return HealthFinding::note(AREA, &what(name), why).fix(fix);
    }
    // Source: Amazon CloudWatch Logs API reference, PutSubscriptionFilter, `applyOnTransformedLogs`.
    if let Some(filter) = filter.filter(|filter| filter.extras.on_transformed_logs) {
        let why = "is subscribed, but to transformed logs (applyOnTransformedLogs): the function gets what the transformer made of Fluent \
                   Bit's records, and cannot tell pods and rules any more";
        let fix = all.advice.put_filter_untransformed(name, filter);
        return HealthFinding::note(AREA, &what(name), why).fix(fix);
    }
    let pattern = filter.map(|filter| &filter.pattern).or(policy.map(|policy| &policy.pattern));
    match (pattern.filter(|pattern| !pattern.is_empty()), &target.qualifier) {
        (Some(pattern), _) => {
            let why = format!("is subscribed, but only events that match `{pattern}` are sent");
            HealthFinding::note(AREA, &what(name), why)
        }
        (None, None) => HealthFinding::ok(AREA, &what(name), "is subscribed to the function"),
        (None, Some(_)) => {
            let why = format!("is subscribed to {} of the function", target.target());
            HealthFinding::ok(AREA, &what(name), why)
        }
    }
}

/// Makes the filter lead to what is meant. `subscribe` leaves one that leads to any version or alias, unless one is meant.
fn new_filter(all: &Subscriptions, fact: &LogGroupFact, filter: &SubscriptionFilter) -> String {
    let name = &fact.group.name;
    let mut subscribe = all.advice.subscribe(name, all.function);
    if all.function.qualifier.is_some() {
        return all.with_permission(subscribe, &fact.source, all.function);
    }
    if !filter.pattern.is_empty() {
        subscribe = format!("{subscribe} --filter-pattern {}", advice::quoted(&filter.pattern));
    }
    format!("run `{}`, then `{subscribe}`", all.advice.unsubscribe(name, all.function))
}

/// Of several filters, the one to delete: not one that takes all events, if another would be left that does not.
fn narrowest<'f>(filters: &[&'f SubscriptionFilter]) -> &'f SubscriptionFilter {
    let last = filters.len().saturating_sub(1);
    filters.iter().rev().find(|filter| !filter.pattern.is_empty()).unwrap_or(&filters[last])
}
