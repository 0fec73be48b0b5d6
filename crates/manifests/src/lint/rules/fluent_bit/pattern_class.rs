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

/// Reads up to the bracket that closes a class whose own has been read; what is wrong with it.
pub(super) fn class(pattern: &str, letters: &mut Letters<'_>) -> Option<&'static str> {
    const OPEN: &str = "a bracket is not closed";
    letters.next_if(|(_, letter)| *letter == '^');
    let mut last = LastItem::None;
    let mut is_first = true;
    while let Some((at, letter)) = letters.next() {
        let item = match letter {
            // As the first one it is a character like any other.
            ']' if !is_first => return None,
            '\\' => {
                let Some((_, escaped)) = letters.next() else { return Some(OPEN) };
                match escaped {
                    'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'h' | 'H' | 'p' | 'P' => LastItem::Kind,
                    escaped if escaped.is_ascii_alphanumeric() => LastItem::Character(None),
                    escaped => LastItem::Character(Some(escaped)),
                }
            }
            '[' => match bracket(pattern.get(at..).unwrap_or_default()) {
                Some((true, length)) => {
                    letters.nth(length - 2);
                    LastItem::Kind
                }
                Some((false, _)) => return Some("Onigmo has no such class between `[:` and `:]`"),
                None => {
                    let inner = class(pattern, letters);
                    if inner.is_some() {
                        return inner;
                    }
                    LastItem::None
                }
            },
            '&' if letters.next_if(|(_, next)| *next == '&').is_some() => LastItem::None,
            '-' if !matches!(last, LastItem::None | LastItem::Range(_)) => {
                let is_last = letters.peek().is_some_and(|(_, next)| *next == ']');
                match last {
                    _ if is_last => LastItem::None,
                    LastItem::Kind => return Some("a class such as `\\w` cannot begin a range"),
                    LastItem::Character(from) => {
                        last = LastItem::Range(from);
                        is_first = false;
                        continue;
                    }
                    other => other,
                }
            }
            other => LastItem::Character(Some(other)),
        };
        is_first = false;
        last = match (last, item) {
            (LastItem::Range(_), LastItem::Kind) => return Some("a class such as `\\w` cannot end a range"),
            (LastItem::Range(Some(from)), LastItem::Character(Some(to))) if from > to => {
                return Some("a range ends before it begins");
            }
            (LastItem::Range(_), _) => LastItem::None,
            (_, item) => item,
        };
    }
    Some(OPEN)
}

/// `[:alpha:]`: whether it is one that is known, and its length.
fn bracket(rest: &str) -> Option<(bool, usize)> {
    let inside = rest.strip_prefix("[:")?;
    let (name, _) = inside.split_once(":]")?;
    let name = name.strip_prefix('^').unwrap_or(name);
    let is_word = name.len() < 20 && name.bytes().all(|letter| letter.is_ascii_alphabetic());
    let length = inside.split_once(":]").map_or(0, |(name, _)| name.len()) + 4;
    is_word.then_some((BRACKETS.contains(&name), length))
}
