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
use std::convert::Infallible;
use std::sync::Arc;

use pattern::{Pattern, Replacement};
use scrub::Scrubber;
use spellings::Spellings;

/// What stands for a text whose mask cannot be applied.
pub const MASK_BROKEN: &str = "[podferry: mask rule does not compile]";

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
    /// Replaced as a whole: see [`MASK_BROKEN`].
    Withheld,
}

/// A rule that had an effect on a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    pub rule: String,
    pub effect: RuleEffect,
}

/// What the rules leave of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RulesOutcome<'t> {
    Keep(Cow<'t, str>),
    /// The text, its attributes too, could not be masked; [`MASK_BROKEN`] stands for it.
    Withheld,
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
    pub(crate) fn apply<'t>(
        &self,
        text: &'t str,
        truncated: bool,
        mut report: impl FnMut(&ProcessingRule, RuleEffect),
    ) -> RulesOutcome<'t> {
        let mut text = Spellings::new(text);
        for rule in self.rules() {
            let excluded = match &rule.action {
                RuleAction::Exclude(pattern) => matches(pattern, &mut text),
                RuleAction::Include(pattern) => !matches(pattern, &mut text),
                RuleAction::ExcludeTruncated => truncated,
                RuleAction::BrokenMask => {
                    report(rule, RuleEffect::Withheld);
                    return RulesOutcome::Withheld;
                }
                RuleAction::Mask(..) | RuleAction::Scrub(_) => {
                    if rule.mask(&mut text) {
                        report(rule, RuleEffect::Masked);
                    }
                    false
                }
            };
            if excluded {
                report(rule, RuleEffect::Excluded);
                return RulesOutcome::Excluded;
            }
        }
        RulesOutcome::Keep(text.into_text())
    }

    /// Applies the masks to the attributes of a log, a JSON object: to each name, string and number by itself, since escapes may
    /// hide a match, and then to the whole. `None` where nothing changed.
    pub(crate) fn mask_attributes(&self, attributes: &str) -> Option<String> {
        if !self.masks {
            return None;
        }
        let by_parts =
            json_parts::masked(attributes, |part| Ok::<_, Infallible>(self.masked(part))).unwrap_or_default();
        let whole = self.masked(by_parts.as_deref().unwrap_or(attributes));
        whole.or(by_parts)
    }

    /// What all masks make of a text; `None` where they change nothing.
    fn masked(&self, text: &str) -> Option<String> {
        let mut text = Spellings::new(text);
        let changed = self.rules().fold(false, |changed, rule| rule.mask(&mut text) | changed);
        changed.then(|| text.into_text().into_owned())
    }
}

/// Whether a pattern matches a text in one of its spellings, with the blanks at its ends or without: the Agent takes them off first.
/// Source: DataDog/datadog-agent, `pkg/logs/internal/decoder`, `single_line_handler.go`.
fn matches(pattern: &Pattern, text: &mut Spellings) -> bool {
    let is_match = |text: &str| {
        let trimmed = text.trim();
        pattern.is_match(text) || trimmed.len() < text.len() && pattern.is_match(trimmed)
    };
    text.any(|text| Ok::<_, Infallible>(is_match(text))).unwrap_or_default()
}

impl ProcessingRule {
    /// Applies a mask; whether it changed something.
    fn mask(&self, text: &mut Spellings) -> bool {
        text.replace(|text| Ok::<_, Infallible>(self.masked(text))).unwrap_or_default()
    }

    /// What a mask makes of a text; `None` if this is none, or it changes nothing.
    fn masked(&self, text: &str) -> Option<String> {
        let masked = match &self.action {
            RuleAction::Mask(pattern, replacement) => replacement.mask(pattern, text),
            RuleAction::Scrub(scrubber) => scrubber.scrub(text),
            _ => return None,
        };
        match masked {
            Cow::Owned(masked) => Some(masked),
            Cow::Borrowed(_) => None,
        }
    }
}
