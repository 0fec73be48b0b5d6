//! The API key: fetched when first needed, kept, and fetched again when the intake refuses it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::aws::{AwsCallError, Call, Operation};
use crate::delivery::client::Clients;
use crate::delivery::key::{Key, KeyProvider, KeyUnavailable};
use crate::settings::{ApiKeySource, AwsSettings};

/// Names under which a JSON secret may hold the key.
const JSON_NAMES: [&str; 4] = ["api_key", "dd_api_key", "apiKey", "DD_API_KEY"];

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    #[error("the API key of {variable} could not be fetched: {error}")]
    Call { variable: &'static str, error: AwsCallError },
    #[error(
        "{variable} does not point to a usable API key: the value must be plain text, or JSON with one of {}",
        JSON_NAMES.join(", ")
    )]
    Content { variable: &'static str },
}

/// Keeps the key for as long as the sandbox lives.
#[derive(Debug)]
pub struct ApiKey {
    source: ApiKeySource,
    aws: AwsSettings,
    clients: Clients,
    /// Locked while the key is being fetched, so that many payloads cause one call.
    fetching: tokio::sync::Mutex<()>,
    /// Never locked for longer than it takes to look: who begins an invocation does not wait for a fetch.
    kept: Mutex<Kept>,
}

/// What the last fetch gave.
#[derive(Debug, Default)]
struct Kept {
    key: Option<Key>,
    /// So that the payloads of one invocation do not fail one after the other, each after its own attempts.
    failure: Option<KeyUnavailable>,
}

impl Kept {
    fn from(&self, number: u64) -> Option<Key> {
        self.key.as_ref().filter(|key| key.number >= number).cloned()
    }
}

impl KeyProvider for ApiKey {
    async fn key(&self) -> Result<Key, KeyUnavailable> {
        self.key_from(1).await
    }

    async fn key_after(&self, refused: u64) -> Result<Key, KeyUnavailable> {
        self.key_from(refused + 1).await
    }
}

impl ApiKey {
    /// `clients` reach AWS: certificates are checked there whatever the settings say of the intake.
    pub fn new(source: ApiKeySource, aws: AwsSettings, clients: Clients) -> ApiKey {
        ApiKey { source, aws, clients, fetching: tokio::sync::Mutex::default(), kept: Mutex::default() }
    }

    /// Begins an invocation: what failed in the one before may be tried again. Whether there is a key already.
    pub fn begin(&self) -> bool {
        let mut kept = self.kept();
        kept.failure = None;
        kept.key.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of this number or a higher one.
    async fn key_from(&self, number: u64) -> Result<Key, KeyUnavailable> {
        if let Some(key) = self.kept().from(number) {
            return Ok(key);
        }
        let _one_at_a_time = self.fetching.lock().await;
        // Another payload may have waited for the same.
        if let Some(key) = self.kept().from(number) {
            return Ok(key);
        }
        if let Some(failure) = &self.kept().failure {
            return Err(failure.clone());
        }
        let fetched = self.fetch().await.map_err(KeyUnavailable::from);
        let mut kept = self.kept();
        match fetched {
            Ok(secret) => {
                let key = Key { secret, number };
                *kept = Kept { key: Some(key.clone()), failure: None };
                Ok(key)
            }
            Err(failure) => {
                kept.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Fetches the key, without keeping it.
    ///
    /// # Errors
    /// [`NoKey`]
    pub async fn fetch(&self) -> Result<SecretString, NoKey> {
        let (variable, fetched) = match &self.source {
            ApiKeySource::Plain(key) => return Ok(key.clone()),
            ApiKeySource::SecretsManager { id, region } => ("DD_API_KEY_SECRET_ARN", self.secret(id, region).await),
            ApiKeySource::ParameterStore { name, region } => {
                ("DD_API_KEY_SSM_NAME", self.parameter(name, region).await)
            }
            ApiKeySource::Kms { ciphertext } => ("DD_KMS_API_KEY", self.decrypted(ciphertext).await),
        };
        let text = fetched.map_err(|error| NoKey::Call { variable, error })?;
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoKey::Content { variable });
        }
        Ok(SecretString::from(key))
    }

    async fn secret(&self, id: &str, region: &str) -> Result<String, AwsCallError> {
        let answer = self.call(Operation::GetSecretValue, region, &json!({ "SecretId": id })).await?;
        if let Some(text) = answer.get("SecretString").and_then(Value::as_str) {
            return Ok(out_of_json(text));
        }
        let binary = answer.get("SecretBinary").and_then(Value::as_str).ok_or(AwsCallError::Answer)?;
        Ok(out_of_json(&utf8(binary)?))
    }

    async fn parameter(&self, name: &str, region: &str) -> Result<String, AwsCallError> {
        let request = json!({ "Name": name, "WithDecryption": true });
        let answer = self.call(Operation::GetParameter, region, &request).await?;
        answer.pointer("/Parameter/Value").and_then(Value::as_str).map(out_of_json).ok_or(AwsCallError::Answer)
    }

    /// First without an encryption context, then with the one that Lambda's console adds, as Datadog's Lambda library.
    async fn decrypted(&self, ciphertext: &str) -> Result<String, AwsCallError> {
        let region = &self.aws.region;
        let plain = match self.call(Operation::Decrypt, region, &json!({ "CiphertextBlob": ciphertext })).await {
            Err(AwsCallError::Service { status: 400, .. }) => {
                let context = json!({ "LambdaFunctionName": self.aws.function_name });
                let request = json!({ "CiphertextBlob": ciphertext, "EncryptionContext": context });
                self.call(Operation::Decrypt, region, &request).await?
            }
            other => other?,
        };
        utf8(plain.get("Plaintext").and_then(Value::as_str).ok_or(AwsCallError::Answer)?)
    }

    async fn call(&self, operation: Operation, region: &str, request: &Value) -> Result<Value, AwsCallError> {
        let client = self.clients.client().map_err(|_| AwsCallError::Connection)?;
        Call { client: &client, settings: &self.aws, operation, endpoint: None, region, request }.make().await
    }
}

impl From<NoKey> for KeyUnavailable {
    /// With advice for the function, which asks with its role's credentials.
    fn from(failure: NoKey) -> KeyUnavailable {
        let NoKey::Call { error, .. } = &failure else { return KeyUnavailable(failure.to_string()) };
        let advice = match error {
            AwsCallError::Service { code, .. } if code.contains("AccessDenied") => {
                "allow the function's role to read it (and to decrypt with its KMS key)"
            }
            AwsCallError::Service { code, .. } if code.contains("NotFound") => "check its name and region",
            AwsCallError::Service { .. } | AwsCallError::Answer | AwsCallError::TooLarge(_) => {
                "check that it is the kind of value this variable takes"
            }
            AwsCallError::Connection | AwsCallError::NoTime => {
                "check the function's network: a VPC needs a route or an endpoint for that service"
            }
            AwsCallError::Signing => "check the credentials",
        };
        KeyUnavailable(format!("{failure}; {advice}"))
    }
}

/// A JSON object's key, if that is what the text is; else the text.
fn out_of_json(text: &str) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return text.to_owned() };
    let found = JSON_NAMES.into_iter().find_map(|name| object.get(name)?.as_str());
    found.unwrap_or_default().to_owned()
}

fn utf8(base64: &str) -> Result<String, AwsCallError> {
    let bytes = STANDARD.decode(base64).map_err(|_| AwsCallError::Answer)?;
    String::from_utf8(bytes).map_err(|_| AwsCallError::Answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_text_or_json() {
        for (text, key) in [
            ("abc", "abc"),
            (r#"{"api_key":"a"}"#, "a"),
            (r#"{"dd_api_key":"b"}"#, "b"),
            (r#"{"apiKey":"c"}"#, "c"),
            (r#"{"DD_API_KEY":"d"}"#, "d"),
            (r#"{"other":"e"}"#, ""),
            (r#"{"api_key":7}"#, ""),
            ("12345", "12345"),
        ] {
            assert_eq!(out_of_json(text), key, "{text}");
        }
    }
}
