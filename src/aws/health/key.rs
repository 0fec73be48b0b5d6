//! The API key: whether the function can get one, and whether Datadog accepts it.

use super::advice::Advice;
use super::finding::{HealthArea, HealthFinding};
use forwarder::lambda::api_key::NoKey;
use forwarder::lambda::aws::AwsCallError;
use forwarder::settings::ApiKeySource;

const SOURCE: &str = "source";

/// What Datadog answered about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyValidation {
    /// An HTTP status.
    Answered(u16),
    Unreachable,
    /// The intake's address does not tell the site.
    NoSite,
}

/// The variable that the key comes from.
#[must_use]
pub(crate) fn variable(source: &ApiKeySource) -> &'static str {
    match source {
        ApiKeySource::SecretsManager { .. } => "DD_API_KEY_SECRET_ARN",
        ApiKeySource::ParameterStore { .. } => "DD_API_KEY_SSM_NAME",
        ApiKeySource::Kms { .. } => "DD_KMS_API_KEY",
        ApiKeySource::Plain(_) => "DD_API_KEY",
    }
}

/// A key that anyone who can view the function can read.
#[must_use]
pub(crate) fn in_plain_text(source: &ApiKeySource) -> Option<HealthFinding> {
    let why = "DD_API_KEY holds the key in plain text: anyone who can view the function's configuration can read it";
    let finding = HealthFinding::note(HealthArea::Key, SOURCE, why)
        .fix("store it in Secrets Manager, and set the parameter ApiKeySecretArn of template.yaml");
    matches!(source, ApiKeySource::Plain(_)).then_some(finding)
}

/// Whether there is a key. It was fetched with the credentials in use, not with those of the function's role.
#[must_use]
pub(crate) fn fetched(source: &ApiKeySource, result: Result<(), &NoKey>) -> HealthFinding {
    match result {
        Ok(()) => in_plain_text(source).unwrap_or_else(|| {
            HealthFinding::ok(HealthArea::Key, SOURCE, format!("{} points to a key", variable(source)))
        }),
        Err(failure @ NoKey::Content { .. }) => HealthFinding::wrong(HealthArea::Key, SOURCE, failure.to_string()),
        Err(failure @ NoKey::Call { error, .. }) => match error {
            AwsCallError::Service { code, .. } if code.contains("NotFound") => {
                HealthFinding::wrong(HealthArea::Key, SOURCE, failure.to_string()).fix("check its name and its region")
            }
            AwsCallError::Service { code, .. } if code.contains("AccessDenied") => {
                HealthFinding::unknown(HealthArea::Key, SOURCE, failure.to_string()).fix(
                    "the function's role may have permissions that the credentials in use lack; --send-test tries it",
                )
            }
            _ => HealthFinding::unknown(HealthArea::Key, SOURCE, failure.to_string()),
        },
    }
}

/// Whether Datadog accepts it. `host` is that of the site's API.
#[must_use]
pub(crate) fn validated(host: &str, validation: KeyValidation, advice: &Advice) -> HealthFinding {
    let (area, what) = (HealthArea::Key, "Datadog");
    match validation {
        // Source: Datadog API reference, "Validate API key".
        KeyValidation::Answered(200) => HealthFinding::ok(area, what, format!("{host} accepts the key")),
        KeyValidation::Answered(401 | 403) => {
            let why = format!("{host} rejects the key: it is wrong, was revoked, or belongs to another site");
            HealthFinding::wrong(area, what, why).fix(
                "check Organization Settings > API Keys in Datadog, and DD_SITE; then store the right key where the function reads it",
            )
        }
        KeyValidation::Answered(status) => HealthFinding::unknown(area, what, format!("{host} answered {status}"))
            .fix(format!("run `{}` again in a minute", advice.podferry("doctor"))),
        KeyValidation::Unreachable => HealthFinding::unknown(area, what, format!("could not reach {host} from here"))
            .fix("check the network, HTTPS_PROXY and PODFERRY_CA_BUNDLE; --send-test tries it from the function"),
        KeyValidation::NoSite => {
            HealthFinding::unknown(area, what, "the host in DD_URL does not show which Datadog site it belongs to")
                .fix("name the site's API: --datadog-url https://api.datadoghq.eu")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::advice;
    use super::super::finding::HealthSeverity;
    use super::*;

    #[test]
    fn keys() {
        let secret = ApiKeySource::SecretsManager { id: "s".into(), region: "r".into() };
        let plain = ApiKeySource::Plain("geheim".into());
        assert_eq!(fetched(&secret, Ok(())).severity, HealthSeverity::Ok);
        assert_eq!(fetched(&plain, Ok(())).severity, HealthSeverity::Note);
        let call =
            |code: &str| NoKey::Call { variable: "V", error: AwsCallError::Service { status: 400, code: code.into() } };
        let outcome = |failure: NoKey| fetched(&secret, Err(&failure)).severity;
        assert_eq!(outcome(call("ResourceNotFoundException")), HealthSeverity::Wrong);
        assert_eq!(outcome(call("AccessDeniedException")), HealthSeverity::Unknown);
        assert_eq!(outcome(NoKey::Content { variable: "V" }), HealthSeverity::Wrong);
        assert_eq!(outcome(NoKey::Call { variable: "V", error: AwsCallError::Connection }), HealthSeverity::Unknown);
    }

    #[test]
    fn answers_of_datadog() {
        for (validation, outcome) in [
            (KeyValidation::Answered(200), HealthSeverity::Ok),
            (KeyValidation::Answered(403), HealthSeverity::Wrong),
            (KeyValidation::Answered(401), HealthSeverity::Wrong),
            (KeyValidation::Answered(500), HealthSeverity::Unknown),
            (KeyValidation::Unreachable, HealthSeverity::Unknown),
            (KeyValidation::NoSite, HealthSeverity::Unknown),
        ] {
            assert_eq!(validated("api", validation, &advice()).severity, outcome, "{validation:?}");
        }
    }
}
