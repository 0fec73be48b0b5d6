//! The queues of undelivered logs and of dead letters: whether they are there, hold what nobody looks at, and come back.

use serde_json::Value;

use super::{Area, Step};
use crate::aws::error::AwsCallError;
use pipeline::counted::counted;

/// What SQS says of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Messages, about: to be read, being read, or delayed.
    pub(crate) messages: u64,
    /// JSON; empty where there is none.
    pub(crate) redrive_policy: String,
}

/// How a queue comes to the function. Source: AWS Lambda API reference, `EventSourceMappingConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) source: String,
    /// `Enabled`, `Disabled`, …
    pub(crate) state: String,
}

/// The queue of undelivered logs.
#[must_use]
pub(crate) fn undelivered(
    name: &str,
    function: &str,
    attributes: Result<&Attributes, &AwsCallError>,
    mappings: Result<&[Mapping], &AwsCallError>,
) -> Vec<Step> {
    let area = Area::Queues;
    let about = format!("queue {name}");
    let mut steps = match attributes {
        Err(error) => return vec![Step::of_error(area, &about, error)],
        Ok(Attributes { messages: 0, .. }) => vec![Step::right(area, &about, "no undelivered logs wait")],
        Ok(Attributes { messages, .. }) => {
            let seen = format!("the logs of {} wait to be sent again", counted(number(*messages), "message"));
            vec![Step::note(area, &about, seen).mend("nothing, unless it stays so for an hour")]
        }
    };
    let redrive: Value =
        attributes.ok().and_then(|all| serde_json::from_str(&all.redrive_policy).ok()).unwrap_or_default();
    if redrive["deadLetterTargetArn"].as_str().is_none() {
        let problem = "it has no redrive policy: what is never taken is tried until it expires, and is lost then";
        steps.push(
            Step::wrong(area, &about, problem).mend("deploy template.yaml, or give the queue a dead-letter queue"),
        );
    }
    let ends = format!(":{name}");
    steps.push(match mappings {
        Err(error) => Step::of_error(area, "way back", error),
        Ok(all) => match all.iter().find(|one| one.source.ends_with(&ends)) {
            Some(Mapping { state, .. }) if state == "Enabled" => Step::right(area, "way back", format!("{name} comes to the function")),
            Some(Mapping { state, .. }) => {
                let command = "aws lambda update-event-source-mapping --enabled --uuid UUID";
                Step::wrong(area, "way back", format!("the mapping of {name} to the function is {state}: its logs wait")).mend(command)
            }
            None => Step::wrong(area, "way back", format!("{name} does not come to the function: its logs wait, and are lost when they expire"))
                .mend(format!("aws lambda create-event-source-mapping --function-name {function} --function-response-types ReportBatchItemFailures --event-source-arn QUEUE_ARN")),
        },
    });
    steps
}

/// The queue of dead letters.
#[must_use]
pub(crate) fn dead_letters(name: &str, attributes: Result<&Attributes, &AwsCallError>) -> Step {
    let name = &format!("queue {name}");
    match attributes {
        Err(error) => Step::of_error(Area::Queues, name, error),
        Ok(Attributes { messages: 0, .. }) => Step::right(Area::Queues, name, "no dead letters"),
        Ok(Attributes { messages, .. }) => {
            let problem =
                format!("{} for a person; SQS drops them when they expire", counted(number(*messages), "dead letter"));
            Step::wrong(Area::Queues, name, problem).mend("podferry redrive")
        }
    }
}

fn number(messages: u64) -> usize {
    usize::try_from(messages).unwrap_or(usize::MAX)
}

/// Without a queue an invocation with undelivered logs fails, and Lambda tries it for six hours at most.
#[must_use]
pub(crate) fn none() -> Step {
    Step::note(
        Area::Queues,
        "undelivered",
        "there is no queue for undelivered logs: in an outage of hours logs are lost",
    )
    .mend("deploy template.yaml, which makes the queue, or set PODFERRY_UNDELIVERED_QUEUE_URL")
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::aws::error::{AwsFailure, On};

    #[test]
    fn waiting_redriven_and_back() {
        let outcomes = |messages, redrive: &str, state: Option<&str>| {
            let attributes = Attributes { messages, redrive_policy: redrive.to_owned() };
            let mappings: Vec<Mapping> = state
                .map(|state| Mapping { source: "arn:aws:sqs:r:1:q".into(), state: state.into() })
                .into_iter()
                .collect();
            let steps = undelivered("q", "f", Ok(&attributes), Ok(&mappings));
            steps.iter().map(|step| step.outcome).collect::<Vec<_>>()
        };
        let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:d"}"#;
        assert_eq!(outcomes(0, redrive, Some("Enabled")), [Outcome::Right, Outcome::Right]);
        assert_eq!(outcomes(1, redrive, Some("Disabled")), [Outcome::Note, Outcome::Wrong]);
        assert_eq!(outcomes(0, "", None), [Outcome::Right, Outcome::Wrong, Outcome::Wrong]);
        let dead = |messages| dead_letters("d", Ok(&Attributes { messages, ..Attributes::default() })).outcome;
        assert_eq!((dead(0), dead(1)), (Outcome::Right, Outcome::Wrong));
        let error = AwsCallError { action: "x:Y", on: On::any("it"), failure: AwsFailure::NoAnswerInTime };
        assert_eq!(undelivered("q", "f", Err(&error), Ok(&[]))[0].outcome, Outcome::Unknown);
        assert_eq!(dead_letters("q", Err(&error)).outcome, Outcome::Unknown);
    }
}
