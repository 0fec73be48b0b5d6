//! Regular expressions as Fluent Bit's library Onigmo runs them, over bytes that may be no UTF-8.
//!
//! The engine is our own: it goes through an expression in Onigmo's order, with the way back to each choice, so that look-around, atomic
//! groups, references and which alternative wins are Onigmo's, and so is what it does with bytes that are no character. What it does not
//! read it says ([`Refused::Unknown`]), and a search that takes too long ends.

mod characters;
mod class;
mod class_syntax;
mod escapes;
mod matcher;
mod program;
mod syntax;

use super::core::Core;
use super::unknown::Unknown;
use program::Program;
pub(crate) use syntax::Refused;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    core: Core,
    program: Program,
    groups: usize,
    names: Vec<(String, Vec<usize>)>,
}

/// Where a match is: the whole, then each group that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) groups: Vec<Option<std::ops::Range<usize>>>,
}

impl Expression {
    /// Reads an expression as it stands in a configuration: as it is, or between slashes, behind which the newer core takes options.
    /// Source: fluent/fluent-bit, src/flb_regex.c, `str_to_regex` and `check_option`.
    ///
    /// # Errors
    /// Where Onigmo does not take it, or the model does not know.
    pub(crate) fn new(core: Core, pattern: &str) -> Result<Expression, Refused> {
        let (pattern, options) = match core {
            Core::Older if pattern.len() == 1 && pattern == "/" => {
                return Err(Refused::Unknown(Unknown("the expression is a single slash")));
            }
            Core::Newer if pattern.starts_with('/') => match pattern.rsplit_once('/') {
                Some((inside, options))
                    if inside.len() > 1
                        && options.chars().any(|letter| "mix".contains(letter))
                        && options.chars().all(|letter| "mixo".contains(letter)) =>
                {
                    (inside.strip_prefix('/').unwrap_or(inside), options)
                }
                _ => (between_slashes(pattern), ""),
            },
            _ => (between_slashes(pattern), ""),
        };
        let syntax = syntax::read(pattern, options)?;
        let program = program::compile(&syntax)?;
        Ok(Expression { core, program, groups: syntax.groups, names: syntax.names })
    }

    /// How many groups capture.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Names and the numbers of their groups, in the order in which the names first stand in the expression.
    pub(crate) fn names(&self) -> &[(String, Vec<usize>)] {
        &self.names
    }

    /// The first match in a text.
    ///
    /// # Errors
    /// Where it is not known whether there is one.
    pub(crate) fn search(&self, text: &[u8]) -> Result<Option<Match>, Unknown> {
        Ok(matcher::search(self.core, &self.program, text)?.map(|registers| self.groups_of(&registers)))
    }

    /// Whether a text has a match.
    ///
    /// # Errors
    /// Where it is not known.
    pub(crate) fn is_in(&self, text: &[u8]) -> Result<bool, Unknown> {
        Ok(matcher::search(self.core, &self.program, text)?.is_some())
    }

    /// How long the match is that begins at the text's beginning.
    ///
    /// # Errors
    /// Where it is not known whether there is one.
    pub(crate) fn length_at_start(&self, text: &[u8]) -> Result<Option<usize>, Unknown> {
        Ok(matcher::at_start(self.core, &self.program, text)?.and_then(|registers| registers.get(1).copied().flatten()))
    }

    fn groups_of(&self, registers: &[Option<usize>]) -> Match {
        let group = |pair: &[Option<usize>]| match pair {
            [Some(start), Some(end)] => Some(*start..*end),
            _ => None,
        };
        Match { groups: registers.chunks(2).take(self.groups + 1).map(group).collect() }
    }
}

fn between_slashes(pattern: &str) -> &str {
    pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the whole match took, and each group.
    fn found(pattern: &str, text: &[u8]) -> Option<Vec<String>> {
        found_by(Core::Newer, pattern, text)
    }

    fn found_by(core: Core, pattern: &str, text: &[u8]) -> Option<Vec<String>> {
        let expression = Expression::new(core, pattern).unwrap_or_else(|refused| panic!("{pattern}: {refused:?}"));
        let found = expression.search(text).unwrap()?;
        let shown = |range: &Option<std::ops::Range<usize>>| match range {
            Some(range) => String::from_utf8_lossy(&text[range.clone()]).into_owned(),
            None => "-".to_owned(),
        };
        Some(found.groups.iter().map(shown).collect())
    }

    #[test]
    fn expressions_take_what_onigmo_takes() {
        for (pattern, text, expected) in [
            ("b+", "abbc", Some(vec!["bb"])),
            ("(a)|(b)", "b", Some(vec!["b", "-", "b"])),
            ("^(?<x>\\d+)(y)?", "12y", Some(vec!["12y", "12"])),
            ("a|ab", "ab", Some(vec!["a"])),
            ("(?i)ERR|warn", "a Warn", Some(vec!["Warn"])),
            ("x(?i)y|Z", "xz", Some(vec!["xz"])),
            ("(?<=a)b(?!c)", "abcab", Some(vec!["b"])),
            ("(?<!a)b", "abb", Some(vec!["b"])),
            ("(?>a*)ab", "aaab", None),
            ("a*+a", "aaa", None),
            ("a{2}?", "b", Some(vec![""])),
            ("a{,2}", "aaa", Some(vec!["aa"])),
            ("a{x", "a{x", Some(vec!["a{x"])),
            ("(a*)*b", "aab", Some(vec!["aab", ""])),
            ("[^\\s]+", " ab c", Some(vec!["ab"])),
            ("[a-c&&[^b]]+", "bacb", Some(vec!["ac"])),
            ("[]a]+", "x]a", Some(vec!["]a"])),
            ("[[:alpha:]]+", "1äb", Some(vec!["äb"])),
            ("(\\w)\\1", "abb", Some(vec!["bb", "b"])),
            ("^b$", "a\nb\nc", Some(vec!["b"])),
            ("\\Ab", "a\nb", None),
            ("a.c", "a\nc", None),
            ("(?m)a.c", "a\nc", Some(vec!["a\nc"])),
            ("\\bé", "é", Some(vec!["é"])),
            ("/a.c/m", "a\nc", Some(vec!["a\nc"])),
            ("/ab/", "ab", Some(vec!["ab"])),
            ("(?#x)a(?x: b # c\n)", "ab", Some(vec!["ab"])),
            ("\\x41\\u00e9", "Aé", Some(vec!["Aé"])),
        ] {
            let expected = expected.map(|groups| groups.into_iter().map(str::to_owned).collect());
            assert_eq!(found(pattern, text.as_bytes()), expected, "{pattern}");
        }
        // A byte that is none is one character.
        assert_eq!(found("^.+$", b"\xff\xfe(").map(|found| found.len()), Some(1));
        // What a character begins with that is cut off is none to the older core, and one to the newer.
        for text in [b"ab\xe4\xb8".as_slice(), b"ab\xf0\x9f\x98", b"ab\xc3"] {
            assert_eq!(found_by(Core::Older, "^.+$", text), None);
            assert_eq!(found_by(Core::Newer, "^.+$", text).map(|found| found.len()), Some(1));
            assert!(found_by(Core::Newer, "^ab[^ ]$", text).is_some());
            assert_eq!(found_by(Core::Newer, "^abä$", text), None);
        }
        // What no character begins with is not cut off, but bytes.
        for text in [b"ab\xed\xa0".as_slice(), b"ab\xf4\x90", b"ab\xf5\x80", b"ab\xe0\x9f", b"ab\xf0\x8f\x80"] {
            for core in Core::BOTH {
                assert_eq!(found_by(core, "^.+$", text).map(|found| found.len()), Some(1), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_refused_is_told_from_what_is_not_known() {
        for broken in ["(", ")", "a)", "[a", "*a", "(?<1>a)", "a{3,2}", "[b-a]", "\\u12"] {
            assert_eq!(Expression::new(Core::Newer, broken), Err(Refused::Broken), "{broken}");
        }
        for unknown in ["\\X", "(?~a)", "\\p{Greek}", "(?<=a+)b", "(?:a{999}){999}", "(?:){99999}{99999}{99999}"] {
            assert!(matches!(Expression::new(Core::Newer, unknown), Err(Refused::Unknown(_))), "{unknown}");
        }
        let slow = Expression::new(Core::Newer, "^(a+)+$").unwrap();
        assert!(slow.is_in(&[b'a'; 40].iter().copied().chain(*b"b").collect::<Vec<u8>>()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_expression_is_read(pattern in "[a-c()\\[\\]{}|*+?.^$\\\\,0-9&:<>=!'x#-]{0,16}", text in "[a-c \n]{0,8}") {
            if let Ok(expression) = Expression::new(Core::Newer, &pattern) {
                _ = expression.search(text.as_bytes());
            }
        }
    }
}
