//! A text as rules see it: as it is written, and with its escapes undone.
//!
//! Two spellings, since either may be what the author of a rule had in mind: `ö`, which the application wrote and which Datadog shows, or
//! `\u00f6`, which stands in the log group. A rule matches where it matches one of them, and a mask hides what it hides in one of them.
//! What no rule changes is handed on as it was written, borrowed.

use std::borrow::Cow;

use super::agreement;
use super::escapes;

/// A text on its way through the rules.
#[derive(Debug)]
pub(super) struct Spellings<'t> {
    /// What is handed on.
    text: Cow<'t, str>,
    /// The same, spelled otherwise, where that is another text.
    other: Option<String>,
    /// Whether it had escapes at first: only then is it spelled in two ways later on.
    had_escapes: bool,
    /// Whether a mask has changed the text since `other` was made.
    is_stale: bool,
}

impl<'t> Spellings<'t> {
    /// The two spellings of `text`; one, and no allocation, where it has no escape of a readable character.
    pub(super) fn new(text: &'t str) -> Spellings<'t> {
        let other = escapes::undone(text);
        Spellings { text: Cow::Borrowed(text), had_escapes: other.is_some(), other, is_stale: false }
    }

    /// Whether something is so of one of the spellings.
    ///
    /// # Errors
    /// Those of `is`.
    pub(super) fn any<E>(&mut self, mut is: impl FnMut(&str) -> Result<bool, E>) -> Result<bool, E> {
        if is(&self.text)? {
            return Ok(true);
        }
        self.other().map_or(Ok(false), is)
    }

    /// Applies a mask, which gives `None` where it changes nothing. Whether the text is another now.
    ///
    /// Where the mask hides the same in both spellings, the text keeps its own. Where it hides more in one, the escapes are undone in what
    /// is left.
    ///
    /// # Errors
    /// Those of `mask`; the text is as it was then.
    pub(super) fn replace<E>(&mut self, mut mask: impl FnMut(&str) -> Result<Option<String>, E>) -> Result<bool, E> {
        let text = mask(&self.text)?;
        let other = self.other().map_or(Ok(None), mask)?;
        if text.is_none() && other.is_none() {
            return Ok(false);
        }
        // A text may be as long as its event: what is no longer needed goes first.
        self.other = None;
        self.text = Cow::Borrowed("");
        self.is_stale = self.had_escapes;
        self.text = Cow::Owned(match (text, other.map(escapes::undo)) {
            (text, None) => text.unwrap_or_default(),
            (None, Some(other)) => other,
            (Some(text), Some(other)) if escapes::reads(&text, &other) => text,
            (Some(text), Some(other)) => agreement::left_by_both(&escapes::undo(text), &other),
        });
        Ok(true)
    }

    /// The spelling that is not handed on.
    fn other(&mut self) -> Option<&str> {
        if std::mem::take(&mut self.is_stale) {
            self.other = escapes::undone(&self.text).or_else(|| escapes::escaped(&self.text));
        }
        self.other.as_deref()
    }

    /// What is left.
    pub(super) fn into_text(self) -> Cow<'t, str> {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn replaced(text: &str, masks: &[(&str, &str)]) -> String {
        let mut spellings = Spellings::new(text);
        for (hidden, shown) in masks {
            let mask = |text: &str| text.contains(hidden).then(|| text.replace(hidden, shown));
            spellings.replace(|text| Ok::<_, Infallible>(mask(text))).unwrap();
        }
        spellings.into_text().into_owned()
    }

    #[test]
    fn a_mask_may_mean_either_spelling() {
        assert_eq!(replaced(r"J\u00f6rg K\u00f6ln", &[("Jörg", "*")]), "* Köln");
        assert_eq!(replaced(r"J\u00f6rg K\u00f6ln", &[(r"J\u00f6rg", "*")]), r"* K\u00f6ln");
    }

    #[test]
    fn what_both_spellings_hide_leaves_the_rest_as_it_was_written() {
        assert_eq!(replaced(r"geheim K\u00f6ln", &[("geheim", "*")]), r"* K\u00f6ln");
    }

    #[test]
    fn a_later_mask_has_both_spellings_too() {
        for later in ["Köln", r"K\u00f6ln"] {
            assert_eq!(replaced(r"J\u00f6rg K\u00f6ln", &[("Jörg", "*"), (later, "#")]), "* #");
            assert_eq!(replaced(r"geheim K\u00f6ln", &[("geheim", "*"), (later, "#")]), "* #");
        }
    }

    #[test]
    fn what_has_no_escapes_has_one_spelling() {
        assert_eq!(replaced("Jörg", &[("x", "y"), (r"\u00f6", "*")]), "Jörg");
        assert!(matches!(Spellings::new(r#"{"a":"\n\"ö"}"#).into_text(), Cow::Borrowed(_)));
    }

    #[test]
    fn more_than_one_spelling_hides_is_hidden() {
        // As `Kunde: [a-z\\]+` and `Kunde: [a-zö]+` would.
        let mut spellings = Spellings::new(r"Kunde: j\u00f6rg, ok");
        let mask = |text: &str| text.replace(r"Kunde: j\", "*").replace("Kunde: jörg", "*");
        spellings.replace(|text| Ok::<_, Infallible>(Some(mask(text)))).unwrap();
        assert_eq!(spellings.into_text(), "*, ok");
    }
}
