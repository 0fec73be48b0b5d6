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
    /// What a message with it is to say of its wait, this round included.
    pub(crate) fn note(&self, dead: bool) -> WaitNote {
        let Waited { since_ms, rounds } = self.waited;
        WaitNote { since_ms, rounds: rounds.saturating_add(1), dead }
    }

    fn messages(&self, dead: bool, settings: &PipelineSettings) -> Option<Vec<RestEvent>> {
        let note = self.note(dead);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn event(is_message: bool, rounds: u32) -> UnknownEvent {
        UnknownEvent {
            record: 3,
            wanted: WantedMetadata::default(),
            events: 2,
            data: "H4s=".to_owned(),
            waited: Waited { since_ms: 1_000, rounds },
            is_message,
        }
    }

    fn policy(wait: u64, then: WhenUnknown, has_queue: bool) -> UnknownPolicy {
        UnknownPolicy { settings: MetadataSettings { wait: Duration::from_secs(wait), then }, has_queue, now_ms: 1_000 }
    }

    #[test]
    fn what_becomes_of_an_event_that_is_still_unknown() {
        use WhenUnknown::{Keep, Ship};
        let settings = PipelineSettings::default();
        // Seconds to wait (none: it is kept), and in how many messages it goes to a queue. Nothing: it is sent.
        for (policy, one, expected) in [
            (policy(600, Ship, true), event(false, 0), Some((Some(15), Some(1)))),
            (policy(600, Ship, true), event(true, 1), Some((Some(30), None))),
            (policy(600, Ship, true), event(true, 6), None),
            (policy(600, Ship, true), event(false, 6), None),
            (policy(600, Keep, true), event(true, 1), Some((Some(30), None))),
            (policy(600, Keep, true), event(true, 6), Some((None, Some(1)))),
            (policy(0, Ship, true), event(false, 0), None),
            (policy(0, Keep, true), event(false, 0), Some((None, Some(1)))),
            (policy(600, Ship, false), event(false, 0), None),
            (policy(600, Ship, false), event(true, 0), None),
        ] {
            let waiting = policy.decide(&one, &settings);
            let decided = waiting.map(|one| (one.wait.map(|wait| wait.as_secs()), one.messages.map(|all| all.len())));
            assert_eq!(decided, expected, "{policy:?} {one:?}");
        }
        // What is too large for one message and cannot be taken apart is sent; what is to be kept stays where it is.
        let large = UnknownEvent { data: "x".repeat(MESSAGE_BYTES), ..event(false, 0) };
        assert_eq!(policy(600, Ship, true).decide(&large, &settings), None);
        let kept = policy(600, Keep, true).decide(&large, &settings).unwrap();
        assert_eq!((kept.wait, kept.messages), (Some(Duration::from_secs(15)), None));
    }

    #[test]
    fn a_message_has_its_limit_to_the_byte() {
        let settings = PipelineSettings::default();
        let length = |bytes: usize| {
            let one = UnknownEvent { data: "x".repeat(bytes), ..event(false, 0) };
            one.messages(false, &settings).map(|all| all[0].body.len())
        };
        let frame = length(0).unwrap();
        for (more, expected) in [(0, Some(MESSAGE_BYTES - 1)), (1, Some(MESSAGE_BYTES)), (2, None)] {
            assert_eq!(length(MESSAGE_BYTES - 1 - frame + more), expected);
        }
    }

    /// Half of it is sent, and the other half must not wait all over again.
    #[test]
    fn the_rest_of_one_that_has_waited_goes_on_from_there() {
        use super::super::reading::ReadingTerms;
        use super::super::work::Work;
        use pipeline::known_metadata::KnownMetadata;
        let settings =
            PipelineSettings { metadata_records: Some(KnownMetadata::default()), ..PipelineSettings::default() };
        let line = |text: &str| format!(r#"{{"stream":"stdout","logtag":"F","log":"{text}"}}"#);
        let messages: Vec<serde_json::Value> = (0..5)
            .map(|number| {
                let message = line(&format!("{number} {}", "x".repeat(3_000)));
                serde_json::json!({ "id": number.to_string(), "timestamp": 5, "message": message })
            })
            .collect();
        let stream = format!("kube.var.log.containers.db-0_shop_app-{}.log", "a".repeat(64));
        let content = serde_json::json!({ "owner": "1", "logGroup": "g", "logStream": stream, "logEvents": messages });
        let content = content.to_string();
        let parts = Unread::whole(&content).unwrap();
        let note = WaitNote { since_ms: 0, rounds: 7, dead: false };
        let message = parts.rest_as(&|part| waiting::message(part, note), MESSAGE_BYTES, 0).unwrap().remove(0).body;
        let shares = |_| Box::new(|| true) as Box<dyn Fn() -> bool>;
        let terms = ReadingTerms {
            function_arn: "",
            settings: &settings,
            now_ms: 1_000,
            shares: &shares,
            has_queue: true,
            sets_unknown_aside: true,
        };
        let mut work = Work::read_within(message.as_bytes(), terms).unwrap();
        assert_eq!((work.unknown.len(), work.processed.counts.events), (1, 0));
        work.read_unknown(&policy(600, WhenUnknown::Ship, true), terms);
        assert_eq!((work.untold, work.waiting.len(), work.processed.counts.logs), (1, 0, 1));
        let rest = work.unread[0].rest.clone().unwrap();
        let (head, _) = waiting::read(&rest[0].body).unwrap();
        assert_eq!((head.events, head.since_ms, head.rounds), (4, 0, 8));
    }

    #[test]
    fn all_are_counted_once() {
        let note = |record, events, is_to_wait, is_message| WaitingNote { record, events, is_to_wait, is_message };
        let all = [
            note(0, 1, true, false),
            note(1, 10, true, false),
            note(2, 100, true, true),
            note(3, 1_000, false, true),
            note(4, 10_000, false, false),
        ];
        let counts = WaitingNote::count(&all, &BTreeSet::from([1, 2, 4]));
        assert_eq!(counts, WaitingCounts { queued: 101, kept: 1_000, left: 10_010 });
    }
}
