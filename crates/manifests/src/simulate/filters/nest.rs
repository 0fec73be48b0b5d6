//! `nest`: puts keys into a map, or takes a map's keys out.
//!
//! Source: fluent/fluent-bit, plugins/filter_nest/nest.c, at v1.9.10 and v5.1.1.

use crate::fluent_bit::parse::ReadSection;
use crate::simulate::not_started::NotStarted;
use crate::simulate::record::Effect;
use crate::simulate::value::{Key, Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nest {
    lifts: bool,
    wildcards: Vec<(Vec<u8>, bool)>,
    key: Option<Vec<u8>>,
    prefix: Option<Prefix>,
}

#[derive(Debug, Clone, PartialEq)]
enum Prefix {
    Added(Vec<u8>),
    Removed(Vec<u8>),
}

impl Nest {
    pub(super) fn new(section: &ReadSection) -> Result<Nest, NotStarted> {
        let mut lifts = None;
        let mut wildcards = Vec::new();
        let (mut key, mut added, mut removed) = (None, None, None);
        for property in &section.properties {
            let value = property.value.value.as_bytes();
            match property.name.value.to_ascii_lowercase().as_str() {
                "operation" if value.starts_with(b"nest") => lifts = Some(false),
                "operation" if value.starts_with(b"lift") => lifts = Some(true),
                "operation" => return Err(NotStarted::because("the Operation of nest is neither nest nor lift")),
                "wildcard" => wildcards.push(match value.strip_suffix(b"*") {
                    Some(prefix) => (prefix.to_vec(), true),
                    None => (value.to_vec(), false),
                }),
                "nest_under" | "nested_under" => key = Some(value.to_vec()),
                "add_prefix" | "prefix_with" => added = Some(value.to_vec()),
                "remove_prefix" => removed = Some(value.to_vec()),
                _ => {}
            }
        }
        let prefix = match (added, removed) {
            (Some(_), Some(_)) => return Err(NotStarted::because("nest has both Add_prefix and Remove_prefix")),
            (Some(added), None) => Some(Prefix::Added(added)),
            (None, Some(removed)) => Some(Prefix::Removed(removed)),
            (None, None) => None,
        };
        // Without an Operation it nests.
        Ok(Nest { lifts: lifts.unwrap_or(false), wildcards, key, prefix })
    }

    pub(super) fn effect(&self, record: &Map) -> Effect {
        if self.lifts { self.lifted(record) } else { self.nested(record) }
    }

    fn renamed(&self, key: &Key) -> Key {
        let Some(text) = key.as_text() else { return key.clone() };
        match &self.prefix {
            None => key.clone(),
            Some(Prefix::Added(prefix)) => Key::Text([prefix.as_slice(), text].concat()),
            Some(Prefix::Removed(prefix)) => Key::Text(text.strip_prefix(prefix.as_slice()).unwrap_or(text).to_vec()),
        }
    }

    fn lifted(&self, record: &Map) -> Effect {
        let key = self.key.as_deref().unwrap_or_default();
        let mut map = Map::default();
        let mut lifted = Vec::new();
        let mut is_found = false;
        for (name, value) in &record.members {
            match value.as_map().filter(|_| name.is(key)) {
                Some(inner) => {
                    is_found = true;
                    lifted.extend(inner.members.iter().map(|(name, value)| (self.renamed(name), value.clone())));
                }
                None => map.members.push((name.clone(), value.clone())),
            }
        }
        map.members.extend(lifted);
        if is_found { Effect::map(map) } else { Effect::Nothing }
    }

    fn nested(&self, record: &Map) -> Effect {
        let takes = |key: &Key| {
            let Some(key) = key.as_text() else { return false };
            self.wildcards.iter().any(|(text, is_prefix)| match is_prefix {
                true => key.starts_with(text),
                false => key == text,
            })
        };
        let (nested, mut outside): (Vec<_>, Vec<_>) = record.members.iter().cloned().partition(|(key, _)| takes(key));
        if nested.is_empty() {
            return Effect::Nothing;
        }
        let inside = nested.into_iter().map(|(key, value)| (self.renamed(&key), value)).collect();
        let key = self.key.clone().map_or(Key::Nil, Key::Text);
        outside.push((key, Value::Map(Map { members: inside })));
        Effect::map(Map { members: outside })
    }
}
