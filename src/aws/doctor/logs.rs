//! Log groups: whether each leads to the function, once, and whether CloudWatch Logs may invoke it.

use super::{Area, Step};
use crate::aws::error::AwsCallError;
use crate::aws::function::Function;
use crate::aws::groups::{LogGroup, LogGroupClass, SubscriptionFilter};
use crate::aws::subscribe::account_policy::AccountPolicy;
use crate::aws::subscribe::permission::FunctionPolicy;
use crate::aws::subscribe::plan::ours;

/// A log group, and what leads out of it.
#[derive(Debug, Clone)]
pub(crate) struct Subscribed {
    pub(crate) group: LogGroup,
    /// Its ARN as the source of an invocation.
    pub(crate) source: String,
    pub(crate) filters: Result<Vec<SubscriptionFilter>, AwsCallError>,
}

/// What all groups are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// 12 digits.
    pub(crate) account: &'a str,
    pub(crate) function: &'a Function,
    pub(crate) permission: Result<&'a FunctionPolicy, &'a AwsCallError>,
    /// The account's policy, if it leads to the function.
    pub(crate) account_policy: Result<Option<&'a AccountPolicy>, &'a AwsCallError>,
}

/// All there is to say of groups. `missing` are names that no group has.
#[must_use]
pub(crate) fn judge(groups: &[Subscribed], missing: &[String], around: Around) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    if let Err(error) = around.permission {
        steps.push(Step::of_error(Area::LogGroups, "permission", error));
    }
    if let Err(error) = around.account_policy {
        steps.push(Step::of_error(Area::LogGroups, "account policy", error));
    }
    for name in missing {
        let about = &format!("log group {name}");
        let step = Step::wrong(Area::LogGroups, about, "there is no such log group in this account and region");
        steps.push(step.mend(
            "look at `log_group_name` in the ConfigMap aws-logging; Fluent Bit makes the group with the first log",
        ));
    }
    if groups.is_empty() && missing.is_empty() {
        let step =
            Step::wrong(Area::LogGroups, "subscription", "no log group leads to the function, so it gets no logs");
        steps.push(step.mend(format!("podferry subscribe --pattern '/aws/eks/*' --function {}", around.function.name)));
    }
    steps.extend(groups.iter().map(|group| of_group(group, around)));
    let for_ever: Vec<&str> =
        groups.iter().filter(|one| one.group.retention_days.is_none()).map(|one| one.group.name.as_str()).collect();
    if let Some(first) = for_ever.first() {
        let seen = format!(
            "{} keep their events for ever, and CloudWatch is paid for it: {}",
            for_ever.len(),
            for_ever.join(", ")
        );
        let command = format!("aws logs put-retention-policy --log-group-name {first} --retention-in-days 7");
        steps.push(Step::note(Area::LogGroups, "retention", seen).mend(command));
    }
    steps
}

fn of_group(one: &Subscribed, around: Around) -> Step {
    let name = &one.group.name;
    let about = &format!("log group {name}");
    let filters = match &one.filters {
        Ok(filters) => ours(filters, &around.function.arn),
        Err(error) => return Step::of_error(Area::LogGroups, about, error),
    };
    let by_policy = around.account_policy.ok().flatten().is_some_and(|policy| !policy.left_out.contains(name));
    let ways = filters.len() + usize::from(by_policy);
    let function = &around.function.name;
    if *name == around.function.log_group {
        let (problem, remedy) = if ways == 0 {
            return Step::right(Area::LogGroups, about, "it is the function's own, and not subscribed");
        } else {
            (
                "the function's own log leads to the function: each invocation causes the next one",
                format!("podferry unsubscribe {name}"),
            )
        };
        return Step::wrong(Area::LogGroups, about, problem).mend(remedy);
    }
    if ways == 0 && one.group.class != LogGroupClass::Standard {
        let step =
            Step::wrong(Area::LogGroups, about, "its class takes no subscription filter, so its logs cannot arrive");
        return step.mend("let Fluent Bit write to another group: `log_group_name` in the ConfigMap aws-logging");
    }
    let subscribe = format!("podferry subscribe {name} --function {function}");
    if ways == 0 {
        return Step::wrong(Area::LogGroups, about, "it is not subscribed, so its logs do not arrive").mend(subscribe);
    }
    if ways > 1 {
        let filter = filters.last().map_or("NAME", |filter| filter.name.as_str());
        let command = format!("aws logs delete-subscription-filter --log-group-name {name} --filter-name '{filter}'");
        return Step::wrong(Area::LogGroups, about, format!("its logs are sent {ways} times")).mend(command);
    }
    // The account's policy needs the permission as well.
    if around.permission.is_ok_and(|policy| policy.covers(&one.source, around.account).is_none()) {
        let problem = "CloudWatch Logs may not invoke the function for it, so its logs do not arrive";
        return Step::wrong(Area::LogGroups, about, problem).mend(subscribe);
    }
    match filters.first().filter(|filter| !filter.pattern.is_empty()) {
        Some(filter) => Step::note(
            Area::LogGroups,
            about,
            format!("leads to the function, only events that fit `{}`", filter.pattern),
        ),
        None => Step::right(Area::LogGroups, about, "leads to the function"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::super::function::tests::function;
    use super::*;
    use crate::aws::error::{AwsFailure, On};
    use crate::aws::groups::FilterExtras;

    fn filter(name: &str, pattern: &str) -> SubscriptionFilter {
        let destination = function(&[]).arn;
        SubscriptionFilter { name: name.into(), pattern: pattern.into(), destination, extras: FilterExtras::default() }
    }

    fn group(name: &str, filters: Vec<SubscriptionFilter>) -> Subscribed {
        let group =
            LogGroup { name: name.into(), class: LogGroupClass::Standard, retention_days: Some(7), stored_bytes: 0 };
        let source = format!("arn:aws:logs:eu-west-1:111122223333:log-group:{name}:*");
        Subscribed { group, source, filters: Ok(filters) }
    }

    fn step(one: Subscribed, policy: &FunctionPolicy, account_policy: Option<&AccountPolicy>) -> Step {
        let function = function(&[]);
        let around = Around {
            account: "111122223333",
            function: &function,
            permission: Ok(policy),
            account_policy: Ok(account_policy),
        };
        let mut steps = judge(&[one], &[], around);
        assert_eq!(steps.len(), 1, "{steps:?}");
        steps.remove(0)
    }

    #[test]
    fn one_way_and_a_permission() {
        let all = FunctionPolicy::read(
            r#"{"Statement":{"Sid":"x","Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"lambda:InvokeFunction"}}"#,
        );
        let of = |one: Subscribed| step(one, &all, None);
        assert_eq!(of(group("/a", vec![filter("f", "")])).outcome, Outcome::Right);
        assert_eq!(of(group("/a", vec![filter("f", "ERROR")])).outcome, Outcome::Note);
        assert!(of(group("/a", vec![])).remedy.unwrap().contains("podferry subscribe /a"));
        assert!(of(group("/a", vec![filter("f", ""), filter("g", "")])).remedy.unwrap().contains("--filter-name 'g'"));
        assert!(of(group("/aws/lambda/podferry", vec![filter("f", "")])).remedy.unwrap().contains("unsubscribe"));
        assert_eq!(of(group("/aws/lambda/podferry", vec![])).outcome, Outcome::Right);
        assert!(
            step(group("/a", vec![filter("f", "")]), &FunctionPolicy::default(), None)
                .detail
                .contains("may not invoke")
        );
        let mut infrequent = group("/a", vec![]);
        infrequent.group.class = LogGroupClass::InfrequentAccess;
        assert!(of(infrequent).detail.contains("class"));
        let document = serde_json::json!({ "DestinationArn": function(&[]).arn }).to_string();
        let policy = AccountPolicy::read("all", &document, None).unwrap();
        assert_eq!(step(group("/a", vec![]), &all, Some(&policy)).outcome, Outcome::Right);
        assert!(step(group("/a", vec![filter("f", "")]), &all, Some(&policy)).detail.contains("2 times"));
    }

    #[test]
    fn what_could_not_be_read() {
        let error = AwsCallError { action: "x:Y", on: On::any("it"), failure: AwsFailure::NoAnswerInTime };
        let function = function(&[]);
        let around = Around { account: "1", function: &function, permission: Err(&error), account_policy: Err(&error) };
        let mut one = group("/a", vec![]);
        one.filters = Err(error.clone());
        let steps = judge(&[one], &["/b".into()], around);
        assert_eq!(
            steps.iter().map(|step| step.outcome).collect::<Vec<_>>(),
            [Outcome::Unknown, Outcome::Unknown, Outcome::Wrong, Outcome::Unknown]
        );
        assert_eq!(judge(&[], &[], around)[2].outcome, Outcome::Wrong);
    }
}
