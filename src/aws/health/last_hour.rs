//! The last hour: invocations that failed or were throttled, and events that never reached the function.

use super::advice::{self, Advice};
use super::facts::{ActivityFacts, LogGroupFact};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;
use crate::aws::subscribe::plan::ours;
use pipeline::counted::counted;

const AREA: HealthArea = HealthArea::LastHour;

/// Events that came longer ago than this have been handed to the function. CloudWatch's times are late: what looks this old may be
/// younger, but what looks younger is never older.
const HANDED_OVER_MS: i64 = 10 * 60 * 1000;
const HOUR_MS: i64 = 3600 * 1000;

/// What the last hour shows.
#[must_use]
pub(crate) fn judge(
    facts: &ActivityFacts,
    groups: &[LogGroupFact],
    function: &Function,
    advice: &Advice,
) -> Vec<HealthFinding> {
    let what = &format!("function {}", function.name);
    let hour = match &facts.last_hour {
        Ok(hour) => hour,
        Err(error) => return vec![HealthFinding::of_error(AREA, what, error)],
    };
    let mut found = Vec::new();
    if hour.errors > 0 {
        let why = format!("{} of {} failed in the last hour", hour.errors, counted(hour.invocations, "invocation"));
        let log_group = advice::quoted(&function.log_group);
        let tail = advice.aws(&format!("logs tail {log_group} --since 1h --filter-pattern ERROR"));
        found.push(HealthFinding::wrong(AREA, what, why).fix(format!("read its log: `{tail}`")));
    }
    if hour.throttles > 0 {
        let were = if hour.throttles == 1 { "was" } else { "were" };
        let why = format!(
            "{} {were} throttled in the last hour; CloudWatch Logs retries for a day",
            counted(hour.throttles, "invocation")
        );
        found.push(
            HealthFinding::wrong(AREA, what, why)
                .fix("raise the function's reserved concurrency (ReservedConcurrency), or the account's limit"),
        );
    }
    if let (0, Some(group)) = (hour.invocations, groups.iter().find(|group| is_handed_over(facts, group, function))) {
        let why = format!(
            "log group {} got events in the last hour, but the function was not invoked once",
            group.group.name
        );
        let command = advice.subscribe(&group.group.name, function);
        found.push(
            HealthFinding::wrong(AREA, what, why)
                .fix(format!("check the permission and the filter with `{command}`, which adds what is missing")),
        );
    }
    if found.is_empty() {
        let seen = match hour.invocations {
            0 => "no invocations".to_owned(),
            number => format!("{}, none failed or throttled", counted(number, "invocation")),
        };
        found.push(HealthFinding::ok(AREA, what, seen));
    }
    found
}

/// Whether the group got events that must have reached the function by now.
fn is_handed_over(facts: &ActivityFacts, group: &LogGroupFact, function: &Function) -> bool {
    let Ok(filters) = &group.filters else { return false };
    let takes_all = ours(filters, &function.arn).iter().any(|filter| filter.pattern.is_empty());
    let Ok(Some(newest)) = &group.newest else { return false };
    let age = newest.ingestion.map(|time| facts.now_ms - time);
    takes_all && age.is_some_and(|age| (HANDED_OVER_MS..HOUR_MS).contains(&age))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{NOW_MS, advice, call_error, function, good};
    use super::super::facts::{LastHour, NewestEvent};
    use super::super::finding::HealthSeverity;
    use super::*;

    fn of(last_hour: LastHour) -> Vec<HealthFinding> {
        let facts = ActivityFacts { last_hour: Ok(last_hour), ..good().activity };
        judge(&facts, &good().log_groups.groups, &function(&[]), &advice())
    }

    #[test]
    fn errors_and_throttles() {
        assert_eq!(of(LastHour { invocations: 9, ..LastHour::default() })[0].severity, HealthSeverity::Ok);
        let found = of(LastHour { invocations: 9, errors: 2, throttles: 1 });
        assert!(found.len() == 2 && found.iter().all(|one| one.severity == HealthSeverity::Wrong), "{found:#?}");
        assert_eq!(found[0].why, "2 of 9 invocations failed in the last hour");
        assert!(found[0].fix.as_ref().unwrap().contains("aws logs tail /own "));
        assert!(found[1].fix.as_ref().unwrap().contains("ReservedConcurrency"));
    }

    #[test]
    fn events_without_an_invocation() {
        for (age, is_wrong) in
            [(HANDED_OVER_MS - 1, false), (HANDED_OVER_MS, true), (HOUR_MS - 1, true), (HOUR_MS, false)]
        {
            let mut facts = good();
            facts.activity.last_hour = Ok(LastHour::default());
            facts.log_groups.groups[0].newest = Ok(Some(NewestEvent { event: None, ingestion: Some(NOW_MS - age) }));
            let wrong = |facts: &super::super::facts::HealthFacts| {
                judge(&facts.activity, &facts.log_groups.groups, &facts.function, &advice())[0].severity
                    == HealthSeverity::Wrong
            };
            assert_eq!(wrong(&facts), is_wrong, "{age}");
            // A pattern may let nothing through.
            facts.log_groups.groups[0].filters.as_mut().unwrap()[0].pattern = "ERROR".to_owned();
            assert!(!wrong(&facts), "{age}");
        }
    }

    #[test]
    fn what_could_not_be_read() {
        let facts = ActivityFacts { last_hour: Err(call_error()), ..good().activity };
        assert_eq!(judge(&facts, &[], &function(&[]), &advice())[0].severity, HealthSeverity::Unknown);
    }
}
