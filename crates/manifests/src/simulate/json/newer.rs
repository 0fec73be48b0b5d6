//! JSON as the newer core reads it: strictly, but for what follows an object, which is lost, and for texts that are no Unicode.
//!
//! Source: fluent/fluent-bit v5.1.1, src/flb_pack.c, `pack_json_to_msgpack_yyjson`, and lib/yyjson-0.12.0/src/yyjson.c with
//! `YYJSON_READ_STOP_WHEN_DONE`, `ALLOW_INVALID_UNICODE` and `REPLACE_INVALID_UNICODE`.

use super::super::numbers;
use super::super::unknown::Unknown;
use super::super::value::{Key, Map, Value};
use super::object::{DEEPEST, JsonObject, too_deep};

/// Reads a text that is to be one object.
pub(super) fn read(text: &[u8]) -> Result<JsonObject, Unknown> {
    let mut reader = Reader { text, at: 0 };
    reader.blanks();
    let first = match reader.value(0) {
        Ok(value) => value,
        Err(Trouble::Invalid) => return Ok(JsonObject::Not),
        Err(Trouble::Unknown(unknown)) => return Err(unknown),
    };
    // What follows is looked at only for whether it is a second value.
    reader.blanks();
    if reader.at < text.len() {
        match reader.value(0) {
            Ok(_) => return Ok(JsonObject::Not),
            Err(Trouble::Invalid) => {}
            Err(Trouble::Unknown(unknown)) => return Err(unknown),
        }
    }
    match first {
        Value::Map(map) => Ok(JsonObject::Read(map)),
        _ => Ok(JsonObject::Not),
    }
}

/// The text that stands between two quotes; `None` if it is none.
pub(super) fn between_quotes(text: &[u8]) -> Option<Vec<u8>> {
    let quoted = [b"\"", text, b"\""].concat();
    let mut reader = Reader { text: &quoted, at: 0 };
    reader.string().ok().filter(|_| reader.at == quoted.len())
}

enum Trouble {
    Invalid,
    Unknown(Unknown),
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Trouble> {
        if self.peek() != Some(byte) {
            return Err(Trouble::Invalid);
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Trouble> {
        if depth > DEEPEST {
            return Err(Trouble::Unknown(too_deep()));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in
                    [("true", Value::Boolean(true)), ("false", Value::Boolean(false)), ("null", Value::Nil)]
                {
                    if self.rest().starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(Trouble::Invalid)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Trouble> {
        self.at += 1;
        let mut map = Map::default();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(Trouble::Invalid);
            }
            let key = Key::Text(self.string()?);
            self.blanks();
            self.take(b':')?;
            self.blanks();
            let value = self.value(depth + 1)?;
            map.members.push((key, value));
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.take(b'}')?;
                    return Ok(Value::Map(map));
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Trouble> {
        self.at += 1;
        let mut list = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(list));
        }
        loop {
            self.blanks();
            list.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.take(b']')?;
                    return Ok(Value::List(list));
                }
            }
        }
    }

    fn digits(&mut self) -> Result<(), Trouble> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Trouble::Invalid) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value, Trouble> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.at;
        self.digits()?;
        if self.text.get(first) == Some(&b'0') && self.at > first + 1 {
            return Err(Trouble::Invalid);
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let own = self.text.get(start..self.at).unwrap_or_default();
        let integer = std::str::from_utf8(own).ok().and_then(|own| own.parse::<i128>().ok());
        match integer.filter(|_| is_whole) {
            Some(number) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number) => {
                Ok(Value::Integer(number))
            }
            _ => match numbers::float(own) {
                Some((number, _)) if number.is_finite() => Ok(Value::Float(number)),
                _ => Err(Trouble::Invalid),
            },
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, Trouble> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek().ok_or(Trouble::Invalid)? {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => self.escape(&mut out)?,
                // Control characters and bytes that are no Unicode are kept as they are.
                byte => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Trouble> {
        let letter = self.text.get(self.at + 1).copied().ok_or(Trouble::Invalid)?;
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.code_unit(out);
                return Ok(());
            }
            _ => return Err(Trouble::Invalid),
        };
        self.at += 2;
        out.push(plain);
        Ok(())
    }

    /// `\uXXXX`, or two of them; half of a pair becomes U+FFFD, and takes along what should have been the other half. Where digits are
    /// missing, it is kept as it is but for the character behind it.
    fn code_unit(&mut self, out: &mut Vec<u8>) {
        let digits = |at: usize| {
            let rest = self.text.get(at..).unwrap_or_default();
            rest.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count()
        };
        let Some(first) = self.four_digits(self.at + 2) else {
            let end = self.at + 2 + digits(self.at + 2);
            out.extend(self.text.get(self.at..end).unwrap_or_default());
            let is_lost = !matches!(self.text.get(end), None | Some(b'"' | b'\'' | 0));
            self.at = end + usize::from(is_lost);
            return;
        };
        let mut end = self.at + 6;
        let mut character = char::from_u32(first);
        if (0xd800..0xdc00).contains(&first) && self.text.get(end..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            match self.four_digits(end + 2) {
                Some(second) => {
                    end += 6;
                    if (0xdc00..0xe000).contains(&second) {
                        character = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                    }
                }
                None => end += 2 + digits(end + 2),
            }
        }
        self.at = end;
        out.extend(character.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]).bytes());
    }

    fn four_digits(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::core::Core;
    use crate::simulate::print::json_map;

    fn read_as(text: &str) -> String {
        match read(text.as_bytes()) {
            Ok(JsonObject::Read(map)) => String::from_utf8(json_map(Core::Newer, &map)).unwrap(),
            Ok(_) => "not".to_owned(),
            Err(_) => "unknown".to_owned(),
        }
    }

    #[test]
    fn it_is_strict_but_for_what_follows() {
        for (text, expected) in [
            (r#"{"a":1,}"#, "not"),
            (r#"{"a":1e3,"b":1E+2,"c":1e-7,"d":-0}"#, r#"{"a":1000.0,"b":100.0,"c":1e-07,"d":0}"#),
            (
                r#"{"a":18446744073709551615,"b":18446744073709551616,"c":-9223372036854775809}"#,
                r#"{"a":18446744073709551615,"b":1.844674407370955e+19,"c":-9223372036854775808.0}"#,
            ),
            (r#"{"a":1e400}"#, "not"),
            (r#"{"a":1} x"#, r#"{"a":1}"#),
            (r#"{"a":1}{"b":2}"#, "not"),
            (
                r#"{"a":"\ud83d\ude00","b":"\ud83d","c":"\ude00x"}"#,
                r#"{"a":"\ud83d\ude00","b":"\ufffd","c":"\ufffdx"}"#,
            ),
            (r#"{"a":"\u12","b":"\u12 x","c":"\ud83d\u1"}"#, r#"{"a":"\\u12","b":"\\u12x","c":"\ufffd"}"#),
            ("{\"a\":\"\u{1}\n\"}", r#"{"a":"\u0001\n"}"#),
            (r#"{"a":01}"#, "not"),
            (" {} ", "{}"),
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
