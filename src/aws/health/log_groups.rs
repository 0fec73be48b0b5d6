//! Log groups: whether the logs of each reach the function, once, and whether CloudWatch Logs may invoke it.

use super::advice::{self, Advice};
use super::facts::{LogGroupFact, LogGroupFacts};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;
use crate::aws::groups::{LogGroupClass, SubscriptionFilter};
use crate::aws::subscribe::account_policy::AccountPolicy;
use crate::aws::subscribe::permission::{FunctionPolicy, STATEMENT};
use crate::aws::subscribe::plan::{self, SubscribeRefusal, SubscribeStep, SubscribeWish, ours};
use crate::aws::subscribe::{FILTER_NAME, qualifier};
use pipeline::glob;

const AREA: HealthArea = HealthArea::LogGroups;

/// Where the log groups of EKS usually are; suggested if nothing is subscribed yet.
const EKS_GROUPS: &str = "/aws/eks/*";

const ANOTHER_GROUP: &str =
    "make Fluent Bit write to another log group: change `log_group_name` in the ConfigMap aws-logging";

/// What the log groups show.
#[must_use]
pub(crate) fn judge(facts: &LogGroupFacts, function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let judge = Judge { facts, function, advice };
    let mut found = Vec::new();
    if let Err(error) = &facts.found {
        found.push(HealthFinding::of_error(AREA, "log groups", error));
    }
    if let Err(error) = &facts.permission {
        found.push(HealthFinding::of_error(AREA, "permission", error));
    }
    for other in &facts.others {
        if let Err(error) = &other.permission {
            let target = function.at(other.qualifier.as_deref()).target();
            found.push(HealthFinding::of_error(AREA, &format!("permission of {target}"), error));
        }
    }
    found.extend(judge.account_policy());
    found.extend(facts.missing.iter().map(|name| {
        HealthFinding::wrong(AREA, &what(name), "this log group does not exist in this account and region").fix(
            "check `log_group_name` in the ConfigMap aws-logging; Fluent Bit creates the log group with the first log",
        )
    }));
    if facts.found.is_ok()
        && facts.groups.is_empty()
        && facts.missing.is_empty()
        && judge.policy().is_none()
        && facts.unclear_policy.is_none()
    {
        found.push(judge.nothing_subscribed());
    }
    for fact in &facts.groups {
        found.extend(judge.group(fact));
        if let Err(error) = &fact.newest {
            found.push(HealthFinding::of_error(AREA, &what(&fact.group.name), error));
        }
    }
    found.extend(never_written(&facts.groups, function));
    found.extend(kept_forever(&facts.groups, advice));
    found
}

fn what(group: &str) -> String {
    format!("log group {group}")
}

/// One group's findings depend on what holds for all.
struct Judge<'a> {
    facts: &'a LogGroupFacts,
    function: &'a Function,
    advice: &'a Advice,
}

impl Judge<'_> {
    fn policy(&self) -> Option<&AccountPolicy> {
        self.facts.account_policy.as_ref().ok().and_then(Option::as_ref)
    }

    /// Whether the account's policy leads a group to the function.
    fn is_by_policy(&self, group: &str) -> bool {
        self.policy().is_some_and(|policy| !policy.left_out.iter().any(|name| name == group))
    }

    fn account_policy(&self) -> Vec<HealthFinding> {
        if let Some(name) = &self.facts.unclear_policy {
            let why = "it leads to the function, but podferry cannot parse its selection criteria, and cannot tell which log groups it \
                       subscribes";
            return vec![HealthFinding::unknown(AREA, &format!("account policy {name}"), why).fix(self.show_policy())];
        }
        let policy = match &self.facts.account_policy {
            Err(error) => return vec![HealthFinding::of_error(AREA, "account policy", error)],
            Ok(None) => return Vec::new(),
            Ok(Some(policy)) => policy,
        };
        let what = format!("account policy {}", policy.name);
        let target = self.at(&policy.destination);
        if self.is_by_policy(&self.function.log_group) {
            let why = format!(
                "it subscribes the function's own log group {} too: each invocation causes the next one",
                self.function.log_group
            );
            return vec![HealthFinding::wrong(AREA, &what, why).fix(self.with_permission(
                self.advice.subscribe_account(&target),
                &self.facts.any_source,
                &target,
            ))];
        }
        if self.is_gone(&target) {
            let why = format!("it leads to {}, which does not exist, so no logs arrive", target.target());
            return vec![HealthFinding::wrong(AREA, &what, why).fix(self.new_policy())];
        }
        let seen = format!("subscribes all log groups except {}", policy.left_out.join(", "));
        let mut found = vec![HealthFinding::ok(AREA, &what, seen)];
        // Named groups get a finding of their own.
        if self.facts.groups.is_empty() && !self.may_invoke(&target, &self.facts.any_source) {
            let why = "CloudWatch Logs may not invoke the function, so no logs arrive";
            let command = self.advice.subscribe_account(&target);
            let fix = self.with_permission(command, &self.facts.any_source, &target);
            found = vec![HealthFinding::wrong(AREA, &what, why).fix(fix)];
        }
        found
    }

    fn show_policy(&self) -> String {
        self.advice.aws("logs describe-account-policies --policy-type SUBSCRIPTION_FILTER_POLICY")
    }

    fn nothing_subscribed(&self) -> HealthFinding {
        let why = "no log group is subscribed to it, so it gets no logs";
        let finding = HealthFinding::wrong(AREA, &format!("function {}", self.function.name), why);
        let function = advice::quoted(&self.function.qualified_name());
        if self.facts.unsubscribed.iter().any(|name| glob::matches(EKS_GROUPS, name, true)) {
            let command = self.advice.podferry(&format!("subscribe --pattern '{EKS_GROUPS}' --function {function}"));
            return finding.fix(self.with_permission(command, &self.facts.any_source, self.function));
        }
        finding.fix(format!(
            "subscribe the log group that Fluent Bit writes to (`log_group_name` in the ConfigMap aws-logging): \
             `{}`",
            self.advice.podferry(&format!("subscribe GROUP --function {function}"))
        ))
    }

    fn group(&self, fact: &LogGroupFact) -> Vec<HealthFinding> {
        let name = &fact.group.name;
        let what = &what(name);
        let all = match &fact.filters {
            Ok(filters) => filters,
            Err(error) => return vec![HealthFinding::of_error(AREA, what, error)],
        };
        let filters = ours(all, &self.function.arn);
        let is_by_policy = self.is_by_policy(name);
        if *name == self.function.log_group {
            // The policy is judged once, named or not.
            return if !filters.is_empty() {
                let why =
                    "the function's own log group is subscribed to the function: each invocation causes the next one";
                vec![HealthFinding::wrong(AREA, what, why).fix(self.advice.unsubscribe(name, self.function))]
            } else if is_by_policy {
                Vec::new()
            } else {
                vec![HealthFinding::ok(AREA, what, "the function's own log group, not subscribed")]
            };
        }
        // No policy subscribes it either.
        if fact.group.class != LogGroupClass::Standard {
            return vec![self.unsubscribed(fact, all)];
        }
        vec![match (filters.as_slice(), is_by_policy) {
            ([], false) if self.facts.unclear_policy.is_some() => {
                let why = "no filter leads to the function; whether the account policy subscribes it is unknown";
                HealthFinding::unknown(AREA, what, why).fix(self.show_policy())
            }
            ([], false) => self.unsubscribed(fact, all),
            ([], true) => self.subscribed(fact, None),
            ([filter], false) => self.subscribed(fact, Some(filter)),
            ([_, ..], true) => {
                let why =
                    format!("its logs are sent {} times: by the account policy and by a filter", filters.len() + 1);
                HealthFinding::wrong(AREA, what, why).fix(self.advice.unsubscribe(name, self.function))
            }
            (several, false) => {
                let why = format!("its logs are sent {} times: several filters send to the function", several.len());
                HealthFinding::wrong(AREA, what, why).fix(self.advice.delete_filter(name, &narrowest(several).name))
            }
        }]
    }

    /// What `subscribe` would answer decides the advice.
    fn unsubscribed(&self, fact: &LogGroupFact, filters: &[SubscriptionFilter]) -> HealthFinding {
        let name = &fact.group.name;
        let wish = SubscribeWish {
            emit_system_fields: false,
            destination: self.function.destination(),
            filter_name: FILTER_NAME.to_owned(),
            pattern: None,
            own_log_group: self.function.log_group.clone(),
            by_policy: None,
        };
        let wrong = |why: &str| HealthFinding::wrong(AREA, &what(name), why);
        let subscribe = self.advice.subscribe(name, self.function);
        match plan::step(&fact.group, filters, &wish) {
            SubscribeStep::Refuse(SubscribeRefusal::Class(_)) => {
                wrong("its class does not support subscription filters, so its logs cannot arrive").fix(ANOTHER_GROUP)
            }
            SubscribeStep::Refuse(SubscribeRefusal::Full(_)) => {
                wrong("it is not subscribed, and already has as many filters as a log group can have").fix(format!(
                    "delete a filter that is not needed (`{}` lists them), then run `{subscribe}`",
                    self.advice
                        .aws(&format!("logs describe-subscription-filters --log-group-name {}", advice::quoted(name)))
                ))
            }
            SubscribeStep::Refuse(SubscribeRefusal::NameTaken(_)) => {
                let command = format!("{subscribe} --filter-name {FILTER_NAME}-2");
                let why = format!("it is not subscribed, and its filter {FILTER_NAME} has another destination");
                wrong(&why).fix(self.with_permission(command, &fact.source, self.function))
            }
            _ => wrong("it is not subscribed, so its logs do not arrive").fix(self.with_permission(
                subscribe,
                &fact.source,
                self.function,
            )),
        }
    }

    /// One way leads to the function: `filter`, or the account's policy.
    fn subscribed(&self, fact: &LogGroupFact, filter: Option<&SubscriptionFilter>) -> HealthFinding {
        let name = &fact.group.name;
        let policy = self.policy();
        let destination = filter.map(|filter| &filter.destination).or(policy.map(|policy| &policy.destination));
        let target = destination.map_or_else(|| self.function.clone(), |destination| self.at(destination));
        if self.is_gone(&target) {
            let why = format!("it leads to {}, which does not exist, so its logs do not arrive", target.target());
            let fix = filter.map_or_else(|| self.new_policy(), |filter| self.new_filter(fact, filter));
            return HealthFinding::wrong(AREA, &what(name), why).fix(fix);
        }
        if !self.may_invoke(&target, &fact.source) {
            let why = "CloudWatch Logs may not invoke the function for it, so its logs do not arrive";
            let command = match filter {
                Some(_) => self.advice.subscribe(name, &target),
                // A group that the policy subscribes is refused.
                None => self.advice.subscribe_account(&target),
            };
            let finding = HealthFinding::wrong(AREA, &what(name), why);
            return finding.fix(self.with_permission(command, &fact.source, &target));
        }
        if self.function.qualifier.is_some() && target.qualifier != self.function.qualifier {
            let why = format!("is subscribed to {}, not to {}", target.target(), self.function.target());
            let fix = filter.map_or_else(|| self.new_policy(), |filter| self.new_filter(fact, filter));
            return HealthFinding::note(AREA, &what(name), why).fix(fix);
        }
        // Source: Amazon CloudWatch Logs API reference, PutSubscriptionFilter, `applyOnTransformedLogs`.
        if let Some(filter) = filter.filter(|filter| filter.extras.on_transformed_logs) {
            let why = "is subscribed, but to transformed logs (applyOnTransformedLogs): the function gets what the transformer made of Fluent \
                       Bit's records, and cannot tell pods and rules any more";
            let fix = self.advice.put_filter_untransformed(name, filter);
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
    fn new_filter(&self, fact: &LogGroupFact, filter: &SubscriptionFilter) -> String {
        let name = &fact.group.name;
        let mut subscribe = self.advice.subscribe(name, self.function);
        if self.function.qualifier.is_some() {
            return self.with_permission(subscribe, &fact.source, self.function);
        }
        if !filter.pattern.is_empty() {
            subscribe = format!("{subscribe} --filter-pattern {}", advice::quoted(&filter.pattern));
        }
        format!("run `{}`, then `{subscribe}`", self.advice.unsubscribe(name, self.function))
    }

    /// The same for the account's policy, of which `subscribe` always keeps the destination.
    fn new_policy(&self) -> String {
        let (old, new) = (self.advice.unsubscribe_account(self.function), self.advice.subscribe_account(self.function));
        format!("run `{old}`, then `{new}`")
    }

    /// What of the function a destination means.
    fn at(&self, destination: &str) -> Function {
        self.function.at(qualifier(destination))
    }

    fn is_gone(&self, target: &Function) -> bool {
        self.facts
            .others
            .iter()
            .any(|other| other.qualifier == target.qualifier && matches!(other.permission, Ok(None)))
    }

    /// Only where it was read.
    fn permission(&self, target: &Function) -> Option<&FunctionPolicy> {
        if target.qualifier == self.function.qualifier {
            return self.facts.permission.as_ref().ok();
        }
        let other = self.facts.others.iter().find(|other| other.qualifier == target.qualifier)?;
        other.permission.as_ref().ok()?.as_ref()
    }

    /// `false` only where it was read.
    fn may_invoke(&self, target: &Function, source: &str) -> bool {
        self.permission(target).is_none_or(|policy| policy.covers(source, &self.facts.account).is_some())
    }

    /// `subscribe` refuses to replace a statement of its name that allows something else, so that has to go first.
    fn with_permission(&self, command: String, source: &str, target: &Function) -> String {
        let has_statement = self.permission(target).is_some_and(|policy| policy.has(STATEMENT));
        if self.may_invoke(target, source) || !has_statement {
            return command;
        }
        let remove = self.advice.remove_permission(target);
        format!("run `{remove}`, whose statement allows something else, then `{command}`")
    }
}

/// Of several filters, the one to delete: not one that takes all events, if another would be left that does not.
fn narrowest<'f>(filters: &[&'f SubscriptionFilter]) -> &'f SubscriptionFilter {
    let last = filters.len().saturating_sub(1);
    filters.iter().rev().find(|filter| !filter.pattern.is_empty()).unwrap_or(&filters[last])
}

/// What many groups may have in common is said once.
fn common<'a>(groups: impl Iterator<Item = &'a LogGroupFact>) -> Option<(&'a str, String)> {
    let mut names = groups.map(|fact| fact.group.name.as_str());
    let first = names.next()?;
    let more = names.count();
    Some((first, if more == 0 { what(first) } else { format!("{} and {more} more", what(first)) }))
}

fn never_written(groups: &[LogGroupFact], function: &Function) -> Option<HealthFinding> {
    // No pod writes to the function's own.
    let of_pods = groups.iter().filter(|fact| fact.group.name != function.log_group);
    let (_, what) = common(of_pods.filter(|fact| matches!(fact.newest, Ok(None))))?;
    Some(HealthFinding::note(AREA, &what, "nothing was ever written to it").fix(
        "check that pods run on Fargate, and look for the event LoggingEnabled or LoggingDisabled: kubectl describe pod",
    ))
}

fn kept_forever(groups: &[LogGroupFact], advice: &Advice) -> Option<HealthFinding> {
    let (first, what) = common(groups.iter().filter(|fact| fact.group.retention_days.is_none()))?;
    let command = format!("logs put-retention-policy --log-group-name {} --retention-in-days 7", advice::quoted(first));
    Some(
        HealthFinding::note(AREA, &what, "events never expire, and CloudWatch charges for storing them")
            .fix(advice.aws(&command)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::examples::{
        FUNCTION, account_policy, advice, call_error, function, good, log_group, subscription,
    };
    use super::super::facts::{HealthFact, OtherTarget};
    use super::super::finding::HealthSeverity;
    use super::*;
    use crate::aws::subscribe::plan::MAX_FILTERS;

    /// What is not right after a change.
    fn found(change: impl Fn(&mut LogGroupFacts)) -> Vec<HealthFinding> {
        let mut facts = good().log_groups;
        change(&mut facts);
        let mut found = judge(&facts, &function(&[]), &advice());
        found.retain(|one| one.severity != HealthSeverity::Ok);
        found
    }

    fn only(change: impl Fn(&mut LogGroupFacts)) -> HealthFinding {
        let mut found = found(change);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    fn fix_of(change: impl Fn(&mut LogGroupFacts)) -> String {
        let found = only(change);
        assert_eq!(found.severity, HealthSeverity::Wrong, "{found:?}");
        found.fix.unwrap()
    }

    fn filters(facts: &mut LogGroupFacts) -> &mut Vec<SubscriptionFilter> {
        facts.groups[0].filters.as_mut().unwrap()
    }

    fn elsewhere(name: &str) -> SubscriptionFilter {
        SubscriptionFilter { destination: "arn:aws:kinesis:eu-west-1:1:stream/x".into(), ..subscription(name, "") }
    }

    #[test]
    fn nothing_is_wrong() {
        assert_eq!(found(|_| {}), []);
        let own = |facts: &mut LogGroupFacts| {
            facts.groups.push(log_group("/own"));
            facts.groups[1].filters = Ok(vec![]);
        };
        assert_eq!(found(own), []);
    }

    #[test]
    fn groups_that_are_not_subscribed() {
        let subscribe = "podferry subscribe /a --function podferry";
        assert_eq!(fix_of(|facts| filters(facts).clear()), subscribe);
        assert_eq!(
            fix_of(|facts| *filters(facts) = vec![elsewhere("podferry")]),
            format!("{subscribe} --filter-name podferry-2")
        );
        assert_eq!(fix_of(|facts| *filters(facts) = vec![elsewhere("x")]), subscribe);
        let full: Vec<_> = (0..MAX_FILTERS).map(|number| elsewhere(&format!("f{number}"))).collect();
        assert!(fix_of(|facts| filters(facts).clone_from(&full)).starts_with("delete a filter"));
        let infrequent = |facts: &mut LogGroupFacts| {
            facts.groups[0].group.class = LogGroupClass::InfrequentAccess;
            filters(facts).clear();
        };
        assert!(only(infrequent).why.contains("class"));
        for class in [LogGroupClass::InfrequentAccess, LogGroupClass::Delivery] {
            let by_policy = |facts: &mut LogGroupFacts| {
                infrequent(facts);
                facts.groups[0].group.class = class;
                facts.account_policy = account_policy(&["/own"]);
            };
            assert!(fix_of(by_policy).starts_with("make Fluent Bit write to another log group"));
        }
        assert!(fix_of(|facts| facts.missing.push("/b".into())).contains("aws-logging"));
    }

    #[test]
    fn nothing_is_subscribed_at_all() {
        let with = |unsubscribed: &[&str]| {
            fix_of(|facts| {
                facts.groups.clear();
                facts.unsubscribed = unsubscribed.iter().map(|name| (*name).to_owned()).collect();
            })
        };
        assert_eq!(with(&["/aws/eks/prod"]), "podferry subscribe --pattern '/aws/eks/*' --function podferry");
        // No group fits the pattern, and `subscribe` would refuse it.
        assert!(with(&["/aws/lambda/x"]).contains("`podferry subscribe GROUP --function podferry`"));
    }

    #[test]
    fn logs_that_are_sent_twice() {
        let twice = |one: &str, other: &str| {
            fix_of(|facts| *filters(facts) = vec![subscription("one", one), subscription("it's", other)])
        };
        let delete = "aws logs delete-subscription-filter --log-group-name /a --filter-name";
        assert_eq!(twice("", ""), format!(r"{delete} 'it'\''s' --region eu-west-1"));
        assert_eq!(twice("ERROR", ""), format!("{delete} one --region eu-west-1"), "the other one takes all events");
        let by_policy = |facts: &mut LogGroupFacts| facts.account_policy = account_policy(&["/own"]);
        assert_eq!(fix_of(by_policy), "podferry unsubscribe /a --function podferry");
        assert!(only(by_policy).why.contains("2 times"));
    }

    #[test]
    fn the_functions_own_log_group() {
        let own = |facts: &mut LogGroupFacts| facts.groups.push(log_group("/own"));
        assert_eq!(fix_of(own), "podferry unsubscribe /own --function podferry");
        // Whether or not the group was asked for.
        let by_policy = |facts: &mut LogGroupFacts| {
            facts.groups.clear();
            facts.account_policy = account_policy(&["/a"]);
        };
        assert_eq!(fix_of(by_policy), "podferry subscribe --whole-account --function podferry");
        let both = found(|facts| {
            own(facts);
            facts.account_policy = account_policy(&["/a"]);
        });
        let fixes: Vec<_> = both.into_iter().map(|one| one.fix.unwrap()).collect();
        assert_eq!(
            fixes,
            ["podferry subscribe --whole-account --function podferry", "podferry unsubscribe /own --function podferry"]
        );
    }

    #[test]
    fn a_permission_that_is_missing() {
        let none = |facts: &mut LogGroupFacts| facts.permission = Ok(FunctionPolicy::default());
        assert_eq!(fix_of(none), "podferry subscribe /a --function podferry");
        let by_policy = |facts: &mut LogGroupFacts| {
            none(facts);
            facts.account_policy = account_policy(&["/own"]);
        };
        let of_group = |facts: &mut LogGroupFacts| {
            by_policy(facts);
            filters(facts).clear();
        };
        assert_eq!(fix_of(of_group), "podferry subscribe --whole-account --function podferry");
        let of_none = |facts: &mut LogGroupFacts| {
            by_policy(facts);
            facts.groups.clear();
        };
        assert_eq!(fix_of(of_none), "podferry subscribe --whole-account --function podferry");
        let other = format!(
            r#"{{"Statement":{{"Sid":"podferry-logs","Effect":"Deny","Principal":"*","Action":"*","Resource":"{FUNCTION}"}}}}"#
        );
        let taken = |facts: &mut LogGroupFacts| facts.permission = Ok(FunctionPolicy::read(&other));
        assert!(fix_of(taken).starts_with("run `aws lambda remove-permission --function-name podferry "));
    }

    #[test]
    fn what_leads_to_another_version_or_alias() {
        let to_old = |facts: &mut LogGroupFacts, permission: HealthFact<Option<FunctionPolicy>>| {
            filters(facts)[0].destination = format!("{FUNCTION}:old");
            facts.others = vec![OtherTarget { qualifier: Some("old".into()), permission }];
        };
        let good = good().log_groups.permission.unwrap();
        assert_eq!(found(|facts| to_old(facts, Ok(Some(good.clone())))), []);
        // It has a policy of its own; that of the function does not count.
        let closed = |facts: &mut LogGroupFacts| to_old(facts, Ok(Some(FunctionPolicy::default())));
        assert_eq!(fix_of(closed), "podferry subscribe /a --function podferry:old");
        let open = |facts: &mut LogGroupFacts| {
            to_old(facts, Ok(Some(good.clone())));
            facts.permission = Ok(FunctionPolicy::default());
        };
        assert_eq!(found(open), []);
        let gone = only(|facts| to_old(facts, Ok(None)));
        assert_eq!(gone.why, "it leads to alias old, which does not exist, so its logs do not arrive");
        let subscribe = "podferry subscribe /a --function podferry";
        assert_eq!(gone.fix.unwrap(), format!("run `podferry unsubscribe /a --function podferry`, then `{subscribe}`"));
        let narrow = |facts: &mut LogGroupFacts| {
            to_old(facts, Ok(None));
            filters(facts)[0].pattern = "a b".into();
        };
        assert!(fix_of(narrow).ends_with("`podferry subscribe /a --function podferry --filter-pattern 'a b'`"));
        let unknown = found(|facts| to_old(facts, Err(call_error())));
        assert_eq!((unknown.len(), unknown[0].what.as_str()), (1, "permission of alias old"));
        // An alias is meant, and `subscribe` changes where the filter leads.
        let of_live = |permission: Option<FunctionPolicy>| {
            let mut facts = super::super::examples::good().log_groups;
            to_old(&mut facts, Ok(permission));
            let mut found = judge(&facts, &function(&[]).at(Some("live")), &advice());
            found.retain(|one| one.severity != HealthSeverity::Ok);
            assert_eq!(found[0].fix.as_deref(), Some("podferry subscribe /a --function podferry:live"));
            found[0].severity
        };
        assert_eq!((of_live(None), of_live(Some(good.clone()))), (HealthSeverity::Wrong, HealthSeverity::Note));
        // The account's policy may lead there too.
        let by_policy = |facts: &mut LogGroupFacts| {
            facts.groups.clear();
            let document = serde_json::json!({ "DestinationArn": format!("{FUNCTION}:2") }).to_string();
            let policy = AccountPolicy::read("all", &document, Some(r#"LogGroupName NOT IN ["/own"]"#));
            facts.account_policy = Ok(Some(policy.unwrap()));
            facts.others = vec![OtherTarget { qualifier: Some("2".into()), permission: Ok(None) }];
        };
        assert_eq!(only(by_policy).why, "it leads to version 2, which does not exist, so no logs arrive");
        let commands = "run `podferry unsubscribe --whole-account --function podferry`, then `podferry subscribe --whole-account --function podferry`";
        assert_eq!(fix_of(by_policy), commands);
    }

    #[test]
    fn the_accounts_policy_counts_as_a_filter() {
        let facts = |left_out: &'static [&'static str]| {
            let left_out: Vec<&str> = left_out.iter().copied().chain(["/own"]).collect();
            move |facts: &mut LogGroupFacts| facts.account_policy = account_policy(&left_out)
        };
        assert_eq!(found(facts(&["/a"])), []);
        assert_eq!(
            found(|all| {
                facts(&[])(all);
                filters(all).clear();
            }),
            []
        );
        assert_eq!(
            found(|all| {
                facts(&[])(all);
                all.groups.clear();
            }),
            []
        );
    }

    #[test]
    fn what_is_good_to_know() {
        let note = |change: &dyn Fn(&mut LogGroupFacts)| {
            let found = only(change);
            assert_eq!(found.severity, HealthSeverity::Note, "{found:?}");
            found
        };
        assert!(note(&|facts| filters(facts)[0].pattern = "ERROR".into()).why.contains("match `ERROR`"));
        let transformed = note(&|facts| {
            let extras = &mut filters(facts)[0].extras;
            extras.on_transformed_logs = true;
            extras.emit_system_fields = vec!["@aws.account".into()];
        });
        assert!(transformed.why.contains("applyOnTransformedLogs"), "{transformed:?}");
        assert_eq!(
            transformed.fix.unwrap(),
            "aws logs put-subscription-filter --log-group-name /a --filter-name podferry --filter-pattern '' --destination-arn \
             arn:aws:lambda:eu-west-1:111122223333:function:podferry --emit-system-fields @aws.account --region eu-west-1"
        );
        assert!(note(&|facts| facts.groups[0].newest = Ok(None)).why.contains("ever written"));
        let own = found(|facts| {
            facts.groups.push(log_group("/own"));
            facts.groups[1].newest = Ok(None);
        });
        assert_eq!((own.len(), own[0].severity), (1, HealthSeverity::Wrong), "it is subscribed, and that is all");
        let kept = note(&|facts| {
            facts.groups.push(log_group("/b"));
            facts.groups.iter_mut().for_each(|fact| fact.group.retention_days = None);
        });
        assert_eq!(kept.what, "log group /a and 1 more");
        assert!(kept.fix.unwrap().contains("--log-group-name /a "));
    }

    #[test]
    fn what_could_not_be_read() {
        let unknown = |change: &dyn Fn(&mut LogGroupFacts)| {
            let found = only(change);
            assert!(found.severity == HealthSeverity::Unknown && found.why.contains("x:Y"), "{found:?}");
        };
        unknown(&|facts| facts.permission = Err(call_error()));
        unknown(&|facts| {
            facts.found = Err(call_error());
            facts.groups.clear();
        });
        unknown(&|facts| facts.account_policy = Err(call_error()));
        unknown(&|facts| facts.groups[0].filters = Err(call_error()));
        let unclear = |change: &dyn Fn(&mut LogGroupFacts)| {
            let found = found(|facts| {
                facts.unclear_policy = Some("all".into());
                change(facts);
            });
            assert!(found.iter().all(|one| one.severity == HealthSeverity::Unknown), "{found:?}");
            found.into_iter().map(|one| one.what).collect::<Vec<_>>()
        };
        assert_eq!(unclear(&|facts| facts.groups.clear()), ["account policy all"]);
        assert_eq!(unclear(&|facts| filters(facts).clear()), ["account policy all", "log group /a"]);
        unknown(&|facts| facts.groups[0].newest = Err(call_error()));
    }
}
