//! `kinesis_firehose`: records, each with a newline behind it.
//!
//! Source: fluent/fluent-bit, plugins/out_kinesis_firehose/firehose_api.c, `process_and_send_records` and `process_event`, and
//! src/aws/flb_aws_util.c, `flb_aws_strftime_precision`, at v1.9.10 and v5.1.1.

use super::strftime::strftime;
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::print;
use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Firehose {
    log_key: Option<Vec<u8>>,
    /// Key and format.
    time: Option<(String, String)>,
    /// Several records become one, so that it is not known where one ends. The document of each is what it would be without.
    aggregates: bool,
}

/// A record may not come near what Fluent Bit gives up. Source: plugins/out_kinesis_firehose/firehose_api.h, `MAX_EVENT_SIZE`.
const LONGEST: usize = 1_000_000;

impl Firehose {
    pub(super) fn new(section: &ReadSection) -> Result<Firehose, NotStarted> {
        let value = |option: &str| section.value(option).map(str::to_owned);
        let log_key = value("log_key").map(String::into_bytes);
        let time = value("time_key")
            .map(|key| (key, value("time_key_format").unwrap_or_else(|| "%Y-%m-%dT%H:%M:%S".to_owned())));
        if log_key.is_some() && time.is_some() {
            return Err(NotStarted::because("an output has both log_key and time_key"));
        }
        let aggregates = section.value("simple_aggregation").and_then(boolean) == Some(true);
        Ok(Firehose { log_key, time, aggregates })
    }

    pub(super) fn send(&self, core: Core, record: &Record, time: Time) -> Vec<Sent> {
        if self.aggregates {
            return vec![Sent::Unknown(Unknown("records are put together by simple_aggregation"))];
        }
        let Some(log_key) = &self.log_key else {
            let written = print::json_map(core, &record.map);
            return vec![match self.with_time(core, written, time) {
                Ok(written) if written.len() <= 2 => Sent::Nothing("the record is empty"),
                Ok(written) => document(written),
                Err(unknown) => Sent::Unknown(unknown),
            }];
        };
        // As in `cloudwatch_logs`: any key counts that `log_key` begins with, and the first and last character are taken for quotes.
        let keys =
            record.map.members.iter().filter(|(key, _)| key.as_text().is_some_and(|key| log_key.starts_with(key)));
        let of_key = |written: Vec<u8>| match written.get(1..written.len().saturating_sub(1)) {
            Some(inside) if !inside.is_empty() => document(inside.to_vec()),
            _ => Sent::Nothing("the value of `log_key` is empty"),
        };
        let mut sent: Vec<Sent> = keys.map(|(_, value)| of_key(print::json(core, value))).collect();
        if sent.is_empty() {
            sent.push(Sent::Nothing("the record has no key that is `log_key`"));
        }
        sent
    }

    /// With the time as the last member. An empty record is given up before.
    fn with_time(&self, core: Core, mut written: Vec<u8>, time: Time) -> Result<Vec<u8>, Unknown> {
        let Some((key, format)) = self.time.as_ref().filter(|_| written.len() > 2) else { return Ok(written) };
        let format = match core {
            Core::Older => format.clone(),
            Core::Newer => {
                let nanoseconds = format!("{:09}", time.nanoseconds);
                let milliseconds = format!("{:03}", time.nanoseconds / 1_000_000);
                format.replace("%3N", &milliseconds).replace("%9N", &nanoseconds).replace("%L", &nanoseconds)
            }
        };
        let shown = strftime(&format, time.seconds)?;
        if shown.is_empty() {
            return Err(Unknown("the time of a record is empty"));
        }
        written.pop();
        written.extend(format!(",\"{key}\":\"{shown}\"}}").bytes());
        Ok(written)
    }
}

fn document(mut written: Vec<u8>) -> Sent {
    if written.len() >= LONGEST {
        return Sent::Unknown(Unknown("the record is so long that it may be given up"));
    }
    written.push(b'\n');
    Sent::Document(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::parse::parse;
    use crate::simulate::json::{JsonObject, read};
    use crate::simulate::record::LinePlace;

    const TIME: Time = Time { seconds: 1_795_370_401, nanoseconds: 104_414_813 };

    fn sent(core: Core, options: &str, json: &str) -> Vec<String> {
        let configuration = parse(&format!("[OUTPUT]\n    Name kinesis_firehose\n{options}"));
        let output = Firehose::new(&configuration.sections[0]).unwrap();
        let JsonObject::Read(map) = read(core, json.as_bytes()).unwrap() else { panic!("{json}") };
        let record = Record { line: LinePlace { file: 0, line: 0 }, time: None, map };
        let shown = |sent: Sent| match sent {
            Sent::Document(document) => String::from_utf8(document).unwrap(),
            other => format!("{other:?}"),
        };
        output.send(core, &record, TIME).into_iter().map(shown).collect()
    }

    #[test]
    fn a_record_has_a_newline_and_a_time_where_it_is_wanted() {
        for (options, json, expected) in [
            ("", r#"{"a":1}"#, "{\"a\":1}\n"),
            ("    time_key t\n", r#"{"a":1}"#, "{\"a\":1,\"t\":\"2026-11-22T18:00:01\"}\n"),
            ("    time_key t\n    time_key_format %H\n", r#"{"t":1}"#, "{\"t\":1,\"t\":\"18\"}\n"),
            ("    log_key log\n", r#"{"log":"say \"x\"","n":2}"#, "say \\\"x\\\"\n"),
            ("    log_key log\n", r#"{"log":12345}"#, "234\n"),
        ] {
            for core in Core::BOTH {
                assert_eq!(sent(core, options, json), [expected], "{options}");
            }
        }
        assert_eq!(
            sent(Core::Newer, "    time_key t\n    time_key_format %S.%3N\n", "{\"a\":1}"),
            ["{\"a\":1,\"t\":\"01.104\"}\n"]
        );
        assert!(sent(Core::Older, "    time_key t\n", "{}")[0].starts_with("Nothing"));
        assert!(sent(Core::Older, "    log_key log\n", "{\"a\":1}")[0].starts_with("Nothing"));
        assert_eq!(sent(Core::Newer, "    log_key log\n", r#"{"l":"one","log":"two"}"#), ["one\n", "two\n"]);
        assert!(sent(Core::Newer, "    simple_aggregation on\n", "{\"a\":1}")[0].starts_with("Unknown"));
    }
}
