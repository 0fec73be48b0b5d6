//! Escapes, and classes in brackets.
//!
//! Rust reads `[`, `&&`, `--` and `~~` within brackets as operators, and `\d` as Unicode's digits; here every member is
//! written so that it means the same as in Go or Python.

use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::PatternError;
use super::reading::{CHARACTERS, Reading};

/// What an escape stands for.
pub(super) enum Escape {
    Character(char),
    /// A class in brackets, and how many characters it has, or a few more.
    Class(String, u64),
}

/// Reads an escape, whose backslash is gone; `from` is where that was.
pub(super) fn escape(
    input: &mut Cursor,
    dialect: Dialect,
    from: usize,
    reading: &mut Reading,
) -> Result<Escape, PatternError> {
    let Some(character) = input.next() else { return input.error(from, "a `\\` at the end has no meaning") };
    if let Some((class, characters)) = named_class(character, dialect) {
        if dialect == Dialect::Python && matches!(character, 'w' | 'W') {
            reading.large_class()?;
        }
        return Ok(Escape::Class(class.to_owned(), characters));
    }
    let simple = match character {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        _ => None,
    };
    if let Some(simple) = simple {
        return Ok(Escape::Character(simple));
    }
    match (character, dialect) {
        ('p' | 'P', Dialect::Go) => unicode_class(input, character == 'P', from, reading),
        ('x' | 'u' | 'U', _) => hexadecimal(input, character, dialect, from),
        ('0'..='9', _) => octal(input, character, dialect, from),
        (letter, _) if letter.is_ascii_alphabetic() => {
            input.error(from, format!("`\\{letter}` has no meaning here; to match the letter, leave out the `\\`"))
        }
        (other, Dialect::Go) if !other.is_ascii() => input.error(from, "only ASCII characters can follow a `\\`"),
        (other, _) => Ok(Escape::Character(other)),
    }
}

/// `\d` and its like. Source: Go, `regexp/syntax`, `perl_groups.go`; Python, `re`, which takes the separators
/// U+001C to U+001F for white space and Rust does not. With how many characters it has, or a few more.
fn named_class(character: char, dialect: Dialect) -> Option<(&'static str, u64)> {
    let class = match (character, dialect) {
        ('d', Dialect::Go) => "[0-9]",
        ('D', Dialect::Go) => "[^0-9]",
        ('s', Dialect::Go) => r"[\t\n\f\r ]",
        ('S', Dialect::Go) => r"[^\t\n\f\r ]",
        ('w', Dialect::Go) => "[0-9A-Za-z_]",
        ('W', Dialect::Go) => "[^0-9A-Za-z_]",
        ('d', Dialect::Python) => r"[\d]",
        ('D', Dialect::Python) => r"[\D]",
        ('s', Dialect::Python) => r"[\s\x1c-\x1f]",
        ('S', Dialect::Python) => r"[^\s\x1c-\x1f]",
        ('w', Dialect::Python) => r"[\w]",
        ('W', Dialect::Python) => r"[\W]",
        _ => return None,
    };
    let characters = match (character, dialect) {
        ('D' | 'S' | 'W', _) => CHARACTERS,
        // Unicode has 145,000 letters and digits.
        ('w', Dialect::Python) => CHARACTERS / 4,
        _ => 1024,
    };
    Some((class, characters))
}

/// `\pL`, `\p{Greek}`, `\p{^Greek}`, `\P{Greek}`.
fn unicode_class(
    input: &mut Cursor,
    negative: bool,
    from: usize,
    reading: &mut Reading,
) -> Result<Escape, PatternError> {
    let name = if input.take("{") { input.until('}') } else { input.next().map(String::from) };
    let name = name.unwrap_or_default();
    let (name, negative) = match name.strip_prefix('^') {
        Some(name) => (name.to_owned(), !negative),
        None => (name, negative),
    };
    if name.is_empty() || !name.chars().all(|character| character == '_' || character.is_ascii_alphabetic()) {
        return input.error(from, "a Unicode class is written `\\pL` or `\\p{Greek}`");
    }
    let letter = if negative { 'P' } else { 'p' };
    let class = format!("[\\{letter}{{{name}}}]");
    // Asked here, so that the place is known.
    let Some(characters) = reading.unicode_class(&name)? else {
        return input.error(from, "there is no Unicode class with this name");
    };
    Ok(Escape::Class(class, if negative { CHARACTERS.saturating_sub(characters) } else { characters }))
}

fn hexadecimal(input: &mut Cursor, kind: char, dialect: Dialect, from: usize) -> Result<Escape, PatternError> {
    let is_hex = |character: char| character.is_ascii_hexdigit();
    let digits = match (kind, dialect) {
        ('x', Dialect::Go) if input.take("{") => {
            let digits = input.run_of(8, is_hex);
            if input.take("}") { Some(digits) } else { None }
        }
        ('x', _) => Some(input.run_of(2, is_hex)).filter(|digits| digits.len() == 2),
        ('u', Dialect::Python) => Some(input.run_of(4, is_hex)).filter(|digits| digits.len() == 4),
        ('U', Dialect::Python) => Some(input.run_of(8, is_hex)).filter(|digits| digits.len() == 8),
        _ => None,
    };
    let number = digits.and_then(|digits| u32::from_str_radix(&digits, 16).ok());
    match number.and_then(char::from_u32) {
        Some(character) => Ok(Escape::Character(character)),
        None => input.error(from, format!("`\\{kind}` must be followed by a character code")),
    }
}

/// Octal numbers; or a backreference, which no linear matcher has.
fn octal(input: &mut Cursor, first: char, dialect: Dialect, from: usize) -> Result<Escape, PatternError> {
    let is_octal = |character: char| ('0'..='7').contains(&character);
    let rest = input.run_of(2, is_octal);
    let is_number = match dialect {
        // A single digit but 0 is a backreference.
        Dialect::Go => first == '0' || (is_octal(first) && !rest.is_empty()),
        Dialect::Python => first == '0' || (('0'..='3').contains(&first) && rest.len() == 2),
    };
    if !is_number {
        let problem =
            "a backreference cannot be used: patterns are matched in linear time; rewrite the pattern without it";
        return input.error(from, problem);
    }
    let number = u32::from_str_radix(&format!("{first}{rest}"), 8).ok();
    match number.and_then(char::from_u32) {
        Some(character) => Ok(Escape::Character(character)),
        None => input.error(from, "this is not a character code"),
    }
}

/// The ASCII classes of `[[:alpha:]]`. Source: Go, `regexp/syntax`, `posixGroup`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Reads a class, whose `[` is gone; the class in Rust's syntax.
pub(super) fn translate(input: &mut Cursor, dialect: Dialect, reading: &mut Reading) -> Result<String, PatternError> {
    let from = input.at.saturating_sub(1);
    let mut out = String::from(if input.take("^") { "[^" } else { "[" });
    let mut is_first = true;
    let mut characters = 0;
    loop {
        let at = input.at;
        match input.peek() {
            None => return input.error(from, "this `[` is never closed"),
            Some(']') if !is_first => {
                input.next();
                out.push(']');
                reading.fold(characters);
                return Ok(out);
            }
            Some(_) => {}
        }
        is_first = false;
        if dialect == Dialect::Go
            && let Some(of_class) = posix(input, &mut out)?
        {
            characters += of_class;
            continue;
        }
        let low = match member(input, dialect, reading)? {
            Escape::Class(class, of_class) => {
                out.push_str(&class);
                characters += of_class;
                // `[\d-z]` is three members in Go, an error in Python.
                if dialect == Dialect::Python && is_range(input) {
                    return input.error(at, "a range cannot begin with a class");
                }
                continue;
            }
            Escape::Character(low) => low,
        };
        if !is_range(input) {
            out.push_str(&in_class(low));
            characters += 1;
            continue;
        }
        input.next();
        match member(input, dialect, reading)? {
            Escape::Character(high) if low <= high => {
                characters += u64::from(u32::from(high) - u32::from(low)) + 1;
                out.push_str(&format!("{}-{}", in_class(low), in_class(high)));
            }
            Escape::Character(_) => return input.error(at, "this range ends before it begins"),
            Escape::Class(..) => return input.error(at, "a range cannot end with a class"),
        }
    }
}

/// Whether a `-` follows that is neither the last member nor the end.
fn is_range(input: &mut Cursor) -> bool {
    let at = input.at;
    let is_range = input.take("-") && !matches!(input.peek(), Some(']') | None);
    input.at = at;
    is_range
}

fn member(input: &mut Cursor, dialect: Dialect, reading: &mut Reading) -> Result<Escape, PatternError> {
    let from = input.at;
    match input.next() {
        Some('\\') if dialect == Dialect::Python && input.take("b") => Ok(Escape::Character('\u{8}')),
        Some('\\') => escape(input, dialect, from, reading),
        Some(character) => Ok(Escape::Character(character)),
        None => input.error(from, "this class is never closed"),
    }
}

/// `[:alpha:]` and `[:^alpha:]`; how many characters it has at most, if there was one.
fn posix(input: &mut Cursor, out: &mut String) -> Result<Option<u64>, PatternError> {
    let from = input.at;
    if !input.take("[:") {
        return Ok(None);
    }
    let negative = input.take("^");
    let name = input.run_of(8, |character| character.is_ascii_alphabetic());
    if input.take(":]") {
        if !POSIX.contains(&name.as_str()) {
            return input.error(from, "there is no class with this name");
        }
        let sign = if negative { "^" } else { "" };
        out.push_str(&format!("[:{sign}{name}:]"));
        return Ok(Some(if negative { CHARACTERS } else { 128 }));
    }
    // Without an end it is a bracket like any other.
    input.at = from;
    Ok(None)
}

/// A character as a member of a class.
fn in_class(character: char) -> String {
    match character {
        ']' | '[' | '^' | '-' | '&' | '~' | '\\' => format!("\\{character}"),
        _ => quoted(character),
    }
}

/// A character that means itself.
pub(super) fn quoted(character: char) -> String {
    let mut buffer = [0; 4];
    regex::escape(character.encode_utf8(&mut buffer))
}
