//! Which preset the ConfigMap of a log group resembles: a command that adds a filter to it must not change how lines are written.

use crate::findings::Findings;
use crate::line::Preset;

/// The preset whose lines are most like those that were read. Records of metadata tell `compact`; elsewhere metadata in lines tells two
/// presets from two others, and the bytes which of the two it is.
pub(crate) fn preset(findings: &Findings) -> Preset {
    let total = &findings.total;
    if total.metadata_events > 0 {
        return Preset::Compact;
    }
    let has_metadata = total.assumed_lines == 0;
    let (one, other) = if has_metadata { (Preset::Standard, Preset::Merged) } else { (Preset::Lean, Preset::Seed) };
    let distance =
        |preset: Preset| of_pods(findings, |row| row.under(preset)).abs_diff(of_pods(findings, |row| row.billed));
    if distance(other) < distance(one) { other } else { one }
}

/// Sums of what a ConfigMap decides on.
fn of_pods(findings: &Findings, bytes: impl Fn(&crate::findings::Sums) -> u64) -> u64 {
    findings.rows.iter().filter(|row| row.is_of_pod()).map(|row| bytes(&row.sums)).sum()
}
