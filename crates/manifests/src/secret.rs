//! The Secret that sidecars and the Cluster Agent read, in every namespace that has pods with one.
//!
//! A pod can read only Secrets of its own namespace, and the token has to be the same everywhere: it is how a sidecar shows the
//! Cluster Agent that it belongs to it. What is secret comes in as an argument.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", "Prerequisites"; External Secrets Operator, "ExternalSecret".

use secrecy::{ExposeSecret, SecretString};

use crate::agent::{API_KEY, SECRET, TOKEN};
use crate::cluster::{Cluster, Missing, Need, is_label};
use crate::file::GeneratedFile;
use crate::node::{Map, Node};

/// How long a token has to be. Source: DataDog/datadog-agent, `pkg/api/util`, `authTokenMinimalLen`.
pub(crate) const MIN_TOKEN: usize = 32;

/// How long an API key is; its characters are hexadecimal digits. Source: Datadog, "API and Application Keys".
const API_KEY_LENGTH: usize = 32;
/// The same of an application key, which people take for one.
const APPLICATION_KEY_LENGTH: usize = 40;

/// The characters of a token that is made here.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Where the values come from.
#[derive(Debug, Clone)]
pub enum Values {
    /// They are in the manifest.
    Here { api_key: SecretString, token: SecretString },
    /// The External Secrets Operator gets them.
    External(Store),
}

/// Where the External Secrets Operator finds the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub name: String,
    pub kind: StoreKind,
    /// What the store calls the secret. It has the properties `api-key` and `token`.
    pub key: String,
}

/// What a store is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StoreKind {
    /// One store for all namespaces.
    #[default]
    ClusterSecretStore,
    /// A store in each namespace.
    SecretStore,
}

/// Why no manifest can be made. Repeats no value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(
        "this is not an API key: it must be {API_KEY_LENGTH} hexadecimal digits, as shown in Datadog under Organization Settings"
    )]
    ApiKey,
    #[error("this is an application key; an API key has {API_KEY_LENGTH} hexadecimal digits")]
    ApplicationKey,
    #[error("the token must be at least {MIN_TOKEN} letters and digits: the Cluster Agent accepts no shorter one")]
    Token,
    #[error("--datadog-namespace: must be the name of a namespace")]
    Namespace,
    #[error("--external-secret and --remote-key: must be names without spaces")]
    Store,
}

/// The manifest: one object in each namespace, and one in the Cluster Agent's.
///
/// # Errors
/// [`SecretError`].
pub fn generate(cluster: &Cluster, datadog_namespace: &str, values: &Values) -> Result<GeneratedFile, SecretError> {
    cluster.need(&[Need::Namespace])?;
    check(values)?;
    if !is_label(datadog_namespace) {
        return Err(SecretError::Namespace);
    }
    let mut namespaces = vec![datadog_namespace];
    for namespace in cluster.namespaces() {
        if !namespaces.contains(&namespace.as_str()) {
            namespaces.push(namespace);
        }
    }
    let documents: Vec<Map> = namespaces.iter().map(|namespace| document(namespace, values)).collect();
    Ok(match values {
        Values::Here { .. } => {
            let introduction = "SECRET: do not commit this file.\n\
                                The API key, and the token with which sidecars and the Cluster Agent authenticate to each other, for each namespace. \
                                The Admission Controller looks for this name and these two keys.";
            GeneratedFile::documents("secret.yaml", introduction, documents).secret()
        }
        Values::External(store) => {
            let introduction = format!(
                "The External Secrets Operator creates the Secret {SECRET} in each namespace, from `{}` in the store {}. It needs the properties \
                 {API_KEY} and {TOKEN}; the token must be at least {MIN_TOKEN} letters and digits.",
                store.key, store.name
            );
            GeneratedFile::documents("secret.yaml", &introduction, documents)
        }
    })
}

fn document(namespace: &str, values: &Values) -> Map {
    let metadata = Map::new().with("name", SECRET).with("namespace", namespace);
    match values {
        Values::Here { api_key, token } => {
            let data = Map::new().with(API_KEY, api_key.expose_secret()).with(TOKEN, token.expose_secret());
            Map::new()
                .with("apiVersion", "v1")
                .with("kind", "Secret")
                .with("metadata", metadata)
                .with("type", "Opaque")
                .with("stringData", data)
        }
        Values::External(store) => {
            let reference = Map::new().with("name", store.name.as_str()).with("kind", store.kind.name());
            let data = [API_KEY, TOKEN].map(|key| {
                let remote = Map::new().with("key", store.key.as_str()).with("property", key);
                Map::new().with("secretKey", key).with("remoteRef", remote)
            });
            let spec = Map::new()
                .with("refreshInterval", "1h")
                .with("secretStoreRef", reference)
                .with("target", Map::new().with("name", SECRET).with("creationPolicy", "Owner"))
                .with("data", Node::list(data));
            Map::new()
                .with("apiVersion", "external-secrets.io/v1")
                .with("kind", "ExternalSecret")
                .with("metadata", metadata)
                .with("spec", spec)
        }
    }
}

fn check(values: &Values) -> Result<(), SecretError> {
    match values {
        Values::Here { api_key, token } => {
            let key = api_key.expose_secret();
            check_api_key(key)?;
            let token = token.expose_secret();
            let is_token = token.len() >= MIN_TOKEN && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_token { Ok(()) } else { Err(SecretError::Token) }
        }
        Values::External(store) => {
            let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
            if is_name(&store.name) && is_name(&store.key) { Ok(()) } else { Err(SecretError::Store) }
        }
    }
}

/// Whether a text can be an API key.
///
/// # Errors
/// [`SecretError::ApiKey`] or [`SecretError::ApplicationKey`].
pub(crate) fn check_api_key(key: &str) -> Result<(), SecretError> {
    let is_hexadecimal = key.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key.len() {
        API_KEY_LENGTH if is_hexadecimal => Ok(()),
        APPLICATION_KEY_LENGTH if is_hexadecimal => Err(SecretError::ApplicationKey),
        _ => Err(SecretError::ApiKey),
    }
}

impl StoreKind {
    fn name(self) -> &'static str {
        match self {
            StoreKind::ClusterSecretStore => "ClusterSecretStore",
            StoreKind::SecretStore => "SecretStore",
        }
    }
}

/// A token of random bytes. Bytes that would make some characters likelier than others are not used; `None` if there were not
/// enough of the rest.
pub fn token(random: &[u8]) -> Option<SecretString> {
    let fair = 256 / ALPHABET.len() * ALPHABET.len();
    let characters = random.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
    let token: String = characters.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])).take(MIN_TOKEN).collect();
    (token.len() == MIN_TOKEN).then(|| token.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;
    use crate::file::{FileContent, GeneratedFile};

    fn generated(api_key: &str, token: &str) -> Result<GeneratedFile, SecretError> {
        let namespaces = ["shop", "datadog", "shop"].map(str::to_owned).to_vec();
        let cluster = ClusterOptions { namespaces, ..ClusterOptions::default() }.check().unwrap();
        generate(&cluster, "datadog", &Values::Here { api_key: api_key.into(), token: token.into() })
    }

    #[test]
    fn one_for_each_namespace_with_the_same_token() {
        let file = generated(&"0f".repeat(16), &"a".repeat(32)).unwrap();
        assert!(file.is_secret);
        let FileContent::Documents { documents, .. } = file.content else { panic!("documents") };
        let values: Vec<_> = documents.iter().map(|document| serde_json::to_value(document).unwrap()).collect();
        let namespaces: Vec<_> = values.iter().map(|value| &value["metadata"]["namespace"]).collect();
        assert_eq!(namespaces, ["datadog", "shop"]);
        assert_eq!(values[0]["stringData"], values[1]["stringData"]);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let (key, token) = ("0f".repeat(16), "a".repeat(32));
        assert!(generated(&key[1..], &token).is_err());
        assert_eq!(generated(&"0f".repeat(20), &token).unwrap_err(), SecretError::ApplicationKey);
        assert_eq!(generated(&"xy".repeat(16), &token).unwrap_err(), SecretError::ApiKey);
        assert_eq!(generated(&key, &token[1..]).unwrap_err(), SecretError::Token);
        assert_eq!(generated(&key, &"a-".repeat(16)).unwrap_err(), SecretError::Token);
        let values = Values::Here { api_key: key.as_str().into(), token: token.as_str().into() };
        assert!(!format!("{values:?}").contains(&key));
    }

    #[test]
    fn tokens_are_letters_and_digits_all_equally_likely() {
        let all: Vec<u8> = (0..=255).collect();
        let mut counts = std::collections::BTreeMap::new();
        for byte in &all {
            if let Some(token) = token(&[*byte; 32]) {
                *counts.entry(token.expose_secret().chars().next().unwrap()).or_insert(0) += 1;
            }
        }
        assert_eq!((counts.len(), counts.values().all(|count| *count == 4)), (62, true));
        assert!(token(&all[..31]).is_none() && token(&[255; 64]).is_none());
        assert_eq!(token(&all).unwrap().expose_secret().len(), MIN_TOKEN);
    }
}
