//! `Decode_Field` and `Decode_Field_As`: texts of a parsed record that are read once more.
//!
//! Source: fluent/fluent-bit, src/flb_parser_decoder.c.

use crate::fluent_bit::words::by_spaces;
use crate::simulate::core::Core;
use crate::simulate::json::{self, JsonObject};
use crate::simulate::unescape;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Json,
    Escaped,
    EscapedUtf8,
    MysqlQuoted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    None,
    TryNext,
    DoNext,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    /// Whether it replaces the value; else what it makes is added to the record.
    replaces: bool,
    backend: Backend,
    action: Action,
}

/// The rules of each key, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Decoders {
    keys: Vec<(Vec<u8>, Vec<Rule>)>,
}

impl Decoders {
    /// Adds the rule of an option's value; whether it can be read.
    pub(super) fn add(&mut self, replaces: bool, value: &str) -> bool {
        // Three words, and then the rest.
        const MOST: usize = 3;
        let words = by_spaces(value, MOST);
        let (Some(backend), Some(key)) = (words.first(), words.get(1)) else { return false };
        let backend = match backend.to_ascii_lowercase().as_str() {
            "json" => Backend::Json,
            "escaped" => Backend::Escaped,
            "escaped_utf8" => Backend::EscapedUtf8,
            "mysql_quoted" => Backend::MysqlQuoted,
            _ => return false,
        };
        let action = match words.get(2).map(|action| action.to_ascii_lowercase()).as_deref() {
            Some("try_next") => Action::TryNext,
            Some("do_next") => Action::DoNext,
            _ => Action::None,
        };
        let rule = Rule { replaces, backend, action };
        match self.keys.iter_mut().find(|(known, _)| known == key.as_bytes()) {
            Some((_, rules)) => rules.push(rule),
            None => self.keys.push((key.as_bytes().to_vec(), vec![rule])),
        }
        true
    }

    /// A record with its fields decoded.
    pub(super) fn run(&self, core: Core, map: Map) -> Result<Map, Unknown> {
        let mut out = Map::default();
        let mut added = None;
        for (key, value) in map.members {
            let rules = self.keys.iter().find(|(known, _)| key.is(known)).map(|(_, rules)| rules);
            let (Some(rules), Value::Text(text)) = (rules, &value) else {
                out.members.push((key, value));
                continue;
            };
            let decoded = decode(core, rules, text)?;
            // Only what the last of the fields adds is kept.
            if rules.iter().any(|rule| !rule.replaces) {
                added = decoded.added;
            }
            out.members.push((key, decoded.replaced.unwrap_or(value)));
        }
        out.members.extend(added.into_iter().flat_map(|map: Map| map.members));
        Ok(out)
    }
}

#[derive(Default)]
struct Decoded {
    replaced: Option<Value>,
    added: Option<Map>,
}

fn decode(core: Core, rules: &[Rule], text: &[u8]) -> Result<Decoded, Unknown> {
    let mut decoded = Decoded::default();
    let mut text = text.to_vec();
    for rule in rules {
        let has_added = decoded.added.is_some();
        if (!rule.replaces && rule.action == Action::DoNext && has_added)
            || matches!(decoded.replaced, Some(Value::Map(_)))
        {
            continue;
        }
        let value = match rule.backend {
            Backend::Json => from_json(core, &text)?.map(Value::Map),
            Backend::Escaped => Some(Value::Text(unescape::plain(&text))),
            Backend::EscapedUtf8 => Some(Value::Text(unescape::with_code_points(core, &text))),
            Backend::MysqlQuoted => Some(Value::Text(unescape::mysql(&text))),
        };
        match value {
            None if rule.action == Action::None => break,
            None => continue,
            Some(value) if rule.replaces => {
                if let Value::Text(next) = &value {
                    text.clone_from(next);
                }
                decoded.replaced = Some(value);
            }
            Some(Value::Map(map)) => decoded.added = Some(map),
            // A text cannot be added.
            Some(_) => {}
        }
        if rule.action != Action::DoNext {
            break;
        }
    }
    Ok(decoded)
}

fn from_json(core: Core, text: &[u8]) -> Result<Option<Map>, Unknown> {
    let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    match json::read(core, text.get(start..).unwrap_or_default())? {
        JsonObject::Read(map) => Ok(Some(map)),
        JsonObject::Not => Ok(None),
        JsonObject::Hollow => Err(Unknown("a field to be decoded is broken JSON that the older core takes")),
    }
}
