//! What the tests of several crates share. Nothing here is shipped.
//!
//! * [`events`] makes events of messages, and gives the logs that came of them.
//! * [`http`] is the server that all stand-ins are made of: [`aws`] has queues, a bucket and a secret, and
//!   [`event_source_mapping`] hands the queues' messages out; [`moto`] is a whole AWS account; [`runtime_api`] is Lambda's side of
//!   a function, and the forwarder as a process.
//! * [`network`] is a bad stretch of network.
//! * [`processor_time`] measures work, whatever else the machine does.
//! * [`recorded`] reads the texts of recordings.
//! * [`inject`] reads the manifests that two crates are tested with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]

pub mod aws;
pub mod cloudwatch_logs;
pub mod event_source_mapping;
pub mod events;
pub mod http;
pub mod inject;
pub mod moto;
pub mod network;
pub mod processor_time;
pub mod recorded;
pub mod runtime_api;

/// The project's folder, in which `tests/fixtures` and `docs` are.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
