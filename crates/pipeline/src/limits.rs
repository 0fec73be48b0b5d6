//! The limits of Datadog's intake: logs in a request, size of a request, size of a log.

/// How many logs a request may carry. Source: Datadog API reference, "Send logs".
pub const MAX_ITEMS: usize = 1000;

/// How large a request may be before compression. Source: Datadog API reference, "Send logs": 5 MB.
pub const MAX_PAYLOAD_BYTES: usize = 5_000_000;

/// The largest log that the intake accepts without truncating it, in bytes of its JSON.
/// Source: Datadog API reference, "Send logs": maximum size for a single log 1 MB.
pub const INTAKE_ITEM_BYTES: usize = 1_000_000;

/// The largest log that is written: it leaves room for what a log with another time has in addition.
pub const MAX_ITEM_BYTES: usize = INTAKE_ITEM_BYTES - RESTAMP_BYTES;

/// By how many bytes a log grows at most when it gets another time, be it first early and then, in the queue, late:
/// `,"original_timestamp":` and 20 digits, `,early:true,late:true`, and a longer time.
pub const RESTAMP_BYTES: usize = 96;

/// The limits of a payload.
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
