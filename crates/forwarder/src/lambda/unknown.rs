//! Events of whose pods' metadata nothing is known: read now, rules of the pod's annotations would be passed over. They are set aside until
//! the others are read and their metadata was looked up. What is still unknown then waits in the queue, or is kept, or goes as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use super::waits::Waited;
use crate::delivery::undelivered::{MAX_MESSAGE_BYTES, MESSAGE_BYTES};
use crate::delivery::waiting::{self, WaitNote};
use crate::settings::{MetadataSettings, WhenUnknown};
use pipeline::metadata_records::WantedMetadata;
use pipeline::{self, PipelineSettings, RestEvent, RestPart, Unread};

/// An event that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    pub(crate) record: u32,
    pub(crate) wanted: WantedMetadata,
    /// How many events of the log stream it has.
    pub(crate) events: usize,
    /// base64 of gzip, as it came: inflated, the events of a batch may take more memory than there is.
    pub(crate) data: String,
    pub(crate) waited: Waited,
    /// Whether it is a message of its own that SQS handed out, so that it can wait where it is.
    pub(crate) is_message: bool,
}

/// An event that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    pub(crate) record: u32,
    /// How many events of the log stream it has.
    pub(crate) events: usize,
    /// How long it waits; `None`: it has waited long enough, and is kept in the dead-letter queue.
    pub(crate) wait: Option<Duration>,
    pub(crate) is_message: bool,
    /// The messages that hold it. `None`: it stays where it came from.
    pub(crate) messages: Option<Vec<RestEvent>>,
}

/// What becomes of events whose metadata cannot be had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnknownPolicy {
    pub(crate) settings: MetadataSettings,
    /// Whether there is a queue to wait in.
    pub(crate) has_queue: bool,
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
}

impl UnknownPolicy {
    /// Whether any event may be left unread.
    pub(crate) fn waits(&self) -> bool {
        self.has_queue && (!self.settings.wait.is_zero() || self.settings.then == WhenUnknown::Keep)
    }

    /// How the event is to wait. `None`: it is to be sent with what is known of it.
    pub(crate) fn decide(&self, event: &UnknownEvent, settings: &PipelineSettings) -> Option<WaitingEvent> {
        let wait = event.waited.next(self.settings.wait, self.now_ms);
        let is_kept = self.settings.then == WhenUnknown::Keep;
        if !self.has_queue || (wait.is_none() && !is_kept) {
            return None;
        }
        let UnknownEvent { record, events, is_message, .. } = *event;
        let stays = is_message && wait.is_some();
        let messages = if stays { None } else { event.messages(wait.is_none(), settings) };
        // What is too large for a message cannot wait.
        (stays || messages.is_some() || is_kept).then_some(WaitingEvent { record, events, wait, is_message, messages })
    }
}

impl UnknownEvent {
    fn messages(&self, dead: bool, settings: &PipelineSettings) -> Option<Vec<RestEvent>> {
        let Waited { since_ms, rounds } = self.waited;
        let note = WaitNote { since_ms, rounds: rounds.saturating_add(1), dead };
        let WantedMetadata { oldest_ms, newest_ms, .. } = self.wanted;
        let whole = RestPart { data: &self.data, events: self.events, first_ms: oldest_ms, last_ms: newest_ms };
        let body = waiting::message(whole, note);
        if body.len() <= MESSAGE_BYTES {
            return Some(vec![RestEvent { body, events: self.events }]);
        }
        let content = pipeline::inflated(&self.data, settings).ok()?;
        Unread::whole(&content).ok()?.rest_as(&|part| waiting::message(part, note), MESSAGE_BYTES, MAX_MESSAGE_BYTES)
    }
}

impl WaitingEvent {
    /// The records of those that have to go to a queue.
    pub(crate) fn moving(all: &[WaitingEvent]) -> BTreeSet<u32> {
        all.iter().filter(|one| one.messages.is_some()).map(|one| one.record).collect()
    }
}

/// An event that is not read, in numbers, for when it is seen what could be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitingNote {
    record: u32,
    events: usize,
    is_to_wait: bool,
    is_message: bool,
}

/// How many events of log streams are not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WaitingCounts {
    /// They wait in the queue.
    pub(crate) queued: usize,
    /// They are dead letters.
    pub(crate) kept: usize,
    /// They come again from where they came.
    pub(crate) left: usize,
}

impl WaitingNote {
    pub(crate) fn of(event: &WaitingEvent) -> WaitingNote {
        let WaitingEvent { record, events, is_message, .. } = *event;
        WaitingNote { record, events, is_to_wait: event.wait.is_some(), is_message }
    }

    /// Counts them all; `failed` are the records of which something is nowhere but where it came from.
    pub(crate) fn count(all: &[WaitingNote], failed: &BTreeSet<u32>) -> WaitingCounts {
        let mut counts = WaitingCounts::default();
        for WaitingNote { record, events, is_to_wait, is_message } in all {
            *match (is_to_wait, failed.contains(record)) {
                (true, false) => &mut counts.queued,
                // It came from the queue.
                (true, true) if *is_message => &mut counts.queued,
                (false, false) => &mut counts.kept,
                _ => &mut counts.left,
            } += events;
        }
        counts
    }
}
