//! Parsers: `[PARSER]` sections, and what they make of a text.
//!
//! Source: fluent/fluent-bit, src/flb_parser.c, src/flb_parser_regex.c and src/flb_parser_json.c, at v1.9.10 and v5.1.1.

mod decoders;
mod logfmt;
mod ltsv;
mod pairs;
pub mod time;
mod types;

use self::decoders::Decoders;
use self::pairs::Pair;
use self::time::{Time, TimeFormat};
use self::types::Types;
use super::boolean::boolean;
use super::core::Core;
use super::json::{self, JsonObject};
use super::onigmo::{Expression, Refused};
use super::unknown::Unknown;
use super::value::Map;
use crate::fluent_bit::parse::ReadSection;

/// A parser.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parser {
    pub(crate) name: String,
    format: Format,
    skips_empty: bool,
    time: Option<Result<TimeFormat, Unknown>>,
    time_key: String,
    keeps_time: bool,
    types: Types,
    decoders: Option<Decoders>,
}

#[derive(Debug, Clone, PartialEq)]
enum Format {
    Regex { pattern: String, expression: Result<Expression, Unknown> },
    Json,
    Ltsv,
    Logfmt { allows_bare: bool },
}

/// What a parser made of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) map: Map,
    /// The time in it, if it has one that can be parsed.
    pub(crate) time: Option<Time>,
}

/// Options that change what is read and are not modelled.
const NOT_MODELLED: [&str; 2] = ["Time_Zone", "Time_System_Timezone"];

impl Parser {
    /// Reads a section.
    ///
    /// # Errors
    /// What is wrong with it, so that Fluent Bit does not start.
    pub(crate) fn new(core: Core, section: &ReadSection) -> Result<Parser, String> {
        let value = |option: &str| section.value(option);
        let name = value("Name").ok_or("a parser has no name")?.to_owned();
        let format = value("Format").ok_or_else(|| format!("the parser `{name}` has no format"))?;
        let flag = |option: &str, otherwise: bool| {
            // What is no boolean counts as one that is on.
            value(option).map_or(otherwise, |value| boolean(value).unwrap_or(true))
        };
        let format = match format.to_ascii_lowercase().as_str() {
            "regex" => {
                let pattern = value("Regex").ok_or_else(|| format!("the parser `{name}` has no expression"))?;
                let expression = match Expression::new(core, pattern) {
                    Ok(expression) => Ok(expression),
                    Err(Refused::Unknown(unknown)) => Err(unknown),
                    Err(Refused::Broken) => return Err(format!("the expression of the parser `{name}` is broken")),
                };
                Format::Regex { pattern: pattern.to_owned(), expression }
            }
            "json" => Format::Json,
            "ltsv" => Format::Ltsv,
            "logfmt" => Format::Logfmt { allows_bare: !flag("Logfmt_No_Bare_Keys", false) },
            _ => return Err(format!("the parser `{name}` has a format that does not exist")),
        };
        let time = value("Time_Format").map(|format| match NOT_MODELLED.iter().any(|option| value(option).is_some()) {
            true => Err(Unknown("a parser has a time zone of its own")),
            false => TimeFormat::new(format, value("Time_Offset"), flag("Time_Strict", true)),
        });
        let mut decoders = Decoders::default();
        let mut has_decoders = false;
        for property in &section.properties {
            let replaces = match property.name.value.to_ascii_lowercase().as_str() {
                "decode_field" => false,
                "decode_field_as" => true,
                _ => continue,
            };
            has_decoders = decoders.add(replaces, &property.value.value);
            if !has_decoders {
                break;
            }
        }
        Ok(Parser {
            name,
            format,
            skips_empty: flag("Skip_Empty_Values", true),
            time,
            time_key: value("Time_Key").unwrap_or("time").to_owned(),
            keeps_time: flag("Time_Keep", false),
            types: value("Types").map(Types::new).unwrap_or_default(),
            decoders: has_decoders.then_some(decoders),
        })
    }

    /// Its expression, if it has one.
    pub(crate) fn pattern(&self) -> Option<&str> {
        match &self.format {
            Format::Regex { pattern, .. } => Some(pattern),
            _ => None,
        }
    }

    /// Parses a text; `None` if it does not fit. A time without a year is of the year in which it is read.
    ///
    /// # Errors
    /// Where it is not known what comes out.
    pub(crate) fn run(&self, core: Core, text: &[u8], read_at: Time) -> Result<Option<Parsed>, Unknown> {
        match &self.format {
            Format::Regex { expression, .. } => {
                self.by_expression(core, expression.as_ref().map_err(|unknown| *unknown)?, text, read_at)
            }
            Format::Json => self.json(core, text, read_at),
            Format::Ltsv => self.pairs(core, ltsv::pairs(text), read_at),
            Format::Logfmt { allows_bare } => match logfmt::pairs(core, text, *allows_bare) {
                Some(pairs) => self.pairs(core, pairs, read_at),
                None => Ok(None),
            },
        }
    }

    /// The time in a text; `None` if it cannot be parsed.
    fn read_time(&self, core: Core, text: &[u8], read_at: Time) -> Result<Option<Time>, Unknown> {
        match &self.time {
            Some(Ok(format)) => format.read(core, text, read_at),
            Some(Err(unknown)) => Err(*unknown),
            None => Ok(None),
        }
    }

    fn is_time(&self, key: &[u8]) -> bool {
        self.time.is_some() && key == self.time_key.as_bytes()
    }

    fn by_expression(
        &self,
        core: Core,
        expression: &Expression,
        text: &[u8],
        read_at: Time,
    ) -> Result<Option<Parsed>, Unknown> {
        let Some(found) = expression.search(text)?.filter(|_| expression.groups() > 0) else { return Ok(None) };
        let mut map = Map::default();
        let mut time = None;
        let mut has_captured = false;
        for (name, groups) in expression.names() {
            for group in groups {
                let range = found.groups.get(*group).cloned().flatten();
                has_captured = range.is_some() || has_captured;
                let captured = range.and_then(|range| text.get(range)).unwrap_or_default();
                if captured.is_empty() && self.skips_empty {
                    continue;
                }
                if self.is_time(name.as_bytes()) {
                    let read = self.read_time(core, captured, read_at)?;
                    time = read.or(time);
                    if read.is_none() || !self.keeps_time {
                        continue;
                    }
                }
                map.push(name, self.types.cast(name.as_bytes(), captured)?);
            }
        }
        if !has_captured {
            return Ok(None);
        }
        self.finished(core, map, time).map(Some)
    }

    fn json(&self, core: Core, text: &[u8], read_at: Time) -> Result<Option<Parsed>, Unknown> {
        let JsonObject::Read(map) = json::read(core, text)? else { return Ok(None) };
        let mut map = self.decoded(core, map)?;
        if self.time.is_none() {
            return Ok(Some(Parsed { map, time: None }));
        }
        let place = map.members.iter().position(|(key, _)| key.is(self.time_key.as_bytes()));
        let text = place.and_then(|place| map.members.get(place)).and_then(|(_, value)| value.as_text());
        let (Some(place), Some(text)) = (place, text) else { return Ok(Some(Parsed { map, time: None })) };
        let time = self.read_time(core, text, read_at)?;
        // The older core drops it, whether or not it can be parsed.
        if !self.keeps_time && (time.is_some() || core == Core::Older) {
            map.members.remove(place);
        }
        Ok(Some(Parsed { map, time }))
    }

    fn pairs(&self, core: Core, pairs: Vec<Pair<'_>>, read_at: Time) -> Result<Option<Parsed>, Unknown> {
        let mut map = Map::default();
        let mut time = None;
        for pair in pairs {
            if self.is_time(pair.key) && !pair.raw.is_empty() {
                match self.read_time(core, pair.raw, read_at)? {
                    Some(read) => time = Some(read),
                    // The line then counts as one that does not fit; where the time is all that it has, it was not looked at.
                    None => return Ok(None),
                }
                if !self.keeps_time {
                    continue;
                }
            }
            let value = if self.types.is_empty() { pair.value } else { self.types.cast(pair.key, pair.raw)? };
            map.push(pair.key, value);
        }
        if map.len() == 0 {
            return Ok(None);
        }
        self.finished(core, map, time).map(Some)
    }

    fn decoded(&self, core: Core, map: Map) -> Result<Map, Unknown> {
        match &self.decoders {
            Some(decoders) => decoders.run(core, map),
            None => Ok(map),
        }
    }

    fn finished(&self, core: Core, map: Map, time: Option<Time>) -> Result<Parsed, Unknown> {
        Ok(Parsed { map: self.decoded(core, map)?, time })
    }
}
