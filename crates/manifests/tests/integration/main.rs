//! What is linted and injected, held against files that people might have, and against the Admission Controller.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends by a panic, says on standard error what it skips, and reads its fixtures"
)]

mod compact;
mod inject;
mod inject_properties;
mod lint;
mod lint_growth;
mod lint_router;
mod simulate_differential;
mod simulate_lint;
mod simulate_properties;
mod simulate_router;
mod simulate_shapes;
mod webhook;
