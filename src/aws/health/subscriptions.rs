//! What leads from log groups to the function: filters and the account's policy, whether what they lead to exists, and whether CloudWatch Logs
//! may invoke it. What is found of one group depends on what holds for all.

use super::advice::Advice;
use super::facts::LogGroupFacts;
use crate::aws::function::Function;
use crate::aws::subscribe::account_policy::AccountPolicy;
use crate::aws::subscribe::permission::{FunctionPolicy, STATEMENT};
use crate::aws::subscribe::qualifier;

/// A group, in the words of findings.
pub(super) fn what(group: &str) -> String {
    format!("log group {group}")
}

/// What leads to the function.
pub(super) struct Subscriptions<'a> {
    pub(super) facts: &'a LogGroupFacts,
    pub(super) function: &'a Function,
    pub(super) advice: &'a Advice,
}

impl Subscriptions<'_> {
    pub(super) fn policy(&self) -> Option<&AccountPolicy> {
        self.facts.account_policy.as_ref().ok().and_then(Option::as_ref)
    }

    /// Whether the account's policy leads a group to the function.
    pub(super) fn is_by_policy(&self, group: &str) -> bool {
        self.policy().is_some_and(|policy| !policy.left_out.iter().any(|name| name == group))
    }

    /// What of the function a destination means.
    pub(super) fn at(&self, destination: &str) -> Function {
        self.function.at(qualifier(destination))
    }

    pub(super) fn is_gone(&self, target: &Function) -> bool {
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
    pub(super) fn may_invoke(&self, target: &Function, source: &str) -> bool {
        self.permission(target).is_none_or(|policy| policy.covers(source, &self.facts.account).is_some())
    }

    /// `subscribe` refuses to replace a statement of its name that allows something else, so that has to go first.
    pub(super) fn with_permission(&self, command: String, source: &str, target: &Function) -> String {
        let has_statement = self.permission(target).is_some_and(|policy| policy.has(STATEMENT));
        if self.may_invoke(target, source) || !has_statement {
            return command;
        }
        let remove = self.advice.remove_permission(target);
        format!("run `{remove}`, whose statement allows something else, then `{command}`")
    }

    /// Prints the account's policy.
    pub(super) fn show_policy(&self) -> String {
        self.advice.aws("logs describe-account-policies --policy-type SUBSCRIPTION_FILTER_POLICY")
    }

    /// Makes the account's policy lead to what is meant: `subscribe` always keeps its destination.
    pub(super) fn new_policy(&self) -> String {
        let (old, new) = (self.advice.unsubscribe_account(self.function), self.advice.subscribe_account(self.function));
        format!("run `{old}`, then `{new}`")
    }
}
