//! How long the records of an event may be read, so that none of them takes the time of the others, and what becomes of one that
//! was not read to its end.
//!
//! Each record gets an equal part of the time that is left. One that takes longer stops between two of its logs: what is read is
//! delivered, and the rest goes to the queue as an event of its own, or the record stays where it came from. At least one log of an
//! invocation gets done, so that nothing goes round for ever.

use std::cell::{Cell, OnceCell};
use std::fmt;

use tokio::time::Instant;

use super::deadlines::next_of;
use crate::delivery::undelivered::{MAX_MESSAGE_BYTES, MESSAGE_BYTES};
use crate::delivery::waiting::{self, WaitNote};
use pipeline::event::EventError;
use pipeline::metadata_records::WantedMetadata;
use pipeline::{ContentReading, Pipeline, PipelineSettings, RestEvent, Unread};

/// Gives the next record its share of the time: it is told how many records are left, this one included. What it returns says
/// whether the share is used up.
pub type Shares<'t> = dyn Fn(usize) -> Box<dyn Fn() -> bool> + 't;

/// Shares of the time before the deadline of the delivery.
pub(crate) fn shares_before(deadline: Instant) -> impl Fn(usize) -> Box<dyn Fn() -> bool> {
    let period = Cell::new(Instant::now());
    move |left| {
        let (end, over) = share(period.get(), deadline, Instant::now(), left);
        period.set(end);
        Box::new(move || Instant::now() >= over)
    }
}

/// When the time for reading ends, and when that of the next record, if until now it was to end at `end`. Reading has half of the
/// time; the other half is for delivering. Where a log took longer than all that, the records that follow share half of what is
/// left: it is not their fault.
fn share(end: Instant, deadline: Instant, now: Instant, left: usize) -> (Instant, Instant) {
    let to_deadline = deadline.saturating_duration_since(now);
    let is_over = end.saturating_duration_since(now) < to_deadline / SCANT;
    let end = if is_over { now + to_deadline / 2 } else { end };
    (end, next_of(left, end, now))
}

/// What is less than this part of the time until the deadline is nothing to share.
const SCANT: u32 = 64;

/// As much time as it takes.
pub(crate) fn unlimited(_left: usize) -> Box<dyn Fn() -> bool> {
    Box::new(|| false)
}

/// What the reading of an event depends on, beside the event.
#[derive(Clone, Copy)]
pub struct ReadingTerms<'a> {
    /// The forwarder's own ARN.
    pub function_arn: &'a str,
    pub settings: &'a PipelineSettings,
    /// The time of sending, in milliseconds since 1970.
    pub now_ms: i64,
    pub shares: &'a Shares<'a>,
    /// Whether there is a queue that the rest of a record can wait in.
    pub has_queue: bool,
    /// Whether events of whose pods' metadata nothing is known are set aside, or read as they are.
    pub sets_unknown_aside: bool,
}

impl fmt::Debug for ReadingTerms<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("ReadingTerms").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

/// A record that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRecord {
    pub record: u32,
    /// How many events of log streams were not read.
    pub events: usize,
    /// The rest, as events for the queue. `None`: it has to stay where it came from.
    pub rest: Option<Vec<RestEvent>>,
}

/// An event that was not read: so many events of a log stream, for which this is to be known first.
pub(super) struct NotKnown {
    pub(super) wanted: WantedMetadata,
    pub(super) events: usize,
}

/// Where the rest of a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestGoes {
    /// There is no queue: the record stays where it came from.
    Nowhere,
    /// The same for a record of which nothing is done.
    ToQueueIfBegun,
    ToQueue,
}

/// The reading of one record.
pub(super) struct RecordReading<'t> {
    shares: &'t Shares<'t>,
    /// How many records have no share yet, this one included.
    left: usize,
    /// Whether its share is used up. It begins with the first question that may end in a stop: what has to be read before that, in a
    /// direct event the logs that are known from the last time, takes nothing of it.
    is_over: OnceCell<Box<dyn Fn() -> bool>>,
    /// Whether something is done already: of this record, or of another one of the invocation.
    has_progress: bool,
    /// Whether something of this record is done.
    pub(super) is_begun: bool,
    /// How the event that is being read has waited for metadata, if it has: its rest does not wait once more.
    pub(super) waited: Option<WaitNote>,
    /// How many events of log streams were not read so far.
    pub(super) events: usize,
    rest: Option<Vec<RestEvent>>,
}

impl<'t> RecordReading<'t> {
    pub(super) fn new(shares: &'t Shares<'t>, left: usize, has_progress: bool) -> RecordReading<'t> {
        let is_over = OnceCell::new();
        RecordReading {
            shares,
            left,
            is_over,
            has_progress,
            is_begun: false,
            waited: None,
            events: 0,
            rest: Some(Vec::new()),
        }
    }

    /// Reads the content of an event of this record, as far as there is time. With `only_known`, nothing of one of whose pod's metadata
    /// nothing is known.
    ///
    /// # Errors
    /// As for [`Pipeline::add`].
    pub(super) fn read(
        &mut self,
        pipeline: &mut Pipeline,
        record: u32,
        content: &str,
        rest: RestGoes,
        only_known: bool,
    ) -> Result<Option<NotKnown>, EventError> {
        let is_over = || self.is_over.get_or_init(|| (self.shares)(self.left))();
        let should_stop = |done: usize| (done > 0 || self.has_progress) && is_over();
        let unread = match only_known {
            false => pipeline.add_until(record, content, &should_stop)?,
            true => match pipeline.add_known(record, content, &should_stop)? {
                ContentReading::Whole => None,
                ContentReading::Stopped(unread) => Some(unread),
                ContentReading::Unknown { wanted, events } => return Ok(Some(NotKnown { wanted, events })),
            },
        };
        self.has_progress = true;
        self.is_begun |= unread.as_ref().is_none_or(|unread| unread.done() > 0);
        if let Some(unread) = unread {
            self.keep(&unread, rest);
        }
        Ok(None)
    }

    fn keep(&mut self, unread: &Unread, rest: RestGoes) {
        self.events += unread.count();
        let is_to_queue = match rest {
            RestGoes::Nowhere => false,
            RestGoes::ToQueueIfBegun => self.is_begun,
            RestGoes::ToQueue => true,
        };
        let more = match self.waited.filter(|_| is_to_queue) {
            Some(note) => unread.rest_as(&|part| waiting::message(part, note), MESSAGE_BYTES, MAX_MESSAGE_BYTES),
            None if is_to_queue => unread.rest(MESSAGE_BYTES, MAX_MESSAGE_BYTES),
            None => None,
        };
        self.rest = self.rest.take().zip(more).map(|(mut rest, more)| {
            rest.extend(more);
            rest
        });
    }

    /// What is left of the record, if anything is.
    pub(super) fn unread(self, record: u32) -> Option<UnreadRecord> {
        let RecordReading { events, rest, .. } = self;
        (events > 0).then_some(UnreadRecord { record, events, rest })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_record_gets_an_equal_part_of_what_is_left() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let deadline = at(20_000);
        // Ten seconds for four records, each of which takes what it gets.
        let mut end = start;
        for (number, left) in (0..).zip([4, 3, 2, 1]) {
            let (next, over) = share(end, deadline, at(number * 2_500), left);
            assert_eq!((next, over), (at(10_000), at((number + 1) * 2_500)));
            end = next;
        }
        // One that takes less leaves more to the others.
        assert_eq!(share(at(10_000), deadline, at(1_000), 2), (at(10_000), at(5_500)));
        // More records than there are nanoseconds.
        assert_eq!(share(at(10_000), deadline, at(1_000), usize::MAX).1, at(1_000) + Duration::from_nanos(2));
        assert_eq!(share(at(10_000), deadline, at(1_000), 0).1, at(10_000));
    }

    #[test]
    fn a_log_that_takes_all_of_the_time_does_not_take_that_of_the_others() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let deadline = at(20_000);
        for (now, end) in [(9_800, 10_000), (9_900, 14_950), (10_000, 15_000), (12_000, 16_000)] {
            let expected = (at(end), at(now + (end - now) / 10));
            assert_eq!(share(at(10_000), deadline, at(now), 10), expected, "{now}");
        }
        // There is nothing left to share.
        for now in [20_000, 21_000] {
            assert_eq!(share(at(10_000), deadline, at(now), 10).1, at(now));
        }
    }

    #[test]
    fn the_deadline_of_the_delivery_is_what_counts() {
        let is_over = shares_before(Instant::now() + Duration::from_secs(3_600));
        assert!(!is_over(1)() && !is_over(1_000)());
        assert!(shares_before(Instant::now())(1)());
        assert!(!unlimited(1)());
    }
}
