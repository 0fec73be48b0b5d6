//! What was found, and how it is written: for people (`text`), for programs (`json`), for code scanning (`sarif`), for GitHub's checks (`github`); and the
//! table of rules, written (`explain`).

pub mod explain;
pub mod github;
pub mod json;
pub mod sarif;
pub mod text;

use super::finding::{Fact, Finding};
use super::rule::Severity;
use super::source::Place;

/// What was found in all sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LintReport {
    /// By source, and by place in it.
    pub findings: Vec<Finding>,
    /// How many findings a comment or an option allowed.
    pub(crate) allowed: usize,
    /// How many findings of preview rules were taken out.
    pub(crate) in_preview: usize,
    /// How many documents rules know what to do with.
    pub(crate) documents: usize,
    /// Sources, by their number, in which no rule knows anything, though they can be read.
    pub unrecognised: Vec<usize>,
    /// Files that were to be checked but could not be read.
    pub unread: Vec<UnreadFile>,
    pub facts: Vec<Fact>,
    /// Values that must not be shown, wherever they are: keys, tokens, passwords.
    pub(crate) secrets: Vec<Place>,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFile {
    /// As a source's.
    pub name: String,
    /// Why, without a full stop.
    pub problem: String,
}

impl LintReport {
    /// Without what preview rules found, which is only counted.
    #[must_use]
    pub fn without_preview(mut self) -> LintReport {
        let before = self.findings.len();
        self.findings.retain(|finding| !finding.rule.is_preview);
        self.in_preview += before - self.findings.len();
        self
    }

    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many findings are at least that bad.
    pub fn at_least(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity >= severity).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::rule::{LintRule, RuleEdits};
    use crate::lint::source::Span;

    static NEW: LintRule = LintRule {
        code: "PF999",
        name: "new",
        severity: Severity::Error,
        title: "New",
        why: "New.",
        fix: "None.",
        edits: RuleEdits::None,
        is_preview: true,
        sources: &["this test"],
    };
    const PLACE: Place = Place { source: 0, span: Span { start: 0, end: 0 } };
    static OLD: LintRule = LintRule { code: "PF998", name: "old", is_preview: false, ..NEW };

    static MILD: LintRule = LintRule { code: "PF997", severity: Severity::Warning, ..OLD };

    fn report() -> LintReport {
        let findings = [&NEW, &OLD, &OLD].map(|rule| Finding::new(rule, PLACE, "it"));
        LintReport { findings: findings.to_vec(), ..LintReport::default() }
    }

    #[test]
    fn previews_are_counted_but_not_shown() {
        assert_eq!(report().at_least(Severity::Error), 3);
        let shown = report().without_preview();
        assert_eq!((shown.at_least(Severity::Error), shown.in_preview), (2, 1));
        assert!(text::summary(&shown, 1).contains("2 errors, 1 of preview rules (`--preview` shows them)"));
    }

    #[test]
    fn a_finding_may_be_milder_than_its_rule_and_never_worse() {
        let finding = || Finding::new(&OLD, PLACE, "it");
        assert_eq!(finding().severity(Severity::Note).severity, Severity::Note);
        assert_eq!(Finding::new(&MILD, PLACE, "it").severity(Severity::Error).severity, Severity::Warning);
    }
}
