//! Finds the event of a log in CloudWatch Logs, by the times that log and id tell, and reads its stream around it.

use jiff::Timestamp;

use super::datadog_log::DatadogLog;
use super::found::{self, FoundEvent, WaitingLog};
use crate::aws::account::Account;
use crate::aws::backfill::event::HistoryEvent;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::reader::{HistoryFilter, HistoryReader};
use crate::aws::backfill::time::shown;
use crate::aws::backfill::windows::Window;
use crate::aws::error::{AwsFailure, SdkCallError};
use crate::aws::groups::LogGroupSelection;
use crate::aws::queues::ForwarderQueue;
use crate::aws::redrive::dead_letter::ReceivedMessage;
use crate::cli::captured::{self, Captured, LiveEvent, Whence, of_live};
use pipeline::PipelineSettings;

/// How far around the time that an id tells: it is the event's own, to the millisecond.
const AROUND_ID_MS: i64 = 1_000;

/// How far around the time of a log: Fluent Bit's own time of an event may differ from the line's.
const AROUND_LOG_MS: i64 = 10 * 60 * 1000;

/// How much of the stream is read before and after the event. A log's lines come within seconds, and records of metadata every 15
/// seconds on average, in bursts (see decision 0017).
const AROUND_EVENT_MS: i64 = 60_000;

/// How many pages are read of one window: a page may be empty, and a group may have thousands of streams.
const MAX_PAGES: usize = 100;

/// How many pages are read around the event.
const MAX_PAGES_AROUND: usize = 8;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where to look.
#[derive(Debug)]
pub(super) struct LiveSearch {
    pub(super) account: Account,
    /// For logs that do not name theirs.
    pub(super) groups: Vec<String>,
    /// From when on, where neither log nor id tell a time. Milliseconds since 1970.
    pub(super) since_ms: Option<i64>,
    pub(super) queue: Option<ForwarderQueue>,
    pub(super) settings: PipelineSettings,
    /// For all that is looked for.
    pub(super) calls: PacedCalls,
}

/// Where a log was found.
#[derive(Debug)]
pub(super) enum Located {
    Event(Box<FoundEvent>),
    /// In a message of this queue.
    Waiting(String, WaitingLog),
    /// The event is in a message of this queue.
    EventWaiting(String, Box<FoundEvent>),
}

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Missing {
    #[error("its log group is not known: give --group")]
    NoGroupKnown,
    #[error("it is not known when it was written: say how far back to look with --since")]
    NoTime,
    #[error(
        "its log group is in account {owner}, and the AWS credentials are for account {account}: choose others with --profile"
    )]
    Elsewhere { owner: String, account: String },
    #[error("log group {0} does not exist any more, or not in this account and region")]
    NoGroup(String),
    #[error("it has expired: log group {group} keeps its events for {days} d, and it is from {time}")]
    Expired { group: String, days: i32, time: String },
    #[error(
        "no event in {groups} has its `id`, or its text and time: it was looked for from {from} to {to}. Look further back with --since, or in another group with --group"
    )]
    NotThere { groups: String, from: String, to: String },
    #[error(
        "log group {group} has too many events from {from} to {to} to read them all: give --log-stream, or a later --since"
    )]
    TooMany { group: String, from: String, to: String },
    #[error("{0}")]
    Call(SdkCallError),
    #[error("none of the files of --events has it")]
    NotInFiles,
    #[error("{0}")]
    Unreadable(String),
}

impl From<SdkCallError> for Missing {
    fn from(error: SdkCallError) -> Missing {
        Missing::Call(error)
    }
}

impl LiveSearch {
    /// Finds the event; in the queue first, if there is one: what waits there may not be in Datadog yet.
    pub(super) async fn find(&self, log: &DatadogLog) -> Result<Located, Missing> {
        if let Some(queue) = &self.queue
            && let Some(located) = self.in_queue(queue, log).await?
        {
            return Ok(located);
        }
        if let Some(owner) = log.owner.as_ref().filter(|owner| **owner != self.account.id) {
            return Err(Missing::Elsewhere { owner: owner.clone(), account: self.account.id.clone() });
        }
        let groups = log.log_group.as_ref().map_or_else(|| self.groups.clone(), |group| vec![group.clone()]);
        if groups.is_empty() {
            return Err(Missing::NoGroupKnown);
        }
        let windows = self.windows(log);
        let (Some(from), Some(to)) =
            (windows.iter().map(|one| one.start).min(), windows.iter().map(|one| one.end).max())
        else {
            return Err(Missing::NoTime);
        };
        for group in &groups {
            for window in &windows {
                if let Some(found) = self.in_group(group, log, *window).await? {
                    return Ok(Located::Event(Box::new(found)));
                }
            }
        }
        for group in &groups {
            self.why_not(group, log).await?;
        }
        Err(Missing::NotThere { groups: groups.join(", "), from: shown(from), to: shown(to) })
    }

    async fn in_queue(&self, queue: &ForwarderQueue, log: &DatadogLog) -> Result<Option<Located>, Missing> {
        let mut located = None;
        let take = |message: &ReceivedMessage| {
            if located.is_none() {
                // A message has a megabyte at most.
                let captured =
                    captured::open(message.body.as_bytes(), &Whence::default(), &self.settings, 0).unwrap_or_default();
                located = self.in_message(&queue.name, &[captured], log);
            }
        };
        queue.each(&self.account, take).await?;
        Ok(located)
    }

    fn in_message(&self, queue: &str, captured: &[Captured], log: &DatadogLog) -> Option<Located> {
        let waiting = log.id.as_deref().and_then(|id| found::in_messages(captured, id));
        let waiting = waiting.map(|waiting| Located::Waiting(queue.to_owned(), waiting));
        waiting.or_else(|| {
            let event = found::in_captures(captured, log, &self.settings)?;
            Some(Located::EventWaiting(queue.to_owned(), Box::new(event)))
        })
    }

    /// Where in time to look, the likeliest first.
    fn windows(&self, log: &DatadogLog) -> Vec<Window> {
        let has_id_time = log.id.as_deref().and_then(super::event_id::time_ms).is_some();
        let mut windows: Vec<Window> = Vec::new();
        for (number, ms) in log.times_ms().enumerate() {
            let most = if number == 0 && has_id_time { AROUND_ID_MS } else { AROUND_LOG_MS };
            windows.push(around(ms, most));
        }
        let now_ms = Timestamp::now().as_millisecond();
        windows.extend(self.since_ms.map(|start| Window { start, end: now_ms }));
        windows
    }

    async fn in_group(&self, group: &str, log: &DatadogLog, window: Window) -> Result<Option<FoundEvent>, Missing> {
        let stream = log.log_stream.as_deref();
        let Some(id) = &log.id else {
            let events = self.read(group, stream, window, MAX_PAGES_AROUND).await?;
            let captured = self.captured(group, events);
            return Ok(found::in_captures(&[captured], log, &self.settings));
        };
        let mut event = None;
        let take = |page: Vec<HistoryEvent>| {
            event = page.into_iter().find(|event| event.id == *id);
            event.is_some()
        };
        let is_whole = self.pages(group, stream, window, MAX_PAGES, take).await?;
        let Some(event) = event else {
            if is_whole {
                return Ok(None);
            }
            return Err(Missing::TooMany { group: group.to_owned(), from: shown(window.start), to: shown(window.end) });
        };
        let near = around(event.timestamp, AROUND_EVENT_MS);
        let mut all = self.read(group, Some(&event.stream), near, MAX_PAGES_AROUND).await?;
        all.retain(|one| one.stream == event.stream);
        if !all.iter().any(|one| one.id == event.id) {
            all = vec![event];
        }
        let captured = self.captured(group, all);
        Ok(captured.contents.iter().find_map(|content| FoundEvent::of_content(content, id)))
    }

    fn captured(&self, group: &str, events: Vec<HistoryEvent>) -> Captured {
        let events = events.into_iter().map(|event| LiveEvent {
            stream: event.stream,
            id: event.id,
            timestamp_ms: event.timestamp,
            message: event.message,
        });
        of_live(&self.account.id, group, events.collect())
    }

    /// Hands over the pages of a window until `take` has enough. Whether that was all, or enough.
    async fn pages(
        &self,
        group: &str,
        stream: Option<&str>,
        window: Window,
        most: usize,
        mut take: impl FnMut(Vec<HistoryEvent>) -> bool,
    ) -> Result<bool, Missing> {
        let filter = HistoryFilter { stream_prefix: stream.map(str::to_owned), filter_pattern: None };
        let reader = HistoryReader::new(self.account.clone(), filter, self.calls.clone());
        let mut token = None;
        for _ in 0..most {
            let page = reader.page(group, window, token).await.map_err(|error| match error.failure {
                AwsFailure::NotFound(_) => Missing::NoGroup(group.to_owned()),
                _ => Missing::Call(error),
            })?;
            token = page.token;
            if take(page.events) || token.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The events of a window, as far as the pages go.
    async fn read(
        &self,
        group: &str,
        stream: Option<&str>,
        window: Window,
        most: usize,
    ) -> Result<Vec<HistoryEvent>, Missing> {
        let mut events = Vec::new();
        let take = |page| {
            events.extend(page);
            false
        };
        self.pages(group, stream, window, most, take).await?;
        Ok(events)
    }

    /// Why a group has no such event, as far as the group tells it.
    async fn why_not(&self, group: &str, log: &DatadogLog) -> Result<(), Missing> {
        let selection = LogGroupSelection { names: vec![group.to_owned()], ..LogGroupSelection::default() };
        // Who may not ask that is not told it: the event is not there in any case.
        let Ok(found) = selection.find(&self.account).await else { return Ok(()) };
        let Some(found) = found.groups.first() else { return Err(Missing::NoGroup(group.to_owned())) };
        let (Some(days), Some(time)) = (found.retention_days, log.times_ms().next()) else { return Ok(()) };
        let age = Timestamp::now().as_millisecond().saturating_sub(time);
        match age > i64::from(days) * DAY_MS {
            true => Err(Missing::Expired { group: group.to_owned(), days, time: shown(time) }),
            false => Ok(()),
        }
    }
}

/// The time from so many milliseconds before a moment to as many behind it, within what CloudWatch Logs takes. A log may say any time.
fn around(ms: i64, most: i64) -> Window {
    Window { start: ms.saturating_sub(most).max(0), end: ms.saturating_add(most).max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_has_a_time_around_it() {
        let bounds = |ms: i64| {
            let window = around(ms, 10);
            (window.start, window.end)
        };
        assert_eq!(bounds(100), (90, 110));
        assert_eq!(bounds(5), (0, 15));
        assert_eq!(bounds(-100), (0, 0));
        assert_eq!(bounds(i64::MIN), (0, 0));
        assert_eq!(bounds(i64::MAX), (i64::MAX - 10, i64::MAX));
    }
}
