//! `record_modifier`: adds fields and removes keys.
//!
//! Source: fluent/fluent-bit, plugins/filter_record_modifier/filter_modifier.c, at v1.9.10 and v5.1.1.

use crate::fluent_bit::parse::ReadSection;
use crate::fluent_bit::words::listed;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::record::Effect;
use crate::simulate::value::{Key, Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordModifier {
    records: Vec<(String, String)>,
    removed: Vec<Pattern>,
    allowed: Vec<Pattern>,
}

/// A key, or what keys begin with; its case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    text: Vec<u8>,
    is_prefix: bool,
}

impl Pattern {
    fn new(value: &str) -> Pattern {
        match value.strip_suffix('*') {
            Some(prefix) => Pattern { text: prefix.as_bytes().to_vec(), is_prefix: true },
            None => Pattern { text: value.as_bytes().to_vec(), is_prefix: false },
        }
    }

    fn takes(&self, key: &Key) -> bool {
        let Some(key) = key.as_text() else { return false };
        let has_length = if self.is_prefix { key.len() >= self.text.len() } else { key.len() == self.text.len() };
        has_length && key.get(..self.text.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.text))
    }
}

impl RecordModifier {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<RecordModifier, NotStarted> {
        let mut filter = RecordModifier { records: Vec::new(), removed: Vec::new(), allowed: Vec::new() };
        for property in &section.properties {
            let value = property.value.value.as_str();
            match property.name.value.to_ascii_lowercase().as_str() {
                "record" => {
                    let mut words = listed(value, 2).into_iter();
                    let (Some(key), Some(text)) = (words.next(), words.next()) else {
                        return Err(NotStarted::because("a Record of record_modifier has no value"));
                    };
                    // More than two words are passed over.
                    if words.next().is_none() {
                        filter.records.push((key, text));
                    }
                }
                "remove_key" => filter.removed.push(Pattern::new(value)),
                "allowlist_key" => filter.allowed.push(Pattern::new(value)),
                // The older core takes the option and forgets it.
                "whitelist_key" if core == Core::Newer => filter.allowed.push(Pattern::new(value)),
                "uuid_key" => return Err(NotStarted::unknown("record_modifier adds an id of its own")),
                _ => {}
            }
        }
        if !filter.removed.is_empty() && !filter.allowed.is_empty() {
            return Err(NotStarted::because("record_modifier has both Remove_key and Allowlist_key"));
        }
        Ok(filter)
    }

    pub(super) fn effect(&self, record: &Map) -> Effect {
        let is_kept = |key: &Key| {
            let takes = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.takes(key));
            if self.removed.is_empty() {
                self.allowed.is_empty() || takes(&self.allowed)
            } else {
                !takes(&self.removed)
            }
        };
        let mut map = Map { members: record.members.iter().filter(|(key, _)| is_kept(key)).cloned().collect() };
        if map.len() == record.len() && self.records.is_empty() {
            return if map.len() == 0 { Effect::Dropped } else { Effect::Nothing };
        }
        for (key, text) in &self.records {
            map.push(key, Value::text(text));
        }
        if map.len() == 0 { Effect::Dropped } else { Effect::map(map) }
    }
}
