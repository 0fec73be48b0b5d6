//! JSON as the older core reads it: as the tokens that a small tokenizer finds, which takes things that are no JSON, and misreads others.
//!
//! Source: fluent/fluent-bit v1.9.10, lib/jsmn/jsmn.h with `JSMN_STRICT` and `JSMN_PARENT_LINKS`, and src/flb_pack.c,
//! `tokens_to_msgpack`.

use super::super::core::Core;
use super::super::numbers;
use super::super::unescape;
use super::super::unknown::Unknown;
use super::super::value::{Key, Map, Value};
use super::object::{DEEPEST, JsonObject, too_deep};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Text,
    Primitive,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    /// `None` as long as it is open.
    end: Option<usize>,
    /// How many tokens it counts as its own.
    size: usize,
    parent: Option<usize>,
}

/// Reads a text that is to be one object.
pub(super) fn read(text: &[u8]) -> Result<JsonObject, Unknown> {
    let Some(tokens) = Tokenizer::default().run(text) else { return Ok(JsonObject::Not) };
    let roots = tokens.iter().filter(|token| token.parent.is_none()).count();
    if roots != 1 || tokens.first().map(|token| token.kind) != Some(Kind::Object) {
        return Ok(JsonObject::Not);
    }
    // Packed one after the other and unpacked again, a map takes what follows it, whatever it counted.
    let mut values = tokens.iter();
    match value(text, &mut values, 0)? {
        Some(Value::Map(map)) => Ok(JsonObject::Read(map)),
        _ => Ok(JsonObject::Hollow),
    }
}

/// The next value; `None` if the tokens end before it does.
fn value<'t>(
    text: &[u8],
    tokens: &mut impl Iterator<Item = &'t Token>,
    depth: usize,
) -> Result<Option<Value>, Unknown> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    let Some(token) = tokens.next() else { return Ok(None) };
    let own = text.get(token.start..token.end.unwrap_or(token.start)).unwrap_or_default();
    Ok(Some(match token.kind {
        Kind::Text => Value::Text(unescape::with_code_points(Core::Older, own)),
        Kind::Primitive => primitive(text, token.start, own),
        Kind::Array => {
            let mut list = Vec::new();
            for _ in 0..token.size {
                let Some(item) = value(text, tokens, depth + 1)? else { return Ok(None) };
                list.push(item);
            }
            Value::List(list)
        }
        Kind::Object => {
            let mut map = Map::default();
            for _ in 0..token.size {
                let Some(key) = value(text, tokens, depth + 1)? else { return Ok(None) };
                let Some(member) = value(text, tokens, depth + 1)? else { return Ok(None) };
                let Value::Text(key) = key else { return Err(Unknown("the JSON has a key that is no text")) };
                map.members.push((Key::Text(key), member));
            }
            Value::Map(map)
        }
    }))
}

/// A number, `true`, `false` or `null`; each by its first letter.
fn primitive(text: &[u8], start: usize, own: &[u8]) -> Value {
    match own.first() {
        Some(b'f') => Value::Boolean(false),
        Some(b't') => Value::Boolean(true),
        Some(b'n') => Value::Nil,
        _ => {
            let is_float = own.contains(&b'.') || own.windows(2).any(|pair| pair == b"e-");
            let from = text.get(start..).unwrap_or_default();
            if is_float {
                Value::Float(numbers::float(from).map_or(0.0, |(number, _)| number))
            } else {
                Value::Integer(numbers::whole(from))
            }
        }
    }
}

/// Finds tokens. `above` is the token that the next one belongs to: an object, an array, or the key before a colon.
#[derive(Default)]
struct Tokenizer {
    tokens: Vec<Token>,
    above: Option<usize>,
}

impl Tokenizer {
    /// The tokens of a text; `None` if it does not take it. A zero byte ends the text.
    fn run(mut self, text: &[u8]) -> Option<Vec<Token>> {
        let text = text.split(|byte| *byte == 0).next()?;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match byte {
                b'{' => self.open(Kind::Object, at)?,
                b'[' => self.open(Kind::Array, at)?,
                b'}' => self.close(Kind::Object, at)?,
                b']' => self.close(Kind::Array, at)?,
                b'"' => {
                    let end = text_end(text, at)?;
                    self.leaf(Kind::Text, at + 1, end);
                    at = end;
                }
                b'\t' | b'\r' | b'\n' | b' ' => {}
                b':' => self.above = self.tokens.len().checked_sub(1),
                b',' => {
                    let above = self.above.and_then(|above| self.tokens.get(above));
                    if let Some(token) = above.filter(|token| !matches!(token.kind, Kind::Array | Kind::Object)) {
                        self.above = token.parent;
                    }
                }
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                    let above = self.above.and_then(|above| self.tokens.get(above));
                    let is_key =
                        |token: &Token| token.kind == Kind::Object || (token.kind == Kind::Text && token.size != 0);
                    if above.is_some_and(is_key) {
                        return None;
                    }
                    let end = primitive_end(text, at)?;
                    self.leaf(Kind::Primitive, at, end);
                    at = end - 1;
                }
                _ => return None,
            }
            at += 1;
        }
        let is_open = self.tokens.iter().any(|token| token.end.is_none());
        (!is_open && !self.tokens.is_empty()).then_some(self.tokens)
    }

    fn open(&mut self, kind: Kind, at: usize) -> Option<()> {
        if let Some(above) = self.above.and_then(|above| self.tokens.get_mut(above)) {
            if above.kind == Kind::Object {
                return None;
            }
            above.size += 1;
        }
        self.tokens.push(Token { kind, start: at, end: None, size: 0, parent: self.above });
        self.above = Some(self.tokens.len() - 1);
        Some(())
    }

    fn close(&mut self, kind: Kind, at: usize) -> Option<()> {
        let mut place = self.tokens.len().checked_sub(1)?;
        loop {
            let token = self.tokens.get_mut(place)?;
            if token.end.is_none() {
                if token.kind != kind {
                    return None;
                }
                token.end = Some(at + 1);
                self.above = token.parent;
                return Some(());
            }
            match token.parent {
                Some(parent) => place = parent,
                None => return (token.kind == kind && self.above.is_some()).then_some(()),
            }
        }
    }

    fn leaf(&mut self, kind: Kind, start: usize, end: usize) {
        self.tokens.push(Token { kind, start, end: Some(end), size: 0, parent: self.above });
        if let Some(above) = self.above.and_then(|above| self.tokens.get_mut(above)) {
            above.size += 1;
        }
    }
}

/// Where the quote is that closes a text.
fn text_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' if at + 1 < text.len() => {
                at += 1;
                match text.get(at)? {
                    b'"' | b'/' | b'\\' | b'b' | b'f' | b'r' | b'n' | b't' => {}
                    b'u' => {
                        let digits = text.iter().skip(at + 1).take(4);
                        if !digits.clone().all(u8::is_ascii_hexdigit) {
                            return None;
                        }
                        at += digits.count();
                    }
                    _ => return None,
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where a primitive ends: something has to follow it.
fn primitive_end(text: &[u8], start: usize) -> Option<usize> {
    for (at, byte) in text.iter().enumerate().skip(start) {
        match byte {
            b'\t' | b'\r' | b'\n' | b' ' | b',' | b']' | b'}' => return Some(at),
            0..0x20 | 0x7f.. => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::print::json_map;

    fn read_as(text: &str) -> String {
        match read(text.as_bytes()).unwrap() {
            JsonObject::Read(map) => String::from_utf8(json_map(Core::Older, &map)).unwrap(),
            JsonObject::Not => "not".to_owned(),
            JsonObject::Hollow => "hollow".to_owned(),
        }
    }

    #[test]
    fn what_is_no_json_may_be_read_all_the_same() {
        for (text, expected) in [
            (r#"{"a":1,}"#, r#"{"a":1}"#),
            (r#"{"a":1e3,"b":1E+2,"c":1e-7,"d":-0}"#, r#"{"a":1,"b":1,"c":1e-07,"d":0}"#),
            (r#"{"a":123456789012345678901234567890}"#, r#"{"a":9223372036854775807}"#),
            (r#"{"a":[1,{"b":[]}],"c":{}}"#, r#"{"a":[1,{"b":[]}],"c":{}}"#),
            (r#"{"a":1} x"#, "not"),
            (r#"{"a":1}{"b":2}"#, "not"),
            (r#"{"a":NaN}"#, "not"),
            (r#"{"a":tomorrow}"#, r#"{"a":true}"#),
            (r#"{"a"}"#, "hollow"),
            (r#"{"a":1 "b":2}"#, r#"{"a":1}"#),
            ("{}", "{}"),
            ("[1]", "not"),
            ("1", "not"),
            ("", "not"),
            (r#"{"a":[1}"#, "not"),
        ] {
            assert_eq!(read_as(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[{}\\[\\]\":,a1tn\\\\u -]{0,24}") {
            _ = read(text.as_bytes());
        }
    }
}
