//! Something that a rule found: where, what, and what to do.

use super::rule::{LintRule, RuleEdits, Severity};
use super::source::{Place, Span};

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static LintRule,
    /// The rule's, or milder where the rest of the project makes it matter less.
    pub severity: Severity,
    /// What is underlined.
    pub place: Place,
    /// What is wrong here, with names: a sentence without a full stop. Never the value of a secret.
    pub message: String,
    /// What to do here; else what the rule says.
    pub(crate) fix: Option<String>,
    /// Other places that have to do with it, and how.
    pub related: Vec<(Place, String)>,
    /// What `--fix` does; empty if it does nothing.
    pub edits: Vec<FixEdit>,
}

/// A change of the text of the finding's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixEdit {
    pub(crate) span: Span,
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(rule: &'static LintRule, place: Place, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            severity: rule.severity,
            place,
            message: message.into(),
            fix: None,
            related: Vec::new(),
            edits: Vec::new(),
        }
    }

    /// Makes it milder; never worse than its rule says, which is what people read about it.
    #[must_use]
    pub(crate) fn severity(mut self, severity: Severity) -> Finding {
        self.severity = severity.min(self.rule.severity);
        self
    }

    /// What `--fix` makes of it: what its rule says, if there are changes here.
    pub fn rule_edits(&self) -> RuleEdits {
        if self.edits.is_empty() { RuleEdits::None } else { self.rule.edits }
    }

    /// Says what to do here, more exactly than the rule.
    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Finding {
        self.fix = Some(fix.into());
        self
    }

    /// Points to another place.
    #[must_use]
    pub(crate) fn related(mut self, place: Place, text: impl Into<String>) -> Finding {
        self.related.push((place, text.into()));
        self
    }

    /// Adds changes that `--fix` makes, if there are any.
    #[must_use]
    pub(crate) fn edits(mut self, edits: impl IntoIterator<Item = FixEdit>) -> Finding {
        self.edits.extend(edits);
        self
    }

    /// What to do.
    pub fn advice(&self) -> &str {
        self.fix.as_deref().unwrap_or(self.rule.fix)
    }
}

/// Something worth knowing that is not a finding: how long a configuration is, how many bytes a log takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub place: Place,
    /// A sentence without a full stop.
    pub text: String,
}

/// Collects what the rules find.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    all: Vec<Finding>,
    facts: Vec<Fact>,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        self.all.push(finding);
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.all.extend(findings);
    }

    pub(crate) fn push_fact(&mut self, place: Place, text: String) {
        self.facts.push(Fact { place, text });
    }

    pub(crate) fn into_parts(self) -> (Vec<Finding>, Vec<Fact>) {
        (self.all, self.facts)
    }
}
