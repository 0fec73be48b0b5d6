//! How far a group was read, so that a later run continues there: nothing left out, nothing sent twice.
//!
//! It does not depend on a token of CloudWatch, which becomes invalid. `FilterLogEvents` gives events in the order of their times
//! (Amazon CloudWatch Logs API reference), so a time says how far, and the ids of the events of that very time say the rest. What
//! was read and waits for its end (see [`super::streams`]) is named by its ids, and is read again.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::event::HistoryEvent;

/// How far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupPosition {
    /// All events before this time were read; milliseconds since 1970.
    through_ms: i64,
    /// And those of this time with these ids.
    read: Vec<String>,
    /// What was read and not sent.
    held: Vec<HeldEvent>,
    /// Nothing is left.
    pub(crate) done: bool,
    /// What an earlier run held, and this one has not read again yet.
    #[serde(skip)]
    awaited: Vec<HeldEvent>,
    /// Events came out of order: how far within a window cannot be said.
    #[serde(skip)]
    unordered: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HeldEvent {
    time_ms: i64,
    id: String,
}

impl GroupPosition {
    /// Nothing was read yet.
    #[must_use]
    pub(crate) fn beginning(from_ms: i64) -> GroupPosition {
        GroupPosition { through_ms: from_ms, ..GroupPosition::default() }
    }

    /// From when to read again.
    #[must_use]
    pub(crate) fn restart_ms(&self) -> i64 {
        self.held.iter().map(|held| held.time_ms).chain([self.through_ms]).min().unwrap_or(self.through_ms)
    }

    /// How far, for people.
    #[must_use]
    pub(crate) fn through_ms(&self) -> i64 {
        self.through_ms
    }

    /// Continues where an earlier run stopped: which events to leave out when they are read again.
    pub(crate) fn resume(&mut self) -> SentEvents {
        self.awaited = self.held.clone();
        SentEvents {
            through_ms: self.through_ms,
            read: self.read.iter().cloned().collect(),
            held: self.held.iter().map(|held| held.id.clone()).collect(),
        }
    }

    /// A page was read, and all of it was sent but what is `held` now.
    pub(crate) fn advance<'e>(&mut self, page: &[(i64, String)], held: impl Iterator<Item = &'e HistoryEvent>) {
        let ids: HashSet<&str> = page.iter().map(|(_, id)| id.as_str()).collect();
        let awaited: HashSet<String> = self.awaited.iter().map(|held| held.id.clone()).collect();
        self.awaited.retain(|held| !ids.contains(held.id.as_str()));
        self.held = held.map(|event| HeldEvent { time_ms: event.timestamp, id: event.id.clone() }).collect();
        self.held.extend(self.awaited.iter().cloned());
        self.unordered |= page.iter().any(|(time, id)| *time < self.through_ms && !awaited.contains(id));
        if self.unordered {
            return;
        }
        let Some(newest) = page.iter().map(|(time, _)| *time).max() else { return };
        if newest > self.through_ms {
            self.through_ms = newest;
            self.read.clear();
        }
        let of_then = page.iter().filter(|(time, id)| *time == self.through_ms && !awaited.contains(id));
        self.read.extend(of_then.map(|(_, id)| id.clone()));
    }

    /// All events up to `end_ms`, that time included, were read.
    pub(crate) fn finish_window(&mut self, end_ms: i64) {
        if self.through_ms <= end_ms {
            self.through_ms = end_ms + 1;
            self.read.clear();
        }
        // What CloudWatch has deleted meanwhile does not come again.
        self.awaited.retain(|held| held.time_ms > end_ms);
        self.unordered = false;
    }
}

/// What an earlier run sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentEvents {
    through_ms: i64,
    read: HashSet<String>,
    held: HashSet<String>,
}

impl SentEvents {
    /// Whether an event was sent before.
    #[must_use]
    pub(crate) fn was_sent(&self, event: &HistoryEvent) -> bool {
        let was_read =
            event.timestamp < self.through_ms || event.timestamp == self.through_ms && self.read.contains(&event.id);
        was_read && !self.held.contains(&event.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(number: usize, timestamp: i64) -> HistoryEvent {
        HistoryEvent { id: number.to_string(), stream: "s".to_owned(), timestamp, message: String::new() }
    }

    fn keys(events: &[HistoryEvent]) -> Vec<(i64, String)> {
        events.iter().map(|event| (event.timestamp, event.id.clone())).collect()
    }

    #[test]
    fn many_events_of_one_time() {
        let events: Vec<HistoryEvent> = (0..6).map(|number| event(number, 7)).collect();
        let mut position = GroupPosition::beginning(0);
        position.advance(&keys(&events[..2]), std::iter::empty());
        position.advance(&keys(&events[2..4]), std::iter::empty());
        let known = position.resume();
        let left: Vec<&str> =
            events.iter().filter(|event| !known.was_sent(event)).map(|event| event.id.as_str()).collect();
        assert_eq!((left, position.restart_ms()), (vec!["4", "5"], 7));
    }

    #[test]
    fn a_window_without_events_counts_as_read() {
        let mut position = GroupPosition::beginning(5);
        position.finish_window(99);
        assert_eq!(position.restart_ms(), 100);
    }

    #[test]
    fn out_of_order_nothing_is_passed_over() {
        let mut position = GroupPosition::beginning(0);
        position.advance(&keys(&[event(0, 50)]), std::iter::empty());
        position.advance(&keys(&[event(1, 20)]), std::iter::empty());
        position.advance(&keys(&[event(2, 90)]), std::iter::empty());
        // What comes between 20 and 50 may still be to come, up to the end of the window.
        assert_eq!(position.restart_ms(), 50);
        position.finish_window(99);
        assert_eq!(position.restart_ms(), 100);
    }

    proptest! {
        /// Wherever a run is interrupted, the next one sends exactly what is left.
        #[test]
        fn nothing_is_lost_and_nothing_comes_twice(
            times in prop::collection::vec(0..30_i64, 1..60),
            pages in prop::collection::vec((1..7_usize, 0..4_usize), 1..60),
            restarts in prop::collection::vec(any::<bool>(), 60),
        ) {
            let mut times = times;
            times.sort_unstable();
            let all: Vec<HistoryEvent> = times.into_iter().enumerate().map(|(number, time)| event(number, time)).collect();
            let mut sent = Vec::new();
            let mut position = GroupPosition::beginning(0);
            let mut held: Vec<HistoryEvent> = Vec::new();
            let (mut pages, mut restarts) = (pages.into_iter().cycle(), restarts.into_iter());
            let mut known = position.resume();
            let mut from = 0;
            loop {
                let (length, hold) = pages.next().unwrap();
                // Of what the query gives, the next page.
                let page: Vec<HistoryEvent> = all[from..].iter().take(length).cloned().collect();
                if page.is_empty() {
                    break;
                }
                from += page.len();
                let fresh: Vec<HistoryEvent> = page.into_iter().filter(|event| !known.was_sent(event)).collect();
                held.extend(fresh.iter().cloned());
                let keep = held.len().saturating_sub(hold);
                sent.extend(held.drain(..keep).map(|event| event.id));
                position.advance(&keys(&fresh), held.iter());
                if restarts.next() == Some(true) {
                    let saved = serde_json::to_string(&position).unwrap();
                    position = serde_json::from_str(&saved).unwrap();
                    known = position.resume();
                    held.clear();
                    from = all.iter().position(|event| event.timestamp >= position.restart_ms()).unwrap_or(all.len());
                }
            }
            sent.extend(held.into_iter().map(|event| event.id));
            let ids: Vec<String> = all.into_iter().map(|event| event.id).collect();
            let mut sorted = sent.clone();
            sorted.sort_by_key(|id| id.parse::<usize>().unwrap());
            prop_assert_eq!(sorted, ids);
        }
    }
}
