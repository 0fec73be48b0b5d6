//! The forwarder by its public surface: settings, delivery, and what it answers Lambda.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

mod delivery;
mod firehose;
mod metadata_attacks;
mod metadata_soak;
mod metadata_waits;
mod network;
mod outage;
mod queue;
mod queue_once;
mod queue_rounds;
mod reading;
mod roots;
mod rules;
mod runtime;
mod security;
mod settings;
mod tls;
