//! The forwarder's function as Lambda knows it.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::FunctionConfiguration;

use super::account::Account;
use super::error::{On, SdkCallError};
use forwarder::settings::{FileProblem, VariableSource};

/// Without --function, the forwarder is the function whose name starts so: where `template.yaml` has no `FunctionName`, CloudFormation
/// starts the name with that of the stack.
const NAME_PREFIX: &str = "podferry";

/// Or the function that has such a variable, whatever the stack is called: `template.yaml` always sets the queues'
/// (`PODFERRY_UNDELIVERED_QUEUE_URL`), and nothing else reads a variable of this beginning.
const VARIABLE_PREFIX: &str = "PODFERRY_";

/// The qualifier of what was deployed last. Source: AWS Lambda API reference, `Qualifier`.
pub(crate) const LATEST: &str = "$LATEST";

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
    /// Where Lambda sends events that it gives up on, by the older of its two ways.
    pub(crate) dead_letter: Option<String>,
    pub(crate) timeout_seconds: i32,
    pub(crate) memory_megabytes: i32,
    pub(crate) deployed: Deployed,
}

/// What Lambda says of the deployed code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deployed {
    /// `Active`, `Pending`, `Inactive`, `Failed`; active where Lambda does not say.
    pub(crate) state: Option<String>,
    /// `Successful`, `InProgress`, `Failed`.
    pub(crate) last_update: Option<String>,
    /// Codes for why not, such as `SubnetOutOfIPAddresses`.
    pub(crate) reasons: Vec<String>,
    /// `provided.al2023`; none for an image.
    pub(crate) runtime: Option<String>,
    /// `arm64`, `x86_64`
    pub(crate) architectures: Vec<String>,
    /// Why Lambda cannot show the variables: a code.
    pub(crate) variables_hidden: Option<String>,
}

/// The function's environment variables. One of them may be the API key, so only names are printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables(pub HashMap<String, String>);

impl Debug for Variables {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl VariableSource for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The function's files are in its package and its layers.
    fn file(&self, _: &str, _: usize) -> Result<Vec<u8>, FileProblem> {
        Err(FileProblem::Elsewhere)
    }
}

/// Why there is no function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FunctionError {
    #[error(
        "--function: {arn} is not in account {account}, region {region}. A subscription filter can only reach a function in its own account \
         and region: run the command there, with --region and --profile"
    )]
    Elsewhere { arn: String, account: String, region: String },
    #[error("--function: {0} is neither a function name nor an ARN")]
    NoName(String),
    #[error(
        "no function in account {account}, region {region}, has a name that starts with `{NAME_PREFIX}` or a variable that starts with \
         `{VARIABLE_PREFIX}`: name yours with --function, try another --region, or deploy it with scripts/deploy"
    )]
    None { account: String, region: String },
    #[error("several functions could be the forwarder: {}. Choose one with --function", .0.join(", "))]
    Several(Vec<String>),
    #[error(transparent)]
    Call(#[from] SdkCallError),
}

impl Function {
    /// The function of a name or ARN; without one, the only one that looks like the forwarder, by its name or its variables.
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
            .map_err(|error| SdkCallError::new("lambda:GetFunctionConfiguration", on(account, &name), &error))?;
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
            deployed: deployed(&answer),
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

    /// As `--function` and the AWS CLI take it: the name, with the version or alias that was meant.
    #[must_use]
    pub(crate) fn qualified_name(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.name),
            None => self.name.clone(),
        }
    }

    /// The same function, by another version or alias or by none.
    #[must_use]
    pub(crate) fn at(&self, qualifier: Option<&str>) -> Function {
        Function { qualifier: qualifier.map(str::to_owned), ..self.clone() }
    }

    /// What is meant of it, for people.
    #[must_use]
    pub(crate) fn target(&self) -> String {
        match &self.qualifier {
            // Source: AWS Lambda API reference, `CreateAlias`: the name of an alias is no number.
            Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => format!("version {version}"),
            Some(alias) => format!("alias {alias}"),
            None => "the function itself".to_owned(),
        }
    }

    /// As the subject of a call.
    #[must_use]
    pub(crate) fn on(&self) -> On {
        On::new(format!("function {}", self.name), self.arn.clone())
    }
}

fn deployed(answer: &GetFunctionConfigurationOutput) -> Deployed {
    let reasons = [
        answer.state_reason_code().map(|code| code.as_str()),
        answer.last_update_status_reason_code().map(|code| code.as_str()),
    ];
    let hidden = answer.environment().and_then(|environment| environment.error());
    Deployed {
        state: answer.state().map(|state| state.as_str().to_owned()),
        last_update: answer.last_update_status().map(|status| status.as_str().to_owned()),
        reasons: reasons.into_iter().flatten().map(str::to_owned).collect(),
        runtime: answer.runtime().map(|runtime| runtime.as_str().to_owned()),
        architectures: answer.architectures().iter().map(|one| one.as_str().to_owned()).collect(),
        variables_hidden: hidden.map(|error| error.error_code().unwrap_or("no code").to_owned()),
    }
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
    // The function's own name means the same.
    let qualifier = qualifier.filter(|qualifier| *qualifier != LATEST);
    Ok((name.to_owned(), qualifier.map(str::to_owned)))
}

/// By what the list of functions shows. Where the variables are encrypted with a key that is not ours to use, the name has to do.
fn looks_like_forwarder(function: &FunctionConfiguration) -> bool {
    let variables = function.environment().and_then(|environment| environment.variables());
    function.function_name().is_some_and(|name| name.starts_with(NAME_PREFIX))
        || variables.is_some_and(|variables| variables.keys().any(|name| name.starts_with(VARIABLE_PREFIX)))
}

async fn only_one(account: &Account) -> Result<String, FunctionError> {
    let mut pages = account.lambda.list_functions().into_paginator().send();
    let mut names: Vec<String> = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            SdkCallError::new("lambda:ListFunctions", On::any("all functions (not needed with --function)"), &error)
        })?;
        let forwarders = page.functions().iter().filter(|function| looks_like_forwarder(function));
        names.extend(forwarders.filter_map(|function| function.function_name()).map(str::to_owned));
    }
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err(FunctionError::None { account: account.id.clone(), region: account.region.clone() }),
        _ => Err(FunctionError::Several(names)),
    }
}
