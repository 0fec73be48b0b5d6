//! Record accessors: `$kubernetes['labels']['app']`, as Fluent Bit reads them out of a text.
//!
//! A variable begins at a `$` and ends at a dot outside of quotes, a comma, a blank or a double quote. Inside, characters that mean nothing
//! are passed over: `$(pod)` is `$pod`. `$0` to `$9` and `$TAG` are read before all that.
//!
//! Source: fluent/fluent-bit, src/flb_record_accessor.c, `ra_parse_buffer`, and src/record_accessor/ra.l and ra.y.

/// What to do about a broken one.
pub(super) const FIX: &str =
    "Write `$name` or `$name['member']`, and end each variable with a dot, a comma or the end of the text.";

/// The byte at which a variable begins that cannot be read.
pub(super) fn broken(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(dollar) = text.get(at..).and_then(|rest| rest.find('$')).map(|offset| at + offset) {
        let rest = text.get(dollar + 1..).unwrap_or_default();
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            at = dollar + 2;
            continue;
        }
        if let Some(part) = rest.strip_prefix("TAG") {
            let index = part.strip_prefix('[').and_then(|index| index.find(']'));
            at = dollar + 4 + index.map_or(0, |end| end + 2);
            continue;
        }
        let end = end(bytes, dollar + 1);
        if !text.get(dollar..end).is_some_and(is_variable) {
            return Some(dollar);
        }
        at = end;
    }
    None
}

/// Where a variable ends whose name begins at a byte.
fn end(bytes: &[u8], start: usize) -> usize {
    let mut is_quoted = false;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'\'' => is_quoted = !is_quoted,
            b'.' if is_quoted => {}
            b'.' | b' ' | b',' | b'"' => return at,
            _ => {}
        }
    }
    bytes.len()
}

/// A part of a variable that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Dollar,
    Open,
    Close,
    Name,
    /// A member's name in quotes, or an index.
    Key,
    Other,
}

/// `$ name`, and any number of `[ key ]`.
fn is_variable(text: &str) -> bool {
    let tokens = tokens(text);
    let Some(keys) = tokens.strip_prefix(&[Token::Dollar, Token::Name]) else { return false };
    keys.chunks(3).all(|key| key == [Token::Open, Token::Key, Token::Close])
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '$' => (Some(Token::Dollar), 1),
            '[' => (Some(Token::Open), 1),
            ']' => (Some(Token::Close), 1),
            '.' | ',' | ';' => (Some(Token::Other), 1),
            '0' => (Some(Token::Key), 1),
            '1'..='9' => (Some(Token::Key), length(rest, |letter| letter.is_ascii_digit())),
            'a'..='z' | 'A'..='Z' | '_' => (Some(Token::Name), length(rest, is_of_name)),
            '\'' => match quoted(rest) {
                Some(length) => (Some(Token::Key), length),
                None => (None, 1),
            },
            other => (None, other.len_utf8()),
        };
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/')
}

fn length(text: &str, is_of: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !is_of(letter)).unwrap_or(text.len())
}

/// How long a name in quotes is that a text begins with; a quote in it is written twice.
fn quoted(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\'' && letters.next_if(|(_, next)| *next == '\'').is_none() {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_passed_over() {
        for text in [
            "$log",
            "log",
            "$kubernetes['labels']['app.kubernetes.io/name']",
            "$a['it''s'][0].x-$b",
            "$TAG",
            "x.$TAG[4].$1$2-y",
            "$TAG-$log['level']",
            "$(pod_name)",
            "/x/$kubernetes['namespace_name']",
            "a$",
            "$a-b.$c",
            "$0",
        ] {
            assert_eq!(broken(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_is_found() {
        for (text, at) in [
            ("$a-$b", 0),
            ("x.$a:$b", 2),
            ("$a:b", 0),
            ("$a[b]", 0),
            ("$a['b'", 0),
            ("$a[]", 0),
            ("$['a']", 0),
            ("$a[\"b\"]", 0),
            ("$ a", 0),
            ("$é", 0),
            ("$a['b']c", 0),
            ("$a['b'];", 0),
            ("$TAG.$-", 5),
        ] {
            assert_eq!(broken(text), Some(at), "{text}");
        }
    }
}
