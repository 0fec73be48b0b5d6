//! The pure part: bytes of an event in, payloads out. No I/O, no clock, no environment variables, no async.
//!
//! ```text
//! event ─▶ decode ─▶ record ─▶ reassemble ─▶ multi_line ─▶ rules ─▶ entry ─▶ batch
//! ```
//!
//! [`process()`] runs the whole line. Data flows from left to right only.

pub mod accepted_times;
pub mod autodiscovery;
pub mod batch;
mod cloudwatch_id;
pub mod compress;
pub mod counted;
mod counts;
mod cri;
mod cut_character;
pub mod decode;
pub mod entry;
mod envelope;
pub mod event;
mod event_error;
mod filter_members;
mod forwarding;
mod generated_name;
pub mod glob;
mod head_time;
mod identities;
pub mod inflate;
mod joined_attributes;
pub mod json;
mod json_escape;
mod json_walk;
pub mod known_annotations;
pub mod known_metadata;
mod lane;
mod lane_reader;
mod lane_text;
mod layout;
mod level_head;
mod limits;
mod line;
mod log_event;
pub mod mark_key;
mod members;
pub mod metadata_records;
mod multi_line;
pub mod partition;
mod pipeline;
mod processed;
pub mod processing;
mod reassemble;
pub mod recent;
pub mod record;
pub mod record_parts;
mod record_reader;
pub mod records;
pub mod restamp;
mod roles;
pub mod rules;
mod runs;
mod salvage;
mod settings;
mod shape;
mod shipping;
pub mod site;
mod status;
mod status_remapper;
pub mod stream;
pub mod tags;
mod template_variables;
mod trust;
mod unread;
mod writer;

pub use counts::LogCounts;
pub use pipeline::{ContentReading, Pipeline, content, explain_content, inflated, process, process_content, settled};
pub use processed::{LogOutcome, Processed};
pub use settings::{DEFAULT_MAX_DECOMPRESSED_BYTES, PipelineSettings};
pub use status::StatusSource;
pub use unread::{RestEvent, RestPart, Unread};
