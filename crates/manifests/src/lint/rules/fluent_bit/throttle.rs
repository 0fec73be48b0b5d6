//! `throttle`: how many logs it really lets through.

use super::cores::SEEN;
use crate::fluent_bit::throttle::{DEFAULT_WINDOW, LEAST_RATE, Throttle, interval_seconds};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static ROUNDED: LintRule = LintRule {
    code: "PF296",
    name: "throttle-value",
    severity: Severity::Note,
    title: "A `throttle` filter does not use a value as it is written",
    why: "A `Rate` of 1 or less counts as 1, a `Window` of 1 or less as 5, and of an `Interval` the whole seconds at its beginning, 1 at least; `Rate` times `Window` logs pass at once.",
    fix: "Write the values that you want to have, within these bounds.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["fluent/fluent-bit, plugins/filter_throttle/throttle.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&ROUNDED];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let filters = project.logging.iter().flat_map(|logging| logging.filters());
    for filter in filters.filter(|filter| filter.plugin() == "throttle") {
        // That a value is no number at all is another rule's.
        let rate = filter.get("Rate").and_then(|rate| rate.parse::<f64>().ok());
        if rate.is_some_and(|rate| rate < LEAST_RATE) {
            push(filter, "Rate", format!("this `Rate` counts as {LEAST_RATE}"), findings);
        }
        let window = filter.get("Window").and_then(|window| window.parse::<i64>().ok());
        let counts = Throttle::new(rate.map(|rate| rate.to_string()).as_deref(), filter.get("Window"), None);
        if let Some(counts) = counts.filter(|_| window.is_some_and(|window| window <= 1)) {
            let message = format!("this `Window` counts as {DEFAULT_WINDOW}: {} logs pass at once", counts.burst());
            push(filter, "Window", message, findings);
        }
        if let Some(interval) = filter.get("Interval").filter(|interval| !interval.is_empty() && !is_interval(interval))
        {
            let seconds = interval_seconds(interval);
            let unit = if seconds == 1 { "second" } else { "seconds" };
            push(filter, "Interval", format!("this `Interval` counts as {seconds} {unit}"), findings);
        }
    }
}

fn push(filter: PlacedSection<'_, '_>, option: &str, message: String, findings: &mut Findings) {
    findings.push(Finding::new(&ROUNDED, filter.place_of(option), message));
}

/// A whole number of seconds, or what one letter makes one. Source: fluent/fluent-bit, plugins/filter_throttle/throttle.c, `parse_duration`,
/// and `sleep`, which knows no parts of a second.
fn is_interval(interval: &str) -> bool {
    let (number, unit) = match interval.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, interval.get(number.len()..).unwrap_or_default()),
        None => (interval, ""),
    };
    let is_whole = |number: f64| {
        let seconds = number * if unit == "m" { 60.0 } else { 1.0 };
        number > 0.0 && (seconds.fract() == 0.0 || ["h", "d"].contains(&unit))
    };
    number.parse().is_ok_and(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert!(["1", "1s", "0.5m", "2h"].into_iter().all(is_interval));
        assert!(!["", "s", "bad", "0", "-1s", "1 s", "1sec", "0.5", "1.5s", "500ms"].into_iter().any(is_interval));
    }
}
