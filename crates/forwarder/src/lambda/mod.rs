//! The edge to Lambda: invocations in, answers out, and the API key from wherever it is kept.

pub mod answer;
pub mod api_key;
pub(crate) mod asking;
pub mod aws;
pub(crate) mod call_rate;
pub(crate) mod deadlines;
pub(crate) mod fates;
pub mod firehose;
#[cfg(test)]
mod fleet_tests;
pub mod handler;
#[cfg(test)]
mod herd_tests;
pub mod invocation;
mod log_reader;
pub(crate) mod lookup_policy;
pub(crate) mod metadata_lookup;
#[cfg(test)]
mod metadata_lookup_failures_tests;
#[cfg(test)]
mod metadata_lookup_scene;
#[cfg(test)]
mod metadata_lookup_tests;
pub mod metrics;
pub(crate) mod outage;
#[cfg(test)]
mod outage_tests;
pub(crate) mod own_log;
pub mod queue;
pub mod reading;
pub(crate) mod rounds;
pub mod runtime;
pub(crate) mod saving;
pub(crate) mod shortfall;
#[cfg(test)]
mod simulation;
pub(crate) mod summary;
pub(crate) mod unknown;
pub(crate) mod waits;
pub mod work;
