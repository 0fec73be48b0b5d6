//! The API key, as the delivery needs it: where it comes from is others' business.

use std::future::Future;

use secrecy::SecretString;

/// The API key, as the delivery needs it.
pub trait KeyProvider: Send + Sync + 'static {
    /// The key, fetched if need be, and which one it is.
    fn key(&self) -> impl Future<Output = Result<Key, KeyUnavailable>> + Send;

    /// Another key than the one of this number, fetched again if there is none yet.
    fn key_after(&self, refused: u64) -> impl Future<Output = Result<Key, KeyUnavailable>> + Send;
}

/// An API key and its number: a key that was fetched later has a higher one.
#[derive(Debug, Clone)]
pub struct Key {
    pub secret: SecretString,
    pub number: u64,
}

/// Why there is no API key. The text says what to do, and holds no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyUnavailable(pub String);
