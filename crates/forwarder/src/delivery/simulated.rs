//! For tests: a delivery over the real schedule, on a clock that nobody waits for.

use std::time::Duration;

use super::intake::IntakeAnswer;
use super::intake::IntakeProblem;
use super::schedule::{DeliveryReport, Ended, Parcel, Schedule, Step, Terms};
use pipeline::batch::Payload;

/// A request as the intake sees it.
pub(crate) struct Request<'a> {
    /// None where it only asks for the key.
    pub(crate) payload: Option<&'a Payload>,
    pub(crate) refused_key: Option<u64>,
    pub(crate) now: Duration,
}

/// What became of a delivery.
pub(crate) struct Played {
    pub(crate) report: DeliveryReport,
    pub(crate) requests: usize,
    pub(crate) took: Duration,
    pub(crate) last_acceptance: Duration,
    /// How many requests were under way at once, at most.
    pub(crate) most_underway: usize,
}

/// Plays a delivery. `intake` says what it answers and after what time, if it ever does: no answer comes later than the request waits. A
/// key that was refused is replaced. `random` gives numbers from 0 to 1.
pub(crate) fn play(
    payloads: Vec<Payload>,
    terms: Terms,
    deadline: Duration,
    mut intake: impl FnMut(&Request) -> Option<(IntakeAnswer, Duration)>,
    mut random: impl FnMut() -> f64,
) -> Played {
    let mut schedule = Schedule::new(payloads, terms, deadline);
    let mut underway: Vec<(Duration, Option<Parcel>, Ended)> = Vec::new();
    let (mut now, mut requests, mut last_acceptance, mut most_underway) = (Duration::ZERO, 0, Duration::ZERO, 0);
    let mut key = 1;
    let late = IntakeAnswer::Retry { problem: IntakeProblem::Timeout, after: None };
    loop {
        let until = match schedule.step(now) {
            Step::Send(parcel, timeout) => {
                if parcel.refused_key.is_some_and(|refused| refused >= key) {
                    key += 1;
                }
                let request = Request { payload: Some(&parcel.payload), refused_key: parcel.refused_key, now };
                let (answer, took) = intake(&request).filter(|(_, took)| *took <= timeout).unwrap_or((late, timeout));
                requests += 1;
                underway.push((now + took, Some(parcel), Ended::Answered { answer, key, took }));
                most_underway = most_underway.max(underway.len());
                continue;
            }
            Step::AskForKey => {
                let answered = intake(&Request { payload: None, refused_key: None, now });
                let (answer, took) = answered.unwrap_or((late, Duration::ZERO));
                let took = took.min(deadline.saturating_sub(now));
                requests += 1;
                underway.push((now + took, None, Ended::Answered { answer, key, took }));
                continue;
            }
            Step::WaitUntil(moment) => moment,
            Step::Wait => Duration::MAX,
            Step::Done => break,
        };
        let first = (0..underway.len()).min_by_key(|place| underway[*place].0);
        match first.filter(|place| underway[*place].0 <= until) {
            Some(place) => {
                let (moment, parcel, ended) = underway.remove(place);
                now = now.max(moment);
                if matches!(ended, Ended::Answered { answer: IntakeAnswer::Accepted, .. }) {
                    last_acceptance = now;
                }
                match parcel {
                    Some(parcel) => schedule.ended(parcel, ended, now, random()),
                    None => schedule.asked(ended, now),
                }
            }
            None => {
                assert!(until > now, "it would turn round for ever");
                now = until;
            }
        }
    }
    Played { report: schedule.finish(), requests, took: now, last_acceptance, most_underway }
}
