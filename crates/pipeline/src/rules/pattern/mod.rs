//! Regular expressions as two products write them, on Rust's `regex-automata`, the engine of the crate `regex`: it matches in linear time,
//! whatever a pod's author writes, and here within a budget of work besides.
//!
//! [`translate`] turns Go's or Python's syntax into Rust's, [`replacement`] reads what is put in place of a match, [`mask`] puts it there.
//! `crates/pipeline/tests/integration/patterns.rs` compares both with what real Go and real Python said.

mod class;
mod compiled;
mod counted;
mod cursor;
mod dialect;
mod edges;
mod error;
mod mask;
mod reading;
mod replacement;
mod translate;
mod weight;
mod work;

pub use compiled::Pattern;
pub use dialect::Dialect;
pub use error::{MAX_PATTERN_BYTES, PatternError};
pub(super) use reading::Reading;
pub use replacement::Replacement;
pub use work::{RuleBudget, SearchCaches, Spent, Steps, Work};
