//! podferry ferries the logs of EKS Fargate pods from CloudWatch Logs to Datadog.
//!
//! ```text
//!  Lambda event ─▶ event ─▶ decode ─▶ record ─▶ reassemble ─▶ entry ─▶ batch ─▶ Vec<Payload>
//!                  which    base64,   what      P..F          one       ≤ 5 MB,      │
//!                  envelope gunzip    Fluent    joined        Datadog   ≤ 1000       │
//!                           (capped)  Bit wrote               log       exact        ▼
//!  answer ◀── handler ◀── deliver (concurrent, one deadline) ◀── intake.post (retry, Retry-After)
//!                └─ what was not delivered ─▶ saving ─▶ SQS ─▶ the same function again, later
//! ```
//!
//! * [`pipeline`] is pure: slices in, values out.
//! * [`delivery`] is the edge to Datadog, [`lambda`] the edge to Lambda and AWS.
//! * [`settings`] reads every variable once.
//! * `cli`, `manifests`, `fluent_bit`, `glob`, `lint` and `stand_in` (feature `cli`) are the `podferry` command; the Lambda is built without
//!   them. `aws` (feature `aws`) is what the operator's commands ask of AWS.

#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
pub mod delivery;
#[cfg(feature = "cli")]
pub mod fluent_bit;
#[cfg(feature = "cli")]
pub mod glob;
pub mod lambda;
#[cfg(feature = "cli")]
pub mod lint;
#[cfg(feature = "cli")]
pub mod manifests;
pub mod pipeline;
pub mod settings;
#[cfg(feature = "cli")]
pub mod stand_in;
