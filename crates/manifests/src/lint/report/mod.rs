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
    /// How many documents rules know what to do with.
    pub(crate) documents: usize,
    pub facts: Vec<Fact>,
    /// Values that must not be shown, wherever they are: keys, tokens, passwords.
    pub(crate) secrets: Vec<Place>,
}

impl LintReport {
    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity == severity).count()
    }

    /// How many findings are at least that bad.
    pub fn at_least(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity >= severity).count()
    }
}
