//! The calls that the steps are made of.

use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::types::QueueAttributeName;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::function::Deployed;
use super::key::Validation;
use super::logs::Subscribed;
use super::queues::{Attributes, Mapping};
use super::role::Need;
use crate::aws::account::Account;
use crate::aws::concurrently::each;
use crate::aws::error::{AwsCallError, On};
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups};
use crate::aws::subscribe::plan::ours;
use forwarder::delivery::client::Clients;
use forwarder::lambda::api_key::{ApiKey, NoKey};
use forwarder::settings::{AwsSettings, Queue, Settings};

/// How long Datadog's API may take to say whether a key is one.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);

/// What is deployed.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn deployed(account: &Account, function: &Function) -> Result<Deployed, AwsCallError> {
    let call = account.lambda.get_function_configuration().function_name(&function.name);
    let answer = call.set_qualifier(function.qualifier.clone()).send().await;
    let answer = answer.map_err(|error| AwsCallError::new("lambda:GetFunctionConfiguration", function.on(), &error))?;
    let reasons = [
        answer.state_reason_code().map(|code| code.as_str()),
        answer.last_update_status_reason_code().map(|code| code.as_str()),
    ];
    Ok(Deployed {
        state: answer.state().map(|state| state.as_str().to_owned()),
        last_update: answer.last_update_status().map(|status| status.as_str().to_owned()),
        reasons: reasons.into_iter().flatten().map(str::to_owned).collect(),
        runtime: answer.runtime().map(|runtime| runtime.as_str().to_owned()),
        architectures: answer.architectures().iter().map(|one| one.as_str().to_owned()).collect(),
        variables_hidden: answer
            .environment()
            .and_then(|environment| environment.error())
            .map(|error| error.error_code().unwrap_or("no code").to_owned()),
    })
}

/// The API key, by the function's own way but with the credentials in use.
///
/// # Errors
/// [`NoKey`]
pub(crate) async fn key(account: &Account, settings: &Settings, clients: &Clients) -> Result<SecretString, NoKey> {
    let mut aws = AwsSettings { region: account.region.clone(), ..settings.aws.clone() };
    if let Some(provider) = account.config.credentials_provider()
        && let Ok(credentials) = provider.provide_credentials().await
    {
        aws.access_key_id = credentials.access_key_id().to_owned();
        aws.secret_access_key = credentials.secret_access_key().into();
        aws.session_token = credentials.session_token().map(SecretString::from);
    }
    // Where the function reaches the services, an endpoint in its VPC perhaps, is not to be reached from here.
    let endpoint = account.config.endpoint_url().map(str::to_owned);
    (aws.endpoint_secrets_manager, aws.endpoint_ssm, aws.endpoint_kms) = (endpoint.clone(), endpoint.clone(), endpoint);
    ApiKey::new(settings.api_key.clone(), aws, clients.clone()).fetch().await
}

/// Asks Datadog whether it knows the key.
pub(crate) async fn validate(api_url: &str, key: &SecretString, clients: &Clients) -> Validation {
    let Ok(client) = clients.client() else { return Validation::Unreachable };
    // Source: Datadog API reference, "Validate API key".
    let url = format!("{}/api/v1/validate", api_url.trim_end_matches('/'));
    let request = client.get(url).header("DD-API-KEY", key.expose_secret()).timeout(VALIDATION_TIMEOUT);
    match request.send().await {
        Ok(answer) => Validation::Answered(answer.status().as_u16()),
        Err(_) => Validation::Unreachable,
    }
}

/// Which of the actions the role may not do.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn denied(account: &Account, role: &str, need: &Need) -> Result<Vec<String>, AwsCallError> {
    let call = account
        .iam
        .simulate_principal_policy()
        .policy_source_arn(role)
        .set_action_names(Some(need.actions.iter().map(|action| (*action).to_owned()).collect()))
        .resource_arns(&need.resource);
    let on = On::new(format!("role {}", role.rsplit('/').next().unwrap_or_default()), role);
    let answer = call.send().await.map_err(|error| AwsCallError::new("iam:SimulatePrincipalPolicy", on, &error))?;
    let denied =
        answer.evaluation_results().iter().filter(|one| one.eval_decision != PolicyEvaluationDecisionType::Allowed);
    Ok(denied.map(|one| one.eval_action_name.clone()).collect())
}

/// The filters of groups; `only_subscribed`: of those that lead to the function, or may.
pub(crate) async fn subscribed(
    account: &Account,
    function: &Function,
    found: FoundLogGroups,
    only_subscribed: bool,
) -> Vec<Subscribed> {
    let mut all: Vec<Subscribed> = each(found.groups, |group| {
        let account = account.clone();
        async move {
            let filters = groups::filters(&account, &group.name).await;
            Subscribed { source: account.log_group(&group.name).resource, filters, group }
        }
    })
    .await;
    if only_subscribed {
        all.retain(|one| one.filters.as_ref().map_or(true, |filters| !ours(filters, &function.arn).is_empty()));
    }
    all
}

/// What SQS says of a queue.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn attributes(account: &Account, queue: &Queue) -> Result<Attributes, AwsCallError> {
    let call = account.sqs.get_queue_attributes().queue_url(&queue.url).attribute_names(QueueAttributeName::All);
    let on = On::new(format!("queue {}", queue.name), account.arn("sqs", &queue.name));
    let answer = call.send().await.map_err(|error| AwsCallError::new("sqs:GetQueueAttributes", on, &error))?;
    let text =
        |name: &QueueAttributeName| answer.attributes().and_then(|all| all.get(name)).cloned().unwrap_or_default();
    let number = |name: QueueAttributeName| text(&name).parse::<u64>().unwrap_or_default();
    let messages = number(QueueAttributeName::ApproximateNumberOfMessages)
        + number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        + number(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
    Ok(Attributes { messages, redrive_policy: text(&QueueAttributeName::RedrivePolicy) })
}

/// What comes to the function by Lambda's own reading.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn mappings(account: &Account, function: &Function) -> Result<Vec<Mapping>, AwsCallError> {
    let name =
        function.qualifier.as_ref().map_or_else(|| function.name.clone(), |it| format!("{}:{it}", function.name));
    let call = account.lambda.list_event_source_mappings().function_name(name);
    let mut pages = call.into_paginator().send();
    let mut mappings = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsCallError::new("lambda:ListEventSourceMappings", function.on(), &error))?;
        mappings.extend(page.event_source_mappings().iter().map(|one| Mapping {
            source: one.event_source_arn().unwrap_or_default().to_owned(),
            state: one.state().unwrap_or_default().to_owned(),
        }));
    }
    Ok(mappings)
}

/// Invokes the function and waits for its answer: whether it failed, and what it says.
///
/// # Errors
/// [`AwsCallError`]
pub(crate) async fn invoke(
    account: &Account,
    function: &Function,
    event: Vec<u8>,
) -> Result<(bool, Value), AwsCallError> {
    let call = account.lambda.invoke().function_name(&function.name).set_qualifier(function.qualifier.clone());
    let answer = call.payload(Blob::new(event)).send().await;
    let answer = answer.map_err(|error| AwsCallError::new("lambda:InvokeFunction", function.on(), &error))?;
    let said =
        answer.payload().map(|blob| serde_json::from_slice(blob.as_ref()).unwrap_or_default()).unwrap_or_default();
    Ok((answer.function_error().is_some(), said))
}
