//! What logs cost in CloudWatch Logs and behind it, who causes it, and what would cost less. Pure: events and prices in, figures out.
//!
//! ```text
//! event ─▶ pipeline::record_parts ─▶ tally ─▶ findings ─▶ bill, presets, savings
//!                                    │  line: bytes under each preset
//!                                    │  pattern: what lines have in common
//!                                    └─ copies: the metadata records of `compact`
//! ```

pub mod bill;
pub mod copies;
pub mod findings;
mod in_use;
mod kept_lines;
pub mod line;
mod line_sums;
pub mod noise;
pub mod pattern;
pub mod prices;
pub mod savings;
mod shipping;
pub mod tally;
