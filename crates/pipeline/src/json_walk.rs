//! Where a JSON value ends: one walk over plain JSON that builds nothing.
//!
//! It takes and refuses what `serde_json` does when it skips a value, to the byte, and nesting of any depth; the tests hold both against each
//! other. It is a third of `serde_json`'s instructions, and half of reading a record is this walk.

use super::runs;

/// Walks over JSON from its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonWalk<'a> {
    text: &'a str,
    at: usize,
}

/// The objects and arrays that a walk is in: a bit for each, set for an object.
#[derive(Debug, Default)]
struct Open {
    /// The innermost up to 64, the lowest bit first.
    inner: u64,
    depth: usize,
    /// Words that were full.
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }

    fn is_in_object(&self) -> bool {
        self.inner & 1 == 1
    }
}

impl<'a> JsonWalk<'a> {
    pub(crate) fn new(text: &'a str) -> JsonWalk<'a> {
        JsonWalk { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Walks over an object; `member` gets each key as it is spelled, and has to go behind the value.
    pub(crate) fn members(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.take(b':')?;
            member(self, key)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// Walks over an array; `element` has to go behind each of its elements.
    pub(crate) fn elements(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    /// Skips white space, and then this byte.
    fn take(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether nothing but white space is left.
    pub(crate) fn is_at_end(mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The string that comes next, without its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.end_string()?;
        self.text.get(start..self.at - 1)
    }

    /// What comes next, behind white space.
    pub(crate) fn rest(&mut self) -> &'a str {
        self.skip_blanks();
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes behind the value that comes next, which somebody else has read, and is so long.
    pub(crate) fn skip(&mut self, length: usize) -> Option<&'a str> {
        let value = self.text.get(self.at..self.at + length)?;
        self.at += length;
        Some(value)
    }

    /// The value that comes next, as it is spelled.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let start = self.at;
        // Most are one of these.
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.end_string()?;
            }
            b'0'..=b'9' => self.number()?,
            _ => self.skip_value()?,
        }
        self.text.get(start..self.at)
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            self.skip_blanks();
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    self.end_string()?;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = bracket == b'{';
                    self.skip_blanks();
                    // Closing brackets are two behind the opening ones in ASCII.
                    if self.peek()? == bracket + 2 {
                        self.at += 1;
                    } else {
                        open.push(is_object);
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => return None,
            }
            // Behind a value: the next of the same, or the end of what it is in.
            loop {
                if open.depth == 0 {
                    return Some(());
                }
                self.skip_blanks();
                let next = self.peek()?;
                self.at += 1;
                match (next, open.is_in_object()) {
                    (b',', true) => {
                        self.key()?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => open.pop(),
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.take(b'"')?;
        self.end_string()?;
        self.take(b':')
    }

    fn end_string(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        loop {
            self.at += runs::plain_length(bytes.get(self.at..)?);
            self.at += match bytes.get(self.at..)? {
                [b'"', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
                [b'\\', b'u', hex @ ..] if hex.get(..4)?.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return None,
            };
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_here = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        is_here.then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let is_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        (!is_zero || whole == 1).then_some(())?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then(|| self.at - start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserializer as _;
    use serde::de::{MapAccess, Visitor};
    use serde_json::value::RawValue;

    use crate::json;

    /// Members as `serde_json` reads them, and whether the text is one whole object.
    fn by_serde_json(text: &str) -> (Vec<(&str, &str)>, bool) {
        struct Members<'m, 'a>(&'m mut Vec<(&'a str, &'a str)>);
        impl<'a> Visitor<'a> for Members<'_, 'a> {
            type Value = ();
            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
                while let Some(key) = map.next_key::<&'a RawValue>()? {
                    let value: &'a RawValue = map.next_value()?;
                    self.0.push((json::unquoted(key.get()).unwrap_or_default(), value.get()));
                }
                Ok(())
            }
        }
        let mut members = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let is_whole = deserializer.deserialize_map(Members(&mut members)).and_then(|()| deserializer.end()).is_ok();
        (members, is_whole)
    }

    fn by_the_walk(text: &str) -> (Vec<(&str, &str)>, bool) {
        let mut members = Vec::new();
        let is_whole = json::each_member(text, |key, value| members.push((key, value))).is_ok();
        (members, is_whole)
    }

    /// Pieces of JSON, of which most rows are none, and some are.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\n", "\t", "{}", "[]"]),
            4 => prop::sample::select(vec!["\"a\":", "\"a\"", "\"\\u00e9\"", "\"\\ud83d\":", "\"\\x\"", "\"\\u12\"", "\"\u{1}\"", "\"é😀\""]),
            4 => prop::sample::select(vec!["0", "-1", "01", "1.5", "1.", ".5", "1e3", "1E+3", "1e", "-", "-0", "true", "false", "null", "nul"]),
        ]
        .prop_map(str::to_owned)
    }

    /// Objects as applications write them.
    fn object() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            any::<String>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<Option<bool>>().prop_map(|one| serde_json::json!(one)),
        ];
        let value = leaf.prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|all| serde_json::Value::Object(all.into_iter().collect())),
            ]
        });
        (value, any::<bool>()).prop_map(|(value, is_pretty)| {
            let object = serde_json::json!({ "a": value, "b": 1 });
            if is_pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn it_takes_and_refuses_what_serde_json_does(pieces in prop::collection::vec(piece(), 0..12)) {
            for text in [pieces.concat(), format!("{{\"a\":{}}}", pieces.concat()), format!("{{\"a\":[{}]}}", pieces.join(","))] {
                prop_assert_eq!(by_the_walk(&text), by_serde_json(&text), "{}", text);
            }
        }

        #[test]
        fn it_reads_objects_as_serde_json_does(text in object(), place in any::<prop::sample::Index>(), byte in 0_u8..128) {
            prop_assert_eq!(by_the_walk(&text), by_serde_json(&text));
            let mut changed = text.into_bytes();
            let at = place.index(changed.len());
            changed[at] = byte;
            if let Ok(changed) = String::from_utf8(changed) {
                prop_assert_eq!(by_the_walk(&changed), by_serde_json(&changed), "{}", changed);
            }
        }
    }

    #[test]
    fn brackets_are_told_apart_at_any_depth() {
        for depth in [1, 2, 62, 63, 64, 65, 66, 127, 128, 129, 1_000] {
            // Objects and arrays in a row that does not repeat with 64.
            let is_object = |level: usize| level % 5 < 2;
            let open: String = (0..depth).map(|level| if is_object(level) { "{\"a\":" } else { "[" }).collect();
            let close = |level: usize| if is_object(level) { '}' } else { ']' };
            let closed: Vec<char> = (0..depth).rev().map(close).collect();
            for wrong in [None, Some(0), Some(depth / 2), Some(depth - 1)] {
                let mut closed = closed.clone();
                if let Some(at) = wrong {
                    closed[at] = if closed[at] == '}' { ']' } else { '}' };
                }
                let text = format!("{{\"x\":{open}1{}}}", closed.iter().collect::<String>());
                assert_eq!(by_the_walk(&text).1, wrong.is_none(), "{depth} {wrong:?}");
                assert_eq!(by_the_walk(&text), by_serde_json(&text));
            }
        }
    }
}
