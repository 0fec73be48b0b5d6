//! How Fluent Bit parts a value into words, which is not the same everywhere.
//!
//! Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_split` and `flb_utils_split_quoted`, and src/flb_slist.c,
//! `flb_slist_split_tokens`, at v1.9.10 and v5.1.1.

/// Parted by spaces, and by nothing else: what the older core's `modify` does. After `most` words and one space comes the rest as one more,
/// further spaces included.
pub(crate) fn by_spaces(value: &str, most: usize) -> Vec<String> {
    parted(value, most, |rest| rest, |rest| Some(plain(rest))).unwrap_or_default()
}

/// Parted by spaces, where a word that begins with a quote goes on to the next such quote: what the newer core's `modify` does. `None` if a
/// quote is not closed.
pub(crate) fn by_spaces_and_quotes(value: &str, most: usize) -> Option<Vec<String>> {
    parted(
        value,
        most,
        |rest| rest,
        |rest| match rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            Some(quote) => quoted(rest.get(1..)?, quote),
            None => Some(plain(rest)),
        },
    )
}

/// Parted by spaces, where a word that begins with `"` goes on to the next one: what options do that take a list. After `most` words comes
/// the rest as one more.
pub(crate) fn listed(value: &str, most: usize) -> Vec<String> {
    let word = |rest| Some(starts_quoted(rest).unwrap_or_else(|| plain(rest)));
    parted(value, most, |rest| rest.trim_start_matches(' '), word).unwrap_or_default()
}

/// `next` takes the first word of what is left, and gives what stands behind it; `None` as soon as it has none. `skip` takes off what the rest
/// does not begin with.
fn parted<'v>(
    value: &'v str,
    most: usize,
    skip: impl Fn(&'v str) -> &'v str,
    next: impl Fn(&'v str) -> Option<(String, &'v str)>,
) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = value.trim_start_matches(' ');
    while !rest.is_empty() {
        let (word, after) = next(rest)?;
        words.push(word);
        let remainder = skip(after);
        if words.len() == most {
            words.extend((!remainder.is_empty()).then(|| remainder.to_owned()));
            break;
        }
        rest = after.trim_start_matches(' ');
    }
    Some(words)
}

fn plain(rest: &str) -> (String, &str) {
    let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
    (word.to_owned(), after)
}

fn starts_quoted(rest: &str) -> Option<(String, &str)> {
    quoted(rest.strip_prefix('"')?, '"')
}

/// What stands before the quote that closes, and what behind it. A backslash keeps a quote or another backslash.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            letter if letter == quote => return Some((word, text.get(at + 1..)?)),
            '\\' => match letters.next_if(|(_, next)| *next == quote || *next == '\\') {
                Some((_, kept)) => word.push(kept),
                None => word.push(letter),
            },
            other => word.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_its_own_quotes() {
        assert_eq!(by_spaces("a  \"b c\"", 3), ["a", "\"b", "c\""]);
        assert_eq!(by_spaces("a b c d e", 3), ["a", "b", "c", "d e"]);
        assert_eq!(by_spaces("a\tb", 3), ["a\tb"]);
        assert_eq!(by_spaces("  a   b", 1), ["a", "  b"]);
        assert_eq!(by_spaces_and_quotes("'a' b", 1).unwrap(), ["a", " b"]);
        assert_eq!(listed("a   b c", 1), ["a", "b c"]);
        assert_eq!(by_spaces_and_quotes("a \"b c\"", 3).unwrap(), ["a", "b c"]);
        assert_eq!(by_spaces_and_quotes(r#"'a\' \\' "" x"y"#, 3).unwrap(), ["a' \\", "", "x\"y"]);
        assert_eq!(by_spaces_and_quotes("a \"b", 3), None);
        assert_eq!(listed("$log \"a b\" c.$TAG false", 4), ["$log", "a b", "c.$TAG", "false"]);
        assert_eq!(listed("k 'a b'", 2), ["k", "'a", "b'"]);
        assert_eq!(listed("k a b", 2), ["k", "a", "b"]);
        assert!(listed(" ", 2).is_empty());
    }
}
