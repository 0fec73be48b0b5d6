//! The forwarder's function as Lambda knows it.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{LastUpdateStatus, State};

use super::account::Account;
use super::error::{AwsCallError, On};
use forwarder::settings::Source;

/// How the names of functions begin among which the forwarder is looked for, if none is named: `template.yaml` leaves the name to
/// CloudFormation, which begins it with the name of the stack.
const NAME_PREFIX: &str = "podferry";

/// A function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Without a version or alias.
    pub(crate) arn: String,
    /// The version or alias that is meant, where one is.
    pub(crate) qualifier: Option<String>,
    /// Its role's ARN.
    pub(crate) role: String,
    /// Where its own log goes.
    pub(crate) log_group: String,
    pub(crate) variables: Variables,
    /// Where Lambda sends events that it gives up, by the older of its two ways.
    pub(crate) dead_letter: Option<String>,
    pub(crate) timeout_seconds: i32,
    pub(crate) memory_megabytes: i32,
    /// Why it cannot be invoked, or has not its newest code or configuration.
    pub(crate) trouble: Option<String>,
}

/// The function's environment variables. One of them may be the API key: printed are names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables(pub HashMap<String, String>);

impl Debug for Variables {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// Why there is no function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FunctionError {
    #[error(
        "--function: {arn} is not in account {account} and region {region}. A subscription filter reaches a function of its own account and \
         region only: run the command there, with --region and --profile"
    )]
    Elsewhere { arn: String, account: String, region: String },
    #[error("--function: {0} is neither a name of a function nor its ARN")]
    NoName(String),
    #[error(
        "no function of account {account} in {region} has a name that begins with `{NAME_PREFIX}`: name yours with --function, look in \
         another region with --region, or deploy it with scripts/deploy"
    )]
    None { account: String, region: String },
    #[error("several functions could be the forwarder: {}. Name one with --function", .0.join(", "))]
    Several(Vec<String>),
    #[error(transparent)]
    Call(#[from] AwsCallError),
}

impl Function {
    /// The function of a name or ARN; without one, the only one whose name begins with `podferry`.
    ///
    /// # Errors
    /// [`FunctionError`]
    pub(crate) async fn find(account: &Account, given: Option<&str>) -> Result<Function, FunctionError> {
        let (name, qualifier) = match given {
            Some(given) => parse(account, given)?,
            None => (only_one(account).await?, None),
        };
        let answer = account
            .lambda
            .get_function_configuration()
            .function_name(&name)
            .set_qualifier(qualifier.clone())
            .send()
            .await
            .map_err(|error| AwsCallError::new("lambda:GetFunctionConfiguration", on(account, &name), &error))?;
        let of_logging = answer.logging_config().and_then(|logging| logging.log_group());
        // Source: AWS Lambda Developer Guide, "Configuring CloudWatch log groups".
        let log_group = of_logging.map_or_else(|| format!("/aws/lambda/{name}"), str::to_owned);
        let variables = answer.environment().and_then(|environment| environment.variables()).cloned();
        Ok(Function {
            arn: account.arn("lambda", &format!("function:{name}")),
            qualifier,
            role: answer.role().unwrap_or_default().to_owned(),
            log_group,
            variables: Variables(variables.unwrap_or_default()),
            dead_letter: answer.dead_letter_config().and_then(|config| config.target_arn()).map(str::to_owned),
            timeout_seconds: answer.timeout().unwrap_or_default(),
            memory_megabytes: answer.memory_size().unwrap_or_default(),
            trouble: trouble(&answer),
            name,
        })
    }

    /// The ARN with what was meant of it: the destination of filters.
    #[must_use]
    pub(crate) fn destination(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.arn),
            None => self.arn.clone(),
        }
    }

    /// As the subject of a call.
    #[must_use]
    pub(crate) fn on(&self) -> On {
        On::new(format!("function {}", self.name), self.arn.clone())
    }
}

/// A function that was not invoked for weeks is `Inactive`, and comes back by itself.
/// Source: AWS Lambda Developer Guide, "Lambda function states".
fn trouble(answer: &GetFunctionConfigurationOutput) -> Option<String> {
    let code = |code: Option<&str>| code.map(|code| format!(" ({code})")).unwrap_or_default();
    if let Some(state @ (State::Failed | State::Pending)) = answer.state() {
        return Some(format!("its state is {state}{}", code(answer.state_reason_code().map(|code| code.as_str()))));
    }
    let failed = matches!(answer.last_update_status(), Some(LastUpdateStatus::Failed));
    let reason = answer.last_update_status_reason_code().map(|code| code.as_str());
    failed.then(|| format!("its last update failed{}", code(reason)))
}

fn on(account: &Account, name: &str) -> On {
    On::new(format!("function {name}"), account.arn("lambda", &format!("function:{name}")))
}

/// `name`, `name:alias` or an ARN: the name, and the version or alias.
fn parse(account: &Account, given: &str) -> Result<(String, Option<String>), FunctionError> {
    let no_name = || FunctionError::NoName(given.to_owned());
    let name = if given.starts_with("arn:") {
        let mut parts = given.splitn(7, ':').skip(2);
        let [Some("lambda"), Some(region), Some(id), Some("function"), Some(name)] =
            std::array::from_fn(|_| parts.next())
        else {
            return Err(no_name());
        };
        if region != account.region || id != account.id {
            let Account { id: account, region, .. } = account.clone();
            return Err(FunctionError::Elsewhere { arn: given.to_owned(), account, region });
        }
        name
    } else {
        given
    };
    let (name, qualifier) = name.split_once(':').map_or((name, None), |(name, qualifier)| (name, Some(qualifier)));
    // Source: AWS Lambda API reference, `FunctionName` and `Qualifier`.
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$'))
    };
    if !is_word(name) || !qualifier.is_none_or(is_word) {
        return Err(no_name());
    }
    Ok((name.to_owned(), qualifier.map(str::to_owned)))
}

async fn only_one(account: &Account) -> Result<String, FunctionError> {
    let mut pages = account.lambda.list_functions().into_paginator().send();
    let mut names: Vec<String> = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            AwsCallError::new("lambda:ListFunctions", On::any("the functions; name yours with --function"), &error)
        })?;
        names.extend(page.functions().iter().filter_map(|function| function.function_name()).map(str::to_owned));
    }
    names.retain(|name| name.starts_with(NAME_PREFIX));
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err(FunctionError::None { account: account.id.clone(), region: account.region.clone() }),
        _ => Err(FunctionError::Several(names)),
    }
}
