//! `nest`: puts keys into a map, or takes a map's keys out.
//!
//! Source: fluent/fluent-bit, plugins/filter_nest/nest.c, at v1.9.10 and v5.1.1.

use super::beginning::{Beginning, beginning};
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::record::Effect;
use crate::simulate::unknown::Unknown;
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

    /// # Errors
    /// Where it is not known.
    pub(super) fn effect(&self, core: Core, record: &Map) -> Result<Effect, Unknown> {
        let overruns = |(key, value): &(Key, Value), text: &[u8]| beginning(key, value, text) == Beginning::Overruns;
        let mut wildcards = self.wildcards.iter().filter(|(_, is_prefix)| *is_prefix && !self.lifts);
        if wildcards.any(|(text, _)| record.members.iter().any(|member| overruns(member, text))) {
            return Err(Unknown("nest looks for keys by their beginning, and compares more than a key has"));
        }
        let renamed: Vec<&(Key, Value)> = match self.lifts {
            true => record
                .members
                .iter()
                .filter_map(|member| self.lifts_from(member))
                .flat_map(|map| &map.members)
                .collect(),
            false => record.members.iter().filter(|(key, _)| self.takes(key)).collect(),
        };
        if let Some(Prefix::Removed(prefix)) = &self.prefix
            && renamed.into_iter().any(|member| overruns(member, prefix))
        {
            // The new key's length is below zero.
            return Ok(Effect::BreaksBatch(Unknown("nest removes a prefix, and compares more of it than a key has")));
        }
        Ok(if self.lifts { self.lifted(record) } else { self.nested(core, record) })
    }

    /// The map that is lifted, if this member is one.
    fn lifts_from<'r>(&self, (key, value): &'r (Key, Value)) -> Option<&'r Map> {
        value.as_map().filter(|_| key.is(self.key.as_deref().unwrap_or_default()))
    }

    fn takes(&self, key: &Key) -> bool {
        let Some(key) = key.as_text() else { return false };
        self.wildcards.iter().any(|(text, is_prefix)| match is_prefix {
            true => key.starts_with(text),
            false => key == text,
        })
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
        let mut map = Map::default();
        let mut lifted = Vec::new();
        let mut is_found = false;
        for member in &record.members {
            match self.lifts_from(member) {
                Some(inner) => {
                    is_found = true;
                    lifted.extend(inner.members.iter().map(|(name, value)| (self.renamed(name), value.clone())));
                }
                None => map.members.push(member.clone()),
            }
        }
        map.members.extend(lifted);
        if is_found { Effect::map(map) } else { Effect::Nothing }
    }

    fn nested(&self, core: Core, record: &Map) -> Effect {
        let (nested, mut outside): (Vec<_>, Vec<_>) =
            record.members.iter().cloned().partition(|(key, _)| self.takes(key));
        if nested.is_empty() {
            return Effect::Nothing;
        }
        if core == Core::Newer && self.key.is_none() {
            // It cannot write the key, and goes on with the next record.
            return Effect::Dropped;
        }
        let inside = nested.into_iter().map(|(key, value)| (self.renamed(&key), value)).collect();
        let key = self.key.clone().map_or(Key::Nil, Key::Text);
        outside.push((key, Value::Map(Map { members: inside })));
        Effect::map(Map { members: outside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::parse::parse;
    use crate::simulate::json::{JsonObject, read};

    /// A real 1.9.10 compared `l` with what stood behind an empty key, found it, and wrote a key whose length was below zero.
    #[test]
    fn a_prefix_that_may_be_found_behind_a_shorter_key_is_not_known() {
        let nest = |options: &str| {
            let configuration = parse(&format!("[FILTER]\n    Name nest\n{options}"));
            Nest::new(&configuration.sections[0]).unwrap()
        };
        let broken = |nest: &Nest, json: &str| {
            let JsonObject::Read(map) = read(Core::Newer, json.as_bytes()).unwrap() else { panic!("{json}") };
            matches!(nest.effect(Core::Older, &map), Ok(Effect::BreaksBatch(_)))
        };
        let nested = nest("    Operation nest\n    Wildcard *\n    Nest_under x\n    Remove_prefix log\n");
        for (json, is_broken) in [
            (r#"{"":1}"#, true),
            (r#"{"lo":103}"#, true),
            (r#"{"lo":104}"#, false),
            (r#"{"lo":"g"}"#, false),
            (r#"{"l":111}"#, false),
            (r#"{"log":1,"logs":2,"x":3}"#, false),
        ] {
            assert_eq!(broken(&nested, json), is_broken, "{json}");
        }
        // An empty key may be one of those that begin so.
        let JsonObject::Read(map) = read(Core::Newer, br#"{"":1,"kubernetes":2}"#).unwrap() else { panic!() };
        for (wildcard, is_known) in [("kube*", false), ("*", true), ("kubernetes", true)] {
            let nest = nest(&format!("    Operation nest\n    Wildcard {wildcard}\n    Nest_under x\n"));
            assert_eq!(nest.effect(Core::Older, &map).is_ok(), is_known, "{wildcard}");
        }
        // Keys that are not renamed are not compared.
        let lifts = nest("    Operation lift\n    Nested_under x\n    Remove_prefix log\n");
        assert!(!broken(&lifts, r#"{"":1,"x":{"a":2}}"#) && broken(&lifts, r#"{"x":{"":2}}"#));
    }
}
