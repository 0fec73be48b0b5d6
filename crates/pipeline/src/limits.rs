//! What the intake takes: how many logs in a request, and how large a request and a log may be.

/// How many logs a request may carry. Source: Datadog API reference, "Send logs".
pub const MAX_ITEMS: usize = 1000;

/// How large a request may be before compression. Source: Datadog API reference, "Send logs": 5 MB.
pub const MAX_PAYLOAD_BYTES: usize = 5_000_000;

/// How large a log may be that the intake takes whole, in bytes of its JSON.
/// Source: Datadog API reference, "Send logs": maximum size for a single log 1 MB.
pub const INTAKE_ITEM_BYTES: usize = 1_000_000;

/// How large one is written: with room for what is added if it becomes late.
pub const MAX_ITEM_BYTES: usize = INTAKE_ITEM_BYTES - LATE_BYTES;

/// How many bytes a log can grow by when it becomes late: `,"original_timestamp":` and 20 digits, `,late:true`, and a longer time.
pub const LATE_BYTES: usize = 80;

/// The limits that a payload keeps.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub(crate) items: usize,
    pub(crate) payload_bytes: usize,
    pub(crate) item_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { items: MAX_ITEMS, payload_bytes: MAX_PAYLOAD_BYTES, item_bytes: MAX_ITEM_BYTES }
    }
}
