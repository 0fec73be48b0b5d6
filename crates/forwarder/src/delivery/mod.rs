//! The edge to Datadog: payloads out, and exactly which of them were accepted.
//!
//! `client` builds the HTTP client, `intake` makes one request and says what its answer means, `retry` is the policy,
//! `deliver` brings many payloads through within one deadline, `tally` counts what that took. `key` is the API key as the delivery
//! needs it, `reason` says why a payload was not delivered. `undelivered` is the form in which a payload waits in the queue.

pub mod client;
pub mod deliver;
pub mod intake;
pub mod key;
pub mod reason;
pub mod retry;
pub(crate) mod tally;
pub mod undelivered;
