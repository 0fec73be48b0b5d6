//! `podferry generate secret`: its flags, and where the key and the token come from.

use std::path::{Path, PathBuf};

use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use crate::cli::input::read;
use forwarder::settings::{self, Environment};
use manifests::cluster::Cluster;
use manifests::{GeneratedFile, agent, secret};

/// Secret datadog-secret for every namespace: the API key and the Cluster Agent token
///
/// Takes the API key from the environment variable DD_API_KEY or from a file, never from a flag.
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateSecretOptions {
    /// Namespace of the Cluster Agent.
    #[arg(long, value_name = "NAME", default_value = agent::NAMESPACE)]
    datadog_namespace: String,
    #[command(flatten)]
    source: SecretSourceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Where the values of a secret come from.
#[derive(Debug, Clone, Args)]
pub(super) struct SecretSourceFlags {
    /// File with the API key; `-` for standard input [default: the variable DD_API_KEY].
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// File with the token, for a cluster that already has one [default: a new token].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Let the External Secrets Operator fetch the API key and the token from this store; no key is needed here.
    #[arg(long, value_name = "STORE", conflicts_with_all = ["api_key_file", "token_file"])]
    external_secret: Option<String>,
    /// With --external-secret: kind of the store.
    #[arg(long, value_name = "KIND", value_enum, default_value_t, requires = "external_secret")]
    store_kind: secret::StoreKind,
    /// With --external-secret: key of the secret in the store; it needs the properties api-key and token.
    #[arg(long, value_name = "NAME", default_value = "datadog", requires = "external_secret")]
    remote_key: String,
}

impl GenerateSecretOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let values = self.source.values_if_any()?.ok_or_else(|| {
            CommandError::refused("no API key: set DD_API_KEY, give --api-key-file FILE (`-` for standard input), or use --external-secret STORE")
        })?;
        let file = self.source.file(&cluster, &self.datadog_namespace, &values)?;
        let mut notes = Vec::new();
        if file.is_secret && !self.common.output.is_folder() {
            notes.push("this contains the API key; --out writes it to a file that only you can read".to_owned());
        }
        if file.is_secret && self.source.token_file.is_none() {
            notes.push(
                "the token is new: restart pods that use another one, or pass the old one with --token-file".to_owned(),
            );
        }
        self.common.output.write(&[file], &notes)
    }
}

impl SecretSourceFlags {
    /// Whether a flag speaks of the secret.
    pub(super) fn is_given(&self) -> bool {
        self.api_key_file.is_some() || self.token_file.is_some() || self.external_secret.is_some()
    }

    pub(super) fn file(
        &self,
        cluster: &Cluster,
        datadog_namespace: &str,
        values: &secret::Values,
    ) -> Result<GeneratedFile, CommandError> {
        secret::generate(cluster, datadog_namespace, values).map_err(CommandError::refused)
    }

    /// The values; `None` if nothing says where the API key is.
    pub(super) fn values_if_any(&self) -> Result<Option<secret::Values>, CommandError> {
        if let Some(name) = &self.external_secret {
            let store = secret::Store { name: name.clone(), kind: self.store_kind, key: self.remote_key.clone() };
            return Ok(Some(secret::Values::External(store)));
        }
        let api_key = match &self.api_key_file {
            Some(file) => of_file(file)?,
            None => match settings::plain_api_key(&Environment) {
                Some(api_key) => api_key,
                None => return Ok(None),
            },
        };
        let token = match &self.token_file {
            Some(file) => of_file(file)?,
            None => new_token()?,
        };
        Ok(Some(secret::Values::Here { api_key, token }))
    }
}

/// A file's content without white space around it.
fn of_file(file: &Path) -> Result<SecretString, CommandError> {
    Ok(String::from_utf8_lossy(&read(file)?).trim().into())
}

/// From the system's randomness; of 256 bytes all but a handful can be used.
fn new_token() -> Result<SecretString, CommandError> {
    let mut random = [0; 256];
    let filled = SystemRandom::new().fill(&mut random).ok();
    let token = filled.and_then(|()| secret::token(&random));
    token.ok_or_else(|| CommandError::internal("the system returned no random bytes for the token"))
}
