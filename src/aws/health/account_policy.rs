//! The account's subscription policy: whether it leads to the function, past the function's own log group.

use super::finding::{HealthArea, HealthFinding};
use super::subscriptions::Subscriptions;

const AREA: HealthArea = HealthArea::LogGroups;

/// What the policy shows; nothing where there is none.
pub(super) fn judge(all: &Subscriptions) -> Vec<HealthFinding> {
    if let Some(name) = &all.facts.unclear_policy {
        let why = "it leads to the function, but podferry cannot parse its selection criteria, and cannot tell which log groups it \
                   subscribes";
        return vec![HealthFinding::unknown(AREA, &format!("account policy {name}"), why).fix(all.show_policy())];
    }
    let policy = match &all.facts.account_policy {
        Err(error) => return vec![HealthFinding::of_error(AREA, "account policy", error)],
        Ok(None) => return Vec::new(),
        Ok(Some(policy)) => policy,
    };
    let what = format!("account policy {}", policy.name);
    let target = all.at(&policy.destination);
    if all.is_by_policy(&all.function.log_group) {
        let why = format!(
            "it subscribes the function's own log group {} too: each invocation causes the next one",
            all.function.log_group
        );
        return vec![HealthFinding::wrong(AREA, &what, why).fix(all.with_permission(
            all.advice.subscribe_account(&target),
            &all.facts.any_source,
            &target,
        ))];
    }
    if all.is_gone(&target) {
        let why = format!("it leads to {}, which does not exist, so no logs arrive", target.target());
        return vec![HealthFinding::wrong(AREA, &what, why).fix(all.new_policy())];
    }
    let seen = format!("subscribes all log groups except {}", policy.left_out.join(", "));
    let mut found = vec![HealthFinding::ok(AREA, &what, seen)];
    // Named groups get a finding of their own.
    if all.facts.groups.is_empty() && !all.may_invoke(&target, &all.facts.any_source) {
        let why = "CloudWatch Logs may not invoke the function, so no logs arrive";
        let command = all.advice.subscribe_account(&target);
        let fix = all.with_permission(command, &all.facts.any_source, &target);
        found = vec![HealthFinding::wrong(AREA, &what, why).fix(fix)];
    }
    found
}
