//! JSON printed over several lines: told line by line, so that the first line that does not fit ends it.
//!
//! A string of JSON holds no raw newline, so every line is whole tokens. What is kept between lines is the nesting and
//! what may come next.

/// Deeper than this is nobody's pretty-printed log; the nesting is kept in the bits of one number.
const MAX_DEPTH: u32 = 64;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedToken {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// A JSON object or array whose end has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonLines {
    /// One bit a level, the innermost lowest: 1 for an object, 0 for an array.
    levels: u64,
    depth: u32,
    expected: ExpectedToken,
}

/// What a line was to the JSON before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonProgress {
    /// It goes on.
    More,
    /// It is whole.
    Whole,
    /// This line is no part of it.
    Broken,
}

impl JsonLines {
    /// Whether `line` begins an object or an array that it does not end.
    pub(crate) fn begin(line: &str) -> Option<JsonLines> {
        let bytes = line.as_bytes();
        // Asked of every line, so the two ends decide first: a printer breaks behind a bracket or a comma.
        let opens = matches!(bytes.first()?, b'{' | b'[' | b' ' | b'\t');
        if !opens || !matches!(line.trim_end().as_bytes().last()?, b'{' | b'[' | b',') {
            return None;
        }
        let mut json = JsonLines { levels: 0, depth: 0, expected: ExpectedToken::Value };
        let is_container = matches!(line.trim_start().as_bytes().first()?, b'{' | b'[');
        (is_container && json.next(line) == JsonProgress::More).then_some(json)
    }

    /// Reads the next line.
    pub(crate) fn next(&mut self, line: &str) -> JsonProgress {
        let mut rest = line.as_bytes();
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return if self.expected == ExpectedToken::Nothing { JsonProgress::Whole } else { JsonProgress::More };
            }
            match self.token(rest) {
                Some(after) => rest = after,
                None => return JsonProgress::Broken,
            }
        }
    }

    /// Takes one token; the bytes behind it, or `None` where it cannot stand.
    fn token<'t>(&mut self, bytes: &'t [u8]) -> Option<&'t [u8]> {
        use ExpectedToken::{Colon, CommaOrEnd, Name, NameOrEnd, Nothing, Value, ValueOrEnd};
        let (&first, rest) = bytes.split_first()?;
        match (first, self.expected) {
            (b'{', Value | ValueOrEnd) => self.open(true).then_some(rest),
            (b'[', Value | ValueOrEnd) => self.open(false).then_some(rest),
            (b'}', NameOrEnd | CommaOrEnd) if self.in_object() => self.close(rest),
            (b']', ValueOrEnd | CommaOrEnd) if !self.in_object() => self.close(rest),
            (b',', CommaOrEnd) => {
                self.expected = if self.in_object() { Name } else { Value };
                Some(rest)
            }
            (b':', Colon) => {
                self.expected = Value;
                Some(rest)
            }
            (b'"', Name | NameOrEnd) => {
                self.expected = Colon;
                string(rest)
            }
            (b'"', Value | ValueOrEnd) => {
                self.expected = CommaOrEnd;
                string(rest)
            }
            (_, Value | ValueOrEnd) => {
                self.expected = CommaOrEnd;
                scalar(bytes)
            }
            (_, Name | NameOrEnd | Colon | CommaOrEnd | Nothing) => None,
        }
    }

    fn in_object(self) -> bool {
        self.levels & 1 == 1
    }

    fn open(&mut self, is_object: bool) -> bool {
        self.levels = self.levels << 1 | u64::from(is_object);
        self.depth += 1;
        self.expected = if is_object { ExpectedToken::NameOrEnd } else { ExpectedToken::ValueOrEnd };
        self.depth <= MAX_DEPTH
    }

    fn close<'t>(&mut self, rest: &'t [u8]) -> Option<&'t [u8]> {
        self.levels >>= 1;
        self.depth = self.depth.checked_sub(1)?;
        self.expected = if self.depth == 0 { ExpectedToken::Nothing } else { ExpectedToken::CommaOrEnd };
        Some(rest)
    }
}

/// What stands behind a string whose opening quote is gone.
fn string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest)?;
        if rest[at] == b'"' {
            return rest.get(at + 1..);
        }
        rest = rest.get(at + 2..)?;
    }
}

/// What stands behind a number, `true`, `false` or `null`.
fn scalar(bytes: &[u8]) -> Option<&[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = bytes.iter().take_while(|byte| is_part(byte)).count();
    let (word, rest) = bytes.split_at(length);
    let is_number = || word.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    let is_word = || matches!(word, b"true" | b"false" | b"null");
    let is_known = is_word() || (is_number() && serde_json::from_slice::<serde_json::Number>(word).is_ok());
    is_known.then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Feeds lines until one is not `More`; which one that was, and what it said.
    fn run(text: &str) -> Option<(usize, JsonProgress)> {
        let mut lines = text.split('\n');
        let mut json = JsonLines::begin(lines.next()?)?;
        lines.map(|line| json.next(line)).enumerate().find(|(_, step)| *step != JsonProgress::More)
    }

    #[test]
    fn an_object_and_an_array_over_lines() {
        assert_eq!(run("{\n  \"a\": 1,\n  \"b\": [true, null]\n}"), Some((2, JsonProgress::Whole)));
        assert_eq!(run("[\n  {\n    \"a\": \"}\\\"\"\n  }\n]"), Some((3, JsonProgress::Whole)));
        assert_eq!(run("{ \"a\": 1,\n\n \"b\": -1.5e3}  "), Some((1, JsonProgress::Whole)));
    }

    #[test]
    fn the_first_line_that_does_not_fit_ends_it() {
        for text in [
            "{\n{",
            "{\n\"a\"\n\"b\"",
            "[\n1 2",
            "{\n\"a\": x",
            "{\n} trailing",
            "[\n]]",
            "{\n]",
            "{\n\"a\": 01",
            "[\n1,\n]",
            "{\n\"a\": \"open",
        ] {
            assert!(matches!(run(text), Some((_, JsonProgress::Broken))), "{text}");
        }
    }

    #[test]
    fn what_begins_nothing() {
        for line in ["", "{}", "{\"a\":1}", "[INFO] x,", "[2024-01-01,", "a {", "[", "   ", "\"a\": {"] {
            assert_eq!(JsonLines::begin(line).is_some(), line == "[", "{line}");
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested = |depth: usize| {
            let lines = vec!["["; depth].join("\n") + "\n" + &vec!["]"; depth].join("\n");
            run(&lines).map(|(_, step)| step)
        };
        assert_eq!(
            [63, 64, 65].map(nested),
            [Some(JsonProgress::Whole), Some(JsonProgress::Whole), Some(JsonProgress::Broken)]
        );
    }

    proptest! {
        #[test]
        fn whatever_serde_prints_is_whole_at_its_last_line(keys in proptest::collection::vec(".{0,8}", 1..6), number: f64) {
            let inner: Value = keys.iter().map(|key| (key.clone(), Value::from(number))).collect::<serde_json::Map<_, _>>().into();
            let value = serde_json::json!({ "a": [inner.clone(), [], {}], "b": inner });
            let text = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(run(&text), Some((text.lines().count() - 2, JsonProgress::Whole)));
        }

        #[test]
        fn what_is_whole_is_json(text in "([\\[\\]{}:,\"a1 ]|true|\n){0,40}") {
            if let Some((last, JsonProgress::Whole)) = run(&text) {
                let whole: Vec<&str> = text.split('\n').take(last + 2).collect();
                prop_assert!(serde_json::from_str::<Value>(&whole.join("\n")).is_ok());
            }
        }
    }
}
