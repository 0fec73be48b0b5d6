//! Which times of logs Datadog takes, and what a log with another time has instead: it answers 202 and drops such a log.
//!
//! Such a log is sent with a time that is taken, with its own time in `original_timestamp` and with the tag `late:true` or
//! `early:true`. `entry` writes logs this way; `restamp` rewrites those that became late in the queue of undelivered logs.
//!
//! Source: Datadog API reference, "Send logs", and "Log Date Remapper": up to 18 hours in the past and 2 hours in the future.

use super::tags::RULE_ERROR_TAG;
use super::tags::tag_set::MAX_TAGS;

pub use super::limits::RESTAMP_BYTES;

/// How old a log may be when it is sent, in milliseconds: 18 hours, less the quarter of an hour that an invocation can last
/// (AWS, "Lambda quotas"): what is younger when it begins is young enough whenever it is sent.
pub const LATE_AFTER_MS: i64 = (18 * 60 - 15) * 60 * 1000;

/// How far ahead of the time of sending a log may be, in milliseconds: 2 hours, less 5 minutes by which the sandbox's clock may be
/// fast. AWS takes no signed request from a clock that is further off (AWS, "Signature Version 4"). Neither a long invocation nor
/// the queue takes a log further ahead.
pub const EARLY_AFTER_MS: i64 = (2 * 60 - 5) * 60 * 1000;

/// Why Datadog would not take a log's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    /// It is too old.
    Late,
    /// It lies too far in the future: the clock, or the time zone, of whoever wrote it is wrong.
    Early,
}

/// Tells whether, and why, a log with this timestamp cannot be sent with it at `now_ms`.
pub fn out_of_range(timestamp: Option<i64>, now_ms: i64) -> Option<OutOfRange> {
    match timestamp? {
        time if time < now_ms.saturating_sub(LATE_AFTER_MS) => Some(OutOfRange::Late),
        time if time > now_ms.saturating_add(EARLY_AFTER_MS) => Some(OutOfRange::Early),
        _ => None,
    }
}

/// Another time for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewTime {
    pub(crate) why: OutOfRange,
    /// Milliseconds since 1970.
    pub(crate) time_ms: i64,
}

impl NewTime {
    /// The time to send a log with, if its own is not taken at `now_ms`: the time of its event, which CloudWatch checked and which
    /// keeps the order of logs, or else the time of sending.
    pub(crate) fn of(timestamp: Option<i64>, event_ms: Option<i64>, now_ms: i64) -> Option<NewTime> {
        let why = out_of_range(timestamp, now_ms)?;
        let event_ms = event_ms.filter(|time| out_of_range(Some(*time), now_ms).is_none());
        Some(NewTime { why, time_ms: event_ms.unwrap_or(now_ms) })
    }

    /// The value of `timestamp`, followed by the member with the log's own time, which keeps its spelling.
    pub(crate) fn timestamps(self, original: &str) -> String {
        format!("{},\"original_timestamp\":{original}", self.time_ms)
    }

    /// Adds the tag to the inside of `ddtags`; removes another where a log would have too many.
    pub(crate) fn tagged(self, ddtags: &str) -> String {
        let own = self.why.tag();
        // As nearly all are: nothing to remove.
        let has_gap = ddtags.is_empty() || ddtags.starts_with(',') || ddtags.ends_with(',') || ddtags.contains(",,");
        let has_room = memchr::memchr_iter(b',', ddtags.as_bytes()).count() + 1 < MAX_TAGS;
        if has_room && !has_gap && !ddtags.contains(own) {
            return [ddtags, own].join(",");
        }
        let mut tags: Vec<&str> = ddtags.split(',').collect();
        tags.retain(|tag| !tag.is_empty() && *tag != own);
        if tags.len() >= MAX_TAGS {
            // The log's own marks come last, and matter more than the last of the pod's labels.
            let is_mark = |tag: &&str| {
                let is_rule_error = tag.split_once(':').is_some_and(|(name, _)| name == RULE_ERROR_TAG);
                is_rule_error || matches!(*tag, "partial:true" | "truncated:true" | LATE_TAG | EARLY_TAG)
            };
            let at = tags.iter().rposition(|tag| !is_mark(tag)).unwrap_or_default();
            tags.remove(at);
        }
        tags.push(own);
        tags.join(",")
    }
}

const LATE_TAG: &str = "late:true";
const EARLY_TAG: &str = "early:true";

impl OutOfRange {
    fn tag(self) -> &'static str {
        match self {
            OutOfRange::Late => LATE_TAG,
            OutOfRange::Early => EARLY_TAG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_379_888_236;

    #[test]
    fn the_edges_are_exact() {
        let all = |times: [i64; 3]| times.map(|time| out_of_range(Some(time), NOW));
        let (late, early) = (NOW - LATE_AFTER_MS, NOW + EARLY_AFTER_MS);
        assert_eq!(all([late + 1, late, late - 1]), [None, None, Some(OutOfRange::Late)]);
        assert_eq!(all([early - 1, early, early + 1]), [None, None, Some(OutOfRange::Early)]);
        assert_eq!(out_of_range(None, NOW), None);
        assert_eq!([i64::MIN, i64::MAX].map(|now| out_of_range(Some(now), now)), [None, None]);
        assert_eq!(out_of_range(Some(i64::MIN), i64::MAX), Some(OutOfRange::Late));
        assert_eq!(out_of_range(Some(i64::MAX), i64::MIN), Some(OutOfRange::Early));
    }

    #[test]
    fn the_events_time_stands_in_where_it_is_taken() {
        let (late, early) = (NOW - LATE_AFTER_MS - 1, NOW + EARLY_AFTER_MS + 1);
        let time = |own, event| NewTime::of(Some(own), event, NOW).map(|new| new.time_ms);
        for own in [late, early] {
            for event in [NOW - 5, late + 1, early - 1] {
                assert_eq!(time(own, Some(event)), Some(event));
            }
            for event in [None, Some(late), Some(early)] {
                assert_eq!(time(own, event), Some(NOW));
            }
        }
        assert_eq!(time(NOW, Some(late)), None);
        assert_eq!(NewTime::of(None, Some(late), NOW), None);
    }

    #[test]
    fn no_log_bears_more_tags_than_it_may() {
        for (why, tag) in [(OutOfRange::Late, "late:true"), (OutOfRange::Early, "early:true")] {
            let new = NewTime { why, time_ms: 0 };
            for count in [98, 99, 100] {
                let mut tags: Vec<String> = (0..count - 2).map(|number| format!("n:{number}")).collect();
                tags.extend(["truncated:true", "late:true"].map(str::to_owned));
                let all = new.tagged(&tags.join(","));
                let all: Vec<&str> = all.split(',').collect();
                assert_eq!(all.len(), (count + usize::from(tag != "late:true")).min(MAX_TAGS));
                assert!(all.contains(&"truncated:true") && all.contains(&"late:true") && all.last() == Some(&tag));
            }
            assert_eq!(new.tagged(""), tag);
        }
    }
}
