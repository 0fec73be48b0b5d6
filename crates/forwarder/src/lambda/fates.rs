//! What is to become of each thing that was not delivered: it goes to a queue, or its record stays where it came from. This
//! decides, from what is known and without doing anything; `saving` carries it out.
//!
//! * A record that goes round in SQS stays whole in its queue, hidden for longer each time, as long as nothing of it was
//!   accepted or has to go to a queue. If something has to, the rest of it goes there too: whatever is handed out again would be
//!   sent, or buried, again. Other records of the same payload are none the worse: the payload is taken apart.
//! * An event that waits for the metadata of its pod stays in its queue as long as it may wait; else it goes there.
//! * Everything else that may go through later goes to the queue of undelivered logs; so does what waits for another key, and
//!   that counts as no round.
//! * What was refused for good, what came back too often and what cannot be read goes to the dead-letter queue. Without one
//!   it is treated as if it might go through later: it stays, or goes round, hidden for longer each time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::reading::UnreadRecord;
use super::rounds::{MAX_ASKED, MAX_DELAY, MAX_HIDDEN, MAX_ROUNDS, SEND_AGAIN_AFTER, WAIT_FOR_KEY, backoff};
use super::unknown::WaitingEvent;
use super::work::{Poison, Postponed, Receipt, Trigger};
use crate::delivery::reason::{Outlook, Undelivered};
use crate::delivery::undelivered::SaveNote;
use pipeline::RestEvent;
use pipeline::batch::Payload;

/// What an invocation leaves.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    pub(super) undelivered: Vec<Undelivered>,
    /// The records that accepted logs came from.
    pub(super) accepted: BTreeSet<u32>,
    pub(super) poison: Vec<Poison>,
    /// Records that were not read to their ends in time, and those that could not be fetched.
    pub(super) unread: Vec<UnreadRecord>,
    /// Events that wait for the metadata of their pods, or have waited long enough.
    pub(super) waiting: Vec<WaitingEvent>,
    pub(super) unfetched: BTreeSet<u32>,
    pub(super) postponed: Vec<Postponed>,
}

/// What decides on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) trigger: &'a Trigger,
    /// Whether there is a queue for what may go through later, and one for what never will.
    pub(super) has_queue: bool,
    pub(super) has_dead_letter_queue: bool,
    /// Milliseconds since 1970.
    pub(super) now_ms: i64,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Fates {
    pub(super) outgoing: Vec<Outgoing>,
    /// Records that stay, and for how long they are to be left alone.
    pub(super) staying: BTreeMap<u32, Duration>,
    /// Logs of theirs that were to be delivered.
    pub(super) left: usize,
    /// Logs, and events that cannot be read, that came back as often as they may, and that no dead-letter queue takes.
    pub(super) beyond: usize,
}

/// What is to be sent to a queue: a payload, which may take several messages, or an event.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) is_dead: bool,
    pub(super) delay: Duration,
    pub(super) content: OutgoingContent,
    /// The records that it came from.
    pub(super) records: BTreeSet<u32>,
    pub(super) logs: usize,
}

#[derive(Debug)]
pub(super) enum OutgoingContent {
    Payload(Payload, SaveNote),
    Event(Poison),
    /// A part of what was not read of a record.
    Rest(String),
    /// An event that waits, or has waited: so many events of a log stream.
    Waiting {
        body: String,
        events: usize,
    },
}

/// Where the logs of a record go that a payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Destination {
    Stays,
    Queue,
    DeadLetters,
}

impl Leftovers {
    pub(super) fn are_none(&self) -> bool {
        let Leftovers { undelivered, accepted: _, poison, unread, waiting, unfetched, postponed } = self;
        undelivered.is_empty()
            && poison.is_empty()
            && unread.is_empty()
            && waiting.is_empty()
            && unfetched.is_empty()
            && postponed.is_empty()
    }
}

impl Circumstances<'_> {
    pub(super) fn decide(&self, leftovers: Leftovers) -> Fates {
        let moving = self.moving(&leftovers);
        let mut fates = Fates::default();
        for one in &leftovers.undelivered {
            self.payload(one, &moving, &mut fates);
        }
        for (poison, records) in together(leftovers.poison) {
            self.event(poison, records, &moving, &mut fates);
        }
        for UnreadRecord { record, rest, .. } in leftovers.unread {
            match rest.filter(|_| self.has_queue) {
                Some(rest) => fates.outgoing.extend(rest.into_iter().map(|event| rest_of(record, event))),
                None => fates.stay(record, backoff(self.receives(record))),
            }
        }
        self.waiting(leftovers.waiting, &mut fates);
        for record in leftovers.unfetched {
            fates.stay(record, backoff(self.receives(record)));
        }
        for Postponed { record, wait, logs } in leftovers.postponed {
            fates.stay(record, wait.min(MAX_HIDDEN));
            fates.left += logs;
        }
        fates
    }

    /// The records that cannot stay in their queue as they are.
    fn moving(&self, leftovers: &Leftovers) -> BTreeSet<u32> {
        let mut moving = leftovers.accepted.clone();
        for one in &leftovers.undelivered {
            moving.extend(one.payload.records().filter(|record| self.has_to_move(one, *record)));
        }
        moving.extend(leftovers.unread.iter().filter(|one| self.has_queue && one.rest.is_some()).map(|one| one.record));
        moving.extend(WaitingEvent::moving(&leftovers.waiting));
        moving.extend(leftovers.poison.iter().filter(|poison| self.is_buried(poison)).map(|poison| poison.record));
        moving
    }

    fn has_to_move(&self, one: &Undelivered, record: u32) -> bool {
        if self.has_dead_letter_queue && self.is_hopeless(one, record) {
            return true;
        }
        let is_asked_for_long = asked(one) > MAX_HIDDEN;
        let waits_for_key = one.reason.outlook() == Outlook::WithAnotherKey;
        self.has_queue && (waits_for_key || is_asked_for_long || self.is_old(record))
    }

    /// Whether the logs of this record have had all the rounds that they may have.
    fn is_hopeless(&self, one: &Undelivered, record: u32) -> bool {
        match one.reason.outlook() {
            Outlook::Never => true,
            Outlook::Later => self.rounds(one, record) >= MAX_ROUNDS,
            Outlook::WithAnotherKey => false,
        }
    }

    /// Whether SQS may drop the record if it stays any longer.
    fn is_old(&self, record: u32) -> bool {
        let sent_ms = self.receipt(record).and_then(|receipt| receipt.sent_ms);
        let age = sent_ms.and_then(|sent| u64::try_from(self.now_ms.saturating_sub(sent)).ok());
        age.is_some_and(|age| Duration::from_millis(age) >= SEND_AGAIN_AFTER)
    }

    fn is_buried(&self, poison: &Poison) -> bool {
        self.has_dead_letter_queue && poison.fits_a_message()
    }

    /// How many rounds the logs of a record have had, this one included. Those of a message of ours know of all; of an event
    /// nothing is known but how often it was handed out.
    fn rounds(&self, one: &Undelivered, record: u32) -> u32 {
        one.payload.attempts.saturating_add(1).max(self.receives(record))
    }

    /// How often a record was handed out, this time included.
    fn receives(&self, record: u32) -> u32 {
        self.receipt(record).map_or(1, |receipt| receipt.receive_count)
    }

    fn receipt(&self, record: u32) -> Option<&Receipt> {
        match self.trigger {
            Trigger::Sqs(receipts) => receipts.get(record as usize),
            _ => None,
        }
    }

    fn destination(&self, one: &Undelivered, record: u32, moving: &BTreeSet<u32>) -> Destination {
        // Whoever else hands records out gives them again at once, or a stream waits for them: nothing stays there by choice.
        if self.receipt(record).is_some() && !moving.contains(&record) {
            Destination::Stays
        } else if self.has_dead_letter_queue && self.is_hopeless(one, record) {
            Destination::DeadLetters
        } else if self.has_queue {
            Destination::Queue
        } else {
            Destination::Stays
        }
    }

    fn payload(&self, one: &Undelivered, moving: &BTreeSet<u32>, fates: &mut Fates) {
        let records: BTreeSet<u32> = one.payload.records().collect();
        let destinations: BTreeMap<u32, Destination> =
            records.iter().map(|record| (*record, self.destination(one, *record, moving))).collect();
        for destination in BTreeSet::from_iter(destinations.values().copied()) {
            let goes_there = |record: u32| destinations.get(&record) == Some(&destination);
            for payload in one.payload.only(|log| goes_there(log.record)) {
                let records: BTreeSet<u32> = records.iter().copied().filter(|record| goes_there(*record)).collect();
                self.part(one, payload, records, destination, fates);
            }
        }
    }

    /// Decides on logs that all go to the same place.
    fn part(
        &self,
        one: &Undelivered,
        payload: Payload,
        records: BTreeSet<u32>,
        destination: Destination,
        fates: &mut Fates,
    ) {
        let logs = payload.items();
        let rounds = records.iter().map(|record| self.rounds(one, *record)).max().unwrap_or(1);
        let waits_for_key = one.reason.outlook() == Outlook::WithAnotherKey;
        let is_dead = destination == Destination::DeadLetters;
        if !is_dead && !waits_for_key && rounds >= MAX_ROUNDS {
            fates.beyond += logs;
        }
        let wait = |round| asked(one).max(if waits_for_key { WAIT_FOR_KEY } else { backoff(round) });
        if destination == Destination::Stays {
            records.iter().for_each(|record| fates.stay(*record, wait(self.rounds(one, *record)).min(MAX_HIDDEN)));
            fates.left += logs;
            return;
        }
        let not_before = Some(asked(one)).filter(|asked| !is_dead && *asked > MAX_DELAY);
        let note = SaveNote {
            reason: one.reason.name(),
            attempts: if waits_for_key { rounds - 1 } else { rounds },
            saved_ms: Some(self.now_ms),
            not_before_ms: not_before.map(|wait| self.now_ms.saturating_add(milliseconds(wait))),
            dead: is_dead,
        };
        let delay = if is_dead { Duration::ZERO } else { wait(rounds) };
        fates.outgoing.push(Outgoing {
            is_dead,
            delay,
            content: OutgoingContent::Payload(payload, note),
            records,
            logs,
        });
    }

    /// Decides on an event that cannot be read, and on the records that it came in.
    fn event(&self, poison: Poison, records: BTreeSet<u32>, moving: &BTreeSet<u32>, fates: &mut Fates) {
        let is_dead = self.is_buried(&poison);
        let receives = records.iter().map(|record| self.receives(*record)).max().unwrap_or(1);
        if !is_dead && receives >= MAX_ROUNDS {
            fates.beyond += 1;
        }
        // A note of an object leads to all that the object holds, which would go round with it.
        let goes_round = self.has_queue && poison.fits_a_message() && !poison.is_note;
        let stays = |record: u32| self.receipt(record).is_some() && !moving.contains(&record) && !self.is_old(record);
        let (staying, going): (BTreeSet<u32>, BTreeSet<u32>) =
            records.into_iter().partition(|record| !is_dead && (!goes_round || stays(*record)));
        for record in staying {
            fates.stay(record, backoff(self.receives(record)));
        }
        if !going.is_empty() {
            let delay = if is_dead { Duration::ZERO } else { backoff(receives) };
            let content = OutgoingContent::Event(poison);
            fates.outgoing.push(Outgoing { is_dead, delay, content, records: going, logs: 0 });
        }
    }
}

/// What is the same event counts once, whatever it came in: of an object there is one note, and a stream may hold a record twice.
fn together(all: Vec<Poison>) -> impl Iterator<Item = (Poison, BTreeSet<u32>)> {
    let mut together: BTreeMap<(String, &str), (Poison, BTreeSet<u32>)> = BTreeMap::new();
    for mut poison in all {
        let name = (std::mem::take(&mut poison.body), poison.error.error_type());
        let record = poison.record;
        together.entry(name).or_insert((poison, BTreeSet::new())).1.insert(record);
    }
    together.into_iter().map(|((body, _), (poison, records))| (Poison { body, ..poison }, records))
}

impl Circumstances<'_> {
    /// Decides on events that are not read, as the metadata of their pods is not known. The same event counts once here, too.
    fn waiting(&self, all: Vec<WaitingEvent>, fates: &mut Fates) {
        let mut together: BTreeMap<String, Outgoing> = BTreeMap::new();
        for WaitingEvent { record, wait, messages, .. } in all {
            let Some(messages) = messages else {
                fates.stay(record, wait.unwrap_or_else(|| backoff(self.receives(record))));
                continue;
            };
            for RestEvent { body, events } in messages {
                let outgoing = together.entry(body).or_insert_with_key(|body| Outgoing {
                    is_dead: wait.is_none(),
                    delay: wait.unwrap_or_default(),
                    content: OutgoingContent::Waiting { body: body.clone(), events },
                    records: BTreeSet::new(),
                    logs: 0,
                });
                outgoing.records.insert(record);
            }
        }
        fates.outgoing.extend(together.into_values());
    }
}

impl Fates {
    fn stay(&mut self, record: u32, wait: Duration) {
        let longest = self.staying.entry(record).or_default();
        *longest = wait.max(*longest);
    }
}

/// The rest of a record can be read at once: nothing is wrong with it.
fn rest_of(record: u32, event: RestEvent) -> Outgoing {
    let records = BTreeSet::from([record]);
    Outgoing { is_dead: false, delay: Duration::ZERO, content: OutgoingContent::Rest(event.body), records, logs: 0 }
}

/// How long the intake asked to be left alone.
fn asked(one: &Undelivered) -> Duration {
    one.not_before.unwrap_or_default().min(MAX_ASKED)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
