//! Logs that are too old for Datadog: it answers 202 and drops them.
//!
//! Such a log is sent with the time of sending, with its true time in `original_timestamp` and with the tag `late:true`. `entry`
//! writes late logs this way; `restamp` rewrites those that became late in the queue of undelivered logs.
//!
//! Source: Datadog API reference, "Send logs": logs with a timestamp of up to 18 hours in the past are taken.

use super::tags::tag_set::MAX_TAGS;

pub use super::limits::LATE_BYTES;

/// How old a log may be when it is sent, in milliseconds: 18 hours, less the quarter of an hour that an invocation can last
/// (AWS, "Lambda quotas"): what is younger when it begins is young enough whenever it is sent.
pub const LATE_AFTER_MS: i64 = (18 * 60 - 15) * 60 * 1000;

const TAG: &str = "late:true";

/// Whether a log with this timestamp is too old to be sent at `now_ms`.
pub fn is_late(timestamp: Option<i64>, now_ms: i64) -> bool {
    timestamp.is_some_and(|time| time < now_ms.saturating_sub(LATE_AFTER_MS))
}

/// The value of `timestamp` for a late log, followed by the member with its true time, which keeps its spelling.
pub(crate) fn timestamps(now_ms: i64, original: &str) -> String {
    format!("{now_ms},\"original_timestamp\":{original}")
}

/// Adds the tag to the inside of `ddtags`; removes another where a log would have too many.
pub(crate) fn tagged(ddtags: &str) -> String {
    let mut tags: Vec<&str> = ddtags.split(',').collect();
    tags.retain(|tag| !tag.is_empty() && *tag != TAG);
    if tags.len() >= MAX_TAGS {
        // The log's own marks come last, and matter more than the last of the pod's labels.
        let is_mark = |tag: &&str| matches!(*tag, "partial:true" | "truncated:true");
        let at = tags.iter().rposition(|tag| !is_mark(tag)).unwrap_or_default();
        tags.remove(at);
    }
    tags.push(TAG);
    tags.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_exact() {
        let now_ms = 1_795_379_888_236;
        let edge = now_ms - LATE_AFTER_MS;
        assert_eq!([edge + 1, edge, edge - 1].map(|time| is_late(Some(time), now_ms)), [false, false, true]);
        assert!(!is_late(None, now_ms) && !is_late(Some(i64::MIN), i64::MIN) && is_late(Some(i64::MIN), i64::MAX));
    }

    #[test]
    fn no_log_bears_more_tags_than_it_may() {
        for count in [98, 99, 100] {
            let mut tags: Vec<String> = (0..count - 1).map(|number| format!("n:{number}")).collect();
            tags.push("truncated:true".to_owned());
            let all = tagged(&tags.join(","));
            let all: Vec<&str> = all.split(',').collect();
            assert_eq!(all.len(), (count + 1).min(MAX_TAGS));
            assert_eq!(all[all.len() - 2..], ["truncated:true", TAG]);
        }
        assert_eq!(tagged(""), "late:true");
    }
}
