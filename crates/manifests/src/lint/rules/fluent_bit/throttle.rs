//! `throttle`: how many logs it really lets through.

use super::cores::SEEN;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static ROUNDED: LintRule = LintRule {
    code: "PF296",
    name: "throttle-value",
    severity: Severity::Note,
    title: "A `throttle` filter does not use a value as it is written",
    why: "A `Rate` of 1 or less counts as 1, a `Window` of 1 or less as 5, and an `Interval` that is no time as 1 second; `Rate` times `Window` logs pass at once.",
    fix: "Write the values that you want to have, within these bounds.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["fluent/fluent-bit, plugins/filter_throttle/throttle.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&ROUNDED];

/// What counts instead. Source: fluent/fluent-bit, plugins/filter_throttle/throttle.h.
const RATE: f64 = 1.0;
const WINDOW: i64 = 5;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let filters = project.logging.iter().flat_map(|logging| logging.filters());
    for filter in filters.filter(|filter| filter.plugin() == "throttle") {
        // That a value is no number at all is another rule's.
        let rate = filter.get("Rate").and_then(|rate| rate.parse::<f64>().ok());
        if rate.is_some_and(|rate| rate < RATE) {
            push(filter, "Rate", format!("this `Rate` counts as {RATE}"), findings);
        }
        let window = filter.get("Window").and_then(|window| window.parse::<i64>().ok());
        if window.is_some_and(|window| window <= 1) {
            let burst = rate.unwrap_or_default().max(RATE) * f64::from(i32::try_from(WINDOW).unwrap_or_default());
            push(filter, "Window", format!("this `Window` counts as {WINDOW}: {burst} logs pass at once"), findings);
        }
        if filter.get("Interval").is_some_and(|interval| !interval.is_empty() && !is_interval(interval)) {
            push(filter, "Interval", "this `Interval` counts as 1 second".to_owned(), findings);
        }
    }
}

fn push(filter: PlacedSection<'_, '_>, option: &str, message: String, findings: &mut Findings) {
    findings.push(Finding::new(&ROUNDED, filter.place_of(option), message));
}

/// A number above zero, and one letter at most. Source: fluent/fluent-bit, plugins/filter_throttle/throttle.c, `parse_duration`.
fn is_interval(interval: &str) -> bool {
    let number = interval.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(interval);
    number.parse::<f64>().is_ok_and(|seconds| seconds > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert!(["1", "1s", "0.5m", "2h"].into_iter().all(is_interval));
        assert!(!["", "s", "bad", "0", "-1s", "1 s", "1sec"].into_iter().any(is_interval));
    }
}
