//! What lines have in common: a line without what changes from one to the next, and without what nobody else should read.
//!
//! `charged 4111-1111-1111-1110 for order 1000` becomes `charged * for order *`. A star stands for whatever has a digit in it, stands in quotes,
//! behind a `=`, is an address, a path's end or too long for a word; and for what the scrubbers find. In JSON the names stay, of the values
//! only the level and the message, read in the same way.
//!
//! A word that is somebody's name stays a word. Therefore [`crate::findings`] shows only patterns that several lines have.

use pipeline::json;
use pipeline::rules::scrub::Scrubber;

/// What stands for what changes.
pub const ANY: char = '*';

/// How long a pattern is at most, in characters. Lines that differ later only are one pattern.
const MAX_CHARACTERS: usize = 160;

/// How many bytes of a line are looked at: enough for a pattern, whatever stars are made of.
const MAX_TEXT: usize = 2048;

/// Longer words are keys, tokens, or paths.
const MAX_WORD: usize = 24;

/// The names of what a person wrote, in JSON logs.
const MESSAGES: [&str; 5] = ["msg", "message", "log", "event", "error"];

/// The names of levels, and the levels.
const LEVELS: [&str; 4] = ["level", "severity", "lvl", "status"];
const LEVEL_WORDS: [&str; 12] =
    ["trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical", "panic", "ok"];

/// The methods of HTTP, which access logs have in quotes.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

/// The pattern of a line.
pub fn of(text: &str) -> String {
    let scrubbed = Scrubber::ALL
        .into_iter()
        .fold(head(text).to_owned(), |text, scrubber| scrubber.scrub(&text).replace(scrubber.replacement(), "*"));
    let mut out = Out::default();
    if scrubbed.trim_start().starts_with('{') && text.len() <= MAX_TEXT && json::each_member(text, |_, _| ()).is_ok() {
        json_line(&scrubbed, &mut out);
    } else {
        words(&scrubbed, &mut out);
    }
    out.text
}

/// A regular expression that matches each line of the pattern, in what Rust's and Ruby's expressions have in common. `None` where the
/// pattern has too few letters to tell its lines from others.
pub fn expression(pattern: &str) -> Option<String> {
    /// Fewer say nothing.
    const LETTERS: usize = 8;
    let letters = pattern.chars().filter(|character| character.is_alphabetic()).count();
    // EKS takes `${` for a variable of its own, and what is not ASCII may be spelled in another way.
    if letters < LETTERS || pattern.contains("${") || !pattern.is_ascii() {
        return None;
    }
    let parts: Vec<String> = pattern.split(ANY).map(regex::escape).collect();
    let whole = format!("^{}", parts.join(".*"));
    // Blanks at the end of a value are not the value's in Fluent Bit's configuration, and what may follow need not be said.
    let mut body = whole.as_str();
    while let Some(shorter) = body.strip_suffix(".*").or_else(|| body.strip_suffix(' ')) {
        body = shorter;
    }
    let is_whole = body.len() == whole.len() && pattern.len() < MAX_CHARACTERS;
    Some(if is_whole { format!("{body}$") } else { body.to_owned() })
}

/// The beginning, cut between two characters.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The pattern as far as it is written.
#[derive(Default)]
struct Out {
    text: String,
    characters: usize,
}

impl Out {
    fn is_full(&self) -> bool {
        self.characters >= MAX_CHARACTERS
    }

    fn push(&mut self, text: &str) {
        for character in text.chars() {
            if self.is_full() {
                return;
            }
            // What a terminal would take as a command changes nothing about a pattern.
            let character = if character.is_control() { ANY } else { character };
            if character == ANY && self.text.ends_with(ANY) {
                continue;
            }
            self.text.push(character);
            self.characters += 1;
        }
    }

    /// Something that changes. Stars in a row are one, with the blanks between them.
    fn any(&mut self) {
        let trimmed = self.text.trim_end_matches(' ');
        if trimmed.ends_with(ANY) {
            self.characters -= self.text.len() - trimmed.len();
            self.text.truncate(trimmed.len());
        } else {
            self.push("*");
        }
    }
}

/// A line of words.
fn words(text: &str, out: &mut Out) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if out.is_full() {
            return;
        }
        if first.is_whitespace() {
            let end = rest.find(|character: char| !character.is_whitespace()).unwrap_or(rest.len());
            // Columns are as wide as their values need.
            if end == 1 && first == ' ' {
                out.push(" ")
            } else {
                out.any()
            }
            rest = rest.get(end..).unwrap_or_default();
        } else if first == '"' {
            rest = quoted(rest, out);
        } else {
            let end = rest.find(|character: char| character.is_whitespace() || character == '"').unwrap_or(rest.len());
            word(rest.get(..end).unwrap_or_default(), out);
            rest = rest.get(end..).unwrap_or_default();
        }
    }
}

/// A text in quotes, and what follows it. Of a request the method stays, and the first part of the path.
fn quoted<'t>(text: &'t str, out: &mut Out) -> &'t str {
    let inside = text.get(1..).unwrap_or_default();
    let Some(end) = inside.find('"') else {
        out.any();
        return "";
    };
    let (inside, rest) = (inside.get(..end).unwrap_or_default(), inside.get(end + 1..).unwrap_or_default());
    out.push("\"");
    match inside.split_once(' ').filter(|(method, _)| METHODS.contains(method)) {
        Some((method, path)) => {
            out.push(method);
            out.push(" ");
            path_head(path, out);
        }
        None => out.any(),
    }
    out.push("\"");
    rest
}

/// `/cart` of `/cart?id=1`, and a star.
fn path_head(path: &str, out: &mut Out) {
    let first = path.strip_prefix('/').map(|path| path.split(['/', '?', ' ', '#']).next().unwrap_or_default());
    if let Some(first) = first.filter(|first| is_plain(first)) {
        out.push("/");
        out.push(first);
    }
    out.any();
}

fn is_plain(word: &str) -> bool {
    word.len() <= MAX_WORD && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}

/// A word with what stands around it.
fn word(word: &str, out: &mut Out) {
    let is_around = |character: char| "()[]{}<>,;:!?.'`".contains(character);
    let from = word.trim_start_matches(is_around);
    let core = from.trim_end_matches(is_around);
    out.push(word.get(..word.len() - from.len()).unwrap_or_default());
    if let Some((name, _)) = core.split_once('=').filter(|(name, _)| is_plain(name)) {
        out.push(name);
        out.push("=");
        out.any();
    } else if core.starts_with('/') && core.len() > 1 {
        path_head(core, out);
    } else if is_kept(core) {
        out.push(core);
    } else {
        out.any();
    }
    out.push(from.get(core.len()..).unwrap_or_default());
}

/// Whether a word is one, and no value. The parts of a dotted or dashed name count one by one.
fn is_kept(word: &str) -> bool {
    let is_word = |part: &str| part.chars().count() <= MAX_WORD;
    !word.chars().any(|character| character.is_numeric() || "@%\\$=+*".contains(character))
        && !word.contains("://")
        && word.split(['.', '-', ':', '/', '_']).all(is_word)
}

/// A JSON object: the names, the level and the message.
fn json_line(text: &str, out: &mut Out) {
    let (mut rest, mut name) = (text, "");
    while let Some(first) = rest.chars().next() {
        if out.is_full() {
            return;
        }
        if first != '"' {
            let is_mark = "{}[],:".contains(first);
            let end = if is_mark || first.is_whitespace() {
                first.len_utf8()
            } else {
                rest.find(|character: char| "{}[],:\"".contains(character) || character.is_whitespace())
                    .unwrap_or(rest.len())
            };
            if is_mark || first == ' ' {
                out.push(rest.get(..end).unwrap_or_default());
            } else {
                out.any();
            }
            rest = rest.get(end..).unwrap_or_default();
            continue;
        }
        let inside = rest.get(1..).unwrap_or_default();
        let Some(end) = end_of_string(inside) else {
            out.any();
            return;
        };
        let value = inside.get(..end).unwrap_or_default();
        rest = inside.get(end + 1..).unwrap_or_default();
        out.push("\"");
        if rest.trim_start().starts_with(':') {
            name = value;
            if is_kept(value) { out.push(value) } else { out.any() }
        } else if LEVELS.contains(&name) && LEVEL_WORDS.contains(&value.to_ascii_lowercase().as_str()) {
            out.push(value);
        } else if MESSAGES.contains(&name) && !value.contains('\\') {
            words(value, out);
        } else {
            out.any();
        }
        out.push("\"");
    }
}

/// Where a JSON string ends whose quote is before `inside`.
fn end_of_string(inside: &str) -> Option<usize> {
    let mut is_escaped = false;
    inside.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[test]
    fn what_changes_is_a_star() {
        for (line, pattern) in [
            ("INFO: charged 4111-1111-1111-1110 for order 1000", "INFO: charged * for order *"),
            ("2026-11-22 19:30:54,491 INFO [report] rendering page 0", "* INFO [report] rendering page *"),
            (
                r#"127.0.0.1 - - [22/Nov/2026:19:30:55 +0000] "GET /cart?id=1&q=caf%C3%A9 HTTP/1.1" 200 2 "-" "Mozilla/5.0 v1""#,
                r#"* - - [*] "GET /cart*" * "*" "*""#,
            ),
            (
                r#"{"level":"info","ts":1.5,"msg":"request served","user":{"id":1,"roles":["a"]},"token":"abc"}"#,
                r#"{"level":"info","ts":*,"msg":"request served","user":{"id":*,"roles":["*"]},"token":"*"}"#,
            ),
            ("user=alice password=hunter", "user=* password=*"),
            ("mail to alice@example.org sent", "mail to * sent"),
            ("see https://example.org/x?token=abc now", "see * now"),
            ("open /etc/passwd failed", "open /etc* failed"),
            ("Bearer abcdefghijklmnopqrstuvwxyzabcdef", "Bearer *"),
            ("a   b\tc", "a*b*c"),
            ("", ""),
        ] {
            assert_eq!(of(line), pattern, "{line}");
        }
    }

    #[test]
    fn no_secret_is_left() {
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
            "4111-1111-1111-1111",
            "alice@example.org",
            "10.1.2.3",
            "2001:db8::ff00:42:8329",
            "wJalrXUtnFEMIKbPxRfiCYEXAMPLEKEYabcdefgh",
            "c638f7633696e2ea7142f48455be2c0a",
        ] {
            for line in [
                format!("got {secret} here"),
                format!("token={secret}"),
                format!("\"{secret}\""),
                format!(r#"{{"msg":"got {secret} here","{secret}":1,"key":"{secret}"}}"#),
            ] {
                let pattern = of(&line);
                assert!(!pattern.contains(secret), "{line}: {pattern}");
            }
        }
    }

    #[test]
    fn an_expression_says_enough() {
        assert_eq!(expression("INFO: charged * for order *").as_deref(), Some("^INFO: charged .* for order"));
        assert_eq!(expression("all is very well").as_deref(), Some("^all is very well$"));
        for none in ["* * *", "* INFO *", "stra\u{df}e number *", "a variable ${x} in it"] {
            assert_eq!(expression(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_expression_hits_each_line_of_its_pattern(line in "[a-zA-Z0-9 .,:;=/\\[\\](){}\"'@_*+$^|?\\\\#~&-]{0,200}") {
            let pattern = of(&line);
            if let Some(expression) = expression(&pattern) {
                let compiled = Regex::new(&format!("(?s){expression}")).unwrap();
                prop_assert!(compiled.is_match(&line), "{line:?} {pattern:?} {expression:?}");
            }
        }

        #[test]
        fn json_too(level in "info|debug", text in "[a-zA-Z0-9 .,=/-]{0,60}", number in any::<u32>()) {
            let line = format!(r#"{{"level":"{level}","n":{number},"msg":"{text}","other":["{text}"]}}"#);
            let pattern = of(&line);
            if let Some(expression) = expression(&pattern) {
                let compiled = Regex::new(&expression).unwrap();
                prop_assert!(compiled.is_match(&line), "{line:?} {pattern:?} {expression:?}");
            }
        }

        #[test]
        fn no_line_is_too_strange(line in any::<String>()) {
            prop_assert!(of(&line).chars().count() <= MAX_CHARACTERS);
        }
    }
}
