//! The edge to Datadog: payloads out, and exactly which of them were accepted.
//!
//! `client` builds the HTTP client, `intake` makes one request and says what its answer means, `retry` is the policy,
//! `schedule` says which payload is sent when and what its answers mean for it, `blame` who is to blame for a 403, `deliver` sends
//! as they say, `tally` counts what that took. `key` is the API key as the delivery
//! needs it, `reason` says why a payload was not delivered. `undelivered` is the form in which a payload waits in the queue, `waiting` that of
//! an event which is not read yet.

pub(crate) mod blame;
pub mod client;
pub mod deliver;
pub mod intake;
pub mod key;
pub mod reason;
pub mod retry;
pub(crate) mod schedule;
#[cfg(test)]
pub(crate) mod simulated;
pub(crate) mod tally;
pub mod undelivered;
pub mod waiting;
