//! What to tell people when a call to AWS fails: which call, on what, why, and what to do.
//!
//! Unlike the function, the command repeats AWS's message: whoever reads it made the request, and it holds names and patterns
//! only. It is left out where it may repeat the request itself, headers included; and it is cut after one line.

use std::error::Error as _;
use std::fmt::{self, Display, Formatter};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call, as IAM names it: `logs:DescribeLogGroups`.
pub(crate) type AwsAction = &'static str;

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct On {
    /// For people: `log group /aws/eks/prod/fargate`.
    pub(crate) what: String,
    /// For the policy that allows the call: an ARN, or a pattern of ARNs.
    pub(crate) resource: String,
}

impl On {
    #[must_use]
    pub(crate) fn new(what: impl Into<String>, resource: impl Into<String>) -> On {
        On { what: what.into(), resource: resource.into() }
    }

    /// For calls that IAM allows on everything or on nothing, or of which the ARN is not known.
    #[must_use]
    pub(crate) fn any(what: impl Into<String>) -> On {
        On::new(what, "*")
    }
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SdkCallError {
    pub(crate) action: AwsAction,
    pub(crate) on: On,
    pub(crate) failure: AwsFailure,
}

/// Why, as far as it matters for what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AwsFailure {
    /// The credentials may not do that.
    Denied(AwsAnswer),
    /// There are none.
    NoCredentials,
    /// They expired, or AWS does not know them.
    BadCredentials(AwsAnswer),
    /// The session of IAM Identity Center that a profile names has expired, or was never begun.
    NoSession,
    /// Too many calls, even after all attempts.
    Throttled(AwsAnswer),
    /// What the call is about does not exist.
    NotFound(AwsAnswer),
    /// A fault of AWS's own (HTTP 5xx), after all attempts.
    Broken(AwsAnswer),
    /// Anything else that AWS says.
    Refused(AwsAnswer),
    /// No connection, or one that broke, after all attempts.
    Unreachable,
    NoAnswerInTime,
    /// An answer that the SDK does not understand.
    Unreadable,
}

/// AWS's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AwsAnswer {
    /// `AccessDeniedException`
    pub(crate) code: String,
    /// One line; may be empty.
    pub(crate) message: String,
}

/// How much of a message to repeat, in characters.
const MAX_MESSAGE: usize = 300;

// Source of the codes: the services' API references, "Common Errors", and botocore's `legacy.py` for throttling.
const DENIED: [&str; 4] = ["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"];
const BAD_CREDENTIALS: [&str; 11] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const THROTTLED: [&str; 9] = [
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceQuotaExceededException",
];
const NOT_FOUND: [&str; 6] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NoSuchEntityException",
    "ParameterNotFound",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
];
/// Their messages repeat the request that was signed, with its session token.
const REPEATS_REQUEST: [&str; 3] = ["IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"];

impl SdkCallError {
    /// What an error of the SDK means.
    #[must_use]
    pub(crate) fn new<E>(action: AwsAction, on: On, error: &SdkError<E, HttpResponse>) -> SdkCallError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        SdkCallError { action, on, failure: failure(error) }
    }

    /// AWS's code, where it has answered with one.
    #[must_use]
    pub(crate) fn code(&self) -> &str {
        match &self.failure {
            AwsFailure::Denied(answer)
            | AwsFailure::BadCredentials(answer)
            | AwsFailure::Throttled(answer)
            | AwsFailure::NotFound(answer)
            | AwsFailure::Broken(answer)
            | AwsFailure::Refused(answer) => &answer.code,
            AwsFailure::NoCredentials
            | AwsFailure::NoSession
            | AwsFailure::Unreachable
            | AwsFailure::NoAnswerInTime
            | AwsFailure::Unreadable => "",
        }
    }
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        // It looked like success, and was not what was asked for.
        SdkError::ServiceError(service) if service.raw().status().is_success() => AwsFailure::Unreadable,
        SdkError::ServiceError(service) => {
            let error = service.err();
            let status = service.raw().status();
            let code = format!("HTTP {}", status.as_u16());
            let answer = AwsAnswer::new(error.code().unwrap_or(&code), error.message().unwrap_or_default());
            match of_code(answer) {
                AwsFailure::Refused(answer) if status.is_server_error() => AwsFailure::Broken(answer),
                failure => failure,
            }
        }
        SdkError::TimeoutError(_) => AwsFailure::NoAnswerInTime,
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => AwsFailure::NoAnswerInTime,
        SdkError::ResponseError(_) => AwsFailure::Unreadable,
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) | _ => without_answer(error),
    }
}

/// The request has not been sent: there was nobody to sign it, or no way to go.
fn without_answer<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
where
    E: std::error::Error + 'static,
{
    let mut cause = error.source();
    while let Some(one) = cause {
        match one.downcast_ref::<CredentialsError>() {
            Some(CredentialsError::CredentialsNotLoaded(_)) => return AwsFailure::NoCredentials,
            Some(_) => return of_provider(&innermost(one)),
            None => cause = one.source(),
        }
    }
    AwsFailure::Unreachable
}

/// The last of a row of causes: the one that says what it is.
fn innermost(mut error: &(dyn std::error::Error + 'static)) -> String {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

/// What the innermost error of a provider of credentials means.
///
/// The SDK has no kinds for these, so its words have to do.
/// Source: `aws-config`, `src/sso/cache.rs` and `src/sso/credentials.rs`.
fn of_provider(message: &str) -> AwsFailure {
    let lower = message.to_ascii_lowercase();
    if lower.contains("sso token")
        || lower.contains("sso session")
        || lower.contains("session token not found or invalid")
    {
        return AwsFailure::NoSession;
    }
    // The last that the chain asks: nobody before it had any.
    if lower.contains("imds") {
        return AwsFailure::NoCredentials;
    }
    AwsFailure::BadCredentials(AwsAnswer::new("the provider failed", message))
}

fn of_code(answer: AwsAnswer) -> AwsFailure {
    let code = answer.code.as_str();
    if DENIED.contains(&code) {
        AwsFailure::Denied(answer)
    } else if BAD_CREDENTIALS.contains(&code) {
        AwsFailure::BadCredentials(answer)
    } else if THROTTLED.contains(&code) {
        AwsFailure::Throttled(answer)
    } else if NOT_FOUND.contains(&code) {
        AwsFailure::NotFound(answer)
    } else {
        AwsFailure::Refused(answer)
    }
}

impl AwsAnswer {
    fn new(code: &str, message: &str) -> AwsAnswer {
        let message = if REPEATS_REQUEST.contains(&code) { "" } else { message.lines().next().unwrap_or_default() };
        let plain = |text: &str| text.chars().filter(|character| !character.is_control()).take(MAX_MESSAGE).collect();
        AwsAnswer { code: plain(code), message: plain(message.trim_end_matches('.')) }
    }
}

impl Display for AwsAnswer {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            (code, "") => out.write_str(code),
            (code, message) => write!(out, "{code}: {message}"),
        }
    }
}

/// How to get credentials.
const SIGN_IN: &str = "sign in (`aws sso login`, `aws configure`), choose a profile with --profile, or export AWS_ACCESS_KEY_ID, \
                       AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";

impl std::error::Error for SdkCallError {}

impl SdkCallError {
    /// What went wrong: a sentence without a full stop.
    #[must_use]
    pub(crate) fn problem(&self) -> String {
        let SdkCallError { action, on: On { what, .. }, failure } = self;
        let why = match failure {
            AwsFailure::Denied(answer) => format!("access denied ({answer})"),
            AwsFailure::NoCredentials => "no AWS credentials found".to_owned(),
            AwsFailure::BadCredentials(answer) => {
                format!("AWS rejected the credentials ({answer}), which may have expired")
            }
            AwsFailure::NoSession => {
                "the SSO session of this profile has expired, or was never started on this machine".to_owned()
            }
            AwsFailure::Throttled(answer) => format!("AWS still throttles after several attempts ({answer})"),
            AwsFailure::NotFound(answer) => format!("not found ({answer})"),
            AwsFailure::Broken(answer) => format!("AWS failed to answer the call, after several attempts ({answer})"),
            AwsFailure::Refused(answer) => format!("AWS refused the call ({answer})"),
            AwsFailure::Unreachable => "could not reach AWS".to_owned(),
            AwsFailure::NoAnswerInTime => "AWS did not answer in time, after several attempts".to_owned(),
            AwsFailure::Unreadable => "the answer is not from AWS".to_owned(),
        };
        format!("{action} on {what}: {why}")
    }

    /// What to do about it, beginning in lower case, as the fixes of `podferry doctor` do; nothing where AWS's own message has to say it.
    #[must_use]
    pub(crate) fn advice(&self) -> Option<String> {
        let SdkCallError { action, on: On { resource, .. }, failure } = self;
        Some(match failure {
            AwsFailure::Denied(_) => format!("allow {action} on {resource} for the credentials in use"),
            AwsFailure::NoCredentials | AwsFailure::BadCredentials(_) => SIGN_IN.to_owned(),
            AwsFailure::NoSession => "run `aws sso login`, with the same --profile".to_owned(),
            AwsFailure::Throttled(_) => "run the command again in a minute".to_owned(),
            AwsFailure::Broken(_) => {
                "run the command again in some minutes; https://health.aws.amazon.com says what AWS knows of".to_owned()
            }
            AwsFailure::NotFound(_) => "check the name, --region and the account".to_owned(),
            AwsFailure::Refused(_) => return None,
            AwsFailure::Unreachable => {
                "check the network, --region, --endpoint-url, the proxy variables (HTTPS_PROXY, NO_PROXY) and, if a proxy ends TLS, \
                 PODFERRY_CA_BUNDLE"
                    .to_owned()
            }
            AwsFailure::NoAnswerInTime => "run the command again".to_owned(),
            AwsFailure::Unreadable => "check --endpoint-url, and whether a proxy answers instead of AWS".to_owned(),
        })
    }
}

impl Display for SdkCallError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.advice() {
            Some(advice) => {
                let (first, rest) = advice.split_at(1);
                write!(out, "{}. {}{rest}", self.problem(), first.to_uppercase())
            }
            None => out.write_str(&self.problem()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, message: &str) -> String {
        let on = On::new("log group /a", "arn:aws:logs:eu-west-1:111122223333:log-group:/a:*");
        SdkCallError { action: "logs:PutSubscriptionFilter", on, failure: of_code(AwsAnswer::new(code, message)) }
            .to_string()
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let denied = shown("AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized.\nmore");
        assert_eq!(
            denied,
            "logs:PutSubscriptionFilter on log group /a: access denied (AccessDeniedException: User: arn:aws:iam::1:user/x is not \
             authorized). Allow logs:PutSubscriptionFilter on arn:aws:logs:eu-west-1:111122223333:log-group:/a:* for the credentials \
             in use"
        );
        for (code, advice) in [
            ("ExpiredTokenException", "aws sso login"),
            ("ThrottlingException", "again in a minute"),
            ("ResourceNotFoundException", "Check the name"),
            ("LimitExceededException", "AWS refused the call (LimitExceededException: m)"),
        ] {
            assert!(shown(code, "m").contains(advice), "{code}");
        }
    }

    #[test]
    fn what_a_provider_of_credentials_says_is_told_apart() {
        let expired = "the SSO token has expired and cannot be refreshed";
        for (message, failure) in [
            ("failed to load the cached SSO token", AwsFailure::NoSession),
            (expired, AwsFailure::NoSession),
            (
                "request forbidden: IMDS is disabled or the caller has insufficient permissions",
                AwsFailure::NoCredentials,
            ),
        ] {
            assert_eq!(of_provider(message), failure, "{message}");
        }
        let other = of_provider("the process ended with code 1");
        assert!(matches!(&other, AwsFailure::BadCredentials(answer) if answer.message.contains("code 1")), "{other:?}");
        let on = || On::any("the credentials");
        let shown = |failure| SdkCallError { action: "sts:GetCallerIdentity", on: on(), failure }.to_string();
        assert!(shown(AwsFailure::NoSession).ends_with("Run `aws sso login`, with the same --profile"));
        let broken = shown(AwsFailure::Broken(AwsAnswer::new("InternalFailure", "")));
        assert!(!broken.contains("refused") && broken.contains("failed to answer the call"), "{broken}");
    }

    #[test]
    fn a_message_that_repeats_the_request_is_left_out() {
        let message = "The Canonical String should have been\nx-amz-security-token:geheim";
        for code in REPEATS_REQUEST {
            assert!(BAD_CREDENTIALS.contains(&code), "{code}");
            assert!(!shown(code, &message.replace('\n', " ")).contains("geheim"), "{code}");
        }
        assert!(!shown("Other", message).contains("geheim"), "one line only");
        assert_eq!(AwsAnswer::new("A", &"x".repeat(MAX_MESSAGE + 1)).message.len(), MAX_MESSAGE);
    }
}
