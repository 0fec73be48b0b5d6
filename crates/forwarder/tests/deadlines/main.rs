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
mod soak;
