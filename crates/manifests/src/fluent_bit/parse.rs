//! Reads Fluent Bit's classic configuration, and keeps where each part is.
//!
//! Line by line, as Fluent Bit does: `[SECTION]`, `Name value`, `# comment`, `@COMMAND …`. It never fails as a whole: a line that
//! is none of these is a [`Problem`], and the next one is read. Fluent Bit itself ends at the first; who writes a configuration wants
//! to know all.
//!
//! There is no continuation and there are no quotes: a value is the rest of its line, with any `#` in it, also where it was meant to
//! begin a comment ([`ReadProperty::comment`]). Plugins that take several
//! words in a value (`Record`, `Rule`) split it themselves, and only they know quotes. Names of sections and properties have any case.
//!
//! Source: fluent/fluent-bit, `src/config_format/flb_cf_fluentbit.c`.

#[cfg(test)]
use super::{Property, Section};

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// A value and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

/// A section as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSection {
    pub name: Spanned<String>,
    /// How far its line is indented, in characters.
    pub(crate) indentation: usize,
    pub(crate) properties: Vec<ReadProperty>,
}

impl ReadSection {
    /// The value of an option, whatever the case of its name; the first where it is given twice.
    pub fn value(&self, option: &str) -> Option<&str> {
        let is = |property: &&ReadProperty| property.name.value.eq_ignore_ascii_case(option);
        self.properties.iter().find(is).map(|property| property.value.value.as_str())
    }
}

/// A property as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadProperty {
    pub(crate) name: Spanned<String>,
    /// Empty where nothing follows the name.
    pub(crate) value: Spanned<String>,
    pub(crate) indentation: usize,
}

impl ReadProperty {
    /// What looks like a comment behind the value, from its `#`: Fluent Bit has none there, so it is part of the value. A `#` at the
    /// value's own beginning is one if a blank follows.
    pub(crate) fn comment(&self) -> Option<Spanned<&str>> {
        let text = self.value.value.as_str();
        let mut before = None;
        let at = text.char_indices().position(|(_, letter)| {
            let is_behind = before.replace(letter).is_none_or(char::is_whitespace);
            letter == '#' && is_behind
        });
        let (at, _) = text.char_indices().nth(at?)?;
        let comment = text.get(at..)?;
        let is_one = at > 0 || comment.len() == 1 || comment.get(1..)?.starts_with(char::is_whitespace);
        let start = self.value.span.start + at;
        is_one.then_some(Spanned { value: comment, span: Span { start, end: self.value.span.end } })
    }
}

/// A line that cannot be read, or that EKS rejects anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    pub(crate) span: Span,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProblemKind {
    #[error("a section name has no closing bracket")]
    Unclosed,
    #[error("a section has no name")]
    Nameless,
    #[error("a property comes before the first section")]
    Homeless,
    #[error("a command such as @INCLUDE or @SET: EKS has no files to include and no variables to set")]
    Command,
}

/// What is in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    pub sections: Vec<ReadSection>,
    pub(crate) problems: Vec<Problem>,
    /// Comments after spaces: Fluent Bit checks their indentation as it does that of properties.
    pub(crate) comments: Vec<Span>,
}

#[cfg(test)]
impl Configuration {
    /// Without the places: what was read, to be held against what was written.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let property = |property: &ReadProperty| Property {
            name: property.name.value.clone(),
            value: property.value.value.clone(),
        };
        let section = |section: &ReadSection| Section {
            name: section.name.value.clone(),
            properties: section.properties.iter().map(property).collect(),
        };
        self.sections.iter().map(section).collect()
    }
}

/// Reads a text.
pub fn parse(text: &str) -> Configuration {
    let mut configuration = Configuration::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        configuration.line(line.trim_end_matches(['\n', '\r']), start);
        start += line.len();
    }
    configuration
}

impl Configuration {
    fn line(&mut self, line: &str, start: usize) {
        let content = line.trim_start();
        let indentation = line.chars().count() - content.chars().count();
        let at = start + line.len() - content.len();
        let content = content.trim_end();
        let whole = Span { start: at, end: at + content.len() };
        let problem = |kind| Problem { kind, span: whole };
        match content.as_bytes().first() {
            None => {}
            Some(b'#') => self.comments.extend((indentation > 0).then_some(whole)),
            Some(b'@') => self.problems.push(problem(ProblemKind::Command)),
            Some(b'[') => match content[1..].split_once(']') {
                None => self.problems.push(problem(ProblemKind::Unclosed)),
                Some((name, _)) if name.trim().is_empty() => self.problems.push(problem(ProblemKind::Nameless)),
                Some((name, _)) => {
                    let name = spanned(name, at + 1);
                    self.sections.push(ReadSection { name, indentation, properties: Vec::new() });
                }
            },
            Some(_) => {
                let Some(section) = self.sections.last_mut() else {
                    return self.problems.push(problem(ProblemKind::Homeless));
                };
                let length = content.find(char::is_whitespace).unwrap_or(content.len());
                let (name, value) = content.split_at(length);
                let property =
                    ReadProperty { name: spanned(name, at), value: spanned(value, at + length), indentation };
                section.properties.push(property);
            }
        }
    }
}

/// The text without white space around it, and its place.
fn spanned(text: &str, start: usize) -> Spanned<String> {
    let trimmed = text.trim_start();
    let start = start + text.len() - trimmed.len();
    let trimmed = trimmed.trim_end();
    Spanned { value: trimmed.to_owned(), span: Span { start, end: start + trimmed.len() } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fluent_bit::write;

    #[test]
    fn a_comment_behind_a_value_is_seen() {
        for (line, expected) in [
            ("region us-east-2  # mine", Some("# mine")),
            ("region us-east-2 #mine", Some("#mine")),
            ("region us-east-2\t# a # b", Some("# a # b")),
            ("log_key # none", Some("# none")),
            ("log_key #", Some("#")),
            ("Key #id", None),
            ("Regex log a#b", None),
            ("Regex log \\#", None),
            ("Name é # ü", Some("# ü")),
            ("Name", None),
        ] {
            let text = format!("[OUTPUT]\n    {line}\n");
            let read = parse(&text);
            let comment = read.sections[0].properties[0].comment();
            assert_eq!(comment.as_ref().map(|comment| comment.value), expected, "{line}");
            if let Some(comment) = comment {
                assert_eq!(&text[comment.span.start..comment.span.end], comment.value);
            }
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text =
            "# c\n[FILTER]\r\n    Name   grep \n    Regex log  a b\n\n    Flag\n[ OUTPUT ]\nx\n[BAD\n@SET a=b\n[]\n";
        let read = parse(text);
        let at = |span: Span| &text[span.start..span.end];
        let names: Vec<&str> = read.sections.iter().map(|section| at(section.name.span)).collect();
        assert_eq!(names, ["FILTER", "OUTPUT"]);
        let filter = &read.sections[0];
        let values: Vec<(&str, &str)> =
            filter.properties.iter().map(|one| (at(one.name.span), at(one.value.span))).collect();
        assert_eq!(values, [("Name", "grep"), ("Regex", "log  a b"), ("Flag", "")]);
        assert_eq!((filter.indentation, filter.properties[0].indentation), (0, 4));
        let problems: Vec<(ProblemKind, &str)> = read.problems.iter().map(|one| (one.kind, at(one.span))).collect();
        assert_eq!(
            problems,
            [(ProblemKind::Unclosed, "[BAD"), (ProblemKind::Command, "@SET a=b"), (ProblemKind::Nameless, "[]")]
        );
        assert_eq!(parse("a b").problems[0].kind, ProblemKind::Homeless);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in prop::collection::vec(("[A-Za-z_.]{1,8}", "[!-~]([ -~]{0,10}[!-~])?"), 0..5)) {
            let mut section = Section::filter("grep", "kube.*");
            for (name, value) in &names {
                section = section.with(name, value);
            }
            let sections = [section.clone(), Section::output("es", "*")];
            let read = parse(&write(&sections));
            prop_assert_eq!(read.sections(), sections);
            prop_assert!(read.problems.is_empty());
        }

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            for section in parse(&text).sections {
                prop_assert_eq!(&text[section.name.span.start..section.name.span.end], section.name.value.as_str());
            }
        }
    }
}
