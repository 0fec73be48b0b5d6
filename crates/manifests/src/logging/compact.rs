//! The preset `compact`: a pod's lines go without metadata, and a few times a minute its metadata goes in a record of its own, into the same log
//! stream.
//!
//! `rewrite_tag` copies each line under a second tag, `throttle` lets a few copies through, only these meet the Kubernetes filter, and then all but
//! the metadata is taken off. The function reads such records with `PODFERRY_METADATA_RECORDS` (`pipeline::metadata_records`, decision 0017).
//!
//! What it costs: let a line be `l` bytes without metadata, and the metadata `m`. CloudWatch Logs bills the bytes of an event and 26 more. With the
//! preset standard a line is `l + m + 25`, since both share their braces. Here it is `l + 26`, and a record of metadata `m + 26`, of which there are
//! no more than lines. So this is never dearer than standard by more than 27 bytes a line, whatever the rates. With `c` copies and `n` lines a minute
//! the share of standard's bytes is `(l + 26 + (m + 26) × min(c, n) / n) / (l + m + 25)`. For lines of 288 bytes and metadata of 838 that is 1.02 at
//! four lines a minute or less, 0.57 at ten, and 0.32 at sixty, with four copies a minute. With five it is 0.65 at ten lines: four it is. Fewer
//! copies cost less, but a function that has not seen a pod yet waits longer for its tags, or looks them up.
//! `tests/integration/compact.rs` counts with records of a real Fluent Bit.

use std::ops::RangeInclusive;

use crate::fluent_bit::Section;

/// What stands before a copy's tag.
pub(super) const TAG_PREFIX: &str = "m.";
/// The copies' tags.
pub(super) const COPIES: &str = "m.*";

/// Seconds from one record of metadata to the next, on average: no more than the time for which Fluent Bit keeps the metadata, or changes of it would
/// come later than in other presets.
pub(super) const INTERVALS: RangeInclusive<u64> = 1..=300;
/// Four a minute: the top of this file has the reason.
const DEFAULT_INTERVAL: u64 = 15;

/// Copies each line that the parser read: one that it did not has no `stream`.
pub(super) fn copy(lines: &str) -> Section {
    Section::filter("rewrite_tag", lines).with("Rule", &format!("$stream ^std {TAG_PREFIX}$TAG true"))
}

/// Lets one copy an interval through, in bursts of two: a `Rate` of 1 with a `Window` of 2 are the least that Fluent Bit takes as they are written
/// (`fluent_bit::throttle`). One burst has copies of one container mostly, so a small one is best.
pub(super) fn throttle(interval: Option<u64>) -> Section {
    let interval = interval.unwrap_or(DEFAULT_INTERVAL);
    Section::filter("throttle", COPIES).with("Rate", "1").with("Window", "2").with("Interval", &format!("{interval}s"))
}

/// The Kubernetes filter, told how a copy's tag begins.
pub(super) fn prefixed(kubernetes: Section) -> Section {
    kubernetes.with("Kube_Tag_Prefix", &format!("{TAG_PREFIX}kube.var.log.containers."))
}

/// Leaves the metadata and nothing else. A copy that got none, as when the Kubernetes API does not answer, is dropped: nothing would be left of it
/// that anybody could read.
pub(super) fn metadata_only() -> [Section; 2] {
    [
        Section::filter("grep", COPIES).with("Regex", "$kubernetes['pod_name'] ."),
        Section::filter("modify", COPIES).with("Remove", "log").with("Remove", "stream").with("Remove", "logtag"),
    ]
}
