//! The calls that carry out a plan, and those that read what exists.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{PolicyType, Scope};
use tokio::time::sleep;

use super::account_policy::{AccountPolicy, PolicyRefusal};
use super::permission::{ACTION, FunctionPolicy, PRINCIPAL, STATEMENT};
use crate::aws::account::Account;
use crate::aws::error::{AwsFailure, On, SdkCallError};
use crate::aws::function::Function;
use crate::aws::groups::SubscriptionFilter;

/// CloudWatch Logs invokes the function when a filter is made, and a permission takes some seconds to take effect. The first waits
/// are short; if it still fails after seven attempts, half a minute, the permission is not the reason.
const ATTEMPTS_AFTER_PERMISSION: u32 = 7;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The start of its message. Source: seen at AWS; moto says the same.
const COULD_NOT_EXECUTE: &str = "Could not execute the lambda function";

/// The function's policy.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn policy(account: &Account, function: &Function) -> Result<FunctionPolicy, SdkCallError> {
    let call = account.lambda.get_policy().function_name(&function.name).set_qualifier(function.qualifier.clone());
    match call.send().await {
        Ok(answer) => Ok(FunctionPolicy::read(answer.policy().unwrap_or_default())),
        Err(error) => {
            let error = SdkCallError::new("lambda:GetPolicy", function.on(), &error);
            // A function without a policy has none to show.
            if matches!(error.failure, AwsFailure::NotFound(_)) { Ok(FunctionPolicy::default()) } else { Err(error) }
        }
    }
}

/// Lets CloudWatch Logs invoke the function for every group of the account and region.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn add_permission(account: &Account, function: &Function) -> Result<(), SdkCallError> {
    let call = account
        .lambda
        .add_permission()
        .function_name(&function.name)
        .set_qualifier(function.qualifier.clone())
        .statement_id(STATEMENT)
        .action(ACTION)
        .principal(PRINCIPAL)
        .source_account(&account.id)
        .source_arn(account.arn("logs", "log-group:*"));
    call.send().await.map(drop).map_err(|error| SdkCallError::new("lambda:AddPermission", function.on(), &error))
}

/// Removes it.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn remove_permission(account: &Account, function: &Function) -> Result<(), SdkCallError> {
    let call = account.lambda.remove_permission().function_name(&function.name).statement_id(STATEMENT);
    let call = call.set_qualifier(function.qualifier.clone());
    call.send().await.map(drop).map_err(|error| SdkCallError::new("lambda:RemovePermission", function.on(), &error))
}

/// Makes a filter, or changes the one with its name. `is_permission_new`: the permission may not have taken effect yet.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn put_filter(
    account: &Account,
    group: &str,
    filter: &SubscriptionFilter,
    is_permission_new: bool,
) -> Result<(), SdkCallError> {
    let call = account
        .logs
        .put_subscription_filter()
        .log_group_name(group)
        .filter_name(&filter.name)
        .filter_pattern(&filter.pattern)
        .destination_arn(&filter.destination)
        .set_apply_on_transformed_logs(filter.extras.on_transformed_logs.then_some(true))
        .set_field_selection_criteria(filter.extras.field_selection_criteria.clone())
        .set_emit_system_fields(
            (!filter.extras.emit_system_fields.is_empty()).then(|| filter.extras.emit_system_fields.clone()),
        );
    until_allowed(is_permission_new, || async {
        let on = || account.log_group(group);
        let answer = call.clone().send().await;
        answer.map(drop).map_err(|error| SdkCallError::new("logs:PutSubscriptionFilter", on(), &error))
    })
    .await
}

/// Makes a call that invokes the function; if the permission is new, retries until it takes effect.
async fn until_allowed<W: Future<Output = Result<(), SdkCallError>>>(
    is_permission_new: bool,
    call: impl Fn() -> W,
) -> Result<(), SdkCallError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..if is_permission_new { ATTEMPTS_AFTER_PERMISSION } else { 1 } {
        match call().await {
            Err(error) if could_not_execute(&error) => sleep(wait).await,
            done => return done,
        }
        wait *= 2;
    }
    call().await
}

fn could_not_execute(error: &SdkCallError) -> bool {
    matches!(&error.failure, AwsFailure::Refused(answer) if answer.message.starts_with(COULD_NOT_EXECUTE))
}

/// Deletes a filter. If it is already gone, that is no failure.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn delete_filter(account: &Account, group: &str, filter: &str) -> Result<(), SdkCallError> {
    let call = account.logs.delete_subscription_filter().log_group_name(group).filter_name(filter);
    let Err(error) = call.send().await else { return Ok(()) };
    let error = SdkCallError::new("logs:DeleteSubscriptionFilter", account.log_group(group), &error);
    if matches!(error.failure, AwsFailure::NotFound(_)) { Ok(()) } else { Err(error) }
}

fn on_policies() -> On {
    On::any("the account's subscription filter policy")
}

/// The account's subscription filter policy, if it has one.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn account_policy(
    account: &Account,
) -> Result<Option<Result<AccountPolicy, PolicyRefusal>>, SdkCallError> {
    let call = account.logs.describe_account_policies().policy_type(PolicyType::SubscriptionFilterPolicy);
    let mut next = None;
    loop {
        let answer = call.clone().set_next_token(next).send().await;
        let answer =
            answer.map_err(|error| SdkCallError::new("logs:DescribeAccountPolicies", on_policies(), &error))?;
        if let Some(policy) = answer.account_policies().first() {
            let (name, document) =
                (policy.policy_name().unwrap_or_default(), policy.policy_document().unwrap_or_default());
            return Ok(Some(AccountPolicy::read(name, document, policy.selection_criteria())));
        }
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(None);
        }
    }
}

/// Makes the account policy, or changes it. `is_permission_new` as for [`put_filter`].
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn put_account_policy(
    account: &Account,
    policy: &AccountPolicy,
    is_permission_new: bool,
) -> Result<(), SdkCallError> {
    let call = account
        .logs
        .put_account_policy()
        .policy_name(&policy.name)
        .policy_type(PolicyType::SubscriptionFilterPolicy)
        .policy_document(policy.document())
        .selection_criteria(policy.criteria())
        .scope(Scope::All);
    until_allowed(is_permission_new, || async {
        let answer = call.clone().send().await;
        answer.map(drop).map_err(|error| SdkCallError::new("logs:PutAccountPolicy", on_policies(), &error))
    })
    .await
}

/// Deletes the account's policy.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn delete_account_policy(account: &Account, name: &str) -> Result<(), SdkCallError> {
    let call = account.logs.delete_account_policy().policy_name(name).policy_type(PolicyType::SubscriptionFilterPolicy);
    call.send().await.map(drop).map_err(|error| SdkCallError::new("logs:DeleteAccountPolicy", on_policies(), &error))
}
