//! What becomes of each leftover, by where it came from and which queues there are.

use super::*;
use crate::delivery::intake::IntakeProblem;
use crate::delivery::reason::UndeliveredReason;
use pipeline::batch::{Batcher, Limits};
use pipeline::compress::Compression;
use pipeline::event::EventError;

const NOW_MS: i64 = 1_795_379_888_236;
const DOWN: UndeliveredReason = UndeliveredReason::GivenUp(IntakeProblem::Status(503));

/// Logs of these records, in one payload that was given up on so often.
fn undelivered(records: &[u32], attempts: u32, reason: UndeliveredReason, asked_seconds: u64) -> Undelivered {
    let mut batcher = Batcher::new(Limits::default(), Compression::None).with_attempts(attempts);
    records.iter().for_each(|record| batcher.add_written(b"{}", *record, None, None));
    let not_before = Some(Duration::from_secs(asked_seconds)).filter(|asked| !asked.is_zero());
    Undelivered { payload: batcher.finish().remove(0), reason, not_before }
}

fn poison(record: u32, body: &str, is_note: bool) -> Poison {
    Poison { record, error: EventError::Gzip, body: body.to_owned(), is_note }
}

/// Messages that were handed out so often, and are so old.
fn sqs(receives: &[u32], age: Duration) -> Trigger {
    let receipt = |receives: &u32| Receipt {
        message_id: "m".to_owned(),
        receipt_handle: "r".to_owned(),
        receive_count: *receives,
        sent_ms: Some(NOW_MS - milliseconds(age)),
        queue_arn: "q".to_owned(),
    };
    Trigger::Sqs(receives.iter().map(receipt).collect())
}

fn decide(trigger: &Trigger, queues: [bool; 2], leftovers: Leftovers) -> Fates {
    let [has_queue, has_dead_letter_queue] = queues;
    Circumstances { trigger, has_queue, has_dead_letter_queue, now_ms: NOW_MS }.decide(leftovers)
}

fn only(one: Undelivered) -> Leftovers {
    Leftovers { undelivered: vec![one], ..Leftovers::default() }
}

/// What is sent: whether it is dead, seconds of delay, logs, attempts, and for how many seconds it may not be sent.
fn sent(fates: &Fates) -> Vec<(bool, u64, usize, u32, Option<i64>)> {
    let one = |outgoing: &Outgoing| {
        let (attempts, not_before_ms) = match &outgoing.content {
            OutgoingContent::Payload(_, note) => (note.attempts, note.not_before_ms),
            OutgoingContent::Event(_) | OutgoingContent::Rest(_) | OutgoingContent::Waiting { .. } => (0, None),
        };
        let not_before = not_before_ms.map(|time| (time - NOW_MS) / 1000);
        (outgoing.is_dead, outgoing.delay.as_secs(), outgoing.logs, attempts, not_before)
    };
    fates.outgoing.iter().map(one).collect()
}

fn staying(fates: &Fates) -> Vec<(u32, u64)> {
    fates.staying.iter().map(|(record, wait)| (*record, wait.as_secs())).collect()
}

#[test]
fn a_payload_is_taken_apart_between_what_moves_and_what_stays() {
    let trigger = sqs(&[1, 3, 50], Duration::ZERO);
    let accepted = BTreeSet::from([0]);
    let one = undelivered(&[0, 0, 1, 2], 0, DOWN, 0);
    let fates = decide(&trigger, [true, true], Leftovers { accepted, ..only(one) });
    assert_eq!(sent(&fates), [(false, 30, 2, 1, None), (true, 0, 1, 50, None)]);
    assert_eq!((staying(&fates), fates.left, fates.beyond), (vec![(1, 120)], 1, 0));
}

#[test]
fn elsewhere_than_in_sqs_nothing_stays_by_choice() {
    for trigger in [Trigger::Direct, Trigger::Kinesis(vec!["1".to_owned()]), Trigger::Firehose(1)] {
        let fates = |queues, reason| decide(&trigger, queues, only(undelivered(&[0], 0, reason, 0)));
        assert_eq!(sent(&fates([true, true], DOWN)), [(false, 30, 1, 1, None)]);
        assert_eq!(sent(&fates([true, true], UndeliveredReason::Refused(400))), [(true, 0, 1, 1, None)]);
        assert_eq!(sent(&fates([true, false], UndeliveredReason::Refused(400))), [(false, 30, 1, 1, None)]);
        assert_eq!(sent(&fates([true, true], UndeliveredReason::KeyRefused(403))), [(false, 900, 1, 0, None)]);
        for reason in [DOWN, UndeliveredReason::Refused(400), UndeliveredReason::KeyRefused(403)] {
            let fates = fates([false, false], reason);
            assert_eq!((sent(&fates), fates.left, fates.staying.len()), (vec![], 1, 1));
        }
    }
}

#[test]
fn what_the_intake_asks_for_is_kept_to_the_second() {
    let day = MAX_ASKED.as_secs();
    // A new message is held back by SQS for a quarter of an hour, and says the rest itself.
    for (asked, delay, not_before) in [
        (10, 30, None),
        (899, 899, None),
        (900, 900, None),
        (901, 901, Some(901)),
        (day, day, Some(day as i64)),
        (u64::MAX, day, Some(day as i64)),
    ] {
        let fates = decide(&Trigger::Direct, [true, true], only(undelivered(&[0], 0, DOWN, asked)));
        assert_eq!(sent(&fates), [(false, delay, 1, 1, not_before)], "{asked}");
    }
    // One that stays is hidden; for longer than SQS allows it is sent again, with the time in it.
    let trigger = sqs(&[2], Duration::ZERO);
    let longest = MAX_HIDDEN.as_secs();
    for (asked, hidden) in [(59, 60), (61, 61), (longest - 1, longest - 1), (longest, longest)] {
        let fates = decide(&trigger, [true, true], only(undelivered(&[0], 1, DOWN, asked)));
        assert_eq!((sent(&fates), staying(&fates)), (vec![], vec![(0, hidden)]), "{asked}");
    }
    let fates = decide(&trigger, [true, true], only(undelivered(&[0], 1, DOWN, longest + 1)));
    assert_eq!(sent(&fates), [(false, longest + 1, 1, 2, Some(longest as i64 + 1))]);
    let fates = decide(&trigger, [false, false], only(undelivered(&[0], 1, DOWN, longest + 1)));
    assert_eq!(staying(&fates), [(0, longest)]);
}

#[test]
fn rounds_are_counted_to_the_last_by_the_message_or_by_sqs() {
    for (attempts, receives, dead) in [(48, 49, 0), (49, 1, 1), (0, 49, 0), (0, 50, 1), (u32::MAX - 1, 1, 1)] {
        let trigger = sqs(&[receives], Duration::ZERO);
        let leftovers = || only(undelivered(&[0], attempts, DOWN, 0));
        let fates = decide(&trigger, [true, true], leftovers());
        assert_eq!((sent(&fates).len(), fates.staying.len(), fates.beyond), (dead, 1 - dead, 0));
        // Where no queue takes it, it stays, and that is said.
        let fates = decide(&trigger, [true, false], leftovers());
        assert_eq!((sent(&fates).len(), fates.left, fates.beyond), (0, 1, dead));
        // For want of a key there is no last round.
        let waiting = only(undelivered(&[0], attempts, UndeliveredReason::KeyRefused(403), 0));
        let fates = decide(&trigger, [true, true], waiting);
        assert_eq!(sent(&fates), [(false, 900, 1, attempts.max(receives - 1), None)]);
    }
}

#[test]
fn what_sqs_might_drop_for_its_age_is_sent_again() {
    let second = Duration::from_secs(1);
    for (age, sent_again) in [(SEND_AGAIN_AFTER - second, false), (SEND_AGAIN_AFTER, true)] {
        let trigger = sqs(&[5], age);
        let fates = decide(&trigger, [true, true], only(undelivered(&[0], 5, DOWN, 0)));
        assert_eq!((!sent(&fates).is_empty(), fates.staying.is_empty()), (sent_again, sent_again));
        let bad = || Leftovers { poison: vec![poison(0, "x", false)], ..Leftovers::default() };
        assert_eq!(sent(&decide(&trigger, [true, false], bad())).len(), usize::from(sent_again));
        assert_eq!(sent(&decide(&trigger, [false, false], bad())), []);
    }
}

#[test]
fn what_waits_stays_where_it_is_or_goes_once() {
    let waiting = |record, seconds: Option<u64>, body: Option<&str>| WaitingEvent {
        record,
        events: 1,
        wait: seconds.map(Duration::from_secs),
        is_message: body.is_none(),
        messages: body.map(|body| vec![RestEvent { body: body.to_owned(), events: 1 }]),
    };
    let trigger = sqs(&[1, 4, 1, 1], Duration::ZERO);
    let all = vec![
        waiting(0, Some(30), None),
        waiting(1, Some(15), Some("x")),
        waiting(2, Some(15), Some("x")),
        waiting(3, None, Some("y")),
    ];
    // The second came with logs that were not delivered: it cannot stay as it is.
    let leftovers = Leftovers { waiting: all, ..only(undelivered(&[1], 0, DOWN, 0)) };
    let fates = decide(&trigger, [true, true], leftovers);
    assert_eq!(staying(&fates), [(0, 30)]);
    assert_eq!(sent(&fates), [(false, 240, 1, 4, None), (false, 15, 0, 0, None), (true, 0, 0, 0, None)]);
    assert_eq!(fates.outgoing[1].records, BTreeSet::from([1, 2]));
    // What is to be kept and fits into no message comes again, later each time.
    let large = || WaitingEvent { messages: None, is_message: false, ..waiting(1, None, Some("x")) };
    let fates = decide(&trigger, [true, true], Leftovers { waiting: vec![large()], ..Leftovers::default() });
    assert_eq!((staying(&fates), sent(&fates)), (vec![(1, 240)], vec![]));
}

#[test]
fn what_cannot_be_read_is_buried_once_and_a_note_never_goes_round() {
    let trigger = sqs(&[1, 4], Duration::ZERO);
    let bad = || vec![poison(0, "x", false), poison(1, "x", false), poison(1, "y", true), poison(1, "", false)];
    let decide = |queues, accepted: &[u32], poison| {
        let accepted = accepted.iter().copied().collect();
        super::tests::decide(&trigger, queues, Leftovers { poison, accepted, ..Leftovers::default() })
    };
    let fates = decide([true, true], &[], bad());
    assert_eq!(sent(&fates), [(true, 0, 0, 0, None), (true, 0, 0, 0, None)]);
    assert_eq!(fates.outgoing[0].records, BTreeSet::from([0, 1]));
    // What has no body cannot be kept elsewhere.
    assert_eq!(staying(&fates), [(1, 240)]);
    let fates = decide([true, false], &[], bad());
    assert_eq!((sent(&fates), staying(&fates)), (vec![], vec![(0, 30), (1, 240)]));
    // Beside something that was accepted the bad part goes round alone.
    let fates = decide([true, false], &[1], bad());
    assert_eq!((sent(&fates), staying(&fates)), (vec![(false, 240, 0, 0, None)], vec![(0, 30), (1, 240)]));
    assert_eq!(fates.outgoing[0].records, BTreeSet::from([1]));
}
