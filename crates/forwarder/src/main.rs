//! The Lambda: see `forwarder::lambda`.

use std::process::ExitCode;

use forwarder::settings::Environment;

#[expect(clippy::print_stderr, reason = "nothing else can say that the runtime did not start")]
fn main() -> ExitCode {
    // One thread: a Lambda of this size has a fraction of a processor.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the forwarder could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(forwarder::lambda::runtime::serve(&Environment)) {
        Ok(()) => ExitCode::SUCCESS,
        // Said already.
        Err(_) => ExitCode::FAILURE,
    }
}
