//! What only the doctor asks: for the API key and whether Datadog accepts it, for the role, and for a test.

use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_sdk_lambda::primitives::Blob;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::key::KeyValidation;
use super::role::RolePermission;
use crate::aws::account::Account;
use crate::aws::error::{On, SdkCallError};
use crate::aws::function::Function;
use forwarder::delivery::client::Clients;
use forwarder::lambda::api_key::{ApiKey, NoKey};
use forwarder::settings::{AwsSettings, Settings};

/// How long Datadog's API may take to validate a key.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The API key, fetched as the function fetches it, but with the credentials in use.
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
    // The endpoints that the function uses, perhaps in its VPC, are not reachable from here.
    let endpoint = account.config.endpoint_url().map(str::to_owned);
    (aws.endpoint_secrets_manager, aws.endpoint_ssm, aws.endpoint_kms) = (endpoint.clone(), endpoint.clone(), endpoint);
    ApiKey::new(settings.api_key.clone(), aws, clients.clone()).fetch().await
}

/// Asks Datadog whether the key is valid.
pub(crate) async fn validate(api_url: &str, key: &SecretString, clients: &Clients) -> KeyValidation {
    let Ok(client) = clients.client() else { return KeyValidation::Unreachable };
    // Source: Datadog API reference, "Validate API key".
    let url = format!("{}/api/v1/validate", api_url.trim_end_matches('/'));
    let request = client.get(url).header("DD-API-KEY", key.expose_secret()).timeout(VALIDATION_TIMEOUT);
    match request.send().await {
        Ok(answer) => KeyValidation::Answered(answer.status().as_u16()),
        Err(_) => KeyValidation::Unreachable,
    }
}

/// Which of the actions IAM denies the role.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn denied(account: &Account, role: &str, need: &RolePermission) -> Result<Vec<String>, SdkCallError> {
    let call = account
        .iam
        .simulate_principal_policy()
        .policy_source_arn(role)
        .set_action_names(Some(need.actions.iter().map(|action| (*action).to_owned()).collect()))
        .resource_arns(&need.resource);
    let on = On::new(format!("role {}", role.rsplit('/').next().unwrap_or_default()), role);
    let answer = call.send().await.map_err(|error| SdkCallError::new("iam:SimulatePrincipalPolicy", on, &error))?;
    let denied =
        answer.evaluation_results().iter().filter(|one| one.eval_decision != PolicyEvaluationDecisionType::Allowed);
    Ok(denied.map(|one| one.eval_action_name.clone()).collect())
}

/// Invokes the function and waits for its answer: whether it failed, and what it answered.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn invoke(
    account: &Account,
    function: &Function,
    event: Vec<u8>,
) -> Result<(bool, Value), SdkCallError> {
    let call = account.lambda.invoke().function_name(&function.name).set_qualifier(function.qualifier.clone());
    let answer = call.payload(Blob::new(event)).send().await;
    let answer = answer.map_err(|error| SdkCallError::new("lambda:InvokeFunction", function.on(), &error))?;
    let said =
        answer.payload().map(|blob| serde_json::from_slice(blob.as_ref()).unwrap_or_default()).unwrap_or_default();
    Ok((answer.function_error().is_some(), said))
}
