//! The queues of undelivered logs and of dead letters: whether they exist, what they hold, and whether it comes back.

use super::advice::{self, Advice};
use super::facts::{QueueFact, QueueFacts, QueueMapping};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;
use crate::aws::queues::{QueueAttributes, QueueRole};
use pipeline::counted::counted;

const AREA: HealthArea = HealthArea::Queues;

/// From this age on, a message in the queue of undelivered logs is overdue.
/// Source: the threshold of `UndeliveredAgeAlarm` in `template.yaml`.
const OLD_SECONDS: u64 = 3600;

const DAY: u64 = 24 * 3600;

/// What the queues show.
#[must_use]
pub(crate) fn judge(facts: &QueueFacts, function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let mut found = Vec::new();
    if facts.queues.iter().all(|fact| fact.queue.role != QueueRole::Undelivered) {
        found.push(
            HealthFinding::note(
                AREA,
                &format!("function {}", function.name),
                "it has no queue for undelivered logs, so an outage of several hours loses logs",
            )
            .fix("deploy template.yaml, which creates the queue, or set PODFERRY_UNDELIVERED_QUEUE_URL"),
        );
    }
    for fact in &facts.queues {
        let what = format!("queue {}", fact.queue.name);
        match &fact.attributes {
            Err(error) => found.push(HealthFinding::of_error(AREA, &what, error)),
            Ok(attributes) if fact.queue.role == QueueRole::Undelivered => {
                found.extend(undelivered(fact, attributes, &what, function, advice));
                found.push(way_back(facts, attributes, &what, function, advice));
            }
            Ok(attributes) => {
                found.push(dead_letters(fact, attributes, &what, function, advice));
                found.extend(drops_early(facts, fact, attributes, &what, advice));
            }
        }
    }
    if let Err(error) = &facts.failed_events {
        found.push(HealthFinding::of_error(AREA, &format!("function {}", function.name), error));
    }
    found
}

fn undelivered(
    fact: &QueueFact,
    attributes: &QueueAttributes,
    what: &str,
    function: &Function,
    advice: &Advice,
) -> Vec<HealthFinding> {
    let number = attributes.depth.all();
    // If the age is unknown, so are the function's metrics, which come by the same call: that is reported there.
    let age = fact.oldest_seconds.as_ref().ok().copied().flatten().unwrap_or_default();
    let mut found = vec![if number == 0 {
        HealthFinding::ok(AREA, what, "no undelivered logs are waiting")
    } else if age > OLD_SECONDS {
        let why = format!(
            "Datadog has not accepted the logs of {}, the oldest for {} minutes",
            counted(number, "message"),
            age / 60
        );
        let doctor = advice.podferry(&format!("doctor --function {}", advice::quoted(&function.qualified_name())));
        HealthFinding::wrong(AREA, what, why).fix(format!(
            "check the function's log and its throttles, and with `{doctor}` whether Datadog accepts the key"
        ))
    } else {
        // Which of them wait for what only the messages themselves tell.
        let has_records = function.variables.0.get("PODFERRY_METADATA_RECORDS").is_some_and(|value| value == "true");
        let or = if has_records { ", or until the metadata of their pods is known" } else { "" };
        let why = format!("the logs of {} are waiting to be sent again{or}", counted(number, "message"));
        HealthFinding::note(AREA, what, why).fix("nothing, unless it lasts an hour: the function sends them again")
    }];
    if attributes.dead_letter_queue.is_none() {
        let why = "it has no redrive policy: what Datadog never accepts is retried until it expires, and is then lost";
        found.push(
            HealthFinding::wrong(AREA, what, why).fix("deploy template.yaml, or give the queue a dead-letter queue"),
        );
    }
    found
}

/// Whether Lambda brings the queue's messages to the function.
fn way_back(
    facts: &QueueFacts,
    attributes: &QueueAttributes,
    what: &str,
    function: &Function,
    advice: &Advice,
) -> HealthFinding {
    let mappings = match &facts.mappings {
        Ok(mappings) => mappings,
        Err(error) => return HealthFinding::of_error(AREA, what, error),
    };
    let of_queue = || mappings.iter().filter(|one| one.source == attributes.arn);
    // One that works is enough.
    let mapping = of_queue().find(|one| one.state == "Enabled").or_else(|| of_queue().next());
    let Some(QueueMapping { id, state, .. }) = mapping else {
        let why = "the function does not read it: its logs wait, and are lost when they expire";
        return HealthFinding::wrong(AREA, what, why).fix(advice.aws(&format!(
            "lambda create-event-source-mapping --function-name {} --function-response-types ReportBatchItemFailures \
             --event-source-arn {}",
            advice::quoted(&function.qualified_name()),
            advice::quoted(&attributes.arn)
        )));
    };
    match state.as_str() {
        "Enabled" => HealthFinding::ok(AREA, what, "the function reads it"),
        "Creating" | "Enabling" | "Updating" => {
            let why = format!("its event source mapping is {}: check again in a minute", state.to_lowercase());
            HealthFinding::note(AREA, what, why)
        }
        _ => {
            let why = format!("its event source mapping is {}: its logs wait", state.to_lowercase());
            let command =
                advice.aws(&format!("lambda update-event-source-mapping --enabled --uuid {}", advice::quoted(id)));
            HealthFinding::wrong(AREA, what, why).fix(command)
        }
    }
}

fn dead_letters(
    fact: &QueueFact,
    attributes: &QueueAttributes,
    what: &str,
    function: &Function,
    advice: &Advice,
) -> HealthFinding {
    let number = attributes.depth.all();
    if number == 0 {
        return HealthFinding::ok(AREA, what, "no dead letters");
    }
    let after = attributes.retention_seconds.map_or_else(|| "some time".to_owned(), duration);
    let age = fact.oldest_seconds.as_ref().ok().copied().flatten().unwrap_or_default();
    // CloudWatch has the age since it came into this queue; its time has run for longer.
    let oldest = if age < DAY { String::new() } else { format!(", and the oldest came here {} ago", days(age)) };
    let why = format!(
        "it holds {} and needs attention: SQS deletes dead letters after {after}{oldest}",
        counted(number, "dead letter")
    );
    // Without the variable, `redrive` does not know the queue.
    let command = if fact.is_in_variables && fact.queue.role == QueueRole::DeadLetter {
        advice.podferry(&format!("redrive --function {}", advice::quoted(&function.qualified_name())))
    } else {
        advice.podferry(&format!("redrive --queue {}", advice::quoted(&fact.queue.url)))
    };
    HealthFinding::wrong(AREA, what, why).fix(command)
}

/// SQS counts a message's age from when it was first sent, also after it has moved to a dead-letter queue.
/// Source: Amazon SQS Developer Guide, "Using dead-letter queues in Amazon SQS", "Understanding message retention periods".
fn drops_early(
    facts: &QueueFacts,
    fact: &QueueFact,
    attributes: &QueueAttributes,
    what: &str,
    advice: &Advice,
) -> Option<HealthFinding> {
    if fact.queue.role != QueueRole::DeadLetter {
        return None;
    }
    let waiting = facts.queues.iter().find(|one| one.queue.role == QueueRole::Undelivered)?;
    let longer = waiting.attributes.as_ref().ok()?.retention_seconds?;
    let kept = attributes.retention_seconds.filter(|kept| *kept < longer)?;
    let why = format!(
        "it keeps a message for {}, and queue {} for {}: what waited there for longer is dropped as soon as it is a dead letter",
        duration(kept),
        waiting.queue.name,
        duration(longer)
    );
    let command = format!(
        "sqs set-queue-attributes --queue-url {} --attributes MessageRetentionPeriod={longer}",
        advice::quoted(&fact.queue.url)
    );
    Some(HealthFinding::note(AREA, what, why).fix(advice.aws(&command)))
}

/// Whole days, rounded down.
fn days(seconds: u64) -> String {
    counted(usize::try_from(seconds / DAY).unwrap_or(usize::MAX), "day")
}

/// In the largest unit that leaves no rest: queues keep messages for whole days, mostly.
fn duration(seconds: u64) -> String {
    let units = [(DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    counted(usize::try_from(seconds / unit).unwrap_or(usize::MAX), name)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{advice, call_error, function, good, queue};
    use super::super::finding::HealthSeverity;
    use super::*;

    fn all(change: impl Fn(&mut QueueFacts)) -> Vec<HealthFinding> {
        let mut facts = good().queues;
        change(&mut facts);
        judge(&facts, &function(&[]), &advice())
    }

    /// The only one that is not right after a change.
    fn only(change: impl Fn(&mut QueueFacts)) -> HealthFinding {
        let mut found = all(change);
        found.retain(|one| one.severity != HealthSeverity::Ok);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    fn fix_of(change: impl Fn(&mut QueueFacts)) -> String {
        let found = only(change);
        assert_eq!(found.severity, HealthSeverity::Wrong, "{found:?}");
        found.fix.unwrap()
    }

    #[test]
    fn nothing_waits_and_all_comes_back() {
        let found = all(|_| {});
        assert!(found.len() == 3 && found.iter().all(|one| one.severity == HealthSeverity::Ok), "{found:#?}");
    }

    #[test]
    fn an_hour_is_too_long_to_wait() {
        for (age, severity) in
            [(0, HealthSeverity::Note), (OLD_SECONDS, HealthSeverity::Note), (OLD_SECONDS + 1, HealthSeverity::Wrong)]
        {
            assert_eq!(
                only(|facts| facts.queues[0] = queue(QueueRole::Undelivered, 1, age)).severity,
                severity,
                "{age}"
            );
        }
    }

    #[test]
    fn a_queue_without_a_way_back() {
        let created = fix_of(|facts| facts.mappings = Ok(vec![]));
        assert!(
            created.ends_with("--event-source-arn arn:aws:sqs:eu-west-1:111122223333:waiting --region eu-west-1"),
            "{created}"
        );
        let with = |state: &str| {
            only(|facts| {
                facts.mappings.as_mut().unwrap()[0].state = state.to_owned();
            })
        };
        assert_eq!(
            with("Disabled").fix.unwrap(),
            "aws lambda update-event-source-mapping --enabled --uuid 1a2b --region eu-west-1",
            "the very mapping"
        );
        let two = all(|facts| {
            let mappings = facts.mappings.as_mut().unwrap();
            mappings.insert(0, QueueMapping { state: "Disabled".into(), ..mappings[0].clone() });
        });
        assert!(two.iter().all(|one| one.severity == HealthSeverity::Ok), "{two:#?}");
        assert_eq!(with("Enabling").severity, HealthSeverity::Note);
        let redrive = fix_of(|facts| facts.queues[0].attributes.as_mut().unwrap().dead_letter_queue = None);
        assert!(redrive.contains("dead-letter queue"));
    }

    #[test]
    fn dead_letters_are_shown_by_a_redrive_that_finds_them() {
        let one = |facts: &mut QueueFacts| facts.queues[1] = queue(QueueRole::DeadLetter, 1, 0);
        assert_eq!(only(one).why, "it holds 1 dead letter and needs attention: SQS deletes dead letters after 14 days");
        assert_eq!(fix_of(one), "podferry redrive --function podferry");
        for (age, end) in [(DAY - 1, "14 days"), (DAY, "1 day ago"), (11 * DAY + 5, "11 days ago")] {
            let found = only(|facts| facts.queues[1] = queue(QueueRole::DeadLetter, 1, age));
            assert!(found.why.ends_with(end), "{found:?}");
        }
        let keeps = |facts: &mut QueueFacts, queue: usize, seconds: Option<u64>| {
            facts.queues[queue].attributes.as_mut().unwrap().retention_seconds = seconds;
        };
        for (seconds, after) in
            [(Some(345_600), "4 days"), (Some(3600), "1 hour"), (Some(90), "90 seconds"), (None, "some time")]
        {
            let found = only(|facts| {
                one(facts);
                keeps(facts, 0, seconds);
                keeps(facts, 1, seconds);
            });
            assert!(found.why.ends_with(&format!("SQS deletes dead letters after {after}")), "{found:?}");
        }
        let early = only(|facts| keeps(facts, 1, Some(345_600)));
        assert_eq!(early.severity, HealthSeverity::Note);
        assert!(early.why.starts_with("it keeps a message for 4 days, and queue waiting for 14 days: "), "{early:?}");
        assert!(early.fix.unwrap().contains("/dead --attributes MessageRetentionPeriod=1209600 --region eu-west-1"));
        let by_url = "podferry redrive --queue https://sqs.eu-west-1.amazonaws.com/111122223333/dead";
        let of_redrive_policy = |facts: &mut QueueFacts| {
            one(facts);
            facts.queues[1].is_in_variables = false;
        };
        assert_eq!(fix_of(of_redrive_policy), by_url);
        assert_eq!(fix_of(|facts| facts.queues[1] = queue(QueueRole::FailedEvents, 2, 0)), by_url);
    }

    #[test]
    fn what_could_not_be_read() {
        let unknown = |change: &dyn Fn(&mut QueueFacts)| {
            let found = only(change);
            assert!(found.severity == HealthSeverity::Unknown && found.why.contains("x:Y"), "{found:?}");
        };
        unknown(&|facts| facts.queues[0].attributes = Err(call_error()));
        unknown(&|facts| facts.queues[1].attributes = Err(call_error()));
        unknown(&|facts| facts.mappings = Err(call_error()));
        unknown(&|facts| facts.failed_events = Err(call_error()));
        // The metrics say it.
        assert_eq!(all(|facts| facts.queues[0].oldest_seconds = Err(call_error())).len(), 3);
        let none = only(|facts| _ = facts.queues.remove(0));
        assert_eq!(none.severity, HealthSeverity::Note);
    }
}
