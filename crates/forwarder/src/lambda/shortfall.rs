//! What an invocation could not deliver or read: how much for each reason, in words, and where it is now.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Value, json};

use super::invocation::Delivered;
use super::work::Trigger;
use crate::delivery::reason::Undelivered;
use crate::delivery::waiting::METADATA_UNKNOWN;
use pipeline::counted::counted;
use pipeline::event::EventError;

/// What was not delivered, by reason, and who keeps what is in no queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shortfall {
    reasons: BTreeMap<String, ReasonCount>,
    /// Events of log streams that were not read in time and wait in the queue of undelivered logs.
    unread: usize,
    /// Events of log streams that wait there for the metadata of their pods.
    waiting: usize,
    /// Records of the event that are not done.
    kept: usize,
    keeper: &'static str,
}

/// What one reason cost.
#[derive(Debug, Clone, PartialEq)]
struct ReasonCount {
    /// Logs; or events, where they could not be read.
    count: usize,
    noun: &'static str,
    verb: &'static str,
    words: String,
    advice: &'static str,
}

impl Shortfall {
    /// Counts a payload.
    pub(crate) fn add(&mut self, one: &Undelivered) {
        let (count, words) = (one.payload.items(), one.reason.to_string());
        let advice = one.reason.advice();
        self.count(one.reason.name(), ReasonCount { count, noun: "log", verb: "not delivered", words, advice });
    }

    /// Counts an event, or a record, that cannot be read.
    pub(crate) fn add_unreadable(&mut self, error: EventError) {
        let (words, advice) = (error.to_string(), UNREADABLE);
        let one = ReasonCount { count: 1, noun: "event", verb: "not readable", words, advice };
        self.count(error.error_type().to_owned(), one);
    }

    /// Counts events of a log stream that were not read in time, and whether they wait in the queue of undelivered logs.
    pub(crate) fn add_unread(&mut self, count: usize, is_queued: bool) {
        let (words, advice) = ("reading took more than its share of the time".to_owned(), UNREAD);
        self.count("LogsUnread".to_owned(), ReasonCount { count, noun: "event", verb: "not read", words, advice });
        self.unread += if is_queued { count } else { 0 };
    }

    /// Counts events of log streams of whose pods' metadata nothing is known: how many wait for it in the queue of undelivered logs, and how
    /// many do not.
    pub(crate) fn add_unknown(&mut self, waiting: usize, others: usize) {
        self.waiting += waiting;
        let count = waiting + others;
        if count > 0 {
            let (words, advice) = ("nothing is known of the metadata of their pods".to_owned(), UNKNOWN);
            let one = ReasonCount { count, noun: "event", verb: "not read", words, advice };
            self.count(METADATA_UNKNOWN.to_owned(), one);
        }
    }

    /// Counts events of log streams that are sent though nothing is known of the metadata of their pods.
    pub(crate) fn add_untold(&mut self, count: usize) {
        if count > 0 {
            let (words, advice) = ("tags and masks of their pods are missing".to_owned(), UNKNOWN);
            let one = ReasonCount { count, noun: "event", verb: "sent without metadata", words, advice };
            self.count("MetadataMissing".to_owned(), one);
        }
    }

    fn count(&mut self, name: String, one: ReasonCount) {
        match self.reasons.entry(name) {
            Entry::Occupied(mut counted) => counted.get_mut().count += one.count,
            Entry::Vacant(place) => _ = place.insert(one),
        }
    }

    /// Takes note of how many records of the event are not done.
    pub(crate) fn keep(&mut self, records: usize, trigger: &Trigger) {
        self.kept = records;
        self.keeper = match trigger {
            Trigger::Direct => "Lambda",
            Trigger::Sqs(_) => "their queue",
            Trigger::Kinesis(_) => "their stream",
            Trigger::Firehose(_) => "Firehose",
        };
    }
}

/// What to do about an event that cannot be read.
const UNREADABLE: &str = "`podferry logs decode` shows what is in it";

/// What to do about events that are not read in time.
const UNREAD: &str = "raise the function's memory, which makes it faster, or its timeout";

/// What to do where metadata does not come.
const UNKNOWN: &str = "it comes with a pod's metadata records; if this goes on, check that the ConfigMap of these pods writes them \
                       (`podferry lint`), and that the function may look them up; without such a ConfigMap, set \
                       PODFERRY_METADATA_RECORDS to false";

impl Shortfall {
    /// The names of the reasons, with what each cost.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&str, Value)> {
        self.reasons
            .iter()
            .map(|(name, one)| (name.as_str(), json!({ "reason": name, format!("{}s", one.noun): one.count })))
    }

    /// How much, why, and what to do.
    pub(crate) fn words(&self, name: &str) -> String {
        let Some(ReasonCount { count, noun, verb, words, advice }) = self.reasons.get(name) else {
            return String::new();
        };
        let advice = if advice.is_empty() { String::new() } else { format!("; {advice}") };
        format!("{} {verb}: {words}{advice}", counted(*count, noun))
    }

    /// Where that is what was not delivered, if there is any.
    pub(crate) fn whereabouts(&self, delivered: &Delivered) -> Option<String> {
        let Delivered { queued, dead, .. } = delivered;
        let mut places = Vec::new();
        if *queued > 0 {
            places.push(format!("{} in the queue of undelivered logs", counted(*queued, "log")));
        }
        if self.unread > 0 {
            places.push(format!("{} to be read in the queue of undelivered logs", counted(self.unread, "event")));
        }
        if self.waiting > 0 {
            places.push(format!(
                "{} in the queue of undelivered logs until the metadata of their pods is known",
                counted(self.waiting, "event")
            ));
        }
        if *dead > 0 {
            // Logs, and events that cannot be read.
            places.push(format!("{dead} in the dead-letter queue"));
        }
        if self.kept > 0 {
            places.push(format!("{} left to {}", counted(self.kept, "record"), self.keeper));
        }
        (!places.is_empty()).then(|| places.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::intake::IntakeProblem;
    use crate::delivery::reason::UndeliveredReason;
    use pipeline::batch::{Batcher, Limits, Payload};
    use pipeline::compress::Compression;

    fn payload(logs: usize) -> Payload {
        let mut batcher = Batcher::new(Limits::default(), Compression::None);
        (0..logs).for_each(|_| batcher.add_written(b"{}", 0, None, None));
        batcher.finish().remove(0)
    }

    #[test]
    fn each_reason_is_counted_and_said_in_words_with_what_to_do() {
        let mut shortfall = Shortfall::default();
        for (logs, reason) in [
            (3, UndeliveredReason::KeyRefused(403)),
            (4, UndeliveredReason::KeyRefused(403)),
            (1, UndeliveredReason::GivenUp(IntakeProblem::Status(503))),
        ] {
            shortfall.add(&Undelivered { payload: payload(logs), reason, not_before: None });
        }
        shortfall.add_unreadable(EventError::Base64);
        shortfall.add_unread(70, true);
        shortfall.add_unknown(6, 2);
        shortfall.add_unknown(0, 0);
        shortfall.add_untold(1);
        shortfall.add_untold(0);
        assert_eq!(
            shortfall.whereabouts(&Delivered::default()).unwrap(),
            "70 events to be read in the queue of undelivered logs, 6 events in the queue of undelivered logs until the metadata of their \
             pods is known"
        );
        let words: Vec<String> = shortfall.reasons().map(|(name, _)| shortfall.words(name)).collect();
        assert_eq!(
            words,
            [
                "1 event not readable: the event's data is not valid base64; `podferry logs decode` shows what is in it",
                "7 logs not delivered: the intake answered 403: it rejected the API key, also after the key was fetched again; \
                 check the API key and DD_SITE",
                "1 log not delivered: the intake answered 503, until it was given up; it passes by itself; if it goes on, look at \
                 status.datadoghq.com",
                "70 events not read: reading took more than its share of the time; raise the function's memory, which makes it faster, or \
                 its timeout",
                "1 event sent without metadata: tags and masks of their pods are missing; it comes with a pod's metadata records; if this goes \
                 on, check that the ConfigMap of these pods writes them (`podferry lint`), and that the function may look them up; without \
                 such a ConfigMap, set PODFERRY_METADATA_RECORDS to false",
                "8 events not read: nothing is known of the metadata of their pods; it comes with a pod's metadata records; if this goes \
                 on, check that the ConfigMap of these pods writes them (`podferry lint`), and that the function may look them up; without \
                 such a ConfigMap, set PODFERRY_METADATA_RECORDS to false",
            ]
        );
    }

    #[test]
    fn the_queue_is_named_only_where_logs_are_in_it() {
        let whereabouts = |queued, dead, kept, trigger: &Trigger| {
            let mut shortfall = Shortfall::default();
            shortfall.keep(kept, trigger);
            shortfall.whereabouts(&Delivered { queued, dead, ..Delivered::default() })
        };
        assert_eq!(whereabouts(0, 0, 0, &Trigger::Direct), None);
        assert_eq!(whereabouts(5, 0, 0, &Trigger::Direct).unwrap(), "5 logs in the queue of undelivered logs");
        assert_eq!(whereabouts(0, 2, 0, &Trigger::Direct).unwrap(), "2 in the dead-letter queue");
        assert_eq!(whereabouts(0, 0, 1, &Trigger::Firehose(3)).unwrap(), "1 record left to Firehose");
        assert_eq!(
            whereabouts(1, 1, 2, &Trigger::Kinesis(vec![])).unwrap(),
            "1 log in the queue of undelivered logs, 1 in the dead-letter queue, 2 records left to their stream"
        );
    }
}
