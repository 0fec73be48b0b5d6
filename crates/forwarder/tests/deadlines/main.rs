//! What has deadlines of its own, and takes long: faults, memory, soak, real runtimes.

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
