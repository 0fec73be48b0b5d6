//! What EKS Fargate's Fluent Bit makes of log lines under a ConfigMap, worked out without one.
//!
//! A line goes as it does in the router: read from a file, through the filters that match its tag, to the outputs
//! ([`simulation::Simulation`]). Two versions are modelled ([`core::Core`]). What the model does not know it says ([`unknown::Unknown`]); it
//! never guesses.
//!
//! What each part does was taken from Fluent Bit's sources and from recordings of what real ones did.

mod accessor;
mod boolean;
pub mod config_map;
pub mod core;
mod filters;
pub mod invented;
mod json;
pub mod lines;
pub mod not_started;
mod numbers;
mod onigmo;
pub mod outputs;
mod parsers;
pub mod pods;
mod print;
pub mod record;
pub mod router;
mod sent;
pub mod simulation;
pub mod starting;
mod tag;
mod unescape;
pub mod unknown;
mod value;

pub use parsers::time;
