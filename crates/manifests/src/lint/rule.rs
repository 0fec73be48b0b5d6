//! What a rule is: the entry of the table that `--explain`, docs/lint-rules.md and SARIF are made of. What it looks for is code in
//! `rules`, beside the entry.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; it may be meant.
    Note,
    /// Works, but not as most people want it.
    Warning,
    /// Is refused, does not start, or loses logs or tags.
    Error,
}

impl Severity {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What `--fix` makes of a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEdits {
    /// Nothing: somebody has to decide.
    None,
    /// What its author surely meant, and nothing else.
    Safe,
    /// What most people want here; it changes what the manifest means, so it is made only when asked for, and wants a look.
    Suggested,
}

impl RuleEdits {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            RuleEdits::None => "none",
            RuleEdits::Safe => "safe",
            RuleEdits::Suggested => "suggested",
        }
    }
}

/// An entry of the table of rules.
#[derive(Debug)]
pub struct LintRule {
    /// Stable: `PF101`. Never used again for another rule.
    pub code: &'static str,
    /// The same for people: `namespace-label`.
    pub name: &'static str,
    pub severity: Severity,
    /// What is found, as a sentence without a full stop.
    pub title: &'static str,
    /// Why it matters: one sentence.
    pub why: &'static str,
    /// What to do about it: one sentence, or two.
    pub fix: &'static str,
    /// What `--fix` makes of it.
    pub edits: RuleEdits,
    /// A new rule is shown with `--preview` only, until it has been right about enough manifests of others.
    pub is_preview: bool,
    /// Where it is written: a vendor's page, a file of a vendor's repository, a public issue, or what was seen.
    pub sources: &'static [&'static str],
}

impl PartialEq for LintRule {
    fn eq(&self, other: &LintRule) -> bool {
        self.code == other.code
    }
}

impl Eq for LintRule {}
