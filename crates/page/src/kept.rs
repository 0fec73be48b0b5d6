//! The logs that the page has, the newest so many: bounded, however long it runs and whatever comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::watch;

use super::shown::ShownLog;

/// How many logs are kept, here and in the browser: as many as its filters go through between two frames.
pub const KEPT_LOGS: usize = 10_000;

/// How many bytes of logs are kept, with their records. Ten thousand usual ones take 40 MB.
const KEPT_BYTES: usize = 96 * 1024 * 1024;

/// How many bytes of logs go to a browser in one message, at least one log.
const MESSAGE_BYTES: usize = 256 * 1024;

/// The newest logs, and who waits for more.
pub(crate) struct Kept {
    most_logs: usize,
    most_bytes: usize,
    title: String,
    empty: String,
    logs: Mutex<Logs>,
    /// The number of the next log.
    next: watch::Sender<u64>,
    /// Whether anybody has waited for logs.
    is_opened: watch::Sender<bool>,
}

#[derive(Default)]
struct Logs {
    /// The number of the first that is kept: so many were dropped.
    first: u64,
    kept: VecDeque<KeptLog>,
    bytes: usize,
}

struct KeptLog {
    listed: String,
    whole: Arc<str>,
}

impl KeptLog {
    fn bytes(&self) -> usize {
        self.listed.len() + self.whole.len()
    }
}

/// Some logs in their order, as a message for the list.
pub(crate) struct Message {
    /// JSON without a line break.
    pub(crate) json: String,
    /// The number of the log after them.
    pub(crate) next: u64,
}

impl Kept {
    pub(crate) fn new(title: &str, empty: &str) -> Kept {
        Kept {
            most_logs: KEPT_LOGS,
            most_bytes: KEPT_BYTES,
            title: title.to_owned(),
            empty: empty.to_owned(),
            logs: Mutex::default(),
            next: watch::Sender::new(0),
            is_opened: watch::Sender::new(false),
        }
    }

    /// One that keeps fewer logs.
    #[cfg(test)]
    pub(crate) fn of_most(most_logs: usize) -> Kept {
        Kept { most_logs, ..Kept::new("", "") }
    }

    /// What is shown, as JSON.
    pub(crate) fn about(&self) -> String {
        json!({ "title": self.title, "empty": self.empty, "most": self.most_logs }).to_string()
    }

    pub(crate) fn add(&self, log: &ShownLog) {
        let mut logs = self.logs();
        let number = logs.next();
        let kept = KeptLog { listed: log.listed(number), whole: log.whole().into() };
        logs.bytes += kept.bytes();
        logs.kept.push_back(kept);
        while logs.kept.len() > self.most_logs || (logs.bytes > self.most_bytes && logs.kept.len() > 1) {
            let dropped = logs.kept.pop_front();
            logs.bytes -= dropped.map_or(0, |log| log.bytes());
            logs.first += 1;
        }
        self.next.send_replace(number + 1);
    }

    /// To be told of further logs.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.is_opened.send_replace(true);
        self.next.subscribe()
    }

    /// Returns when somebody waits for logs, or has.
    pub(crate) async fn opened(&self) {
        // It cannot end otherwise: the sender is kept here.
        let _ = self.is_opened.subscribe().wait_for(|is_opened| *is_opened).await;
    }

    /// The logs from this number on, as many as one message takes, and the first that is kept. None where there are none.
    pub(crate) fn since(&self, number: u64) -> Option<Message> {
        let logs = self.logs();
        // Who asks for what never was has seen another page.
        let from = if number > logs.next() { logs.first } else { number.max(logs.first) };
        let mut json = format!("{{\"first\":{},\"logs\":[", logs.first);
        let start = json.len();
        let mut next = from;
        let place = usize::try_from(from - logs.first).unwrap_or(usize::MAX);
        for log in logs.kept.iter().skip(place) {
            if next > from {
                if json.len() + log.listed.len() > start + MESSAGE_BYTES {
                    break;
                }
                json.push(',');
            }
            json.push_str(&log.listed);
            next += 1;
        }
        json.push_str("]}");
        (next > from).then_some(Message { json, next })
    }

    /// All of one log, as JSON; `None` where it is not kept any more.
    pub(crate) fn whole(&self, number: u64) -> Option<Arc<str>> {
        let logs = self.logs();
        let place = usize::try_from(number.checked_sub(logs.first)?).ok()?;
        logs.kept.get(place).map(|log| log.whole.clone())
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logs {
    fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn numbers(message: &Message) -> Vec<u64> {
        let parsed: Value = serde_json::from_str(&message.json).unwrap();
        parsed["logs"].as_array().unwrap().iter().map(|log| log["number"].as_u64().unwrap()).collect()
    }

    /// All that a browser gets that has seen the logs before `number`.
    fn all_since(kept: &Kept, mut number: u64) -> Vec<u64> {
        let mut all = Vec::new();
        while let Some(message) = kept.since(number) {
            assert!(!message.json.contains('\n'));
            all.extend(numbers(&message));
            number = message.next;
        }
        all
    }

    #[test]
    fn the_newest_are_kept_and_each_is_told_once() {
        for (added, first) in [(9, 0), (10, 0), (11, 1)] {
            let kept = Kept::of_most(10);
            (0..added).for_each(|_| kept.add(&ShownLog::default()));
            assert_eq!(all_since(&kept, 0), (first..added).collect::<Vec<_>>());
            assert!(kept.whole(first).is_some() && kept.whole(added).is_none());
            assert!(first == 0 || kept.whole(first - 1).is_none());
            assert_eq!(all_since(&kept, added - 1), [added - 1]);
            assert!(all_since(&kept, added).is_empty());
            // A browser that knows a page which ran longer on the same port.
            assert_eq!(all_since(&kept, u64::MAX).len(), 10.min(added as usize));
        }
    }

    #[test]
    fn large_logs_are_kept_up_to_their_bytes_and_one_always() {
        let log = ShownLog { message: "x".repeat(1000), ..ShownLog::default() };
        let kept = Kept::new("", "");
        kept.add(&log);
        let of_one = kept.logs().bytes;
        for (most_bytes, number) in [(1, 1), (3 * of_one - 1, 2), (3 * of_one, 3), (3 * of_one + 1, 3)] {
            let kept = Kept { most_bytes, ..Kept::new("", "") };
            (0..9).for_each(|_| kept.add(&log));
            let logs = kept.logs();
            assert_eq!((logs.kept.len(), logs.next()), (number, 9), "{most_bytes}");
            assert_eq!(logs.kept.iter().map(KeptLog::bytes).sum::<usize>(), logs.bytes);
        }
    }

    #[test]
    fn a_message_ends_before_it_is_too_long() {
        let kept = Kept::new("", "");
        let log = ShownLog { message: "x".repeat(8000), ..ShownLog::default() };
        (0..100).for_each(|_| kept.add(&log));
        let message = kept.since(0).unwrap();
        assert!(message.next > 10 && message.next < 100 && message.json.len() < MESSAGE_BYTES + 100);
        assert_eq!(all_since(&kept, 0).len(), 100);
    }
}
