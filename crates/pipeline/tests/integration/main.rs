//! What the pure part makes of events, by its public surface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends by a panic, says on standard error what it skips, and reads fixtures"
)]

mod accepted_times;
mod budget;
mod escapes;
mod events;
mod field;
mod growth;
mod identity;
mod joined_attributes;
mod joining;
mod lane;
mod metadata_records;
mod outcomes;
mod patterns;
mod programs;
mod scrub;
mod shapes;
mod stream_names;
mod traces;
mod unread;
