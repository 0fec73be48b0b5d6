//! `Merge_Log`: the application's own record, taken out of `log`.
//!
//! Source: fluent/fluent-bit, plugins/filter_kubernetes/kubernetes.c, `merge_log_handler`, `pack_map_content` and `value_trim_size`.

use crate::simulate::core::Core;
use crate::simulate::json::{self, JsonObject};
use crate::simulate::parsers::Parser;
use crate::simulate::parsers::time::Time;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Key, Map, Value};

/// How `log` is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) is_on: bool,
    pub(super) keeps_log: bool,
    pub(super) under: Option<String>,
    pub(super) trims: bool,
}

/// A record with its `log` merged, and a new time if a parser ran; one without a time of its own gives that of reading.
pub(super) struct Merged {
    pub(super) map: Map,
    pub(super) time: Option<Option<Time>>,
    /// Whether the older core counts one member too many.
    pub(super) is_broken: bool,
}

impl Merged {
    fn untouched(record: &Map) -> Merged {
        Merged { map: record.clone(), time: None, is_broken: false }
    }
}

impl Merge {
    pub(super) fn run(
        &self,
        core: Core,
        parser: Option<&Parser>,
        record: &Map,
        read_at: Time,
    ) -> Result<Merged, Unknown> {
        let place = record.members.iter().position(|(key, _)| key.is(b"log")).filter(|_| self.is_on);
        let Some((place, (_, value))) = place.and_then(|place| Some((place, record.members.get(place)?))) else {
            return Ok(Merged::untouched(record));
        };
        let mut is_broken = false;
        let (merged, time) = match value {
            Value::Map(map) => (Some(map.clone()), None),
            Value::Text(text) => self.of_text(core, parser, text, read_at)?,
            _ if self.keeps_log => return Ok(Merged::untouched(record)),
            // It is lost, though nothing is merged.
            _ => {
                is_broken = core == Core::Older;
                (Some(Map::default()), None)
            }
        };
        let Some(merged) = merged else { return Ok(Merged::untouched(record)) };
        let mut map = record.clone();
        if !self.keeps_log {
            map.members.remove(place);
        }
        if merged.len() > 0 {
            match &self.under {
                Some(key) => map.push(key, Value::Map(merged)),
                None => map.members.extend(merged.members),
            }
        }
        Ok(Merged { map, time, is_broken })
    }

    fn of_text(
        &self,
        core: Core,
        parser: Option<&Parser>,
        text: &[u8],
        read_at: Time,
    ) -> Result<(Option<Map>, Option<Option<Time>>), Unknown> {
        let (mut map, time) = match parser {
            Some(parser) => match parser.run(core, text, read_at)? {
                Some(parsed) => (parsed.map, Some(parsed.time)),
                None => return Ok((None, None)),
            },
            None => match json::read(core, text)? {
                JsonObject::Read(map) => (map, None),
                JsonObject::Not => return Ok((None, None)),
                // It counts as merged, though nothing comes of it.
                JsonObject::Hollow => (Map::default(), None),
            },
        };
        let is_hollow = |(key, value): &(Key, Value)| key.is(b"") && value.as_text() == Some(b"");
        if core == Core::Newer && map.members.iter().any(is_hollow) {
            return Err(Unknown("the newer core stops at a member that has neither name nor text"));
        }
        if self.trims {
            for (_, value) in &mut map.members {
                if let Value::Text(text) = value {
                    text.truncate(trimmed(text));
                }
            }
        }
        Ok((Some(map), time))
    }
}

/// How long a text is without line breaks at its end, written as such or with a backslash. The first byte always stays.
fn trimmed(text: &[u8]) -> usize {
    let mut size = text.len();
    while size > 1 {
        match text.get(..size) {
            Some([.., b'\n']) => size -= 1,
            Some([.., b'\\', b'n' | b'r']) => size -= 2,
            _ => break,
        }
    }
    size
}
