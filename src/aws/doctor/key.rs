//! The API key: whether the function can get one, and whether Datadog takes it.

use super::{Area, Step};
use forwarder::lambda::api_key::NoKey;
use forwarder::lambda::aws::AwsCallError;
use forwarder::settings::ApiKeySource;

/// What Datadog answered to the question whether a key is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    /// A status of HTTP.
    Answered(u16),
    Unreachable,
    /// The intake's address does not say the site.
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

/// Whether there is a key. It was fetched with the credentials in use, not with those of the function's role.
#[must_use]
pub(crate) fn fetched(source: &ApiKeySource, result: Result<(), &NoKey>) -> Step {
    let name = "source";
    match result {
        Ok(()) => {
            let variable = variable(source);
            let step = Step::right(Area::Key, name, format!("{variable} leads to a key"));
            if matches!(source, ApiKeySource::Plain(_)) {
                let seen = "DD_API_KEY has the key in plain text: whoever may look at the function sees it";
                return Step::note(Area::Key, name, seen)
                    .mend("put it into Secrets Manager, and give template.yaml its ApiKeySecretArn");
            }
            step
        }
        Err(failure @ NoKey::Content { .. }) => Step::wrong(Area::Key, name, failure.to_string()),
        Err(failure @ NoKey::Call { error, .. }) => match error {
            AwsCallError::Service { code, .. } if code.contains("NotFound") => {
                Step::wrong(Area::Key, name, failure.to_string()).mend("check its name and its region")
            }
            AwsCallError::Service { code, .. } if code.contains("AccessDenied") => {
                Step::unknown(Area::Key, name, failure.to_string()).mend(
                    "the function's role may be allowed what the credentials in use are not: --send-test tries it",
                )
            }
            _ => Step::unknown(Area::Key, name, failure.to_string()),
        },
    }
}

/// Whether Datadog takes it. `host` is that of the site's API.
#[must_use]
pub(crate) fn validated(host: &str, validation: Validation) -> Step {
    let name = "Datadog";
    match validation {
        // Source: Datadog API reference, "Validate API key".
        Validation::Answered(200) => Step::right(Area::Key, name, format!("{host} knows the key")),
        Validation::Answered(401 | 403) => {
            let problem = format!("{host} does not know the key: it is wrong, was revoked, or is of another site");
            Step::wrong(Area::Key, name, problem)
                .mend("look at Organization Settings > API Keys in Datadog, and at DD_SITE; then write the key anew where the function takes it from")
        }
        Validation::Answered(status) => Step::unknown(Area::Key, name, format!("{host} answered {status}"))
            .mend("run podferry doctor again in a minute"),
        Validation::Unreachable => Step::unknown(Area::Key, name, format!("{host} could not be reached from here"))
            .mend("check the network and HTTPS_PROXY; --send-test tries it from the function"),
        Validation::NoSite => Step::unknown(Area::Key, name, "DD_URL leads to a host that does not say Datadog's site")
            .mend("name the site's API: --datadog-url https://api.datadoghq.eu"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn keys() {
        let secret = ApiKeySource::SecretsManager { id: "s".into(), region: "r".into() };
        let plain = ApiKeySource::Plain("geheim".into());
        assert_eq!(fetched(&secret, Ok(())).outcome, Outcome::Right);
        assert_eq!(fetched(&plain, Ok(())).outcome, Outcome::Note);
        let call =
            |code: &str| NoKey::Call { variable: "V", error: AwsCallError::Service { status: 400, code: code.into() } };
        let outcome = |failure: NoKey| fetched(&secret, Err(&failure)).outcome;
        assert_eq!(outcome(call("ResourceNotFoundException")), Outcome::Wrong);
        assert_eq!(outcome(call("AccessDeniedException")), Outcome::Unknown);
        assert_eq!(outcome(NoKey::Content { variable: "V" }), Outcome::Wrong);
        assert_eq!(outcome(NoKey::Call { variable: "V", error: AwsCallError::Connection }), Outcome::Unknown);
    }

    #[test]
    fn answers_of_datadog() {
        for (validation, outcome) in [
            (Validation::Answered(200), Outcome::Right),
            (Validation::Answered(403), Outcome::Wrong),
            (Validation::Answered(401), Outcome::Wrong),
            (Validation::Answered(500), Outcome::Unknown),
            (Validation::Unreachable, Outcome::Unknown),
            (Validation::NoSite, Outcome::Unknown),
        ] {
            assert_eq!(validated("api", validation).outcome, outcome, "{validation:?}");
        }
    }
}
