//! History from CloudWatch Logs to Datadog, through the function's own pipeline.
//!
//! ```text
//!  windows ─▶ reader ──▶ run ─────────▶ ferry ─▶ streams ─▶ pipeline ─▶ delivery ─▶ checkpoint
//!  of time    several    one page       what was   ends that              until all     position
//!             at once    at a time,     sent       may go on              are accepted  of each group
//!                │       in order       before     are held
//!                └─ rate: below the quota, lower when AWS throttles
//! ```
//!
//! * Pure: [`time`], [`windows`], [`rate`], [`position`], [`streams`], [`event`], [`cost`].
//! * [`paced_calls`] has the clock for [`rate`], [`reader`] and [`estimate`] call AWS, [`ferry`] sends, [`checkpoint`] has the file.
//!
//! Pages are sent one after another, and each is in the checkpoint before the next: an interruption can send at most one page twice,
//! with what waited for it. Reading is what takes the time: five pages a second at most, for the whole account.

pub(crate) mod checkpoint;
pub(crate) mod cost;
pub(crate) mod estimate;
pub(crate) mod event;
pub(crate) mod ferry;
pub(crate) mod paced_calls;
pub(crate) mod position;
pub(crate) mod rate;
pub(crate) mod reader;
pub(crate) mod run;
pub(crate) mod streams;
pub(crate) mod time;
pub(crate) mod windows;
