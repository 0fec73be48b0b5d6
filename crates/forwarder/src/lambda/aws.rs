//! One signed call to an AWS service: a JSON call such as `GetSecretValue`, `SendMessage` or `GetLogEvents`, or an object of S3.
//!
//! The SDK would take the Lambda from 5 to 18 MB for these (`docs/decisions/0002-no-sdk-in-the-lambda.md`). AWS's own
//! signer does the part that must be right; the rest is a POST.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::sleep;

use crate::delivery::retry::{Decision, RetryPolicy, random};
use crate::settings::AwsSettings;
use pipeline::partition;
use pipeline::records::S3Object;

/// How long one call may take, as with boto3's clients in Datadog's forwarder.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to go on trying. The caller's own deadline may be nearer.
const CALL_BUDGET: Duration = Duration::from_secs(20);

/// Attempts of one call. Source: AWS SDKs and Tools Reference Guide, "Retry behavior", three attempts.
const MAX_ATTEMPTS: u32 = 3;

/// A service and an operation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    GetSecretValue,
    GetParameter,
    Decrypt,
    SendMessage,
    ChangeMessageVisibility,
    GetLogEvents,
    FilterLogEvents,
}

impl Operation {
    /// The service's name in addresses and signatures.
    fn service(self) -> &'static str {
        match self {
            Operation::GetSecretValue => "secretsmanager",
            Operation::GetParameter => "ssm",
            Operation::Decrypt => "kms",
            Operation::SendMessage | Operation::ChangeMessageVisibility => "sqs",
            Operation::GetLogEvents | Operation::FilterLogEvents => "logs",
        }
    }

    /// Source: the services' API references: which version of AWS's JSON protocol they speak.
    fn content_type(self) -> &'static str {
        match self.service() {
            "sqs" => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    /// Source: the services' API references.
    fn target(self) -> &'static str {
        match self {
            Operation::GetSecretValue => "secretsmanager.GetSecretValue",
            Operation::GetParameter => "AmazonSSM.GetParameter",
            Operation::Decrypt => "TrentService.Decrypt",
            Operation::SendMessage => "AmazonSQS.SendMessage",
            Operation::ChangeMessageVisibility => "AmazonSQS.ChangeMessageVisibility",
            Operation::GetLogEvents => "Logs_20140328.GetLogEvents",
            Operation::FilterLogEvents => "Logs_20140328.FilterLogEvents",
        }
    }

    fn own_endpoint(self, settings: &AwsSettings) -> Option<&str> {
        match self {
            Operation::GetSecretValue => settings.endpoint_secrets_manager.as_deref(),
            Operation::GetParameter => settings.endpoint_ssm.as_deref(),
            Operation::Decrypt => settings.endpoint_kms.as_deref(),
            // The address of the queue says it.
            Operation::SendMessage | Operation::ChangeMessageVisibility => None,
            Operation::GetLogEvents | Operation::FilterLogEvents => settings.endpoint_logs.as_deref(),
        }
    }
}

/// Why a call failed. Holds the service's error code, never its message: that may repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsCallError {
    #[error("AWS answered {status} {code}")]
    Service { status: u16, code: String },
    #[error("AWS could not be reached")]
    Connection,
    #[error("could not parse AWS's answer")]
    Answer,
    #[error("the request could not be signed: check the AWS credentials")]
    Signing,
    #[error("AWS did not answer in time")]
    NoTime,
    #[error("the object is larger than {0} bytes")]
    TooLarge(usize),
}

impl AwsCallError {
    fn may_pass(&self) -> bool {
        match self {
            AwsCallError::Connection => true,
            AwsCallError::Service { status, code } => *status >= 500 || *status == 429 || code.contains("Throttl"),
            AwsCallError::Answer | AwsCallError::Signing | AwsCallError::NoTime | AwsCallError::TooLarge(_) => false,
        }
    }
}

/// One call: what to ask of whom, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) client: &'a Client,
    pub(crate) settings: &'a AwsSettings,
    pub(crate) operation: Operation,
    /// Where the service is reached, if not at its place in the region.
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) request: &'a Value,
}

impl Call<'_> {
    /// Makes the call; tries again what may pass.
    ///
    /// # Errors
    /// [`AwsCallError`] of the last attempt.
    pub(crate) async fn make(&self) -> Result<Value, AwsCallError> {
        self.attempted(MAX_ATTEMPTS, MAX_ANSWER_BYTES).await
    }

    /// Makes the call, and does not try again. The answer has at most so many bytes.
    ///
    /// # Errors
    /// [`AwsCallError`]
    pub(crate) async fn once(&self, limit: usize) -> Result<Value, AwsCallError> {
        self.attempted(1, limit).await
    }

    async fn attempted(&self, most: u32, limit: usize) -> Result<Value, AwsCallError> {
        let Call { client, settings, operation, endpoint, region, request } = *self;
        let url = address(operation, endpoint.or_else(|| operation.own_endpoint(settings)), region);
        let body = request.to_string();
        let headers = [("content-type", operation.content_type()), ("x-amz-target", operation.target())];
        let signed = Signed {
            settings,
            service: operation.service(),
            region,
            method: Method::POST,
            url: &url,
            headers: &headers,
        };
        let bytes = persistently(most, || signed.send(client, body.clone(), limit)).await?;
        // A call that has nothing to tell answers nothing.
        if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&bytes).map_err(|_| AwsCallError::Answer)
        }
    }
}

/// Where an operation is called.
fn address(operation: Operation, endpoint: Option<&str>, region: &str) -> String {
    match endpoint {
        Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
        None => format!("https://{}.{region}.{}/", operation.service(), partition::of_region(region).dns_suffix),
    }
}

/// How large the answer of a call may be: a secret has at most 64 KB.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// An object of S3, of at most `limit` bytes.
///
/// # Errors
/// [`AwsCallError`] of the last attempt.
pub(crate) async fn get_object(
    client: &Client,
    settings: &AwsSettings,
    object: &S3Object,
    limit: usize,
) -> Result<Vec<u8>, AwsCallError> {
    let region = if object.region.is_empty() { &settings.region } else { &object.region };
    let url = object_url(settings.endpoint_s3.as_deref(), region, object);
    // What the signature is of has to be sent along here. Source: Amazon S3 API reference, "Authenticating Requests".
    let headers = [("x-amz-content-sha256", EMPTY_SHA256)];
    let signed = Signed { settings, service: "s3", region, method: Method::GET, url: &url, headers: &headers };
    persistently(MAX_ATTEMPTS, || signed.send(client, String::new(), limit)).await
}

/// The SHA-256 of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The bucket's own host, unless its name has dots: no certificate would be for it.
fn object_url(endpoint: Option<&str>, region: &str, object: &S3Object) -> String {
    let S3Object { bucket, key, .. } = object;
    let key = utf8_percent_encode(key, ESCAPED);
    let suffix = partition::of_region(region).dns_suffix;
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        None if bucket.contains('.') => format!("https://s3.{region}.{suffix}/{bucket}/{key}"),
        None => format!("https://{bucket}.s3.{region}.{suffix}/{key}"),
    }
}

/// What of a key is escaped in an address. Source: AWS, "Create a signed AWS API request", `UriEncode` without the slash.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Makes a request, and again what may pass, so often at most.
async fn persistently<F: Future<Output = Result<Vec<u8>, AwsCallError>>>(
    most: u32,
    attempt: impl Fn() -> F,
) -> Result<Vec<u8>, AwsCallError> {
    let policy = RetryPolicy::default();
    let started = tokio::time::Instant::now();
    let mut failures = 0;
    loop {
        let error = match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        failures += 1;
        if failures >= most || !error.may_pass() {
            return Err(error);
        }
        match policy.decide(failures, None, CALL_BUDGET.saturating_sub(started.elapsed()), random()) {
            Decision::Wait(wait) => sleep(wait).await,
            Decision::GiveUp => return Err(error),
        }
    }
}

/// A request, which is signed again for each attempt.
struct Signed<'a> {
    settings: &'a AwsSettings,
    service: &'a str,
    region: &'a str,
    method: Method,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

impl Signed<'_> {
    async fn send(&self, client: &Client, body: String, limit: usize) -> Result<Vec<u8>, AwsCallError> {
        let mut request = client.request(self.method.clone(), self.url).timeout(CALL_TIMEOUT);
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.signature(body.as_bytes())?.headers() {
            request = request.header(name, value);
        }
        let mut response = request.body(body).send().await.map_err(|_| AwsCallError::Connection)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| AwsCallError::Connection)? {
            if bytes.len() + chunk.len() > limit {
                return Err(AwsCallError::TooLarge(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        Err(AwsCallError::Service { status: status.as_u16(), code: error_code(&bytes) })
    }

    fn signature(&self, body: &[u8]) -> Result<SigningInstructions, AwsCallError> {
        let credentials = Credentials::new(
            self.settings.access_key_id.as_str(),
            self.settings.secret_access_key.expose_secret(),
            self.settings.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "environment",
        );
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            // S3 takes keys as they are: `//` and `..` are parts of names, and are encoded once.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|_| AwsCallError::Signing)?
            .into();
        let headers = self.headers.iter().copied();
        let signable = SignableRequest::new(self.method.as_str(), self.url, headers, SignableBody::Bytes(body))
            .map_err(|_| AwsCallError::Signing)?;
        Ok(sign(signable, &parameters).map_err(|_| AwsCallError::Signing)?.into_parts().0)
    }
}

/// The error's name out of `{"__type":"com.amazonaws…#ResourceNotFoundException"}`, or out of S3's `<Code>NoSuchKey</Code>`.
fn error_code(body: &[u8]) -> String {
    let in_xml = std::str::from_utf8(body).ok().and_then(|text| text.split("<Code>").nth(1)?.split('<').next());
    if let Some(code) = in_xml {
        return plain_code(code);
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = answer.get("__type").or_else(|| answer.get("code")).and_then(Value::as_str).unwrap_or_default();
    plain_code(code.rsplit('#').next().unwrap_or_default())
}

/// Letters and digits, and not many: a code is never a text.
fn plain_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_an_error_is_kept() {
        let body = br#"{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException","Message":"text"}"#;
        assert_eq!(error_code(body), "ResourceNotFoundException");
        assert_eq!(error_code(b"<html>"), "");
        assert_eq!(error_code(b"<?xml?><Error><Code>NoSuchKey</Code><Message>text</Message></Error>"), "NoSuchKey");
    }

    #[test]
    fn operations_have_the_addresses_of_their_services() {
        let url = |operation, region| address(operation, None, region);
        assert_eq!(url(Operation::GetLogEvents, "eu-west-1"), "https://logs.eu-west-1.amazonaws.com/");
        assert_eq!(url(Operation::FilterLogEvents, "cn-north-1"), "https://logs.cn-north-1.amazonaws.com.cn/");
        assert_eq!(url(Operation::Decrypt, "us-gov-west-1"), "https://kms.us-gov-west-1.amazonaws.com/");
        assert_eq!(address(Operation::GetLogEvents, Some("http://x:1//"), "eu-west-1"), "http://x:1/");
    }

    #[test]
    fn objects_have_their_addresses() {
        let object =
            |bucket: &str, key: &str| S3Object { bucket: bucket.into(), key: key.into(), region: String::new() };
        let url = |endpoint, bucket, key| object_url(endpoint, "cn-north-1", &object(bucket, key));
        assert_eq!(url(None, "b", "a/b c+ä"), "https://b.s3.cn-north-1.amazonaws.com.cn/a/b%20c%2B%C3%A4");
        assert_eq!(url(None, "b", "A-z_0.~%"), "https://b.s3.cn-north-1.amazonaws.com.cn/A-z_0.~%25");
        assert_eq!(url(None, "b.c", "k"), "https://s3.cn-north-1.amazonaws.com.cn/b.c/k");
        assert_eq!(url(Some("http://127.0.0.1:5000/"), "b", "k"), "http://127.0.0.1:5000/b/k");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let service = |status, code: &str| AwsCallError::Service { status, code: code.to_owned() };
        assert!(service(500, "").may_pass() && service(400, "ThrottlingException").may_pass());
        assert!(!service(400, "AccessDeniedException").may_pass() && !AwsCallError::Signing.may_pass());
    }
}
