//! For tests: a delivery over the real schedule, on a clock that nobody waits for.

use std::time::Duration;

use super::intake::IntakeAnswer;
use super::intake::IntakeProblem;
use super::schedule::{DeliveryReport, Ended, Parcel, Schedule, Step, Terms};
use pipeline::batch::Payload;

/// Plays a delivery, and says how long it took. `intake` says what it answers and after what time, if it ever does; `random` gives
/// numbers from 0 to 1.
pub(crate) fn simulate(
    payloads: Vec<Payload>,
    terms: Terms,
    deadline: Duration,
    mut intake: impl FnMut() -> Option<(IntakeAnswer, Duration)>,
    mut random: impl FnMut() -> f64,
) -> (DeliveryReport, Duration) {
    let mut schedule = Schedule::new(payloads, terms, deadline);
    let mut underway: Vec<(Duration, Option<Parcel>, Ended)> = Vec::new();
    let mut now = Duration::ZERO;
    let late = IntakeAnswer::Retry { problem: IntakeProblem::Timeout, after: None };
    loop {
        let until = match schedule.step(now) {
            Step::Send(parcel, timeout) => {
                let (answer, took) = intake().filter(|(_, took)| *took <= timeout).unwrap_or((late, timeout));
                underway.push((now + took, Some(parcel), Ended::Answered { answer, key: 1, took }));
                continue;
            }
            Step::AskForKey => {
                let (answer, took) = intake().unwrap_or((late, Duration::ZERO));
                underway.push((now + took, None, Ended::Answered { answer, key: 1, took }));
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
                match parcel {
                    Some(parcel) => schedule.ended(parcel, ended, now, random()),
                    None => schedule.asked(ended, now),
                }
            }
            None => now = until,
        }
    }
    (schedule.finish(), now)
}
