//! All that can be said from the facts alone.

use super::facts::HealthFacts;
use super::finding::HealthFinding;
use super::{function, key, last_hour, log_groups, queues};

/// What the facts show, right or wrong, in the order of the logs' way.
#[must_use]
pub(crate) fn judge(facts: &HealthFacts) -> Vec<HealthFinding> {
    let mut found = function::state(&facts.function);
    found.extend(function::code(&facts.function));
    let (settings, of_settings) = function::settings(&facts.function, &facts.region);
    found.extend(of_settings);
    found.extend(settings.and_then(|settings| key::in_plain_text(&settings.api_key)));
    found.extend(log_groups::judge(&facts.log_groups, &facts.function));
    found.extend(queues::judge(&facts.queues, &facts.function));
    found.extend(last_hour::judge(&facts.activity, &facts.log_groups.groups, &facts.function));
    found
}
