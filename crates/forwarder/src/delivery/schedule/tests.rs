//! Deliveries played through by a clock that nobody waits for.

use proptest::prelude::*;

use super::*;
use crate::delivery::simulated::{self, Played};
use pipeline::batch::{Batcher, Limits};

const SECOND: Duration = Duration::from_secs(1);
/// The template's 120 s, less the reserves.
const TIME: Duration = Duration::from_secs(108);
const QUEUE: Terms = Terms {
    policy: RetryPolicy {
        base: Duration::from_millis(200),
        cap: Duration::from_secs(8),
        attempt: Duration::from_millis(100),
    },
    workers: 8,
    can_wait: true,
    was_down: false,
};
const NO_QUEUE: Terms = Terms { can_wait: false, ..QUEUE };
const WAS_DOWN: Terms = Terms { was_down: true, ..QUEUE };
const DOWN: IntakeAnswer = IntakeAnswer::Retry { problem: IntakeProblem::Status(503), after: None };

/// A request as the intake of a test sees it.
struct Seen<'a> {
    /// The numbers of its logs; none where it only asks for the key.
    logs: &'a [i64],
    payload: Option<&'a Payload>,
    refused_key: Option<u64>,
    now: Duration,
}

impl Played {
    fn reasons(&self) -> Vec<String> {
        self.report.undelivered.iter().map(|one| one.reason.name()).collect()
    }
}

fn times(payload: &Payload) -> Vec<i64> {
    let plain = payload.plain().unwrap();
    let times = payload.pieces(&plain).map(|piece| {
        let log: serde_json::Value = serde_json::from_slice(piece).unwrap();
        log["timestamp"].as_i64().unwrap()
    });
    times.collect()
}

/// `count` payloads of `logs` logs each, which are numbered through.
fn payloads(count: usize, logs: usize) -> Vec<Payload> {
    let mut number = 0;
    let mut payload = || {
        let mut batcher = Batcher::new(Limits::default(), Compression::Zstd(1));
        for _ in 0..logs {
            let log = format!(r#"{{"message":"x","timestamp":{number}}}"#);
            batcher.add_written(log.as_bytes(), 0, None, Some(number));
            number += 1;
        }
        batcher.finish().remove(0)
    };
    (0..count).map(|_| payload()).collect()
}

/// Plays a delivery in an invocation's time.
fn play(payloads: Vec<Payload>, terms: Terms, mut intake: impl FnMut(&Seen) -> (IntakeAnswer, Duration)) -> Played {
    let intake = |request: &simulated::Request| {
        let logs = request.payload.map(times).unwrap_or_default();
        let (payload, refused_key, now) = (request.payload, request.refused_key, request.now);
        Some(intake(&Seen { logs: &logs, payload, refused_key, now }))
    };
    simulated::play(payloads, terms, TIME, intake, || 0.5)
}

const fn soon(answer: IntakeAnswer) -> (IntakeAnswer, Duration) {
    (answer, Duration::from_millis(20))
}

#[test]
fn where_logs_can_wait_an_outage_costs_fifteen_seconds() {
    let played = play(payloads(1, 1), QUEUE, |_| soon(DOWN));
    assert!(played.took > PATIENCE - 2 * SECOND && played.took <= PATIENCE, "{:?}", played.took);
    assert!((6..=10).contains(&played.requests), "{}", played.requests);
    assert_eq!((played.reasons(), played.report.is_down), (vec!["IntakeAnswered503".to_owned()], Some(true)));
    // Where they cannot, they are tried until the time is up.
    let played = play(payloads(1, 1), NO_QUEUE, |_| soon(DOWN));
    assert!(played.took > TIME - SECOND && played.took <= TIME, "{:?}", played.took);
    // An intake that says nothing gets as long as a request may take, and once more what is left.
    let silent = |_: &Seen| (IntakeAnswer::Accepted, TIME);
    let played = play(payloads(20, 1), QUEUE, silent);
    assert!(played.took <= PATIENCE + Duration::from_millis(200), "{:?}", played.took);
    // Twelve payloads were begun when the first eight had failed.
    assert_eq!(played.requests, 16);
    assert_eq!(played.report.undelivered.len(), 20);
}

#[test]
fn an_intake_that_was_down_is_asked_with_one_payload_after_the_other() {
    for payload_count in [1, 2, 20] {
        let played = play(payloads(payload_count, 1), WAS_DOWN, |_| soon(DOWN));
        assert_eq!((played.requests, played.most_underway), (2, 1));
        assert!(played.took < SECOND, "{:?}", played.took);
        assert_eq!((played.report.undelivered.len(), played.report.is_down), (payload_count, Some(true)));
        let untried = played.reasons().iter().filter(|name| *name == "IntakeDown").count();
        assert_eq!(untried, payload_count.saturating_sub(2));
    }
    let played = play(payloads(20, 1), WAS_DOWN, |_| (IntakeAnswer::Accepted, TIME));
    assert_eq!((played.requests, played.took), (1, ATTEMPT_TIMEOUT));
    // It is well again: all go, and at once.
    let played = play(payloads(20, 1), WAS_DOWN, |_| soon(IntakeAnswer::Accepted));
    assert_eq!((played.requests, played.report.accepted, played.report.is_down), (20, 20, Some(false)));
    assert_eq!((played.took, played.most_underway), (Duration::from_millis(20 * 4), 8));
    // Where logs cannot wait, it does not matter.
    let played = play(payloads(20, 1), Terms { can_wait: false, ..WAS_DOWN }, |_| soon(DOWN));
    assert!(played.took > TIME - SECOND);
}

#[test]
fn the_probe_is_a_payload_that_has_not_failed_before() {
    let mut all = payloads(3, 1);
    all[0].attempts = 4;
    all[1].attempts = 1;
    let mut first = None;
    play(all, WAS_DOWN, |seen| {
        first.get_or_insert(seen.logs[0]);
        soon(DOWN)
    });
    assert_eq!(first, Some(2));
}

#[test]
fn what_fails_holds_up_nothing_else() {
    // The first eight fail each time: as many as may be under way at once.
    let answer = |seen: &Seen| soon(if seen.logs[0] < 8 { DOWN } else { IntakeAnswer::Accepted });
    for terms in [QUEUE, NO_QUEUE] {
        let played = play(payloads(40, 1), terms, answer);
        assert_eq!(played.report.accepted, 32);
        // Five requests one after the other, each of 20 ms.
        assert_eq!(played.last_acceptance, Duration::from_millis(100));
    }
    // Every fourth: the time is that of one payload that fails.
    let answer = |seen: &Seen| soon(if seen.logs[0] % 4 == 0 { DOWN } else { IntakeAnswer::Accepted });
    let played = play(payloads(80, 1), QUEUE, answer);
    assert_eq!((played.report.accepted, played.report.undelivered.len()), (60, 20));
    assert!(played.took <= PATIENCE + SECOND && played.report.is_down == Some(false), "{:?}", played.took);
}

#[test]
fn retries_are_bounded_however_many_payloads_fail() {
    let played = play(payloads(100, 1), QUEUE, |_| soon(DOWN));
    assert!(played.requests <= 100 + 8 + 2 * 15, "{}", played.requests);
    // What fails once passes at the second time, all the same.
    let mut seen_before = BTreeSet::new();
    let played = play(payloads(100, 1), QUEUE, |seen| {
        soon(if seen_before.insert(seen.logs[0]) { DOWN } else { IntakeAnswer::Accepted })
    });
    assert_eq!((played.report.accepted, played.requests), (100, 200));
    assert!(played.took < 5 * SECOND, "{:?}", played.took);
}

#[test]
fn how_long_the_intake_asked_to_wait_is_carried_on() {
    let asks = |seconds| {
        let answer =
            IntakeAnswer::Retry { problem: IntakeProblem::Status(429), after: Some(Duration::from_millis(seconds)) };
        move |_: &Seen| soon(answer)
    };
    let played = play(payloads(1, 1), QUEUE, asks(3_600_000));
    assert_eq!((played.requests, played.report.undelivered[0].not_before), (1, Some(3600 * SECOND)));
    // What does not leave time for an attempt is not waited for, to the millisecond.
    for (wait, requests) in [(14_880, 2), (14_881, 1)] {
        let played = play(payloads(1, 1), QUEUE, asks(wait));
        assert_eq!(played.requests, requests, "{wait}");
    }
    for (wait, requests) in [(107_780, 2), (107_781, 1)] {
        let played = play(payloads(1, 1), NO_QUEUE, asks(wait));
        assert_eq!(played.requests, requests, "{wait}");
    }
    // Those that were not tried wait as long.
    let played = play(payloads(20, 1), WAS_DOWN, asks(600_000));
    assert!(played.report.undelivered.iter().all(|one| one.not_before.is_some()));
}

#[test]
fn after_415_all_is_sent_as_gzip() {
    let is_gzip = |seen: &Seen| matches!(seen.payload.unwrap().compression, Compression::Gzip(_));
    let mut refused = 0;
    let played = play(payloads(40, 10), QUEUE, |seen| {
        refused += usize::from(!is_gzip(seen));
        soon(if is_gzip(seen) { IntakeAnswer::Accepted } else { IntakeAnswer::EncodingRefused })
    });
    // Those that were under way by then.
    assert_eq!((played.report.accepted, refused), (400, 8));
    let played = play(payloads(1, 10), QUEUE, |_| soon(IntakeAnswer::EncodingRefused));
    assert_eq!((played.requests, played.reasons()), (2, vec!["IntakeAnswered415".to_owned()]));
    let gzip: Vec<Payload> = payloads(1, 10).into_iter().map(|one| one.compressed(GZIP)).collect();
    let played = play(gzip, QUEUE, |_| soon(IntakeAnswer::EncodingRefused));
    assert_eq!((played.requests, played.reasons()), (1, vec!["IntakeAnswered415".to_owned()]));
}

#[test]
fn a_log_that_a_firewall_dislikes_waits_alone() {
    let unexpected = |problem| IntakeAnswer::Retry { problem, after: None };
    for (answer, name) in [
        (IntakeAnswer::KeyRefused(403), "PayloadForbidden403"),
        (IntakeAnswer::KeyRefused(401), "PayloadForbidden401"),
        (unexpected(IntakeProblem::Html), "HtmlPage"),
        (unexpected(IntakeProblem::Unexpected(406)), "UnexpectedAnswer406"),
    ] {
        let dislikes = |seen: &Seen| soon(if seen.logs.contains(&1234) { answer } else { IntakeAnswer::Accepted });
        let played = play(payloads(3, 1000), QUEUE, dislikes);
        assert_eq!((played.report.accepted, played.reasons()), (2999, vec![name.to_owned()]));
        assert_eq!(times(&played.report.undelivered[0].payload), [1234]);
        assert!(played.requests < 60, "{}", played.requests);
        assert_eq!((played.report.tally.key_refused, played.report.is_down), (0, Some(false)));
        assert!(played.report.tally.unexpected() > 0);
    }
}

#[test]
fn the_search_for_what_is_disliked_is_bounded() {
    let dislikes = |seen: &Seen| {
        let is_disliked = seen.logs.iter().any(|log| log % 3 == 0);
        soon(if is_disliked { IntakeAnswer::KeyRefused(403) } else { IntakeAnswer::Accepted })
    };
    let played = play(payloads(20, 1000), QUEUE, dislikes);
    assert!(played.requests <= 20 + 8 + 2 * SPLITS as usize + 2, "{}", played.requests);
    assert_eq!(played.report.accepted + played.report.undelivered_logs(), 20_000);
    assert!(played.reasons().iter().all(|name| name == "PayloadForbidden403"));
}

#[test]
fn a_payload_alone_is_told_from_a_key_by_a_request_without_logs() {
    // No other payload shows that the key is right.
    let dislikes =
        |seen: &Seen| soon(if seen.logs.is_empty() { IntakeAnswer::Accepted } else { IntakeAnswer::KeyRefused(403) });
    let played = play(payloads(1, 1), QUEUE, dislikes);
    assert_eq!((played.requests, played.reasons()), (3, vec!["PayloadForbidden403".to_owned()]));
    // An intake that does not know the request without logs has read it, then.
    let answer = |seen: &Seen| {
        soon(if seen.logs.is_empty() { IntakeAnswer::Refused(400) } else { IntakeAnswer::KeyRefused(403) })
    };
    assert_eq!(play(payloads(1, 1), QUEUE, answer).reasons(), ["PayloadForbidden403"]);
    // Where that cannot be found out, the key is to blame, and no round counts.
    let answer = |seen: &Seen| soon(if seen.logs.is_empty() { DOWN } else { IntakeAnswer::KeyRefused(403) });
    assert_eq!(play(payloads(1, 1), QUEUE, answer).reasons(), ["IntakeAnswered403"]);
}

#[test]
fn a_wrong_key_is_found_out_once() {
    let played = play(payloads(100, 1), QUEUE, |_| soon(IntakeAnswer::KeyRefused(403)));
    // Each that was under way with the first key and with the next, and the one that asks.
    assert!(played.requests <= 8 + 8 + 1, "{}", played.requests);
    assert_eq!(played.report.undelivered.len(), 100);
    let is_key = |one: &Undelivered| one.reason == UndeliveredReason::KeyRefused(403);
    assert!(played.report.undelivered.iter().all(is_key));
    assert_eq!(played.report.tally.key_refused, played.requests);
    // One that was rotated is no fault of the payloads.
    let rotated = |seen: &Seen| {
        soon(if seen.refused_key.is_none() && seen.now < Duration::from_millis(20) {
            IntakeAnswer::KeyRefused(403)
        } else {
            IntakeAnswer::Accepted
        })
    };
    assert_eq!(play(payloads(100, 1), QUEUE, rotated).report.accepted, 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn each_log_has_one_end_and_no_more_time_than_there_is(
        answers in prop::collection::vec((0..10_usize, 0..12_000_u64), 1..40),
        count in 1..20_usize,
        logs in 1..9_usize,
        which in 0..3_usize,
    ) {
        let mut next = answers.iter().cycle();
        let retried = |problem| IntakeAnswer::Retry { problem, after: None };
        let mut accepted = Vec::new();
        let played = play(payloads(count, logs), [QUEUE, NO_QUEUE, WAS_DOWN][which], |seen| {
            let (kind, took) = next.next().copied().unwrap();
            let answer = [
                IntakeAnswer::Accepted,
                retried(IntakeProblem::Status(503)),
                retried(IntakeProblem::Timeout),
                retried(IntakeProblem::Html),
                IntakeAnswer::TooLarge,
                IntakeAnswer::EncodingRefused,
                IntakeAnswer::KeyRefused(403),
                IntakeAnswer::Refused(400),
                retried(IntakeProblem::Unexpected(404)),
                IntakeAnswer::Retry { problem: IntakeProblem::Status(429), after: Some(Duration::from_secs(2)) },
            ][kind];
            if answer != IntakeAnswer::Accepted {
                return (answer, Duration::from_millis(took));
            }
            accepted.extend_from_slice(seen.logs);
            // Sooner than any request ends for want of time.
            (answer, Duration::from_millis(took.min(90)))
        });
        let mut ends: Vec<i64> = played.report.undelivered.iter().flat_map(|one| times(&one.payload)).collect();
        prop_assert_eq!(played.report.accepted + ends.len(), count * logs);
        ends.extend(accepted);
        ends.sort_unstable();
        ends.dedup();
        prop_assert_eq!(ends.len(), count * logs);
        prop_assert!(played.took <= TIME, "{:?}", played.took);
    }
}
