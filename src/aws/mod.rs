//! AWS for people: what the operator's commands ask it, through AWS's own SDK.
//!
//! ```text
//!  flags ─▶ account ─────────────▶ clients ──▶ http ──▶ delivery::client (rustls, ring, roots compiled in)
//!           region, credentials       │
//!           from the SDK's chain      └─ what fails ─▶ error: which call, on what, why, what to do
//! ```
//!
//! * [`groups`], [`function`], [`queues`] and [`failed_events`] read what exists, as values; [`subscribe`] changes it; [`health`] judges whether logs
//!   reach Datadog; [`backfill`] sends history; [`sample`] reads a part of it; [`redrive`] handles dead letters.
//! * [`account`] opens an account in a region: the one place that makes the SDK's configuration and its clients.
//! * [`http`] carries the SDK's requests over the HTTP client that the rest of podferry uses.
//! * [`error`] turns each failure into what a person can act on.
//!
//! The function calls AWS through `lambda::aws`, without the SDK: see `docs/decisions/0013-the-sdk-in-the-command-only.md`.

pub(crate) mod account;
pub(crate) mod backfill;
pub(crate) mod concurrently;
pub(crate) mod error;
pub(crate) mod failed_events;
pub(crate) mod function;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod http;
pub(crate) mod queues;
pub(crate) mod redrive;
pub(crate) mod sample;
pub(crate) mod subscribe;

#[cfg(test)]
mod tests;
