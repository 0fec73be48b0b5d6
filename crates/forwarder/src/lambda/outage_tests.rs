//! Long outages, on a simulated clock: the messages that an outage leaves go through the real decisions, round by round, with
//! the numbers of `template.yaml`. `docs/reliability.md`, "Long outages", has what comes of it.

use std::time::Duration;

use serde_json::json;

use super::fates::{Circumstances, Fates, Leftovers, Outgoing, OutgoingContent};
use super::rounds::{MAX_DELAY, MAX_HIDDEN, MAX_ROUNDS, backoff};
use super::work::{Trigger, Work};
use crate::delivery::intake::IntakeProblem;
use crate::delivery::reason::{Undelivered, UndeliveredReason};
use crate::delivery::undelivered;
use pipeline::PipelineSettings;
use pipeline::batch::{Batcher, Limits};
use pipeline::compress::Compression;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The outage begins here; in milliseconds since 1970.
const START: i64 = 1_795_379_888_236;

/// What `template.yaml` says of the queues, in milliseconds and receives.
struct Queue {
    retention: i64,
    dead_letter_retention: i64,
    max_receives: u32,
}

fn template() -> Queue {
    let template = std::fs::read_to_string(format!("{}/template.yaml", testkit::ROOT)).unwrap();
    let numbers = |name: &str| -> Vec<i64> {
        let lines = template.lines().filter_map(|line| line.trim().strip_prefix(name));
        lines.filter_map(|value| value.trim().parse().ok()).collect()
    };
    let [retention, dead_letter_retention] = numbers("MessageRetentionPeriod:")[..] else { panic!("two queues") };
    let [max_receives] = numbers("maxReceiveCount:")[..] else { panic!("one policy") };
    Queue {
        retention: retention * 1000,
        dead_letter_retention: dead_letter_retention * 1000,
        max_receives: u32::try_from(max_receives).unwrap(),
    }
}

/// How a log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Delivered(i64),
    /// In the dead-letter queue since then, and dropped there then.
    Dead {
        since: i64,
        until: i64,
        by_sqs: bool,
    },
    /// Dropped by SQS.
    Lost(i64),
}

/// What the intake does at a time: `None` if it takes everything, or how long it asks to be left alone.
type IntakeAt<'a> = &'a dyn Fn(i64) -> Option<Option<Duration>>;

/// Whether the function is run at a time.
type FunctionAt<'a> = &'a dyn Fn(i64) -> bool;

struct Outage<'a> {
    queue: Queue,
    has_dead_letter_queue: bool,
    intake: IntakeAt<'a>,
    function: FunctionAt<'a>,
    settings: PipelineSettings,
}

/// A message in the queue.
struct Message {
    sent: i64,
    visible: i64,
    body: String,
}

impl Outage<'_> {
    fn decide(&self, trigger: &Trigger, now_ms: i64, leftovers: Leftovers) -> Fates {
        let has_dead_letter_queue = self.has_dead_letter_queue;
        Circumstances { trigger, has_queue: true, has_dead_letter_queue, now_ms }.decide(leftovers)
    }

    /// What becomes of a log that comes at a time.
    fn fate_of(&self, time: i64) -> End {
        let mut batcher = Batcher::new(Limits::default(), Compression::Zstd(1));
        batcher.add_written(b"{}", 0, None, Some(time));
        let payload = batcher.finish().remove(0);
        let Some(asked) = (self.intake)(time) else { return End::Delivered(time) };
        let mut fates = self.decide(&Trigger::Direct, time, undelivered_with(payload, asked));
        self.end_of(sent(fates.outgoing.remove(0), time)).0
    }

    /// What becomes of a message; and the text of the dead letter, if that is what becomes of it.
    fn end_of(&self, mut message: Message) -> (End, Option<String>) {
        let mut receives = 0;
        loop {
            let now = message.visible;
            if now - message.sent >= self.queue.retention {
                return (End::Lost(message.sent + self.queue.retention), None);
            }
            if receives >= self.queue.max_receives && self.has_dead_letter_queue {
                let until = message.sent + self.queue.dead_letter_retention;
                return (End::Dead { since: now, until, by_sqs: true }, Some(message.body));
            }
            receives += 1;
            if !(self.function)(now) {
                // Throttled, or it died: SQS counts the receive, and shows it again after the template's 90 minutes.
                message.visible = now + 90 * MINUTE;
                continue;
            }
            let mut work = Work::read(&handed_out(&message, receives), "arn", &self.settings, now).unwrap();
            let leftovers = match (work.processed.payloads.pop(), (self.intake)(now)) {
                (None, _) => Leftovers { postponed: work.postponed, ..Leftovers::default() },
                (Some(_), None) => return (End::Delivered(now), None),
                (Some(payload), Some(asked)) => undelivered_with(payload, asked),
            };
            let mut fates = self.decide(&work.trigger, now, leftovers);
            match (fates.outgoing.pop(), fates.staying.get(&0)) {
                (Some(outgoing), None) if outgoing.is_dead => {
                    let until = now + self.queue.dead_letter_retention;
                    return (End::Dead { since: now, until, by_sqs: false }, Some(sent(outgoing, now).body));
                }
                (Some(outgoing), None) => {
                    message = sent(outgoing, now);
                    receives = 0;
                }
                (None, Some(wait)) => message.visible = now + wait.as_millis() as i64,
                both => panic!("neither moved nor stayed: {both:?}"),
            }
        }
    }
}

/// The event by which Lambda's mapping hands a message out.
fn handed_out(message: &Message, receives: u32) -> Vec<u8> {
    json!({ "Records": [{
        "messageId": "m", "receiptHandle": "r", "body": message.body, "eventSource": "aws:sqs", "eventSourceARN": "q",
        "attributes": { "ApproximateReceiveCount": receives.to_string(), "SentTimestamp": message.sent.to_string() },
    }] })
    .to_string()
    .into_bytes()
}

fn undelivered_with(payload: pipeline::batch::Payload, not_before: Option<Duration>) -> Leftovers {
    let reason = UndeliveredReason::GivenUp(IntakeProblem::Status(503));
    Leftovers { undelivered: vec![Undelivered { payload, reason, not_before }], ..Leftovers::default() }
}

fn sent(outgoing: Outgoing, now: i64) -> Message {
    let OutgoingContent::Payload(payload, note) = outgoing.content else { panic!("no payload") };
    let body = undelivered::messages(&payload, &note).remove(0).body;
    Message { sent: now, visible: now + outgoing.delay.min(MAX_DELAY).as_millis() as i64, body }
}

/// The intake is down for so long, and asks for nothing.
fn down_for(length: i64) -> impl Fn(i64) -> Option<Option<Duration>> {
    move |time| (time < START + length).then_some(None)
}

/// When logs come in an outage: every half hour.
fn times(length: i64) -> impl Iterator<Item = i64> {
    (0..length / (30 * MINUTE)).map(|number| START + number * 30 * MINUTE)
}

fn outage<'a>(intake: IntakeAt<'a>) -> Outage<'a> {
    Outage {
        queue: template(),
        has_dead_letter_queue: true,
        intake,
        function: &|_| true,
        settings: PipelineSettings::default(),
    }
}

#[test]
fn the_bound_is_the_templates_and_comes_after_43_hours() {
    assert_eq!(template().max_receives, MAX_ROUNDS);
    let waits: Duration = (1..MAX_ROUNDS).map(backoff).sum();
    assert_eq!(waits.as_secs(), 155_010);
    // Each of them is a new message's delay, or a time that SQS can hide a message for.
    assert!(backoff(1) <= MAX_DELAY && (1..=MAX_ROUNDS).all(|round| backoff(round) <= MAX_HIDDEN));
    let intake = down_for(DAY * 100);
    assert_eq!(
        outage(&intake).fate_of(START),
        End::Dead { since: START + 155_010_000, until: START + 155_010_000 + 14 * DAY, by_sqs: false }
    );
}

#[test]
fn an_hour_or_a_day_is_over_an_hour_later() {
    for length in [MINUTE, HOUR, 6 * HOUR, 43 * HOUR] {
        let intake = down_for(length);
        let outage = outage(&intake);
        for time in times(length).chain([START]) {
            let End::Delivered(delivered) = outage.fate_of(time) else {
                panic!("{}", outage.fate_of(time) == End::Lost(0))
            };
            assert!(
                delivered - (START + length) <= HOUR,
                "{} h late",
                (delivered - START - length) as f64 / HOUR as f64
            );
        }
    }
}

#[test]
fn of_three_days_nothing_is_lost_and_the_first_29_hours_are_dead_letters() {
    let length = 3 * DAY;
    let intake = down_for(length);
    let outage = outage(&intake);
    let mut dead = 0;
    let mut all = 0;
    for time in times(length) {
        all += 1;
        match outage.fate_of(time) {
            End::Delivered(delivered) => assert!(delivered - (START + length) <= HOUR),
            End::Dead { since, until, by_sqs } => {
                dead += 1;
                assert!(!by_sqs && since - time == 155_010_000);
                // Dead is what is older than 43 hours, and it has nearly thirteen days left when all is well again.
                assert!(until - (START + length) >= 12 * DAY + 19 * HOUR, "{}", (until - START - length) / HOUR);
            }
            End::Lost(_) => panic!("lost"),
        }
    }
    assert_eq!((dead / 2, all / 2), (29, 72));
}

#[test]
fn of_a_fortnight_nothing_is_lost_before_its_sixteenth_day() {
    let length = 14 * DAY;
    let intake = down_for(length);
    let outage = outage(&intake);
    let ends: Vec<(i64, End)> = times(length).step_by(6).map(|time| (time, outage.fate_of(time))).collect();
    // The first dead letter is dropped 15 days and 19 hours after its log came: a day and 19 hours after the outage.
    let until = |end: &End| match end {
        End::Dead { until, .. } => *until,
        End::Delivered(_) => i64::MAX,
        End::Lost(_) => panic!("lost"),
    };
    let first = ends.iter().map(|(_, end)| until(end)).min().unwrap();
    assert_eq!((first - START) / HOUR, 15 * 24 + 19);
    for (time, end) in ends {
        assert_eq!(matches!(end, End::Delivered(_)), time >= START + length - 43 * HOUR, "{}", (time - START) / HOUR);
    }
}

#[test]
fn a_dead_letter_that_is_moved_back_begins_again() {
    let length = 30 * DAY;
    let intake = down_for(length);
    let outage = outage(&intake);
    let mut batcher = Batcher::new(Limits::default(), Compression::Zstd(1));
    batcher.add_written(b"{}", 0, None, Some(START));
    let mut fates = outage.decide(&Trigger::Direct, START, undelivered_with(batcher.finish().remove(0), None));
    let mut message = sent(fates.outgoing.remove(0), START);
    // Somebody looks after the dead letters once in a fortnight, as late as can be: 43 hours, 14 days, and again.
    for moved in 0..3 {
        let (End::Dead { since, until, by_sqs: false }, Some(body)) = outage.end_of(message) else {
            assert_eq!(moved, 2);
            return;
        };
        assert!(since < START + length && until == since + 14 * DAY);
        message = Message { sent: until - 1, visible: until - 1, body };
    }
    panic!("not delivered");
}

#[test]
fn without_a_dead_letter_queue_nothing_is_lost_of_a_month() {
    let length = 30 * DAY;
    let intake = down_for(length);
    // Also in a queue whose owner has left its retention at four days, which is what SQS begins with.
    for retention in [14 * DAY, 4 * DAY] {
        let queue = Queue { retention, ..template() };
        let outage = Outage { queue, has_dead_letter_queue: false, ..outage(&intake) };
        for time in times(length).step_by(240) {
            let End::Delivered(delivered) = outage.fate_of(time) else { panic!("not delivered") };
            assert!(delivered - (START + length) <= HOUR);
        }
    }
}

#[test]
fn whatever_the_intake_asks_for_is_kept_and_nothing_is_lost() {
    for asked_hours in [1, 2, 6, 11, 12, 24, 1_000_000] {
        for length in [HOUR, 3 * DAY, 14 * DAY] {
            let asked = Duration::from_secs(asked_hours * 3600);
            let intake = |time: i64| (time < START + length).then_some(Some(asked));
            let outage = outage(&intake);
            for time in times(length).step_by(24) {
                match outage.fate_of(time) {
                    // A quarter of an hour more, if it came back while it was the intake's turn to wait.
                    End::Delivered(delivered) => assert!(
                        delivered - (START + length) <= asked.as_millis().min(DAY as u128) as i64 + 15 * MINUTE,
                        "{asked_hours} h, {} h late",
                        (delivered - START - length) / HOUR
                    ),
                    End::Dead { since, until, by_sqs } => {
                        assert!(!by_sqs && until - since == 14 * DAY, "{asked_hours} h: {by_sqs}")
                    }
                    End::Lost(_) => panic!("{asked_hours} h: lost"),
                }
            }
        }
    }
}

#[test]
fn where_the_function_cannot_run_sqs_buries_what_is_in_the_queue() {
    // The intake fails for an hour, and then the function for ever: SQS counts, and its dead letters go on aging.
    let intake = down_for(HOUR);
    let outage = Outage { function: &|time| time < START, ..outage(&intake) };
    let End::Dead { since, until, by_sqs: true } = outage.fate_of(START) else { panic!("not dead") };
    // Fifty times ninety minutes.
    assert_eq!(((since - START) / HOUR, (until - START) / DAY), (75, 14));
}
