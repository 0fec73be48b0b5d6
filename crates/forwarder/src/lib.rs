//! The Lambda: settings, delivery to Datadog, and the edge to Lambda and AWS. What becomes of an event is decided in the crate
//! `pipeline`; here is what needs a clock, a network and variables.
//!
//! ```text
//!  settings ─▶ lambda::runtime ─▶ lambda::handler ─▶ pipeline ─▶ delivery ─▶ Datadog
//!                                      └─ what was not delivered ─▶ lambda::saving ─▶ SQS ─▶ the same function again, later
//! ```
//!
//! * [`settings`] reads every variable once.
//! * [`delivery`] is the edge to Datadog, [`lambda`] the edge to Lambda and AWS.
//!
//! The `podferry` command uses this crate, too: what it sends (`demo`, `backfill`) goes the same way.

pub mod delivery;
pub mod lambda;
pub mod settings;
