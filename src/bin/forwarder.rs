//! The Lambda: see `podferry::lambda`.

use std::process::ExitCode;

use podferry::settings::Environment;

fn main() -> ExitCode {
    // One thread: a Lambda of this size has a fraction of a processor.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the forwarder could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(podferry::lambda::runtime::serve(&Environment)) {
        Ok(()) => ExitCode::SUCCESS,
        // Said already.
        Err(_) => ExitCode::FAILURE,
    }
}
