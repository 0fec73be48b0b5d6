//! Where Lambda sends events that it gives up on. It keeps that for each version and alias on its own: what is set for the function itself
//! does not hold for an alias.

use super::account::Account;
use super::error::{AwsFailure, SdkCallError};
use super::function::Function;

/// The most of both that Lambda allows, as in `template.yaml`. Source: AWS Lambda API reference, `PutFunctionEventInvokeConfig`.
pub(crate) const MAX_RETRIES: u32 = 2;
pub(crate) const MAX_AGE_SECONDS: u32 = 21_600;

/// The destination for what is meant of the function, by the newer of Lambda's two ways or the older one: an ARN. `None`: Lambda drops
/// such events.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn destination(account: &Account, function: &Function) -> Result<Option<String>, SdkCallError> {
    let configured = configured(account, function).await?;
    Ok(configured.or_else(|| function.dead_letter.clone()))
}

/// The same for another version or alias of the function, or for the function itself.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn destination_of(
    account: &Account,
    function: &Function,
    qualifier: Option<&str>,
) -> Result<Option<String>, SdkCallError> {
    if function.qualifier.as_deref() == qualifier {
        return destination(account, function).await;
    }
    let target = function.at(qualifier);
    if let Some(destination) = configured(account, &target).await? {
        return Ok(Some(destination));
    }
    let call = account.lambda.get_function_configuration().function_name(&target.name);
    let answer = call.set_qualifier(target.qualifier.clone()).send().await;
    let answer = answer.map_err(|error| SdkCallError::new("lambda:GetFunctionConfiguration", target.on(), &error))?;
    Ok(answer.dead_letter_config().and_then(|config| config.target_arn()).map(str::to_owned))
}

async fn configured(account: &Account, function: &Function) -> Result<Option<String>, SdkCallError> {
    let call = account.lambda.get_function_event_invoke_config().function_name(&function.name);
    match call.set_qualifier(function.qualifier.clone()).send().await {
        Ok(answer) => {
            let failure = answer.destination_config().and_then(|config| config.on_failure());
            Ok(failure.and_then(|failure| failure.destination()).filter(|arn| !arn.is_empty()).map(str::to_owned))
        }
        Err(error) => {
            let error = SdkCallError::new("lambda:GetFunctionEventInvokeConfig", function.on(), &error);
            let is_unset = matches!(error.failure, AwsFailure::NotFound(_));
            if is_unset { Ok(None) } else { Err(error) }
        }
    }
}
