//! Why a command could not do its work: what happened, and what to do about it.

use std::fmt::Display;
use std::path::Path;

use super::named::named;
use forwarder::settings;

/// What `podferry` prints after `error:`.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Event { path: String, error: pipeline::event::EventError },
    #[error("{path}: this is neither YAML nor JSON: {problem}")]
    Manifest { path: String, problem: String },
    #[error(
        "{path}: contains no annotation `ad.datadoghq.com/<container>.logs`. Give the manifest of a pod or workload, or the value of the annotation"
    )]
    NoAnnotation { path: String },
    #[error("{path}: contains no annotation `ad.datadoghq.com/{container}.logs`")]
    NoContainer { path: String, container: String },
    #[error("{path}: {hint}")]
    NotAnEvent { path: String, hint: &'static str },
    #[error(transparent)]
    Settings(#[from] settings::Mistakes),
    #[error("{address}: {error}. Choose another address with --listen")]
    Listen { address: String, error: std::io::Error },
    #[error("{0}: this would be exposed to the network; listen on 127.0.0.1 or [::1]")]
    NotLoopback(std::net::SocketAddr),
    #[error(transparent)]
    Failure(#[from] forwarder::lambda::invocation::InvocationFailure),
    #[error(transparent)]
    Account(#[from] crate::aws::account::AccountError),
    #[error(transparent)]
    Function(#[from] crate::aws::function::FunctionError),
    #[error(transparent)]
    Call(#[from] crate::aws::error::SdkCallError),
    #[error(transparent)]
    Checkpoint(#[from] crate::aws::backfill::checkpoint::CheckpointError),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Internal(String),
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

impl CommandError {
    /// An option or a file asks for what cannot be done.
    pub(super) fn refused(problem: impl Display) -> CommandError {
        CommandError::Refused(problem.to_string())
    }

    /// Something that should not happen.
    pub(super) fn internal(problem: impl Display) -> CommandError {
        CommandError::Internal(problem.to_string())
    }

    /// A file that cannot be read or written.
    pub(super) fn file(path: &Path, error: std::io::Error) -> CommandError {
        CommandError::File { path: named(path), error }
    }
}
