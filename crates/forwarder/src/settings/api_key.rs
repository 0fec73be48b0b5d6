//! Where the API key comes from, and how to reach the AWS services that may hold it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::reader::VariableReader;
use super::variables::VariableSource;

/// Where the API key comes from. The order of the variants is the order in which they are asked.
#[derive(Debug, Clone)]
pub enum ApiKeySource {
    /// `DD_API_KEY_SECRET_ARN`: a secret of Secrets Manager, by ARN or name.
    SecretsManager { id: String, region: String },
    /// `DD_API_KEY_SSM_NAME`: a SecureString of the Parameter Store, by name or ARN.
    ParameterStore { name: String, region: String },
    /// `DD_KMS_API_KEY`: base64 of what KMS encrypted.
    Kms { ciphertext: String },
    /// `DD_API_KEY`.
    Plain(SecretString),
}

/// What calls to AWS need: the sandbox has it in variables, there is nothing to discover.
#[derive(Debug, Clone, Default)]
pub struct AwsSettings {
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER` and its sisters, else `AWS_ENDPOINT_URL`.
    pub endpoint_secrets_manager: Option<String>,
    pub endpoint_ssm: Option<String>,
    pub endpoint_kms: Option<String>,
    pub endpoint_sqs: Option<String>,
    pub endpoint_s3: Option<String>,
    pub endpoint_logs: Option<String>,
    /// The function's name: part of the encryption context that Lambda's console uses.
    pub function_name: String,
}

/// `DD_API_KEY` alone, without asking AWS for one: for `podferry generate secret`.
pub fn plain_api_key(source: &dyn VariableSource) -> Option<SecretString> {
    let reader = VariableReader::new(source);
    reader.get("DD_API_KEY").map(SecretString::from)
}

/// `DD_APP_KEY` alone, with which one may search logs: for `podferry doctor --canary`. The function has none.
pub fn application_key(source: &dyn VariableSource) -> Option<SecretString> {
    let reader = VariableReader::new(source);
    reader.get("DD_APP_KEY").map(SecretString::from)
}

pub(super) fn read_source(reader: &mut VariableReader) -> Option<ApiKeySource> {
    let own_region = reader.get("AWS_REGION").or_else(|| reader.get("AWS_DEFAULT_REGION")).unwrap_or_default();
    let source = if let Some(id) = reader.get("DD_API_KEY_SECRET_ARN") {
        let region = checked_region(reader, "DD_API_KEY_SECRET_ARN", &id, "secretsmanager", &own_region);
        ApiKeySource::SecretsManager { id, region }
    } else if let Some(name) = reader.get("DD_API_KEY_SSM_NAME") {
        let region = checked_region(reader, "DD_API_KEY_SSM_NAME", &name, "ssm", &own_region);
        ApiKeySource::ParameterStore { name, region }
    } else if let Some(ciphertext) = reader.get("DD_KMS_API_KEY") {
        if STANDARD.decode(&ciphertext).is_err() {
            reader.mistake("DD_KMS_API_KEY", "must be the encrypted key in base64, as KMS returns it");
        }
        ApiKeySource::Kms { ciphertext }
    } else if let Some(key) = reader.get("DD_API_KEY") {
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            reader.mistake("DD_API_KEY", "must be letters and digits without white space, as Datadog shows it");
        }
        ApiKeySource::Plain(key.into())
    } else {
        reader.mistake(
            "DD_API_KEY",
            "is missing: set DD_API_KEY_SECRET_ARN, DD_API_KEY_SSM_NAME, DD_KMS_API_KEY or DD_API_KEY",
        );
        return None;
    };
    Some(source)
}

/// The region of an ARN; of a plain name, the function's own.
fn checked_region(
    reader: &mut VariableReader,
    variable: &'static str,
    name: &str,
    service: &str,
    own_region: &str,
) -> String {
    let mut parts = name.split(':');
    if parts.next() != Some("arn") {
        return own_region.to_owned();
    }
    let (_partition, found, region) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    if found != Some(service) || region.is_empty() {
        reader.mistake(
            variable,
            format!("must be a name, or an ARN such as `arn:aws:{service}:us-east-1:123456789012:…`"),
        );
    }
    region.to_owned()
}

pub(super) fn read_aws(reader: &mut VariableReader, source: &Option<ApiKeySource>) -> AwsSettings {
    let everywhere = reader.get("AWS_ENDPOINT_URL");
    let settings = AwsSettings {
        region: reader.get("AWS_REGION").or_else(|| reader.get("AWS_DEFAULT_REGION")).unwrap_or_default(),
        access_key_id: reader.get("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        secret_access_key: reader.get("AWS_SECRET_ACCESS_KEY").unwrap_or_default().into(),
        session_token: reader.get("AWS_SESSION_TOKEN").map(SecretString::from),
        endpoint_secrets_manager: reader.get("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| everywhere.clone()),
        endpoint_ssm: reader.get("AWS_ENDPOINT_URL_SSM").or_else(|| everywhere.clone()),
        endpoint_kms: reader.get("AWS_ENDPOINT_URL_KMS").or_else(|| everywhere.clone()),
        endpoint_sqs: reader.get("AWS_ENDPOINT_URL_SQS").or_else(|| everywhere.clone()),
        endpoint_s3: reader.get("AWS_ENDPOINT_URL_S3").or_else(|| everywhere.clone()),
        endpoint_logs: reader.get("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS").or_else(|| everywhere.clone()),
        function_name: reader.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
    };
    let region = match source {
        Some(ApiKeySource::SecretsManager { region, .. } | ApiKeySource::ParameterStore { region, .. }) => region,
        Some(ApiKeySource::Kms { .. }) => &settings.region,
        _ => return settings,
    };
    if region.is_empty() {
        reader.mistake("AWS_REGION", "is missing: Lambda sets it; elsewhere, set it to the region of the API key");
    }
    if settings.access_key_id.is_empty() {
        reader.mistake(
            "AWS_ACCESS_KEY_ID",
            "is missing: Lambda sets it; elsewhere, export credentials that can read the API key",
        );
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    const AWS: [(&str, &str); 3] =
        [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, super::super::Mistakes> {
        let map: std::collections::HashMap<String, String> =
            AWS.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::read(&map)
    }

    #[test]
    fn the_first_that_is_set_wins() {
        let all = [
            ("DD_API_KEY_SECRET_ARN", "arn:aws:secretsmanager:us-east-2:1:secret:x"),
            ("DD_API_KEY_SSM_NAME", "/x"),
            ("DD_KMS_API_KEY", "eA=="),
            ("DD_API_KEY", "k"),
        ];
        let kind = |source: ApiKeySource| match source {
            ApiKeySource::SecretsManager { region, .. } => format!("secret {region}"),
            ApiKeySource::ParameterStore { region, .. } => format!("parameter {region}"),
            ApiKeySource::Kms { .. } => "kms".to_owned(),
            ApiKeySource::Plain(_) => "plain".to_owned(),
        };
        let expected = ["secret us-east-2", "parameter eu-west-1", "kms", "plain"];
        for (from, expected) in expected.iter().enumerate() {
            assert_eq!(&kind(settings(&all[from..]).unwrap().api_key), expected);
        }
    }

    #[test]
    fn arns_of_other_services_are_mistakes() {
        for (name, value) in [
            ("DD_API_KEY_SECRET_ARN", "arn:aws:ssm:us-east-2:1:parameter/x"),
            ("DD_API_KEY_SSM_NAME", "arn:aws:secretsmanager:us-east-2:1:secret:x"),
            ("DD_API_KEY_SECRET_ARN", "arn:aws:secretsmanager::1:secret:x"),
            ("DD_KMS_API_KEY", "%"),
            ("DD_API_KEY", "two words"),
        ] {
            assert_eq!(settings(&[(name, value)]).unwrap_err().0[0].variable, name);
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let printed = format!("{:?}", settings(&[("DD_API_KEY", "geheim")]).unwrap());
        assert!(!printed.contains("geheim") && printed.contains("REDACTED"), "{printed}");
    }
}
