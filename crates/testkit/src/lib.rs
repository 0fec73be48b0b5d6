//! What the tests of several crates share. Nothing here is shipped.
//!
//! * [`events`] makes events of messages, and gives the logs that came of them.
//! * [`moto`] is an AWS account, [`sqs`] queues, a bucket and a secret, [`runtime_api`] Lambda's side of a function.
//! * [`front`] is a bad stretch of network.

pub mod events;
pub mod front;
pub mod moto;
pub mod runtime_api;
pub mod sqs;

/// The project's folder, in which `tests/fixtures` and `docs` are.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
