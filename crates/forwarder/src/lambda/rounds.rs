//! How long what was not delivered waits from round to round, and after how many rounds it is given up. Numbers only.
//!
//! A round is one time that a message is handed out, or an event comes, and is not delivered. What these numbers come to in an
//! outage of days is computed in `docs/reliability.md`, and by `outage_tests`.

use std::time::Duration;

/// The first wait between two rounds; it doubles with each.
const BASE: Duration = Duration::from_secs(30);

/// No wait of our own choice is longer: after an outage, logs are in Datadog within an hour.
const CAP: Duration = Duration::from_secs(3600);

/// After so many rounds logs go to the dead-letter queue. It is `template.yaml`'s `maxReceiveCount`, so that the function buries a
/// message in the last round that SQS would give it: sent by the function it is a new message, which SQS keeps for 14 days,
/// while one that SQS moves goes on aging. And a message that the function sent again is a new one, too, whose receives SQS counts
/// from one; this counts on.
pub(super) const MAX_ROUNDS: u32 = 50;

/// How long SQS can hold a new message back. Source: Amazon SQS API reference, SendMessage, `DelaySeconds`.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(900);

/// How long a message that was handed out is hidden at most. SQS allows 12 hours from when it was handed out, and refuses more
/// (Amazon SQS API reference, ChangeMessageVisibility); an invocation may have lasted a quarter of an hour by then.
pub(super) const MAX_HIDDEN: Duration = Duration::from_secs(11 * 3600);

/// The longest wait that an intake can ask for. What it means to say with more, it can say again.
pub(super) const MAX_ASKED: Duration = Duration::from_secs(24 * 3600);

/// How long logs wait for another key: as long as SQS can hold a message back.
pub(super) const WAIT_FOR_KEY: Duration = MAX_DELAY;

/// A message that is older, and still not delivered, is sent again as a new one. SQS drops a message by its age, without a trace:
/// after 14 days in the template's queue, and after four in one whose owner has set nothing (Amazon SQS API reference,
/// CreateQueue, `MessageRetentionPeriod`). Two days of rounds do not come near it; hours that the intake asks for do, and
/// a mapping that was off for days.
pub(super) const SEND_AGAIN_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// How long to wait after the round of this number, from 1.
pub(super) fn backoff(round: u32) -> Duration {
    BASE.saturating_mul(1 << round.saturating_sub(1).min(16)).min(CAP)
}

/// How long a message is to be left alone that may not be sent before a time; `None` if it is time. Times are in milliseconds
/// since 1970.
///
/// A time further ahead than podferry writes one is a clock gone wrong, or not podferry's: the message would wait until SQS
/// drops it.
pub(super) fn too_early(not_before_ms: Option<i64>, now_ms: i64) -> Option<Duration> {
    let ahead = u64::try_from(not_before_ms?.saturating_sub(now_ms)).ok().filter(|ahead| *ahead > 0)?;
    Some(Duration::from_millis(ahead)).filter(|ahead| *ahead <= MAX_ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let seconds: Vec<u64> = (1..10).map(|round| backoff(round).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!((backoff(0).as_secs(), backoff(u32::MAX).as_secs()), (30, 3600));
    }

    #[test]
    fn a_message_is_too_early_until_its_time_and_no_time_is_far_ahead() {
        let day = MAX_ASKED.as_millis() as i64;
        for (not_before, expected) in [
            (None, None),
            (Some(999), None),
            (Some(1_000), None),
            (Some(1_001), Some(1)),
            (Some(1_000 + day - 1), Some(day as u64 - 1)),
            (Some(1_000 + day), Some(day as u64)),
            (Some(1_001 + day), None),
            (Some(i64::MAX), None),
            (Some(i64::MIN), None),
        ] {
            assert_eq!(too_early(not_before, 1_000), expected.map(Duration::from_millis), "{not_before:?}");
        }
        assert_eq!(too_early(Some(i64::MAX), i64::MIN), None);
    }
}
