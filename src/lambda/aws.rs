//! One signed JSON call to an AWS service: `GetSecretValue`, `GetParameter`, `Decrypt`.
//!
//! The SDK would take the Lambda from 5 to 18 MB for these (`docs/decisions/0002-no-sdk-in-the-lambda.md`). AWS's own
//! signer does the part that must be right; the rest is a POST.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::sleep;

use crate::delivery::retry::{Decision, RetryPolicy, random};
use crate::settings::AwsSettings;

/// How long one call may take, as with boto3's clients in Datadog's forwarder.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to go on trying. The caller's own deadline may be nearer.
const CALL_BUDGET: Duration = Duration::from_secs(20);

/// Attempts of one call. Source: AWS SDKs and Tools Reference Guide, "Retry behavior", three attempts.
const MAX_ATTEMPTS: u32 = 3;

/// A service and an operation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    GetSecretValue,
    GetParameter,
    Decrypt,
}

impl Operation {
    /// The service's name in addresses and signatures.
    fn service(self) -> &'static str {
        match self {
            Operation::GetSecretValue => "secretsmanager",
            Operation::GetParameter => "ssm",
            Operation::Decrypt => "kms",
        }
    }

    /// Source: the services' API references, protocol `application/x-amz-json-1.1`.
    fn target(self) -> &'static str {
        match self {
            Operation::GetSecretValue => "secretsmanager.GetSecretValue",
            Operation::GetParameter => "AmazonSSM.GetParameter",
            Operation::Decrypt => "TrentService.Decrypt",
        }
    }

    fn own_endpoint(self, settings: &AwsSettings) -> Option<&str> {
        match self {
            Operation::GetSecretValue => settings.endpoint_secrets_manager.as_deref(),
            Operation::GetParameter => settings.endpoint_ssm.as_deref(),
            Operation::Decrypt => settings.endpoint_kms.as_deref(),
        }
    }
}

/// Why a call failed. Holds the service's error code, never its message: that may repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("AWS answered {status} {code}")]
    Service { status: u16, code: String },
    #[error("AWS could not be reached")]
    Connection,
    #[error("the answer of AWS was not understood")]
    Answer,
    #[error("the request could not be signed: check the AWS credentials")]
    Signing,
}

impl CallError {
    fn may_pass(&self) -> bool {
        match self {
            CallError::Connection => true,
            CallError::Service { status, code } => *status >= 500 || *status == 429 || code.contains("Throttl"),
            CallError::Answer | CallError::Signing => false,
        }
    }
}

/// One call: what to ask of whom, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub client: &'a Client,
    pub settings: &'a AwsSettings,
    pub operation: Operation,
    pub region: &'a str,
    pub request: &'a Value,
}

impl Call<'_> {
    /// Makes the call; tries again what may pass.
    ///
    /// # Errors
    /// [`CallError`] of the last attempt.
    pub async fn make(&self) -> Result<Value, CallError> {
        let policy = RetryPolicy::default();
        let started = tokio::time::Instant::now();
        let mut failures = 0;
        loop {
            let error = match self.attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            if failures >= MAX_ATTEMPTS || !error.may_pass() {
                return Err(error);
            }
            match policy.decide(failures, None, CALL_BUDGET.saturating_sub(started.elapsed()), random()) {
                Decision::Wait(wait) => sleep(wait).await,
                Decision::GiveUp => return Err(error),
            }
        }
    }

    async fn attempt(&self) -> Result<Value, CallError> {
        let Call { client, settings, operation, region, request } = *self;
        let url = match operation.own_endpoint(settings) {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}.{region}.{}/", operation.service(), dns_suffix(region)),
        };
        let body = request.to_string();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", operation.target())];
        let credentials = Credentials::new(
            settings.access_key_id.as_str(),
            settings.secret_access_key.expose_secret(),
            settings.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "environment",
        );
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(operation.service())
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| CallError::Signing)?
            .into();
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|_| CallError::Signing)?;
        let (instructions, _signature) = sign(signable, &parameters).map_err(|_| CallError::Signing)?.into_parts();

        let mut post = client.post(&url).timeout(CALL_TIMEOUT);
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            post = post.header(name, value);
        }
        let response = post.body(body).send().await.map_err(|_| CallError::Connection)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|_| CallError::Connection)?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| CallError::Answer);
        }
        Err(CallError::Service { status: status.as_u16(), code: error_code(&bytes) })
    }
}

/// The error's name out of `{"__type":"com.amazonaws…#ResourceNotFoundException"}`.
fn error_code(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = answer.get("__type").or_else(|| answer.get("code")).and_then(Value::as_str).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// What ends the names of a region's endpoints.
/// Source: AWS SDKs, `partitions.json` of botocore.
fn dns_suffix(region: &str) -> &'static str {
    const SUFFIXES: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    SUFFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("amazonaws.com", |(_, suffix)| suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_suffix() {
        for (region, suffix) in [
            ("us-east-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("eusc-de-east-1", "amazonaws.eu"),
        ] {
            assert_eq!(dns_suffix(region), suffix);
        }
    }

    #[test]
    fn only_the_code_of_an_error_is_kept() {
        let body = br#"{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException","Message":"text"}"#;
        assert_eq!(error_code(body), "ResourceNotFoundException");
        assert_eq!(error_code(b"<html>"), "");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let service = |status, code: &str| CallError::Service { status, code: code.to_owned() };
        assert!(service(500, "").may_pass() && service(400, "ThrottlingException").may_pass());
        assert!(!service(400, "AccessDeniedException").may_pass() && !CallError::Signing.may_pass());
    }
}
