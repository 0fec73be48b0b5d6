//! Runs what waits for the network, on one thread.

use super::error::CommandError;

pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::internal(format!("could not start: {error}")))?;
    runtime.block_on(work)
}
