//! All that can be said from the facts alone.

use super::advice::Advice;
use super::facts::HealthFacts;
use super::finding::HealthFinding;
use super::{failed_events, function, key, last_hour, log_groups, queues};

/// What the facts show, right or wrong, in the order of the logs' way.
#[must_use]
pub(crate) fn judge(facts: &HealthFacts, advice: &Advice) -> Vec<HealthFinding> {
    let mut found = function::state(&facts.function, advice);
    found.extend(function::code(&facts.function, advice));
    let (settings, of_settings) = function::settings(&facts.function, &facts.region);
    found.extend(of_settings);
    found.extend(settings.and_then(|settings| key::in_plain_text(&settings.api_key)));
    found.extend(log_groups::judge(&facts.log_groups, &facts.function, advice));
    found.extend(failed_events::judge(&facts.log_groups.failed_events, &facts.function, advice));
    found.extend(queues::judge(&facts.queues, &facts.function, advice));
    found.extend(last_hour::judge(&facts.activity, &facts.log_groups.groups, &facts.function, advice));
    found
}
