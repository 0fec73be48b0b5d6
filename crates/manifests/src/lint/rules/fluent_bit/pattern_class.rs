//! Classes of characters in a regular expression, `[a-z\d]`, as Onigmo reads them.
//!
//! Source: k-takata/Onigmo, regparse.c, `parse_char_class`.

type Letters<'p> = std::iter::Peekable<std::str::CharIndices<'p>>;

/// Names between `[:` and `:]`. Source: k-takata/Onigmo, doc/RE.
const BRACKETS: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
    "xdigit", "word",
];

/// What was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastItem {
    /// Nothing, or what no range can begin with: a dash behind it is a character.
    None,
    /// A character, if it is known which.
    Character(Option<char>),
    /// `\d`, `[:alpha:]`.
    Kind,
    /// A character and a dash.
    Range(Option<char>),
}

/// A class that is open.
#[derive(Debug, Clone, Copy)]
struct OpenClass {
    last: LastItem,
    is_first: bool,
}

impl OpenClass {
    /// At its beginning, after a `^`.
    fn new(letters: &mut Letters<'_>) -> OpenClass {
        letters.next_if(|(_, letter)| *letter == '^');
        OpenClass { last: LastItem::None, is_first: true }
    }

    /// What is wrong with an item that comes next.
    fn take(&mut self, item: LastItem) -> Option<&'static str> {
        self.is_first = false;
        self.last = match (self.last, item) {
            (LastItem::Range(_), LastItem::Kind) => return Some("a class such as `\\w` cannot end a range"),
            (LastItem::Range(Some(from)), LastItem::Character(Some(to))) if from > to => {
                return Some("a range ends before it begins");
            }
            (LastItem::Range(_), _) => LastItem::None,
            (_, item) => item,
        };
        None
    }

    /// What is wrong with a dash; it is a character where it stands first, last, or behind a range.
    fn dash(&mut self, is_last: bool) -> Option<&'static str> {
        match self.last {
            LastItem::None => self.last = LastItem::Character(Some('-')),
            LastItem::Range(_) => return self.take(LastItem::Character(Some('-'))),
            _ if is_last => self.last = LastItem::None,
            LastItem::Kind => return Some("a class such as `\\w` cannot begin a range"),
            LastItem::Character(from) => self.last = LastItem::Range(from),
        }
        self.is_first = false;
        None
    }
}

/// Reads up to the bracket that closes a class whose own has been read; what is wrong with it. Classes in it are read with it, however
/// many there are.
pub(super) fn class(pattern: &str, letters: &mut Letters<'_>) -> Option<&'static str> {
    let mut around: Vec<OpenClass> = Vec::new();
    let mut open = OpenClass::new(letters);
    while let Some((at, letter)) = letters.next() {
        let problem = match letter {
            // As the first one it is a character like any other.
            ']' if !open.is_first => {
                // With the outermost one, all is read.
                open = around.pop()?;
                open.take(LastItem::None)
            }
            '\\' => match letters.next() {
                Some((_, escaped)) => open.take(escape(escaped)),
                None => break,
            },
            '[' => match bracket(pattern.get(at..).unwrap_or_default()) {
                Some((true, length)) => {
                    letters.nth(length - 2);
                    open.take(LastItem::Kind)
                }
                Some((false, _)) => Some("Onigmo has no such class between `[:` and `:]`"),
                None => {
                    around.push(open);
                    open = OpenClass::new(letters);
                    None
                }
            },
            '&' if letters.next_if(|(_, next)| *next == '&').is_some() => open.take(LastItem::None),
            '-' => open.dash(letters.peek().is_some_and(|(_, next)| *next == ']')),
            other => open.take(LastItem::Character(Some(other))),
        };
        if problem.is_some() {
            return problem;
        }
    }
    Some("a bracket is not closed")
}

fn escape(escaped: char) -> LastItem {
    match escaped {
        'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'h' | 'H' | 'p' | 'P' => LastItem::Kind,
        escaped if escaped.is_ascii_alphanumeric() => LastItem::Character(None),
        escaped => LastItem::Character(Some(escaped)),
    }
}

/// `[:alpha:]`: whether it is one that is known, and its length.
fn bracket(rest: &str) -> Option<(bool, usize)> {
    // Longer than any name, for Onigmo looks no further either.
    const LONGEST: usize = 20;
    let inside = rest.strip_prefix("[:")?;
    let (end, _) = inside
        .char_indices()
        .take(LONGEST)
        .find(|(at, _)| inside.get(*at..).is_some_and(|rest| rest.starts_with(":]")))?;
    let name = inside.get(..end)?;
    let name = name.strip_prefix('^').unwrap_or(name);
    let is_word = name.bytes().all(|letter| letter.is_ascii_alphabetic());
    is_word.then_some((BRACKETS.contains(&name), end + 4))
}
