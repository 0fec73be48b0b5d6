//! `cloudwatch_logs`: events, their groups and streams, and which calls AWS refuses.
//!
//! Source: fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c, `get_log_stream`, `process_log_events` and `process_event`, at
//! v1.9.10 and v5.1.1.

use crate::fluent_bit::parse::ReadSection;
use crate::simulate::accessor::Accessor;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;
use crate::simulate::json;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::print;
use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct CloudWatchLogs {
    group: Vec<u8>,
    group_template: Option<Accessor>,
    stream: StreamName,
    stream_template: Option<Accessor>,
    log_key: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq)]
enum StreamName {
    Fixed(Vec<u8>),
    /// Before the tag.
    Prefix(Vec<u8>),
}

/// An event's message may not come near what Fluent Bit cuts. Source: plugins/out_cloudwatch_logs/cloudwatch_api.h, `MAX_EVENT_LEN`.
const LONGEST: usize = 262_118;

impl CloudWatchLogs {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<CloudWatchLogs, NotStarted> {
        let bytes = |option: &str| section.value(option).map(|value| value.as_bytes().to_vec());
        let template = |option: &str| match section.value(option) {
            None => Ok(None),
            Some(text) => Accessor::new(core, text).map(Some).ok_or(NotStarted::because("a template cannot be read")),
        };
        let stream = match (bytes("log_stream_name"), bytes("log_stream_prefix")) {
            (Some(_), Some(_)) => {
                return Err(NotStarted::because("an output has both log_stream_name and log_stream_prefix"));
            }
            (Some(name), None) => StreamName::Fixed(name),
            (None, Some(prefix)) => StreamName::Prefix(prefix),
            (None, None) => return Err(NotStarted::because("an output has no log_stream_name or log_stream_prefix")),
        };
        if section.value("auto_create_group").is_some_and(|value| boolean(value).is_none()) {
            return Err(NotStarted::because("an option is no boolean"));
        }
        Ok(CloudWatchLogs {
            group: bytes("log_group_name").ok_or(NotStarted::because("an output has no log_group_name"))?,
            group_template: template("log_group_template")?,
            stream,
            stream_template: template("log_stream_template")?,
            log_key: bytes("log_key"),
        })
    }

    pub(super) fn send(&self, core: Core, tag: &[u8], records: &[&Record], read_at: Time) -> Vec<Vec<Sent>> {
        let mut all = Vec::new();
        // The call that is being filled: its place, the oldest and the newest time, and whether AWS refuses it.
        let mut call: Option<Call> = None;
        let mut calls: Vec<bool> = Vec::new();
        for record in records {
            let time = record.time.unwrap_or(read_at).milliseconds();
            let mut events = Vec::new();
            for sent in self.events(core, tag, &record.map) {
                let (place, is_refused) = match &sent {
                    Sent::Event { group, stream, .. } => ((group.clone(), stream.clone()), false),
                    Sent::Refused { group, stream } => ((group.clone(), stream.clone()), true),
                    _ => {
                        events.push((sent, None));
                        continue;
                    }
                };
                if call.as_mut().is_none_or(|call| !call.takes(&place, time)) {
                    call = Some(Call { place, oldest: time, newest: time });
                    calls.push(false);
                }
                let number = calls.len() - 1;
                if let Some(refused) = calls.last_mut() {
                    *refused |= is_refused;
                }
                events.push((sent, Some(number)));
            }
            all.push(events);
        }
        let refused = |sent: Sent, number: Option<usize>| match sent {
            Sent::Event { group, stream, .. } if number.is_some_and(|number| calls.get(number) == Some(&true)) => {
                Sent::Refused { group, stream }
            }
            sent => sent,
        };
        let each = |events: Vec<(Sent, Option<usize>)>| {
            events.into_iter().map(|(sent, number)| refused(sent, number)).collect()
        };
        all.into_iter().map(each).collect()
    }

    fn events(&self, core: Core, tag: &[u8], record: &Map) -> Vec<Sent> {
        let (group, stream) = match self.place(core, tag, record) {
            Ok(place) => place,
            Err(unknown) => return vec![Sent::Unknown(unknown)],
        };
        let Some(log_key) = &self.log_key else {
            let message = print::json_map(core, record);
            return vec![match message.len() {
                0..=2 => Sent::Nothing("the record is empty"),
                LONGEST.. => Sent::Unknown(Unknown("the message is so long that it is cut")),
                _ => Sent::Event { group, stream, message },
            }];
        };
        // Any key counts that `log_key` begins with, even the empty one.
        let keys = record.members.iter().filter(|(key, _)| key.as_text().is_some_and(|key| log_key.starts_with(key)));
        let mut sent: Vec<Sent> = keys.map(|(_, value)| of_key(core, value, &group, &stream)).collect();
        if sent.is_empty() {
            sent.push(Sent::Nothing("the record has no key that is `log_key`"));
        }
        sent
    }

    /// Group and stream: by the templates where the record has what they want.
    fn place(&self, core: Core, tag: &[u8], record: &Map) -> Result<(Vec<u8>, Vec<u8>), Unknown> {
        let fill = |template: &Option<Accessor>| match template {
            Some(template) => template.fill(core, tag, record, None, true),
            None => Ok(None),
        };
        let stream = fill(&self.stream_template)?.unwrap_or_else(|| match &self.stream {
            StreamName::Fixed(name) => name.clone(),
            StreamName::Prefix(prefix) => [prefix.as_slice(), tag].concat(),
        });
        let group = fill(&self.group_template)?.unwrap_or_else(|| self.group.clone());
        let is_odd = |name: &[u8]| name.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        if core == Core::Older && (is_odd(&group) || is_odd(&stream)) {
            return Err(Unknown("the older core does not escape what a name of a group or stream has"));
        }
        Ok((group, stream))
    }
}

/// A call under way: events of one stream that follow each other, within a day.
struct Call {
    place: (Vec<u8>, Vec<u8>),
    /// In milliseconds since 1970, as the newest.
    oldest: i64,
    newest: i64,
}

impl Call {
    /// Takes an event if it fits.
    fn takes(&mut self, place: &(Vec<u8>, Vec<u8>), time: i64) -> bool {
        // Source: plugins/out_cloudwatch_logs/cloudwatch_api.c, `ONE_DAY_IN_MILLISECONDS`; what CloudWatch allows in one call.
        const DAY: i64 = 86_400_000;
        let (oldest, newest) = (self.oldest.min(time), self.newest.max(time));
        let fits = self.place == *place && newest - oldest < DAY;
        if fits {
            (self.oldest, self.newest) = (oldest, newest);
        }
        fits
    }
}

/// The event of one key: its value as JSON without the first and the last character, which are taken for quotes.
fn of_key(core: Core, value: &Value, group: &[u8], stream: &[u8]) -> Sent {
    let written = print::json(core, value);
    let Some(inside) = written.get(1..written.len().saturating_sub(1)).filter(|inside| !inside.is_empty()) else {
        return Sent::Nothing("the value of `log_key` is empty");
    };
    let (group, stream) = (group.to_vec(), stream.to_vec());
    match json::between_quotes(inside) {
        _ if inside.len() >= LONGEST => Sent::Unknown(Unknown("the message is so long that it is cut")),
        Some(message) => Sent::Event { group, stream, message },
        None => Sent::Refused { group, stream },
    }
}
