//! What has deadlines of its own, and takes long: faults, memory, soak, real runtimes. All run the forwarder as a process;
//! `PODFERRY_FORWARDER` names another one than Cargo built for the tests, such as the release build.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

mod e2e;
mod faults;
mod memory;
mod neighbours;
mod outage;
mod soak;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: what answers in time on a machine of its own does not beside four others, and an answer that comes after the forwarder has
/// given up looks like a log that was accepted twice. Keep what it gives until the test ends.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
