//! `Types`: which captured texts become numbers and booleans.
//!
//! Source: fluent/fluent-bit, src/flb_parser.c, `proc_types_str` and `flb_parser_typecast`.

use crate::fluent_bit::words::by_spaces;
use crate::simulate::numbers::{float, hexadecimal, whole};
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Hexadecimal,
    Float,
    Boolean,
    Text,
}

/// The types of keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Types {
    of: Vec<(Vec<u8>, Kind)>,
}

impl Types {
    pub(super) fn new(types: &str) -> Types {
        // It parts a value into so many words; what follows is the last.
        const MOST: usize = 256;
        let one = |word: &String| {
            let (key, kind) = word.split_once(':')?;
            let kind = match kind.to_ascii_lowercase().as_str() {
                "integer" => Kind::Integer,
                "bool" => Kind::Boolean,
                "float" => Kind::Float,
                "hex" => Kind::Hexadecimal,
                _ => Kind::Text,
            };
            Some((key.as_bytes().to_vec(), kind))
        };
        Types { of: by_spaces(types, MOST).iter().filter_map(one).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// A captured text as its key's type. Each is read from its beginning; a zero byte ends it.
    pub(super) fn cast(&self, key: &[u8], text: &[u8]) -> Result<Value, Unknown> {
        let kind = self.of.iter().find(|(name, _)| name == key).map_or(Kind::Text, |(_, kind)| *kind);
        let start = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let begins =
            |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        Ok(match kind {
            Kind::Integer => Value::Integer(whole(start)),
            Kind::Hexadecimal => Value::Integer(hexadecimal(start)),
            Kind::Float => match float(start) {
                Some((number, _)) => Value::Float(number),
                None => return Err(Unknown("a value of type float that is no plain number")),
            },
            Kind::Boolean if begins("true") => Value::Boolean(true),
            Kind::Boolean if begins("false") => Value::Boolean(false),
            Kind::Boolean | Kind::Text => Value::text(text),
        })
    }
}
