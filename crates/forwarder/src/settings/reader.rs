//! Reads one variable at a time, and gathers what is wrong with them.

use pipeline::counted::counted;
use pipeline::tags::as_tags::AsTags;

use super::variables::VariableSource;

/// One mistake: the variable, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct Mistake {
    pub variable: &'static str,
    pub(crate) problem: String,
}

/// All mistakes at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl std::error::Error for Mistakes {}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{} cannot be used:", counted(self.0.len(), "setting"))?;
        self.0.iter().try_for_each(|mistake| write!(formatter, "\n  {mistake}"))
    }
}

/// Reads variables and gathers what is wrong with them. No mistake repeats a value: it may be a secret.
pub(super) struct VariableReader<'a> {
    pub(super) source: &'a dyn VariableSource,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
}

impl<'a> VariableReader<'a> {
    pub(super) fn new(source: &'a dyn VariableSource) -> VariableReader<'a> {
        VariableReader { source, mistakes: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn get(&self, name: &'static str) -> Option<String> {
        let value = self.source.get(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub(super) fn mistake(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.mistakes.push(Mistake { variable, problem: problem.into() });
    }

    /// As it is, spaces at the ends too: for patterns.
    pub(super) fn exact(&self, name: &'static str) -> Option<String> {
        self.source.get(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        self.flag_or(name, false)
    }

    pub(super) fn flag_or(&mut self, name: &'static str, default: bool) -> bool {
        match self.get(name).as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            None => default,
            Some(_) => {
                self.mistake(name, "must be `true` or `false`");
                default
            }
        }
    }

    pub(super) fn number(&mut self, name: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.get(name)?;
        let number = value.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.mistake(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    pub(super) fn as_tags(&mut self, name: &'static str) -> AsTags {
        let Some(json) = self.get(name) else { return AsTags::default() };
        AsTags::parse(&json).unwrap_or_else(|expected| {
            self.mistake(name, format!("must be {expected}"));
            AsTags::default()
        })
    }
}
