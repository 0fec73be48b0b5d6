//! Events that fail for good: whether Lambda keeps them, for each version and alias that CloudWatch Logs invokes.

use super::advice::Advice;
use super::facts::{FailedEventsFacts, HealthFact};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;

const AREA: HealthArea = HealthArea::LogGroups;

/// What becomes of an event without a destination. Source: AWS Lambda Developer Guide, "Error handling for asynchronous invocations".
const DROPPED: &str = "Lambda drops an event after three failed attempts or six hours, and its logs are lost";

/// What the destinations show.
#[must_use]
pub(crate) fn judge(facts: &FailedEventsFacts, function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let finding = |(qualifier, destination): &(Option<String>, HealthFact<Option<String>>)| {
        let target = function.at(qualifier.as_deref());
        let what = format!("failed events of {}", target.target());
        match destination {
            Ok(Some(destination)) => {
                Some(HealthFinding::ok(AREA, &what, format!("Lambda keeps them in {destination}")))
            }
            Ok(None) => Some(dropped(&what, &target, facts, advice)),
            // The queues say it, too, where this is what is meant of the function.
            Err(_) if *qualifier == function.qualifier => None,
            Err(error) => Some(HealthFinding::of_error(AREA, &what, error)),
        }
    };
    facts.led_to.iter().filter_map(finding).collect()
}

fn dropped(what: &str, target: &Function, facts: &FailedEventsFacts, advice: &Advice) -> HealthFinding {
    let own = facts.own.as_ref().ok().and_then(Option::as_deref);
    match (&target.qualifier, own) {
        // Somebody wanted them to be kept.
        (Some(qualifier), Some(own)) => {
            let why = format!("{DROPPED}: {}", no_destination(target));
            HealthFinding::wrong(AREA, what, why).fix(keep(qualifier, target, own, advice))
        }
        (qualifier, _) => {
            let mut fix = "deploy template.yaml, which keeps them in a bucket".to_owned();
            if let Some(qualifier) = qualifier {
                fix += &format!(", and set its parameter SubscribedAlias to {qualifier}");
            }
            HealthFinding::note(AREA, what, format!("{DROPPED}: there is no destination for them")).fix(fix)
        }
    }
}

/// Why an alias has none, though the function has one.
fn no_destination(target: &Function) -> String {
    format!("a destination for them is set for the function itself, but not for {}", target.target())
}

/// How an alias gets the function's own destination.
fn keep(qualifier: &str, target: &Function, own: &str, advice: &Advice) -> String {
    format!(
        "set the parameter SubscribedAlias of template.yaml to {qualifier}, or without the template run `{}`",
        advice.keep_failed_events(target, own)
    )
}

/// What `subscribe` warns of, before it leads logs to an alias whose failed events are dropped.
#[must_use]
pub(crate) fn warning(
    function: &Function,
    destination: &Option<String>,
    own: Option<&str>,
    advice: &Advice,
) -> Option<String> {
    let qualifier = function.qualifier.as_ref().filter(|_| destination.is_none())?;
    Some(match own {
        Some(own) => {
            format!("{DROPPED}: {}. To keep them, {}", no_destination(function), keep(qualifier, function, own, advice))
        }
        None => format!(
            "{} has no destination for events that fail: {DROPPED}. template.yaml makes a bucket for them",
            function.target()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::examples::{advice, call_error, function};
    use super::super::finding::HealthSeverity;
    use super::*;

    const BUCKET: &str = "arn:aws:s3:::podferry-failed-1";

    fn destination(arn: &str) -> HealthFact<Option<String>> {
        Ok(Some(arn).filter(|arn| !arn.is_empty()).map(str::to_owned))
    }

    /// The findings of a function that is meant by `meant`, of which `led_to` is invoked.
    fn found(meant: Option<&str>, led_to: &[(Option<&str>, &str)], own: &str) -> Vec<HealthFinding> {
        let led_to = led_to.iter().map(|(qualifier, arn)| (qualifier.map(str::to_owned), destination(arn))).collect();
        judge(&FailedEventsFacts { led_to, own: destination(own) }, &function(&[]).at(meant), &advice())
    }

    #[test]
    fn each_version_and_alias_has_a_destination_of_its_own() {
        let all = found(None, &[(None, BUCKET), (Some("live"), BUCKET), (Some("7"), "arn:aws:sqs:r:1:q")], BUCKET);
        assert!(all.iter().all(|one| one.severity == HealthSeverity::Ok), "{all:?}");
        assert_eq!(all[0].what, "failed events of the function itself");
        assert_eq!(
            (all[1].what.as_str(), all[2].what.as_str()),
            ("failed events of alias live", "failed events of version 7")
        );
        assert_eq!(found(None, &[], BUCKET), [], "nothing is invoked");
    }

    #[test]
    fn an_alias_without_one_where_the_function_has_one() {
        for meant in [None, Some("live")] {
            let all = found(meant, &[(Some("live"), "")], BUCKET);
            assert_eq!((all.len(), all[0].severity), (1, HealthSeverity::Wrong), "{all:?}");
            assert!(all[0].why.ends_with(", but not for alias live"), "{all:?}");
            assert_eq!(
                all[0].fix.as_deref().unwrap(),
                "set the parameter SubscribedAlias of template.yaml to live, or without the template run `aws lambda \
                 put-function-event-invoke-config --function-name podferry --qualifier live --maximum-retry-attempts 2 \
                 --maximum-event-age-in-seconds 21600 --destination-config \
                 '{\"OnFailure\":{\"Destination\":\"arn:aws:s3:::podferry-failed-1\"}}' --region eu-west-1`"
            );
        }
        // Where something else is invoked, that counts.
        assert_eq!(found(Some("live"), &[(None, BUCKET)], BUCKET)[0].severity, HealthSeverity::Ok);
    }

    #[test]
    fn without_any_it_may_be_intended() {
        let of_function = found(None, &[(None, "")], "");
        assert_eq!(of_function[0].severity, HealthSeverity::Note);
        assert_eq!(of_function[0].fix.as_deref(), Some("deploy template.yaml, which keeps them in a bucket"));
        let of_alias = found(None, &[(Some("live"), "")], "");
        assert_eq!(of_alias[0].severity, HealthSeverity::Note);
        assert!(of_alias[0].fix.as_deref().unwrap().ends_with(", and set its parameter SubscribedAlias to live"));
    }

    #[test]
    fn what_could_not_be_read() {
        let of = |meant: Option<&str>, own: HealthFact<Option<String>>| {
            let led_to = vec![(Some("live".to_owned()), Err(call_error()))];
            judge(&FailedEventsFacts { led_to, own }, &function(&[]).at(meant), &advice())
        };
        assert_eq!(of(None, destination(BUCKET))[0].severity, HealthSeverity::Unknown);
        assert_eq!(of(Some("live"), destination(BUCKET)), [], "the queues say it");
        // Whether the function has one is not known: no advice that needs it.
        let led_to = vec![(Some("live".to_owned()), Ok(None))];
        let found = judge(&FailedEventsFacts { led_to, own: Err(call_error()) }, &function(&[]), &advice());
        assert_eq!(found[0].severity, HealthSeverity::Note);
    }

    #[test]
    fn subscribe_warns_of_an_alias_only() {
        let live = function(&[]).at(Some("live"));
        let with_own = warning(&live, &None, Some(BUCKET), &advice()).unwrap();
        assert!(
            with_own.contains("not for alias live") && with_own.contains("put-function-event-invoke-config"),
            "{with_own}"
        );
        let without = warning(&live, &None, None, &advice()).unwrap();
        assert!(without.starts_with("alias live has no destination") && without.contains("template.yaml"), "{without}");
        assert_eq!(warning(&live, &Some(BUCKET.into()), Some(BUCKET), &advice()), None);
        assert_eq!(warning(&function(&[]), &None, None, &advice()), None);
    }
}
