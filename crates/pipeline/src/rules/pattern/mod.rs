//! Regular expressions as two products write them, on Rust's `regex` crate: it matches in linear time, whatever a pod's
//! author writes.
//!
//! [`translate`] turns Go's or Python's syntax into Rust's, [`replacement`] reads what is put in place of a match.
//! `crates/pipeline/tests/integration/patterns.rs` compares both with what real Go and real Python said.

mod class;
mod compiled;
mod cursor;
mod dialect;
mod error;
mod replacement;
mod translate;

pub use compiled::Pattern;
pub use dialect::Dialect;
pub use error::{MAX_PATTERN_BYTES, PatternError};
pub use replacement::Replacement;
