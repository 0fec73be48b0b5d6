//! A character that was cut in two: containerd cuts a line at 16 KiB wherever that falls, and Fluent Bit writes a byte that is no UTF-8 as
//! the code point U+E000 + byte, for private use. What is left of such a character becomes one U+FFFD.
//!
//! Of the first half nothing is left, or its last bytes, since Fluent Bit passes over what a text ends in the middle of; of the second
//! half all bytes are. So a piece that begins with such code points tells of the cut. An application's own characters of private use
//! (icons of terminals are among the same) stay: within a record Fluent Bit escapes these, and never what it made of bytes.
//!
//! Source: Fluent Bit, `src/flb_utils.c`, `flb_utils_write_str`, and `FLB_UTILS_FRAGMENT_PRIVATE_BLOCK_DESCRIPTOR`.

/// The rest of a character is at most three bytes: 0x80 to 0xBF, as UTF-8 goes on.
const MAX_REST: usize = 3;

/// How many bytes each of the code points takes.
const WIDTH: usize = 3;

/// How many bytes at the beginning of `text` stand for the rest of a character; 0 where there is none.
pub(crate) fn rest(text: &str) -> usize {
    // Most texts end the question with their first byte.
    let count = text.chars().take(MAX_REST + 1).take_while(|character| is_continuation(*character)).count();
    if count <= MAX_REST { count * WIDTH } else { 0 }
}

/// The same of a raw JSON string whose inside begins with `prefix` bytes that are none of its text. What is escaped there is the
/// application's own.
pub(crate) fn rest_in_json(raw: &str, prefix: usize) -> usize {
    raw.get(1 + prefix..).map_or(0, rest)
}

/// Appends a piece whose first `rest` bytes are the rest of a character to the pieces before it.
pub(crate) fn join(pieces: &mut String, piece: &str, rest: usize) {
    let mut left = MAX_REST - (rest / WIDTH).min(MAX_REST);
    while left > 0 && pieces.ends_with(|character| is_continuation(character) || is_lead(character)) {
        left = if pieces.ends_with(is_lead) { 0 } else { left - 1 };
        pieces.pop();
    }
    pieces.push(char::REPLACEMENT_CHARACTER);
    pieces.push_str(piece.get(rest..).unwrap_or_default());
}

fn is_continuation(character: char) -> bool {
    ('\u{e080}'..='\u{e0bf}').contains(&character)
}

fn is_lead(character: char) -> bool {
    ('\u{e0c2}'..='\u{e0f4}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_character_has_three_bytes_at_most() {
        for (text, count) in [
            ("", 0),
            ("a\u{e080}", 0),
            ("\u{e080}", 1),
            ("\u{e082}\u{e0ac}a", 2),
            ("\u{e09f}\u{e098}\u{e080}a\u{e080}", 3),
            ("\u{e080}\u{e080}\u{e080}\u{e080}", 0),
            ("\u{e07f}", 0),
            ("\u{e0bf}", 1),
            ("\u{e0c0}", 0),
            ("\u{fffd}", 0),
        ] {
            assert_eq!(rest(text), count * WIDTH, "{}", text.escape_unicode());
        }
        assert_eq!(rest_in_json("\"ab\u{e0ac}\"", 2), 3);
        assert_eq!(rest_in_json(r#""ab\ue0ac""#, 2), 0);
        assert_eq!(rest_in_json("\"", 2), 0);
    }

    #[test]
    fn a_cut_character_becomes_one() {
        for (before, piece, joined) in [
            ("a", "\u{e082}\u{e0ac}b", "a\u{fffd}b"),
            ("a\u{e082}", "\u{e0ac}b", "a\u{fffd}b"),
            ("a\u{e0e2}\u{e082}", "\u{e0ac}b", "a\u{fffd}b"),
            ("a\u{e09f}\u{e098}", "\u{e080}", "a\u{fffd}"),
            // What is more than one character is left.
            ("\u{e0b0}\u{e09f}", "\u{e098}\u{e080}b", "\u{e0b0}\u{fffd}b"),
            ("\u{e0a0}", "\u{e09f}\u{e098}\u{e080}b", "\u{e0a0}\u{fffd}b"),
            ("", "\u{e0ac}", "\u{fffd}"),
        ] {
            let mut pieces = before.to_owned();
            join(&mut pieces, piece, rest(piece));
            assert_eq!(pieces, joined, "{}", before.escape_unicode());
        }
    }
}
