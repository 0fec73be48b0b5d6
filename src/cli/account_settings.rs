//! The forwarder's settings for `backfill` and `preview --group`: from this process's variables, or from those of a function.

use std::collections::HashMap;

use aws_credential_types::provider::ProvideCredentials;

use super::error::CommandError;
use crate::aws::account::Account;
use crate::aws::function::Function;
use forwarder::settings::{Environment, FileProblem, Settings, VariableSource};

/// Variables that are about the function itself, or that would have another meaning here.
const NOT_HERE: [&str; 5] = [
    // Its logs may be sent: nobody reads this command's output into CloudWatch.
    "AWS_LAMBDA_LOG_GROUP_NAME",
    // What is not delivered stays in CloudWatch, and is read again.
    "PODFERRY_UNDELIVERED_QUEUE_URL",
    "PODFERRY_DEAD_LETTER_QUEUE_URL",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    // The way to Datadog is read on its own.
    "PODFERRY_CA_BUNDLE",
];

/// Variables, some of which are others here.
struct Over<'s> {
    others: HashMap<String, String>,
    under: &'s dyn VariableSource,
}

impl VariableSource for Over<'_> {
    fn get(&self, name: &str) -> Option<String> {
        match self.others.get(name) {
            Some(value) => Some(value.clone()),
            None => self.under.get(name),
        }
    }

    fn file(&self, path: &str, most: usize) -> Result<Vec<u8>, FileProblem> {
        self.under.file(path, most)
    }
}

/// The settings, with the account's own credentials and region for what has to be fetched (the API key).
/// Where nothing is sent there need be no key.
pub(super) async fn read(
    account: &Account,
    function: Option<&Function>,
    dry_run: bool,
) -> Result<Settings, CommandError> {
    let mut others: HashMap<String, String> = NOT_HERE.map(|name| (name.to_owned(), String::new())).into();
    let mut set = |name: &str, value: &str| _ = others.insert(name.to_owned(), value.to_owned());
    set("AWS_REGION", &account.region);
    // What was sent is in the checkpoint.
    set("PODFERRY_REMEMBERED_LOGS", "0");
    if let Some(function) = function {
        // A part of what a key that KMS encrypted is bound to.
        set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
    }
    if let Some(url) = account.config.endpoint_url() {
        set("AWS_ENDPOINT_URL", url);
    }
    if let Some(provider) = account.config.credentials_provider() {
        // They were good a moment ago, for another call.
        if let Ok(credentials) = provider.provide_credentials().await {
            set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
            set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
            set("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default());
        }
    }
    if dry_run {
        // The sources of a key are asked for in this order, and the last one is never looked at.
        for name in ["DD_API_KEY_SECRET_ARN", "DD_API_KEY_SSM_NAME", "DD_KMS_API_KEY"] {
            set(name, "");
        }
        set("DD_API_KEY", "none");
    }
    let under: &dyn VariableSource = function.map_or(&Environment, |function| &function.variables);
    let mut settings = Settings::read(&Over { others, under })?;
    // The way to Datadog is this machine's, not the function's.
    settings.delivery.network = Settings::read_network(&Environment)?;
    Ok(settings)
}
