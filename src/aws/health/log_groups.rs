//! Log groups: whether the logs of each reach the function, once, and what they have in common. `subscriptions` says what leads to the function,
//! `account_policy` and `group_subscription` judge it.

use super::advice::{self, Advice};
use super::facts::{LogGroupFact, LogGroupFacts};
use super::finding::{HealthArea, HealthFinding};
use super::subscriptions::{Subscriptions, what};
use super::{account_policy, group_subscription};
use crate::aws::function::Function;
use pipeline::glob;

const AREA: HealthArea = HealthArea::LogGroups;

/// Where the log groups of EKS usually are; suggested if nothing is subscribed yet.
const EKS_GROUPS: &str = "/aws/eks/*";

/// What the log groups show.
#[must_use]
pub(crate) fn judge(facts: &LogGroupFacts, function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let all = Subscriptions { facts, function, advice };
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
    found.extend(account_policy::judge(&all));
    found.extend(facts.missing.iter().map(|name| {
        HealthFinding::wrong(AREA, &what(name), "this log group does not exist in this account and region").fix(
            "check `log_group_name` in the ConfigMap aws-logging; Fluent Bit creates the log group with the first log",
        )
    }));
    if facts.found.is_ok()
        && facts.groups.is_empty()
        && facts.missing.is_empty()
        && all.policy().is_none()
        && facts.unclear_policy.is_none()
    {
        found.push(nothing_subscribed(&all));
    }
    for fact in &facts.groups {
        found.extend(group_subscription::judge(&all, fact));
        if let Err(error) = &fact.newest {
            found.push(HealthFinding::of_error(AREA, &what(&fact.group.name), error));
        }
    }
    found.extend(never_written(&facts.groups, function));
    found.extend(kept_forever(&facts.groups, advice));
    found
}

fn nothing_subscribed(all: &Subscriptions) -> HealthFinding {
    let why = "no log group is subscribed to it, so it gets no logs";
    let finding = HealthFinding::wrong(AREA, &format!("function {}", all.function.name), why);
    let function = advice::quoted(&all.function.qualified_name());
    if all.facts.unsubscribed.iter().any(|name| glob::matches(EKS_GROUPS, name, true)) {
        let command = all.advice.podferry(&format!("subscribe --pattern '{EKS_GROUPS}' --function {function}"));
        return finding.fix(all.with_permission(command, &all.facts.any_source, all.function));
    }
    finding.fix(format!(
        "subscribe the log group that Fluent Bit writes to (`log_group_name` in the ConfigMap aws-logging): \
         `{}`",
        all.advice.podferry(&format!("subscribe GROUP --function {function}"))
    ))
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
    use crate::aws::groups::{LogGroupClass, SubscriptionFilter};
    use crate::aws::subscribe::account_policy::AccountPolicy;
    use crate::aws::subscribe::permission::FunctionPolicy;
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
