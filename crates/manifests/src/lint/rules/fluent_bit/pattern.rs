//! Regular expressions as Fluent Bit's library Onigmo reads them, as far as a mistake can be seen without running one.
//!
//! Nothing here rejects what Onigmo takes: look-around, possessive repeats and back references are passed over.
//!
//! Source: k-takata/Onigmo, doc/RE.

type Letters<'p> = std::iter::Peekable<std::str::CharIndices<'p>>;

/// The names of the groups, in order.
pub(super) fn groups(pattern: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut letters = pattern.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => _ = letters.next(),
            '[' => _ = class(&mut letters),
            '(' => match PatternGroup::at(pattern, at) {
                PatternGroup::Named(name) => names.extend(name),
                PatternGroup::Comment => _ = comment(&mut letters),
                PatternGroup::Other => {}
            },
            _ => {}
        }
    }
    names
}

/// What a parenthesis opens.
enum PatternGroup<'p> {
    /// With its name, if that is closed.
    Named(Option<&'p str>),
    Comment,
    /// Without a name, or look-around, or options.
    Other,
}

impl<'p> PatternGroup<'p> {
    fn at(pattern: &'p str, at: usize) -> PatternGroup<'p> {
        let rest = pattern.get(at..).unwrap_or_default();
        if rest.starts_with("(?#") {
            PatternGroup::Comment
        } else if let Some(name) = rest.strip_prefix("(?'") {
            PatternGroup::Named(name.split_once('\'').map(|(name, _)| name))
        } else {
            let name = rest.strip_prefix("(?<").filter(|rest| !rest.starts_with(['=', '!']));
            name.map_or(PatternGroup::Other, |name| PatternGroup::Named(name.split_once('>').map(|(name, _)| name)))
        }
    }
}

/// Reads up to the parenthesis that closes a comment; whether there is one. A backslash takes the next character along.
fn comment(letters: &mut Letters<'_>) -> bool {
    while let Some((_, letter)) = letters.next() {
        match letter {
            ')' => return true,
            '\\' => _ = letters.next(),
            _ => {}
        }
    }
    false
}

/// Why a pattern does not compile, and at which byte.
pub(super) fn broken(pattern: &str) -> Option<(usize, &'static str)> {
    let mut open = Vec::new();
    let mut letters = pattern.char_indices().peekable();
    let mut is_start = true;
    while let Some((at, letter)) = letters.next() {
        let begins = matches!(letter, '(' | '|') || (letter == '^' && is_start);
        match letter {
            '\\' if letters.next().is_none() => return Some((at, "it ends in a backslash")),
            '[' if !class(&mut letters) => return Some((at, "a bracket is not closed")),
            '(' if matches!(PatternGroup::at(pattern, at), PatternGroup::Comment) => {
                if !comment(&mut letters) {
                    return Some((at, "a comment is not closed"));
                }
                continue;
            }
            '(' => {
                open.push(at);
                if letters.peek().is_some_and(|(_, next)| *next == '?') {
                    letters.next();
                    if let Some(problem) = group_name(pattern, at) {
                        return Some((at, problem));
                    }
                }
            }
            ')' if open.pop().is_none() => return Some((at, "a parenthesis is closed but was never opened")),
            '*' | '+' | '?' if is_start => return Some((at, "there is nothing to repeat")),
            _ => {}
        }
        is_start = begins;
    }
    open.pop().map(|at| (at, "a parenthesis is not closed"))
}

/// Reads up to the bracket that closes a class; whether there is one.
fn class(letters: &mut Letters<'_>) -> bool {
    if letters.peek().is_some_and(|(_, letter)| *letter == '^') {
        letters.next();
    }
    let mut is_first = true;
    while let Some((_, letter)) = letters.next() {
        match letter {
            // As the first one it is a character like any other.
            ']' if !is_first => return true,
            '\\' if letters.next().is_none() => return false,
            '[' if !class(letters) => return false,
            _ => {}
        }
        is_first = false;
    }
    false
}

fn group_name(pattern: &str, at: usize) -> Option<&'static str> {
    if pattern.get(at..)?.starts_with("(?P<") {
        return Some("`(?P<` is from another dialect: here, a named group starts with `(?<`");
    }
    let PatternGroup::Named(name) = PatternGroup::at(pattern, at) else { return None };
    let is_name = |name: &str| {
        name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
            && name.starts_with(|first: char| !first.is_numeric())
    };
    if name.is_some_and(is_name) { None } else { Some("a group's name is not closed, or is not valid") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiles_is_passed_over() {
        for pattern in [
            r"^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$",
            r"/^\[(?<a>[^\]]*)\]/i",
            r"(?<=a)b(?!c)(?:d)++e*+f?+[]x]+[^]x]*[[:alpha:]&&[^a-c]]\(?\)",
            r"a{2,}\k<b>(?>x)",
            r"a(?#b)+",
            r"(?'a'x)(?#a ( or \) comes (?<)b",
            r"|a",
            "",
        ] {
            assert_eq!(broken(pattern), None, "{pattern}");
        }
        assert_eq!(groups(r"(?<a>x)(?<=y)\(?<n>(?<b>z)"), ["a", "b"]);
        assert_eq!(groups(r"\\(?<a>x)(?'b'y)[(?<n>](?#(?<n>z)(?<"), ["a", "b"]);
    }

    #[test]
    fn what_does_not_is_found() {
        for (pattern, at) in [
            ("(a", 0),
            ("a)", 1),
            ("[a", 0),
            ("a\\", 1),
            ("*a", 0),
            ("a|+", 2),
            ("(?P<n>a)", 0),
            ("x(?<n a)", 1),
            ("[[a]", 0),
            ("(?<1>a)", 0),
            ("a(?#b", 1),
        ] {
            assert_eq!(broken(pattern).map(|(at, _)| at), Some(at), "{pattern}");
        }
    }
}
