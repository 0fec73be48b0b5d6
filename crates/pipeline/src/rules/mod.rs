//! What is left out and what is masked: rules, in order, on the text as the ones before left it.
//!
//! A [`RuleSet`] comes from a pod's annotation ([`parse`]), from `DD_LOGS_CONFIG_PROCESSING_RULES`, or from the settings of
//! Datadog's forwarder; it is compiled once and shared. [`Chain`] is what applies to one container: sets one after the
//! other. A text that no rule touches is handed on borrowed.
//!
//! Source of the semantics: Datadog, "Advanced Log Collection", and DataDog/datadog-agent, `pkg/logs/processor`,
//! `applyRedactingRules`.

mod agreement;
pub mod container_filter;
mod escapes;
mod json_parts;
pub mod parse;
pub mod pattern;
pub mod sample;
pub mod scrub;
mod spellings;

use std::borrow::Cow;
use std::sync::Arc;

use pattern::{Pattern, Replacement, Spent, Work};
use scrub::Scrubber;
use spellings::Spellings;

/// How long a text may be for rules, in bytes. Each mask writes it again, in two spellings where it has escapes, while the event and
/// the text itself are still in memory; and Datadog takes a million bytes of it.
const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;

/// What stands for a text whose mask cannot be applied.
pub const MASK_BROKEN: &str = "[podferry: mask rule does not compile]";

/// What stands for a text that took its rules more work than a log, or its event, may take.
pub const TOO_MUCH_WORK: &str = "[podferry: rules took too much work]";

/// One rule that works.
#[derive(Debug, Clone)]
pub struct ProcessingRule {
    /// As its author calls it.
    pub name: String,
    pub action: RuleAction,
}

/// What a rule does.
#[derive(Debug, Clone)]
pub enum RuleAction {
    /// `exclude_at_match`: leaves out what matches, anywhere in the text.
    Exclude(Pattern),
    /// `include_at_match`: leaves out what does not match.
    Include(Pattern),
    /// `mask_sequences`: replaces every match.
    Mask(Pattern, Replacement),
    /// `exclude_truncated`: leaves out what was cut.
    ExcludeTruncated,
    /// One of podferry's own scrubbers.
    Scrub(Scrubber),
    /// A mask that does not compile: no text gets past it.
    BrokenMask,
}

/// `multi_line`: a line that matches begins a log.
#[derive(Debug, Clone)]
pub struct MultiLine {
    pub name: String,
    /// Anchored at the start of the line.
    pub pattern: Pattern,
}

/// Why a rule, or a list of rules, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", .name.as_ref().map(|name| format!("rule `{name}`: ")).unwrap_or_default())]
pub struct RuleError {
    /// The rule's name, if it has one.
    pub name: Option<String>,
    pub problem: String,
}

/// Rules from one place.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// In order, without `multi_line`, which comes before all others.
    pub rules: Vec<ProcessingRule>,
    pub multi_line: Option<MultiLine>,
    /// What could not be used.
    pub errors: Vec<RuleError>,
}

impl RuleSet {
    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_error = |error: &RuleError| {
            size_of::<RuleError>() + error.problem.len() + error.name.as_ref().map_or(0, String::len)
        };
        let rules: usize = self.rules.iter().map(|rule| rule.name.len() + rule.action.bytes()).sum();
        let multi_line = self.multi_line.as_ref().map_or(0, |rule| rule.name.len() + rule.pattern.bytes());
        rules + multi_line + self.errors.iter().map(of_error).sum::<usize>()
    }
}

impl RuleAction {
    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<ProcessingRule>()
            + match self {
                RuleAction::Exclude(pattern) | RuleAction::Include(pattern) => pattern.bytes(),
                RuleAction::Mask(pattern, replacement) => pattern.bytes() + replacement.bytes(),
                RuleAction::ExcludeTruncated | RuleAction::Scrub(_) | RuleAction::BrokenMask => 0,
            }
    }
}

/// The rules of one container: those of the settings, its own, and those of the settings that come last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    sets: [Arc<RuleSet>; 3],
    is_empty: bool,
    masks: bool,
}

/// The effect of a rule on a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEffect {
    Excluded,
    Masked,
    /// Replaced as a whole.
    Withheld(Withheld),
}

/// Why a text is withheld, its attributes too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// A mask does not compile.
    MaskBroken,
    /// The budget of work was spent: see [`pattern::Work`].
    TooMuchWork,
}

impl Withheld {
    /// What stands for the text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Withheld::MaskBroken => MASK_BROKEN,
            Withheld::TooMuchWork => TOO_MUCH_WORK,
        }
    }
}

/// A rule that had an effect on a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    pub rule: String,
    pub effect: RuleEffect,
}

/// What the rules leave of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RulesOutcome<'r, 't> {
    Keep(Cow<'t, str>),
    /// Something else stands for the text and its attributes; and the rule that is to be told of, where its event does not have it from elsewhere.
    Withheld(Withheld, Option<&'r str>),
    Excluded,
}

impl Chain {
    /// The rules of `first`, then of `own`, then of `last`.
    pub(crate) fn new(first: &Arc<RuleSet>, own: &Arc<RuleSet>, last: &Arc<RuleSet>) -> Chain {
        let sets = [first.clone(), own.clone(), last.clone()];
        let all = || sets.iter().flat_map(|set| &set.rules);
        let is_mask = |rule: &ProcessingRule| {
            matches!(rule.action, RuleAction::Mask(..) | RuleAction::Scrub(_) | RuleAction::BrokenMask)
        };
        Chain { is_empty: all().next().is_none(), masks: all().any(is_mask), sets }
    }

    /// The container's own.
    pub(crate) fn own(&self) -> &Arc<RuleSet> {
        &self.sets[1]
    }

    /// Whether there is nothing to apply.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    fn rules(&self) -> impl Iterator<Item = &ProcessingRule> {
        self.sets.iter().flat_map(|set| &set.rules)
    }

    /// Whether `exclude_truncated` is among them, and its name.
    pub(crate) fn excludes_truncated(&self) -> Option<&str> {
        let mut rules = self.rules();
        rules.find(|rule| matches!(rule.action, RuleAction::ExcludeTruncated)).map(|rule| rule.name.as_str())
    }

    /// Applies all rules in order. `report` hears what they did.
    pub(crate) fn apply<'r, 't>(
        &'r self,
        text: &'t str,
        truncated: bool,
        work: &Work,
        mut report: impl FnMut(&ProcessingRule, RuleEffect),
    ) -> RulesOutcome<'r, 't> {
        if text.len() > MAX_TEXT_BYTES
            && let Some(rule) = self.rules().find(|rule| !matches!(rule.action, RuleAction::ExcludeTruncated))
        {
            report(rule, RuleEffect::Withheld(Withheld::TooMuchWork));
            return RulesOutcome::Withheld(Withheld::TooMuchWork, Some(rule.name.as_str()));
        }
        let mut text = Spellings::new(text);
        for rule in self.rules() {
            let effect = rule.effect(&mut text, truncated, work);
            if let Some(effect) = effect {
                report(rule, effect);
            }
            match effect {
                None | Some(RuleEffect::Masked) => {}
                Some(RuleEffect::Excluded) => return RulesOutcome::Excluded,
                Some(RuleEffect::Withheld(why)) => {
                    let is_told = why == Withheld::MaskBroken;
                    return RulesOutcome::Withheld(why, (!is_told).then_some(rule.name.as_str()));
                }
            };
        }
        RulesOutcome::Keep(text.into_text())
    }

    /// Applies the masks to the attributes of a log, a JSON object: to each name, string and number by itself, since escapes may
    /// hide a match, and then to the whole. `None` where nothing changed.
    ///
    /// # Errors
    /// The rule that the budget did not last for.
    pub(crate) fn mask_attributes<'s>(
        &'s self,
        attributes: &str,
        work: &Work,
    ) -> Result<Option<String>, &'s ProcessingRule> {
        if !self.masks {
            return Ok(None);
        }
        let by_parts = json_parts::masked(attributes, |part| self.masked(part, work))?;
        let whole = self.masked(by_parts.as_deref().unwrap_or(attributes), work)?;
        Ok(whole.or(by_parts))
    }

    /// What all masks make of a text; `None` where they change nothing, and the rule that the budget did not last for.
    fn masked(&self, text: &str, work: &Work) -> Result<Option<String>, &ProcessingRule> {
        let mut text = Spellings::new(text);
        let mut changed = false;
        for rule in self.rules() {
            changed |= rule.mask(&mut text, work).map_err(|Spent| rule)?;
        }
        Ok(changed.then(|| text.into_text().into_owned()))
    }
}

/// Whether a pattern matches a text in one of its spellings, with the blanks at its ends or without: the Agent takes them off first.
/// Source: DataDog/datadog-agent, `pkg/logs/internal/decoder`, `single_line_handler.go`.
fn matches(pattern: &Pattern, text: &mut Spellings, work: &Work) -> Result<bool, Spent> {
    text.any(|text| {
        let trimmed = text.trim();
        Ok(pattern.is_match(text, work)? || trimmed.len() < text.len() && pattern.is_match(trimmed, work)?)
    })
}

impl ProcessingRule {
    /// What the rule does to a text, if anything; a mask is applied.
    fn effect(&self, text: &mut Spellings, truncated: bool, work: &Work) -> Option<RuleEffect> {
        let excluded = |is_excluded: bool| is_excluded.then_some(RuleEffect::Excluded);
        let effect = match &self.action {
            RuleAction::Exclude(pattern) => matches(pattern, text, work).map(excluded),
            RuleAction::Include(pattern) => matches(pattern, text, work).map(|is_match| excluded(!is_match)),
            RuleAction::ExcludeTruncated => Ok(excluded(truncated)),
            RuleAction::BrokenMask => Ok(Some(RuleEffect::Withheld(Withheld::MaskBroken))),
            RuleAction::Mask(..) | RuleAction::Scrub(_) => {
                self.mask(text, work).map(|is_masked| is_masked.then_some(RuleEffect::Masked))
            }
        };
        effect.unwrap_or(Some(RuleEffect::Withheld(Withheld::TooMuchWork)))
    }

    /// Applies a mask; whether it changed something.
    fn mask(&self, text: &mut Spellings, work: &Work) -> Result<bool, Spent> {
        text.replace(|text| self.masked(text, work))
    }

    /// What a mask makes of a text; `None` if this is none, or it changes nothing.
    fn masked(&self, text: &str, work: &Work) -> Result<Option<String>, Spent> {
        let masked = match &self.action {
            RuleAction::Mask(pattern, replacement) => replacement.mask(pattern, text, work)?,
            RuleAction::Scrub(scrubber) => scrubber.scrub(text),
            _ => return Ok(None),
        };
        match masked {
            Cow::Owned(masked) => Ok(Some(masked)),
            Cow::Borrowed(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pattern::Dialect;

    #[test]
    fn the_longest_text_for_rules_is_exact() {
        let action = RuleAction::Exclude(Pattern::new("y", Dialect::Go).unwrap());
        let rules = vec![ProcessingRule { name: "r".to_owned(), action }];
        let set = Arc::new(RuleSet { rules, ..RuleSet::default() });
        let chain = Chain::new(&Arc::default(), &set, &Arc::default());
        let work = Work::unlimited();
        for (length, is_kept) in [(MAX_TEXT_BYTES - 1, true), (MAX_TEXT_BYTES, true), (MAX_TEXT_BYTES + 1, false)] {
            let text = "x".repeat(length);
            let outcome = chain.apply(&text, false, &work, |_, _| {});
            assert_eq!(outcome == RulesOutcome::Keep(Cow::Borrowed(&text)), is_kept, "{length}");
            assert_eq!(matches!(outcome, RulesOutcome::Withheld(Withheld::TooMuchWork, Some("r"))), !is_kept);
        }
    }
}
