//! What the pure part makes of events, by its public surface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by a panic, and says on standard error what it skips"
)]
#![allow(clippy::disallowed_methods, reason = "the wall is around the crate; its tests read files")]

mod events;
mod identity;
mod late;
mod patterns;
mod scrub;
mod shapes;
mod traces;
