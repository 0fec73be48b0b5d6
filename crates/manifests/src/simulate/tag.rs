//! Which sections take a tag: `Match` and `Match_Regex`.
//!
//! Source: fluent/fluent-bit, src/flb_router.c, `router_match`.

use super::core::Core;
use super::onigmo::{Expression, Refused};
use super::unknown::Unknown;
use crate::fluent_bit::parse::ReadSection;

/// What a section takes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TagMatch {
    pattern: Option<String>,
    /// `None` within where it does not compile, so that it takes nothing.
    expression: Option<Result<Option<Expression>, Unknown>>,
}

impl TagMatch {
    /// What a section says.
    pub(crate) fn new(core: Core, section: &ReadSection) -> TagMatch {
        let expression = section.value("Match_Regex").map(|pattern| match Expression::new(core, pattern) {
            Ok(expression) => Ok(Some(expression)),
            Err(Refused::Broken) => Ok(None),
            Err(Refused::Unknown(unknown)) => Err(unknown),
        });
        TagMatch { pattern: section.value("Match").map(str::to_owned), expression }
    }

    /// Whether it has either.
    pub(crate) fn is_given(&self) -> bool {
        self.pattern.is_some() || self.expression.is_some()
    }

    /// Whether it has an expression that Onigmo does not take.
    pub(crate) fn is_broken(&self) -> bool {
        self.expression == Some(Ok(None))
    }

    /// Whether it takes a tag. The expression has to match from the tag's beginning; the pattern has only `*`.
    pub(crate) fn takes(&self, tag: &[u8]) -> Result<bool, Unknown> {
        if let Some(expression) = &self.expression
            && let Some(expression) = expression.as_ref().map_err(|unknown| *unknown)?
            && expression.length_at_start(tag)?.is_some_and(|length| length > 0)
        {
            return Ok(true);
        }
        Ok(self.pattern.as_ref().is_some_and(|pattern| is_like(tag, pattern.as_bytes())))
    }
}

/// Whether a tag is as a pattern says.
fn is_like(tag: &[u8], pattern: &[u8]) -> bool {
    // The parts between the stars: the first at the beginning, the last at the end, the others in between, each as early as can be.
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| tag.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let found = if part.is_empty() { Some(0) } else { rest.windows(part.len()).position(|window| window == part) };
        match found.and_then(|found| rest.get(found + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn only_the_star_is_special() {
        for (pattern, is) in [
            ("kube.*", true),
            ("*", true),
            ("k*x*.log", true),
            ("*nginx*", true),
            ("kube.x.nginx.log", true),
            ("kube", false),
            ("*.lo", false),
            ("kube.?.*", false),
            ("KUBE.*", false),
            ("**kube**", true),
            ("*kube.x.nginx.log*", true),
            ("*log.log", false),
            ("", false),
        ] {
            assert_eq!(is_like(b"kube.x.nginx.log", pattern.as_bytes()), is, "{pattern}");
        }
    }
}
