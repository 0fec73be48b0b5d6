//! Regular expressions as Fluent Bit's library Onigmo reads them, as far as a mistake can be seen without running one.
//!
//! Nothing here rejects what Onigmo takes; what it takes was asked of Onigmo itself, as Fluent Bit 1.9.10 brings it.
//!
//! Source: k-takata/Onigmo, doc/RE and regparse.c; fluent/fluent-bit, src/flb_regex.c.

use super::pattern_class::class;

type Letters<'p> = std::iter::Peekable<std::str::CharIndices<'p>>;

/// The names of the groups, in order.
pub(super) fn groups(pattern: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut letters = pattern.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => _ = letters.next(),
            '[' => _ = class(pattern, &mut letters),
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
            PatternGroup::Named(name_until(name, '\''))
        } else {
            let name = rest.strip_prefix("(?<").filter(|rest| !rest.starts_with(['=', '!']));
            name.map_or(PatternGroup::Other, |name| PatternGroup::Named(name_until(name, '>')))
        }
    }
}

/// A name before what closes it; none if something else comes first.
fn name_until(text: &str, end: char) -> Option<&str> {
    let at = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    text.get(..at).filter(|_| text.get(at..).is_some_and(|rest| rest.starts_with(end)))
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
    let inside = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let (pattern, offset) = inside.map_or((pattern, 0), |inside| (inside, 1));
    let mut check =
        PatternCheck { pattern, letters: pattern.char_indices().peekable(), open: Vec::new(), can_repeat: false };
    let found = check.run().or_else(|| references(pattern));
    found.map(|(at, problem)| (at + offset, problem))
}

/// A parenthesis that is open.
struct OpenGroup {
    at: usize,
    /// Which has to have one length.
    is_behind: bool,
}

/// Reads a pattern to its end, or to the first mistake.
struct PatternCheck<'p> {
    pattern: &'p str,
    letters: Letters<'p>,
    open: Vec<OpenGroup>,
    /// Whether something stands before that a repeat can mean.
    can_repeat: bool,
}

/// Where a mistake is, and what it is.
type Broken = Option<(usize, &'static str)>;

impl PatternCheck<'_> {
    fn run(&mut self) -> Broken {
        while let Some((at, letter)) = self.letters.next() {
            let found = match letter {
                '\\' => self.escape(at),
                '[' => class(self.pattern, &mut self.letters).map(|problem| (at, problem)),
                '(' => {
                    let found = self.group(at);
                    if found.is_some() {
                        return found;
                    }
                    continue;
                }
                ')' if self.open.pop().is_none() => Some((at, "a parenthesis is closed but was never opened")),
                '*' | '+' | '?' => self.repeat(at, true),
                '{' => match interval(self.pattern.get(at + 1..).unwrap_or_default()) {
                    Some(interval) => self.interval(at, &interval),
                    None => None,
                },
                _ => None,
            };
            if found.is_some() {
                return found;
            }
            self.can_repeat = letter != '|';
        }
        self.open.pop().map(|open| (open.at, "a parenthesis is not closed"))
    }

    fn escape(&mut self, at: usize) -> Broken {
        let Some((_, letter)) = self.letters.next() else { return Some((at, "it ends in a backslash")) };
        let digits = self.pattern.get(at + 2..).unwrap_or_default();
        let is_short =
            letter == 'u' && !digits.get(..4).is_some_and(|four| four.bytes().all(|digit| digit.is_ascii_hexdigit()));
        is_short.then_some((at, "`\\u` takes four hexadecimal digits"))
    }

    fn repeat(&mut self, at: usize, is_variable: bool) -> Broken {
        // A second one makes the first possessive or reluctant, and a third repeats it.
        if !self.can_repeat {
            return Some((at, "there is nothing to repeat"));
        }
        let is_behind = is_variable && self.open.iter().any(|open| open.is_behind);
        is_behind.then_some((at, "what is looked for behind has to have one length"))
    }

    fn interval(&mut self, at: usize, interval: &Interval) -> Broken {
        // Source: k-takata/Onigmo, onigmo.h, `ONIG_MAX_REPEAT_NUM`.
        const MOST: u32 = 100_000;
        self.letters.nth(interval.length - 1);
        if interval.least.max(interval.most) > Some(MOST) {
            return Some((at, "it repeats more often than 100,000 times"));
        }
        if interval.least > interval.most && interval.most.is_some() {
            return Some((at, "it repeats at most less often than at least"));
        }
        self.repeat(at, interval.least != interval.most)
    }

    /// What a parenthesis opens.
    fn group(&mut self, at: usize) -> Broken {
        let rest = self.pattern.get(at..).unwrap_or_default();
        if matches!(PatternGroup::at(self.pattern, at), PatternGroup::Comment) {
            return if comment(&mut self.letters) { None } else { Some((at, "a comment is not closed")) };
        }
        let is_behind = rest.starts_with("(?<=") || rest.starts_with("(?<!");
        self.open.push(OpenGroup { at, is_behind });
        self.can_repeat = false;
        let special = rest.strip_prefix("(?")?;
        self.letters.next();
        if let Some(problem) = group_name(self.pattern, at) {
            return Some((at, problem));
        }
        match special.chars().next() {
            None => Some((at, "a parenthesis is not closed")),
            // These are no part of what follows.
            Some(':' | '=' | '!' | '>' | '~') => {
                self.letters.next();
                None
            }
            Some('<' | '\'') => {
                let name = match PatternGroup::at(self.pattern, at) {
                    PatternGroup::Named(name) => name.unwrap_or_default(),
                    // Look-behind.
                    _ => "",
                };
                self.letters.nth(name.chars().count() + 1);
                None
            }
            Some('(') => None,
            Some(_) => self.options(at, special),
        }
    }

    /// `(?i)`, `(?m-x:`: the letters that Ruby's syntax has.
    fn options(&mut self, at: usize, special: &str) -> Broken {
        let length = special.find(|letter| !"imxadu-".contains(letter)).unwrap_or(special.len());
        let end = special.get(length..).and_then(|rest| rest.chars().next());
        if length == 0 || !matches!(end, Some(')' | ':')) {
            return Some((at, "no group begins like this"));
        }
        self.letters.nth(length);
        if end == Some(')') {
            self.open.pop();
        }
        None
    }
}

/// `{2,5}`.
struct Interval {
    least: Option<u32>,
    /// None if there is no end.
    most: Option<u32>,
    /// In bytes, without the brace that opens it.
    length: usize,
}

/// An interval after its brace; anything else is a text like any other.
fn interval(rest: &str) -> Option<Interval> {
    let length = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ',')?;
    let inside = rest.get(..length).filter(|_| rest.get(length..).is_some_and(|after| after.starts_with('}')))?;
    let number =
        |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().unwrap_or(u32::MAX));
    let (least, most) = match inside.split_once(',') {
        None => (inside, inside),
        Some(("", "")) => return None,
        Some(("", most)) => ("0", most),
        Some(both) => both,
    };
    if least.is_empty() {
        return None;
    }
    let most = if most.is_empty() { None } else { Some(number(most)?) };
    Some(Interval { least: Some(number(least)?), most, length: length + 1 })
}

fn group_name(pattern: &str, at: usize) -> Option<&'static str> {
    if pattern.get(at..)?.starts_with("(?P") {
        return Some("`(?P` is from another dialect: here, a named group starts with `(?<`");
    }
    let PatternGroup::Named(name) = PatternGroup::at(pattern, at) else { return None };
    let is_name = |name: &str| {
        name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
            && name.starts_with(|first: char| !first.is_numeric())
    };
    if name.is_some_and(is_name) { None } else { Some("a group's name is not closed, or is not valid") }
}

/// References to groups that are not there: `\k<name>`, `\g<name>`, `\1`. Where groups have names, those without do not count.
fn references(pattern: &str) -> Broken {
    const UNKNOWN: &str = "it refers to a group that is not there";
    let names = groups(pattern);
    let numbered = if names.is_empty() { numbered_groups(pattern) } else { 0 };
    let mut letters = pattern.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '[' => _ = class(pattern, &mut letters),
            '\\' => {
                let found = match letters.next()?.1 {
                    'k' | 'g' => reference_name(pattern.get(at + 2..)?).is_some_and(|name| !names.contains(&name)),
                    // Two digits may be an octal number.
                    digit @ '1'..='9' => {
                        let is_single = !letters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
                        is_single && digit.to_digit(10).is_some_and(|number| number > numbered)
                    }
                    _ => false,
                };
                if found {
                    return Some((at, UNKNOWN));
                }
            }
            _ => {}
        }
    }
    None
}

/// The name between `<` and `>`; not a number, nor one with a level.
fn reference_name(rest: &str) -> Option<&str> {
    let name = name_until(rest.strip_prefix('<')?, '>')?;
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_') && !name.contains(['+', '-']);
    is_name.then_some(name)
}

/// How many groups have no name.
fn numbered_groups(pattern: &str) -> u32 {
    let mut count = 0;
    let mut letters = pattern.char_indices().peekable();
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\\' => _ = letters.next(),
            '[' => _ = class(pattern, &mut letters),
            '(' if letters.peek().is_some_and(|(_, next)| *next != '?') => count += 1,
            _ => {}
        }
    }
    count
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
            r"(?<b>a){2,}\k<b>(?>x)",
            r"a(?#b)+",
            r"(?'a'x)(?#a ( or \) comes (?<)b",
            r"|a",
            "^*",
            "a**?+{2}{,3}",
            "{a{,}",
            "(?i)x(?m-x:y)",
            r"(?<n>a)\k<n>(?<!a)",
            r"(a)(b)\2\10",
            r"[a-z-9][\w-][+--][^]a]",
            "/a/",
            "[[a-z]-x]",
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
            ("(?s)a", 0),
            ("(?i", 0),
            ("a{5,2}", 1),
            ("a|{2}", 2),
            ("a{100001}", 1),
            ("(?<=a*)b", 5),
            (r"\k<n>", 0),
            (r"a\1", 1),
            (r"(?<n>a)(b)\1", 10),
            (r"\u12", 0),
            ("[z-a]", 0),
            (r"x[\w-.]", 1),
            ("[a[:foo:]]", 0),
            ("/(a/", 1),
        ] {
            assert_eq!(broken(pattern).map(|(at, _)| at), Some(at), "{pattern}");
        }
    }
}
