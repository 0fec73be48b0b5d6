//! `parser`: parses the text under a key.
//!
//! Source: fluent/fluent-bit, plugins/filter_parser/filter_parser.c, at v1.9.10 and v5.1.1.

use std::rc::Rc;

use crate::fluent_bit::parse::ReadSection;
use crate::simulate::accessor::Accessor;
use crate::simulate::core::Core;
use crate::simulate::filters::options::flag;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::parsers::{Parsed, Parser};
use crate::simulate::record::Effect;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParserFilter {
    key: String,
    /// Only of the newer core, where the key begins with `$`.
    accessor: Option<Accessor>,
    parsers: Vec<Rc<Parser>>,
    reserves: bool,
    preserves: bool,
}

impl ParserFilter {
    pub(super) fn new(core: Core, section: &ReadSection, parsers: &[Rc<Parser>]) -> Result<ParserFilter, NotStarted> {
        let key = section.value("Key_Name").ok_or(NotStarted::because("a parser filter has no Key_Name"))?.to_owned();
        let accessor = (core == Core::Newer && key.starts_with('$')).then(|| Accessor::new(core, &key));
        let accessor = accessor.map(|accessor| accessor.ok_or(NotStarted::because("a Key_Name cannot be read")));
        let mut used = Vec::new();
        for property in section.properties.iter().filter(|property| property.name.value.eq_ignore_ascii_case("Parser"))
        {
            let parser = parsers.iter().find(|parser| parser.name == property.value.value);
            used.push(Rc::clone(
                parser.ok_or(NotStarted::because("a parser filter names a parser that does not exist"))?,
            ));
        }
        if used.is_empty() {
            return Err(NotStarted::because("a parser filter names no parser"));
        }
        Ok(ParserFilter {
            key,
            accessor: accessor.transpose()?,
            parsers: used,
            reserves: flag(section, "Reserve_Data", false)?,
            preserves: flag(section, "Preserve_Key", false)?,
        })
    }

    pub(super) fn reserves(&self) -> bool {
        self.reserves
    }

    pub(super) fn effect(&self, core: Core, record: &Map, read_at: Time) -> Result<Effect, Unknown> {
        match (core, &self.accessor) {
            (Core::Older, _) => self.older(record, read_at),
            (Core::Newer, Some(accessor)) => self.by_accessor(accessor, record, read_at),
            (Core::Newer, None) => self.newer(record, read_at),
        }
    }

    fn parse(&self, core: Core, text: &[u8], read_at: Time) -> Result<Option<Parsed>, Unknown> {
        for parser in &self.parsers {
            if let Some(parsed) = parser.run(core, text, read_at)? {
                return Ok(Some(parsed));
            }
        }
        Ok(None)
    }

    /// With Reserve_Data, each text under the key is parsed, and the last that can be counts; else the first.
    fn older(&self, record: &Map, read_at: Time) -> Result<Effect, Unknown> {
        let mut kept = Map::default();
        let mut parsed: Option<Parsed> = None;
        let mut time = None;
        for (key, value) in &record.members {
            let text = value.as_text().filter(|_| key.is(self.key.as_bytes()));
            let found = match text {
                Some(text) => self.parse(Core::Older, text, read_at)?,
                None => None,
            };
            if found.is_none() || self.preserves {
                kept.members.push((key.clone(), value.clone()));
            }
            if let Some(found) = found {
                time = found.time.or(time);
                parsed = Some(found);
                if !self.reserves {
                    break;
                }
            }
        }
        Ok(self.outcome(parsed, time, kept))
    }

    fn newer(&self, record: &Map, read_at: Time) -> Result<Effect, Unknown> {
        let mut parsed: Option<Parsed> = None;
        let mut is_last_good = false;
        let mut time = None;
        let mut members: Vec<Option<_>> = record.members.iter().map(|member| self.reserves.then_some(member)).collect();
        for (at, member) in record.members.iter().enumerate() {
            let Some(text) = member.1.as_text().filter(|_| member.0.is(self.key.as_bytes())) else { continue };
            let found = self.parse(Core::Newer, text, read_at)?;
            is_last_good = found.is_some();
            let Some(found) = found else { continue };
            time = found.time.or(time);
            parsed = Some(found);
            if !self.preserves {
                if let Some(place) = members.get_mut(at) {
                    *place = None;
                }
            } else if !self.reserves {
                members = vec![Some(member)];
            }
        }
        let kept = Map { members: members.into_iter().flatten().cloned().collect() };
        let time_of_parsed = time;
        if !is_last_good {
            // What was parsed before is not used, but its time is.
            return Ok(match time_of_parsed {
                Some(time) => Effect::Changed { map: record.clone(), time: Some(Some(time)) },
                None => Effect::Nothing,
            });
        }
        Ok(self.merged(parsed, time, kept))
    }

    fn by_accessor(&self, accessor: &Accessor, record: &Map, read_at: Time) -> Result<Effect, Unknown> {
        let text = accessor.find(Core::Newer, record)?.and_then(|found| found.value.as_text());
        let parsed = match text {
            Some(text) => self.parse(Core::Newer, text, read_at)?,
            None => None,
        };
        if self.preserves && !self.reserves && parsed.is_some() {
            // The place for the key that is kept stays empty.
            return Ok(self.merged(parsed.clone(), parsed.and_then(|parsed| parsed.time), Map::default()));
        }
        let kept = if self.reserves { record.clone() } else { Map::default() };
        let time = parsed.as_ref().and_then(|parsed| parsed.time);
        Ok(self.merged(parsed, time, kept))
    }

    fn outcome(&self, parsed: Option<Parsed>, time: Option<crate::simulate::parsers::time::Time>, kept: Map) -> Effect {
        self.merged(parsed, time, if self.reserves { kept } else { Map::default() })
    }

    fn merged(&self, parsed: Option<Parsed>, time: Option<crate::simulate::parsers::time::Time>, kept: Map) -> Effect {
        let Some(parsed) = parsed else { return Effect::Nothing };
        let mut map = parsed.map;
        map.members.extend(kept.members);
        Effect::Changed { map, time: time.map(Some) }
    }
}
